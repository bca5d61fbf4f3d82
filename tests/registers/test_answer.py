"""Claims against small made-up registers: who is meant, where, when, and what the rules say."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from registry.domain.answers import Answer
from registry.domain.identifiers import format_code, make_code
from registry.domain.model import Draft
from registry.errors import CannotAnswer, InvalidCode, InvalidInput
from registry.storage.database import Database
from registry.verification.view import VerificationView
from tests.factories import (
    DAY,
    VERDICT_OF_STAGE,
    a_change,
    a_database,
    a_register,
    a_source,
    a_view,
    an_institution,
    ask,
    ask_about,
    code_of,
    enter,
)

LATER = DAY + dt.timedelta(days=60)
AFTER = DAY + dt.timedelta(days=90)
BEFORE = DAY - dt.timedelta(days=1)
NAME = "鞍山市示例医院"
Asker = Callable[..., Answer]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = a_database(tmp_path)
    yield database
    database.close()


@pytest.fixture
def holding(database: Database) -> Callable[..., Asker]:
    """Enter drafts; what then asks the register that holds them."""
    return partial(ask_about, database, on=AFTER)


def words(answer: Answer) -> dict[str, str]:
    return {t.technique: t.verdict for t in answer.techniques}


@pytest.mark.parametrize(("stage", "word"), VERDICT_OF_STAGE.items())
def test_a_stage_gives_its_verdict_with_basis_and_sentence(
    holding: Callable[..., Asker], stage: str, word: str
) -> None:
    hospital = an_institution(IVF=stage)
    answer = holding(a_source(), hospital)(NAME, "IVF", id="row-1")
    assert (answer.verdict, words(answer), answer.id) == (word, {"IVF": word}, "row-1")
    assert answer.techniques[0].stage == stage
    assert answer.basis is not None
    assert (answer.basis.as_of, answer.basis.entry) == (DAY, 2)
    assert answer.match is not None
    assert (answer.match.code, answer.match.on, answer.match.exact) == (format_code(code_of(hospital)), "name", True)
    assert answer.explanation
    assert answer.log.size == 2
    assert answer.candidates == []


def test_a_listed_institution_is_not_licensed_for_what_it_does_not_hold(holding: Callable[..., Asker]) -> None:
    answer = holding(a_source(), an_institution(IVF="formal"))(NAME, "IVF", "AIH")
    assert words(answer) == {"IVF": "licensed", "AIH": "technique_not_licensed"}
    assert answer.verdict == "technique_not_licensed"


def test_the_verdict_of_a_claim_is_the_worst_of_its_techniques(holding: Callable[..., Asker]) -> None:
    asker = holding(a_source(), an_institution(IVF="formal", AIH="trial", ICSI="suspended", AID="revoked"))
    assert asker(NAME, "IVF", "AIH").verdict == "licensed"
    assert asker(NAME, "IVF", "ICSI").verdict == "suspended"
    assert asker(NAME, "AID", "ICSI", "IVF").verdict == "revoked"
    assert asker(NAME, "IVF", "PGT").verdict == "technique_not_licensed"


def test_a_correction_without_a_source_rests_on_the_source_it_corrects(holding: Callable[..., Asker]) -> None:
    hospital = an_institution(IVF="formal", AIH="trial")
    corrected = a_change(hospital, DAY, {"approvals.IVF": {"stage": "trial"}, "level": "三级"}, reason="核对原件")
    answer = holding(a_source(), hospital, corrected)(NAME, "IVF", on=DAY)
    assert answer.basis is not None
    assert (answer.techniques[0].stage, answer.basis.entry) == ("trial", 3)
    assert answer.basis.as_of == DAY and "示例名单" in answer.basis.source


@pytest.mark.parametrize(
    ("on", "word"),
    [
        ("2020-06-01", "licensed"),
        ("2022-01-01", "licensed"),
        ("2022-01-02", "unknown"),
        ("2024-12-31", "unknown"),
        ("2025-01-01", "not_found"),
    ],
)
def test_between_lists_only_what_the_next_states_again_is_known_to_have_held(
    holding: Callable[..., Asker], on: str, word: str
) -> None:
    first, second = dt.date(2020, 1, 1), dt.date(2025, 1, 1)
    gone, stays = (an_institution(f"示例{n}医院", f"示例路{n}号", on=first, source="old") for n in "甲乙")
    again = an_institution("示例乙医院", "示例路乙号", on=second, source="new")
    drops = a_change(gone, second, {"status": "delisted"}, "new")
    asker = holding(a_source("old", first), a_source("new", second), gone, stays, drops, again)
    answer = asker("示例甲医院", "IVF", on=dt.date.fromisoformat(on))
    assert answer.verdict == word
    assert (answer.techniques[0].last_known is not None) is (word == "unknown")
    assert asker("示例乙医院", "IVF", on=dt.date.fromisoformat(on)).verdict == "licensed"


def test_a_decision_that_ends_an_approval_leaves_no_doubt_about_the_days_before(holding: Callable[..., Asker]) -> None:
    first = dt.date(2020, 1, 1)
    hospital = an_institution(on=first)
    revoked = a_change(hospital, dt.date(2024, 6, 1), {"approvals.IVF": {"stage": "revoked"}})
    asker = holding(a_source("list-1", first), hospital, revoked)
    assert asker(NAME, "IVF", on=dt.date(2024, 5, 31)).verdict == "licensed"
    assert asker(NAME, "IVF", on=dt.date(2024, 6, 1)).verdict == "revoked"


def test_without_a_technique_the_question_is_being_approved_at_all(holding: Callable[..., Asker]) -> None:
    asker = holding(a_source(), an_institution(IVF="revoked", AIH="trial"))
    assert asker(NAME).verdict == "partly_licensed"
    assert [(t.technique, t.verdict) for t in asker(NAME).techniques] == [("AIH", "licensed"), ("IVF", "revoked")]


def test_techniques_are_understood_as_people_say_them_once_each(holding: Callable[..., Asker]) -> None:
    asker = holding(a_source(), an_institution(IVF="formal"))
    assert words(asker(NAME, "试管婴儿", "IVF", "一代试管")) == {"IVF": "licensed"}
    with pytest.raises(InvalidInput):
        asker(NAME, "供卵")


def test_who_is_on_no_complete_list_is_not_found(holding: Callable[..., Asker]) -> None:
    answer = holding(a_source(), an_institution())("大连市示例妇产医院", "IVF")
    assert (answer.verdict, words(answer), answer.match) == ("not_found", {"IVF": "not_found"}, None)
    assert answer.basis is not None
    assert answer.basis.entry == 1


def test_a_centres_list_says_nothing_of_sperm_banks(holding: Callable[..., Asker]) -> None:
    asker = holding(a_source(), an_institution())
    assert asker(NAME, "SPERM_BANK").verdict == "unknown"
    assert asker("大连市示例妇产医院", "SPERM_BANK").verdict == "unknown"
    assert words(asker(NAME, "IVF", "SPERM_BANK")) == {"IVF": "licensed", "SPERM_BANK": "unknown"}


def test_a_partial_source_proves_presence_and_never_absence(holding: Callable[..., Asker]) -> None:
    asker = holding(a_source(scope="partial"), an_institution(IVF="formal"))
    assert asker(NAME, "IVF").verdict == "licensed"
    assert asker(NAME, "AIH").verdict == "unknown"
    assert asker("大连市示例妇产医院", "IVF").verdict == "unknown"
    assert asker("大连市示例妇产医院").verdict == "unknown"


def test_a_citys_list_denies_only_whom_it_would_list(holding: Callable[..., Asker]) -> None:
    asker = holding(a_source(scope="210300"), an_institution(IVF="formal"))
    assert asker("鞍山市示例妇产医院", "IVF", address="鞍山市铁西区示例路9号").verdict == "not_found"
    assert asker("大连市示例妇产医院", "IVF", address="大连市中山区示例路9号").verdict == "unknown"
    assert asker("某地示例妇产医院", "IVF").verdict == "unknown"


def test_chongqings_list_says_nothing_of_sichuan(holding: Callable[..., Asker]) -> None:
    hospital = an_institution("重庆示例医院", "重庆市渝中区示例路1号", region="500103")
    asker = holding(a_source(scope="500000"), hospital)
    assert asker("成都示例医院", "IVF", address="四川省成都市锦江区示例路1号").verdict == "unknown"
    assert asker("重庆示例妇产医院", "IVF", address="重庆市渝中区示例路2号").verdict == "not_found"


def test_the_day_before_the_first_source_is_unknown(holding: Callable[..., Asker]) -> None:
    asker = holding(a_source(), an_institution())
    assert asker(NAME, "IVF", on=BEFORE).verdict == "unknown"
    assert asker("大连市示例妇产医院", "IVF", on=BEFORE).verdict == "unknown"
    assert asker(NAME, on=BEFORE).verdict == "unknown"
    assert asker(NAME, "IVF", on=DAY).verdict == "licensed"


def test_an_answer_may_be_asked_as_it_was_known(database: Database) -> None:
    hospital = an_institution()
    enter(database, a_source(), hospital)
    between = moment_after(database)
    enter(database, a_change(hospital, DAY, {"approvals.IVF": {"stage": "revoked"}}))
    view = a_view(database)
    assert ask(view, NAME, "IVF", on=AFTER).verdict == "revoked"
    assert ask(view, NAME, "IVF", on=AFTER, known_at=between).verdict == "licensed"
    assert ask(view, NAME, "IVF", on=AFTER, known_at=dt.datetime(2000, 1, 1, tzinfo=dt.UTC)).verdict == "unknown"
    with pytest.raises(InvalidInput):
        ask(view, NAME, "IVF", known_at=dt.datetime(2025, 1, 1))


def moment_after(database: Database) -> dt.datetime:
    """An instant after everything recorded and before what comes next."""
    time.sleep(0.005)
    now = dt.datetime.now(dt.UTC)
    time.sleep(0.005)
    return now


def test_a_suspension_holds_from_its_day(holding: Callable[..., Asker]) -> None:
    hospital = an_institution()
    asker = holding(a_source(), hospital, a_change(hospital, LATER, {"status": "suspended"}))
    assert asker(NAME, "IVF", on=LATER - dt.timedelta(days=1)).verdict == "licensed"
    answer = asker(NAME, "IVF", on=LATER)
    assert (answer.verdict, asker(NAME).verdict) == ("suspended", "suspended")
    assert f"{LATER.year}年{LATER.month}月{LATER.day}日" in answer.explanation


def test_a_suspension_of_one_technique_leaves_the_others(holding: Callable[..., Asker]) -> None:
    hospital = an_institution(IVF="formal", AIH="formal")
    asker = holding(a_source(), hospital, a_change(hospital, LATER, {"approvals.IVF": {"stage": "suspended"}}))
    assert words(asker(NAME, "IVF", "AIH")) == {"IVF": "suspended", "AIH": "licensed"}


def test_who_left_the_list_is_not_found_from_then_on(holding: Callable[..., Asker]) -> None:
    hospital = an_institution()
    asker = holding(
        a_source(), hospital, a_source("list-2", LATER), a_change(hospital, LATER, {"status": "delisted"}, "list-2")
    )
    assert asker(NAME, "IVF", on=LATER - dt.timedelta(days=1)).verdict == "licensed"
    answer = asker(NAME, "IVF")
    assert (answer.verdict, words(answer)) == ("not_found", {"IVF": "not_found"})
    assert answer.match is not None
    assert answer.basis is not None
    assert answer.basis.as_of == LATER


def test_after_a_rename_both_names_mean_the_institution(holding: Callable[..., Asker]) -> None:
    hospital = an_institution()
    new = "鞍山示例生殖医院有限公司"
    asker = holding(a_source(), hospital, a_change(hospital, LATER, {"name": new}, "list-1"))
    for name, on in ((NAME, "former_name"), (new, "name"), ("鞍山示例生殖医院", "name")):
        answer = asker(name, "IVF")
        assert answer.verdict == "licensed", name
        assert answer.match is not None
        assert (answer.match.on, answer.match.name, answer.match.code) == (on, new, format_code(code_of(hospital)))
    earlier = asker(NAME, "IVF", on=DAY)
    assert earlier.match is not None
    assert (earlier.match.on, earlier.match.name, earlier.match.exact) == ("name", NAME, True)


def test_a_name_that_moved_on_to_another_means_the_other(holding: Callable[..., Asker]) -> None:
    old = an_institution(IVF="formal")
    heir = an_institution(NAME, "辽宁省鞍山市铁东区示例街9号", region="210302", on=LATER, AIH="formal")
    asker = holding(a_source(), old, a_change(old, LATER, {"name": "鞍山市示例新医院"}, "list-1"), heir)
    assert words(asker(NAME, "IVF", "AIH")) == {"IVF": "technique_not_licensed", "AIH": "licensed"}


def test_a_second_name_in_brackets_means_the_institution(holding: Callable[..., Asker]) -> None:
    printed = "鞍山市示例医院（鞍山市示例妇幼保健院）"
    asker = holding(a_source(), an_institution(printed, aliases=["鞍山市示例妇幼保健院"]))
    expected = {printed: "name", "鞍山市示例医院": "name", "鞍山市示例妇幼保健院": "alias"}
    for name, on in expected.items():
        answer = asker(name, "IVF")
        assert answer.verdict == "licensed"
        assert answer.match is not None
        assert (answer.match.on, answer.match.exact) == (on, name != "鞍山市示例医院")
    assert asker("鞍山市示例医院（示例分院）", "IVF").verdict == "not_found"


@pytest.mark.parametrize("form", ["有限公司", "（有限责任公司）", "股份有限公司", "（有限公司）"])
def test_a_company_form_may_be_left_out_but_never_added(holding: Callable[..., Asker], form: str) -> None:
    asker = holding(
        a_source(), an_institution("鞍山示例甲医院"), an_institution(f"鞍山示例乙医院{form}", "鞍山市铁西区示例路2号")
    )
    for name in ("鞍山示例乙医院", f"鞍山示例乙医院{form}"):
        assert asker(name, "IVF").verdict == "licensed", name
    answer = asker(f"鞍山示例甲医院{form}", "IVF")
    assert (answer.verdict, [candidate.name for candidate in answer.candidates][:1]) == (
        "not_found",
        ["鞍山示例甲医院"],
    )
    assert "请核对" in answer.explanation
    assert "12345" not in answer.explanation


@pytest.mark.parametrize(
    "name",
    [
        "鞍山市示例健康咨询有限公司",
        "鞍山市示例医院健康咨询有限公司",
        "鞍山市示例医院生殖中心",
        "鞍山市示例医院分院",
        "鞍山市第二示例医院",
        "鞍山示例医院",
        "市示例医院",
        "示例医院",
        "鞍山市示例医院集团",
        "鞍山市示例医院医院",
        "原鞍山市示例医院",
    ],
)
def test_a_name_that_is_only_near_is_never_licensed(holding: Callable[..., Asker], name: str) -> None:
    answer = holding(a_source(), an_institution())(name, "IVF")
    assert answer.verdict == "not_found"
    assert all(candidate.score < 100 for candidate in answer.candidates)


A1, A2 = "辽宁省鞍山市铁西区示例路1号", "辽宁省鞍山市铁东区示例街9号"


def two_sites(first: dict[str, str], second: dict[str, str]) -> tuple[Draft, ...]:
    return a_source(), an_institution(NAME, A1, **first), an_institution(NAME, A2, region="210302", **second)


def test_two_sites_of_one_name_that_agree_answer_together(holding: Callable[..., Asker]) -> None:
    answer = holding(*two_sites({"IVF": "formal"}, {"IVF": "formal"}))(NAME, "IVF")
    assert (answer.verdict, len(answer.candidates)) == ("licensed", 2)


def test_two_sites_of_one_name_that_disagree_are_ambiguous_without_an_address(holding: Callable[..., Asker]) -> None:
    asker = holding(*two_sites({"IVF": "formal"}, {"AIH": "formal"}))
    answer = asker(NAME, "IVF")
    assert (answer.verdict, answer.match) == ("ambiguous", None)
    assert {candidate.address for candidate in answer.candidates} == {A1, A2}
    assert asker(NAME, "IVF", address=A1).verdict == "licensed"
    assert asker(NAME, "IVF", address="铁西区示例路1号").verdict == "licensed"
    assert asker(NAME, "IVF", address=A2).verdict == "technique_not_licensed"
    assert asker(NAME, "IVF", address="鞍山市铁东区").verdict == "technique_not_licensed"
    assert asker(NAME, "IVF", address="鞍山市").verdict == "ambiguous"
    assert asker(NAME, "IVF", address="鞍山市铁西区示例路2号").verdict == "site_mismatch"
    assert asker(NAME, "IVF", address="大连市").verdict == "site_mismatch"


def test_the_right_name_at_another_address_is_a_site_mismatch(holding: Callable[..., Asker]) -> None:
    asker = holding(a_source(), an_institution())
    for address in (
        "大连市中山区示例路1号",
        "鞍山市铁东区示例路11号",
        "鞍山市海城市示例路1号",
        "鞍山市铁西区示例路11号",
        "沈阳市铁西区示例路1号",
    ):
        answer = asker(NAME, "IVF", address=address)
        assert (answer.verdict, words(answer)) == ("site_mismatch", {"IVF": "site_mismatch"}), address
    for address in (A1, "铁西区示例路1号", "示例路1号", "鞍山市", "", "  ", "辽宁省鞍山市铁西区示例路1号三楼"):
        assert asker(NAME, "IVF", address=address).verdict == "licensed", address


def test_without_its_campus_a_hospital_is_ambiguous(holding: Callable[..., Asker]) -> None:
    asker = holding(a_source(), an_institution("鞍山市示例医院（东院区）", campus="东院区"))
    assert asker("鞍山市示例医院（东院区）", "IVF").verdict == "licensed"
    answer = asker("鞍山市示例医院", "IVF")
    assert (answer.verdict, [c.name for c in answer.candidates]) == ("ambiguous", ["鞍山市示例医院（东院区）"])
    assert asker("鞍山市示例医院", "IVF", address=A1).verdict == "licensed"
    assert asker("鞍山市示例医院", "IVF", address="鞍山市").verdict == "ambiguous"
    assert asker("鞍山市示例医院（西院区）", "IVF").verdict == "not_found"


def test_a_code_means_its_institution(holding: Callable[..., Asker]) -> None:
    hospital = an_institution()
    asker, code = holding(a_source(), hospital), code_of(hospital)
    for written in (code, format_code(code), code.lower()):
        answer = asker(None, "IVF", code=written)
        assert answer.verdict == "licensed"
        assert answer.match is not None
        assert answer.match.on == "code"
    assert asker(NAME, "IVF", code=code).verdict == "licensed"


def test_a_code_with_the_name_of_another_is_ambiguous(holding: Callable[..., Asker]) -> None:
    a, b = an_institution(), an_institution("鞍山市示例乙医院", "鞍山市铁西区示例路2号", AIH="formal")
    asker = holding(a_source(), a, b)
    for name in ("鞍山市示例乙医院", "从未听说的示例医院"):
        answer = asker(name, "IVF", code=code_of(a))
        assert answer.verdict == "ambiguous"
        assert answer.match is None
        assert code_of(a) in {candidate.code.replace("-", "") for candidate in answer.candidates}


def test_a_mistyped_code_is_refused_and_an_unknown_one_not_found(holding: Callable[..., Asker]) -> None:
    hospital = an_institution()
    asker, code = holding(a_source(), hospital), code_of(hospital)
    with pytest.raises(InvalidCode):
        asker(None, "IVF", code=code[:-1] + ("0" if code[-1] != "0" else "2"))
    with pytest.raises(InvalidCode):
        asker(NAME, "IVF", code="7K2M")
    assert asker(None, "IVF", code=make_code("never given")).verdict == "not_found"


def test_a_code_at_another_address_is_a_site_mismatch(holding: Callable[..., Asker]) -> None:
    hospital = an_institution()
    asker = holding(a_source(), hospital)
    assert asker(None, "IVF", code=code_of(hospital), address="大连市中山区示例路1号").verdict == "site_mismatch"


USCC, OTHER_USCC = "91210300MA0EXAMP7A", "91210300MA0EXAMP8B"


def test_numbers_mean_their_institution(holding: Callable[..., Asker]) -> None:
    hospital = an_institution(uscc=a_uscc("0"), practice_licence_no="PDY12345", domains=["ivf.example"])
    asker = holding(a_source(), hospital)
    for field, value in {
        "uscc": a_uscc("0"),
        "practice_licence_no": "pdy-12345",
        "domain": "IVF.example.",
    }.items():
        answer = asker(None, "IVF", **{field: value})
        assert answer.verdict == "licensed", field
        assert answer.match is not None
        assert answer.match.on == field
    with pytest.raises(InvalidInput):
        asker(None, "IVF", uscc="123")
    assert asker(None, "IVF", uscc=a_uscc("1")).verdict == "unknown"


@pytest.mark.parametrize("field", ["uscc", "practice_licence_no"])
def test_a_number_of_one_with_the_name_of_another_is_never_licensed(holding: Callable[..., Asker], field: str) -> None:
    mine, other = {"uscc": (a_uscc("0"), a_uscc("1")), "practice_licence_no": ("PDY12345", "PDY54321")}[field]
    asker = holding(
        a_source(),
        an_institution(**{field: mine}),
        an_institution("鞍山市示例乙医院", "鞍山市铁西区示例路2号", AIH="formal"),
    )
    assert asker(NAME, "IVF", **{field: mine}).verdict == "licensed"
    assert asker("鞍山市示例乙医院", "IVF", **{field: mine}).verdict != "licensed"
    assert asker("从未听说的示例医院", "IVF", **{field: mine}).verdict != "licensed"
    assert asker(NAME, "IVF", **{field: other}).verdict != "licensed"


def a_uscc(digit: str) -> str:
    """A well-formed credit code of no real organisation."""
    from stdnum.cn import uscc

    body = f"91210300MA0EXAM{digit}7"
    return body + str(uscc.calc_check_digit(body))


def test_nobody_named_is_nobody(holding: Callable[..., Asker]) -> None:
    asker = holding(a_source(), an_institution())
    for name in ("", " ", "（）", "医院", "人民医院", "市", "1"):
        assert asker(name, "IVF").verdict == "not_found", name


def test_an_empty_register_knows_nothing(database: Database) -> None:
    view = a_view(database)
    assert ask(view, NAME, "IVF").verdict == "unknown"
    assert ask(view, NAME).verdict == "unknown"


def test_a_view_that_never_saw_the_log_refuses_to_answer() -> None:
    with pytest.raises(CannotAnswer):
        ask(VerificationView(), NAME, "IVF")


def test_a_view_that_lost_the_log_refuses_to_answer(database: Database) -> None:
    enter(database, a_source(), an_institution())
    view = a_view(database)
    assert view._verified is not None
    view._verified = msgspec.structs.replace(view._verified, ticks=view._verified.ticks - 3600)
    with pytest.raises(CannotAnswer):
        ask(view, NAME, "IVF")
    view.follow_log(database)
    assert ask(view, NAME, "IVF").verdict == "licensed"


def test_every_verdict_is_said_in_both_languages(database: Database) -> None:
    from registry.domain.answers import Claim, Provider
    from registry.verification.answer import answer_claim

    stages: dict[str, Any] = {"甲": "formal", "乙": "suspended", "丙": "revoked", "丁": "lapsed", "戊": "preparing"}
    enter(
        database,
        a_source(),
        *(
            an_institution(f"鞍山示例{n}医院", f"鞍山市铁西区示例路{i}号", IVF=stage)
            for i, (n, stage) in enumerate(stages.items())
        ),
    )
    view = a_view(database)
    said = set()
    for name in [*(f"鞍山示例{n}医院" for n in stages), "示例无名医院"]:
        for lang in ("zh-CN", "en"):
            for technique in ("IVF", "PGT", "SPERM_BANK"):
                one = answer_claim(view, Claim(provider=Provider(name=name), techniques=[technique], on=AFTER), lang)
                assert one.explanation.isascii() == (lang == "en") or name in one.explanation
                said.add((one.verdict, one.explanation))
    assert {verdict for verdict, _ in said} >= {"licensed", "suspended", "revoked", "lapsed", "preparing", "not_found"}


def test_what_had_stopped_on_a_past_day_is_said_of_that_day_only(tmp_path: Path) -> None:
    """ "May not now" about a past day would be a statement about today that nobody asked for."""
    hospital = an_institution()
    stop = a_change(hospital, DAY + dt.timedelta(days=10), {"approvals.IVF": {"stage": "suspended"}})
    database = a_register(tmp_path, a_source(), hospital, stop)
    view = a_view(database)
    past = ask(view, "鞍山市示例医院", "IVF", on=DAY + dt.timedelta(days=20))
    now = ask(view, "鞍山市示例医院", "IVF")
    assert "，2025年7月20日不得开展" in past.explanation
    assert "现不得开展" in now.explanation
    database.close()


def test_an_overdue_verification_lapses_from_the_day_after_and_says_since_when(holding: Callable[..., Asker]) -> None:
    due = DAY + dt.timedelta(days=10)
    approval = {"stage": "formal", "verification_due": str(due)}
    asker = holding(a_source(), an_institution(**{"approvals.IVF": approval, "approvals.AIH": {"stage": "trial"}}))
    assert asker(NAME, "IVF", on=due).verdict == "licensed"
    late = asker(NAME, "IVF", on=due + dt.timedelta(days=1))
    assert (late.verdict, late.techniques[0].stage) == ("lapsed", "lapsed")
    assert late.explanation.startswith("自2025年7月11日起失效")
    assert (asker(NAME, "AIH", on=AFTER).verdict, asker(NAME, on=AFTER).verdict) == ("licensed", "partly_licensed")
    assert asker(NAME, "AIH", "IVF", on=AFTER).verdict == "lapsed"


def test_a_verification_that_was_recorded_goes_on_without_a_break(holding: Callable[..., Asker]) -> None:
    due = DAY + dt.timedelta(days=10)
    first = {"stage": "formal", "verification_due": str(due)}
    passed = {"stage": "formal", "verification_due": str(due + dt.timedelta(days=730))}
    hospital = an_institution(**{"approvals.IVF": first})
    asker = holding(a_source(), hospital, a_change(hospital, due, {"approvals.IVF": passed}, "list-1"))
    for days in (0, 1, 730):
        assert asker(NAME, "IVF", on=due + dt.timedelta(days=days)).verdict == "licensed"
    assert asker(NAME, "IVF", on=due + dt.timedelta(days=731)).verdict == "lapsed"


def test_an_approval_from_a_later_day_is_not_one_yet(holding: Callable[..., Asker]) -> None:
    later = {"stage": "formal", "valid_from": str(LATER)}
    asker = holding(a_source(), an_institution(**{"approvals.IVF": later}))
    assert asker(NAME, "IVF", on=LATER - dt.timedelta(days=1)).verdict == "technique_not_licensed"
    assert asker(NAME, "IVF", on=LATER).verdict == "licensed"


def test_without_a_technique_the_day_of_a_stop_is_that_of_the_stop(holding: Callable[..., Asker]) -> None:
    hospital = an_institution(IVF="formal", AIH="formal")
    stops = [
        a_change(hospital, day, {f"approvals.{technique}": {"stage": "revoked"}}, "list-1")
        for technique, day in (("IVF", DAY + dt.timedelta(days=5)), ("AIH", LATER))
    ]
    asker = holding(a_source(), hospital, *stops)
    assert asker(NAME).explanation.startswith("自2025年8月29日起撤销")
    assert asker(NAME, "IVF").explanation.startswith("自2025年7月5日起撤销")
    assert asker(NAME, "IVF", "AIH").explanation.startswith("自2025年8月29日起撤销")
    assert asker(NAME, on=LATER - dt.timedelta(days=1)).verdict == "partly_licensed"


def test_what_is_denied_rests_on_the_list_that_denies_it(holding: Callable[..., Asker]) -> None:
    banks = a_source("banks", LATER, "210300", title="示例精子库名单", covers=["SPERM_BANK"])
    asker = holding(a_source(), banks, an_institution(NAME))
    (bank,) = asker(NAME, "SPERM_BANK").techniques
    assert (bank.verdict, bank.basis and bank.basis.source) == ("technique_not_licensed", "示例精子库名单")
    (tested,) = asker(NAME, "PGT").techniques
    assert (tested.verdict, tested.basis and tested.basis.as_of) == ("technique_not_licensed", DAY)
    (before,) = asker(NAME, "SPERM_BANK", on=LATER - dt.timedelta(days=1)).techniques
    assert before.verdict == "unknown"
