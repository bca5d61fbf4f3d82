from __future__ import annotations

import datetime as dt

import pytest

from registry import proposals
from registry.domain.model import Draft
from registry.log import check, store
from registry.proposals import draw_sample
from registry.proposals.preview import preview_proposal
from registry.records import asof, lookup
from registry.storage.database import Database
from tests.factories import DAY, a_change, a_person, a_source, an_institution, approve, code_of, enter, propose

HOSPITAL = an_institution()


@pytest.fixture
def register(database: Database) -> Database:
    enter(database, a_source(), HOSPITAL)
    return database


def test_what_is_foreseen_is_what_comes(register: Database) -> None:
    new = an_institution("鞍山市示例二医院", "辽宁省鞍山市铁西区示例路2号", AIH="trial")
    made = propose(register, a_change(HOSPITAL, DAY, {"name": "鞍山市示例新名医院"}), new, a_person(new))
    foreseen = preview_proposal(register, made, [1, 2, 3])
    assert [(one.subject, one.before is None) for one in foreseen] == [(HOSPITAL.subject, False), (new.subject, True)]
    assert foreseen[1].others[0].change.kind == "practitioner"
    approve(register, made)
    with register.reading() as connection:
        for one in foreseen:
            there = lookup.get_institution(connection, one.subject.partition(":")[2], asof.make_as_of(connection))
            assert one.after is not None
            assert (one.after.name, one.after.approvals) == (there.name, there.approvals)


def test_looking_leaves_nothing_behind(register: Database) -> None:
    with register.reading() as connection:
        size = store.read_head(connection).size
    made = propose(register, a_change(HOSPITAL, DAY, {"level": "三级"}))
    preview_proposal(register, made, [1])
    with register.reading() as connection:
        assert store.read_head(connection).size == size
        assert check.check_log(connection).size == size
        assert lookup.get_institution(connection, code_of(HOSPITAL), asof.make_as_of(connection)).level is None


def many(register: Database, report: object = None) -> proposals.Proposal:
    """A proposal of sixty drafts."""
    new = [an_institution(f"鞍山市示例{n}医院", f"辽宁省鞍山市铁西区示例路{n}号") for n in range(2, 62)]
    made = propose(register, *new, report=report)
    with register.reading() as connection:
        return proposals.get_proposal(connection, made)


def test_a_sample_is_the_same_for_everybody_and_another_for_another_draw(register: Database) -> None:
    proposal = many(register)
    with register.reading() as connection:
        first, again, other = (draw_sample(connection, proposal, 20, draw) for draw in (0, 0, 1))
    assert first == again != other
    assert len(set(first)) == 20
    assert set(first) | set(other) <= set(range(1, 61))


def test_a_sample_of_a_list_holds_the_few_that_differ(register: Database) -> None:
    few: list[Draft] = [an_institution(f"鞍山市示例{n}医院", f"辽宁省鞍山市铁西区示例路{n}号") for n in (7, 44)]
    difference = {"renamed": [{"code": code_of(few[0])}], "gone": [{"code": code_of(few[1])}], "undecided": [{}]}
    proposal = many(register, {"difference": difference})
    with register.reading() as connection:
        for draw in range(10):
            assert {6, 43} <= set(draw_sample(connection, proposal, 20, draw))


def test_a_small_proposal_is_shown_whole(register: Database) -> None:
    made = propose(register, a_change(HOSPITAL, DAY, {"level": "三级"}), a_person(HOSPITAL))
    with register.reading() as connection:
        assert draw_sample(connection, proposals.get_proposal(connection, made), 20, 5) == [1, 2]


def test_a_correction_of_days_that_are_over_is_shown_on_its_first_day(register: Database) -> None:
    again = DAY + dt.timedelta(days=30)
    enter(register, a_change(HOSPITAL, again, {"approvals.IVF": {"stage": "formal"}}))
    past = a_change(HOSPITAL, DAY, {"approvals.IVF": {"stage": "revoked"}}, reason="原记载有误")
    (one,) = preview_proposal(register, propose(register, past), [1])
    assert one.before is not None
    assert one.after is not None
    assert one.on == DAY
    assert [approval.stage for approval in one.before.approvals] == ["formal"]
    assert [approval.stage for approval in one.after.approvals] == ["revoked"]
    assert [(draft.valid_from, draft.change.reason) for draft in one.stated] == [(DAY, "原记载有误")]


def test_each_institution_is_shown_on_the_day_of_its_own_change(register: Database) -> None:
    other = an_institution("鞍山市示例二医院", "辽宁省鞍山市铁西区示例路2号", AIH="trial")
    enter(register, other)
    soon = asof.read_today() + dt.timedelta(days=40)
    now = a_change(HOSPITAL, asof.read_today(), {"approvals.IVF": {"stage": "suspended"}}, reason="示例")
    until = a_change(HOSPITAL, soon, {"approvals.IVF": {"stage": "formal"}})
    enter(register, until)
    later = a_change(other, soon, {"approvals.AIH": {"stage": "formal"}})
    first, second = preview_proposal(register, propose(register, now, later), [1, 2])
    assert (first.on, second.on) == (asof.read_today(), soon)
    assert first.after is not None
    assert [approval.stage for approval in first.after.approvals] == ["suspended"]


def test_what_is_true_for_some_days_only_is_shown_beside_what_lasts(register: Database) -> None:
    enter(register, a_change(HOSPITAL, DAY + dt.timedelta(days=30), {"approvals.IVF": {"stage": "formal"}}))
    values = {"approvals.IVF": {"stage": "revoked"}, "level": "三级"}
    made = propose(register, a_change(HOSPITAL, DAY, values, reason="原记载有误"))
    (one,) = preview_proposal(register, made, [1])
    assert one.on == asof.read_today()
    assert one.after is not None
    assert (one.after.level, [approval.stage for approval in one.after.approvals]) == ("三级", ["formal"])
    (earlier,) = one.earlier
    assert earlier.on == DAY
    assert earlier.after is not None
    assert [approval.stage for approval in earlier.after.approvals] == ["revoked"]


def test_one_change_that_lasts_is_shown_once(register: Database) -> None:
    made = propose(register, a_change(HOSPITAL, DAY, {"level": "三级"}))
    (one,) = preview_proposal(register, made, [1])
    assert (one.on, one.earlier) == (asof.read_today(), [])
