from __future__ import annotations

import pytest

from registry.verification.addresses import Comparison, compare_addresses, parse_address, split_addresses

#: What counts as the very site: the same letters, or the same place written otherwise.
SITE = ("same", "form")
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
        ("大", "unreadable"),
        ("大北街", "unreadable"),
        ("大北街87号", "other"),
        ("87号", "unreadable"),
        ("8", "unreadable"),
        ("大连市", "other"),
        ("大连市大南街87号", "other"),
        ("铁西区大南街87号", "other"),
        ("沈阳市和平区大南街87号", "unreadable"),  # people often name the wrong district
        ("鞍山市大南街87号", "other"),
        ("示例", "unreadable"),
        ("110016", "unreadable"),
    ],
)
def test_an_address_is_this_site_its_region_or_another(given: str, how: str) -> None:
    assert compare_addresses(given, REGISTERED, REGION) in (SITE if how == "same" else (how,))


@pytest.mark.parametrize(
    ("given", "how"),
    [
        ("中山路8-7号", "same"),
        ("中山路8—7号", "same"),
        ("中山路8号", "region"),
        ("中山路87号", "other"),
        ("中山路8", "region"),
    ],
)
def test_a_double_number_is_one_number(given: str, how: str) -> None:
    assert compare_addresses(given, "鞍山市铁西区中山路8-7号", "210303") in (SITE if how == "same" else (how,))


def test_a_district_of_two_cities_is_told_by_its_city() -> None:
    assert compare_addresses("沈阳市铁西区示例路1号", "辽宁省鞍山市铁西区示例路1号", "210303") == "other"
    assert compare_addresses("鞍山市铁西区示例路1号", "辽宁省鞍山市铁西区示例路1号", "210303") in SITE
    assert compare_addresses("铁西区示例路1号", "辽宁省鞍山市铁西区示例路1号", "210303") in SITE
    assert compare_addresses("铁西区", "辽宁省鞍山市铁西区示例路1号", "210303") == "region"
    assert compare_addresses("铁西区示例路1号", "辽宁省鞍山市铁东区示例路1号", "210302") == "other"
    assert compare_addresses("铁西区示例路1号", "辽宁省沈阳市铁西区示例路1号", "210106") in SITE
    assert compare_addresses("朝阳区示例路1号", "北京市朝阳区示例路1号", "110105") in SITE
    assert compare_addresses("朝阳区示例路1号", "北京市海淀区示例路1号", "110108") == "other"


def test_an_unknown_region_contradicts_nothing() -> None:
    assert compare_addresses("示例路1号", "示例路1号", None) in SITE
    assert compare_addresses("鞍山市示例路1号", "示例路1号", None) in SITE


def test_a_registered_address_is_its_own_site() -> None:
    for address in (REGISTERED, "鞍山市铁西区中山路8-7号", "示例大厦", "示例村示例组"):
        assert compare_addresses(address, address, None) in SITE


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
    assert compare_addresses(given, REGISTERED, REGION) in SITE


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
    ],
)
def test_near_a_site_or_beside_another_is_not_the_site(given: str) -> None:
    assert compare_addresses(given, REGISTERED, REGION) == "other"


def test_a_street_with_a_numeral_in_its_name_is_no_house_number() -> None:
    assert compare_addresses("五一路", "鞍山市铁西区五一路12号", "210303") == "region"
    assert compare_addresses("五一", "鞍山市铁西区五一路12号", "210303") != "same"
    assert compare_addresses("五一路12号", "鞍山市铁西区五一路12号", "210303") in SITE
    assert compare_addresses("五一路东段99号", "鞍山市铁西区五一路东段", "210303") == "unreadable"
    assert compare_addresses("五一路东段门诊楼", "鞍山市铁西区五一路东段", "210303") == "region"


def test_numerals_in_a_list_or_after_a_dash_stay_apart() -> None:
    assert compare_addresses("示例路一、二号", "鞍山市铁西区示例路12号", "210303") == "other"
    assert compare_addresses("示例路601-一号", "鞍山市铁西区示例路601-1号", "210303") in SITE
    assert compare_addresses("示例路3号", "鞍山市铁西区示例路1号、3号", "210303") in SITE
    assert compare_addresses("示例路13号", "鞍山市铁西区示例路1号、3号", "210303") == "other"


def test_a_district_of_two_cities_of_one_province_is_the_registered_citys() -> None:
    assert compare_addresses("河北省新华区示例路1号", "河北省沧州市新华区示例路1号", "130902") in SITE
    assert compare_addresses("河北省新华区示例路2号", "河北省沧州市新华区示例路1号", "130902") == "other"
    assert compare_addresses("辽宁省铁西区示例路1号", "河北省沧州市新华区示例路1号", "130902") == "other"


# --- several in one field, and each kind of writing ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "parts"),
    [
        ("大南街87号；示例路5号", ["大南街87号", "示例路5号"]),
        ("①大南街87号②示例路5号", ["大南街87号", "示例路5号"]),
        ("1.大南街87号 2.示例路5号", ["大南街87号", "示例路5号"]),
        ("大南街87号\n示例路5号", ["大南街87号", "示例路5号"]),
        ("大南街87号和示例路5号", ["大南街87号", "示例路5号"]),
        ("东院区：大南街87号，西院区：示例路5号", ["东院区：大南街87号", "西院区：示例路5号"]),
        ("沈阳市沈河区大南街87号、示例路5号", ["沈阳市沈河区大南街87号", "沈阳市沈河区示例路5号"]),
        ("沈阳市沈河区\n大南街87号", ["沈阳市沈河区\n大南街87号"]),
        ("沈阳市，沈河区，大南街87号，门诊楼3层", ["沈阳市，沈河区，大南街87号，门诊楼3层"]),
        ("规划一号路1号、3号", ["规划一号路1号、3号"]),
        ("人民路与示例路交叉口", ["人民路与示例路交叉口"]),
    ],
)
def test_several_addresses_in_one_field_are_told_apart(field: str, parts: list[str]) -> None:
    assert list(split_addresses(field)) == parts


def test_several_addresses_get_one_word_only_where_each_gets_it() -> None:
    compared: dict[str, Comparison] = {
        field: compare_addresses(field, REGISTERED, REGION)
        for field in ("大南街87号；大南街87号3楼", "大南街87号；示例路5号", "小南街87号；示例路5号")
    }
    assert list(compared.values()) == ["form", "unreadable", "other"]


@pytest.mark.parametrize(
    ("given", "registered", "region", "how"),
    [
        # short places, a place twice
        ("鞍山", "辽宁省鞍山市铁西区示例街115号", "210303", "region"),
        ("辽宁鞍山", "辽宁省鞍山市铁西区示例街115号", "210303", "region"),
        ("鞍山铁西", "辽宁省鞍山市铁西区示例街115号", "210303", "region"),
        ("大连", "辽宁省鞍山市铁西区示例街115号", "210303", "other"),
        ("鞍山铁西示例街115号", "辽宁省鞍山市铁西区示例街115号", "210303", "form"),
        ("大连铁西示例街115号", "辽宁省鞍山市铁西区示例街115号", "210303", "other"),
        ("上海 上海市 浦东新区 示例路528号", "上海市浦东新区示例路528号", "310115", "form"),
        ("上海浦东示例路528号", "上海市浦东新区示例路528号", "310115", "form"),
        ("上海路528号", "上海市浦东新区示例路528号", "310115", "other"),
        # offices, towns, zones
        ("浦东新区示例镇张衡路528号", "上海市浦东新区张衡路528号", "310115", "form"),
        ("杭州市环丁路1630号", "浙江省杭州市上城区丁兰街道环丁路1630号", "330102", "form"),
        ("宝安区西乡街道银田路20号", "深圳市宝安区西乡银田路20号", "440306", "form"),
        ("西青区李七庄街昌凌路88号", "天津市天津市西青区昌凌路88号", "120111", "form"),
        ("红谷滩区西站大街508号", "江西省南昌市新建区红谷滩区西站大街508号（九龙湖院区）", "360112", "form"),
        ("示例县甲镇人民路1号", "示例县乙镇人民路1号", None, "other"),
        # districts by date
        ("杭州市下城区上塘路158号", "浙江省杭州市拱墅区上塘路158号", "330105", "form"),
        ("杭州市江干区庆春东路3号", "浙江省杭州市上城区庆春东路3号", "330102", "form"),
        ("杭州市江干区上塘路158号", "浙江省杭州市拱墅区上塘路158号", "330105", "unreadable"),
        ("大同市平城区文昌街43号", "山西省大同市城区文昌街43号", "140202", "form"),
        # a side of the road before or behind its kind, or said twice; another side is another road
        ("吉林市示例西路11-2号", "吉林省吉林市船营区南京街示例路西11-2号", "220204", "form"),
        ("湛江市示例大道南路57号", "广东省湛江市霞山区示例大道南57号", "440803", "form"),
        ("湛江市示例大道北路57号", "广东省湛江市霞山区示例大道南57号", "440803", "other"),
        ("青羊区示例大道一段1617号", "四川省成都市青羊区示例大道1617号", "510105", "region"),
        ("青羊区示例大道二段1617号", "四川省成都市青羊区示例大道一段1617号", "510105", "other"),
        # words for areas inside a path; what the register prints before its road is no other city
        ("东莞市凤岗镇示例村镇田北路1号", "广东省东莞市凤岗镇示例镇田北路1号", "441900", "form"),
        ("顺德区伦教示例村甲子路1号", "佛山市顺德区伦教街道办事处示例村村委会甲子路1号", "440606", "form"),
        ("瑞金市象湖镇示例村88号", "江西省赣州市瑞金市象湖镇示例村排脑小组88号", "360781", "region"),
        ("赤峰市松山区王府大街42号", "内蒙古自治区赤峰市松山区新城王府大街42号", "150404", "region"),
        ("长沙市岳麓区示例坡路138号", "湖南省长沙市岳麓区河西示例坡路138号", "430104", "region"),
        ("赤峰市松山区小新城王府大街42号", "内蒙古自治区赤峰市松山区新城王府大街42号", "150404", "other"),
        # a house of an estate; a building that may have a number on a street
        ("丰台区示例园一区6号", "北京市丰台区示例园一区6号楼", "110106", "form"),
        ("丰台区示例路6号", "北京市丰台区示例路6号楼", "110106", "other"),
        ("义乌市示例大道1号", "浙江省金华市义乌市示例广场A座", "330782", "unreadable"),
        # beside it
        ("毗邻沈河区大南街87号", REGISTERED, REGION, "other"),
        ("沈河区大南街87号背后", REGISTERED, REGION, "other"),
        # numbers
        ("示例路№ 69", "衡阳市石鼓区示例路69号", "430407", "form"),
        ("示例路94号", "厦门市思明区示例路94-96号", "350203", "form"),
        ("示例路95号", "厦门市思明区示例路94-96号", "350203", "region"),
        ("示例路98号", "厦门市思明区示例路94-96号", "350203", "other"),
        ("示例路1-3号", "大连市甘井子区示例路1号、3号", "210211", "form"),
        ("示例路601号", "唐山市路北区示例路601-1号", "130203", "region"),
        ("示例路B24号", "清远市清城区示例路B24号", "441802", "form"),
        ("示例路673弄26号", "上海市闵行区示例路673弄26号", "310112", "form"),
        ("示例路674弄26号", "上海市闵行区示例路673弄26号", "310112", "other"),
        ("示例路29号12栋", "北京市海淀区示例路29号11栋", "110108", "other"),
        ("示例路29号", "北京市海淀区示例路29号11栋", "110108", "form"),
        # a road without a number, a crossing: nobody is told that it is elsewhere
        ("大南街与示例路交叉口", REGISTERED, REGION, "region"),
        ("示例路与人民路交叉口", REGISTERED, REGION, "unreadable"),
        ("大南街100号对面", REGISTERED, REGION, "unreadable"),
        ("沈河区示例大厦旁", REGISTERED, REGION, "unreadable"),
        ("大连市示例大厦旁", REGISTERED, REGION, "other"),
    ],
)
def test_each_kind_of_writing(given: str, registered: str, region: str | None, how: str) -> None:
    assert compare_addresses(given, registered, region) == how


def test_the_own_name_around_an_address_is_no_part_of_it() -> None:
    names = ("示例妇婴医院（示例妇幼保健院）",)
    for given in (
        "示例妇婴医院大南街87号",
        "大南街87号示例妇婴医院",
        "示例妇婴医院（示例妇幼保健院）：沈河区大南街87号",
    ):
        assert compare_addresses(given, REGISTERED, REGION, names) == "form"
    assert compare_addresses("示例妇婴医院对面", REGISTERED, REGION, names) == "other"


def test_an_address_is_read_level_by_level() -> None:
    read = parse_address("邮编：110014 辽宁省沈阳市沈河区示例街道大南街87号附1号2号楼三层301室（近地铁10号线）")
    assert read.place == "210103"
    assert read.areas == (("office", "示例"),)
    assert read.roads == ("大南街",)
    assert [tuple(door) for door in read.doors] == [("87", "附1")]
    assert (read.buildings, read.floors, read.rooms) == (frozenset({"2"}), ["3"], ["301"])
    assert parse_address("示例村示例组").doors == ()
