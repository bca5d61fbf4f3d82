"""The steps of each form: which fields stand on which page, and which pages lead to the page that shows every answer.

One change of a record that is known takes one page: the field it is about, with what is checked together with it, and
what it rests on. Pages off the path are opened from the page of answers alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from registry.domain.model import Struct
from registry.domain.techniques import LAWFUL_STAGES
from registry.staff.forms.forms import (
    APPROVAL_DETAILS,
    CODES,
    NO_LEGAL_FACT,
    FormKind,
    Typed,
    list_fields,
    list_own_fields,
    list_together,
    read_text,
)

#: The document itself, which is no field: it is sent as a file.
FILE = "doc_file"
_DOCUMENT = ("doc_title", "doc_number", "doc_date", FILE)


class FormStep(Struct, frozen=True):
    """One page of a form: its name in addresses and in the catalogue, and what it asks for, in order."""

    name: str
    fields: tuple[str, ...]


def _make_step(name: str, *fields: str) -> FormStep:
    return FormStep(name=name, fields=fields)


_BASIS_OF_NEW = _make_step("basis", "effective", *_DOCUMENT, "to_approver")
_BASIS = _make_step("basis", "effective", "reason", *_DOCUMENT, "to_approver")
_NOTE = _make_step("note", "to_approver")
_PERSON = _make_step(
    *("person", "institution", "name", "role", "techniques"),
    *("valid_from", "valid_to", "certificate_kind", "certificate_no"),
)
_PARTY = _make_step("case", "institution", "organisation", "uscc", "domains", "accounts", "region", "person", "kind")
_SENTENCE = _make_step(
    *("sentence", "authority", "document_no", "decided_on", "summary", "violation", "facts", "legal_basis", "measure"),
)
_PENALTY = _make_step(
    *("penalty", "fine", "confiscated", "revokes", "suspends", "starts_on", "ends_on", "published_on", "public_until"),
)
_REMOVAL = _make_step("removal", "removed_on", "removal")
_INSPECTION = _make_step(
    *("inspection", "institution", "kind", "held_on", "period_from", "period_to", "inspection_kind", "authority"),
    "document_no",
)
_FINDING = _make_step("finding", "result", "summary", "rectify_by", "rectified_on", "public_until")
#: The pages of a form about something new, and of one about what is recorded: those of the ordinary case.
_NEW: dict[FormKind, tuple[FormStep, ...]] = {
    "institution": (
        _make_step("site", "name", "address", "region", "campus", "aliases", "uscc", "practice_licence_no"),
        _make_step("approvals", *(f"stage.{code}" for code in CODES), "document_no", "authority"),
        _make_step("basis", "effective", "valid_from", "verification_due", *_DOCUMENT, "to_approver"),
    ),
    "practitioner": (_PERSON, _BASIS_OF_NEW),
    "ad_certificate": (_make_step("certificate", "institution", "number", "valid_to", "effective", *_DOCUMENT),),
    "sanction": (_PARTY, _SENTENCE, _PENALTY, _BASIS_OF_NEW),
    "supervision": (_INSPECTION, _FINDING, _BASIS_OF_NEW),
}
_RECORDED: dict[FormKind, tuple[FormStep, ...]] = {
    "institution": (
        _make_step("names", "name", "address", "region", "campus", "aliases", "uscc", "practice_licence_no"),
        _make_step("details", "name_en", "status", "ownership", "level", "domains"),
        _BASIS,
    ),
    "approval": (
        _make_step("decision", "stage", "document_no", "also", "effective", "reason", *_DOCUMENT),
        _make_step("validity", "authority", "valid_from", "verification_due", "remark", "to_approver"),
    ),
    "practitioner": (_PERSON, _BASIS),
    "ad_certificate": (_make_step("certificate", "number", "valid_to", "effective", "reason", *_DOCUMENT),),
    "sanction": (_PARTY, _SENTENCE, _PENALTY, _REMOVAL, _BASIS),
    "supervision": (_INSPECTION, _FINDING, _REMOVAL, _BASIS),
}
#: An approval that is suspended or taken away needs no new days: the page of its details is left out.
_GOING_ON = LAWFUL_STAGES | {"", "preparing"}


def list_path(kind: FormKind, new: bool, typed: Typed, focus: str = "") -> tuple[FormStep, ...]:
    """Return the pages on the way to the answers; with a ``focus`` one: that field, and what its change rests on."""
    if focus and not new:
        together = list_together(focus)
        named = [field.name for field in list_own_fields(kind, new) if field.name in together]
        basis = [name for name in _BASIS.fields if name != "to_approver"]
        if set(named) <= NO_LEGAL_FACT:
            basis = [name for name in basis if name not in _DOCUMENT]
        return (_make_step("change", *named, *basis),)
    if kind == "approval" and read_text(typed, "stage") not in _GOING_ON:
        return _RECORDED[kind][:1]
    return (_NEW if new else _RECORDED)[kind]


def list_steps(kind: FormKind, new: bool, typed: Typed, focus: str = "") -> tuple[FormStep, ...]:
    """Return every page: those on the way, then those that are opened from the answers alone."""
    path = list_path(kind, new, typed, focus)
    usual = _NEW[kind] if new else _RECORDED[kind]
    others = [step for step in usual if not set(step.fields) <= _list_names(path)]
    others += [_NOTE] if "to_approver" not in _list_names([*path, *others]) else []
    if kind == "institution" and new:
        chosen = (code for code in CODES if read_text(typed, f"stage.{code}"))
        others += [_make_step(f"approval-{code}", *(f"{name}.{code}" for name in APPROVAL_DETAILS)) for code in chosen]
    rest = _list_rest(kind, new, [*path, *others])
    return (*path, *others, *([_make_step("more", *rest)] if rest else []))


def _list_rest(kind: FormKind, new: bool, steps: list[FormStep]) -> list[str]:
    """List what no page asks for: fields that were added to a table since, and what a new record seldom has."""
    asked = _list_names(steps) | {"technique", *(f"{name}.{code}" for name in APPROVAL_DETAILS for code in CODES)}
    asked |= {"reason"} if new else {"institution"}
    return [field.name for field in list_fields(kind, new) if field.name not in asked]


def _list_names(steps: Iterable[FormStep]) -> set[str]:
    return {name for step in steps for name in step.fields}


def find_step(steps: tuple[FormStep, ...], name: str) -> FormStep:
    """Return the page with a name; the first for a name that none has."""
    return next((step for step in steps if step.name == name), steps[0])


def find_step_of(steps: tuple[FormStep, ...], field: str) -> FormStep:
    """Return the first page that asks for a field; the first of all for a field of none."""
    return next((step for step in steps if field in step.fields), steps[0])
