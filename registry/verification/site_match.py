"""The institutions a claim is about: by number or name, at an address; and how what it gives fits them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from registry.domain.answers import MatchedOn, Provider
from registry.domain.comparison import AddressGap, Compared, ComparedWord
from registry.domain.identifiers import compact_licence, parse_code, parse_domain, parse_uscc
from registry.domain.normalise import fold_text
from registry.records.asof import AsOf
from registry.records.site import Site
from registry.verification import addresses
from registry.verification.name_match import SAME_SITE, SiteMatch, compare_site, find_gap, match_by_name
from registry.verification.view import VerificationView

#: How an address fits, best first.
_ADDRESS_WORDS: tuple[ComparedWord, ...] = ("same", "form", "region", "unreadable", "other")


def match_provider(view: VerificationView, provider: Provider, asof: AsOf) -> list[SiteMatch]:
    """Find the institutions the provider's numbers name, else those its name names; delisted ones only if no other
    fits."""
    matches = match_with_delisted(view, provider, asof)
    if len(matches) == 1:  # as nearly always
        return matches
    listed = [f for f in matches if f.site.status != "delisted"]
    return listed or matches


def match_with_delisted(view: VerificationView, provider: Provider, asof: AsOf) -> list[SiteMatch]:
    """Find the same, with delisted ones beside others: for who is meant and not who is licensed."""
    matches = _match_by_number(view, provider, asof)
    return match_by_name(view, provider.name or "", asof, provider.address) if matches is None else matches


def _match_by_number(view: VerificationView, provider: Provider, asof: AsOf) -> list[SiteMatch] | None:
    """Match by code, USCC, licence or domain in that order; None when no number is given, or none known and a name
    given."""
    if not has_number(provider):
        return None
    if provider.code:
        return _match_codes(view, (parse_code(provider.code),), "code", asof)
    numbers = _list_numbers(provider)
    for kind, value in numbers:
        matches = _match_codes(view, view.institutions.find_by_number(kind, value), kind, asof)
        if matches:
            return matches
    return None if provider.name else ([] if numbers else None)


def _list_numbers(provider: Provider) -> list[tuple[MatchedOn, str]]:
    numbers: list[tuple[MatchedOn, str]] = []
    if provider.uscc:
        numbers.append(("uscc", parse_uscc(provider.uscc)))
    if provider.practice_licence_no:
        numbers.append(("practice_licence_no", compact_licence(provider.practice_licence_no)))
    if provider.domain:
        numbers.append(("domain", parse_domain(provider.domain)))
    return numbers


def has_number(provider: Provider) -> bool:
    """Whether a claim gives a code, a number or a domain."""
    return bool(provider.code or provider.uscc or provider.practice_licence_no or provider.domain)


def find_number_kind(provider: Provider) -> MatchedOn | None:
    """Find the kind of number that a claim names an institution by, if not by the register's own code."""
    numbers = [] if provider.code else _list_numbers(provider)
    return numbers[0][0] if numbers else None


def find_contradictions(
    view: VerificationView, provider: Provider, chosen: list[SiteMatch], asof: AsOf
) -> list[SiteMatch]:
    """Find every institution a claim names when its number and its name, or two of its numbers, are not one
    institution's."""
    if provider.name and chosen[0].rule == "identifier":
        named = match_by_name(view, provider.name, asof, provider.address)
        if not {f.site.code for f in named} & {f.site.code for f in chosen}:
            return chosen + named
    for kind, value in _list_numbers(provider):
        owners = _match_codes(view, view.institutions.find_by_number(kind, value), kind, asof)
        if owners and not {f.site.code for f in owners} & {f.site.code for f in chosen}:
            return chosen + owners
        if any(_has_other_number(match, kind, value) for match in chosen):
            return chosen
    return []


def _has_other_number(match: SiteMatch, kind: MatchedOn, value: str) -> bool:
    """Whether the register knows this institution by other numbers of that kind than the given one.

    A domain below one of its own contradicts nothing, though it is no proof either.
    """
    numbers = [known for number_kind, known in match.span.identifiers if number_kind == kind]
    fits = value in numbers or (kind == "domain" and any(value.endswith(f".{known}") for known in numbers))
    return bool(numbers) and not fits


def _match_codes(view: VerificationView, codes: Iterable[str], on: MatchedOn, asof: AsOf) -> list[SiteMatch]:
    spans = [span for code in codes if (span := view.find_span(code, asof))]
    return [SiteMatch(site=span.site, span=span, on=on, rule="identifier", exact=True) for span in spans]


def select_by_address(matches: list[SiteMatch], address: str | None) -> list[SiteMatch]:
    """Select those whose registered address the given one, or one of several, can be; an exact site beats a region."""
    given = _list_addresses(address) if address else ()
    if len(given) <= 1:
        return _select_at(matches, given[0]) if given else matches
    return list({match.site.code: match for one in given for match in _select_at(matches, one)}.values())


#: An address that leaves this open licenses nobody there, and accuses nobody.
DOUBTS = ("other_road", "other_district")


def find_common_gap(chosen: list[SiteMatch], address: str | None) -> AddressGap | None:
    """Find what an address leaves open about every one of the institutions; None where it is one of theirs."""
    if not address or len(given := _list_addresses(address)) != 1:
        return None
    return _find_gap_at(chosen, given[0])


def _find_gap_at(chosen: list[SiteMatch], address: str) -> AddressGap | None:
    if any(compare_site(match.site, address) not in ("region", "unreadable") for match in chosen):
        return None
    gaps = {find_gap(match.site, address) for match in chosen}
    return gaps.pop() if len(gaps) == 1 else "other_writing"


def is_partly_elsewhere(chosen: list[SiteMatch], address: str | None) -> bool:
    """Whether one of several addresses in a field is none of the chosen sites': nothing licenses it beside the rest."""
    if not address or len(given := _list_addresses(address)) == 1:
        return False
    return not all(_select_at(chosen, one) and _find_gap_at(chosen, one) not in DOUBTS for one in given)


@lru_cache(maxsize=16_384)
def _list_addresses(address: str) -> tuple[str, ...]:
    """List the addresses of a field, where it holds several; none where it holds nothing to compare."""
    if not fold_text(address):
        return ()
    return tuple(addresses.split_addresses(address)) or (address,)


def _select_at(matches: list[SiteMatch], address: str) -> list[SiteMatch]:
    compared = [(compare_site(match.site, address), match) for match in matches]
    same = [match for word, match in compared if word in SAME_SITE]
    fits = [match for word, match in compared if word == "region"]
    if not same and 0 < len(fits) < len(matches) and addresses.is_place(address, fits[0].site.region):
        return fits
    return same or [match for word, match in compared if word != "other"]


# --- what was compared -----------------------------------------------------------------------------------------------


def compare_provider(view: VerificationView, provider: Provider, match: SiteMatch, asof: AsOf) -> Compared:
    """Compare each thing that a claim gives with the institution that answers."""
    name = _compare_name(view, provider.name, match, asof, provider.address) if provider.name else None
    address = _compare_address(match.site, provider.address) if provider.address else None
    if not has_number(provider):
        return _make_compared(name, address)
    numbers = {kind: _compare_number(match.span.identifiers, kind, value) for kind, value in _list_numbers(provider)}
    if provider.code:
        numbers["code"] = "same" if parse_code(provider.code) == match.site.code else "other"
    return Compared(name=name, address=address, **numbers)


@lru_cache(maxsize=64)
def _make_compared(name: ComparedWord | None, address: ComparedWord | None) -> Compared:
    """Make what nearly every answer says, once."""
    return Compared(name=name, address=address)


def list_not_compared(compared: Compared) -> list[str]:
    """List what a claim gave and nothing was compared with: it could not be read, or the register does not hold it."""
    return [field for field in Compared.__struct_fields__ if getattr(compared, field) in ("unreadable", "not_held")]


def _compare_name(view: VerificationView, name: str, match: SiteMatch, asof: AsOf, address: str | None) -> ComparedWord:
    rule, on = match.rule, match.on
    if rule == "identifier":
        named = [one for one in match_by_name(view, name, asof, address) if one.site.code == match.site.code]
        if not named:
            return "other"
        rule, on = named[0].rule, named[0].on
    return "same" if rule in ("identical", "normalised") and on != "former_name" else "form"


def _compare_address(site: Site, address: str) -> ComparedWord | None:
    """Return how the best fitting of the given addresses does; `other` where none fits."""
    given = _list_addresses(address)
    if len(given) == 1:
        return compare_site(site, given[0])
    return min((compare_site(site, one) for one in given), key=_ADDRESS_WORDS.index, default=None)


def _compare_number(known: Iterable[tuple[str, str]], kind: str, value: str) -> ComparedWord:
    of_kind = [number for number_kind, number in known if number_kind == kind]
    if not of_kind:
        return "not_held"
    if value in of_kind:
        return "same"
    is_below = kind == "domain" and any(value.endswith(f".{number}") for number in of_kind)
    return "form" if is_below else "other"
