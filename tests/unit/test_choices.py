"""Closed lists: what forms offer, what imports accept and what their templates list is the same."""

from __future__ import annotations

import io
import re
import zipfile

import pytest

from registry.domain import techniques
from registry.domain.choices import CHOICES
from registry.importers.people import columns
from registry.importers.people.columns import PeopleKind
from registry.records.asof import parse_day
from registry.staff.forms import checks
from registry.staff.forms.forms import KINDS, WITHDRAWN, FormField, FormKind, list_fields

TODAY = parse_day("2025-11-20")
#: Every field of a form in which something is chosen.
CHOSEN = [
    pytest.param(kind, field, id=f"{kind}-{new}-{field.name}")
    for kind in KINDS
    for new in (True, False)
    for field in list_fields(kind, new)
    if field.input in ("choice", "boxes")
]


def lists_in_template(kind: PeopleKind) -> list[tuple[str, ...]]:
    """The lists that a template's sheet lets people choose from."""
    with zipfile.ZipFile(io.BytesIO(columns.make_template(kind))) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    return [tuple(found.split(",")) for found in re.findall("<formula1>&quot;(.*?)&quot;</formula1>", sheet)] or [
        tuple(found.split(",")) for found in re.findall('<formula1>"(.*?)"</formula1>', sheet)
    ]


@pytest.mark.parametrize(("kind", "field"), CHOSEN)
def test_a_form_offers_a_closed_list_and_refuses_everything_else(kind: FormKind, field: FormField) -> None:
    assert field.choice_list is not None
    assert field.choices == (*CHOICES[field.choice_list], *field.more)
    assert set(field.more) <= {WITHDRAWN}  # says that nothing was approved, so no file and no record holds it
    if field.input == "choice":
        for choice in field.choices:
            assert not list(checks._check_input(field, {field.name: choice}))
        assert [one.level for one in checks._check_input(field, {field.name: "其他"})] == ["error"]


def test_a_file_of_people_accepts_and_its_template_lists_what_the_form_offers() -> None:
    offered = {field.name: field.choices for field in list_fields("practitioner", True)}
    assert (offered["role"], offered["certificate_kind"]) == (columns.ROLES, columns.CERTIFICATE_KINDS)
    assert offered["techniques"] == columns.TECHNIQUE_COLUMNS
    assert set(columns.TECHNIQUE_COLUMNS) < set(columns.COLUMNS["practitioners"])
    listed = lists_in_template("practitioners")
    assert offered["role"] in listed
    assert offered["certificate_kind"] in listed


def test_a_list_accepts_the_techniques_and_stages_that_forms_offer() -> None:
    offered = {field.name: field.choices for field in list_fields("approval", False)}
    for code in offered["technique"]:
        words = techniques.BY_CODE[code]
        assert {techniques.find_printed_technique(word) for word in words.printed} == {code}
    for stage in set(offered["stage"]) - {WITHDRAWN}:
        assert techniques.find_stage(stage) == stage
        for word in techniques.STAGES[stage]:  # type: ignore[index]  # its own keys
            assert techniques.find_stage(word) == stage
