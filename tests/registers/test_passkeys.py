"""Passkeys as a second factor: what is accepted, and what is refused although it was once right."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pyotp
import pytest

from registry.accounts import audit_log, factors, passkeys, sessions
from registry.accounts.passkeys import find_relying_party, require_relying_party
from registry.accounts.sessions import Session, SessionLimits
from registry.accounts.signin import Proof, SignIns, Visitor
from registry.errors import Conflict, InvalidInput, NotAllowed, NotFound
from registry.settings import Settings
from registry.storage.database import Database
from tests.factories import PASSWORD, a_database
from tests.virtual_passkeys import ORIGIN, Authenticator

NAME = "editor.a"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
HERE = Visitor(address="192.0.2.7", agent="Desk/1")
LIMITS = SessionLimits(idle=30, absolute=600)


class Desk:
    """One register at its https address, with an account that has an authenticator."""

    def __init__(self, folder: Path, public_url: str = ORIGIN) -> None:
        self.database: Database = a_database(folder)
        self.ins = SignIns(self.database, Settings(data_dir=folder, public_url=public_url))
        self.ins.vault.create_file()
        with self.database.writing() as connection:
            factors.enrol_factor(connection, self.ins.vault, NAME, SECRET, pyotp.TOTP(SECRET).now())

    def close(self) -> None:
        self.ins.close()
        self.database.close()

    def begin(self, name: str = NAME) -> Session:
        """A session that has shown its password."""
        return self.find(str(self.ins.sign_in(name, PASSWORD, HERE)[0]))

    def open(self, name: str = NAME) -> Session:
        """A session that is open, as after a sign-in."""
        with self.database.writing() as connection:
            token = sessions.create_session(connection, name, "open", HERE.address, HERE.agent)
        return self.find(token)

    def find(self, token: str) -> Session:
        with self.database.reading() as connection:
            session = sessions.find_session(connection, token, LIMITS)
        assert session is not None
        return session

    def add(self, one: Authenticator, name: str = NAME, **wrong: object) -> None:
        """Register a passkey in an open session."""
        session, party = self.open(name), require_relying_party(ORIGIN)
        with self.database.writing() as connection:
            options = passkeys.make_registration_options(connection, party, session)
            passkeys.save_passkey(connection, party, session, one.make(options, **wrong), "示例")

    def deeds(self) -> list[str]:
        with self.database.reading() as connection:
            return [event.action for event in audit_log.list_events(connection, audit_log.AuditFilter())]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    found = Desk(tmp_path)
    yield found
    found.close()


def test_a_passkey_opens_a_session_in_place_of_a_code_and_says_when_it_was_used(desk: Desk) -> None:
    one = Authenticator()
    desk.add(one)
    session = desk.begin()
    token = desk.ins.verify_second_factor(session, Proof(passkey=one.show(desk.ins.make_proof_options(session))), HERE)
    assert token is not None
    assert desk.find(token).state == "open"
    with desk.database.reading() as connection:
        [found] = passkeys.list_passkeys(connection, NAME)
        [event, *_] = audit_log.list_events(connection, audit_log.AuditFilter(action="signed_in"))
    assert found.last_used_at is not None
    assert event.about == "passkey"


def test_the_authenticator_and_the_recovery_codes_work_beside_it(desk: Desk) -> None:
    desk.add(Authenticator())
    with desk.database.writing() as connection:
        [code, *_] = factors.renew_recovery_codes(connection, NAME)
    assert desk.ins.verify_second_factor(desk.begin(), Proof(code=code), HERE)


def test_what_was_shown_once_opens_nothing_again(desk: Desk) -> None:
    """Also with a passkey that does not count, of which the counter says nothing."""
    one = Authenticator(count=0)
    desk.add(one)
    session = desk.begin()
    answer = Proof(passkey=one.show(desk.ins.make_proof_options(session)))
    assert desk.ins.verify_second_factor(session, answer, HERE)
    with pytest.raises(NotAllowed):  # sent twice at the same moment: that session is another one by now
        desk.ins.verify_second_factor(session, answer, HERE)
    assert desk.ins.verify_second_factor(desk.begin(), answer, HERE) is None  # in another sign-in


def test_a_proof_is_for_one_moment_of_one_session(desk: Desk) -> None:
    one = Authenticator(count=0)
    desk.add(one)
    session = desk.open()
    answer = Proof(passkey=one.show(desk.ins.make_proof_options(session)))
    assert not desk.ins.renew_proof(desk.open(), answer, HERE)
    assert desk.ins.renew_proof(session, answer, HERE)
    assert not desk.ins.renew_proof(desk.find(session.token), answer, HERE)


def with_key_of_another(one: Authenticator, options: str) -> str:
    other = Authenticator()
    other.id = one.id
    return other.show(options)


WRONG: dict[str, Callable[[Authenticator, str], str]] = {
    "another address": lambda one, options: one.show(options, "https://art.example.evil.example"),
    "another scheme": lambda one, options: one.show(options, "http://art.example"),
    "another challenge": lambda one, _: one.show('{"challenge": "AAAA"}'),
    "nobody verified": lambda one, options: one.show(options, verified=False),
    "another passkey": lambda _, options: Authenticator().show(options),
    "a registration": lambda one, options: one.make(options),
    "another signature": with_key_of_another,
    "no JSON": lambda *_: "{",
    "something else": lambda *_: json.dumps({"id": 1, "response": []}),
    "bytes that are none": lambda one, options: one.show(options).replace('"rawId": "', '"rawId": "é'),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_in_one_thing_is_refused_and_counted(desk: Desk, wrong: str) -> None:
    one = Authenticator()
    desk.add(one)
    session = desk.begin()
    answer = WRONG[wrong](one, desk.ins.make_proof_options(session))
    assert desk.ins.verify_second_factor(session, Proof(passkey=answer), HERE) is None
    assert desk.find(session.token).failures == 1
    right = one.show(desk.ins.make_proof_options(session))
    assert desk.ins.verify_second_factor(session, Proof(passkey=right), HERE)


def test_an_authenticator_of_another_site_is_refused(desk: Desk) -> None:
    one = Authenticator()
    desk.add(one)
    one.rp_id = "evil.example"
    session = desk.begin()
    answer = one.show(desk.ins.make_proof_options(session))
    assert desk.ins.verify_second_factor(session, Proof(passkey=answer), HERE) is None


@pytest.mark.parametrize("count", [0, 1, 4, 5])
def test_a_counter_that_does_not_grow_is_refused_and_stands_in_the_trail(desk: Desk, count: int) -> None:
    one = Authenticator(count=5)
    desk.add(one)
    one.count = count
    session = desk.begin()
    answer = one.show(desk.ins.make_proof_options(session))
    assert desk.ins.verify_second_factor(session, Proof(passkey=answer), HERE) is None
    assert "passkey_copied" in desk.deeds()


def test_five_wrong_answers_end_the_session_as_wrong_codes_do(desk: Desk) -> None:
    one = Authenticator()
    desk.add(one)
    session = desk.begin()
    for _ in range(sessions.TRIES - 1):
        assert desk.ins.verify_second_factor(session, Proof(passkey="{}"), HERE) is None
    with pytest.raises(NotAllowed):
        desk.ins.verify_second_factor(session, Proof(passkey="{}"), HERE)


def test_a_passkey_of_somebody_else_is_no_factor_of_this_account(desk: Desk) -> None:
    other = Authenticator()
    desk.add(other, "editor.b")
    desk.add(Authenticator())
    session = desk.begin()
    answer = other.show(desk.ins.make_proof_options(session))
    assert desk.ins.verify_second_factor(session, Proof(passkey=answer), HERE) is None


@pytest.mark.parametrize("wrong", [{"origin": "https://evil.example"}, {"verified": False}])
def test_a_passkey_made_elsewhere_or_without_a_person_is_not_stored(desk: Desk, wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        desk.add(Authenticator(), **wrong)
    with desk.database.reading() as connection:
        assert passkeys.list_passkeys(connection, NAME) == []


def test_one_that_was_removed_is_worth_nothing_and_cannot_come_back(desk: Desk) -> None:
    one, party, session = Authenticator(), require_relying_party(ORIGIN), desk.open()
    with desk.database.writing() as connection:
        answer = one.make(passkeys.make_registration_options(connection, party, session))
        passkeys.save_passkey(connection, party, session, answer, "示例")
        [found] = passkeys.list_passkeys(connection, NAME)
        with pytest.raises(NotFound):
            passkeys.remove_passkey(connection, "editor.b", found.id)
        passkeys.remove_passkey(connection, NAME, found.id)
        with pytest.raises(InvalidInput):  # the same answer sent again
            passkeys.save_passkey(connection, party, session, answer, "示例")
        again = one.make(passkeys.make_registration_options(connection, party, session))
        with pytest.raises(Conflict):
            passkeys.save_passkey(connection, party, session, again, "示例")
    half = desk.begin()
    assert desk.ins.make_proof_options(half) == ""


def test_whose_factor_is_reset_has_no_passkey_either(desk: Desk) -> None:
    desk.add(Authenticator())
    with desk.database.writing() as connection:
        factors.remove_factor(connection, NAME)
        assert passkeys.list_passkeys(connection, NAME) == []


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8000", "https://192.0.2.7", "https://[2001:db8::1]", "http://art.example"]
)
def test_at_an_address_that_browsers_offer_no_passkeys_at_it_is_refused_with_a_sentence(
    address: str, tmp_path: Path
) -> None:
    assert find_relying_party(address) is None
    with pytest.raises(Conflict) as refused:
        require_relying_party(address)
    assert address in refused.value.get_text("en")
    desk = Desk(tmp_path, address)
    desk.add(Authenticator())  # from before the address became another
    session = desk.begin()
    assert desk.ins.make_proof_options(session) == ""
    assert desk.ins.verify_second_factor(session, Proof(passkey="{}"), HERE) is None
    desk.close()
