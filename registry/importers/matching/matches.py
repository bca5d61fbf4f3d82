"""The institutions of a list beside those of the register that rules paired them with, and what the list states."""

from typing import Any

from registry.domain import regions
from registry.domain.fields import LISTED
from registry.domain.identifiers import format_subject_code, make_subject
from registry.domain.model import Date, Source, Struct
from registry.domain.techniques import TECHNIQUES, TechniqueCode
from registry.importers.matching.conflicts import Conflict
from registry.importers.matching.organisations import DoubtRule, Pairing, Why
from registry.importers.matching.register_side import RegisterInstitution
from registry.importers.reading.headings import DETAILS
from registry.importers.reading.list_file import ListedInstitution
from registry.verification import addresses


class InstitutionMatch(Struct, frozen=True):
    """An institution of a list, and the one of the register that a rule (``why``) pairs it with; None for a new one.

    ``subject`` names it in the log; ``statement`` is what the list states of it, path by path, without what a decision
    keeps; ``taken`` are those of its conflicts in which a person takes the list. ``printed`` is the row as it stands in
    the list, where the register's spelling stays instead.
    """

    subject: str
    listed: ListedInstitution
    known: RegisterInstitution | None
    why: Why | None
    statement: dict[str, Any]
    taken: tuple[Conflict, ...] = ()
    printed: ListedInstitution | None = None

    @property
    def is_renamed(self) -> bool:
        """Whether the list gives it another name."""
        return self.known is not None and "name" in self.statement and self.known.likeness["name"] != self.listed.name

    @property
    def has_moved(self) -> bool:
        """Whether the list gives it the address of another site."""
        return self.is_elsewhere and "address" in self.statement

    @property
    def is_relisted(self) -> bool:
        """Whether it had left the list by its day, and comes back."""
        return (
            self.known is not None
            and self.known.values.get("status") == "delisted"
            and self.statement.get("status") == "listed"
        )

    @property
    def is_elsewhere(self) -> bool:
        """Whether the addresses of the two sides are those of different sites, whatever becomes of that."""
        if self.known is None or self.known.likeness["address"] == self.listed.address:
            return False
        seen = self.known.likeness
        compared = addresses.compare_addresses(self.listed.address, seen["address"], seen.get("region"))
        return compared in ("other", "unreadable")

    @property
    def is_at_earlier_address(self) -> bool:
        """Whether the register has it at the list's address on another day."""
        return self.known is not None and any(
            addresses.compare_addresses(self.listed.address, address, None) in ("same", "form")
            for _, address in self.known.former
        )


class DoubtfulPair(Struct, frozen=True):
    """Two institutions that may be one; ``why`` a person has to look, in Chinese and English."""

    listed: ListedInstitution
    known: RegisterInstitution
    rule: DoubtRule
    why: str
    why_en: str

    def to_report_line(self) -> dict[str, Any]:
        """The doubt as a line of the report: both names and addresses, the code and the row."""
        seen = self.known.likeness
        return {
            "from": seen["name"],
            "to": self.listed.name,
            "why": self.why,
            "why_en": self.why_en,
            "code": format_subject_code(self.known.subject),
            "row": self.listed.row,
            "from_address": seen["address"],
            "to_address": self.listed.address,
        }


def make_matches(
    pairing: Pairing,
    listed: tuple[ListedInstitution, ...],
    known: dict[str, RegisterInstitution],
    taken: set[str],
    source: Source,
) -> dict[int, InstitutionMatch]:
    """Every institution of the list by its position, with all that the list states of it."""
    matches: dict[int, InstitutionMatch] = {}
    for pair in pairing.pairs:
        position, institution = int(pair.listed.key), known[str(pair.known.key)]
        matches[position] = InstitutionMatch(
            subject=institution.subject,
            listed=listed[position],
            known=institution,
            why=pair.why,
            statement=_make_statement(listed[position], institution.values, source),
        )
    for party in pairing.new:
        new = listed[int(party.key)]
        matches[int(party.key)] = InstitutionMatch(
            subject=make_subject("institution", f"{new.name}|{new.address}", taken),
            listed=new,
            known=None,
            why=None,
            statement=_make_statement(new, {}, source),
        )
    return matches


def _make_statement(listed: ListedInstitution, before: dict[str, Any], source: Source) -> dict[str, Any]:
    """Every path the list states, and None for approvals that are recorded and that it would list if they stood."""
    statement: dict[str, Any] = {
        "name": listed.name,
        "aliases": list(listed.aliases) or None,
        "ownership_form": listed.ownership_form,
        "campus": listed.campus,
        "address": listed.address,
        "region": listed.region,
        "status": "listed",
    }
    statement |= {f.name: value for f in LISTED if (value := getattr(listed, f.name)) is not None}
    for heading, value in listed.extra.items():
        statement[f"extra.{heading}"] = value
    for approval in listed.approvals:
        path = f"approvals.{approval.technique}"
        # A later list does not print document numbers and dates that staff had entered: they stay with the stage.
        recorded = before.get(path) or {}
        # Of an unclear stage the first remark stays: two copies of one list word it differently.
        same = recorded.get("note") if recorded.get("stage") == approval.stage == "operating" else None
        details = {name: getattr(approval, name) for name in DETAILS}
        statement[path] = {**recorded, "stage": approval.stage, "note": same or approval.note}
        statement[path] |= {
            name: value.isoformat() if isinstance(value, Date) else value for name, value in details.items() if value
        }
        if statement[path]["note"] is None:
            del statement[path]["note"]
    if source.scope != "partial":
        for technique in source.covers:
            if f"approvals.{technique}" in before:
                statement.setdefault(f"approvals.{technique}", None)
    return {path: value for path, value in statement.items() if value is not None or path in before}


def has_left(known: RegisterInstitution, source: Source) -> bool:
    """Whether absence means having left: the scope holds the place, and the list covers one of the approvals."""
    if source.scope == "partial":
        return False
    if source.scope != "national" and not regions.is_inside(known.values.get("region"), source.scope):
        return False
    approved = _list_approved_techniques(known)
    return not approved or any(technique in source.covers for technique in approved)


def make_ending(known: RegisterInstitution, source: Source) -> dict[str, Any]:
    """What ends of an institution that left: the approvals the list covers, and its status unless others remain."""
    approved = _list_approved_techniques(known)
    ended: dict[str, Any] = {f"approvals.{t}": None for t in approved if t in source.covers}
    if len(ended) == len(approved):
        ended["status"] = "delisted"
    return ended


def _list_approved_techniques(institution: RegisterInstitution) -> list[TechniqueCode]:
    return [t.code for t in TECHNIQUES if institution.values.get(f"approvals.{t.code}")]
