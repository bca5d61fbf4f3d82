"""English names, and several names in one field: candidates to compare, never a licence, and nobody is accused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from registry.domain.answers import Answer
from registry.verification.english_names import split_latin, split_words
from registry.verification.view import VerificationView
from tests.factories import DAY, a_change, a_register, a_source, a_view, an_institution, ask, enter

ON = dt.date(2025, 7, 15)
LATER = DAY + dt.timedelta(days=30)
FIRST = an_institution("示例第一医院", name_en="Example University First Hospital")
SECOND = an_institution("示例第二医院", "辽宁省鞍山市铁西区示例路2号", name_en="Example University Second Hospital")
OWN = an_institution(
    "示例珠岭医院", "辽宁省鞍山市铁西区示例路3号", name_en="Zhuling Hospital, Example School of Medicine"
)


@pytest.fixture
def asker(tmp_path: Path) -> Callable[..., Answer]:
    view = a_view(a_register(tmp_path, a_source(), FIRST, SECOND, OWN))
    return lambda name, **told: ask(view, name, "IVF", **{"on": LATER, **told})


def names_of(answer: Answer) -> list[str]:
    return [candidate.name for candidate in answer.candidates]


# --- English ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        "Example University First Hospital",
        "EXAMPLE UNIVERSITY FIRST HOSPITAL",
        "The First Hospital of Example University",
        "Ｅxample University, No. 1 Hospital",
        "Example Univ. 1st Hospital",
    ],
)
@pytest.mark.parametrize("told", [{}, {"address": "辽宁省鞍山市铁西区示例路1号"}])
def test_an_english_name_leads_to_whose_it_is_and_licenses_nobody(
    asker: Callable[..., Answer], written: str, told: dict[str, Any]
) -> None:
    answer = asker(written, **told)
    assert (answer.verdict, answer.match, names_of(answer)) == ("ambiguous", None, ["示例第一医院"])
    assert "请核对" in answer.explanation and "不得" not in answer.explanation


def test_an_english_name_of_two_leads_to_both(tmp_path: Path) -> None:
    twin = an_institution("示例壹号医院", "辽宁省鞍山市铁西区示例路9号", name_en="Example University First Hospital")
    answer = ask(a_view(a_register(tmp_path, a_source(), FIRST, twin)), "Example University First Hospital", on=LATER)
    assert (answer.verdict, sorted(names_of(answer))) == ("ambiguous", ["示例壹号医院", "示例第一医院"])


def test_a_word_of_its_own_leads_to_whoever_has_it(asker: Callable[..., Answer]) -> None:
    for written in ("Zhuling Hospital", "Zhuling IVF Center"):
        answer = asker(written)
        assert (answer.verdict, names_of(answer)) == ("not_found", ["示例珠岭医院"])
        assert "请核对" in answer.explanation and "12345" not in answer.explanation


@pytest.mark.parametrize("written", ["People's Hospital", "First Hospital", "IVF", "Beijing Hospital", "Golden Stork"])
def test_words_of_many_and_words_of_nobody_lead_to_nobody(asker: Callable[..., Answer], written: str) -> None:
    answer = asker(written)
    assert (answer.verdict, names_of(answer)) == ("not_found", [])
    assert "12345" not in answer.explanation  # the list is in Chinese: that a foreign name is not on it tells little


@pytest.mark.parametrize(
    "written",
    [
        "{} Example University First Hospital",
        "{}（Example University First Hospital）",
        "The First Hospital, Example University {}",
    ],
)
def test_a_chinese_name_with_its_own_english_one_is_one_name(asker: Callable[..., Answer], written: str) -> None:
    answer = asker(written.format("示例第一医院"))
    assert answer.match is not None
    assert (answer.verdict, answer.match.name, answer.match.rule) == ("licensed", "示例第一医院", "both_names")
    other = asker(written.format("示例第二医院"))
    assert (other.verdict, other.match) == ("not_found", None)
    assert set(names_of(other)) >= {"示例第一医院", "示例第二医院"} and "12345" not in other.explanation


def test_an_english_name_that_was_taken_back_leads_to_nobody(tmp_path: Path) -> None:
    database = a_register(tmp_path, a_source(), FIRST)
    view = a_view(database)
    assert ask(view, "Example University First Hospital", on=LATER).verdict == "ambiguous"
    enter(database, a_change(FIRST, DAY, {"name_en": None}, "list-1"))
    view.follow_log(database)
    assert ask(view, "Example University First Hospital", on=LATER).candidates == []


def test_every_english_name_of_the_list_leads_to_its_institution_and_licenses_nobody(
    real_view: VerificationView,
) -> None:
    wrong = []
    for code in real_view.institutions:
        span = real_view.institutions.list_spans(code)[-1]
        if span.english and span.site.status == "listed":
            answer = ask(real_view, span.english, on=ON)
            if answer.verdict != "ambiguous" or span.site.name not in names_of(answer):
                wrong.append((span.english, answer.verdict, names_of(answer)))
    assert wrong == []


@pytest.mark.parametrize(
    ("written", "words"),
    [("Women's Hospital", {"women", "hospital"}), ("No. 3 Hospital at X", {"third", "hospital", "x"}), ("", set())],
)
def test_names_are_compared_by_their_words(written: str, words: set[str]) -> None:
    assert split_words(written) == words


@pytest.mark.parametrize(
    "written", ["示例IVF医院", "示例医院PLA", "Example Hospital", "示例医院 Example Hospital 示例"]
)
def test_a_name_is_parted_only_where_a_foreign_one_stands_beside_it(written: str) -> None:
    assert split_latin(written) is None


# --- several ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", ["、", "；", "，", " ", "/", "和", "与", "\n", "+", "＆", "&", " 、 ", "—", "暨", ""])
def test_several_names_in_one_field_are_ambiguous_whatever_parts_them(asker: Callable[..., Answer], mark: str) -> None:
    answer = asker(mark.join(["示例第一医院", "示例第二医院"]))
    assert (answer.verdict, sorted(names_of(answer))) == ("ambiguous", ["示例第一医院", "示例第二医院"])
    assert "不止一家" in answer.explanation and "12345" not in answer.explanation


def test_two_institutions_in_brackets_are_several_and_two_names_of_one_are_not(tmp_path: Path) -> None:
    both = an_institution("示例第三医院", "辽宁省鞍山市铁西区示例路4号", known_as=["示例市中心医院"])
    view = a_view(a_register(tmp_path, a_source(), FIRST, SECOND, both))
    answer = ask(view, "示例第一医院（示例第二医院）", on=LATER)
    assert (answer.verdict, sorted(names_of(answer))) == ("ambiguous", ["示例第一医院", "示例第二医院"])
    assert ask(view, "示例第三医院（原示例市中心医院）", on=LATER).verdict == "licensed"  # whose own name stands first
    for written in (
        "示例第三医院、示例市中心医院",
        "示例市中心医院（示例第三医院）",
    ):
        answer = ask(view, written, on=LATER)
        assert (answer.verdict, names_of(answer)[0]) == ("not_found", "示例第三医院"), written
        assert "请核对" in answer.explanation and "12345" not in answer.explanation


def test_a_name_that_begins_with_the_word_for_formerly_is_whole(tmp_path: Path) -> None:
    own = an_institution("原平市示例医院", "山西省忻州市原平市示例路1号", region="140981")
    answer = ask(a_view(a_register(tmp_path, a_source(), FIRST, own)), "原平市示例医院、原示例第一医院", on=LATER)
    assert (answer.verdict, sorted(names_of(answer))) == ("ambiguous", ["原平市示例医院", "示例第一医院"])


def test_one_listed_name_beside_another_is_a_candidate_and_no_licence(asker: Callable[..., Answer]) -> None:
    answer = asker("示例第一医院、某某诊所")
    assert (answer.verdict, names_of(answer)[0]) == ("not_found", "示例第一医院")
    assert "请核对" in answer.explanation and "12345" not in answer.explanation


def test_pairs_of_the_list_are_told_alike(real_view: VerificationView) -> None:
    names = [
        spans[-1].site.name
        for code in sorted(real_view.institutions)[:400:4]
        if (spans := real_view.institutions.list_spans(code)) and spans[-1].site.status == "listed"
    ]
    told = {
        (answer.verdict, "不止一家" in answer.explanation)
        for mark in ("、", "；", " ", "和")
        for one, other in pairwise(names)
        for answer in [ask(real_view, one + mark + other, on=ON)]
    }
    assert told == {("ambiguous", True)}


# --- names of places -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("told", [{}, {"address": "新疆巴音郭楞蒙古自治州库尔勒市人民东路41号"}])
def test_what_people_call_a_prefecture_is_its_name(real_view: VerificationView, told: dict[str, str]) -> None:
    answer = ask(real_view, "巴州人民医院", on=ON, **told)
    assert (answer.verdict, names_of(answer)[0]) == ("not_found", "巴音郭楞蒙古自治州人民医院")
    assert "12345" not in answer.explanation


def test_a_near_name_at_the_very_address_is_a_good_candidate(tmp_path: Path) -> None:
    view = a_view(a_register(tmp_path, a_source(), an_institution("鞍山市示例妇儿医院")))
    told = {at: ask(view, "鞍山示例儿童中心", on=LATER, address=at) for at in ("辽宁省鞍山市铁西区示例路1号", None)}
    assert [names_of(answer) for answer in told.values()] == [["鞍山市示例妇儿医院"]] * 2
    assert ["12345" in answer.explanation for answer in told.values()] == [False, True]
