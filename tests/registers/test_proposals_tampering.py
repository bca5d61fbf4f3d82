"""Somebody with the database file in hand: what the database refuses, and what the check finds and names."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from registry.domain.model import Date
from registry.errors import CannotAnswer, Conflict, LogDamaged
from registry.log import check as log_check
from registry.log import four_eyes
from registry.log.merkle import hash_leaf
from registry.proposals import redaction, views
from registry.storage.database import Database
from registry.storage.tables import entries
from tests.factories import a_database, a_person, a_source, an_institution, approve, enter, propose

SIZE = 12
TODAY = Date(2026, 1, 1)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a register that nobody touched yet: made once, to be copied."""
    folder = tmp_path_factory.mktemp("original")
    database = a_database(folder)
    hospitals = [an_institution(f"鞍山市示例{n}医院") for n in range(SIZE - 2)]
    enter(database, a_source(), *hospitals)
    enter(database, a_person(hospitals[0]))
    database.close()
    return folder


@pytest.fixture
def database(original: Path, tmp_path: Path) -> Iterator[Database]:
    shutil.copyfile(original / "register.sqlite", tmp_path / "register.sqlite")
    database = Database(f"sqlite:///{tmp_path / 'register.sqlite'}")
    yield database
    database.close()


def run(database: Database, *statements: str) -> None:
    with database.writing() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def unguard(database: Database) -> None:
    """What an attacker with the file can do: the guards are triggers."""
    with database.writing() as connection:
        names = connection.execute(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
        assert names
        for name in names:
            connection.exec_driver_sql(f"DROP TRIGGER {name}")


def the_damage(database: Database) -> int:
    """The entry the check names."""
    with database.reading() as connection, pytest.raises(LogDamaged) as found:
        log_check.check_log(connection)
    number = found.value.details["entry"]
    assert str(number) in found.value.zh
    assert str(number) in found.value.en
    return int(number)


def root(database: Database) -> str:
    with database.reading() as connection:
        return log_check.check_log(connection).root


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET body = x'00' WHERE number = 3",
        "UPDATE entries SET recorded_at = 0",
        "UPDATE entries SET subject = 'institution:00000000' WHERE number = 3",
        "UPDATE entries SET number = 99 WHERE number = 3",
        "DELETE FROM entries WHERE number = 3",
        "DELETE FROM entries",
        "REPLACE INTO entries SELECT number, recorded_at, subject, kind, x'00', leaf FROM entries WHERE number = 3",
        "INSERT OR REPLACE INTO entries SELECT 3, recorded_at, subject, kind, body, leaf FROM entries WHERE number = 4",
        "INSERT INTO entries SELECT * FROM entries WHERE number = 3 ON CONFLICT (number) DO UPDATE SET body = x'00'",
    ],
)
def test_the_database_itself_refuses_to_change_or_remove_an_entry(database: Database, statement: str) -> None:
    before = root(database)
    with pytest.raises(sa.exc.IntegrityError, match="append-only"):
        run(database, statement)
    assert root(database) == before


def test_an_untouched_log_holds(database: Database) -> None:
    with database.reading() as connection:
        assert log_check.check_log(connection).size == SIZE
    views.check_views(database)


@pytest.mark.parametrize("number", [1, 5, SIZE])
@pytest.mark.parametrize(
    "change",
    [
        "body = replace(body, CAST('示例' AS BLOB), CAST('真实' AS BLOB))",
        "body = CAST(replace(CAST(body AS TEXT), 'editor.a', 'editor.b') AS BLOB)",
        "body = body || x'20'",
        "body = x''",
        "body = x'00FF'",
        "body = CAST('{}' AS BLOB)",
        "leaf = zeroblob(32)",
        "subject = 'institution:00000000'",
        "kind = 'sanction'",
        "recorded_at = recorded_at + 1",
        "recorded_at = recorded_at - 1",
    ],
)
def test_a_changed_entry_is_named(database: Database, change: str, number: int) -> None:
    unguard(database)
    with database.writing() as connection:
        before = connection.execute(sa.select(entries).where(entries.c.number == number)).one()
        connection.exec_driver_sql(f"UPDATE entries SET {change} WHERE number = {number}")
        if connection.execute(sa.select(entries).where(entries.c.number == number)).one() == before:
            pytest.fail("the change changed nothing")
    assert the_damage(database) == number


@pytest.mark.parametrize("number", [1, 5, SIZE - 1])
def test_a_missing_entry_is_named(database: Database, number: int) -> None:
    unguard(database)
    run(database, f"DELETE FROM entries WHERE number = {number}")
    assert the_damage(database) == number


def test_a_log_cut_short_no_longer_fits_its_views(database: Database) -> None:
    unguard(database)
    run(database, f"DELETE FROM entries WHERE number = {SIZE}", f"DELETE FROM erasable WHERE number = {SIZE}")
    with pytest.raises(LogDamaged):
        views.check_views(database)


@pytest.mark.parametrize(("a", "b"), [(2, 3), (1, SIZE - 1), (5, 11)])
def test_two_entries_that_changed_places_are_named(database: Database, a: int, b: int) -> None:
    unguard(database)
    run(
        database,
        f"UPDATE entries SET number = -1 WHERE number = {a}",
        f"UPDATE entries SET number = {a} WHERE number = {b}",
        f"UPDATE entries SET number = {b} WHERE number = -1",
    )
    assert the_damage(database) == a


def test_bodies_that_changed_places_under_their_columns_are_named(database: Database) -> None:
    unguard(database)
    with database.writing() as connection:
        rows = {row.number: row for row in connection.execute(sa.select(entries))}
        for number, other in ((4, 7), (7, 4)):
            values = {"body": rows[other].body, "leaf": rows[other].leaf}
            connection.execute(sa.update(entries).where(entries.c.number == number).values(**values))
    assert the_damage(database) == 4


@pytest.mark.parametrize("number", [0, -5, SIZE + 1, SIZE + 7])
def test_an_entry_that_was_slipped_in_is_named(database: Database, number: int) -> None:
    run(
        database,
        f"INSERT INTO entries SELECT {number}, recorded_at, subject, kind, body, leaf FROM entries WHERE number = 5",
    )
    assert the_damage(database) == (1 if number < 1 else SIZE + 1)


def test_an_entry_forged_whole_at_the_end_no_longer_fits_the_views(database: Database) -> None:
    with database.writing() as connection:
        last = connection.execute(sa.select(entries).where(entries.c.number == SIZE)).one()
        body = last.body.replace(f'"number":{SIZE}'.encode(), f'"number":{SIZE + 1}'.encode())
        values = {**last._mapping, "number": SIZE + 1, "body": body, "leaf": hash_leaf(body)}
        connection.execute(sa.insert(entries).values(**values))
    with pytest.raises(LogDamaged):
        views.check_views(database)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE erasable SET value = CAST('\"示例员乙\"' AS BLOB)",
        "UPDATE erasable SET salt = zeroblob(16)",
        "UPDATE erasable SET path = 'role'",
        "UPDATE erasable SET number = 2",
        "UPDATE erasable SET number = 99",
        "INSERT INTO erasable SELECT 2, 'name', salt, value FROM erasable LIMIT 1",
    ],
)
def test_a_personal_value_that_is_not_what_was_sealed_is_named(database: Database, statement: str) -> None:
    try:
        run(database, statement)
    except sa.exc.IntegrityError:
        return  # two rows would have had one key
    assert the_damage(database) in (2, SIZE, 99)


def test_erasing_a_personal_value_is_no_damage(database: Database) -> None:
    before = root(database)
    run(database, "DELETE FROM erasable")
    views.rebuild_views(database)
    assert root(database) == before
    views.check_views(database)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE versions SET status = 'delisted' WHERE known_from = 3",
        "UPDATE versions SET state = CAST(replace(CAST(state AS TEXT), 'formal', 'trial') AS BLOB) "
        "WHERE known_from = 3",
        "UPDATE versions SET region = '210302' WHERE known_from = 3",
        "UPDATE versions SET valid_to = '2025-12-31' WHERE known_from = 3",
        "UPDATE versions SET known_to = 5 WHERE known_from = 3",
        "DELETE FROM versions WHERE known_from = 3",
        "INSERT INTO versions SELECT 'institution:00000000', valid_from, known_from, valid_to, known_to, kind, parent, "
        "status, region, state FROM versions WHERE known_from = 3",
        "UPDATE positions SET position = 5 WHERE view = 'search'",
    ],
)
def test_records_that_are_not_what_the_log_says_are_found_and_rebuilt(database: Database, statement: str) -> None:
    run(database, statement)
    with pytest.raises(LogDamaged) as found:
        views.check_views(database)
    assert found.value.details.get("entry", 3) == 3
    assert "3" in found.value.zh or "search" in found.value.zh
    views.rebuild_views(database)
    views.check_views(database)


def test_of_several_records_that_differ_the_earliest_entry_is_named(database: Database) -> None:
    run(
        database,
        "UPDATE versions SET status = 'delisted' WHERE known_from = 9",
        "DELETE FROM versions WHERE known_from = 4",
        "UPDATE versions SET region = '210302' WHERE known_from = 7",
    )
    with pytest.raises(LogDamaged) as found:
        views.check_views(database)
    assert found.value.details["entry"] == 4


def subject_of_person(connection: sa.Connection) -> str:
    query = sa.select(entries.c.subject).where(entries.c.kind == "practitioner")
    return connection.execute(query).scalars().one()


@pytest.mark.parametrize("place", [0, 2])
def test_a_damaged_file_is_a_refusal_that_says_what_to_do(database: Database, tmp_path: Path, place: int) -> None:
    """The first page, without which it is no database, or all but the first two."""
    database.close()
    path = Path(database.url.database or "")
    path.with_name(f"{path.name}-wal").unlink(missing_ok=True)
    raw = path.read_bytes()
    start = place * 4096
    path.write_bytes(raw[:start] + b"?" * (len(raw) - start))
    again = Database(str(database.url))
    with pytest.raises(CannotAnswer, match="registry restore") as found, again.reading() as connection:
        log_check.check_log(connection)
    assert "does not mean" in found.value.en
    again.close()


# --- proposals -------------------------------------------------------------------------------------------------------


def the_proposals_hold(database: Database) -> None:
    with database.reading() as connection:
        size = log_check.check_log(connection).size
        four_eyes.check_entries(connection, after=size, whole=True)
        four_eyes.check_proposals(connection)


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE proposals SET decided_by = 'editor.a' WHERE id = 2", {"entry": SIZE}),
        ("UPDATE proposals SET state = 'rejected' WHERE id = 2", {"entry": SIZE}),
        ("UPDATE proposals SET first_entry = 1, last_entry = 2 WHERE id = 2", {"entry": SIZE}),
        ("UPDATE proposals SET first_entry = 1 WHERE id = 2", {"proposal": 2}),
        ("INSERT INTO proposals SELECT 9, state, kind, title, base_size, items, content_hash, report, created_at, "
         "decided_at, decided_by, reason, first_entry, last_entry, region, confirm_by FROM proposals WHERE id = 1",
         {"proposal": 9}),
        ("UPDATE proposal_items SET body = CAST(replace(CAST(body AS TEXT), 'formal', 'trial') AS BLOB) "
         "WHERE proposal = 1 AND position = 3", {"proposal": 1}),
        ("UPDATE proposal_items SET body = CAST(body AS TEXT) WHERE proposal = 1 AND position = 3", {"proposal": 1}),
        ("UPDATE proposal_items SET body = (SELECT body FROM proposal_items WHERE proposal = 1 AND position = 4) "
         "WHERE proposal = 1 AND position = 3", {"proposal": 1}),
        ("DELETE FROM proposal_items WHERE proposal = 1 AND position = 3", {"proposal": 1}),
        ("INSERT INTO proposal_items SELECT 1, 99, body, subject, personal FROM proposal_items WHERE proposal = 1 "
         "AND position = 3", {"proposal": 1}),
        ("DELETE FROM proposal_touches WHERE proposal = 2", {"proposal": 2}),
        ("DELETE FROM proposal_touches WHERE proposal = 2 AND action = 'approved'", {"proposal": 2}),
        ("UPDATE proposal_touches SET account = 'editor.b' WHERE proposal = 2 AND action = 'propose'", {"proposal": 2}),
    ],
)  # fmt: skip
def test_a_decision_that_somebody_altered_is_named(database: Database, statement: str, named: dict[str, int]) -> None:
    the_proposals_hold(database)
    run(database, statement)
    with pytest.raises(LogDamaged) as found:
        the_proposals_hold(database)
    assert found.value.details == named
    (number,) = named.values()
    assert str(number) in found.value.zh
    assert str(number) in found.value.en


def test_an_erased_person_leaves_every_decision_whole(database: Database) -> None:
    with database.reading() as connection:
        erasing = redaction.plan_redaction(connection, subject_of_person(connection), "本人申请", TODAY).draft
    enter(database, erasing)
    the_proposals_hold(database)


def test_a_pending_proposal_altered_in_the_database_is_not_approved(database: Database) -> None:
    identifier = propose(database, an_institution("鞍山市另一医院"))
    with database.reading() as connection:
        before = log_check.check_log(connection)
    run(
        database,
        "UPDATE proposal_items SET body = CAST(replace(CAST(body AS TEXT), '另一', '别的') AS BLOB) "
        f"WHERE proposal = {identifier}",
    )
    with pytest.raises(LogDamaged):
        the_proposals_hold(database)
    with pytest.raises(Conflict, match="改动"):
        approve(database, identifier)
    with database.reading() as connection:
        assert log_check.check_log(connection) == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE standings SET offers = 0",
        "UPDATE standings SET standing = 'suspended' WHERE known_from = 3",
        'UPDATE standings SET ahead_words = \'{"IVF":"lapsed"}\'',
        "DELETE FROM standings WHERE known_from = 3",
        "UPDATE standings SET valid_to = '2025-12-31' WHERE known_from = 3",
    ],
)
def test_standings_that_are_not_what_the_log_says_are_found_and_rebuilt(database: Database, statement: str) -> None:
    run(database, statement)
    with pytest.raises(LogDamaged, match="registry rebuild standings"):
        views.check_views(database)
    views.rebuild_views(database, "standings")
    views.check_views(database)
