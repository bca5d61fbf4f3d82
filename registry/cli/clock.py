"""Commands about the clock of this machine: clock show, clock confirm."""

from __future__ import annotations

from typing import Any

import click

from registry import accounts, settings
from registry.accounts import audit_log
from registry.cli import common, main
from registry.log import clock_check
from registry.log.clock import find_present, from_milliseconds, read_clock
from registry.log.publish import PublishedLog
from registry.texts import write_bilingual


@main.group()
def clock() -> None:
    """本机时钟：所知的时间、确认 / the clock of this machine: what is known of the time, and confirming it."""


@clock.command("show")
@common.as_json
def show_clock(json_: bool) -> None:
    """时钟、所知的时间，以及是否停止写入 / the clock, what is known of the time, and whether appends are stopped."""
    check = PublishedLog(settings.load()).clock
    with common.open_database() as database, database.reading() as connection:
        evidence, now = check.collect_evidence(connection), read_clock()
    fault = clock_check.find_clock_fault(evidence, now)
    before = evidence.before
    report: dict[str, Any] = {
        "clock": now,
        "present": find_present(evidence.entry),
        "entry": _to_instant(evidence.entry),
        "signed": _to_instant(evidence.signed),
        "files": _to_instant(evidence.files),
        "seen": _to_instant(before.seen_at) if before else None,
        "expected": before.find_expected_time(evidence.running) if before else None,
        "confirmed": _to_instant(before.confirmed_at) if before else None,
        "synchronised": evidence.synchronised,
        "sources": {statement.message.to_text("en"): statement.instant for statement in evidence.statements},
        "wrong": {"zh": fault.zh, "en": fault.en} if fault else None,
    }
    if json_:
        common.print_json(report)
        return
    for name, words in _LABELS.items():
        click.echo(f"{words}: {report[name] if report[name] is not None else '-'}")
    for statement in evidence.statements:
        click.echo(f"{statement.message.to_bilingual()}: {statement.instant}")
    click.echo(fault.get_text("zh-CN") if fault else write_bilingual("可以写入"))
    if fault:
        click.echo(fault.get_text("en"))


@clock.command("confirm")
@click.option("--by", metavar="USER", required=True, help=write_bilingual("管理员账号"))
def confirm_clock(by: str) -> None:
    """确认本机时钟无误，恢复写入 / say that the clock of this machine is right, so that entries are appended again.

    先看表 / look at a watch first. 有时间源否认时拒绝 / refused where a time source says otherwise.
    """
    check = PublishedLog(settings.load()).clock
    with common.open_database() as database, database.writing() as connection:
        accounts.require_role(connection, by, "administrator")
        audit_log.record_event(connection, by, "clock_confirmed", f"clock:{read_clock().isoformat(timespec='seconds')}")
        heartbeat = check.confirm_clock(connection)
    click.echo(write_bilingual("已确认") + f": {from_milliseconds(heartbeat.confirmed_at)}")


_LABELS = {
    "clock": write_bilingual("本机时钟"),
    "present": write_bilingual("名录的现在"),
    "entry": write_bilingual("末条日志记录于"),
    "signed": write_bilingual("末个检查点签发于"),
    "files": write_bilingual("日志文件写于"),
    "seen": write_bilingual("上次无误的时钟"),
    "expected": write_bilingual("据此现应为"),
    "confirmed": write_bilingual("管理员确认于"),
    "synchronised": write_bilingual("系统与时间服务同步"),
}


def _to_instant(milliseconds: int) -> Any:
    return from_milliseconds(milliseconds) if milliseconds else None
