"""The table of departments, ``departments.toml`` beside this file: their codes, names, and which are judicial."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

import msgspec

from registry.domain.model import Struct
from registry.errors import InvalidInput
from registry.texts import Message


class Department(Struct, frozen=True, kw_only=True):
    """One department: ``zh`` and ``en`` are its names, ``judicial`` and ``lead`` as the table explains them."""

    code: str
    zh: str
    en: str
    judicial: bool = False
    lead: bool = False

    def get_name(self, lang: str) -> str:
        """Return its name in the language of a page."""
        return self.zh if lang.startswith("zh") else self.en


@cache
def list_departments() -> dict[str, Department]:
    """Return every department by its code, in the table's order."""
    text = Path(__file__).with_name("departments.toml").read_text("utf-8")
    rows = msgspec.convert(tomllib.loads(text)["department"], list[Department])
    return {row.code: row for row in rows}


def get_department(code: str) -> Department:
    """Return the department of a code; InvalidInput for one that the table does not have."""
    department = list_departments().get(code)
    if department is None:
        raise InvalidInput(Message("没有部门“{code}”。", code=code[:40]), field="department")
    return department


def get_leading_department() -> Department:
    """Return the department that leads the mechanism."""
    return next(one for one in list_departments().values() if one.lead)
