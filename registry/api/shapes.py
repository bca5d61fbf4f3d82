"""Bodies of API answers that are not words of the register themselves."""

from __future__ import annotations

from registry.model import Institution, Practitioner, Region, Struct, Version
from registry.search.contract import MatchKind


class InstitutionList(Struct, frozen=True):
    """One page of institutions. ``next`` is the cursor of the following page, null on the last one."""

    items: list[Institution]
    next: str | None
    total: int
    log_size: int


class History(Struct, frozen=True):
    """Everything stated about one institution, in the order recorded."""

    versions: list[Version]


class PractitionerList(Struct, frozen=True):
    """The authorised people of one institution."""

    items: list[Practitioner]


class Suggestion(Struct, frozen=True):
    """One institution the person may be typing the name of."""

    code: str
    name: str
    region: Region
    match: MatchKind


class SuggestionList(Struct, frozen=True):
    """Suggestions, best first."""

    items: list[Suggestion]
