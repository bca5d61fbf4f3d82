"""Sample institutions, histories and people: fictional (示例), or real institutions as the published list prints them.

No person here belongs to a real institution.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import msgspec

from public_site.responses import SiteFacts
from registry.domain import model
from registry.domain.identifiers import format_code, make_code
from registry.domain.techniques import BY_CODE, LAWFUL_STAGES, Stage, TechniqueCode
from registry.records import standing
from registry.records.history import FieldChange, Version

AT = dt.datetime(2025, 11, 22, 2, 52, tzinfo=dt.UTC)
#: Days on which pages are looked at: some months after the list, and when it has grown old.
TODAY, LATER = dt.date(2025, 11, 22), dt.date(2026, 11, 30)
LIST = model.SourceRef(title="经批准开展人类辅助生殖技术的医疗机构名单", as_of=dt.date(2025, 6, 30), secondary=True)
NOTICE = model.SourceRef(title="示例省卫生健康委员会公告", as_of=dt.date(2025, 9, 1), published=dt.date(2025, 9, 8))
SITE = SiteFacts(count=635, as_of=LIST.as_of, source=LIST, updated=AT)
ALL: tuple[TechniqueCode, ...] = ("AIH", "AID", "IVF", "ICSI", "PGT", "SPERM_BANK")
EXAMPLE_PLACE = model.Region(code="210303", province="示例省", city="示例市", district="示例区")


def make_approval(technique: TechniqueCode, stage: Stage = "formal", **more: object) -> model.Approval:
    """One approval, as it stands by its stage alone."""
    word = "in_force" if stage in LAWFUL_STAGES else stage
    values = {
        "technique": technique,
        "name": BY_CODE[technique].official_zh,
        "stage": stage,
        "standing": word,
        **more,
    }
    return msgspec.convert(values, model.Approval)


def make_institution(name: str, *approvals: model.Approval, **more: object) -> model.Institution:
    """One institution; fictional unless ``more`` gives its real place and address."""
    values: dict[str, object] = {
        "known_as": [],
        "aliases": [],
        "former_names": [],
        "region": EXAMPLE_PLACE,
        "address": "示例省示例市示例区示例路1号",
        "status": "listed",
        "uscc": None,
        "practice_licence_no": None,
        "domains": [],
        "ownership": None,
        "level": None,
        "campus": None,
        "source": LIST,
        "entry": 1234,
        "log_size": 2000,
        **more,
    }
    code = format_code(make_code(f"{name}|{values['address']}"))
    return judge_on(model.Institution(code=code, name=name, standing="approved", approvals=list(approvals), **values))  # type: ignore[arg-type]


def judge_on(
    it: model.Institution, day: dt.date = LIST.as_of, since: Mapping[str, dt.date] | None = None
) -> model.Institution:
    """The institution as it stands on a day; ``since``: the first days of its values by path, as a history has them."""
    days = since or {}
    approvals = []
    for a in it.approvals:
        word = a.standing if a.standing == "unknown" else standing.judge_approval(a, it.status, day)
        judged = msgspec.structs.replace(a, standing=word)
        first = days.get(f"approvals.{a.technique}") or (days.get("status") if it.status == "suspended" else None)
        approvals.append(msgspec.structs.replace(judged, since=first or a.since or standing.find_own_day(judged)))
    word = standing.judge_institution(it.status, [a.standing for a in approvals])
    return msgspec.structs.replace(it, standing=word, approvals=approvals)


ANSHAN = make_institution(
    "鞍山市妇儿医院（鞍山市妇幼保健院）",
    make_approval("AIH"),
    make_approval("IVF"),
    make_approval("ICSI"),
    aliases=["鞍山市妇幼保健院"],
    former_names=[model.FormerName(name="鞍山市妇儿医院", until=dt.date(2025, 6, 30))],
    region=model.Region(code="210303", province="辽宁省", city="鞍山市", district="铁西区"),
    address="辽宁省鞍山市铁西区三道街115号",
    name_en="Anshan Women's and Children's Hospital",
)
FUYING = make_institution(
    "沈阳市妇婴医院",
    make_approval("AIH"),
    make_approval("IVF"),
    make_approval("ICSI"),
    make_approval("PGT"),
    region=model.Region(code="210103", province="辽宁省", city="沈阳市", district="沈河区"),
    address="辽宁省沈阳市沈河区大南街87号",
)
FUYOU = make_institution(
    "沈阳市妇幼保健院",
    make_approval("AIH"),
    region=model.Region(code="210103", province="辽宁省", city="沈阳市", district="沈河区"),
    address="辽宁省沈阳市沈河区沈州路41号",
)
FULL = make_institution(
    "示例市示例生殖医院（示例市妇幼保健院）",
    make_approval("AIH", valid_from=dt.date(2016, 3, 1)),
    make_approval("IVF", valid_from=dt.date(2018, 5, 10)),
    make_approval("ICSI", "operating", note="2 formal + 1 trial"),
    make_approval("PGT", "trial"),
    aliases=["示例市妇幼保健院"],
    former_names=[model.FormerName(name="示例市妇儿医院", until=dt.date(2023, 12, 31))],
    uscc="12100000000000000X",
    practice_licence_no="000000000000000000000A",
    ownership="public",
    level="三级甲等",
    campus="示例院区",
    domains=["hospital.example"],
    name_en="Example Reproductive Hospital",
)
TRIAL = make_institution("示例市示例试运行医院", make_approval("PGT", "trial"), source=NOTICE)
RECTIFY = make_institution(
    "示例市示例整改医院", make_approval("IVF", "rectification"), make_approval("AIH", "preparing")
)
PREPARING = make_institution("示例市示例筹建医院", make_approval("IVF", "preparing"))
SUSPENDED = make_institution(
    "示例市示例停业医院",
    make_approval("IVF", "suspended", since=dt.date(2025, 8, 1)),
    make_approval("AIH", "suspended"),
    status="suspended",
    ownership="private",
    former_names=[],
    source=NOTICE,
)
REVOKED = make_institution("示例市示例撤销医院", make_approval("IVF", "revoked"), make_approval("AIH", "lapsed"))
LAPSED = make_institution(
    "示例市示例失效医院",
    make_approval("IVF", "lapsed", since=dt.date(2024, 4, 1)),
    make_approval("ICSI", "revoked", since=dt.date(2024, 4, 1)),
    status="delisted",
)
DELISTED = make_institution("示例市示例除名医院", make_approval("IVF"), status="delisted")
NOTHING = make_institution("示例市示例空白医院")
CLOSED = make_institution("示例市示例停诊医院", status="suspended")
MIXED = make_institution(
    "示例市示例多样医院",
    make_approval("AIH"),
    make_approval("IVF", valid_from=dt.date(2026, 1, 1)),
    make_approval("PGT", standing="unknown"),
)
NARROW = make_institution(
    "示例市示例部分停业医院", make_approval("AIH"), make_approval("IVF"), make_approval("PGT", "suspended")
)
UNSOURCED = make_institution(
    "示例市示例诊疗中心",
    make_approval("SPERM_BANK"),
    source=None,
    aliases=["示例精子库"],
    region=model.Region(code=None, province=None, city=None, district=None),
    address="示例路（门牌不详）",
)


def make_version(
    entry: int,
    day: dt.date,
    *changes: tuple[str, object, object],
    reason: str | None = None,
    source: model.SourceRef | None = LIST,
    corrects: bool = False,
) -> Version:
    """One entry of a history: changes are (field, before, after)."""
    made = [FieldChange(field=field, from_=before, to=after) for field, before, after in changes]
    return Version(
        entry=entry, recorded_at=AT, valid_from=day, changes=made, source=source, reason=reason, corrects=corrects
    )


VERSIONS = [
    make_version(1711, dt.date(2025, 9, 1), ("approvals.PGT", None, {"stage": "trial"}), source=NOTICE),
    make_version(1640, dt.date(2025, 6, 30), reason=None),
    make_version(
        1234,
        dt.date(2024, 6, 30),
        ("name", "示例市妇儿医院", FULL.name),
        ("aliases", None, ["示例市妇幼保健院"]),
        ("approvals.ICSI", {"stage": "trial"}, {"stage": "operating"}),
        ("level", "三级乙等", None),
        reason="前次录入漏写第二名称。",
    ),
    make_version(
        12,
        dt.date(2018, 2, 21),
        ("name", None, "示例市妇儿医院"),
        ("address", None, FULL.address),
        ("status", None, "listed"),
        ("region", None, "210303"),
        ("ownership", None, "public"),
        ("uscc", None, FULL.uscc),
        ("name_en", None, FULL.name_en),
        ("extra.英文名称依据", None, "译名，由中文名称逐部分译出，不是机构公布的名称"),
        ("ownership_form", None, "集团"),
        ("extra.床位", None, "800"),
        ("approvals.IVF", None, {"stage": "formal"}),
        source=None,
    ),
]
DELISTING = [make_version(1801, dt.date(2025, 6, 30), ("status", "listed", "delisted"), ("address", "旧址", None))]


def _make_person(
    name: str | None, role: str, start: dt.date | None, end: dt.date | None, kind: str | None
) -> model.Practitioner:
    return model.Practitioner(
        code=format_code(make_code(name or role)),
        name=name,
        institution=FULL.code,
        role=role,
        techniques=["IVF", "ICSI"],
        valid_from=start,
        valid_to=end,
        certificate_kind=kind,
        source=NOTICE,
        entry=1,
        log_size=2000,
    )


PEOPLE = [
    _make_person("示例甲", "临床负责人", dt.date(2024, 1, 1), dt.date(2026, 12, 31), "母婴保健技术考核合格证"),
    _make_person("示例乙", "实验室负责人", dt.date(2024, 1, 1), None, None),
    _make_person("示例丙", "实验室技术人员", None, dt.date(2026, 12, 31), "上岗合格证"),
    _make_person("示例丁", "护士", None, None, None),
    _make_person(None, "遗传咨询师", None, None, None),
]
