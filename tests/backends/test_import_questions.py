"""Questions about a file, on both databases: answers are kept, applied, published with the source and taken along."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from registry import accounts, proposals
from registry.domain.model import ListChange
from registry.importers.reading.list_file import FileAnswer, ListedInstitution
from registry.importers.reading.list_table import format_list_table
from registry.importers.wizard import answers, steps
from registry.storage.database import Database
from registry.storage.tables import attachments as attachments_table
from tests.factories import DAY, a_list, a_source, an_institution, enter
from tests.wizard import Wizard

ROWS = [
    {"name": "鞍山市示例医院", "address": "辽宁省鞍山市铁西区示例路1号", "techniques": "夫精人工受精"},
    {"name": "沈阳市示例医院*", "address": "辽宁省沈阳市沈河区示例路1号"},
]


@pytest.fixture
def wizard(database: Database, tmp_path: Path) -> Wizard:
    return Wizard(database, tmp_path / "var")


def test_answers_are_published_with_the_source_and_the_file_as_received_stays(
    wizard: Wizard, database: Database, tmp_path: Path
) -> None:
    path = a_list(tmp_path / "a.csv", ROWS)
    one = wizard.upload_and_compare(path)
    open_questions = answers.list_open_questions(one.found, answers.get_answers(one))
    assert one.state == "audit"
    assert [question.suggestion for question in open_questions] == ["夫精人工授精", "沈阳市示例医院"]
    given = {"1.2.3": FileAnswer(choice="text", text="夫精人工授精"), "1.3": FileAnswer(choice="leave")}
    one = wizard.answer(one, given)
    assert (one.state, one.found["counts"]["new"]) == ("deciding", 1)
    done = wizard.proposed(one)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with database.reading() as connection:
        proposal = proposals.get_proposal(connection, done.proposal or 0)
        source = next(iter(proposals.read_drafts(connection, proposal.id)))
        stored = connection.execute(attachments_table.select()).first()
    assert source.change.set["sha256"] == digest == stored.sha256
    assert [change["what"] for change in source.change.set["changes"]] == ["corrected", "left_out"]
    assert proposal.report["changes"] == source.change.set["changes"]


def test_words_that_are_wrong_too_leave_the_question_open(wizard: Wizard, tmp_path: Path) -> None:
    one = wizard.upload_and_compare(a_list(tmp_path / "a.csv", ROWS[:1]))
    one = wizard.answer(one, {"1.2.3": FileAnswer(choice="text", text="人工受精")})
    assert one.state == "audit"
    assert [question.key for question in answers.list_open_questions(one.found, answers.get_answers(one))] == ["1.2.3"]
    assert wizard.answer(one, {"1.2.3": FileAnswer(choice="text", text="AIH")}).state == "deciding"


def test_an_answer_after_the_comparison_has_the_file_read_again(
    wizard: Wizard, database: Database, tmp_path: Path
) -> None:
    one = wizard.upload_and_compare(a_list(tmp_path / "a.csv", [{**ROWS[0], "techniques": "AIH"}]))
    assert one.state == "deciding"
    before = one.found["decided"]
    given = {"1.2": FileAnswer(choice="leave")}
    assert steps.hash_decisions({}, {}, {}) == before  # imports begun before there were answers are not read again
    assert steps.hash_decisions({}, {}, given) != before


def test_rows_outside_an_accounts_region_are_set_aside_for_their_province(
    wizard: Wizard, database: Database, tmp_path: Path
) -> None:
    with database.writing() as connection:
        accounts.change_rights(connection, "editor.a", ["editor"], "210300")
    rows = [{**ROWS[0], "techniques": "AIH"}, {**ROWS[1], "name": "沈阳市示例医院"}]
    one = wizard.upload_and_compare(a_list(tmp_path / "a.csv", rows), scope="210300")
    questions = answers.list_open_questions(one.found, {})
    assert [question.kind for question in questions] == ["outside"]
    one = wizard.answer(one, {questions[0].key: FileAnswer(choice="leave")})
    assert (one.state, one.found["institutions"]) == ("deciding", 1)
    done = wizard.proposed(one)
    with database.reading() as connection:
        report = proposals.get_proposal(connection, done.proposal or 0).report
    assert report["changes"] == [
        {"place": "第3行", "what": "set_aside", "before": "沈阳市示例医院 辽宁省沈阳市沈河区示例路1号"}
    ]
    assert ListChange(**report["changes"][0]).after is None
    # The staff of that place import these rows as they come.
    with database.writing() as connection:
        accounts.change_rights(connection, "editor.a", ["editor"], "210100")
    table = format_list_table(msgspec.convert(report["aside"], list[ListedInstitution]))
    theirs = wizard.upload_and_compare(table, scope="210100")
    assert (theirs.state, theirs.found["audit"]["error"], theirs.found["counts"]["new"]) == ("deciding", 0, 1)


# --- the same, spelt otherwise ---------------------------------------------------------------------------------------

OURS: dict[str, Any] = {
    "name": "鞍山市示例医院（鞍山市示例妇幼保健院）",
    "address": "辽宁省鞍山市铁西区示例路12号",
    "aliases": ["鞍山市示例妇幼保健院"],
}
SPELT_OTHERWISE = {
    "a blank, a missing bracket, full width": (
        "鞍山市示例医院 (鞍山市示例妇幼保健院",
        "辽宁省鞍山市铁西区示例路１２号",
    ),
    "no second name": ("鞍山市示例医院", "辽宁省鞍山市铁西区示例路12号"),
    "a district misspelt": ("鞍山市示例医院（鞍山市示例妇幼保健院）", "辽宁省鞍山市铁西区示列路12号"),
    "another district": ("鞍山市示例医院（鞍山市示例妇幼保健院）", "辽宁省鞍山市铁面区示例路12号"),
}


@pytest.mark.parametrize("kind", SPELT_OTHERWISE)
def test_what_is_only_spelt_otherwise_is_no_rename_and_no_move_and_loses_nothing(
    wizard: Wizard, database: Database, tmp_path: Path, kind: str
) -> None:
    before = DAY.replace(year=2024)
    enter(
        database,
        a_source("list-0", before),
        an_institution(
            OURS["name"], OURS["address"], region="210303", on=before, source="list-0", aliases=OURS["aliases"]
        ),
    )
    name, address = SPELT_OTHERWISE[kind]
    one = wizard.upload_and_compare(a_list(tmp_path / "a.csv", [{"name": name, "address": address}]))
    is_kept = bool(wizard.lines(one, "spelling"))  # unless somebody says otherwise
    if not is_kept:
        section = next(part for part in ("pairs", "renamed", "moved", "other") if wizard.lines(one, part))
        one = wizard.keep_spelling(one, section)
    counts = one.found["counts"]
    assert [counts[part] for part in ("new", "gone", "renamed", "moved")] == [0, 0, 0, 0]
    done = wizard.proposed(one)
    with database.reading() as connection:
        stated = list(proposals.read_drafts(connection, done.proposal or 0))[1].change.set
        report = proposals.get_proposal(connection, done.proposal or 0).report
    assert {path: stated.get(path) for path in ("name", "address", "aliases", "region")} == {**OURS, "region": "210303"}
    assert [each["spelling"] for each in report["decisions"]] == ([] if is_kept else [True])
