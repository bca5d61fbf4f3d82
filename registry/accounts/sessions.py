"""Sessions of signed-in staff: a random token in a cookie, its hash in the database, two ends: idle and absolute."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Literal

import sqlalchemy as sa

from registry import accounts as people
from registry.accounts import Account, get_now_ms
from registry.domain.model import Struct
from registry.storage.tables import staff_sessions

#: What a session still has to show before it is open: the second factor, a new second factor, a new password.
State = Literal["second", "enrol", "password", "open"]
#: Wrong codes and passwords that may be typed in one session before it ends.
TRIES = 5
#: Minutes for which a shown second factor vouches for what changes the register or rights.
PROOF = 15
#: Minutes that the first steps of signing in may take.
HALF_OPEN = 10
_MINUTE = 60_000  # milliseconds
#: How often a session's last use is written down, in milliseconds.
_NOTED = 30_000


class Session(Struct, frozen=True):
    """One signed-in browser. ``id`` names it in lists and gives nothing away; instants in milliseconds since 1970."""

    id: str
    account: Account
    state: State
    created_at: int
    seen_at: int
    address: str
    agent: str
    token: str = ""
    proved_at: int = 0
    failures: int = 0

    @property
    def is_proved(self) -> bool:
        """Whether the second factor was shown in it lately; not where the clock says that it is still to be."""
        return 0 <= get_now_ms() - self.proved_at <= PROOF * _MINUTE

    @property
    def form_token(self) -> str:
        """What every form of this session carries, and no other site can know."""
        return hmac.new(self.token.encode(), b"forms", hashlib.sha256).hexdigest()


class SessionLimits(Struct, frozen=True):
    """How long a session lasts, in minutes: without use, and in all."""

    idle: int
    absolute: int


def create_session(connection: sa.Connection, account: str, state: State, address: str, agent: str) -> str:
    """A new session; its token, which only the browser keeps. One that is open at once was proved elsewhere."""
    token = secrets.token_urlsafe(32)
    now = get_now_ms()
    told: dict[str, object] = {"account": account, "state": state, "address": address[:60], "agent": agent[:200]}
    told["proved_at"] = now if state == "open" else 0
    connection.execute(sa.insert(staff_sessions).values(digest=_hash_token(token), created_at=now, seen_at=now, **told))
    return token


def renew_token(connection: sa.Connection, token: str, state: State) -> str:
    """The same session further on, under a new token: one that was seen before the sign-in is worth nothing after."""
    fresh = secrets.token_urlsafe(32)
    told = {"digest": _hash_token(fresh), "state": state, "seen_at": get_now_ms()}
    connection.execute(sa.update(staff_sessions).where(staff_sessions.c.digest == _hash_token(token)).values(**told))
    return fresh


def save_proof(connection: sa.Connection, session: Session) -> None:
    """Write down that the second factor was shown in a session just now; wrong tries before it are forgiven."""
    mine = staff_sessions.c.digest == _hash_token(session.token)
    connection.execute(sa.update(staff_sessions).where(mine).values(proved_at=get_now_ms(), failures=0))


def count_failure(connection: sa.Connection, session: Session) -> bool:
    """Count something wrong that was typed in a session; whether that was one too many and it ended."""
    mine = staff_sessions.c.digest == _hash_token(session.token)
    more = sa.update(staff_sessions).where(mine).values(failures=staff_sessions.c.failures + 1)
    failures = connection.execute(more.returning(staff_sessions.c.failures)).scalar()
    if failures is not None and failures < TRIES:
        return False
    connection.execute(sa.delete(staff_sessions).where(mine))
    return True


def find_session(connection: sa.Connection, token: str, limits: SessionLimits) -> Session | None:
    """The session of a token, while it lasts and its account is open; None otherwise."""
    row = connection.execute(sa.select(staff_sessions).where(staff_sessions.c.digest == _hash_token(token))).first()
    if row is None or not _is_alive(row, limits):
        return None
    account = people.find_account(connection, row.account)
    if account is None or account.disabled:
        return None
    return _read_session(row, account, token)


def save_last_use(connection: sa.Connection, session: Session) -> None:
    """Write down that a session was used just now."""
    mine = staff_sessions.c.digest == _hash_token(session.token)
    connection.execute(sa.update(staff_sessions).where(mine).values(seen_at=get_now_ms()))


def is_last_use_stale(session: Session) -> bool:
    """Whether its last use was written down a while ago: not every click is worth a write."""
    return get_now_ms() - session.seen_at > _NOTED


def list_sessions(connection: sa.Connection, account: Account, limits: SessionLimits) -> list[Session]:
    """An account's sessions that still last, newest first."""
    mine = staff_sessions.c.account == account.name
    rows = connection.execute(sa.select(staff_sessions).where(mine).order_by(staff_sessions.c.created_at.desc()))
    return [_read_session(row, account) for row in rows if _is_alive(row, limits)]


def end_sessions(connection: sa.Connection, account: str, identity: str | None = None) -> int:
    """End one session of an account, or all of them; how many."""
    mine = sa.select(staff_sessions.c.digest).where(staff_sessions.c.account == account)
    chosen = [d for d in connection.execute(mine).scalars() if identity in (None, _make_id(bytes(d)))]
    if chosen:
        connection.execute(sa.delete(staff_sessions).where(staff_sessions.c.digest.in_(chosen)))
    return len(chosen)


def delete_ended_sessions(connection: sa.Connection, limits: SessionLimits) -> None:
    """Delete sessions that are over."""
    now = get_now_ms()
    over = sa.or_(
        staff_sessions.c.seen_at < now - limits.idle * _MINUTE,
        staff_sessions.c.created_at < now - limits.absolute * _MINUTE,
    )
    connection.execute(sa.delete(staff_sessions).where(over))


def _is_alive(row: sa.Row[tuple[object, ...]], limits: SessionLimits) -> bool:
    fields, now = row._mapping, get_now_ms()
    if fields["state"] != "open" and now - fields["created_at"] > HALF_OPEN * _MINUTE:
        return False
    return bool(
        now - fields["seen_at"] <= limits.idle * _MINUTE and now - fields["created_at"] <= limits.absolute * _MINUTE
    )


def _read_session(row: sa.Row[tuple[object, ...]], account: Account, token: str = "") -> Session:
    fields = row._mapping
    return Session(
        id=_make_id(bytes(fields["digest"])),
        account=account,
        state=fields["state"],
        created_at=fields["created_at"],
        seen_at=fields["seen_at"],
        address=fields["address"],
        agent=fields["agent"],
        token=token,
        proved_at=fields["proved_at"],
        failures=fields["failures"],
    )


def _make_id(digest: bytes) -> str:
    return hashlib.sha256(digest).hexdigest()[:16]


def _hash_token(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
