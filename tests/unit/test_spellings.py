"""What is only spelt otherwise, and what is more than that."""

from __future__ import annotations

import pytest

from registry.importers.matching.spellings import is_same_but_for_spelling

OURS = ("鞍山市示例医院（鞍山市示例妇幼保健院）", "辽宁省鞍山市铁西区示例路12号")


@pytest.mark.parametrize(
    ("name", "address", "is_spelling"),
    [
        (OURS[0], OURS[1], False),  # nothing differs
        ("鞍山市示例医院 (鞍山市示例妇幼保健院", OURS[1], True),
        (OURS[0], "辽宁省鞍山市铁西区示例路１２号", True),
        (OURS[0], "鞍山市铁西区示例路12号", True),
        (OURS[0], "辽宁省鞍山市铁面区示例路12号", True),
        ("鞍山市示例医院", OURS[1], False),  # another name less
        ("鞍山市示列医院（鞍山市示例妇幼保健院）", OURS[1], False),
        (OURS[0], "辽宁省鞍山市铁西区示例路12号3号楼", False),  # says more
        (OURS[0], "辽宁省鞍山市铁东区示例路12号", False),
        (OURS[0], "辽宁省鞍山市铁西区示例路13号", False),
        (OURS[0], "辽宁省鞍山市铁西区示例路12号、14号", False),
    ],
)
def test_spelling_is_what_says_the_same(name: str, address: str, is_spelling: bool) -> None:
    before, after = ({"name": one[0], "address": one[1]} for one in (OURS, (name, address)))
    assert is_same_but_for_spelling(before, after) is is_spelling
    assert is_same_but_for_spelling(after, before) is is_spelling
