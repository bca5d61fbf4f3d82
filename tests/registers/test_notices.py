"""Notices: what a subscriber hears, in which order, what is sent again, and where nothing is sent."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree

from registry.accounts import set_disabled
from registry.accounts.vault import Vault
from registry.clients import keys
from registry.clients.watches import WatchPosition, WatchState
from registry.domain.answers import Claim, Provider
from registry.errors import InvalidCode, InvalidInput, NotFound
from registry.log import signing_keys
from registry.measures.notices import delivery, web_hook
from registry.measures.notices.subscription import NoticeChoice, Subscription, Target
from registry.measures.notices.web_hook import DeliveryFailed
from registry.register import Register
from registry.settings import Settings
from registry.storage.notice_tables import subscriptions
from tests.factories import a_change, a_person, a_register, a_source, an_institution, code_of, enter
from tests.receivers import HANGS, MailServer, Receiver, is_signed, serving_receiver

OWNER = "staff:editor.a"
IT = an_institution("鞍山市示例医院")
OTHER = an_institution("沈阳市示例医院", "辽宁省沈阳市铁西区示例路2号", region="210106")
DAY = dt.date(2025, 7, 1)
HOUR = 3_600_000


def a_subscribed_register(folder: Path, **settings: Any) -> Register:
    signing_keys.create_key_file(folder / "signing.key")
    a_register(folder, a_source(), IT, OTHER).close()
    told = {"public_url": "https://register.example", "notices_private": True, **settings}
    register = Register(Settings(data_dir=folder, **told))
    Vault(register.settings.get_secrets_file()).create_file()
    register.follow_log()
    return register


@pytest.fixture
def register(tmp_path: Path) -> Iterator[Register]:
    register = a_subscribed_register(tmp_path)
    yield register
    register.database.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with serving_receiver() as server:
        yield server


def change(register: Register, about: Any = IT, **values: Any) -> int:
    """Enter a change; its number."""
    _, last = enter(register.database, a_change(about, DAY, values or {"level": "三级"}, reason="核对"))
    register.follow_log()
    return last


def subscribe(register: Register, receiver: Receiver, **choice: Any) -> tuple[Subscription, str]:
    done = register.notices.subscribe(OWNER, Target(channel="hook", address=receiver.url), NoticeChoice(**choice))
    assert done.secret is not None
    return done.subscription, done.secret


def now(register: Register, one: Subscription) -> Subscription:
    return register.notices.get_subscription(one.id)


def advance(register: Register, one: Subscription) -> Subscription:
    """One attempt, as the sender makes it."""
    register.notices.send_next(now(register, one))
    return now(register, one)


# --- what is told ----------------------------------------------------------------------------------------------------


def test_a_hook_hears_of_what_it_watches_signed_and_of_nothing_else(register: Register, receiver: Receiver) -> None:
    one, secret = subscribe(register, receiver, institutions=[code_of(IT)])
    change(register, OTHER)
    assert advance(register, one).position.since.size == register.verification.size
    number = change(register, level="二级")
    moved = advance(register, one)
    (got,) = receiver.got
    assert is_signed(got, secret) and not is_signed(got, web_hook.make_secret())
    (entry,) = got.data["entries"]
    assert (entry["number"], entry["kind"], entry["fields"]) == (number, "institution", ["level"])
    assert (entry["name"], entry["region"]) == ("鞍山市示例医院", "210303")
    assert (moved.delivered, moved.attempts) == (number, 0)
    assert register.notices.find_progress(moved).pending == 0


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ({"regions": ["210300"]}, {"鞍山市示例医院"}),
        ({"regions": ["210000"]}, {"鞍山市示例医院", "沈阳市示例医院"}),
        ({"kinds": ["practitioner"]}, {"鞍山市示例医院"}),
        ({"kinds": ["sanction"]}, set()),
        ({"regions": ["210100"], "kinds": ["institution"]}, {"沈阳市示例医院"}),
    ],
)
def test_regions_and_kinds_choose(
    register: Register, receiver: Receiver, choice: dict[str, Any], told: set[str]
) -> None:
    one, _ = subscribe(register, receiver, **choice)
    enter(register.database, a_change(IT, DAY, {"level": "三级"}, reason="核对"), a_person(IT, "示例员甲"))
    enter(register.database, a_change(OTHER, DAY, {"level": "三级"}, reason="核对"))
    register.follow_log()
    advance(register, one)
    assert {entry["name"] for got in receiver.got for entry in got.data["entries"]} == told
    assert b"\xe7\xa4\xba\xe4\xbe\x8b\xe5\x91\x98" not in b"".join(got.body for got in receiver.got)  # no person's name


def test_a_name_that_is_not_on_the_list_is_told_once_it_is(register: Register, receiver: Receiver) -> None:
    one, _ = subscribe(register, receiver, names=["示例市新设医院"])
    change(register)
    advance(register, one)
    assert receiver.got == []
    enter(register.database, an_institution("示例市新设医院", "辽宁省鞍山市铁西区示例路9号"))
    register.follow_log()
    advance(register, one)
    (answer,) = receiver.got[0].data["answers"]
    assert (answer["before"], answer["now"]) == ("not_found", "licensed")
    assert answer["claim"] == {"provider": {"name": "示例市新设医院"}}


def test_a_client_hears_of_its_watch_list(register: Register, receiver: Receiver) -> None:
    with register.database.writing() as connection:
        key, _ = keys.create_key(connection, keys.NewKey(client="示例市监管局", scopes=frozenset({"watch"})))
    register.watches.add_watches("示例市监管局", [Claim(provider=Provider(name="鞍山市示例医院"), techniques=["IVF"])])
    target = Target(channel="hook", address=receiver.url)
    one = register.notices.subscribe("client:示例市监管局", target, NoticeChoice(watch_list=True)).subscription
    change(register, **{"approvals.IVF": {"stage": "suspended"}})
    advance(register, one)
    (answer,) = receiver.got[0].data["answers"]
    assert (answer["before"], answer["now"]) == ("licensed", "suspended")
    with register.database.writing() as connection:
        keys.revoke_key(connection, key.id)
    change(register, **{"approvals.IVF": {"stage": "formal"}})
    assert advance(register, one).state == "paused"
    assert len(receiver.got) == 1


def test_many_entries_come_in_several_messages_in_order(
    register: Register, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("registry.measures.notices.messages.MOST_TOLD", 2)
    one, _ = subscribe(register, receiver, regions=["210000"])
    numbers = [change(register, level=f"{n}级") for n in range(5)]
    while now(register, one).position.since.size < register.verification.size:
        advance(register, one)
    assert receiver.numbers_told() == numbers
    assert [len(got.data["entries"]) for got in receiver.got] == [2, 2, 1]


# --- what goes wrong -------------------------------------------------------------------------------------------------


def test_failures_are_tried_again_later_each_time_and_nothing_is_lost(
    register: Register, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_hook, "TIMEOUT", 0.5)
    one, secret = subscribe(register, receiver, institutions=[code_of(IT)])
    receiver.answers = [500, 302, HANGS, 404]
    numbers = [change(register)]
    waits = []
    for _ in range(4):
        failed = advance(register, one)
        waits.append(failed.next_try - (failed.failing_since or 0))
        numbers.append(change(register, level=f"{len(numbers)}级"))  # what happens meanwhile is not in this message
    assert [got.number for got in receiver.got] == [receiver.got[0].number] * 4
    assert {got.body for got in receiver.got} == {receiver.got[0].body}
    assert waits == sorted(waits) and failed.attempts == 4
    assert "404" in failed.last_error
    assert register.notices.count_states() == {"active": 0, "failing": 1, "paused": 0}
    assert advance(register, one).attempts == 0
    advance(register, one)
    assert receiver.numbers_told() == numbers
    assert all(is_signed(got, secret) for got in receiver.got)


def test_a_receiver_that_wants_no_more_is_paused_and_resumed_where_it_was(
    register: Register, receiver: Receiver
) -> None:
    one, _ = subscribe(register, receiver, institutions=[code_of(IT)])
    receiver.answers = [410]
    number = change(register)
    paused = advance(register, one)
    assert (paused.state, paused.delivered < number) == ("paused", True)
    register.notices.resume(paused)
    assert advance(register, one).delivered == number
    assert receiver.numbers_told() == [number]


def test_a_dead_receiver_is_paused_after_days(register: Register) -> None:
    one = register.notices.subscribe(
        OWNER, Target(channel="hook", address="http://127.0.0.1:9/"), NoticeChoice(institutions=[code_of(IT)])
    ).subscription
    change(register)
    failed = advance(register, one)
    assert (failed.state, failed.attempts) == ("active", 1)
    with register.database.writing() as connection:
        since = (failed.failing_since or 0) - register.settings.notices_days * 24 * HOUR
        connection.execute(sa.update(subscriptions).values(failing_since=since))
    assert advance(register, one).state == "paused"
    assert register.notices.count_states() == {"active": 0, "failing": 0, "paused": 1}


def test_a_replay_tells_everything_once_more_under_other_numbers(register: Register, receiver: Receiver) -> None:
    one, _ = subscribe(register, receiver, institutions=[code_of(IT)])
    number = change(register)
    advance(register, one)
    register.notices.replay(now(register, one), number - 1)
    advance(register, one)
    first, second = receiver.got
    assert first.data["entries"] == second.data["entries"]
    assert first.number != second.number
    with pytest.raises(InvalidInput):
        register.notices.replay(now(register, one), 10_000)


def test_an_owner_that_was_closed_hears_nothing(register: Register, receiver: Receiver) -> None:
    target = Target(channel="hook", address=receiver.url)
    one = register.notices.subscribe("staff:auditor.a", target, NoticeChoice(institutions=[code_of(IT)])).subscription
    with register.database.writing() as connection:
        set_disabled(connection, "auditor.a", True)
    change(register)
    assert advance(register, one).state == "paused"
    assert receiver.got == []


def test_one_sender_at_a_time_sends_what_is_due(register: Register, receiver: Receiver) -> None:
    one, _ = subscribe(register, receiver, institutions=[code_of(IT)])
    stop = threading.Event()
    senders = [threading.Thread(target=register.notices.follow, args=(stop,)) for _ in range(2)]
    for sender in senders:
        sender.start()
    numbers = [change(register, level=f"{n}级") for n in range(3)]
    while now(register, one).delivered < numbers[-1]:
        stop.wait(0.05)
    stop.set()
    for sender in senders:
        sender.join()
    assert receiver.numbers_told() == numbers
    assert len({got.number for got in receiver.got}) == len(receiver.got)


# --- where nothing is sent -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "https://127.0.0.1/",
        "https://localhost/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://10.1.2.3:8443/",
        "https://192.168.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://127.1/",
        "https://intranet/",
        "https://db.internal/",
        "http://hooks.example/",
        "ftp://hooks.example/",
        "https://user:word@hooks.example/",
        "https://",
        "javascript:alert(1)",
    ],
)
def test_addresses_inside_are_refused_when_they_are_given(tmp_path: Path, address: str) -> None:
    register = a_subscribed_register(tmp_path, notices_private=False)
    with pytest.raises(InvalidInput):
        register.notices.subscribe(OWNER, Target(channel="hook", address=address), NoticeChoice(regions=["210000"]))
    assert register.notices.list_subscriptions() == []
    register.database.close()


def test_a_name_that_leads_inside_is_refused_when_it_is_looked_up(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = receiver.server_address[1]
    inside = (2, 1, 6, "", ("127.0.0.1", port))
    for found in ([inside], [(2, 1, 6, "", ("93.184.216.34", port)), inside]):
        monkeypatch.setattr(
            "registry.measures.notices.web_hook.socket.getaddrinfo", lambda *_, found=found, **__: found
        )
        with pytest.raises(DeliveryFailed, match="内部网络"):
            web_hook.send_request("https://hooks.example/", b"{}", {}, may_be_private=False)
    assert receiver.got == []


@pytest.mark.parametrize(
    "choice",
    [{}, {"institutions": ["7HV2-JKMW"]}, {"regions": ["999999"]}, {"watch_list": True}],
)
def test_what_cannot_be_watched_is_refused(register: Register, choice: dict[str, Any]) -> None:
    with pytest.raises((InvalidInput, InvalidCode)):
        register.notices.subscribe(OWNER, Target(channel="atom"), NoticeChoice(**choice))


# --- feeds and mail --------------------------------------------------------------------------------------------------

ATOM = "{http://www.w3.org/2005/Atom}"


def require_atom(raw: bytes) -> list[etree._Element]:
    """Check what RFC 4287 requires of a feed and its entries; these."""
    feed = etree.fromstring(raw)
    assert feed.tag == f"{ATOM}feed"
    for one in (feed, *feed.findall(f"{ATOM}entry")):
        for name in ("id", "title", "updated"):
            assert len(one.findall(f"{ATOM}{name}")) == 1, name
        assert dt.datetime.fromisoformat(one.findtext(f"{ATOM}updated") or "").tzinfo is not None
    assert feed.find(f"{ATOM}author/{ATOM}name") is not None
    entries = feed.findall(f"{ATOM}entry")
    identities = [one.findtext(f"{ATOM}id") for one in entries]
    assert len(set(identities)) == len(identities)
    assert all(one.find(f"{ATOM}link").get("href").startswith("https://") for one in entries)
    return entries


def test_a_feed_holds_each_change_newest_first_at_an_address_nobody_can_guess(register: Register) -> None:
    choice = NoticeChoice(institutions=[code_of(IT)])
    one, other = (register.notices.subscribe(OWNER, Target(channel="atom"), choice).subscription for _ in range(2))
    assert require_atom(register.notices.render_feed(one)) == []
    numbers = [change(register, level=f"{n}<级>") for n in range(2)]
    advance(register, one)
    found = require_atom(register.notices.render_feed(now(register, one)))
    assert [entry.findtext(f"{ATOM}id").rpartition("/")[2] for entry in found] == [
        f"entry-{number}" for number in reversed(numbers)
    ]
    assert require_atom(register.notices.render_feed(other)) == []
    address = register.notices.make_address(one)
    assert register.notices.find_by_address(address.rpartition("/")[2]).id == one.id
    code = address.rpartition("-")[2]
    for wrong in (f"{other.id}-{code}", f"{one.id}-{code[:-1]}x", f"{one.id}", f"999-{code}", "x", ""):
        with pytest.raises(NotFound):
            register.notices.find_by_address(wrong)


def test_one_mail_holds_many_changes_and_how_to_end_it(tmp_path: Path) -> None:
    with serving_receiver(MailServer) as server:
        register = a_subscribed_register(tmp_path, smtp_url=server.url)
        target = Target(channel="mail", address="reader@mail.example")
        one = register.notices.subscribe(OWNER, target, NoticeChoice(institutions=[code_of(IT)])).subscription
        server.refuse = ["451 later"]
        numbers = [change(register, level=f"{n}级") for n in range(3)]
        assert advance(register, one).attempts == 1
        assert advance(register, one).delivered == numbers[-1]
        ((sender, receivers, raw),) = server.letters
        assert "reader@mail.example" in receivers[0] and "register@register.example" in sender
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        text = mail.get_content()
        assert all(f"第{number}条" in text for number in numbers)
        end = mail["List-Unsubscribe"].strip(" <>")
        assert end in text and mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        name = end.split("/")[-2]
        register.notices.unsubscribe(register.notices.find_by_address(name))
        with pytest.raises(NotFound):
            register.notices.find_by_address(name)
        register.database.close()


def test_mail_needs_a_mail_server(register: Register) -> None:
    with pytest.raises(InvalidInput):
        register.notices.subscribe(
            OWNER, Target(channel="mail", address="a@mail.example"), NoticeChoice(regions=["210000"])
        )


# --- the state of a delivery -----------------------------------------------------------------------------------------


def a_subscription() -> Subscription:
    return Subscription(
        id=1,
        owner=OWNER,
        target=Target(channel="hook", address="https://hooks.example/"),
        choice=NoticeChoice(regions=["210000"]),
        salt="0",
        state="active",
        position=WatchPosition(since=WatchState(size=0, day=DAY)),
        round=0,
        attempts=0,
        next_try=0,
        failing_since=None,
        last_error="",
        delivered=0,
        delivered_at=None,
        created_at=0,
    )


@example(["grow", "received", "grow", "grow", "grow", "replay"])  # to an entry beyond what was told
@given(st.lists(st.sampled_from(["grow", "received", "lost", "failed", "killed", "pause", "resume", "replay"])))
def test_whatever_happens_every_entry_is_told_at_least_once_in_order(events: list[str]) -> None:
    one, size, at, told = a_subscription(), 0, 0, list[tuple[str, range]]()
    for event in [*events, "resume", "received", "received"]:
        at += HOUR
        if event == "grow":
            size += 1
        elif event == "pause":
            one = delivery.pause(one)
        elif event == "resume":
            one = delivery.resume(one, at)
        elif event == "replay":
            one = delivery.replay(one, WatchState(size=size // 2, day=DAY), at)
            since = min(size // 2, one.position.since.size)
            told = [(number, entries) for number, entries in told if entries.stop <= since + 1]
        elif one.state == "active" and (one.position.upto is not None or one.position.since.size < size):
            one = delivery.begin_message(one, WatchState(size=size, day=DAY))
            upto = one.position.upto
            assert upto is not None
            number, entries = delivery.make_message_number(one), range(one.position.since.size + 1, upto.size + 1)
            if event in ("received", "lost"):  # lost: it was received, and the process was killed before it knew
                told.append((number, entries))
            if event == "received":
                one = delivery.finish_message(one, WatchPosition(since=upto), at, is_sent=True)
                assert (one.attempts, one.failing_since, one.delivered) == (0, None, upto.size)
            elif event == "failed":
                before = one
                one = delivery.record_failure(one, "x", at, 1000, 5 * 24 * HOUR)
                assert one.position == before.position and one.next_try > at
                assert (one.state == "paused") == (at - (one.failing_since or 0) >= 5 * 24 * HOUR)
    by_number: dict[str, range] = {}
    for number, entries in told:
        assert by_number.setdefault(number, entries) == entries  # a number is one message, however often it comes
    received = [entry for entries in by_number.values() for entry in entries]
    since = received[0] if received else size + 1
    if one.round == 0:
        assert received == list(range(1, size + 1))
    else:
        assert sorted(set(received)) == list(range(since, size + 1))
