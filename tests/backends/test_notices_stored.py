"""Subscriptions and letters on both databases: what is written is read, and moves only from where it was."""

from __future__ import annotations

import datetime as dt

import pytest

from registry.clients.watches import WatchPosition, WatchState
from registry.errors import NotFound
from registry.measures.letters import letter_store
from registry.measures.letters.letter_store import LetterRecord
from registry.measures.letters.letter_text import Letter
from registry.measures.notices import delivery, messages, subscription_store
from registry.measures.notices.messages import NoticeMessage
from registry.measures.notices.subscription import NoticeChoice, Subscription, Target
from registry.storage.database import Database
from tests.factories import DAY, a_change, a_person, a_source, an_institution, code_of, enter

START = WatchPosition(since=WatchState(size=0, day=DAY))
IT = an_institution("鞍山市示例医院")


def subscribe(database: Database, owner: str = "staff:editor.a", **choice: object) -> Subscription:
    new = subscription_store.NewSubscription(
        owner=owner, target=Target(channel="atom"), choice=NoticeChoice(**choice), salt="0a", position=START, at=1
    )
    with database.writing() as connection:
        number = subscription_store.insert_subscription(connection, new)
        return subscription_store.get_subscription(connection, number)


def test_a_subscription_moves_only_from_where_it_was(database: Database) -> None:
    one = subscribe(database, kinds=["institution"])
    begun = delivery.begin_message(one, WatchState(size=2, day=DAY))
    paused = delivery.pause(one)
    with database.writing() as connection:
        assert subscription_store.replace_subscription(connection, one, begun)
        assert not subscription_store.replace_subscription(connection, one, paused)
        subscription_store.save_secret(connection, one.id, "sealed")
        assert subscription_store.read_secret(connection, one.id) == "sealed"
        assert subscription_store.get_subscription(connection, one.id) == begun
        assert [due.id for due in subscription_store.list_due(connection, 10)] == [one.id]
        assert subscription_store.count_states(connection) == {"active": 1, "failing": 0, "paused": 0}
        assert subscription_store.is_entitled(connection, one, 10)
        assert not subscription_store.is_entitled(connection, subscribe_nobody(one), 10)
    with database.writing() as connection:
        failed = delivery.record_failure(begun, "x", 20, 1000, 10)
        assert subscription_store.replace_subscription(connection, begun, failed)
        assert subscription_store.list_due(connection, 20) == []
        assert subscription_store.count_states(connection)["failing"] == 1
        subscription_store.delete_subscription(connection, failed)
        with pytest.raises(NotFound):
            subscription_store.get_subscription(connection, one.id)


def subscribe_nobody(one: Subscription) -> Subscription:
    return Subscription(**{name: getattr(one, name) for name in one.__struct_fields__} | {"owner": "client:nobody"})


def test_a_feed_keeps_its_newest_messages(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription_store, "MOST_ITEMS", 2)
    one, other = subscribe(database, kinds=["institution"]), subscribe(database, kinds=["institution"])
    with database.writing() as connection:
        for n in range(4):
            message = NoticeMessage(subscription=1, after=f"{n}.{DAY}", upto=f"{n + 1}.{DAY}", entries=[], answers=[])
            subscription_store.add_item(connection, one, f"msg_{n}", messages.encode_item(message), n)
        assert [item.message.after for item in subscription_store.list_items(connection, one.id)] == [
            f"2.{DAY}",
            f"3.{DAY}",
        ]
        assert subscription_store.list_items(connection, other.id) == []


def test_entries_are_chosen_alike(database: Database) -> None:
    enter(database, a_source(), IT, an_institution("沈阳市示例医院", "辽宁省沈阳市铁西区示例路2号", region="210106"))
    _, last = enter(database, a_change(IT, DAY, {"level": "三级"}, reason="核对"), a_person(IT, "示例员甲"))
    position = WatchPosition(since=START.since, upto=WatchState(size=last, day=DAY))
    with database.reading() as connection:
        for choice, wanted in (
            ({"institutions": [code_of(IT).replace("-", "")]}, [2, 4, 5]),
            ({"regions": ["210100"]}, [3]),
            ({"kinds": ["source", "practitioner"]}, [1, 5]),
        ):
            found = messages._list_entries(connection, NoticeChoice(**choice), 0, position.upto.size)
            assert [entry.number for entry in found] == wanted, choice
            assert not any("示例员甲" in str(entry) for entry in found)


def test_letters_are_numbered_in_order_and_listed_newest_first(database: Database) -> None:
    at = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    record = LetterRecord(
        id=0, account="auditor.a", authority="示例市公安局", reference="1号", about="示例", person=False,
        day=DAY, known_at=at, verdict="licensed", log_size=2, digest="", issued_at=at,
    )  # fmt: skip

    def sign(number: str) -> tuple[Letter, str, str]:
        letter = Letter(
            iss="x", iat=0, number=number, lang="en", authority="", reference="", receipts=[], entries=[],
            checkpoint="", vkeys=[], cosignatures=[],
        )  # fmt: skip
        return letter, "text", f"digest {number}"

    with database.writing() as connection:
        numbers = [letter_store.record_letter(connection, record, sign)[0].number for _ in range(2)]
        assert numbers == ["2026-00001", "2026-00002"]
        assert [one.number for one in letter_store.list_letters(connection)] == numbers[::-1]
        assert [one.id for one in letter_store.list_letters(connection, before=2)] == [1]
        newest = letter_store.list_letters(connection)[0]
        assert (newest.digest, newest.known_at, newest.day) == ("digest 2026-00002", at, DAY)
