"""Commands about who may do what: accounts of people (user), keys of programs (key)."""

from __future__ import annotations

import datetime as dt
import sys
from typing import Any

import click
import msgspec

from registry import accounts, settings
from registry.accounts import audit_log
from registry.cli import common, main
from registry.clients import keys
from registry.clients.keys import ApiKey, NewKey
from registry.errors import Conflict
from registry.log.clock import from_milliseconds, get_now_ms
from registry.records import asof
from registry.texts import Message, write_bilingual


@main.group(help=write_bilingual("工作人员账号"))
def user() -> None:
    """Staff accounts."""


@user.command("add", help=write_bilingual("建立账号；密码由终端询问，或从标准输入读取"))
@click.argument("name")
@click.option(
    "--role", "roles", multiple=True, required=True, type=click.Choice(accounts.ROLES), help=write_bilingual("可重复")
)
@click.option("--region", default="", metavar="CODE", help=write_bilingual("只管此行政区划"))
def add_account(name: str, roles: tuple[str, ...], region: str) -> None:
    """Create an account; the password is asked for, or read from stdin."""
    if sys.stdin.isatty():
        password = click.prompt(
            write_bilingual("密码"), hide_input=True, confirmation_prompt=write_bilingual("再输入一次")
        )
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    with common.open_database() as database, database.writing() as connection:
        account = accounts.create_account(connection, name, list(roles), password, region=region)
        audit_log.record_event(connection, accounts.SHELL, "account_added", f"account:{name}")
    click.echo(f"{account.name}: {' '.join(sorted(account.roles))}")


@user.command("rekey", help=write_bilingual("换新验证器密钥文件，原有密钥重新加密"))
@click.option("--lost", is_flag=True, help=write_bilingual("密钥文件已遗失：另建一个，受影响账号重设验证器"))
def replace_secrets_key(lost: bool) -> None:
    """Make a new key for the secrets of second factors, and seal them anew with it."""
    from registry.accounts import factors, sessions
    from registry.accounts.vault import Vault

    vault = Vault(settings.load().get_secrets_file())
    with common.open_database() as database:
        affected: list[str] = []
        if lost:
            with database.reading() as connection:
                affected = factors.list_lost_accounts(connection, vault)
            if not affected:
                raise Conflict(Message("没有账号受影响，密钥文件未遗失。"))
            vault.create_file()
        else:
            with database.reading() as connection:
                factors.require_key(connection, vault)
            vault.add_key()
        with database.writing() as connection:
            for name in affected:
                factors.remove_factor(connection, name)
                sessions.end_sessions(connection, name)
                audit_log.record_event(connection, accounts.SHELL, "account_forget_second", f"account:{name}")
            factors.seal_secrets(connection, vault)
            audit_log.record_event(connection, accounts.SHELL, "rekeyed", "lost" if lost else "")
    click.echo(f"{write_bilingual('新的密钥文件，请另存副本')}: {vault.path}")
    for name in affected:
        click.echo(f"{name}: {write_bilingual('下次登录须重设验证器')}")


#: Recorded checks read at once.
_CHUNK = 1_000


@main.group(help=write_bilingual("程序使用的接口密钥"))
def key() -> None:
    """API keys of programs."""


@key.command(
    "add",
    help=common.write_help(Message("发放密钥，只显示一次"), Message("CLIENT 是使用者的单位或系统名称，不写个人姓名")),
)
@click.argument("client")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(keys.SCOPES),
    help=write_bilingual("可重复；写了部门可不写，即该部门的全部范围"),
)
@click.option("--department", default="", metavar="CODE", help=write_bilingual("属于哪个部门，其用量计入措施报表"))
@click.option("--region", default="", metavar="CODE", help=write_bilingual("该部门的行政区划代码"))
@click.option(
    "--per-minute", default=keys.PER_MINUTE, show_default=True, help=write_bilingual("每分钟请求数"), metavar="N"
)
@click.option(
    "--per-day", default=keys.PER_DAY, show_default=True, metavar="N", help=write_bilingual("每天问题数，批量按行计")
)
@click.option("--record", is_flag=True, help=write_bilingual("留存每次核验"))
@click.option("--expires", type=common.DayParam(), metavar="DATE", help=write_bilingual("到期日（该日零点）"))
@common.as_json
def add_key(  # noqa: PLR0913 - one parameter per option
    client: str,
    scopes: tuple[str, ...],
    department: str,
    region: str,
    per_minute: int,
    per_day: int,
    record: bool,
    expires: dt.date | None,
    json_: bool,
) -> None:
    """Make a key; it is shown once."""
    if not scopes and not department:
        raise click.UsageError(write_bilingual("请加 --scope 或 --department"))
    if region and not department:
        raise click.UsageError(write_bilingual("--region 须与 --department 一起使用"))
    new_key = NewKey(
        client=client,
        scopes=_choose_scopes(scopes, department, region),
        department=department,
        region=region,
        per_minute=per_minute,
        per_day=per_day,
        recorded=record,
        expires_at=asof.to_milliseconds(dt.datetime.combine(expires, dt.time(), asof.SHANGHAI)) if expires else None,
    )
    with common.open_database() as database, database.writing() as connection:
        created, text = keys.create_key(connection, new_key)
    _print_new_key(created, text, json_)


def _choose_scopes(scopes: tuple[str, ...], department: str, region: str) -> frozenset[str]:
    if not department:
        return frozenset(scopes)
    from registry.measures.departments import access

    return access.choose_scopes(department, scopes, region)


@key.command("list", help=write_bilingual("全部密钥及其最近使用时间"))
@click.argument("client", required=False)
@common.as_json
def list_keys(client: str | None, json_: bool) -> None:
    """List every key, and when it was used last; never the keys themselves."""
    with common.open_database() as database, database.reading() as connection:
        rows = [_to_dict(api_key) for api_key in keys.list_keys(connection, client)]
    if json_:
        common.print_json(rows)
        return
    for row in rows:
        used = row["last_used_at"] or write_bilingual("从未使用")
        click.echo(f"{row['id']}  {row['state']:<8} {row['client']}  [{' '.join(row['scopes'])}]  {used}")
    if not rows:
        click.echo(write_bilingual("没有密钥"), err=True)


@key.command("rotate", help=write_bilingual("换新密钥，旧的到期作废"))
@click.argument("id")
@click.option(
    "--overlap",
    default=keys.OVERLAP.days,
    show_default=True,
    type=click.IntRange(0, 90),
    metavar="DAYS",
    help=write_bilingual("旧密钥再用几天"),
)
@common.as_json
def rotate_key(id: str, overlap: int, json_: bool) -> None:
    """Make a new key with the same rights; the old one ends after the overlap."""
    with common.open_database() as database, database.writing() as connection:
        created, text = keys.rotate_key(connection, id, dt.timedelta(days=overlap))
    _print_new_key(created, text, json_)


@key.command("revoke", help=write_bilingual("立即撤销"))
@click.argument("id")
def revoke_key(id: str) -> None:
    """End a key now: every process refuses it within one second."""
    with common.open_database() as database, database.writing() as connection:
        ended = keys.revoke_key(connection, id)
    click.echo(f"{write_bilingual('已撤销')}: {ended.id} {ended.client}")


@key.command("usage", help=write_bilingual("各密钥每天问了多少"))
@click.argument("client", required=False)
@click.option("--since", type=common.DayParam(), metavar="DATE", help=write_bilingual("默认近31天"))
@common.as_json
def show_usage(client: str | None, since: dt.date | None, json_: bool) -> None:
    """Show what was asked with each key, by day and operation."""
    day = since or asof.read_today() - dt.timedelta(days=30)
    with common.open_database() as database, database.reading() as connection:
        clients = {api_key.id: api_key.client for api_key in keys.list_keys(connection, client)}
        rows = keys.list_usage(connection, list(clients), day.isoformat())
    if json_:
        common.print_json([{"client": clients[row.key], **msgspec.to_builtins(row)} for row in rows])
        return
    for row in rows:
        click.echo(
            f"{row.day}  {row.key}  {clients[row.key]}  {row.operation}: {write_bilingual('请求')} {row.requests:,}, "
            f"{write_bilingual('问题')} {row.questions:,}, {write_bilingual('被拒')} {row.refused:,}"
        )
    if not rows:
        click.echo(write_bilingual("没有使用记录"), err=True)


@key.command("checks", help=write_bilingual("要求留存的核验记录，每行一条 JSON"))
@click.argument("client")
@click.option("--since", default=0, metavar="N", help=write_bilingual("此编号之后的"))
def list_checks(client: str, since: int) -> None:
    """Print the recorded checks of a client, a line of JSON each."""
    with common.open_database() as database:
        while True:
            with database.reading() as connection:
                checks = keys.list_checks(connection, client, since, _CHUNK)
            for check in checks:
                sys.stdout.write(msgspec.json.encode(check).decode() + "\n")
            if len(checks) < _CHUNK:
                return
            since = checks[-1].id


def _print_new_key(created: ApiKey, text: str, json_: bool) -> None:
    if json_:
        common.print_json({**_to_dict(created), "key": text})
        return
    click.echo(text)
    common.print_both(
        Message("编号 {key}。密钥只显示这一次，请立即保存；丢失了就轮换：registry key rotate {key}", key=created.id),
        err=True,
    )


def _to_dict(api_key: ApiKey) -> dict[str, Any]:
    """Return the JSON fields of a key, without its digest."""
    return {
        "id": api_key.id,
        "client": api_key.client,
        "state": api_key.get_state(get_now_ms()),
        "scopes": sorted(api_key.scopes),
        "per_minute": api_key.per_minute,
        "per_day": api_key.per_day,
        "recorded": api_key.recorded,
        "department": api_key.department or None,
        "region": api_key.region or None,
        **{
            name: _format_instant(getattr(api_key, name))
            for name in ("created_at", "expires_at", "revoked_at", "last_used_at")
        },
    }


def _format_instant(instant: int | None) -> str | None:
    return (
        from_milliseconds(instant).isoformat(timespec="seconds").replace("+00:00", "Z") if instant is not None else None
    )
