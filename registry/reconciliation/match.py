"""Which institution a row of a caller's table means: decided by the rules of verification, the rest only offered.

A match says "this institution", never "licensed". It is given where one institution alone has the name (as written, or
but for how it is written) or the number, and nothing else in the row contradicts. Near names are other institutions:
they are candidates, as is whatever the search finds, and the caller decides.
"""

from collections.abc import Callable, Iterable, Sequence

from rapidfuzz import fuzz

from registry.domain import regions
from registry.domain.answers import MatchedOn, Provider
from registry.domain.identifiers import compact_licence, compact_uscc, may_be_code, parse_code, parse_domain, parse_uscc
from registry.domain.model import Institution, Struct
from registry.domain.normalise import compact_text, fold_text
from registry.errors import InvalidInput
from registry.institutions.result import SearchRequest, SearchResult
from registry.reconciliation.properties import BY_ID
from registry.records.asof import AsOf
from registry.records.site import Site
from registry.texts import Listing, Message
from registry.verification import addresses, site_match
from registry.verification.addresses import Comparison
from registry.verification.answer import take_moment
from registry.verification.candidates import list_candidates
from registry.verification.name_match import SAME_SITE, SiteMatch, match_by_name
from registry.verification.view import VerificationView

#: No real name, address or number is longer.
LONGEST = 300
#: Properties of one query, and values of one of them, at most.
PROPERTY_LIMIT = 40
_PARSERS: dict[str, tuple[MatchedOn, Callable[[str], str]]] = {
    "code": ("code", parse_code),
    "uscc": ("uscc", parse_uscc),
    "practice_licence_no": ("practice_licence_no", compact_licence),
    "domains": ("domain", parse_domain),
}
_BEST_FIRST: tuple[Comparison, ...] = ("same", "region", "other")


class Query(Struct, frozen=True):
    """One row of a request: a name, a code or nothing, and what else it says, by property id."""

    text: str = ""
    properties: tuple[tuple[str, tuple[str, ...]], ...] = ()
    limit: int = 5


class QueryRow(Struct, frozen=True):
    """One row as it is read.

    ``numbers`` by property id as (kind, compact form); ``unreadable`` are those that are no such number, and why;
    ``places`` and ``supports`` are values by property id.
    """

    provider: Provider
    numbers: dict[str, tuple[MatchedOn, str]]
    unreadable: dict[str, InvalidInput]
    places: dict[str, tuple[str, ...]]
    supports: dict[str, tuple[str, ...]]

    @property
    def address(self) -> str:
        """The first address, or the empty string."""
        return next(iter(self.places.get("address", ())), "")

    def compare_place(self, pid: str, site: Site) -> Comparison:
        """Compare one place of the row with a site; of several values the one that fits best counts."""
        compared = {_compare_place(value, site) for value in self.places[pid]}
        return next(relation for relation in _BEST_FIRST if relation in compared)

    def compare_site(self, site: Site) -> Comparison | None:
        """Compare all places of the row with a site: one that contradicts is enough. None when the row says none."""
        compared = {self.compare_place(pid, site) for pid in self.places}
        return next((relation for relation in ("other", "same", "region") if relation in compared), None)


def parse_query(query: Query) -> QueryRow:
    """Parse a query; InvalidInput for one that says nothing, too much, or properties that do not exist.

    A number that is none is set apart: the name may still lead to candidates, and decides nothing any more.
    """
    values = _collect_values(query)
    text = query.text.strip()
    if not text and not values:
        raise InvalidInput(Message("query 与 properties 均为空：请给出名称、编码或至少一个属性。"))
    numbers, unreadable = _parse_numbers({pid: texts for pid, texts in values.items() if pid in _PARSERS})
    named_number = _find_number(text)
    if named_number is not None:
        pid, number = named_number
        if numbers.setdefault(pid, number) != number:
            unreadable[pid] = InvalidInput(Message("query 是一个编号，与属性“{pid}”不同。", pid=pid))
    by_kind = dict(numbers.values())
    provider = Provider(
        name=text if text and named_number is None else None,
        code=by_kind.get("code"),
        uscc=by_kind.get("uscc"),
        practice_licence_no=by_kind.get("practice_licence_no"),
        domain=by_kind.get("domain"),
    )
    return QueryRow(
        provider=provider,
        numbers=numbers,
        unreadable=unreadable,
        places={pid: v for pid, v in values.items() if BY_ID[pid].role == "place"},
        supports={pid: v for pid, v in values.items() if BY_ID[pid].role == "support"},
    )


def _collect_values(query: Query) -> dict[str, tuple[str, ...]]:
    """Collect values by property, blank ones left out; of a property given twice all values."""
    if len(query.properties) > PROPERTY_LIMIT or any(len(v) > PROPERTY_LIMIT for _, v in query.properties):
        raise InvalidInput(
            Message("properties 最多{property_limit}个，每个最多{property_limit}个值。", property_limit=PROPERTY_LIMIT)
        )
    collected: dict[str, tuple[str, ...]] = {}
    for pid, values in query.properties:
        if pid not in BY_ID:
            raise InvalidInput(Message("未知的属性“{pid}”；可用：{by_id}。", pid=pid[:40], by_id=Listing(BY_ID)))
        texts = tuple(value.strip() for value in values if value.strip())
        if texts:
            collected[pid] = (*collected.get(pid, ()), *texts)
    for text in (query.text, *(value for values in collected.values() for value in values)):
        if len(text) > LONGEST:
            raise InvalidInput(Message("值太长，最多{longest}个字符。", longest=LONGEST))
    return collected


def _parse_numbers(
    values_by_id: dict[str, tuple[str, ...]],
) -> tuple[dict[str, tuple[MatchedOn, str]], dict[str, InvalidInput]]:
    numbers: dict[str, tuple[MatchedOn, str]] = {}
    unreadable: dict[str, InvalidInput] = {}
    for pid, values in values_by_id.items():
        kind, parse = _PARSERS[pid]
        try:
            parsed = {parse(value) for value in values}
        except InvalidInput as error:
            unreadable[pid] = error
            continue
        if len(parsed) > 1:
            raise InvalidInput(Message("属性“{pid}”只能给一个值：一行说的是一家机构。", pid=pid))
        numbers[pid] = (kind, parsed.pop())
    return numbers, unreadable


def _find_number(text: str) -> tuple[str, tuple[MatchedOn, str]] | None:
    """Find the number written where a name is expected: a code, also as the address of its page, or a USCC.

    InvalidCode for a mistyped code: that is not "unknown".
    """
    last_part = text.rstrip("/").rsplit("/", 1)[-1]
    if may_be_code(last_part):
        return "code", ("code", parse_code(last_part))
    if len(compact_uscc(text)) == 18:
        try:
            return "uscc", ("uscc", parse_uscc(text))
        except InvalidInput:
            return None  # eighteen characters that are a name
    return None


def _compare_place(value: str, site: Site) -> Comparison:
    """Compare a GB/T 2260 code, a place as people say it (沈阳, 铁西区) or an address with a site.

    Whatever is written otherwise is the same here, and what cannot be read decides against a match.
    """
    codes = (
        (value,)
        if regions.find_region(value) is not None
        else regions.map_names_to_codes().get(compact_text(value), ())
    )
    if not codes:
        word = addresses.compare_addresses(value, site.address, site.region, (site.name,))
        return "same" if word == "form" else "other" if word == "unreadable" else word
    region = site.region or addresses.split_address(site.address)[0]
    return "region" if any(regions.overlap(code, region) for code in codes) else "other"


#: Scores, 0 to 100. Only the match has 100. A name or number that is its own and does not decide; how a near name's
#: nearness (0 to 100) counts; what the search finds, the first and each further one less; the most an address can lift.
MATCH, FITS, NEARNESS, SEARCHED, STEP, LIFTED = 100, 90, 0.85, 60, 2, 94
#: What an address elsewhere leaves of a score; what each other column adds or takes.
ELSEWHERE, AGREES, DIFFERS = 0.6, 2, -4
#: The search found these because they are in a place or have a technique: nobody's name.
_LISTINGS = ("filter", "technique")
Search = Callable[..., SearchResult]  # (SearchRequest, AsOf, limit=)
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
    """The institutions that a row names, those that its name alone names, and the code of the match."""

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
        """Find who may be meant; InvalidInput for a query that cannot be understood."""
        row = parse_query(query)
        with self._view.lock:
            decision = self._decide_match(row)
            bases = self._make_base_scores(row, decision)
        question = row.provider.name or ("" if row.numbers else row.address)
        if decision.match is None and question:
            hits = self._search(SearchRequest(q=question), self.asof, limit=query.limit).items
            for rank, hit in enumerate(hit for hit in hits if hit.match not in _LISTINGS):
                code = parse_code(hit.institution.code)
                bases[code] = max(bases.get(code, 0), SEARCHED - STEP * rank)
        supports = self._compare_supports(row, bases)
        with self._view.lock:
            candidates = [
                self._make_candidate(row, decision, site, base, supports.get(code, []))
                for code, base in bases.items()
                if (site := self._view.find_site(code, self.asof))
            ]
        ranked = sorted(candidates, key=lambda candidate: (-candidate.score, candidate.site.code))
        return MatchReply(candidates=ranked[: query.limit], unreadable=row.unreadable)

    # --- who is meant ------------------------------------------------------------------------------------------------

    def _decide_match(self, row: QueryRow) -> MatchDecision:
        """Judge as ``verification.answer`` does, but that a delisted institution of the same name is a namesake too."""
        view, provider, asof = self._view, row.provider, self.asof
        named = site_match.match_with_delisted(view, provider, asof)
        by_name = match_by_name(view, provider.name or "", asof, provider.address)
        relation = {match_.site.code: row.compare_site(match_.site) for match_ in named}
        chosen = [match_ for match_ in named if relation[match_.site.code] in SAME_SITE] or [
            match_ for match_ in named if relation[match_.site.code] != "other"
        ]
        several = site_match.find_contradictions(view, provider, chosen, asof) if chosen else []
        match = None
        if len(chosen) == 1 and not several and not row.unreadable:
            only = chosen[0]
            lacks_campus = only.rule == "campus" and relation[only.site.code] not in SAME_SITE
            match = None if lacks_campus or only.rule == "later_name" else only.site.code
        return MatchDecision(named=[*named, *several], by_name=by_name, match=match)

    def _make_base_scores(self, row: QueryRow, decision: MatchDecision) -> dict[str, float]:
        """Return what each candidate of the matcher scores before the other columns are looked at."""
        candidates = list_candidates(self._view, row.provider.name, self.asof, row.provider.address)
        bases = {parse_code(near.code): near.score * NEARNESS - rank for rank, near in enumerate(candidates)}
        return bases | {match.site.code: FITS for match in [*decision.by_name, *decision.named]}

    # --- how well ----------------------------------------------------------------------------------------------------

    def _compare_supports(self, row: QueryRow, codes: Iterable[str]) -> dict[str, list[Feature]]:
        """Compare each candidate by the columns that only support; what is not stated of it is left out."""
        if not row.supports:
            return {}
        institutions = self._records(list(codes), self.asof)
        return {parse_code(it.code): list(_compare_columns(it, row)) for it in institutions}

    def _make_candidate(
        self, row: QueryRow, decision: MatchDecision, site: Site, base: float, supports: list[Feature]
    ) -> MatchCandidate:
        match = site.code == decision.match
        return MatchCandidate(
            site=site,
            score=MATCH if match else _compute_score(base, row.compare_site(site), supports),
            match=match,
            features=[*self._list_features(row, decision, site), *supports],
            by_former_name=any(f.site.code == site.code and f.on == "former_name" for f in decision.by_name),
        )

    def _list_features(self, row: QueryRow, decision: MatchDecision, site: Site) -> list[Feature]:
        span = self._view.find_span(site.code, self.asof)
        features = []
        if row.provider.name is not None:
            has_name = any(f.site.code == site.code for f in decision.by_name)
            key = fold_text(row.provider.name)
            nearest = max((fuzz.ratio(key, name.key) for name in (span.names if span else ())), default=0.0)
            features += [Feature(id="own_name", value=has_name), Feature(id="name_similarity", value=round(nearest, 1))]
        numbers = {("code", site.code), *(span.identifiers if span else ())}
        features += [Feature(id=pid, value=number in numbers) for pid, number in row.numbers.items()]
        features += [Feature(id=pid, value=False) for pid in row.unreadable if pid not in row.numbers]
        features += [Feature(id=pid, value=row.compare_place(pid, site) != "other") for pid in row.places]
        if "address" in row.places:
            features.append(Feature(id="same_site", value=row.compare_place("address", site) in SAME_SITE))
        return features


def _compare_columns(it: Institution, row: QueryRow) -> Iterable[Feature]:
    for pid, values in row.supports.items():
        recorded = {fold_text(str(value)) for value in BY_ID[pid].values(it)}
        if recorded:
            yield Feature(id=pid, value=not recorded.isdisjoint(map(fold_text, values)))


def _compute_score(base: float, place: str | None, supports: Sequence[Feature]) -> int:
    """Compute the score of a candidate that is not the match: a whole number from 1 to 94."""
    if place in SAME_SITE:
        base += (LIFTED - base) / 2
    if place == "other":
        base *= ELSEWHERE
    base += sum(AGREES if feature.value else DIFFERS for feature in supports)
    return round(min(max(base, 1), LIFTED))
