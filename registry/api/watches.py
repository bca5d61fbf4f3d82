"""The watch list of a client: which of the answers it received have changed since."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Annotated, Any

import msgspec
from litestar import delete, get, post
from litestar.params import JSONBody, PathParameter, QueryParameter

from registry.api.problems import read_language
from registry.api.requests import AnyRequest, decode_body, get_register
from registry.batch.claim_check import check_claim
from registry.clients import watches
from registry.domain.answers import Answer, Claim
from registry.domain.model import Date, Struct
from registry.errors import InvalidInput
from registry.receipts.receipt_text import to_question
from registry.texts import Message, write_bilingual
from registry.web import body_limits, lanes
from registry.web.rate_limit import find_admitted_request, get_api_key, make_people_budget

#: Claims of one request, and watches of one page.
MOST_CLAIMS, MOST_LISTED = 1_000, 1_000
_After = Annotated[int, QueryParameter(ge=0, description=write_bilingual("上一页的 next。"))]
_Limit = Annotated[
    int, QueryParameter(ge=1, le=MOST_LISTED, description=write_bilingual("一页最多几条。", context="api.watches"))
]


class ToWatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Claims to watch."""

    claims: Annotated[list[Claim], msgspec.Meta(min_length=1, max_length=MOST_CLAIMS)]


_to_watch = msgspec.json.Decoder(ToWatch)


class WatchedClaim(Struct, frozen=True):
    """A claim that is watched, and what is answered to it now."""

    watch: int
    answer: Answer


class Watching(Struct, frozen=True):
    """In the order of the claims. ``since``: where to begin asking for changes."""

    items: list[WatchedClaim]
    since: str


class WatchItem(Struct, frozen=True):
    """A claim that is watched, as it was sent; its first answer rested on ``log_size`` entries, on the day ``day``."""

    watch: int
    claim: dict[str, Any]
    log_size: int
    day: Date
    created_at: dt.datetime


class WatchList(Struct, frozen=True):
    """One page of a client's watches; ``next`` is null on the last."""

    items: list[WatchItem]
    next: int | None
    total: int


class AnswerChange(Struct, frozen=True):
    """A watched claim whose answer is another one than it was."""

    watch: int
    claim: dict[str, Any]
    before: Answer
    now: Answer


class AnswerChanges(Struct, frozen=True):
    """Changes since a place. Begin at ``next`` the next time; with ``more`` at once: not all was compared."""

    items: list[AnswerChange]
    next: str
    more: bool


@post(
    "/watches",
    operation_id="addWatches",
    summary=write_bilingual("关注：答复有变时得知"),
    description=write_bilingual(
        "需有 `watch` 范围的密钥。一次最多 {most_claims:,} 条，同一密钥单位最多 {most:,} 条；"
        "已关注的不重复登记。不推送：请定期调用 `GET /watches/changes`。",
        most_claims=MOST_CLAIMS,
        most=watches.MOST,
    ),
    status_code=200,
    request_max_body_size=body_limits.LIST,
    opt={"scope": "watch"},
)
async def add_watches(request: AnyRequest, data: JSONBody[ToWatch]) -> Watching:  # noqa: ARG001 - says what the body is
    """Learn when an answer changes"""
    client = get_api_key(request).client
    claims = (await decode_body(request, _to_watch)).claims
    for number, claim in enumerate(claims, start=1):
        try:
            check_claim(claim)
        except InvalidInput as error:
            raise InvalidInput(Message("第{number}条：{error}", number=number, error=error.message)) from error
    if admitted := find_admitted_request(request):
        get_register(request).clients.count_rows(admitted, len(claims))
    about_people = [claim for claim in claims if claim.practitioner is not None]
    if about_people:  # before anything is watched: what is watched goes on being answered
        await lanes.run_in_lane("reads", _require_people_budget, request, about_people)
    add = partial(get_register(request).watches.add_watches, client, claims, read_language(request))
    answers, since = await lanes.run_in_lane("writes", add)
    items = [WatchedClaim(watch=watch, answer=answer) for watch, answer in answers]
    return Watching(items=items, since=str(since))


def _require_people_budget(request: AnyRequest, claims: list[Claim]) -> None:
    """Raise PeopleLimit for claims about people of more institutions than the key may look at today."""
    batch = get_register(request).make_batch(look=make_people_budget(request).require_look)
    for claim in claims:
        batch.answer_claim(claim)


@get(
    "/watches",
    operation_id="listWatches",
    summary=write_bilingual("所关注的"),
    description=write_bilingual("需有 `watch` 范围的密钥；同一单位的各密钥共用一份。"),
    sync_to_thread=True,
    opt={"scope": "watch"},
)
def list_watches(request: AnyRequest, after: _After = 0, limit: _Limit = 100) -> WatchList:
    """What is watched"""
    rows, total = get_register(request).watches.list_watches(get_api_key(request).client, after, limit)
    items = [
        WatchItem(watch=w.id, claim=to_question(w.claim), log_size=w.log_size, day=w.day, created_at=w.created_at)
        for w in rows
    ]
    return WatchList(items=items, next=rows[-1].id if len(rows) == limit else None, total=total)


@get(
    "/watches/changes",
    operation_id="getWatchChanges",
    summary=write_bilingual("哪些答复变了"),
    description=write_bilingual(
        "需有 `watch` 范围的密钥。`since` 用登记时的 `since` 或上一次的 `next`，可重复询问，不会遗漏。"
        "比较的是当时与现在：结论、技术的结论与阶段、所指机构、人员与证明的结论；其间变去又变回的不列。未写 "
        "`on` 的按“今天”核验，日期推移引起的失效也会列出。"
    ),
    sync_to_thread=True,
    opt={"scope": "watch"},
)
def get_watch_changes(
    request: AnyRequest,
    since: Annotated[str, QueryParameter(description=write_bilingual("从何处起。"), min_length=1, max_length=100)],
) -> AnswerChanges:
    """Which answers have changed"""
    client, position = get_api_key(request).client, watches.parse_position(since)
    changes = get_register(request).watches.find_changes(client, position, read_language(request))
    items = [AnswerChange(watch=c.watch, claim=to_question(c.claim), before=c.before, now=c.now) for c in changes.items]
    return AnswerChanges(items=items, next=str(changes.next), more=changes.more)


@delete(
    "/watches/{watch:int}",
    operation_id="removeWatch",
    summary=write_bilingual("取消关注"),
    description=write_bilingual("需有 `watch` 范围的密钥。"),
    sync_to_thread=True,
    opt={"scope": "watch", "lane": "writes"},
)
def remove_watch(
    request: AnyRequest,
    watch: Annotated[int, PathParameter(ge=1, description=write_bilingual("关注的编号。"))],
) -> None:
    """Watch no more"""
    get_register(request).watches.remove_watch(get_api_key(request).client, watch)


handlers = [add_watches, list_watches, get_watch_changes, remove_watch]
