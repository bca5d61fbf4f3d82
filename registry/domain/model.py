"""The words of the register as frozen Structs; the glossary in docs/glossary.md names each.

Fields that a source does not state are ``None``, never a guess. Dates are ``datetime.date``; instants are aware UTC.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

import msgspec

from registry.domain.techniques import Stage, TechniqueCode

Date = dt.date
Status = Literal["listed", "suspended", "delisted"]
SanctionKind = Literal["penalty", "blacklist"]
#: Whom a penalty or a record of the blacklist is about: an institution of the register, or somebody outside it.
SanctionParty = Literal["institution", "organisation", "website", "account", "person"]
SupervisionKind = Literal["self_inspection", "inspection"]
InspectionKind = Literal["routine", "special", "random", "complaint", "follow_up"]
SupervisionResult = Literal["no_problem", "problems_found"]
#: What is in force at an institution, and of one approval, on a day; ``unknown`` where the evidence is too old to tell.
StandingWord = Literal[
    "approved", "partly_approved", "preparing", "suspended", "lapsed", "revoked", "delisted", "unknown"
]
ApprovalStanding = Literal["in_force", "preparing", "suspended", "lapsed", "revoked", "not_yet", "unknown"]
Kind = Literal[
    "institution", "practitioner", "ad_certificate", "sanction", "supervision", "source", "edition", "credential"
]
Scope = str  # "national", "partial", or a GB/T 2260 region code: what an absence from the source means


class Struct(msgspec.Struct, frozen=True, kw_only=True):
    """Base of every word: immutable, keyword-only."""


#: The rules by which one person may suspend at once, and by which that ends a day later unless another confirms it.
#: They stand in entries in the place of a person.
EMERGENCY, DEADLINE = "system.emergency", "system.deadline"


# --- the log ---------------------------------------------------------------------------------------------------------


class Change(Struct, frozen=True):
    """What one entry says about its subject: new values by field path, ``None`` meaning "no longer stated".

    A path is a field name, or ``approvals.<technique>`` for one approval, or ``extra.<heading>`` for a column of a
    source that has no word of its own here. ``reason`` says why a correction corrects. ``erases`` are the paths whose
    personal values are erased in every entry about the subject with a smaller number.
    """

    kind: Kind
    set: dict[str, Any]
    reason: str | None = None
    erases: list[str] = []


class Entry(Struct, frozen=True):
    """One immutable line of the log."""

    number: int
    recorded_at: dt.datetime
    subject: str
    change: Change
    valid_from: Date
    source: str | None
    proposer: str
    approver: str
    proposal: int

    @property
    def is_emergency(self) -> bool:
        """Whether one person put it in force, until another confirms it or it is taken back."""
        return self.approver == EMERGENCY and not self.is_restoration

    @property
    def is_restoration(self) -> bool:
        """Whether it takes back an emergency that nobody confirmed: what was recorded before holds again."""
        return self.proposer in (EMERGENCY, DEADLINE)


class Draft(Struct, frozen=True):
    """An entry before it has a number: one item of a proposal."""

    subject: str
    change: Change
    valid_from: Date
    source: str | None = None


class Source(Struct, frozen=True):
    """A document facts rest on. ``scope`` says what an absence from it means; ``secondary`` that it is a transcription.

    ``covers`` are the techniques it speaks about: a list of centres says nothing about sperm banks.
    """

    id: str
    title: str
    as_of: Date
    published: Date | None = None
    scope: Scope = "partial"
    origin: str | None = None
    secondary: bool = False
    covers: list[TechniqueCode] = []
    rows: int | None = None
    sha256: str | None = None
    entry: int = 0


class ListChange(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What was changed between a list as received and what was imported of it; published with its source.

    ``place`` is as a person reads it (表1第37行); ``what``: a cell was corrected, a row left out, set aside for its own
    province or taken although it is hidden or struck through, an error accepted for a ``reason``.
    """

    place: str
    what: Literal["corrected", "left_out", "set_aside", "taken", "accepted"]
    before: str | None = None
    after: str | None = None
    reason: str | None = None


class SourceRef(Struct, frozen=True):
    """The source as answers and pages show it. ``scope``: what an absence from it means, as in ``Source``."""

    title: str
    as_of: Date
    published: Date | None = None
    scope: Scope = "partial"
    secondary: bool = False


class PublicLog(Struct, frozen=True):
    """The log as signed last: its name, size, root hash (hex), and the verifier keys in use."""

    origin: str
    size: int
    root: str
    vkeys: list[str]


# --- the register as doors show it -----------------------------------------------------------------------------------


class Region(Struct, frozen=True):
    """A place in GB/T 2260. ``code`` is the most precise level the address states; the levels below it are null."""

    code: str | None
    province: str | None
    city: str | None
    district: str | None


class Approval(Struct, frozen=True):
    """Permission of one institution for one technique.

    ``stage`` is as recorded; ``standing`` what that comes to on the day, and ``since`` the first day of the unbroken
    time up to it that it has been so, as recorded. ``note`` is what the source says of the stage.
    """

    technique: TechniqueCode
    name: str
    stage: Stage
    standing: ApprovalStanding
    since: Date | None = None
    valid_from: Date | None = None
    verification_due: Date | None = None
    document_no: str | None = None
    authority: str | None = None
    note: str | None = None


class FormerName(Struct, frozen=True):
    """A name the institution was listed under, until the day it no longer was."""

    name: str
    until: Date


class Institution(Struct, frozen=True):
    """One approved practice site, as of a day and a log size.

    ``status`` is as recorded; ``standing`` what is in force on the day, of all its approvals together. ``aliases`` and
    ``former_names`` are from lists; ``known_as`` are names people use, which no verdict rests on, and so is
    ``name_en``: the institution's own name in English, or a translation.
    """

    code: str
    name: str
    aliases: list[str]
    former_names: list[FormerName]
    known_as: list[str]
    region: Region
    address: str
    status: Status
    standing: StandingWord
    approvals: list[Approval]
    uscc: str | None
    practice_licence_no: str | None
    domains: list[str]
    ownership: str | None
    level: str | None
    campus: str | None
    source: SourceRef | None
    entry: int
    log_size: int
    name_en: str | None = None


class Practitioner(Struct, frozen=True):
    """An authorised person as the public sees one; of the certificate only its kind (personal information law).

    ``name`` is None once it was erased at the person's request.
    """

    code: str
    name: str | None
    institution: str
    role: str | None
    techniques: list[TechniqueCode]
    valid_from: Date | None
    valid_to: Date | None
    certificate_kind: str | None
    source: SourceRef | None
    entry: int
    log_size: int
