"""What a form's own checks find, and what may never be kept of what somebody typed."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.datastructures import FormMultiDict

from registry.records.asof import read_today
from registry.staff.forms import checks
from registry.staff.forms.checks import Finding
from registry.staff.forms.forms import (
    KINDS,
    FormKind,
    Typed,
    has_forbidden_number,
    list_fields,
    make_empty_form,
    mask_certificate_number,
    normalise_day,
    read_input,
)
from tests.unit.test_identifiers import USCC_ALPHABET, a_uscc

FORMS = (
    "{0:%Y-%m-%d}",
    "{0:%Y%m%d}",
    "{0.year}年{0.month}月{0.day}日",
    "{0.year}.{0.month}.{0.day}",
    "{0.year}/{0.month}/{0.day}",
)
DAYS = st.dates(dt.date(1920, 1, 1), dt.date(2029, 12, 31))


def levels(found: list[Finding], field: str) -> set[str]:
    return {one.level for one in found if one.field == field}


def of(kind: FormKind, **typed: str | list[str]) -> list[Finding]:
    full: Typed = {**make_empty_form(kind, True), "effective": "2025-10-01", **typed}
    return checks.check_form(kind, True, full, read_today())


# --- numbers ---------------------------------------------------------------------------------------------------------


@given(st.text(USCC_ALPHABET, min_size=17, max_size=17))
def test_a_credit_code_that_is_right_is_never_doubted(body: str) -> None:
    # python-stdnum holds the organisation code inside to its own check as well
    found = list(checks.check_uscc(a_uscc(body)))
    assert [one.level for one in found] in ([], ["warning"])


def test_a_right_credit_code_passes_a_doubtful_one_warns_and_a_broken_one_stops() -> None:
    assert list(checks.check_uscc("12210300MB0000027N")) == []
    assert list(checks.check_uscc("１２２１０３００mb 00-00027n")) == []
    assert [one.level for one in checks.check_uscc("12210300MB0000028N")] == ["warning"]
    for broken in ("123", "12210300MB0000027", "12210300MB0000027NN", "I2210300MB0000027N", "12210300MB00000 27好"):
        assert [one.level for one in checks.check_uscc(broken)] == ["error"], broken


def test_an_old_practice_licence_number_warns_and_is_never_refused() -> None:
    assert list(checks.check_licence_number("", "")) == []
    number = "MB0000027" + "210303" + "11" + "A100" + "1"
    assert list(checks.check_licence_number(number, "12210300MB0000027N")) == []
    assert [one.level for one in checks.check_licence_number(number, "12210300MB0000035Q")] == ["warning"]
    assert [one.level for one in checks.check_licence_number("21030211", "")] == ["warning"]


@pytest.mark.parametrize(
    ("address", "region", "expected"),
    [
        ("辽宁省鞍山市铁西区示例路1号", "", {("region", "note")}),
        ("辽宁省鞍山市铁西区示例路1号", "210300", set()),
        ("辽宁省鞍山市铁西区示例路1号", "210106", {("region", "error")}),  # 沈阳市铁西区
        ("辽宁省鞍山市铁西区示例路1号", "999999", {("region", "error")}),
        ("铁西区示例路1号", "", {("address", "warning")}),
        ("铁西区示例路1号", "210303", set()),
        ("辽宁省鞍山市铁西区示例路", "210303", {("address", "warning")}),
    ],
)
def test_an_address_names_its_place_and_agrees_with_the_region(
    address: str, region: str, expected: set[tuple[str, str]]
) -> None:
    assert {(one.field, one.level) for one in checks.check_address(address, region)} == expected


def test_a_certificates_period_follows_from_its_number_and_is_never_longer() -> None:
    number = "(辽)医广[2025]第07-15-001号"
    found = of("ad_certificate", institution="0", number=number, effective="2025-07-15")
    assert levels(found, "number") == {"note"}
    assert any("2026-07-14" in one.zh for one in found)
    assert levels(of("ad_certificate", number=number, valid_to="2026-07-15"), "valid_to") == {"error"}
    assert levels(of("ad_certificate", number=number, valid_to="2025-07-14"), "valid_to") == {"error"}
    assert levels(of("ad_certificate", number=number, valid_to="2025-12-31"), "valid_to") == set()
    assert levels(of("ad_certificate", number="辽医广2025-1"), "number") == {"error"}
    assert levels(of("ad_certificate", number=number, effective="2025-10-01"), "effective") == {"warning"}


# --- days and stages -------------------------------------------------------------------------------------------------


def test_periods_are_in_order_and_a_verification_that_is_due_is_said() -> None:
    base = {"name": "示例", "address": "示例", "status": "listed", "stage.IVF": "formal"}
    order = of("institution", **base, valid_from="2029-10-01", verification_due="2029-10-01")
    assert levels(order, "verification_due") == {"error"}
    late = of("institution", **base, valid_from="2025-11-01", effective="2025-10-01")
    assert levels(late, "valid_from") == {"warning"}
    over = of("institution", **base, verification_due="2020-01-01")
    assert levels(over, "verification_due") == {"warning"}
    stray = of("institution", name="示例", address="示例", status="listed", document_no="1号")
    assert levels(stray, "stage.AIH") == {"error"}
    assert levels(of("practitioner", valid_from="2025-10-01", valid_to="2025-09-30"), "valid_to") == {"error"}


def test_days_that_are_none_or_have_not_come_are_refused_and_a_far_one_is_asked_about() -> None:
    for wrong in ("2025-02-30", "yesterday", "1900-01-01", "3000-01-01"):
        assert "error" in levels(of("sanction", effective=wrong), "effective"), wrong
    tomorrow = (read_today() + dt.timedelta(days=1)).isoformat()
    assert levels(of("sanction", doc_date=tomorrow), "doc_date") == {"error"}
    assert levels(of("sanction", decided_on=tomorrow), "decided_on") == {"error"}
    far = (read_today() + dt.timedelta(days=800)).isoformat()
    assert levels(of("sanction", effective=far), "effective") == {"warning"}
    assert levels(of("sanction", effective="2025-10-01", doc_date="2025-10-20"), "effective") == {"warning"}


@given(DAYS)
def test_a_day_is_understood_as_people_write_it(day: dt.date) -> None:
    for form in FORMS:
        assert normalise_day(form.format(day)) == day.isoformat()


def test_a_sanction_is_about_somebody_and_not_about_two() -> None:
    assert levels(of("sanction"), "institution") == {"error"}
    assert levels(of("sanction", institution="0", organisation="示例公司"), "organisation") == {"error"}
    assert levels(of("sanction", organisation="示例公司"), "organisation") == set()


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_that_must_be_filled_in_says_so(kind: FormKind) -> None:
    found = checks.check_form(kind, True, make_empty_form(kind, True), read_today())
    required = {field.name for field in list_fields(kind, True) if field.required}
    assert required <= {one.field for one in found if one.level == "error"}


# --- what is never kept ----------------------------------------------------------------------------------------------


@given(DAYS, st.integers(110000, 659001), st.integers(0, 999), st.sampled_from("0123456789X"))
def test_an_identity_number_is_found_however_it_is_written(day: dt.date, place: int, order: int, check: str) -> None:
    number = f"{place}{day:%Y%m%d}{order:03}{check}"
    for said in (
        number,
        f"身份证{number}。",
        f"{number[:6]} {number[6:14]} {number[14:]}",
        f"{number[:6]}-{number[6:]}",
    ):
        assert has_forbidden_number("name", said), said
        assert has_forbidden_number("certificate_no", said.strip("身份证。")), said
    assert has_forbidden_number("certificate_no", f"2013{number}02012")  # a qualification's number holds it


@given(st.text("3456789", min_size=1, max_size=1), st.text("0123456789", min_size=9, max_size=9))
def test_a_telephone_is_found(second: str, rest: str) -> None:
    for said in (f"1{second}{rest}", f"+861{second}{rest}", f"电话 1{second}{rest[:2]}-{rest[2:6]}-{rest[6:]}"):
        assert has_forbidden_number("to_approver", said), said
    assert has_forbidden_number("summary", "电话0412-2216842")


@pytest.mark.parametrize(
    "said", ["示卫批〔2025〕30号", "(辽)医广[2025]第07-15-001号", "罚款100000元", "2025-10-01至2025-12-31"]
)
def test_numbers_of_documents_and_sums_are_kept(said: str) -> None:
    assert not has_forbidden_number("summary", said)


@given(st.text("0123456789ABCX", min_size=3, max_size=24))
def test_of_a_certificates_number_the_end_alone_is_left_and_masking_again_changes_nothing(number: str) -> None:
    once = mask_certificate_number(number)
    assert len(once) == len(number)
    assert mask_certificate_number(once) == once or not once.startswith("**")
    assert once[: len(once) - 4].strip("*") == ""


def test_reading_drops_what_may_not_be_kept_and_what_is_too_long_is_refused() -> None:
    given_ = {"name": "张 13800001111", "role": "护士", "certificate_no": "110210000000777", "institution": "x" * 999}
    found = read_input("practitioner", True, FormMultiDict(given_))
    assert found.refused == {"name"}
    assert found.typed["name"] == ""
    assert found.typed["certificate_no"] == "***********0777"
    assert len(str(found.typed["institution"])) == 201
    assert levels(checks.check_form("practitioner", True, found.typed, read_today()), "institution") == {"error"}
    fits = read_input("institution", True, FormMultiDict({"name": "长" * 200, "region": "２１０３０２"}))
    assert fits.typed["region"] == "210302"
    assert levels(checks.check_form("institution", True, fits.typed, read_today()), "name") == set()
    assert levels(checks.check_form("institution", True, {**fits.typed, "name": "长" * 201}, read_today()), "name") == {
        "error"
    }
    assert levels(checks.check_form("practitioner", True, found.typed, read_today(), found.refused), "name") == {
        "error"
    }
