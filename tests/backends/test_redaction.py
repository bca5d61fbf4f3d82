"""Erasing what is personal, on SQLite and on PostgreSQL alike: gone from every table and file, every hash as it was."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from registry import proposals
from registry.domain.model import Draft
from registry.errors import Conflict, LogDamaged
from registry.log import check as log_check
from registry.log import erasure, store
from registry.log.merkle import Frontier
from registry.proposals import redaction, views
from registry.records import lookup
from registry.records.asof import AsOf
from registry.register import Register
from registry.settings import Settings
from registry.storage import vacuum
from registry.storage.database import Database
from registry.storage.tables import positions, proposal_items
from tests.factories import (
    DAY,
    a_change,
    a_person,
    a_source,
    an_erasure,
    an_institution,
    approve,
    code_of,
    enter,
    propose,
)
from tests.running import eventually

LATER = DAY + dt.timedelta(days=60)
HOSPITAL = an_institution()


def holds(database: Database) -> int:
    with database.reading() as connection:
        size = log_check.check_log(connection).size
        assert erasure.check_erased_values(connection) == 0
    views.check_views(database)
    return size


def owed(database: Database) -> int:
    with database.reading() as connection:
        return redaction.read_pending_erasure(connection)


def names_at(database: Database, on: dt.date, size: int) -> list[str | None]:
    with database.reading() as connection:
        people = lookup.list_practitioners(connection, code_of(HOSPITAL), AsOf(valid_on=on, size=size))
    return [person.name for person in people]


# --- where a name could be left ---------------------------------------------------------------------------------------


def spellings(name: str) -> set[bytes]:
    """A name as text, as JSON in UTF-8 and in ASCII, and as PostgreSQL prints bytes."""
    plain = {name.encode(), *(json.dumps(name, ensure_ascii=ascii)[1:-1].encode() for ascii in (True, False))}
    return plain | {one.hex().encode() for one in plain}


def left_in_files(database: Database, names: Iterable[str]) -> set[str]:
    """Names that some file of the register, or of the server's tables, still holds."""
    if database.is_sqlite:
        path = Path(database.url.database or "")
        files = [*path.parent.iterdir()]
        assert path in files
    else:
        with database.engine.connect() as connection:
            connection.exec_driver_sql("CHECKPOINT")  # what the server holds in memory goes to its files
            folder = Path(connection.exec_driver_sql("SHOW data_directory").scalar_one())
        files = [file for part in ("base", "global") for file in (folder / part).rglob("*") if file.is_file()]
        assert len(files) > 100
    common = spellings("示例")  # every name of these tests holds it; most of a server's files do not
    contents = []
    for file in files:
        with suppress(FileNotFoundError):  # a server rewrites its caches while we read; what is gone holds nothing
            contents.append(file.read_bytes())
    assert len(contents) > len(files) / 2
    stored = b"\0".join(content for content in contents if any(part in content for part in common))
    return {name for name in names if any(spelling in stored for spelling in spellings(name))}


def left_in_tables(database: Database, names: Iterable[str]) -> set[str]:
    """Names that some row of some table holds, catalogues and statistics included."""
    with database.reading() as connection:
        if database.is_sqlite:
            # search_fts is an index without contents: what it holds lies in tables of its own, which are among these
            query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'search_fts'"
            tables = connection.exec_driver_sql(query).scalars().all()
        else:
            query = "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r'"
            tables = connection.exec_driver_sql(query).scalars().all()
        text = "\0".join(
            (bytes(cell) if isinstance(cell, bytes | memoryview) else str(cell).encode()).decode(errors="replace")
            for table in tables
            for row in connection.exec_driver_sql(_every_cell(database, table))
            for cell in row
        ).encode()
    return {name for name in names if any(spelling in text for spelling in spellings(name))}


def _every_cell(database: Database, table: str) -> str:
    return f'SELECT * FROM "{table}"' if database.is_sqlite else f"SELECT t::text FROM {table} AS t"


def many(database: Database, number: int) -> list[Draft]:
    """People with names of their own (a quote in each), corrected now and then, proposed in vain and still pending."""
    people = [a_person(HOSPITAL, f'示例员“{n}”"{"甲" * (n % 40)}', certificate=f"*示例{n}号*") for n in range(number)]
    enter(database, a_source(), HOSPITAL, *people)
    enter(database, *(a_change(one, LATER, {"role": "护士" * (n % 60 + 1)}) for n, one in enumerate(people) if n % 3))
    again = [a_change(one, LATER, {"name": one.change.set["name"]}, reason="核对") for one in people]
    proposals.reject(database, propose(database, *again), by="approver.a", reason="示例")
    propose(database, *again)
    return people


def personal(people: Iterable[Draft]) -> set[str]:
    return {str(one.change.set[path]) for one in people for path in ("name", "certificate_masked")}


def test_an_erased_name_is_in_no_table_and_no_file(database: Database) -> None:
    people = many(database, 150)
    if not database.is_sqlite:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")  # statistics are samples of what the tables hold
    everybody = personal(people)
    assert left_in_files(database, everybody) == everybody
    assert left_in_tables(database, everybody) == everybody
    for start in range(0, 60, 20):
        enter(database, *(an_erasure(one, on=LATER) for one in people[start : start + 20]))
    assert owed(database) == 0
    kept = personal(people[60:])
    assert left_in_tables(database, everybody) == kept
    assert left_in_files(database, everybody) == kept
    views.rebuild_views(database)
    assert left_in_tables(database, everybody) == kept
    holds(database)


# --- what stays and what changes --------------------------------------------------------------------------------------


def leaves(database: Database) -> list[bytes]:
    with database.reading() as connection:
        return list(store.read_leaves(connection))


def root(hashes: list[bytes]) -> bytes:
    frontier = Frontier()
    frontier.extend(hashes)
    return frontier.compute_root()


def test_erasing_changes_no_leaf_hash_and_no_earlier_root(database: Database) -> None:
    enter(database, a_source(), HOSPITAL, a_person(HOSPITAL), a_person(HOSPITAL, "示例员乙"))
    before = leaves(database)
    enter(database, an_erasure(a_person(HOSPITAL)))
    after = leaves(database)
    assert (len(before), len(after)) == (4, 5)
    assert after[:4] == before
    assert root(after[:4]) == root(before)
    assert holds(database) == 5


def test_an_erased_person_has_no_name_on_any_day_known_at_any_time(database: Database) -> None:
    person = a_person(HOSPITAL)
    enter(database, a_source(), HOSPITAL, person)
    enter(database, a_change(person, LATER, {"name": "示例员甲（改名）", "role": "护士"}))
    assert [names_at(database, DAY, 3), names_at(database, LATER, 4)] == [["示例员甲"], ["示例员甲（改名）"]]
    enter(database, an_erasure(person))
    for size in (3, 4, 5):
        for on in (DAY, LATER):
            assert names_at(database, on, size) == [None]
    with database.reading() as connection:
        shown = lookup.list_practitioners(connection, code_of(HOSPITAL), AsOf(valid_on=LATER, size=5))[0]
    assert (shown.role, shown.entry) == ("护士", 4)
    assert holds(database) == 5


def test_a_name_stated_after_the_erasure_stands(database: Database) -> None:
    person = a_person(HOSPITAL)
    enter(database, a_source(), HOSPITAL, person)
    enter(database, an_erasure(person), a_change(person, LATER, {"name": "示例员丁"}))
    assert [names_at(database, DAY, 5), names_at(database, LATER, 5)] == [[None], ["示例员丁"]]
    assert holds(database) == 5


def test_what_is_stated_and_erased_in_one_proposal_was_never_there(database: Database) -> None:
    person = a_person(HOSPITAL)
    enter(database, a_source(), HOSPITAL, person, an_erasure(person), a_change(person, LATER, {"name": "示例员丁"}))
    assert [names_at(database, DAY, 5), names_at(database, LATER, 5)] == [[None], ["示例员丁"]]
    assert left_in_tables(database, ["示例员甲", "示例员丁"]) == {"示例员丁"}
    assert holds(database) == 5


def drafts_of(database: Database, identifier: int) -> list[Draft]:
    with database.reading() as connection:
        return list(proposals.read_drafts(connection, identifier))


def test_stored_proposals_lose_the_values_and_keep_the_hash(database: Database) -> None:
    person, other = a_person(HOSPITAL), a_person(HOSPITAL, "示例员乙")
    first = propose(database, a_source(), HOSPITAL, person, other)
    approve(database, first)
    rejected, pending = (propose(database, a_change(person, LATER, {"name": "示例员丁"})) for _ in range(2))
    proposals.reject(database, rejected, by="approver.a", reason="核对")
    with database.reading() as connection:
        seen = [proposals.get_proposal(connection, one).content_hash for one in (first, rejected, pending)]
    enter(database, an_erasure(person, "name"))
    stated = drafts_of(database, first)[2].change.set
    assert stated == {**person.change.set, "name": None}
    assert drafts_of(database, first)[3] == other
    assert [drafts_of(database, one)[0].change.set for one in (rejected, pending)] == [{"name": None}] * 2
    with database.reading() as connection:
        assert [proposals.get_proposal(connection, one).content_hash for one in (first, rejected, pending)] == seen
    with pytest.raises(Conflict):
        approve(database, pending)
    enter(database, an_erasure(person, "certificate_masked"))
    assert left_in_tables(database, [person.change.set["certificate_masked"]]) == {"***********1234"}  # the other's


def test_who_still_reads_an_older_state_delays_the_bytes_and_nothing_else(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vacuum, "PATIENCE", 0.3)
    person = a_person(HOSPITAL, "示例员“慢”")
    name = {"示例员“慢”"}
    enter(database, a_source(), HOSPITAL, person)
    with database.reading() as connection:
        assert store.read_head(connection).size == 3
        assert enter(database, an_erasure(person)) == (4, 4)
        assert names_at(database, DAY, 3) == [None]
        assert owed(database) == 4
        assert not redaction.purge_erased_bytes(database)
        assert store.read_head(connection).size == 3
    assert owed(database) == 4
    enter(database, a_source("list-2"))  # the next approval, whatever it is about, finishes what is owed
    assert owed(database) == 0
    assert left_in_files(database, name) == left_in_tables(database, name) == set()
    assert redaction.purge_erased_bytes(database)
    assert holds(database) == 5


def test_bytes_cannot_be_forgotten_in_a_database_out_of_reach(database: Database) -> None:
    missing = database.url.set(database=f"{database.url.database}-missing").render_as_string(hide_password=False)
    elsewhere = Database(missing)
    assert not elsewhere.purge_deleted_rows(redaction.TABLES)
    assert not redaction.purge_erased_bytes(elsewhere)
    elsewhere.close()


def test_a_role_that_does_not_own_the_tables_is_not_believed(postgres: Any) -> None:
    database = postgres.fresh()
    with database.writing() as connection:
        connection.exec_driver_sql("CREATE ROLE guest LOGIN")
        connection.exec_driver_sql("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO guest")
    guest = Database(database.url.set(username="guest").render_as_string(hide_password=False))
    assert not guest.purge_deleted_rows(redaction.TABLES)  # the server only warns, and leaves everything as it was
    assert database.purge_deleted_rows(redaction.TABLES)
    guest.close()
    database.close()


def test_a_value_that_came_back_is_named(database: Database) -> None:
    person = a_person(HOSPITAL)
    enter(database, a_source(), HOSPITAL, person)
    with database.reading() as connection:
        held = connection.execute(sa.text("SELECT number, path, salt, value FROM erasable")).mappings().all()
    enter(database, an_erasure(person))
    with database.writing() as connection:  # as a restored backup would
        insert = sa.text("INSERT INTO erasable (number, path, salt, value) VALUES (:number, :path, :salt, :value)")
        connection.execute(insert, [dict(row) for row in held])
    with database.reading() as connection, pytest.raises(LogDamaged) as found:
        erasure.check_erased_values(connection)
    assert found.value.details["entry"] == 3
    enter(database, an_erasure(person, reason="恢复备份后再次删除"))
    assert holds(database) == 5


def test_a_start_finishes_what_an_approval_could_not(database: Database, tmp_path: Path) -> None:
    """Somebody read an older state for too long, or the disk was full: the bytes are owed until they are gone."""
    enter(database, a_source())
    with database.writing() as connection:
        connection.execute(sa.insert(positions).values(view=redaction.PENDING, position=1))
    url = database.url.render_as_string(hide_password=False)

    def is_settled() -> bool:
        with database.reading() as connection:
            return not redaction.read_pending_erasure(connection)

    with Register(Settings(data_dir=tmp_path / "var", database_url=url)):
        assert eventually(is_settled)


def test_a_rejected_proposal_keeps_nothing_of_a_person(database: Database, tmp_path: Path) -> None:
    """Somebody who never came into the log could not ask for an erasure by an entry."""
    hospital = an_institution()
    enter(database, a_source(), hospital)
    identifier = propose(database, a_person(hospital, "示例员未录"))
    with database.reading() as connection:
        seen = proposals.get_proposal(connection, identifier).content_hash
    proposals.reject(database, identifier, by="approver.a", reason="材料不全")
    with database.reading() as connection:
        assert not redaction.read_pending_erasure(connection)
        assert proposals.get_proposal(connection, identifier).content_hash == seen
        bodies = connection.execute(sa.select(proposal_items.c.body)).scalars().all()
    assert not any("示例员未录".encode() in bytes(body) for body in bodies)
    if database.is_sqlite:
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert files
        assert not any("示例员未录".encode() in path.read_bytes() for path in files)
