"""Redactions and corrections before they are entries: what may be said, where a name may not stand, what is planned."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from registry import proposals
from registry.accounts import SEED_PROPOSER
from registry.domain.model import Change, Draft
from registry.errors import Conflict, InvalidCode, InvalidInput, NotFound
from registry.importers.seed import loader
from registry.importers.wizard import list_import
from registry.log import erasure, store
from registry.proposals import redaction
from registry.storage.database import Database
from registry.storage.tables import erasable, proposal_items
from registry.storage.tables import proposals as proposals_table
from tests.factories import (
    DAY,
    LIST_2018,
    a_change,
    a_database,
    a_person,
    a_source,
    an_erasure,
    an_institution,
    approve,
    enter,
    propose,
)

LATER = DAY + dt.timedelta(days=60)
HOSPITAL = an_institution()
PERSON = a_person(HOSPITAL)
CODE = PERSON.subject.partition(":")[2]
SANCTION = Draft(
    subject=f"sanction:{CODE}",
    change=Change(kind="sanction", set={"institution": HOSPITAL.subject, "person": "示例员丙", "kind": "penalty"}),
    valid_from=DAY,
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = a_database(tmp_path)
    enter(database, a_source(), HOSPITAL, PERSON)
    yield database
    database.close()


def size(database: Database) -> int:
    with database.reading() as connection:
        return store.read_head(connection).size


# --- what an erasing draft may say ------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", [None, "", " \n"])
def test_erasing_needs_a_reason(database: Database, reason: str | None) -> None:
    with pytest.raises(InvalidInput, match="理由"):
        propose(database, an_erasure(PERSON, reason=reason))


@pytest.mark.parametrize(
    ("about", "paths"),
    [
        (PERSON, ["role"]),
        (PERSON, ["name", "role"]),
        (PERSON, ["person"]),
        (PERSON, [""]),
        (PERSON, ["name", "certificate_masked"]),  # not in order
        (PERSON, ["name", "name"]),
        (HOSPITAL, ["name"]),
        (a_source(), ["title"]),
        (SANCTION, ["name"]),
    ],
)
def test_only_personal_paths_are_erased_in_order_each_once(database: Database, about: Draft, paths: list[str]) -> None:
    with pytest.raises(InvalidInput):
        propose(database, an_erasure(about, *paths))


@pytest.mark.parametrize("value", ["示例员乙", None])
def test_a_path_is_not_stated_and_erased_in_one_breath(database: Database, value: str | None) -> None:
    both = Change(kind="practitioner", set={"name": value}, reason="本人申请", erases=["name"])
    with pytest.raises(InvalidInput, match="既填写又删除"):
        propose(database, msgspec.structs.replace(PERSON, change=both))


def test_a_draft_may_state_one_thing_and_erase_another(database: Database) -> None:
    change = Change(kind="practitioner", set={"role": "护士"}, reason="本人申请", erases=["name"])
    approve(database, propose(database, msgspec.structs.replace(PERSON, change=change)))
    with database.reading() as connection:
        log = store.read_subject_entries(connection, PERSON.subject, size(database))
        assert log[0].change.set == {**PERSON.change.set, "name": None}
        assert log[1].change == change
        assert erasure.check_erased_values(connection) == 0


def test_nobody_is_erased_whom_the_register_does_not_know(database: Database) -> None:
    with pytest.raises(InvalidInput, match="不在名录中"):
        propose(database, an_erasure(a_person(HOSPITAL, "示例员乙")))


# --- where a name may not stand ---------------------------------------------------------------------------------------


def stated(about: Draft, **values: Any) -> Draft:
    return a_change(about, LATER, values, reason=values.pop("reason", None))


FORBIDDEN = {
    "the reason of what states it": [stated(PERSON, name="示例员丁", reason="示例员丁的合同到期")],
    "the reason of what erases it": [an_erasure(PERSON, reason="示例员甲本人申请")],
    "a public field": [stated(PERSON, role="示例员甲的助手")],
    "a list in a public field": [stated(PERSON, **{"extra.备注": "见示例员甲档案"})],
    "the heading of a public field": [stated(PERSON, **{"extra.示例员甲": "一"})],
    "the summary of a sanction": [
        msgspec.structs.replace(
            SANCTION,
            change=msgspec.structs.replace(SANCTION.change, set={**SANCTION.change.set, "summary": "罚示例员丙"}),
        )
    ],
    "another draft about the same person": [stated(PERSON, name="示例员丁"), stated(PERSON, role="护士（示例员丁）")],
}


@pytest.mark.parametrize("where", FORBIDDEN)
def test_a_name_stands_nowhere_it_could_not_be_erased(database: Database, where: str) -> None:
    with pytest.raises(InvalidInput, match="个人信息") as refusal:
        propose(database, *FORBIDDEN[where])
    for sentence in (refusal.value.zh, refusal.value.en, str(refusal.value.details)):
        assert "示例员" not in sentence


@pytest.mark.parametrize(
    "told",
    [
        {"title": "登记示例员丁"},
        {"report": {"new": [{"name": "示例员丁"}]}},
        {"report": ["示例员丁"]},
        {"report": {"示例员甲": 1}},  # the name the register already holds
    ],
)
def test_neither_title_nor_report_of_a_proposal_holds_a_name(database: Database, told: dict[str, Any]) -> None:
    told = {"title": "示例提案", **told}
    with pytest.raises(InvalidInput, match="个人信息"):
        proposals.propose(database, [stated(PERSON, name="示例员丁")], by="editor.a", **told)


def test_a_rejection_does_not_name_the_person(database: Database) -> None:
    stating, erasing = propose(database, stated(PERSON, name="示例员丁")), propose(database, an_erasure(PERSON))
    for identifier, reason in ((stating, "示例员丁已离职"), (erasing, "示例员甲未到场")):
        with pytest.raises(InvalidInput, match="个人信息"):
            proposals.reject(database, identifier, by="approver.a", reason=reason)
        proposals.reject(database, identifier, by="approver.a", reason="材料不全")


def test_numbers_and_single_characters_are_no_names(database: Database) -> None:
    one = a_person(HOSPITAL, "甲", certificate="2025")
    proposals.propose(database, [one], by="editor.a", title="甲类人员 2025", report={"rows": "2025"})


def test_what_the_product_proposes_itself_carries_no_name(database: Database) -> None:
    drafts = loader.read_demo_drafts(loader.SEED_DATA / "demo" / "demo.toml")
    proposals.propose(database, drafts, by=SEED_PROPOSER, title="示例数据（虚构）", kind="demo", report={})
    list_import.import_list(
        database, list_import.ImportRequest(path=LIST_2018, as_of=DAY, scope="partial"), by="editor.a"
    )
    names = {
        value for d in drafts for p, value in d.change.set.items() if d.change.kind == "practitioner" and p == "name"
    }
    assert names == {"示例甲", "示例乙", "示例丙"}
    with database.reading() as connection:
        rows = connection.execute(sa.select(proposals_table.c.title, proposals_table.c.report)).all()
    assert len(rows) == 3
    assert not [name for name in names for title, report in rows if name in title or name.encode() in report]


# --- stored proposals -------------------------------------------------------------------------------------------------


def marks(database: Database, identifier: int) -> list[str | None]:
    with database.reading() as connection:
        query = sa.select(proposal_items.c.personal).where(proposal_items.c.proposal == identifier)
        return list(connection.execute(query.order_by(proposal_items.c.position)).scalars())


def test_items_that_hold_personal_values_are_marked_with_their_subject(database: Database) -> None:
    drafts = [HOSPITAL, SANCTION, PERSON, stated(PERSON, role="护士"), stated(PERSON, name=None), an_erasure(PERSON)]
    assert marks(database, propose(database, *drafts)) == [None, SANCTION.subject, PERSON.subject, None, None, None]


def test_the_mark_goes_with_the_last_personal_value(database: Database) -> None:
    identifier = propose(database, a_change(PERSON, LATER, PERSON.change.set))
    enter(database, an_erasure(PERSON, "name"))
    assert marks(database, identifier) == [PERSON.subject]
    enter(database, an_erasure(PERSON, "certificate_masked"))
    assert marks(database, identifier) == [None]
    with pytest.raises(Conflict):
        approve(database, identifier)


def test_a_long_proposal_erases_only_what_stands_before(database: Database) -> None:
    many = [stated(PERSON, role=f"护士{n}", name=f"示例员{n}号") for n in range(2100)]
    drafts = [*many, an_erasure(PERSON), stated(PERSON, name="示例员丁")]
    identifier = propose(database, *drafts)
    approve(database, identifier)
    with database.reading() as connection:
        kept = [draft.change.set.get("name") for draft in proposals.read_drafts(connection, identifier)]
        held = connection.execute(sa.select(erasable.c.value)).scalars().all()
    assert kept == [None] * 2101 + ["示例员丁"]
    assert [msgspec.json.decode(value) for value in held] == ["示例员丁"]


# --- a redaction as it is planned -------------------------------------------------------------------------------------


def plan(database: Database, said: str) -> redaction.RedactionPlan:
    with database.reading() as connection:
        return redaction.plan_redaction(connection, said, "本人申请", LATER)


@pytest.mark.parametrize("said", [PERSON.subject, CODE, f"{CODE[:4]}-{CODE[4:]}", CODE.lower()])
def test_a_plan_counts_what_would_be_erased(database: Database, said: str) -> None:
    enter(database, stated(PERSON, name="示例员丁"))
    found = plan(database, said)
    assert found.erases == {"certificate_masked": 1, "name": 2}
    assert found.draft == an_erasure(PERSON, on=LATER)
    approve(database, propose(database, found.draft))
    with pytest.raises(InvalidInput, match="没有可删除"):
        plan(database, said)


def test_a_code_that_is_a_person_and_a_sanction_must_be_said_whole(database: Database) -> None:
    enter(database, SANCTION)
    with pytest.raises(InvalidInput, match="多个主体"):
        plan(database, CODE)
    assert plan(database, SANCTION.subject).erases == {"person": 1}
    assert plan(database, f"practitioner:{CODE.lower()}").draft.subject == PERSON.subject


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        (HOSPITAL.subject, InvalidInput),
        ("source:list-1", InvalidInput),
        (HOSPITAL.subject.partition(":")[2], NotFound),
        (f"sanction:{CODE}", NotFound),
        ("practitioner:7K2M9QX5", InvalidCode),
        ("", InvalidCode),
    ],
)
def test_only_a_known_person_or_sanction_is_redacted(database: Database, said: str, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        plan(database, said)


def test_values_that_are_sealed_and_not_held_are_counted_as_withheld(database: Database) -> None:
    enter(database, SANCTION, stated(PERSON, name=None))
    with database.writing() as connection:
        assert erasure.check_erased_values(connection) == 0
        connection.execute(sa.text("DELETE FROM erasable WHERE path = 'person'"))
        assert erasure.check_erased_values(connection) == 1
        assert erasure.count_erasable_values(connection, SANCTION.subject) == {"person": 1}
        connection.execute(sa.text("DELETE FROM erasable"))
        assert erasure.check_erased_values(connection) == 3
    enter(database, an_erasure(SANCTION, "person"))
    with database.reading() as connection:
        assert erasure.check_erased_values(connection) == 2
        assert erasure.read_held_values(connection, [PERSON.subject, SANCTION.subject]) == {}


# --- corrections of the past ------------------------------------------------------------------------------------------


def test_a_correction_of_the_past_says_why(database: Database) -> None:
    enter(database, a_change(HOSPITAL, LATER, {"level": "三级"}))
    earlier = a_change(HOSPITAL, LATER - dt.timedelta(days=1), {"level": "二级"})
    for kind in ("edit", "correction"):
        with pytest.raises(InvalidInput, match="更正") as refusal:
            propose(database, earlier, kind=kind)
        assert refusal.value.details["subject"] == HOSPITAL.subject
        assert str(LATER) in refusal.value.en
    explained = msgspec.structs.replace(earlier, change=msgspec.structs.replace(earlier.change, reason="核对原件"))
    propose(database, explained)
    propose(database, a_change(HOSPITAL, LATER, {"level": "二级"}))  # the same day goes back on nothing
    propose(database, an_institution("鞍山市示例乙医院", on=DAY - dt.timedelta(days=900)))


def test_an_import_rests_on_a_dated_list_and_needs_no_reason(database: Database) -> None:
    enter(database, a_change(HOSPITAL, LATER, {"level": "三级"}))
    propose(database, a_change(HOSPITAL, DAY, {"level": "二级"}), kind="import")


# --- the file -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "every"), [(150, 3), (150, 5), (60, 8)])
def test_rows_that_were_moved_between_pages_leave_no_copy_behind(tmp_path: Path, number: int, every: int) -> None:
    # Erasing most rows of a page makes SQLite move the others: overwriting what is deleted misses what they left.
    database = a_database(tmp_path)
    people = [a_person(HOSPITAL, f"示例员“{n}”{'甲' * 60}", certificate=f"*示例{n}号*") for n in range(number)]
    enter(database, a_source(), HOSPITAL, *people)
    enter(database, *(an_erasure(one) for n, one in enumerate(people) if n % every))
    enter(database, *(an_erasure(one) for n, one in enumerate(people) if n % every == 0))
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert "示例医院".encode() in stored
    assert [n for n, one in enumerate(people) if one.change.set["name"].encode() in stored] == []
    database.close()


@pytest.mark.parametrize("written", ["示例 员丙", "示　例员丙", "示例·员丙", "示例員丙"])
def test_a_name_written_with_spaces_dots_or_other_characters_is_the_name(database: Database, written: str) -> None:
    waiting = propose(database, SANCTION)
    with pytest.raises(InvalidInput):
        proposals.add_comment(database, waiting, by="approver.a", text=f"请核对{written}的材料")
    with pytest.raises(InvalidInput):
        propose(database, SANCTION, report={"to_approver": f"关于{written}"})
