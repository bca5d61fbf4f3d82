"""Commands for whoever runs the register: init, seed, settings, rebuild, lag, serve, clock."""

from __future__ import annotations

from typing import Any

import click

from registry import accounts, settings
from registry.accounts import audit_log
from registry.cli import common, main
from registry.errors import CannotAnswer
from registry.log import clock_check
from registry.log.clock import find_present, from_milliseconds, read_clock
from registry.log.publish import PublishedLog
from registry.storage.database import Database
from registry.texts import Message, write_bilingual


@main.command(help=write_bilingual("创建或升级数据库与签名密钥"))
@click.option("--quiet", is_flag=True, help=write_bilingual("无需改动时不输出"))
def init(quiet: bool) -> None:
    """Create or migrate the database; create the signing key if there is none."""
    prepare_register(quiet)


def prepare_register(quiet: bool) -> None:
    """Bring database and keys to what this version needs, and print what was done."""
    from registry.log import signing_keys
    from registry.log.publish import PublishedLog
    from registry.proposals import views
    from registry.storage import rights

    loaded = settings.load()
    published = PublishedLog(loaded)
    with common.open_database(create=True) as database:
        migrated = database.migrate()
        with common.show_progress(quiet=quiet) as report_progress:
            views.catch_up(database, lambda done: report_progress("rebuild", done))
        has_checkpoint = published.find_checkpoint() is not None or published.has_stored_checkpoint(database)
        key_file = loaded.get_key_file()
        # A log that is signed already has a key, which is elsewhere or lost: another one is made by `log rotate` only.
        key_created = not (has_checkpoint and not key_file.exists()) and signing_keys.create_key_file(key_file)
        published.publish(database)
        published.clock.start_heartbeat(database)
        vault_created, sealed = seal_secrets(database, loaded)
    tightening = rights.tighten_rights(loaded)
    if tightening.tightened:
        click.echo(rights.describe_tightening(tightening).to_bilingual(), err=True)
    if migrated or key_created or vault_created or not quiet:
        state = write_bilingual("已建立或升级") if migrated else write_bilingual("已是最新")
        click.echo(f"{write_bilingual('数据库')}: {state}")
        if key_file.exists():
            click.echo(f"{write_bilingual('签名密钥')}: {_CREATED[key_created]} ({key_file})")
        else:
            common.print_both(Message("签名密钥不在本机，本机不签发检查点；若已遗失：registry log rotate --lost"))
        if loaded.get_secrets_file().exists():
            click.echo(f"{write_bilingual('验证器密钥')}: {_CREATED[vault_created]} ({loaded.get_secrets_file()})")
        if sealed:
            click.echo(f"{write_bilingual('已加密的验证器密钥')}: {sealed}")


_CREATED = {True: write_bilingual("已生成"), False: write_bilingual("已存在")}


def seal_secrets(database: Database, loaded: settings.Settings) -> tuple[bool, int]:
    """Create the key of second factors if nothing was sealed yet, and seal what is not.

    Return whether the key was created, and how many secrets were sealed. Where a key that sealed something is missing,
    say so on stderr and create none.
    """
    from registry.accounts import factors
    from registry.accounts.vault import Vault
    from registry.log import replication
    from registry.proposals import redaction

    vault = Vault(loaded.get_secrets_file())
    if common.warn_of_lost_secrets_key(database, loaded):
        return False, 0
    with database.reading() as connection:
        if replication.is_mirror(connection):  # nobody signs in to a mirror
            return False, 0
    created = vault.create_file()
    with database.writing() as connection:
        sealed = factors.seal_secrets(connection, vault)
        if sealed:
            redaction.mark_erasure_pending(connection)
    if sealed:
        redaction.purge_erased_bytes(database)
    return created, sealed


@main.command(help=write_bilingual("加载随产品附带的国家名录"))
@click.option("--demo", is_flag=True, help=write_bilingual("另加虚构的示例市数据"))
@click.option("--if-empty", is_flag=True, help=write_bilingual("仅当名录为空时加载"))
@common.as_json
def seed(demo: bool, if_empty: bool, json_: bool) -> None:
    """Load the national lists the product ships. Safe to repeat."""
    load_seed(demo, if_empty, json_)


def load_seed(demo: bool, if_empty: bool, json_: bool = False) -> None:
    """Load the lists of seed_data/; with ``if_empty`` only into a register that holds nothing else."""
    from registry.importers.seed import loader
    from registry.log.publish import PublishedLog

    with common.open_database() as database:
        if if_empty and not loader.is_seed_incomplete(database):
            return
        from registry.importers.seed import loader

        if not json_:
            click.echo(write_bilingual("正在加载随附名录"), err=True)
        with common.show_progress(quiet=json_) as report_progress:
            results = loader.load_seed(database, report_progress, with_demo=demo, log=PublishedLog(settings.load()))
    if json_:
        common.print_json(results)
        return
    for row in results:
        if row.first is None:
            click.echo(f"{row.source}: {write_bilingual('已加载过')}")
        else:
            entries = f"{write_bilingual('日志')} {row.first}-{row.last}"
            click.echo(f"{row.source}: {row.institutions} {write_bilingual('家机构')}，{entries}")


@main.command("settings", help=write_bilingual("列出所有环境变量设置"))
@common.as_json
def show_settings(json_: bool) -> None:
    """List every setting with its default and meaning."""
    rows = [dict(zip(("variable", "default", "meaning"), row, strict=True)) for row in settings.list_settings()]
    lines = (f"{row['variable']}  [{row['default'] or '-'}]\n    {row['meaning']}" for row in rows)
    common.print_result(rows, lines, json_)


@main.command(help=write_bilingual("由日志重建视图"))
@click.argument("view", required=False)
def rebuild(view: str | None) -> None:
    """Empty a view (all by default) and replay the log into it; `log`: the published files."""
    from registry.log.publish import PublishedLog
    from registry.proposals import views
    from registry.search.engine import EngineUnavailable
    from registry.search.outside_search import OutsideSearch

    with common.open_database() as database, common.show_progress() as report_progress:
        if view == "log":
            PublishedLog(settings.load()).rebuild_files(database, lambda done: report_progress("publish", done))
            click.echo(write_bilingual("log: 已重建"))
            return
        for name in views.rebuild_views(database, view, lambda done: report_progress("rebuild", done)):
            click.echo(f"{name}: {write_bilingual('已重建')}")
        loaded = settings.load()
        if loaded.search_url and view in (None, "search"):
            outside = OutsideSearch(database, loaded.search_url, loaded.search_key)
            try:
                number = outside.rebuild_now()
            except EngineUnavailable as error:
                raise CannotAnswer(
                    Message("站外搜索引擎未能重建：{error}。内嵌搜索不受影响，引擎恢复后会自动跟上。", error=error)
                ) from error
            click.echo(f"meilisearch: {write_bilingual('已重建')}, {number} {write_bilingual('家机构')}")


@main.command(help=write_bilingual("各视图落后于日志的条数"))
@common.as_json
def lag(json_: bool) -> None:
    """Show how many entries each view is behind."""
    from registry.proposals import views

    with common.open_database() as database, database.reading() as connection:
        behind = views.measure_lag(connection)
    common.print_result(behind, (f"{name}: {number}" for name, number in behind.items()), json_)


@main.command(help=write_bilingual("运行网站与接口"))
@click.option("--host", default="127.0.0.1", show_default=True, help=write_bilingual("监听地址"))
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help=write_bilingual("端口，0 为任选")
)
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help=write_bilingual("进程数"))
@click.option("--setup", is_flag=True, help=write_bilingual("先建库；名录为空时加载随附名录"))
def serve(host: str, port: int, workers: int, setup: bool) -> None:
    """Run the pages and the API; prints one line with the address when ready."""
    from registry import server

    settings.load()  # refuses what is wrong before anything is done
    with server.bind_address(host, port) as listener:
        if setup:
            prepare_register(quiet=True)
            load_seed(demo=False, if_empty=True)
        with common.open_database():
            pass  # refuse before anybody is let in when there is nothing to serve
        server.run_server(listener, host, workers, settings.load())


@main.command(help=write_bilingual("检查安装是否完好，并说明如何修复"))
@common.as_json
def doctor(json_: bool) -> None:
    """Look at the whole installation and say what is wrong and how to mend it; exit status 1 if something is wrong."""
    from registry.operations.doctor import Doctor, silence_logger

    silence_logger()
    findings = []
    for finding in Doctor(settings.load()).examine():
        findings.append(finding)
        if not json_:
            chinese, english = finding.message.get_both()
            click.echo(f"{_STATES[finding.state]}  {finding.code}: {chinese}\n    {english}")
    if json_:
        common.print_json(
            [
                {
                    "code": one.code,
                    "state": one.state,
                    "zh": one.message.to_text("zh-CN"),
                    "en": one.message.to_text("en"),
                }
                for one in findings
            ]
        )
    wrong = sum(one.state == "wrong" for one in findings)
    if wrong:
        raise CannotAnswer(Message("有{count}处须修复。", count=wrong))


_STATES = {
    "ok": write_bilingual("良好", context="doctor"),
    "warning": write_bilingual("注意", context="doctor"),
    "wrong": write_bilingual("有误", context="doctor"),
}


@main.group(help=write_bilingual("本机时钟：所知的时间、确认"))
def clock() -> None:
    """The clock of this machine: what is known of the time, and confirming it."""


@clock.command("show", help=write_bilingual("时钟、所知的时间，以及是否停止写入"))
@common.as_json
def show_clock(json_: bool) -> None:
    """Show the clock, what is known of the time, and whether appends are stopped."""
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


@clock.command(
    "confirm",
    help=common.write_help(Message("确认本机时钟无误，恢复写入"), Message("请先看表；有时间源否认时拒绝")),
)
@click.option("--by", metavar="USER", required=True, help=write_bilingual("管理员账号"))
def confirm_clock(by: str) -> None:
    """Say that the clock of this machine is right, so that entries are appended again."""
    check = PublishedLog(settings.load()).clock
    with common.open_database() as database, database.writing() as connection:
        accounts.require_role(connection, by, "administrator")
        audit_log.record_event(connection, by, "clock_confirmed", f"clock:{read_clock().isoformat(timespec='seconds')}")
        heartbeat = check.confirm_clock(connection)
    click.echo(f"{write_bilingual('已确认')}: {from_milliseconds(heartbeat.confirmed_at)}")


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
