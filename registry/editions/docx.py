"""An edition as a Word document in the shape of the national list's attachment, written as a stream.

Six columns, a row per technique, the first four cells merged downwards, the province with its count; then the five
columns of sperm banks.
"""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

from registry.editions import labels
from registry.editions.content import ApprovalLine, EditionInstitution, ListContent, Progress
from registry.editions.edition import Edition
from registry.editions.word_file import Merge, open_table, render_paragraph, render_row, write_document

#: Twentieths of a point; A4 lying down, less two margins of 1,000.
_CENTRE_WIDTHS = (1500, 700, 4000, 4538, 2500, 1600)
_BANK_WIDTHS = (900, 4700, 5138, 2500, 1600)


def write(path: Path, edition: Edition, content: ListContent, progress: Progress | None = None) -> None:
    """Write the document."""
    created = edition.published.astimezone(dt.UTC)
    write_document(path, edition.title, created, _render_document(edition, content, progress))


def _render_document(edition: Edition, content: ListContent, progress: Progress | None) -> Iterator[str]:
    totals = content.totals
    yield render_paragraph(edition.title, "Heading1")
    yield render_paragraph(f"{labels.describe_publication(edition)}。{labels.describe_totals(totals)}")
    if totals.centres or not totals.banks + totals.placeless:
        yield from open_table(labels.CENTRES, _CENTRE_WIDTHS, labels.format_banner(edition, totals.centres))
        yield from _render_centres(content, progress)
        yield "</w:tbl>"
        yield render_paragraph(labels.UNSTATED)
    if totals.placeless:
        yield render_paragraph(labels.PLACELESS_TITLE, "Heading1")
        yield from open_table(labels.PLACELESS, _BANK_WIDTHS, labels.format_banner(edition, totals.placeless))
        for number, (institution, lines) in enumerate(content.read_centres(placeless=True), start=1):
            for position, line in enumerate(lines):
                yield render_row(_make_merged_cells(number, institution, position, line), _BANK_WIDTHS)
        yield "</w:tbl>"
    if totals.banks:
        yield render_paragraph(labels.BANKS_TITLE, "Heading1")
        yield from open_table(labels.BANKS, _BANK_WIDTHS, labels.format_banner(edition, totals.banks))
        yield from _render_banks(content)
        yield "</w:tbl>"
    yield render_paragraph(f"核对：{edition.page}" if edition.page else "")


def _render_centres(content: ListContent, progress: Progress | None) -> Iterator[str]:
    counts = {name: centres for name, centres, _ in content.totals.provinces}
    province, number = "", 0
    for done, (institution, lines) in enumerate(content.read_centres(), start=1):
        number = number + 1 if institution.province == province else 1  # numbers begin again with each province
        for position, line in enumerate(lines):
            begins = institution.province != province and position == 0
            cell: tuple[str, Merge] = (
                f"{institution.province}（{counts[institution.province]}家）",
                "restart" if begins else "continue",
            )
            yield render_row([cell, *_make_merged_cells(number, institution, position, line)], _CENTRE_WIDTHS)
        province = institution.province
        if progress and done % 1000 == 0:
            progress(done)


def _render_banks(content: ListContent) -> Iterator[str]:
    for number, (institution, lines) in enumerate(content.read_banks(), start=1):
        own: list[tuple[str, Merge]] = [(str(number), ""), (institution.name, ""), (institution.address, "")]
        yield from (render_row([*own, *_make_approval_cells(line)], _BANK_WIDTHS) for line in lines)


def _make_merged_cells(
    number: int, institution: EditionInstitution, position: int, line: ApprovalLine
) -> list[tuple[str, Merge]]:
    """Make number, name and address, merged over the rows of one institution, and the approval."""
    merge: Merge = "restart" if position == 0 else "continue"
    merged: list[tuple[str, Merge]] = [(text, merge) for text in (str(number), institution.name, institution.address)]
    return [*merged, *_make_approval_cells(line)]


def _make_approval_cells(line: ApprovalLine) -> list[tuple[str, Merge]]:
    return [(labels.format_technique(line), ""), (labels.format_stage(line), "")]
