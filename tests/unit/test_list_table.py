"""Institutions of a list, written as another list, read as they were read."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from registry.importers.reading.list_file import ListedInstitution
from registry.importers.reading.list_table import format_list_table
from registry.importers.reading.lists import read_list
from tests.factories import LIST_2018
from tests.unit.test_lists import a_csv
from tests.unit.test_row_review import ROWS

DOCX = Path(__file__).parents[1] / "data" / "national-list-2025-06.docx"


def reread(path: Path, folder: Path) -> tuple[tuple[ListedInstitution, ...], ...]:
    """The institutions of a file, and those of the table that is made of them, without the numbers of their rows."""
    table = folder / "table.csv"
    table.write_bytes(format_list_table(read_list(path).institutions))
    found = [read_list(path), read_list(table)]
    assert [one.errors for one in found] == [(), ()]
    return tuple(tuple(msgspec.structs.replace(one, row=0) for one in each.institutions) for each in found)


@pytest.mark.parametrize("path", [DOCX, LIST_2018])
def test_the_real_lists_are_read_again_as_they_were(path: Path, tmp_path: Path) -> None:
    before, after = reread(path, tmp_path)
    assert before == after


def test_whatever_columns_a_list_has_are_written(tmp_path: Path) -> None:
    titles = ["批准文号", "批准日期", "校验有效期至", "统一社会信用代码", "备注"]
    cells = ["示卫医〔2025〕3号", "2025-01-02", "2027-01-01", "", "=1+1"]
    rows = [[*row, *(titles if n == 0 else cells)] for n, row in enumerate(ROWS)]
    before, after = reread(a_csv(tmp_path / "a.csv", rows), tmp_path)
    assert [one.approvals for one in before] == [one.approvals for one in after]
    assert {one.extra["备注"] for one in after} == {"'=1+1"}  # no formula for whoever opens it
