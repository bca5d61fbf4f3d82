"""The wording of an advertisement: words that ask for a look by a person, and the techniques it offers."""

from __future__ import annotations

from registry.domain import ad_lexicon
from registry.domain.model import ContentFlag, Struct
from registry.domain.techniques import TechniqueCode


class AdWording(Struct, frozen=True):
    """``flags`` ask for a look; ``against`` stand in sentences against what they name; ``techniques`` are offered."""

    flags: list[ContentFlag]
    against: list[ContentFlag]
    techniques: list[TechniqueCode]


def read_wording(text: str | None) -> AdWording:
    """What stands in a text. Naming a technique is flagged (医疗广告管理办法 art. 7(1)) and claims it.

    Denying it is not offering it: 本院不开展三代试管.
    """
    flags: list[ContentFlag] = []
    against: list[ContentFlag] = []
    for find in ad_lexicon.find_flags(text) if text else ():
        flag = ContentFlag(kind=find.kind, text=find.text, start=find.start, end=find.end, technique=find.technique)
        (against if find.is_condemned else flags).append(flag)
    offered = [flag.technique for flag in flags if flag.technique]
    return AdWording(flags=flags, against=against, techniques=list(dict.fromkeys(offered)))
