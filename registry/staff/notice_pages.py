"""Notices: what somebody of the staff is told of, by which way, and how far; administrators see everybody's."""

from __future__ import annotations

from typing import Any, get_args

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from registry.domain import region_names
from registry.domain.identifiers import format_code
from registry.domain.model import Kind, Struct
from registry.errors import InvalidCode, InvalidInput, NotFound, SecretsKeyMissing, TooLarge
from registry.measures.notices.subscription import CHANNELS, NoticeChoice, Progress, Subscription, Target
from registry.records.subject_names import describe_region
from registry.staff.desk import Desk, parse_number
from registry.texts import Message
from registry.web import body_limits

_LISTS = ("institutions", "names", "domains", "regions")
_KINDS: tuple[Kind, ...] = get_args(Kind)
_FORM: dict[str, Any] = {"status_code": 200, "sync_to_thread": True, "request_max_body_size": body_limits.TEXT}
_ACTIONS = ("pause", "resume", "replay", "end")


class ShownSubscription(Struct, frozen=True):
    """A subscription as the page shows it: with its progress, what it watches in words, and where its feed is."""

    it: Subscription
    progress: Progress
    words: list[str]
    feed: str | None


@get("/notices", sync_to_thread=True)
def show_notices(desk: NamedDependency[Desk]) -> Response[Any]:
    """Show one's own subscriptions, and a form for another; to administrators all others besides."""
    return _render_page(desk)


@post("/notices", **_FORM)
def add_subscription(desk: NamedDependency[Desk]) -> Response[Any]:
    """Subscribe; the secret of a web hook is on the page that answers, and nowhere else."""
    form = {name: desk.read_field(name, 4_000) for name in (*_LISTS, "address")}
    channel = desk.read_field("channel", 8)
    kinds = [kind for kind in _KINDS if kind in desk.form.getall("kind", [])]
    try:
        if channel not in CHANNELS:
            raise InvalidInput(Message("请选择通知方式。"), field="channel")
        choice = NoticeChoice(
            kinds=kinds,
            institutions=_split_lines(form["institutions"]),
            names=_split_lines(form["names"]),
            domains=_split_lines(form["domains"]),
            regions=[region_names.find_code(place) or place for place in _split_lines(form["regions"])],
        )
        target = Target(channel=channel, address=form["address"], lang="en" if desk.language.english else "zh-CN")
        done = desk.register.notices.subscribe(_get_owner(desk), target, choice)
    except (InvalidInput, InvalidCode, TooLarge, SecretsKeyMissing) as error:
        errors = desk.list_errors(error, "institutions")
        return _render_page(desk, form={**form, "channel": channel}, chosen=kinds, errors=errors)
    with desk.database.writing() as connection:
        desk.record_event(connection, "notice_added", str(done.subscription.id))
    return _render_page(desk, secret=done.secret)


@post("/notices/{number:int}", **_FORM)
def change_subscription(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Pause, resume, tell once more, or end a subscription: one's own, as an administrator anybody's."""
    notices = desk.register.notices
    owner = None if desk.has_role("administrator") else _get_owner(desk)
    subscription = notices.get_subscription(number, owner)
    action = desk.read_field("action", 8)
    if action not in _ACTIONS:
        raise NotFound(Message("此地址没有内容。"))
    try:
        if action == "replay":
            after = parse_number(desk.read_field(f"after-{number}", 9), digits=9)
            if after is None:
                raise InvalidInput(Message("请写明从日志第几条之后重新通知。"), field=f"after-{number}")
            notices.replay(subscription, after)
        else:
            {"pause": notices.pause, "resume": notices.resume, "end": notices.unsubscribe}[action](subscription)
    except InvalidInput as error:
        return _render_page(desk, errors=[(f"after-{number}", desk.get_text(error))])
    with desk.database.writing() as connection:
        desk.record_event(connection, f"notice_{action}", str(number))
    return desk.redirect_to("/staff/notices")


def _get_owner(desk: Desk) -> str:
    return f"staff:{desk.account.name}"


def _split_lines(text: str) -> list[str]:
    return [line.strip() for line in text.replace(",", "\n").replace("，", "\n").splitlines() if line.strip()]


def _render_page(desk: Desk, **values: Any) -> Response[Any]:
    notices, owner = desk.register.notices, _get_owner(desk)
    every = notices.list_subscriptions(None if desk.has_role("administrator") else owner)
    errors: list[tuple[str, str]] = values.pop("errors", [])
    return desk.render_page(
        "notices",
        status=400 if errors else 200,
        errors=errors,
        form={"channel": "", "address": "", **dict.fromkeys(_LISTS, ""), **values.pop("form", {})},
        chosen=values.pop("chosen", ()),
        secret=values.pop("secret", None),
        own=[_make_shown(desk, one) for one in every if one.owner == owner],
        others=[_make_shown(desk, one) for one in every if one.owner != owner],
        channels=[one for one in CHANNELS if one != "mail" or desk.register.settings.smtp_url],
        kinds=_KINDS,
        lists=_LISTS,
        days=desk.register.settings.notices_days,
    )


def _make_shown(desk: Desk, subscription: Subscription) -> ShownSubscription:
    notices, choice = desk.register.notices, subscription.choice
    is_own_feed = subscription.target.channel == "atom" and subscription.owner == _get_owner(desk)
    places = [describe_region(code).to_text(desk.language.lang) for code in choice.regions]
    words = [*map(format_code, choice.institutions), *choice.names, *choice.domains, *places]
    kinds = [str(desk.language.translate(f"kind.{kind}")) for kind in choice.kinds]
    return ShownSubscription(
        it=subscription,
        progress=notices.find_progress(subscription),
        words=[*words, *kinds],
        feed=f"{notices.make_address(subscription)}/feed.atom" if is_own_feed else None,
    )
