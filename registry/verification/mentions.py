"""Institutions that a running text names, and the answer about each: text alone is a question too.

A name counts whole, as current name, alias or former name; the longest where several overlap. What continues it
(附属…, …分院, …对面) makes it somebody else's, and a name that people use is none of the register's: then the
institutions are candidates.
A name in a text proves nothing about who wrote it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from registry.domain import regions
from registry.domain.answers import Answer, Candidate, Claim, Mention, Provider, TechniqueAnswer
from registry.domain.normalise import FoldedText, fold_text, fold_with_places, normalise_script, normalise_width
from registry.domain.techniques import TechniqueCode
from registry.records.asof import AsOf
from registry.texts import Message
from registry.verification import verdict
from registry.verification.candidates import make_candidate
from registry.verification.phrases import join_words
from registry.verification.verdict import Judgement
from registry.verification.view import VerificationView

#: Answers a claim about one provider.
Ask = Callable[[Provider], tuple[Answer, Judgement]]
_DATA: dict[str, Any] = tomllib.loads(Path(__file__).with_name("mentions.toml").read_text("utf-8"))
#: With one of these between, two names are two.
_SEPARATOR = re.compile(f"[{_DATA['separators']}]")
#: Right before a name, it makes it the end of a longer one.
_LONGER_BEFORE = re.compile(_DATA["before"])
#: A character that goes on with a name.
_GOES_ON = rf"(?:(?![{_DATA['joins']}])[\u4e00-\u9fff])"
#: Right behind a name, it makes it the beginning of another, or a place beside it.
_LONGER_BEHIND = re.compile(
    f"[(（]?{_GOES_ON}{{0,8}}?(?:{'|'.join(_DATA['behind'])})"
    f"|(?!{'|'.join(_DATA['kinds'])}){_GOES_ON}{{2,4}}{_DATA['hospital']}"
    f"|{'|'.join([*_DATA['near'], *_DATA['side']])}"
)
_PARTNER_BEHIND, _PARTNER_BEFORE, _TOGETHER = (
    re.compile(_DATA[name]) for name in ("partner_behind", "partner_before", "together")
)
#: Words before a name after which it is only a partner's where it is said behind, too.
_WITH = tuple(_DATA["with"])
_PLACE_LENGTHS = range(2, 9)
#: Characters on either side that are looked at.
_AROUND = 12
#: Candidates of one mention.
_CANDIDATE_LIMIT = 5
PROVES_NOTHING = Message("名称写在文字中，不能证明该机构与此有关。")


class NamePlace(NamedTuple):
    """A name of the register in a text: ``text[start:end]``, and the institutions it can mean.

    ``is_common``: only people use it; ``is_part``: it is written as part of a longer name; ``is_partner``: the text
    speaks of somebody who works with it.
    """

    start: int
    end: int
    codes: tuple[str, ...]
    is_common: bool = False
    is_part: bool = False
    is_partner: bool = False


class AnsweredMention(NamedTuple):
    """A mention with the whole answer about it; None where it is not certain who is meant."""

    mention: Mention
    answer: Answer | None
    judgement: Judgement | None


def answer_mentions(view: VerificationView, claim: Claim, asof: AsOf, lang: str, ask: Ask) -> list[AnsweredMention]:
    """Answer for each institution that the claim's text names, in order; each name once, where it stands first."""
    text = claim.text or ""
    seen: set[str] = set()
    answered: list[AnsweredMention] = []
    for place in find_names(view, text, asof):
        written = text[place.start : place.end]
        key = fold_text(written) + "?" * (place.is_part or place.is_partner)
        if key not in seen:
            seen.add(key)
            answered.append(_answer_place(view, place, written, claim, asof, lang, ask))
    return answered


def drop_own(answered: list[AnsweredMention], claim: Claim, judgement: Judgement) -> list[AnsweredMention]:
    """Drop the mentions of the institution that the claim itself names."""
    own = fold_text(claim.provider.name or "")
    codes = set(judgement.codes)
    return [
        found
        for found in answered
        if fold_text(found.mention.text) != own and not (found.judgement and codes.intersection(found.judgement.codes))
    ]


def answer_text(answered: list[AnsweredMention], nobody: Answer, lang: str) -> tuple[Answer, Judgement]:
    """Answer a claim that is only a text by the gravest of its mentions; `unknown` where it names nobody.

    ``nobody``: an answer about no one, of the same day and log size.
    """
    unsure = Judgement(verdict="unknown", techniques=[], candidates=[], sources={})
    if not answered:
        sentence = Message("文字中没有认出名录中的机构名称，无法回答由谁开展；请填写机构名称再核验。")
        return msgspec.structs.replace(nobody, explanation=sentence.to_text(lang)), unsure
    gravest = max(answered, key=lambda found: verdict.SEVERITY.index(found.mention.verdict))
    mention = gravest.mention
    explanation = _describe_gravest(gravest, len(answered)).to_text(lang)
    answer = gravest.answer or msgspec.structs.replace(
        nobody, verdict=mention.verdict, techniques=mention.techniques, candidates=mention.candidates
    )
    # A person or a certificate belongs to whom the text names only where it names just one.
    judgement = gravest.judgement if len(answered) == 1 else None
    return msgspec.structs.replace(answer, explanation=explanation), judgement or unsure


def _describe_gravest(gravest: AnsweredMention, count: int) -> Message:
    mention = gravest.mention
    parts: dict[str, Any] = {"text": mention.text, "sentence": mention.explanation, "caution": PROVES_NOTHING}
    if count > 1:
        return Message(
            "文字中写有{count}家机构的名称，其中“{text}”：{sentence}{caution}",
            count=count,
            **parts,
        )
    if gravest.answer is None:
        return Message("文字中写有机构的名称：{sentence}", sentence=mention.explanation)
    return Message("文字中写有“{text}”：{sentence}{caution}", **parts)


def make_nobody(model: Answer, techniques: tuple[TechniqueCode, ...]) -> Answer:
    """Make the answer about no one from any answer of the same day and log size."""
    each = [TechniqueAnswer(technique=technique, verdict="unknown") for technique in techniques]
    return msgspec.structs.replace(model, verdict="unknown", techniques=each, match=None, candidates=[], basis=None)


def _answer_place(  # noqa: PLR0913 - the place, and all that an answer hangs on
    view: VerificationView, place: NamePlace, written: str, claim: Claim, asof: AsOf, lang: str, ask: Ask
) -> AnsweredMention:
    if place.is_common or place.is_part or place.is_partner:
        return AnsweredMention(_make_uncertain_mention(view, place, written, asof, lang), None, None)
    answer, judgement = ask(Provider(name=written, address=claim.provider.address))
    match = answer.match
    mention = Mention(
        start=place.start,
        end=place.end,
        text=written,
        code=match.code if match else None,
        name=match.name if match else None,
        verdict=answer.verdict,
        explanation=answer.explanation,
        techniques=answer.techniques,
        candidates=answer.candidates,
    )
    return AnsweredMention(mention, answer, judgement)


def _make_uncertain_mention(view: VerificationView, place: NamePlace, written: str, asof: AsOf, lang: str) -> Mention:
    sites = [site for code in place.codes if (site := view.find_site(code, asof))][:_CANDIDATE_LIMIT]
    candidates: list[Candidate] = [make_candidate(site, 99) for site in sites]
    names = join_words((site.name for site in sites), lang)
    if place.is_partner:
        sentence = Message("文字只说与“{text}”合作，不能据此判断由谁开展，请填写实际开展的机构再核验。", text=written)
    elif place.is_part:
        sentence = Message("“{text}”前后还连着别的字，不能确定是指{names}，请核对全称。", text=written, names=names)
    else:
        sentence = Message("“{text}”是通称，可能指{names}，请核对全称。", text=written, names=names)
    return Mention(
        start=place.start,
        end=place.end,
        text=written,
        code=None,
        name=None,
        verdict="ambiguous",
        explanation=sentence.to_text(lang),
        candidates=candidates,
    )


# --- finding names ---------------------------------------------------------------------------------------------------


def find_names(view: VerificationView, text: str, asof: AsOf) -> list[NamePlace]:
    """Find the names of the register in a text, in order, as known at a log size; of overlapping ones the longest."""
    folded = fold_with_places(text)
    found = sorted(_find_keys(view, text, folded), key=lambda place: (place[0] - place[1], place[0]))
    taken = bytearray(len(folded.text))
    places: list[NamePlace] = []
    for first, last in found:
        if not any(taken[first:last]) and (place := _make_place(view, text, folded, first, last, asof)):
            taken[first:last] = b"\1" * (last - first)
            places.append(place)
    return sorted(places)


def _find_keys(view: VerificationView, text: str, folded: FoldedText) -> Iterator[tuple[int, int]]:
    """Yield where in the folded text a key stands, at each beginning all lengths."""
    plain, (names, common) = folded.text, (view.institutions.names, view.institutions.common_names)
    list_lengths = view.institutions.name_starts.list_lengths
    for first in range(len(plain) - 1):
        for length in list_lengths(plain[first : first + 2]):
            last = first + length
            key = plain[first:last]
            if (key in names or key in common) and last <= len(plain) and _is_whole(text, folded, first, last):
                yield first, last


def _is_whole(text: str, folded: FoldedText, first: int, last: int) -> bool:
    """Whether no mark divides what stands there, and it cuts no number: 91医院 in 391医院."""
    if _SEPARATOR.search(text, folded.starts[first], folded.ends[last - 1]):
        return False
    return not any(
        0 < edge < len(folded.text)
        and folded.text[edge - 1 : edge + 1].isdigit()
        and folded.ends[edge - 1] >= folded.starts[edge]
        for edge in (first, last)
    )


def _make_place(
    view: VerificationView, text: str, folded: FoldedText, first: int, last: int, asof: AsOf
) -> NamePlace | None:
    """Make the place of a key that somebody has, as known then; None where nobody does."""
    key, start, end = folded.text[first:last], folded.starts[first], folded.ends[last - 1]
    is_open = normalise_width(text[start:end]).count("(") > normalise_width(text[start:end]).count(")")
    end += is_open and normalise_width(text[end : end + 1]) == ")"
    codes = tuple(code for code in view.institutions.find_by_name(key) if view.list_names(code, key, asof.size))
    if codes:
        is_part = _is_part(view, text, start, end, codes, asof)
        return NamePlace(start, end, codes, is_part=is_part, is_partner=not is_part and _is_partner(text, start, end))
    codes = tuple(
        code
        for code in view.institutions.common_names.list_codes(key)
        if (span := view.find_span(code, asof)) and key in span.known_as and span.site.status != "delisted"
    )
    if not codes:
        return None
    return NamePlace(start, end, codes, is_common=True, is_part=_is_part(view, text, start, end, codes, asof))


def _is_partner(text: str, start: int, end: int) -> bool:
    """Whether a text says that somebody works with the institution named there, who is another."""
    before = normalise_script(text[max(0, start - _AROUND) : start])
    behind = normalise_script(text[end : end + _AROUND])
    if _PARTNER_BEHIND.match(behind):
        return True
    if not _PARTNER_BEFORE.search(before):
        return False
    return not before.endswith(_WITH) or bool(_TOGETHER.match(behind))


def _is_part(view: VerificationView, text: str, start: int, end: int, codes: tuple[str, ...], asof: AsOf) -> bool:
    """Whether the letters right around a name make another one: 某大学附属…, …分院, or another place before it."""
    before = normalise_script(text[max(0, start - _AROUND) : start])
    behind = normalise_script(text[end : end + _AROUND])
    if _LONGER_BEFORE.search(before) or _LONGER_BEHIND.match(behind):
        return True
    places = regions.map_names_to_codes()
    named = next((codes_of for length in reversed(_PLACE_LENGTHS) if (codes_of := places.get(before[-length:]))), ())
    sites = [site for code in codes if (site := view.find_site(code, asof))]
    return bool(named and sites) and not any(regions.overlap(site.region, place) for site in sites for place in named)
