"""Signing in: name and password, then the second factor; five failures lock the account for a while."""

from __future__ import annotations

import time

import sqlalchemy as sa

from registry import trail
from registry.accounts import passwords, second, sessions
from registry.accounts.sessions import Session, State
from registry.database import Database
from registry.errors import InvalidInput, NotAllowed
from registry.model import Struct
from registry.tables import accounts

#: Failures in a row, of either factor, after which an account is locked; minutes it is.
FAILURES, LOCKED = 5, 15
_MINUTE = 60_000  # milliseconds


class Visitor(Struct, frozen=True):
    """Where a browser asks from, and what it says it is."""

    address: str
    agent: str


def begin(database: Database, name: str, password: str, who: Visitor) -> str | None:
    """The token of a session that still has to show the second factor; None when name or password is wrong.

    NotAllowed while the account is locked. It is told only to whoever knows the password: others learn nothing of it.
    """
    with database.reading() as connection:
        row = connection.execute(sa.select(accounts).where(accounts.c.name == name)).first()
    usable = row is not None and row.disabled_at is None
    # Before the lock of all writers: this is slow on purpose, and anybody may ask for it.
    right = passwords.fits(row.password if row is not None and usable else None, password, name)
    with database.writing() as connection:
        row = connection.execute(sa.select(accounts).where(accounts.c.name == name)).first() if usable else None
        if row is None:
            trail.record(connection, "-", "sign_in_failed", "unknown", who.address)
            return None
        locked = row.locked_until > _now()
        if not locked and right:
            state: State = "enrol" if row.second is None else "second"
            return sessions.begin(connection, name, state, who.address, who.agent)
        if locked:
            trail.record(connection, name, "sign_in_failed", "locked", who.address)
        else:
            _failed(connection, name, row.failures, "password", who)
    if locked and right:
        raise _locked(row.locked_until)
    return None


def begin_outside(database: Database, identity: str, who: Visitor, *, second_too: bool) -> tuple[str, State]:
    """(token, state) of a session of the account that an identity provider's identity belongs to.

    NotAllowed when it is nobody's, or while the account is locked or closed: it names the identity, so that an
    administrator can enter it.
    """
    with database.writing() as connection:
        row = connection.execute(sa.select(accounts).where(accounts.c.external == identity)).first()
        if row is None or row.disabled_at is not None:
            trail.record(connection, row.name if row else "-", "sign_in_failed", "oidc_unknown", who.address)
        elif row.locked_until > _now():
            trail.record(connection, row.name, "sign_in_failed", "locked", who.address)
        else:
            state: State = ("enrol" if row.second is None else "second") if second_too else "open"
            if state == "open":
                trail.record(connection, row.name, "signed_in", "oidc", who.address)
            return sessions.begin(connection, row.name, state, who.address, who.agent), state
    if row is not None and row.disabled_at is None:
        raise _locked(row.locked_until)
    raise NotAllowed(
        f"没有账号与您的身份标识“{identity[:200]}”对应。请把它告诉管理员。",
        f"No account belongs to your identity “{identity[:200]}”. Tell it to an administrator.",
        why="oidc_unknown",
    )


def show_second(database: Database, session: Session, code: str, who: Visitor) -> str | None:
    """The token of the session once its second factor was shown; None for a wrong code, NotAllowed once locked."""
    name = session.account.name
    with database.writing() as connection:
        row = connection.execute(sa.select(accounts).where(accounts.c.name == name)).one()
        if row.locked_until <= _now():
            if how := second.accept(connection, name, code):
                return _opened(connection, session, how, who)
            until = _failed(connection, name, row.failures, "second", who)
        else:
            until = row.locked_until
        if not until:
            return None
        sessions.end(connection, name, session.id)
    raise _locked(until)


def enrolled(
    connection: sa.Connection, session: Session, secret: str, code: str, who: Visitor
) -> tuple[str, list[str]] | None:
    """(token, recovery codes) once a new second factor was shown; None for a wrong code."""
    codes = second.enrol(connection, session.account.name, secret, code)
    if codes is None:
        return None
    trail.record(connection, session.account.name, "second_factor_set", "", who.address)
    return _opened(connection, session, "enrolled", who), codes


def change_password(connection: sa.Connection, session: Session, old: str, new: str, who: Visitor) -> str:
    """Another password; every other session of the account ends. The session's new token; InvalidInput."""
    name = session.account.name
    kept = connection.execute(sa.select(accounts.c.password).where(accounts.c.name == name)).scalar_one()
    if not passwords.fits(kept, old):
        raise InvalidInput("现在的密码不对。", "The present password is not right.", field="old")
    passwords.require_good(new, name)
    if passwords.fits(kept, new):
        raise InvalidInput("新密码不得与现在的相同。", "The new password must be another one.", field="new")
    told = {"password": passwords.hashed(new), "must_change": False, "failures": 0}
    connection.execute(sa.update(accounts).where(accounts.c.name == name).values(**told))
    for other in sessions.of(connection, session.account, sessions.Limits(idle=10**6, absolute=10**6)):
        if other.id != session.id:
            sessions.end(connection, name, other.id)
    trail.record(connection, name, "password_changed", "", who.address)
    return sessions.renewed(connection, session.token, "open")


def present_wrong(database: Database, session: Session, who: Visitor) -> None:
    """Count a wrong present password, typed to change it, as a failure; NotAllowed when it locks the account.

    Else whoever finds a browser signed in could guess there for as long as the session lasts.
    """
    name = session.account.name
    with database.writing() as connection:
        failures = connection.execute(sa.select(accounts.c.failures).where(accounts.c.name == name)).scalar_one()
        until = _failed(connection, name, failures, "password", who)
        if until:
            sessions.end(connection, name, session.id)
    if until:
        raise _locked(until)


def reset(connection: sa.Connection, name: str, password: str) -> None:
    """Give an account a password that its holder must change, and end its sessions and its lock."""
    passwords.require_good(password, name)
    told = {"password": passwords.hashed(password), "must_change": True, "failures": 0, "locked_until": 0}
    connection.execute(sa.update(accounts).where(accounts.c.name == name).values(**told))
    sessions.end(connection, name)


def _opened(connection: sa.Connection, session: Session, how: str, who: Visitor) -> str:
    name = session.account.name
    connection.execute(sa.update(accounts).where(accounts.c.name == name).values(failures=0))
    trail.record(connection, name, "signed_in", how, who.address)
    return sessions.renewed(connection, session.token, "password" if session.account.must_change else "open")


def _failed(connection: sa.Connection, name: str, failures: int, what: str, who: Visitor) -> int:
    """Count a failure; until when the account is locked by it, or 0."""
    trail.record(connection, name, "sign_in_failed", what, who.address)
    told = {"failures": failures + 1, "locked_until": 0}
    if failures + 1 >= FAILURES:
        told = {"failures": 0, "locked_until": _now() + LOCKED * _MINUTE}
        trail.record(connection, name, "locked", "", who.address)
    connection.execute(sa.update(accounts).where(accounts.c.name == name).values(**told))
    return told["locked_until"]


def _locked(until: int) -> NotAllowed:
    minutes = max(1, -(-(until - _now()) // _MINUTE))
    return NotAllowed(
        f"连续{FAILURES}次失败，账号已锁定，请{minutes}分钟后再试。",
        f"{FAILURES} failures in a row: the account is locked. Try again in {minutes} minutes.",
    )


def _now() -> int:
    return int(time.time() * 1000)
