"""Commands that change what is recorded, through proposals: correct, redact."""

from __future__ import annotations

import datetime as dt
from typing import Any

import click
import msgspec

from registry import proposals, settings
from registry.cli import common, main
from registry.domain import schema
from registry.domain.model import Change, Draft, Entry
from registry.errors import InvalidInput
from registry.log import store
from registry.log.publish import PublishedLog
from registry.proposals import changeset, redaction
from registry.records import asof, history, timeline
from registry.records.history import FieldChange
from registry.texts import Message, write_bilingual

_KINDS = ("institution", "practitioner", "ad_certificate", "sanction", "source")


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


@main.command()
@click.argument("subject")
@click.option("--reason", required=True, help=write_bilingual("理由，会公开，勿写姓名"))
@common.by_user
@common.as_json
def redact(subject: str, reason: str, by: str | None, json_: bool) -> None:
    """删除一人的个人信息（提案）/ propose to erase all personal values of a practitioner or sanction.

    SUBJECT: practitioner:XXXXXXXX, sanction:XXXXXXXX 或公共编码 / or the public code.
    """
    by = common.require_account(by)
    with common.open_database() as database:
        with database.reading() as connection:
            plan = redaction.plan_redaction(connection, subject, reason, asof.find_today(connection))
            size = store.read_head(connection).size
        erased, log = plan.draft.subject, PublishedLog(settings.load())
        proposal = proposals.propose(
            database, [plan.draft], by=by, title=f"删除个人信息：{erased}", kind="redaction", base_size=size, log=log
        )
    if json_:
        common.print_json(_Redaction(proposal=proposal, subject=erased, erases=plan.erases))
        return
    for path, number in plan.erases.items():
        click.echo(
            write_bilingual("将删除") + f": {erased} {path}，" + write_bilingual("涉及 {number} 条记录", number=number)
        )
    click.echo(write_bilingual("批准后，公众在任何日期、任何时点的记录中都看不到这些内容，其余记载不变；不可恢复"))
    common.print_proposal(proposal)


@main.command()
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
    """更正记载（提案），可追溯到过去的日期 / propose a correction, also of days long past.

    CODE: 公共编码，或 类别:编码 / a public code, or kind:code. VALUE: JSON 或文字，空为“不再载明” / JSON or text,
    empty: no longer stated. 例 / such as: level=三级甲等 'approvals.IVF={"stage":"formal"}' campus=
    """
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
        proposal = proposals.propose(
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
