"""The notices of one running register: subscribing, and the one sender among the register's processes."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import sqlalchemy as sa

from registry.accounts.vault import Vault
from registry.clients.watches import WatchLists, WatchPosition, WatchState
from registry.domain.model import Struct
from registry.errors import InvalidInput, NotFound, RegistryError, TooLarge
from registry.log.clock import from_milliseconds, get_now_ms
from registry.measures.notices import atom, delivery, mail, messages, subscription_store, web_hook
from registry.measures.notices.messages import NoticeMessage
from registry.measures.notices.subscription import (
    MOST_SUBSCRIPTIONS,
    NoticeChoice,
    Progress,
    Subscription,
    Target,
    check_choice,
    check_target,
)
from registry.measures.notices.web_hook import DeliveryFailed
from registry.records.asof import to_day
from registry.settings import Settings
from registry.storage.database import Database
from registry.storage.fault_board import RepeatedWarnings
from registry.texts import Message
from registry.verification.answer import take_moment
from registry.verification.view import VerificationView

#: Seconds between looks for what is to be sent, and between attempts to become the sender.
LOOK_EVERY, TAKE_OVER_EVERY = 0.5, 2.0
#: Messages that are sent at the same time.
_AT_ONCE = 8
_DAY = 86_400_000
_PURPOSE = "address of notices"


class NewlySubscribed(Struct, frozen=True):
    """A new subscription; ``secret``: of a web hook, which nobody can read again."""

    subscription: Subscription
    secret: str | None


class Notices:
    """Subscriptions of one running register. Every method may be called from any thread."""

    def __init__(self, database: Database, watch_lists: WatchLists, view: VerificationView, settings: Settings) -> None:
        self._database, self._watch_lists, self._view, self._settings = database, watch_lists, view, settings
        self._vault = Vault(settings.get_secrets_file())
        self._warnings = RepeatedWarnings()
        self._under_way: set[int] = set()

    # --- subscribing -------------------------------------------------------------------------------------------------

    def subscribe(self, owner: str, target: Target, choice: NoticeChoice) -> NewlySubscribed:
        """Subscribe from now on; InvalidInput, InvalidCode, TooLarge."""
        check_target(target, may_be_private=self._settings.notices_private)
        choice = check_choice(choice, has_watch_list=owner.startswith("client:"))
        if target.channel == "mail" and not self._settings.smtp_url:
            raise InvalidInput(Message("本名录没有设置邮件服务器，不能以邮件通知。"), field="channel")
        secret = web_hook.make_secret() if target.channel == "hook" else None
        new = subscription_store.NewSubscription(
            owner=owner,
            target=target,
            choice=choice,
            salt=secrets.token_hex(8),
            position=WatchPosition(since=self._find_state()),
            at=get_now_ms(),
        )
        with self._database.writing() as connection:
            if len(subscription_store.list_subscriptions(connection, owner)) >= MOST_SUBSCRIPTIONS:
                raise TooLarge(Message("最多{most}个订阅，请先取消不再需要的。", most=MOST_SUBSCRIPTIONS))
            number = subscription_store.insert_subscription(connection, new)
            if secret is not None:
                subscription_store.save_secret(connection, number, self._vault.seal(_name_secret(number), secret))
            subscription = subscription_store.get_subscription(connection, number)
        if claims := choice.make_claims():
            try:
                self._watch_lists.add_watches(subscription.watcher, claims)
            except RegistryError:
                self.unsubscribe(subscription)
                raise
        return NewlySubscribed(subscription=subscription, secret=secret)

    def list_subscriptions(self, owner: str | None = None) -> list[Subscription]:
        """List the subscriptions of an owner, or all."""
        with self._database.reading() as connection:
            return subscription_store.list_subscriptions(connection, owner)

    def get_subscription(self, number: int, owner: str | None = None) -> Subscription:
        """Get a subscription, of an owner where one is named; NotFound."""
        with self._database.reading() as connection:
            return subscription_store.get_subscription(connection, number, owner)

    def find_progress(self, subscription: Subscription) -> Progress:
        """Find how far a subscription is, and how many entries of the log are still to be looked through for it."""
        return Progress(
            delivered=subscription.delivered,
            delivered_at=subscription_store.to_instant(subscription.delivered_at),
            pending=max(0, self._view.size - subscription.position.since.size),
            attempts=subscription.attempts,
            last_error=subscription.last_error,
            next_try=from_milliseconds(subscription.next_try) if subscription.attempts else None,
        )

    def unsubscribe(self, subscription: Subscription) -> None:
        """End a subscription: nothing is left of it."""
        with self._database.writing() as connection:
            subscription_store.delete_subscription(connection, subscription)

    def pause(self, subscription: Subscription) -> None:
        """Stop sending; what happens meanwhile is told when it is resumed."""
        self._change_subscription(subscription, delivery.pause)

    def resume(self, subscription: Subscription) -> None:
        """Send again, from where it was."""
        self._change_subscription(subscription, partial(delivery.resume, at=get_now_ms()))

    def replay(self, subscription: Subscription, after: int) -> None:
        """Tell everything after an entry once more; InvalidInput for one that the log does not have."""
        if not 0 <= after <= self._view.size:
            raise InvalidInput(Message("日志没有第{number}条。", number=after), field="after")
        since = self._find_state(after)
        self._change_subscription(subscription, partial(delivery.replay, since=since, at=get_now_ms()))

    def _change_subscription(self, subscription: Subscription, change: Callable[[Subscription], Subscription]) -> None:
        """Write what an owner does, from where the sender is by now."""
        with self._database.writing() as connection:
            current = subscription_store.get_subscription(connection, subscription.id)
            subscription_store.replace_subscription(connection, current, change(current))

    def _find_state(self, size: int | None = None) -> WatchState:
        moment = take_moment(self._view)
        if size is None or size >= moment.size:
            return WatchState(size=moment.size, day=moment.day)
        recorded = from_milliseconds(self._view.get_recording_time(size)) if size else None
        day = moment.day if recorded is None else min(moment.day, to_day(recorded))
        return WatchState(size=size, day=day)

    # --- addresses ---------------------------------------------------------------------------------------------------

    def make_address(self, subscription: Subscription) -> str:
        """Make the address at which a feed is read and a subscription is ended: unguessable; SecretsKeyMissing."""
        code = self._vault.sign_message(_PURPOSE, f"{subscription.id}.{subscription.salt}")
        return f"{self._settings.public_url.rstrip('/')}/notices/{subscription.id}-{code}"

    def find_by_address(self, name: str) -> Subscription:
        """Find the subscription that the last part of an address names; NotFound for any that nobody was given."""
        number, _, code = name.partition("-")
        if number.isascii() and number.isdigit() and len(number) < 10:
            try:
                subscription = self.get_subscription(int(number))
            except NotFound:
                pass
            else:
                if self._vault.is_signed_message(_PURPOSE, f"{subscription.id}.{subscription.salt}", code):
                    return subscription
        raise NotFound(Message("此地址没有内容。"))

    def render_feed(self, subscription: Subscription) -> bytes:
        """Render the feed of a subscription."""
        with self._database.reading() as connection:
            items = subscription_store.list_items(connection, subscription.id)
        public_url = self._settings.public_url.rstrip("/")
        created = from_milliseconds(subscription.created_at)
        identity = f"{subscription.salt}-{subscription.id}"
        address = f"{self.make_address(subscription)}/feed.atom"
        return atom.render_feed(items, address, identity, public_url, created, subscription.target.lang)

    def count_states(self) -> dict[str, int]:
        """Count the subscriptions by state, for figures that name nobody."""
        with self._database.reading() as connection:
            return subscription_store.count_states(connection)

    # --- sending -----------------------------------------------------------------------------------------------------

    def follow(self, stop: threading.Event) -> None:
        """Send what is due, in one process of all that share the database at a time, until the event is set."""
        while not stop.wait(LOOK_EVERY):
            try:
                with self._database.hold_task_lock("notices") as is_held:
                    if is_held:
                        self._send_until(stop)
            except (RegistryError, OSError, sa.exc.SQLAlchemyError) as error:
                self._warnings.warn_once("cannot send notices", error)
            stop.wait(TAKE_OVER_EVERY)

    def _send_until(self, stop: threading.Event) -> None:
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="notice") as pool:
            while not stop.wait(LOOK_EVERY):
                for subscription in self._list_due():
                    self._under_way.add(subscription.id)
                    pool.submit(self._handle_due, subscription)
                self._warnings.reset_warning("cannot send notices")

    def _list_due(self) -> list[Subscription]:
        """List what has something to tell and is not being told it."""
        if self._view.error is not None:
            return []
        current = self._find_state()
        with self._database.reading() as connection:
            due = subscription_store.list_due(connection, get_now_ms())
        return [one for one in due if one.id not in self._under_way and _has_news(one, current)]

    def _handle_due(self, subscription: Subscription) -> None:
        try:
            self.send_next(subscription)
        except Exception as error:  # tried again at the next look
            self._warnings.warn_once("cannot send a notice", error)
        finally:
            self._under_way.discard(subscription.id)

    def send_next(self, subscription: Subscription) -> None:
        """Bring a subscription one message further: make it, write down where it ends, send it, move on."""
        current = self._find_state()
        if not _has_news(subscription, current):
            return
        with self._database.reading() as connection:
            is_entitled = subscription_store.is_entitled(connection, subscription, get_now_ms())
            end = messages.choose_end(connection, subscription.choice, subscription.position.since, current)
            begun = delivery.begin_message(subscription, end)
            message, following = messages.make_message(connection, self._watch_lists, begun)
        if not is_entitled:
            reason = Message("账号已停用，或密钥已失效。").to_text(subscription.target.lang)
            self._write(subscription, delivery.pause(subscription, reason))
            return
        if message.is_empty:
            self._write(subscription, delivery.finish_message(begun, following, get_now_ms(), is_sent=False))
        elif begun == subscription or self._write(subscription, begun):
            self._send_message(begun, message, following)

    def _send_message(self, subscription: Subscription, message: NoticeMessage, following: WatchPosition) -> None:
        if subscription.target.channel == "atom":
            self._write_item(subscription, message, following)
            return
        try:
            self._send_once(subscription, message)
        except DeliveryFailed as failure:
            self._write(subscription, self._plan_retry(subscription, failure))
            return
        self._write(subscription, delivery.finish_message(subscription, following, get_now_ms(), is_sent=True))

    def _plan_retry(self, subscription: Subscription, failure: DeliveryFailed) -> Subscription:
        reason = failure.reason.to_text(subscription.target.lang)
        delay, patience = self._settings.notices_retry * 1000, self._settings.notices_days * _DAY
        failed = delivery.record_failure(subscription, reason, get_now_ms(), delay, patience)
        return delivery.pause(failed) if failure.status == delivery.GONE else failed

    def _send_once(self, subscription: Subscription, message: NoticeMessage) -> None:
        number, target = delivery.make_message_number(subscription), subscription.target
        if target.channel == "hook":
            with self._database.reading() as connection:
                sealed = subscription_store.read_secret(connection, subscription.id)
            secret = self._vault.open(_name_secret(subscription.id), sealed)
            body, at = messages.encode_message(message), get_now_ms() // 1000
            headers = {
                "Content-Type": "application/json",
                "User-Agent": "art-registry-notices",
                "webhook-id": number,
                "webhook-timestamp": str(at),
                "webhook-signature": web_hook.sign_message(secret, number, at, body),
            }
            web_hook.send_request(target.address, body, headers, may_be_private=self._settings.notices_private)
            return
        links = (self._settings.public_url.rstrip("/"), f"{self.make_address(subscription)}/end")
        lines = messages.describe_message(message, target.lang)
        people = (self._settings.get_mail_from(), target.address)
        written = mail.write_mail(lines, number, links, people, from_milliseconds(get_now_ms()), target.lang)
        mail.send_mail(self._settings.smtp_url, written)

    def _write_item(self, subscription: Subscription, message: NoticeMessage, following: WatchPosition) -> None:
        """Put a message into the feed and move on, both or neither."""
        at = get_now_ms()
        after = delivery.finish_message(subscription, following, at, is_sent=True)
        with self._database.writing() as connection:
            if subscription_store.replace_subscription(connection, subscription, after):
                number, body = delivery.make_message_number(subscription), messages.encode_item(message)
                subscription_store.add_item(connection, subscription, number, body, at)

    def _write(self, before: Subscription, after: Subscription) -> bool:
        with self._database.writing() as connection:
            return subscription_store.replace_subscription(connection, before, after)


def _has_news(subscription: Subscription, current: WatchState) -> bool:
    """Whether there is a message under way, or the register has moved on; a register that was put back has not."""
    position = subscription.position
    if position.upto is not None:
        return position.upto.size <= current.size
    since = position.since
    return since.size <= current.size and (since.size, since.day) < (current.size, current.day)


def _name_secret(number: int) -> str:
    return f"notices/{number}"
