"""Commands that change the register, all through proposals: import, known-as, proposals, approve, reject, suspend."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from registry import proposals as four_eyes
from registry import settings
from registry.cli import common, detect_language, main
from registry.errors import AuditFailed
from registry.log.clock import from_milliseconds
from registry.log.publish import PublishedLog
from registry.proposals import changeset
from registry.records import asof
from registry.texts import write_bilingual

if TYPE_CHECKING:  # takes a while to import
    from registry.importers.wizard.list_import import ImportOutcome

#: Lines printed of each part of an import's outcome.
_SHOWN = 20


@main.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--as-of", required=True, type=common.DayParam(), help=write_bilingual("名录截止日"))
@click.option("--published", type=common.DayParam(), help=write_bilingual("公布日"))
@click.option("--source", "title", help=write_bilingual("来源名称"))
@click.option("--scope", help=write_bilingual("national、partial 或行政区划代码：未列入意味着什么"))
@common.by_user
@click.option("--dry-run", is_flag=True, help=write_bilingual("只审核比对，不提案"))
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

    if not dry_run:
        common.require_account(by, or_dry_run=True)
    request = list_import.ImportRequest(path=file, as_of=as_of, published=published, title=title, scope=scope)
    with common.open_database() as database, common.show_progress(quiet=json_) as report_progress:
        try:
            outcome = list_import.import_list(
                database, request, by=by, dry_run=dry_run, progress=report_progress, log=PublishedLog(settings.load())
            )
        except AuditFailed as error:
            _print_outcome(error.details["outcome"], json_)
            raise
    _print_outcome(outcome, json_)


@main.command("known-as")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--from", "day", type=common.DayParam(), help=write_bilingual("自哪一天起，默认今天"))
@common.by_user
@click.option("--dry-run", is_flag=True, help=write_bilingual("只比对，不提案"))
@common.as_json
def import_known_names(file: Path, day: dt.date | None, by: str | None, dry_run: bool, json_: bool) -> None:
    """导入俗称表（提案）/ propose the names people use: a csv of name, known_as, source.

    表中机构的俗称以表为准，其他机构不变 / those in the file get exactly its names; the others are left as they are.
    """
    from registry.importers.seed import common_names

    if not dry_run:
        common.require_account(by, or_dry_run=True)
    with common.open_database() as database:
        changes = [change for change in common_names.compare_file(database, file) if change.has_changes]
        proposal = None
        if changes and by is not None and not dry_run:
            with database.reading() as connection:
                today = asof.find_today(connection)
            drafts = common_names.make_drafts(changes, day or today)
            title = f"俗称：{file.name}，{len(changes)}家机构"
            report = {"changes": changes}
            proposal = four_eyes.propose(
                database, drafts, by=by, title=title, kind="names", report=report, log=PublishedLog(settings.load())
            )
    if json_:
        common.print_json({"proposal": proposal, "changes": changes})
        return
    for change in changes:
        before, after = ("、".join(names) or "-" for names in (change.before, change.after))
        click.echo(f"{change.code}  {change.name}: {before} -> {after}")
    if not changes:
        click.echo(write_bilingual("与名录相同，无需提案"))
    if proposal is not None:
        common.print_proposal(proposal)


def _print_outcome(outcome: ImportOutcome, json_: bool) -> None:
    if json_:
        common.print_json(outcome)
        return
    click.echo(
        write_bilingual("行")
        + f": {outcome.rows}    "
        + write_bilingual("机构")
        + f": {outcome.institutions}    "
        + write_bilingual("范围")
        + f": {outcome.scope}"
    )
    for level, words in (
        ("error", write_bilingual("错误")),
        ("warning", write_bilingual("提醒")),
        ("info", write_bilingual("说明")),
    ):
        lines = [line for line in outcome.audit if line.level == level]
        if lines:
            click.echo(f"\n{words}: {len(lines)}")
        for line in lines[:_SHOWN]:
            click.echo(f"  {line.describe(detect_language())}")
        _print_omitted_count(len(lines))
    if any(line.level == "error" for line in outcome.audit):
        return
    for name, words in _DIFFERENCE.items():
        items = outcome.difference[name]
        click.echo(f"\n{words}: {len(items)}")
        for item in items[:_SHOWN]:
            click.echo(f"  {_format_difference(name, item)}")
        _print_omitted_count(len(items))
    if outcome.proposal is not None:
        click.echo()
        common.print_proposal(outcome.proposal)


_DIFFERENCE = {
    "new": write_bilingual("新增"),
    "gone": write_bilingual("移出"),
    "renamed": write_bilingual("更名"),
    "moved": write_bilingual("迁址"),
    "changed": write_bilingual("变更"),
    "undecided": write_bilingual("待人工判断"),
}


def _format_difference(name: str, item: dict[str, Any]) -> str:
    if name in ("new", "gone"):
        return f"{item['code']}  {item['name']}  {item['address']}"
    if name == "changed":
        fields = "、".join(change["field"] for change in item["changes"])
        return f"{item['code']}  {item['name']}  {fields}"
    return f"{item.get('code', '')}  {item['from']} -> {item['to']}  ({item['why']})".strip()


def _print_omitted_count(number: int) -> None:
    if number > _SHOWN:
        click.echo("  " + write_bilingual("…… 另有{number}项，用 --json 查看全部", number=number - _SHOWN))


@main.command()
@click.option("--all", "every", is_flag=True, help=write_bilingual("包括已处理的"))
@common.as_json
def proposals(every: bool, json_: bool) -> None:
    """待审批的提案 / proposals waiting for a second person."""
    with common.open_database() as database, database.reading() as connection:
        rows = four_eyes.list_proposals(connection, None if every else "pending")
    if json_:
        common.print_json(rows)
        return
    if not rows:
        click.echo(write_bilingual("没有待审批的提案"))
    for row in rows:
        click.echo(
            f"{row.id}  {row.state}  {row.title}  {row.items} "
            + write_bilingual("条", context="cli.proposals")
            + f"  {row.proposer}"
        )


@main.command()
@click.argument("identifier", metavar="ID", type=int)
@common.by_decider
@click.option("--seen", metavar="HASH", help=write_bilingual("所审内容的哈希，默认取当前"))
@common.as_json
def approve(identifier: int, by: str, seen: str | None, json_: bool) -> None:
    """批准提案（须为未参与者）/ approve a proposal; whoever touched it is refused."""
    with common.open_database() as database:
        with database.reading() as connection:
            proposal = four_eyes.get_proposal(connection, identifier)
        with common.show_progress(quiet=json_) as report_progress:
            first, last = four_eyes.approve(
                database,
                identifier,
                by=by,
                seen=seen or proposal.content_hash,
                log=PublishedLog(settings.load()),
                progress=lambda done: report_progress("append", done),
            )
    if json_:
        common.print_json({"proposal": identifier, "first_entry": first, "last_entry": last})
    else:
        click.echo(write_bilingual("已批准") + f": {identifier}，" + write_bilingual("日志") + f" {first}-{last}")


@main.command()
@click.argument("identifier", metavar="ID", type=int)
@common.by_decider
@click.option("--reason", required=True, help=write_bilingual("理由"))
def reject(identifier: int, by: str, reason: str) -> None:
    """退回提案 / turn a proposal down with a reason."""
    with common.open_database() as database:
        four_eyes.reject(database, identifier, by=by, reason=reason, log=PublishedLog(settings.load()))
    click.echo(write_bilingual("已否决") + f": {identifier}")


@main.command()
@click.argument("code")
@click.option("--technique", "techniques", multiple=True, help=write_bilingual("技术代码，可重复；默认全部"))
@click.option("--reason", required=True, help=write_bilingual("理由，会公开，勿写姓名"))
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
        result = four_eyes.suspend(database, subject, techniques, by=by, reason=reason, log=log)
    if json_:
        common.print_json(result)
        return
    until = f"{from_milliseconds(result.confirm_by).astimezone(asof.SHANGHAI):%Y-%m-%d %H:%M}"
    click.echo(
        write_bilingual("已暂停")
        + f": {'、'.join(result.techniques)}，"
        + write_bilingual("日志")
        + f" {result.first_entry}-{result.last_entry}"
    )
    click.echo(f"{until} " + write_bilingual("前须由另一人确认") + f" {result.waiting} --by USER")
