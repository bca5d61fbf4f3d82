"""What a great many names have, so that it tells nothing of which institution is meant and is asked for least."""

from __future__ import annotations

from itertools import pairwise

from registry.search import pinyin

_COMMON = "医院人民市第大学附属有限公司妇幼保健"
#: Characters and syllables that nearly every name has.
EVERYWHERE = frozenset(
    (*_COMMON, *(sound for character in _COMMON for sound in pinyin.to_atoms(character).strip().split(".")[1:]))
)
#: Neighbours that a great many names have.
COMMON_PAIRS = (
    frozenset(
        pair
        for words in (
            "人民医院",
            "市人民医院",
            "市妇幼保健院",
            "省妇幼保健院",
            "妇女儿童医院",
            "妇产医院",
            "妇产科医院",
            "中心医院",
            "大学附属医院",
            "医科大学附属第医院",
            "医学院附属",
            "中医药大学",
            "中医院",
            "总医院",
            "专科医院",
            "生殖医院",
            "区妇",
            "县人",
            "保健医院",
        )
        for pair in map("".join, pairwise(words))
    )
    | frozenset(f"第{n}" for n in range(10))
    | frozenset(f"{n}医" for n in range(10))
    | frozenset(f"{n}人" for n in range(10))
)
