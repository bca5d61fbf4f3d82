"""The forms as tables: the fields of each, their kinds of input, and what they state of the record.

The labels of a field are found by its name in the catalogue of the workspace. What a person typed is stored as
``Typed``: a text for each field, for boxes the list of those ticked.
"""

from __future__ import annotations

from typing import Literal, get_args

from registry.domain import fields
from registry.domain.model import Kind, Status, Struct
from registry.domain.techniques import STAGES, TECHNIQUES
from registry.errors import NotFound
from registry.texts import Message

FormKind = Literal["institution", "approval", "practitioner", "ad_certificate", "sanction"]
KINDS: tuple[FormKind, ...] = get_args(FormKind)
Input = Literal["text", "area", "lines", "day", "choice", "boxes"]
Typed = dict[str, str | list[str]]

#: Characters that a field of each kind may have.
LONGEST: dict[Input, int] = {"text": 200, "area": 2_000, "lines": 2_000, "day": 20, "choice": 40}

#: The kind of subject each form is about.
ABOUT: dict[FormKind, Kind] = {
    "institution": "institution",
    "approval": "institution",
    "practitioner": "practitioner",
    "ad_certificate": "ad_certificate",
    "sanction": "sanction",
}
CODES = tuple(technique.code for technique in TECHNIQUES)
#: Chosen instead of a stage: the approval was recorded by mistake and is taken back.
WITHDRAWN = "withdrawn"


class FormField(Struct, frozen=True):
    """One field. ``path``: what it states of the record, by default its own name; "" for nothing.

    ``personal``: its value is in no report and no title. ``suggested``: values offered where others may be typed.
    """

    name: str
    input: Input = "text"
    required: bool = False
    choices: tuple[str, ...] = ()
    suggested: tuple[str, ...] = ()
    path: str | None = None
    personal: bool = False
    new_only: bool = False
    mode: str = ""

    @property
    def record_path(self) -> str:
        """The path it states; empty for none."""
        return self.name if self.path is None else self.path


def _make_approval_fields(new_only: bool = False) -> tuple[FormField, ...]:
    """Make the fields of an approval's document, besides the stage."""
    return (
        FormField(name="document_no", path="", new_only=new_only),
        FormField(name="authority", path="", new_only=new_only),
        FormField(name="valid_from", input="day", path="", new_only=new_only),
        FormField(name="verification_due", input="day", path="", new_only=new_only),
        FormField(name="remark", path="", new_only=new_only),
    )


def _make_institution_field(field: fields.Field) -> FormField:
    """Make the field of the form from the row of the table."""
    choices = get_args(Status) if field.kind == "status" else ()
    return FormField(
        name=field.name,
        input="choice" if choices else "lines" if field.has_several else "text",
        required=field.required,
        choices=choices,
        suggested=field.suggested,
        mode=field.mode,
    )


_INSTITUTION = (
    *(_make_institution_field(field) for field in fields.FIELDS if field.in_form),
    *(FormField(name=f"stage.{code}", input="choice", choices=("", *STAGES), path="", new_only=True) for code in CODES),
    *_make_approval_fields(new_only=True),
)
_APPROVAL = (
    FormField(name="technique", input="choice", required=True, choices=CODES, path=""),
    FormField(name="stage", input="choice", required=True, choices=("", *STAGES, WITHDRAWN), path=""),
    *_make_approval_fields(),
    FormField(name="also", input="boxes", choices=CODES, path=""),
)
_PRACTITIONER = (
    FormField(name="institution", required=True),
    FormField(name="name", required=True, personal=True),
    FormField(name="role", required=True, suggested=("临床医师", "实验室技术人员", "护士")),
    FormField(name="techniques", input="boxes", required=True, choices=CODES),
    FormField(name="valid_from", input="day"),
    FormField(name="valid_to", input="day"),
    FormField(name="certificate_kind", suggested=("医师执业证书", "护士执业证书")),
    FormField(name="certificate_no", path="certificate_masked", personal=True),
)
_CERTIFICATE = (
    FormField(name="institution", required=True),
    FormField(name="number", required=True),
    FormField(name="valid_to", input="day"),
)
_SANCTION = (
    FormField(name="institution"),
    FormField(name="organisation"),
    FormField(name="person", personal=True),
    FormField(name="kind", input="choice", required=True, choices=("penalty", "blacklist")),
    FormField(name="authority", required=True),
    FormField(name="document_no", required=True),
    FormField(name="decided_on", input="day", required=True),
    FormField(name="summary", input="area", required=True),
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
}
#: Paths no verdict depends on: they may be changed without a document.
NO_LEGAL_FACT = frozenset(field.name for field in fields.FIELDS if not field.legal)


def get_form_kind(word: str) -> FormKind:
    """Return the form of a name; NotFound."""
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
