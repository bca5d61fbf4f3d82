"""Rows of tables against small made-up registers and the real lists: who is a match, who is only a candidate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from registry.domain.identifiers import format_code, make_code
from registry.domain.model import Draft
from registry.errors import CannotAnswer, InvalidCode, InvalidInput
from registry.reconciliation.match import PROPERTY_LIMIT, MatchCandidate, MatchReply, Query, Reconciler
from registry.register import Register
from registry.settings import Settings
from tests.claims.lists import now
from tests.factories import a_change, a_database, a_source, an_institution, code_of, enter, the_real_lists

USCC = "91350100M000100Y43"
OTHER_USCC = "91110000600037341L"
NAME = "鞍山市示例医院"
Row = Callable[..., MatchReply]


@pytest.fixture
def holding(tmp_path: Path) -> Iterator[Callable[..., Row]]:
    """Enter drafts; what then asks the register that holds them: a name, and properties by id."""
    database = a_database(tmp_path)
    register = Register(Settings(data_dir=tmp_path))

    def entered(*drafts: Draft) -> Row:
        enter(database, a_source(), *drafts)
        register.follow_log()
        return asking(register.make_reconciler())

    yield entered
    register.close()
    database.close()


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Row]:
    folder = tmp_path_factory.mktemp("real")
    the_real_lists(folder).close()
    register = Register(Settings(data_dir=folder))
    register.follow_log()
    yield asking(register.make_reconciler())
    register.close()


def asking(service: Reconciler) -> Row:
    def ask(text: str = "", limit: int = 5, **properties: str | tuple[str, ...]) -> MatchReply:
        given = tuple((pid, (v,) if isinstance(v, str) else v) for pid, v in properties.items())
        return service.answer_query(Query(text=text, properties=given, limit=limit))

    return ask


def matched(reply: MatchReply) -> str | None:
    """The name of the match, which is always first and alone."""
    found = [one for one in reply.candidates if one.match]
    assert len(found) <= 1 and (not found or found[0] is reply.candidates[0])
    assert all((one.score == 100) == one.match for one in reply.candidates)
    return found[0].site.name if found else None


def names(reply: MatchReply) -> list[str]:
    return [one.site.name for one in reply.candidates]


def features(one: MatchCandidate) -> dict[str, bool | float]:
    found = {feature.id: feature.value for feature in one.features}
    assert len(found) == len(one.features)
    return found


# --- the real lists --------------------------------------------------------------------------------------------------


def test_every_name_of_the_national_list_matches_itself_and_a_name_at_two_addresses_nobody(real: Row) -> None:
    times = Counter(one.name for one in now())
    assert len(now()) == 635 and [name for name, n in times.items() if n > 1] == ["大连市妇女儿童医疗中心（集团）"]
    for one in now():
        reply = real(one.name)
        if times[one.name] == 1:
            assert matched(reply) == one.name and reply.candidates[0].site.address == one.address
        else:
            assert matched(reply) is None and names(reply)[:2] == [one.name, one.name]


def test_every_row_of_the_national_list_with_its_address_matches_itself(real: Row) -> None:
    for one in now():
        reply = real(one.name, address=one.address)
        assert matched(reply) == one.name and reply.candidates[0].site.address == one.address


def test_near_names_are_candidates_and_no_match(real: Row) -> None:
    for near in ("沈阳市妇幼医院", "盛京医院", "盛京", "郑大三附院", "shengjing", "中国医科大学附属第一医院"):
        reply = real(near)
        assert matched(reply) is None and reply.candidates, near
    assert names(real("盛京"))[0] == names(real("shengjing"))[0] == "中国医科大学附属盛京医院"
    assert matched(real("沈阳市妇婴医院")) == "沈阳市妇婴医院"
    assert matched(real("沈阳市妇幼保健院")) == "沈阳市妇幼保健院"


def test_a_former_name_matches_and_says_so(real: Row) -> None:
    reply = real("沈阳东方医疗集团菁华医院")
    assert matched(reply) == "沈阳菁华医院有限公司" and reply.candidates[0].by_former_name


def test_a_place_or_a_service_nobody_may_offer_has_no_candidates(real: Row) -> None:
    assert real("北京").candidates == real("代孕").candidates == []


def test_the_right_name_at_another_address_is_no_match_and_who_is_there_is_offered_first(real: Row) -> None:
    reply = real("沈阳市妇婴医院", address="沈阳市沈河区沈州路41号")
    assert matched(reply) is None
    assert names(reply)[:2] == ["沈阳市妇幼保健院", "沈阳市妇婴医院"]
    first, second = map(features, reply.candidates[:2])
    assert first["same_site"] is first["address"] is True and first["own_name"] is False
    assert second["same_site"] is second["address"] is False and second["own_name"] is True


def test_places_are_words_or_codes_and_one_that_contradicts_is_enough(real: Row) -> None:
    for place in ({"region": "210000"}, {"region": "210103"}, {"city": "沈阳市"}, {"province": "辽宁", "city": "沈阳"}):
        assert matched(real("沈阳市妇婴医院", **place)) == "沈阳市妇婴医院", place
    for place in ({"region": "110000"}, {"city": "大连市"}, {"province": "辽宁省", "district": "铁东区"}):
        assert matched(real("沈阳市妇婴医院", **place)) is None, place
    assert matched(real("沈阳市妇婴医院", address=("不详路9号", "大南街87号"))) == "沈阳市妇婴医院"


def test_an_address_alone_decides_nothing(real: Row) -> None:
    reply = real(address="辽宁省沈阳市沈河区大南街87号")
    assert matched(reply) is None and names(reply) == ["沈阳市妇婴医院"]


def test_other_columns_move_scores_and_never_the_match(real: Row) -> None:
    plain = real("沈阳市妇幼医院")
    lifted = real("沈阳市妇幼医院", techniques="PGT")
    score = {one.site.name: one.score for one in plain.candidates}
    for one in lifted.candidates:
        assert one.score == score[one.site.name] + (2 if features(one)["techniques"] else -4)
    assert matched(real("沈阳市妇幼保健院", techniques="PGT", status="suspended", level="三甲")) == "沈阳市妇幼保健院"


def test_a_limit_is_kept_best_first(real: Row) -> None:
    reply = real("中国医科大学附属第一医院", limit=20)
    scores = [one.score for one in reply.candidates]
    assert scores == sorted(scores, reverse=True) and 5 < len(scores) <= 20
    assert names(real("中国医科大学附属第一医院", limit=2)) == names(reply)[:2]


# --- made-up registers -----------------------------------------------------------------------------------------------


def test_two_of_one_name_are_both_offered_until_an_address_tells_them_apart(holding: Callable[..., Row]) -> None:
    ask = holding(an_institution(), an_institution(address="辽宁省鞍山市铁东区示例路9号", region="210302"))
    assert matched(ask(NAME)) is None and names(ask(NAME)) == [NAME, NAME]
    assert matched(ask(NAME, address="示例路9号")) == NAME
    assert matched(ask(NAME, district="铁东区")) == NAME
    assert matched(ask(NAME, city="鞍山市")) is None


def test_a_delisted_namesake_is_a_namesake(holding: Callable[..., Row]) -> None:
    gone = an_institution(address="辽宁省鞍山市铁东区示例路9号", region="210302", status="delisted")
    ask = holding(an_institution(), gone)
    assert matched(ask(NAME)) is None and len(ask(NAME).candidates) == 2
    reply = ask(NAME, address="铁东区示例路9号")
    assert matched(reply) == NAME and reply.candidates[0].site.status == "delisted"


@pytest.mark.parametrize("status", ["suspended", "delisted"])
def test_who_may_not_treat_is_still_who_it_is(holding: Callable[..., Row], status: str) -> None:
    reply = holding(an_institution(status=status))(NAME)
    assert matched(reply) == NAME and reply.candidates[0].site.status == status


def test_a_name_without_its_campus_matches_only_at_the_address(holding: Callable[..., Row]) -> None:
    ask = holding(an_institution("示例市示例医院（东院区）", campus="东院区"))
    assert matched(ask("示例市示例医院")) is None
    assert matched(ask("示例市示例医院", city="鞍山市")) is None
    assert matched(ask("示例市示例医院", address="鞍山市铁西区示例路1号")) == "示例市示例医院（东院区）"
    assert matched(ask("示例市示例医院（东院区）")) == "示例市示例医院（东院区）"


def test_a_name_it_will_have_later_is_no_match_yet(holding: Callable[..., Row]) -> None:
    one = an_institution()
    later = one.valid_from.replace(year=2099)
    ask = holding(one, a_change(one, later, {"name": "鞍山市示例新医院"}))
    assert matched(ask("鞍山市示例新医院")) is None and names(ask("鞍山市示例新医院")) == [NAME]


def test_names_people_use_are_found_and_never_match(holding: Callable[..., Row]) -> None:
    ask = holding(an_institution(known_as=["钢都妇产"]))
    assert matched(ask("钢都妇产")) is None and names(ask("钢都妇产")) == [NAME]


def test_numbers_match_alone_and_never_against_the_name(holding: Callable[..., Row]) -> None:
    one = an_institution(uscc=USCC, practice_licence_no="PDY00000121030317A1001", domains=["a.example"])
    other = an_institution("鞍山市另一示例医院", "辽宁省鞍山市铁西区示例路2号", uscc=OTHER_USCC)
    ask = holding(one, other)
    code = format_code(code_of(one))
    for row in (
        {"uscc": USCC},
        {"text": USCC},
        {"practice_licence_no": "pdy000001-21030317a1001"},
        {"domains": "https://www.a.example/x"},
        {"code": code.lower()},
        {"text": code},
        {"text": f"https://register.example/i/{code}"},
        {"text": NAME, "uscc": USCC},
    ):
        assert matched(ask(**row)) == NAME, row
    for row in (
        {"text": NAME, "uscc": OTHER_USCC},
        {"text": "鞍山市没有的医院", "uscc": USCC},
        {"uscc": USCC, "domains": "b.example"},
        {"text": code, "code": format_code(code_of(other))},
        {"text": NAME, "code": format_code(make_code("nobody"))},
        {"text": USCC, "address": "示例路2号"},
    ):
        reply = ask(**row)
        assert matched(reply) is None and reply.candidates, row
    reply = ask(NAME, uscc=OTHER_USCC)
    assert {one.site.name: features(one)["uscc"] for one in reply.candidates} == {
        NAME: False,
        "鞍山市另一示例医院": True,
    }


def test_a_number_that_is_none_is_named_and_decides_against_a_match(holding: Callable[..., Row]) -> None:
    reply = holding(an_institution())(NAME, uscc="123", domains="不是域名")
    assert matched(reply) is None and names(reply) == [NAME]
    assert set(reply.unreadable) == {"uscc", "domains"} and "123" in reply.unreadable["uscc"].en
    assert features(reply.candidates[0])["uscc"] is False


def test_a_row_that_cannot_be_understood_is_refused_with_what_to_do(holding: Callable[..., Row]) -> None:
    ask = holding(an_institution())
    with pytest.raises(InvalidInput, match="均为空"):
        ask("  ", address=" ")
    with pytest.raises(InvalidCode):
        ask("7K2M-9QX5")
    with pytest.raises(InvalidInput, match="未知的属性“nope”"):
        ask(NAME, nope="1")
    with pytest.raises(InvalidInput, match="只能给一个值"):
        ask(NAME, uscc=(USCC, OTHER_USCC))
    with pytest.raises(InvalidInput, match="最多300个字符"):
        ask("医" * 301)
    with pytest.raises(InvalidInput, match=f"最多{PROPERTY_LIMIT}个"):
        ask(NAME, address=("x",) * (PROPERTY_LIMIT + 1))


def test_a_register_that_was_never_read_answers_nothing(tmp_path: Path) -> None:
    register = Register(Settings(data_dir=tmp_path))
    with pytest.raises(CannotAnswer):
        register.make_reconciler()
    register.close()
