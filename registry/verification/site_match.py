"""The institutions a claim is about: by number or name, at an address; and those with only a near name."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from registry.domain.identifiers import compact_licence, format_code, parse_code, parse_domain, parse_uscc
from registry.domain.model import Candidate, MatchedOn, Provider, Struct
from registry.domain.normalise import fold_text
from registry.records.asof import AsOf
from registry.records.site import Site
from registry.verification import addresses, names
from registry.verification.view import VerificationView

#: Near names offered to the asker.
CANDIDATE_LIMIT = 5


class SiteMatch(Struct, frozen=True, gc=False):
    """One institution that fits the provider, and by what."""

    site: Site
    on: MatchedOn
    rule: names.Rule
    exact: bool


def match_provider(view: VerificationView, provider: Provider, asof: AsOf) -> list[SiteMatch]:
    """Find the institutions the provider's numbers name, else those its name names; delisted ones only if no other
    fits."""
    matches = match_with_delisted(view, provider, asof)
    listed = [f for f in matches if f.site.status != "delisted"]
    return listed or matches


def match_with_delisted(view: VerificationView, provider: Provider, asof: AsOf) -> list[SiteMatch]:
    """Find the same, with delisted ones beside others: for who is meant and not who is licensed."""
    matches = _match_by_number(view, provider, asof)
    return match_by_name(view, provider.name or "", asof) if matches is None else matches


def _match_by_number(view: VerificationView, provider: Provider, asof: AsOf) -> list[SiteMatch] | None:
    """Match by code, USCC, licence or domain in that order; None when no number is given, or none known and a name
    given."""
    if not (provider.code or provider.uscc or provider.practice_licence_no or provider.domain):
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
        named = match_by_name(view, provider.name, asof)
        if not {f.site.code for f in named} & {f.site.code for f in chosen}:
            return chosen + named
    for kind, value in _list_numbers(provider):
        owners = _match_codes(view, view.institutions.find_by_number(kind, value), kind, asof)
        if owners and not {f.site.code for f in owners} & {f.site.code for f in chosen}:
            return chosen + owners
        if any(_has_other_number(view, match, kind, value, asof) for match in chosen):
            return chosen
    return []


def _has_other_number(view: VerificationView, match: SiteMatch, kind: MatchedOn, value: str, asof: AsOf) -> bool:
    """Whether the register knows this institution by other numbers of that kind than the given one.

    A domain below one of its own contradicts nothing, though it is no proof either.
    """
    span = view.find_span(match.site.code, asof)
    numbers = [known for number_kind, known in (span.identifiers if span else ()) if number_kind == kind]
    fits = value in numbers or (kind == "domain" and any(value.endswith(f".{known}") for known in numbers))
    return bool(numbers) and not fits


def _match_codes(view: VerificationView, codes: Iterable[str], on: MatchedOn, asof: AsOf) -> list[SiteMatch]:
    sites = [site for code in codes if (site := view.find_site(code, asof))]
    return [SiteMatch(site=site, on=on, rule="identifier", exact=True) for site in sites]


def match_by_name(view: VerificationView, name: str, asof: AsOf) -> list[SiteMatch]:
    """Find institutions with this name on that day, else with it as a former or later name. Strictest rule first."""
    for key, rule in names.make_lookup_keys(name):
        if not key:
            continue
        matches = [
            match
            for code in view.institutions.find_by_name(key)
            if (match := _match_name(view, code, key, rule, name, asof))
        ]
        if matches:
            current = [match for match in matches if match.on in ("name", "alias") and match.rule != "later_name"]
            return current or matches
    return _match_by_both_names(view, name, asof)


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
        codes = {match.site.code for match in match_by_name(view, second, asof)}
        if second.startswith("原"):
            former = [match for match in match_by_name(view, second[1:], asof) if match.on == "former_name"]
            codes |= {match.site.code for match in former}
        matches = [match for match in matches if match.site.code in codes]
    return [
        msgspec.structs.replace(match, rule="campus" if match.rule == "campus" else "both_names", exact=False)
        for match in matches
    ]


def _match_name(
    view: VerificationView, code: str, key: str, rule: names.Rule, name: str, asof: AsOf
) -> SiteMatch | None:
    span = view.find_span(code, asof)
    if span is None or not (names_of_key := view.list_names(code, key, asof.size)):
        return None
    site = span.site
    current = [
        candidate for candidate, begins in names_of_key if candidate.printed == site.name or begins == span.valid_from
    ]
    if current:
        best = current[0]
        on: MatchedOn = "alias" if best.on == "alias" else "name"
        used_rule: names.Rule = "identical" if name == best.printed else (best.rule if rule == "normalised" else rule)
        return SiteMatch(site=site, on=on, rule=used_rule, exact=used_rule == "identical")
    day = asof.valid_on.isoformat()
    first, _ = names_of_key[0]
    if any(begins <= day for _, begins in names_of_key):
        return SiteMatch(site=site, on="former_name", rule=first.rule, exact=name == first.printed)
    return SiteMatch(site=site, on="name", rule="later_name", exact=False)


def select_by_address(matches: list[SiteMatch], address: str | None) -> list[SiteMatch]:
    """Select those whose registered address the given one can be; an exact site beats what only does not contradict.

    Of several addresses in one field, each has to be it.
    """
    if not address or not fold_text(address):
        return matches
    compared = [(_compare_with_site(address, match.site), match) for match in matches]
    same = [match for relations, match in compared if relations <= {"same", "form"}]
    return same or [match for relations, match in compared if "other" not in relations]


def _compare_with_site(address: str, site: Site) -> set[addresses.Comparison]:
    """Compare each address of a field with a registered one."""
    parts = addresses.split_addresses(address)
    return {addresses.compare_addresses(part, site.address, site.region, (site.name,)) for part in parts}


def is_same_site(chosen: list[SiteMatch], address: str | None) -> bool:
    """Whether the address is each match's very site, not only its region."""
    return bool(address) and all(_compare_with_site(address or "", match.site) <= {"same", "form"} for match in chosen)


def make_candidate(site: Site, score: float) -> Candidate:
    """Make the candidate of an institution the claim may mean; ``score`` 0 to 100."""
    return Candidate(code=format_code(site.code), name=site.name, address=site.address, score=round(score))


def list_near_candidates(view: VerificationView, name: str | None, asof: AsOf) -> list[Candidate]:
    """List institutions with a name like the given one: candidates, never a match."""
    key = fold_text(name or "")
    if len(key) < 2:
        return []
    best = sorted(view.institutions.score_near_names(key).items(), key=lambda item: (-item[1], item[0]))
    sites = [
        (site, score) for code, score in best if (site := view.find_site(code, asof)) and site.status != "delisted"
    ]
    # 100 is reserved for "this very name": a near name is never certain.
    return [make_candidate(site, min(score, 99)) for site, score in sites[:CANDIDATE_LIMIT]]
