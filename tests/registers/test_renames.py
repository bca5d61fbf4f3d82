"""Every name of 2018 that 2025 does not print, through the wizard: renames as renames, the doubtful before a person,
and nothing merged that is two."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from registry.domain.model import Date
from registry.importers.matching.identity import pair_parties
from registry.importers.matching.organisations import Party
from registry.importers.reading import lists
from registry.importers.wizard.import_store import Import
from registry.importers.wizard.list_import import ImportRequest, import_list
from registry.storage.database import Database
from tests.factories import LIST_2018, LIST_2025, a_database, approve
from tests.wizard import Wizard, names

DATA = Path(__file__).parents[1] / "data"
DOCX = DATA / "national-list-2025-06.docx"


def told(name: str) -> list[dict[str, str]]:
    with (DATA / f"{name}-2018-2025.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


RENAMES, APART, UNSETTLED = told("renames"), told("apart"), told("unsettled")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A register that knows the edition of 2018 and nothing else."""
    database = a_database(tmp_path_factory.mktemp("2018"))
    request = ImportRequest(path=LIST_2018, as_of=Date(2018, 2, 21), scope="partial", title="2018年2月名单")
    approve(database, import_list(database, request, by="editor.a").proposal or 0)
    yield database
    database.close()


@pytest.fixture(scope="module")
def wizard(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Wizard:
    return Wizard(database, tmp_path_factory.mktemp("var"))


@pytest.fixture(scope="module")
def found(wizard: Wizard) -> Import:
    """The docx of 2025 compared, nothing decided."""
    return wizard.upload_and_compare(DOCX, name=DOCX.name)


def renamed(wizard: Wizard, one: Import) -> set[tuple[str, str]]:
    """(name before, name after), also of those that are only spelt otherwise."""
    pairs = {names(line) for section in ("renamed", "spelling") for line in wizard.lines(one, section)}
    return {(before, after) for before, after in pairs if before != after}


def asked(wizard: Wizard, one: Import) -> set[tuple[str, str]]:
    return {names(line) for line in wizard.lines(one, "pairs") if not line["suggested"]}


def test_the_labels_are_about_every_name_that_the_later_edition_does_not_print() -> None:
    with LIST_2018.open(encoding="utf-8", newline="") as file:
        before = {row["name"] for row in csv.DictReader(file)}
    with LIST_2025.open(encoding="utf-8", newline="") as file:
        after = {row["name"] for row in csv.DictReader(file)}
    assert len(before - after) == 78
    assert {row["from"] for row in RENAMES} | {row["from"] for row in UNSETTLED} == before - after
    assert len(RENAMES) == 60


def test_at_least_95_in_100_true_renames_are_proposed_and_no_other(wizard: Wizard, found: Import) -> None:
    true = {(row["from"], row["to"]) for row in RENAMES}
    proposed = renamed(wizard, found)
    assert proposed <= true
    assert len(proposed) >= 0.95 * len(true)
    assert proposed == {(row["from"], row["to"]) for row in RENAMES if row["by"] == "rule"}


def test_those_no_rule_can_tell_are_put_before_a_person_and_become_renames(wizard: Wizard, found: Import) -> None:
    left = {(row["from"], row["to"]) for row in RENAMES if row["by"] == "person"}
    assert left
    assert left <= asked(wizard, found)
    one = wizard.decide(found, lambda line: True if names(line) in left else line["suggested"])
    again = wizard.work(one, "comparing")
    assert wizard.open(again) == []
    assert renamed(wizard, again) == {(row["from"], row["to"]) for row in RENAMES}


def test_what_neither_name_nor_address_settles_is_never_paired_by_a_rule(wizard: Wizard) -> None:
    one = wizard.upload_and_compare(DOCX, name=DOCX.name)
    unsettled = {row["from"] for row in UNSETTLED}
    assert unsettled & {before for before, _ in renamed(wizard, one)} == set()
    assert unsettled <= {line["before"]["name"] for line in wizard.lines(one, "gone")}
    candidates = {(row["from"], row["candidate"]) for row in UNSETTLED if row["candidate"]}
    others = {(row["from"], row["to"]) for row in RENAMES if row["by"] == "person"}
    assert asked(wizard, one) == candidates | others


def test_nothing_is_merged_that_is_two(wizard: Wizard) -> None:
    one = wizard.upload_and_compare(DOCX, name=DOCX.name)
    apart = {(row["from"], row["to"]) for row in APART}
    assert ("沈阳市妇婴医院", "沈阳市妇幼保健院") in apart
    assert len(apart) > 90
    paired = {names(line) for section in ("renamed", "moved") for line in wizard.lines(one, section)}
    assert paired & apart == set()


def parties(path: Path) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for one in lists.read_list(path).institutions:
        found.setdefault(one.name, []).append(one)
    return found


def test_two_are_not_merged_even_where_nobody_else_is_left_for_them() -> None:
    before, after = parties(LIST_2018), parties(DOCX)
    merged = []
    for row in APART:
        sides = [
            Party(key=key, name=o.name, aliases=o.aliases, campus=o.campus, address=o.address, region=o.region)
            for key, o in (("known", before[row["from"]][0]), ("listed", after[row["to"]][0]))
        ]
        if pair_parties(sides[:1], sides[1:]).pairs:
            merged.append(row)
    assert merged == []
