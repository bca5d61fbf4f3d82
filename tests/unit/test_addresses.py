from __future__ import annotations

import pytest

from registry.verification.addresses import compare_addresses

REGISTERED, REGION = "辽宁省沈阳市沈河区大南街87号", "210103"


@pytest.mark.parametrize(
    ("given", "how"),
    [
        ("大南街87号", "same"),
        ("大南街 87 号", "same"),
        ("大南街８７号", "same"),
        ("大南街八十七号", "same"),
        ("大南街87", "same"),
        ("沈河区大南街87号", "same"),
        ("沈阳市大南街87号", "same"),
        ("辽宁沈阳沈河区大南街87号", "same"),
        ("辽宁省沈阳市沈河区大南街87号1号楼", "same"),
        ("大南街87号门诊楼三层", "same"),
        ("瀋陽市瀋河區大南街87號", "same"),
        ("沈阳市", "region"),
        ("沈河区", "region"),
        ("辽宁省", "region"),
        ("大南街8号", "other"),
        ("大南街7号", "other"),
        ("大南街8", "other"),
        ("大南街870号", "other"),
        ("大南街187号", "other"),
        ("大南街8-7号", "other"),
        ("大南街87-1号", "other"),
        ("大南街8—7号", "other"),
        ("大南街", "region"),
        ("沈阳市沈河区大南街", "region"),
        ("大", "other"),
        ("大北街", "other"),
        ("大北街87号", "other"),
        ("87号", "other"),
        ("8", "other"),
        ("大连市", "other"),
        ("大连市大南街87号", "other"),
        ("铁西区大南街87号", "other"),
        ("沈阳市和平区大南街87号", "other"),
        ("鞍山市大南街87号", "other"),
        ("示例", "other"),
        ("110016", "other"),
    ],
)
def test_an_address_is_this_site_its_region_or_another(given: str, how: str) -> None:
    assert compare_addresses(given, REGISTERED, REGION) == how


@pytest.mark.parametrize(
    ("given", "how"),
    [
        ("中山路8-7号", "same"),
        ("中山路8—7号", "same"),
        ("中山路8号", "other"),
        ("中山路87号", "other"),
        ("中山路8", "other"),
    ],
)
def test_a_double_number_is_one_number(given: str, how: str) -> None:
    assert compare_addresses(given, "鞍山市铁西区中山路8-7号", "210303") == how


def test_a_district_of_two_cities_is_told_by_its_city() -> None:
    assert compare_addresses("沈阳市铁西区示例路1号", "辽宁省鞍山市铁西区示例路1号", "210303") == "other"
    assert compare_addresses("鞍山市铁西区示例路1号", "辽宁省鞍山市铁西区示例路1号", "210303") == "same"
    assert compare_addresses("铁西区示例路1号", "辽宁省鞍山市铁西区示例路1号", "210303") == "same"
    assert compare_addresses("铁西区", "辽宁省鞍山市铁西区示例路1号", "210303") == "region"
    assert compare_addresses("铁西区示例路1号", "辽宁省鞍山市铁东区示例路1号", "210302") == "other"
    assert compare_addresses("铁西区示例路1号", "辽宁省沈阳市铁西区示例路1号", "210106") == "same"
    assert compare_addresses("朝阳区示例路1号", "北京市朝阳区示例路1号", "110105") == "same"
    assert compare_addresses("朝阳区示例路1号", "北京市海淀区示例路1号", "110108") == "other"


def test_an_unknown_region_contradicts_nothing() -> None:
    assert compare_addresses("示例路1号", "示例路1号", None) == "same"
    assert compare_addresses("鞍山市示例路1号", "示例路1号", None) == "same"


def test_a_registered_address_is_its_own_site() -> None:
    for address in (REGISTERED, "鞍山市铁西区中山路8-7号", "示例大厦", "示例村示例组"):
        assert compare_addresses(address, address, None) == "same"


@pytest.mark.parametrize(
    "given",
    [
        "大南街87\u200b号",
        "辽宁省\u200b沈阳\u200f市沈河区大南街87号",
        "“辽宁省沈阳市沈河区大南街87号”",
        "地址：辽宁省沈阳市沈河区大南街87号",
        "110016 辽宁省沈阳市沈河区大南街87号",
        "中国辽宁省沈阳市沈河区大南街87号",
        "中华人民共和国 辽宁省沈阳市沈河区大南街87号",
        "辽宁省，沈阳市，沈河区，大南街87号",
        "辽宁省-沈阳市-沈河区-大南街87号",
        "辽宁省/沈阳市/沈河区/大南街87号",
        "大南街87号2号楼",
        "大南街87号（近地铁10号线）",
        "大南街87号东院3号门",
    ],
)
def test_what_forms_and_people_put_around_an_address_does_not_matter(given: str) -> None:
    assert compare_addresses(given, REGISTERED, REGION) == "same"


@pytest.mark.parametrize(
    "given",
    [
        "大南街87号附近",
        "大南街87号对面",
        "大南街87号旁",
        "大南街87号斜对面",
        "大南街87号向东200米",
        "大南街87号以南",
        "大南街87号北侧",
        "距大南街87号500米",
        "大南街87号附A号",
        "大南街87号附一号",
        "大南街87号-1",
        "大南街87号.1",
        "大南街8·7号",
        "大南街8.7号",
        "大南街8&7号",
        "大南街8/7号",
        "大南街87号3号",
        "大南街87号；辽宁省沈阳市和平区示例路5号",
        "大南街87号；辽宁省鞍山市铁西区示例新村",
    ],
)
def test_near_a_site_or_beside_another_is_not_the_site(given: str) -> None:
    assert compare_addresses(given, REGISTERED, REGION) == "other"


def test_a_street_with_a_numeral_in_its_name_is_no_house_number() -> None:
    assert compare_addresses("五一路", "鞍山市铁西区五一路12号", "210303") == "region"
    assert compare_addresses("五一", "鞍山市铁西区五一路12号", "210303") != "same"
    assert compare_addresses("五一路12号", "鞍山市铁西区五一路12号", "210303") == "same"
    assert compare_addresses("五一路东段99号", "鞍山市铁西区五一路东段", "210303") == "other"
    assert compare_addresses("五一路东段门诊楼", "鞍山市铁西区五一路东段", "210303") == "region"


def test_numerals_in_a_list_or_after_a_dash_stay_apart() -> None:
    assert compare_addresses("示例路一、二号", "鞍山市铁西区示例路12号", "210303") == "other"
    assert compare_addresses("示例路601-一号", "鞍山市铁西区示例路601-1号", "210303") == "same"
    assert compare_addresses("示例路3号", "鞍山市铁西区示例路1号、3号", "210303") == "same"
    assert compare_addresses("示例路13号", "鞍山市铁西区示例路1号、3号", "210303") == "other"


def test_a_district_of_two_cities_of_one_province_is_the_registered_citys() -> None:
    assert compare_addresses("河北省新华区示例路1号", "河北省沧州市新华区示例路1号", "130902") == "same"
    assert compare_addresses("河北省新华区示例路2号", "河北省沧州市新华区示例路1号", "130902") == "other"
    assert compare_addresses("辽宁省铁西区示例路1号", "河北省沧州市新华区示例路1号", "130902") == "other"
