"""Named accounts of health-department staff and their roles. Signing in comes with the workspace; the shell names them.

Account names stand in the public log as proposer and approver, so they are duty names, not people's names.
"""

from __future__ import annotations

import re
import time
from typing import Literal, get_args

import sqlalchemy as sa
from argon2 import PasswordHasher

from registry.errors import Conflict, InvalidInput, NotAllowed
from registry.model import Struct
from registry.tables import accounts

Role = Literal["editor", "approver", "publisher", "auditor", "administrator"]
ROLES: tuple[Role, ...] = get_args(Role)
SHORTEST_PASSWORD = 12
#: Reserved, nobody signs in as these: the makers propose what seed_data/ ships, whoever installs it accepts it.
RESERVED = "system."
SEED_PROPOSER = "system.seed"
SEED_APPROVER = "system.installation"
_NAME = re.compile(r"[a-z][a-z0-9._-]{1,39}")


class Account(Struct, frozen=True):
    """One account; roles say what it may do."""

    name: str
    roles: frozenset[str]
    disabled: bool


def add(connection: sa.Connection, name: str, roles: list[str], password: str) -> Account:
    """Create an account; InvalidInput for a bad name, role or short password, Conflict when the name is taken."""
    if not _NAME.fullmatch(name) or name.startswith(RESERVED):
        raise InvalidInput(
            f"账号名“{name}”不可用：以小写字母开头，2至40位小写字母、数字、点、横线或下划线，不得以 system. 开头。",
            f"Account name “{name}” cannot be used: 2 to 40 lower-case letters, digits, '.', '-', '_', starting with a "
            "letter and not with 'system.'.",
        )
    unknown = [role for role in roles if role not in ROLES]
    if unknown or not roles:
        raise InvalidInput(
            f"角色有误：{'、'.join(unknown) or '未指定'}。可用角色：{'、'.join(ROLES)}。",
            f"Unknown role: {', '.join(unknown) or 'none given'}. Roles are {', '.join(ROLES)}.",
        )
    if len(password) < SHORTEST_PASSWORD:
        raise InvalidInput(
            f"密码太短：至少{SHORTEST_PASSWORD}个字符。",
            f"The password is too short: at least {SHORTEST_PASSWORD} characters.",
        )
    if connection.execute(sa.select(accounts.c.name).where(accounts.c.name == name)).first():
        raise Conflict(f"账号“{name}”已存在。", f"Account “{name}” exists already.")
    connection.execute(
        sa.insert(accounts).values(
            name=name,
            roles=" ".join(sorted(set(roles))),
            password=PasswordHasher().hash(password),
            created_at=int(time.time() * 1000),
        )
    )
    return Account(name=name, roles=frozenset(roles), disabled=False)


def get(connection: sa.Connection, name: str) -> Account | None:
    """The account of a name, or None."""
    row = connection.execute(sa.select(accounts).where(accounts.c.name == name)).first()
    if row is None:
        return None
    return Account(name=row.name, roles=frozenset(row.roles.split()), disabled=row.disabled_at is not None)


def require(connection: sa.Connection, name: str, role: Role) -> None:
    """NotAllowed unless the account exists, is enabled and has the role."""
    if {SEED_PROPOSER: "editor", SEED_APPROVER: "approver"}.get(name) == role:
        return
    account = get(connection, name)
    if account is None:
        raise NotAllowed(
            f"没有名为“{name}”的账号。请管理员先运行：registry user add {name} --role {role}",
            f"There is no account “{name}”. An administrator can run: registry user add {name} --role {role}",
        )
    if account.disabled or role not in account.roles:
        raise NotAllowed(
            f"账号“{name}”没有 {role} 角色，不能进行此操作。", f"Account “{name}” lacks the role {role} for this."
        )
