"""Who is in a list and who is only found: lists and counts hold approved institutions."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.institutions.result import SearchRequest
from registry.institutions.search import search_institutions
from registry.records import asof, stats
from registry.storage.database import Database
from tests.factories import a_register, a_source, an_institution

STANDING = ("formal", "trial", "operating", "rectification")
ENDED = ("preparing", "suspended", "revoked", "lapsed")


def names(database: Database, choice: SearchRequest) -> set[str]:
    with database.reading() as connection:
        found = search_institutions(connection, choice, asof.make_as_of(connection), limit=100)
        assert found.total == len(found.items)
    return {item.institution.name for item in found.items}


@pytest.fixture
def database(tmp_path: Path) -> Database:
    drafts = [an_institution(f"示例市示例{stage}医院", IVF=stage) for stage in (*STANDING, *ENDED)]
    return a_register(tmp_path, a_source(), *drafts)


def test_an_institution_whose_every_approval_ended_or_is_not_yet_one_is_in_no_list(database: Database) -> None:
    assert names(database, SearchRequest()) == {f"示例市示例{stage}医院" for stage in STANDING}
    with database.reading() as connection:
        assert stats.compute_stats(connection, asof.make_as_of(connection)).total == len(STANDING)


@pytest.mark.parametrize("stage", [*STANDING, *ENDED])
def test_it_is_found_by_its_name_by_its_stage_and_among_all(database: Database, stage: str) -> None:
    name = f"示例市示例{stage}医院"
    assert name in names(database, SearchRequest(q=name))
    assert names(database, SearchRequest(stage=stage)) == {name}
    assert name in names(database, SearchRequest(status="all"))


def test_a_question_without_a_letter_finds_nobody_and_a_code_finds_its_institution(database: Database) -> None:
    assert names(database, SearchRequest(q="＊！😀")) == set()
    with database.reading() as connection:
        one = search_institutions(connection, SearchRequest(), asof.make_as_of(connection)).items[0].institution
    assert names(database, SearchRequest(q=one.code.replace("-", "").lower())) == {one.name}
