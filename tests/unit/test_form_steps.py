"""The steps of forms: every field has its page, no page asks for much, one change takes one page."""

from __future__ import annotations

import pytest

from registry.staff.forms.form_steps import FILE, FormStep, find_step_of, list_path, list_steps
from registry.staff.forms.forms import KINDS, FormKind, Typed, list_fields, list_own_fields, make_empty_form

#: Questions of one page, a list of boxes being one.
MOST = 9
EVERY = [(kind, new) for kind in KINDS for new in (True, False) if (kind, new) != ("approval", True)]


def names_of(steps: tuple[FormStep, ...]) -> list[str]:
    return [name for step in steps for name in step.fields]


@pytest.mark.parametrize(("kind", "new"), EVERY)
def test_every_field_is_asked_for_and_no_page_asks_for_much(kind: FormKind, new: bool) -> None:
    typed: Typed = {field.name: "formal" for field in list_fields(kind, new) if field.name.startswith("stage")}
    steps = list_steps(kind, new, typed)
    # Nothing new is a correction; the institution and the technique of what is recorded stay.
    left_out = {"reason"} if new else {"technique", "institution"}
    assert {field.name for field in list_fields(kind, new)} - set(names_of(steps)) <= left_out
    assert FILE in names_of(list_path(kind, new, typed))
    assert max(len(step.fields) for step in steps) <= MOST
    assert len({step.name for step in steps}) == len(steps)
    required = {field.name for field in list_fields(kind, new) if field.required} - left_out
    assert required <= {*names_of(list_path(kind, new, typed)), "status"}  # which a new record has from the start


def test_a_new_institution_takes_four_pages_with_the_answers_and_one_change_two() -> None:
    assert len(list_path("institution", True, make_empty_form("institution", True))) == 3
    assert len(list_path("ad_certificate", True, {})) == 1
    for stage, pages in {"suspended": 1, "revoked": 1, "withdrawn": 1, "formal": 2}.items():
        assert len(list_path("approval", False, {"stage": stage})) == pages


@pytest.mark.parametrize("kind", ["institution", "practitioner", "ad_certificate", "sanction"])
def test_one_field_is_changed_on_one_page_with_what_is_checked_with_it(kind: FormKind) -> None:
    for field in list_own_fields(kind, new=False):
        (step,) = list_path(kind, False, {}, field.name)
        assert field.name in step.fields
        assert {"effective", "reason"} <= set(step.fields)
        assert len(step.fields) <= MOST
        every = list_steps(kind, False, {}, field.name)
        assert find_step_of(every, "to_approver").name != step.name  # what may be added has a page of its own
    assert FILE not in list_path("institution", False, {}, "level")[0].fields  # no legal fact rests on a document
    assert {"address", "region", FILE} <= set(list_path("institution", False, {}, "region")[0].fields)


def test_a_technique_with_another_document_has_a_page_once_it_is_chosen() -> None:
    assert [step.name for step in list_steps("institution", True, {}) if step.name.startswith("approval-")] == []
    steps = list_steps("institution", True, {"stage.PGT": "trial"})
    assert find_step_of(steps, "verification_due.PGT").name == "approval-PGT"
