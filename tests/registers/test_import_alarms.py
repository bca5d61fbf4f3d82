"""What about a whole list is said before anybody approves what it ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from registry.importers.wizard.list_import import ImportRequest, import_list
from registry.storage.database import Database
from tests.factories import DAY, a_database, a_list, approve

LIAONING = [{"name": f"鞍山市示例{n}院", "address": f"辽宁省鞍山市铁西区示例路{n}号"} for n in range(1, 10)]
JILIN = [
    {"province": "吉林省", "name": f"长春市示例{n}院", "address": f"吉林省长春市南关区示例路{n}号"} for n in range(1, 3)
]
DALIAN = {"name": "大连市示例院", "address": "辽宁省大连市中山区示例路1号"}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A register of nine institutions of 辽宁省 and two of 吉林省."""
    database = a_database(tmp_path)
    path = a_list(tmp_path / "first.csv", [*LIAONING, *JILIN])
    outcome = import_list(database, ImportRequest(path=path, as_of=DAY, scope="national"), by="editor.a")
    approve(database, outcome.proposal or 0)
    yield database
    database.close()


def warned(database: Database, tmp_path: Path, rows: list[dict[str, Any]], scope: str) -> list[str]:
    path = a_list(tmp_path / "next.csv", rows)
    outcome = import_list(database, ImportRequest(path=path, as_of=DAY, scope=scope), by=None, dry_run=True)
    return [line.message for line in outcome.audit if line.level == "warning"]


def test_a_list_in_which_a_whole_province_is_missing_says_so(database: Database, tmp_path: Path) -> None:
    (told,) = warned(database, tmp_path, LIAONING, "national")
    assert "吉林省" in told
    assert "2家" in told


def test_a_list_that_lacks_some_of_a_province_or_speaks_of_one_only_does_not(
    database: Database, tmp_path: Path
) -> None:
    assert warned(database, tmp_path, [*LIAONING, JILIN[0]], "national") == []
    assert warned(database, tmp_path, LIAONING, "210000") == []
    assert warned(database, tmp_path, LIAONING, "partial") == []


def test_rows_outside_the_scope_are_named(database: Database, tmp_path: Path) -> None:
    (told,) = warned(database, tmp_path, [*LIAONING, DALIAN, *JILIN], "210300")
    assert told.startswith("有3家机构不在所选范围 210300 内：大连市示例院")
    assert "长春市示例2院" in told
    assert warned(database, tmp_path, [*LIAONING, DALIAN], "210000") == []


def test_a_row_of_which_only_the_province_is_known_is_not_called_outside(database: Database, tmp_path: Path) -> None:
    vague = {"name": "辽宁省示例院", "address": "辽宁省示例路1号"}
    assert warned(database, tmp_path, [*LIAONING, vague], "210300") == []


def test_a_list_that_would_remove_a_fifth_of_the_register_says_so(database: Database, tmp_path: Path) -> None:
    (told,) = warned(database, tmp_path, [*LIAONING[:7], JILIN[0]], "national")
    assert "名录现有11家机构，其中3家" in told
