"""What a list only spells differently: no rename and no move, and nothing that a name or an address states is lost."""

import re
from typing import Any

from registry.domain.normalise import fold_text
from registry.verification import addresses

_SIGNS = re.compile(r"[\W_]+")


def is_same_but_for_spelling(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether two sides differ, and by nothing but blanks, brackets, width, places above an address, a character.

    An address with one part more says more: that is no spelling.

    >>> row = {"name": "甲医院（乙医院）", "address": "鞍山市铁西区1号"}
    >>> is_same_but_for_spelling(row, {**row, "name": "甲医院(乙医院 "}), is_same_but_for_spelling(row, row)
    (True, False)
    """
    sides = [(side["name"], side["address"]) for side in (before, after)]
    names, places = ({_SIGNS.sub("", fold_text(text)) for text in texts} for texts in zip(*sides, strict=True))
    if sides[0] == sides[1] or len(names) > 1:
        return False
    longest, shortest = max(places, key=len), min(places, key=len)
    if len(longest) != len(shortest) and not longest.endswith(shortest):
        return False
    return addresses.compare_addresses(after["address"], before["address"], None) in ("same", "form")
