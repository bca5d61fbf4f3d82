"""Commands about editions of the list: publish proposes one, or its withdrawal; export writes or checks its files."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import click

from registry import accounts, settings
from registry.accounts import audit_log
from registry.cli import common, detect_language, main
from registry.records import asof
from registry.texts import Message, write_bilingual

if TYPE_CHECKING:  # these take a while to import
    from registry.editions.export import ExportResult, FolderCheck
    from registry.editions.plan import EditionPlan


@main.command(help=write_bilingual("提出公布一期名录，或撤回一期"))
@click.option("--title", help=write_bilingual("名单的标题"))
@click.option("--as-of", type=common.DayParam(), help=write_bilingual("截止日，默认今天"))
@click.option(
    "--release",
    type=common.InstantParam(asof.get_day_start, "2026-12-01"),
    help=write_bilingual("公布时刻，默认批准即公布"),
)
@click.option("--scope", default="national", help=write_bilingual("national 或行政区划代码"))
@click.option("--withdraw", metavar="EDITION", help=write_bilingual("改为撤回这一期"))
@click.option("--reason", help=write_bilingual("撤回的理由，公众会看到"))
@common.by_user
@common.as_json
def publish(  # noqa: PLR0913 - one parameter per option
    title: str | None,
    as_of: dt.date | None,
    release: dt.datetime | None,
    scope: str,
    withdraw: str | None,
    reason: str | None,
    by: str | None,
    json_: bool,
) -> None:
    """Propose an edition of the list, or its withdrawal; a second person approves."""
    from registry.editions import plan
    from registry.log.publish import PublishedLog
    from registry.proposals import edition_proposals

    by = common.require_account(by)
    if (withdraw is None) == (title is None) or (withdraw is None) != (reason is None):
        raise click.UsageError(write_bilingual("请给出 --title，或 --withdraw 和 --reason"))
    planned = None
    log = PublishedLog(settings.load())
    with common.open_database() as database, common.show_progress(quiet=json_) as report_progress:
        if withdraw is not None:
            proposal = edition_proposals.propose_withdrawal(database, withdraw, reason or "", by=by, log=log)
        else:
            request = plan.EditionRequest(title=title or "", as_of=as_of, release=release, scope=scope)
            planned = plan.make_plan(
                database, request, settings.load().public_url, lambda done: report_progress("compare", done)
            )
            proposal = edition_proposals.propose_edition(database, planned, by=by, log=log)
    if json_:
        common.print_json({"proposal": proposal})
        return
    if planned is not None:
        _print_plan(planned)
    common.print_proposal(proposal)


def _print_plan(planned: EditionPlan) -> None:
    totals, difference = planned.totals, planned.difference
    click.echo(
        f"{write_bilingual('第{number}期', number=planned.number)}    {write_bilingual('截至')}: {planned.as_of}    "
        f"{write_bilingual('机构')}: {totals.institutions}    {write_bilingual('日志')}: {planned.log.size}"
    )
    if difference.since is None:
        click.echo(write_bilingual("此前没有公布过"))
    else:
        counts = {name: len(getattr(difference, name)) for name in _PARTS}
        changes = "  ".join(f"{_PARTS[name]}: {count}" for name, count in counts.items() if count)
        since = write_bilingual("与第{since}期相比", since=difference.since)
        click.echo(f"{since}: {changes or write_bilingual('没有变化')}")
    for warning in planned.warnings:
        names = "、".join(warning.names[:3]) + (" …" if warning.count > 3 else "")
        click.echo(f"{write_bilingual('注意')}: {warning.kind} {warning.count}  {names}")


_PARTS = {
    "new": write_bilingual("新增"),
    "gone": write_bilingual("移出"),
    "renamed": write_bilingual("更名"),
    "moved": write_bilingual("迁址"),
    "gained": write_bilingual("新获技术"),
    "lost": write_bilingual("不再开展"),
    "stage": write_bilingual("运行情况变化"),
}


@main.command(
    help=common.write_help(
        Message("写出一期名录的全部文件，默认最新一期"),
        Message("--check 核对一个文件夹"),
        Message("EDITION：期号，或 latest、latest-行政区划代码"),
    )
)
@click.argument("edition", required=False)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help=write_bilingual("写到这个文件夹"))
@click.option(
    "--check",
    "checked",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help=write_bilingual("核对这个文件夹里的文件"),
)
@common.as_json
def export(edition: str | None, out: Path | None, checked: Path | None, json_: bool) -> None:
    """Write an edition's files, the latest by default."""
    from registry.editions import export as export_module
    from registry.editions.export import export_edition
    from registry.register import open_register

    if (out is None) == (checked is None):
        raise click.UsageError(write_bilingual("请给出 --out 或 --check"))
    result: FolderCheck | ExportResult
    register = open_register(settings.load())
    try:
        with common.show_progress(quiet=json_) as report_progress:
            if checked is not None:
                keys = register.receipts.list_keys()
                result = export_module.check_folder(register.editions, keys, checked, report_progress)
            else:
                result = export_edition(register.editions, edition or "latest", out or Path(), report_progress)
        if checked is None:
            with register.database.writing() as connection:
                audit_log.record_event(connection, accounts.SHELL, "edition_exported", f"edition:{result.edition.id}")
    finally:
        register.close()
    files = [f"{file.sha256}  {file.size:>12,}  {file.name}" for file in result.files]
    common.print_result(result, [*files, result.describe(detect_language())], json_)
