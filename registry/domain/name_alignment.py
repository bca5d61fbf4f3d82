"""Whether a question names an institution, or only resembles its name: features of an alignment, and a fitted score.

What was typed is aligned with the words of a name: every character typed must belong to a word of the name, in order;
words of the name may be shortened or left out. What is left out, and how much of the rest tells this institution from
others, are the features; ``name_alignment.toml`` holds them with their weights, which ``tests/relevance/fit.py`` fits
on judged questions.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple

from registry.domain import regions
from registry.domain.name_words import (
    PLACE_KINDS,
    NameWord,
    Taking,
    find_takings,
    split_name,
    strip_optional,
    swap_ordinal,
)
from registry.domain.normalise import fold_text

#: What a name is to its institution.
NameKind = Literal["name", "alias", "known_as", "former_name"]
_FILE = Path(__file__).with_name("name_alignment.toml")
#: Every feature with what it counts, as the file of weights says. The order is that of the weights.
FEATURES: dict[str, str] = tomllib.loads(_FILE.read_text("utf-8"))["features"]
NAMES = tuple(FEATURES)
_SAME, _LEFT_NUMBER_OWN = NAMES.index("same"), NAMES.index("left_number_own")
#: Below this weight a word may be left out or not: 第, 有限公司, 市. Ordinals have no more digits than this.
_SLIGHT, _LONGEST_ORDINAL = 0.07, 2
_CUTS = {"start": "cut", "end": "cut_end", "inside": "cut_inside"}
#: What is left of a text without its place has at least so many characters; no place has more than this.
_LEAST, _LONGEST_PLACE = 2, 16
#: From this weight on a common word tells two names of one place apart: 人民 does.
TELLS = 0.08
#: Words for the same: what medical schools are called when they become universities, and were called before; others in
#: short.
_SYNONYMS = (
    *(("医科大学", "医学院"), ("医学院", "医科大学"), ("中医药大学", "中医学院"), ("中医学院", "中医药大学")),
    *(("红会", fold_text("红十字")), ("妇儿", "妇女儿童"), ("妇女儿童", "妇儿")),
)
_SCHOOL_ENDS = ("大学", "学院", "附属")
_HEADING = "[weights]"
_FORMAL = re.compile("(?:医院|保健院|分院|院区|中心|研究所|门诊部|公司|诊所|卫生院|服务站|服务中心)$")


#: Costs from here on are of names that are only alike.
WEAK = 6.0


class Alignment(NamedTuple):
    """How what was typed fits a name of an institution: the score (log odds that it names it), and its features."""

    score: float
    features: tuple[float, ...]
    name: str
    kind: NameKind

    @property
    def cost(self) -> float:
        """The score as a cost: 0 is best, from ``WEAK`` on it more likely names another."""
        return max(0.0, WEAK - self.score)


@cache
def load_weights() -> tuple[float, ...]:
    """Load the weights, in the order of the features."""
    table = tomllib.loads(_FILE.read_text("utf-8"))["weights"]
    return tuple(float(table.get(name, 0.0)) for name in NAMES)


def save_weights(weights: Iterable[float]) -> None:
    """Write the weights; for the program that fits them."""
    text = _FILE.read_text("utf-8")
    lines = [f"{name} = {weight:.3f}" for name, weight in zip(NAMES, weights, strict=True)]
    _FILE.write_text(text[: text.index(_HEADING)] + _HEADING + "\n" + "\n".join(lines) + "\n", "utf-8")
    load_weights.cache_clear()


def is_formal(text: str) -> bool:
    """Whether a text is written like a whole name."""
    return bool(_FORMAL.search(text))


#: No fewer characters than this may be a name without its 医院: 中心 alone is none.
_SHORTEST_CENTRE = 3


def find_alignment(
    typed: str,
    names: Sequence[tuple[NameKind, str]],
    region: str,
    is_inside: bool = False,
    weights: tuple[float, ...] | None = None,
) -> Alignment | None:
    """Find the best alignment of folded text with any folded name of an institution; None when it fits none.

    ``region``: its GB/T 2260 code, empty for an unknown one; ``is_inside``: a place in which it lies was taken out of
    the text already.
    """
    weights = weights or load_weights()
    best: Alignment | None = None
    is_numbered = False
    for text, codes in list_variants(typed):
        relation = _compare_places(codes, region) or "wider" * is_inside
        if relation == "elsewhere":
            continue
        for kind, printed in names:
            name = printed if is_spread(text, printed) else strip_optional(printed)
            if not is_spread(text, name) or (not codes and _is_place_torn(typed, printed)):
                continue
            features = compute_features(name, text, kind, relation, region)
            if features is not None:
                score = sum(map(float.__mul__, weights, features))
                is_numbered = is_numbered or (kind == "name" and features[_LEFT_NUMBER_OWN] > 0)
                if is_numbered and kind != "name" and not features[_SAME]:  # 华西妇产儿童医院 is 华西第二医院
                    score += weights[_LEFT_NUMBER_OWN]
                if best is None or score > best.score:
                    best = Alignment(score, features, printed, kind)
    return best


def is_spread(text: str, name: str) -> bool:
    """Whether the characters of a text stand in a name in this order, with others between them or not."""
    at = 0
    for character in text:
        at = name.find(character, at) + 1
        if not at:
            return False
    return True


@lru_cache(maxsize=4096)
def list_variants(typed: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """List (text, codes of the place taken out before it) of what was typed: whole, and without places before it."""
    variants = {
        variant: codes
        for text, codes in reversed(_list_cuts(typed))
        for form in (text, strip_optional(text), *swap_ordinal(text), *_replace_synonyms(text))
        for variant in (form, *_complete(form))
    }
    return tuple(reversed(variants.items()))


def _replace_synonyms(text: str) -> list[str]:
    """Return a text with each of its words for which there is another one."""
    return [text.replace(one, other) for one, other in _SYNONYMS if one in text]


def _complete(text: str) -> list[str]:
    """Return a text with the 医院 that people leave out behind 中心: 湘潭中心."""
    return [text + "医院"] if text.endswith("中心") and len(text) > _SHORTEST_CENTRE else []


def _list_cuts(typed: str) -> list[tuple[str, tuple[str, ...]]]:
    cuts: list[tuple[str, tuple[str, ...]]] = [(typed, ())]
    rest = typed
    while place := _find_first_place(rest):
        rest, codes = rest[len(place) :], tuple(regions.map_names_to_codes()[place])
        rest = rest[1:] if rest[:1] in PLACE_KINDS and len(rest) > _LEAST + 1 else rest
        if len(rest) < _LEAST:
            break
        cuts.append((rest, codes))
    return cuts


def _find_first_place(text: str) -> str:
    """Find the longest place a text begins with; empty where it begins with none."""
    names = regions.map_names_to_codes()
    lengths = range(min(_LONGEST_PLACE, len(text)), 1, -1)
    return next((text[:length] for length in lengths if text[:length] in names), "")


@lru_cache(maxsize=65536)
def _compare_places(codes: tuple[str, ...], region: str) -> str:
    """Say how places relate to a region that lies in one of them (``wider``), holds one (``narrower``), or not."""
    if not codes:
        return ""
    if not region or any(regions.is_inside(region, code) for code in codes):
        return "wider"
    return "narrower" if any(regions.may_overlap(code, region) for code in codes) else "elsewhere"


def is_common(text: str) -> bool:
    """Whether a text has nothing but words and numbers that many names have, and so means nobody: 第一人民医院."""
    words = split_name(text)
    return bool(words) and all(_sort_word(word, "") in ("common", "number") for word in words)


# --- alignment -------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=65536)
def compute_features(name: str, text: str, kind: NameKind, relation: str, region: str) -> tuple[float, ...] | None:
    """Compute the features of the cheapest alignment.

    None when a character typed belongs to no word of the name, or only places were typed.
    """
    found = find_takings(text, split_name(name), is_inside=bool(relation))
    if found is None:
        return None
    takings = found[1]
    if not is_formal(text) and (_is_school_cut(takings) or _is_of_city(takings, region)):
        return None
    if all(how == "left" or _sort_word(word, region) == "place" for word, how, _ in takings):
        return None
    return _count_features(text, takings, kind, relation, region)


def _count_features(
    text: str, takings: tuple[Taking, ...], kind: NameKind, relation: str, region: str
) -> tuple[float, ...]:
    value = dict.fromkeys(NAMES, 0.0)
    value |= {"bias": 1.0, "length": min(len(text), 8) / 8, "same": 1.0}
    if kind in value:
        value[kind] = 1.0
    value["ends"] = float(_is_end(text, takings))
    value["starts"] = float(takings[0].how != "left")
    value["excess"] = min(sum(len(word.text) - taken for word, _, taken in takings), 20) / 20
    begun = left_after = False
    school = _count_school_words(takings)
    value["same"] = float(not school)
    for at, (word, how, _) in enumerate(takings):
        sort = _sort_word(word, region)
        if how == "left":
            if at < school:
                continue
            if word.weight < _SLIGHT or (sort == "place" and _is_place_implied(word.text, takings[at + 1 :])):
                continue
            value["same"] = 0.0
            value[f"left_{sort}"] += word.weight if sort == "common" else 1
            left_after = left_after or (begun and sort != "common")
            continue
        begun = True
        if how != "whole":
            value["same"] = 0.0
            value[_CUTS[how]] += 1
        if sort != "common" and how != "inside":
            value[sort] = 1.0
    value["other_school"] = float(_is_school_cut(takings))
    value["left_number_own"] = float(bool(value["own"] and value["left_number"] and not value["number"]))
    value["left_branch"] = float(_is_branch_left(takings))
    value["split"] = float(_count_split_words(text, takings))
    if is_formal(text):
        value["excess_formal"] = value["excess"]
        value["left_common_formal"], value["left_own_formal"] = value["left_common"], value["left_own"]
        is_open = value["left_place"] or value["left_number"] or value["left_own"] or value["left_common"] >= TELLS
        value["left_after_formal"] = float(left_after)
        value["formal_open"] = float((bool(is_open) and not value["own"]) or _is_school_itself(takings))
    if not (value["own"] or value["place"]):
        value["generic"] = 1.0
        value["generic_out"] = float(bool(relation))
    value["narrower"] = float(relation == "narrower")
    return tuple(value.values())


def _is_place_torn(text: str, name: str) -> bool:
    """Whether a text begins with a place called as one that the name has not: 北海市 is no 北京市海淀区 in short."""
    place = split_name(text)[0]
    is_whole = place.kind == "place" and place.text[-1] in PLACE_KINDS and len(place.text) > _LEAST
    return is_whole and place.text[:-1] not in name


def _count_school_words(takings: tuple[Taking, ...]) -> int:
    """Count the words of a school left out before the whole name of its hospital: 南方医科大学 before 南方医院."""
    left = next((at for at, taking in enumerate(takings) if taking.how != "left"), 0)
    is_school = left > 0 and takings[left - 1].word.text in _SCHOOL_ENDS
    return left if is_school and all(taking.how == "whole" for taking in takings[left:]) else 0


def _is_branch_left(takings: tuple[Taking, ...]) -> bool:
    """Whether a place behind the 医院 of the name was left out: 宣武医院 is not 宣武医院河北医院."""
    ends = [at for at, (word, _, _) in enumerate(takings) if word.text == "医院"]
    return len(ends) > 1 and any(how == "left" and word.kind == "place" for word, how, _ in takings[ends[0] :])


def _is_school_itself(takings: tuple[Taking, ...]) -> bool:
    """Whether only 附属 was left out between a school and 医院: the school's own hospital is another one."""
    return any(
        (one.word.text in _SCHOOL_ENDS and one.how == "whole")
        and (left.word.text == _SCHOOL_ENDS[-1] and left.how == "left")
        and (other.word.text == "医院" and other.how == "whole")
        for one, left, other in zip(takings, takings[1:], takings[2:], strict=False)
    )


def _is_school_cut(takings: tuple[Taking, ...]) -> bool:
    """Whether the word right before 大学 or 学院 was left out, while that was typed: 山大 is not 山西医科大学."""
    return any(
        (one.how == "left" and one.word.kind == "common" and one.word.weight > _SLIGHT)
        and (other.word.text in _SCHOOL_ENDS[:2] and other.how != "left")
        for one, other in pairwise(takings)
    )


def _is_of_city(takings: tuple[Taking, ...], region: str) -> bool:
    """Whether what was typed is that of a city by its number, and the name that of a school there: 昆明二院."""
    words = [taking.word for taking in takings if taking.how != "left"]
    sorts = [_sort_word(word, region) for word in words if word.text not in ("市", "第")]
    is_school = any(how == "left" and word.text in (*_SCHOOL_ENDS[:2], "医学") for word, how, _ in takings)
    return (
        sorts[:2] == ["place", "number"]
        and is_school
        and any(code[2:4] != "00" for code in regions.map_names_to_codes().get(words[0].text) or ())
    )


def _is_end(text: str, takings: tuple[Taking, ...]) -> bool:
    return "".join(taking.word.text for taking in takings).endswith(text)


def _sort_word(word: NameWord, region: str) -> str:
    """Sort a word of a name: a place elsewhere (瑞金医院 in Shanghai) and a number of an army hospital are its own."""
    if word.kind == "place" and region:
        codes = regions.map_names_to_codes().get(word.text) or ()
        return "place" if not codes or any(regions.overlap(region, code) for code in codes) else "own"
    return "own" if word.kind == "number" and len(word.text) > _LONGEST_ORDINAL else word.kind


def _is_place_implied(place: str, following: tuple[Taking, ...]) -> bool:
    """Whether a place that was left out contains one that was typed: 福建省 before 龙岩市."""
    outer = regions.map_names_to_codes().get(place) or ()
    inner = [
        code
        for word, how, _ in following
        if word.kind == "place" and how == "whole"
        for code in regions.map_names_to_codes().get(word.text) or ()
    ]
    return any(regions.is_inside(code, one) for code in inner for one in outer)


def _count_split_words(text: str, takings: tuple[Taking, ...]) -> int:
    """Count the common words of a text that were not taken from one word of the name."""
    edges, at = {0}, 0
    for _, _, taken in takings:
        at += taken
        edges.add(at)
    count = start = 0
    for word in split_name(text):
        end = start + len(word.text)
        if word.kind == "common" and word.weight >= TELLS and any(start < edge < end for edge in edges):
            count += 1
        start = end
    return count
