"""Leads in the shell: their figures of a period, and erasing what is due where no server does it."""

from __future__ import annotations

import datetime as dt

import click
import msgspec

from registry import settings
from registry.cli import common, main
from registry.measures.leads import figures
from registry.measures.leads.figures import LeadPeriod
from registry.register import open_register
from registry.texts import Message, write_bilingual

_WORDS = {
    "received": Message("收到线索"),
    "checked": Message("已核查"),
    "transferred": Message("移交其他部门"),
    "to_judiciary": Message("移送司法机关"),
    "closed": Message("办结"),
    "overdue": Message("逾期未办结"),
}


@main.group(help=write_bilingual("公众反映的线索：数字、到期删除"))
def leads() -> None:
    """Group the commands about leads."""


@leads.command("figures", help=write_bilingual("一段时间收到、核查、移交、办结的线索数"))
@click.option("--from", "since", type=common.DayParam(), required=True, help=write_bilingual("第一天"))
@click.option("--to", "until", type=common.DayParam(), required=True, help=write_bilingual("最后一天"))
@click.option("--region", default="", help=write_bilingual("只计这一行政区划（代码）及其下级"))
@click.option("--department", default="", help=write_bilingual("只计这一部门（代码）"))
@common.as_json
def show_figures(since: dt.date, until: dt.date, region: str, department: str, json_: bool) -> None:
    """Print every figure of leads, with the leads behind it."""
    period = LeadPeriod(since=since, until=until, region=region, department=department)
    with common.open_database() as database, database.reading() as connection:
        found = {name: count(connection, period) for name, count in figures.FIGURES.items()}
    if json_:
        common.print_json(msgspec.to_builtins(found))
        return
    for name, figure in found.items():
        click.echo(f"{_WORDS[name].to_bilingual()}: {figure.count}\t{' '.join(map(str, figure.leads))}")


@leads.command("erase", help=write_bilingual("删除办结已满保存期的线索内容（服务运行时会自动做）"))
@common.as_json
def erase_due_leads(json_: bool) -> None:
    """Erase what leads say that were closed long enough ago; a running server does so by itself."""
    register = open_register(settings.load())
    try:
        erased = register.leads.erase_due()
    finally:
        register.close()
    if json_:
        common.print_json({"erased": erased})
    else:
        click.echo(f"{write_bilingual('已删除内容的线索')}: {erased}")
