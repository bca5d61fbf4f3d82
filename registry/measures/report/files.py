"""The report as files: JSON for programs, and a document in the task list's own shape."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from registry.editions.word_file import Merge, open_table, render_paragraph, render_row, write_document
from registry.measures.figure_table import Figure
from registry.measures.report import sentences
from registry.measures.report.count import FigureCount
from registry.measures.report.report import DepartmentReport, Report, describe_place

Format = Literal["json", "xlsx", "docx"]
FORMATS: tuple[Format, ...] = get_args(Format)
MEDIA_TYPES: dict[Format, str] = {
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
#: Twentieths of a point; A4 lying down, less two margins of 1,000.
_WIDTHS = (2000, 5400, 1600, 5838)
_encode = msgspec.json.Encoder(decimal_format="number").encode


def write_report(path: Path, report: Report, format_: Format, lang: str) -> None:
    """Write a report as a file."""
    if format_ == "json":
        path.write_bytes(encode_report(report, lang))
    elif format_ == "docx":
        write_document(path, sentences.TITLE.to_text(lang), report.at, _render_document(report, lang))
    else:
        from registry.measures.report import workbook  # its library takes a tenth of a second to load

        workbook.write_workbook(path, report, lang)


def encode_report(report: Report, lang: str) -> bytes:
    """Encode a report as JSON; a figure nobody knows is null, never 0."""
    document = {
        "title": sentences.TITLE.to_text(lang),
        "since": report.period.since,
        "until": report.period.until,
        "region": report.period.region or None,
        "place": describe_place(report.period.region).to_text(lang),
        "at": report.at,
        "log_size": report.size,
        "departments": [_describe_department(one, lang) for one in report.departments],
    }
    return msgspec.json.format(_encode(document), indent=1) + b"\n"


def _describe_department(one: DepartmentReport, lang: str) -> dict[str, Any]:
    return {
        "code": one.department.code,
        "name": one.department.get_name(lang),
        "measures": [
            {"label": measure.label.to_text(lang), "deadline": measure.deadline and measure.deadline.to_text(lang)}
            for measure in one.measures
        ],
        "figures": [describe_figure(figure, count, lang) for figure, count in one.figures],
    }


def describe_figure(figure: Figure, count: FigureCount, lang: str) -> dict[str, Any]:
    """Describe a figure for programs, with how many entries it rests on."""
    return {
        "code": figure.code,
        "number": figure.number or None,
        "label": figure.label.to_text(lang),
        "unit": figure.unit.to_text(lang),
        "value": count.value,
        "source": "entered" if figure.is_entered else "counted",
        "entries": len(count.entries),
        "note": count.note and count.note.to_text(lang),
    }


def _render_document(report: Report, lang: str) -> Iterator[str]:
    yield render_paragraph(sentences.TITLE.to_text(lang), "Heading1")
    yield from open_table(
        tuple(one.to_text(lang) for one in sentences.HEADINGS), _WIDTHS, sentences.describe_report(report, lang)
    )
    for department in report.departments:
        yield from _render_department(department, lang)
    yield "</w:tbl>"
    yield render_paragraph(sentences.BLANKS.to_text(lang))


def _render_department(department: DepartmentReport, lang: str) -> Iterator[str]:
    """Render a row for each measure; the department and its figures are merged over all of them."""
    figures = "\n".join(sentences.format_figure(figure, count, lang) for figure, count in department.figures)
    lines = sentences.list_measure_lines(department, lang) or [("", "")]
    for position, (measure, deadline) in enumerate(lines):
        merge: Merge = "restart" if position == 0 else "continue"
        cells: list[tuple[str, Merge]] = [
            (department.department.get_name(lang), merge),
            (measure, ""),
            (deadline, ""),
            (figures, merge),
        ]
        yield render_row(cells, _WIDTHS, by_line=True)
