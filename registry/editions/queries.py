"""Editions from the records: every one the log states, with its withdrawal if there is one."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import sqlalchemy as sa

from registry.domain.model import LogState
from registry.editions.edition import Edition, Withdrawal
from registry.log import store
from registry.records import timeline
from registry.records.asof import AsOf, instant_at
from registry.records.selection import match_known
from registry.records.view import decode_state
from registry.storage.tables import FOREVER, entries, versions

#: The fields an edition needs; a statement without them is none yet.
_REQUIRED = frozenset({"number", "title", "as_of", "scope", "log_size", "root", "institutions"})


def list_editions(connection: sa.Connection, size: int | None = None) -> list[Edition]:
    """List every edition known at a log size (now by default), also withdrawn and future ones, newest first."""
    upto = store.read_head(connection).size if size is None else size
    query = sa.select(versions.c.subject, versions.c.state).where(
        versions.c.kind == "edition", match_known(AsOf(valid_on=dt.date.max, size=upto)), versions.c.valid_to == FOREVER
    )
    rows = connection.execute(query).all()
    editions = [_read_edition(connection, subject, decode_state(state)) for subject, state in rows]
    return sorted((one for one in editions if one is not None), key=lambda one: one.number, reverse=True)


def _read_edition(connection: sa.Connection, subject: str, state: timeline.State) -> Edition | None:
    facts = timeline.collect_facts(state)
    if _REQUIRED - facts.keys():
        return None
    value: dict[str, Any] = {path: fact.value for path, fact in facts.items()}
    first = facts["number"].entry
    withdrawal = facts["withdrawn"].entry if value.get("withdrawn") else None
    query = sa.select(entries.c.number, entries.c.recorded_at, entries.c.body).where(
        entries.c.number.in_([first] if withdrawal is None else [first, withdrawal])
    )
    rows = {row.number: row for row in connection.execute(query)}
    at = {number: instant_at(row.recorded_at) for number, row in rows.items()}
    release = dt.datetime.fromisoformat(value["release"]).astimezone(dt.UTC) if value.get("release") else at[first]
    return Edition(
        id=subject.removeprefix("edition:"),
        number=value["number"],
        title=value["title"],
        as_of=dt.date.fromisoformat(value["as_of"]),
        scope=value["scope"],
        institutions=value["institutions"],
        techniques=dict(sorted((value.get("techniques") or {}).items())),
        log=LogState(size=value["log_size"], root=value["root"]),
        published=max(release, at[first]),
        withdrawn=None
        if withdrawal is None
        else Withdrawal(at=at[withdrawal], reason=value.get("withdrawal") or "", entry=withdrawal),
        page=value.get("page") or "",
        entry=first,
        proposal=msgspec.json.decode(rows[first].body)["proposal"],
    )
