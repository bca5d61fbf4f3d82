"""Commands that change the register, all through proposals: import, proposals, approve, reject."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import click

from registry import proposals as four_eyes
from registry import settings
from registry.cli import common, detect_language, main
from registry.errors import AuditFailed
from registry.log.publish import PublishedLog
from registry.records import asof

SHOWN = 20


@main.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--as-of", required=True, type=common.DayParam(), help="名录截止日 / the day the list speaks of")
@click.option("--published", type=common.DayParam(), help="公布日 / the day it was published")
@click.option("--source", "title", help="来源名称 / title of the document")
@click.option("--scope", help="national、partial 或行政区划代码：未列入意味着什么 / what an absence means")
@common.by_user
@click.option("--dry-run", is_flag=True, help="只审核比对，不提案 / audit and compare only")
@common.as_json
def import_list(  # noqa: PLR0913 - one parameter per option
    file: Path,
    as_of: dt.date,
    published: dt.date | None,
    title: str | None,
    scope: str | None,
    by: str | None,
    dry_run: bool,
    json_: bool,
) -> None:
    """导入 docx、xlsx 或 csv 名录，形成提案 / turn a list file into a proposal: audit, difference, id."""
    from registry.importers.wizard import list_import

    if not dry_run and by is None:
        raise click.UsageError("请加 --by 账号，或用 --dry-run / give --by USER, or --dry-run")
    request = list_import.ImportRequest(path=file, as_of=as_of, published=published, title=title, scope=scope)
    with common.open_database() as database, common.show_progress(quiet=json_) as told:
        try:
            outcome = list_import.import_list(
                database, request, by=by, dry_run=dry_run, progress=told, log=PublishedLog(settings.load())
            )
        except AuditFailed as error:
            _print_outcome(error.details["outcome"], json_)
            raise
    _print_outcome(outcome, json_)


@main.command("known-as")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--from", "day", type=common.DayParam(), help="自哪一天起，默认今天 / the day from which it is so (today)"
)
@common.by_user
@click.option("--dry-run", is_flag=True, help="只比对，不提案 / compare only")
@common.as_json
def import_known_names(file: Path, day: dt.date | None, by: str | None, dry_run: bool, json_: bool) -> None:
    """导入俗称表（提案）/ propose the names people use: a csv of name, known_as, source.

    表中机构的俗称以表为准，其他机构不变 / those in the file get exactly its names; the others are left as they are.
    """
    from registry.importers.seed import common_names as names

    if not dry_run and by is None:
        raise click.UsageError("请加 --by 账号，或用 --dry-run / give --by USER, or --dry-run")
    with common.open_database() as database:
        changed = [one for one in names.compare_file(database, file) if one.has_changes]
        made = None
        if changed and by is not None and not dry_run:
            with database.reading() as connection:
                today = asof.find_today(connection)
            drafts = names.make_drafts(changed, day or today)
            title = f"俗称：{file.name}，{len(changed)}家机构"
            report = {"changes": changed}
            made = four_eyes.propose(
                database, drafts, by=by, title=title, kind="names", report=report, log=PublishedLog(settings.load())
            )
    if json_:
        common.print_json({"proposal": made, "changes": changed})
        return
    for one in changed:
        click.echo(f"{one.code}  {one.name}: {'、'.join(one.before) or '-'} -> {'、'.join(one.after) or '-'}")
    if not changed:
        click.echo("与名录相同，无需提案 / nothing would change")
    if made is not None:
        click.echo(f"提案 / proposal: {made}    {common.NEXT.format(made)}")


def _print_outcome(outcome: Any, json_: bool) -> None:
    if json_:
        common.print_json(outcome)
        return
    click.echo(
        f"行 / rows: {outcome.rows}    机构 / institutions: {outcome.institutions}    范围 / scope: {outcome.scope}"
    )
    for level, words in (("error", "错误 / errors"), ("warning", "提醒 / warnings"), ("info", "说明 / notes")):
        lines = [line for line in outcome.audit if line.level == level]
        if lines:
            click.echo(f"\n{words}: {len(lines)}")
        for line in lines[:SHOWN]:
            click.echo(f"  {line.describe(detect_language())}")
        _print_omitted_count(len(lines))
    if any(line.level == "error" for line in outcome.audit):
        return
    for name, words in _DIFFERENCE.items():
        items = outcome.difference[name]
        click.echo(f"\n{words}: {len(items)}")
        for item in items[:SHOWN]:
            click.echo(f"  {_format_difference(name, item)}")
        _print_omitted_count(len(items))
    if outcome.proposal is not None:
        click.echo(
            f"\n提案 / proposal: {outcome.proposal}    由另一人审批 / another person approves: "
            f"registry approve {outcome.proposal} --by USER"
        )


_DIFFERENCE = {
    "new": "新增 / new",
    "gone": "移出 / gone",
    "renamed": "更名 / renamed",
    "moved": "迁址 / moved",
    "changed": "变更 / changed",
    "undecided": "待人工判断 / undecided",
}


def _format_difference(name: str, item: dict[str, Any]) -> str:
    if name in ("new", "gone"):
        return f"{item['code']}  {item['name']}  {item['address']}"
    if name == "changed":
        fields = "、".join(change["field"] for change in item["changes"])
        return f"{item['code']}  {item['name']}  {fields}"
    return f"{item.get('code', '')}  {item['from']} -> {item['to']}  ({item['why']})".strip()


def _print_omitted_count(number: int) -> None:
    if number > SHOWN:
        click.echo(f"  …… 另有{number - SHOWN}项，用 --json 查看全部 / {number - SHOWN} more: use --json")


@main.command()
@click.option("--all", "every", is_flag=True, help="包括已处理的 / also decided ones")
@common.as_json
def proposals(every: bool, json_: bool) -> None:
    """待审批的提案 / proposals waiting for a second person."""
    with common.open_database() as database, database.reading() as connection:
        found = four_eyes.list_proposals(connection, None if every else "pending")
    if json_:
        common.print_json(found)
        return
    if not found:
        click.echo("没有待审批的提案 / nothing waits for approval")
    for one in found:
        click.echo(f"{one.id}  {one.state}  {one.title}  {one.items} 条 / items  {one.proposer}")


@main.command()
@click.argument("identifier", metavar="ID", type=int)
@common.by_decider
@click.option(
    "--seen", metavar="HASH", help="所审内容的哈希，默认取当前 / hash of the content seen (current by default)"
)
@common.as_json
def approve(identifier: int, by: str, seen: str | None, json_: bool) -> None:
    """批准提案（须为未参与者）/ approve a proposal; whoever touched it is refused."""
    with common.open_database() as database:
        with database.reading() as connection:
            proposal = four_eyes.get_proposal(connection, identifier)
        with common.show_progress(quiet=json_) as told:
            first, last = four_eyes.approve(
                database,
                identifier,
                by=by,
                seen=seen or proposal.content_hash,
                log=PublishedLog(settings.load()),
                progress=lambda n: told("append", n),
            )
    if json_:
        common.print_json({"proposal": identifier, "first_entry": first, "last_entry": last})
    else:
        click.echo(f"已批准 / approved: {identifier}，日志 / log {first}-{last}")


@main.command()
@click.argument("identifier", metavar="ID", type=int)
@common.by_decider
@click.option("--reason", required=True, help="理由 / why")
def reject(identifier: int, by: str, reason: str) -> None:
    """退回提案 / turn a proposal down with a reason."""
    with common.open_database() as database:
        four_eyes.reject(database, identifier, by=by, reason=reason, log=PublishedLog(settings.load()))
    click.echo(f"已否决 / rejected: {identifier}")
