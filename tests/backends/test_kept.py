"""Half-filled forms on SQLite and on PostgreSQL alike: kept, told apart, gone in time, and who else is at work."""

from __future__ import annotations

import io

import msgspec
import pytest
import sqlalchemy as sa

from registry import proposals
from registry.errors import Conflict, InvalidInput, NotFound
from registry.operations.backup.file import KEPT
from registry.records.asof import read_today
from registry.staff.forms import documents, form_drafts, review, submit
from registry.staff.forms.form_drafts import FormContent
from registry.storage import attachments
from registry.storage.database import Database
from registry.storage.tables import staff_drafts
from tests.editing import a_form
from tests.factories import (
    DAY,
    a_change,
    a_person,
    a_source,
    an_erasure,
    an_institution,
    approve,
    enter,
    propose,
)

HOSPITAL = an_institution()
PERSON = a_person(HOSPITAL)


@pytest.fixture
def database(database: Database) -> Database:
    enter(database, a_source(), HOSPITAL, PERSON)
    return database


def test_a_form_is_found_as_it_was_typed_by_its_account_alone(database: Database) -> None:
    one = a_form(database, "institution", name="示例“引号”\n医院", stage__IVF="formal")
    with database.reading() as connection:
        again = form_drafts.get_draft(connection, one.id, "editor.a")
        assert again == one
        assert again.filled.typed["name"] == "示例“引号”\n医院"
        assert [mine.id for mine in form_drafts.list_drafts(connection, "editor.a")] == [one.id]
        assert form_drafts.list_drafts(connection, "editor.b") == []
        with pytest.raises(NotFound):
            form_drafts.get_draft(connection, one.id, "editor.b")
    with pytest.raises(NotFound), database.writing() as connection:
        form_drafts.discard_draft(connection, one.id, "editor.b")


def test_the_second_save_of_one_version_is_refused_and_changes_nothing(database: Database) -> None:
    one = a_form(database, "institution", name="甲")
    with database.writing() as connection:
        two = form_drafts.save_draft(connection, one, one.filled)
    assert two.version > one.version
    other = msgspec.structs.replace(one.filled, typed={**one.filled.typed, "name": "乙"})
    with pytest.raises(Conflict), database.writing() as connection:
        form_drafts.save_draft(connection, one, other)
    with database.reading() as connection:
        assert form_drafts.get_draft(connection, one.id, "editor.a").filled.typed["name"] == "甲"


def test_what_nobody_touched_for_ninety_days_is_gone(database: Database) -> None:
    old, fresh = a_form(database, "institution", name="甲"), a_form(database, "institution", name="乙")
    ninety = {"updated_at": old.updated_at - form_drafts.DAYS * 86_400_000 - 1}
    with database.writing() as connection:
        connection.execute(sa.update(staff_drafts).where(staff_drafts.c.id == old.id).values(**ninety))
        assert [one.id for one in form_drafts.list_drafts(connection, "editor.a")] == [fresh.id]
        assert form_drafts.delete_expired_drafts(connection) == 1
        assert form_drafts.delete_expired_drafts(connection) == 0


def test_a_document_goes_with_the_last_form_that_needs_it_and_never_from_under_a_proposal(database: Database) -> None:
    one = a_form(database, "institution", subject=HOSPITAL.subject, campus="东院区")
    two = a_form(database, "institution", name="甲", by="editor.b")  # the same file
    digest = one.filled.attachment

    def is_there() -> bool:
        with database.reading() as connection:
            return attachments.find_attachment(connection, digest) is not None

    with database.writing() as connection:
        form_drafts.discard_draft(connection, two.id, "editor.b")
    assert is_there()
    with database.reading() as connection:
        looked = review.review_form(connection, one)
    number, _ = submit.propose_form(database, one.id, "editor.a", frozenset(w.key for w in looked.warnings))
    assert number is not None
    assert is_there()
    three = a_form(database, "institution", name="乙")
    with database.writing() as connection:
        form_drafts.discard_draft(connection, three.id, "editor.a")
    assert is_there()  # the proposal waits
    approve(database, number)
    four = a_form(database, "institution", name="乙")
    with database.writing() as connection:
        form_drafts.discard_draft(connection, four.id, "editor.a")
        assert not documents.delete_unused_document(connection, digest, by="editor.a")
    assert is_there()  # the record rests on it
    with database.writing() as connection:
        other = documents.save_document(connection, io.BytesIO(b"%PDF- another"), "x.pdf", by="editor.a", address="-")
        five = form_drafts.save_draft(
            connection, a_form_row(connection, "丙", other.sha256), FormContent(typed={}, base={})
        )
        assert attachments.find_attachment(connection, other.sha256) is None  # replaced
        form_drafts.discard_draft(connection, five.id, "editor.a")


def a_form_row(connection: sa.Connection, name: str, digest: str) -> form_drafts.FormDraft:
    filled = FormContent(typed={"name": name}, base={}, attachment=digest)
    return form_drafts.create_draft(connection, "editor.a", "institution", None, filled, base_size=0)


def test_nobody_keeps_more_than_is_work(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(form_drafts, "LIMIT", 2)
    for name in ("甲", "乙"):
        a_form(database, "institution", name=name)
    with pytest.raises(InvalidInput):
        a_form(database, "institution", name="丙")
    a_form(database, "institution", name="丙", by="editor.b")


def test_others_at_work_are_told_by_draft_and_by_pending_proposal(database: Database) -> None:
    a_form(database, "institution", subject=HOSPITAL.subject, campus="东院区", by="editor.b")
    number = propose(database, a_change(HOSPITAL, read_today(), {"level": "三级甲等"}), by="both.a")
    propose(database, an_institution(name="沈阳市示例医院", address="辽宁省沈阳市和平区示例街8号"), by="both.a")
    about = propose(database, a_change(PERSON, read_today(), {"role": "护师"}), by="both.a")
    done = propose(database, a_change(PERSON, read_today(), {"institution": HOSPITAL.subject}), by="both.a")
    approve(database, propose(database, a_change(HOSPITAL, read_today(), {"campus": "西院区"})))
    with database.reading() as connection:
        found = form_drafts.list_concurrent_edits(connection, HOSPITAL.subject, "editor.a")
        assert [(one.account, one.proposal) for one in found] == [("editor.b", None), ("both.a", number)]
        own = form_drafts.list_concurrent_edits(connection, HOSPITAL.subject, "editor.b")
        assert [(one.account, one.proposal) for one in own] == [("both.a", number)]
        assert form_drafts.list_open_proposals_about(connection, PERSON.subject) == [about, done]
        assert form_drafts.list_open_proposals_about(connection, HOSPITAL.subject, belonging=True) == [number, done]


def test_a_record_that_moved_is_told_field_by_field_and_joined_with_nothing_lost(database: Database) -> None:
    one = a_form(
        database,
        "institution",
        subject=HOSPITAL.subject,
        name="鞍山市示例甲医院",
        level="三级甲等",
        reason="依批复更名",
    )
    with database.reading() as connection:
        assert review.list_field_changes(connection, one) == []
    enter(
        database,
        a_change(HOSPITAL, read_today(), {"name": "鞍山市示例乙医院", "campus": "东院区", "level": "三级甲等"}),
    )
    with database.reading() as connection:
        points = {point.field: point for point in review.list_field_changes(connection, one)}
        assert {field: point.both for field, point in points.items()} == {"name": True, "campus": False, "level": False}
        for take, name in ((frozenset(), "鞍山市示例甲医院"), (frozenset({"name"}), "鞍山市示例乙医院")):
            typed, base, size = review.merge_with_record(connection, one, take)
            assert (typed["name"], typed["campus"], typed["level"]) == (name, "东院区", "三级甲等")
            assert base["name"] == "鞍山市示例乙医院"
    assert submit.propose_form(database, one.id, "editor.a", frozenset())[0] is None
    with database.writing() as connection:
        typed, base, size = review.merge_with_record(connection, one, frozenset())
        now = form_drafts.get_draft(connection, one.id, "editor.a")
        filled = msgspec.structs.replace(now.filled, typed=typed, base=base)
        now = form_drafts.save_draft(connection, now, filled, base_size=size)
    with database.reading() as connection:
        looked = review.review_form(connection, now)
    number, _ = submit.propose_form(database, one.id, "editor.a", frozenset(w.key for w in looked.warnings))
    assert number is not None
    with database.reading() as connection:
        assert list(proposals.read_drafts(connection, number))[-1].change.set == {"name": "鞍山市示例甲医院"}
    approve(database, number)


def test_an_entry_that_touches_no_field_of_the_form_does_not_stop_it(database: Database) -> None:
    one = a_form(database, "institution", subject=HOSPITAL.subject, level="三级甲等", document=False)
    enter(database, a_change(HOSPITAL, read_today(), {"known_as": ["示例院"]}))
    number, _ = submit.propose_form(database, one.id, "editor.a", frozenset())
    assert number is not None
    approve(database, number)


def test_an_erasure_takes_half_filled_forms_about_the_person_along_and_no_backup_holds_any(
    database: Database,
) -> None:
    about = a_form(database, "practitioner", subject=PERSON.subject, role="护师")
    other = a_form(database, "institution", name="甲")
    assert about.filled.base["name"] == "示例员甲"
    enter(database, an_erasure(PERSON, on=DAY))
    with database.reading() as connection:
        assert [one.id for one in form_drafts.list_drafts(connection, "editor.a")] == [other.id]
    assert staff_drafts not in KEPT
