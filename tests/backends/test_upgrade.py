"""A register made by the version before this one: nothing is lost, and what is new works on what was there."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

import registry
from registry import signing, views
from registry.database import Database, number_after
from registry.log import check as log_check
from registry.log.publish import PublishedLog
from registry.settings import Settings
from registry.tables import metadata, proposal_items, proposals, touches
from tests.factories import a_person, a_source, an_erasure, an_institution, enter, propose

NAME = "示例员旧"


def as_before(database: Database) -> None:
    """Make the schema that of the first version."""
    config = Config()
    config.set_main_option("script_location", str(Path(registry.__file__).parent / "migrations"))
    if database.is_sqlite:
        Path(database.url.database or "").touch()
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
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
            rows = [dict(row) for row in reading.execute(sa.select(*columns)).mappings()]
            if rows:
                writing.execute(sa.insert(table), rows)
            if rows and table in (proposals, touches):
                number_after(writing, table)


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
    signing.create(settings.key_file())
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
        assert log_check.check(connection, log).withheld == 0
        bodies = connection.execute(sa.select(proposal_items.c.body)).scalars().all()
        assert not any(NAME.encode() in bytes(body) for body in bodies)
    views.check(old)
