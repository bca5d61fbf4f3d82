"""What the rules found about a claim, before anything is put into words."""

from __future__ import annotations

import datetime as dt

from registry.domain.model import Basis, Candidate, Match, MatchedOn, Source, Struct, TechniqueAnswer, VerdictWord
from registry.verification.verdict import Site


class Judgement(Struct, frozen=True, gc=False):
    """A verdict with everything its explanation, and the answers beside it, may need."""

    verdict: VerdictWord
    techniques: list[TechniqueAnswer]
    candidates: list[Candidate]
    sources: dict[str, Source]
    site: Site | None = None
    match: Match | None = None
    count: int = 0
    contradiction: bool = False  # the claim names two institutions: one by name, another by number
    campus: bool = False  # the name fits but for its campus, and no address says which campus is meant
    by: MatchedOn | None = None  # by what several institutions fit, or by what number nobody does
    list_basis: Basis | None = None
    since: dt.date | None = None  # the first day of what has stopped
    codes: tuple[str, ...] = ()  # the institutions that answered: where a person or a certificate has to belong
    each: tuple[tuple[Site, list[TechniqueAnswer]], ...] = ()  # what each of these is, and its techniques
    nothing_known: bool = False  # the register held no entry at the time of knowing, of whatever day
