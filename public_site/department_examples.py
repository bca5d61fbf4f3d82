"""What the register gives to each department, and how to ask for it: the table ``department_examples.toml`` here."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

import msgspec

from registry.domain.model import Struct

#: Pages to be put into other sites, by the last part of their address.
EMBEDDED = ("approved", "offers", "techniques")


class ExampleTable(Struct, frozen=True):
    """The table: the services of each department, the pages they lead to, the commands by which they are had."""

    services: dict[str, tuple[str, ...]]
    pages: dict[str, str]
    commands: dict[str, str]


class ServiceExample(Struct, frozen=True, kw_only=True):
    """One service on a department's page: ``name`` is that of its texts; a command to run, or a page to look at."""

    name: str
    code: str = ""
    page: str = ""
    needs_key: bool = False


@cache
def load_examples() -> ExampleTable:
    """Load the table."""
    text = Path(__file__).with_name("department_examples.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), ExampleTable)


def list_examples(department: str, origin: str) -> tuple[ServiceExample, ...]:
    """List what a department is given, with commands that ask the register at ``origin``."""
    table = load_examples()
    return tuple(_make_example(table, name, origin) for name in table.services[department])


def _make_example(table: ExampleTable, name: str, origin: str) -> ServiceExample:
    command = make_frames(origin) if name == "embed" else table.commands.get(name, "")
    return ServiceExample(
        name=name,
        code=command.replace("{origin}", origin).strip(),
        page=table.pages.get(name, ""),
        needs_key="$KEY" in command,
    )


def make_frames(origin: str) -> str:
    """Make the lines that put the pages into another site."""
    return "\n".join(
        f'<iframe src="{origin}/embed/{name}" title="{name}" width="100%" height="640" loading="lazy"></iframe>'
        for name in EMBEDDED
    )
