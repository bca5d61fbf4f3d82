"""A record that has ended: who bears its name now or stands where it stood is pointed to, and nobody is accused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from registry.domain.answers import Answer
from registry.domain.model import Draft
from registry.verification.view import VerificationView
from tests.factories import DAY, a_change, a_register, a_source, a_view, an_institution, ask

Asker = Callable[..., Answer]
LATER = DAY + dt.timedelta(days=400)
SITE, OTHER_SITE = "安徽省芜湖市镜湖区示例路1号", "安徽省芜湖市镜湖区示例路9号"
OLD = an_institution("芜湖市示例医院", SITE, region="340202")


@pytest.fixture
def asker(tmp_path: Path) -> Callable[..., Asker]:
    """Asks a register in which the old institution is no longer on the second list, beside others that are."""

    def make(*others: Draft) -> Asker:
        ended = a_change(OLD, LATER, {"status": "delisted"}, "list-2")
        view = a_view(a_register(tmp_path, a_source(), OLD, *others, a_source("list-2", LATER), ended))
        return lambda name="芜湖市示例医院", **told: ask(view, name, "IVF", **{"on": LATER, **told})

    return make


def an_heir(name: str = "示例大学附属医院", address: str = OTHER_SITE, **values: Any) -> Draft:
    return an_institution(name, address, region="340202", **values)


def names_of(answer: Answer) -> list[str]:
    return [candidate.name for candidate in answer.candidates]


HEIRS = {
    "a word people use": an_heir(known_as=["芜湖市示例医院"]),
    "another name of its own": an_heir(aliases=["芜湖市示例医院"]),
    "the name of a campus": an_heir("芜湖市示例医院东城院区"),
    "the name of a part": an_heir("芜湖市示例医院生殖医学治疗中心"),
    "the place": an_heir(address=SITE),
}


@pytest.mark.parametrize("how", HEIRS)
def test_whoever_goes_on_by_what_the_register_holds_is_the_first_candidate(
    asker: Callable[..., Asker], how: str
) -> None:
    heir = HEIRS[how]
    answer = asker(heir)()
    name = heir.change.set["name"]
    if answer.verdict == "licensed":  # another name of its own is a name
        assert how == "another name of its own"
        return
    assert (answer.verdict, names_of(answer)[0]) == ("ambiguous", name)
    assert name in answer.explanation and "请核对" in answer.explanation
    assert "不得" not in answer.explanation and "12345" not in answer.explanation


def test_a_former_name_of_the_one_that_goes_on_counts_too(asker: Callable[..., Asker]) -> None:
    once = an_heir("芜湖市示例医院", OTHER_SITE, code=None)
    renamed = a_change(once, DAY + dt.timedelta(days=9), {"name": "示例大学附属医院"}, "list-1")
    answer = asker(once, renamed)()
    assert (answer.verdict, names_of(answer)[:1]) == ("ambiguous", ["示例大学附属医院"])


def test_its_own_address_does_not_take_the_one_that_goes_on_away(asker: Callable[..., Asker]) -> None:
    answer = asker(HEIRS["the name of a campus"])(address=OTHER_SITE)
    assert (answer.verdict, names_of(answer)[:1]) == ("ambiguous", ["芜湖市示例医院东城院区"])


def test_at_the_old_place_that_nobody_holds_now_it_is_not_found_and_yet_told_who_goes_on(
    asker: Callable[..., Asker],
) -> None:
    answer = asker(HEIRS["the name of a campus"])(address=SITE)
    assert (answer.verdict, names_of(answer)[:1]) == ("not_found", ["芜湖市示例医院东城院区"])
    assert "请核对" in answer.explanation


def test_who_stands_at_the_address_asked_about_is_told(asker: Callable[..., Asker]) -> None:
    answer = asker(an_heir("别的示例中心"))(address=OTHER_SITE)
    assert names_of(answer)[:1] == ["别的示例中心"]
    assert "在该地址的是别的示例中心" in answer.explanation


@pytest.mark.parametrize("address", [None, SITE])
def test_where_nobody_goes_on_the_sentence_says_so(asker: Callable[..., Asker], address: str | None) -> None:
    answer = asker(an_heir("芜湖市另一示例医院"))(address=address)
    assert (answer.verdict, answer.match is not None) == ("not_found", True)
    assert "已没有这家机构" in answer.explanation and "不得开展" in answer.explanation


def test_on_a_day_when_the_old_record_held_it_is_the_answer(asker: Callable[..., Asker]) -> None:
    answer = asker(HEIRS["the name of a campus"], HEIRS["the place"])(on=DAY)
    assert (answer.verdict, names_of(answer)) == ("licensed", [])


@pytest.mark.parametrize(
    ("old", "now"),
    [
        ("潍坊医学院附属医院", "山东第二医科大学附属医院"),
        ("太原市中心医院", "北京大学第一医院太原医院"),
        ("宁波市妇女儿童医院", "宁波市妇女儿童医院北部院区"),
        ("丽水市人民医院", "丽水市人民医院东城院区"),
        ("云南省人口和计划生育科学技术研究所", "云南省人口和计划生育科学技术研究所生殖医学治疗中心"),
    ],
)
def test_old_names_of_the_real_lists_lead_to_who_goes_on(real_view: VerificationView, old: str, now: str) -> None:
    on = dt.date(2025, 7, 15)
    address = next(ask(real_view, now, on=on).match.address for _ in "1")  # type: ignore[union-attr]
    for told in ({}, {"address": address}):
        answer = ask(real_view, old, "AIH", on=on, **told)
        assert (answer.verdict, names_of(answer)[0]) == ("ambiguous", now)
        assert "不得" not in answer.explanation


def test_every_name_of_the_earlier_list_that_goes_on_is_told_alike_with_and_without_an_address(
    real_view: VerificationView,
) -> None:
    on, accused = dt.date(2025, 7, 15), []
    for code in real_view.institutions:
        spans = real_view.institutions.list_spans(code)
        if spans[-1].site.status == "delisted" and spans[-1].names:
            name = spans[-1].site.name
            first = ask(real_view, name, "AIH", on=on)
            if first.verdict != "ambiguous":
                continue
            again = ask(real_view, name, "AIH", on=on, address=first.candidates[0].address)
            if again.candidates[0].code != first.candidates[0].code or "不得" in again.explanation:
                accused.append((name, again.verdict))
    assert accused == []


def test_a_number_means_the_record_that_has_ended_and_nobody_else(asker: Callable[..., Asker]) -> None:
    answer = asker(HEIRS["a word people use"])(name=None, code=OLD.subject.partition(":")[2])
    assert (answer.verdict, answer.match is not None) == ("not_found", True)
    assert "请核对" in answer.explanation and "不得" not in answer.explanation
