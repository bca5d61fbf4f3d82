"""Which characters look alike, and how the table that says so is made."""

from __future__ import annotations

import bz2
import re
from pathlib import Path

import pytest

from registry.search.character_shapes import compare_shapes, split_character
from tests import shapes

ROWS = [line.split("\t") for line in shapes.TABLE.read_text("utf-8").splitlines() if not line.startswith("#")]


@pytest.mark.parametrize(
    "pair", ["毫亳", "沐沭", "洲州", "末未", "候侯", "盂孟", "晴睛", "徽微", "冶治", "茌荏", "栗粟", "妇扫", "仁任"]
)
def test_characters_that_are_mistaken_for_each_other_look_alike(pair: str) -> None:
    one, other = pair
    assert compare_shapes(one, other) == compare_shapes(other, one) >= 0.5


@pytest.mark.parametrize("pair", ["山医", "医院", "州省", "妇山", "A医", "AB", "𠀀一", "、。"])
def test_others_do_not(pair: str) -> None:
    one, other = pair
    assert compare_shapes(one, other) == compare_shapes(other, one) == 0
    assert compare_shapes(one, one) == compare_shapes(other, other) == 1


def test_what_is_not_in_the_table_has_no_parts() -> None:
    assert (split_character("明"), split_character("A"), split_character("")) == ("日月", "", "")


def test_every_row_is_a_character_of_the_block_with_what_is_known_of_it() -> None:
    assert len(ROWS) > 20_000
    assert [row[0] for row in ROWS] == sorted({row[0] for row in ROWS})
    for character, code, parts in ROWS:
        assert "一" <= character <= "\u9fff"
        assert re.fullmatch(r"([0-9]{4,5})?", code) and (code or parts)
        assert not set(parts) & set("\t #0123456789")


def test_every_everyday_character_is_in_the_table() -> None:
    everyday = {c for c in map(chr, range(0x4E00, 0xA000)) if len(c.encode("gb2312", "ignore")) == 2}
    assert len(everyday - {row[0] for row in ROWS}) == 0
    assert len(everyday - {character for character, code, _ in ROWS if code}) <= 23


def test_the_licences_are_beside_the_table() -> None:
    told = shapes.TABLE.with_name("character_shapes.LICENSE.txt").read_text("utf-8")
    assert "UNICODE, INC. LICENSE AGREEMENT" in told and "Attribution 3.0 Unported" in told


def test_the_table_is_made_of_its_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unihan = "# a comment\nU+4E00\tkCangjie\tM\nU+4E00\tkFourCornerCode\t1000.0\nU+5987\tkFourCornerCode\t4747 4748.1\n"
    (tmp_path / "unihan.txt.bz2").write_bytes(bz2.compress(unihan.encode()))
    (tmp_path / "ft.txt").write_text("妇\t女 帚\t女 彐\n明\t日 月\t囧 月\n㐀\t一 二\n", "utf-8")
    (tmp_path / "jt.txt").write_text("妇\t女 彐\n丁\n", "utf-8")
    monkeypatch.setattr(shapes, "TABLE", tmp_path / "table.tsv")
    shapes.main([str(tmp_path / name) for name in ("unihan.txt.bz2", "ft.txt", "jt.txt")])
    made = (tmp_path / "table.tsv").read_text("utf-8")
    assert made == shapes.HEAD + "一\t10000\t\n妇\t4747\t女彐\n明\t\t日月\n"


def test_without_its_sources_the_tool_says_what_it_needs() -> None:
    with pytest.raises(SystemExit, match="Unihan"):
        shapes.main([])
