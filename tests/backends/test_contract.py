"""What the register promises, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from registry import proposals
from registry.domain.model import Change, Draft
from registry.errors import CannotAnswer, Conflict, FourEyesViolation, InvalidInput, LogDamaged
from registry.institutions.result import SearchRequest, SearchResult
from registry.log import check as log_check
from registry.log import store
from registry.proposals import views
from registry.records import lookup
from registry.records.asof import AsOf, make_as_of
from registry.records.history import list_versions
from registry.records.selection import InstitutionFilter, count_institutions
from registry.register import Register
from registry.settings import Settings
from registry.storage.database import Database
from registry.storage.tables import entries, search_documents, versions
from tests.factories import (
    DAY,
    SEEDED,
    a_change,
    a_person,
    a_source,
    a_view,
    an_institution,
    approve,
    ask,
    code_of,
    enter,
    hash_of,
    propose,
)

LATER = DAY + dt.timedelta(days=60)
TODAY = dt.date(2025, 7, 1)


def holds(database: Database) -> int:
    with database.reading() as connection:
        size = log_check.check_log(connection).size
    views.check_views(database)
    return size


def everything(database: Database) -> list[Any]:
    """Every row of every view, whatever backend keeps it."""
    with database.reading() as connection:
        # Sorted here and not there: the two order text by rules of their own.
        spans = [tuple(row) for row in connection.execute(sa.select(versions))]
        documents = connection.execute(sa.select(search_documents.c.subject, search_documents.c.body))
        return [sorted(spans), sorted(tuple(row) for row in documents)]


@contextmanager
def opened(database: Database, folder: Path) -> Iterator[Register]:
    url = database.url.render_as_string(hide_password=False)
    register = Register(Settings(data_dir=folder, database_url=url))
    register.verification.follow_log(register.database)
    yield register
    register.close()


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_an_empty_database_is_migrated_once(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    if backend == "sqlite":
        url = f"sqlite:///{tmp_path / 'folder' / 'new.sqlite'}"
    else:
        url = request.getfixturevalue("postgres").create("migrated_from_empty")
    database = Database(url)
    assert not database.is_current()
    assert database.migrate()
    assert database.is_current()
    assert not database.migrate()
    assert holds(database) == 0
    with database.reading() as connection:
        tables = set(sa.inspect(connection).get_table_names())
    assert {"entries", "erasable", "versions", "proposals", "accounts"} <= tables
    database.close()


def test_entries_are_numbered_without_gaps_and_read_back_as_said(database: Database) -> None:
    hospital = an_institution(IVF="formal", AIH="trial")
    person = a_person(hospital)
    assert enter(database, a_source(), hospital) == (1, 2)
    assert enter(database, person, a_change(hospital, LATER, {"name": "鞍山示例生殖医院"})) == (3, 4)
    with database.reading() as connection:
        log = [entry for chunk in store.read_entries(connection) for entry in chunk]
        assert [entry.number for entry in log] == [1, 2, 3, 4]
        assert log[1].change == hospital.change
        assert log[2].change == person.change
        assert [e.number for e in store.read_subject_entries(connection, hospital.subject, 4)] == [2, 4]
        assert store.get_size_at(connection, store.read_head(connection).recorded_at) == 4
        assert store.get_size_at(connection, 0) == 0
        assert len(list(store.read_leaves(connection))) == 4
    assert holds(database) == 4


def test_records_tell_both_times(database: Database) -> None:
    hospital = an_institution()
    enter(database, a_source(), hospital)
    enter(database, a_change(hospital, LATER, {"name": "鞍山示例生殖医院"}, "list-1"))
    enter(database, a_change(hospital, DAY, {"address": "辽宁省鞍山市铁西区示例路2号"}, "list-1", "更正"))
    with database.reading() as connection:

        def name_and_address(on: dt.date, size: int) -> tuple[str, str]:
            one = lookup.get_institution(connection, code_of(hospital), AsOf(valid_on=on, size=size))
            return one.name, one.address[-3:]

        assert name_and_address(DAY, 2) == ("鞍山市示例医院", "路1号")
        assert name_and_address(LATER, 2) == ("鞍山市示例医院", "路1号")
        assert name_and_address(LATER, 3) == ("鞍山示例生殖医院", "路1号")
        assert name_and_address(DAY, 4) == ("鞍山市示例医院", "路2号")
        assert name_and_address(LATER, 4) == ("鞍山示例生殖医院", "路2号")
        told = list_versions(connection, hospital.subject, make_as_of(connection))
        assert [(v.entry, [c.field for c in v.changes]) for v in told][1:] == [(3, ["name"]), (4, ["address"])]
        assert told[2].reason == "更正"


def test_rebuilding_gives_what_was_there(database: Database) -> None:
    hospital = an_institution()
    enter(database, a_source(), hospital, a_person(hospital))
    enter(database, a_change(hospital, LATER, {"name": "鞍山示例生殖医院"}))
    enter(database, a_change(hospital, DAY, {"level": "三级"}, reason="更正"))
    before = everything(database)
    views.rebuild_views(database)
    assert everything(database) == before
    assert holds(database) == 5


def test_four_eyes_and_its_refusals(database: Database) -> None:
    identifier = propose(database, a_source(), an_institution(), by="both.a")
    with pytest.raises(FourEyesViolation):
        approve(database, identifier, by="both.a")
    with pytest.raises(Conflict):
        proposals.approve(database, identifier, by="both.b", seen="0")
    approve(database, identifier, by="both.b")
    with pytest.raises(Conflict):
        approve(database, identifier, by="approver.a")
    rejected = propose(database, a_source("list-2"))
    proposals.reject(database, rejected, by="approver.a", reason="示例")
    with pytest.raises(Conflict):
        approve(database, rejected)
    with pytest.raises(InvalidInput):
        propose(
            database, a_source("list-2"), Draft(subject="x:y", change=Change(kind="source", set={}), valid_from=DAY)
        )
    assert holds(database) == 2


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET recorded_at = 0 WHERE number = 1",
        "UPDATE entries SET recorded_at = 0",
        "DELETE FROM entries WHERE number = 2",
        "DELETE FROM entries",
    ],
)
def test_the_database_itself_refuses_to_change_or_remove_an_entry(database: Database, statement: str) -> None:
    enter(database, a_source(), an_institution())
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), database.writing() as connection:
        connection.exec_driver_sql(statement)
    assert holds(database) == 2


def test_postgresql_refuses_to_empty_the_log(postgres: Any) -> None:
    database = postgres.fresh()
    enter(database, a_source())
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), database.writing() as connection:
        connection.exec_driver_sql("TRUNCATE entries")
    assert holds(database) == 1
    database.close()


def test_a_tampered_entry_is_named(database: Database) -> None:
    enter(database, a_source(), *(an_institution(f"鞍山市示例{n}医院") for n in range(5)))
    with database.writing() as connection:
        if database.is_sqlite:
            connection.exec_driver_sql("DROP TRIGGER entries_no_update")
        else:
            connection.exec_driver_sql("DROP TRIGGER entries_append_only ON entries")
        body = connection.execute(sa.select(entries.c.body).where(entries.c.number == 4)).scalar_one()
        forged = bytes(body).replace(b"formal", b"lapsed")
        connection.execute(sa.update(entries).where(entries.c.number == 4).values(body=forged))
    with pytest.raises(LogDamaged) as found:
        holds(database)
    assert found.value.details["entry"] == 4


def test_a_refused_transaction_leaves_nothing(database: Database) -> None:
    enter(database, a_source())
    before = everything(database)
    with pytest.raises(RuntimeError), database.writing() as connection:
        views.apply_entries(
            connection, store.Appender(connection, "editor.a", "approver.a", 1).append([an_institution()])
        )
        raise RuntimeError
    assert everything(database) == before
    assert holds(database) == 1


def test_a_reader_sees_one_log_from_first_to_last_statement(database: Database) -> None:
    enter(database, a_source())
    with database.reading() as connection:
        assert store.read_head(connection).size == 1
        enter(database, an_institution())
        assert store.read_head(connection).size == 1
        assert len(list(store.read_leaves(connection))) == 1
    with database.reading() as connection:
        assert store.read_head(connection).size == 2


def test_a_reader_cannot_write(postgres: Any) -> None:
    database = postgres.fresh()
    with pytest.raises((sa.exc.DBAPIError, CannotAnswer)), database.reading() as connection:
        connection.execute(sa.text("DELETE FROM accounts"))
    database.close()


def test_the_verification_view_follows_and_answers(database: Database) -> None:
    hospital = an_institution(IVF="formal")
    enter(database, a_source(), hospital)
    view = a_view(database)
    assert ask(view, "鞍山市示例医院", "IVF", on=LATER).verdict == "licensed"
    enter(database, a_change(hospital, LATER, {"status": "suspended"}))
    assert view.follow_log(database) == 1
    assert ask(view, "鞍山市示例医院", "IVF", on=LATER).verdict == "suspended"
    assert ask(view, "鞍山市示例医院", "IVF", on=DAY).verdict == "licensed"
    assert ask(view, "示例无名医院", "IVF", on=DAY).verdict == "not_found"
    assert view.get_state() == a_view(database).get_state()


# --- with both national lists -----------------------------------------------------------------------------------------


def test_both_lists_are_loaded_whole(seeded: Database) -> None:
    assert holds(seeded) == SEEDED
    with seeded.reading() as connection:
        assert count_institutions(connection, InstitutionFilter(), AsOf(valid_on=TODAY, size=SEEDED)) == 635
        assert (
            count_institutions(connection, InstitutionFilter(), AsOf(valid_on=dt.date(2020, 1, 1), size=SEEDED)) == 325
        )


def test_the_same_lists_give_the_same_records_everywhere(both: tuple[Database, Database]) -> None:
    assert everything(both[0]) == everything(both[1])


FILTERS: dict[str, SearchRequest] = {
    "all": SearchRequest(),
    "a province": SearchRequest(region="210000"),
    "a city": SearchRequest(region="210100"),
    "a district": SearchRequest(region="210103"),
    "a technique": SearchRequest(technique=("PGT",)),
    "two techniques": SearchRequest(technique=("AID", "PGT")),
    "a stage": SearchRequest(stage="trial"),
    "a technique at a stage": SearchRequest(technique=("AIH",), stage="trial"),
    "who left": SearchRequest(status="delisted"),
    "everybody ever": SearchRequest(status="all"),
    "nobody": SearchRequest(technique=("SPERM_BANK",)),
    "all of it": SearchRequest(region="440000", technique=("试管婴儿",), stage="formal"),
}
EXPECTED: dict[str, Callable[[int], bool]] = {
    "all": lambda n: n == 635,
    "a province": lambda n: n == 22,
    "who left": lambda n: n == 18,
    "everybody ever": lambda n: n == 653,
    "nobody": lambda n: n == 0,
}


def pages(register: Register, choice: SearchRequest, limit: int) -> Iterator[SearchResult]:
    cursor = None
    while True:
        page = register.search_institutions(choice, register.make_as_of(TODAY), limit=limit, cursor=cursor)
        yield page
        cursor = page.next
        if cursor is None:
            return


@pytest.mark.parametrize("what", FILTERS)
def test_listing_by_pages_gives_everybody_once_in_one_order(
    both: tuple[Database, Database], tmp_path: Path, what: str
) -> None:
    listed = []
    for database in both:
        with opened(database, tmp_path) as register:
            found = list(pages(register, FILTERS[what], 100))
            codes = [item.institution.code for page in found for item in page.items]
            assert {page.total for page in found} == {len(codes)}
            assert len(set(codes)) == len(codes)
            few = list(islice(pages(register, FILTERS[what], 7), 3))
            assert [item.institution.code for page in few for item in page.items] == codes[:21]
            assert EXPECTED.get(what, lambda n: n > 0)(len(codes))
            listed.append(codes)
    assert listed[0] == listed[1]


QUERIES = {
    "沈阳市妇婴医院": "沈阳市妇婴医院",
    "瀋陽市婦嬰醫院": "沈阳市妇婴医院",
    "江苏省妇幼保健院": "江苏省人民医院（江苏省妇幼保健院）",
    "900医院": "联勤保障部队第九〇〇医院",
    "博爱医院": "中山市博爱医院",
    "浙大一院": "浙江大学医学院附属第一医院",
    "河北燕大医院": "河北燕达医院",
    "空军总医院": "空军特色医学中心",
    "中山东路305号": "东部战区总医院",
    "郑州三代试管": "郑州大学第一附属医院",
}


@pytest.mark.parametrize("query", QUERIES)
def test_a_search_finds_the_same_first_on_both(both: tuple[Database, Database], tmp_path: Path, query: str) -> None:
    tops = []
    for database in both:
        with opened(database, tmp_path) as register:
            found = register.search_institutions(SearchRequest(q=query), register.make_as_of(TODAY), limit=20)
            names = [item.institution.name for item in found.items]
            assert QUERIES[query] in names[:5]
            tops.append(names[:3])
    assert tops[0][0] == tops[1][0]


def test_numbers_are_the_same_everywhere(both: tuple[Database, Database], tmp_path: Path) -> None:
    told = []
    for database in both:
        with opened(database, tmp_path) as register:
            stats = register.compute_stats(register.make_as_of(TODAY))
            assert stats.total == sum(region.count for region in stats.by_region) == 635
            told.append((stats.by_region, stats.by_technique, stats.by_stage, stats.as_of))
    assert told[0] == told[1]


def test_the_same_claims_get_the_same_answers_everywhere(both: tuple[Database, Database]) -> None:
    told = []
    for database in both:
        view = a_view(database)
        answers = [
            ask(view, name, technique, on=TODAY, known_at=None)
            for name in (
                "沈阳市妇婴医院",
                "沈阳市妇幼保健院",
                "大连市妇女儿童医疗中心（集团）",
                "示例无名医院",
                "南京医科大学附属第二医院",
            )
            for technique in ("AIH", "IVF", "PGT", "SPERM_BANK")
        ]
        told.append([(a.verdict, a.explanation, a.match, a.candidates, a.basis, a.techniques) for a in answers])
    assert told[0] == told[1]


def test_seeding_again_loads_nothing_twice(seeded: Database) -> None:
    from registry.importers.seed import loader

    assert [one.first for one in loader.load_seed(seeded)] == [None] * 4
    assert holds(seeded) == SEEDED


def test_a_proposal_of_thousands_is_bound_to_its_hash(database: Database) -> None:
    many = [an_institution(f"鞍山市示例{n}医院", f"辽宁省鞍山市铁西区示例路{n}号") for n in range(2100)]
    identifier = propose(database, a_source(), *many)
    with pytest.raises(Conflict):
        proposals.approve(database, identifier, by="approver.a", seen=hash_of(database, identifier)[::-1])
    assert approve(database, identifier) == (1, 2101)
    assert holds(database) == 2101
