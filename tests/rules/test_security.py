"""docs/security.md names what exists, and judges every section of OWASP ASVS 5.0."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "security.md").read_text("utf-8")
#: How many sections each chapter of ASVS 5.0.0 has, V1 first.
SECTIONS = (5, 4, 7, 4, 4, 8, 6, 4, 2, 7, 7, 3, 4, 3, 4, 5, 3)
NAMED = sorted(set(re.findall(r"`((?:tests|registry|public_site)/[\w/.]+?\.py(?:::\w+)?)`", TEXT)))


def rows() -> dict[str, str]:
    """Each section's row of the tables, by its number."""
    return dict(re.findall(r"^\| (V\d+\.\d+) (\|.*)$", TEXT, re.MULTILINE))


def is_there(name: str) -> bool:
    path, _, test = name.partition("::")
    if not (ROOT / path).is_file():
        return False
    return not test or bool(re.search(rf"^(?:async )?def {test}\(", (ROOT / path).read_text("utf-8"), re.MULTILINE))


def test_what_it_names_is_there() -> None:
    assert [name for name in NAMED if not is_there(name)] == []


def test_it_names_enough_to_be_worth_looking_at() -> None:
    assert sum(name.startswith("tests/") for name in NAMED) > 40
    assert sum(not name.startswith("tests/") for name in NAMED) > 30


def test_every_section_of_the_standard_is_judged() -> None:
    expected = {f"V{chapter}.{n}" for chapter, number in enumerate(SECTIONS, start=1) for n in range(1, number + 1)}
    assert rows().keys() == expected
    assert len(re.findall(r"^### V\d+ ", TEXT, re.MULTILINE)) == len(SECTIONS)


def test_what_is_met_says_where_or_by_which_test() -> None:
    for section, row in rows().items():
        _, how, where, _ = (cell.strip() for cell in row.split("|"))
        assert how, section
        assert how.startswith(("-", "level 3 only")) or "`" in where or "](" in where, section
