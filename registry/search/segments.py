"""Parts of a question or a text in which a name may stand, when it is no name as a whole.

People write around names: questions, people, prices, several hospitals in one line. What is between such words is
looked for by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from registry.domain import regions
from registry.domain.model import Struct
from registry.domain.name_words import expand_nicknames
from registry.domain.normalise import fold_text, normalise_width, simplify_script
from registry.search import english
from registry.search.places import parse_place, raise_to_province
from registry.search.vocabulary import (
    AROUND_NAMES,
    JOINED,
    LEFT_AFTER,
    LEFT_BEFORE,
    NEVER_IN_NAMES,
    PERSON,
    find_word,
)

#: No more segments of one question are looked for, and none that is shorter.
_MOST, _SHORTEST = 8, 2
_MARK = re.compile(r"[\s,，、。;；:：!！?？“”\"'‘’()（）【】\[\]<>《》~～·…—|/\\+=*#@&%$￥^_`{}-]+")
_KIND = re.compile(
    "保健院|医院|妇幼(?!保健)|医学中心|研究所|门诊部|(?<!学)院(?![区长士校内])|附[一二三四五六七八九](?!院)"
)
#: One character before a kind, which a word around the name left: 这[家医院].
_LEFT_OVER = re.compile("[^省市县区州]医院")
_NUMBER = re.compile(
    r"[0-9][0-9,.]*(?:万|块|元|岁|年|个月|天|次|周|点|千|%)+(?:左右|多)?|[0-9]{7,}|第[一二三四五六七八九十0-9]+[次胎代]"
)


#: A side or a branch of a hospital, which names none by itself.
_BRANCH = re.compile("(?:[东南西北中新老本总][院区部]|[一-鿿]{0,6}(?:院区|校区|分院))")


#: What somebody is near to is not who is meant: 陆军总院附近的家圆医院.
_BESIDE = re.compile("^([^，。]{2,}?)(?:附近|旁边?|对面|隔壁|边上)的(.{3,})$")
_BRANCH_BEHIND = re.compile("(?<=...)(?:[东南西北中新老本总][院区部]|分院)$")


#: What joins a name to the next one, where the name before it was taken out, or behind a kind of hospital.
_JOINS = re.compile("(?<=^)[和与跟及]|(?<=[院心所部幼])和$")


class Segment(Struct, frozen=True):
    """A part of a question: as written, and where each of the places ends with which it begins, when something is left
    without them.
    """

    text: str
    place_ends: tuple[int, ...] = ()

    @property
    def is_branch(self) -> bool:
        """Whether it is only a side or a branch of somebody: 东院, 清水河校区."""
        return _BRANCH.fullmatch(self.text) is not None

    def list_cuts(self) -> list[tuple[str, str]]:
        """List (a place it begins with, the segment without it), with one place and with each further one."""
        return [(self.text[:end], self.text[end:]) for end in self.place_ends]


def split_question(raw: str, spans: Iterable[tuple[int, int]] = ()) -> list[Segment]:
    """Split a question at marks, words around names, numbers and techniques, and at spans that are names."""
    if english.is_english(raw):
        return [Segment(text=name) for name in english.split_names(raw)][:_MOST]
    pieces, at = [], 0
    for start, end in sorted(spans):
        pieces.append(raw[at:start])
        at = max(at, end)
    normalised = (_BESIDE.sub(r"\2，\1", _normalise(piece)) for piece in (*pieces, raw[at:]))
    parts = [part for piece in normalised for part in _MARK.split(piece)]
    return _make_segments(_JOINS.sub("", piece) for part in parts for piece in _split_part(part))


def _normalise(text: str) -> str:
    return raise_to_province(expand_nicknames(simplify_script(normalise_width(text)).lower()))


def find_first_place(segments: Iterable[Segment]) -> tuple[str, tuple[str, ...]]:
    """Find the first place with which a segment begins or ends, and its region codes, the largest first; or nothing."""
    for segment in segments:
        for start, end, _ in sorted(regions.find_places(segment.text)):
            if start == 0 or end == len(segment.text):
                word = segment.text[start:end]
                codes = regions.map_names_to_codes()[word]
                return word, tuple(sorted(codes, key=lambda code: code[-2:] != "00"))
    return "", ()


def is_nobody(text: str) -> bool:
    """Whether a text is nothing but a place, or its people, or what is left of a word: 沈阳, 湖北人, 家医院."""
    return bool(parse_place(text.removesuffix("人"))) or _LEFT_OVER.fullmatch(text) is not None


def add_place(text: str, place: str, codes: Iterable[str]) -> str | None:
    """Put a place before a part that only says what hospital it is, and may name one there: 省妇幼, 中心医院."""
    region = next((found for code in codes if (found := regions.find_region(code))), None)
    outer = {"省": region.province, "市": region.city}.get(text[0]) if region else None
    if outer and outer.endswith(text[0]):
        return outer + text[1:]
    return place + text if any(found.end() == len(text) for found in _KIND.finditer(text)) else None


def take_out_people(segment: Segment) -> tuple[list[Segment], list[str]]:
    """Return what is left of a segment without the people in it, and these as written."""
    people = [found[0] for found in PERSON.finditer(segment.text)]
    return (_make_segments(PERSON.split(segment.text)) if people else [segment]), people


def split_joined(segment: Segment) -> Iterator[list[Segment]]:
    """Yield the ways to split a segment at what may join two names: at all of it, and at each (同济[和]协和)."""
    joints = list(JOINED.finditer(segment.text))
    for pieces in (
        JOINED.split(segment.text) if joints else [],
        *([segment.text[: joint.start()], segment.text[joint.end() :]] for joint in joints),
    ):
        if pieces and all(len(piece) >= _SHORTEST for piece in pieces):
            yield _make_segments(pieces)


def cut_behind_kinds(segment: Segment) -> list[Segment]:
    """Cut a segment behind every word for a kind of hospital, and before the first place in each piece; with the rest.

    Empty when it has no such word.
    """
    ends = [found.end() for found in _KIND.finditer(segment.text)]
    pieces = [segment.text[start:end].lstrip(LEFT_BEFORE) for start, end in zip([0, *ends], ends, strict=False)]
    placed = [piece[places[0][0] :] for piece in pieces if (places := sorted(regions.find_places(piece)))]
    rest = segment.text[ends[-1] :] if ends else ""
    behind = [] if _BRANCH.fullmatch(rest) else [rest]
    behind.append(_BRANCH_BEHIND.sub("", segment.text))
    return _make_segments(piece for piece in (*pieces, *placed, *behind) if piece != segment.text)


def _make_segments(pieces: Iterable[str]) -> list[Segment]:
    found = dict.fromkeys(piece for piece in pieces if len(fold_text(piece)) >= _SHORTEST)
    return [_make_segment(piece) for piece in found][:_MOST]


def _split_part(part: str) -> Iterator[str]:
    start = at = 0
    while at < len(part):
        length = _find_divider(part, at)
        if not length:
            at += 1
            continue
        yield part[start:at].rstrip(LEFT_BEFORE)
        at = start = at + length
    yield part[start:].lstrip(LEFT_AFTER) if start else part


def _find_divider(part: str, at: int) -> int:
    """Return how many characters at a position are no part of a name; 0 when they may be."""
    if found := find_word(part, at):
        return found[0]
    match = AROUND_NAMES.match(part, at) or _NUMBER.match(part, at) or NEVER_IN_NAMES.match(part, at)
    return match.end() - at if match else 0


def _make_segment(text: str) -> Segment:
    ends: list[int] = []
    while places := [stop for start, stop, _ in regions.find_places(text[(ends or [0])[-1] :]) if start == 0]:
        end = (ends or [0])[-1] + places[0]
        if len(text) - end < _SHORTEST:
            break
        ends.append(end)
    return Segment(text=text, place_ends=tuple(ends))
