"""The technique table: what may be approved, how lists print it, which words people use.

Source: attachments to the national lists; WS 218 supervision codes 0903xx. Adding a technique is adding a row here, at
the end: the place of a row is the place of its bits in ``versions.offers``.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Literal

import msgspec

from registry.domain.normalise import compact_text, normalise_script

Stage = Literal["preparing", "trial", "formal", "operating", "rectification", "suspended", "revoked", "lapsed"]


class Technique(msgspec.Struct, frozen=True):
    """One approvable technique with every way it is written.

    ``broad`` are the words of ``said``, or the code, that also mean narrower techniques; ``within`` is the technique
    whose broad words may mean this one: beside an exact word for this one they mean nothing more.
    """

    code: str
    official_zh: str
    official_en: str
    plain_zh: str
    plain_en: str

    def get_official_name(self, lang: str) -> str:
        """The official name: English where English is spoken, else the Chinese one, which the approvals print."""
        return self.official_en if lang.startswith("en") else self.official_zh

    def get_plain_word(self, lang: str) -> str:
        """The everyday word, English or Chinese."""
        return self.plain_en if lang.startswith("en") else self.plain_zh

    supervision_code: str
    printed: tuple[str, ...]
    said: tuple[str, ...]
    broad: tuple[str, ...] = ()
    within: str | None = None


TECHNIQUES: tuple[Technique, ...] = (
    Technique(
        "AIH",
        "夫精人工授精",
        "artificial insemination by husband",
        "夫精人工授精",
        "insemination with the husband's sperm",
        "090302",
        ("夫精人工授精", "夫精人工授精技术"),
        (
            *("人工授精", "人授", "IUI", "夫精", "夫精人授", "人工受精"),
            *("丈夫精液人工授精", "宫腔内人工授精"),
        ),
        broad=("人工授精", "人工受精", "人授", "IUI"),
    ),
    Technique(
        "AID",
        "供精人工授精",
        "artificial insemination by donor",
        "供精人工授精",
        "insemination with donor sperm",
        "090301",
        ("供精人工授精", "供精人工授精技术"),
        ("供精", "精子库人授", "供精人授", "供者精液人工授精"),
        within="AIH",
    ),
    Technique(
        "IVF",
        "体外受精-胚胎移植",
        "in vitro fertilisation and embryo transfer",
        "试管婴儿",
        "test-tube baby (IVF)",
        "090303",
        ("体外受精-胚胎移植", "体外受精-胚胎移植技术", "常规体外受精-胚胎移植", "常规体外受精-胚胎移植技术"),
        (
            "试管婴儿",
            "试管",
            "一代",
            "一代试管",
            "一代试管婴儿",
            "第一代",
            "第一代试管",
            "第一代试管婴儿",
            "IVF-ET",
            "体外受精",
            "体外授精",
            "胚胎移植",
            *("体外受精及胚胎移植", "体外受精与胚胎移植", "体外受精和胚胎移植", "体外授精-胚胎移植"),
        ),
        broad=("试管婴儿", "试管", "IVF"),
    ),
    Technique(
        "ICSI",
        "卵胞浆内单精子显微注射",
        "intracytoplasmic sperm injection",
        "二代试管",
        "second-generation IVF (ICSI)",
        "090304",
        (
            "卵胞浆内单精子显微注射",
            "卵胞浆内单精子显微注射技术",
            "卵泡浆内单精子显微注射",
            "卵泡浆内单精子显微注射技术",
            "卵胞浆内单精子注射",
            "卵胞浆内单精子注射技术",
        ),
        (
            "二代",
            "二代试管",
            "二代试管婴儿",
            "第二代",
            "第二代试管",
            "第二代试管婴儿",
            "单精子注射",
            "单精子显微注射",
            *("卵胞质内单精子注射", "卵胞质内单精子显微注射", "单精子卵胞浆内注射", "单精子卵胞浆内显微注射"),
        ),
        within="IVF",
    ),
    Technique(
        "PGT",
        "植入前胚胎遗传学检测",
        "preimplantation genetic testing",
        "三代试管",
        "third-generation IVF (PGT)",
        "090305",
        (
            "植入前胚胎遗传学诊断",
            "植入前胚胎遗传学诊断技术",
            "植入前胚胎遗传学检测",
            "植入前胚胎遗传学检测技术",
            "胚胎植入前遗传学诊断",
            "胚胎植入前遗传学诊断技术",
            "胚胎植入前遗传学检测",
            "胚胎植入前遗传学检测技术",
        ),
        (
            "三代",
            "三代试管",
            "三代试管婴儿",
            "第三代",
            "第三代试管",
            "第三代试管婴儿",
            "PGD",
            "PGS",
            "PGT-A",
            "PGT-M",
            "PGT-SR",
            "胚胎筛查",
            "胚胎遗传学检测",
            "胚胎遗传学诊断",
            *("植入前遗传学检测", "植入前遗传学诊断", "植入前遗传学筛查"),
            *("胚胎植入前遗传学筛查", "植入前胚胎遗传学筛查"),
        ),
        within="IVF",
    ),
    Technique(
        "SPERM_BANK",
        "人类精子库",
        "human sperm bank",
        "精子库",
        "sperm bank",
        "090306",
        ("人类精子库", "人类精子库技术"),
        ("精子库", "精子银行"),
        within="AIH",
    ),
)
if TYPE_CHECKING:
    TechniqueCode = str
else:
    #: One of the codes of the table: what is decoded and documented as such takes no other word.
    TechniqueCode = Literal[tuple(technique.code for technique in TECHNIQUES)]
#: The one technique that is no treatment: lists print sperm banks in tables of their own.
BANK: TechniqueCode = "SPERM_BANK"

BY_CODE: dict[str, Technique] = {t.code: t for t in TECHNIQUES}

#: Every stage with the words lists print for it. `operating`: the source says trial or formal without saying which.
STAGES: dict[Stage, tuple[str, ...]] = {
    "preparing": ("筹建", "筹建中"),
    "trial": ("试运行",),
    "formal": ("正式运行", "正式"),
    "operating": (),
    "rectification": ("限期整改",),
    "suspended": ("停业整改", "暂停"),
    "revoked": ("撤销",),
    "lapsed": ("失效",),
}

#: Stages in which treating patients is lawful (《人类辅助生殖技术管理办法》 and the trial year of its rules).
LAWFUL_STAGES: frozenset[str] = frozenset({"trial", "formal", "operating", "rectification"})

_DASHES = re.compile("[‐-―−－—–一]+(?=胚胎)|[‐-―−－—–]")
#: Signs that nobody speaks; signs between two words for one technique; the ending a word may carry.
_MARKS = re.compile("[^0-9A-Z一-鿿]+")
_ALSO = re.compile("[()/]")
_MANNER = re.compile("(?:技术|术)$")
#: 3代 and Ⅲ代 are 三代.
_GENERATION = re.compile("(?:[123]|I{1,3})(?=代)")
_GENERATIONS = {"1": "一", "2": "二", "3": "三", "I": "一", "II": "二", "III": "三"}


def _normalise_word(text: str) -> str:
    return compact_text(_DASHES.sub("-", unicodedata.normalize("NFKC", text))).upper()


@cache
def _map_words_to_codes(printed_only: bool) -> dict[str, TechniqueCode]:
    words: dict[str, TechniqueCode] = {}
    for technique in TECHNIQUES:
        for word in (technique.code, *technique.printed, *(() if printed_only else technique.said)):
            words[_normalise_word(word)] = technique.code
    return words


def find_printed_technique(text: str) -> TechniqueCode | None:
    """The technique a list cell prints, dashes and width aside; None when the table has no such wording.

    >>> find_printed_technique("常规体外受精—胚胎移植技术")
    'IVF'
    >>> find_printed_technique("冻卵") is None
    True
    """
    return _map_words_to_codes(True).get(_normalise_word(text))


@lru_cache(maxsize=4096)
def find_technique(text: str) -> TechniqueCode | None:
    """The technique that a code, a printed wording or an everyday word means; None for anything else.

    Width, script, spaces and dashes do not matter, nor 技术 at the end; a word and its code in a bracket are one.

    >>> find_technique("三代试管"), find_technique("第3代試管嬰兒技術"), find_technique("试管婴儿（IVF-ET）")
    ('PGT', 'PGT', 'IVF')
    >>> find_technique("供卵试管") is None
    True
    """
    whole = normalise_script(text).upper()
    code = _map_words_to_codes(False).get(_normalise_word(whole)) or _find_everyday_word(whole)
    if code is not None:
        return code
    codes = {_find_everyday_word(part) for part in _ALSO.split(whole) if part.strip()}
    return codes.pop() if len(codes) == 1 else None


def _find_everyday_word(word: str) -> TechniqueCode | None:
    key = _GENERATION.sub(lambda match: _GENERATIONS[match[0]], _MARKS.sub("", word))
    return _map_keys_to_codes().get(key) or _map_keys_to_codes().get(_MANNER.sub("", key))


@cache
def _map_keys_to_codes() -> dict[str, TechniqueCode]:
    return {_MARKS.sub("", word): code for word, code in _map_words_to_codes(False).items()}


def find_stage(text: str) -> Stage | None:
    """The stage a list cell prints (or its English code); None when unknown.

    >>> find_stage("试运行")
    'trial'
    """
    wanted = _normalise_word(text)
    for stage, words in STAGES.items():
        if wanted == stage.upper() or any(wanted == _normalise_word(word) for word in words):
            return stage
    return None
