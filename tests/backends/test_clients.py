"""Programs that ask, on both databases: their keys, what they may ask, what they asked, what they watch."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from registry.batch.batch import Noted
from registry.clients import keys, watches
from registry.clients.keys import ApiKey, NewKey
from registry.clients.service import Clients
from registry.clients.watches import WatchLists
from registry.domain.answers import Answer, Claim, Provider
from registry.domain.model import Draft
from registry.errors import (
    CannotRecord,
    Conflict,
    InvalidInput,
    InvalidKey,
    NotFound,
    QuotaSpent,
    ScopeMissing,
    TooLarge,
    TooManyRequests,
)
from registry.log.clock import get_now_ms
from registry.records.asof import read_today
from registry.settings import Settings
from registry.storage.database import Database
from registry.storage.tables import api_keys, key_checks
from registry.verification.answer import answer_claim
from registry.verification.view import VerificationView
from tests.factories import a_change, a_source, a_view, an_institution, enter

OFFICE = "示例市市场监管局"
HOSPITAL = "示例市妇幼保健院"


def a_key(database: Database, **wanted: Any) -> tuple[ApiKey, str]:
    stated: dict[str, Any] = {"client": OFFICE, "scopes": frozenset({"verify", "watch"}), **wanted}
    with database.writing() as connection:
        return keys.create_key(connection, NewKey(**stated))


@pytest.fixture
def clients(database: Database, tmp_path: Path) -> Iterator[Clients]:
    found = Clients(database, Settings(data_dir=tmp_path, anonymous_limit=3))
    yield found
    found.close()


def a_claim(**values: Any) -> Claim:
    return Claim(provider=Provider(name=HOSPITAL), **values)


def noted(claim: Claim, found: Answer) -> Noted:
    return claim, found.verdict, found.match.code if found.match else None


# --- keys ------------------------------------------------------------------------------------------------------------


def test_a_key_is_kept_as_a_hash_and_known_again(database: Database, clients: Clients) -> None:
    key, text = a_key(database)
    assert clients.load_key(text).id == key.id
    with database.reading() as connection:
        stored = [bytes(str(value), "utf-8") for value in connection.execute(sa.select(api_keys)).one()]
    secret = text.rsplit("_", 1)[-1].encode()
    assert not any(secret in value for value in stored)


def test_a_key_with_one_character_changed_is_none(database: Database, clients: Clients) -> None:
    _, text = a_key(database)
    wrong = text[:-1] + ("A" if text[-1] != "A" else "B")
    for bad in (wrong, text[:-1], text + "A", text.upper(), "", "art_", "Bearer " + text):
        with pytest.raises(InvalidKey):
            clients.load_key(bad)


def test_a_revoked_key_is_refused_and_stays_revoked(database: Database, clients: Clients) -> None:
    key, text = a_key(database)
    with database.writing() as connection:
        first = keys.revoke_key(connection, key.id).revoked_at
        assert keys.revoke_key(connection, key.id).revoked_at == first
    with pytest.raises(InvalidKey, match="撤销"):
        clients.load_key(text)
    with database.writing() as connection, pytest.raises(Conflict):
        keys.rotate_key(connection, key.id)


def test_a_rotated_key_has_the_same_rights_and_both_work_until_the_old_one_ends(
    database: Database, clients: Clients
) -> None:
    old, old_text = a_key(database, per_minute=7, per_day=70, recorded=True)
    with database.writing() as connection:
        new, new_text = keys.rotate_key(connection, old.id, dt.timedelta(days=7))
    assert (new.client, new.scopes, new.per_minute, new.per_day, new.recorded) == (
        old.client,
        old.scopes,
        7,
        70,
        True,
    )
    assert clients.load_key(new_text).id != clients.load_key(old_text).id
    with database.writing() as connection:
        keys.rotate_key(connection, new.id, dt.timedelta(0))
    with pytest.raises(InvalidKey, match="到期"):
        clients.load_key(new_text)
    assert clients.load_key(old_text).id == old.id


def test_an_expired_key_is_refused(database: Database, clients: Clients) -> None:
    key, text = a_key(database, expires_at=get_now_ms() + 60_000)
    assert clients.load_key(text).get_state(get_now_ms()) == "active"
    assert key.get_state(get_now_ms() + 60_000) == "expired"
    with database.writing() as connection, pytest.raises(InvalidInput):
        keys.create_key(connection, NewKey(client=OFFICE, scopes=frozenset({"read"}), expires_at=get_now_ms() - 1))


@pytest.mark.parametrize(
    "wanted",
    [
        {"client": ""},
        {"client": " 有空格"},
        {"client": "换\n行"},
        {"client": "a" * 61},
        {"scopes": frozenset()},
        {"scopes": frozenset({"everything"})},
        {"per_minute": 0},
        {"per_day": -1},
        {"per_day": 2**31},
    ],
)
def test_a_key_nobody_could_use_is_not_made(database: Database, wanted: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        a_key(database, **wanted)


def test_what_was_changed_is_known_to_a_process_at_its_next_look(database: Database, clients: Clients) -> None:
    clients.load_keys()
    key, text = a_key(database)
    assert clients.find_key(text) is None  # not yet: a door then asks the database
    clients.load_keys()
    known = clients.find_key(text)
    assert known is not None
    assert known.id == key.id
    with database.writing() as connection:
        keys.revoke_key(connection, key.id)
    clients.load_keys()
    with pytest.raises(InvalidKey):
        clients.find_key(text)


# --- limits ----------------------------------------------------------------------------------------------------------


def test_an_operation_outside_the_scopes_is_refused_and_says_which_there_are(
    database: Database, clients: Clients
) -> None:
    key, _ = a_key(database)
    with pytest.raises(ScopeMissing, match="verify、watch"):
        clients.admit_key(key, "listInstitutions", "read")
    assert clients.admit_key(key, "getKey", None).rooms["minute"].left == key.per_minute - 1


def test_a_key_may_ask_so_much_a_minute(database: Database, clients: Clients) -> None:
    key, _ = a_key(database, per_minute=2)
    for _ in range(2):
        clients.admit_key(key, "verify", "verify")
    with pytest.raises(TooManyRequests) as refused:
        clients.admit_key(key, "verify", "verify")
    assert refused.value.code == "too_many_requests"
    assert refused.value.details["retry_after"] >= 1


def test_a_key_may_ask_so_much_a_day_and_a_batch_asks_one_a_row(database: Database, clients: Clients) -> None:
    key, _ = a_key(database, per_day=10)
    admitted = clients.admit_key(key, "verifyBatch", "verify")
    clients.count_rows(admitted, 9)
    assert clients.admit_key(key, "verify", "verify").rooms["day"].left == 0
    with pytest.raises(QuotaSpent) as refused:
        clients.admit_key(key, "verify", "verify")
    assert 0 < refused.value.details["retry_after"] <= 86_400


def test_a_day_begins_at_midnight_in_beijing(
    database: Database, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, _ = a_key(database, per_day=1)
    midnight = dt.datetime(2031, 3, 2, tzinfo=dt.timezone(dt.timedelta(hours=8))).timestamp()
    monkeypatch.setattr(time, "time", lambda: midnight - 5)
    clients.admit_key(key, "verify", "verify")
    with pytest.raises(QuotaSpent) as refused:
        clients.admit_key(key, "verify", "verify")
    assert refused.value.details["retry_after"] == 5
    monkeypatch.setattr(time, "time", lambda: midnight)
    clients.admit_key(key, "verify", "verify")


def test_what_other_machines_let_in_counts_for_the_day(database: Database, clients: Clients, tmp_path: Path) -> None:
    key, _ = a_key(database, per_day=5)
    elsewhere = Clients(database, Settings(data_dir=tmp_path / "another machine"))
    elsewhere.count_rows(elsewhere.admit_key(key, "verifyBatch", "verify"), 4)
    elsewhere.close()
    clients.admit_key(key, "verify", "verify")
    clients.write_usage()
    with pytest.raises(QuotaSpent):
        clients.admit_key(key, "verify", "verify")


def test_without_a_key_an_address_may_ask_so_much_and_another_is_not_kept_waiting(clients: Clients) -> None:
    for _ in range(3):
        clients.admit_anonymous("192.0.2.1", "verify")
    with pytest.raises(TooManyRequests, match="同一地址每分钟最多3次"):
        clients.admit_anonymous("192.0.2.1", "verify")
    clients.admit_anonymous("192.0.2.2", "verify")
    assert clients.refused == 1


def test_a_batch_without_a_key_counts_one_a_thousand_rows(database: Database, tmp_path: Path) -> None:
    clients = Clients(database, Settings(data_dir=tmp_path, anonymous_limit=100))
    clients.count_rows(clients.admit_anonymous("192.0.2.1", "verifyBatch"), 50_000)
    assert clients.admit_anonymous("192.0.2.1", "verify").rooms["minute"].left == 49
    clients.close()


# --- what was asked --------------------------------------------------------------------------------------------------


def test_usage_is_told_by_key_day_and_operation_and_says_when_a_key_was_used_last(
    database: Database, clients: Clients
) -> None:
    key, _ = a_key(database, per_minute=3)
    before = get_now_ms()
    clients.admit_key(key, "verify", "verify")
    clients.count_rows(clients.admit_key(key, "verifyBatch", "verify"), 500)
    clients.admit_key(key, "verify", "verify")
    with pytest.raises(TooManyRequests):
        clients.admit_key(key, "verify", "verify")
    clients.write_usage()
    clients.write_usage()  # with nothing new
    told = {one.operation: one for one in clients.list_usage(key)}
    assert (told["verify"].requests, told["verify"].questions, told["verify"].refused) == (2, 2, 1)
    assert (told["verifyBatch"].requests, told["verifyBatch"].questions) == (1, 500)
    assert {one.day for one in told.values()} == {read_today().isoformat()}
    with database.reading() as connection:
        used = keys.get_key(connection, key.id).last_used_at
    assert used is not None
    assert before <= used <= get_now_ms()


def test_two_processes_add_up(database: Database, clients: Clients, tmp_path: Path) -> None:
    key, _ = a_key(database)
    other = Clients(database, Settings(data_dir=tmp_path))
    for one in (clients, other, clients):
        one.admit_key(key, "verify", "verify")
    other.close()
    clients.write_usage()
    assert [one.requests for one in clients.list_usage(key)] == [3]


def test_usage_that_cannot_be_written_is_kept_for_later(
    database: Database, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, _ = a_key(database)
    clients.admit_key(key, "verify", "verify")

    def broken(*_: object) -> None:
        raise sa.exc.OperationalError("INSERT", {}, Exception("disk full"))

    with monkeypatch.context() as failing:
        failing.setattr(keys, "add_usage", broken)
        clients.write_usage()
    clients.admit_key(key, "verify", "verify")
    clients.write_usage()
    assert [one.requests for one in clients.list_usage(key)] == [2]


def test_checks_are_on_record_for_keys_that_want_it_and_for_no_others(
    database: Database, clients: Clients, asked: VerificationView
) -> None:
    wants, _ = a_key(database, recorded=True)
    without, _ = a_key(database, client="别的单位")
    claim = a_claim(id="row-1", techniques=["IVF"])
    found = answer_claim(asked, claim)
    for key in (wants, without):
        clients.record_checks(clients.admit_key(key, "verify", "verify"), [noted(claim, found)], found.log.size)
    (check,) = clients.list_checks(OFFICE, 0, 10)
    assert (
        bytes(check.question) == b'{"provider":{"name":"' + HOSPITAL.encode() + b'"},"id":"row-1","techniques":["IVF"]}'
    )
    assert (check.verdict, check.code is None, check.log_size) == (found.verdict, found.match is None, asked.size)
    assert clients.list_checks("别的单位", 0, 10) == []
    assert clients.list_checks(OFFICE, check.id, 10) == []


def test_a_check_that_cannot_be_recorded_is_not_answered(
    database: Database, clients: Clients, asked: VerificationView, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, _ = a_key(database, recorded=True)
    admitted = clients.admit_key(key, "verify", "verify")

    def broken(*_: object) -> None:
        raise sa.exc.OperationalError("INSERT", {}, Exception("disk full"))

    monkeypatch.setattr(keys, "record_checks", broken)
    with pytest.raises(CannotRecord):
        clients.record_checks(admitted, [noted(a_claim(), answer_claim(asked, a_claim()))], asked.size)


def test_old_checks_are_deleted_and_newer_ones_stay(
    database: Database, clients: Clients, asked: VerificationView
) -> None:
    key, _ = a_key(database, recorded=True)
    admitted = clients.admit_key(key, "verify", "verify")
    for _ in range(2):
        clients.record_checks(admitted, [noted(a_claim(), answer_claim(asked, a_claim()))], asked.size)
    with database.writing() as connection:
        first = connection.execute(sa.select(sa.func.min(key_checks.c.id))).scalar_one()
        old = sa.update(key_checks).where(key_checks.c.id == first).values(at=get_now_ms() - 401 * 86_400_000)
        connection.execute(old)
        assert keys.delete_old_checks(connection, 400) == 1
    assert len(clients.list_checks(OFFICE, 0, 10)) == 1


# --- watch lists -----------------------------------------------------------------------------------------------------


@pytest.fixture
def hospital(database: Database) -> Draft:
    found = an_institution(name=HOSPITAL)
    enter(database, a_source(), found)
    return found


@pytest.fixture
def asked(database: Database, hospital: Draft) -> VerificationView:
    return a_view(database)


@pytest.fixture
def lists(database: Database, asked: VerificationView) -> WatchLists:
    return WatchLists(database, asked)


def test_a_watch_tells_when_the_answer_is_another_one(
    database: Database, asked: VerificationView, lists: WatchLists, hospital: Draft
) -> None:
    ((number, first),), since = lists.add_watches(OFFICE, [a_claim(id="a")])
    assert first.verdict == "licensed"
    nothing = lists.find_changes(OFFICE, watches.parse_position(str(since)))
    assert (nothing.items, nothing.more, str(nothing.next)) == ([], False, str(since))
    suspend(database, hospital)
    asked.follow_log(database)
    found = lists.find_changes(OFFICE, watches.parse_position(str(since)))
    (changed,) = found.items
    assert (changed.watch, changed.claim.id) == (number, "a")
    assert (changed.before.verdict, changed.now.verdict) == ("licensed", "suspended")
    assert changed.before.log.size == first.log.size < changed.now.log.size == asked.size
    again = lists.find_changes(OFFICE, watches.parse_position(str(since)))
    assert [one.watch for one in again.items] == [number]  # asking twice loses nothing
    assert lists.find_changes(OFFICE, found.next).items == []


def test_what_changed_before_it_was_watched_is_no_news(
    database: Database, asked: VerificationView, lists: WatchLists, hospital: Draft
) -> None:
    _, since = lists.add_watches(OFFICE, [a_claim(id="first")])
    suspend(database, hospital)
    asked.follow_log(database)
    lists.add_watches(OFFICE, [a_claim(id="second")])
    found = lists.find_changes(OFFICE, since_of(since))
    assert [one.claim.id for one in found.items] == ["first"]


def test_an_entry_about_somebody_else_is_no_news(
    database: Database, asked: VerificationView, lists: WatchLists
) -> None:
    _, since = lists.add_watches(OFFICE, [a_claim()])
    enter(database, an_institution(name="示例市人民医院"))
    asked.follow_log(database)
    assert lists.find_changes(OFFICE, since_of(since)).items == []


def test_what_lapses_by_the_calendar_is_told_without_a_new_entry(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    due = read_today() + dt.timedelta(days=3)
    approved = {"stage": "formal", "verification_due": due.isoformat()}
    enter(database, a_source(), an_institution(name=HOSPITAL, **{"approvals.IVF": approved}))
    view = a_view(database)
    lists = WatchLists(database, view)
    _, since = lists.add_watches(OFFICE, [a_claim(techniques=["IVF"])])
    later = watches.WatchState(size=since.size, day=due + dt.timedelta(days=1))
    monkeypatch.setattr(watches, "_get_current_state", lambda _view: later)
    (changed,) = lists.find_changes(OFFICE, since_of(since)).items
    assert (changed.before.verdict, changed.now.verdict) == ("licensed", "lapsed")


def test_a_long_list_is_compared_in_parts_as_of_one_moment(
    database: Database, asked: VerificationView, lists: WatchLists, hospital: Draft, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watches, "PAGE", 3)
    _, since = lists.add_watches(OFFICE, [a_claim(id=str(n)) for n in range(8)])
    suspend(database, hospital)
    asked.follow_log(database)
    ids: list[Any] = []
    place, more, parts = since_of(since), True, 0
    while more:
        found = lists.find_changes(OFFICE, watches.parse_position(str(place)))
        ids += [one.claim.id for one in found.items]
        place, more, parts = found.next, found.more, parts + 1
    assert ids == [str(n) for n in range(8)]
    assert parts == 3
    assert str(place) == f"{asked.size}.{read_today()}"


def test_a_claim_is_watched_once_and_removed_once(lists: WatchLists) -> None:
    claims = [a_claim(id="1"), a_claim(id="2"), a_claim(id="1")]
    found, _ = lists.add_watches(OFFICE, claims)
    again, _ = lists.add_watches(OFFICE, claims[:2])
    assert [number for number, _ in found] == [again[0][0], again[1][0], again[0][0]]
    assert lists.list_watches(OFFICE, 0, 10)[1] == 2
    lists.remove_watch(OFFICE, again[0][0])
    with pytest.raises(NotFound):
        lists.remove_watch(OFFICE, again[0][0])
    with pytest.raises(NotFound):
        lists.remove_watch("别的单位", again[1][0])
    assert [one.claim.id for one in lists.list_watches(OFFICE, 0, 10)[0]] == ["2"]


def test_what_cannot_be_watched_is_refused_and_nothing_is_added(
    lists: WatchLists, monkeypatch: pytest.MonkeyPatch
) -> None:
    for bad in (a_claim(receipt=True), a_claim(known_at=dt.datetime.now(dt.UTC)), a_claim(techniques=["读心术"])):
        with pytest.raises(InvalidInput, match="第2条"):
            lists.add_watches(OFFICE, [a_claim(), bad])
    monkeypatch.setattr(watches, "MOST", 2)
    with pytest.raises(TooLarge):
        lists.add_watches(OFFICE, [a_claim(id=str(n)) for n in range(3)])
    assert lists.list_watches(OFFICE, 0, 10) == ([], 0)


@pytest.mark.parametrize(
    "text", ["", "1", "1.2", "-1.2025-01-01", "x.2025-01-01", "1.2025-01-01.2", "9" * 30 + ".2025-01-01"]
)
def test_a_place_that_never_was_is_refused(lists: WatchLists, text: str) -> None:
    with pytest.raises(InvalidInput):
        lists.find_changes(OFFICE, watches.parse_position(text))


def test_a_place_beyond_the_log_is_refused(lists: WatchLists) -> None:
    with pytest.raises(InvalidInput, match="没有过"):
        lists.find_changes(OFFICE, watches.parse_position(f"999999.{read_today()}"))


def since_of(state: watches.WatchState) -> watches.WatchPosition:
    return watches.WatchPosition(since=state)


def suspend(database: Database, hospital: Draft) -> None:
    """Its one approval is suspended from today on."""
    enter(database, a_change(hospital, read_today(), {"approvals.IVF": {"stage": "suspended"}}))
