"""Words for what nobody may offer: surrogacy, trade in eggs and sperm, choosing a child's sex. Data, no verdict.

人类辅助生殖技术管理办法 (2001) art. 3: no trade in gametes, zygotes or embryos in any form, no surrogacy of any form;
art. 17: no choice of sex. What is found asks for a look by a person: the same words also stand in notices against it.
Words are found however they are masked: 代*孕, 代 孕, dai孕, 代yun, daiyun, 带孕, traditional, full width, zero width.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple

from registry.text import simplified, width

ForbiddenKind = Literal["surrogacy", "gamete_trade", "sex_selection"]


class Forbidden(NamedTuple):
    """One find: ``text[start:end]`` of what was given. ``condemned``: it stands in a sentence against it."""

    kind: ForbiddenKind
    text: str
    start: int
    end: int
    condemned: bool


#: Words as people write them; those of letters are how others are spelt in pinyin.
WORDS: dict[ForbiddenKind, tuple[str, ...]] = {
    "surrogacy": (
        *(
            "代孕",
            "代怀",
            "代怀孕",
            "代孕妈妈",
            "代孕母",
            "代妈",
            "代妈妈",
            "代理孕母",
            "代理妈妈",
            "代产",
            "带孕",
            "贷孕",
        ),
        *("代生", "包代生", "代生子", "代生孩子", "借腹", "借腹生子", "助孕公司", "助孕中介"),
        *("找人代孕", "代孕公司", "代孕机构", "代孕中心"),
    ),
    "gamete_trade": (
        *("供卵", "供卵试管", "借卵", "借卵试管", "卖卵", "卖卵子", "买卵", "买卵子", "买卖卵子", "卵子买卖", "卵妹"),
        *("高价求卵", "有偿捐卵", "有偿供卵", "卖精", "卖精子", "买精", "买精子", "买卖精子", "有偿捐精"),
        *("买胚胎", "卖胚胎", "买卖胚胎"),
    ),
    "sex_selection": (
        *("选性别", "三代选性别", "选择性别", "性别选择", "挑性别", "定制性别", "性别定制", "生男生女"),
        *(
            "包男孩",
            "包女孩",
            "包儿子",
            "包生男",
            "包生男孩",
            "包生儿子",
            "保生男",
            "选男孩",
            "选女孩",
            "选男女",
            "选生男孩",
        ),
        *("皮夹克", "小棉袄"),
    ),
}
#: How these sound, for letters among or instead of their characters.
_SOUNDS = {
    **{"代": "dai", "带": "dai", "孕": "yun", "怀": "huai", "妈": "ma", "生": "sheng", "供": "gong", "借": "jie"},
    **{"卖": "mai", "卵": "luan", "选": "xuan", "性": "xing", "别": "bie"},
}
#: Words that are recognised also when wholly spelt in letters; others would be found inside ordinary ones.
_SPELT = frozenset({"代孕", "代怀孕", "供卵", "借卵", "卖卵", "选性别"})
#: No word has more letters when it is wholly spelt: looking further ahead would take time without end in a long text.
_LONGEST = 30
#: What is written over or between the characters of a word to hide it, beside punctuation, which is left out anyway.
_MASK = "[x〇o0口]?"

# 代 also ends 现代, 时代, 第三代 …; then what follows begins another word.
_AGES = "新现时替古世历年当近朝隔一二三四五六七八九十0123456789两几每换末"
_NOT_BEFORE = {
    "代妈": f"[{_AGES}后生]",
    "代妈妈": f"[{_AGES}后生]",
    "代生": f"[{_AGES}后生取]",
    "代产": f"[{_AGES}后生]",
    "代怀": f"[{_AGES}后]",
    "供卵": "提",
    "借腹": "凭",
}
_NOT_AFTER = {
    "代孕": "[育期妇婴前检产味]",
    "代生": "[殖物活命态理产意育机效动成]",
    "代产": "[品业后前妇科物]",
    "代怀": "[念旧疑抱里表]",
    "供卵": "[巢泡]",
    "生男生女": "都|一样|顺其自然|是谁|由谁",
    "选择性别": "[差认歧]",
    "买精": "[品密美致选]",
    "卖精": "[品密美致选]",
    "带孕": "[妇期检妈]",
    "借腹": "[部肌针]",
}
_AGAINST = re.compile(
    "(?:打击|禁止|严禁|不得|不准|严查|查处|查办|取缔|拒绝|抵制|举报|反对|杜绝|整治|远离|警惕|谨防|严惩|惩治|防范|投诉|揭露"
    "|不做|不提供|不开展|从不|绝不|没有)[^，。！？；,.!?;\n]{0,8}$"
)
_IS_WRONG = re.compile(
    "^[^，。！？；,.!?;\n]{0,6}?(?:违法|犯法|犯罪|非法|违规|入刑|禁令|被查|被罚|被判|被抓|被捕|骗局|陷阱|危害|案件"
    "|不合法|是禁止|被禁止|零容忍)"
)


def _pattern(word: str) -> re.Pattern[str]:
    """The word with any of its characters spelt in letters; wholly so only where that is no other word."""
    parts = [f"(?:{c}|{_SOUNDS[c]})" if c in _SOUNDS else c for c in word]
    told = _MASK.join(parts)
    if word not in _SPELT:
        told = f"(?=[a-z]{{0,{_LONGEST}}}[^a-z]){told}" if any(c in _SOUNDS for c in word) else told
    before = f"(?<!{_NOT_BEFORE[word]})" if word in _NOT_BEFORE else ""
    after = f"(?!{_NOT_AFTER[word]})" if word in _NOT_AFTER else ""
    # dai Yunnan, xiandai yunfu: letters that go on are another word unless they are its usual company
    return re.compile(f"(?<!xian)(?<!shi)(?<!ti)(?<!hou){before}{told}(?!nan(?:[^a-z]|$))(?!fu|qi|er)(?![aeg]){after}")


_PATTERNS = [(kind, word, _pattern(word)) for kind, words in WORDS.items() for word in words]


def forbidden(text: str) -> list[Forbidden]:
    """Every word in a text for what nobody may offer, in order, the longest where several begin; never overlapping."""
    plain, positions = _plain(text)
    found: list[tuple[int, int, ForbiddenKind]] = []
    for kind, word, pattern in _PATTERNS:
        if all(c in plain or _SOUNDS.get(c, c) in plain for c in word):  # much quicker than the pattern
            found += [(match.start(), match.end(), kind) for match in pattern.finditer(plain)]
    finds: list[Forbidden] = []
    until = 0
    for start, end, kind in sorted(found, key=lambda one: (one[0], -one[1])):
        if start < until:
            continue
        until = end
        first, last = positions[start], positions[end - 1] + 1
        finds.append(Forbidden(kind, text[first:last], first, last, _is_condemned(text, first, last)))
    return finds


@lru_cache(maxsize=8192)
def _folded(raw: str) -> str:
    return simplified(width(raw)).lower()


def _plain(text: str) -> tuple[str, list[int]]:
    """Letters, digits and characters alone, folded one by one, and where in the text each of them stands."""
    plain: list[str] = []
    positions: list[int] = []
    for at, raw in enumerate(text):
        for character in raw.lower() if raw.isascii() else _folded(raw):
            if character.isalnum():
                plain.append(character)
                positions.append(at)
    return "".join(plain), positions


def _is_condemned(text: str, start: int, end: int) -> bool:
    before, after = simplified(width(text[max(0, start - 16) : start])), simplified(width(text[end : end + 14]))
    return bool(_AGAINST.search(before) or _IS_WRONG.search(after))
