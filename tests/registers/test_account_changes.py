"""Changes of accounts take two administrators: by rules, and over drawn histories of whoever tries."""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry import accounts
from registry.accounts import audit_log, changes, factors, passwords, sessions
from registry.accounts.changes import ChangeRequest
from registry.accounts.signin import Proof, SignIns, Visitor
from registry.accounts.vault import Vault
from registry.errors import Conflict, InvalidInput, NotAllowed, NotFound, RegistryError
from registry.settings import Settings
from registry.storage.account_tables import account_changes
from registry.storage.database import Database
from tests.factories import PASSWORD, a_database
from tests.thoroughness import count_examples

ONE, TWO, THREE = "admin.one", "admin.two", "admin.three"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
HERE = Visitor(address="192.0.2.7", agent="Desk/1")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A register with three administrators, as a shell made them; all have an authenticator, as has approver.a."""
    found = a_database(tmp_path)
    vault = Vault(tmp_path / "secrets.key")
    vault.create_file()
    with found.writing() as connection:
        for name in (ONE, TWO, THREE):
            accounts.create_account(connection, name, ["administrator"], PASSWORD)
        for name in (ONE, TWO, THREE, "approver.a"):
            factors.enrol_factor(connection, vault, name, SECRET, pyotp.TOTP(SECRET).now())
    yield found
    found.close()


def submit(database: Database, who: str, kind: changes.Kind, account: str, **values: object) -> int | None:
    request = ChangeRequest(kind=kind, account=account, password=passwords.hash_password(PASSWORD), **values)
    with database.writing() as connection:
        return changes.submit_change(connection, who, request)


def confirm(database: Database, who: str, number: int) -> str:
    with database.writing() as connection:
        return changes.confirm_change(connection, who, number)[1]


def find(database: Database, name: str) -> accounts.Account | None:
    with database.reading() as connection:
        return accounts.find_account(connection, name)


def state_of(database: Database, number: int) -> str:
    with database.reading() as connection:
        return changes.get_change(connection, number).state


def deeds(database: Database) -> list[tuple[str, str, str]]:
    with database.reading() as connection:
        events = audit_log.list_events(connection, audit_log.AuditFilter())
    return [(event.account, event.action, event.about) for event in events][::-1]


# --- what one person asks for and another one confirms ---------------------------------------------------------------


@pytest.mark.parametrize("roles", [("approver",), ("administrator",), ("editor", "approver")])
def test_an_account_that_decides_is_there_once_another_administrator_confirmed_it(
    database: Database, roles: tuple[str, ...]
) -> None:
    number = submit(database, ONE, "create", "new.a", roles=roles, region="210300")
    assert number is not None
    assert find(database, "new.a") is None
    code = confirm(database, TWO, number)
    made = find(database, "new.a")
    assert made is not None
    assert (made.roles, made.region, made.must_change) == (frozenset(roles), "210300", True)
    assert len(code) == 11
    assert made.needs_activation
    assert deeds(database)[-2:] == [
        (ONE, "account_change_requested", f"account_change:{number} create new.a"),
        (TWO, "account_change_confirmed", f"account_change:{number} create new.a"),
    ]


@pytest.mark.parametrize("roles", [("editor",), ("publisher",), ("auditor",)])
def test_one_that_decides_nothing_is_made_by_one_administrator(database: Database, roles: tuple[str, ...]) -> None:
    assert submit(database, ONE, "create", "new.a", roles=roles) is None
    assert find(database, "new.a") is not None
    assert deeds(database)[-1] == (ONE, "account_added", "account:new.a")


@pytest.mark.parametrize("roles", [("editor",), ("publisher",)])
def test_an_administrator_who_may_approve_makes_no_proposer_alone(database: Database, roles: tuple[str, ...]) -> None:
    """They would propose as one and approve as the other."""
    with database.writing() as connection:
        accounts.change_rights(connection, ONE, ["administrator", "approver"], "")
    assert submit(database, ONE, "create", "new.a", roles=roles) is not None
    assert find(database, "new.a") is None


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("rights", {"roles": ("approver", "editor")}),
        ("rights", {"roles": ("auditor",)}),
        ("rights", {"roles": ("approver",), "region": "210300"}),
        ("forget_second", {}),
        ("link", {"external": "sub-1"}),
    ],
)
def test_roles_regions_factors_and_identities_change_by_two(
    database: Database, kind: changes.Kind, values: dict[str, object]
) -> None:
    before = find(database, "approver.a")
    number = submit(database, ONE, kind, "approver.a", **values)
    assert number is not None
    assert find(database, "approver.a") == before
    confirm(database, TWO, number)
    assert find(database, "approver.a") != before


def test_a_closed_approver_comes_back_by_two_and_goes_by_one(database: Database) -> None:
    assert submit(database, ONE, "close", "approver.a") is None
    number = submit(database, ONE, "open", "approver.a")
    assert number is not None
    assert find(database, "approver.a").disabled
    confirm(database, TWO, number)
    assert not find(database, "approver.a").disabled


def test_a_password_is_reset_by_one_only_where_a_second_factor_still_keeps_the_account(database: Database) -> None:
    assert submit(database, ONE, "reset", "approver.a") is None
    assert submit(database, ONE, "reset", "approver.b") is not None  # who has none yet: the password would be enough


# --- who may not -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", [ONE, "approver.a", "auditor.a", "gone.a", "nobody.a"])
def test_neither_the_requester_nor_whoever_is_concerned_or_no_administrator_decides(
    database: Database, who: str
) -> None:
    """Two sessions of one person are one account: the rule looks at names, not at sessions."""
    number = submit(database, ONE, "rights", "approver.a", roles=("administrator",))
    with pytest.raises(NotAllowed):
        confirm(database, who, number)
    with pytest.raises(NotAllowed), database.writing() as connection:
        changes.refuse_change(connection, who, number, "示例")
    assert state_of(database, number) == "pending"


def test_whom_it_is_about_does_not_confirm_it_though_an_administrator(database: Database) -> None:
    number = submit(database, ONE, "rights", TWO, roles=("administrator", "approver"))
    with pytest.raises(NotAllowed):
        confirm(database, TWO, number)
    confirm(database, THREE, number)
    with pytest.raises(NotAllowed):
        submit(database, ONE, "rights", ONE, roles=("administrator", "approver"))


def test_what_an_administrator_asked_for_who_is_none_any_more_is_not_confirmed(database: Database) -> None:
    number = submit(database, ONE, "create", "new.a", roles=("approver",))
    submit(database, TWO, "close", ONE)
    with pytest.raises(Conflict, match=ONE):
        confirm(database, TWO, number)
    with database.writing() as connection:
        changes.refuse_change(connection, TWO, number, "示例")


def test_an_administrator_with_a_region_manages_and_confirms_inside_it_alone(database: Database) -> None:
    with database.writing() as connection:
        accounts.change_rights(connection, ONE, ["administrator"], "210300")
        accounts.change_rights(connection, THREE, ["administrator"], "210100")
    for region in ("", "210000", "210100"):
        with pytest.raises(NotAllowed):
            submit(database, ONE, "create", "new.a", roles=("editor",), region=region)
    with pytest.raises(NotAllowed):
        submit(database, ONE, "close", "approver.a")  # who is of the whole country
    number = submit(database, ONE, "create", "new.a", roles=("approver",), region="210303")
    with pytest.raises(NotAllowed):
        confirm(database, THREE, number)
    with database.reading() as connection:
        waiting = [changes.count_decidable(connection, accounts.get_account(connection, name)) for name in (TWO, THREE)]
    assert waiting == [1, 0]
    confirm(database, TWO, number)
    with pytest.raises(NotAllowed):
        submit(database, ONE, "rights", "new.a", roles=("approver",), region="")


# --- overtaken, too late, twice --------------------------------------------------------------------------------------


def test_of_two_confirmations_at_once_one_is_too_late(database: Database) -> None:
    number = submit(database, ONE, "create", "new.a", roles=("approver",))
    found: list[str] = []

    def press(who: str) -> None:
        try:
            found.append(confirm(database, who, number))
        except Conflict as error:
            found.append(error.code)

    threads = [threading.Thread(target=press, args=(who,)) for who in (TWO, THREE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(text) for text in found) == [len("conflict"), 11]
    assert [action for _, action, _ in deeds(database)].count("account_change_confirmed") == 1


def test_a_change_overtaken_by_another_is_refused_with_a_sentence_and_can_be_put_away(database: Database) -> None:
    first = submit(database, ONE, "rights", "approver.a", roles=("approver", "editor"))
    second = submit(database, TWO, "link", "approver.a", external="sub-1")
    confirm(database, THREE, second)
    assert state_of(database, first) == "overtaken"
    with pytest.raises(Conflict, match="其他变更"):
        confirm(database, THREE, first)
    with database.writing() as connection:
        changes.withdraw_change(connection, ONE, first)
    assert state_of(database, first) == "withdrawn"
    assert submit(database, ONE, "rights", "approver.a", roles=("approver", "editor")) is not None


def test_a_name_that_the_shell_gave_away_meanwhile_overtakes_a_new_account(database: Database) -> None:
    number = submit(database, ONE, "create", "new.a", roles=("approver",))
    with database.writing() as connection:
        accounts.create_account(connection, "new.a", ["editor"], PASSWORD)
    with pytest.raises(Conflict):
        confirm(database, TWO, number)
    assert find(database, "new.a").roles == {"editor"}


def test_after_a_week_nobody_confirms_it_any_more(database: Database) -> None:
    number = submit(database, ONE, "create", "new.a", roles=("approver",))
    with database.writing() as connection:
        earlier = account_changes.c.requested_at - (changes.DAYS * 86_400_000 + 1)
        connection.execute(sa.update(account_changes).values(requested_at=earlier))
    assert state_of(database, number) == "expired"
    with pytest.raises(Conflict, match=str(changes.DAYS)):
        confirm(database, TWO, number)
    with database.reading() as connection:
        assert changes.list_changes(connection, pending=True) == []
        assert [one.state for one in changes.list_changes(connection, pending=False)] == ["expired"]
    assert submit(database, ONE, "create", "new.a", roles=("approver",)) is not None


def test_a_refusal_has_a_reason_and_only_the_requester_takes_it_back(database: Database) -> None:
    number = submit(database, ONE, "forget_second", "approver.a")
    with pytest.raises(InvalidInput), database.writing() as connection:
        changes.refuse_change(connection, TWO, number, "")
    with pytest.raises(NotAllowed), database.writing() as connection:
        changes.withdraw_change(connection, TWO, number)
    with database.writing() as connection:
        changes.refuse_change(connection, TWO, number, "本人没有丢失验证器")
    for late in (lambda c: changes.confirm_change(c, THREE, number), lambda c: changes.withdraw_change(c, ONE, number)):
        with pytest.raises(Conflict, match=TWO), database.writing() as connection:
            late(connection)
    assert find(database, "approver.a").has_second
    assert "本人" not in str(deeds(database))  # the trail holds no text that somebody wrote


def test_the_same_is_not_asked_for_twice_and_nothing_that_changes_nothing(database: Database) -> None:
    submit(database, ONE, "forget_second", "approver.a")
    with pytest.raises(Conflict):
        submit(database, TWO, "forget_second", "approver.a")
    with pytest.raises(InvalidInput):
        submit(database, ONE, "rights", "approver.a", roles=("approver",))
    with pytest.raises(NotFound):
        submit(database, ONE, "rights", "nobody.a", roles=("approver",))
    with pytest.raises(Conflict):
        submit(database, ONE, "open", "approver.a")


# --- taking an account over ------------------------------------------------------------------------------------------


def test_neither_of_the_two_alone_can_sign_in_as_whose_factor_they_reset(database: Database, tmp_path: Path) -> None:
    """The requester knows the password, whoever confirmed the activation code; its holder is given both."""
    number = submit(database, ONE, "forget_second", "approver.a")
    code = confirm(database, TWO, number)
    ins = SignIns(database, Settings(data_dir=tmp_path))
    token, _ = ins.sign_in("approver.a", PASSWORD, HERE)
    with database.reading() as connection:
        half = find_session(connection, token)
    assert half.state == "enrol"
    for guess in ("", "00000-00000"):
        shown = Proof(code=pyotp.TOTP(SECRET).now(), activation=guess)
        with pytest.raises(InvalidInput) as refused:
            ins.enrol_factor(half, SECRET, shown, HERE)
        assert refused.value.details["field"] == "activation"
    assert ins.enrol_factor(half, SECRET, Proof(code=pyotp.TOTP(SECRET).now(), activation=code), HERE)
    assert not find(database, "approver.a").needs_activation
    ins.close()


def find_session(connection: sa.Connection, token: str | None) -> sessions.Session:
    found = sessions.find_session(connection, str(token), sessions.SessionLimits(idle=30, absolute=600))
    assert found is not None
    return found


def test_the_last_administrator_stays(database: Database) -> None:
    for name in (TWO, THREE):
        submit(database, ONE, "close", name)
    with database.reading() as connection:
        assert changes.count_administrators(connection) == 1
    for kind in ("close", "rights"):
        with pytest.raises(NotAllowed):
            submit(database, ONE, kind, ONE, roles=("auditor",))
    number = submit(database, ONE, "open", TWO)  # waits for somebody who is not there: the shell makes one
    with database.writing() as connection:
        accounts.create_account(connection, "admin.four", ["administrator"], PASSWORD)
    confirm(database, "admin.four", number)


# --- drawn histories -------------------------------------------------------------------------------------------------

NAMES = [ONE, TWO, THREE, "approver.a", "editor.a", "new.a", "new.b"]
ROLE_SETS = [("editor",), ("approver",), ("administrator",), ("auditor",), ("editor", "administrator")]
STEP = st.tuples(
    st.sampled_from([*changes.KINDS, "confirm", "confirm", "confirm", "refuse", "withdraw"]),
    st.sampled_from(NAMES),
    st.sampled_from(NAMES),
    st.sampled_from(ROLE_SETS),
    st.integers(0, 4),
)


def perform(database: Database, step: tuple[str, str, str, tuple[str, ...], int], pending: list[int]) -> set[str]:
    """Do one step if the rules let it; the accounts whose deeds brought about what changed by it."""
    kind, who, about, roles, which = step
    with database.writing() as connection:
        if kind not in ("confirm", "refuse", "withdraw"):
            request = ChangeRequest(kind=kind, account=about, roles=roles, external=f"sub-{about}", password="x")
            number = changes.submit_change(connection, who, request)
            pending += [number] if number else []
            return {who}
        if not pending:
            return set()
        number = pending[which % len(pending)]
        if kind == "refuse":
            changes.refuse_change(connection, who, number, "示例")
        elif kind == "withdraw":
            changes.withdraw_change(connection, who, number)
        else:
            change, _ = changes.confirm_change(connection, who, number)
            assert who != change.request.account
            return {who, change.requester}
    return set()


def deciding(database: Database) -> dict[str, frozenset[str]]:
    """The deciding roles of each account that is open."""
    with database.reading() as connection:
        found = accounts.list_accounts(connection)
    return {one.name: one.roles & changes.DECIDING for one in found if not one.disabled}


def with_factor(database: Database) -> set[str]:
    """The accounts that have a second factor."""
    with database.reading() as connection:
        return {one.name for one in accounts.list_accounts(connection) if one.has_second}


@given(steps=st.lists(STEP, max_size=25))
@settings(max_examples=count_examples(120), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nobody_gains_a_deciding_role_or_loses_a_factor_by_one_persons_deed(
    database: Database, tmp_path: Path, steps: list[tuple[str, str, str, tuple[str, ...], int]]
) -> None:
    """Both who asked and who confirmed were administrators before, and neither is whom it made more than they were:
    so whoever decides was let in by two, back to those whom the shell made."""
    database.close()  # so that the file holds everything
    mine = Database(f"sqlite:///{shutil.copyfile(str(database.url.database), tmp_path / 'drawn.sqlite')}")
    pending: list[int] = []
    for step in steps:
        before, factors_before, by = deciding(mine), with_factor(mine), set[str]()
        with contextlib.suppress(RegistryError):
            by = perform(mine, step, pending)
        after = deciding(mine)
        changed = {name for name, roles in after.items() if roles - before.get(name, frozenset())}
        changed |= factors_before - with_factor(mine)
        if changed:
            assert len(by) == 2
            assert not by & changed
            assert all("administrator" in before[name] for name in by)
        assert any("administrator" in roles for roles in after.values())
    mine.close()
