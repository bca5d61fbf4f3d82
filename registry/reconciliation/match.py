"""Which institution a row of somebody's table means: decided by the rules of verification, the rest only offered.

A match says "this institution", never "licensed". It is given where one institution alone has the name (as written, or
but for how it is written) or the number, and nothing else in the row contradicts. Near names are other institutions:
they are candidates, as is whatever the search finds, and whoever has the table decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rapidfuzz import fuzz

from registry.domain.identifiers import parse_code
from registry.domain.model import Date, Institution, Struct
from registry.domain.normalise import fold_text
from registry.errors import InvalidInput
from registry.institutions.filters import SearchRequest
from registry.institutions.result import SearchResult
from registry.reconciliation.properties import BY_ID
from registry.reconciliation.queries import Query, QueryRow, parse_query
from registry.records.asof import AsOf
from registry.verification import matching
from registry.verification.answer import take_moment
from registry.verification.matching import SiteMatch
from registry.verification.verdict import Site
from registry.verification.view import VerificationView

#: Scores, 0 to 100. Only the match has 100. A name or number that is its own and does not decide; how a near name's
#: nearness (0 to 100) counts; what the search finds, the first and each further one less; the most an address can lift.
MATCH, FITS, NEARNESS, SEARCHED, STEP, LIFTED = 100, 90, 0.85, 60, 2, 94
#: What an address elsewhere leaves of a score; what each other column adds or takes.
ELSEWHERE, AGREES, DIFFERS = 0.6, 2, -4
#: The search found these because they are in a place or have a technique: nobody's name.
_LISTINGS = ("filter", "technique")
Search = Callable[..., SearchResult]  # (Choice, AsOf, limit=)
Records = Callable[[Sequence[str], AsOf], list[Institution]]


class Feature(Struct, frozen=True):
    """One thing a candidate was compared by, and how it fared."""

    id: str
    value: bool | float


class MatchCandidate(Struct, frozen=True):
    """One candidate. ``by_former_name``: the row's name is one it had before. ``match``: it is this institution."""

    site: Site
    score: int
    match: bool
    features: list[Feature]
    by_former_name: bool = False


class MatchReply(Struct, frozen=True):
    """Candidates, best first, at most one of them a match; and why numbers of the row could not be read."""

    candidates: list[MatchCandidate]
    unreadable: dict[str, InvalidInput]


class MatchDecision(Struct, frozen=True):
    """Whom the name and the numbers of a row name, those that the name alone names, and who alone is meant."""

    named: list[SiteMatch]
    by_name: list[SiteMatch]
    match: str | None


class Reconciler:
    """Answers queries at one moment: all at the same log size. CannotAnswer when the register cannot be read."""

    def __init__(self, view: VerificationView, search: Search, records: Records) -> None:
        at = take_moment(view)
        self.asof = AsOf(valid_on=at.day, size=at.size)
        self._view = view
        self._search = search
        self._records = records

    def answer_query(self, query: Query) -> MatchReply:
        """Who may be meant; InvalidInput for a query that cannot be understood."""
        row = parse_query(query)
        with self._view.lock:
            decided = self._decide_match(row)
            bases = self._make_base_scores(row, decided)
        asked = row.provider.name or ("" if row.numbers else row.address)
        if decided.match is None and asked:
            found = self._search(SearchRequest(q=asked), self.asof, limit=query.limit).items
            for rank, hit in enumerate(hit for hit in found if hit.match not in _LISTINGS):
                code = parse_code(hit.institution.code)
                bases[code] = max(bases.get(code, 0), SEARCHED - STEP * rank)
        supports = self._compare_supports(row, bases)
        with self._view.lock:
            offered = [
                self._make_candidate(row, decided, site, base, supports.get(code, []))
                for code, base in bases.items()
                if (site := self._view.find_site(code, self.asof))
            ]
        best = sorted(offered, key=lambda one: (-one.score, one.site.code))
        return MatchReply(candidates=best[: query.limit], unreadable=row.unreadable)

    # --- who is meant ------------------------------------------------------------------------------------------------

    def _decide_match(self, row: QueryRow) -> MatchDecision:
        """As ``verification.answer`` judges, but that a delisted institution of the same name is a namesake too."""
        view, provider, asof = self._view, row.provider, self.asof
        named = matching.match_with_delisted(view, provider, asof)
        by_name = matching.match_by_name(view, provider.name or "", asof)
        how = {f.site.code: row.compare_site(f.site) for f in named}
        chosen = [f for f in named if how[f.site.code] == "same"] or [f for f in named if how[f.site.code] != "other"]
        several = matching.find_contradictions(view, provider, chosen, asof) if chosen else []
        match = None
        if len(chosen) == 1 and not several and not row.unreadable:
            only = chosen[0]
            half_a_name = only.rule == "campus" and how[only.site.code] != "same"
            match = None if half_a_name or only.rule == "later_name" else only.site.code
        return MatchDecision(named=[*named, *several], by_name=by_name, match=match)

    def _make_base_scores(self, row: QueryRow, decided: MatchDecision) -> dict[str, float]:
        """What each candidate of the matcher scores before the other columns are looked at."""
        bases = {
            parse_code(near.code): near.score * NEARNESS
            for near in matching.list_near_candidates(self._view, row.provider.name, self.asof)
        }
        return bases | {f.site.code: FITS for f in [*decided.by_name, *decided.named]}

    # --- how well ----------------------------------------------------------------------------------------------------

    def _compare_supports(self, row: QueryRow, codes: Iterable[str]) -> dict[str, list[Feature]]:
        """How each candidate fares by the columns that only support; what is not stated of it is left out."""
        if not row.supports:
            return {}
        found = self._records(list(codes), self.asof)
        return {parse_code(it.code): list(_compare_columns(it, row, self.asof.valid_on)) for it in found}

    def _make_candidate(
        self, row: QueryRow, decided: MatchDecision, site: Site, base: float, supports: list[Feature]
    ) -> MatchCandidate:
        match = site.code == decided.match
        return MatchCandidate(
            site=site,
            score=MATCH if match else _compute_score(base, row.compare_site(site), supports),
            match=match,
            features=[*self._list_features(row, decided, site), *supports],
            by_former_name=any(f.site.code == site.code and f.on == "former_name" for f in decided.by_name),
        )

    def _list_features(self, row: QueryRow, decided: MatchDecision, site: Site) -> list[Feature]:
        span = self._view.find_span(site.code, self.asof)
        features = []
        if row.provider.name is not None:
            own = any(f.site.code == site.code for f in decided.by_name)
            key = fold_text(row.provider.name)
            nearest = max((fuzz.ratio(key, named.key) for named in (span.names if span else ())), default=0.0)
            features += [Feature(id="own_name", value=own), Feature(id="name_similarity", value=round(nearest, 1))]
        held = {("code", site.code), *(span.identifiers if span else ())}
        features += [Feature(id=pid, value=number in held) for pid, number in row.numbers.items()]
        features += [Feature(id=pid, value=False) for pid in row.unreadable if pid not in row.numbers]
        features += [Feature(id=pid, value=row.compare_place(pid, site) != "other") for pid in row.places]
        if "address" in row.places:
            features.append(Feature(id="same_site", value=row.compare_place("address", site) == "same"))
        return features


def _compare_columns(it: Institution, row: QueryRow, day: Date) -> Iterable[Feature]:
    for pid, asked in row.supports.items():
        stated = {fold_text(str(value)) for value in BY_ID[pid].values(it, day)}
        if stated:
            yield Feature(id=pid, value=not stated.isdisjoint(map(fold_text, asked)))


def _compute_score(base: float, place: str | None, supports: Sequence[Feature]) -> int:
    """The score of whoever is not the match: a whole number from 1 to 94."""
    if place == "same":
        base += (LIFTED - base) / 2
    if place == "other":
        base *= ELSEWHERE
    base += sum(AGREES if feature.value else DIFFERS for feature in supports)
    return round(min(max(base, 1), LIFTED))
