"""A credential as the log states it: what was printed of an institution, until when, and whether it was withdrawn."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import sqlalchemy as sa

from registry.domain.identifiers import format_code
from registry.domain.model import Date, Struct
from registry.domain.techniques import TechniqueCode
from registry.log.clock import from_milliseconds
from registry.records import timeline
from registry.records.asof import SHANGHAI
from registry.records.view import decode_state
from registry.storage.tables import FOREVER, STILL_KNOWN, entries, versions

#: Places of one status list: every list has as many from the beginning, so that its length tells nothing.
LIST_SIZE = 16_384
_REQUIRED = frozenset({"institution", "index", "log_size", "name", "address", "techniques", "expires"})


class Credential(Struct, frozen=True):
    """One credential. ``institution`` is a compact code, ``index`` its place in the status lists, ``issued`` when it
    was recorded; ``withdrawal``: why it was withdrawn, null while it was not."""

    number: int
    institution: str
    index: int
    log_size: int
    name: str
    address: str
    techniques: list[TechniqueCode]
    expires: Date
    issued: dt.datetime
    entry: int
    withdrawal: str | None = None

    @property
    def code(self) -> str:
        """The printed code of the institution."""
        return format_code(self.institution)

    @property
    def end(self) -> dt.datetime:
        """The instant from which it is no longer valid: the end of its last day in Shanghai."""
        day = self.expires + dt.timedelta(days=1)
        return dt.datetime.combine(day, dt.time(), SHANGHAI).astimezone(dt.UTC)

    @property
    def list_number(self) -> int:
        """The number of the status list that holds it."""
        return self.index // LIST_SIZE


def read_credentials(connection: sa.Connection, after: int = 0, upto: int | None = None) -> list[Credential]:
    """Read, in order, the credentials that entries after a number are about, as known now or at a log size."""
    size = STILL_KNOWN - 1 if upto is None else upto
    v = versions.c
    query = (
        sa.select(v.subject, v.state)
        .where(
            v.kind == "credential",
            v.known_from <= size,
            v.known_to > size,
            v.known_from > after,
            v.valid_to == FOREVER,
        )
        .order_by(v.subject)
    )
    states = {subject: timeline.collect_facts(decode_state(state)) for subject, state in connection.execute(query)}
    complete = {subject: facts for subject, facts in states.items() if facts.keys() >= _REQUIRED}
    times = _read_recording_times(connection, (facts["index"].entry for facts in complete.values()))
    return sorted(
        (_make_credential(subject, facts, times) for subject, facts in complete.items()), key=lambda one: one.number
    )


def _read_recording_times(connection: sa.Connection, numbers: Iterable[int]) -> dict[int, dt.datetime]:
    wanted, times = sorted(numbers), {}
    for start in range(0, len(wanted), 500):
        query = sa.select(entries.c.number, entries.c.recorded_at).where(
            entries.c.number.in_(wanted[start : start + 500])
        )
        times.update({number: from_milliseconds(at) for number, at in connection.execute(query)})
    return times


def _make_credential(subject: str, facts: dict[str, timeline.Fact], times: dict[int, dt.datetime]) -> Credential:
    value = {path: fact.value for path, fact in facts.items()}
    entry = facts["index"].entry
    return Credential(
        number=int(subject.partition(":")[2]),
        institution=value["institution"].partition(":")[2],
        index=value["index"],
        log_size=value["log_size"],
        name=value["name"],
        address=value["address"],
        techniques=value["techniques"],
        expires=dt.date.fromisoformat(value["expires"]),
        issued=times[entry],
        entry=entry,
        withdrawal=(value.get("withdrawal") or "") if value.get("withdrawn") else None,
    )
