"""What becomes of a subscription after each attempt to deliver: a position that moves only once it was received.

A message is everything between two states of the register. Its end is written down before it is first sent, so that
each attempt sends the same message, under the same number; the position moves to that end once it was received. So
nothing is left out, nothing comes out of order, and what may come twice (a process killed after the receiver answered)
is recognised by its number.
"""

from __future__ import annotations

import hashlib

import msgspec

from registry.clients.watches import WatchPosition, WatchState
from registry.measures.notices.subscription import Subscription

#: Multiples of the first delay before each further attempt; the last one again and again.
DELAYS = (1, 6, 60, 360, 1_440, 3_600, 7_200)
#: The answer of a receiver that wants nothing more (Standard Webhooks).
GONE = 410


def begin_message(subscription: Subscription, upto: WatchState) -> Subscription:
    """Write down the end of the next message, unless one is under way already."""
    if subscription.position.upto is not None:
        return subscription
    position = WatchPosition(since=subscription.position.since, upto=upto)
    return msgspec.structs.replace(subscription, position=position)


def finish_message(subscription: Subscription, following: WatchPosition, at: int, *, is_sent: bool) -> Subscription:
    """Move on after a message was received, or was found empty (``is_sent`` false)."""
    moved = msgspec.structs.replace(subscription, position=following)
    if not is_sent:
        return moved
    upto = subscription.position.upto
    return msgspec.structs.replace(
        moved,
        attempts=0,
        next_try=at,
        failing_since=None,
        last_error="",
        delivered=max(subscription.delivered, upto.size if upto else 0),
        delivered_at=at,
    )


def record_failure(subscription: Subscription, error: str, at: int, delay: int, patience: int) -> Subscription:
    """Plan the next attempt, later each time; pause after ``patience``. ``delay`` and ``patience`` in milliseconds."""
    failing_since = subscription.failing_since if subscription.failing_since is not None else at
    step = DELAYS[min(subscription.attempts, len(DELAYS) - 1)]
    return msgspec.structs.replace(
        subscription,
        attempts=subscription.attempts + 1,
        next_try=at + step * delay,
        failing_since=failing_since,
        last_error=error[:200],
        state="paused" if at - failing_since >= patience else "active",
    )


def pause(subscription: Subscription, error: str = "") -> Subscription:
    """Stop sending; the position stays."""
    return msgspec.structs.replace(subscription, state="paused", last_error=error[:200] or subscription.last_error)


def resume(subscription: Subscription, at: int) -> Subscription:
    """Send again, from where it was."""
    return msgspec.structs.replace(subscription, state="active", attempts=0, next_try=at, failing_since=None)


def replay(subscription: Subscription, since: WatchState, at: int) -> Subscription:
    """Go back to a state of the register: everything since then is told again, under new numbers.

    Never forward: what was not told yet is told in any case.
    """
    since = min(since, subscription.position.since, key=lambda state: state.size)
    moved = msgspec.structs.replace(
        subscription,
        position=WatchPosition(since=since),
        round=subscription.round + 1,
        delivered=min(subscription.delivered, since.size),
    )
    return resume(moved, at)


def make_message_number(subscription: Subscription) -> str:
    """Make the number of the message under way: the same at each attempt, another one for every other message.

    The salt keeps the numbers of two registers apart; there is no dot in it, which parts what is signed.
    """
    parts = (subscription.salt, subscription.id, subscription.round, subscription.position)
    return f"msg_{hashlib.sha256(' '.join(map(str, parts)).encode()).hexdigest()[:32]}"
