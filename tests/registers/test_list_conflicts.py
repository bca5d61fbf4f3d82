"""A list never outranks a decision: what it would undo stays, and is put before a person with both documents."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from registry import proposals
from registry.domain.identifiers import format_code
from registry.domain.model import Draft
from registry.errors import InvalidInput
from registry.importers.wizard.list_import import ImportOutcome, ImportRequest, import_list
from registry.log import store
from registry.records import lookup
from registry.records.asof import make_as_of
from registry.storage.database import Database
from tests.factories import (
    DAY,
    a_change,
    a_database,
    a_list,
    a_source,
    a_view,
    an_institution,
    approve,
    ask,
    code_of,
    enter,
)

HOSPITAL = {"name": "鞍山市示例医院", "address": "辽宁省鞍山市铁西区示例路1号"}
FIRST = DAY.replace(year=2024)
REVOKED = dt.date(2026, 3, 1)
NEXT = dt.date(2026, 6, 30)
NOW = dt.date(2026, 11, 1)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = a_database(tmp_path)
    yield database
    database.close()


def a_document(identifier: str = "doc-1", as_of: dt.date = REVOKED, title: str = "示例撤销决定") -> Draft:
    """A document as the forms record one: of one institution, complete nowhere."""
    return a_source(identifier, as_of, "partial", title=title, origin="示卫医〔2026〕3号", covers=["IVF"])


def decide(database: Database, on: dt.date = REVOKED, as_of: dt.date = REVOKED, **values: Any) -> None:
    """A decision of its own about the hospital, with its document."""
    about = an_institution(HOSPITAL["name"], HOSPITAL["address"])
    stated = {path.replace("_", ".", 1) if path.startswith("approvals") else path: v for path, v in values.items()}
    enter(database, a_document(as_of=as_of), a_change(about, on, stated, "doc-1"))


def enter_hospital(database: Database) -> None:
    enter(database, a_source(as_of=FIRST), an_institution(HOSPITAL["name"], HOSPITAL["address"], on=FIRST))


def bring(
    database: Database, row: dict[str, Any], on: dt.date = NEXT, scope: str = "national", **told: Any
) -> ImportOutcome:
    """Import a list of one row, and have it approved."""
    path = a_list(Path(str(database.url.database)).with_name(f"list-{on}.csv"), [row] if row else [])
    request = ImportRequest(path=path, as_of=on, scope=scope, title=f"示例名单{on}", **told)
    outcome = import_list(database, request, by="editor.a")
    approve(database, outcome.proposal or 0)
    return outcome


def verdict(database: Database, technique: str = "IVF", on: dt.date = NOW) -> str:
    return str(ask(a_view(database), HOSPITAL["name"], technique, on=on).verdict)


REVOCATION = {"stage": "revoked", "document_no": "示卫医〔2026〕3号", "authority": "示例卫生健康委"}


def test_a_list_after_a_revocation_leaves_it_and_says_so(database: Database) -> None:
    enter_hospital(database)
    decide(database, approvals_IVF=REVOCATION)
    assert verdict(database) == "revoked"
    bring(database, {**HOSPITAL, "techniques": "IVF"})
    assert verdict(database) == "revoked"


def test_a_list_of_2025_leaves_a_revocation_of_2026_that_goes_back_before_it(database: Database) -> None:
    enter_hospital(database)
    decide(database, on=dt.date(2025, 1, 1), as_of=REVOKED, approvals_IVF=REVOCATION)
    bring(database, {**HOSPITAL, "techniques": "IVF"}, DAY)
    assert verdict(database) == "revoked"


def one_conflict(outcome: ImportOutcome) -> dict[str, Any]:
    (line,) = outcome.difference["conflicts"]
    return line


def test_both_documents_stand_side_by_side(database: Database) -> None:
    enter_hospital(database)
    decide(database, approvals_IVF=REVOCATION)
    line = one_conflict(bring(database, {**HOSPITAL, "techniques": "IVF"}))
    assert (line["field"], line["recorded"], line["listed"]) == ("approvals.IVF", REVOCATION, {"stage": "formal"})
    assert (line["choice"], line["reason"], line["row"]) == ("decision", None, 2)
    told = {name: line["decision"][name] for name in ("title", "number", "authority", "day", "since")}
    assert told == {
        "title": "示例撤销决定",
        "number": "示卫医〔2026〕3号",
        "authority": "示例卫生健康委",
        "day": "2026-03-01",
        "since": "2026-03-01",
    }
    assert (line["list_document"]["title"], line["list_document"]["day"]) == ("示例名单2026-06-30", "2026-06-30")


def test_taking_the_list_publishes_the_reason_with_the_entry(database: Database) -> None:
    enter_hospital(database)
    decide(database, approvals_IVF=REVOCATION)
    row = {**HOSPITAL, "techniques": "IVF"}
    code = format_code(code_of(an_institution(HOSPITAL["name"], HOSPITAL["address"])))
    outcome = bring(database, row, takes=((code, "approvals.IVF"),), reason="见示卫医〔2026〕9号恢复执业")
    assert one_conflict(outcome)["choice"] == "list"
    assert verdict(database) == "licensed"
    with database.reading() as connection:
        entries = store.read_subject_entries(connection, f"institution:{code.replace('-', '')}", 99)
    taken = entries[-1].change
    assert (taken.reason, taken.set) == ("见示卫医〔2026〕9号恢复执业", {"approvals.IVF": {"stage": "formal"}})
    assert "approvals.IVF" not in entries[-2].change.set
    again = bring(database, row, NEXT + dt.timedelta(days=100))  # what was taken is what holds from now on
    assert again.difference["conflicts"] == []


@pytest.mark.parametrize("takes", [(("7K2M-9QX4", ""),), ((None, "name"),)])
def test_a_list_is_taken_nowhere_else(database: Database, takes: tuple[tuple[str | None, str], ...]) -> None:
    enter_hospital(database)
    decide(database, approvals_IVF=REVOCATION)
    own = format_code(code_of(an_institution(HOSPITAL["name"], HOSPITAL["address"])))
    chosen = tuple((code or own, field) for code, field in takes)
    with pytest.raises(InvalidInput, match="没有不一致"):
        bring(database, {**HOSPITAL, "techniques": "IVF"}, takes=chosen, reason="示例理由")
    with pytest.raises(InvalidInput, match="须写明理由"):
        bring(database, {**HOSPITAL, "techniques": "IVF"}, takes=((own, ""),), reason=" ")


SUSPENDED = {"stage": "suspended"}
DUE = {"stage": "formal", "verification_due": "2026-01-31"}


@pytest.mark.parametrize(
    ("decision", "row", "field", "before", "after"),
    [
        ({"approvals_IVF": SUSPENDED}, {}, "approvals.IVF", "suspended", "suspended"),
        ({"approvals_IVF": {"stage": "lapsed"}}, {}, "approvals.IVF", "lapsed", "lapsed"),
        ({"approvals_IVF": None}, {}, "approvals.IVF", "technique_not_licensed", "technique_not_licensed"),
        ({"approvals_IVF": DUE}, {}, "approvals.IVF", "lapsed", "lapsed"),
        ({"approvals_IVF": REVOCATION}, {"stages": "suspended"}, "approvals.IVF", "revoked", "revoked"),
        ({"status": "suspended"}, {}, "status", "suspended", "suspended"),
        ({"status": "delisted", "approvals_IVF": None}, {}, "status", "not_found", "not_found"),
        ({"approvals_IVF": {"stage": "trial"}}, {}, "approvals.IVF", "licensed", "licensed"),
        ({"name": "鞍山示例新名医院"}, {}, "name", "licensed", "licensed"),
        ({"address": "辽宁省鞍山市铁东区示例街8号", "region": "210302"}, {}, "address", "licensed", "licensed"),
    ],
)
def test_whatever_a_decision_stated_stays(
    database: Database, decision: dict[str, Any], row: dict[str, Any], field: str, before: str, after: str
) -> None:
    enter_hospital(database)
    decide(database, **decision)
    assert verdict(database) == before
    outcome = bring(database, {**HOSPITAL, "techniques": "IVF", **row})
    assert field in [line["field"] for line in outcome.difference["conflicts"]]
    assert {line["choice"] for line in outcome.difference["conflicts"]} == {"decision"}
    assert verdict(database) == after
    with database.reading() as connection:
        code = code_of(an_institution(HOSPITAL["name"], HOSPITAL["address"]))
        values = lookup.read_values(connection, f"institution:{code}", make_as_of(connection, NOW))
    stated = {path.replace("_", ".", 1) if path.startswith("approvals") else path: v for path, v in decision.items()}
    assert {path: values.get(path) for path in stated} == stated


def test_a_stop_that_a_list_printed_is_undone_by_no_list_either(database: Database) -> None:
    enter_hospital(database)
    bring(database, {**HOSPITAL, "techniques": "IVF", "stages": "suspended"}, DAY)
    outcome = bring(database, {**HOSPITAL, "techniques": "IVF"})
    assert one_conflict(outcome)["decision"]["title"] == f"示例名单{DAY}"
    assert verdict(database) == "suspended"


def test_what_only_stops_is_let_through_where_the_list_is_newer(database: Database) -> None:
    enter_hospital(database)
    decide(database, approvals_IVF={"stage": "formal", "document_no": "示卫医〔2026〕3号"})
    assert bring(database, {**HOSPITAL, "techniques": "IVF", "stages": "suspended"}).difference["conflicts"] == []
    assert verdict(database) == "suspended"


def test_a_revocation_outlives_a_list_that_leaves_the_hospital_out(database: Database) -> None:
    enter_hospital(database)
    decide(database, approvals_IVF=REVOCATION)
    other = {"name": "大连市示例医院", "address": "辽宁省大连市中山区示例路8号", "techniques": "IVF"}
    assert bring(database, other).difference["conflicts"] == []
    outcome = bring(database, {**HOSPITAL, "techniques": "IVF"}, NEXT + dt.timedelta(days=60))
    assert [line["field"] for line in outcome.difference["conflicts"]] == ["approvals.IVF"]
    assert [line["name"] for line in outcome.difference["relisted"]] == [HOSPITAL["name"]]
    assert verdict(database) == "revoked"


@pytest.mark.parametrize(("due", "conflicts"), [("2026-01-31", 1), ("2026-08-31", 0)])
def test_a_verification_that_was_due_outlives_a_list_that_leaves_the_hospital_out(
    database: Database, due: str, conflicts: int
) -> None:
    enter_hospital(database)
    decide(database, on=FIRST, as_of=FIRST, approvals_IVF={"stage": "formal", "verification_due": due})
    bring(database, {**HOSPITAL, "techniques": "IVF"}, DAY)  # repeated by a list: it may be left out by the next
    other = {"name": "大连市示例医院", "address": "辽宁省大连市中山区示例路8号", "techniques": "IVF"}
    bring(database, other, DAY + dt.timedelta(days=90))
    outcome = bring(database, {**HOSPITAL, "techniques": "IVF"})
    assert len(outcome.difference["conflicts"]) == conflicts
    assert verdict(database) == ("technique_not_licensed" if conflicts else "lapsed")


def test_an_approval_by_a_document_does_not_end_because_a_list_leaves_it_out(database: Database) -> None:
    enter(database, a_source(as_of=FIRST))
    enter(database, a_document(), an_institution(HOSPITAL["name"], HOSPITAL["address"], on=REVOKED, source="doc-1"))
    other = {"name": "大连市示例医院", "address": "辽宁省大连市中山区示例路8号", "techniques": "IVF"}
    outcome = bring(database, other)
    line = one_conflict(outcome)
    assert (line["field"], line["recorded"], line["listed"], line["row"]) == ("status", "listed", "delisted", None)
    assert (outcome.difference["gone"], verdict(database)) == ([], "licensed")
    outcome = bring(database, other, NEXT + dt.timedelta(days=60), takes=((line["code"], ""),), reason="已歇业")
    assert (len(outcome.difference["gone"]), verdict(database)) == (1, "not_found")


def test_a_stopped_hospital_gains_no_technique_by_a_list(database: Database) -> None:
    enter_hospital(database)
    decide(database, approvals_IVF=REVOCATION)
    for day in (DAY, NEXT):  # a list from before the revocation, and one after it
        outcome = bring(database, {**HOSPITAL, "techniques": "AIH IVF"}, day)
        assert "approvals.AIH" in [line["field"] for line in outcome.difference["conflicts"]]
    assert verdict(database, "AIH") == "technique_not_licensed"
    assert ask(a_view(database), HOSPITAL["name"], on=NOW).verdict == "revoked"


def test_a_new_row_under_the_name_of_a_stopped_hospital_is_left_out(database: Database) -> None:
    enter_hospital(database)
    decide(database, approvals_IVF=REVOCATION)
    twins = [
        {"name": HOSPITAL["name"], "address": f"辽宁省鞍山市{place}", "techniques": "IVF"}
        for place in ("海城市示范街7号", "台安县示范街9号")
    ]
    path = a_list(Path(str(database.url.database)).with_name("twins.csv"), twins)
    outcome = import_list(database, ImportRequest(path=path, as_of=NEXT, scope="partial"), by="editor.a")
    approve(database, outcome.proposal or 0)
    assert [line["field"] for line in outcome.difference["conflicts"]] == ["identity", "identity"]
    assert (outcome.difference["new"], verdict(database)) == ([], "revoked")


def test_a_hospital_known_only_later_as_revoked_is_not_licensed_by_an_older_list(database: Database) -> None:
    enter(database, a_document(), an_institution(HOSPITAL["name"], HOSPITAL["address"], on=REVOKED, IVF="revoked"))
    outcome = bring(database, {**HOSPITAL, "techniques": "AIH IVF"}, DAY)
    assert [line["field"] for line in outcome.difference["conflicts"]] == ["approvals.AIH"]
    assert ask(a_view(database), HOSPITAL["name"], on=NOW).verdict == "revoked"


def test_another_spelling_of_what_was_decided_is_no_question_and_no_change(database: Database) -> None:
    enter_hospital(database)
    decide(database, name="鞍山市示例医院（示例院区）")
    outcome = bring(database, {**HOSPITAL, "name": "鞍山市示例医院(示例院区)", "techniques": "IVF"})
    assert (outcome.difference["conflicts"], outcome.difference["renamed"]) == ([], [])


def test_the_end_of_an_unconfirmed_emergency_is_no_decision(database: Database) -> None:
    enter_hospital(database)
    subject = an_institution(HOSPITAL["name"], HOSPITAL["address"]).subject
    waiting = proposals.suspend(database, subject, ("IVF",), by="editor.a", reason="示例急情").waiting
    proposals.reject(database, waiting, by="approver.a", reason="查无此事")
    ahead = dt.date(2099, 1, 1)
    assert bring(database, {**HOSPITAL, "techniques": "AIH"}, ahead).difference["conflicts"] == []
