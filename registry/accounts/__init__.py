"""Named accounts of health-department staff: their roles, and the region they may make proposals about.

Account names stand in the public log as proposer and approver, so they are duty names, not people's names.
"""

from __future__ import annotations

import re
import secrets
import time
from typing import Literal, get_args

import sqlalchemy as sa

from registry.accounts import passwords
from registry.domain import regions
from registry.domain.model import Struct
from registry.errors import Conflict, InvalidInput, NotAllowed, NotFound
from registry.storage.tables import accounts
from registry.texts import Listing, Message, PageText

Role = Literal["editor", "approver", "publisher", "auditor", "administrator"]
ROLES: tuple[Role, ...] = get_args(Role)
#: Reserved names, under which nobody signs in: seed_data/ is proposed by its makers and approved by the installation.
RESERVED = "system."
SEED_PROPOSER = "system.seed"
SEED_APPROVER = "system.installation"
#: Whoever has a shell on the server.
SHELL = "system.shell"
_NAME = re.compile(r"[a-z][a-z0-9._-]{1,39}")


def get_now_ms() -> int:
    """Return the clock of this machine in milliseconds since 1970: for what passes for people, not for the register."""
    return int(time.time() * 1000)


class Account(Struct, frozen=True):
    """One account: ``roles`` allow actions, ``region`` (GB/T 2260; empty: the whole country) limits proposals to a
    place.
    """

    name: str
    roles: frozenset[str]
    disabled: bool
    region: str = ""
    must_change: bool = False
    has_second: bool = False
    locked_until: int = 0
    created_at: int = 0
    external: str = ""
    needs_activation: bool = False


def create_account(
    connection: sa.Connection,
    name: str,
    roles: list[str],
    password: str,
    *,
    region: str = "",
    must_change: bool = False,
) -> Account:
    """Create an account; InvalidInput for a bad name, role, region or password, Conflict when the name is taken.

    ``must_change``: the first sign-in asks for a new password, because somebody else chose this one.
    """
    require_creatable(connection, name, roles, region)
    passwords.require_strong(password, name)
    return insert_account(
        connection, name, roles, passwords.hash_password(password), region=region, must_change=must_change
    )


def require_creatable(connection: sa.Connection, name: str, roles: list[str], region: str) -> None:
    """Raise InvalidInput for a bad name, role or region, Conflict when the name is taken."""
    if not _NAME.fullmatch(name) or name.startswith(RESERVED):
        raise InvalidInput(
            Message(
                "账号名“{name}”不可用：以小写字母开头，2至40位小写字母、数字、点、横线或下划线，不得以 system. 开头。",
                name=name,
            )
        )
    require_rights(roles, region)
    if connection.execute(sa.select(accounts.c.name).where(accounts.c.name == name)).first():
        raise Conflict(Message("账号“{name}”已存在。", name=name))


def insert_account(
    connection: sa.Connection, name: str, roles: list[str], hashed: str, *, region: str, must_change: bool
) -> Account:
    """Insert what ``require_creatable`` found nothing wrong with; ``hashed``: its password's hash."""
    connection.execute(
        sa.insert(accounts).values(
            name=name,
            roles=" ".join(sorted(set(roles))),
            password=hashed,
            created_at=get_now_ms(),
            region=region,
            must_change=must_change,
        )
    )
    return get_account(connection, name)


def change_rights(connection: sa.Connection, name: str, roles: list[str], region: str) -> Account:
    """Give an account other roles and another region; InvalidInput, NotFound."""
    require_rights(roles, region)
    return _update_account(connection, name, roles=" ".join(sorted(set(roles))), region=region)


def link_identity(connection: sa.Connection, name: str, external: str) -> Account:
    """Let the identity ``external`` of an identity provider sign in as this account; "" removes the link.

    A linked account gets a random password that nobody knows: the provider alone lets its holder in.
    InvalidInput for an identity that is too long, Conflict when another account has it.
    """
    get_account(connection, name)
    require_free_identity(connection, name, external)
    changes: dict[str, object] = {"external": external or None}
    if external:
        changes |= {"password": passwords.hash_password(secrets.token_urlsafe(48)), "must_change": False}
    return _update_account(connection, name, **changes)


def require_free_identity(connection: sa.Connection, name: str, external: str) -> None:
    """Raise InvalidInput for an identity that is too long, Conflict when another account than ``name`` has it."""
    if len(external) > 200:
        raise InvalidInput(Message("身份标识最多200个字符。"), field="external")
    holder = connection.execute(sa.select(accounts.c.name).where(accounts.c.external == external)).scalar()
    if external and holder not in (None, name):
        raise Conflict(Message("该身份标识已属于账号“{holder}”。", holder=holder), field="external")


def set_disabled(connection: sa.Connection, name: str, disabled: bool) -> Account:
    """Close an account, or open it again. Nobody can sign in to a closed account or act in its name."""
    return _update_account(connection, name, disabled_at=get_now_ms() if disabled else None)


def _update_account(connection: sa.Connection, name: str, **values: object) -> Account:
    connection.execute(sa.update(accounts).where(accounts.c.name == name).values(**values))
    return get_account(connection, name)


def require_rights(roles: list[str], region: str) -> None:
    """Raise InvalidInput for no role, one that does not exist, or a region that does not."""
    unknown = [role for role in roles if role not in ROLES]
    if unknown or not roles:
        raise InvalidInput(
            Message(
                "角色有误：{unknown}。可用角色：{roles}。",
                unknown=Listing(unknown) if unknown else Message("未指定"),
                roles=Listing(ROLES),
            ),
            field="role",
        )
    if region and regions.find_region(region) is None:
        raise InvalidInput(
            Message("没有行政区划代码“{region}”，例如 210300（鞍山市）；留空为全国。", region=region), field="region"
        )


def find_account(connection: sa.Connection, name: str) -> Account | None:
    """The account of a name, or None."""
    row = connection.execute(sa.select(accounts).where(accounts.c.name == name)).first()
    return None if row is None else _read_account(row)


def get_account(connection: sa.Connection, name: str) -> Account:
    """The account of a name; NotFound when there is none."""
    account = find_account(connection, name)
    if account is None:
        raise NotFound(Message("没有名为“{name}”的账号。", name=name))
    return account


def list_accounts(connection: sa.Connection) -> list[Account]:
    """Every account, by name."""
    return [_read_account(row) for row in connection.execute(sa.select(accounts).order_by(accounts.c.name))]


def _read_account(row: sa.Row[tuple[object, ...]]) -> Account:
    fields = row._mapping
    return Account(
        name=fields["name"],
        roles=frozenset(fields["roles"].split()),
        disabled=fields["disabled_at"] is not None,
        region=fields["region"],
        must_change=fields["must_change"],
        has_second=fields["second"] is not None,
        locked_until=fields["locked_until"],
        created_at=fields["created_at"],
        external=fields["external"] or "",
        needs_activation=fields["activation"] is not None,
    )


def require_role(connection: sa.Connection, name: str, role: Role) -> None:
    """Raise NotAllowed unless the account exists, is enabled and has the role."""
    if {SEED_PROPOSER: "editor", SEED_APPROVER: "approver"}.get(name) == role:
        return
    account = find_account(connection, name)
    if account is None:
        raise NotAllowed(
            Message(
                "没有名为“{name}”的账号。请管理员先运行：registry user add {name} --role {role}", name=name, role=role
            )
        )
    if account.disabled or role not in account.roles:
        raise NotAllowed(
            Message("账号“{name}”没有{role}角色，不能进行此操作。", name=name, role=PageText(f"role.{role}"))
        )
