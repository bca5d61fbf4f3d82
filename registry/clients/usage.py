"""What was asked with each key: counts a day for all of them, every check for those that want it on record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import msgspec
import sqlalchemy as sa

from registry.batch.batch import Noted
from registry.clients import keys
from registry.domain.model import Struct
from registry.receipts.receipt_text import to_question
from registry.records.asof import instant_at
from registry.storage import database
from registry.storage.tables import api_keys, key_checks, key_usage

_json = msgspec.json.Encoder()


class DailyUsage(Struct, frozen=True):
    """How much a key asked on a day (Asia/Shanghai) by one operation. A batch is one request and a question a row."""

    key: str
    day: str
    operation: str
    requests: int
    questions: int
    refused: int


class KeyCheck(Struct, frozen=True):
    """One check as it was recorded: who asked what, when, and what was answered at which log size."""

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
    for one in used:
        row = {name: getattr(one, name) for name in one.__struct_fields__}
        database.upsert_row(connection, key_usage, row, ["key", "day", "operation"], adding=True)
    for identity, at in last_used.items():
        later = sa.or_(api_keys.c.last_used_at.is_(None), api_keys.c.last_used_at < at)
        connection.execute(sa.update(api_keys).where(api_keys.c.id == identity, later).values(last_used_at=at))


def list_usage(connection: sa.Connection, identities: list[str], since: str) -> list[DailyUsage]:
    """What these keys asked from a day on (YYYY-MM-DD), newest day first."""
    query = sa.select(key_usage).where(key_usage.c.key.in_(identities), key_usage.c.day >= since)
    ordered = query.order_by(key_usage.c.day.desc(), key_usage.c.key, key_usage.c.operation)
    return [DailyUsage(**row._mapping) for row in connection.execute(ordered)]


def count_questions(connection: sa.Connection, day: str) -> dict[str, int]:
    """How many questions each key asked on a day, as far as every process has told."""
    query = sa.select(key_usage.c.key, sa.func.sum(key_usage.c.questions)).where(key_usage.c.day == day)
    return {key: int(total) for key, total in connection.execute(query.group_by(key_usage.c.key))}


def record_checks(
    connection: sa.Connection, key: keys.ApiKey, operation: str, asked: Iterable[Noted], log_size: int
) -> None:
    """Keep these checks; nothing of an answer but its verdict and whom it is about."""
    at = keys.get_now_ms()
    rows = [
        {
            "key": key.id,
            "client": key.client,
            "at": at,
            "operation": operation,
            "question": _json.encode(to_question(claim)),
            "verdict": verdict,
            "code": code and code.replace("-", ""),
            "log_size": log_size,
        }
        for claim, verdict, code in asked
    ]
    if rows:
        connection.execute(sa.insert(key_checks), rows)


def list_checks(connection: sa.Connection, client: str, since: int, limit: int) -> list[KeyCheck]:
    """A client's checks after a number, oldest first."""
    query = sa.select(key_checks).where(key_checks.c.client == client, key_checks.c.id > since)
    rows = connection.execute(query.order_by(key_checks.c.id).limit(limit))
    return [_read_check(row) for row in rows]


def _read_check(row: sa.Row[tuple[object, ...]]) -> KeyCheck:
    fields = dict(row._mapping)
    fields["at"] = instant_at(fields["at"])
    fields["question"] = msgspec.Raw(bytes(fields["question"]))
    return KeyCheck(**fields)


def delete_old_checks(connection: sa.Connection, days: int) -> int:
    """Delete checks older than so many days; how many there were."""
    before = keys.get_now_ms() - days * 86_400_000
    return connection.execute(sa.delete(key_checks).where(key_checks.c.at < before)).rowcount
