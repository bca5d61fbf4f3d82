"""The measures' report in the shell: figures of every department for a period and a region, printed or as a file."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from registry import settings
from registry.cli import common, detect_language, main
from registry.domain import region_names
from registry.errors import InvalidInput
from registry.measures.report import files, sentences
from registry.measures.report import report as measures
from registry.measures.report.report import Report, ReportPeriod
from registry.register import open_register
from registry.texts import Message, write_bilingual


@main.command(
    help=common.write_help(
        Message("措施报表：各部门一段时间的数据"), Message("不写 --format 时在屏幕上列出；空白表示不掌握，不表示没有")
    )
)
@click.option("--from", "since", required=True, type=common.DayParam(), help=write_bilingual("自哪一天起，含当天"))
@click.option("--to", "until", required=True, type=common.DayParam(), help=write_bilingual("到哪一天止，含当天"))
@click.option("--region", default="", metavar="PLACE", help=write_bilingual("地区：名称或行政区划代码，默认全部"))
@click.option("--format", "format_", type=click.Choice(files.FORMATS), help=write_bilingual("格式"))
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help=write_bilingual("写入的文件，格式可由其后缀看出；xlsx 和 docx 不写时写入当前目录"),
)
def report(since: dt.date, until: dt.date, region: str, format_: files.Format | None, out: Path | None) -> None:
    """Print the report, or write it as a file."""
    if format_ is None and out is not None:
        format_ = next((one for one in files.FORMATS if out.suffix == f".{one}"), None)
        if format_ is None:
            raise click.UsageError(write_bilingual("请加 --format"))
    if format_ in ("xlsx", "docx") and out is None:
        out = Path("-".join(filter(None, ("measures", str(since), str(until), region))) + f".{format_}")
    register = open_register(settings.load())
    try:
        found = measures.make_report(register, ReportPeriod(since, until, _read_region(region)))
    finally:
        register.close()
    lang = detect_language()
    if format_ is not None and out is not None:
        files.write_report(out, found, format_, lang)
        click.echo(str(out))
    elif format_ == "json":
        sys.stdout.write(files.encode_report(found, lang).decode())
    else:
        for line in _list_lines(found, lang):
            click.echo(line)


def _read_region(text: str) -> str:
    code = region_names.find_code(text) if text else ""
    if code is None:
        raise InvalidInput(region_names.describe_unclear_place(text), field="region")
    return code


def _list_lines(found: Report, lang: str) -> Iterator[str]:
    yield sentences.TITLE.to_text(lang)
    yield sentences.describe_report(found, lang)
    yield sentences.BLANKS.to_text(lang)
    for department in found.departments:
        if department.figures:
            yield ""
            yield department.department.get_name(lang)
        for figure, count in department.figures:
            note = f"  ({count.note.to_text(lang)})" if count.note else ""
            yield f"  {sentences.format_figure(figure, count, lang)}{note}"
