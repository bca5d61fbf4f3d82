"""What a subscriber is told: the entries between two states of the register that it chose, and changed answers."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import sqlalchemy as sa

from registry.clients.watches import WatchChange, WatchLists, WatchPosition, WatchState
from registry.domain.identifiers import format_code
from registry.domain.model import Entry, Kind, Struct
from registry.log import codec
from registry.measures.notices.subscription import NoticeChoice, Subscription
from registry.receipts import describe
from registry.receipts.receipt_text import to_question
from registry.records import timeline
from registry.records.view import decode_state
from registry.storage.tables import entries, versions
from registry.texts import FixedText, Listing, Message, PageText, has_text

#: Entries of one message, and entries of the log that are looked through for it.
MOST_TOLD, MOST_LOOKED = 200, 2_000


class EntryNotice(Struct, frozen=True):
    """An entry that was chosen: about which institution, where, and which of its fields it states.

    No value of a person's record is in it: of people a subscriber learns that something changed.
    """

    number: int
    recorded_at: dt.datetime
    kind: Kind
    institution: str | None
    name: str | None
    region: str | None
    valid_from: dt.date
    fields: list[str]


class AnswerNotice(Struct, frozen=True):
    """A watched claim whose answer is another one: its question, the verdict before and now, and the sentence now.

    Who was asked about as a person, and the wording, are left out: the number of the watch says which one it was.
    """

    watch: int
    claim: dict[str, Any]
    before: str
    now: str
    explanation: str
    institution: str | None


class NoticeMessage(Struct, frozen=True):
    """Everything between two states of the register that a subscription chose."""

    subscription: int
    after: str
    upto: str
    entries: list[EntryNotice]
    answers: list[AnswerNotice]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not (self.entries or self.answers)


class _Subject(Struct, frozen=True):
    institution: str | None
    name: str | None
    region: str | None


def choose_end(connection: sa.Connection, choice: NoticeChoice, since: WatchState, current: WatchState) -> WatchState:
    """Choose where the next message ends: now, or earlier where too much would be in it.

    The day moves on only with a message that reaches the end of the log.
    """
    if not choice.has_entries:
        return current
    looked = min(since.size + MOST_LOOKED, current.size)
    chosen = _list_entries(connection, choice, since.size, looked)
    end = chosen[MOST_TOLD - 1].number if len(chosen) > MOST_TOLD else looked
    return current if end >= current.size else WatchState(size=end, day=since.day)


def make_message(
    connection: sa.Connection, watch_lists: WatchLists, subscription: Subscription
) -> tuple[NoticeMessage, WatchPosition]:
    """Make the message under way of a subscription, and where it is once that was received."""
    position, choice = subscription.position, subscription.choice
    assert position.upto is not None  # noqa: S101 - begun before
    chosen = []
    if choice.has_entries and position.after == 0:
        chosen = _list_entries(connection, choice, position.since.size, position.upto.size)
    lang = subscription.target.lang
    answers, following = [], WatchPosition(since=position.upto)
    if choice.names or choice.domains:  # few: their page is the only one
        page = watch_lists.find_changes(subscription.watcher, msgspec.structs.replace(position, after=0), lang)
        answers += page.items if position.after == 0 else []
    if choice.watch_list and subscription.client is not None:
        page = watch_lists.find_changes(subscription.client, position, lang)
        answers, following = [*answers, *page.items], page.next
    return (
        NoticeMessage(
            subscription=subscription.id,
            after=str(position.since),
            upto=str(position.upto),
            entries=chosen,
            answers=[_make_answer_notice(one) for one in answers],
        ),
        following,
    )


def encode_message(message: NoticeMessage) -> bytes:
    """Encode a message as web hooks and the API send it (Standard Webhooks: type, timestamp, data)."""
    last = message.entries[-1].recorded_at if message.entries else None
    day = dt.datetime.fromisoformat(f"{message.upto.partition('.')[2]}T00:00:00+08:00").astimezone(dt.UTC)
    return msgspec.json.encode({"type": "register.changes", "timestamp": last or day, "data": message})


def encode_item(message: NoticeMessage) -> bytes:
    """Encode a message as feeds hold it."""
    return msgspec.json.encode(message)


def describe_message(message: NoticeMessage, lang: str) -> list[tuple[str, str, str]]:
    """Describe each change as (key, sentence, where): the key tells it from every other of the subscription."""
    lines = []
    for entry in message.entries:
        name = entry.name or entry.institution or ""
        sentence = Message(
            "{name}：{kind}有新记录（日志第{number}条），自{day}起：{fields}",
            name=name or PageText(f"kind.{entry.kind}"),
            kind=PageText(f"kind.{entry.kind}"),
            number=entry.number,
            day=entry.valid_from.isoformat(),
            fields=Listing([_describe_field(entry.kind, path) for path in entry.fields] or [FixedText("—")]),
        )
        path = f"/i/{entry.institution}" if entry.institution else "/log"
        lines.append((f"entry-{entry.number}", sentence.to_text(lang), path))
    for answer in message.answers:
        provider = answer.claim.get("provider") or {}
        changed = Message("{name}：核验结论由“{before}”变为“{now}”")
        same = Message("{name}：核验答复有变化，结论仍为“{now}”")
        sentence = (same if answer.before == answer.now else changed).fill_in(
            name=str(provider.get("name") or provider.get("domain") or next(iter(provider.values()), "")),
            before=describe.VERDICTS.get(answer.before, FixedText(answer.before)),
            now=describe.VERDICTS.get(answer.now, FixedText(answer.now)),
        )
        path = f"/i/{answer.institution}" if answer.institution else "/check"
        lines.append((f"watch-{answer.watch}-{message.upto}", sentence.to_text(lang), path))
    return lines


def _describe_field(kind: Kind, path: str) -> Message:
    """Describe a field as pages call it; by its path where they have no word for it."""
    code = path.removeprefix("approvals.")
    if code != path:
        return FixedText(*(describe.describe_technique(code, lang) for lang in ("zh-CN", "en")))
    key = f"{kind}.{path}"
    return PageText(key) if has_text(key) else FixedText(path)


def _make_answer_notice(change: WatchChange) -> AnswerNotice:
    match = change.now.match
    question = to_question(change.claim)
    return AnswerNotice(
        watch=change.watch,
        claim={field: value for field, value in question.items() if field not in ("practitioner", "text")},
        before=change.before.verdict,
        now=change.now.verdict,
        explanation=change.now.explanation,
        institution=match.code if match else None,
    )


def _list_entries(connection: sa.Connection, choice: NoticeChoice, after: int, upto: int) -> list[EntryNotice]:
    query = sa.select(entries.c.body).where(entries.c.number > after, entries.c.number <= upto)
    if choice.kinds:
        query = query.where(entries.c.kind.in_(choice.kinds))
    if choice.institutions and not choice.regions:
        query = query.where(_is_about(choice.institutions))
    found = [codec.decode_entry(bytes(body)) for body in connection.execute(query.order_by(entries.c.number)).scalars()]
    subjects = _read_subjects(connection, {entry.subject for entry in found}, upto)
    notices = [_make_entry_notice(entry, subjects.get(entry.subject)) for entry in found]
    return [notice for notice in notices if _is_chosen(choice, notice)]


def _is_about(codes: list[str]) -> sa.ColumnElement[bool]:
    """Whether an entry is about one of the institutions, or about what belongs to one."""
    subjects = [f"institution:{code}" for code in codes]
    children = sa.select(versions.c.subject).where(versions.c.parent.in_(subjects))
    return entries.c.subject.in_(subjects) | entries.c.subject.in_(children)


def _is_chosen(choice: NoticeChoice, notice: EntryNotice) -> bool:
    if not (choice.institutions or choice.regions):
        return True
    code = (notice.institution or "").replace("-", "")
    is_below = any((notice.region or "").startswith(_shorten_region(region)) for region in choice.regions)
    return code in choice.institutions or is_below


def _shorten_region(region: str) -> str:
    """Trim the code of a province or city to what every code below it begins with.

    >>> _shorten_region("210000"), _shorten_region("210300"), _shorten_region("210303")
    ('21', '2103', '210303')
    """
    return region[:2] if region.endswith("0000") else region[:4] if region.endswith("00") else region


def _make_entry_notice(entry: Entry, subject: _Subject | None) -> EntryNotice:
    subject = subject or _Subject(institution=None, name=None, region=None)
    return EntryNotice(
        number=entry.number,
        recorded_at=entry.recorded_at,
        kind=entry.change.kind,
        institution=subject.institution,
        name=subject.name,
        region=subject.region,
        valid_from=entry.valid_from,
        fields=sorted(entry.change.set),
    )


def _read_subjects(connection: sa.Connection, subjects: set[str], size: int) -> dict[str, _Subject]:
    """Read the institution of each subject as it was known at a size of the log."""
    parents = {one: one for one in subjects if one.startswith("institution:")}
    others = subjects - parents.keys()
    query = sa.select(versions.c.subject, versions.c.parent).where(versions.c.subject.in_(others)).distinct()
    parents |= {subject: parent for subject, parent in connection.execute(query) if parent.startswith("institution:")}
    columns = (versions.c.subject, versions.c.region, versions.c.state)
    spans = (
        sa.select(*columns)
        .where(versions.c.subject.in_(set(parents.values())), versions.c.known_from <= size)
        .order_by(versions.c.known_from, versions.c.valid_from)
    )
    records = {subject: (region, bytes(state)) for subject, region, state in connection.execute(spans)}
    return {
        subject: _Subject(
            institution=format_code(parent.partition(":")[2]),
            name=_find_name(records[parent][1]) if parent in records else None,
            region=records[parent][0] or None if parent in records else None,
        )
        for subject, parent in parents.items()
    }


def _find_name(state: bytes) -> str | None:
    name = timeline.collect_values(decode_state(state)).get("name")
    return None if name is None else str(name)
