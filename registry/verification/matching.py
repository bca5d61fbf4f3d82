"""Who a claim is about: institutions by number or name, at an address; and those that are only near."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from registry.identifiers import compact_licence, format_code, validate_code, validate_domain, validate_uscc
from registry.model import Candidate, MatchedOn, Provider, Struct
from registry.records.asof import AsOf
from registry.text import fold
from registry.verification import addresses, names
from registry.verification.verdict import Site
from registry.verification.view import VerificationView

#: Near names offered to the asker.
MOST_CANDIDATES = 5


class Found(Struct, frozen=True, gc=False):
    """One institution that fits the provider, and by what."""

    site: Site
    on: MatchedOn
    rule: names.Rule
    exact: bool


def find(view: VerificationView, provider: Provider, asof: AsOf) -> list[Found]:
    """Institutions the provider's numbers name, else those its name names; delisted ones only when nobody else."""
    found = everybody(view, provider, asof)
    standing = [f for f in found if f.site.status != "delisted"]
    return standing or found


def everybody(view: VerificationView, provider: Provider, asof: AsOf) -> list[Found]:
    """The same with delisted ones beside others: where it is asked who is meant and not who is licensed."""
    found = _by_identifier(view, provider, asof)
    return by_name(view, provider.name or "", asof) if found is None else found


def _by_identifier(view: VerificationView, provider: Provider, asof: AsOf) -> list[Found] | None:
    """By code, USCC, licence or domain in that order; None when no number is given or none is known to us."""
    if not (provider.code or provider.uscc or provider.practice_licence_no or provider.domain):
        return None
    if provider.code:
        return _sites(view, (validate_code(provider.code),), "code", asof)
    wanted = _numbers(provider)
    for kind, value in wanted:
        found = _sites(view, view.institutions.numbered(kind, value), kind, asof)
        if found:
            return found
    return None if provider.name else ([] if wanted else None)


def _numbers(provider: Provider) -> list[tuple[MatchedOn, str]]:
    wanted: list[tuple[MatchedOn, str]] = []
    if provider.uscc:
        wanted.append(("uscc", validate_uscc(provider.uscc)))
    if provider.practice_licence_no:
        wanted.append(("practice_licence_no", compact_licence(provider.practice_licence_no)))
    if provider.domain:
        wanted.append(("domain", validate_domain(provider.domain)))
    return wanted


def number_of(provider: Provider) -> MatchedOn | None:
    """The kind of number that a claim names somebody by, if not by the register's own code."""
    wanted = [] if provider.code else _numbers(provider)
    return wanted[0][0] if wanted else None


def contradicted(view: VerificationView, provider: Provider, chosen: list[Found], asof: AsOf) -> list[Found]:
    """Everybody a claim speaks of when its number and its name, or two of its numbers, are not one institution's."""
    if provider.name and chosen[0].rule == "identifier":
        named = by_name(view, provider.name, asof)
        if not {f.site.code for f in named} & {f.site.code for f in chosen}:
            return chosen + named
    for kind, value in _numbers(provider):
        owners = _sites(view, view.institutions.numbered(kind, value), kind, asof)
        if owners and not {f.site.code for f in owners} & {f.site.code for f in chosen}:
            return chosen + owners
        if any(_has_another(view, found, kind, value, asof) for found in chosen):
            return chosen
    return []


def _has_another(view: VerificationView, found: Found, kind: MatchedOn, value: str, asof: AsOf) -> bool:
    """Whether the register knows this institution by other numbers of that kind than the one given.

    A domain below one of its own contradicts nothing, though it is no proof either.
    """
    span = view.span(found.site.code, asof)
    held = [known for of, known in (span.identifiers if span else ()) if of == kind]
    fits = value in held or (kind == "domain" and any(value.endswith(f".{known}") for known in held))
    return bool(held) and not fits


def _sites(view: VerificationView, codes: Iterable[str], on: MatchedOn, asof: AsOf) -> list[Found]:
    sites = [site for code in codes if (site := view.site(code, asof))]
    return [Found(site=site, on=on, rule="identifier", exact=True) for site in sites]


def by_name(view: VerificationView, name: str, asof: AsOf) -> list[Found]:
    """Institutions with this name on that day; else with it as a former or later name. Strictest rule first."""
    for key, rule in names.asked(name):
        if not key:
            continue
        found = [f for code in view.institutions.named(key) if (f := _named(view, code, key, rule, name, asof))]
        if found:
            current = [f for f in found if f.on in ("name", "alias") and f.rule != "later_name"]
            return current or found
    return _by_both_names(view, name, asof)


def _by_both_names(view: VerificationView, name: str, asof: AsOf) -> list[Found]:
    """Institutions of which each name is one that the asker wrote before and in a bracket, in whatever order.

    Both must be names of the very same institution, and not one name twice: 甲医院（乙医院） is nobody where 乙医院 is
    another's, and 甲医院（甲医院） is a slip for something else.
    """
    written = names.halves(name)
    if written is None:
        return []
    first, inner = written
    if len({names.without_suffix(fold(one)) for one in (first, *inner)}) <= len(inner):
        return []
    found = by_name(view, first, asof)
    for second in inner:
        codes = {f.site.code for f in by_name(view, second, asof)}
        if second.startswith("原"):
            former = [f for f in by_name(view, second[1:], asof) if f.on == "former_name"]
            codes |= {f.site.code for f in former}
        found = [f for f in found if f.site.code in codes]
    return [
        msgspec.structs.replace(f, rule="campus" if f.rule == "campus" else "both_names", exact=False) for f in found
    ]


def _named(view: VerificationView, code: str, key: str, rule: names.Rule, asked: str, asof: AsOf) -> Found | None:
    span = view.span(code, asof)
    if span is None or not (reached := view.named(code, key, asof.size)):
        return None
    site = span.site
    holding = [named for named, begins in reached if named.printed == site.name or begins == span.valid_from]
    if holding:
        best = holding[0]
        on: MatchedOn = "alias" if best.on == "alias" else "name"
        used: names.Rule = "identical" if asked == best.printed else (best.rule if rule == "normalised" else rule)
        return Found(site=site, on=on, rule=used, exact=used == "identical")
    day = asof.valid_on.isoformat()
    first, _ = reached[0]
    if any(begins <= day for _, begins in reached):
        return Found(site=site, on="former_name", rule=first.rule, exact=asked == first.printed)
    return Found(site=site, on="name", rule="later_name", exact=False)


def at_address(found: list[Found], address: str | None) -> list[Found]:
    """Those whose registered address the given one can be; an exact site beats one where only the region fits."""
    if not address or not fold(address):
        return found
    compared = [(addresses.compare(address, f.site.address, f.site.region), f) for f in found]
    same = [f for how, f in compared if how == "same"]
    return same or [f for how, f in compared if how == "region"]


def is_same_site(chosen: list[Found], address: str | None) -> bool:
    """Whether the address is each one's very site, not only its region."""
    return bool(address) and all(
        addresses.compare(address or "", f.site.address, f.site.region) == "same" for f in chosen
    )


def candidate(site: Site, score: float) -> Candidate:
    """An institution the asker may have meant."""
    return Candidate(code=format_code(site.code), name=site.name, address=site.address, score=round(score))


def near(view: VerificationView, name: str | None, asof: AsOf) -> list[Candidate]:
    """Institutions with a name like the asked one; candidates, never a match."""
    key = fold(name or "")
    if len(key) < 2:
        return []
    best = sorted(view.institutions.near(key).items(), key=lambda item: (-item[1], item[0]))
    sites = [(site, score) for code, score in best if (site := view.site(code, asof)) and site.status != "delisted"]
    # 100 is reserved for "this very name": a near name is never certain.
    return [candidate(site, min(score, 99)) for site, score in sites[:MOST_CANDIDATES]]
