"""Headings of a file of claims: below titles, parted by what the file says, each named as understood or ignored."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.batch.claim_rows import CsvReader
from registry.batch.column_notes import ColumnNotes
from registry.batch.columns import COLUMNS
from registry.errors import InvalidInput

ROOT = Path(__file__).parents[2]


def read(text: str) -> tuple[list[tuple[int, str | None]], ColumnNotes]:
    """(number, name) of every row of a csv file, and what its reader notes."""
    reader = CsvReader()
    try:
        rows = [*reader.feed(text.encode()), *reader.feed_end()]
    finally:
        reader.close()
    return [(row.number, row.claim.provider.name if row.claim else None) for row in rows], reader.table.notes


@pytest.mark.parametrize(
    "text",
    [
        "广告监测线索表\n机构名称,技术\n某医院,IVF\n",
        "广告监测线索表,\n\n机构名称,技术\n某医院,IVF\n",
        "广告监测, 2025\n机构名称\t技术\n某医院\tIVF, PGT\n",
        "sep=,\n机构名称,技术\n某医院,IVF\n",
        '"sep=;"\r\n机构名称;技术\r\n某医院;"IVF, PGT"\r\n',
        "\ufeffSEP=\t\n机构名称\t技术\n某医院\tIVF, PGT\n",
    ],
)
def test_titles_and_a_line_that_names_the_separator_stand_above_the_headings(text: str) -> None:
    rows, notes = read(text)
    assert [name for _, name in rows] == ["某医院"]
    assert rows[0][0] == len(text.splitlines())
    assert [field for _, field in notes.understood] == ["name", "techniques"]
    assert notes.skipped_rows == ("sep" not in text.lower())


def test_a_single_column_is_not_parted_by_what_stands_in_its_cells() -> None:
    assert [name for _, name in read("名称\n甲医院;乙医院\n丙\t医院\n")[0]] == ["甲医院;乙医院", "丙\t医院"]


def test_every_column_is_named_as_understood_or_as_ignored_with_the_heading_it_resembles() -> None:
    _, notes = read("编码,机构名,地 址,,备注,verdict,,\n7HV2-JKMV,某医院,示例路1号,x,甲,licensed,,\n")
    assert notes.understood == [("编码", "code"), ("地 址", "address")]
    assert notes.ignored == [("机构名", "机构名称"), ("#4", None), ("备注", None)]
    headers = notes.make_headers()
    assert headers == {
        "X-Columns-Understood": "code=%E7%BC%96%E7%A0%81, address=%E5%9C%B0%20%E5%9D%80",
        "X-Columns-Ignored": "%E6%9C%BA%E6%9E%84%E5%90%8D;near=%E6%9C%BA%E6%9E%84%E5%90%8D%E7%A7%B0, "
        "%234, %E5%A4%87%E6%B3%A8",
    }
    assert [message.to_text("en") for message in notes.list_messages()] == [
        "Columns read: 编码 = code, 地 址 = address.",
        "Columns not used: 机构名 (did you mean “机构名称”?), #4, 备注.",
    ]


def test_a_heading_is_not_suggested_for_a_field_that_has_its_column() -> None:
    assert read("机构名称,机构名\n某医院,x\n")[1].ignored == [("机构名", None)]


def test_a_file_with_a_thousand_other_columns_names_some_and_counts_the_rest() -> None:
    headings = ",".join(["name", *(f"列{number}" for number in range(1000))])
    _, notes = read(f"{headings}\n{'x,' * 1000}x\n")
    assert len(notes.make_headers()["X-Columns-Ignored"]) < 4096
    assert notes.make_headers()["X-Columns-Ignored"].endswith(", +950")


@pytest.mark.parametrize("rows", [0, 1, 29, 40])
def test_headings_that_name_nobody_are_refused_with_what_they_may_have_meant(rows: int) -> None:
    with pytest.raises(InvalidInput, match="“机构名”是否应为“机构名称”？"):
        read("机构名,备注\n" + "某医院,x\n" * rows)


def test_every_heading_that_is_understood_is_documented() -> None:
    lines = (ROOT / "docs" / "api.md").read_text("utf-8").splitlines()
    for column in COLUMNS:
        assert f"| `{column.headings[0]}` | {' · '.join(column.headings[1:])} |" in lines
