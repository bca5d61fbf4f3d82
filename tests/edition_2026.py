"""The national list of 2026 as somebody may send it: the docx of 2025 with forty changes, and what is true afterwards.

Each change is a line of ``CHANGES``: what the document prints of one institution, and what the register has to say of
it once the list is imported and every question decided rightly; all others stay as they were. ``DECISIONS`` were
recorded since the list of 2025, from documents of their own. All numbers of documents and all new names are made up.
"""

from __future__ import annotations

import datetime as dt
import itertools
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

from lxml import etree

from registry.domain.techniques import BY_CODE

SOURCE = Path(__file__).parent / "data" / "national-list-2025-06.docx"
DAY = dt.date(2026, 6, 30)
TITLE = "经批准开展人类辅助生殖技术的医疗机构名单（截至2026年6月30日）"
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_STAGES = {"formal": "正式运行", "trial": "试运行"}
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)


class Line(NamedTuple):
    """What the document prints of an institution by its name of 2025, and what is true of it afterwards.

    ``kind``: the reason for the line. ``printed`` are name, address, techniques (a stage each; None: the row is gone),
    ``raised`` after the name, ``struck``, ``merged`` stages, ``wording`` of a technique. ``true`` are the fields of the
    register that differ afterwards from what it says before.
    """

    kind: str
    name: str
    printed: Mapping[str, Any] = MappingProxyType({})
    true: Mapping[str, Any] = MappingProxyType({})
    province: str | None = None  # of a new institution


def _say(name: str = "", address: str = "", **stages: str | None) -> dict[str, Any]:
    values = {"name": name, "address": address} | {f"approvals.{t}": stage for t, stage in stages.items()}
    return {path: value for path, value in values.items() if value != ""}


def _new(province: str, name: str, address: str, **stages: str) -> Line:
    both = _say(name, address, **stages)
    return Line("new", name, both, {**both, "status": "listed"}, province)


def _gone(name: str, **ended: None) -> Line:
    return Line("gone", name, {"is_gone": True}, {**_say(**ended), "status": "delisted"})


def _state(kind: str, name: str, /, **values: Any) -> Line:
    """A change of the world: the document prints it, and it is so."""
    return Line(kind, name, _say(**values), _say(**values))


def _print(kind: str, name: str, /, **printed: Any) -> Line:
    """A blemish, or what is not so any more: the document prints it, and the register stays as it is."""
    own = {key: printed.pop(key) for key in ("raised", "struck", "merged", "wording", "is_gone") if key in printed}
    return Line(kind, name, {**_say(**printed), **own})


ALL = {"AIH": None, "IVF": None, "ICSI": None}
CHANGES = (
    _new("辽宁省", "营口示例生殖专科医院", "辽宁省营口市站前区示例路8号", AIH="trial"),
    _new("辽宁省", "鞍山示例生殖专科医院", "辽宁省鞍山市铁西区三道街117号", AIH="trial", IVF="trial"),
    _new("青海省", "青海示例生殖医院", "青海省西宁市城北区示例路1号", AIH="formal"),
    _new("宁夏回族自治区", "宁夏示例妇产医院", "宁夏回族自治区银川市金凤区示例街5号", AIH="trial"),
    _gone("吉林国健高新妇产医院", AIH=None),
    _gone("海口玛丽医院", **ALL),
    _gone("山西现代妇产医院", **ALL),
    _state("renamed", "梅河口市中心医院", name="梅河口市示例中心医院"),
    _state("renamed", "山西省煤炭中心医院", name="山西示例总医院（原山西省煤炭中心医院）"),
    _state("renamed", "海南现代妇女儿童医院", name="海南示例妇女儿童医院"),
    _state("moved", "大同市第三人民医院", address="山西省大同市平城区示例街9号"),
    _state("moved", "三亚市妇幼保健院", address="海南省三亚市海棠区示例路6号"),
    _state("moved", "吉林省延边妇幼保健院", address="吉林省延边朝鲜族自治州延吉市示例街3号"),
    _state("gained", "山西省汾阳医院", IVF="trial"),
    _state("gained", "吉林省妇幼保健院（吉林省产科质量控制中心）", IVF="trial", ICSI="trial"),
    _state("gained", "海南西部中心医院", IVF="trial"),
    _state("gained", "辽宁省妇幼保健院", IVF="trial"),
    _state("lost", "运城市中心医院", AID=None),
    _state("lost", "海口市妇幼保健院", ICSI=None),
    _state("stage", "联勤保障部队第九六四医院", AIH="formal"),
    _state("stage", "解放军总医院海南医院", AIH="formal"),
    _state("stage", "宁夏妇幼保健院宁夏儿童医院", AIH="formal"),
    _state("stage", "巴音郭楞蒙古自治州人民医院", AIH="formal"),
    _state("stage", "沈阳安联妇婴医院有限公司", AIH="formal", IVF="formal", ICSI="formal"),
    Line("suspension ended", "海南菁华和京生殖医院", {}, _say(IVF="formal")),  # a person knows the document
    # What the document still prints of 2025 although it was decided otherwise since: see DECISIONS.
    _print("revoked", "大连大学附属中山医院"),
    _print("suspended", "沈阳九州家圆医院（有限责任公司）"),
    _print("lapsed", "青岛大学附属医院"),
    _print("renewed", "沈阳菁华医院有限公司"),
    _print("renamed since", "沈阳美德因妇儿医院股份有限公司"),
    _print("moved since", "沈阳二〇四医院"),
    _print("newer approval", "临汾市人民医院"),
    _print("struck row of one delisted", "琼海市中医院", struck=True),
    # Blemishes of the document.
    _print("former name", "北部战区总医院和平院区", name="原沈阳军区第202医院"),
    _print("blank in a name", "吉林大学第一医院", name="吉林大学 第一医院"),
    _print("narrow brackets", "大连市妇女儿童医疗中心（集团）", name="大连市妇女儿童医疗中心(集团)"),
    _print(
        "missing bracket",
        "浙江大学医学院附属妇产医院吉林医院（长春妇产医院、长春妇幼保健院）",
        name="浙江大学医学院附属妇产医院吉林医院（长春妇产医院、长春妇幼保健院",
    ),
    _print("full-width number", "长治医学院附属和平医院", address="山西省长治市潞州区延安南路１１０号"),
    _print("district misspelt", "沈阳市妇幼保健院", address="辽宁省沈阳市沈和区沈州路41号"),
    _print("merged stages", "中国医科大学附属盛京医院", merged=True),
    _print("raised number", "吉林省人民医院", raised="1"),
    _print("star", "海南省妇幼保健院", name="海南省妇幼保健院*"),
    _print("technique misspelt", "银川市妇幼保健院", wording="夫精人工受精"),
    _print("technique misspelt", "宁夏医科大学总医院", wording="夫精人工受精"),
)
#: Printed numbers that are wrong: of a province, and of the last row.
WRONG_PROVINCE, TOTAL_OFF_BY = ("海南省", 1), 2
#: Answers that only a person who knows the document can give: the list is taken, for this reason.
TAKEN = {"海南菁华和京生殖医院": "见琼示卫函〔2026〕5号恢复开展"}
_FINAL = {"stage": "formal"}


class Decision(NamedTuple):
    """What a document other than a list states of one institution; of a new one with ``name``."""

    name: str
    on: str
    values: dict[str, Any]
    title: str
    number: str


DECISIONS = (
    Decision(
        "大连大学附属中山医院",
        "2026-02-01",
        {f"approvals.{t}": {"stage": "revoked"} for t in ("IVF", "ICSI")},
        "示例撤销决定",
        "辽示卫〔2026〕3号",
    ),
    Decision("沈阳九州家圆医院（有限责任公司）", "2026-03-01", {"status": "suspended"}, "示例停业整改通知", "1号"),
    Decision(
        "海南菁华和京生殖医院", "2025-10-15", {"approvals.IVF": {"stage": "suspended"}}, "示例暂停通知", "琼示卫2号"
    ),
    Decision(
        "沈阳菁华医院有限公司",
        "2026-01-10",
        {"approvals.IVF": {**_FINAL, "document_no": "辽示卫〔2026〕1号", "verification_due": "2028-01-09"}},
        "示例校验结果",
        "辽示卫〔2026〕1号",
    ),
    Decision(
        "青岛大学附属医院",
        "2025-09-01",
        {"approvals.AIH": {**_FINAL, "verification_due": "2026-01-31"}},
        "示例校验结果",
        "鲁示卫9号",
    ),
    Decision(
        "沈阳美德因妇儿医院股份有限公司", "2026-03-10", {"name": "沈阳示例妇儿医院"}, "示例变更登记", "辽示卫11号"
    ),
    Decision(
        "沈阳二〇四医院",
        "2026-04-01",
        {"address": "辽宁省沈阳市浑南区示例路204号", "region": "210112"},
        "示例变更登记",
        "辽示卫12号",
    ),
    Decision("临汾市人民医院", "2026-05-10", {"approvals.PGT": {"stage": "trial"}}, "示例批准书", "晋示卫7号"),
    Decision(
        "琼海市中医院",
        "2026-04-20",
        {"status": "delisted", **{f"approvals.{t}": {"stage": "revoked"} for t in ("AIH", "IVF", "ICSI")}},
        "示例撤销决定",
        "琼示卫8号",
    ),
    Decision("大连医科大学附属第一医院", "2026-08-01", {"approvals.AIH": {"stage": "revoked"}}, "示例撤销决定", "20号"),
    Decision(
        "朝阳示例妇产医院",
        "2026-05-20",
        {
            "name": "朝阳示例妇产医院",
            "address": "辽宁省朝阳市双塔区示例路5号",
            "region": "211302",
            "status": "listed",
            "approvals.AIH": {"stage": "trial"},
        },
        "示例批准书",
        "辽示卫15号",
    ),
)


# --- the document ----------------------------------------------------------------------------------------------------


class Printed(NamedTuple):
    """One institution of the document: a row per technique, with the words for it and its stage."""

    province: str
    name: str
    address: str
    techniques: list[tuple[str, str]]
    marks: frozenset[str] = frozenset()
    raised: str = ""


def read_document(path: Path = SOURCE) -> list[Printed]:
    """The institutions of the docx of 2025 by its rows, without the reader that is tested."""
    found: list[Printed] = []
    province = ""
    with zipfile.ZipFile(path) as archive:
        body = etree.fromstring(archive.read("word/document.xml"))
    for row in body.iter(f"{{{_W}}}tr"):
        cells = ["".join(cell.itertext()) for cell in row.iter(f"{{{_W}}}tc")]
        if len(cells) < 6 or cells[2] == "医疗机构名称":
            continue
        province = cells[0].partition("（")[0] or province
        if cells[2]:
            found.append(Printed(province, cells[2], cells[3], []))
        found[-1].techniques.append((cells[4], cells[5]))
    return found


def list_printed() -> list[Printed]:
    """The institutions as the document of 2026 prints them."""
    changes = {change.name: change for change in CHANGES}
    rows: list[Printed] = []
    for province, group in itertools.groupby(read_document(), lambda one: one.province):
        rows += (_apply(changes.get(one.name), one) for one in group)
        rows += (
            _apply(change, Printed(province, change.name, "", [])) for change in CHANGES if change.province == province
        )
    return [one for one in rows if "gone" not in one.marks]


def _apply(change: Line | None, one: Printed) -> Printed:
    if change is None:
        return one
    printed, words = change.printed, dict(one.techniques)
    for path, stage in printed.items():
        if path.startswith("approvals."):
            wording = BY_CODE[path.removeprefix("approvals.")].official_zh  # type: ignore[index]
            old = next((word for word in words if word in wording or wording in word), wording)
            words.pop(old, None) if stage is None else words.update({old: _STAGES[stage]})
    if "wording" in printed:
        words = {printed["wording"] if word == "夫精人工授精" else word: stage for word, stage in words.items()}
    marks = {"gone": printed.get("is_gone"), "struck": printed.get("struck"), "merged": printed.get("merged")}
    return one._replace(
        name=printed.get("name") or one.name,
        address=printed.get("address") or one.address,
        techniques=[*words.items()],
        marks=frozenset(mark for mark, is_set in marks.items() if is_set),
        raised=printed.get("raised", ""),
    )


def write_document(path: Path, rows: Iterable[Printed] | None = None) -> Path:
    """Write the docx, the same bytes every time."""
    printed = list_printed() if rows is None else [*rows]
    parts = "".join(_write_rows(printed))
    body = f"<w:p><w:r><w:t>{TITLE}</w:t></w:r></w:p><w:tbl>{parts}</w:tbl><w:p/>"
    text = f'<?xml version="1.0" encoding="UTF-8"?><w:document xmlns:w="{_W}"><w:body>{body}</w:body></w:document>'
    with zipfile.ZipFile(SOURCE) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in ("[Content_Types].xml", "_rels/.rels", "word/_rels/document.xml.rels", "word/styles.xml"):
            new.writestr(zipfile.ZipInfo(name, _FIRST_DAY), old.read(name))
        new.writestr(zipfile.ZipInfo("word/document.xml", _FIRST_DAY), text, zipfile.ZIP_DEFLATED)
    return path


def _write_rows(printed: list[Printed]) -> Iterator[str]:
    yield f'<w:tr><w:tc><w:tcPr><w:gridSpan w:val="6"/></w:tcPr>{_paragraph("截至2026年6月30日")}</w:tc></w:tr>'
    heads = [_cell(word) for word in ("省份", "序号", "医疗机构名称", "地址", "批准开展的技术", "运行情况")]
    yield _row(heads)
    counts = {province: len([*group]) for province, group in itertools.groupby(printed, lambda one: one.province)}
    counts[WRONG_PROVINCE[0]] += WRONG_PROVINCE[1]
    province = ""
    for number, one in enumerate(printed, start=1):
        for line, (technique, stage) in enumerate(one.techniques):
            is_first = not line and one.province != province
            merge = "continue" if line else "restart"
            struck = "struck" in one.marks
            yield _row(
                [
                    _cell(f"{one.province}（{counts[one.province]}家）", "restart" if is_first else "continue"),
                    _cell(str(number), merge),
                    _cell(one.name, merge, one.raised, struck=struck),
                    _cell(one.address, merge, struck=struck),
                    _cell(technique, struck=struck),
                    _cell(stage, merge if "merged" in one.marks else None, struck=struck),
                ]
            )
            province = one.province
        if number % 200 == 0:
            yield _row(heads)  # the top of another page
            province = ""
    yield _row([_cell(text) for text in ("合计", "", f"{len(printed) + TOTAL_OFF_BY}家", "", "", "")])


def _row(cells: list[str]) -> str:
    return f"<w:tr>{''.join(cells)}</w:tr>"


def _cell(text: str, merge: str | None = None, raised: str = "", *, struck: bool = False) -> str:
    own = '<w:vMerge w:val="restart"/>' if merge == "restart" else "<w:vMerge/>" if merge else ""
    inside = "<w:p/>" if merge == "continue" else _paragraph(text, raised, struck=struck)
    return f"<w:tc><w:tcPr>{own}</w:tcPr>{inside}</w:tc>"


def _paragraph(text: str, raised: str = "", *, struck: bool = False) -> str:
    look = "<w:rPr><w:strike/></w:rPr>" if struck else ""
    note = f'<w:r><w:rPr><w:vertAlign w:val="superscript"/></w:rPr><w:t>{raised}</w:t></w:r>' if raised else ""
    return f'<w:p><w:r>{look}<w:t xml:space="preserve">{escape(text)}</w:t></w:r>{note}</w:p>'


# --- what is true afterwards -----------------------------------------------------------------------------------------

#: What is compared of an institution: values by path, of approvals the stage.
Facts = dict[str, Any]


def select_facts(values: dict[str, Any]) -> Facts:
    """Name, address, status and the stage of each approval, of what the register says of an institution."""
    facts = {path: values.get(path) for path in ("name", "address", "status")}
    return facts | {
        path: value["stage"] for path, value in values.items() if path.startswith("approvals.") and value is not None
    }


def foresee(before: dict[str, Facts], by_name: dict[str, str]) -> tuple[dict[str, Facts], list[Facts]]:
    """What is true of every institution by its subject, and of those that are new.

    ``by_name``: the subject of each name of 2025 that a change speaks of.
    """
    after = {subject: dict(facts) for subject, facts in before.items()}
    new: list[Facts] = []
    for change in CHANGES:
        facts = {} if change.province else after[by_name[change.name]]
        facts |= change.true
        for path in [path for path, value in facts.items() if path.startswith("approvals.") and value is None]:
            del facts[path]
        if change.province:
            new.append(facts)
    return after, new
