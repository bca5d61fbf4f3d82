"""Sources as they were known: documents that facts rest on, by id and by log size."""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from itertools import pairwise

import msgspec
import sqlalchemy as sa

from registry.domain.model import Source
from registry.records import timeline
from registry.storage.tables import versions

_decode_state = msgspec.json.Decoder().decode


def decode_source(subject: str, state: timeline.State) -> Source | None:
    """The source in a record, with the entry that stated it; None until its title and day were stated."""
    values = {path: fact.value for path, fact in timeline.collect_facts(state).items()}
    if not {"title", "as_of"} <= values.keys():
        return None
    entry = timeline.get_basis(state)[0]
    return msgspec.convert({"id": subject.removeprefix("source:"), "entry": entry, **values}, Source)


class SourceHistory:
    """Every source with what was known of it up to a log size."""

    def __init__(self, size: int, by_id: Mapping[str, tuple[tuple[int, Source], ...]]) -> None:
        """``by_id``: (entry it was known from, source), oldest first."""
        self.size = size
        self.by_id = by_id
        self._numbers = sorted({number for history in by_id.values() for number, _ in history})
        self._known: dict[int, dict[str, Source]] = {}

    def select_known(self, number: int) -> dict[str, Source]:
        """Return the sources as known after an entry; do not change the result."""
        position = bisect.bisect_right(self._numbers, number)
        if position not in self._known:
            self._known[position] = {
                name: known[-1][1]
                for name, history in self.by_id.items()
                if (known := [item for item in history if item[0] <= number])
            }
        return self._known[position]

    def list_changes(self, first: int) -> list[int]:
        """List the entries, from ``first`` on, after which a source that was known is of another day or scope."""
        return [
            number
            for history in self.by_id.values()
            for (_, before), (number, after) in pairwise(history)
            if number >= first and _make_key(before) != _make_key(after)
        ]


def _make_key(source: Source) -> tuple[object, ...]:
    return source.as_of, source.scope, tuple(source.covers)


def load_source_history(connection: sa.Connection, size: int) -> SourceHistory:
    """Load what was stated of every source up to a log size."""
    query = (
        sa.select(versions.c.subject, versions.c.known_from, versions.c.state)
        .where(versions.c.kind == "source", versions.c.known_from <= size)
        .order_by(versions.c.known_from, versions.c.valid_from)
    )
    sources: dict[str, list[tuple[int, Source]]] = {}
    for subject, known_from, state in connection.execute(query):
        source = decode_source(subject, _decode_state(state))
        if source is not None:
            sources.setdefault(source.id, []).append((known_from, source))
    return SourceHistory(size, {name: tuple(history) for name, history in sources.items()})
