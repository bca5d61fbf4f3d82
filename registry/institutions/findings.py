"""What a search found, in a line and its notes: the pages, the workspace and the shell say it in the same words."""

from __future__ import annotations

from typing import Literal, NamedTuple

from registry.domain import english_places, regions
from registry.domain.model import Region
from registry.domain.normalise import fold_text
from registry.institutions.result import SearchResult
from registry.texts import FixedText, Listing, Message, PageText
from registry.verification.mentions import PROVES_NOTHING

#: ``one``, ``several``: found by name; ``listing``: chosen by place, technique, stage or address; ``in_text``: named in
#: a longer text; ``near``: nobody has the name; ``nothing``: nobody fits the filters; ``unreadable``: no letter typed.
FindingKind = Literal["one", "several", "listing", "in_text", "near", "nothing", "not_understood", "unreadable"]
#: Characters of what was typed that a line repeats.
_LONGEST_SHOWN = 40
#: Matches of institutions that no name led to.
_BY_NO_NAME = ("filter", "technique", "address")


class Finding(NamedTuple):
    """What was found: ``headline`` the line to begin with, ``notes`` on the question, ``items_note`` on the items."""

    kind: FindingKind
    headline: Message
    notes: tuple[Message, ...] = ()
    items_note: Message | None = None


def describe_finding(result: SearchResult, question: str) -> Finding:
    """Describe what a search found. Only a name that was read whole lets it say that nobody on the list has it."""
    kind = classify_finding(result, question)
    notes: list[Message] = []
    if result.not_understood and kind != "not_understood":
        notes.append(PageText("search.finding.unused", words=Listing(map(_shorten, result.not_understood))))
    if result.elsewhere is not None and kind in ("one", "several", "near") and result.items:
        notes.append(_describe_elsewhere(result, result.elsewhere))
    if kind == "in_text":
        notes.append(PROVES_NOTHING)
    return Finding(kind, _write_headline(kind, result, question), tuple(notes), _write_items_note(kind, result))


def classify_finding(result: SearchResult, question: str) -> FindingKind:
    """Classify what a search found."""
    if question and not fold_text(question):
        return "unreadable"
    if result.state != "found":
        return result.state
    if not result.items:
        return "nothing" if result.understood or not question else "near"
    if result.in_text:
        return "in_text"
    if result.items[0].match in _BY_NO_NAME:
        return "listing"
    return "one" if result.total == 1 and not result.at_least else "several"


def _write_headline(kind: FindingKind, result: SearchResult, question: str) -> Message:
    if kind == "near":
        return PageText("search.finding.near", name=_shorten(result.name_read or question))
    if kind == "not_understood":
        words = [_shorten(word) for word in result.not_understood or (question,)]
        return PageText("search.finding.not_understood", words=Listing(words))
    if kind == "nothing":
        return PageText("empty.title", query=question) if question else PageText("empty.title_filters")
    if kind in ("several", "listing"):
        key = "search.finding.several" if kind == "several" else "search.found"
        return PageText(f"{key}_more" if result.at_least else key, count=result.total)
    return PageText("empty.title_unreadable" if kind == "unreadable" else f"search.finding.{kind}")


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _write_items_note(kind: FindingKind, result: SearchResult) -> Message | None:
    key = {"near": "search.finding.others", "not_understood": "search.finding.perhaps"}.get(kind)
    if kind == "near" and result.elsewhere is not None:
        key = "search.finding.perhaps"
    return PageText(key) if key and result.items else None


def _describe_elsewhere(result: SearchResult, place: str) -> Message:
    if len(result.items) > 1:
        return PageText("search.finding.elsewhere_all", place=place)
    found = result.items[0].institution
    return PageText("search.finding.elsewhere", place=place, name=found.name, region=_name_city(found.region))


def _name_city(region: Region) -> Message:
    city = regions.find_region((region.code or "")[:4] + "00") or region
    levels = dict.fromkeys(filter(None, (city.province, city.city)))
    return FixedText("".join(levels), ", ".join(english_places.list_english_names(city)) or None)
