"""Subscriptions in the database, and the messages that wait in feeds."""

from __future__ import annotations

import datetime as dt

import msgspec
import sqlalchemy as sa

from registry.accounts import find_account
from registry.clients import keys
from registry.clients.watches import WatchPosition, parse_position
from registry.domain.model import Struct
from registry.errors import NotFound
from registry.log.clock import from_milliseconds
from registry.measures.notices.atom import FeedItem
from registry.measures.notices.messages import NoticeMessage
from registry.measures.notices.subscription import NoticeChoice, Subscription, Target
from registry.storage.notice_tables import notice_items, subscriptions
from registry.storage.tables import watches
from registry.texts import Message

#: Messages that a feed holds: the newest.
MOST_ITEMS = 100
_json = msgspec.json.Encoder()
_choice = msgspec.json.Decoder(NoticeChoice)
_message = msgspec.json.Decoder(NoticeMessage)


class NewSubscription(Struct, frozen=True):
    """A subscription before it has a number."""

    owner: str
    target: Target
    choice: NoticeChoice
    salt: str
    position: WatchPosition
    at: int


def insert_subscription(connection: sa.Connection, new: NewSubscription) -> int:
    """Insert a subscription that begins now; its number."""
    done = connection.execute(
        sa.insert(subscriptions).values(
            owner=new.owner,
            channel=new.target.channel,
            target=new.target.address,
            lang=new.target.lang,
            choice=_json.encode(new.choice),
            secret="",
            salt=new.salt,
            state="active",
            position=str(new.position),
            round=0,
            attempts=0,
            next_try=new.at,
            last_error="",
            delivered=new.position.since.size,
            created_at=new.at,
        )
    )
    assert done.inserted_primary_key is not None  # noqa: S101 - a table with a number of its own has one
    return int(done.inserted_primary_key[0])


def save_secret(connection: sa.Connection, number: int, sealed: str) -> None:
    """Save the sealed secret of a web hook."""
    connection.execute(sa.update(subscriptions).where(subscriptions.c.id == number).values(secret=sealed))


def read_secret(connection: sa.Connection, number: int) -> str:
    """Read the sealed secret of a web hook."""
    return str(connection.execute(sa.select(subscriptions.c.secret).where(subscriptions.c.id == number)).scalar_one())


def list_subscriptions(connection: sa.Connection, owner: str | None = None) -> list[Subscription]:
    """List the subscriptions of an owner, or all, oldest first."""
    query = sa.select(subscriptions).order_by(subscriptions.c.id)
    if owner is not None:
        query = query.where(subscriptions.c.owner == owner)
    return [_read_subscription(row) for row in connection.execute(query)]


def list_due(connection: sa.Connection, at: int) -> list[Subscription]:
    """List what may be sent to now."""
    query = sa.select(subscriptions).where(subscriptions.c.state == "active", subscriptions.c.next_try <= at)
    return [_read_subscription(row) for row in connection.execute(query.order_by(subscriptions.c.id))]


def get_subscription(connection: sa.Connection, number: int, owner: str | None = None) -> Subscription:
    """Get a subscription, of an owner where one is named; NotFound."""
    query = sa.select(subscriptions).where(subscriptions.c.id == number)
    row = connection.execute(query).first()
    if row is None or (owner is not None and row.owner != owner):
        raise NotFound(Message("没有编号为 {identity} 的订阅。", identity=number))
    return _read_subscription(row)


def replace_subscription(connection: sa.Connection, before: Subscription, after: Subscription) -> bool:
    """Write how a subscription moved, unless its owner moved it meanwhile; whether it was written."""
    done = connection.execute(
        sa.update(subscriptions)
        .where(
            subscriptions.c.id == before.id,
            subscriptions.c.position == str(before.position),
            subscriptions.c.round == before.round,
            subscriptions.c.state == before.state,
        )
        .values(
            state=after.state,
            position=str(after.position),
            round=after.round,
            attempts=after.attempts,
            next_try=after.next_try,
            failing_since=after.failing_since,
            last_error=after.last_error,
            delivered=after.delivered,
            delivered_at=after.delivered_at,
        )
    )
    return bool(done.rowcount)


def delete_subscription(connection: sa.Connection, subscription: Subscription) -> None:
    """Delete a subscription, what it watches by itself, and what waits in its feed."""
    connection.execute(sa.delete(subscriptions).where(subscriptions.c.id == subscription.id))
    connection.execute(sa.delete(notice_items).where(notice_items.c.subscription == subscription.id))
    connection.execute(sa.delete(watches).where(watches.c.client == subscription.watcher))


def is_entitled(connection: sa.Connection, subscription: Subscription, at: int) -> bool:
    """Whether its owner may still hear: an account in use, a client with a key of scope watch that holds."""
    if (client := subscription.client) is not None:
        found = [key for key in keys.list_keys(connection) if key.client == client and "watch" in key.scopes]
        return any(key.get_state(at) == "active" for key in found)
    account = find_account(connection, subscription.owner.partition(":")[2])
    return account is not None and not account.disabled


def add_item(connection: sa.Connection, subscription: Subscription, message: str, body: bytes, at: int) -> None:
    """Put a message into a feed, and drop what is too old for it."""
    row = {"subscription": subscription.id, "message": message, "body": body, "at": at}
    connection.execute(sa.insert(notice_items).values(row))
    mine = notice_items.c.subscription == subscription.id
    held = sa.select(notice_items.c.id).where(mine).order_by(notice_items.c.id.desc()).limit(MOST_ITEMS)
    connection.execute(sa.delete(notice_items).where(mine, notice_items.c.id.not_in(held)))


def list_items(connection: sa.Connection, number: int) -> list[FeedItem]:
    """List the messages of a feed, oldest first."""
    query = sa.select(notice_items).where(notice_items.c.subscription == number).order_by(notice_items.c.id)
    return [
        FeedItem(message=_message.decode(bytes(row.body)), at=from_milliseconds(row.at))
        for row in connection.execute(query)
    ]


def count_states(connection: sa.Connection) -> dict[str, int]:
    """Count the subscriptions that are active, failing (active, the last attempt having failed) and paused."""
    counts = {"active": 0, "failing": 0, "paused": 0}
    query = sa.select(subscriptions.c.state, subscriptions.c.failing_since.is_not(None), sa.func.count())
    query = query.group_by(subscriptions.c.state, subscriptions.c.failing_since.is_not(None))
    for state, is_failing, number in connection.execute(query):
        counts["failing" if state == "active" and is_failing else str(state)] += number
    return counts


def to_instant(milliseconds: int | None) -> dt.datetime | None:
    """The instant of a column that may be empty."""
    return None if milliseconds is None else from_milliseconds(milliseconds)


def _read_subscription(row: sa.Row[tuple[object, ...]]) -> Subscription:
    fields = dict(row._mapping)
    channel, address, lang = (fields.pop(name) for name in ("channel", "target", "lang"))
    fields.pop("secret")
    return Subscription(
        **{
            **fields,
            "target": Target(channel=channel, address=address, lang=lang),
            "choice": _choice.decode(bytes(fields["choice"])),
            "position": parse_position(fields["position"]),
        }
    )
