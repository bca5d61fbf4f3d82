"""Commands that change the register, all through proposals.

import, known-as, correct and redact propose, proposals lists, approve and reject decide; suspend acts at once.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import click
import msgspec

from registry import proposals as four_eyes
from registry import settings
from registry.cli import common, main
from registry.cli.import_outcome import print_outcome
from registry.domain import schema
from registry.domain.identifiers import format_code, parse_code
from registry.domain.model import Change, Draft, Entry
from registry.errors import AuditFailed, InvalidInput
from registry.log import store
from registry.log.clock import from_milliseconds
from registry.log.publish import PublishedLog
from registry.proposals import changeset, redaction
from registry.records import asof, history, timeline
from registry.records.history import FieldChange
from registry.texts import Message, write_bilingual


@main.command("import", help=write_bilingual("导入 docx、xlsx 或 csv 名录，形成提案"))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--as-of", required=True, type=common.DayParam(), help=write_bilingual("名录截止日"))
@click.option("--published", type=common.DayParam(), help=write_bilingual("公布日"))
@click.option("--source", "title", help=write_bilingual("来源名称"))
@click.option("--scope", help=write_bilingual("national、partial 或行政区划代码：未列入意味着什么"))
@common.by_user
@click.option(
    "--take-list",
    "takes",
    metavar="CODE[:FIELD]",
    multiple=True,
    help=write_bilingual("名单与决定不一致处以名单为准，可重复；默认保留决定"),
)
@click.option(
    "--answer",
    "answered",
    metavar="PLACE=ANSWER",
    multiple=True,
    help=write_bilingual("答复审核中的问题，可重复：1.37=take、1.37=leave、1.37.4=文字、1.37.count=accept"),
)
@click.option("--reason", help=write_bilingual("以名单为准或接受错误的理由，会公开，勿写姓名"))
@click.option("--dry-run", is_flag=True, help=write_bilingual("只审核比对，不提案"))
@common.as_json
def import_list(  # noqa: PLR0913 - one parameter per option
    file: Path,
    as_of: dt.date,
    published: dt.date | None,
    title: str | None,
    scope: str | None,
    by: str | None,
    takes: tuple[str, ...],
    answered: tuple[str, ...],
    reason: str | None,
    dry_run: bool,
    json_: bool,
) -> None:
    """Turn a list file into a proposal: audit, difference, id."""
    from registry.importers.wizard import answers, list_import

    if not dry_run:
        common.require_account(by, or_dry_run=True)
    request = list_import.ImportRequest(
        path=file,
        as_of=as_of,
        published=published,
        title=title,
        scope=scope,
        takes=tuple(map(_parse_take, takes)),
        reason=reason,
        answers=answers.parse_answers(answered, reason),
    )
    with common.open_database() as database, common.show_progress(quiet=json_) as report_progress:
        try:
            outcome = list_import.import_list(
                database, request, by=by, dry_run=dry_run, progress=report_progress, log=PublishedLog(settings.load())
            )
        except AuditFailed as error:
            print_outcome(error.details["outcome"], json_)
            raise
    print_outcome(outcome, json_)


def _parse_take(text: str) -> tuple[str, str]:
    """Parse the code, printed or not, and the field of a conflict; the field is empty for all of an institution."""
    code, _, field = text.partition(":")
    return format_code(parse_code(code)), field


@main.command(
    "known-as",
    help=common.write_help(Message("导入俗称表或英文名称表（提案）"), Message("表中机构的名称以表为准，其他机构不变")),
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--from", "day", type=common.DayParam(), help=write_bilingual("自哪一天起，默认今天"))
@common.by_user
@click.option("--dry-run", is_flag=True, help=write_bilingual("只比对，不提案"))
@common.as_json
def import_known_names(file: Path, day: dt.date | None, by: str | None, dry_run: bool, json_: bool) -> None:
    """Propose names that no list prints: a csv of those people use, or of English ones."""
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
            title = f"{common_names.LABELS[changes[0].field]}：{file.name}，{len(changes)}家机构"
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


@main.command(help=write_bilingual("待审批的提案"))
@click.option("--all", "every", is_flag=True, help=write_bilingual("包括已处理的"))
@common.as_json
def proposals(every: bool, json_: bool) -> None:
    """List proposals waiting for a second person."""
    with common.open_database() as database, database.reading() as connection:
        rows = four_eyes.list_proposals(connection, None if every else "pending")
    items = write_bilingual("条", context="cli.proposals")
    lines = [f"{row.id}  {row.state}  {row.title}  {row.items} {items}  {row.proposer}" for row in rows]
    common.print_result(rows, lines or [write_bilingual("没有待审批的提案")], json_)


@main.command(help=write_bilingual("批准提案（须为未参与者）"))
@click.argument("identifier", metavar="ID", type=int)
@common.by_decider
@click.option("--seen", metavar="HASH", help=write_bilingual("所审内容的哈希，默认取当前"))
@common.as_json
def approve(identifier: int, by: str, seen: str | None, json_: bool) -> None:
    """Approve a proposal; whoever touched it is refused."""
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
    line = f"{write_bilingual('已批准')}: {identifier}，{write_bilingual('日志')} {first}-{last}"
    common.print_result({"proposal": identifier, "first_entry": first, "last_entry": last}, [line], json_)


@main.command(help=write_bilingual("退回提案"))
@click.argument("identifier", metavar="ID", type=int)
@common.by_decider
@click.option("--reason", required=True, help=write_bilingual("理由"))
def reject(identifier: int, by: str, reason: str) -> None:
    """Turn a proposal down with a reason."""
    with common.open_database() as database:
        four_eyes.reject(database, identifier, by=by, reason=reason, log=PublishedLog(settings.load()))
    click.echo(f"{write_bilingual('已否决')}: {identifier}")


@main.command(
    help=common.write_help(
        Message("紧急暂停：立即生效，24小时内须由另一人确认"), Message("CODE：机构编码；逾期未确认即恢复原记载")
    )
)
@click.argument("code")
@click.option("--technique", "techniques", multiple=True, help=write_bilingual("技术代码，可重复；默认全部"))
@click.option("--reason", required=True, help=write_bilingual("理由，会公开，勿写姓名"))
@common.by_decider
@common.as_json
def suspend(code: str, techniques: tuple[str, ...], reason: str, by: str, json_: bool) -> None:
    """Suspend at once; another person confirms within 24 hours."""
    with common.open_database() as database:
        with database.reading() as connection:
            subject = changeset.resolve_subject(connection, code, ["institution"])
        log = PublishedLog(settings.load())
        result = four_eyes.suspend(database, subject, techniques, by=by, reason=reason, log=log)
    if json_:
        common.print_json(result)
        return
    until = f"{from_milliseconds(result.confirm_by).astimezone(asof.SHANGHAI):%Y-%m-%d %H:%M}"
    entries = f"{write_bilingual('日志')} {result.first_entry}-{result.last_entry}"
    click.echo(f"{write_bilingual('已暂停')}: {'、'.join(result.techniques)}，{entries}")
    click.echo(f"{until} {write_bilingual('前须由另一人确认')} {result.waiting} --by USER")


_KINDS = ("institution", "practitioner", "ad_certificate", "sanction", "supervision", "source")


class _Correction(msgspec.Struct):
    """The JSON of `correct`; ``changes`` compare the record on the day --from before and after."""

    proposal: int
    subject: str
    valid_from: dt.date
    changes: list[FieldChange]


class _Redaction(msgspec.Struct):
    """The JSON of `redact`; ``erases``: the number of entries in which each path's value would be erased."""

    proposal: int
    subject: str
    erases: dict[str, int]


@main.command(
    help=common.write_help(
        Message("删除一人的个人信息（提案）"), Message("SUBJECT：practitioner:XXXXXXXX、sanction:XXXXXXXX 或公共编码")
    )
)
@click.argument("subject")
@click.option("--reason", required=True, help=write_bilingual("理由，会公开，勿写姓名"))
@common.by_user
@common.as_json
def redact(subject: str, reason: str, by: str | None, json_: bool) -> None:
    """Propose to erase all personal values of a practitioner or sanction."""
    by = common.require_account(by)
    with common.open_database() as database:
        with database.reading() as connection:
            plan = redaction.plan_redaction(connection, subject, reason, asof.find_today(connection))
            size = store.read_head(connection).size
        erased, log = plan.draft.subject, PublishedLog(settings.load())
        proposal = four_eyes.propose(
            database, [plan.draft], by=by, title=f"删除个人信息：{erased}", kind="redaction", base_size=size, log=log
        )
    if json_:
        common.print_json(_Redaction(proposal=proposal, subject=erased, erases=plan.erases))
        return
    for path, number in plan.erases.items():
        entries = write_bilingual("涉及 {number} 条记录", number=number)
        click.echo(f"{write_bilingual('将删除')}: {erased} {path}，{entries}")
    click.echo(write_bilingual("批准后，公众在任何日期、任何时点的记录中都看不到这些内容，其余记载不变；不可恢复"))
    common.print_proposal(proposal)


@main.command(
    help=common.write_help(
        Message("更正记载（提案），可追溯到过去的日期"),
        Message("CODE：公共编码，或 类别:编码；VALUE：JSON 或文字，空为“不再载明”"),
    )
    + "\n\n"
    + f"""{write_bilingual("例如")}: level=三级甲等 'approvals.IVF={{"stage":"formal"}}' campus="""
)
@click.argument("code")
@click.argument("fields", metavar="FIELD=VALUE...", nargs=-1, required=True)
@click.option("--from", "day", required=True, type=common.DayParam(), help=write_bilingual("自哪一天起"))
@click.option("--reason", required=True, help=write_bilingual("理由，会公开，勿写姓名"))
@click.option("--source", help=write_bilingual("依据的来源编号"))
@common.by_user
@common.as_json
def correct(  # noqa: PLR0913 - one parameter per option
    code: str, fields: tuple[str, ...], day: dt.date, reason: str, source: str | None, by: str | None, json_: bool
) -> None:
    """Propose a correction, also of days long past."""
    by = common.require_account(by)
    if not reason.strip():
        raise InvalidInput(Message("请用 --reason 说明为何更正。"))
    with common.open_database() as database:
        with database.reading() as connection:
            draft = _parse_draft(changeset.resolve_subject(connection, code, _KINDS), fields, day, reason, source)
            if source:
                changeset.resolve_subject(connection, f"source:{source}", ["source"])
            size = store.read_head(connection).size
            changes = _compare_draft(store.read_subject_entries(connection, draft.subject, size), draft)
        proposal = four_eyes.propose(
            database,
            [draft],
            by=by,
            title=f"更正：{draft.subject} 自 {day} 起 {'、'.join(draft.change.set)}",
            kind="correction",
            report={"subject": draft.subject, "valid_from": day, "changes": changes},
            base_size=size,
            log=PublishedLog(settings.load()),
        )
    if json_:
        common.print_json(_Correction(proposal=proposal, subject=draft.subject, valid_from=day, changes=changes))
        return
    for change in changes:
        click.echo(f"{change.field}: {_format_value(change.from_)} -> {_format_value(change.to)}")
    common.print_proposal(proposal)


def _parse_draft(subject: str, fields: tuple[str, ...], day: dt.date, reason: str, source: str | None) -> Draft:
    values: dict[str, Any] = {}
    for field in fields:
        path, equals, text = field.partition("=")
        if not equals or not path or path in values:
            raise click.UsageError(write_bilingual("“{field}”须写成 字段=值，每个字段一次", field=field))
        values[path] = _parse_value(subject, path, text, day)
    return _make_draft(subject, values, day, reason, source)


def _parse_value(subject: str, path: str, text: str, day: dt.date) -> Any:
    """Parse JSON where the field takes it; otherwise return the text: a number such as a USCC is text, too."""
    if not text:
        return None
    try:
        value = msgspec.json.decode(text)
        schema.check_draft(_make_draft(subject, {path: value}, day))
    except (msgspec.DecodeError, InvalidInput):
        return text
    return value


def _make_draft(
    subject: str, values: dict[str, Any], day: dt.date, reason: str | None = None, source: str | None = None
) -> Draft:
    kind: Any = subject.partition(":")[0]
    change = Change(kind=kind, set=values, reason=reason)
    return Draft(subject=subject, change=change, valid_from=day, source=source or None)


def _compare_draft(entries: list[Entry], draft: Draft) -> list[FieldChange]:
    """Compare the day's values with the draft's; personal values are left out, because proposals are stored."""
    personal = schema.PERSONAL.get(draft.change.kind, frozenset())
    spans: list[timeline.Span] = []
    for entry in entries:
        spans, _ = timeline.apply_entry(spans, entry)
    before = history.get_values_on(spans, draft.valid_from.isoformat())
    return [
        FieldChange(field=path) if path in personal else FieldChange(field=path, from_=before.get(path), to=value)
        for path, value in draft.change.set.items()
    ]


def _format_value(value: Any) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
