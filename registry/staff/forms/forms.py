"""The forms as tables: the fields of each, their kinds of input, what they state of the record; and reading one.

The labels of a field are found by its name in the catalogue of the workspace. What a person typed is stored as
``Typed``: a text for each field, for boxes the list of those ticked. It is cut to length, and numbers that the register
must never hold are removed before anything is stored or shown again: an identity number or a telephone; of a
certificate's number only the end stays (docs/personal-data.md).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Literal, Protocol, get_args

from registry.domain import fields, region_names
from registry.domain.choices import CHOICES, ChoiceList
from registry.domain.fields import FIELDS
from registry.domain.model import Kind, Struct
from registry.domain.normalise import normalise_width
from registry.errors import NotFound
from registry.texts import Message

FormKind = Literal["institution", "approval", "practitioner", "ad_certificate", "sanction", "supervision"]
KINDS: tuple[FormKind, ...] = get_args(FormKind)
Input = Literal["text", "area", "lines", "day", "region", "choice", "boxes"]
Typed = dict[str, str | list[str]]

#: Characters that a field of each kind may have.
LONGEST: dict[Input, int] = {"text": 200, "area": 2_000, "lines": 2_000, "day": 20, "region": 60, "choice": 40}

#: The kind of subject each form is about.
ABOUT: dict[FormKind, Kind] = {
    "institution": "institution",
    "approval": "institution",
    "practitioner": "practitioner",
    "ad_certificate": "ad_certificate",
    "sanction": "sanction",
    "supervision": "supervision",
}
CODES = CHOICES["technique"]
#: Chosen instead of a stage: the approval was recorded by mistake and is taken back.
WITHDRAWN = "withdrawn"


class FormField(Struct, frozen=True):
    """One field. ``path``: what it states of the record, by default its own name; "" for nothing.

    ``personal``: its value is in no report and no title. ``suggested``: values offered where others may be typed.
    ``choice_list``: the list of its choices; ``more``: what may be chosen beside it.
    """

    name: str
    input: Input = "text"
    required: bool = False
    choice_list: ChoiceList | None = None
    more: tuple[str, ...] = ()
    suggested: tuple[str, ...] = ()
    path: str | None = None
    personal: bool = False
    new_only: bool = False
    mode: str = ""

    @property
    def record_path(self) -> str:
        """The path of the record that this field fills; empty if it fills none."""
        return self.name if self.path is None else self.path

    @property
    def choices(self) -> tuple[str, ...]:
        """What may be chosen; nothing where anything may be typed."""
        return (*(CHOICES[self.choice_list] if self.choice_list else ()), *self.more)


#: What is stated of an approval besides its stage.
APPROVAL_DETAILS: dict[str, Input] = {
    **{"document_no": "text", "authority": "text", "valid_from": "day", "verification_due": "day", "remark": "text"}
}


def _make_approval_fields(new_only: bool = False, ending: str = "") -> tuple[FormField, ...]:
    """Make the fields of an approval's document, besides the stage; of one technique with its ``ending``."""
    return tuple(
        FormField(name=f"{name}{ending}", input=kind, path="", new_only=new_only)
        for name, kind in APPROVAL_DETAILS.items()
    )


def _make_institution_field(field: fields.Field) -> FormField:
    """Make the field of the form from the row of the table."""
    inputs: dict[str, Input] = {"status": "choice", "region": "region", "names": "lines", "numbers": "lines"}
    return FormField(
        name=field.name,
        input=inputs.get(field.kind, "text"),
        required=field.required,
        choice_list="status" if field.kind == "status" else None,
        suggested=field.suggested,
        mode=field.mode,
    )


_INSTITUTION = (
    *(_make_institution_field(field) for field in fields.FIELDS if field.in_form),
    *(FormField(name=f"stage.{code}", input="choice", choice_list="stage", path="", new_only=True) for code in CODES),
    *_make_approval_fields(new_only=True),
    # What is otherwise for one technique than for the others.
    *(field for code in CODES for field in _make_approval_fields(new_only=True, ending=f".{code}")),
)
_APPROVAL = (
    FormField(name="technique", input="choice", required=True, choice_list="technique", path=""),
    FormField(name="stage", input="choice", required=True, choice_list="stage", more=(WITHDRAWN,), path=""),
    *_make_approval_fields(),
    FormField(name="also", input="boxes", choice_list="technique", path=""),
)
_PRACTITIONER = (
    FormField(name="institution", required=True),
    FormField(name="name", required=True, personal=True),
    FormField(name="role", input="choice", required=True, choice_list="role"),
    FormField(name="techniques", input="boxes", required=True, choice_list="technique"),
    FormField(name="valid_from", input="day"),
    FormField(name="valid_to", input="day"),
    FormField(name="certificate_kind", input="choice", choice_list="certificate_kind"),
    FormField(name="certificate_no", path="certificate_masked", personal=True),
)
_CERTIFICATE = (
    FormField(name="institution", required=True),
    FormField(name="number", required=True),
    FormField(name="valid_to", input="day"),
)
#: Until when something is public, and what took it out.
_PUBLICITY = (
    FormField(name="public_until", input="day"),
    FormField(name="removed_on", input="day"),
    FormField(name="removal", input="area"),
)
_SANCTION = (
    FormField(name="institution"),
    FormField(name="organisation"),
    FormField(name="uscc"),
    FormField(name="domains", input="lines"),
    FormField(name="accounts", input="lines", personal=True),
    FormField(name="region", input="region"),
    FormField(name="person", personal=True),
    FormField(name="kind", input="choice", required=True, choice_list="sanction_kind"),
    FormField(name="authority", required=True),
    FormField(name="document_no", required=True),
    FormField(name="decided_on", input="day", required=True),
    FormField(name="summary", input="area", required=True),
    FormField(name="violation"),
    FormField(name="facts", input="area"),
    FormField(name="legal_basis", input="area"),
    FormField(name="measure", input="area"),
    FormField(name="fine", mode="decimal"),
    FormField(name="confiscated", mode="decimal"),
    FormField(name="revokes", input="boxes", choice_list="technique"),
    FormField(name="suspends", input="boxes", choice_list="technique"),
    FormField(name="starts_on", input="day"),
    FormField(name="ends_on", input="day"),
    FormField(name="published_on", input="day"),
    *_PUBLICITY,
)
_SUPERVISION = (
    FormField(name="institution", required=True),
    FormField(name="kind", input="choice", required=True, choice_list="supervision_kind"),
    FormField(name="held_on", input="day", required=True),
    FormField(name="period_from", input="day"),
    FormField(name="period_to", input="day"),
    FormField(name="inspection_kind", input="choice", choice_list="inspection_kind"),
    FormField(name="result", input="choice", required=True, choice_list="supervision_result"),
    FormField(name="summary", input="area"),
    FormField(name="rectify_by", input="day"),
    FormField(name="rectified_on", input="day"),
    FormField(name="authority"),
    FormField(name="document_no"),
    *_PUBLICITY,
)
#: The end of every form: the day it takes effect, the document it rests on, and a remark to the approver.
COMMON = (
    FormField(name="effective", input="day", required=True, path=""),
    FormField(name="reason", input="area", path=""),
    FormField(name="doc_title", path=""),
    FormField(name="doc_number", path=""),
    FormField(name="doc_date", input="day", path=""),
    FormField(name="to_approver", input="area", path=""),
)
_OWN: dict[FormKind, tuple[FormField, ...]] = {
    "institution": _INSTITUTION,
    "approval": _APPROVAL,
    "practitioner": _PRACTITIONER,
    "ad_certificate": _CERTIFICATE,
    "sanction": _SANCTION,
    "supervision": _SUPERVISION,
}
#: Fields that are checked together: an error at one may come from another.
_FIELD_GROUPS = (
    {"address", "region"},
    {"uscc", "practice_licence_no"},
    {"stage", "document_no", "valid_from", "verification_due"},
    {"valid_from", "valid_to"},
    {"certificate_kind", "certificate_no"},
    {"number", "valid_to"},
    {"removed_on", "removal"},
    {"starts_on", "ends_on"},
    {"published_on", "public_until"},
    {"period_from", "period_to"},
    {"held_on", "rectify_by", "rectified_on"},
)
#: Paths no verdict depends on: they may be changed without a document.
NO_LEGAL_FACT = frozenset(field.name for field in fields.FIELDS if not field.legal)


def get_form_kind(word: str) -> FormKind:
    """Return the kind of form that an address names; NotFound for another word."""
    for kind in KINDS:
        if kind == word:
            return kind
    raise NotFound(Message("没有这种表单。"))


def list_own_fields(kind: FormKind, new: bool) -> tuple[FormField, ...]:
    """Return the fields about the subject, in order."""
    return tuple(field for field in _OWN[kind] if new or not field.new_only)


def list_fields(kind: FormKind, new: bool) -> tuple[FormField, ...]:
    """Return every field of a form, in order; ``new``: nothing is recorded of its subject yet."""
    return (*list_own_fields(kind, new), *COMMON)


def list_together(name: str) -> set[str]:
    """Return the names of a field and of those that are checked together with it."""
    return {name}.union(*(group for group in _FIELD_GROUPS if name in group))


def make_empty_form(kind: FormKind, new: bool) -> Typed:
    """Make a form with nothing in it."""
    return {field.name: [] if field.input == "boxes" else "" for field in list_fields(kind, new)}


def read_text(typed: Typed, name: str) -> str:
    """Return what was typed into a field; empty if it is not there."""
    value = typed.get(name, "")
    return value if isinstance(value, str) else ""


def read_boxes(typed: Typed, name: str) -> list[str]:
    """Return the boxes that are ticked."""
    value = typed.get(name, [])
    return value if isinstance(value, list) else []


def read_lines(typed: Typed, name: str) -> list[str]:
    """Return the lines of a field that holds several values, each once."""
    lines = (line.strip() for line in read_text(typed, name).replace("\r", "\n").split("\n"))
    return list(dict.fromkeys(line for line in lines if line))


def drop_personal_values(kind: FormKind, typed: Typed) -> Typed:
    """Return what was typed without personal values: a proposal's report is stored for ever."""
    personal = {field.name for field in _OWN[kind] if field.personal}
    return {name: value for name, value in typed.items() if name not in personal}


_BETWEEN = re.compile(r"(?<=\d)[\s\-]+(?=[\dXx])")
_DAY = "(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
_IDENTITY = re.compile(rf"[1-9][0-9]{{5}}(?:19|20)[0-9]{{2}}{_DAY}[0-9]{{3}}[0-9Xx]")
_IDENTITY_ALONE = re.compile(rf"(?<![0-9]){_IDENTITY.pattern}(?![0-9Xx])")
_IDENTITY_OLD = re.compile(rf"(?<![0-9])[1-9][0-9]{{7}}{_DAY}[0-9]{{3}}(?![0-9Xx])")
_MOBILE = re.compile(r"(?<![0-9])(?:\+?86)?1[3-9][0-9]{9}(?![0-9])")
_LANDLINE = re.compile(r"(?<![0-9])0[0-9]{2,3}-[0-9]{7,8}(?![0-9])")
_WRITTEN_DAY = re.compile(r"([0-9]{4})(?:[-年./]([0-9]{1,2})[-月./]([0-9]{1,2})日?|([0-9]{2})([0-9]{2}))")
#: Numbers of institutions and certificates, which may look like anything.
_NUMBERS = frozenset({*(f.name for f in FIELDS if f.kind in ("number", "numbers")), "number", "institution"})
CERTIFICATE = "certificate_no"
_STAR = "*"
_MASKED = re.compile(r"\*{2,}[0-9A-Z一-鿿]{2,4}")


class FormData(Protocol):
    """A submitted form, as the web framework holds it."""

    def get(self, key: str, /) -> Any:
        """Return the first value of a field; None if it was not sent."""
        ...

    def getall(self, key: str, default: list[Any], /) -> list[Any]:
        """Return every value of a field."""
        ...


class FormInput(Struct, frozen=True):
    """The values to store, and the fields of which a value was removed because it may not be stored."""

    typed: Typed
    refused: frozenset[str]


def read_input(kind: FormKind, new: bool, data: FormData, names: Collection[str] | None = None) -> FormInput:
    """Read a submitted form, or only the fields with these ``names``."""
    typed: Typed = {}
    refused: set[str] = set()
    for field in list_fields(kind, new):
        if names is not None and field.name not in names:
            continue
        if field.input == "boxes":
            sent = {str(box) for box in data.getall(field.name, [])}
            typed[field.name] = [choice for choice in field.choices if choice in sent]
            continue
        value = _clean_text(field, data.get(field.name))
        if has_forbidden_number(field.name, value):
            refused.add(field.name)
            value = ""
        typed[field.name] = mask_certificate_number(value) if field.name == CERTIFICATE else value
    return FormInput(typed=typed, refused=frozenset(refused))


def _clean_text(field: FormField, sent: Any) -> str:
    value = sent if isinstance(sent, str) else ""
    if field.input == "day":
        value = normalise_day(value)
    if field.input == "region":
        value = normalise_width(value)
        value = region_names.find_code(value) or value
    # One character more than the limit is kept, so that what is too long is refused and never silently cut off.
    return value.replace("\r\n", "\n").replace("\x00", "").strip()[: LONGEST[field.input] + 1]


def normalise_day(text: str) -> str:
    """Return a day as people write it as YYYY-MM-DD; anything else as it is.

    >>> normalise_day("2025 年 7 月 1 日"), normalise_day("20250701"), normalise_day("2025.7.1"), normalise_day("soon")
    ('2025-07-01', '2025-07-01', '2025-07-01', 'soon')
    """
    match = _WRITTEN_DAY.fullmatch("".join(normalise_width(text).split()))
    return "-".join(part.zfill(2) for part in match.groups() if part) if match else text


def has_forbidden_number(name: str, value: str) -> bool:
    """Whether a value looks like an identity number or a telephone, or holds one.

    >>> has_forbidden_number("name", "示例甲 13800000000"), has_forbidden_number("name", "示例甲")
    (True, False)
    >>> has_forbidden_number("certificate_no", "110210000000123"), has_forbidden_number("uscc", "12210300MB0000027N")
    (False, False)
    """
    if name in _NUMBERS:
        return False
    narrow = normalise_width(value)
    joined = _BETWEEN.sub("", narrow)
    if name == CERTIFICATE:  # 15 digits are a practice certificate; a qualification's has the identity number inside
        return bool(_IDENTITY.search(joined) or _MOBILE.fullmatch(joined)) or len(joined) > 24
    patterns = (_IDENTITY_ALONE, _IDENTITY_OLD, _MOBILE)
    return any(pattern.search(text) for pattern in patterns for text in (narrow, joined)) or bool(
        _LANDLINE.search(narrow)
    )


def mask_certificate_number(number: str) -> str:
    """Return a certificate's number with all but its end masked; what is masked already stays as it is.

    >>> [mask_certificate_number(number) for number in ("1102 1000 0000 123", "***********0123", "12345")]
    ['***********0123', '***********0123', '***45']
    """
    compact = re.sub(r"[\s\-]+", "", normalise_width(number)).upper()
    if not compact or _MASKED.fullmatch(compact):
        return compact
    shown = 4 if len(compact) >= 8 else min(2, len(compact) // 2)
    hidden = len(compact) - shown
    return _STAR * hidden + compact[hidden:]
