"""A list that carries an old name or an old address means the institution that had it, as far as one can tell."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from registry.importers.wizard.list_import import ImportOutcome, ImportRequest, import_list
from registry.storage.database import Database
from tests.factories import DAY, a_change, a_database, a_list, a_source, an_institution, approve, enter
from tests.wizard import Wizard

FIRST, MOVED, NEXT = DAY.replace(year=2024), DAY - dt.timedelta(days=90), DAY.replace(year=2026)
OLD = {"name": "鞍山市示例医院", "address": "辽宁省鞍山市铁西区示例路1号", "techniques": "IVF"}
NEW = {"name": "鞍山示范生殖专科中心", "address": "辽宁省鞍山市铁东区示范街88号", "techniques": "IVF"}
ELSEWHERE = {"name": "大连市某某医院", "address": "辽宁省大连市中山区某某路8号", "techniques": "IVF"}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A hospital that was renamed and moved by a decision after the first list."""
    database = a_database(tmp_path)
    hospital = an_institution(OLD["name"], OLD["address"], on=FIRST)
    enter(database, a_source(as_of=FIRST), hospital)
    values = {"name": NEW["name"], "address": NEW["address"], "region": "210302", "known_as": ["示范中心"]}
    document = a_source("doc-1", MOVED, "partial", title="示例变更登记", covers=[])
    enter(database, document, a_change(hospital, MOVED, values, "doc-1"))
    yield database
    database.close()


def bring(database: Database, *rows: dict[str, Any], on: dt.date = DAY) -> ImportOutcome:
    path = a_list(Path(str(database.url.database)).with_name(f"list-{on}.csv"), rows)
    outcome = import_list(database, ImportRequest(path=path, as_of=on, scope="national"), by="editor.a")
    approve(database, outcome.proposal or 0)
    return outcome


def test_the_old_name_at_the_old_address_is_the_institution_and_undoes_nothing(database: Database) -> None:
    found = bring(database, OLD).difference
    assert (found["new"], found["gone"], found["renamed"], found["moved"]) == ([], [], [], [])
    assert [line["field"] for line in found["conflicts"]] == ["name", "address"]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({**OLD, "address": "辽宁省鞍山市立山区某某道500号"}, "名称是其曾用名"),
        ({**OLD, "name": "鞍山某某康复门诊部"}, "地址是其曾用地址"),
        ({**NEW, "name": "示范中心", "address": "辽宁省鞍山市立山区某某道500号"}, "名称是其俗称"),
    ],
)
def test_one_of_the_two_alone_is_put_before_a_person(database: Database, row: dict[str, str], why: str) -> None:
    assert why in [line["why"] for line in bring(database, row).difference["undecided"]]


def test_coming_back_under_the_old_name_is_relisting(database: Database) -> None:
    gone = bring(database, ELSEWHERE).difference["gone"]
    found = bring(database, OLD, ELSEWHERE, on=NEXT).difference
    assert [line["code"] for line in found["relisted"]] == [line["code"] for line in gone] != []
    assert [line["field"] for line in found["conflicts"]] == ["name", "address"]
    assert (found["new"], found["renamed"]) == ([], [])


def test_its_name_at_its_old_address_is_no_question_of_identity(database: Database, tmp_path: Path) -> None:
    wizard = Wizard(database, tmp_path / "var")
    one = wizard.upload_and_compare(a_list(tmp_path / "a.csv", [{**OLD, "name": NEW["name"]}]), as_of=str(DAY))
    assert wizard.lines(one, "pairs") == []
    assert [line["field"] for line in wizard.lines(one, "conflicts")] == ["address"]


def test_a_new_one_that_takes_an_old_name_in_another_city_is_new(database: Database) -> None:
    found = bring(database, NEW, {**OLD, "address": "辽宁省大连市中山区某某路8号"}).difference
    assert (len(found["new"]), found["undecided"], found["conflicts"]) == (1, [], [])
