"""What an import found, printed for the shell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import msgspec

from registry.cli import common, detect_language
from registry.texts import write_bilingual

if TYPE_CHECKING:  # takes a while to import
    from registry.importers.reading.list_file import FileQuestion
    from registry.importers.wizard.list_import import ImportOutcome

#: Lines printed of each part; of conflicts with decisions, all.
_SHOWN = 20


def print_outcome(outcome: ImportOutcome, json_: bool) -> None:
    """Print the audit and the difference of an import, each part in its first lines, and the proposal."""
    if json_:
        common.print_json(outcome)
        return
    click.echo(
        f"{write_bilingual('行')}: {outcome.rows}    {write_bilingual('机构')}: {outcome.institutions}    "
        f"{write_bilingual('范围')}: {outcome.scope}"
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
            question = f"  [{_format_question(line.question)}]" if line.question and level != "info" else ""
            click.echo(f"  {line.describe(detect_language())}{question}")
        _print_omitted_count(len(lines) - _SHOWN)
    if any(line.level == "error" for line in outcome.audit):
        return
    for name, words in _DIFFERENCE.items():
        items = outcome.difference[name]
        click.echo(f"\n{words}: {len(items)}")
        shown = len(items) if name == "conflicts" else _SHOWN
        for item in items[:shown]:
            click.echo(f"  {_format_difference(name, item)}")
        _print_omitted_count(len(items) - shown)
    if outcome.proposal is not None:
        click.echo()
        common.print_proposal(outcome.proposal)


def _format_question(question: FileQuestion) -> str:
    """Format what ``--answer`` may say to a question."""
    own = {"text": question.suggestion or "…", "accept": "accept"}
    of_row = "|".join(choice for choice in question.choices if choice in ("take", "leave"))
    answers = [f"{question.key}={own[choice]}" for choice in question.choices if choice in own]
    return ", ".join([*answers, *([f"{question.row_key}={of_row}"] if of_row else [])])


_DIFFERENCE = {
    "conflicts": write_bilingual("名单与决定不一致"),
    "new": write_bilingual("新增"),
    "gone": write_bilingual("移出"),
    "relisted": write_bilingual("重新列入"),
    "renamed": write_bilingual("更名"),
    "moved": write_bilingual("迁址"),
    "changed": write_bilingual("变更"),
    "undecided": write_bilingual("待人工判断"),
}


def _format_difference(name: str, item: dict[str, Any]) -> str:
    if name == "conflicts":
        reason = item["reason"]
        choice = f"{write_bilingual('以名单为准')}（{reason}）" if reason else write_bilingual("保留决定")
        sides = (_format_evidence(item[side], item[value]) for side, value in _SIDES)
        return f"{item['code']}:{item['field']}  {item['name']}  {' / '.join(sides)}: {choice}"
    if name in ("new", "gone", "relisted"):
        return f"{item['code']}  {item['name']}  {item['address']}"
    if name == "changed":
        fields = "、".join(change["field"] for change in item["changes"])
        return f"{item['code']}  {item['name']}  {fields}"
    return f"{item.get('code', '')}  {item['from']} -> {item['to']}  ({item['why']})".strip()


_SIDES = (("decision", "recorded"), ("list_document", "listed"))


def _format_evidence(side: dict[str, Any], value: Any) -> str:
    """Format what one side of a conflict says, with its document, number, authority and day."""
    shown = value["stage"] if isinstance(value, dict) else value
    text = "-" if shown is None else shown if isinstance(shown, str) else msgspec.json.encode(shown).decode()
    document = [side[part] for part in ("title", "number", "authority", "reason") if side[part]]
    return f"{text} [{'，'.join([*document, str(side['day'] or side['since'])])}]"


def _print_omitted_count(number: int) -> None:
    if number > 0:
        click.echo(f"  {write_bilingual('…… 另有{number}项，用 --json 查看全部', number=number)}")
