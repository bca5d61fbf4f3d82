"""Names that no list prints: a small csv file with a source per row, proposed like any change.

Of those people use (俗称) the columns are ``name`` (as the register prints it), ``known_as`` and ``source``; of English
names ``name``, ``address`` (where two have the name), ``name_en``, ``kind`` and ``source``. The institutions in the
file get exactly the names it gives; a row without one removes them all; other institutions are left as they are.
"""

import csv
import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from registry.domain.fields import BY_NAME
from registry.domain.model import Change, Date, Draft, Institution, Struct
from registry.domain.normalise import compact_text, fold_text
from registry.errors import InvalidInput
from registry.records import lookup
from registry.records.asof import AsOf, make_as_of
from registry.records.selection import InstitutionFilter, select_subjects
from registry.storage.database import Database
from registry.texts import Message

#: The columns of a file, by the field it is about.
COLUMNS = {"known_as": ("name", "known_as", "source"), "name_en": ("name", "address", "name_en", "kind", "source")}
#: What a proposal calls them.
LABELS = {"known_as": "俗称", "name_en": "英文名称"}


class CommonNameRow(Struct, frozen=True):
    """One line of a file; ``line`` counts from 1, the header included; ``text`` is the name for the field."""

    line: int
    field: str
    name: str
    text: str
    source: str
    address: str = ""


class CommonNameChange(Struct, frozen=True):
    """What the file would change of one institution."""

    name: str
    code: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    sources: str
    field: str = "known_as"

    @property
    def has_changes(self) -> bool:
        """Whether its names would change."""
        return self.before != self.after


def read_rows(path: Path) -> list[CommonNameRow]:
    """Read the lines of a file; InvalidInput names the one that cannot be used, and what to do."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(Message("无法读取 {path_name}，须为 UTF-8 的 CSV 文件。", path_name=path.name)) from error
    reader = csv.DictReader(text.splitlines())
    printed = tuple(reader.fieldnames or ())
    field = next((field for field, columns in COLUMNS.items() if columns == printed), None)
    if field is None:
        either = " / ".join(map(",".join, COLUMNS.values()))
        raise InvalidInput(Message("{path_name} 首行须为 {columns}。", path_name=path.name, columns=either))
    lines = ({column: (line[column] or "").strip() for column in printed} for line in reader)
    rows = [
        CommonNameRow(
            line=number,
            field=field,
            name=line["name"],
            text=line[field],
            source=line["source"],
            address=line.get("address", ""),
        )
        for number, line in enumerate(lines, 2)
        if any(line.values())
    ]
    _check_rows(path.name, rows)
    return rows


def _check_rows(file: str, rows: list[CommonNameRow]) -> None:
    taken: dict[tuple[str, ...], CommonNameRow] = {}
    for row in rows:
        field = BY_NAME[row.field]
        if not row.name or (row.text and not row.source):
            raise _make_error(file, row, Message("须有机构名称和依据"))
        if row.text and fold_text(row.text) == fold_text(row.name):
            raise _make_error(file, row, Message("俗称与机构名称相同"))
        if row.text and field.check and (message := field.check(row.text)):
            raise _make_error(file, row, message)
        key = (fold_text(row.text),) if field.has_several else (fold_text(row.name), compact_text(row.address))
        if (row.text or not field.has_several) and (first := taken.setdefault(key, row)) is not row:
            text = row.text if field.has_several else row.name
            raise _make_error(file, row, Message("“{text}”已见于第{line}行", text=text, line=first.line))


def _make_error(file: str, row: CommonNameRow, message: Message) -> InvalidInput:
    return InvalidInput(
        Message("{file} 第{line}行：{message}。", file=file, line=row.line, message=message), line=row.line
    )


def compare_rows(
    connection: sa.Connection, file: str, rows: Iterable[CommonNameRow], asof: AsOf | None = None
) -> list[CommonNameChange]:
    """The changes of institutions named in rows; InvalidInput for a name that none or several of them have."""
    asof = asof or make_as_of(connection)
    subjects = select_subjects(connection, InstitutionFilter(standings=(), statuses=("listed", "suspended")), asof)
    known: dict[str, list[Institution]] = {}
    for institution in lookup.read_institutions(connection, sorted(subjects), asof):
        known.setdefault(fold_text(institution.name), []).append(institution)
    by_name: dict[tuple[str, str], list[CommonNameRow]] = {}
    for row in rows:
        by_name.setdefault((fold_text(row.name), compact_text(row.address)), []).append(row)
    changes = []
    for (name, address), lines in by_name.items():
        holders = [it for it in known.get(name, []) if address in ("", compact_text(it.address))]
        if len(holders) != 1:
            message = Message("名录中没有这家机构") if not holders else Message("名录中有几家同名机构")
            raise _make_error(file, lines[0], Message("{message}：{name}", message=message, name=lines[0].name))
        before = getattr(holders[0], lines[0].field) or []
        named = [row for row in lines if row.text]
        changes.append(
            CommonNameChange(
                name=holders[0].name,
                code=holders[0].code,
                before=tuple([before] if isinstance(before, str) else before),
                after=tuple(row.text for row in named),
                sources="；".join(dict.fromkeys(row.source for row in named)),
                field=lines[0].field,
            )
        )
    return changes


def make_drafts(changes: Iterable[CommonNameChange], day: dt.date, source: str | None = None) -> list[Draft]:
    """A draft for each institution whose names change, valid from ``day`` on."""
    return [
        Draft(
            subject=lookup.to_subject(change.code.replace("-", "")),
            change=Change(kind="institution", set=_make_values(change)),
            valid_from=Date(day.year, day.month, day.day),
            source=source,
        )
        for change in changes
        if change.has_changes
    ]


def _make_values(change: CommonNameChange) -> dict[str, Any]:
    """The names of an institution, or its one name, with their sources beside; None for what is no longer stated."""
    field, names = BY_NAME[change.field], list(change.after)
    value = names if field.has_several else "".join(names)
    return {field.name: value or None, field.sources: change.sources or None}


def compare_file(database: Database, path: Path) -> list[CommonNameChange]:
    """The changes that a file would make to a register."""
    rows = read_rows(path)
    with database.reading() as connection:
        return compare_rows(connection, path.name, rows)
