"""The watch list: claims whose answers a client holds, and which of those answers have changed.

Nothing is sent: the client asks. What changed between two moments is worked out from the log when it is asked for, so
it can be asked again, nothing is missed while a client is away, and the register calls no address on the network.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator

import msgspec
import sqlalchemy as sa

from registry.clients import keys
from registry.domain.model import Answer, Claim, Struct
from registry.errors import InvalidInput, NotFound, TooLarge
from registry.receipts.receipt_text import to_question
from registry.records.asof import SHANGHAI, instant_at
from registry.storage.tables import watches
from registry.verification.answer import Moment, answer_claim, is_same_answer, take_moment
from registry.verification.view import VerificationView

#: Claims one client may watch.
MOST = 100_000
#: Watches compared at once: some tenths of a second.
AT_ONCE = 2_000
_json = msgspec.json.Encoder()
_claim = msgspec.json.Decoder(Claim)


class Watch(Struct, frozen=True):
    """A claim whose answer is watched; its first answer rested on ``log_size`` entries, on ``day``."""

    id: int
    claim: Claim
    log_size: int
    day: dt.date
    created_at: dt.datetime


class WatchChange(Struct, frozen=True):
    """A watch whose answer is another one now."""

    watch: int
    claim: Claim
    before: Answer
    now: Answer


class WatchState(Struct, frozen=True):
    """What answers rest on: so many entries, on a day. Written ``2000.2026-11-25``."""

    size: int
    day: dt.date

    def __str__(self) -> str:
        return f"{self.size}.{self.day.isoformat()}"


class WatchPosition(Struct, frozen=True):
    """How far a client has read: everything up to ``since``; when ``upto`` is set, also the watches up to ``after``."""

    since: WatchState
    upto: WatchState | None = None
    after: int = 0

    def __str__(self) -> str:
        return f"{self.since}.{self.upto}.{self.after}" if self.upto else str(self.since)


class WatchChangePage(Struct, frozen=True):
    """Changes, and where to go on; ``more``: there are watches not compared yet."""

    items: list[WatchChange]
    next: WatchPosition
    more: bool


def parse_position(text: str) -> WatchPosition:
    """A place as it was told; InvalidInput for anything else.

    >>> str(parse_position("2000.2026-11-25"))
    '2000.2026-11-25'
    """
    try:
        match text.split("."):
            case [size, day]:
                return WatchPosition(since=_parse_state(size, day))
            case [size, day, size2, day2, after]:
                return WatchPosition(
                    since=_parse_state(size, day), upto=_parse_state(size2, day2), after=_parse_number(after)
                )
    except ValueError:
        pass
    raise InvalidInput(
        f"since“{text[:60]}”无法识别：请原样使用上一次答复中的 next，或登记关注时答复中的 since。",
        f"since “{text[:60]}” is not understood: use the next of the last answer, or the since "
        "of POST /watches, as it is.",
    )


def add_watches(connection: sa.Connection, client: str, claims: list[Claim], state: WatchState) -> list[int]:
    """Watch claims from a state on; their ids in order. What is watched already keeps its id and its first state."""
    bodies = [_json.encode(to_question(claim)) for claim in claims]
    digests = [hashlib.sha256(body).digest() for body in bodies]
    held = _find_ids(connection, client, digests)
    fresh = {digest: body for digest, body in zip(digests, bodies, strict=True) if digest not in held}
    if count_watches(connection, client) + len(fresh) > MOST:
        raise TooLarge(
            f"最多关注{MOST:,}条，全部未登记；请先取消不再需要的。",
            f"At most {MOST:,} claims may be watched, and none of these was added. Remove what is no longer needed.",
            limit=MOST,
        )
    stated = {"client": client, "log_size": state.size, "day": state.day.isoformat(), "created_at": keys.get_now_ms()}
    if fresh:
        rows = [{**stated, "claim": body, "digest": digest} for digest, body in fresh.items()]
        connection.execute(sa.insert(watches), rows)
        held |= _find_ids(connection, client, list(fresh))
    return [held[digest] for digest in digests]


def remove_watch(connection: sa.Connection, client: str, identity: int) -> None:
    """Watch no more; NotFound when the client has no such watch."""
    gone = connection.execute(sa.delete(watches).where(watches.c.client == client, watches.c.id == identity))
    if not gone.rowcount:
        raise NotFound(f"没有编号为 {identity} 的关注。", f"There is no watch {identity}.")


def count_watches(connection: sa.Connection, client: str) -> int:
    """How many claims a client watches."""
    query = sa.select(sa.func.count()).select_from(watches).where(watches.c.client == client)
    return int(connection.execute(query).scalar_one())


def list_watches(connection: sa.Connection, client: str, after: int, limit: int) -> list[Watch]:
    """A client's watches after an id, in order."""
    query = sa.select(watches).where(watches.c.client == client, watches.c.id > after).order_by(watches.c.id)
    return [_read_watch(row) for row in connection.execute(query.limit(limit))]


def get_current_state(view: VerificationView) -> WatchState:
    """What answers rest on at this moment; CannotAnswer when the register cannot be read."""
    at = take_moment(view)
    return WatchState(size=at.size, day=at.day)


def find_changes(
    connection: sa.Connection, view: VerificationView, client: str, at: WatchPosition, lang: str
) -> WatchChangePage:
    """Which answers differ between a place and now; InvalidInput for a place that never was."""
    upto = at.upto or get_current_state(view)
    for state in (at.since, upto):
        _require_known_state(view, state)
    held = list_watches(connection, client, at.after, AT_ONCE)
    items = list(_compare_answers(view, held, at.since, upto, lang))
    if len(held) == AT_ONCE:
        return WatchChangePage(items=items, next=WatchPosition(since=at.since, upto=upto, after=held[-1].id), more=True)
    return WatchChangePage(items=items, next=WatchPosition(since=upto), more=False)


def _compare_answers(
    view: VerificationView, held: Iterable[Watch], since: WatchState, upto: WatchState, lang: str
) -> Iterator[WatchChange]:
    for watch in held:
        first = WatchState(size=watch.log_size, day=watch.day)
        start = WatchState(size=max(since.size, first.size), day=max(since.day, first.day))
        if (start.size, start.day) >= (upto.size, upto.day):
            continue
        before, after = (answer_claim(view, watch.claim, lang, _to_moment(view, state)) for state in (start, upto))
        if not is_same_answer(msgspec.to_builtins(before), msgspec.to_builtins(after)):
            yield WatchChange(watch=watch.id, claim=watch.claim, before=before, now=after)


def _to_moment(view: VerificationView, state: WatchState) -> Moment:
    """The state as the moment it began: when the last of its entries was recorded, or its day began."""
    recorded = instant_at(view.get_recording_time(state.size))
    day = dt.datetime.combine(state.day, dt.time(), SHANGHAI).astimezone(dt.UTC)
    return Moment(now=max(recorded, day), day=state.day, size=state.size)


def _require_known_state(view: VerificationView, state: WatchState) -> None:
    if view.find_root_at(state.size) is None:
        raise InvalidInput(
            f"本名录的日志没有过 {state.size} 条时的状态；请原样使用上一次答复中的 next。",
            f"The log of this register never stood at {state.size} entries; use the next of the last answer as it is.",
        )


def require_watchable(claim: Claim) -> None:
    """InvalidInput for a claim that asks for a receipt, or about what was known at some instant."""
    if claim.receipt or claim.known_at is not None:
        raise InvalidInput(
            "关注的是今后的变化，不能带 receipt 或 known_at。",
            "A watch is about what becomes known from now on: it takes no receipt and no known_at.",
        )


def _find_ids(connection: sa.Connection, client: str, digests: list[bytes]) -> dict[bytes, int]:
    query = sa.select(watches.c.digest, watches.c.id).where(watches.c.client == client, watches.c.digest.in_(digests))
    return {bytes(digest): identity for digest, identity in connection.execute(query)}


def _read_watch(row: sa.Row[tuple[object, ...]]) -> Watch:
    fields = dict(row._mapping)
    return Watch(
        id=fields["id"],
        claim=_claim.decode(bytes(fields["claim"])),
        log_size=fields["log_size"],
        day=dt.date.fromisoformat(fields["day"]),
        created_at=instant_at(fields["created_at"]),
    )


def _parse_state(size: str, day: str) -> WatchState:
    return WatchState(size=_parse_number(size), day=dt.date.fromisoformat(day))


def _parse_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise ValueError(text)
    return int(text)
