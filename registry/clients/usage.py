"""Usage of API keys: counts per day for every key, and every check for keys that want it on record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import msgspec
import sqlalchemy as sa

from registry.batch.batch import Noted
from registry.clients import keys
from registry.domain.model import Struct
from registry.log.clock import from_milliseconds, get_now_ms
from registry.receipts.receipt_text import to_question
from registry.storage import database
from registry.storage.tables import api_keys, key_checks, key_usage

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
    connection: sa.Connection, key: keys.ApiKey, operation: str, checks: Iterable[Noted], log_size: int
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
