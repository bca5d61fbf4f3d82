"""A register made by the version before this one: nothing is lost, and what is new works on what was there."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pyotp
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

import registry
from registry.accounts import sessions
from registry.accounts.signin import Proof, SignIns, Visitor
from registry.cli import maintenance
from registry.log import check as log_check
from registry.log import signing_keys
from registry.log.publish import PublishedLog
from registry.operations.backup import file as backups
from registry.operations.backup import make
from registry.proposals import views
from registry.settings import Settings
from registry.storage.database import Database, continue_numbering
from registry.storage.tables import accounts, metadata, proposal_items, proposals, touches
from tests.factories import PASSWORD, a_person, a_source, an_erasure, an_institution, enter, propose
from tests.running import Cli

NAME = "示例员旧"


def as_before(database: Database, revision: str = "0001") -> None:
    """Make the schema that of an earlier version, the first by default."""
    config = Config()
    config.set_main_option("script_location", str(Path(registry.__file__).parent / "storage" / "migrations"))
    if database.is_sqlite:
        Path(database.url.database or "").touch()
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.commit()


def copied(source: Database, target: Database) -> None:
    """Every row of every table that the first version had, without what it had not."""
    with source.reading() as reading, target.writing() as writing:
        before = sa.inspect(writing)
        for table in metadata.sorted_tables:
            if not before.has_table(table.name):
                continue
            there = {column["name"] for column in before.get_columns(table.name)}
            columns = [column for column in table.columns if column.name in there]
            gone = dict.fromkeys(there - {column.name for column in columns}, 0)  # figures that nobody reads any more
            rows = [{**dict(row), **gone} for row in reading.execute(sa.select(*columns)).mappings()]
            if rows:
                writing.execute(sa.insert(sa.table(table.name, *map(sa.column, rows[0]))), rows)
            if table.name == "positions":  # of views that the first version had not
                writing.execute(sa.delete(table).where(table.c.view.in_(("standings", "deadlines"))))
            if rows and table in (proposals, touches):
                continue_numbering(writing, table)


@pytest.fixture
def old(database: Database, request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """The same register as ``database``, as the first version kept it."""
    hospital = an_institution()
    enter(database, a_source(), hospital, a_person(hospital, NAME))
    propose(database, a_person(hospital, "示例员待"))
    if database.is_sqlite:
        url = f"sqlite:///{tmp_path / 'old.sqlite'}"
    else:
        url = request.getfixturevalue("postgres").create("register_of_the_first_version")
    before = Database(url)
    as_before(before)
    copied(database, before)
    assert not before.is_current()
    request.addfinalizer(before.close)
    return before


def test_a_register_of_the_first_version_is_migrated_signed_and_can_erase(old: Database, tmp_path: Path) -> None:
    assert old.migrate()
    assert not old.migrate()
    settings = Settings(data_dir=tmp_path / "var")
    signing_keys.create_key_file(settings.get_key_file())
    log = PublishedLog(settings)
    signed = log.publish(old)
    assert signed is not None
    assert signed.checkpoint.size == 3
    with old.reading() as connection:
        marked = connection.execute(sa.select(proposal_items.c.personal)).scalars().all()
        assert len([one for one in marked if one]) == 2
    person = a_person(an_institution(), NAME)
    enter(old, an_erasure(person))
    with old.reading() as connection:
        assert log_check.check_log(connection, log).withheld == 0
        bodies = connection.execute(sa.select(proposal_items.c.body)).scalars().all()
        assert not any(NAME.encode() in bytes(body) for body in bodies)
    views.check_views(old)


# --- second factors that were not sealed yet -------------------------------------------------------------------------

PLAIN = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
HERE = Visitor(address="192.0.2.7", agent="Desk/1")


def let_in(database: Database, settings: Settings) -> None:
    """An editor signs in with the authenticator they had; their session has still to prove it for what matters."""
    ins = SignIns(database, settings)
    token, _ = ins.sign_in("editor.a", PASSWORD, HERE)
    assert token
    with database.reading() as connection:
        session = sessions.find_session(connection, token, sessions.SessionLimits(idle=30, absolute=600))
    assert session
    assert ins.verify_second_factor(session, Proof(code=pyotp.TOTP(PLAIN).at(time.time() + 30)), HERE)
    ins.close()


def test_second_factors_of_the_version_before_are_sealed_by_init_and_go_on(
    database: Database, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    if database.is_sqlite:
        before = Database(f"sqlite:///{tmp_path / 'before.sqlite'}")
    else:
        before = Database(request.getfixturevalue("postgres").create("register_of_the_version_before"))
    request.addfinalizer(before.close)
    as_before(before, "0006")
    copied(database, before)
    with before.writing() as connection:
        locked = int(time.time() * 1000) + 900_000
        mine = sa.update(accounts).where(accounts.c.name == "editor.a")
        connection.execute(mine.values(second=PLAIN, failures=3, locked_until=locked))
    assert before.migrate()
    settings = Settings(data_dir=tmp_path / "var")
    assert maintenance.seal_secrets(before, settings) == (True, 1)
    assert maintenance.seal_secrets(before, settings) == (False, 0)
    with before.reading() as connection:
        stored = connection.execute(sa.select(accounts.c.second).where(accounts.c.name == "editor.a")).scalar_one()
        assert stored is not None
    assert PLAIN not in stored
    if before.is_sqlite:
        before.close()
        assert all(PLAIN.encode() not in path.read_bytes() for path in tmp_path.glob("before.sqlite*"))
    let_in(before, settings)


def test_a_backup_of_the_version_before_is_restored_and_its_second_factors_are_sealed(
    database: Database, tmp_path: Path
) -> None:
    enter(database, a_source(), an_institution())
    settings = Settings(data_dir=tmp_path / "var")
    backup = tmp_path / "a.backup"
    make.make_backup(database, PublishedLog(settings), backup, replace=False, progress=lambda *_: None)
    with sqlite3.connect(backup) as raw:
        raw.execute("ALTER TABLE accounts DROP COLUMN second_used")
        raw.execute("UPDATE accounts SET second = ? WHERE name = 'editor.a'", (PLAIN,))
        raw.execute("UPDATE backup SET \"schema\" = '0006'")
    raw.close()
    with backups.open_backup(backup) as opened:
        seen = backups._Digest()
        for chunk in opened.read_rows(accounts):
            seen.add_rows(chunk)
    with sqlite3.connect(backup) as raw:
        raw.execute("UPDATE backup_tables SET sha256 = ? WHERE name = 'accounts'", (seen.to_hex(),))
    raw.close()
    cli = Cli(tmp_path / "restored", inside=True)
    cli.ok("restore", backup)
    restored = Settings(data_dir=cli.data_dir)
    found = Database(restored.get_database_url())
    let_in(found, restored)
    found.close()
    assert PLAIN.encode() not in (cli.data_dir / "register.sqlite").read_bytes()
    cli.ok("log", "check")
