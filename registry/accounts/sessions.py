"""Sessions of signed-in staff: a random token in a cookie, its hash in the database, an idle and an absolute limit."""

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
#: Minutes for which what was typed before a session ended may still come in.
LATE = 12 * 60
#: How often a session's last use is written down, in milliseconds.
_NOTED = 30_000


class Session(Struct, frozen=True):
    """One signed-in browser. ``id`` names it in lists without revealing its token; instants in milliseconds."""

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
        """Whether the second factor was shown lately; not when the clock claims that it will be shown in the future."""
        return 0 <= get_now_ms() - self.proved_at <= PROOF * _MINUTE

    @property
    def form_token(self) -> str:
        """The token that every form of this session carries and no other site can know."""
        return hmac.new(self.token.encode(), b"forms", hashlib.sha256).hexdigest()


class SessionLimits(Struct, frozen=True):
    """How long a session lasts, in minutes: without use, and in all."""

    idle: int
    absolute: int


def create_session(connection: sa.Connection, account: str, state: State, address: str, agent: str) -> str:
    """Create a session and return its token, which only the browser keeps. One created "open" was proved elsewhere."""
    token = secrets.token_urlsafe(32)
    now = get_now_ms()
    fields: dict[str, object] = {"account": account, "state": state, "address": address[:60], "agent": agent[:200]}
    fields["proved_at"] = now if state == "open" else 0
    connection.execute(
        sa.insert(staff_sessions).values(digest=_hash_token(token), created_at=now, seen_at=now, **fields)
    )
    return token


def renew_token(connection: sa.Connection, token: str, state: State) -> str:
    """Move a session to its next state under a new token: one seen before the sign-in is worthless after it."""
    new_token = secrets.token_urlsafe(32)
    changes = {"digest": _hash_token(new_token), "state": state, "seen_at": get_now_ms()}
    connection.execute(sa.update(staff_sessions).where(staff_sessions.c.digest == _hash_token(token)).values(**changes))
    return new_token


def save_proof(connection: sa.Connection, session: Session) -> None:
    """Record that the second factor was shown just now; earlier failures are forgiven."""
    condition = staff_sessions.c.digest == _hash_token(session.token)
    connection.execute(sa.update(staff_sessions).where(condition).values(proved_at=get_now_ms(), failures=0))


def is_unchanged(connection: sa.Connection, session: Session) -> bool:
    """Whether a session is where it was when it was found: of two requests that show one proof the second is late."""
    condition = sa.and_(
        staff_sessions.c.digest == _hash_token(session.token), staff_sessions.c.proved_at == session.proved_at
    )
    return connection.execute(sa.select(staff_sessions.c.digest).where(condition)).first() is not None


def count_failure(connection: sa.Connection, session: Session) -> bool:
    """Count a wrong code or password typed in a session; whether it was one too many and the session ended."""
    condition = staff_sessions.c.digest == _hash_token(session.token)
    update = sa.update(staff_sessions).where(condition).values(failures=staff_sessions.c.failures + 1)
    failures = connection.execute(update.returning(staff_sessions.c.failures)).scalar()
    if failures is not None and failures < TRIES:
        return False
    connection.execute(sa.delete(staff_sessions).where(condition))
    return True


def find_session(connection: sa.Connection, token: str, limits: SessionLimits) -> Session | None:
    """The session of a token while it lasts and its account is open; None otherwise."""
    row = connection.execute(sa.select(staff_sessions).where(staff_sessions.c.digest == _hash_token(token))).first()
    if row is None or not _is_alive(row, limits):
        return None
    account = people.find_account(connection, row.account)
    if account is None or account.disabled:
        return None
    return _read_session(row, account, token)


def find_ended_session(connection: sa.Connection, token: str, limits: SessionLimits) -> Session | None:
    """The session of a token that was open and ran out lately, while its account is open; None otherwise. It may do
    nothing but save what its own account typed."""
    longer = SessionLimits(idle=limits.idle + LATE, absolute=limits.absolute + LATE)
    session = find_session(connection, token, longer)
    return session if session is not None and session.state == "open" else None


def save_last_use(connection: sa.Connection, session: Session) -> None:
    """Record that a session was used just now."""
    condition = staff_sessions.c.digest == _hash_token(session.token)
    connection.execute(sa.update(staff_sessions).where(condition).values(seen_at=get_now_ms()))


def is_last_use_stale(session: Session) -> bool:
    """Whether the last recorded use is old enough to be recorded anew: not every click is worth a write."""
    return get_now_ms() - session.seen_at > _NOTED


def list_sessions(connection: sa.Connection, account: Account, limits: SessionLimits) -> list[Session]:
    """An account's sessions that still last, newest first."""
    condition = staff_sessions.c.account == account.name
    rows = connection.execute(sa.select(staff_sessions).where(condition).order_by(staff_sessions.c.created_at.desc()))
    return [_read_session(row, account) for row in rows if _is_alive(row, limits)]


def end_sessions(connection: sa.Connection, account: str, identity: str | None = None) -> int:
    """End one session of an account, or all of them; return how many."""
    query = sa.select(staff_sessions.c.digest).where(staff_sessions.c.account == account)
    digests = [d for d in connection.execute(query).scalars() if identity in (None, _make_id(bytes(d)))]
    if digests:
        connection.execute(sa.delete(staff_sessions).where(staff_sessions.c.digest.in_(digests)))
    return len(digests)


def delete_ended_sessions(connection: sa.Connection, limits: SessionLimits) -> None:
    """Delete the sessions that are past a limit by more than ``LATE``."""
    now = get_now_ms()
    condition = sa.or_(
        staff_sessions.c.seen_at < now - (limits.idle + LATE) * _MINUTE,
        staff_sessions.c.created_at < now - (limits.absolute + LATE) * _MINUTE,
    )
    connection.execute(sa.delete(staff_sessions).where(condition))


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
