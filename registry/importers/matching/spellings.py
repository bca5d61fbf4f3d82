"""What a list only spells differently: no rename and no move, and nothing that a name or an address states is lost."""

import re
from typing import Any

from registry.domain.normalise import fold_text
from registry.verification import addresses

_SIGNS = re.compile(r"[\W_]+")


def is_same_but_for_spelling(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether two sides differ, and by nothing but blanks, brackets, width and forms of an address.

    >>> row = {"name": "甲医院（乙医院）", "address": "鞍山市铁西区1号"}
    >>> is_same_but_for_spelling(row, {**row, "name": "甲医院(乙医院 "}), is_same_but_for_spelling(row, row)
    (True, False)
    """
    sides = [(side["name"], side["address"]) for side in (before, after)]
    names = {_SIGNS.sub("", fold_text(name)) for name, _ in sides}
    if sides[0] == sides[1] or len(names) > 1:
        return False
    return addresses.compare_addresses(after["address"], before["address"], None) in ("same", "form")
