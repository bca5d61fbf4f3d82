"""Commands about accounts: user add."""

from __future__ import annotations

import sys

import click

from registry import accounts, trail
from registry.cli import common, main


@main.group()
def user() -> None:
    """工作人员账号 / staff accounts."""


@user.command("add")
@click.argument("name")
@click.option(
    "--role", "roles", multiple=True, required=True, type=click.Choice(accounts.ROLES), help="可重复 / repeatable"
)
@click.option("--region", default="", metavar="CODE", help="只管此行政区划 / may propose about this region only")
def add(name: str, roles: tuple[str, ...], region: str) -> None:
    """建立账号；密码由终端询问，或从标准输入读取 / create an account; the password is asked for, or read from stdin."""
    if sys.stdin.isatty():
        password = click.prompt("密码 / password", hide_input=True, confirmation_prompt="再输入一次 / again")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    with common.database() as database, database.writing() as connection:
        account = accounts.add(connection, name, list(roles), password, region=region)
        trail.record(connection, accounts.SHELL, "account_added", f"account:{name}")
    click.echo(f"{account.name}: {' '.join(sorted(account.roles))}")
