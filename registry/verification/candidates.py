"""Institutions that a claim may mean without naming one: those it fits by half, and those with a near name.

None of them licenses. Whoever has a good candidate is asked to check, and accused of nothing. The order rests on the
names, the place and the codes: every process gives the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from registry.domain import name_alignment, regions
from registry.domain.answers import Candidate
from registry.domain.identifiers import compact_code, format_code
from registry.domain.name_alignment import NameKind
from registry.domain.name_words import expand_nicknames
from registry.domain.normalise import fold_text
from registry.records.asof import AsOf
from registry.records.site import Site
from registry.verification import addresses
from registry.verification.english_names import is_latin, list_keys, split_latin, split_words
from registry.verification.name_match import (
    compare_site,
    find_beginning_spans,
    find_containing_spans,
    find_ending_spans,
    is_at,
    match_by_name,
)
from registry.verification.name_variations import Variation, find_leading_places, remove_army, swap_affiliation
from registry.verification.names import list_cores
from registry.verification.near_names import NEAR
from registry.verification.several_names import find_named
from registry.verification.spans import Span
from registry.verification.view import VerificationView

#: Institutions offered to the asker.
CANDIDATE_LIMIT = 5
#: The score from which a candidate is good, and that of one that the name fits by half. 100 is "this very name".
_GOOD, _FITS, _BEST_NEAR = 80, 95, 94
#: What a name costs that is no name of an institution's, nor an abbreviation.
_NO_NAME = 99.0
#: Of no name that is Chinese throughout.
_LETTERS = re.compile("[a-z]{3}")
#: What the same city, the same province and another province add to a near name's score.
_PLACED = {2: 8, 1: 4, 0: -10}


def make_candidate(site: Site, score: float) -> Candidate:
    """Make the candidate of an institution the claim may mean; ``score`` 0 to 100."""
    return Candidate(code=format_code(site.code), name=site.name, address=site.address, score=round(score))


def has_good_candidate(candidates: Iterable[Candidate]) -> bool:
    """Whether one of the candidates may well be meant: who asks is told to check, not to report."""
    return any(candidate.score >= _GOOD for candidate in candidates)


def list_beginning_candidates(
    view: VerificationView, name: str | None, asof: AsOf, address: str | None = None
) -> list[Candidate]:
    """List several institutions whose names begin with the one asked and go on (解放军总医院); none where one does."""
    key = fold_text(name or "")
    spans = find_beginning_spans(view, key, asof)
    return _rank_spans([(_compute_cost(view, span, [key], asof), span) for span in spans], address) if spans[1:] else []


def _rank_spans(fits: Iterable[tuple[float, Span]], address: str | None) -> list[Candidate]:
    """Rank institutions that a name fits by half, with their costs: those of the address's place first, then as the
    search does."""
    places = _find_places(address)

    best: dict[str, tuple[float, Span]] = {}
    for fit in sorted(fits, key=lambda fit: fit[0]):
        best.setdefault(fit[1].site.code, fit)

    def make_key(fit: tuple[float, Span]) -> tuple[int, float, str, str]:
        cost, site = fit[0], fit[1].site
        return -_measure_fit(site, places), round(cost, 2), site.region or "99", site.code

    return [make_candidate(span.site, _FITS) for _, span in sorted(best.values(), key=make_key)[:CANDIDATE_LIMIT]]


def _compute_cost(view: VerificationView, span: Span, keys: Iterable[str], asof: AsOf) -> float:
    """Compute what the best of folded names costs as one of an institution, whole or shortened, as the search does."""
    names, region = _list_names(view, span, asof), span.site.region or ""
    aligned = (name_alignment.find_alignment(key, names, region) for key in keys)
    return min((one.cost for one in aligned if one is not None), default=_NO_NAME)


def _list_names(view: VerificationView, span: Span, asof: AsOf) -> list[tuple[NameKind, str]]:
    """List the folded names of an institution on a day, and those it has on others, as known then."""
    kinds: dict[str, NameKind] = {
        name.key: "alias" if name.on == "alias" else "name" for name in span.names if name.rule != "company_suffix"
    }
    kinds |= {key: "known_as" for key in span.known_as if key not in kinds}
    for other in view.institutions.list_spans(span.site.code):
        if other is not span and other.known_from <= asof.size < other.known_to:
            kinds |= {name.key: "former_name" for name in other.names if name.key not in kinds}
    return [(kind, key) for key, kind in kinds.items()]


def _find_fits(view: VerificationView, key: str, asof: AsOf) -> list[tuple[float, Span]]:
    """Find whom a name fits by half, and whom it more likely than not names as an abbreviation, with their costs.

    Such a name may go on with a department, begin with 解放军 before its number, or say a place as people there do.
    """
    spans = {span.site.code: span for span in _find_fitting_spans(view, key, asof)}
    written = expand_nicknames(key)
    shorter = [text for text in (*list_cores(written), remove_army(written)) if text != written]
    fits = [(_compute_cost(view, span, (written, *shorter), asof), span) for span in spans.values()]
    for text in shorter or [written]:  # whoever holds the whole name holds what is left of it, too
        codes = view.institutions.find_by_spread_name(name_alignment.list_variants(text)).difference(spans)
        if not codes or name_alignment.is_common(text):
            continue
        for span in _list_listed(view, codes, asof):
            cost = _compute_cost(view, span, (written, text), asof)
            if cost < name_alignment.WEAK:
                fits.append((cost, span))
                spans[span.site.code] = span
    return fits


def _find_fitting_spans(view: VerificationView, key: str, asof: AsOf) -> list[Span]:
    """Find whom a name fits by half.

    By a word people use; but for a company form that is not printed, a department, a campus; but for a place before
    it, or the 市 of that place; by a number that stands where the name belongs.
    """
    index = view.institutions
    codes = set(_list_codes_of_number(view, key)) if key.isascii() else set()
    for core in (key, *list_cores(key)):
        codes.update(index.find_by_name(core), index.common_names.list_codes(core))
        if swapped := swap_affiliation(core):
            codes.update(index.common_names.list_codes(swapped))
        for variation in index.list_variations(core):
            codes.update(_find_variation(view, variation, asof))
    longer = (*find_ending_spans(view, key, asof), *find_containing_spans(view, key, asof))
    return [*_list_listed(view, codes, asof), *longer]


def _list_codes_of_number(view: VerificationView, key: str) -> list[str]:
    """List the institutions whose code or number a folded text is."""
    number = key.upper()
    owners = [view.institutions.find_by_number(kind, number) for kind in ("uscc", "practice_licence_no")]
    return [compact_code(number), *(code for of_kind in owners for code in of_kind)]


def _find_variation(view: VerificationView, variation: Variation, asof: AsOf) -> list[str]:
    sites = [span.site for span in _list_listed(view, view.institutions.find_by_name(variation.key), asof)]
    return [s.code for s in sites if variation.place is None or regions.is_inside(s.region, variation.place)]


def list_several(view: VerificationView, name: str | None, asof: AsOf) -> list[Candidate]:
    """List the institutions that a field names, one after the other; none where it names one, or not only these."""
    groups, is_all = find_named(view, name or "", asof)
    spans = {span.site.code: span for of_name in groups for span in of_name}
    is_one = any(all(code in [span.site.code for span in of_name] for of_name in groups) for code in spans)
    return (
        [make_candidate(span.site, _FITS) for span in spans.values()][:CANDIDATE_LIMIT] if is_all and not is_one else []
    )


def list_english(view: VerificationView, name: str, asof: AsOf, *, exact: bool) -> list[Span]:
    """List the listed institutions of the day with an English name of these words, or one that may be meant by them."""
    index = view.institutions.english_names
    codes = index.find_same(name) if exact else index.find_near(name)
    spans = [span for span in _list_listed(view, codes, asof) if span.english]
    return [span for span in spans if split_words(name) in list_keys(span.english)] if exact else spans


def list_english_candidates(
    view: VerificationView, name: str | None, asof: AsOf, address: str | None = None
) -> list[Candidate]:
    """List the institutions whose English name this is, of whatever city."""
    spans = list_english(view, name, asof, exact=True) if name and is_latin(name) else []
    return _rank_spans([(0.0, span) for span in spans], address)


def _find_english_fits(view: VerificationView, name: str, asof: AsOf) -> list[tuple[float, Span]]:
    """Find whom a name in Latin letters may mean, alone or beside a Chinese one."""
    chinese, latin = split_latin(name) or ("", name)
    spans = list_english(view, latin, asof, exact=False) if chinese or is_latin(name) else []
    if chinese:
        spans += [match.span for match in match_by_name(view, chinese, asof) if match.site.status != "delisted"]
    return [(0.0, span) for span in {span.site.code: span for span in spans}.values()]


def _list_listed(view: VerificationView, codes: Iterable[str], asof: AsOf) -> list[Span]:
    spans = (view.find_span(code, asof) for code in codes)
    return [span for span in spans if span is not None and span.site.status != "delisted"]


def _may_be_at(site: Site, address: str | None, places: Sequence[str]) -> bool:
    """Whether an address can be of the site, or at least of its city."""
    if not address or not places or _measure_fit(site, places) == 2:
        return True
    return compare_site(site, address) != "other"


def list_candidates(
    view: VerificationView, name: str | None, asof: AsOf, address: str | None = None
) -> list[Candidate]:
    """List institutions that the name fits by half or shortens, then those with a name like it; of each those of the
    place first.

    The place is that of the address, else that with which the name begins. None of them, unless near, has another
    address. A city or a province names nobody.
    """
    key = fold_text(name or "")
    is_city = any(code.endswith("00") for code in regions.map_names_to_codes().get(key, ()))
    if len(key) < 2 or is_city:
        return []
    places = _find_places(address)
    found = _find_fits(view, key, asof) + [
        (0.0, span) for spans in find_named(view, name or "", asof)[0] for span in spans
    ]
    if _LETTERS.search(key):
        found += _find_english_fits(view, name or "", asof)
    fits = [fit for fit in found if _may_be_at(fit[1].site, address, places)]
    fitting = _rank_spans(fits, address)
    known = {candidate.code for candidate in fitting}
    near = (candidate for candidate in _list_near(view, key, asof, address) if candidate.code not in known)
    return [*fitting, *near][:CANDIDATE_LIMIT]


def _list_near(view: VerificationView, key: str, asof: AsOf, address: str | None) -> Iterator[Candidate]:
    """List those with a near name: of a place that is certain first, but never without the nearest name of all."""
    places = _find_places(address)
    named, is_certain = find_leading_places(key)
    is_certain = is_certain or bool(places)
    scores = view.institutions.score_near_names(key, places or named)
    near = []
    for site in (span.site for span in _list_listed(view, scores, asof)):
        fit = _measure_fit(site, places or named)
        added = 0 if fit == 0 and not is_certain else _PLACED[fit]
        score = min(scores[site.code] + added, _BEST_NEAR)
        if address and is_at(site, address):
            score = _BEST_NEAR
        if score >= NEAR:
            near.append((-fit if is_certain else 0, -score, site.code, site))
    near.sort(key=lambda item: item[:3])
    nearest = min(near, key=lambda item: (-scores[item[2]], item[2]), default=None)
    if nearest not in near[:CANDIDATE_LIMIT]:
        near = [*near[: CANDIDATE_LIMIT - 1], nearest] if nearest else []
    return (make_candidate(site, -score) for _, score, _, site in near[:CANDIDATE_LIMIT])


def _find_places(address: str | None) -> tuple[str, ...]:
    """Find the place of an address; none where it names none for certain."""
    code = addresses.split_address(address)[0] if address else None
    return (code,) if code else ()


def _measure_fit(site: Site, places: Sequence[str]) -> int:
    """Return 2 for the same city as one of the places, 1 for the same province, 0 for another or an unknown one."""
    fit, region = 0, site.region or ""
    for place in places:
        if region[:2] == place[:2]:
            if region[:4] == place[:4] and not place.endswith("0000"):
                return 2
            fit = 1
    return fit
