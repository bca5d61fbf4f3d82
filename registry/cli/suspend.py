"""Emergency suspension from the shell."""

from __future__ import annotations

import datetime as dt

import click

from registry import proposals as four_eyes
from registry import settings
from registry.cli import common, main
from registry.log.publish import PublishedLog
from registry.proposals import changeset
from registry.records.asof import SHANGHAI, instant_at


@main.command()
@click.argument("code")
@click.option("--technique", "techniques", multiple=True, help="技术代码，可重复；默认全部 / technique code (all)")
@click.option("--reason", required=True, help="理由，会公开，勿写姓名 / why; it is published: no names")
@common.by_decider
@common.as_json
def suspend(code: str, techniques: tuple[str, ...], reason: str, by: str, json_: bool) -> None:
    """紧急暂停：立即生效，24小时内须由另一人确认 / suspend at once; another person confirms within 24 hours.

    CODE: 机构编码 / an institution's public code. 逾期未确认即恢复原记载 / unconfirmed, it falls back.
    """
    with common.open_database() as database:
        with database.reading() as connection:
            subject = changeset.resolve_subject(connection, code, ["institution"])
        log = PublishedLog(settings.load())
        done = four_eyes.suspend(database, subject, techniques, by=by, reason=reason, log=log)
    if json_:
        common.print_json(done)
        return
    until = _format_instant(done.confirm_by)
    click.echo(f"已暂停 / suspended: {'、'.join(done.techniques)}，日志 / log {done.first_entry}-{done.last_entry}")
    click.echo(f"{until} 前须由另一人确认 / another person confirms by then: registry approve {done.waiting} --by USER")


def _format_instant(milliseconds: int) -> str:
    at: dt.datetime = instant_at(milliseconds)
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
