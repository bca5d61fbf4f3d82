"""Watch lists: claims whose answers a client relies on, and which of those answers have changed.

Nothing is sent from here: the client asks, or ``measures.notices`` asks for it. What changed between two moments is
computed from the log when it is asked for, so it can be asked again, and nothing is missed while a client is away.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator

import msgspec
import sqlalchemy as sa

from registry.domain.answers import Answer, Claim
from registry.domain.model import Struct
from registry.errors import InvalidInput, NotFound, TooLarge
from registry.log.clock import from_milliseconds, get_now_ms
from registry.receipts.receipt_text import to_question
from registry.records.asof import SHANGHAI
from registry.storage.database import Database
from registry.storage.tables import watches
from registry.texts import Message
from registry.verification.answer import Moment, answer_claim, is_same_answer, take_moment
from registry.verification.view import VerificationView

#: Claims one client may watch.
MOST = 100_000
#: Watches compared in one call: it takes some tenths of a second.
PAGE = 2_000
_json = msgspec.json.Encoder()
_claim = msgspec.json.Decoder(Claim)


class Watch(Struct, frozen=True):
    """A watched claim; its first answer rested on ``log_size`` entries, on ``day``."""

    id: int
    claim: Claim
    log_size: int
    day: dt.date
    created_at: dt.datetime


class WatchChange(Struct, frozen=True):
    """A watch whose answer has changed."""

    watch: int
    claim: Claim
    before: Answer
    now: Answer


class WatchState(Struct, frozen=True):
    """What answers rest on: a number of entries, and a day. Written ``2000.2026-11-25``."""

    size: int
    day: dt.date

    def __str__(self) -> str:
        return f"{self.size}.{self.day.isoformat()}"


class WatchPosition(Struct, frozen=True):
    """How far a client has read: everything up to ``since``; if ``upto`` is set, also the watches up to ``after``."""

    since: WatchState
    upto: WatchState | None = None
    after: int = 0

    def __str__(self) -> str:
        return f"{self.since}.{self.upto}.{self.after}" if self.upto else str(self.since)


class WatchChangePage(Struct, frozen=True):
    """Changes, and where to go on; ``more``: some watches are not compared yet."""

    items: list[WatchChange]
    next: WatchPosition
    more: bool


def parse_position(text: str) -> WatchPosition:
    """Parse a position as it was given out; InvalidInput for anything else.

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
        Message("since“{text}”无法识别：请原样使用上一次答复中的 next，或登记关注时答复中的 since。", text=text[:60])
    )


class WatchLists:
    """The watch lists of one running register. Every method may be called from any thread."""

    def __init__(self, database: Database, view: VerificationView) -> None:
        self._database = database
        self._view = view

    def add_watches(
        self, client: str, claims: list[Claim], lang: str = "zh-CN"
    ) -> tuple[list[tuple[int, Answer]], WatchState]:
        """Watch claims from now on; return each one's number and answer, in order, and where changes begin.

        InvalidInput names the first claim that cannot be watched; then none is.
        """
        moment = take_moment(self._view)
        state = WatchState(size=moment.size, day=moment.day)
        answers = []
        for index, claim in enumerate(claims, start=1):
            try:
                _require_watchable(claim)
                answers.append(answer_claim(self._view, claim, lang, moment))
            except InvalidInput as error:
                raise InvalidInput(Message("第{index}条：{error}", index=index, error=error.message)) from error
        with self._database.writing() as connection:
            numbers = _add_watches(connection, client, claims, state)
        return list(zip(numbers, answers, strict=True)), state

    def list_watches(self, client: str, after: int, limit: int) -> tuple[list[Watch], int]:
        """Return a client's watches after a number, and how many there are in all."""
        with self._database.reading() as connection:
            return _list_watches(connection, client, after, limit), _count_watches(connection, client)

    def remove_watch(self, client: str, number: int) -> None:
        """Remove a watch; NotFound."""
        with self._database.writing() as connection:
            gone = connection.execute(sa.delete(watches).where(watches.c.client == client, watches.c.id == number))
        if not gone.rowcount:
            raise NotFound(Message("没有编号为 {identity} 的关注。", identity=number))

    def find_changes(self, client: str, position: WatchPosition, lang: str = "zh-CN") -> WatchChangePage:
        """Return which answers differ between a position and now; InvalidInput for a position that never was."""
        upto = position.upto or _get_current_state(self._view)
        for state in (position.since, upto):
            _require_known_state(self._view, state)
        with self._database.reading() as connection:
            watched = _list_watches(connection, client, position.after, PAGE)
        items = list(_compare_answers(self._view, watched, position.since, upto, lang))
        if len(watched) < PAGE:
            return WatchChangePage(items=items, next=WatchPosition(since=upto), more=False)
        following = WatchPosition(since=position.since, upto=upto, after=watched[-1].id)
        return WatchChangePage(items=items, next=following, more=True)


def _add_watches(connection: sa.Connection, client: str, claims: list[Claim], state: WatchState) -> list[int]:
    """Store watches; return their ids in order. What is watched already keeps its id and first state."""
    bodies = [_json.encode(to_question(claim)) for claim in claims]
    digests = [hashlib.sha256(body).digest() for body in bodies]
    ids = _find_ids(connection, client, digests)
    new = {digest: body for digest, body in zip(digests, bodies, strict=True) if digest not in ids}
    if _count_watches(connection, client) + len(new) > MOST:
        raise TooLarge(Message("最多关注{most:,}条，全部未登记；请先取消不再需要的。", most=MOST), limit=MOST)
    common = {"client": client, "log_size": state.size, "day": state.day.isoformat(), "created_at": get_now_ms()}
    if new:
        rows = [{**common, "claim": body, "digest": digest} for digest, body in new.items()]
        connection.execute(sa.insert(watches), rows)
        ids |= _find_ids(connection, client, list(new))
    return [ids[digest] for digest in digests]


def _count_watches(connection: sa.Connection, client: str) -> int:
    """Return how many claims a client watches."""
    query = sa.select(sa.func.count()).select_from(watches).where(watches.c.client == client)
    return int(connection.execute(query).scalar_one())


def _list_watches(connection: sa.Connection, client: str, after: int, limit: int) -> list[Watch]:
    """Return a client's watches after an id, in order."""
    query = sa.select(watches).where(watches.c.client == client, watches.c.id > after).order_by(watches.c.id)
    return [_read_watch(row) for row in connection.execute(query.limit(limit))]


def _get_current_state(view: VerificationView) -> WatchState:
    """Return what answers rest on at this moment; CannotAnswer when the register cannot be read."""
    moment = take_moment(view)
    return WatchState(size=moment.size, day=moment.day)


def _compare_answers(
    view: VerificationView, watched: Iterable[Watch], since: WatchState, upto: WatchState, lang: str
) -> Iterator[WatchChange]:
    for watch in watched:
        first = WatchState(size=watch.log_size, day=watch.day)
        start = WatchState(size=max(since.size, first.size), day=max(since.day, first.day))
        if (start.size, start.day) >= (upto.size, upto.day):
            continue
        before, after = (answer_claim(view, watch.claim, lang, _to_moment(view, state)) for state in (start, upto))
        if not is_same_answer(msgspec.to_builtins(before), msgspec.to_builtins(after)):
            yield WatchChange(watch=watch.id, claim=watch.claim, before=before, now=after)


def _to_moment(view: VerificationView, state: WatchState) -> Moment:
    """Return when the state began: when the last of its entries was recorded, or its day began."""
    recorded = from_milliseconds(view.get_recording_time(state.size))
    day = dt.datetime.combine(state.day, dt.time(), SHANGHAI).astimezone(dt.UTC)
    return Moment(now=max(recorded, day), day=state.day, size=state.size)


def _require_known_state(view: VerificationView, state: WatchState) -> None:
    if view.find_root_at(state.size) is None:
        raise InvalidInput(
            Message(
                "本名录的日志没有过 {state_size} 条时的状态；请原样使用上一次答复中的 next。", state_size=state.size
            )
        )


def _require_watchable(claim: Claim) -> None:
    """InvalidInput for a claim that asks for a receipt, or about what was known at some instant."""
    if claim.receipt or claim.known_at is not None:
        raise InvalidInput(Message("关注的是今后的变化，不能带 receipt 或 known_at。"))


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
        created_at=from_milliseconds(fields["created_at"]),
    )


def _parse_state(size: str, day: str) -> WatchState:
    return WatchState(size=_parse_number(size), day=dt.date.fromisoformat(day))


def _parse_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise ValueError(text)
    return int(text)
