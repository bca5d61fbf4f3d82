from __future__ import annotations

import datetime as dt

import msgspec
import pytest
import sqlalchemy as sa

from registry import proposals
from registry.domain.model import Institution
from registry.errors import Conflict, FourEyesViolation, InvalidInput, NotAllowed
from registry.log import check, clock, four_eyes, store
from registry.proposals import emergency, views
from registry.records import asof, lookup
from registry.storage.database import Database
from registry.storage.tables import proposals as table
from registry.verification.view import VerificationView
from registry.web.standing import make_standing
from tests.factories import DAY, a_change, a_source, an_institution, approve, ask, code_of, enter, propose

HOSPITAL = an_institution(IVF="formal", ICSI="trial", AIH="preparing")


@pytest.fixture
def licensed(database: Database) -> Database:
    enter(database, a_source(), HOSPITAL)
    return database


def stop(database: Database, *techniques: str, by: str = "editor.a") -> emergency.EmergencySuspension:
    return proposals.suspend(database, HOSPITAL.subject, techniques, by=by, reason="现场检查发现严重问题")


def recorded(database: Database) -> Institution:
    with database.reading() as connection:
        return lookup.get_institution(connection, code_of(HOSPITAL), asof.make_as_of(connection))


def stages(database: Database) -> dict[str, str]:
    return {one.technique: one.stage for one in recorded(database).approvals}


def let_a_day_pass(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(sa.update(table).where(table.c.confirm_by.is_not(None)).values(confirm_by=1))


def whole(database: Database) -> None:
    with database.reading() as connection:
        check.check_log(connection)
        four_eyes.check_entries(connection, 0)
        four_eyes.check_proposals(connection)
    views.check_views(database)


def test_one_person_stops_a_site_at_once(licensed: Database) -> None:
    done = stop(licensed)
    assert done.techniques == ["ICSI", "IVF"]
    assert stages(licensed) == {"AIH": "preparing", "IVF": "suspended", "ICSI": "suspended"}
    view = VerificationView()
    view.follow_log(licensed)
    assert ask(view, HOSPITAL.change.set["name"], "IVF").verdict == "suspended"
    whole(licensed)


def test_some_of_its_techniques_can_be_stopped_alone(licensed: Database) -> None:
    stop(licensed, "ICSI", by="approver.a")
    assert stages(licensed) == {"AIH": "preparing", "IVF": "formal", "ICSI": "suspended"}
    assert recorded(licensed).status == "listed"


def test_a_second_person_confirms_and_it_rests_on_two(licensed: Database) -> None:
    done = stop(licensed)
    first, last = approve(licensed, done.waiting)
    let_a_day_pass(licensed)
    assert proposals.end_expired_suspensions(licensed) == []
    assert stages(licensed)["IVF"] == "suspended"
    assert recorded(licensed).entry == first == last
    whole(licensed)


def test_whoever_stopped_it_does_not_confirm_it(licensed: Database) -> None:
    done = stop(licensed, by="both.a")
    with pytest.raises(FourEyesViolation):
        approve(licensed, done.waiting, by="both.a")
    with pytest.raises(FourEyesViolation):
        proposals.reject(licensed, done.waiting, by="both.a", reason="算了")
    for change in (
        lambda: proposals.withdraw(licensed, done.waiting, by="both.a"),
        lambda: proposals.send_back(licensed, done.waiting, by="both.b", text="请改"),
    ):
        with pytest.raises(Conflict):
            change()
    assert stages(licensed)["IVF"] == "suspended"


def test_nobody_confirms_and_it_falls_back_visibly_and_once(licensed: Database) -> None:
    done = stop(licensed)
    assert proposals.end_expired_suspensions(licensed) == []
    let_a_day_pass(licensed)
    with pytest.raises(Conflict):
        approve(licensed, done.waiting)
    assert proposals.end_expired_suspensions(licensed) == [done.waiting]
    assert proposals.end_expired_suspensions(licensed) == []
    assert stages(licensed) == {"AIH": "preparing", "IVF": "formal", "ICSI": "trial"}
    with licensed.reading() as connection:
        closed = proposals.get_proposal(connection, done.waiting)
    assert (closed.state, closed.decided_by, closed.reason) == ("rejected", "system.emergency", emergency.EXPIRED)
    whole(licensed)


def test_a_clock_that_is_put_right_between_two_looks_ends_nothing(
    licensed: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = stop(licensed)
    clocks = iter((done.confirm_by + 1, done.confirm_by - 1))
    monkeypatch.setattr(emergency, "get_now_ms", lambda: next(clocks))
    assert proposals.end_expired_suspensions(licensed) == []
    assert stages(licensed)["IVF"] == "suspended"


def test_a_second_person_who_rejects_it_ends_it_at_once(licensed: Database) -> None:
    done = stop(licensed)
    proposals.reject(licensed, done.waiting, by="approver.b", reason="查无此事")
    assert stages(licensed)["IVF"] == "formal"
    let_a_day_pass(licensed)
    assert proposals.end_expired_suspensions(licensed) == []
    whole(licensed)


def test_a_suspension_that_was_rejected_leaves_the_answer_and_what_it_rests_on(licensed: Database) -> None:
    view = VerificationView()
    view.follow_log(licensed)
    names = (HOSPITAL.change.set["name"], "IVF")
    before = ask(view, *names)
    done = stop(licensed)
    proposals.reject(licensed, done.waiting, by="approver.a", reason="不属实")
    view.follow_log(licensed)
    after = ask(view, *names)
    assert before.basis is not None and after.basis is not None
    assert (after.verdict, after.explanation) == (before.verdict, before.explanation)
    assert (after.basis.source, after.basis.as_of) == (before.basis.source, before.basis.as_of)
    assert recorded(licensed).source is not None


def without_size(institution: Institution) -> Institution:
    return msgspec.structs.replace(institution, log_size=0)


@pytest.mark.parametrize("rejected", [True, False])
def test_a_suspension_that_ends_leaves_the_record_as_it_was_with_all_it_rests_on(
    licensed: Database, rejected: bool
) -> None:
    held = {"stage": "formal", "valid_from": "2020-03-01", "document_no": "示文1号", "authority": "示例省卫生健康委"}
    enter(licensed, a_source("doc-1", DAY, scope="partial"), a_change(HOSPITAL, DAY, {"approvals.IVF": held}, "doc-1"))
    days = (DAY - dt.timedelta(days=1), DAY, asof.read_today(), SOON)

    def read_all() -> list[Institution | None]:
        with licensed.reading() as connection:
            moments = [asof.make_as_of(connection, day) for day in days]
            found = [lookup.read_institutions(connection, [HOSPITAL.subject], moment) for moment in moments]
        return [without_size(one[0]) if one else None for one in found]

    before = read_all()
    done = stop(licensed)
    assert read_all() != before
    if rejected:
        proposals.reject(licensed, done.waiting, by="approver.b", reason="查无此事")
    else:
        let_a_day_pass(licensed)
        proposals.end_expired_suspensions(licensed)
    assert read_all() == before
    whole(licensed)


def test_the_page_gives_the_day_of_the_suspension_and_not_of_the_approval(licensed: Database) -> None:
    held = {"stage": "formal", "valid_from": "2020-03-01"}
    enter(licensed, a_change(HOSPITAL, DAY, {"approvals.IVF": held}))
    stop(licensed)
    standing = make_standing(recorded(licensed))
    assert {grant.since for grant in standing.grants if grant.stage == "suspended"} == {asof.read_today()}
    (ivf,) = [one for one in recorded(licensed).approvals if one.technique == "IVF"]
    assert (ivf.standing, ivf.since) == ("suspended", asof.read_today())


def test_a_second_suspension_after_a_refused_one_can_be_refused_as_well(licensed: Database) -> None:
    before = without_size(recorded(licensed))
    for _ in range(2):
        proposals.reject(licensed, stop(licensed).waiting, by="approver.b", reason="查无此事")
        assert without_size(recorded(licensed)) == before
    approve(licensed, stop(licensed, "IVF").waiting)
    assert stages(licensed)["IVF"] == "suspended"
    whole(licensed)


def test_nothing_that_is_said_against_a_site_is_in_the_log_before_a_second_person_confirmed_it(
    licensed: Database,
) -> None:
    def read_log() -> str:
        with licensed.reading() as connection:
            return "".join(str(entry) for chunk in store.read_entries(connection) for entry in chunk)

    done = stop(licensed)
    assert "严重问题" not in read_log()
    approve(licensed, done.waiting)
    assert "严重问题" in read_log()


def test_what_others_recorded_meanwhile_is_not_undone(licensed: Database) -> None:
    done = stop(licensed)
    enter(licensed, a_change(HOSPITAL, asof.read_today(), {"approvals.IVF": {"stage": "revoked"}}))
    with pytest.raises(Conflict):
        approve(licensed, done.waiting)
    let_a_day_pass(licensed)
    proposals.end_expired_suspensions(licensed)
    assert stages(licensed) == {"AIH": "preparing", "IVF": "revoked", "ICSI": "trial"}
    whole(licensed)


def test_only_one_waits_to_be_confirmed(licensed: Database) -> None:
    stop(licensed, "IVF")
    with pytest.raises(Conflict):
        stop(licensed, "ICSI", by="both.b")


@pytest.mark.parametrize("techniques", [("PGT",), ("AIH",), ("IVF", "PGT")])
def test_what_is_not_offered_cannot_be_suspended(licensed: Database, techniques: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput):
        stop(licensed, *techniques)


@pytest.mark.parametrize("by", ["auditor.a", "gone.a", "nobody"])
def test_only_editors_and_approvers_stop_a_site(licensed: Database, by: str) -> None:
    with pytest.raises(NotAllowed):
        stop(licensed, by=by)


def test_a_reason_is_given(licensed: Database) -> None:
    with pytest.raises(InvalidInput):
        proposals.suspend(licensed, HOSPITAL.subject, by="editor.a", reason=" ")


def test_a_proposal_that_waited_before_is_looked_at_again(licensed: Database) -> None:
    before = propose(licensed, a_change(HOSPITAL, DAY, {"level": "三级"}))
    stop(licensed)
    with pytest.raises(Conflict):
        approve(licensed, before)


SOON = asof.read_today() + dt.timedelta(days=2)
AGAIN = {"stage": "formal", "verification_due": (SOON + dt.timedelta(days=700)).isoformat()}


def foreseen(database: Database) -> dict[str, str]:
    with database.reading() as connection:
        then = lookup.get_institution(connection, code_of(HOSPITAL), asof.make_as_of(connection, SOON))
    return {one.technique: one.stage for one in then.approvals}


@pytest.fixture
def stated_anew_soon(licensed: Database) -> Database:
    enter(licensed, a_change(HOSPITAL, SOON, {"approvals.IVF": AGAIN}))
    return licensed


def test_a_suspension_does_not_end_where_the_approval_was_stated_anew_for_a_day_to_come(
    stated_anew_soon: Database,
) -> None:
    done = stop(stated_anew_soon)
    assert foreseen(stated_anew_soon) == {"AIH": "preparing", "IVF": "suspended", "ICSI": "suspended"}
    approve(stated_anew_soon, done.waiting)
    assert stages(stated_anew_soon)["IVF"] == foreseen(stated_anew_soon)["IVF"] == "suspended"
    whole(stated_anew_soon)


@pytest.mark.parametrize("rejected", [True, False])
def test_what_was_stated_for_a_day_to_come_is_stated_again_when_it_ends(
    stated_anew_soon: Database, rejected: bool
) -> None:
    done = stop(stated_anew_soon)
    if rejected:
        proposals.reject(stated_anew_soon, done.waiting, by="approver.b", reason="查无此事")
    else:
        let_a_day_pass(stated_anew_soon)
        assert proposals.end_expired_suspensions(stated_anew_soon) == [done.waiting]
    assert stages(stated_anew_soon)["IVF"] == foreseen(stated_anew_soon)["IVF"] == "formal"
    with stated_anew_soon.reading() as connection:
        then = lookup.get_institution(connection, code_of(HOSPITAL), asof.make_as_of(connection, SOON))
    due = next(one.verification_due for one in then.approvals if one.technique == "IVF")
    assert due is not None
    assert due.isoformat() == AGAIN["verification_due"]
    whole(stated_anew_soon)


def test_it_ends_once_where_the_day_to_come_has_come_meanwhile(
    stated_anew_soon: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = stop(stated_anew_soon)
    monkeypatch.setattr(clock, "read_clock", lambda: asof.get_day_start(SOON))
    let_a_day_pass(stated_anew_soon)
    assert proposals.end_expired_suspensions(stated_anew_soon) == [done.waiting]
    with stated_anew_soon.reading() as connection:
        now = lookup.get_institution(connection, code_of(HOSPITAL), asof.make_as_of(connection))
    assert {one.technique: one.stage for one in now.approvals} == {"AIH": "preparing", "IVF": "formal", "ICSI": "trial"}
    assert next(one for one in now.approvals if one.technique == "IVF").verification_due is not None
    whole(stated_anew_soon)


def test_what_others_stated_meanwhile_for_that_day_stands(stated_anew_soon: Database) -> None:
    done = stop(stated_anew_soon)
    enter(stated_anew_soon, a_change(HOSPITAL, SOON, {"approvals.IVF": {"stage": "revoked"}}))
    with pytest.raises(Conflict):
        approve(stated_anew_soon, done.waiting)
    proposals.reject(stated_anew_soon, done.waiting, by="approver.b", reason="查无此事")
    assert stages(stated_anew_soon)["IVF"] == "formal"
    assert foreseen(stated_anew_soon)["IVF"] == "revoked"
    whole(stated_anew_soon)
