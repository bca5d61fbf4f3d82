"""Browsing records of one kind: filtered, sorted and counted in the database, of today or of the day they first hold.

A record that begins later is listed as it first will be. What belongs to institutions lies where its institution does.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import sqlalchemy as sa

from registry.domain import regions
from registry.domain.model import Kind, Struct
from registry.domain.techniques import LAWFUL_STAGES, STAGES
from registry.records import timeline
from registry.records.asof import AsOf
from registry.records.selection import IN_FORCE
from registry.records.standing_view import make_offer_mask
from registry.records.view import decode_state
from registry.storage.tables import (
    FOREVER,
    STILL_KNOWN,
    deadlines,
    entries,
    proposals,
    standings,
    touches,
    versions,
)

#: What is not yet, what is, and what is over; of institutions the words of their standing besides.
FUTURE, CURRENT, OVER = "future", "current", "over"
Sort = Literal["region", "recorded", "code", "institution", "end"]
#: Entries of a proposal from which on its span is asked for, and not entry by entry.
_LARGE = 500
#: Brackets that people write for one another in numbers of documents.
_BRACKETS = ("[]", "〔〕", "【】", "［］", "()", "（）")


class RecordFilter(Struct, frozen=True):
    """Records of a kind: in a region, with a technique, in a state, with a text in what is stated of them.

    ``subjects``: only these, in this order unless another is asked for. ``first``, ``last``: stated by an entry of the
    log among these; ``account``: by one that this account proposed or decided.
    """

    kind: Kind
    region: str = ""
    technique: str = ""
    state: str = ""
    text: str = ""
    subjects: tuple[str, ...] | None = None
    first: int | None = None
    last: int | None = None
    account: str = ""


class BrowsedRecord(Struct, frozen=True):
    """A record of a list: since when it holds, and the entry that stated it so."""

    subject: str
    valid_from: str
    entry: int


def count_records(connection: sa.Connection, wanted: RecordFilter, asof: AsOf) -> int:
    """Count the records of a filter."""
    query = _build_query(connection, wanted, asof, [sa.func.count()])
    return int(connection.execute(query).scalar_one())


def list_records(  # noqa: PLR0913 - which of the list
    connection: sa.Connection,
    wanted: RecordFilter,
    asof: AsOf,
    *,
    sort: Sort | None = None,
    descending: bool = False,
    offset: int = 0,
    limit: int = 50,
) -> list[BrowsedRecord]:
    """List records of a filter, sorted; without ``sort`` in the order of the filter's subjects, or the latest first."""
    v = versions.c
    query = _build_query(connection, wanted, asof, [v.subject, v.valid_from, v.known_from], ends=sort == "end")
    order = _make_order(wanted, sort)
    query = query.order_by(order.desc() if descending else order, v.subject).offset(offset).limit(limit)
    return [BrowsedRecord(subject=row[0], valid_from=row[1], entry=row[2]) for row in connection.execute(query)]


def list_coming_days(connection: sa.Connection, subjects: list[str], asof: AsOf) -> dict[str, str]:
    """Return the next day from which something else is recorded of some subjects, for those that have one."""
    v = versions.c
    query = sa.select(v.subject, sa.func.min(v.valid_from)).where(
        v.subject.in_(subjects), v.known_to == STILL_KNOWN, v.valid_from > asof.valid_on.isoformat()
    )
    return {row[0]: row[1] for row in connection.execute(query.group_by(v.subject))}


def list_beginnings(connection: sa.Connection, subjects: list[str], asof: AsOf) -> dict[str, str]:
    """Return the first day of those of some records that begin after today."""
    v = versions.c
    query = sa.select(v.subject, sa.func.min(v.valid_from)).where(v.subject.in_(subjects), v.known_to == STILL_KNOWN)
    rows = connection.execute(query.group_by(v.subject))
    return {row[0]: row[1] for row in rows if row[1] > asof.valid_on.isoformat()}


def read_recorded_values(connection: sa.Connection, subjects: Iterable[str], asof: AsOf) -> dict[str, dict[str, Any]]:
    """Return what is stated of some subjects today, else on the first day of which anything is, by path."""
    v = versions.c
    query = sa.select(v.subject, v.state).where(
        v.subject.in_(sorted(subjects)), v.known_to == STILL_KNOWN, v.valid_to > asof.valid_on.isoformat()
    )
    found: dict[str, dict[str, Any]] = {}
    for subject, state in connection.execute(query.order_by(v.subject, v.valid_from)):
        if subject not in found:
            found[subject] = timeline.collect_values(decode_state(state))
    return found


def find_subjects(connection: sa.Connection, code: str) -> list[str]:
    """Return every subject that has a compact code, of any kind."""
    kinds = ("institution", "practitioner", "ad_certificate", "sanction", "supervision")
    query = sa.select(versions.c.subject).where(versions.c.subject.in_([f"{kind}:{code}" for kind in kinds]))
    return sorted(connection.execute(query.distinct()).scalars())


def _build_query(
    connection: sa.Connection, wanted: RecordFilter, asof: AsOf, columns: list[Any], ends: bool = False
) -> sa.Select[Any]:
    """Match one row of ``versions`` of each record of a kind: that of today, else its first."""
    v, today = versions.c, asof.valid_on.isoformat()
    is_current = sa.and_(v.valid_from <= today, v.valid_to > today)
    is_first = sa.tuple_(v.subject, v.valid_from).in_(_select_beginnings(wanted.kind, today))
    holds = {"": is_current | is_first, FUTURE: is_first}.get(wanted.state, is_current)
    query = sa.select(*columns).where(v.kind == wanted.kind, v.known_to == STILL_KNOWN, holds)
    if ends or wanted.state in (CURRENT, OVER):
        on = sa.and_(deadlines.c.subject == v.subject, deadlines.c.valid_from == v.valid_from)
        query = query.select_from(versions.outerjoin(deadlines, on))
    if wanted.subjects is not None:
        query = query.where(v.subject.in_(wanted.subjects))
    if wanted.first is not None:
        query = query.where(v.known_from >= wanted.first)
    if wanted.last is not None:
        query = query.where(v.known_from <= wanted.last)
    if wanted.account:
        query = query.where(_match_account(connection, wanted.account))
    if wanted.kind == "institution":
        return _narrow_institutions(query, wanted, today)
    return _narrow_others(connection, query, wanted, today)


def _narrow_institutions(query: sa.Select[Any], wanted: RecordFilter, today: str) -> sa.Select[Any]:
    v, s = versions.c, standings.c
    if wanted.region:
        query = query.where(_match_region(v.region, wanted.region))
    has_word = wanted.state not in ("", FUTURE)
    if not (has_word or wanted.technique):
        return query
    stages = LAWFUL_STAGES if wanted.state in IN_FORCE else STAGES
    mask = make_offer_mask(wanted.technique, stages) if wanted.technique else 0
    places = sa.select(s.subject).where(s.known_to == STILL_KNOWN, s.valid_to > today)
    if wanted.region:
        places = places.where(_match_region(s.region, wanted.region))
    if has_word:
        places = places.where(s.valid_from <= today, s.standing == wanted.state)
        places = places.where(s.offers.op("&")(mask) != 0) if mask else places
    else:
        now = sa.and_(s.valid_from <= today, s.offers.op("&")(mask) != 0)
        places = places.where(now | sa.and_(s.valid_from > today, s.ahead_offers.op("&")(mask) != 0))
    return query.where(v.subject.in_(places))


def _select_beginnings(kind: str, today: str) -> sa.Select[Any]:
    """Select (subject, first day) of the records of a kind that begin after today."""
    v, earlier = versions.c, versions.alias("earlier")
    is_preceded = sa.exists().where(
        earlier.c.subject == v.subject, earlier.c.known_to == STILL_KNOWN, earlier.c.valid_from < v.valid_from
    )
    return sa.select(v.subject, v.valid_from).where(
        v.kind == kind, v.known_to == STILL_KNOWN, v.valid_from > today, ~is_preceded
    )


def _narrow_others(
    connection: sa.Connection, query: sa.Select[Any], wanted: RecordFilter, today: str
) -> sa.Select[Any]:
    v, last_day = versions.c, deadlines.c.day
    if wanted.state == CURRENT:
        query = query.where(last_day.is_(None) | (last_day >= today))
    if wanted.state == OVER:
        query = query.where(last_day < today)
    if wanted.region:
        place = _match_region(standings.c.region, wanted.region)
        query = query.where(v.parent.in_(sa.select(standings.c.subject).where(place)))
    if wanted.technique:
        query = query.where(_contains(connection, f'"{wanted.technique}"'))
    if wanted.text:
        escaped = wanted.text.replace("\\", "\\\\").replace('"', '\\"')
        query = query.where(sa.or_(*(_contains(connection, text) for text in _list_spellings(escaped))))
    return query


def _match_region(column: sa.ColumnElement[str], code: str) -> sa.ColumnElement[bool]:
    prefix = regions.get_prefix(code)
    return column.between(prefix.ljust(6, "0"), prefix.ljust(6, "9"))


def _list_spellings(text: str) -> list[str]:
    """Return a text as it may be written: the brackets of a document's number are of several kinds."""
    found = {text}
    for one in _BRACKETS:
        for other in _BRACKETS:
            found.add(text.translate(str.maketrans(one, other)))
    return sorted(found)


def _contains(connection: sa.Connection, text: str) -> sa.ColumnElement[bool]:
    """Whether what is stated of a record holds a text, byte for byte."""
    needle = sa.literal(text.encode(), sa.LargeBinary)
    if connection.dialect.name == "sqlite":
        return sa.func.instr(versions.c.state, needle) > 0
    return sa.func.position(needle.op("IN")(versions.c.state)) > 0


def _match_account(connection: sa.Connection, account: str) -> sa.ColumnElement[bool]:
    """Match what an entry stated that an account proposed or decided: many entries of few proposals as spans."""
    p = proposals.c
    took_part = sa.exists().where(touches.c.proposal == p.id, touches.c.account == account)
    is_large = p.last_entry - p.first_entry >= _LARGE
    spans = connection.execute(sa.select(p.first_entry, p.last_entry).where(took_part, is_large)).all()
    of_small = sa.and_(entries.c.number.between(p.first_entry, p.last_entry), ~is_large)
    small = sa.select(entries.c.number).select_from(proposals.join(entries, of_small)).where(took_part)
    known = versions.c.known_from
    return sa.or_(known.in_(small), *(known.between(first, last) for first, last in spans))


def _make_order(wanted: RecordFilter, sort: Sort | None) -> sa.ColumnElement[Any]:
    v = versions.c
    if sort is None and wanted.subjects:
        places = {subject: place for place, subject in enumerate(wanted.subjects)}
        return sa.case(places, value=v.subject, else_=len(places))
    columns: dict[str, sa.ColumnElement[Any]] = {"code": v.subject, "region": v.region, "institution": v.parent}
    if sort == "end":
        return sa.func.coalesce(deadlines.c.day, FOREVER)
    return columns.get(sort or "", v.known_from)
