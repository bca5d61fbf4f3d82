"""From forms to drafts: only what changed, the document before it, corrections told apart, look-alikes found."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry import proposals
from registry.domain.identifiers import format_code
from registry.errors import InvalidInput
from registry.records.asof import read_today
from registry.staff.forms import form_drafts, record_values, submit
from registry.staff.forms.compose import FormProposal
from registry.staff.forms.form_drafts import FormDraft
from registry.staff.forms.review import Review, review_form
from registry.storage.database import Database
from tests.editing import a_form
from tests.factories import (
    DAY,
    a_certificate,
    a_change,
    a_person,
    a_register,
    a_source,
    an_institution,
    approve,
    code_of,
    enter,
)
from tests.thoroughness import count_examples

HOSPITAL = an_institution(aliases=["鞍山市示例妇幼保健院"], level="三级乙等", IVF="formal", ICSI="trial")
CODE = format_code(code_of(HOSPITAL))
TODAY = read_today()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = a_register(tmp_path, a_source(), HOSPITAL, a_person(HOSPITAL), a_certificate(HOSPITAL))
    yield found
    found.close()


def looked(database: Database, one: FormDraft) -> Review:
    with database.reading() as connection:
        return review_form(connection, one)


def compose_form(database: Database, one: FormDraft) -> FormProposal:
    found = looked(database, one)
    assert found.errors == []
    assert found.composed is not None
    return found.composed


def errors(database: Database, one: FormDraft) -> set[str]:
    return {found.field for found in looked(database, one).errors}


def warned(database: Database, one: FormDraft) -> set[str]:
    return {found.field for found in looked(database, one).warnings}


def proposed(database: Database, one: FormDraft) -> int:
    keys = frozenset(found.key for found in looked(database, one).warnings)
    number, _ = submit.propose_form(database, one.id, one.account, keys)
    assert number is not None
    return number


# --- only what changed -----------------------------------------------------------------------------------------------


def test_one_field_changed_is_one_path_stated_and_the_document_stands_before_it(database: Database) -> None:
    one = compose_form(database, a_form(database, "institution", subject=HOSPITAL.subject, campus="东院区"))
    source, draft = one.drafts
    assert draft.change.set == {"campus": "东院区"}
    assert draft.source == source.source == source.subject.removeprefix("source:")
    assert source.change.set["title"] == "关于示例机构的批复（示卫批〔2025〕3号）"
    assert source.change.set["scope"] == "partial"
    assert len(source.change.set["sha256"]) == 64
    assert (source.valid_from, draft.valid_from) == (dt.date(2025, 10, 20), TODAY)
    assert (one.kind, one.corrects) == ("edit", False)


def test_a_field_that_was_emptied_is_no_longer_stated(database: Database) -> None:
    one = compose_form(database, a_form(database, "institution", subject=HOSPITAL.subject, aliases="", level=""))
    assert one.drafts[-1].change.set == {"aliases": None, "level": None}


_FIELDS = {
    "name": st.sampled_from(["鞍山市示例医院", "鞍山市示例新医院"]),
    "campus": st.sampled_from(["", "东院区"]),
    "level": st.sampled_from(["三级乙等", "三级甲等", ""]),
    "ownership": st.sampled_from(["", "公立", "民营", "中外合资"]),
    "aliases": st.sampled_from(["鞍山市示例妇幼保健院", "", "甲\n乙"]),
    "domains": st.sampled_from(["", "www.example.cn", "https://example.cn/a\nexample.org"]),
}


@given(st.fixed_dictionaries({}, optional=_FIELDS))
@settings(max_examples=count_examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_stated_is_exactly_what_differs_from_the_record(database: Database, typed: dict[str, Any]) -> None:
    one = a_form(database, "institution", subject=HOSPITAL.subject, **typed)
    found = looked(database, one)
    with database.writing() as connection:
        before = record_values.read_values_on(connection, HOSPITAL.subject, TODAY)
        form_drafts.discard_draft(connection, one.id, one.account)
    if found.composed is None:
        shown = record_values.fill_form("institution", before)
        assert all(shown[name] == value for name, value in typed.items())
        return
    stated = found.composed.drafts[-1].change.set
    assert set(stated) <= set(typed)
    assert all(before.get(path) != value for path, value in stated.items())


def test_a_form_that_changes_nothing_is_not_proposed(database: Database) -> None:
    one = a_form(database, "institution", subject=HOSPITAL.subject)
    assert errors(database, one) == {""}
    assert submit.propose_form(database, one.id, one.account, frozenset())[0] is None


def test_a_change_of_stage_keeps_the_other_approvals_and_withdrawing_needs_a_reason(database: Database) -> None:
    told = {"subject": HOSPITAL.subject, "technique": "ICSI"}
    one = compose_form(database, a_form(database, "approval", **told, stage="formal", document_no="示1号"))
    assert one.drafts[-1].change.set == {"approvals.ICSI": {"stage": "formal", "document_no": "示1号"}}
    assert one.drafts[0].change.set["covers"] == ["ICSI"]
    both = compose_form(database, a_form(database, "approval", **told, stage="suspended", also=["IVF"]))
    assert both.drafts[-1].change.set == {
        "approvals.ICSI": {"stage": "suspended"},
        "approvals.IVF": {"stage": "suspended"},
    }
    assert errors(database, a_form(database, "approval", **told, stage="withdrawn")) == {"reason"}
    gone = compose_form(database, a_form(database, "approval", **told, stage="withdrawn", reason="登记有误"))
    assert gone.drafts[-1].change.set == {"approvals.ICSI": None}


def test_a_form_without_the_day_it_is_true_from_is_refused(database: Database) -> None:
    one = a_form(database, "institution", subject=HOSPITAL.subject, campus="东院区", effective="")
    assert errors(database, one) == {"effective"}


def test_stages_that_make_little_sense_are_asked_about(database: Database) -> None:
    enter(
        database,
        a_change(HOSPITAL, DAY, {"approvals.PGT": {"stage": "preparing"}, "approvals.AIH": {"stage": "revoked"}}),
    )
    told = {"subject": HOSPITAL.subject, "stage": "formal"}
    assert "stage" in warned(database, a_form(database, "approval", **told, technique="PGT"))
    assert "stage" in warned(database, a_form(database, "approval", **told, technique="AIH"))
    assert "stage" not in warned(database, a_form(database, "approval", **told, technique="ICSI"))


# --- corrections -----------------------------------------------------------------------------------------------------


def test_an_earlier_day_or_the_same_is_a_correction_and_needs_its_reason(database: Database) -> None:
    for day in (DAY, DAY - dt.timedelta(days=30)):
        told = {"subject": HOSPITAL.subject, "level": "三级甲等", "effective": day.isoformat()}
        assert errors(database, a_form(database, "institution", **told)) == {"reason"}
        one = compose_form(database, a_form(database, "institution", **told, reason="抄录有误"))
        assert (one.kind, one.corrects) == ("correction", True)
        assert one.drafts[-1].change.reason == "抄录有误"


def test_a_correction_that_a_later_statement_outlives_says_until_when(database: Database) -> None:
    earlier = (DAY - dt.timedelta(days=30)).isoformat()
    one = a_form(database, "institution", subject=HOSPITAL.subject, level="三级甲等", effective=earlier, reason="有误")
    found = looked(database, one)
    assert [difference.outlived_by for difference in compose_form(database, one).differences] == [DAY]
    assert any(str(DAY) in warning.zh for warning in found.warnings)


# --- documents -------------------------------------------------------------------------------------------------------


def test_a_legal_fact_wants_its_document_and_a_description_does_not(database: Database) -> None:
    bare = a_form(database, "institution", subject=HOSPITAL.subject, document=False, uscc="12210300MB0000027N")
    assert errors(database, bare) == {"doc_title", "doc_date", "doc_file"}
    plain = a_form(
        database, "institution", subject=HOSPITAL.subject, document=False, level="三级甲等", ownership="公立"
    )
    one = compose_form(database, plain)
    assert [draft.change.set for draft in one.drafts] == [{"level": "三级甲等", "ownership": "public"}]
    assert one.drafts[0].source is None


def test_two_proposals_on_one_document_do_not_make_each_other_stale(database: Database) -> None:
    first = proposed(database, a_form(database, "institution", subject=HOSPITAL.subject, campus="东院区"))
    other = {"name": "沈阳市另一示例院", "address": "辽宁省沈阳市和平区示例街8号", "stage__IVF": "formal"}
    second = proposed(database, a_form(database, "institution", **other, by="editor.b"))
    approve(database, first)
    approve(database, second)
    third = compose_form(
        database, a_form(database, "institution", subject=HOSPITAL.subject, campus="西院区", effective="2030-01-01")
    )
    assert [draft.change.kind for draft in third.drafts] == ["institution"]  # the document is recorded by now


# --- people, certificates, sanctions ---------------------------------------------------------------------------------


def test_nothing_personal_stands_in_a_report_or_a_title(database: Database) -> None:
    told = {
        "institution": CODE,
        "name": "示例员乙",
        "role": "护士",
        "techniques": ["IVF"],
        "certificate_no": "****0777",
    }
    number = proposed(database, a_form(database, "practitioner", **told))
    with database.reading() as connection:
        proposal = proposals.get_proposal(connection, number)
        draft = list(proposals.read_drafts(connection, number))[-1]
    assert "示例员乙" not in f"{proposal.title}{proposal.report}"
    assert "0777" not in str(proposal.report)
    assert draft.change.set["certificate_masked"] == "****0777"
    assert proposal.report["fields"]["role"] == "护士"


def test_a_name_in_a_text_that_stays_for_ever_is_refused_and_the_draft_is_kept(database: Database) -> None:
    told = {"institution": CODE, "name": "示例员乙", "role": "护士", "techniques": ["IVF"]}
    one = a_form(database, "practitioner", **told, to_approver="示例员乙已到岗")
    with pytest.raises(InvalidInput) as refusal:
        submit.propose_form(database, one.id, one.account, frozenset(w.key for w in looked(database, one).warnings))
    assert "示例员乙" not in refusal.value.zh
    with database.reading() as connection:
        assert form_drafts.get_draft(connection, one.id, one.account).filled.typed["name"] == "示例员乙"


def test_the_codes_of_two_people_of_one_name_tell_nothing(database: Database) -> None:
    told = {"institution": CODE, "name": "示例员乙", "role": "护士", "techniques": ["IVF"]}
    one, two = (compose_form(database, a_form(database, "practitioner", **told)) for _ in range(2))
    assert one.subject != two.subject


def test_an_unknown_institution_is_said_at_its_field(database: Database) -> None:
    told = {"name": "示例员乙", "role": "护士", "techniques": ["IVF"]}
    one = a_form(database, "practitioner", **told, institution=format_code(code_of(an_institution(name="无"))))
    assert "institution" in errors(database, one)


# --- look-alikes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"name": "鞍山市示例医院", "address": "辽宁省鞍山市铁东区别处街7号"}, "name"),
        ({"name": "鞍山示例医院", "address": "辽宁省鞍山市铁东区别处街7号"}, "name"),
        ({"name": "鞍山市示例妇幼保健院", "address": "辽宁省鞍山市铁东区别处街7号"}, "name"),  # an alias
        ({"name": "鞍山市示例医院有限公司", "address": "辽宁省大连市中山区别处街7号"}, ""),
        ({"name": "鞍山市示例医院", "address": "辽宁省大连市中山区别处街7号"}, "name"),  # the same name elsewhere
        ({"name": "完全不同的机构名", "address": "鞍山市铁西区示例路一号"}, "address"),
        ({"name": "完全不同的机构名", "address": "辽宁省鞍山市铁西区示例路11号"}, ""),
    ],
)
def test_an_institution_that_may_be_there_already_has_to_be_confirmed(
    database: Database, typed: dict[str, str], field: str
) -> None:
    one = a_form(database, "institution", **typed, stage__IVF="formal")
    assert warned(database, one) - {"effective"} == ({field} if field else set())
    number, found = submit.propose_form(database, one.id, one.account, frozenset())
    assert (number is None) is bool(found.warnings)
    for warning in found.warnings:
        if warning.field == field:
            assert (f"/staff/records/{CODE}") in {address for _, address in warning.links}


def test_people_and_certificates_entered_twice_are_noticed_without_naming_anybody(database: Database) -> None:
    told = {"institution": CODE, "role": "护士", "techniques": ["IVF"]}
    same = looked(database, a_form(database, "practitioner", **told, name="示例员 甲"))
    assert {one.field for one in same.warnings} == {"name"}
    assert not any("甲" in one.zh for one in same.warnings)
    ending = a_form(database, "practitioner", **told, name="示例员丁", certificate_no="***********1234")
    assert warned(database, ending) == {"certificate_no"}
    again = {"institution": CODE, "number": "（示）医广【2025】第0715001号", "effective": "2025-07-15"}
    assert "number" in warned(database, a_form(database, "ad_certificate", **again))


def test_what_the_record_says_already_is_not_found_fault_with(database: Database) -> None:
    enter(database, a_change(HOSPITAL, DAY, {"uscc": "123", "address": "示例路"}))
    one = a_form(database, "institution", subject=HOSPITAL.subject, level="三级甲等", document=False)
    assert looked(database, one).errors == []
    assert looked(database, one).warnings == []
    touched = a_form(database, "institution", subject=HOSPITAL.subject, uscc="1234")
    assert errors(database, touched) == {"uscc"}
