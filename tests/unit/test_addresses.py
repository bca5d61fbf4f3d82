from __future__ import annotations

import pytest

from registry.verification.addresses import compare

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
    assert compare(given, REGISTERED, REGION) == how


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
    assert compare(given, "鞍山市铁西区中山路8-7号", "210303") == how


def test_a_district_of_two_cities_is_told_by_its_city() -> None:
    assert compare("沈阳市铁西区示例路1号", "辽宁省鞍山市铁西区示例路1号", "210303") == "other"
    assert compare("鞍山市铁西区示例路1号", "辽宁省鞍山市铁西区示例路1号", "210303") == "same"
    assert compare("铁西区示例路1号", "辽宁省鞍山市铁西区示例路1号", "210303") == "same"
    assert compare("铁西区", "辽宁省鞍山市铁西区示例路1号", "210303") == "region"
    assert compare("铁西区示例路1号", "辽宁省鞍山市铁东区示例路1号", "210302") == "other"
    assert compare("铁西区示例路1号", "辽宁省沈阳市铁西区示例路1号", "210106") == "same"
    assert compare("朝阳区示例路1号", "北京市朝阳区示例路1号", "110105") == "same"
    assert compare("朝阳区示例路1号", "北京市海淀区示例路1号", "110108") == "other"


def test_an_unknown_region_contradicts_nothing() -> None:
    assert compare("示例路1号", "示例路1号", None) == "same"
    assert compare("鞍山市示例路1号", "示例路1号", None) == "same"


def test_a_registered_address_is_its_own_site() -> None:
    for address in (REGISTERED, "鞍山市铁西区中山路8-7号", "示例大厦", "示例村示例组"):
        assert compare(address, address, None) == "same"
