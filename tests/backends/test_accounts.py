"""Accounts, passwords, second factors, sessions and the trail, on both databases."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyotp
import pytest
import sqlalchemy as sa

from registry import accounts
from registry.accounts import audit_log, devices, factors, passwords, sessions, signin, throttle
from registry.accounts import throttle as repeats_
from registry.accounts.sessions import Session, SessionLimits
from registry.accounts.signin import Proof, SignIns, Visitor
from registry.errors import Conflict, InvalidInput, NotAllowed, StorageFull, TooManyRequests
from registry.settings import Settings
from registry.storage.database import Database
from registry.storage.tables import accounts as accounts_table
from registry.storage.tables import recovery_codes, staff_sessions
from registry.storage.tables import trail as trail_table
from registry.texts import FixedText
from tests.factories import PASSWORD
from tests.hashing import the_products_hashing

NAME = "editor.a"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
HERE = Visitor(address="192.0.2.7", agent="Desk/1")
LIMITS = SessionLimits(idle=30, absolute=600)
MINUTE = 60_000


class Door:
    """The door of the test's database."""

    ins: SignIns


@pytest.fixture(autouse=True)
def _door(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    if "database" not in request.fixturenames:
        yield
        return
    Door.ins = SignIns(request.getfixturevalue("database"), Settings(data_dir=tmp_path))
    Door.ins.vault.create_file()
    yield
    Door.ins.close()


def begin(name: str, password: str, who: Visitor = HERE) -> str | None:
    """The token of a session begun; None for what is wrong."""
    return Door.ins.sign_in(name, password, who)[0]


def known_browser(name: str = NAME) -> Visitor:
    """A browser that the account signed in from before, at another address than everybody else."""
    cookie = Door.ins.make_device_cookie(name)
    assert cookie is not None
    return Visitor(address="192.0.2.8", agent="Desk/1", devices=(cookie,))


def enrolled(database: Database, name: str = NAME) -> list[str]:
    """Give an account a second factor, whose code of now is spent by it; the recovery codes."""
    with database.writing() as connection:
        codes = factors.enrol_factor(connection, Door.ins.vault, name, SECRET, pyotp.TOTP(SECRET).now())
    assert codes is not None
    return codes


def next_code() -> str:
    """A code that is right and was not used yet."""
    return pyotp.TOTP(SECRET).at(time.time() + 30)


def wrong_code() -> str:
    near = {pyotp.TOTP(SECRET).at(time.time() + step * 30) for step in range(-3, 4)}
    return next(
        code
        for code in ("000000", "111111", "222222", "333333", "444444", "555555", "666666", "777777")
        if code not in near
    )


def half_open(database: Database, name: str = NAME) -> Session:
    token = begin(name, PASSWORD)
    assert token is not None
    return found(database, token)


def found(database: Database, token: str) -> Session:
    with database.reading() as connection:
        session = sessions.find_session(connection, token, LIMITS)
    assert session is not None
    return session


def is_found(database: Database, token: str, limits: SessionLimits = LIMITS) -> bool:
    with database.reading() as connection:
        return sessions.find_session(connection, token, limits) is not None


def change(database: Database, table: sa.Table, **values: object) -> None:
    with database.writing() as connection:
        connection.execute(sa.update(table).values(**values))


def kept(database: Database, name: str = NAME) -> sa.Row[tuple[object, ...]]:
    with database.reading() as connection:
        return connection.execute(sa.select(accounts_table).where(accounts_table.c.name == name)).one()


def deeds(database: Database, account: str = NAME) -> list[tuple[str, str]]:
    """(action, about), oldest first, once what failed at the door was told."""
    Door.ins.write_failures()
    with database.reading() as connection:
        return [
            (one.action, one.about)
            for one in audit_log.list_events(
                connection, audit_log.AuditFilter(account=account), descending=False, limit=10_000
            )
        ]


# --- passwords -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "password", ["", "eleven char", "a" * 12, "abababababab", "x editor.new y z", "my EDITOR.NEW word", "long" * 51]
)
def test_a_password_that_is_short_long_repetitive_or_holds_the_name_is_refused(
    database: Database, password: str
) -> None:
    with database.writing() as connection, pytest.raises(InvalidInput):
        accounts.create_account(connection, "editor.new", ["editor"], password)
    with database.reading() as connection:
        assert accounts.find_account(connection, "editor.new") is None


def test_a_password_is_kept_as_argon2id_with_a_salt_of_its_own(database: Database) -> None:
    with the_products_hashing(), database.writing() as connection:
        for name in ("owner.a", "owner.b"):
            accounts.create_account(connection, name, ["editor"], PASSWORD)
    one, other = kept(database, "owner.a").password, kept(database, "owner.b").password
    cost = re.match(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=1\$", one)
    assert cost
    assert int(cost[1]) >= 65_536  # KiB
    assert int(cost[2]) >= 3
    assert one != other
    assert passwords.verify_password(one, PASSWORD)
    assert not passwords.verify_password(one, PASSWORD + ".")
    assert not passwords.verify_password(None, PASSWORD)
    assert not passwords.verify_password("no hash", PASSWORD)


@pytest.mark.parametrize("region", ["999999", "2103", "鞍山"])
def test_an_account_has_a_region_that_exists_or_none(database: Database, region: str) -> None:
    with database.writing() as connection:
        with pytest.raises(InvalidInput, match=region):
            accounts.change_rights(connection, NAME, ["editor"], region)
        assert accounts.change_rights(connection, NAME, ["editor"], "210300").region == "210300"
        assert accounts.change_rights(connection, NAME, ["editor"], "").region == ""


# --- slowed ----------------------------------------------------------------------------------------------------------


def test_wrong_passwords_of_others_cost_time_and_never_keep_the_owner_out(database: Database) -> None:
    delays = [Door.ins.sign_in(NAME, "wrong", HERE) for _ in range(10)]
    assert delays == [(None, seconds) for seconds in (0, 0, 0, 1, 2, 4, 8, 16, 16, 16)]
    assert Door.ins.sign_in(NAME, PASSWORD, HERE)[1] == 0  # from the same address
    assert begin(NAME, PASSWORD, Visitor(address="192.0.2.9", agent="Desk/1")) is not None
    assert kept(database).failures == 0


def test_an_address_that_tries_names_is_slowed_and_so_is_an_account_that_many_addresses_try(database: Database) -> None:
    for name in ("a.a", "b.b", "c.c", "d.d"):
        last = Door.ins.sign_in(name, "wrong", HERE)
    assert last == (None, 1)
    for number in range(4):
        last = Door.ins.sign_in(NAME, "wrong", Visitor(address=f"198.51.100.{number}", agent="Desk/1"))
    assert last == (None, 1)


def test_past_a_number_of_attempts_nothing_is_looked_at_but_what_comes_from_elsewhere_or_a_known_browser(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrolled(database)
    browser = known_browser()
    monkeypatch.setattr(
        passwords, "verify_password", lambda stored, password, _: stored is not None and password == PASSWORD
    )
    for _ in range(throttle.ATTEMPTS):
        begin(NAME, "wrong")
    for name, password in ((NAME, PASSWORD), (NAME, "wrong"), ("nobody.here", PASSWORD)):
        with pytest.raises(TooManyRequests) as refused:
            begin(name, password)
        assert 1 <= refused.value.details["retry_after"] <= throttle.SPAN + 1
    assert begin(NAME, PASSWORD, Visitor(address="192.0.2.9", agent="Desk/1")) is not None
    assert begin(NAME, PASSWORD, Visitor(address=HERE.address, agent="Desk/1", devices=browser.devices)) is not None


def test_an_account_tried_from_everywhere_lets_in_whoever_comes_from_an_address_that_did_not_fail(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        passwords, "verify_password", lambda stored, password, _: stored is not None and password == PASSWORD
    )
    refused = looked_at = 0
    for number in range(60):
        for _ in range(throttle.FREE + 3):
            try:
                begin(NAME, "wrong", Visitor(address=f"198.51.100.{number}", agent="Desk/1"))
                looked_at += 1
            except TooManyRequests:
                refused += 1
    assert looked_at == 60 * throttle.FREE + throttle.ATTEMPTS
    assert refused
    assert begin(NAME, PASSWORD, HERE) is not None


@pytest.mark.parametrize("change_", ["another account", "another password", "forged", "old"])
def test_a_browsers_cookie_is_worth_nothing_elsewhere(database: Database, change_: str) -> None:
    browser = known_browser()
    cookie, name = browser.devices[0], NAME
    if change_ == "another account":
        name = "editor.b"
    elif change_ == "another password":
        with database.writing() as connection:
            signin.replace_password(connection, NAME, passwords.hash_password("told by telephone"))
    elif change_ == "forged":
        cookie = cookie[:-1] + ("0" if cookie[-1] != "0" else "1")
    else:
        head = f"1.{int(time.time() // 86_400) - devices.DAYS - 1}.{'0' * 16}"
        message = devices._make_message(head, NAME, kept(database).password)
        cookie = f"{head}.{Door.ins.vault.sign_message(devices._PURPOSE, message)}"
    assert (
        devices.find_device(Door.ins.vault, NAME, kept(database).password, browser.devices)
        or change_ == "another password"
    )
    assert devices.find_device(Door.ins.vault, name, kept(database, name).password, [cookie]) == ""


def test_an_unknown_and_a_closed_account_are_answered_alike_and_their_names_are_not_in_the_trail(
    database: Database,
) -> None:
    for name in ("nobody.here", "gone.a"):
        answers = [Door.ins.sign_in(name, PASSWORD, Visitor(address=f"ad {name}", agent="")) for _ in range(5)]
        assert answers == [(None, 0), (None, 0), (None, 0), (None, 1), (None, 2)]
    assert [action for action, _ in deeds(database, "-")] == ["sign_in_failed"] * 2
    assert kept(database, "gone.a").failures == 0


# --- the trail of failures -------------------------------------------------------------------------------------------


def test_a_stranger_writes_nothing_into_the_database_and_repeats_are_one_line_with_a_count(database: Database) -> None:
    at = 1_700_000_000.0
    repeats = Door.ins.repeats
    for number in range(37):
        repeats.count_failure(NAME, "sign_in_failed", "password", HERE.address, at + number)
        if number in (0, 4):
            repeats.write_due_lines(database, at + number)
    with database.reading() as connection:
        assert len(audit_log.list_events(connection, audit_log.AuditFilter(account=NAME))) == 1
    repeats.write_due_lines(database, at + 40)
    repeats.write_due_lines(database, at + 3600)
    repeats.write_due_lines(database, at + 3605)
    since = "since 2023-11-14T22:13:20Z"
    assert deeds(database) == [("sign_in_failed", "password"), ("sign_in_failed", f"password x37 {since}")]
    with database.reading() as connection:
        assert {one.address for one in audit_log.list_events(connection, audit_log.AuditFilter(account=NAME))} == {
            HERE.address
        }


def test_what_could_not_be_written_is_written_the_next_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    Door.ins.repeats.count_failure(NAME, "sign_in_failed", "password", HERE.address)

    def no_room(*_: object, **__: object) -> None:
        raise StorageFull(FixedText(""))

    monkeypatch.setattr(audit_log, "record_event", no_room)
    Door.ins.write_failures()
    monkeypatch.undo()
    assert deeds(database) == [("sign_in_failed", "password")]
    assert deeds(database) == [("sign_in_failed", "password")]


def test_ten_thousand_failures_of_a_thousand_addresses_are_a_few_lines(database: Database) -> None:
    at = 1_700_000_000.0
    for number in range(10_000):
        account = (NAME, "editor.b", "-")[number % 3]
        Door.ins.repeats.count_failure(account, "sign_in_failed", "password", f"127.1.{number % 4}.{number % 250}", at)
        if number % 500 == 0:
            Door.ins.repeats.write_due_lines(database, at)
    Door.ins.repeats.write_due_lines(database, at + 3600)
    with database.reading() as connection:
        told = list(
            audit_log.list_events(
                connection, audit_log.AuditFilter(action="sign_in_failed"), descending=False, limit=10_000
            )
        )
    assert len(told) <= 3 * (repeats_.ADDRESSES + 1) * 4
    last = {(one.account, one.address): one.about for one in told}
    counts = [re.search(r" x(\d+) since", about) for about in last.values()]
    counted = [int(count[1]) if count else 1 for count in counts]
    assert sum(counted) == 10_000


# --- wrong codes -----------------------------------------------------------------------------------------------------


def wrong_codes(database: Database, number: int, who: Visitor = HERE) -> None:
    """So many wrong codes, in as many sessions as they take."""
    session = None
    for _ in range(number):
        session = session if session and is_found(database, session.token) else half_open(database)
        try:
            assert Door.ins.verify_second_factor(session, Proof(code=wrong_code()), who) is None
        except NotAllowed:
            assert not is_found(database, session.token)


def test_a_session_gets_five_codes_and_then_codes_of_unknown_browsers_wait(database: Database) -> None:
    enrolled(database)
    session = half_open(database)
    for _ in range(sessions.TRIES - 1):
        assert Door.ins.verify_second_factor(session, Proof(code=wrong_code()), HERE) is None
    with pytest.raises(NotAllowed, match="5"):
        Door.ins.verify_second_factor(session, Proof(code=wrong_code()), HERE)
    assert not is_found(database, session.token)
    again = half_open(database)  # the password is let in as ever
    with pytest.raises(TooManyRequests):
        Door.ins.verify_second_factor(again, Proof(code=next_code()), HERE)
    assert is_found(database, again.token)
    assert Door.ins.verify_second_factor(again, Proof(code=next_code()), known_browser()) is not None  # the owner's own
    assert kept(database).failures == 0
    assert ("slowed", "second") in deeds(database)


def test_the_waits_double_up_to_an_hour_and_end_by_themselves(database: Database) -> None:
    enrolled(database)
    wrong_codes(database, sessions.TRIES)
    waits = []
    for _ in range(9):
        waits.append(round((kept(database).locked_until - time.time() * 1000) / MINUTE))
        change(database, accounts_table, locked_until=int(time.time() * 1000) - 1)
        wrong_codes(database, 1)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    change(database, accounts_table, locked_until=int(time.time() * 1000) - 1)
    assert Door.ins.verify_second_factor(half_open(database), Proof(code=next_code()), HERE) is not None
    assert (kept(database).failures, kept(database).locked_until) == (0, 0)


def test_a_wait_that_a_wrong_clock_set_far_off_is_none(database: Database) -> None:
    enrolled(database)
    change(database, accounts_table, locked_until=int(time.time() * 1000) + 61 * MINUTE)
    assert Door.ins.verify_second_factor(half_open(database), Proof(code=next_code()), HERE) is not None


def test_a_known_browser_gets_five_wrong_tries_a_day(database: Database) -> None:
    enrolled(database)
    browser = known_browser()
    wrong_codes(database, sessions.TRIES, browser)
    with pytest.raises(TooManyRequests):
        Door.ins.verify_second_factor(half_open(database), Proof(code=next_code()), browser)


def test_a_right_password_forgives_no_wrong_code(database: Database) -> None:
    enrolled(database)
    wrong_codes(database, 3)
    half_open(database)
    assert kept(database).failures == 3


# --- the second factor -----------------------------------------------------------------------------------------------


def accepted(database: Database, code: str) -> str | None:
    with database.writing() as connection:
        return factors.accept_code(connection, Door.ins.vault, NAME, code)


def test_a_code_is_accepted_once_and_an_older_one_never_after_it(database: Database) -> None:
    enrolled(database)
    assert accepted(database, pyotp.TOTP(SECRET).now()) is None  # spent by setting it up
    code = next_code()
    assert accepted(database, code) == "code"
    assert accepted(database, code) is None
    assert accepted(database, pyotp.TOTP(SECRET).now()) is None


def test_codes_go_on_when_a_clock_that_was_ahead_came_back_and_none_works_twice(database: Database) -> None:
    enrolled(database)
    now = time.time() + 600

    def shown(of: float, at: float) -> str | None:
        with database.writing() as connection:
            return factors.accept_code(connection, Door.ins.vault, NAME, pyotp.TOTP(SECRET).at(of), at)

    ahead = now + 400 * 86_400
    assert shown(now, now) == "code"
    assert shown(ahead, ahead) == "code"
    assert shown(now, now + 1) is None  # spent before the clock went ahead
    assert shown(now + 60, now + 60) == "code"
    assert shown(now + 60, now + 61) is None
    assert shown(now + 30, now + 61) is None  # older than one that was accepted
    assert shown(now + 90, now + 90) == "code"
    assert shown(ahead, ahead + 1) is None  # when that time really comes
    assert shown(ahead + 60, ahead + 60) == "code"


@pytest.mark.parametrize("steps", [-3, -2, 2, 3])
def test_a_code_of_another_time_is_wrong(steps: int) -> None:
    at = 1_700_000_000.0
    assert factors.find_step(SECRET, pyotp.TOTP(SECRET).at(at + 30 * steps), at) is None


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_a_clock_may_be_one_step_off(steps: int) -> None:
    at = 1_700_000_000.0
    assert factors.find_step(SECRET, pyotp.TOTP(SECRET).at(at + 30 * steps), at) == int(at // 30) + steps


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "１２３４５６", "12 34"])
def test_what_is_no_code_is_wrong_and_no_error(database: Database, code: str) -> None:
    enrolled(database)
    assert accepted(database, code) is None


def raced(tries: int, act: Callable[[], str | None]) -> list[str]:
    """Do the same thing in several threads at once; what succeeded."""
    begin, done = threading.Barrier(tries), []

    def one() -> None:
        begin.wait()
        done.append(act())

    threads = [threading.Thread(target=one) for _ in range(tries)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == tries
    return [one for one in done if one]


@pytest.mark.parametrize("kind", ["code", "recovery"])
def test_of_four_browsers_with_the_same_code_one_gets_in(database: Database, kind: str) -> None:
    recovery = enrolled(database)
    code = next_code() if kind == "code" else recovery[0]
    waiting = [half_open(database) for _ in range(4)]

    def act() -> str | None:
        try:
            return Door.ins.verify_second_factor(waiting.pop(), Proof(code=code), HERE)
        except NotAllowed:
            return None

    assert len(raced(4, act)) == 1
    assert deeds(database).count(("signed_in", kind)) == 1


def test_a_recovery_code_works_once_as_people_type_it_and_is_kept_as_a_hash(database: Database) -> None:
    codes = enrolled(database)
    assert len(set(codes)) == factors.RECOVERY_CODES
    assert accepted(database, f" {codes[0].upper().replace('-', ' ')} ") == "recovery"
    assert accepted(database, codes[0]) is None
    with database.reading() as connection:
        assert factors.count_recovery_codes(connection, NAME) == factors.RECOVERY_CODES - 1
        stored = connection.execute(sa.select(recovery_codes.c.digest)).scalars().all()
    assert all(codes[1].encode() not in bytes(one) and len(bytes(one)) == 32 for one in stored)


def test_new_recovery_codes_void_the_old_ones_and_forgetting_voids_all(database: Database) -> None:
    old = enrolled(database)
    with database.writing() as connection:
        new = factors.renew_recovery_codes(connection, NAME)
    assert accepted(database, old[0]) is None
    assert accepted(database, new[0]) == "recovery"
    with database.writing() as connection:
        factors.remove_factor(connection, NAME)
    assert accepted(database, new[1]) is None
    assert accepted(database, next_code()) is None


def test_a_recovery_code_of_somebody_else_is_wrong(database: Database) -> None:
    enrolled(database)
    with database.writing() as connection:
        other = factors.enrol_factor(connection, Door.ins.vault, "editor.b", SECRET, pyotp.TOTP(SECRET).now())
    assert other
    assert accepted(database, other[0]) is None


def test_whoever_only_knows_the_password_cannot_put_another_authenticator_in_the_place_of_one(
    database: Database,
) -> None:
    early = half_open(database)
    assert early.state == "enrol"
    enrolled(database)
    mine = factors.make_secret()
    with pytest.raises(Conflict):
        Door.ins.enrol_factor(early, mine, Proof(code=pyotp.TOTP(mine).now()), HERE)
    assert Door.ins.vault.open(NAME, kept(database).second) == SECRET


@pytest.mark.parametrize("secret", ["", "AAAA", "short", "1" * 32, "A" * 33])
def test_a_secret_that_the_page_did_not_make_is_refused(database: Database, secret: str) -> None:
    with database.writing() as connection, pytest.raises(InvalidInput):
        factors.enrol_factor(connection, Door.ins.vault, NAME, secret, "000000")


# --- sessions --------------------------------------------------------------------------------------------------------


def opened(database: Database) -> Session:
    session = half_open(database)
    done = Door.ins.enrol_factor(session, SECRET, Proof(code=pyotp.TOTP(SECRET).now()), HERE)
    assert done
    return found(database, done[0])


def test_the_token_is_another_one_after_signing_in_and_only_its_hash_is_kept(database: Database) -> None:
    half = half_open(database)
    assert half.state == "enrol"
    done = Door.ins.enrol_factor(half, SECRET, Proof(code=pyotp.TOTP(SECRET).now()), HERE)
    assert done
    assert done[0] != half.token
    assert not is_found(database, half.token)
    session = found(database, done[0])
    assert (session.state, session.address, session.agent) == ("open", "192.0.2.7", "Desk/1")
    assert session.form_token != half.form_token
    with database.reading() as connection:
        rows = [tuple(row) for row in connection.execute(sa.select(staff_sessions))]
    assert session.token not in repr(rows)


@pytest.mark.parametrize(
    ("created", "seen", "lasts"),
    [(29, 29, True), (31, 31, False), (31, 1, True), (599, 1, True), (601, 1, False), (601, 0, False)],
)
def test_an_open_session_ends_when_unused_and_in_any_case_after_ten_hours(
    database: Database, created: int, seen: int, lasts: bool
) -> None:
    token = opened(database).token
    now = int(time.time() * 1000)
    change(database, staff_sessions, created_at=now - created * MINUTE, seen_at=now - seen * MINUTE)
    assert is_found(database, token) is lasts
    late = sessions.LATE  # until then it may still bring in what was typed
    change(database, staff_sessions, created_at=now - (created + late) * MINUTE, seen_at=now - (seen + late) * MINUTE)
    with database.writing() as connection:
        assert (sessions.find_ended_session(connection, token, LIMITS) is not None) is lasts
        sessions.delete_ended_sessions(connection, LIMITS)
        left = connection.execute(sa.select(sa.func.count()).select_from(staff_sessions)).scalar_one()
    assert left == (1 if lasts else 0)


@pytest.mark.parametrize(("minutes", "lasts"), [(9, True), (11, False)])
def test_a_half_open_session_ends_after_ten_minutes_however_it_is_used(
    database: Database, minutes: int, lasts: bool
) -> None:
    token = half_open(database).token
    change(database, staff_sessions, created_at=int(time.time() * 1000) - minutes * MINUTE)
    assert is_found(database, token) is lasts


def test_using_a_session_is_noted_so_that_it_goes_on(database: Database) -> None:
    session = opened(database)
    change(database, staff_sessions, seen_at=int(time.time() * 1000) - 29 * MINUTE)
    session = found(database, session.token)
    assert sessions.is_last_use_stale(session)
    with database.writing() as connection:
        sessions.save_last_use(connection, session)
    assert found(database, session.token).seen_at > session.seen_at + 28 * MINUTE


def test_closing_an_account_ends_its_sessions_and_keeps_it_out(database: Database) -> None:
    token = opened(database).token
    with database.writing() as connection:
        accounts.set_disabled(connection, NAME, True)
    assert not is_found(database, token)
    assert begin(NAME, PASSWORD, HERE) is None


def test_a_new_password_ends_every_other_session_and_renews_this_one(database: Database) -> None:
    session, other = opened(database), half_open(database)
    token = Door.ins.change_password(session, PASSWORD, "several unrelated words", HERE)
    assert is_found(database, token)
    assert not is_found(database, session.token)
    assert not is_found(database, other.token)
    assert begin(NAME, PASSWORD, HERE) is None
    assert begin(NAME, "several unrelated words", HERE) is not None


@pytest.mark.parametrize(("old", "new"), [("wrong", "several unrelated words"), (PASSWORD, PASSWORD), (PASSWORD, "x")])
def test_a_password_is_changed_by_whoever_knows_it_to_another_good_one(database: Database, old: str, new: str) -> None:
    session = opened(database)
    with pytest.raises(InvalidInput):
        Door.ins.change_password(session, old, new, HERE)
    assert is_found(database, session.token)
    assert passwords.verify_password(kept(database).password, PASSWORD)


def test_a_password_that_was_set_by_somebody_else_has_to_be_changed_first(database: Database) -> None:
    enrolled(database)
    with database.writing() as connection:
        signin.replace_password(connection, NAME, passwords.hash_password("told by telephone"))
    token = begin(NAME, "told by telephone", HERE)
    assert token
    token = Door.ins.verify_second_factor(found(database, token), Proof(code=next_code()), HERE)
    assert token
    session = found(database, token)
    assert session.state == "password"
    token = Door.ins.change_password(session, "told by telephone", "several unrelated words", HERE)
    assert found(database, token).state == "open"


# --- the trail -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("statement", ["UPDATE trail SET account = 'x'", "DELETE FROM trail"])
def test_the_database_itself_refuses_to_change_the_trail(database: Database, statement: str) -> None:
    with database.writing() as connection:
        audit_log.record_event(connection, NAME, "signed_in")
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), database.engine.begin() as connection:
        connection.exec_driver_sql(statement)
    assert deeds(database)[-1] == ("signed_in", "")


def test_a_deed_is_not_there_when_what_was_done_is_taken_back(database: Database) -> None:
    before = deeds(database)
    with pytest.raises(RuntimeError), database.writing() as connection:
        audit_log.record_event(connection, NAME, "signed_in")
        raise RuntimeError
    assert deeds(database) == before


def test_the_trail_is_filtered_paged_and_says_where_from(database: Database) -> None:
    with database.writing() as connection, audit_log.act_from_address("192.0.2.9"):
        for number in range(5):
            audit_log.record_event(connection, NAME, "approved", f"proposal:{number}")
        audit_log.record_event(connection, "editor.b", "signed_in", "", "192.0.2.1")
    with database.writing() as connection:
        audit_log.record_event(connection, "editor.b", "propose", "proposal:9")
        mine = audit_log.AuditFilter(account=NAME, action="approved")
        first = audit_log.list_events(connection, mine, limit=3)
        rest = audit_log.list_events(connection, mine, offset=3, limit=3)
        others = audit_log.list_events(connection, audit_log.AuditFilter(account="editor.b"))
        rows = connection.execute(sa.select(sa.func.count()).select_from(trail_table)).scalar_one()
    assert [one.about for one in [*first, *rest]] == [f"proposal:{number}" for number in (4, 3, 2, 1, 0)]
    assert {one.address for one in first} == {"192.0.2.9"}
    assert [(one.action, one.address) for one in others] == [("propose", "shell"), ("signed_in", "192.0.2.1")]
    assert rows >= 7
