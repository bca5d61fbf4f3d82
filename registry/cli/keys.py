"""Commands about API keys: key add, list, rotate, revoke, usage, checks."""

from __future__ import annotations

import datetime as dt
import sys
from typing import Any

import click
import msgspec

from registry.cli import common, main
from registry.clients import keys, usage
from registry.clients.keys import ApiKey, NewKey
from registry.log.clock import get_now_ms

#: Checks read at once.
_CHUNK = 1_000


@main.group()
def key() -> None:
    """程序使用的接口密钥 / API keys of programs."""


@key.command("add")
@click.argument("client")
@click.option(
    "--scope", "scopes", multiple=True, required=True, type=click.Choice(keys.SCOPES), help="可重复 / repeatable"
)
@click.option(
    "--per-minute", default=keys.PER_MINUTE, show_default=True, help="每分钟请求数 / requests a minute", metavar="N"
)
@click.option(
    "--per-day",
    default=keys.PER_DAY,
    show_default=True,
    metavar="N",
    help="每天问题数，批量按行计 / questions a day; a batch asks one a row",
)
@click.option("--record", is_flag=True, help="留存每次核验 / keep every check on record")
@click.option("--expires", type=common.DayParam(), metavar="DATE", help="到期日（该日零点） / ends as this day begins")
@common.as_json
def add_key(  # noqa: PLR0913 - one parameter per option
    client: str,
    scopes: tuple[str, ...],
    per_minute: int,
    per_day: int,
    record: bool,
    expires: dt.date | None,
    json_: bool,
) -> None:
    """发放密钥，只显示一次 / make a key; it is shown once.

    CLIENT 是使用者的单位或系统名称，不写个人姓名 / the name of an office or a system, not of a person.
    """
    wanted = NewKey(
        client=client,
        scopes=frozenset(scopes),
        per_minute=per_minute,
        per_day=per_day,
        recorded=record,
        expires_at=_to_milliseconds(expires),
    )
    with common.open_database() as database, database.writing() as connection:
        made, text = keys.create_key(connection, wanted)
    _print_new_key(made, text, json_)


@key.command("list")
@click.argument("client", required=False)
@common.as_json
def list_keys(client: str | None, json_: bool) -> None:
    """全部密钥及其最近使用时间 / every key, and when it was used last; never the keys themselves."""
    with common.open_database() as database, database.reading() as connection:
        found = keys.list_keys(connection, client)
    if json_:
        common.print_json([_to_dict(one) for one in found])
        return
    for one in found:
        told = _to_dict(one)
        used = told["last_used_at"] or "从未使用 / never used"
        click.echo(f"{one.id}  {told['state']:<8} {one.client}  [{' '.join(told['scopes'])}]  {used}")
    if not found:
        click.echo("没有密钥 / there are no keys", err=True)


@key.command("rotate")
@click.argument("id")
@click.option(
    "--overlap",
    default=keys.OVERLAP.days,
    show_default=True,
    type=click.IntRange(0, 90),
    metavar="DAYS",
    help="旧密钥再用几天 / days the old key goes on",
)
@common.as_json
def rotate_key(id: str, overlap: int, json_: bool) -> None:
    """换新密钥，旧的到期作废 / a new key with the same rights; the old one ends after the overlap."""
    with common.open_database() as database, database.writing() as connection:
        made, text = keys.rotate_key(connection, id, dt.timedelta(days=overlap))
    _print_new_key(made, text, json_)


@key.command("revoke")
@click.argument("id")
def revoke_key(id: str) -> None:
    """立即撤销 / end a key now: every process refuses it within one second."""
    with common.open_database() as database, database.writing() as connection:
        ended = keys.revoke_key(connection, id)
    click.echo(f"已撤销 / revoked: {ended.id} {ended.client}")


@key.command("usage")
@click.argument("client", required=False)
@click.option("--since", type=common.DayParam(), metavar="DATE", help="默认近31天 / default: the last 31 days")
@common.as_json
def show_usage(client: str | None, since: dt.date | None, json_: bool) -> None:
    """各密钥每天问了多少 / what was asked with each key, by day and operation."""
    from registry.records.asof import read_today

    day = since or read_today() - dt.timedelta(days=30)
    with common.open_database() as database, database.reading() as connection:
        known = {one.id: one.client for one in keys.list_keys(connection, client)}
        found = usage.list_usage(connection, list(known), day.isoformat())
    if json_:
        common.print_json([{"client": known[one.key], **msgspec.to_builtins(one)} for one in found])
        return
    for one in found:
        click.echo(
            f"{one.day}  {one.key}  {known[one.key]}  {one.operation}: 请求 / requests {one.requests:,}, "
            f"问题 / questions {one.questions:,}, 被拒 / refused {one.refused:,}"
        )
    if not found:
        click.echo("没有使用记录 / nothing was asked", err=True)


@key.command("checks")
@click.argument("client")
@click.option("--since", default=0, metavar="N", help="此编号之后的 / those after this number")
def list_checks(client: str, since: int) -> None:
    """要求留存的核验记录，每行一条 JSON / the recorded checks of a client, a line of JSON each."""
    with common.open_database() as database:
        while True:
            with database.reading() as connection:
                found = usage.list_checks(connection, client, since, _CHUNK)
            for one in found:
                sys.stdout.write(msgspec.json.encode(one).decode() + "\n")
            if len(found) < _CHUNK:
                return
            since = found[-1].id


def _print_new_key(made: ApiKey, text: str, json_: bool) -> None:
    if json_:
        common.print_json({**_to_dict(made), "key": text})
        return
    click.echo(text)
    click.echo(
        f"编号 {made.id}。密钥只显示这一次，请立即保存；丢失了就轮换：registry key rotate {made.id}\n"
        f"Id {made.id}. The key is shown this once: keep it now. If it is lost: registry key rotate {made.id}",
        err=True,
    )


def _to_dict(one: ApiKey) -> dict[str, Any]:
    """A key without its digest."""
    return {
        "id": one.id,
        "client": one.client,
        "state": one.get_state(get_now_ms()),
        "scopes": sorted(one.scopes),
        "per_minute": one.per_minute,
        "per_day": one.per_day,
        "recorded": one.recorded,
        **{
            name: _format_instant(getattr(one, name))
            for name in ("created_at", "expires_at", "revoked_at", "last_used_at")
        },
    }


def _format_instant(instant: int | None) -> str | None:
    if instant is None:
        return None
    from registry.records.asof import instant_at

    return instant_at(instant).isoformat(timespec="seconds").replace("+00:00", "Z")


def _to_milliseconds(day: dt.date | None) -> int | None:
    if day is None:
        return None
    from registry.records.asof import SHANGHAI

    return int(dt.datetime.combine(day, dt.time(), SHANGHAI).timestamp() * 1000)
