"""Rows that stand for nobody of the register, or rename somebody, under the name of one whose approval was stopped.

Whoever asks for that name is told "revoked" before the import; after it the name would answer "licensed", for another
code. So such a row is a conflict like any other: left out unless a person takes it with a reason.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from registry.domain.identifiers import format_subject_code
from registry.domain.model import Entry, Source, Struct
from registry.domain.normalise import fold_text
from registry.importers.matching.conflicts import (
    IDENTITY,
    Conflict,
    History,
    ReadHistories,
    make_conflict_key,
    make_evidence,
    make_list_evidence,
)
from registry.importers.matching.register_side import RegisterInstitution


class NamedRow(Struct, frozen=True):
    """A row of the list by its ``position``: the ``subject`` it is recorded under, and the names that are new to it.

    ``doubts`` are subjects of institutions that may be the same by name or address, as far as nobody parted them.
    """

    position: int
    subject: str
    name: str
    names: tuple[str, ...]
    address: str
    province: str
    row: int
    is_new: bool
    statement: dict[str, Any]
    doubts: frozenset[str] = frozenset()


def find_namesakes(
    rows: Iterable[NamedRow],
    known: Mapping[str, RegisterInstitution],
    read_histories: ReadHistories,
    sources: Mapping[str, Source],
    source: Source,
) -> Iterator[tuple[NamedRow, Conflict]]:
    """Yield a conflict for each row that bears the name of another institution that was stopped."""
    pairs = [(row, subject) for row, subject in _pair_by_name([*rows], known) if subject != row.subject]
    histories = {
        subject: History(entries, sources, source.as_of)
        for subject, entries in read_histories(sorted({subject for _, subject in pairs}))
    }
    seen: set[int] = set()
    for row, subject in pairs:
        history = histories.get(subject)
        stop = _find_stop(row, history) if history is not None and row.position not in seen else None
        if history is not None and stop is not None:
            seen.add(row.position)
            yield row, _make_conflict(row, known[subject], stop, history, source)


def _find_stop(row: NamedRow, history: History) -> Entry | None:
    """What stopped an institution, or one of the approvals that a new row states under its name."""
    paths = [path for path in row.statement if path.startswith("approvals.")] if row.is_new else []
    return next(filter(None, (history.find_stop(), *map(history.find_stop_of_all, paths))), None)


def _pair_by_name(rows: list[NamedRow], known: Mapping[str, RegisterInstitution]) -> Iterator[tuple[NamedRow, str]]:
    """Yield (row, subject) for each institution of its province that has or had one of its names, and for doubts."""
    by_name: dict[tuple[str, str], list[NamedRow]] = {}
    for row in rows:
        yield from ((row, subject) for subject in sorted(row.doubts))
        for name in {fold_text(name) for name in row.names}:
            by_name.setdefault((row.province, name), []).append(row)
    for subject, institution in known.items():
        province = (institution.likeness.get("region") or "")[:2]
        for name in {fold_text(name) for name in institution.names}:
            yield from ((row, subject) for row in by_name.get((province, name), ()))


def _make_conflict(
    row: NamedRow, known: RegisterInstitution, stop: Entry, history: History, source: Source
) -> Conflict:
    path = next((path for path in stop.change.set if path.startswith("approvals.")), "status")
    field = IDENTITY if row.is_new else "name"
    return Conflict(
        key=make_conflict_key(known.subject, field, [row.name, row.address], stop),
        code=format_subject_code(known.subject if row.is_new else row.subject),
        name=row.name,
        address=row.address,
        row=row.row,
        field=field,
        recorded=known.likeness["name"],
        listed=row.name,
        decision=make_evidence(stop, path, history.sources),
        list_document=make_list_evidence(source),
        paths=row.statement,
    )
