"""Understanding a question: which parts are a place, a technique or a stage, and which are a name or an address.

A question has several readings, and which of them was meant is seen only beside the institutions there are:
西安高新医院 is one, 西安唐都医院 is 唐都医院 in 西安. So every reading is tried, the plainest first, and ``rank``
compares what they give.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import product

from msgspec.structs import replace

from registry import placenames, regions, techniques
from registry.search import pinyin
from registry.search.contract import Reading, SearchQuery, Understood
from registry.search.pinyin import Piece
from registry.search.places import heard_place, is_place, meant, places_at
from registry.techniques import BY_CODE, STAGES, TECHNIQUES, Stage, TechniqueCode
from registry.text import fold, simplified, width

MAX_LENGTH = 200
#: No question is read in more words or more ways than this.
_WORDS_READ, _WAYS = 12, 4
_APART = re.compile(r"[\s,，、/;；。？?!！:：+|]+|(?<=[a-zA-Z])['’´`](?=[a-zA-Z])")
_RUN = re.compile("[a-z]+|[^a-z]+")
#: Words around a question that say nothing about which institution.
_FILLER = re.compile(
    "(?:请问|我想|想要?|查一?下|查询|搜索|有?哪些|哪里|哪儿|哪家|哪个|什么|有没有|是不是|可不可以|可以|能不能|能够?|做|开展|进行|怎么样|好不好|多少钱"
    "|费用|价格|电话|地址|官网|挂号|预约|正规|合法|批准|获批|最好|比较好|好的|的|吗|呢|附近|三甲|公立|国家"
    "|医疗机构|医院|机构|名单|名录|技术|助孕|辅助生殖|人类辅助生殖|生殖|中心|科室?|在|和|及|与)"
)
#: The department people name beside its hospital; and what they ask about it.
_DEPARTMENT = re.compile(
    "(?:生殖(?:医学|健康|遗传|内分泌|助孕)*(?:与不孕)?(?:中心|科|门诊|医学部)|(?:不孕不育|辅助生殖|生殖医学|遗传)(?:中心|科|门诊)|试管(?:婴儿)?(?:中心|科|室)"
    "|怎么样|好不好|多少钱|费用|价格|电话|地址|官网|挂号|预约|正规吗|合法吗|能做吗|可以做吗|能不能做|可以做|有没有|有哪些|哪家|吗|呢|的)"
)
#: Kinds of hospital people ask for by a word that is in no name: the word, and what their names hold.
CATEGORIES: dict[str, tuple[tuple[str, ...], re.Pattern[str]]] = {
    "military": (
        ("部队医院", "军队医院", "解放军医院", "军医院", "武警医院", "部队"),
        re.compile("解放军|军区|战区|联勤保障部队|军医大学|特色医学中心|集团军|武警|火箭军|海军|空军|陆军"),
    ),
}
#: The same kinds for an engine: every name the expression fits holds one of these.
CATEGORY_TOKENS = {category: tuple(fits.pattern.split("|")) for category, (_, fits) in CATEGORIES.items()}


def _vocabulary() -> dict[str, tuple[str, str]]:
    words: dict[str, tuple[str, str]] = {}
    for technique in TECHNIQUES:
        for word in (technique.code, *technique.printed, *technique.said):
            words[fold(word)] = ("technique", technique.code)
            words[simplified(width(word)).lower()] = ("technique", technique.code)
    for stage, printed in STAGES.items():
        words.update((word, ("stage", stage)) for word in printed)
    for category, (said, _) in CATEGORIES.items():
        words.update((word, ("category", category)) for word in said)
    return words


_WORDS = _vocabulary()
_LONGEST = max(map(len, _WORDS))


@lru_cache(maxsize=2048)
def understand(raw: str) -> SearchQuery:
    """The question in our words. Never fails: what is not understood is text."""
    text = simplified(width(raw[:MAX_LENGTH])).lower()
    words = [word for word in _APART.split(text) if fold(word)][:_WORDS_READ]
    if not words:
        return SearchQuery(raw=raw)
    listing = _listing(words)
    plain = _Draft(words)
    drafts = [plain]
    bare = _without_words(plain)
    if bare.words != plain.words:
        drafts.append(bare)
    drafts += [placed for draft in drafts[-1:] for placed in _placed(draft)]
    readings = [reading for draft in drafts if draft.words for reading in draft.readings()]
    readings.sort(key=lambda reading: reading.cost)
    first = listing is not None and (
        any(piece.kind != "region" for piece in listing.understood) or fold(listing.understood[0].text) == fold(text)
    )
    return SearchQuery(raw=raw, readings=tuple(dict.fromkeys(readings)), listing=listing, listing_first=first)


class _Draft:
    """Words still to be looked for, and what was taken out of them."""

    def __init__(self, words: Sequence[str], found: Iterable[Understood] = (), cost: float = 0.0) -> None:
        self.words = [word for word in words if fold(word)]
        self.found = tuple(found)
        self.cost = cost

    def readings(self) -> list[Reading]:
        """As characters; or, when there are letters, as sounds and as initials."""
        folded = tuple(fold(word) for word in self.words)
        base = _filtering(self.found, self.cost)
        dearer = replace(base, cost=self.cost + 0.1)
        text = "".join(folded)
        if not re.search("[a-z]", text):
            return [replace(base, text=text, parts=folded if len(folded) > 1 else ())]
        found = []
        if text.isascii() and 2 <= len(text) <= 24:
            found.append(replace(dearer, letters=text))
        if ways := _ways(self.words):
            found.append(replace(base, ways=ways))
        if not text.isascii() or len(text) == 1:
            found.append(replace(dearer, text=text))
        return found


def _filtering(found: tuple[Understood, ...], cost: float) -> Reading:
    """A reading in which nothing is a name yet, with what was taken out of the question."""
    codes: list[TechniqueCode] = [
        t.code for t in TECHNIQUES if any(u.kind == "technique" and u.value == t.code for u in found)
    ]
    stages: list[Stage] = [stage for stage in STAGES if any(u.kind == "stage" and u.value == stage for u in found)]
    places = meant(found)
    kept = [u for u in found if u.kind != "region" or any(p.startswith(regions.prefix(u.value)) for p in places)]
    return Reading(
        regions=places,
        techniques=tuple(codes),
        stage=stages[0] if stages else None,
        categories=tuple(dict.fromkeys(u.value for u in found if u.kind == "category")),
        understood=tuple(kept),
        cost=cost,
    )


# --- letters ---------------------------------------------------------------------------------------------------------


def _ways(words: Sequence[str]) -> tuple[tuple[Piece, ...], ...]:
    """How a question with letters may sound: characters as they are, runs of letters cut into syllables."""
    runs: list[list[tuple[Piece, ...]]] = []
    for word in words:
        for run in _RUN.findall(word):
            if run.isascii() and run.isalpha():
                runs.append(list(pinyin.cut(run)))
            elif atoms := pinyin.atoms(run).split():
                runs.append([tuple(Piece("c", atom) for atom in atoms)])
    if not all(runs):
        return ()
    found: list[tuple[Piece, ...]] = []
    for choice in product(*(options[:2] for options in runs[:6])):
        found.append(tuple(piece for part in choice for piece in part))
        if len(found) == _WAYS:
            break
    return tuple(found)


# --- words taken out -------------------------------------------------------------------------------------------------


def _without_words(draft: _Draft) -> _Draft:
    """Without techniques, stages, kinds and words about a department, wherever they stand."""
    found: list[Understood] = []
    rest: list[str] = []
    for word in draft.words:
        kept, here = _cut_out(word)
        found += here
        rest += kept
    return _Draft(rest, found, 0.2)


def _cut_out(word: str) -> tuple[list[str], list[Understood]]:
    kept, found, start, at = [], [], 0, 0
    while at < len(word):
        if said := _word_at(word, at):
            length, piece = said
            found.append(piece)
        elif filler := _DEPARTMENT.match(word, at):
            length = filler.end() - at
        else:
            at += 1
            continue
        kept.append(word[start:at])
        at = start = at + length
    kept.append(word[start:])
    return [part for part in kept if fold(part)], found


def _word_at(text: str, position: int) -> tuple[int, Understood] | None:
    """The longest word for a technique, a stage or a kind that stands here: (length, what it means)."""
    if text[position] in " -" or (position and text[position].isascii() and text[position - 1].isascii()):
        return None
    for length in range(min(_LONGEST, len(text) - position), 1, -1):
        piece = text[position : position + length]
        told = _WORDS.get(piece)
        if told and not (
            piece[-1].isascii()
            and text[position + length : position + length + 1].isascii()
            and text[position + length : position + length + 1].isalnum()
        ):
            return length, Understood(text=piece, kind=told[0], value=told[1])  # type: ignore[arg-type]
    return None


# --- places taken out ------------------------------------------------------------------------------------------------


def _placed(draft: _Draft) -> list[_Draft]:
    """With the words that are places, or the places that the first word begins with, as where it must be."""
    drafts = []
    named = {at: here for at, word in enumerate(draft.words) if (here := is_place(word))}
    rest = [word for at, word in enumerate(draft.words) if at not in named]
    found = [piece for here in named.values() for piece in here]
    if named and rest:
        drafts.append(_Draft(rest, [*draft.found, *found], draft.cost + 0.2))
    for at, word in enumerate(rest):
        left, here = places_at(word)
        if here and fold(left):
            drafts.append(_Draft([*rest[:at], left, *rest[at + 1 :]], [*draft.found, *found, *here], draft.cost + 0.3))
            break
    if heard := heard_place("".join(draft.words)):
        text, pieces = heard
        drafts.append(_Draft([text], [*draft.found, *pieces], draft.cost + 0.4))
    return drafts


# --- questions of filters only ---------------------------------------------------------------------------------------


def _listing(words: Sequence[str]) -> Reading | None:
    """The filters a question is wholly made of, or None when something is left over or there is no such word."""
    found: list[Understood] = []
    for word in words:
        position = 0
        while position < len(word):
            if said := _word_at(word, position):
                length, piece = said
                found.append(piece)
                position += length
            elif place := _place_at(word, position):
                end, pieces = place
                found += pieces
                position = end
            elif filler := _FILLER.match(word, position):
                position = filler.end()
            else:
                return None
    return _filtering(tuple(found), 0.0) if found else None


def _place_at(word: str, position: int) -> tuple[int, list[Understood]] | None:
    here = [(end, code) for start, end, code in placenames.named(word[position:]) if start == 0]
    if not here:
        return None
    end = here[0][0]
    text = word[position : position + end]
    return position + end, [Understood(text=text, kind="region", value=code) for _, code in here]


def technique_filter(word: str) -> TechniqueCode | None:
    """A filter value as people and programs give it: a code or a word."""
    return techniques.from_words(word) if word not in BY_CODE else BY_CODE[word].code
