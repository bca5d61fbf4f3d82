"""Text alone is a question: the institutions it names are found and answered. Names, fillings and marks are drawn."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.batch.claim_check import check_claim
from registry.domain.answers import Answer, Claim, Mention, Person, Provider
from registry.domain.normalise import fold_text, fold_with_places
from registry.errors import InvalidInput
from registry.records.asof import AsOf
from registry.storage.database import Database
from registry.verification.answer import answer_claim
from registry.verification.mentions import find_names
from registry.verification.verdict import SEVERITY
from registry.verification.view import VerificationView
from tests.factories import DAY, a_change, a_database, a_source, a_view, an_institution, ask, enter

AFTER = DAY + dt.timedelta(days=30)
WHOLE = an_institution("鞍山市示例医院", IVF="formal", AIH="suspended")
PART = an_institution(
    "鞍山市示例妇幼保健院", "辽宁省鞍山市铁东区示例街2号", AIH="formal", aliases=["鞍山市示例妇儿中心"]
)
LONGER = an_institution("鞍山市示例医院铁东医院", "辽宁省鞍山市铁东区示例街3号", IVF="trial")
NUMBERED = an_institution(
    "示例部队第九〇〇医院", "辽宁省鞍山市铁东区示例街4号", PGT="formal", known_as=["示例老医院", "老院"]
)
BRACKET = an_institution("鞍山市示例中心医院（鞍山市示例产院）", "辽宁省鞍山市铁东区示例街5号", IVF="revoked")
SITES = [
    an_institution("鞍山市示例两址医院", "辽宁省鞍山市铁西区示例街6号", IVF="formal"),
    an_institution("鞍山市示例两址医院", "辽宁省鞍山市铁西区示例街7号", AIH="formal"),
]
NAMES = [
    *("鞍山市示例医院", "鞍山市示例妇幼保健院", "鞍山市示例妇儿中心", "鞍山市示例医院铁东医院", "示例部队第九〇〇医院"),
    *("鞍山市示例中心医院（鞍山市示例产院）", "鞍山市示例中心医院", "鞍山市示例两址医院"),
]
#: Words that go before and after a name without making it another.
BEFORE = st.sampled_from(
    ["", "欢迎来到", "就找", "2024年，", "咨询：", "我们与", "辽宁省", "电话13800000000 ", "1、", "【"]
)
BEHIND = st.sampled_from(["", "，", "开展", "是公立医院", "生殖中心", "的专家", "】", "三甲医院", " 1楼", "。2号线"])
OFFERS = st.sampled_from(["", "试管婴儿", "三代试管", "人工授精", "试管婴儿、人工授精", "包成功"])


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = a_database(tmp_path_factory.mktemp("mentions"))
    enter(database, a_source(), WHOLE, PART, LONGER, NUMBERED, BRACKET, *SITES)
    yield database
    database.close()


@pytest.fixture(scope="module")
def view(database: Database) -> VerificationView:
    return a_view(database)


def answer_text(view: VerificationView, text: str, **fields: object) -> Answer:
    return answer_claim(view, Claim(text=text, on=AFTER, **fields))  # type: ignore[arg-type]


def list_texts(mentions: list[Mention]) -> list[str]:
    return [mention.text for mention in mentions]


# --- who is found ----------------------------------------------------------------------------------------------------


@given(name=st.sampled_from(NAMES), before=BEFORE, behind=BEHIND, offer=OFFERS)
def test_a_name_in_a_text_is_answered_as_if_it_were_asked(
    view: VerificationView, name: str, before: str, behind: str, offer: str
) -> None:
    answer = answer_text(view, f"{before}{name}{behind}{offer}")
    (mention,) = answer.mentions
    assert (mention.text, mention.start) == (name, len(before))
    codes = [technique.technique for technique in answer.techniques if technique.from_text]
    asked = ask(view, name, *codes, on=AFTER)
    assert (answer.verdict, mention.verdict) == (asked.verdict, asked.verdict)
    assert mention.techniques == answer.techniques
    assert [(one.technique, one.verdict) for one in answer.techniques] == [
        (one.technique, one.verdict) for one in asked.techniques
    ]
    assert all(one.from_text for one in answer.techniques) or not codes
    assert (answer.match, answer.candidates, answer.basis) == (asked.match, asked.candidates, asked.basis)
    assert mention.code == (asked.match.code if asked.match else None)
    assert asked.explanation in answer.explanation
    assert name in answer.explanation


@given(st.sampled_from(NAMES[:5]), st.sampled_from([" ", "\u200b", "·", "　", "-"]), st.integers(1, 4))
def test_a_name_is_found_however_it_is_spaced_and_the_place_is_that_in_the_text(
    view: VerificationView, name: str, mark: str, at: int
) -> None:
    written = name[:at] + mark + name[at:]
    text = f"来{written}，医院很好"
    (mention,) = answer_text(view, text).mentions
    assert (mention.text, text[mention.start : mention.end]) == (written, written)


@pytest.mark.parametrize(
    "written",
    ["鞍山市示例醫院", "鞍山市示例婦幼保健院", "示例部隊第900醫院", "示例部队第玖〇〇医院", "示例部队第９００医院"],
)
def test_other_ways_of_writing_a_name_are_the_name(view: VerificationView, written: str) -> None:
    assert list_texts(answer_text(view, f"去{written}看看").mentions) == [written]


@given(
    st.lists(st.sampled_from(NAMES), min_size=2, max_size=6, unique=True),
    st.sampled_from(["、", "和", "，", "\n", " 与 "]),
)
def test_several_are_answered_each_and_the_verdict_is_the_gravest(
    view: VerificationView, names: list[str], mark: str
) -> None:
    answer = answer_text(view, mark.join(names) + "做试管婴儿")
    assert list_texts(answer.mentions) == names
    assert answer.verdict == max((mention.verdict for mention in answer.mentions), key=SEVERITY.index)
    assert all(mention.verdict == ask(view, mention.text, "IVF", on=AFTER).verdict for mention in answer.mentions)


@given(
    st.lists(
        st.sampled_from([*NAMES, "鞍山市", "示例", "医院", "，", "第", "九〇〇", "试管", "1", "铁东"]), max_size=12
    ).map("".join)
)
def test_finds_are_names_never_overlap_and_none_is_left_out(view: VerificationView, text: str) -> None:
    places = find_names(view, text, AsOf(valid_on=AFTER, size=view.size))
    keys = [fold_text(text[place.start : place.end]) for place in places]
    assert all(key in view.institutions.names or key in view.institutions.common_names for key in keys)
    assert all(one.end <= other.start for one, other in pairwise(places))
    for name in NAMES:
        for at in range(len(text)):
            if text.startswith(name, at):
                assert any(place.start < at + len(name) and at < place.end for place in places)


# --- what licenses nobody ---------------------------------------------------------------------------------------------


@given(
    st.sampled_from(["鞍山市示例医院", "鞍山市示例妇幼保健院"]),
    st.sampled_from(
        [
            *(("某某大学附属", ""), ("示例学院", ""), ("新", ""), ("上海", ""), ("大连市", "")),
            *(("", "有限公司"), ("", "健康管理有限公司"), ("", "南湖院区"), ("", "（北院区）"), ("", "第一分院")),
            *(("", "对面"), ("", "附近"), ("", "玛丽医院"), ("", "旁边的诊所"), ("", "门诊部"), ("", "集团")),
        ]
    ),
)
def test_a_name_that_goes_on_is_a_candidate_only(view: VerificationView, name: str, around: tuple[str, str]) -> None:
    before, behind = around
    answer = answer_text(view, f"来{before}{name}{behind}做试管婴儿" if before else f"来{name}{behind}，做试管婴儿")
    (mention,) = answer.mentions
    assert (mention.verdict, mention.code, answer.verdict, answer.match) == ("ambiguous", None, "ambiguous", None)
    assert [candidate.name for candidate in mention.candidates] == [name]
    assert answer.candidates == mention.candidates


def test_a_name_that_people_use_is_a_candidate_and_a_short_one_nobody(view: VerificationView) -> None:
    answer = answer_text(view, "示例老医院做三代试管")
    assert (answer.verdict, answer.match) == ("ambiguous", None)
    assert [candidate.name for candidate in answer.mentions[0].candidates] == ["示例部队第九〇〇医院"]
    assert "通称" in answer.explanation
    assert answer_text(view, "老院做三代试管").mentions == []


@given(st.text(max_size=80), OFFERS)
def test_a_text_that_names_nobody_is_unknown_and_no_accusation(view: VerificationView, text: str, offer: str) -> None:
    answer = answer_text(view, f"{text}x{offer}")
    assert (answer.verdict, answer.mentions, answer.match, answer.candidates) == ("unknown", [], None, [])
    assert {one.verdict for one in answer.techniques} <= {"unknown"}
    assert "没有认出" in answer.explanation
    assert "12345" not in answer.explanation


@pytest.mark.parametrize(
    "text",
    [
        "鞍山市，示例医院",
        "鞍山市示例、医院",
        "1示例部队第九",
        "1900医院",
        "示例部队第九〇〇一医院",
        "示例部队第一九〇〇医院",
    ],
)
def test_marks_and_numbers_are_no_part_of_a_name(view: VerificationView, text: str) -> None:
    assert answer_text(view, text).mentions == []


# --- beside a provider, an address, the log ---------------------------------------------------------------------------


@given(st.sampled_from(NAMES), st.sampled_from(NAMES), OFFERS)
def test_beside_a_provider_others_are_listed_and_change_nothing(
    view: VerificationView, name: str, other: str, offer: str
) -> None:
    provider = Provider(name=name)
    answer = answer_text(view, f"{other}，{offer}", provider=provider)
    codes = [technique.technique for technique in answer.techniques if technique.from_text]
    asked = ask(view, name, *codes, on=AFTER)
    assert (answer.verdict, answer.explanation, answer.match) == (asked.verdict, asked.explanation, asked.match)
    met = ask(view, other, on=AFTER).match
    is_own = name == other or (met is not None and asked.match is not None and met.code == asked.match.code)
    assert bool(answer.mentions) is not is_own


def test_an_address_beside_a_text_says_which_site_is_meant(view: VerificationView) -> None:
    text = "鞍山市示例两址医院做试管婴儿"
    assert answer_text(view, text).verdict == "ambiguous"
    assert answer_text(view, text, provider=Provider(address="辽宁省鞍山市铁西区示例街6号")).verdict == "licensed"


def test_a_person_belongs_to_the_one_that_the_text_names(view: VerificationView) -> None:
    both = answer_text(view, "鞍山市示例医院、鞍山市示例妇幼保健院", practitioner=Person(name="示例员"))
    assert both.practitioner is not None
    assert both.practitioner.verdict == "unknown"


def test_names_follow_the_log_and_the_time_of_knowing(tmp_path: Path) -> None:
    database = a_database(tmp_path)
    first = an_institution("鞍山市示例旧名医院", known_as=["示例俗名医院"])
    enter(database, a_source(), first)
    view = a_view(database)
    size = view.size
    assert len(answer_text(view, "鞍山市示例旧名医院、示例俗名医院").mentions) == 2
    enter(database, a_change(first, AFTER, {"name": "鞍山市示例新名医院", "known_as": ["示例别称医院"]}, "list-1"))
    view.follow_log(database)
    later = AFTER + dt.timedelta(days=1)
    found = answer_claim(
        view, Claim(text="鞍山市示例旧名医院、鞍山市示例新名医院、示例俗名医院、示例别称医院", on=later)
    ).mentions
    assert [(one.text, one.verdict) for one in found] == [
        ("鞍山市示例旧名医院", "licensed"),
        ("鞍山市示例新名医院", "licensed"),
        ("示例别称医院", "ambiguous"),
    ]
    before = find_names(view, "鞍山市示例新名医院", AsOf(valid_on=later, size=size))
    assert before == []
    database.close()


# --- the question -----------------------------------------------------------------------------------------------------


@given(st.sampled_from([None, "", " ", "。。", "　"]), st.sampled_from([None, "", "鞍山市铁西区示例路1号"]))
def test_neither_a_provider_nor_a_text_is_no_question(text: str | None, address: str | None) -> None:
    with pytest.raises(InvalidInput):
        check_claim(Claim(text=text, provider=Provider(address=address)))
    check_claim(Claim(text="试管", provider=Provider(address=address)))


@given(st.text("鞍山示例医院第九〇一二百十贰ＡaoO0 \u200b醫２", max_size=30))
def test_folding_with_places_is_folding(text: str) -> None:
    folded = fold_with_places(text)
    assert len(folded.text) == len(folded.starts) == len(folded.ends)
    assert all(start < end for start, end in zip(folded.starts, folded.ends, strict=True))
    assert folded.starts == sorted(folded.starts)
    assert folded.text == fold_text(text)


@pytest.mark.parametrize(
    "piece", ["鞍山市", "鞍山市示例医院", "鞍", "示例部队第九", "1", "，", "第", "鞍山市示例医院、", "（"]
)
def test_hostile_texts_take_time_as_they_are_long(view: VerificationView, piece: str) -> None:
    def measure_seconds(length: int) -> float:
        text, taken = (piece * length)[:length], []
        for _ in range(3):
            started = time.process_time()
            find_names(view, text, AsOf(valid_on=AFTER, size=view.size))
            taken.append(time.process_time() - started)
        return min(taken)

    measure_seconds(1000)
    assert measure_seconds(50_000) < 20 * measure_seconds(10_000) + 1
