"""Commands about penalties: looking one up, and the file for the enterprise credit information publicity system."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from registry import accounts, settings
from registry.accounts import audit_log
from registry.cli import common, detect_language, main
from registry.cli.queries import known_at, on_day
from registry.errors import InvalidInput
from registry.register import open_register
from registry.texts import Message, write_bilingual
from registry.verification.sanctions import SanctionQuestion

_FORMATS = (".xlsx", ".json")


@main.group("sanctions", help=write_bilingual("行政处罚与黑名单：精确查询，导出移交文件"))
def sanctions_group() -> None:
    """Penalties and the blacklist."""


@sanctions_group.command("find", help=write_bilingual("按完整名称、信用代码、域名或账号查询公示的处罚与黑名单"))
@click.option("--name", help=write_bilingual("机构、组织或个人的完整名称"))
@click.option("--uscc", help=write_bilingual("统一社会信用代码"))
@click.option("--domain", help=write_bilingual("网站域名"))
@click.option("--account", help=write_bilingual("平台:账号名称"))
@click.option("--institution", help=write_bilingual("个人所在的机构或组织"))
@on_day
@known_at
@common.as_json
def find_sanctions(  # noqa: PLR0913 - one parameter per option
    name: str | None,
    uscc: str | None,
    domain: str | None,
    account: str | None,
    institution: str | None,
    on: dt.date | None,
    known_at: dt.datetime | None,
    json_: bool,
) -> None:
    """Look up exactly what is public of somebody."""
    register = open_register(settings.load())
    register.follow_log()
    question = SanctionQuestion(name=name, uscc=uscc, domain=domain, account=account, institution=institution)
    hits = register.find_sanctions(question, register.make_as_of(on, known_at), detect_language())
    register.close()
    lines = [hit.explanation for hit in hits] or [write_bilingual("没有查到公示的处罚或黑名单记录")]
    common.print_result(hits, lines, json_)


@sanctions_group.command(
    "export",
    help=common.write_help(
        Message("写出移交企业信用信息公示系统的行政处罚信息，以文件名的后缀定格式（.xlsx、.json）"),
        Message("按决定日期选取；只有机构和组织，没有个人"),
    ),
)
@click.option("--from", "first", type=common.DayParam(), required=True, help=write_bilingual("决定日期自"))
@click.option("--to", "last", type=common.DayParam(), required=True, help=write_bilingual("决定日期至"))
@click.option("--region", default="", help=write_bilingual("行政区划代码，含其下各级，默认全部"))
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
def export_sanctions(first: dt.date, last: dt.date, region: str, out: Path) -> None:
    """Write the penalties of a period as a file to hand over."""
    from registry.log import store
    from registry.measures import handover
    from registry.storage import rights

    if out.suffix.lower() not in _FORMATS:
        raise InvalidInput(Message("文件名须以 .xlsx 或 .json 结尾。"))
    choice = handover.HandoverChoice(first=first, last=last, region=region)
    with common.open_database() as database:
        with database.reading() as connection:
            rows = handover.list_rows(connection, choice, store.read_head(connection).size)
        make = handover.encode_json if out.suffix.lower() == ".json" else handover.make_workbook
        try:
            with rights.use_callers_umask():
                out.write_bytes(make(rows))
        except OSError as error:
            raise InvalidInput(Message("不能写入 {out}：{strerror}。", out=out, strerror=error.strerror)) from error
        with database.writing() as connection:
            audit_log.record_event(connection, accounts.SHELL, "list_exported", "handover")
    click.echo(write_bilingual("已写入 {out}：{count}项行政处罚", out=out, count=len(rows)))
