"""A list beside the register, institution by institution: who is who by which rule, and who may be one."""

from __future__ import annotations

from typing import Any

from registry.domain.identifiers import format_code
from registry.domain.model import Struct
from registry.importers.matching.identity import DoubtRule, Why
from registry.importers.matching.register_side import RegisterInstitution
from registry.importers.reading.list_file import ListedInstitution


class InstitutionMatch(Struct, frozen=True):
    """One institution of a list, and which of the register it is by which rule; ``known`` None: a new one.

    ``subject`` is it in the log; ``statement`` is what the list states of it, path by path.
    """

    subject: str

    listed: ListedInstitution
    known: RegisterInstitution | None
    why: Why | None
    statement: dict[str, Any]


class DoubtfulPair(Struct, frozen=True):
    """Two that may be one, and why somebody has to look: ``why`` in Chinese and English."""

    listed: ListedInstitution
    known: RegisterInstitution
    rule: DoubtRule
    why: str
    why_en: str

    def to_report_line(self) -> dict[str, Any]:
        """The doubt as the contract has it, with the code, the row and the addresses of both beside it."""
        seen = self.known.likeness
        return {
            "from": seen["name"],
            "to": self.listed.name,
            "why": self.why,
            "why_en": self.why_en,
            "code": format_code(self.known.subject.removeprefix("institution:")),
            "row": self.listed.row,
            "from_address": seen["address"],
            "to_address": self.listed.address,
        }
