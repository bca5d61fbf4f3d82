from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from registry.domain import regions

SEED = Path(__file__).parents[2] / "seed_data"


def place(code: str | None) -> tuple[str | None, str | None, str | None]:
    found = regions.find_region(code or "")
    return (found.province, found.city, found.district) if found else (None, None, None)


def levels(file: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    with (SEED / file).open(encoding="utf-8-sig", newline="") as lines:
        for line in csv.DictReader(lines):
            found = regions.resolve_address(line["address"], line["province"])
            assert not found.disagrees, line
            province, city, district = place(found.code)
            counts["district" if district else "city" if city not in (None, province) else "province"] += 1
    return counts


def test_a_code_has_the_names_of_all_its_levels() -> None:
    assert place("210303") == ("辽宁省", "鞍山市", "铁西区")
    assert place("210300") == ("辽宁省", "鞍山市", None)
    assert place("210000") == ("辽宁省", None, None)
    assert place("441900") == ("广东省", "东莞市", None)
    assert regions.find_region("999999") is None
    assert regions.find_region("") is None


def test_a_municipality_is_its_own_city() -> None:
    assert place("110108") == ("北京市", "北京市", "海淀区")
    assert place("110000") == ("北京市", "北京市", None)
    assert place("110100") == ("北京市", "北京市", None)


def test_a_county_directly_under_its_province_stands_as_a_city() -> None:
    assert place("429004") == ("湖北省", "仙桃市", None)
    assert place("659001") == ("新疆维吾尔自治区", "石河子市", None)
    assert place("460400") == ("海南省", "儋州市", None)


@pytest.mark.parametrize(
    ("code", "shared"),
    [
        ("210000", "21"),
        ("210300", "2103"),
        ("210303", "210303"),
        ("429004", "429004"),
        ("110000", "11"),
        ("110108", "110108"),
        ("441900", "4419"),
    ],
)
def test_a_prefix_is_what_all_codes_below_share(code: str, shared: str) -> None:
    assert regions.get_prefix(code) == shared


def test_children_are_the_divisions_right_below() -> None:
    assert len(regions.list_children(None)) == 34
    assert ("210300", "鞍山市") in regions.list_children("210000")
    assert ("210303", "铁西区") not in regions.list_children("210000")
    assert ("429004", "仙桃市") in regions.list_children("420000")
    assert ("110108", "海淀区") in regions.list_children("110000")
    assert len(regions.list_children("210300")) == 7
    assert regions.list_children("441900") == []
    assert regions.list_children("429004") == []


def test_children_leave_out_what_was_abolished() -> None:
    assert "下城区" not in [name for _, name in regions.list_children("330100")]


@pytest.mark.parametrize(
    ("address", "code", "rest"),
    [
        ("辽宁省鞍山市铁西区三道街115号", "210303", "三道街115号"),
        ("北京市海淀区花园北路49号", "110108", "花园北路49号"),
        ("北京市北京市海淀区花园北路", "110108", "花园北路"),
        ("北京市市辖区海淀区花园北路", "110108", "花园北路"),
        ("辽宁省辽宁省沈阳市和平区南京南街", "210102", "南京南街"),
        ("辽宁省沈阳市辽宁省沈阳市和平区南京南街", "210102", "南京南街"),
        ("鞍山市铁西区鞍山市铁西区三道街", "210303", "三道街"),
        ("内蒙古自治区通辽市科尔沁区通辽市科尔沁区霍林河大街", "150502", "霍林河大街"),
        ("辽宁 省沈阳市\n和平区南京南街", "210102", "南京南街"),
        ("吉林省通化市梅河口市银河大街", "220581", "银河大街"),
        ("吉林省梅河口市银河大街", "220581", "银河大街"),
        ("吉林省吉林市解放中路", "220200", "解放中路"),
        ("吉林省延边朝鲜族自治州延吉市局子街", "222401", "局子街"),
        ("延边州延吉市局子街", "222401", "局子街"),
        ("新疆维吾尔自治区阿克苏地区阿克苏市", "652901", ""),
        ("湖北省仙桃市沔州大道", "429004", "沔州大道"),
        ("广东省东莞市万江区万道路", "441900", "万江区万道路"),
        ("沈河区文艺路33号", "210103", "文艺路33号"),
        ("湖南省长沙市长沙县星沙街道", "430121", "星沙街道"),
    ],
)
def test_official_names_are_read_from_the_start(address: str, code: str, rest: str) -> None:
    assert regions.resolve_address(address) == regions.AddressRegion(code=code, rest=rest)


@pytest.mark.parametrize("zone", ["高新区", "经济技术开发区", "三江新区"])
def test_a_development_zone_is_no_district(zone: str) -> None:
    assert regions.resolve_address(f"辽宁省沈阳市{zone}1号") == regions.AddressRegion(code="210100", rest=f"{zone}1号")


def test_a_name_that_two_districts_have_is_not_guessed() -> None:
    assert regions.resolve_address("辽宁省铁西区1号") == regions.AddressRegion(code="210000", rest="铁西区1号")
    assert regions.resolve_address("铁西区1号") == regions.AddressRegion(code=None, rest="铁西区1号")
    assert regions.resolve_address("铁西区1号", "辽宁省").code == "210000"
    assert regions.resolve_address("铁西区1号", "吉林省").code == "220302"


def test_short_names_need_a_full_name_below_them() -> None:
    assert regions.resolve_address("辽宁沈阳沈河区文艺路").code == "210103"
    assert regions.resolve_address("上海浦东新区即墨路", "上海市").code == "310115"
    assert regions.resolve_address("内蒙古呼和浩特市通道北街", "内蒙古自治区").code == "150100"
    assert regions.resolve_address("辽宁沈阳文艺路").code is None
    assert regions.resolve_address("河南南阳路7号", "河南省") == regions.AddressRegion(
        code="410000", rest="河南南阳路7号"
    )
    assert regions.resolve_address("辽宁铁西区1号").code is None


def test_the_province_of_the_list_stands_when_the_address_names_none() -> None:
    assert regions.resolve_address("三道街115号", "辽宁省") == regions.AddressRegion(code="210000", rest="三道街115号")
    assert regions.resolve_address("鞍山市铁西区三道街", "辽宁省").code == "210303"
    assert regions.resolve_address("三道街115号").code is None
    assert regions.resolve_address("三道街115号", "某某省").code is None


def test_a_province_is_known_by_its_official_or_short_name() -> None:
    assert regions.find_province_code("辽宁省") == regions.find_province_code("辽宁") == "210000"
    assert regions.find_province_code("吉林") == "220000"
    assert regions.find_province_code("沈阳市") is None
    assert regions.find_province_code("") is None


def test_an_address_that_disagrees_with_its_list_is_reported() -> None:
    assert regions.resolve_address("吉林省长春市人民大街", "辽宁省") == regions.AddressRegion(
        code="220100", rest="人民大街", disagrees=True
    )
    assert regions.resolve_address("长春市人民大街", "辽宁省") == regions.AddressRegion(
        code="210000", rest="长春市人民大街", disagrees=True
    )


def test_old_names_keep_their_place() -> None:
    assert place(regions.resolve_address("浙江省杭州市下城区上塘路").code) == ("浙江省", "杭州市", "下城区")
    assert regions.resolve_address("四川省资阳市简阳市").code == "510185"
    assert regions.resolve_address("湖北省襄樊市").code == "420600"
    assert place("341402") == ("安徽省", "巢湖市", "居巢区")
    assert regions.resolve_address("安徽省巢湖市居巢区").code == "341402"


def test_a_reused_code_does_not_mislead_an_old_name() -> None:
    assert regions.resolve_address("广东省韶关市武江区").code == "440203"
    assert regions.resolve_address("海南省定安县").code == "469021"


def test_places_in_free_text_are_all_named_longest_first() -> None:
    assert regions.find_places("鞍山试管婴儿") == [(0, 2, "210300")]
    assert regions.find_places("在鞍山市铁西区")[0] == (1, 4, "210300")
    assert {code for start, _, code in regions.find_places("在鞍山市铁西区") if start == 4} >= {"210106", "210303"}
    assert [code for *_, code in regions.find_places("吉林")] == ["220000", "220200"]
    assert (0, 2, "222400") in regions.find_places("延边")
    assert regions.find_places("试管婴儿") == []
    assert regions.find_places("") == []


def test_every_row_of_the_table_has_its_levels() -> None:
    with (SEED / "regions" / "regions.csv").open(encoding="utf-8", newline="") as lines:
        for line in csv.DictReader(lines):
            found = regions.find_region(line["code"])
            assert found is not None
            assert found.province is not None
            assert (0, len(line["name"]), line["code"]) in regions.find_places(line["name"]) or line["until"]


def test_the_real_lists_resolve_to_the_known_extent() -> None:
    assert levels("national-2025-06/national-list-2025-06.csv") == {"district": 606, "city": 28, "province": 1}
    assert levels("national-2018-02/national-list-2018-02-partial.csv") == {"district": 215, "city": 91, "province": 19}


def test_places_overlap_where_one_lies_in_the_other_or_is_unknown() -> None:
    assert regions.is_inside("210303", "210300")
    assert regions.is_inside("210300", "210300")
    assert not regions.is_inside("210000", "210300")
    assert not regions.is_inside(None, "210300")
    for one, other in [
        ("210000", "210303"),
        ("210303", "210000"),
        ("429004", "420000"),
        (None, "210000"),
        (None, None),
    ]:
        assert regions.overlap(one, other), (one, other)
    assert not regions.overlap("210303", "210304")
    assert not regions.overlap("429004", "429005")


def test_a_place_that_was_split_or_merged_fits_every_successor_and_no_other() -> None:
    assert regions.list_successors("330104") == {"330104", "330102", "330114"}  # 江干区
    assert regions.list_successors("310225") == {"310225", "310119", "310115"}  # 南汇县, later 南汇区, now 浦东新区
    assert regions.list_successors("210303") == {"210303"}
    assert regions.may_overlap("330103", "330105") and regions.may_overlap("330105", "330103")  # 下城区, 拱墅区
    assert not regions.may_overlap("330103", "330102")
    assert not regions.may_overlap("330105", "330102")
    assert regions.may_overlap("140202", "140213")  # 大同市城区, 平城区
    assert not regions.may_overlap("320802", "320811")  # 清河区 and 清浦区 became one, and were two
    assert regions.may_overlap("130171", "130102")  # a zone of 石家庄市 lies in whichever of its districts


def test_every_successor_is_a_place_of_the_table_in_the_same_province() -> None:
    with (SEED / "regions" / "successors.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len({(row["code"], row["successor"]) for row in rows}) == len(rows) >= 400
    for row in rows:
        assert regions.find_region(row["code"]) and regions.find_region(row["successor"]), row
        assert row["code"] != row["successor"] and row["code"][:2] == row["successor"][:2], row
        assert 2000 <= int(row["since"]) <= 2026, row
