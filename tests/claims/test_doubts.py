"""What is neither the registered site nor surely another, what stands around a name, and whose advertisement it is:
nobody is licensed by it, and no honest writer accused."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from registry.domain import regions
from registry.verification.addresses import find_gap
from registry.verification.verdict import SEVERITY
from registry.verification.view import VerificationView
from tests.claims.lists import now
from tests.factories import a_register, a_source, a_view, an_institution, ask

ON = dt.date(2025, 7, 1)
HERE = "辽宁省鞍山市铁西区示例路1号"


def a_view_of(folder: Path, address: str, name: str = "鞍山示例医院", **more: Any) -> VerificationView:
    region = regions.resolve_address(address).code
    return a_view(a_register(folder, a_source(), an_institution(name, address, region=region, **more)))


def test_where_the_list_prints_no_number_another_road_of_the_district_licenses_nobody(view: VerificationView) -> None:
    tried, wrong = 0, []
    for one in now():
        place = one.address.removesuffix(regions.resolve_address(one.address).rest)
        region = regions.resolve_address(one.address).code
        elsewhere = f"{place}并不存在大街9999号"
        if find_gap(elsewhere, one.address, region, (one.name,)) != "other_road":
            continue
        tried += 1
        answer = ask(view, one.name, one.techniques[0], on=ON, address=elsewhere)
        if answer.verdict not in ("ambiguous", "site_mismatch"):
            wrong.append((one.name, one.address, answer.verdict))
    assert wrong == []
    assert tried >= 600


@pytest.mark.parametrize(
    ("registered", "claimed"),
    [
        ("山东省临沂市兰山区武汉路与卧虎山路交汇处北侧", "山东省临沂市解放路东段27号"),
        ("海南省琼海市嘉积镇跃华路", "琼海市嘉积镇银海路8号"),
        ("河南省新乡市红旗区五一路东段", "新乡市红旗区华兰大道东段"),
        ("辽宁省沈阳市皇姑区15号", "沈阳市皇姑区黄河北大街20号"),
        ("云南省昆明市西山区北京路1228号", "昆明市官渡区北京路1228号"),
        (HERE, "鞍山市铁西区大北街"),
    ],
)
def test_another_road_without_numbers_to_compare_or_another_district_is_to_be_compared_by_a_person(
    tmp_path: Path, registered: str, claimed: str
) -> None:
    view = a_view_of(tmp_path, registered)
    answer = ask(view, "鞍山示例医院", "IVF", on=ON, address=claimed)
    assert (answer.verdict, [one.name for one in answer.candidates]) == ("ambiguous", ["鞍山示例医院"])
    assert registered in answer.explanation
    assert "12345" not in answer.explanation


@pytest.mark.parametrize(
    ("registered", "claimed", "word"),
    [
        ("云南省大理白族自治州大理市嘉士伯大道32号", "大理市下关嘉士伯大道32号", "region"),
        ("广东省东莞市万江区新谷涌万道路南3号", "东莞市万江万道路南3号", "region"),
        ("上海市普陀区新村路389号", "上海普陀甘泉新村路389号", "region"),
        ("辽宁省沈阳市大东区东北大马路136号", "沈阳大东门东北大马路136号", "form"),
        ("黑龙江省哈尔滨市道里区地段街151号", "哈尔滨道里中央大街旁地段街151号", "form"),
        ("重庆市沙坪坝区高滩岩正街30号", "重庆沙坪坝高滩岩30号", "region"),
        ("上海市浦东新区云台路1800号", "上海浦东云台路1800号（东方医院南院）", "form"),
        ("江苏省南京市中山北路53号", "南京鼓楼中山北路53号（老红十字医院）", "region"),
    ],
)
def test_what_people_write_beside_a_street_is_no_other_street(
    tmp_path: Path, registered: str, claimed: str, word: str
) -> None:
    answer = ask(a_view_of(tmp_path, registered), "鞍山示例医院", "IVF", on=ON, address=claimed)
    assert answer.compared is not None
    assert (answer.verdict, answer.compared.address) == ("licensed", word)
    assert "没有写到门牌" not in answer.explanation, "the number was given, and read"


@pytest.mark.parametrize(
    ("registered", "claimed"),
    [
        (HERE, "鞍山市铁西区小示例路1号"),
        (HERE, "鞍山市海城市示例路1号"),
        ("辽宁省沈阳市沈河区大南街87号", "沈阳市沈河区小南街87号"),
        ("辽宁省沈阳市沈河区花园北路87号", "沈阳市沈河区北路87号"),
        ("辽宁省沈阳市和平区示例路1号", "沈阳市铁西区示例街1号"),
    ],
)
def test_another_street_with_a_number_and_another_county_stay_another_site(
    tmp_path: Path, registered: str, claimed: str
) -> None:
    answer = ask(a_view_of(tmp_path, registered), "鞍山示例医院", "IVF", on=ON, address=claimed)
    assert answer.verdict == "site_mismatch"


def test_a_hospital_that_is_named_after_a_district_is_not_accused_for_naming_it(tmp_path: Path) -> None:
    view = a_view_of(tmp_path, "云南省昆明市五华区示例路295号", "昆明示例大学附属医院呈贡医院")
    assert ask(view, "昆明示例大学附属医院呈贡医院", "IVF", on=ON, address="昆明市呈贡区").verdict == "ambiguous"
    assert ask(view, "昆明示例大学附属医院呈贡医院", "IVF", on=ON, address="昆明市官渡区").verdict == "site_mismatch"


@pytest.mark.parametrize("label", ["医院名称：", "机构名称: ", "广告主：", "医疗机构全称:", "【单位名称】:"])
def test_what_a_form_prints_before_a_name_is_no_part_of_it(tmp_path: Path, label: str) -> None:
    answer = ask(a_view_of(tmp_path, HERE), f"{label}鞍山示例医院", "IVF", on=ON)
    assert (answer.verdict, answer.match and answer.match.rule) == ("licensed", "normalised")


def test_a_second_name_in_brackets_that_people_use_confirms_the_first(tmp_path: Path) -> None:
    view = a_view_of(tmp_path, HERE, known_as=["示例妇产医院"])
    for inner in ("示例妇产医院", "鞍山示例妇产医院"):
        answer = ask(view, f"鞍山示例医院（{inner}）", "IVF", on=ON)
        assert (answer.verdict, answer.match and answer.match.rule) == ("licensed", "both_names"), inner


def test_a_bracket_that_the_register_does_not_print_is_compared_and_never_accused(tmp_path: Path) -> None:
    view = a_view_of(tmp_path, HERE)
    for inner in ("鞍山市第九医院", "南院区", "原示例局医院"):
        name = f"鞍山示例医院（{inner}）"
        answer = ask(view, name, "IVF", on=ON)
        assert (answer.verdict, [one.name for one in answer.candidates]) == ("ambiguous", ["鞍山示例医院"]), inner
        assert ask(view, name, "IVF", on=ON, address="铁西区示例路1号").verdict == "licensed", inner
        assert ask(view, name, "IVF", on=ON, address="铁西区示例路9号").verdict == "site_mismatch", inner
    for inner in ("示例医疗有限公司", "生殖医学中心", "东门诊部"):  # another legal person, and parts
        assert ask(view, f"鞍山示例医院（{inner}）", "IVF", on=ON).verdict == "not_found", inner


def test_a_former_name_to_which_a_site_was_added_may_be_another_site(tmp_path: Path) -> None:
    first = an_institution("鞍山示例大学附属医院", HERE, on=dt.date(2020, 1, 1))
    then = an_institution("鞍山示例大学附属医院呈贡医院", HERE, code=first.subject.partition(":")[2])
    view = a_view(a_register(tmp_path, a_source(), first, then))
    answer = ask(view, "鞍山示例大学附属医院", "IVF", on=ON)
    assert (answer.verdict, [one.name for one in answer.candidates]) == ("ambiguous", ["鞍山示例大学附属医院呈贡医院"])
    assert ask(view, "鞍山示例大学附属医院", "IVF", on=ON, address=HERE).verdict == "licensed"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("鞍山示例医院合作机构好孕国际，三代试管", "ambiguous"),
        ("我公司与鞍山示例医院签约合作，做试管", "ambiguous"),
        ("携手鞍山示例医院，打造试管婴儿", "ambiguous"),
        ("鞍山示例医院开展试管婴儿", "licensed"),
        ("我在鞍山示例医院做的试管，和别家一样", "licensed"),
    ],
)
def test_an_advertisement_of_a_partner_is_not_the_institutions_own(tmp_path: Path, text: str, word: str) -> None:
    answer = ask(a_view_of(tmp_path, HERE), None, text=text, on=ON)
    assert answer.verdict == word
    assert word in SEVERITY


def test_of_two_names_in_a_field_each_leads_to_its_institution(tmp_path: Path) -> None:
    register = a_register(
        tmp_path,
        a_source(),
        an_institution("鞍山示例医院", HERE),
        an_institution("中国示例科学院鞍山示范医院", "辽宁省鞍山市铁东区示例路2号"),
    )
    answer = ask(a_view(register), "鞍山示例医院、鞍山示范医院", "IVF", on=ON)
    assert answer.verdict == "ambiguous"
    assert {one.name for one in answer.candidates} == {"鞍山示例医院", "中国示例科学院鞍山示范医院"}
