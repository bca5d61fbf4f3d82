"""What seed_data/ holds and what of it a register has: light to import, because every start asks."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from registry.database import Database
from registry.errors import InvalidInput
from registry.tables import versions

SEED_DATA = Path(__file__).parent.parent.parent / "seed_data"


def sources(root: Path = SEED_DATA) -> list[Path]:
    """The folders with an institution list, oldest list first."""
    folders = [path.parent for path in root.glob("*/expected.json")]
    return sorted(folders, key=lambda folder: str(described(folder)["as_of"]))


def described(folder: Path) -> dict[str, Any]:
    """What a source.toml says; InvalidInput when a date in it is none."""
    with (folder / "source.toml").open("rb") as file:
        told = tomllib.load(file)
    for field in ("as_of", "published"):
        if field in told and not isinstance(told[field], dt.date):
            raise InvalidInput(f"{folder.name}/source.toml：{field} 须为日期", f"{folder.name}: {field} must be a date")
    return told


def is_incomplete(database: Database) -> bool:
    """Whether a first start is still to be done: some shipped list is missing, and nobody brought another source."""
    with database.reading() as connection:
        query = sa.select(versions.c.subject).where(versions.c.kind == "source").distinct()
        held = set(connection.execute(query).scalars())
    wanted = {f"source:{folder.name}" for folder in sources()}
    return held <= wanted and held != wanted


def is_known(database: Database, source: str) -> bool:
    """Whether the register has a source of this id."""
    with database.reading() as connection:
        query = sa.select(versions.c.subject).where(versions.c.subject == f"source:{source}").limit(1)
        return connection.execute(query).first() is not None
