"""From a claim to an answer: who is meant, at which site, and what the rules say of it."""

from __future__ import annotations

import datetime as dt

from rapidfuzz import fuzz, process

from registry import techniques as table
from registry.errors import InvalidInput
from registry.identifiers import compact_licence, format_code, validate_code, validate_uscc
from registry.model import (
    Answer,
    Basis,
    Candidate,
    Claim,
    Match,
    MatchedOn,
    Source,
    Struct,
    TechniqueAnswer,
    VerdictWord,
)
from registry.records.asof import AsOf, milliseconds, today
from registry.techniques import TechniqueCode
from registry.text import fold
from registry.verification import addresses, explain, names, verdict
from registry.verification.verdict import Site
from registry.verification.view import VerificationView

#: Near names offered to the asker, and how near they must be (0 to 100).
MOST_CANDIDATES = 5
NEAR = 62.0


class Found(Struct, frozen=True):
    """One institution that fits the provider, and by what."""

    site: Site
    on: MatchedOn
    rule: names.Rule
    exact: bool


def answer(view: VerificationView, claim: Claim, lang: str = "zh-CN") -> Answer:
    """The registry's answer; InvalidInput for a malformed claim, CannotAnswer when the register cannot be read."""
    view.require_fresh()
    techniques = [technique_of(word) for word in dict.fromkeys(claim.techniques)]
    now = dt.datetime.now(dt.UTC)
    with view.lock:
        known_at = claim.known_at or now
        size = view.size if claim.known_at is None else view.size_at(milliseconds(claim.known_at))
        asof = AsOf(valid_on=claim.on or today(), size=size)
        judged = _judge(view, claim, list(dict.fromkeys(techniques)), asof)
        state = view.state()
    basis = judged.techniques[0].basis if judged.techniques else None
    if basis is None and judged.site is not None:
        basis = verdict.basis(judged.site.entry, judged.site.source, judged.sources)
    if basis is None:
        basis = judged.list_basis
    return Answer(
        id=claim.id,
        verdict=judged.verdict,
        explanation=explain.sentence(judged, asof.valid_on, lang),
        techniques=judged.techniques,
        match=judged.match,
        candidates=judged.candidates,
        on=asof.valid_on,
        known_at=known_at,
        basis=basis,
        log=state,
    )


def technique_of(word: str) -> TechniqueCode:
    """The technique a claim names by code or everyday word; InvalidInput listing what there is."""
    found = table.from_words(word)
    if found is None:
        codes = "、".join(t.code for t in table.TECHNIQUES)
        raise InvalidInput(
            f"未知的技术“{word[:40]}”；可用：{codes}。", f"Unknown technique “{word[:40]}”; there are {codes}."
        )
    return found


def _judge(view: VerificationView, claim: Claim, techniques: list[TechniqueCode], asof: AsOf) -> explain.Judged:
    sources = {key: s for key, s in view.sources_at(asof.size).items() if s.as_of <= asof.valid_on}
    found = _find(view, claim, asof)
    chosen = _at_address(found, claim.provider.address)
    candidates = [_candidate(f.site, 100) for f in found] if len(found) > 1 else []
    if not found:
        return _nobody(view, claim, techniques, asof, sources)
    if not chosen:
        return _site_mismatch(found, techniques, candidates, sources)
    if any(f.on == "code" for f in chosen) and _contradicted(view, claim, chosen[0].site, asof):
        return explain.Judged(verdict="ambiguous", techniques=[], candidates=candidates, sources=sources, count=2)
    if any(f.rule == "campus" for f in chosen) and not _is_same_site(chosen, claim.provider.address):
        campuses = [_candidate(f.site, 99) for f in found]
        return explain.Judged(
            verdict="ambiguous", techniques=[], candidates=campuses, sources=sources, count=len(found)
        )
    results = [(_rules(f.site, techniques, sources), f) for f in chosen]
    verdicts = {tuple((t.technique, t.verdict) for t in answers) or word for (word, answers), _ in results}
    if len(verdicts) > 1 or (len(chosen) > 1 and any(f.site.status == "delisted" for f in chosen)):
        return explain.Judged(
            verdict="ambiguous", techniques=[], candidates=candidates, sources=sources, count=len(chosen)
        )
    (word, answers), first = results[0]
    return explain.Judged(
        verdict=word,
        techniques=answers,
        candidates=candidates,
        sources=sources,
        site=first.site,
        match=_match(first),
        count=len(chosen),
    )


def _is_same_site(chosen: list[Found], address: str | None) -> bool:
    return bool(address) and all(
        addresses.compare(address or "", f.site.address, f.site.region) == "same" for f in chosen
    )


def _rules(
    site: Site, techniques: list[TechniqueCode], sources: dict[str, Source]
) -> tuple[VerdictWord, list[TechniqueAnswer]]:
    if site.status == "delisted":
        rest = verdict.basis(site.entry, site.source, sources)
        return "not_found", [TechniqueAnswer(technique=t, verdict="not_found", basis=rest) for t in techniques]
    answers = [verdict.of_technique(site, technique, sources) for technique in techniques]
    if not answers:
        return verdict.of_institution(site), []
    return verdict.worst(a.verdict for a in answers), answers


def _find(view: VerificationView, claim: Claim, asof: AsOf) -> list[Found]:
    """Institutions the provider's numbers name, else those its name names; delisted ones only when nobody else."""
    found = _by_identifier(view, claim, asof)
    if found is None:
        found = _by_name(view, claim.provider.name or "", asof)
    standing = [f for f in found if f.site.status != "delisted"]
    return standing or found


def _by_identifier(view: VerificationView, claim: Claim, asof: AsOf) -> list[Found] | None:
    """By code, USCC, licence or domain in that order; None when no number is given or none is known to us."""
    provider = claim.provider
    if provider.code:
        return _sites(view, {validate_code(provider.code)}, "code", asof)
    wanted: list[tuple[MatchedOn, str]] = []
    if provider.uscc:
        wanted.append(("uscc", validate_uscc(provider.uscc)))
    if provider.practice_licence_no:
        wanted.append(("practice_licence_no", compact_licence(provider.practice_licence_no)))
    if provider.domain:
        wanted.append(("domain", provider.domain.strip().lower().rstrip(".")))
    for kind, value in wanted:
        found = _sites(view, view.by_identifier.get((kind, value), set()), kind, asof)
        if found:
            return found
    return None if provider.name else ([] if wanted else None)


def _sites(view: VerificationView, codes: set[str], on: MatchedOn, asof: AsOf) -> list[Found]:
    sites = [site for code in sorted(codes) if (site := view.site(code, asof))]
    return [Found(site=site, on=on, rule="identifier", exact=True) for site in sites]


def _by_name(view: VerificationView, name: str, asof: AsOf) -> list[Found]:
    """Institutions with this name on that day; else with it as a former or later name. Strictest rule first."""
    for key, rule in names.asked(name):
        if not key:
            continue
        found = [f for code in sorted(view.by_key.get(key, ())) if (f := _named(view, code, key, rule, name, asof))]
        if found:
            current = [f for f in found if f.on in ("name", "alias") and f.rule != "later_name"]
            return current or found
    return []


def _named(view: VerificationView, code: str, key: str, rule: names.Rule, asked: str, asof: AsOf) -> Found | None:
    site = view.site(code, asof)
    reached = view.named(code, key, asof.size)
    if site is None or not reached:
        return None
    day = asof.valid_on.isoformat()
    holding = [n for n in reached if n.printed == site.name or n.valid_from == _span_start(view, code, asof)]
    if holding:
        best = holding[0]
        on: MatchedOn = "alias" if best.on == "alias" else "name"
        used: names.Rule = "identical" if asked == best.printed else (best.rule if rule == "normalised" else rule)
        return Found(site=site, on=on, rule=used, exact=used == "identical")
    if any(n.valid_from <= day for n in reached):
        return Found(site=site, on="former_name", rule=reached[0].rule, exact=asked == reached[0].printed)
    return Found(site=site, on="name", rule="later_name", exact=False)


def _span_start(view: VerificationView, code: str, asof: AsOf) -> str:
    day = asof.valid_on.isoformat()
    for span in view.spans.get(code, ()):
        if span.valid_from <= day < span.valid_to and span.known_from <= asof.size < span.known_to:
            return span.valid_from
    return ""


def _contradicted(view: VerificationView, claim: Claim, site: Site, asof: AsOf) -> bool:
    """A code and a name of two different institutions in one claim."""
    name = claim.provider.name
    return bool(name) and site.code not in {f.site.code for f in _by_name(view, name or "", asof)}


def _at_address(found: list[Found], address: str | None) -> list[Found]:
    """Those whose registered address the given one can be; an exact site beats one where only the region fits."""
    if not address or not fold(address):
        return found
    compared = [(addresses.compare(address, f.site.address, f.site.region), f) for f in found]
    same = [f for how, f in compared if how == "same"]
    return same or [f for how, f in compared if how == "region"]


def _site_mismatch(
    found: list[Found], techniques: list[TechniqueCode], candidates: list[Candidate], sources: dict[str, Source]
) -> explain.Judged:
    standing = [f for f in found if f.site.status != "delisted"]
    word: VerdictWord = "site_mismatch" if standing else "not_found"
    first = (standing or found)[0]
    return explain.Judged(
        verdict=word,
        techniques=[
            TechniqueAnswer(
                technique=t, verdict=word, basis=verdict.basis(first.site.entry, first.site.source, sources)
            )
            for t in techniques
        ],
        candidates=candidates,
        sources=sources,
        site=first.site,
        match=_match(first),
        count=len(found),
    )


def _nobody(
    view: VerificationView, claim: Claim, techniques: list[TechniqueCode], asof: AsOf, sources: dict[str, Source]
) -> explain.Judged:
    """Nobody fits: `not_found` where a complete source covers the question on that day, else `unknown`."""
    region = addresses.parts(claim.provider.address)[0] if claim.provider.address else None
    asked: list[TechniqueCode | None] = [*techniques] or [None]
    complete = {t: _complete(t, region, sources) for t in asked}
    words: list[VerdictWord] = ["not_found" if source else "unknown" for source in complete.values()]
    answers = [
        TechniqueAnswer(technique=t, verdict="not_found" if complete[t] else "unknown", basis=_list_basis(complete[t]))
        for t in techniques
    ]
    return explain.Judged(
        verdict=verdict.worst(words),
        techniques=answers,
        candidates=_near(view, claim.provider.name, asof),
        sources=sources,
        list_basis=_list_basis(next((s for s in complete.values() if s), None)),
    )


def _complete(technique: TechniqueCode | None, region: str | None, sources: dict[str, Source]) -> Source | None:
    """The latest source that would list the institution if it were approved."""
    covering = [
        s
        for s in sources.values()
        if s.scope != "partial"
        and (technique is None or technique in s.covers)
        and (s.scope == "national" or (region is not None and region.startswith(s.scope.rstrip("0"))))
    ]
    return max(covering, key=lambda s: s.as_of, default=None)


def _list_basis(source: Source | None) -> Basis | None:
    return Basis(source=source.title, as_of=source.as_of, entry=source.entry) if source else None


def _match(found: Found) -> Match:
    return Match(
        code=format_code(found.site.code),
        name=found.site.name,
        address=found.site.address,
        on=found.on,
        exact=found.exact,
        rule=found.rule,
    )


def _candidate(site: Site, score: float) -> Candidate:
    return Candidate(code=format_code(site.code), name=site.name, address=site.address, score=round(score))


def _near(view: VerificationView, name: str | None, asof: AsOf) -> list[Candidate]:
    key = fold(name or "")
    if len(key) < 2:
        return []
    near = process.extract(key, view.by_key.keys(), scorer=fuzz.ratio, score_cutoff=NEAR, limit=20)
    scores: dict[str, float] = {}
    for known, score, _ in near:
        for code in view.by_key.get(known, ()):
            scores[code] = max(score, scores.get(code, 0.0))
    best = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    sites = [(site, score) for code, score in best if (site := view.site(code, asof)) and site.status != "delisted"]
    # 100 is reserved for "this very name": a near name is never certain.
    return [_candidate(site, min(score, 99)) for site, score in sites[:MOST_CANDIDATES]]
