"""Supervision of institutions, penalties and the blacklist: the records as the public sees them, and all there are."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from registry.domain.identifiers import format_code, parse_code
from registry.domain.model import (
    Date,
    InspectionKind,
    SanctionKind,
    SanctionParty,
    Source,
    SourceRef,
    Struct,
    SupervisionKind,
    SupervisionResult,
)
from registry.domain.techniques import TechniqueCode
from registry.records import lookup, timeline
from registry.records.asof import AsOf
from registry.records.publicity import collect_sanction_values, is_public
from registry.records.selection import match_day, match_known
from registry.records.view import decode_state
from registry.storage.tables import FOREVER, versions


class Sanction(Struct, frozen=True):
    """One published penalty or record of the blacklist; it has no field for a person, or for an account.

    ``fine`` and ``confiscated`` are yuan, as text.
    """

    code: str
    institution: str | None
    organisation: str | None
    kind: str | None
    authority: str | None
    document_no: str | None
    decided_on: Date | None
    summary: str | None
    source: SourceRef | None
    entry: int
    party: SanctionParty | None = None
    violation: str | None = None
    facts: str | None = None
    legal_basis: str | None = None
    measure: str | None = None
    fine: str | None = None
    confiscated: str | None = None
    revokes: list[TechniqueCode] | None = None
    suspends: list[TechniqueCode] | None = None
    starts_on: Date | None = None
    ends_on: Date | None = None
    published_on: Date | None = None
    public_until: Date | None = None
    removed_on: Date | None = None
    uscc: str | None = None
    domains: list[str] | None = None


class Supervision(Struct, frozen=True):
    """One self-inspection or inspection of an institution, whose code is ``institution``."""

    code: str
    institution: str | None
    kind: SupervisionKind | None
    held_on: Date | None
    period_from: Date | None
    period_to: Date | None
    inspection_kind: InspectionKind | None
    result: SupervisionResult | None
    summary: str | None
    rectify_by: Date | None
    rectified_on: Date | None
    authority: str | None
    document_no: str | None
    public_until: Date | None
    removed_on: Date | None
    source: SourceRef | None
    entry: int


def make_record(
    subject: str, state: timeline.State, sources: dict[str, Source], day: Date
) -> Sanction | Supervision | None:
    """Make the public record of a sanction or a supervision; None on a day on which it is not public.

    Nor is one about a person: that is found by an exact name alone (see ``verification.sanction_index``).
    """
    values = collect_record_values(subject, state)
    if values.get("party") == "person" or not is_public(values, day):
        return None
    number, _, source, _ = timeline.get_basis(state)
    return fill_record(subject, values, lookup.make_source_ref(sources.get(source or "")), number)


def collect_record_values(subject: str, state: timeline.State) -> dict[str, Any]:
    """Collect what is recorded of a sanction or a supervision."""
    return collect_sanction_values(state) if subject.startswith("sanction:") else timeline.collect_values(state)


def fill_record(subject: str, values: dict[str, Any], source: SourceRef | None, entry: int) -> Sanction | Supervision:
    """Make the record of these values, without any person or account."""
    kind, _, identifier = subject.partition(":")
    shape: type[Sanction | Supervision] = Sanction if kind == "sanction" else Supervision
    institution = values.get("institution")
    return msgspec.convert(
        {
            **{field: values.get(field) for field in shape.__struct_fields__},
            "code": format_code(identifier),
            "institution": format_code(institution.partition(":")[2]) if institution else None,
            "source": source,
            "entry": entry,
        },
        shape,
    )


def list_public_records(connection: sa.Connection, code: str, asof: AsOf) -> list[Sanction | Supervision]:
    """List what is public on a day of the supervision of one institution, newest first; ``code`` as printed."""
    query = sa.select(versions.c.subject, versions.c.state).where(
        versions.c.kind.in_(("sanction", "supervision")),
        versions.c.parent == lookup.to_subject(parse_code(code)),
        match_known(asof),
        match_day(asof),
    )
    rows = [(subject, decode_state(state)) for subject, state in connection.execute(query)]
    sources = lookup.read_sources(connection, asof) if rows else {}
    found = (make_record(subject, state, sources, asof.valid_on) for subject, state in rows)
    return sorted((one for one in found if one is not None), key=_make_order, reverse=True)


def list_records_of_institutions(connection: sa.Connection, asof: AsOf) -> list[Sanction | Supervision]:
    """List what is public on a day of the supervision of every institution, by subject; nothing about others."""
    query = sa.select(versions.c.subject, versions.c.state).where(
        versions.c.kind.in_(("sanction", "supervision")), versions.c.parent != "", match_known(asof), match_day(asof)
    )
    rows = connection.execute(query.order_by(versions.c.subject)).all()
    sources = lookup.read_sources(connection, asof) if rows else {}
    found = (make_record(subject, decode_state(state), sources, asof.valid_on) for subject, state in rows)
    return [record for record in found if record is not None]


def _make_order(record: Sanction | Supervision) -> tuple[Date, int]:
    day = record.decided_on if isinstance(record, Sanction) else record.held_on
    return day or Date.min, record.entry


# --- all there are, for figures --------------------------------------------------------------------------------------


class SupervisionEntry(Struct, frozen=True):
    """One self-inspection or inspection, public or not: its subject, its institution's subject and region (GB/T 2260;
    "" where none is stated), ``day`` (``held_on``), what it found, and the entry that it rests on."""

    subject: str
    institution: str
    region: str
    kind: SupervisionKind | None
    day: Date | None
    inspection_kind: InspectionKind | None
    result: SupervisionResult | None
    rectify_by: Date | None
    rectified_on: Date | None
    authority: str | None
    document_no: str | None
    entry: int


class PenaltyEntry(Struct, frozen=True):
    """One penalty or record of the blacklist, public or not, without any person.

    ``institution``: the subject of an institution of the register, "" for somebody else; ``region`` as in
    ``SupervisionEntry``; ``day``: that of the decision; ``fine``, ``confiscated``: yuan, None where not stated.
    """

    subject: str
    institution: str
    region: str
    kind: SanctionKind | None
    party: SanctionParty | None
    day: Date | None
    authority: str | None
    document_no: str | None
    fine: Decimal | None
    confiscated: Decimal | None
    revokes: list[TechniqueCode]
    suspends: list[TechniqueCode]
    domains: list[str]
    accounts: int
    removed_on: Date | None
    entry: int


def list_supervision_entries(connection: sa.Connection, size: int) -> list[SupervisionEntry]:
    """List every self-inspection and inspection known at a log size, by subject."""
    return [
        msgspec.convert(
            {**dict.fromkeys(SupervisionEntry.__struct_fields__), **_select_fields(values, SupervisionEntry), **common},
            SupervisionEntry,
        )
        for values, common in _read_last_values(connection, "supervision", "held_on", size)
    ]


def list_penalty_entries(connection: sa.Connection, size: int) -> list[PenaltyEntry]:
    """List every penalty and every record of the blacklist known at a log size, by subject."""
    return [
        msgspec.convert(
            {
                **dict.fromkeys(PenaltyEntry.__struct_fields__),
                **_select_fields(values, PenaltyEntry),
                **{path: values.get(path) or [] for path in ("revokes", "suspends", "domains")},
                **common,
                "accounts": len(values.get("accounts") or ()),
            },
            PenaltyEntry,
        )
        for values, common in _read_last_values(connection, "sanction", "decided_on", size)
    ]


def _select_fields(values: dict[str, Any], shape: type[Struct]) -> dict[str, Any]:
    return {path: values[path] for path in shape.__struct_fields__ if path in values}


def _read_last_values(
    connection: sa.Connection, kind: Literal["supervision", "sanction"], day: str, size: int
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield (values, what both kinds have in common) of the last span of each record."""
    v, known = versions.c, match_known(AsOf(valid_on=Date.max, size=size))
    of_institutions = sa.select(v.subject, v.region).where(v.kind == "institution", known, v.valid_to == FOREVER)
    query = sa.select(v.subject, v.state).where(v.kind == kind, known, v.valid_to == FOREVER).order_by(v.subject)
    rows = connection.execute(query).all()
    places = connection.execute(of_institutions).all() if rows else ()
    regions = {row.subject: row.region for row in places}
    for subject, blob in rows:
        state = decode_state(blob)
        values = collect_record_values(subject, state)
        institution = values.get("institution") or ""
        yield (
            values,
            {
                "subject": subject,
                "institution": institution,
                "region": (regions.get(institution) if institution else values.get("region")) or "",
                "day": values.get(day),
                "entry": timeline.get_basis(state)[0],
            },
        )
