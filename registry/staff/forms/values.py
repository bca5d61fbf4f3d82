"""From what was typed to what the record would say: by path, as the log has it. Nothing is judged here."""

from __future__ import annotations

from typing import Any

from registry.domain import regions
from registry.domain.identifiers import (
    compact_code,
    compact_domain,
    compact_licence,
    compact_uscc,
    compute_certificate_expiry,
    format_certificate,
    parse_certificate,
)
from registry.domain.model import Date
from registry.errors import InvalidInput
from registry.records.asof import parse_day
from registry.staff.forms.forms import (
    ABOUT,
    CODES,
    OWNERSHIP,
    WITHDRAWN,
    FormKind,
    Typed,
    list_own_fields,
    read_boxes,
    read_lines,
    read_text,
)

Values = dict[str, Any]
#: The fields of an approval by the names the log has for them.
_DETAILS = {
    "document_no": "document_no",
    "authority": "authority",
    "valid_from": "valid_from",
    "verification_due": "verification_due",
    "remark": "note",
}


def to_record_values(kind: FormKind, typed: Typed, recorded: Values) -> Values:
    """What a form says, by path; None for what it leaves empty. Approvals it does not speak of are left out.

    ``recorded``: what the register holds, for techniques that share in a change of another.
    """
    if kind == "approval":
        return _read_approvals(typed, recorded)
    found = {
        field.record_path: _to_record_value(field.name, typed)
        for field in list_own_fields(kind, new=False)
        if field.record_path
    }
    if kind == "institution":
        found["region"] = read_region(typed)
        for code in CODES:
            if stage := read_text(typed, f"stage.{code}"):
                found[f"approvals.{code}"] = {"stage": stage, **_read_approval_details(typed)}
    if kind == "ad_certificate":
        found |= _read_certificate_period(typed)
    return found


def read_region(typed: Typed) -> str | None:
    """The region stated, or else the one the address names."""
    return read_text(typed, "region") or regions.resolve_address(read_text(typed, "address")).code


def read_day(typed: Typed, name: str) -> Date | None:
    """The day in a field; None when it is empty or no day."""
    try:
        return parse_day(read_text(typed, name)) if read_text(typed, name) else None
    except InvalidInput:
        return None


def to_subject(kind: FormKind, code: str) -> str:
    """The subject that a form of a kind about a code speaks of."""
    return f"{ABOUT[kind]}:{compact_code(code)}"


def _to_record_value(name: str, typed: Typed) -> Any:
    said: Any = read_text(typed, name)
    if name == "techniques":
        said = [code for code in CODES if code in read_boxes(typed, name)]
    elif name == "aliases":
        said = read_lines(typed, name)
    elif name == "domains":
        said = list(dict.fromkeys(compact_domain(line) or line for line in read_lines(typed, name)))
    elif name == "uscc":
        said = compact_uscc(said)
    elif name == "practice_licence_no":
        said = compact_licence(said)
    elif name == "ownership":
        said = next((code for code, word in OWNERSHIP.items() if said == word), said)
    elif name == "institution" and said:
        said = f"institution:{compact_code(said)}"
    return said or None


def _read_approval_details(typed: Typed) -> Values:
    return {path: said for name, path in _DETAILS.items() if (said := read_text(typed, name))}


def _read_approvals(typed: Typed, recorded: Values) -> Values:
    technique, stage = read_text(typed, "technique"), read_text(typed, "stage")
    if not technique or not stage:
        return {}
    own = None if stage == WITHDRAWN else {"stage": stage, **_read_approval_details(typed)}
    found: Values = {f"approvals.{technique}": own}
    for code in read_boxes(typed, "also"):
        path = f"approvals.{code}"
        if code != technique:
            found[path] = None if own is None else {**(recorded.get(path) or {}), **own}
    return found


def _read_certificate_period(typed: Typed) -> Values:
    """A certificate's number as it is printed today, and its period: by the number, unless an earlier end is stated."""
    try:
        number = parse_certificate(read_text(typed, "number"))
    except InvalidInput:
        return {}
    return {
        "number": format_certificate(number),
        "valid_from": number.approval_day.isoformat(),
        "valid_to": read_text(typed, "valid_to") or compute_certificate_expiry(number.approval_day).isoformat(),
    }
