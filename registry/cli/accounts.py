"""Commands about accounts: user add, user rekey."""

from __future__ import annotations

import sys

import click

from registry import accounts, settings
from registry.accounts import audit_log
from registry.cli import common, main
from registry.errors import Conflict
from registry.texts import Message, write_bilingual


@main.group()
def user() -> None:
    """工作人员账号 / staff accounts."""


@user.command("add")
@click.argument("name")
@click.option(
    "--role", "roles", multiple=True, required=True, type=click.Choice(accounts.ROLES), help=write_bilingual("可重复")
)
@click.option("--region", default="", metavar="CODE", help=write_bilingual("只管此行政区划"))
def add_account(name: str, roles: tuple[str, ...], region: str) -> None:
    """建立账号；密码由终端询问，或从标准输入读取 / create an account; the password is asked for, or read from stdin."""
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


@user.command("rekey")
@click.option("--lost", is_flag=True, help=write_bilingual("密钥文件已遗失：另建一个，受影响账号重设验证器"))
def replace_secrets_key(lost: bool) -> None:
    """换新验证器密钥文件，原有密钥重新加密 / a new key for the secrets of second factors, sealed anew with it."""
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
    click.echo(write_bilingual("新的密钥文件，请另存副本") + f": {vault.path}")
    for name in affected:
        click.echo(f"{name}: " + write_bilingual("下次登录须重设验证器"))
