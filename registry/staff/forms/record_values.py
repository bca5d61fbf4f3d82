"""What the register holds of a subject, as the fields of a form show it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from registry.domain.identifiers import format_code
from registry.domain.model import Date, Entry
from registry.log import store
from registry.records import asof, history, timeline
from registry.records.view import decode_state
from registry.staff.forms.forms import OWNERSHIP, Field, FormKind, Typed, list_own_fields, make_empty_form
from registry.storage.tables import STILL_KNOWN, versions


def read_values_on(connection: sa.Connection, subject: str, day: Date, size: int | None = None) -> dict[str, Any]:
    """What is believed of a subject on a day, by path; of one that is only recorded from a later day on, then.

    ``size``: as believed when the log had that many entries.
    """
    spans = build_spans(read_entries(connection, subject, size))
    if not spans:
        return {}
    return history.get_values_on(spans, max(day.isoformat(), spans[0].valid_from))


def read_entries(connection: sa.Connection, subject: str, size: int | None = None) -> list[Entry]:
    """Every entry about a subject, oldest first."""
    return store.read_subject_entries(connection, subject, store.read_head(connection).size if size is None else size)


def list_current_records(
    connection: sa.Connection, kind: str, wanted: sa.ColumnElement[bool] | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """(subject, values) of the records of a kind as they are now believed, of today or of the next day stated."""
    query = sa.select(versions.c.subject, versions.c.state).where(
        versions.c.kind == kind,
        versions.c.known_to == STILL_KNOWN,
        versions.c.valid_to > asof.find_today(connection).isoformat(),
    )
    if wanted is not None:
        query = query.where(wanted)
    seen: set[str] = set()
    for subject, state in connection.execute(query.order_by(versions.c.subject, versions.c.valid_from)):
        if subject not in seen:
            seen.add(subject)
            yield subject, {path: fact.value for path, fact in timeline.collect_facts(decode_state(state)).items()}


def list_records_of_parent(connection: sa.Connection, kind: str, parent: str) -> list[tuple[str, dict[str, Any]]]:
    """(subject, values) of the people, certificates or sanctions of an institution; of nobody's with an empty one."""
    return list(list_current_records(connection, kind, versions.c.parent == parent))


def build_spans(entries: Sequence[Entry]) -> list[timeline.Span]:
    """What is known of a subject by its entries."""
    spans: list[timeline.Span] = []
    for entry in entries:
        spans, _ = timeline.apply_entry(spans, entry)
    return spans


def fill_form(kind: FormKind, values: dict[str, Any], technique: str = "") -> Typed:
    """The fields of a form as the record has them; those about an approval are of one ``technique``."""
    typed = make_empty_form(kind, not values)
    for field in list_own_fields(kind, not values):
        if field.record_path:
            typed[field.name] = _format_value(field.name, values.get(field.record_path))
    if kind == "approval":
        typed["technique"] = technique
        typed.update(fill_approval_fields(values.get(f"approvals.{technique}")))
    return typed


def list_own_names(kind: FormKind, new: bool) -> frozenset[str]:
    """The names of the fields that are filled from the record."""
    return frozenset(field.name for field in list_own_fields(kind, new))


def list_personal_fields(kind: FormKind) -> list[Field]:
    """The fields that hold personal values."""
    return [field for field in list_own_fields(kind, new=False) if field.personal]


def fill_approval_fields(approval: dict[str, Any] | None) -> Typed:
    """The fields of one approval."""
    said = approval or {}
    names = {"remark": "note"}
    keys = ("stage", "document_no", "authority", "valid_from", "verification_due", "remark")
    return {key: str(said.get(names.get(key, key)) or "") for key in keys}


def _format_value(name: str, value: Any) -> str | list[str]:
    if name == "techniques":
        return list(value or [])
    if value is None:
        return ""
    if isinstance(value, list):
        return "\n".join(map(str, value))
    if name == "ownership":
        return OWNERSHIP.get(str(value), str(value))
    if name == "institution":
        return format_code(str(value).partition(":")[2])
    return str(value)
