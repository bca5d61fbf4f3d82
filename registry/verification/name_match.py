"""The institutions a name means on a day: by its key, by a rule that varies it, or by two names in brackets."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

import msgspec

from registry.domain import regions
from registry.domain.answers import MatchedOn
from registry.domain.comparison import AddressGap, ComparedWord
from registry.domain.model import Struct
from registry.domain.normalise import convert_numerals, fold_text, normalise_width
from registry.records.asof import AsOf
from registry.records.site import Site
from registry.verification import addresses, names
from registry.verification.english_names import is_latin, list_keys, split_latin, split_words
from registry.verification.name_variations import is_place, is_shared_word, split_leading_places
from registry.verification.spans import Span
from registry.verification.view import VerificationView

#: How an address fits that is the site's own, however it is written.
SAME_SITE = ("same", "form")
_NUMBER = re.compile("[0-9]+")
#: Characters of the shortest name that longer ones are looked for by.
_SHORTEST_PART = 3
#: Institutions a short name may be used of for it still to mean one of them.
_FEW = 5


class SiteMatch(Struct, frozen=True, gc=False):
    """One institution that fits the provider, and by what; ``span``: as it is recorded on the day."""

    site: Site
    span: Span
    on: MatchedOn
    rule: names.Rule
    exact: bool


def compare_site(site: Site, address: str) -> ComparedWord:
    """Compare an address that a claim gives with a site's: the one place where that is done."""
    return addresses.compare_addresses(address, site.address, site.region, (site.name,))


def find_gap(site: Site, address: str) -> AddressGap:
    """Find what an address leaves open that is not the site's for certain."""
    return addresses.find_gap(address, site.address, site.region, (site.name,))


def is_at(site: Site, address: str) -> bool:
    """Whether an address is the very site's; of many sites most are ruled out without reading their addresses."""
    return (
        not _list_numbers(address).isdisjoint(_list_numbers(site.address)) and compare_site(site, address) in SAME_SITE
    )


@lru_cache(maxsize=4096)
def _list_numbers(address: str) -> frozenset[str]:
    """List the numbers in an address: two that are the same have one in common."""
    return frozenset(_NUMBER.findall(convert_numerals(normalise_width(address))))


def is_same_site(chosen: list[SiteMatch], address: str | None) -> bool:
    """Whether the address is each match's very site, not only its region."""
    return bool(address) and all(compare_site(match.site, address or "") in SAME_SITE for match in chosen)


def match_by_name(view: VerificationView, name: str, asof: AsOf, address: str | None = None) -> list[SiteMatch]:
    """Find institutions with this name on that day, else with it as a former or later name; else with a variation.

    ``address`` decides where a name alone does not: 阳江人民医院 is 阳江市人民医院 only at its address.
    """
    # A key folds to itself, and most names are printed as their key: looked up at once, they need no folding.
    key = name if view.institutions.names.has_key(name) else fold_text(name)
    if not key:
        return []
    matches = _match_key(view, key, "normalised", name, asof)
    if not matches:
        matches = (
            _match_variations(view, key, name, asof, address)
            or _match_by_both_names(view, name, asof)
            or _match_with_english(view, name, asof, address)
            or _match_without_label(view, name, asof, address)
            or _match_before_bracket(view, name, asof)
        )
    elif matches[0].site.status == "delisted" and all(match.site.status == "delisted" for match in matches):
        # whoever goes on may be printed otherwise now
        matches += [m for m in _match_variations(view, key, name, asof, address) if m.site.status != "delisted"]
    if matches and not _is_current(matches[0]) and len(find_beginning_spans(view, key, asof)) > 1:
        return []  # 解放军总医院 was one institution's name, and is what several are called by
    return matches


def _is_current(match: SiteMatch) -> bool:
    return match.on in ("name", "alias") and match.rule != "later_name"


def _match_key(view: VerificationView, key: str, rule: names.Rule, name: str, asof: AsOf) -> list[SiteMatch]:
    """Find the institutions that a key leads to; those with it as a name of the day before any other."""
    matches = [
        match
        for code in view.institutions.find_by_name(key)
        if (match := _match_name(view, code, key, rule, name, asof))
    ]
    return [match for match in matches if _is_current(match)] or matches if len(matches) > 1 else matches


def _match_variations(view: VerificationView, key: str, name: str, asof: AsOf, address: str | None) -> list[SiteMatch]:
    """Find institutions whose name differs from a folded one by a rule: all that the strictest rule gives."""
    found: dict[names.Rule, dict[str, SiteMatch]] = {}
    shortened: set[str] = set()
    for variation in view.institutions.list_variations(key):
        for match in _match_key(view, variation.key, variation.rule, name, asof):
            place = variation.place
            if place is not None and not _is_within(match.site.region, place, variation.is_shortened):
                continue
            if variation.rule == "place_word" and not is_same_site([match], address):
                continue
            found.setdefault(variation.rule, {})[match.site.code] = match
            if variation.is_shortened:
                shortened.add(fold_text(match.site.name))
    matches = list(next(iter(found.values()), {}).values())
    if len(shortened) > 1:  # who left a place out may mean either
        return []
    if not matches and address:  # 鼓楼医院 at the very address of 南京鼓楼医院
        longer = [
            SiteMatch(site=span.site, span=span, on="name", rule="place", exact=False)
            for span in find_ending_spans(view, key, asof)
        ]
        return [match for match in longer if is_same_site([match], address)]
    return matches


def _is_within(region: str | None, place: str, is_printed: bool) -> bool:
    """Whether an institution lies in a place; where its own name says so, its address need not be as exact."""
    return regions.is_inside(region, place) or (is_printed and region is not None and regions.is_inside(place, region))


def find_beginning_spans(view: VerificationView, key: str, asof: AsOf) -> list[Span]:
    """Find the listed institutions of the day that have a name which begins with a folded one and goes on."""
    key = key.removeprefix("中国人民") if key.startswith("中国人民解放军") else key
    return _find_longer_spans(view, asof, key, lambda name: name.startswith(key))


def find_ending_spans(view: VerificationView, key: str, asof: AsOf) -> list[Span]:
    """Find the listed institutions of the day with a name that is a folded one with a place before it: 南京鼓楼医院."""
    if is_shared_word(key):
        return []
    return _find_longer_spans(view, asof, key, lambda name: name.endswith(key) and is_place(name[: -len(key)]))


def find_containing_spans(view: VerificationView, key: str, asof: AsOf) -> list[Span]:
    """Find the few listed institutions whose name contains a folded one: 瑞金医院, 中信湘雅, 沈阳盛京医院 of 沈阳.

    A name of words that all share has to be the whole of what follows a university: 协和医院. None where the name is
    that of many: it names nobody then.
    """
    places, rest = split_leading_places(key)
    spans = _find_few(view, key, asof)
    if not spans and places and rest:
        spans = [s for s in _find_few(view, rest, asof) if any(_is_within(s.site.region, p, False) for p in places)]
    return spans


def _find_few(view: VerificationView, key: str, asof: AsOf) -> list[Span]:
    if is_shared_word(key):
        spans = _find_longer_spans(view, asof, key, lambda name: name.endswith(key) and _is_owner(name[: -len(key)]))
    else:
        spans = _find_longer_spans(view, asof, key, lambda name: key in name)
    return spans if len(spans) <= _FEW else []


def _is_owner(key: str) -> bool:
    return key.endswith(("附属", "大学", "学院"))


def _find_longer_spans(view: VerificationView, asof: AsOf, key: str, fits: Callable[[str], bool]) -> list[Span]:
    found = view.institutions.find_by_longer_name(key) if len(key) >= _SHORTEST_PART else {}
    if not found:
        return []
    codes = sorted({code for name, of_name in found.items() if fits(name) for code in of_name})
    spans = [span for code in codes if (span := view.find_span(code, asof)) and span.site.status != "delisted"]
    return [span for span in spans if any(fits(n.key) and n.key != key for n in span.names)]


def _match_by_both_names(view: VerificationView, name: str, asof: AsOf) -> list[SiteMatch]:
    """Find institutions that have both names of a text with a bracket, 甲医院（乙医院）, in whatever order.

    Both must be names of the very same institution, and not one name twice: 甲医院（乙医院） is nobody where 乙医院 is
    another's, and 甲医院（甲医院） is a slip for something else.
    """
    parts = names.split_bracket(name)
    if parts is None:
        return []
    first, inner = parts
    if len({names.remove_company_form(fold_text(text)) for text in (first, *inner)}) <= len(inner):
        return []
    matches = match_by_name(view, first, asof)
    for second in inner:
        codes = {match.site.code for match in match_by_name(view, second, asof)} | _find_called(
            view, second.removeprefix("原"), asof
        )
        if second.startswith("原"):
            former = [match for match in match_by_name(view, second[1:], asof) if match.on == "former_name"]
            codes |= {match.site.code for match in former}
        matches = [match for match in matches if match.site.code in codes]
    return [
        msgspec.structs.replace(match, rule="campus" if match.rule == "campus" else "both_names", exact=False)
        for match in matches
    ]


def _match_before_bracket(view: VerificationView, name: str, asof: AsOf) -> list[SiteMatch]:
    """Find institutions by a whole name of theirs before a bracket that the register does not print: rule `campus`.

    It may be a second name or a campus, and only the address tells. Not where it is another's name, a company's or a
    department's.
    """
    parts = names.split_bracket(name)
    if parts is None or any(_is_of_another(view, inner, asof) for inner in parts[1]):
        return []
    return [
        msgspec.structs.replace(match, rule="campus", exact=False)
        for match in _match_key(view, fold_text(parts[0]), "normalised", parts[0], asof)
        if _is_current(match) and match.site.status != "delisted" and match.rule in ("identical", "normalised")
    ]


def _is_of_another(view: VerificationView, inner: str, asof: AsOf) -> bool:
    """Whether a bracket holds a company's or a department's name, one in Latin letters, or one that somebody has."""
    if names.is_another(inner) or is_latin(inner):
        return True
    return bool(match_by_name(view, inner.removeprefix("原"), asof) or match_by_name(view, inner, asof))


def _find_called(view: VerificationView, name: str, asof: AsOf) -> set[str]:
    """Find the listed institutions that people call so, with their place before it or without: 上海长海医院."""
    key = fold_text(name)
    places, rest = split_leading_places(key)
    called = {
        text: view.institutions.common_names.list_codes(text) for text in (key, rest) if len(text) >= _SHORTEST_PART
    }
    spans = [(text, view.find_span(code, asof)) for text, codes in called.items() for code in codes]
    return {
        span.site.code
        for text, span in spans
        if span is not None
        and text in span.known_as
        and (text == key or any(_is_within(span.site.region, place, False) for place in places))
    }


def _match_without_label(view: VerificationView, name: str, asof: AsOf, address: str | None) -> list[SiteMatch]:
    """Find institutions by a name that was copied with the words of the form before it: 医院名称：甲医院."""
    stripped = names.strip_label(name)
    matches = match_by_name(view, stripped, asof, address) if stripped != name else []
    return [
        msgspec.structs.replace(match, rule="normalised", exact=False) if match.rule == "identical" else match
        for match in matches
    ]


def _match_with_english(view: VerificationView, name: str, asof: AsOf, address: str | None) -> list[SiteMatch]:
    """Find institutions by a Chinese name with an English one beside it, which has to be theirs: it adds nothing."""
    parts = split_latin(name)
    if parts is None:
        return []
    chinese, latin = parts
    return [
        msgspec.structs.replace(match, rule="campus" if match.rule == "campus" else "both_names", exact=False)
        for match in match_by_name(view, chinese, asof, address)
        if split_words(latin) in list_keys(match.span.english)
    ]


def _match_name(
    view: VerificationView, code: str, key: str, rule: names.Rule, name: str, asof: AsOf
) -> SiteMatch | None:
    span = view.find_span(code, asof)
    if span is None:
        return None
    for best in span.names:  # the first of a key is the strictest
        if best.key != key:
            continue
        on: MatchedOn = "alias" if best.on == "alias" else "name"
        used_rule: names.Rule = "identical" if name == best.printed else rule
        if rule == "normalised" or best.rule == "campus":  # half of who is meant, however it is written
            used_rule = best.rule if used_rule != "identical" else used_rule
        return SiteMatch(site=span.site, span=span, on=on, rule=used_rule, exact=used_rule == "identical")
    names_of_key = view.list_names(code, key, asof.size)
    if not names_of_key:
        return None
    day = asof.valid_on.isoformat()
    first, _ = names_of_key[0]
    if any(begins <= day for _, begins in names_of_key):
        is_other_site = names.is_longer_by_site(fold_text(names.find_base_name(span.site.name) or span.site.name), key)
        used_rule = "campus" if is_other_site else first.rule
        return SiteMatch(site=span.site, span=span, on="former_name", rule=used_rule, exact=name == first.printed)
    return SiteMatch(site=span.site, span=span, on="name", rule="later_name", exact=False)
