"""API keys: generated once, shown once, stored as a hash; rotated, revoked, expiring; and what was asked with them.

A key is ``art_`` + id + ``_`` + secret. The id may be shown anywhere, the secret is 32 random bytes: that is why a
plain SHA-256 is enough to store it safely (a password would need argon2).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets
from collections.abc import Iterable
from typing import Literal, get_args

import msgspec
import sqlalchemy as sa

from registry.batch.batch import Noted
from registry.domain.model import Struct
from registry.errors import Conflict, InvalidInput, NotFound
from registry.log.clock import from_milliseconds, get_now_ms
from registry.receipts.receipt_text import to_question
from registry.storage import database
from registry.storage.tables import api_keys, key_checks, key_usage
from registry.texts import Listing, Message

#: read: look-ups, search, the feed; verify: claims, batches, receipts; reconcile: /reconcile; watch: the watch list;
#: people: a budget of its own for the people of institutions; metrics: /metrics.
Scope = Literal["read", "verify", "reconcile", "watch", "people", "metrics"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
#: The limits of a key by default: requests a minute, questions a day (a batch asks one per row).
PER_MINUTE, PER_DAY = 6_000, 1_000_000
#: How long the old key stays valid after a rotation, so that programs can be changed one after the other.
OVERLAP = dt.timedelta(days=7)
_CLIENT = re.compile(r"[\w.@-](?:[\w .@-]{0,58}[\w.@-])?")
_KEY = re.compile(r"art_([0-9a-f]{8})_[A-Za-z0-9_-]{43}")
_MAX_LIMIT = 2**31 - 1  # of an integer column


class ApiKey(Struct, frozen=True):
    """One stored key. Instants are milliseconds since 1970; ``recorded``: every check with it is put on record.

    ``department`` and ``region``: the department it was given to, "" for none.
    """

    id: str
    client: str
    digest: bytes
    scopes: frozenset[str]
    per_minute: int
    per_day: int
    recorded: bool
    created_at: int
    expires_at: int | None = None
    revoked_at: int | None = None
    last_used_at: int | None = None
    department: str = ""
    region: str = ""

    def get_state(self, now: int) -> Literal["active", "revoked", "expired"]:
        """Return its state at an instant (milliseconds since 1970)."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "active"


class NewKey(Struct, frozen=True):
    """The properties of a key to be created."""

    client: str
    scopes: frozenset[str]
    per_minute: int = PER_MINUTE
    per_day: int = PER_DAY
    recorded: bool = False
    expires_at: int | None = None
    department: str = ""
    region: str = ""


def parse_key_id(key: str) -> str | None:
    """Return the id in a key as it is sent; None for what cannot be a key.

    >>> parse_key_id("art_0a1b2c3d_" + "x" * 43)
    '0a1b2c3d'
    """
    match = _KEY.fullmatch(key)
    return match[1] if match else None


def hash_key(key: str) -> bytes:
    """Return what is stored of a key."""
    return hashlib.sha256(key.encode()).digest()


def create_key(connection: sa.Connection, options: NewKey) -> tuple[ApiKey, str]:
    """Create a key; return it and its text, which nobody can read again. InvalidInput."""
    _require_valid(options)
    identity = secrets.token_hex(4)
    text = f"art_{identity}_{secrets.token_urlsafe(32)}"
    key = ApiKey(id=identity, digest=hash_key(text), created_at=get_now_ms(), **msgspec.structs.asdict(options))
    row = {name: getattr(key, name) for name in key.__struct_fields__}
    connection.execute(sa.insert(api_keys).values({**row, "scopes": " ".join(sorted(key.scopes))}))
    return key, text


def rotate_key(connection: sa.Connection, identity: str, overlap: dt.timedelta = OVERLAP) -> tuple[ApiKey, str]:
    """Create a key like an old one, which ends after ``overlap``; NotFound, Conflict if it has ended already."""
    old = get_key(connection, identity)
    now = get_now_ms()
    if old.get_state(now) != "active":
        raise Conflict(
            Message(
                "密钥 {identity} 已失效，不能轮换。请新建：registry key add '{client}'",
                identity=identity,
                client=old.client,
            )
        )
    overlap_end = now + int(overlap.total_seconds() * 1000)
    ends = overlap_end if old.expires_at is None else min(overlap_end, old.expires_at)
    connection.execute(sa.update(api_keys).where(api_keys.c.id == identity).values(expires_at=ends))
    return create_key(connection, NewKey(**{name: getattr(old, name) for name in NewKey.__struct_fields__}))


def revoke_key(connection: sa.Connection, identity: str) -> ApiKey:
    """End a key now: every process refuses it within a second. NotFound; repeating it changes nothing."""
    key = get_key(connection, identity)
    if key.revoked_at is None:
        connection.execute(sa.update(api_keys).where(api_keys.c.id == identity).values(revoked_at=get_now_ms()))
    return get_key(connection, identity)


def get_key(connection: sa.Connection, identity: str) -> ApiKey:
    """Return the key of an id; NotFound says how to list them."""
    row = connection.execute(sa.select(api_keys).where(api_keys.c.id == identity)).first()
    if row is None:
        raise NotFound(Message("没有编号为“{identity}”的密钥。查看全部：registry key list", identity=identity))
    return _read_key(row)


def list_keys(connection: sa.Connection, client: str | None = None) -> list[ApiKey]:
    """Return every key, or a client's, oldest first."""
    query = sa.select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id)
    if client is not None:
        query = query.where(api_keys.c.client == client)
    return [_read_key(row) for row in connection.execute(query)]


def _read_key(row: sa.Row[tuple[object, ...]]) -> ApiKey:
    fields = dict(row._mapping)
    return ApiKey(**{**fields, "scopes": frozenset(fields["scopes"].split()), "digest": bytes(fields["digest"])})


def _require_valid(key: NewKey) -> None:
    if not _CLIENT.fullmatch(key.client):
        raise InvalidInput(
            Message(
                "客户名称“{client}”不可用：1至60个汉字、字母、数字、空格、点、横线、下划线或 @，首尾不为空格。",
                client=key.client,
            )
        )
    unknown = sorted(key.scopes - set(SCOPES))
    if unknown or not key.scopes:
        raise InvalidInput(
            Message(
                "权限范围有误：{unknown}。可用：{scopes}。",
                unknown=Listing(unknown) if unknown else Message("未指定"),
                scopes=Listing(SCOPES),
            )
        )
    if not (0 < key.per_minute <= _MAX_LIMIT and 0 < key.per_day <= _MAX_LIMIT):
        raise InvalidInput(Message("限额须为1至{max_limit:,}的整数。", max_limit=_MAX_LIMIT))
    if key.expires_at is not None and key.expires_at <= get_now_ms():
        raise InvalidInput(Message("到期时间已过。"))


_json = msgspec.json.Encoder()


class DailyUsage(Struct, frozen=True):
    """How much a key asked on a day (Asia/Shanghai) by one operation. A batch is one request and a question per row."""

    key: str
    day: str
    operation: str
    requests: int
    questions: int
    refused: int


class KeyCheck(Struct, frozen=True):
    """One check on record: who asked what, when, and what was answered at which log size."""

    id: int
    key: str
    client: str
    at: dt.datetime
    operation: str
    question: msgspec.Raw
    verdict: str
    code: str | None
    log_size: int


def add_usage(connection: sa.Connection, used: Iterable[DailyUsage], last_used: dict[str, int]) -> None:
    """Add to the counts; ``last_used`` maps keys to instants (milliseconds since 1970)."""
    for daily_usage in used:
        row = {name: getattr(daily_usage, name) for name in daily_usage.__struct_fields__}
        database.upsert_row(connection, key_usage, row, ["key", "day", "operation"], adding=True)
    for identity, used_at in last_used.items():
        later = sa.or_(api_keys.c.last_used_at.is_(None), api_keys.c.last_used_at < used_at)
        connection.execute(sa.update(api_keys).where(api_keys.c.id == identity, later).values(last_used_at=used_at))


def list_usage(connection: sa.Connection, identities: list[str], since: str) -> list[DailyUsage]:
    """Return what these keys asked from a day on (YYYY-MM-DD), newest day first."""
    query = sa.select(key_usage).where(key_usage.c.key.in_(identities), key_usage.c.day >= since)
    ordered = query.order_by(key_usage.c.day.desc(), key_usage.c.key, key_usage.c.operation)
    return [DailyUsage(**row._mapping) for row in connection.execute(ordered)]


def count_questions(connection: sa.Connection, day: str) -> dict[str, int]:
    """Return how many questions each key asked on a day, as far as every process has written them down."""
    query = sa.select(key_usage.c.key, sa.func.sum(key_usage.c.questions)).where(key_usage.c.day == day)
    return {key: int(total) for key, total in connection.execute(query.group_by(key_usage.c.key))}


def record_checks(
    connection: sa.Connection, key: ApiKey, operation: str, checks: Iterable[Noted], log_size: int
) -> None:
    """Record these checks; of an answer only its verdict and whom it is about."""
    now = get_now_ms()
    rows = [
        {
            "key": key.id,
            "client": key.client,
            "at": now,
            "operation": operation,
            "question": _json.encode(to_question(claim)),
            "verdict": verdict,
            "code": code and code.replace("-", ""),
            "log_size": log_size,
        }
        for claim, verdict, code in checks
    ]
    if rows:
        connection.execute(sa.insert(key_checks), rows)


def list_checks(connection: sa.Connection, client: str, since: int, limit: int) -> list[KeyCheck]:
    """Return a client's checks after a number, oldest first."""
    query = sa.select(key_checks).where(key_checks.c.client == client, key_checks.c.id > since)
    rows = connection.execute(query.order_by(key_checks.c.id).limit(limit))
    return [_read_check(row) for row in rows]


def _read_check(row: sa.Row[tuple[object, ...]]) -> KeyCheck:
    fields = dict(row._mapping)
    fields["at"] = from_milliseconds(fields["at"])
    fields["question"] = msgspec.Raw(bytes(fields["question"]))
    return KeyCheck(**fields)


def delete_old_checks(connection: sa.Connection, days: int) -> int:
    """Delete checks older than so many days; return how many there were."""
    before = get_now_ms() - days * 86_400_000
    return connection.execute(sa.delete(key_checks).where(key_checks.c.at < before)).rowcount
