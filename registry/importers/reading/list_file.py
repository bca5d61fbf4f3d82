"""The shapes between a list file and proposals: its institutions row by row, and the findings about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from registry.domain.fields import LISTED
from registry.domain.model import Date, ListChange, Struct
from registry.domain.techniques import Stage, TechniqueCode
from registry.texts import FixedText, Message

Level = Literal["error", "warning", "info"]
#: What a person may answer: take a row, leave it out, put another text into a cell, accept a finding for a reason.
Choice = Literal["take", "leave", "text", "accept"]


class FileQuestion(Struct, frozen=True):
    """What a finding asks a person. ``key`` is its place in the file: ``1.37`` a row, ``1.37.2`` a cell counted from 0,
    ``1.37.count`` a finding that may be accepted.

    ``kind`` names those that may get one answer; ``text`` is the cell as it stands in the file, None where it is about
    a whole row, and ``suggestion`` the text proposed instead.
    """

    key: str
    kind: str
    choices: tuple[Choice, ...]
    text: str | None = None
    suggestion: str | None = None

    @property
    def row_key(self) -> str:
        """The key of its row."""
        return ".".join(self.key.split(".")[:2])


class FileAnswer(Struct, frozen=True):
    """A person's answer to a question: by whom, when (milliseconds since 1970), with what text or reason."""

    choice: Choice
    text: str = ""
    reason: str = ""
    by: str = ""
    at: int = 0


class AuditLine(Struct, frozen=True, omit_defaults=True):
    """One finding about a file. ``row`` is the number a person sees; ``cell`` is a heading or a cell name.

    ``question``: what a person may answer to it.
    """

    level: Level
    row: int | None
    cell: str | None
    message: str
    message_en: str
    question: FileQuestion | None = None

    def describe(self, lang: str) -> str:
        """The finding in one line with its place, unless the message already names table and row."""
        message = FixedText(self.message, self.message_en).to_text(lang)
        if self.row is None or message.startswith(("表", "table", "Table")):
            return message
        place = Message("第{row}行", row=self.row).to_text(lang)
        return f"{place} {self.cell}: {message}" if self.cell else f"{place}: {message}"


class ListedApproval(Struct, frozen=True):
    """One technique of an institution with its stage; ``note`` has the printed words when they leave the stage open.

    What a list prints of the approval itself, by its columns: document, authority, first day, day of the next
    verification.
    """

    technique: TechniqueCode
    stage: Stage
    note: str | None = None
    document_no: str | None = None
    authority: str | None = None
    valid_from: Date | None = None
    verification_due: Date | None = None


if TYPE_CHECKING:
    _ListedFields = Struct
else:
    #: The fields that a list may print in columns of their own.
    _ListedFields = msgspec.defstruct(
        "_ListedFields",
        [(f.name, f.value_type | None, None) for f in LISTED],
        bases=(Struct,),
        module=__name__,
        frozen=True,
        kw_only=True,
    )


class ListedInstitution(_ListedFields, frozen=True, kw_only=True):
    """One institution as printed in the file, white space trimmed; with an attribute for each of ``fields.LISTED``.

    ``code``: its code in this register, where the list prints it.
    """

    row: int
    name: str
    address: str
    province: str | None
    approvals: tuple[ListedApproval, ...]
    aliases: tuple[str, ...] = ()
    ownership_form: str | None = None
    campus: str | None = None
    region: str | None = None
    code: str | None = None
    extra: dict[str, str] = msgspec.field(default_factory=dict)


class ListFile(Struct, frozen=True):
    """A whole list: the number of data rows, the institutions, the findings, the SHA-256 of the file as received.

    ``changes``: what a person's answers changed of it; ``aside``: institutions that were left for their own province.
    """

    rows: int
    institutions: tuple[ListedInstitution, ...]
    audit: tuple[AuditLine, ...]
    sha256: str
    changes: tuple[ListChange, ...] = ()
    aside: tuple[ListedInstitution, ...] = ()

    @property
    def errors(self) -> tuple[AuditLine, ...]:
        """The findings that forbid an import."""
        return tuple(line for line in self.audit if line.level == "error")
