"""Which words of a text are argued against by the sentence they stand in, so that they offer nothing: 打击代孕.

A denial reaches the word it governs and those listed with it, in its own clause, and no further than a turn: 打击代孕
不如选择正规代孕机构 offers the second. What denies, turns and lists is data, ``[against]`` in ``ad_lexicon.toml``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

_Role = Literal[
    "end", "joined", "before", "weak", "near", "turns", "offers", "behind", "not_offered", "not_offered_behind"
]
_CLAUSE_ENDS = frozenset("，。！？；,.!?;\n")
#: Characters right behind a denial in which whoever denies may speak of himself.
_FOIL_REACH = 24
#: Characters right behind a word in which a question about it is answered.
_QUESTION_REACH = 16
#: Characters before a technique in which it is said to be somebody else's.
_AROUND = 16
#: Characters between two words listed together.
_LONGEST_LIST_GAP = 18


class Sign(NamedTuple):
    """A word of ``[against]`` in the text, or the end of a clause."""

    start: int
    end: int
    roles: frozenset[_Role]


class _Rules(NamedTuple):
    """Which signs deny words of some kinds: before them at most ``reach`` characters away, or behind them."""

    strong: _Role
    strong_reach: int
    behind: _Role
    has_weak: bool


class DenialReader:
    """Finds the words of texts that are denied, by the data of ``[against]``."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        """Compile the data; KeyError where a part of it is missing."""
        self._data = data
        roles: dict[str, set[_Role]] = {mark: {"end"} for mark in _CLAUSE_ENDS}
        roles |= {mark: {"joined"} for mark in data["joined"]}
        kinds: tuple[_Role, ...] = (
            *("before", "weak", "near", "turns", "offers", "behind"),
            *("not_offered", "not_offered_behind"),
        )
        for role in kinds:
            for word in data[role]:
                roles.setdefault(word, set()).add(role)
        self._roles = {word: frozenset(some) for word, some in roles.items()}
        longest_first = "|".join(map(re.escape, sorted(roles, key=len, reverse=True)))
        firsts = re.escape("".join({word[0] for word in roles}))
        self._signs = re.compile(f"(?=[{firsts}])(?:{longest_first})")
        self._contrary = re.compile(f"{data['contrary']}$")
        self._foil = re.compile(data["foil"])
        self._question, self._answered = re.compile(data["question"]), re.compile(data["answered"])
        self._absent, self._referred, self._supplied = (
            tuple(re.compile(part) for part in data[name]) for name in ("absent", "referred", "supplied")
        )
        self._offers = _Rules("before", data["reach"], "behind", has_weak=True)
        self._techniques = _Rules("not_offered", data["not_offered_reach"], "not_offered_behind", has_weak=False)

    def read_signs(self, text: str) -> list[Sign]:
        """Read all signs of a folded text, in order."""
        return [Sign(match.start(), match.end(), self._roles[match[0]]) for match in self._signs.finditer(text)]

    def find_denied(
        self, text: str, words: Sequence[tuple[int, int]], signs: list[Sign], *, techniques: bool
    ) -> set[int]:
        """Return the positions in ``words`` of those denied; (start, end) in order of starts, ``signs`` of ``text``.

        A technique is denied only by who says that it is not offered: 告别痛苦的试管婴儿 offers it.
        """
        if not words:
            return set()
        rules = self._techniques if techniques else self._offers
        signs = list(self._drop_signs_inside(text, signs, words))
        denied = self._find_denied_before(text, words, signs, rules) | self._find_denied_behind(
            text, words, signs, rules
        )
        if techniques:
            denied |= {at for at, (start, end) in enumerate(words) if self._is_of_others(text, start, end)}
        return {at for at in denied if not self._foil.search(text[words[at][1] : words[at][1] + _FOIL_REACH])}

    def _find_denied_before(
        self, text: str, words: Sequence[tuple[int, int]], signs: list[Sign], rules: _Rules
    ) -> set[int]:
        """Find the words that a sign before them denies."""
        denied: set[int] = set()
        scope = _Scope()
        following = 0
        for at, (start, end) in enumerate(words):
            while following < len(signs) and signs[following].end <= start:
                scope.take_sign(signs[following], rules, self._data)
                following += 1
            if self._is_question(text, end):  # 禁止代孕？我们能做
                scope = _Scope()
            elif scope.is_denied_at(text, start, self._data["list_marks"]):
                denied.add(at)
                scope.take_word(end)
            else:
                scope.end_denial()
        return denied

    def _find_denied_behind(
        self, text: str, words: Sequence[tuple[int, int]], signs: list[Sign], rules: _Rules
    ) -> set[int]:
        """Find the words that a predicate behind them denies, and those listed before them."""
        denied: set[int] = set()
        left = len(signs) - 1
        predicate = listed = None  # starts of the predicate, and of the word after this that it denies
        for at in range(len(words) - 1, -1, -1):
            start, end = words[at]
            while left >= 0 and signs[left].start >= end:
                sign = signs[left]
                if rules.behind in sign.roles and not self._is_contrary(text, sign):
                    predicate = sign.start
                elif sign.roles & {"end", "turns"}:
                    predicate = listed = None
                left -= 1
            is_denied = predicate is not None and predicate - end <= self._data["behind_reach"]
            is_denied = is_denied or bool(self._answered.search(text[end : end + _QUESTION_REACH]))
            if not is_denied and listed is not None:
                is_denied = _is_list_gap(text, end, listed, self._data["list_marks"])
            listed = start if is_denied else None
            if is_denied:
                denied.add(at)
        return denied

    def _drop_signs_inside(self, text: str, signs: list[Sign], words: Sequence[tuple[int, int]]) -> Iterator[Sign]:
        """Yield the signs outside the words: the 不 of 不成功退款 denies nothing, that of 不能保证成功 does."""
        at = 0
        for sign in signs:
            while at < len(words) and words[at][1] <= sign.start:
                at += 1
            if at == len(words) or sign.end <= words[at][0]:
                yield sign
            elif roles := self._roles.get(text[sign.start : words[at][0]]):
                yield Sign(sign.start, words[at][0], roles)

    def _is_contrary(self, text: str, sign: Sign) -> bool:
        """Whether a predicate is said not to hold (不违法), or asked about (违法吗)."""
        before, behind = text[max(0, sign.start - 3) : sign.start], text[sign.end : sign.end + 4]
        return bool(self._contrary.search(before) or self._question.search(behind))

    def _is_of_others(self, text: str, start: int, end: int) -> bool:
        """Whether a technique is said to have no approval, or to be had elsewhere, or is only a supplier of sperm."""
        before, behind = text[max(0, start - _AROUND) : start], text[end : end + _FOIL_REACH]
        is_supplier = text[start:end].endswith(self._data["supplier"])
        rules = [self._absent, self._referred, *([self._supplied] if is_supplier else [])]
        return any(left.search(before) and right.search(behind) for left, right in rules)

    def _is_question(self, text: str, end: int) -> bool:
        return text[end : end + 3].lstrip()[:1] in ("?", "？", "吗")


class _Scope:
    """How far the denial reaches that was read last."""

    def __init__(self) -> None:
        self._from: int | None = None  # the end of the denial
        self._reach = 0
        self._is_weak = False
        self._word_end: int | None = None  # of the last word it governs
        self._has_offer = False
        self._near: Sign | None = None

    def take_sign(self, sign: Sign, rules: _Rules, data: Mapping[str, Any]) -> None:
        """Read a sign before the next word."""
        roles = sign.roles
        if roles & {"end", "joined", "turns"}:
            self.end_denial()
        if rules.strong in roles:
            self._start_denial(sign.end, rules.strong_reach, is_weak=False)
        elif rules.has_weak and "weak" in roles and (self._from is None or self._word_end is not None):
            self._start_denial(sign.end, data["weak_reach"], is_weak=True)
        self._near = sign if rules.has_weak and "near" in roles else None
        self._has_offer = self._has_offer or "offers" in roles

    def _start_denial(self, end: int, reach: int, *, is_weak: bool) -> None:
        self._from, self._reach, self._is_weak = end, reach, is_weak
        self._word_end, self._has_offer = None, False

    def take_word(self, end: int) -> None:
        """Take in a word that is denied: what is listed with it is too."""
        self._word_end, self._has_offer = max(end, self._word_end or 0), False

    def end_denial(self) -> None:
        """Forget the denial."""
        self._from = self._word_end = self._near = None

    def is_denied_at(self, text: str, start: int, list_marks: Sequence[str]) -> bool:
        """Return whether the word at ``start`` is denied."""
        if self._near is not None and _is_adjacent_denial(text, self._near, start):
            self._from, self._reach = self._near.end, 0
            return True
        if self._from is None:
            return False
        if self._word_end is not None:
            return not self._has_offer and _is_list_gap(text, self._word_end, start, list_marks)
        if start - self._from > self._reach:
            return False
        gap = text[self._from : start].lstrip()
        return " " not in gap and not (self._is_weak and "的" in gap)


def _is_adjacent_denial(text: str, sign: Sign, start: int) -> bool:
    """Whether 不 and the like stand right before a word, and not in a question: 能不能代孕, 包不包成功."""
    gap = text[sign.end : start]
    is_question = text[sign.start - 1 : sign.start] == text[sign.start + 1 : sign.start + 2]
    return len(gap) < 3 and not any(map(str.isalnum, gap)) and not is_question


def _is_list_gap(text: str, end: int, start: int, list_marks: Sequence[str]) -> bool:
    """Whether two words are listed together: one in the other, side by side, or with 、 or 和 between."""
    if start - end > _LONGEST_LIST_GAP:
        return False
    gap = text[end:start]
    return not gap or any(mark in gap for mark in list_marks)
