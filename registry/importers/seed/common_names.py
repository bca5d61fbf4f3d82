"""Names people use for an institution (俗称): a small csv file with a source per row, proposed like any change.

Its columns are ``name`` (as the register prints it), ``known_as`` and ``source``. The institutions in the file get
exactly the names it gives; a row without ``known_as`` removes them all; other institutions are left as they are.
"""

import csv
import datetime as dt
from collections.abc import Iterable
from pathlib import Path

import sqlalchemy as sa

from registry.domain.fields import BY_NAME
from registry.domain.model import Change, Date, Draft, Struct
from registry.domain.normalise import fold_text
from registry.errors import InvalidInput
from registry.records import lookup
from registry.records.asof import AsOf, make_as_of
from registry.records.selection import InstitutionFilter, select_subjects
from registry.storage.database import Database
from registry.texts import Message

COLUMNS = ("name", "known_as", "source")


class CommonNameRow(Struct, frozen=True):
    """One line of the file; ``line`` counts from 1, the header included."""

    line: int
    name: str
    known_as: str
    source: str


class CommonNameChange(Struct, frozen=True):
    """What the file would change of one institution."""

    name: str
    code: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    sources: str

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
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise InvalidInput(Message("{path_name} 首行须为 {columns}。", path_name=path.name, columns=",".join(COLUMNS)))
    rows = [
        CommonNameRow(line=number, **{column: (line[column] or "").strip() for column in COLUMNS})
        for number, line in enumerate(reader, 2)
        if any((line[column] or "").strip() for column in COLUMNS)
    ]
    _check_rows(path.name, rows)
    return rows


def _check_rows(file: str, rows: list[CommonNameRow]) -> None:
    taken: dict[str, CommonNameRow] = {}
    for row in rows:
        if not row.name or (row.known_as and not row.source):
            raise _make_error(file, row, Message("须有机构名称和依据"))
        if row.known_as and fold_text(row.known_as) == fold_text(row.name):
            raise _make_error(file, row, Message("俗称与机构名称相同"))
        if row.known_as and (first := taken.setdefault(fold_text(row.known_as), row)) is not row:
            message = Message("“{known_as}”已见于第{line}行", known_as=row.known_as, line=first.line)
            raise _make_error(file, row, message)


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
    known: dict[str, list[tuple[str, tuple[str, ...], str]]] = {}
    for institution in lookup.read_institutions(connection, sorted(subjects), asof):
        holder = (institution.code, tuple(institution.known_as), institution.name)
        known.setdefault(fold_text(institution.name), []).append(holder)
    by_name: dict[str, list[CommonNameRow]] = {}
    for row in rows:
        by_name.setdefault(fold_text(row.name), []).append(row)
    changes = []
    for name, lines in by_name.items():
        holders = known.get(name, [])
        if len(holders) != 1:
            message = Message("名录中没有这家机构") if not holders else Message("名录中有几家同名机构")
            raise _make_error(file, lines[0], Message("{message}：{name}", message=message, name=lines[0].name))
        code, before, printed = holders[0]
        named = [row for row in lines if row.known_as]
        changes.append(
            CommonNameChange(
                name=printed,
                code=code,
                before=before,
                after=tuple(row.known_as for row in named),
                sources="；".join(dict.fromkeys(row.source for row in named)),
            )
        )
    return changes


def make_drafts(changes: Iterable[CommonNameChange], day: dt.date, source: str | None = None) -> list[Draft]:
    """A draft for each institution whose names change, valid from ``day`` on."""
    return [
        Draft(
            subject=lookup.to_subject(change.code.replace("-", "")),
            change=Change(
                kind="institution",
                set={"known_as": list(change.after) or None, BY_NAME["known_as"].sources: change.sources or None},
            ),
            valid_from=Date(day.year, day.month, day.day),
            source=source,
        )
        for change in changes
        if change.has_changes
    ]


def compare_file(database: Database, path: Path) -> list[CommonNameChange]:
    """The changes that a file would make to a register."""
    rows = read_rows(path)
    with database.reading() as connection:
        return compare_rows(connection, path.name, rows)
