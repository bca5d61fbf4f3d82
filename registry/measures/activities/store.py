"""Activities in the database: entered, corrected, withdrawn and confirmed, each as one more row; none is overwritten.

Publicity events and trainings are shown to the public, and counted, as they stood when a second person last confirmed
them. Everything else is for the staff alone and counts as it was entered last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Literal

import msgspec
import sqlalchemy as sa

from registry import accounts
from registry.accounts import audit_log, region_scope
from registry.domain import regions
from registry.domain.model import Struct
from registry.errors import Conflict, FourEyesViolation, InvalidInput, NotFound
from registry.log.clock import to_milliseconds
from registry.measures.activities.facts import KINDS, PUBLISHED, ActivityFacts, Kind, check_facts
from registry.records import asof
from registry.storage.activity_tables import activities
from registry.texts import Message

Action = Literal["enter", "correct", "withdraw", "confirm"]
_decode = msgspec.json.Decoder(ActivityFacts).decode
_encode = msgspec.json.Encoder(order="deterministic").encode


class ActivityVersion(Struct, frozen=True):
    """One row: what was stated, by whom, when (milliseconds since 1970)."""

    version: int
    facts: ActivityFacts
    action: Action
    account: str
    at: int


class ActivityRecord(Struct, frozen=True):
    """One record with every version of it, oldest first."""

    number: int
    kind: Kind
    versions: tuple[ActivityVersion, ...]

    @property
    def current(self) -> ActivityVersion:
        """What was stated last, also where nobody has confirmed it yet."""
        return self.versions[-1]

    @property
    def valid(self) -> ActivityVersion | None:
        """What counts: the last version, or the last confirmed one of a kind that is published; None where none does,
        or it was withdrawn."""
        rows = self.versions
        if self.kind in PUBLISHED:
            rows = tuple(one for one in rows if one.action == "confirm")
        return rows[-1] if rows and not rows[-1].facts.withdrawn else None

    @property
    def is_open(self) -> bool:
        """Whether a second person has still to confirm what was stated last."""
        return self.kind in PUBLISHED and self.current.action != "confirm"

    @property
    def touched_by(self) -> frozenset[str]:
        """Who had a part in what has still to be confirmed."""
        last = max((one.version for one in self.versions if one.action == "confirm"), default=0)
        return frozenset(one.account for one in self.versions if one.version > last)


def list_records(
    connection: sa.Connection, kinds: Iterable[Kind] = KINDS, region: str = "", number: int | None = None
) -> list[ActivityRecord]:
    """List the records of some kinds whose last version lies in a region ("": anywhere), the oldest number first."""
    query = sa.select(activities).where(activities.c.kind.in_(list(kinds)))
    if number is not None:
        query = query.where(activities.c.number == number)
    rows = connection.execute(query.order_by(activities.c.number, activities.c.version))
    found = _fold_rows(rows)
    return [one for one in found if not region or regions.is_inside(one.current.facts.region, region)]


def get_record(connection: sa.Connection, number: int, by: str | None = None) -> ActivityRecord:
    """Return one record; NotFound, NotAllowed for an account (``by``) of another region."""
    found = list_records(connection, number=number)
    if not found:
        raise NotFound(Message("没有编号为{number}的活动记录。", number=number))
    if by is not None:
        region_scope.require_place(connection, by, found[0].current.facts.region)
    return found[0]


def _fold_rows(rows: Iterable[sa.Row[tuple[object, ...]]]) -> Iterator[ActivityRecord]:
    for number, group in groupby((row._mapping for row in rows), key=lambda row: row["number"]):
        of_record = list(group)
        versions = tuple(
            ActivityVersion(
                version=row["version"],
                facts=_decode(bytes(row["facts"])),
                action=row["action"],
                account=row["account"],
                at=row["at"],
            )
            for row in of_record
        )
        yield ActivityRecord(number=number, kind=of_record[0]["kind"], versions=versions)


def enter_activity(connection: sa.Connection, kind: Kind, facts: ActivityFacts, by: str) -> int:
    """Enter a new record and return its number; InvalidInput, NotAllowed, Conflict for a figure entered already."""
    _require_valid(connection, kind, facts, by, number=0)
    last = connection.execute(sa.select(sa.func.max(activities.c.number))).scalar() or 0
    _append_version(connection, (last + 1, 1, kind), facts, "enter", by)
    return last + 1


def correct_activity(connection: sa.Connection, number: int, version: int, facts: ActivityFacts, by: str) -> None:
    """State a record anew; Conflict unless ``version`` is still its last one."""
    record = _get_unchanged(connection, number, version, by)
    _require_valid(connection, record.kind, facts, by, number)
    _append_version(connection, (number, version + 1, record.kind), facts, "correct", by)


def withdraw_activity(connection: sa.Connection, number: int, version: int, by: str) -> None:
    """State that a record does not hold; what the public sees goes once a second person has confirmed that."""
    record = _get_unchanged(connection, number, version, by)
    if record.current.facts.withdrawn:
        raise Conflict(Message("这条记录已经撤回。"))
    accounts.require_role(connection, by, "editor")
    facts = msgspec.structs.replace(record.current.facts, withdrawn=True)
    _append_version(connection, (number, version + 1, record.kind), facts, "withdraw", by)


def confirm_activity(connection: sa.Connection, number: int, version: int, by: str) -> None:
    """Confirm what was stated last; FourEyesViolation for whoever had a part in it, NotAllowed without the role."""
    record = _get_unchanged(connection, number, version, by)
    accounts.require_role(connection, by, "approver")
    if not record.is_open:
        raise Conflict(Message("这条记录没有待确认的内容。"))
    if by in record.touched_by:
        raise FourEyesViolation(Message("您参与过这条记录，须由另一人确认。"))
    _append_version(connection, (number, version + 1, record.kind), record.current.facts, "confirm", by)


def _append_version(
    connection: sa.Connection, place: tuple[int, int, Kind], facts: ActivityFacts, action: Action, by: str
) -> None:
    number, version, kind = place
    row = {"number": number, "version": version, "kind": kind, "facts": _encode(facts), "action": action}
    at = to_milliseconds(asof.find_now(connection))
    connection.execute(sa.insert(activities).values(**row, account=by, at=at))
    audit_log.record_event(connection, by, f"activity_{action}", str(number))


def _get_unchanged(connection: sa.Connection, number: int, version: int, by: str) -> ActivityRecord:
    record = get_record(connection, number, by)
    if record.current.version != version:
        raise Conflict(Message("这条记录在您打开之后有改动，没有执行。请重新打开。"))
    return record


def _require_valid(connection: sa.Connection, kind: Kind, facts: ActivityFacts, by: str, number: int) -> None:
    accounts.require_role(connection, by, "editor")
    if kind not in KINDS:
        raise InvalidInput(Message("没有这一类活动。"), field="kind")
    check_facts(kind, facts, asof.find_today(connection))
    region_scope.require_place(connection, by, facts.region)
    if kind == "figure":
        _require_single_figure(connection, facts, number)


def _require_single_figure(connection: sa.Connection, facts: ActivityFacts, number: int) -> None:
    """Conflict where the same figure of some of these days, of a place inside or around this one, is there already."""
    for record in list_records(connection, ("figure",)):
        other = record.valid.facts if record.valid else None
        if other is None or record.number == number or other.figure != facts.figure:
            continue
        is_same_time = other.since <= facts.last_day and facts.since <= other.last_day
        if is_same_time and regions.overlap(other.region, facts.region):
            message = Message(
                "这项数据在这段时间和地区已有第{number}号记录，再填会重复计算；有误请更正那一条。", number=record.number
            )
            raise Conflict(message, field="figure", number=record.number)
