"""An edition as csv: one row per technique, province on every row, so that a spreadsheet can filter it."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from registry.domain.fields import IN_EDITIONS
from registry.domain.normalise import escape_cells
from registry.editions import labels
from registry.editions.content import ApprovalLine, EditionInstitution, ListContent, Progress

#: The attachment's six columns, then what else is known.
HEADINGS = (*labels.CENTRES, *(field.headings[0] for field in IN_EDITIONS), "编码", "行政区划代码", "运行情况说明")


def make_rows(content: ListContent) -> Iterator[list[str]]:
    """Make the rows below the headings; numbers run through the whole list."""
    for number, institution in enumerate(content.read_list(), start=1):
        for line in institution.lines:
            yield make_cells(number, institution, line)


def make_cells(number: int, institution: EditionInstitution, line: ApprovalLine) -> list[str]:
    """Make one row: a cell for each of HEADINGS."""
    return [
        institution.province,
        str(number),
        institution.name,
        institution.address,
        labels.format_technique(line),
        labels.format_stage(line),
        *(getattr(institution, field.name) or "" for field in IN_EDITIONS),
        institution.code,
        institution.region,
        line.note or "",
    ]


def write(path: Path, content: ListContent, progress: Progress | None = None) -> None:
    """Write the file as UTF-8 with a byte order mark and CRLF, as spreadsheets want; no cell begins a formula."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADINGS)
        for number, row in enumerate(make_rows(content), start=1):
            writer.writerow(escape_cells([labels.remove_unprintable(cell) for cell in row]))
            if progress and number % 1000 == 0:
                progress(number)
