"""Notices: a client subscribes to changes, sees how far it was told, and has them told once more."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

import msgspec
from litestar import delete, get, post
from litestar.params import JSONBody, PathParameter

from registry.api.requests import AnyRequest, decode_body, get_register
from registry.domain.identifiers import format_code
from registry.domain.model import Struct
from registry.log.clock import from_milliseconds
from registry.measures.notices.subscription import Channel, NoticeChoice, State, Subscription, Target
from registry.texts import Message, write_bilingual
from registry.web import body_limits, lanes
from registry.web.rate_limit import get_api_key

_Number = Annotated[int, PathParameter(ge=1, le=2**31 - 1, description=write_bilingual("订阅的编号。"))]
_SCOPE = Message("需有 `watch` 范围的密钥；同一单位的各密钥共用其订阅。")
_NEEDS_SCOPE = _SCOPE.to_bilingual()


class ToSubscribe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By which way, to which address, and what is watched."""

    channel: Channel
    choice: NoticeChoice
    address: Annotated[str, msgspec.Meta(max_length=500)] = ""
    lang: Literal["zh-CN", "en"] = "zh-CN"


class ToReplay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The entry after which everything is told once more."""

    after: Annotated[int, msgspec.Meta(ge=0, le=2**53)]


_to_subscribe = msgspec.json.Decoder(ToSubscribe)
_to_replay = msgspec.json.Decoder(ToReplay)


class SubscriptionState(Struct, frozen=True):
    """A subscription. ``delivered``: the last entry that was told; ``pending``: entries still to be looked through.

    ``feed``: where a feed is read; ``secret``: of a web hook, in the answer to ``addSubscription`` alone.
    """

    subscription: int
    channel: Channel
    address: str
    lang: str
    choice: NoticeChoice
    state: State
    delivered: int
    delivered_at: dt.datetime | None
    pending: int
    attempts: int
    last_error: str
    next_try: dt.datetime | None
    created_at: dt.datetime
    feed: str | None = None
    secret: str | None = None


class SubscriptionStates(Struct, frozen=True):
    """Every subscription of a client, oldest first."""

    items: list[SubscriptionState]


def _get_owner(request: AnyRequest) -> str:
    return f"client:{get_api_key(request).client}"


def _find(request: AnyRequest, number: int) -> Subscription:
    return get_register(request).notices.get_subscription(number, _get_owner(request))


def _make_state(request: AnyRequest, subscription: Subscription, secret: str | None = None) -> SubscriptionState:
    notices = get_register(request).notices
    progress = notices.find_progress(subscription)
    codes = [format_code(code) for code in subscription.choice.institutions]
    is_feed = subscription.target.channel == "atom"
    return SubscriptionState(
        subscription=subscription.id,
        channel=subscription.target.channel,
        address=subscription.target.address,
        lang=subscription.target.lang,
        choice=msgspec.structs.replace(subscription.choice, institutions=codes),
        state=subscription.state,
        created_at=from_milliseconds(subscription.created_at),
        feed=f"{notices.make_address(subscription)}/feed.atom" if is_feed else None,
        secret=secret,
        **{name: getattr(progress, name) for name in progress.__struct_fields__},
    )


@post(
    "/subscriptions",
    operation_id="addSubscription",
    summary=write_bilingual("订阅变更通知"),
    description=write_bilingual(
        "{scope} `hook` 为签名的网络回调（Standard Webhooks），`atom` 为订阅源，`mail` 为电子邮件。"
        "回调的密钥只在本答复中给出一次。从现在起通知，至少送达一次，按先后。",
        scope=_SCOPE,
    ),
    status_code=200,
    request_max_body_size=body_limits.LIST,
    opt={"scope": "watch"},
)
async def add_subscription(request: AnyRequest, data: JSONBody[ToSubscribe]) -> SubscriptionState:  # noqa: ARG001
    """Hear of changes"""
    wanted = await decode_body(request, _to_subscribe)
    target = Target(channel=wanted.channel, address=wanted.address, lang=wanted.lang)
    subscribe = get_register(request).notices.subscribe
    done = await lanes.run_in_lane("writes", subscribe, _get_owner(request), target, wanted.choice)
    return _make_state(request, done.subscription, done.secret)


@get(
    "/subscriptions",
    operation_id="listSubscriptions",
    summary=write_bilingual("所订阅的"),
    description=_NEEDS_SCOPE,
    sync_to_thread=True,
    opt={"scope": "watch"},
)
def list_subscriptions(request: AnyRequest) -> SubscriptionStates:
    """What is subscribed to, and how far it was told"""
    found = get_register(request).notices.list_subscriptions(_get_owner(request))
    return SubscriptionStates(items=[_make_state(request, one) for one in found])


@get(
    "/subscriptions/{subscription:int}",
    operation_id="getSubscription",
    summary=write_bilingual("一个订阅及其进度"),
    description=_NEEDS_SCOPE,
    sync_to_thread=True,
    opt={"scope": "watch"},
)
def get_subscription(request: AnyRequest, subscription: _Number) -> SubscriptionState:
    """One subscription, and how far it was told"""
    return _make_state(request, _find(request, subscription))


@post(
    "/subscriptions/{subscription:int}/replay",
    operation_id="replaySubscription",
    summary=write_bilingual("重新通知某条之后的变更"),
    description=write_bilingual("{scope} 重新通知的消息编号与原来的不同。", scope=_SCOPE),
    status_code=200,
    opt={"scope": "watch"},
)
async def replay_subscription(
    request: AnyRequest,
    subscription: _Number,
    data: JSONBody[ToReplay],  # noqa: ARG001 - says what the body is
) -> SubscriptionState:
    """Tell everything after an entry once more"""
    after = (await decode_body(request, _to_replay)).after
    found = await lanes.run_in_lane("reads", _find, request, subscription)
    await lanes.run_in_lane("writes", get_register(request).notices.replay, found, after)
    found = await lanes.run_in_lane("reads", _find, request, subscription)
    return _make_state(request, found)


@post(
    "/subscriptions/{subscription:int}/pause",
    operation_id="pauseSubscription",
    summary=write_bilingual("暂停通知"),
    description=write_bilingual("{scope} 其间的变更在恢复后通知。", scope=_SCOPE),
    status_code=200,
    sync_to_thread=True,
    opt={"scope": "watch", "lane": "writes"},
)
def pause_subscription(request: AnyRequest, subscription: _Number) -> SubscriptionState:
    """Tell nothing for now"""
    get_register(request).notices.pause(_find(request, subscription))
    return _make_state(request, _find(request, subscription))


@post(
    "/subscriptions/{subscription:int}/resume",
    operation_id="resumeSubscription",
    summary=write_bilingual("恢复通知"),
    description=_NEEDS_SCOPE,
    status_code=200,
    sync_to_thread=True,
    opt={"scope": "watch", "lane": "writes"},
)
def resume_subscription(request: AnyRequest, subscription: _Number) -> SubscriptionState:
    """Tell again, from where it was"""
    get_register(request).notices.resume(_find(request, subscription))
    return _make_state(request, _find(request, subscription))


@delete(
    "/subscriptions/{subscription:int}",
    operation_id="removeSubscription",
    summary=write_bilingual("取消订阅"),
    description=_NEEDS_SCOPE,
    sync_to_thread=True,
    opt={"scope": "watch", "lane": "writes"},
)
def remove_subscription(request: AnyRequest, subscription: _Number) -> None:
    """Hear no more"""
    get_register(request).notices.unsubscribe(_find(request, subscription))


handlers = [
    add_subscription,
    list_subscriptions,
    get_subscription,
    replay_subscription,
    pause_subscription,
    resume_subscription,
    remove_subscription,
]
