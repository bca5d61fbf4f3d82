"""Numbers, domains and second names: what identifies an institution, and what only looks as if it did."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from stdnum.cn import uscc

from registry.domain.answers import Answer
from registry.errors import InvalidInput
from registry.verification.view import VerificationView
from tests.factories import DAY, a_change, a_register, a_source, a_view, an_institution, ask, code_of

AFTER = DAY + dt.timedelta(days=30)
Asker = Callable[..., Answer]


def a_uscc(body: str) -> str:
    return body + str(uscc.calc_check_digit(body))


MINE, OTHERS = a_uscc("91210300MA0EXAM07"), a_uscc("91210300MA0EXAM17")
A = an_institution(
    "鞍山市示例医院（鞍山市示例妇产医院、示例第二名医院）",
    aliases=["鞍山市示例妇产医院", "示例第二名医院"],
    uscc=MINE,
    practice_licence_no="pdy-10001 221",
    domains=["www.Hospital.example", "示例医院.example"],
)
B = an_institution(
    "鞍山市示例乙医院",
    "辽宁省鞍山市铁西区示例路2号",
    uscc=OTHERS,
    practice_licence_no="PDY20002",
    domains=["b.example"],
)
C = an_institution("鞍山市示例丙医院", "辽宁省鞍山市铁西区示例路3号")
RENAMED = a_change(C, DAY + dt.timedelta(days=10), {"name": "鞍山市示例丁医院"}, "list-1")


@pytest.fixture(scope="module")
def view(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VerificationView]:
    folder: Path = tmp_path_factory.mktemp("numbers")
    database = a_register(folder, a_source(), A, B, C, RENAMED)
    view = a_view(database)
    database.close()
    yield view


@pytest.fixture
def asker(view: VerificationView) -> Asker:
    return lambda name=None, **told: ask(view, name, "IVF", **{"on": AFTER, **told})


@pytest.mark.parametrize(
    "written",
    [
        "hospital.example",
        "www.hospital.example",
        "https://www.hospital.example/ivf/index.html?id=1#top",
        "HTTP://HOSPITAL.EXAMPLE:8080",
        "hospital.example.",
        "hospital。example",
        " hospital.example ",
        "示例医院.example",
        "https://www.示例医院.example/",
        "xn--fsqt3gyx9bdny.example",
        "XN--FSQT3GYX9BDNY.example",
    ],
)
def test_a_domain_is_the_host_however_its_address_is_written(asker: Asker, written: str) -> None:
    answer = asker(domain=written)
    assert answer.match is not None
    assert (answer.verdict, answer.match.on, answer.match.rule) == ("licensed", "domain", "identifier")


@pytest.mark.parametrize(
    "written",
    [
        "ivf.hospital.example",
        "hospital.example.cn",
        "hospital-example.cn",
        "myhospital.example",
        "hospital.example@evil.example",
        "https://evil.example/hospital.example",
        "https://evil.example?www.hospital.example",
        "hospitaI.example.org",
        "example",
    ],
)
def test_a_host_that_only_looks_like_a_domain_identifies_nobody(asker: Asker, written: str) -> None:
    try:
        answer = asker(domain=written)
        assert (answer.verdict, answer.match) == ("unknown", None)
        assert "未必载有" in answer.explanation
    except InvalidInput:
        assert "." not in written


@pytest.mark.parametrize("written", ["127.0.0.1", "http://[::1]/", "not a domain", "//", "a..b", "．"])
def test_what_is_no_domain_is_refused(asker: Asker, written: str) -> None:
    with pytest.raises(InvalidInput):
        asker(domain=written)


def test_a_name_at_anothers_or_an_unknown_domain_is_ambiguous_where_its_own_is_known(asker: Asker) -> None:
    name = "鞍山市示例妇产医院"
    assert asker(name, domain="hospital.example").verdict == "licensed"
    assert asker(name, domain="ivf.hospital.example").verdict == "licensed"  # proves nothing, contradicts nothing
    assert asker(name, domain="evil.example").verdict == "ambiguous"
    assert asker(name, domain="b.example").verdict == "ambiguous"
    assert asker("鞍山市示例丁医院", domain="evil.example").verdict == "licensed"  # none of its domains is known
    assert asker("鞍山市示例丁医院", domain="b.example").verdict == "ambiguous"


def test_numbers_are_looked_up_however_the_record_or_the_claim_writes_them(asker: Asker) -> None:
    for told in ({"uscc": f" {MINE[:8]}-{MINE[8:].lower()}"}, {"practice_licence_no": "PDY10001221"}):
        answer = asker(**told)
        assert answer.match is not None
        assert (answer.verdict, answer.match.code.replace("-", "")) == ("licensed", code_of(A))


@pytest.mark.parametrize("wrong", range(18))
def test_a_credit_code_with_one_wrong_character_is_refused(asker: Asker, wrong: int) -> None:
    other = "3" if MINE[wrong] != "3" else "4"
    with pytest.raises(InvalidInput):
        asker(uscc=MINE[:wrong] + other + MINE[wrong + 1 :])


def test_a_credit_code_whose_check_sum_is_zero_is_taken(asker: Asker) -> None:
    bodies = (f"91210300MA0EX{n:04}" for n in range(10_000))
    zero = next(code for code in map(a_uscc, bodies) if code.endswith("0"))
    assert asker(uscc=zero).verdict == "unknown"


NUMBERS = {
    "code": (code_of(A), code_of(B)),
    "uscc": (MINE, OTHERS),
    "practice_licence_no": ("PDY10001221", "PDY20002"),
    "domain": ("hospital.example", "b.example"),
}


@pytest.mark.parametrize("first", NUMBERS)
@pytest.mark.parametrize("second", NUMBERS)
def test_numbers_of_two_institutions_never_license_either(asker: Asker, first: str, second: str) -> None:
    if first == second:
        assert asker(**{first: NUMBERS[first][0]}).verdict == "licensed"
        return
    assert asker(**{first: NUMBERS[first][0], second: NUMBERS[second][0]}).verdict == "licensed"
    crossed = asker(**{first: NUMBERS[first][0], second: NUMBERS[second][1]})
    assert (crossed.verdict, crossed.match) == ("ambiguous", None)


@pytest.mark.parametrize("field", NUMBERS)
def test_a_number_with_anothers_name_is_ambiguous(asker: Asker, field: str) -> None:
    for name in ("鞍山市示例乙医院", "从未听说的示例医院", "鞍山市示例妇幼医院"):
        answer = asker(name, **{field: NUMBERS[field][0]})
        assert (answer.verdict, answer.match) == ("ambiguous", None), name


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("鞍山市示例妇产医院（鞍山市示例医院）", "both_names"),
        ("鞍山市示例医院（示例第二名医院）", "both_names"),
        ("示例第二名医院（鞍山市示例妇产医院、鞍山市示例医院）", "both_names"),
        ("鞍山市示例丁医院（原鞍山市示例丙医院）", "both_names"),
        ("鞍山市示例丁医院（鞍山市示例丙医院）", "both_names"),
    ],
)
def test_two_names_of_one_institution_in_whatever_order_mean_it(asker: Asker, name: str, rule: str) -> None:
    answer = asker(name)
    assert answer.match is not None
    assert (answer.verdict, answer.match.rule, answer.match.exact) == ("licensed", rule, False)


@pytest.mark.parametrize(
    "name",
    [
        "鞍山市示例医院（鞍山市示例乙医院）",
        "鞍山市示例医院（鞍山市示例医院）",
        "鞍山市示例医院（鞍山市示例医院有限公司）",
        "鞍山市示例医院有限公司（鞍山市示例妇产医院）",
        "鞍山市示例医院（示例分院）",
        "鞍山市示例乙医院（鞍山市示例妇产医院）",
        "鞍山市示例医院（鞍山市示例妇产医院、国际部）",
        "鞍山市示例丁医院（原鞍山市示例乙医院）",
        "鞍山市示例医院（原鞍山市示例妇产医院）",
        "鞍山市示例医院（）",
    ],
)
def test_a_bracket_that_is_not_a_second_name_means_nobody_else(asker: Asker, name: str) -> None:
    answer = asker(name)
    assert answer.verdict != "licensed" or name.endswith("（）")  # an empty bracket says nothing


def test_a_former_name_means_its_institution_on_the_days_it_was_and_after_and_says_so(asker: Asker) -> None:
    before, since = DAY + dt.timedelta(days=9), DAY + dt.timedelta(days=10)
    told = {day: asker("鞍山市示例丙医院", on=day).match for day in (before, since)}
    assert {day: (match.on, match.name) for day, match in told.items() if match} == {
        before: ("name", "鞍山市示例丙医院"),
        since: ("former_name", "鞍山市示例丁医院"),
    }
    assert asker("鞍山市示例丙医院", on=DAY - dt.timedelta(days=1)).verdict == "unknown"
