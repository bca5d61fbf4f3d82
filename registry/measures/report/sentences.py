"""The words and numbers of a report as its files and pages print them."""

from __future__ import annotations

from decimal import Decimal

from registry.measures.figure_table import Figure
from registry.measures.report.count import FigureCount
from registry.measures.report.report import DepartmentReport, Report, describe_place
from registry.texts import Message
from registry.verification.phrases import format_date, format_instant

HEADINGS = (Message("责任部门"), Message("具体措施"), Message("完成时限"), Message("整治成效"))
FIGURE_HEADINGS = (
    *(Message("责任部门"), Message("序号"), Message("数据"), Message("数值"), Message("单位")),
    *(Message("来源"), Message("记录数"), Message("说明")),
)
TITLE = Message("人类辅助生殖技术应用监管措施报表")
BLANKS = Message("空白表示不掌握，不表示没有；0表示确知没有。")
_COUNTED, _ENTERED = Message("名录计数"), Message("部门填报")
_GOES_ON = Message("持续推进")


def format_value(value: Decimal | None) -> str:
    """Format a number with its thousands parted; blank for one nobody knows.

    >>> format_value(Decimal("80000.00")), format_value(Decimal("99.5")), format_value(None)
    ('80,000', '99.5', '')
    """
    if value is None:
        return ""
    return f"{int(value):,}" if value == value.to_integral_value() else f"{value.normalize():,f}"


def format_figure(figure: Figure, count: FigureCount, lang: str) -> str:
    """Format a figure as one line of the column of figures: its number, label, value and unit."""
    number = f"{figure.number}. " if figure.number else ""
    value = format_value(count.value)
    return Message(
        "{number}{label}：{value}{unit}",
        number=number,
        label=figure.label,
        value=value or "＿＿",
        unit=figure.unit,
    ).to_text(lang)


def list_measure_lines(department: DepartmentReport, lang: str) -> list[tuple[str, str]]:
    """List the measures of a department, numbered, each with its deadline."""
    return [
        (f"{number}. {one.label.to_text(lang)}", (one.deadline or _GOES_ON).to_text(lang))
        for number, one in enumerate(department.measures, start=1)
    ]


def describe_source(figure: Figure) -> Message:
    """Say who counts a figure."""
    return _ENTERED if figure.is_entered else _COUNTED


def describe_report(report: Report, lang: str) -> str:
    """Describe the period, the place and the state of a report in a sentence."""
    return Message(
        "{since}至{until}，{place}；{at}统计，名录日志{size}条。",
        since=format_date(report.period.since, lang),
        until=format_date(report.period.until, lang),
        place=describe_place(report.period.region),
        at=format_instant(report.at, lang, clock="%H:%M"),
        size=report.size,
    ).to_text(lang)
