"""Values of the record as the fields of a form, and back. Nothing is judged here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from registry.domain import fields, identifiers, regions
from registry.domain.fields import OWNERSHIP
from registry.domain.model import Date, Entry
from registry.domain.normalise import normalise_width
from registry.errors import InvalidInput
from registry.log import store
from registry.records import asof, history, timeline
from registry.records.asof import parse_day
from registry.records.publicity import derive_party
from registry.records.view import decode_state
from registry.staff.forms import forms
from registry.staff.forms.forms import (
    APPROVAL_DETAILS,
    CODES,
    WITHDRAWN,
    FormKind,
    Typed,
    list_own_fields,
    read_text,
)
from registry.storage.tables import STILL_KNOWN, versions

#: Values of a record by path, as the log has them.
Values = dict[str, Any]
#: The fields of an approval, with their names in the log.
_DETAIL_PATHS = tuple((name, "note" if name == "remark" else name) for name in APPROVAL_DETAILS)


def read_values_on(connection: sa.Connection, subject: str, day: Date, size: int | None = None) -> Values:
    """Return what is believed of a subject on a day, by path; if it is only recorded from a later day on, then.

    ``size``: as believed when the log had that many entries.
    """
    spans = build_spans(read_entries(connection, subject, size))
    if not spans:
        return {}
    return history.get_values_on(spans, max(day.isoformat(), spans[0].valid_from))


def find_institution(connection: sa.Connection, subject: str | None, typed: Typed) -> tuple[str, str, str] | None:
    """Return (name, address, code) of the institution that a form is about or that what it is about belongs to."""
    institution, today = subject or "", asof.find_today(connection)
    if not institution.startswith("institution:"):
        code = identifiers.compact_code(read_text(typed, "institution"))
        institution = f"institution:{code}" if code else ""
    recorded = read_values_on(connection, institution, today) if institution else {}
    if "name" not in recorded:
        return None
    return str(recorded["name"]), str(recorded["address"]), institution.partition(":")[2]


def read_entries(connection: sa.Connection, subject: str, size: int | None = None) -> list[Entry]:
    """Return every entry about a subject, oldest first."""
    return store.read_subject_entries(connection, subject, store.read_head(connection).size if size is None else size)


def list_current_records(
    connection: sa.Connection, kind: str, condition: sa.ColumnElement[bool] | None = None
) -> Iterator[tuple[str, Values]]:
    """Yield (subject, values) of the records of a kind as now believed, of today or of the next day recorded."""
    query = sa.select(versions.c.subject, versions.c.state).where(
        versions.c.kind == kind,
        versions.c.known_to == STILL_KNOWN,
        versions.c.valid_to > asof.find_today(connection).isoformat(),
    )
    if condition is not None:
        query = query.where(condition)
    seen: set[str] = set()
    for subject, state in connection.execute(query.order_by(versions.c.subject, versions.c.valid_from)):
        if subject not in seen:
            seen.add(subject)
            yield subject, timeline.collect_values(decode_state(state))


def list_records_of_parent(connection: sa.Connection, kind: str, parent: str) -> list[tuple[str, Values]]:
    """Return (subject, values) of the people, certificates or sanctions of an institution; with "", of none."""
    return list(list_current_records(connection, kind, versions.c.parent == parent))


def build_spans(entries: Sequence[Entry]) -> list[timeline.Span]:
    """Build the spans of a subject from its entries."""
    spans: list[timeline.Span] = []
    for entry in entries:
        spans, _ = timeline.apply_entry(spans, entry)
    return spans


def fill_form(kind: FormKind, values: Values, technique: str = "") -> Typed:
    """Fill a form from the record; fields about an approval are of one ``technique``."""
    typed = forms.make_empty_form(kind, not values)
    for field in list_own_fields(kind, not values):
        if field.record_path:
            typed[field.name] = _format_value(field.name, values.get(field.record_path))
    if kind == "approval":
        approval = values.get(f"approvals.{technique}") or {}
        typed |= {name: str(approval.get(path) or "") for name, path in (("stage", "stage"), *_DETAIL_PATHS)}
        typed["technique"] = technique
    return typed


def list_own_names(kind: FormKind, new: bool) -> frozenset[str]:
    """Return the names of the fields that are filled from the record."""
    return frozenset(field.name for field in list_own_fields(kind, new))


#: Fields that are boxes of techniques.
_BOXES = frozenset({"techniques", "revokes", "suspends"})


def _format_value(name: str, value: Any) -> str | list[str]:
    if name in _BOXES:
        return list(value or [])
    if value is None:
        return ""
    if isinstance(value, list):
        return "\n".join(map(str, value))
    if name == "ownership":
        return OWNERSHIP.get(str(value), str(value))
    if name == "institution":
        return identifiers.format_code(str(value).partition(":")[2])
    return str(value)


# --- from the fields of a form to values of the record ----------------------------------------------------------------


def to_record_values(kind: FormKind, typed: Typed, recorded: Values) -> Values:
    """Return what a form states, by path; None for what it leaves empty. Approvals it is not about are left out.

    ``recorded``: what the register holds, for techniques that share in a change of another.
    """
    if kind == "approval":
        return _read_approvals(typed, recorded)
    values = {
        field.record_path: _to_record_value(kind, field.name, typed)
        for field in list_own_fields(kind, new=False)
        if field.record_path
    }
    if kind == "institution":
        chosen = read_text(typed, "region")
        is_known = regions.find_region(chosen) is not None
        values["region"] = chosen if is_known else regions.resolve_address(read_text(typed, "address")).code
        for code in CODES:
            if stage := read_text(typed, f"stage.{code}"):
                values[f"approvals.{code}"] = {"stage": stage, **_read_approval_details(typed, code)}
    if kind == "sanction":  # of an institution it is that of the institution
        chosen = read_text(typed, "region")
        is_known = regions.find_region(chosen) is not None
        own = chosen if is_known else regions.resolve_address(read_text(typed, "organisation")).code
        values["region"] = None if values["institution"] else own
        values["party"] = derive_party(values)
    if kind == "ad_certificate":
        values |= _read_certificate_period(typed)
    return values


def read_money(typed: Typed, name: str) -> str | None:
    """Return an amount in yuan as entries hold it; what is no amount stays as it was typed."""
    text = re.sub(r"[,，\s]|元$|^[¥￥]", "", normalise_width(read_text(typed, name)))
    return text or None


def _read_domains(typed: Typed, name: str) -> list[str] | None:
    lines = forms.read_lines(typed, name)
    return list(dict.fromkeys(identifiers.compact_domain(line) or line for line in lines)) or None


#: What a form of a sanction states of some fields.
SANCTION_READERS: dict[str, Callable[[Typed, str], Any]] = {
    "uscc": lambda typed, name: identifiers.compact_uscc(read_text(typed, name)) or None,
    "domains": _read_domains,
    "accounts": lambda typed, name: forms.read_lines(typed, name) or None,
    "fine": read_money,
    "confiscated": read_money,
}


def read_day(typed: Typed, name: str) -> Date | None:
    """Return the day in a field; None if it is empty or no day."""
    try:
        return parse_day(read_text(typed, name)) if read_text(typed, name) else None
    except InvalidInput:
        return None


def _to_record_value(kind: FormKind, name: str, typed: Typed) -> Any:
    value: Any = read_text(typed, name)
    if kind == "institution":
        return _to_institution_value(fields.BY_NAME[name], typed)
    if name in _BOXES:
        value = [code for code in CODES if code in forms.read_boxes(typed, name)]
    elif kind == "sanction" and name in SANCTION_READERS:
        return SANCTION_READERS[name](typed, name)
    elif name == "institution" and value:
        value = f"institution:{identifiers.compact_code(value)}"
    return value or None


def _to_institution_value(field: fields.Field, typed: Typed) -> Any:
    """Return what the form of an institution states of a field of the table."""
    if field.has_several:
        return fields.parse_values(field, forms.read_lines(typed, field.name))
    text = read_text(typed, field.name)
    if field.kind == "ownership":
        text = next((code for code, word in OWNERSHIP.items() if text == word), text)
    return fields.parse_values(field, [text])


def _read_approval_details(typed: Typed, code: str = "") -> Values:
    """Return what is stated of an approval; of a technique what is stated of it alone before what is stated of all."""
    texts = ((path, read_text(typed, f"{name}.{code}") or read_text(typed, name)) for name, path in _DETAIL_PATHS)
    return {path: text for path, text in texts if text}


def _read_approvals(typed: Typed, recorded: Values) -> Values:
    technique, stage = read_text(typed, "technique"), read_text(typed, "stage")
    if not technique or not stage:
        return {}
    approval = None if stage == WITHDRAWN else {"stage": stage, **_read_approval_details(typed)}
    values: Values = {f"approvals.{technique}": approval}
    for code in forms.read_boxes(typed, "also"):
        path = f"approvals.{code}"
        if code != technique:
            values[path] = None if approval is None else {**(recorded.get(path) or {}), **approval}
    return values


def _read_certificate_period(typed: Typed) -> Values:
    """Return a certificate's number as printed today, and its period: by the number, unless an earlier end is given."""
    try:
        number = identifiers.parse_certificate(read_text(typed, "number"))
    except InvalidInput:
        return {}
    return {
        "number": identifiers.format_certificate(number),
        "valid_from": number.approval_day.isoformat(),
        "valid_to": read_text(typed, "valid_to")
        or identifiers.compute_certificate_expiry(number.approval_day).isoformat(),
    }
