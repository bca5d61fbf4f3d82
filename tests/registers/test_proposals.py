from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from registry import accounts, proposals
from registry.cli import common
from registry.domain.model import Change, Draft
from registry.errors import Conflict, FourEyesViolation, InvalidInput, NotAllowed, NotFound, RegistryError
from registry.log import check as log_check
from registry.log import store
from registry.proposals import views
from registry.records import asof, lookup
from registry.storage.database import Database
from registry.storage.tables import entries, proposal_items, touches
from registry.storage.tables import proposals as proposals_table
from tests.factories import (
    DAY,
    PASSWORD,
    a_change,
    a_database,
    a_person,
    a_source,
    an_institution,
    approve,
    enter,
    hash_of,
    propose,
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = a_database(tmp_path)
    yield database
    database.close()


def size(database: Database) -> int:
    with database.reading() as connection:
        return store.read_head(connection).size


def state(database: Database, identifier: int) -> str:
    with database.reading() as connection:
        return proposals.get_proposal(connection, identifier).state


def everything(database: Database) -> list[Any]:
    with database.reading() as connection:
        tables = (entries, proposals_table, proposal_items, touches)
        return [connection.execute(sa.select(table)).all() for table in tables]


def touch(database: Database, identifier: int, account: str, action: str = "amend") -> None:
    with database.writing() as connection:
        connection.execute(sa.insert(touches).values(proposal=identifier, account=account, action=action, at=1))


def test_two_people_put_an_entry_into_the_log(database: Database) -> None:
    identifier = propose(database, a_source(), an_institution(), by="editor.a")
    assert size(database) == 0
    assert approve(database, identifier, by="approver.a") == (1, 2)
    with database.reading() as connection:
        told = proposals.get_proposal(connection, identifier)
        log = [entry for chunk in store.read_entries(connection) for entry in chunk]
    assert (told.state, told.decided_by, told.first_entry, told.last_entry) == ("approved", "approver.a", 1, 2)
    assert told.touched_by == ["editor.a", "approver.a"]
    assert {(e.proposer, e.approver, e.proposal) for e in log} == {("editor.a", "approver.a", identifier)}
    assert [e.subject for e in log] == [a_source().subject, an_institution().subject]


@pytest.mark.parametrize("proposer", ["both.a", "both.b", "editor.a"])
@pytest.mark.parametrize("approver", ["both.a", "both.b", "approver.a"])
def test_nobody_approves_what_they_proposed(database: Database, proposer: str, approver: str) -> None:
    identifier = propose(database, a_source(), by=proposer)
    if proposer == approver:
        with pytest.raises(FourEyesViolation):
            approve(database, identifier, by=approver)
        assert (state(database, identifier), size(database)) == ("pending", 0)
    else:
        assert approve(database, identifier, by=approver) == (1, 1)


@pytest.mark.parametrize("order", [("editor.a", "both.a", "editor.b"), ("editor.a", "editor.b", "both.a")])
def test_nobody_approves_what_they_touched_first_last_or_between(database: Database, order: tuple[str, ...]) -> None:
    identifier = propose(database, a_source(), by=order[0])
    for account in order[1:]:
        touch(database, identifier, account)
    with pytest.raises(FourEyesViolation):
        approve(database, identifier, by="both.a")
    assert size(database) == 0
    approve(database, identifier, by="both.b")


def test_a_second_touch_does_not_wash_away_the_first(database: Database) -> None:
    identifier = propose(database, a_source(), by="both.a")
    touch(database, identifier, "both.b")
    for account in ("both.a", "both.b"):
        with pytest.raises(FourEyesViolation):
            approve(database, identifier, by=account)


@pytest.mark.parametrize("account", ["approver.a", "auditor.a", "gone.a", "nobody", "", "editor.a "])
def test_only_an_enabled_editor_proposes(database: Database, account: str) -> None:
    before = everything(database)
    with pytest.raises(NotAllowed):
        propose(database, a_source(), by=account)
    assert everything(database) == before


@pytest.mark.parametrize("account", ["editor.b", "auditor.a", "gone.a", "nobody", "", "APPROVER.A"])
def test_only_an_enabled_approver_decides(database: Database, account: str) -> None:
    identifier = propose(database, a_source())
    before = everything(database)
    with pytest.raises(NotAllowed):
        approve(database, identifier, by=account)
    with pytest.raises(NotAllowed):
        proposals.reject(database, identifier, by=account, reason="示例")
    assert everything(database) == before


def test_an_account_disabled_after_proposing_leaves_its_proposal_to_others(database: Database) -> None:
    identifier = propose(database, a_source(), by="both.a")
    with database.writing() as connection:
        connection.execute(sa.text("UPDATE accounts SET disabled_at = 1 WHERE name = 'both.a'"))
    with pytest.raises(NotAllowed):
        propose(database, a_source("list-2"), by="both.a")
    approve(database, identifier, by="both.b")


def test_the_accounts_of_the_seed_cannot_be_made_by_anybody(database: Database) -> None:
    for name in ("system.seed", "system.installation", "system.x"):
        with database.writing() as connection, pytest.raises(InvalidInput):
            accounts.create_account(connection, name, ["editor", "approver"], PASSWORD)


def test_the_seeds_accounts_have_one_role_each(database: Database) -> None:
    with pytest.raises(NotAllowed):
        propose(database, a_source(), by=accounts.SEED_APPROVER)
    identifier = propose(database, a_source(), by=accounts.SEED_PROPOSER)
    with pytest.raises(NotAllowed):
        approve(database, identifier, by=accounts.SEED_PROPOSER)


@pytest.mark.parametrize("seen", ["", "0" * 64, "not a hash"])
def test_an_approval_is_bound_to_what_was_seen(database: Database, seen: str) -> None:
    identifier = propose(database, a_source())
    with pytest.raises(Conflict):
        proposals.approve(database, identifier, by="approver.a", seen=seen)
    assert (state(database, identifier), size(database)) == ("pending", 0)


def test_the_hash_of_one_proposal_does_not_approve_another(database: Database) -> None:
    first, second = propose(database, a_source()), propose(database, a_source("list-2"))
    with pytest.raises(Conflict):
        proposals.approve(database, second, by="approver.a", seen=hash_of(database, first))


def test_the_hash_depends_on_every_draft_and_their_order(database: Database) -> None:
    a, b = an_institution("鞍山市示例甲医院"), an_institution("鞍山市示例乙医院")
    other = msgspec.structs.replace(b, valid_from=DAY + dt.timedelta(days=1))
    lists = [(a, b), (b, a), (a,), (b,), (a, b, b), (a, other)]
    hashes = [hash_of(database, propose(database, *drafts)) for drafts in lists]
    assert len(set(hashes)) == len(lists)
    assert hash_of(database, propose(database, a, b)) == hashes[0]


def test_a_proposal_whose_subject_changed_meanwhile_is_stale(database: Database) -> None:
    hospital = an_institution()
    enter(database, a_source(), hospital)
    stale = propose(database, a_change(hospital, DAY, {"level": "三级"}))
    unrelated = propose(database, an_institution("鞍山市示例乙医院"))
    enter(database, a_change(hospital, DAY, {"level": "二级"}))
    with pytest.raises(Conflict) as refusal:
        approve(database, stale)
    assert refusal.value.details["subject"] == hospital.subject
    assert state(database, stale) == "pending"
    approve(database, unrelated)


def test_a_proposal_worked_out_on_an_older_register_is_stale(database: Database) -> None:
    hospital = an_institution()
    enter(database, a_source(), hospital)
    with pytest.raises(Conflict):
        approve(database, propose(database, a_change(hospital, DAY, {"level": "三级"}), base_size=1))
    approve(database, propose(database, a_change(hospital, DAY, {"level": "三级"}), base_size=2))


def test_nothing_is_approved_twice(database: Database) -> None:
    identifier = propose(database, a_source())
    approve(database, identifier)
    for again in ("approver.a", "approver.b"):
        with pytest.raises(Conflict):
            approve(database, identifier, by=again)
    assert size(database) == 1


def test_what_was_rejected_is_never_approved(database: Database) -> None:
    identifier = propose(database, a_source())
    proposals.reject(database, identifier, by="both.a", reason="地址有误")
    for account in ("both.a", "approver.b"):
        with pytest.raises(Conflict):
            approve(database, identifier, by=account)
    with pytest.raises(Conflict):
        proposals.reject(database, identifier, by="approver.b", reason="再次")
    with database.reading() as connection:
        told = proposals.get_proposal(connection, identifier)
    assert (told.state, told.reason, told.decided_by) == ("rejected", "地址有误", "both.a")
    assert size(database) == 0


def test_what_was_approved_is_never_rejected(database: Database) -> None:
    identifier = propose(database, a_source())
    approve(database, identifier)
    with pytest.raises(Conflict):
        proposals.reject(database, identifier, by="approver.b", reason="示例")


@pytest.mark.parametrize("reason", ["", " ", "\n\t"])
def test_a_rejection_needs_a_reason(database: Database, reason: str) -> None:
    identifier = propose(database, a_source())
    with pytest.raises(InvalidInput):
        proposals.reject(database, identifier, by="approver.a", reason=reason)
    assert state(database, identifier) == "pending"


def test_an_unknown_proposal_is_not_found(database: Database) -> None:
    with pytest.raises(NotFound):
        proposals.approve(database, 99, by="approver.a", seen="")
    with pytest.raises(NotFound):
        proposals.reject(database, 99, by="approver.a", reason="示例")


def test_an_empty_proposal_is_refused(database: Database) -> None:
    before = everything(database)
    with pytest.raises(InvalidInput):
        propose(database)
    assert everything(database) == before


def wrong(subject: str | None = None, kind: str = "institution", **values: Any) -> Draft:
    good = an_institution()
    return Draft(
        subject=good.subject if subject is None else subject,
        change=Change(kind=kind, set=values or {"level": "三级"}),  # type: ignore[arg-type]
        valid_from=DAY,
    )


GOOD_CODE = an_institution().subject.partition(":")[2]
WRONG = {
    "an unknown field": wrong(colour="red"),
    "an unknown technique": wrong(**{"approvals.CLONING": {"stage": "formal"}}),
    "an approval without technique": wrong(**{"approvals.": {"stage": "formal"}}),
    "an unknown stage": wrong(**{"approvals.IVF": {"stage": "open"}}),
    "an approval without stage": wrong(**{"approvals.IVF": {}}),
    "an unknown field of an approval": wrong(**{"approvals.IVF": {"stage": "formal", "colour": "red"}}),
    "a float": wrong(level=1.5),
    "a float in an extra column": wrong(**{"extra.床位": 1.5}),
    "a number in an extra column": wrong(**{"extra.床位": 100}),
    "an extra column without heading": wrong(**{"extra.": "x"}),
    "an unknown region": wrong(region="999999"),
    "a region that is none": wrong(region="鞍山"),
    "an unknown status": wrong(status="closed"),
    "a day that is none": wrong(**{"approvals.IVF": {"stage": "formal", "valid_from": "2025-13-01"}}),
    "a list that is none": wrong(aliases="示例"),
    "a mistyped code": wrong(f"institution:{GOOD_CODE[:-1]}{'0' if GOOD_CODE[-1] != '0' else '1'}"),
    "a code as printed": wrong(f"institution:{GOOD_CODE[:4]}-{GOOD_CODE[4:]}"),
    "a code in lower case": wrong(f"institution:{GOOD_CODE.lower()}"),
    "no code": wrong("institution:"),
    "no kind": wrong(GOOD_CODE),
    "another kind": wrong(f"practitioner:{GOOD_CODE}"),
    "an unknown kind": wrong(f"hospital:{GOOD_CODE}", kind="hospital"),
    "half a character": wrong(name="示例\ud800医院"),
    "nothing said": Draft(subject=an_institution().subject, change=Change(kind="institution", set={}), valid_from=DAY),
    "a technique of a person": wrong(f"practitioner:{GOOD_CODE}", kind="practitioner", techniques=["CLONING"]),
    "a source without a day": wrong("source:list-9", kind="source", title="示例", as_of="soon"),
    "a source of an unknown scope": wrong("source:list-9", kind="source", title="示例", scope="everywhere"),
    "an entry that is too long": wrong(**{"extra.备注": "示" * 30_000}),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_draft_leaves_nothing_of_its_proposal_behind(database: Database, what: str) -> None:
    enter(database, a_source())
    before = everything(database)
    for drafts in ((WRONG[what],), (an_institution(), WRONG[what]), (WRONG[what], an_institution())):
        with pytest.raises(RegistryError) as refusal:
            propose(database, *drafts)
        assert isinstance(refusal.value, InvalidInput)
        assert refusal.value.zh
        assert refusal.value.en
    assert everything(database) == before


def test_a_draft_wrong_after_thousands_of_good_ones_leaves_nothing(database: Database) -> None:
    before = everything(database)
    many = [an_institution(f"鞍山市示例{n}医院") for n in range(2500)]
    with pytest.raises(InvalidInput):
        propose(database, *many, WRONG["an unknown field"])
    assert everything(database) == before


def test_a_source_that_says_too_little_breaks_no_reader(database: Database) -> None:
    hospital = an_institution()
    enter(database, a_source(), hospital)
    enter(database, wrong("source:list-9", kind="source", published="2025-07-01"))
    with database.reading() as connection:
        assert lookup.get_institution(connection, GOOD_CODE, asof.make_as_of(connection)).source is not None


def test_proposals_are_listed_newest_first_by_state(database: Database) -> None:
    ids = [propose(database, a_source(f"list-{n}")) for n in range(4)]
    approve(database, ids[0])
    proposals.reject(database, ids[1], by="approver.a", reason="示例")
    with database.reading() as connection:
        assert [p.id for p in proposals.list_proposals(connection)] == [ids[3], ids[2]]
        assert [p.id for p in proposals.list_proposals(connection, "approved")] == [ids[0]]
        assert [p.id for p in proposals.list_proposals(connection, None)] == ids[::-1]
        assert [d.subject for d in proposals.read_drafts(connection, ids[2])] == ["source:list-2"]


def test_personal_values_are_stored_apart_and_come_back(database: Database) -> None:
    hospital = an_institution()
    person = a_person(hospital)
    enter(database, a_source(), hospital, person)
    with database.reading() as connection:
        bodies = connection.execute(sa.select(entries.c.body)).scalars().all()
        entry = store.read_subject_entries(connection, person.subject, 3)[0]
    assert not any("示例员甲".encode() in body for body in bodies)
    assert entry.change == person.change


def test_after_everything_the_log_and_its_views_hold(database: Database) -> None:
    hospital = an_institution()
    enter(database, a_source(), hospital)
    enter(database, a_change(hospital, DAY, {"level": "三级"}), a_change(hospital, DAY, {"level": "二级"}))
    with database.reading() as connection:
        assert log_check.check_log(connection).size == 4
    views.check_views(database)


def test_a_person_belongs_to_an_institution_of_the_register_or_of_the_same_proposal(database: Database) -> None:
    hospital = an_institution("示例市示例医院")
    with pytest.raises(InvalidInput, match="不在名录中"):
        propose(database, a_person(hospital))
    assert not any(everything(database))
    approve(database, propose(database, hospital, a_person(hospital)))
    approve(database, propose(database, a_person(hospital, name="示例员乙")))


def test_people_may_sign_on_only_with_their_own_names_in_the_shell(database: Database) -> None:
    with pytest.raises(NotAllowed):
        common._check_acting_account(None, None, accounts.SEED_APPROVER)  # type: ignore[arg-type]
    assert common._check_acting_account(None, None, "anshan-approver-1") == "anshan-approver-1"  # type: ignore[arg-type]
