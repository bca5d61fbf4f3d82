"""The sources in seed_data/ and whether a register has them; light to import, because every start asks."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from registry.errors import InvalidInput
from registry.storage.database import Database
from registry.storage.tables import versions
from registry.texts import Message

#: The id of the source of names people use, whose file lies beside the lists.
ALIASES = "aliases"
SEED_DATA = Path(__file__).parents[3] / "seed_data"


def list_sources(root: Path = SEED_DATA) -> list[Path]:
    """The folders with an institution list, oldest list first."""
    folders = [path.parent for path in root.glob("*/expected.json")]
    return sorted(folders, key=lambda folder: str(read_source(folder)["as_of"]))


def read_source(folder: Path) -> dict[str, Any]:
    """Read a source.toml; InvalidInput when a date in it is none."""
    return _read_toml(folder / "source.toml", folder.name)


def read_common_names_source(root: Path = SEED_DATA) -> dict[str, Any]:
    """Read aliases.toml, the description of the names people use."""
    return _read_toml(root / f"{ALIASES}.toml", ALIASES)


def _read_toml(path: Path, name: str) -> dict[str, Any]:
    with path.open("rb") as file:
        data = tomllib.load(file)
    for field in ("as_of", "published"):
        if field in data and not isinstance(data[field], dt.date):
            raise InvalidInput(
                Message("{name}/{path_name}：{field} 须为日期", name=name, path_name=path.name, field=field)
            )
    return data


def is_seed_incomplete(database: Database) -> bool:
    """Whether a shipped source is missing, and no other source was added: the first start is not done."""
    with database.reading() as connection:
        query = sa.select(versions.c.subject).where(versions.c.kind == "source").distinct()
        present = set(connection.execute(query).scalars())
    shipped = {f"source:{folder.name}" for folder in list_sources()} | {f"source:{ALIASES}"}
    return present < shipped


def has_source(database: Database, source: str) -> bool:
    """Whether the register has a source of this id."""
    with database.reading() as connection:
        query = sa.select(versions.c.subject).where(versions.c.subject == f"source:{source}").limit(1)
        return connection.execute(query).first() is not None
