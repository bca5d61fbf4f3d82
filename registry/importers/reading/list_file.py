"""The shapes between a list file and proposals: its institutions row by row, and the findings about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from registry.domain.fields import LISTED
from registry.domain.model import Struct
from registry.domain.techniques import Stage, TechniqueCode
from registry.texts import FixedText, Message

Level = Literal["error", "warning", "info"]


class AuditLine(Struct, frozen=True):
    """One finding about a file. ``row`` is the number a person sees; ``cell`` is a heading or a cell name."""

    level: Level
    row: int | None
    cell: str | None
    message: str
    message_en: str

    def describe(self, lang: str) -> str:
        """The finding in one line with its place, unless the message already names table and row."""
        message = FixedText(self.message, self.message_en).to_text(lang)
        if self.row is None or message.startswith(("表", "table", "Table")):
            return message
        place = Message("第{row}行", row=self.row).to_text(lang)
        return f"{place} {self.cell}: {message}" if self.cell else f"{place}: {message}"


class ListedApproval(Struct, frozen=True):
    """One technique of an institution with its stage; ``note`` has the printed words when they leave the stage open."""

    technique: TechniqueCode
    stage: Stage
    note: str | None = None


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
    """One institution as printed in the file, white space trimmed; with an attribute for each of ``fields.LISTED``."""

    row: int
    name: str
    address: str
    province: str | None
    approvals: tuple[ListedApproval, ...]
    aliases: tuple[str, ...] = ()
    ownership_form: str | None = None
    campus: str | None = None
    region: str | None = None
    extra: dict[str, str] = msgspec.field(default_factory=dict)


class ListFile(Struct, frozen=True):
    """A whole list: the number of data rows, the institutions, the findings, the SHA-256 of the file."""

    rows: int
    institutions: tuple[ListedInstitution, ...]
    audit: tuple[AuditLine, ...]
    sha256: str

    @property
    def errors(self) -> tuple[AuditLine, ...]:
        """The findings that forbid an import."""
        return tuple(line for line in self.audit if line.level == "error")
