"""Who may be meant without being named: words people use, parts, near names; by place, alike in every process."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from registry.domain.answers import Answer
from registry.domain.comparison import Compared
from registry.verification.institution_index import InstitutionIndex
from registry.verification.site_match import list_not_compared
from registry.verification.view import VerificationView
from tests.explained import USCC
from tests.factories import DAY, a_change, a_register, a_source, a_view, an_institution, ask

Asker = Callable[..., Answer]
LATER = DAY + dt.timedelta(days=30)
SHORTENED = ("浙大一院", "重医附一院", "中山一院", "内医大附院", "海附院", "湘雅", "省妇幼", "一附院")
HEFEI, WUHU = "安徽省合肥市蜀山区示例路1号", "安徽省芜湖市镜湖区示例路2号"


@pytest.fixture
def asker(tmp_path: Path) -> Callable[..., Asker]:
    def make(*drafts: object) -> Asker:
        view = a_view(a_register(tmp_path, a_source(), *drafts))
        return lambda name=None, **told: ask(view, name, "IVF", **{"on": LATER, **told})

    return make


def names_of(answer: Answer) -> list[str]:
    return [candidate.name for candidate in answer.candidates]


# --- forms of a name -------------------------------------------------------------------------------------------------


def test_a_name_is_never_exchanged_for_that_of_the_place_above(asker: Callable[..., Asker]) -> None:
    ask_it = asker(an_institution("安徽省人民医院", HEFEI, region="340104"))
    assert ask_it("安徽省人民医院").verdict == "licensed"
    for name in ("合肥市人民医院", "合肥人民医院", "安徽省合肥市人民医院", "蜀山区人民医院", "人民医院"):
        assert ask_it(name).verdict == "not_found", name


def test_without_the_word_of_its_place_a_name_counts_only_at_the_address(asker: Callable[..., Asker]) -> None:
    ask_it = asker(an_institution("芜湖市第二示例医院", WUHU, region="340202"))
    told = {address: ask_it("芜湖第二示例医院", address=address) for address in (None, "芜湖市", HEFEI, WUHU)}
    assert [answer.verdict for answer in told.values()] == ["not_found", "not_found", "not_found", "licensed"]
    assert names_of(told[None]) == ["芜湖市第二示例医院"]
    assert told[WUHU].match is not None
    assert (told[WUHU].match.rule, told[WUHU].compared) == ("place_word", Compared(name="form", address="same"))


def test_a_place_left_out_counts_only_where_one_institution_remains(asker: Callable[..., Asker]) -> None:
    one = an_institution("安徽省芜湖市第二示例医院", WUHU, region="340202")
    assert asker(one)("芜湖市第二示例医院").verdict == "licensed"


def test_a_place_left_out_of_two_names_means_neither(asker: Callable[..., Asker]) -> None:
    sites = [an_institution(f"{p}芜湖市第二示例医院", WUHU, region="340202") for p in ("安徽省", "安徽")]
    answer = asker(*sites)("芜湖市第二示例医院")
    assert (answer.verdict, len(answer.candidates)) == ("not_found", 2)


@pytest.mark.parametrize("name", ["同济示例医院", "鼓楼示例医院"])
def test_what_remains_without_a_place_may_be_anywhere(asker: Callable[..., Asker], name: str) -> None:
    ask_it = asker(an_institution(f"芜湖市{name}", WUHU, region="340202"))
    answer = ask_it(name)
    assert (answer.verdict, names_of(answer)) == ("not_found", [f"芜湖市{name}"])
    assert ask_it(name, address=WUHU).verdict == "licensed"
    assert ask_it(name, address=HEFEI).verdict == "not_found"


# --- what several begin with -----------------------------------------------------------------------------------------


def test_what_several_begin_with_is_ambiguous_whatever_it_was_the_name_of(asker: Callable[..., Asker]) -> None:
    once = an_institution("示例总医院", HEFEI)
    sites = [an_institution(f"示例总医院第{n}医学中心", f"北京市海淀区示例路{n}号") for n in (6, 7)]
    renamed = a_change(once, DAY + dt.timedelta(days=9), {"name": "示例医学院附属医院"}, "list-1")
    answer = asker(once, renamed, *sites)("示例总医院")
    assert (answer.verdict, answer.match, len(answer.candidates)) == ("ambiguous", None, 2)


def test_a_former_name_that_one_alone_begins_with_is_still_a_former_name(asker: Callable[..., Asker]) -> None:
    once = an_institution("示例总医院", HEFEI)
    renamed = a_change(once, DAY + dt.timedelta(days=9), {"name": "示例医学院附属医院"}, "list-1")
    site = an_institution("示例总医院第6医学中心", "北京市海淀区示例路6号")
    match = asker(once, renamed, site)("示例总医院").match
    assert match is not None
    assert (match.on, match.name) == ("former_name", "示例医学院附属医院")


# --- candidates ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "verdict"),
    [
        *(("示例三院", "not_found"), ("芜湖市第二示例医院生殖医学科", "not_found")),
        *(("芜湖市第二示例医院集团", "not_found"), ("芜湖市第二示例医院（西院区）", "ambiguous")),
    ],
)
def test_whom_a_name_fits_by_half_is_the_first_candidate_and_nobody_is_accused(
    asker: Callable[..., Asker], written: str, verdict: str
) -> None:
    mine = an_institution("芜湖市第二示例医院", WUHU, region="340202", known_as=["示例三院"])
    others = [an_institution(f"芜湖市第{n}示例医院", f"芜湖市镜湖区示例路{n}号", region="340202") for n in (3, 4, 5)]
    answer = asker(*others, mine)(written)
    assert (answer.verdict, answer.match, names_of(answer)[0]) == (verdict, None, "芜湖市第二示例医院")
    assert "请核对" in answer.explanation
    assert "12345" not in answer.explanation


@pytest.mark.parametrize(
    "written", ["例大一附院", "例大附一院", "例大一附院生殖中心", "例大一付院", "示例市例大一附院"]
)
def test_whom_an_abbreviation_names_is_the_first_candidate_and_nobody_is_accused(
    asker: Callable[..., Asker], written: str
) -> None:
    mine = an_institution("例州大学第一附属医院", WUHU, region="340202")
    others = [an_institution(f"例州大学第{n}附属医院", f"芜湖市镜湖区示例路{n}号", region="340202") for n in "二三四"]
    ask_it = asker(*others, mine)
    answer = ask_it(written.replace("示例市", "芜湖"))
    assert (answer.verdict, answer.match, names_of(answer)[0]) == ("not_found", None, "例州大学第一附属医院")
    assert "请核对" in answer.explanation
    assert "12345" not in answer.explanation
    assert ask_it(f"大连{written}").candidates == [] or "12345" in ask_it(f"大连{written}").explanation
    assert ask_it(written, address=HEFEI).verdict == "not_found"


def test_an_abbreviation_follows_the_names_of_the_day_and_of_the_register(asker: Callable[..., Asker]) -> None:
    once = an_institution("例州大学第一附属医院", WUHU, region="340202")
    renamed = a_change(once, DAY + dt.timedelta(days=9), {"name": "江南示范医院"}, "list-1")
    gone = a_change(once, DAY + dt.timedelta(days=90), {"status": "delisted"}, "list-1")
    ask_it = asker(once, renamed, gone)
    assert names_of(ask_it("例大一附院")) == ["江南示范医院"]
    assert names_of(ask_it("例大一附院", on=DAY + dt.timedelta(days=99))) == []


def test_the_name_of_a_city_shortens_no_hospital(real_view: VerificationView) -> None:
    assert [ask(real_view, city, "IVF").candidates for city in ("北京", "郑州市", "西安")] == [[], [], []]


def test_of_a_place_in_the_claim_candidates_come_first(real_view: VerificationView) -> None:
    told = {
        ("富阳市妇幼保健院", None): "浙江省",
        ("辽阳市妇幼保健院", None): "辽宁省",
        ("第二妇幼保健院", "辽宁省沈阳市和平区某某路1号"): "辽宁省沈阳市",
        ("妇幼保健院", "河南省新乡市"): "河南省新乡市",
    }
    for (name, address), place in told.items():
        answer = ask(real_view, name, "IVF", address=address)
        assert answer.verdict == "not_found", name
        assert answer.candidates[0].address.startswith(place), (name, answer.candidates)


def test_a_slip_in_a_listed_name_leaves_its_institution_among_the_candidates(real_view: VerificationView) -> None:
    lost, accused, tried = [], [], 0
    for code in real_view.institutions:
        site = real_view.institutions[code][-1].site
        written = site.name[: len(site.name) // 2] + site.name[len(site.name) // 2 + 1 :]
        answer = ask(real_view, written, "IVF")
        if site.status == "delisted" or answer.match or answer.verdict != "not_found":
            continue
        tried += 1
        lost += [] if site.name in names_of(answer) else [(site.name, written)]
        accused += [(site.name, written)] if "12345" in answer.explanation else []
    assert tried > 400
    assert len(lost) <= tried // 100, lost
    assert len(accused) <= tried // 100, accused


def test_a_name_that_resembles_nothing_gets_the_hotline(real_view: VerificationView) -> None:
    assert "12345" in ask(real_view, "好孕来助孕中心", "IVF").explanation


def test_candidates_do_not_depend_on_the_order_in_which_names_came(real_view: VerificationView) -> None:
    full = real_view.institutions
    codes = sorted(full)
    shuffled, replaced = InstitutionIndex(), InstitutionIndex()
    random.Random(7).shuffle(codes)
    for code in codes:
        for span in reversed(full[code]):
            shuffled.add_span(code, span)
    for code in reversed(codes):  # first with the names of another, as before a correction
        replaced.replace_spans(code, full[codes[0]])
    for code in codes:
        replaced.replace_spans(code, full[code])
    asked = [span.site.name for code in codes[::9] for span in full[code]][:60]
    asked += ["妇幼保健院", "医院", "人民医院", "第二人民医院", "解放军总医院", "中心医院", "生殖中心"]
    found = []
    for index in (full, shuffled, replaced):
        real_view.institutions = index
        real_view.forget_answers()
        found.append(
            [ask(real_view, name, "IVF").candidates for name in (*(n[:-2] + "中心" for n in asked), *SHORTENED)]
        )
    real_view.institutions = full
    assert found[0] == found[1] == found[2]
    assert sum(map(bool, found[0])) > 30


# --- what was compared -----------------------------------------------------------------------------------------------


def test_each_thing_that_a_claim_gives_gets_a_word(asker: Callable[..., Asker]) -> None:
    mine = an_institution("芜湖市第二示例医院", WUHU, region="340202", domains=["mine.example"])
    ask_it = asker(mine)
    told = {
        "name": ask_it("芜湖市第二示例医院"),
        "form": ask_it("安徽省芜湖市第二示例医院", address="芜湖市"),
        "numbers": ask_it("芜湖市第二示例医院", domain="mine.example", practice_licence_no="PDY10001"),
        "elsewhere": ask_it("芜湖市第二示例医院", address="芜湖市镜湖区别处街9号"),
    }
    assert {key: answer.compared for key, answer in told.items()} == {
        "name": Compared(name="same"),
        "form": Compared(name="form", address="region"),
        "numbers": Compared(name="same", domain="same", practice_licence_no="not_held"),
        "elsewhere": Compared(name="same", address="other"),
    }
    assert told["elsewhere"].verdict == "site_mismatch"
    assert ask_it("无此示例").compared is None
    assert told["numbers"].compared is not None
    assert list_not_compared(told["numbers"].compared) == ["practice_licence_no"]


def test_of_several_addresses_each_has_to_be_the_institutions(asker: Callable[..., Asker]) -> None:
    ask_it = asker(an_institution("芜湖市第二示例医院", WUHU, region="340202"))
    name = "芜湖市第二示例医院"
    assert ask_it(name, address=f"{WUHU}；{WUHU}").verdict == "licensed"
    assert ask_it(name, address=f"{WUHU}；电话").verdict != "ambiguous"
    mixed = ask_it(name, address=f"{HEFEI}；{WUHU}")
    assert (mixed.verdict, mixed.match) == ("ambiguous", None)
    assert ask_it(name, address=f"{HEFEI}；芜湖市镜湖区别处街9号").verdict == "site_mismatch"


@pytest.mark.parametrize(
    ("said", "printed", "address"),
    [
        ("瑞金医院", "上海交通大学医学院附属瑞金医院", None),
        ("上海瑞金医院", "上海交通大学医学院附属瑞金医院", "上海市瑞金二路197号"),
        ("沈阳盛京医院", "中国医科大学附属盛京医院", None),
        ("中信湘雅", "中信湘雅生殖与遗传专科医院", None),
        ("协和医院", "华中科技大学同济医学院附属协和医院", None),
        ("国际和平妇幼保健院", "中国福利会国际和平妇幼保健院", None),
    ],
)
def test_a_part_of_few_names_is_a_good_candidate_and_nobody_is_accused(
    real_view: VerificationView, said: str, printed: str, address: str | None
) -> None:
    answer = ask(real_view, said, "IVF", on=dt.date(2025, 7, 1), address=address)
    assert answer.verdict == "not_found"
    assert printed in [candidate.name for candidate in answer.candidates]
    assert "12345" not in answer.explanation


@pytest.mark.parametrize("said", ["北京盛京医院", "人民中心医院", "示例湘雅医院"])
def test_a_part_with_another_place_or_word_before_it_is_nobodys(real_view: VerificationView, said: str) -> None:
    assert "12345" in ask(real_view, said, "IVF", on=dt.date(2025, 7, 1)).explanation


def test_an_umbrella_name_in_full_is_ambiguous_too(real_view: VerificationView) -> None:
    for said in ("解放军总医院", "中国人民解放军总医院"):
        assert ask(real_view, said, "IVF", on=dt.date(2025, 7, 1)).verdict == "ambiguous"


def test_a_number_written_as_the_name_leads_to_whose_it_is_and_accuses_nobody(asker: Callable[..., Asker]) -> None:
    hospital = an_institution("沈阳市示例医院", uscc=USCC, practice_licence_no="PDY00001X21010217A1001")
    asked = asker(hospital)
    code = asked("沈阳市示例医院").match
    assert code is not None
    for number in (code.code, code.code.lower(), USCC, "PDY00001X21010217A1001"):
        answer = asked(number)
        assert names_of(answer) == ["沈阳市示例医院"], number
        assert answer.verdict != "licensed" and "12345" not in answer.explanation
