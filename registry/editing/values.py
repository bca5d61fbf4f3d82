"""From what was typed to what the record would say: by path, as the log has it. Nothing is judged here."""

from __future__ import annotations

from typing import Any

from registry import regions
from registry.editing.forms import ABOUT, CODES, OWNERSHIP, WITHDRAWN, FormKind, Typed, lines, own_fields, text, ticked
from registry.errors import InvalidInput
from registry.identifiers import (
    certificate_expiry,
    compact_code,
    compact_domain,
    compact_licence,
    compact_uscc,
    format_certificate,
    read_certificate,
)
from registry.model import Date
from registry.records.asof import day_of

Values = dict[str, Any]
#: The fields of an approval by the names the log has for them.
_DETAILS = {
    "document_no": "document_no",
    "authority": "authority",
    "valid_from": "valid_from",
    "verification_due": "verification_due",
    "remark": "note",
}


def values(kind: FormKind, typed: Typed, recorded: Values) -> Values:
    """What a form says, by path; None for what it leaves empty. Approvals it does not speak of are left out.

    ``recorded``: what the register holds, for techniques that share in a change of another.
    """
    if kind == "approval":
        return _approvals(typed, recorded)
    found = {field.states: _value(field.name, typed) for field in own_fields(kind, new=False) if field.states}
    if kind == "institution":
        found["region"] = region_of(typed)
        for code in CODES:
            if stage := text(typed, f"stage.{code}"):
                found[f"approvals.{code}"] = {"stage": stage, **_details(typed)}
    if kind == "ad_certificate":
        found |= _period(typed)
    return found


def region_of(typed: Typed) -> str | None:
    """The region stated, or else the one the address names."""
    return text(typed, "region") or regions.resolve(text(typed, "address")).code


def day(typed: Typed, name: str) -> Date | None:
    """The day in a field; None when it is empty or no day."""
    try:
        return day_of(text(typed, name)) if text(typed, name) else None
    except InvalidInput:
        return None


def subject_of(kind: FormKind, code: str) -> str:
    """The subject that a form of a kind about a code speaks of."""
    return f"{ABOUT[kind]}:{compact_code(code)}"


def _value(name: str, typed: Typed) -> Any:
    said: Any = text(typed, name)
    if name == "techniques":
        said = [code for code in CODES if code in ticked(typed, name)]
    elif name == "aliases":
        said = lines(typed, name)
    elif name == "domains":
        said = list(dict.fromkeys(compact_domain(line) or line for line in lines(typed, name)))
    elif name == "uscc":
        said = compact_uscc(said)
    elif name == "practice_licence_no":
        said = compact_licence(said)
    elif name == "ownership":
        said = next((code for code, word in OWNERSHIP.items() if said == word), said)
    elif name == "institution" and said:
        said = f"institution:{compact_code(said)}"
    return said or None


def _details(typed: Typed) -> Values:
    return {path: said for name, path in _DETAILS.items() if (said := text(typed, name))}


def _approvals(typed: Typed, recorded: Values) -> Values:
    technique, stage = text(typed, "technique"), text(typed, "stage")
    if not technique or not stage:
        return {}
    own = None if stage == WITHDRAWN else {"stage": stage, **_details(typed)}
    found: Values = {f"approvals.{technique}": own}
    for code in ticked(typed, "also"):
        path = f"approvals.{code}"
        if code != technique:
            found[path] = None if own is None else {**(recorded.get(path) or {}), **own}
    return found


def _period(typed: Typed) -> Values:
    """A certificate's number as it is printed today, and its period: by the number, unless an earlier end is stated."""
    try:
        number = read_certificate(text(typed, "number"))
    except InvalidInput:
        return {}
    return {
        "number": format_certificate(number),
        "valid_from": number.approved.isoformat(),
        "valid_to": text(typed, "valid_to") or certificate_expiry(number.approved).isoformat(),
    }
