"""Makes the table of ``registry.search.character_shapes`` from its two sources; see the licences beside the table.

``python -m tests.shapes UNIHAN PARTS [PARTS]``: Unihan_DictionaryLikeData.txt of Unicode's Unihan database, as it is or
bz2 (Debian's package unicode-data has it), then chaizi-ft.txt and chaizi-jt.txt of the dictionary 漢語拆字字典
(github.com/kfcd/chaizi). Where files of parts differ, the last one counts.
"""

from __future__ import annotations

import bz2
import sys
from collections.abc import Iterable
from pathlib import Path

TABLE = Path(__file__).parents[1] / "registry" / "search" / "character_shapes.tsv"
HEAD = """\
# Four-corner code and parts of each character of the block CJK Unified Ideographs, parted by tabs; either may be empty.
# Codes: Unicode's Unihan database 15.0.0, kFourCornerCode, the first of each, without the point.
# Parts: 漢語拆字字典 (kfcd/chaizi e177ab5), the first decomposition; the simplified dictionary goes first.
# Selected and put together by tests/shapes.py; licences: character_shapes.LICENSE.txt.
"""


def read(path: Path) -> list[str]:
    """The lines of a source, unpacked where it is packed."""
    raw = path.read_bytes()
    return (bz2.decompress(raw) if path.suffix == ".bz2" else raw).decode("utf-8").splitlines()


def corners(lines: Iterable[str]) -> dict[str, str]:
    """Four-corner codes of four or five digits by character; of several, the first."""
    rows = (line.split("\t") for line in lines if not line.startswith("#"))
    return {
        chr(int(row[0].removeprefix("U+"), 16)): row[2].split()[0].replace(".", "")
        for row in rows
        if row[1:2] == ["kFourCornerCode"]
    }


def parts(lines: Iterable[str]) -> dict[str, str]:
    """The parts of the first decomposition by character; of several lines for one character, the last."""
    rows = ([cell.strip() for cell in line.split("\t")] for line in lines)
    return {row[0]: row[1].replace(" ", "") for row in rows if len(row) > 1 and row[1]}


def table(codes: dict[str, str], splits: dict[str, str]) -> str:
    """The file as it is kept."""
    rows = []
    for character in map(chr, range(0x4E00, 0xA000)):
        code, split = codes.get(character, ""), splits.get(character, "")
        if code or split:
            rows.append(f"{character}\t{code}\t{split}\n")
    return HEAD + "".join(rows)


def main(arguments: list[str]) -> None:
    """Write the table anew."""
    if len(arguments) < 2:
        raise SystemExit(__doc__)
    unihan, *dictionaries = map(Path, arguments)
    splits: dict[str, str] = {}
    for path in dictionaries:
        splits |= parts(read(path))
    TABLE.write_text(table(corners(read(unihan)), splits), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
