"""Penalties, inspections and the blacklist: public by one rule at every door, looked up exactly, erased for good."""

from __future__ import annotations

import datetime as dt
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.api.changes import encode_changes, encode_snapshot_json
from registry.domain.answers import Claim, Person, Provider
from registry.domain.identifiers import format_code, make_code
from registry.domain.model import Change, Draft
from registry.editions import supervision as edition_files
from registry.editions.content import ListContent
from registry.errors import InvalidInput
from registry.importers.people import columns
from registry.measures import handover
from registry.measures.handover import HandoverChoice
from registry.proposals import read_drafts
from registry.records import feed
from registry.records.asof import AsOf, make_as_of
from registry.records.snapshot import Snapshot
from registry.records.supervision import (
    list_penalty_entries,
    list_public_records,
    list_records_of_institutions,
    list_supervision_entries,
)
from registry.storage.database import Database
from registry.verification.answer import answer_claim
from registry.verification.sanctions import SanctionQuestion, find_hits, find_written
from tests.factories import (
    a_database,
    a_register,
    a_source,
    a_view,
    an_erasure,
    an_institution,
    approve,
    code_of,
    enter,
)
from tests.thoroughness import count_examples
from tests.wizard import Wizard

START = dt.date(2025, 7, 1)
DAYS = [START + dt.timedelta(days=30 * n) for n in range(8)]
HOSPITAL = an_institution("鞍山市示例医院", "辽宁省鞍山市铁西区示例路1号", uscc="12210300MB0000027N")
AGENCY = "示例助孕咨询有限公司"
PERSON = "示例当事人甲"


def a_sanction(name: str, on: dt.date = START, **values: Any) -> Draft:
    """A penalty; about the hospital unless ``organisation`` or another is given."""
    place = {} if {"organisation", "domains", "accounts"} & values.keys() else {"institution": HOSPITAL.subject}
    stated = {"kind": "penalty", "authority": "示例局", "document_no": name, "summary": "示例事由", **place, **values}
    subject = f"sanction:{make_code(name)}"
    return Draft(subject=subject, change=Change(kind="sanction", set=stated), valid_from=on)


def an_inspection(name: str, on: dt.date = START, **values: Any) -> Draft:
    stated = {"institution": HOSPITAL.subject, "kind": "inspection", "result": "no_problem", **values}
    return Draft(subject=f"supervision:{make_code(name)}", change=Change(kind="supervision", set=stated), valid_from=on)


# --- one rule for every door -----------------------------------------------------------------------------------------

days = st.none() | st.sampled_from(DAYS).map(dt.date.isoformat)


@st.composite
def records(draw: st.DrawFn) -> Draft:
    """A penalty or an inspection of the hospital, or a record about the agency, with days of every kind."""
    number = draw(st.integers(0, 5))
    made = draw(st.sampled_from(["penalty", "agency", "inspection"]))
    paths = ("public_until", "removed_on") if made == "inspection" else ("public_until", "removed_on", "published_on")
    values = {path: day for path in paths if (day := draw(days)) is not None}
    on = draw(st.sampled_from(DAYS[:4]))
    if made == "inspection":
        return an_inspection(f"检{number}", on, held_on=on.isoformat(), **values)
    if made == "agency":
        return a_sanction(f"名{number}", on, organisation=AGENCY, kind="blacklist", ends_on=draw(days), **values)
    return a_sanction(f"罚{number}", on, decided_on=draw(st.sampled_from(DAYS[:4])).isoformat(), **values)


def may_be_seen(draft: Draft, day: dt.date) -> bool:
    """The rule as docs/api.md says it, written anew."""
    said = {path: dt.date.fromisoformat(value) for path, value in draft.change.set.items() if _is_day(value)}
    starts = [draft.valid_from, *(said[path] for path in ("decided_on", "held_on", "published_on") if path in said)]
    ends = [said[path] for path in ("public_until", "ends_on") if path in said]
    return day >= max(starts) and all(day <= end for end in ends) and day < said.get("removed_on", dt.date.max)


def _is_day(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 10 and value[4] == "-"


def seen_at_doors(database: Database, day: dt.date) -> dict[str, set[str]]:
    """The codes that each door shows of a day."""
    code = format_code(code_of(HOSPITAL))
    view = a_view(database)
    with database.reading() as connection:
        asof = make_as_of(connection, day)
        page = list_public_records(connection, code, asof)
        every = list_records_of_institutions(connection, asof)
        snapshot = Snapshot(database, asof)
    lines = json.loads(b"".join(encode_snapshot_json(snapshot)))
    with ListContent(database, AsOf(valid_on=day, size=asof.size), "national") as content:
        edition = edition_files.list_records(database, asof, content)
    with view.lock:
        asked = [
            *find_hits(view, SanctionQuestion(name=AGENCY), asof, "zh-CN"),
            *find_hits(view, SanctionQuestion(name="鞍山市示例医院"), asof, "zh-CN"),
        ]
        written = [*find_written(view, AGENCY, asof, "en"), *find_written(view, "鞍山市示例医院", asof, "en")]
    answers = [answer_claim(view, Claim(provider=Provider(name=name), on=day)) for name in (AGENCY, "鞍山市示例医院")]
    by_entry = {one.sanction.entry: one.sanction.code for one in asked}
    of_hospital = {one.code for one in page}
    return {
        "page": of_hospital,
        "every": {one.code for one in every},
        "edition": {one.code for one in edition},
        "snapshot": {one["code"] for kind in ("sanctions", "supervisions") for one in lines[kind]},
        "sanctions": {one.sanction.code for one in asked},
        "search": {by_entry.get(one.entry, "?") for one in written},
        "answers": {by_entry.get(one.entry, "?") for answer in answers for one in answer.sanctions},
    }


@settings(max_examples=count_examples(24), deadline=None)
@given(st.lists(records(), max_size=6, unique_by=lambda draft: draft.subject), st.sampled_from(DAYS))
def test_every_door_shows_what_is_public_on_the_day_and_nothing_else(drafts: list[Draft], day: dt.date) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = a_register(Path(folder), a_source(as_of=START), HOSPITAL, *drafts)
        seen = seen_at_doors(database, day)
        database.close()
    code = lambda draft: format_code(draft.subject.partition(":")[2])  # noqa: E731
    public = {code(draft) for draft in drafts if may_be_seen(draft, day)}
    of_hospital = {code(draft) for draft in drafts if "institution" in draft.change.set} & public
    sanctions = {code(draft) for draft in drafts if draft.change.kind == "sanction"} & public
    assert (seen["page"], seen["every"], seen["edition"]) == (of_hospital, of_hospital, of_hospital)
    assert seen["snapshot"] == public
    assert (seen["sanctions"], seen["search"], seen["answers"]) == (sanctions, sanctions, sanctions)


def test_what_ended_leaves_every_door_and_the_log_stays_whole(tmp_path: Path) -> None:
    penalty = a_sanction("示罚1号", decided_on="2025-07-01", public_until="2025-09-30", fine="30000")
    database = a_register(tmp_path, a_source(as_of=START), HOSPITAL, penalty)
    code = format_code(penalty.subject.partition(":")[2])
    assert all(code in shown for shown in seen_at_doors(database, dt.date(2025, 9, 30)).values())
    assert not any(seen_at_doors(database, dt.date(2025, 10, 1)).values())
    with database.reading() as connection:
        size = make_as_of(connection).size
        assert "示罚1号" in encode_changes(feed.read_page(connection, 0, 10, size)).decode()
        assert [one.fine for one in list_penalty_entries(connection, size)] == [30000]
    database.close()


# --- looked up exactly -----------------------------------------------------------------------------------------------


@pytest.fixture
def database(tmp_path: Path) -> Any:
    listed = a_sanction(
        "示列1号", organisation=AGENCY, kind="blacklist", uscc="91210300MA0000000X", party="organisation",
        domains=["zhuyun.example"], accounts=["示例公众号:示例助孕"], legal_basis="示例条例",
    )  # fmt: skip
    person = a_sanction("示列2号", organisation=AGENCY, person=PERSON, party="person", kind="blacklist")
    doctor = a_sanction("示罚3号", person="示例当事人乙", party="person")
    database = a_database(tmp_path)
    enter(database, a_source(as_of=START), HOSPITAL, listed, person, doctor)
    yield database
    database.close()


def look_up(database: Database, lang: str = "zh-CN", **question: str) -> list[str | None]:
    view = a_view(database)
    with database.reading() as connection, view.lock:
        hits = find_hits(view, SanctionQuestion(**question), make_as_of(connection, START), lang)
    return [hit.sanction.document_no for hit in hits]


@pytest.mark.parametrize(
    "question",
    [
        {"name": AGENCY},
        {"name": "示例助孕咨询有限公司 "},
        {"uscc": "91210300ma0000000x"},
        {"domain": "https://www.zhuyun.example/ivf"},
        {"account": "示例公众号：示例助孕"},
    ],
)
def test_others_are_found_by_a_whole_name_number_domain_or_account(
    database: Database, question: dict[str, str]
) -> None:
    assert look_up(database, **question) == ["示列1号"]


@pytest.mark.parametrize(
    "question",
    [
        *({"name": name} for name in ("示例助孕咨询", "示例助孕", "有限公司", PERSON, "示例当事人乙")),
        {"name": PERSON, "institution": "鞍山市示例医院"},
        {"name": "示例当事人", "institution": AGENCY},
        *({"domain": domain} for domain in ("yun.example", "sub.zhuyun.example")),
        {"account": "别的平台:示例助孕"},
        {"uscc": "91210300MA"},
    ],
)
def test_nothing_near_is_found(database: Database, question: dict[str, str]) -> None:
    assert look_up(database, **question) == []


def test_a_person_is_found_by_the_name_together_with_the_institution(database: Database) -> None:
    assert look_up(database, name=PERSON, institution=AGENCY) == ["示列2号"]
    assert look_up(database, name="示例当事人乙", institution="鞍山市示例医院") == ["示罚3号"]
    assert look_up(database, name="示例当事人乙", institution=format_code(code_of(HOSPITAL))) == ["示罚3号"]
    assert look_up(database, name="鞍山市示例医院") == []  # its doctor's penalty is not the hospital's


@pytest.mark.parametrize(
    "question",
    [
        *({}, {"name": AGENCY, "uscc": "1"}, {"institution": AGENCY}, {"uscc": "1", "institution": AGENCY}),
        *({"name": " "}, {"domain": "?"}, {"account": "示例助孕"}),
    ],
)
def test_a_question_that_would_list_or_names_nobody_is_refused(database: Database, question: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        look_up(database, **question)


def test_the_verdict_is_the_same_with_and_without_a_sanction(database: Database, tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    bare = a_register(tmp_path / "bare", a_source(as_of=START), HOSPITAL)
    enter(database, a_sanction("示罚4号"))
    for name in (AGENCY, "鞍山市示例医院"):
        claim = Claim(provider=Provider(name=name), on=START, practitioner=Person(name=PERSON))
        with_it, without = (answer_claim(a_view(one), claim) for one in (database, bare))
        assert with_it.sanctions
        assert not without.sanctions
        assert (with_it.verdict, with_it.explanation) == (without.verdict, without.explanation)
    bare.close()


# --- privacy ---------------------------------------------------------------------------------------------------------


def test_an_erased_person_is_at_no_door_any_more(database: Database) -> None:
    erased = a_sanction("示列2号", organisation=AGENCY, person=PERSON)
    enter(database, an_erasure(erased, "person", on=START))
    enter(database, an_erasure(a_sanction("示列1号", organisation=AGENCY, accounts=[]), "accounts", on=START))
    assert look_up(database, name=PERSON, institution=AGENCY) == []
    assert look_up(database, account="示例公众号:示例助孕") == []
    assert look_up(database, name=AGENCY) == ["示列1号"]
    claim = Claim(provider=Provider(name=AGENCY), on=START, practitioner=Person(name=PERSON))
    assert [one.document_no for one in answer_claim(a_view(database), claim).sanctions] == ["示列1号"]
    with database.reading() as connection:
        asof = make_as_of(connection, START)
        texts = [
            encode_changes(feed.read_page(connection, 0, 100, asof.size)).decode(),
            json.dumps([str(one) for one in list_penalty_entries(connection, asof.size)], ensure_ascii=False),
            str(handover.list_rows(connection, HandoverChoice(first=START, last=DAYS[-1]), asof.size)),
        ]
    texts.append(b"".join(encode_snapshot_json(Snapshot(database, asof))).decode())
    assert not any(word in text for text in texts for word in (PERSON, "示例公众号"))


def test_no_list_names_a_person_or_an_account_even_before_erasure(database: Database) -> None:
    with database.reading() as connection:
        asof = make_as_of(connection, START)
        shown = encode_changes(feed.read_page(connection, 0, 100, asof.size)).decode()
        shown += str(list_penalty_entries(connection, asof.size)) + str(list_supervision_entries(connection, asof.size))
    shown += b"".join(encode_snapshot_json(Snapshot(database, asof))).decode()
    assert not any(word in shown for word in (PERSON, "示例当事人乙", "示例公众号"))


# --- files -----------------------------------------------------------------------------------------------------------


def a_filled_template(kind: Any, *rows: dict[str, str]) -> bytes:
    """The template as it is downloaded, with rows below the sample."""
    book = openpyxl.load_workbook(io.BytesIO(columns.make_template(kind)))
    sheet = book["填写"]
    titles = [cell.value for cell in sheet[1]]
    for row in rows:
        assert set(row) <= set(titles)
        sheet.append([row.get(str(title), "") for title in titles])
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


PENALTY = {
    **{"机构名称": "鞍山市示例医院", "种类": "行政处罚", "机关": "示例卫生健康委", "决定书文号": "示卫罚〔2025〕1号"},
    **{"决定日期": "2025-08-15", "摘要": "超范围", "罚款（元）": "30,000元", "撤销批准的技术": "体外受精-胚胎移植"},
}


def test_a_file_of_penalties_is_proposed_with_what_it_does_to_approvals(database: Database, tmp_path: Path) -> None:
    agency = {**PENALTY, "未在名录的组织": "示例中介", "决定书文号": "示卫罚〔2025〕2号"}
    agency |= {"机构名称": "", "撤销批准的技术": ""}
    wizard = Wizard(database, tmp_path / "var")
    body = a_filled_template("sanctions", PENALTY, agency)
    one = wizard.upload_and_compare(body, kind="sanctions", as_of="2025-09-01", name="罚.xlsx")
    assert one.state == "deciding", wizard.lines(one, "audit")
    one = wizard.work(one, "proposing")
    assert one.state == "proposed", one.found
    with database.reading() as connection:
        drafts = list(read_drafts(connection, one.proposal or 0))
    assert [draft.change.kind for draft in drafts] == ["source", "sanction", "sanction", "institution"]
    assert len({draft.source for draft in drafts}) == 1
    effect = drafts[-1]
    assert (effect.subject, effect.valid_from.isoformat()) == (HOSPITAL.subject, "2025-08-15")
    assert effect.change.set["approvals.IVF"]["stage"] == "revoked"
    approve(database, one.proposal or 0)
    view = a_view(database)
    verdicts = {
        day: answer_claim(view, Claim(provider=Provider(name="鞍山市示例医院"), techniques=["IVF"], on=day)).verdict
        for day in (dt.date(2025, 8, 14), dt.date(2025, 8, 15))
    }
    assert list(verdicts.values()) == ["licensed", "revoked"]
    again = wizard.upload_and_compare(body, kind="sanctions", as_of="2025-09-01", name="罚.xlsx")
    assert (again.state, again.found["drafts"]) == ("deciding", 0)


def test_a_file_of_inspections_is_read_strictly(database: Database, tmp_path: Path) -> None:
    right = {"机构名称": "鞍山市示例医院", "记录种类": "自查", "检查日期": "2025-08-20", "检查结果": "未发现问题"}
    whole = {**right, "自查期间起": "2025-01-01", "自查期间止": "2025-07-31"}
    wizard = Wizard(database, tmp_path / "var")
    wrong = wizard.upload_and_compare(
        a_filled_template("supervision", right, {**whole, "检查结果": "很好"}, {**whole, "记录种类": "检查"}),
        kind="supervision",
        as_of="2025-09-01",
        name="查.xlsx",
    )
    assert wrong.state == "audit"
    assert len([line for line in wizard.lines(wrong, "audit") if line["level"] == "error"]) == 3
    one = wizard.upload_and_compare(
        a_filled_template("supervision", whole), kind="supervision", as_of="2025-09-01", name="查.xlsx"
    )
    one = wizard.work(one, "proposing")
    approve(database, one.proposal or 0)
    with database.reading() as connection:
        (entry,) = list_supervision_entries(connection, make_as_of(connection).size)
    assert (entry.kind, str(entry.day), entry.region) == ("self_inspection", "2025-08-20", "210303")


def test_the_file_to_hand_over_has_the_other_systems_fields_and_no_person(database: Database) -> None:
    enter(database, a_sanction("示罚5号", decided_on="2025-08-15", fine="100.5", public_until="2026-08-14"))
    enter(database, a_sanction("示罚6号", decided_on="2026-01-01"))
    enter(database, a_sanction("示罚7号", decided_on="2025-08-16", removed_on="2025-09-01"))
    choice = HandoverChoice(first=dt.date(2025, 8, 1), last=dt.date(2025, 12, 31), region="210300")
    with database.reading() as connection:
        size = make_as_of(connection).size
        rows = handover.list_rows(connection, choice, size)
        elsewhere = handover.list_rows(connection, HandoverChoice(choice.first, choice.last, "220000"), size)
    assert [row.document_no for row in rows] == ["示罚5号"]
    assert elsewhere == []
    (shown,) = json.loads(handover.encode_json(rows))
    assert shown["统一社会信用代码"] == "12210300MB0000027N"
    assert shown["法定代表人"] == ""
    sheet = openpyxl.load_workbook(io.BytesIO(handover.make_workbook(rows))).active
    assert sheet is not None
    printed = list(sheet.values)
    assert [[str(cell or "") for cell in row] for row in printed] == [[*shown], [*shown.values()]]
    assert handover.make_workbook(rows) == handover.make_workbook(rows)
