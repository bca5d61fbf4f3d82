"""Bodies of API answers that are not words of the register themselves."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec

from registry.domain.model import Answer, Date, Institution, Kind, Practitioner, Region, Source, Struct
from registry.domain.techniques import TechniqueCode
from registry.institutions.search import Warned
from registry.records.history import Version
from registry.records.snapshot import AdCertificate, EditionRecord, Sanction
from registry.search.readings import MatchKind, Understood


class Why(Struct, frozen=True):
    """Why an institution is in a result, in the order of ``items``: by what, and by which name when it was not its own;
    ``lacks``: techniques the question named for which it is not approved."""

    code: str
    match: MatchKind
    by: str | None
    lacks: list[TechniqueCode]


class InstitutionList(Struct, frozen=True):
    """One page of institutions. ``next`` is the cursor of the following page, null on the last one.

    ``at_least``: so many fit the question that only the first ``total`` were counted; the pages go on beyond.
    ``similar``: no institution is called what was asked for; the items only have names like it and are other
    institutions, the first of which was perhaps meant (``did_you_mean``). With a ``warning`` there are no items: nobody
    may offer what was asked.
    """

    items: list[Institution]
    next: str | None
    total: int
    log_size: int
    at_least: bool
    why: list[Why]
    understood: list[Understood]
    similar: bool
    did_you_mean: str | None
    warning: Warned | None


class History(Struct, frozen=True):
    """What was stated about one institution, in the order recorded, by the first ``log_size`` entries."""

    versions: list[Version]
    log_size: int


class PractitionerList(Struct, frozen=True):
    """The authorised people of one institution."""

    items: list[Practitioner]


class Suggestion(Struct, frozen=True):
    """One institution the person may be typing the name of; ``by`` is the other name of it that fits, if it was one."""

    code: str
    name: str
    region: Region
    match: MatchKind
    by: str | None


class SuggestionList(Struct, frozen=True):
    """Suggestions, best first."""

    items: list[Suggestion]


class LoggedChange(Struct, frozen=True):
    """What an entry says: new values by path (null: no longer stated), and the personal values it erases, if any."""

    kind: Kind
    reason: str | None
    set: dict[str, Any]
    erases: list[str] | msgspec.UnsetType = msgspec.UNSET


class LoggedEntry(Struct, frozen=True):
    """One line of the log as its canonical bytes say it; docs/log-format.md says how entries are folded."""

    approver: str
    change: LoggedChange
    format: int
    number: int
    proposal: int
    proposer: str
    recorded_at: dt.datetime
    source: str | None
    subject: str
    valid_from: Date


class ChangeList(Struct, frozen=True):
    """Entries after a position. ``next`` is the position after them; at the end of the log it is ``log_size``."""

    entries: list[LoggedEntry]
    leaves: list[str]
    next: int
    log_size: int


class BatchAnswers(Struct, frozen=True):
    """Answers in the order of the claims; what could not be answered says why in its place."""

    answers: list[Answer]  # or, in the place of one, an object that the document adds (api/openapi.py)


class SnapshotList(Struct, frozen=True):
    """All current records at one log size; ``root`` is the RFC 6962 root hash (hex) of the log at that size."""

    log_size: int
    root: str
    on: Date
    known_at: dt.datetime | None
    sources: list[Source]
    items: list[Institution]
    ad_certificates: list[AdCertificate]
    sanctions: list[Sanction]
    editions: list[EditionRecord]
    total: int


class InclusionProof(Struct, frozen=True):
    """RFC 6962 proof that an entry is in the log; hashes are hex, the leaf's sibling first. ``index`` counts from 0."""

    entry: int
    index: int
    size: int
    leaf: str
    root: str
    proof: list[str]
    checkpoint: str | None


class ConsistencyProof(Struct, frozen=True):
    """RFC 6962 proof that the log of size ``from`` is the beginning of the log of size ``to``; hashes are hex."""

    from_: int = msgspec.field(name="from")
    to: int
    from_root: str
    to_root: str
    proof: list[str]
