from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from registry import accounts, proposals
from registry.errors import Conflict, FourEyesViolation, InvalidInput, NotAllowed
from registry.log import check, four_eyes
from registry.storage.database import Database
from registry.storage.tables import proposal_items, trail
from tests.factories import a_change, a_person, a_source, an_institution, approve, enter, hash_of, propose

HOSPITAL = an_institution()
NAME = "示例员丙"


@pytest.fixture
def waiting(database: Database) -> int:
    """A proposal that changes the level of a hospital of the register."""
    enter(database, a_source(), HOSPITAL)
    return propose(database, a_change(HOSPITAL, a_source().valid_from, {"level": "三级甲等"}))


def state_of(database: Database, identifier: int) -> proposals.Proposal:
    with database.reading() as connection:
        return proposals.get_proposal(connection, identifier)


def amend(database: Database, identifier: int, level: str = "二级甲等", by: str = "editor.b", **told: str) -> str:
    draft = a_change(HOSPITAL, a_source().valid_from, {"level": level})
    seen = told.get("seen") or hash_of(database, identifier)
    return proposals.amend(database, identifier, [draft], by=by, seen=seen)


def test_an_amended_proposal_appends_what_it_says_now(database: Database, waiting: int) -> None:
    assert amend(database, waiting) == hash_of(database, waiting)
    approve(database, waiting)
    with database.reading() as connection:
        check.check_log(connection)
        four_eyes.check_proposals(connection)
        assert [draft.change.set for draft in proposals.read_drafts(connection, waiting)] == [{"level": "二级甲等"}]
        assert [touch.action for touch in proposals.list_touches(connection, waiting)] == [
            "propose",
            "amended",
            "approved",
        ]


def test_an_approval_of_what_was_seen_before_an_amendment_is_refused(database: Database, waiting: int) -> None:
    seen = hash_of(database, waiting)
    amend(database, waiting)
    with pytest.raises(Conflict):
        proposals.approve(database, waiting, by="approver.a", seen=seen)


def test_whoever_amends_has_a_hand_in_it(database: Database, waiting: int) -> None:
    amend(database, waiting, by="both.a")
    with pytest.raises(FourEyesViolation):
        approve(database, waiting, by="both.a")
    approve(database, waiting, by="both.b")


def test_the_second_of_two_who_amend_at_once_is_told(database: Database, waiting: int) -> None:
    seen = hash_of(database, waiting)
    amend(database, waiting, "二级甲等", by="editor.a", seen=seen)
    with pytest.raises(Conflict):
        amend(database, waiting, "一级甲等", by="editor.b", seen=seen)
    assert hash_of(database, waiting) != seen


def test_a_stale_proposal_can_be_amended_and_then_approved(database: Database, waiting: int) -> None:
    enter(database, a_change(HOSPITAL, a_source().valid_from, {"campus": "东院"}))
    with pytest.raises(Conflict):
        approve(database, waiting)
    amend(database, waiting)
    approve(database, waiting)


def test_only_an_editor_amends_and_only_an_open_proposal(database: Database, waiting: int) -> None:
    with pytest.raises(NotAllowed):
        amend(database, waiting, by="approver.a")
    approve(database, waiting)
    with pytest.raises(Conflict):
        amend(database, waiting)


def test_personal_values_of_the_content_before_are_gone_after_an_amendment(database: Database) -> None:
    enter(database, a_source(), HOSPITAL)
    made = propose(database, a_person(HOSPITAL, NAME))
    proposals.amend(
        database, made, [a_person(HOSPITAL, "示例员丁")], by="editor.b", seen=hash_of(database, made), report={}
    )
    with database.reading() as connection:
        kept = connection.execute(sa.select(proposal_items.c.body)).scalars().all()
    assert not any(NAME.encode() in body for body in kept)
    if database.is_sqlite:
        assert NAME.encode() not in Path(database.url.database or "").read_bytes()


def test_a_proposal_sent_back_waits_for_its_editors_and_not_for_approvers(database: Database, waiting: int) -> None:
    proposals.send_back(database, waiting, by="approver.a", text="等级请核对许可证")
    assert state_of(database, waiting).state == "returned"
    with pytest.raises(Conflict):
        approve(database, waiting)
    amend(database, waiting, by="editor.a")
    assert state_of(database, waiting).state == "pending"
    approve(database, waiting, by="approver.a")  # asking for a change is no hand in it


def test_what_was_said_stays_with_the_content_it_was_said_of(database: Database, waiting: int) -> None:
    seen = hash_of(database, waiting)
    proposals.add_comment(database, waiting, by="auditor.a", text="  依据的文件呢  ")
    amend(database, waiting)
    with database.reading() as connection:
        said = proposals.proposal_store.list_comments(connection, waiting)
        deeds = connection.execute(sa.select(trail.c.action).order_by(trail.c.id)).scalars().all()
    assert [(one.account, one.action, one.content_hash, one.text) for one in said] == [
        ("auditor.a", "commented", seen, "依据的文件呢")
    ]
    assert "commented" in deeds


@pytest.mark.parametrize("text", ["", "  ", "长" * 2001])
def test_a_remark_says_something(database: Database, waiting: int, text: str) -> None:
    with pytest.raises(InvalidInput):
        proposals.add_comment(database, waiting, by="editor.a", text=text)


def test_a_remark_names_nobody_the_proposal_is_about(database: Database) -> None:
    enter(database, a_source(), HOSPITAL)
    made = propose(database, a_person(HOSPITAL, NAME))
    with pytest.raises(InvalidInput) as refused:
        proposals.add_comment(database, made, by="approver.a", text=f"{NAME}的证书呢")
    assert NAME not in refused.value.zh


def test_whoever_proposed_it_takes_it_back_and_nobody_else_does(database: Database, waiting: int) -> None:
    with pytest.raises(NotAllowed):
        proposals.withdraw(database, waiting, by="editor.b")
    proposals.withdraw(database, waiting, by="editor.a")
    assert state_of(database, waiting).state == "withdrawn"
    for again in (approve, amend):
        with pytest.raises(Conflict):
            again(database, waiting)
    with database.reading() as connection:
        four_eyes.check_proposals(connection)


def test_nobody_amends_what_concerns_another_region_even_with_drafts_of_their_own(
    database: Database, waiting: int
) -> None:
    with database.writing() as connection:
        accounts.change_rights(connection, "editor.b", ["editor"], "210200")
    with pytest.raises(NotAllowed):
        amend(database, waiting)
    inside = a_change(
        an_institution("示例院", "大连市示例路1号", region="210202"), a_source().valid_from, {"level": "一级"}
    )
    with pytest.raises(NotAllowed):
        proposals.amend(database, waiting, [inside], by="editor.b", seen=hash_of(database, waiting))
    assert state_of(database, waiting).touched_by == ["editor.a"]
