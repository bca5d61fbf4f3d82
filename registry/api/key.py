"""What a client may read of its own key: limits, usage, and the checks it had recorded."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import msgspec
from litestar import get
from litestar.params import QueryParameter

from registry.api.requests import AnyRequest, get_register
from registry.domain.identifiers import format_code
from registry.domain.model import Struct
from registry.log.clock import from_milliseconds
from registry.texts import write_bilingual
from registry.web.rate_limit import find_admitted_request, get_api_key

MOST_CHECKS = 1_000


class KeyUse(Struct, frozen=True):
    """What was asked on a day (Asia/Shanghai) by one operation; a batch is one request and a question a row."""

    day: str
    operation: str
    requests: int
    questions: int
    refused: int


class KeyState(Struct, frozen=True):
    """The key that was sent: what it may do, what is left of today, and its last 31 days."""

    id: str
    client: str
    scopes: list[str]
    per_minute: int
    per_day: int
    left_today: int
    recorded: bool
    department: str | None
    region: str | None
    created_at: dt.datetime
    expires_at: dt.datetime | None
    usage: list[KeyUse]


class RecordedCheck(Struct, frozen=True):
    """One check on record: asked with which key, what, when; the verdict, whom it was about, and the log size."""

    number: int
    key: str
    at: dt.datetime
    operation: str
    question: dict[str, Any]
    verdict: str
    code: str | None
    log_size: int


class RecordedChecks(Struct, frozen=True):
    """Checks after a number, oldest first; ``next`` is where to go on, null at the end."""

    items: list[RecordedCheck]
    next: int | None


@get(
    "/key",
    operation_id="getKey",
    summary=write_bilingual("本密钥的权限与用量"),
    description=write_bilingual("需有密钥（任何范围）；用量约一秒后计入。"),
    sync_to_thread=True,
)
def get_key(request: AnyRequest) -> KeyState:
    """What this key may do and has asked"""
    key = get_api_key(request)
    admitted = find_admitted_request(request)
    return KeyState(
        id=key.id,
        client=key.client,
        scopes=sorted(key.scopes),
        per_minute=key.per_minute,
        per_day=key.per_day,
        left_today=admitted.rooms["day"].left if admitted else 0,
        recorded=key.recorded,
        department=key.department or None,
        region=key.region or None,
        created_at=from_milliseconds(key.created_at),
        expires_at=None if key.expires_at is None else from_milliseconds(key.expires_at),
        usage=[
            KeyUse(day=u.day, operation=u.operation, requests=u.requests, questions=u.questions, refused=u.refused)
            for u in get_register(request).clients.list_usage(key)
        ],
    )


@get(
    "/key/checks",
    operation_id="getRecordedChecks",
    summary=write_bilingual("已留存的核验"),
    description=write_bilingual(
        "仅限要求留存的密钥所问的核验（`registry key add --record`）；同一单位各密钥的记录都在内，按编号先后。"
    ),
    sync_to_thread=True,
)
def get_recorded_checks(
    request: AnyRequest,
    since: Annotated[int, QueryParameter(ge=0, le=2**53, description=write_bilingual("此编号之后。"))] = 0,
    limit: Annotated[
        int, QueryParameter(ge=1, le=MOST_CHECKS, description=write_bilingual("一页最多几条。", context="api.key"))
    ] = 100,
) -> RecordedChecks:
    """The checks on record"""
    rows = get_register(request).clients.list_checks(get_api_key(request).client, since, limit)
    items = [
        RecordedCheck(
            number=row.id,
            key=row.key,
            at=row.at,
            operation=row.operation,
            question=msgspec.json.decode(row.question),
            verdict=row.verdict,
            code=row.code and format_code(row.code),
            log_size=row.log_size,
        )
        for row in rows
    ]
    return RecordedChecks(items=items, next=rows[-1].id if len(rows) == limit else None)


handlers = [get_key, get_recorded_checks]
