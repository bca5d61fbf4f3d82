"""Accounts, passwords, second factors, sessions and the trail, on both databases."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable

import pyotp
import pytest
import sqlalchemy as sa

from registry import accounts, trail
from registry.accounts import passwords, second, sessions, signin
from registry.accounts.sessions import Limits, Session
from registry.accounts.signin import Visitor
from registry.database import Database
from registry.errors import Conflict, InvalidInput, NotAllowed
from registry.tables import accounts as accounts_table
from registry.tables import recovery_codes, staff_sessions
from registry.tables import trail as trail_table
from tests.factories import PASSWORD

NAME = "editor.a"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
HERE = Visitor(address="192.0.2.7", agent="Desk/1")
LIMITS = Limits(idle=30, absolute=600)
MINUTE = 60_000


def enrolled(database: Database, name: str = NAME) -> list[str]:
    """Give an account a second factor, whose code of now is spent by it; the recovery codes."""
    with database.writing() as connection:
        codes = second.enrol(connection, name, SECRET, pyotp.TOTP(SECRET).now())
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
    token = signin.begin(database, name, PASSWORD, HERE)
    assert token is not None
    return found(database, token)


def found(database: Database, token: str) -> Session:
    with database.reading() as connection:
        session = sessions.find(connection, token, LIMITS)
    assert session is not None
    return session


def is_found(database: Database, token: str, limits: Limits = LIMITS) -> bool:
    with database.reading() as connection:
        return sessions.find(connection, token, limits) is not None


def change(database: Database, table: sa.Table, **values: object) -> None:
    with database.writing() as connection:
        connection.execute(sa.update(table).values(**values))


def kept(database: Database, name: str = NAME) -> sa.Row[tuple[object, ...]]:
    with database.reading() as connection:
        return connection.execute(sa.select(accounts_table).where(accounts_table.c.name == name)).one()


def deeds(database: Database, account: str = NAME) -> list[tuple[str, str]]:
    """(action, about), oldest first."""
    with database.reading() as connection:
        return [(one.action, one.about) for one in trail.every(connection, trail.Wanted(account=account))]


# --- passwords -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "password", ["", "eleven char", "a" * 12, "abababababab", "x editor.new y z", "my EDITOR.NEW word", "long" * 51]
)
def test_a_password_that_is_short_long_repetitive_or_holds_the_name_is_refused(
    database: Database, password: str
) -> None:
    with database.writing() as connection, pytest.raises(InvalidInput):
        accounts.add(connection, "editor.new", ["editor"], password)
    with database.reading() as connection:
        assert accounts.get(connection, "editor.new") is None


def test_a_password_is_kept_as_argon2id_with_a_salt_of_its_own(database: Database) -> None:
    one, other = kept(database).password, kept(database, "editor.b").password
    assert re.match(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$", one)
    assert one != other
    assert passwords.fits(one, PASSWORD)
    assert not passwords.fits(one, PASSWORD + ".")
    assert not passwords.fits(None, PASSWORD)
    assert not passwords.fits("no hash", PASSWORD)


@pytest.mark.parametrize("region", ["999999", "2103", "鞍山"])
def test_an_account_has_a_region_that_exists_or_none(database: Database, region: str) -> None:
    with database.writing() as connection:
        with pytest.raises(InvalidInput, match=region):
            accounts.change(connection, NAME, ["editor"], region)
        assert accounts.change(connection, NAME, ["editor"], "210300").region == "210300"
        assert accounts.change(connection, NAME, ["editor"], "").region == ""


# --- locked out ------------------------------------------------------------------------------------------------------


def test_five_wrong_passwords_lock_the_account_and_only_whoever_knows_the_password_learns_of_it(
    database: Database,
) -> None:
    for _ in range(signin.FAILURES):
        assert signin.begin(database, NAME, "wrong", HERE) is None
    assert signin.begin(database, NAME, "wrong", HERE) is None
    with pytest.raises(NotAllowed, match="15"):
        signin.begin(database, NAME, PASSWORD, HERE)
    assert deeds(database) == [
        *[("sign_in_failed", "password")] * 5,
        ("locked", ""),
        *[("sign_in_failed", "locked")] * 2,
    ]


def test_four_failures_do_not_lock_and_a_sign_in_begins_the_count_anew(database: Database) -> None:
    enrolled(database)
    for _ in range(signin.FAILURES - 1):
        assert signin.begin(database, NAME, "wrong", HERE) is None
    assert signin.show_second(database, half_open(database), next_code(), HERE)
    assert kept(database).failures == 0
    assert signin.begin(database, NAME, "wrong", HERE) is None
    assert signin.begin(database, NAME, PASSWORD, HERE) is not None


def test_failures_of_both_factors_count_together_and_the_lock_ends_the_half_open_session(database: Database) -> None:
    enrolled(database)
    for _ in range(3):
        assert signin.begin(database, NAME, "wrong", HERE) is None
    session = half_open(database)  # a right password alone forgives nothing: else the second factor could be guessed
    assert signin.show_second(database, session, wrong_code(), HERE) is None
    with pytest.raises(NotAllowed):
        signin.show_second(database, session, wrong_code(), HERE)
    assert not is_found(database, session.token)
    with pytest.raises(NotAllowed):
        signin.begin(database, NAME, PASSWORD, HERE)


def test_a_locked_account_refuses_the_right_code_in_a_session_begun_before(database: Database) -> None:
    enrolled(database)
    session = half_open(database)
    for _ in range(signin.FAILURES):
        signin.begin(database, NAME, "wrong", HERE)
    with pytest.raises(NotAllowed):
        signin.show_second(database, session, next_code(), HERE)


def test_the_lock_ends_by_itself_and_then_five_more_failures_are_needed(database: Database) -> None:
    for _ in range(signin.FAILURES):
        signin.begin(database, NAME, "wrong", HERE)
    change(database, accounts_table, locked_until=int(time.time() * 1000) - 1)
    for _ in range(signin.FAILURES - 1):
        assert signin.begin(database, NAME, "wrong", HERE) is None
    assert signin.begin(database, NAME, PASSWORD, HERE) is not None


def test_an_unknown_and_a_closed_account_are_answered_alike_and_their_names_are_not_in_the_trail(
    database: Database,
) -> None:
    assert signin.begin(database, "nobody.here", PASSWORD, HERE) is None
    assert signin.begin(database, "gone.a", PASSWORD, HERE) is None
    assert deeds(database, "-") == [("sign_in_failed", "unknown")] * 2
    assert kept(database, "gone.a").failures == 0


# --- the second factor -----------------------------------------------------------------------------------------------


def accepted(database: Database, code: str) -> str | None:
    with database.writing() as connection:
        return second.accept(connection, NAME, code)


def test_a_code_is_accepted_once_and_an_older_one_never_after_it(database: Database) -> None:
    enrolled(database)
    assert accepted(database, pyotp.TOTP(SECRET).now()) is None  # spent by setting it up
    code = next_code()
    assert accepted(database, code) == "code"
    assert accepted(database, code) is None
    assert accepted(database, pyotp.TOTP(SECRET).now()) is None


@pytest.mark.parametrize("steps", [-3, -2, 2, 3])
def test_a_code_of_another_time_is_wrong(steps: int) -> None:
    at = 1_700_000_000.0
    assert second.step_of(SECRET, pyotp.TOTP(SECRET).at(at + 30 * steps), at) is None


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_a_clock_may_be_one_step_off(steps: int) -> None:
    at = 1_700_000_000.0
    assert second.step_of(SECRET, pyotp.TOTP(SECRET).at(at + 30 * steps), at) == int(at // 30) + steps


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
            return signin.show_second(database, waiting.pop(), code, HERE)
        except NotAllowed:
            return None

    assert len(raced(4, act)) == 1
    assert deeds(database).count(("signed_in", kind)) == 1


def test_a_recovery_code_works_once_as_people_type_it_and_is_kept_as_a_hash(database: Database) -> None:
    codes = enrolled(database)
    assert len(set(codes)) == second.RECOVERY_CODES
    assert accepted(database, f" {codes[0].upper().replace('-', ' ')} ") == "recovery"
    assert accepted(database, codes[0]) is None
    with database.reading() as connection:
        assert second.recovery_left(connection, NAME) == second.RECOVERY_CODES - 1
        stored = connection.execute(sa.select(recovery_codes.c.digest)).scalars().all()
    assert all(codes[1].encode() not in bytes(one) and len(bytes(one)) == 32 for one in stored)


def test_new_recovery_codes_void_the_old_ones_and_forgetting_voids_all(database: Database) -> None:
    old = enrolled(database)
    with database.writing() as connection:
        new = second.renew_recovery(connection, NAME)
    assert accepted(database, old[0]) is None
    assert accepted(database, new[0]) == "recovery"
    with database.writing() as connection:
        second.forget(connection, NAME)
    assert accepted(database, new[1]) is None
    assert accepted(database, next_code()) is None


def test_a_recovery_code_of_somebody_else_is_wrong(database: Database) -> None:
    enrolled(database)
    with database.writing() as connection:
        other = second.enrol(connection, "editor.b", SECRET, pyotp.TOTP(SECRET).now())
    assert other
    assert accepted(database, other[0]) is None


def test_whoever_only_knows_the_password_cannot_put_another_authenticator_in_the_place_of_one(
    database: Database,
) -> None:
    early = half_open(database)
    assert early.state == "enrol"
    enrolled(database)
    mine = second.new_secret()
    with database.writing() as connection, pytest.raises(Conflict):
        signin.enrolled(connection, early, mine, pyotp.TOTP(mine).now(), HERE)
    assert kept(database).second == SECRET


@pytest.mark.parametrize("secret", ["", "AAAA", "short", "1" * 32, "A" * 33])
def test_a_secret_that_the_page_did_not_make_is_refused(database: Database, secret: str) -> None:
    with database.writing() as connection, pytest.raises(InvalidInput):
        second.enrol(connection, NAME, secret, "000000")


# --- sessions --------------------------------------------------------------------------------------------------------


def opened(database: Database) -> Session:
    session = half_open(database)
    with database.writing() as connection:
        done = signin.enrolled(connection, session, SECRET, pyotp.TOTP(SECRET).now(), HERE)
    assert done
    return found(database, done[0])


def test_the_token_is_another_one_after_signing_in_and_only_its_hash_is_kept(database: Database) -> None:
    half = half_open(database)
    assert half.state == "enrol"
    with database.writing() as connection:
        done = signin.enrolled(connection, half, SECRET, pyotp.TOTP(SECRET).now(), HERE)
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
    with database.writing() as connection:
        sessions.forget_ended(connection, LIMITS)
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
    assert sessions.needs_noting(session)
    with database.writing() as connection:
        sessions.note_use(connection, session)
    assert found(database, session.token).seen_at > session.seen_at + 28 * MINUTE


def test_closing_an_account_ends_its_sessions_and_keeps_it_out(database: Database) -> None:
    token = opened(database).token
    with database.writing() as connection:
        accounts.set_disabled(connection, NAME, True)
    assert not is_found(database, token)
    assert signin.begin(database, NAME, PASSWORD, HERE) is None


def test_a_new_password_ends_every_other_session_and_renews_this_one(database: Database) -> None:
    session, other = opened(database), half_open(database)
    with database.writing() as connection:
        token = signin.change_password(connection, session, PASSWORD, "several unrelated words", HERE)
    assert is_found(database, token)
    assert not is_found(database, session.token)
    assert not is_found(database, other.token)
    assert signin.begin(database, NAME, PASSWORD, HERE) is None
    assert signin.begin(database, NAME, "several unrelated words", HERE) is not None


@pytest.mark.parametrize(("old", "new"), [("wrong", "several unrelated words"), (PASSWORD, PASSWORD), (PASSWORD, "x")])
def test_a_password_is_changed_by_whoever_knows_it_to_another_good_one(database: Database, old: str, new: str) -> None:
    session = opened(database)
    with pytest.raises(InvalidInput), database.writing() as connection:
        signin.change_password(connection, session, old, new, HERE)
    assert is_found(database, session.token)
    assert passwords.fits(kept(database).password, PASSWORD)


def test_a_password_that_was_set_by_somebody_else_has_to_be_changed_first(database: Database) -> None:
    enrolled(database)
    with database.writing() as connection:
        signin.reset(connection, NAME, "told by telephone")
    token = signin.begin(database, NAME, "told by telephone", HERE)
    assert token
    token = signin.show_second(database, found(database, token), next_code(), HERE)
    assert token
    session = found(database, token)
    assert session.state == "password"
    with database.writing() as connection:
        token = signin.change_password(connection, session, "told by telephone", "several unrelated words", HERE)
    assert found(database, token).state == "open"


# --- the trail -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("statement", ["UPDATE trail SET account = 'x'", "DELETE FROM trail"])
def test_the_database_itself_refuses_to_change_the_trail(database: Database, statement: str) -> None:
    with database.writing() as connection:
        trail.record(connection, NAME, "signed_in")
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), database.engine.begin() as connection:
        connection.exec_driver_sql(statement)
    assert deeds(database)[-1] == ("signed_in", "")


def test_a_deed_is_not_there_when_what_was_done_is_taken_back(database: Database) -> None:
    before = deeds(database)
    with pytest.raises(RuntimeError), database.writing() as connection:
        trail.record(connection, NAME, "signed_in")
        raise RuntimeError
    assert deeds(database) == before


def test_the_trail_is_filtered_paged_and_says_where_from(database: Database) -> None:
    with database.writing() as connection, trail.acting_from("192.0.2.9"):
        for number in range(5):
            trail.record(connection, NAME, "approved", f"proposal:{number}")
        trail.record(connection, "editor.b", "signed_in", "", "192.0.2.1")
    with database.writing() as connection:
        trail.record(connection, "editor.b", "propose", "proposal:9")
        mine = trail.Wanted(account=NAME, action="approved")
        first = trail.listed(connection, mine, limit=3)
        rest = trail.listed(connection, mine, before=first[-1].id, limit=3)
        others = trail.listed(connection, trail.Wanted(account="editor.b"))
        rows = connection.execute(sa.select(sa.func.count()).select_from(trail_table)).scalar_one()
    assert [one.about for one in [*first, *rest]] == [f"proposal:{number}" for number in (4, 3, 2, 1, 0)]
    assert {one.address for one in first} == {"192.0.2.9"}
    assert [(one.action, one.address) for one in others] == [("propose", "shell"), ("signed_in", "192.0.2.1")]
    assert rows >= 7
