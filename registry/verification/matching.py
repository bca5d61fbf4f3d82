"""Who a claim is about: institutions by number or name, at an address; and those that are only near."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from registry.domain.identifiers import compact_licence, format_code, parse_code, parse_domain, parse_uscc
from registry.domain.model import Candidate, MatchedOn, Provider, Struct
from registry.domain.normalise import fold_text
from registry.records.asof import AsOf
from registry.verification import addresses, names
from registry.verification.verdict import Site
from registry.verification.view import VerificationView

#: Near names offered to the asker.
MOST_CANDIDATES = 5


class SiteMatch(Struct, frozen=True, gc=False):
    """One institution that fits the provider, and by what."""

    site: Site
    on: MatchedOn
    rule: names.Rule
    exact: bool


def match_provider(view: VerificationView, provider: Provider, asof: AsOf) -> list[SiteMatch]:
    """Institutions the provider's numbers name, else those its name names; delisted ones only when nobody else."""
    found = match_with_delisted(view, provider, asof)
    standing = [f for f in found if f.site.status != "delisted"]
    return standing or found


def match_with_delisted(view: VerificationView, provider: Provider, asof: AsOf) -> list[SiteMatch]:
    """The same with delisted ones beside others: where it is asked who is meant and not who is licensed."""
    found = _match_by_number(view, provider, asof)
    return match_by_name(view, provider.name or "", asof) if found is None else found


def _match_by_number(view: VerificationView, provider: Provider, asof: AsOf) -> list[SiteMatch] | None:
    """By code, USCC, licence or domain in that order; None when no number is given or none is known to us."""
    if not (provider.code or provider.uscc or provider.practice_licence_no or provider.domain):
        return None
    if provider.code:
        return _match_codes(view, (parse_code(provider.code),), "code", asof)
    wanted = _list_numbers(provider)
    for kind, value in wanted:
        found = _match_codes(view, view.institutions.find_by_number(kind, value), kind, asof)
        if found:
            return found
    return None if provider.name else ([] if wanted else None)


def _list_numbers(provider: Provider) -> list[tuple[MatchedOn, str]]:
    wanted: list[tuple[MatchedOn, str]] = []
    if provider.uscc:
        wanted.append(("uscc", parse_uscc(provider.uscc)))
    if provider.practice_licence_no:
        wanted.append(("practice_licence_no", compact_licence(provider.practice_licence_no)))
    if provider.domain:
        wanted.append(("domain", parse_domain(provider.domain)))
    return wanted


def find_number_kind(provider: Provider) -> MatchedOn | None:
    """The kind of number that a claim names somebody by, if not by the register's own code."""
    wanted = [] if provider.code else _list_numbers(provider)
    return wanted[0][0] if wanted else None


def find_contradictions(
    view: VerificationView, provider: Provider, chosen: list[SiteMatch], asof: AsOf
) -> list[SiteMatch]:
    """Everybody a claim speaks of when its number and its name, or two of its numbers, are not one institution's."""
    if provider.name and chosen[0].rule == "identifier":
        named = match_by_name(view, provider.name, asof)
        if not {f.site.code for f in named} & {f.site.code for f in chosen}:
            return chosen + named
    for kind, value in _list_numbers(provider):
        owners = _match_codes(view, view.institutions.find_by_number(kind, value), kind, asof)
        if owners and not {f.site.code for f in owners} & {f.site.code for f in chosen}:
            return chosen + owners
        if any(_has_other_number(view, found, kind, value, asof) for found in chosen):
            return chosen
    return []


def _has_other_number(view: VerificationView, found: SiteMatch, kind: MatchedOn, value: str, asof: AsOf) -> bool:
    """Whether the register knows this institution by other numbers of that kind than the one given.

    A domain below one of its own contradicts nothing, though it is no proof either.
    """
    span = view.find_span(found.site.code, asof)
    held = [known for of, known in (span.identifiers if span else ()) if of == kind]
    fits = value in held or (kind == "domain" and any(value.endswith(f".{known}") for known in held))
    return bool(held) and not fits


def _match_codes(view: VerificationView, codes: Iterable[str], on: MatchedOn, asof: AsOf) -> list[SiteMatch]:
    sites = [site for code in codes if (site := view.find_site(code, asof))]
    return [SiteMatch(site=site, on=on, rule="identifier", exact=True) for site in sites]


def match_by_name(view: VerificationView, name: str, asof: AsOf) -> list[SiteMatch]:
    """Institutions with this name on that day; else with it as a former or later name. Strictest rule first."""
    for key, rule in names.make_lookup_keys(name):
        if not key:
            continue
        found = [
            f for code in view.institutions.find_by_name(key) if (f := _match_name(view, code, key, rule, name, asof))
        ]
        if found:
            current = [f for f in found if f.on in ("name", "alias") and f.rule != "later_name"]
            return current or found
    return _match_by_both_names(view, name, asof)


def _match_by_both_names(view: VerificationView, name: str, asof: AsOf) -> list[SiteMatch]:
    """Institutions of which each name is one that the asker wrote before and in a bracket, in whatever order.

    Both must be names of the very same institution, and not one name twice: 甲医院（乙医院） is nobody where 乙医院 is
    another's, and 甲医院（甲医院） is a slip for something else.
    """
    written = names.split_bracket(name)
    if written is None:
        return []
    first, inner = written
    if len({names.remove_company_form(fold_text(one)) for one in (first, *inner)}) <= len(inner):
        return []
    found = match_by_name(view, first, asof)
    for second in inner:
        codes = {f.site.code for f in match_by_name(view, second, asof)}
        if second.startswith("原"):
            former = [f for f in match_by_name(view, second[1:], asof) if f.on == "former_name"]
            codes |= {f.site.code for f in former}
        found = [f for f in found if f.site.code in codes]
    return [
        msgspec.structs.replace(f, rule="campus" if f.rule == "campus" else "both_names", exact=False) for f in found
    ]


def _match_name(
    view: VerificationView, code: str, key: str, rule: names.Rule, asked: str, asof: AsOf
) -> SiteMatch | None:
    span = view.find_span(code, asof)
    if span is None or not (reached := view.list_names(code, key, asof.size)):
        return None
    site = span.site
    holding = [named for named, begins in reached if named.printed == site.name or begins == span.valid_from]
    if holding:
        best = holding[0]
        on: MatchedOn = "alias" if best.on == "alias" else "name"
        used: names.Rule = "identical" if asked == best.printed else (best.rule if rule == "normalised" else rule)
        return SiteMatch(site=site, on=on, rule=used, exact=used == "identical")
    day = asof.valid_on.isoformat()
    first, _ = reached[0]
    if any(begins <= day for _, begins in reached):
        return SiteMatch(site=site, on="former_name", rule=first.rule, exact=asked == first.printed)
    return SiteMatch(site=site, on="name", rule="later_name", exact=False)


def select_by_address(found: list[SiteMatch], address: str | None) -> list[SiteMatch]:
    """Those whose registered address the given one can be; an exact site beats one where only the region fits."""
    if not address or not fold_text(address):
        return found
    compared = [(addresses.compare_addresses(address, f.site.address, f.site.region), f) for f in found]
    same = [f for how, f in compared if how == "same"]
    return same or [f for how, f in compared if how == "region"]


def is_same_site(chosen: list[SiteMatch], address: str | None) -> bool:
    """Whether the address is each one's very site, not only its region."""
    return bool(address) and all(
        addresses.compare_addresses(address or "", f.site.address, f.site.region) == "same" for f in chosen
    )


def make_candidate(site: Site, score: float) -> Candidate:
    """An institution the asker may have meant."""
    return Candidate(code=format_code(site.code), name=site.name, address=site.address, score=round(score))


def list_near_candidates(view: VerificationView, name: str | None, asof: AsOf) -> list[Candidate]:
    """Institutions with a name like the asked one; candidates, never a match."""
    key = fold_text(name or "")
    if len(key) < 2:
        return []
    best = sorted(view.institutions.score_near_names(key).items(), key=lambda item: (-item[1], item[0]))
    sites = [
        (site, score) for code, score in best if (site := view.find_site(code, asof)) and site.status != "delisted"
    ]
    # 100 is reserved for "this very name": a near name is never certain.
    return [make_candidate(site, min(score, 99)) for site, score in sites[:MOST_CANDIDATES]]
