"""What an answer says beside the licence: the person, the certificate, the wording. None changes the verdict."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.domain.answers import Answer, CertificateAnswer, PersonAnswer
from registry.domain.identifiers import format_code
from registry.domain.model import Draft
from registry.errors import InvalidInput
from registry.storage.database import Database
from tests.factories import (
    DAY,
    a_certificate,
    a_change,
    a_database,
    a_person,
    a_source,
    a_view,
    an_erasure,
    an_institution,
    ask,
    ask_about,
    code_of,
    enter,
)
from tests.times import the_clock_at

NAME, OTHER = "鞍山市示例医院", "鞍山市另一示例妇产医院"
HOSPITAL = an_institution(IVF="formal", AIH="suspended")
ELSEWHERE = an_institution(OTHER, "辽宁省鞍山市铁东区示例街2号")
AFTER = DAY + dt.timedelta(days=90)
NUMBER = "(示)医广[2025]第07-15-001号"
Asker = Callable[..., Answer]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = a_database(tmp_path)
    yield database
    database.close()


@pytest.fixture
def holding(database: Database) -> Callable[..., Asker]:
    """Enter both institutions and drafts; what then asks of the first."""

    def hold(*drafts: Draft) -> Asker:
        asker = ask_about(database, a_source(), HOSPITAL, ELSEWHERE, *drafts, on=AFTER)
        return lambda *techniques, name=NAME, **told: asker(name, *techniques, **told)

    return hold


def person(answer: Answer) -> PersonAnswer:
    assert answer.practitioner is not None
    assert answer.practitioner.explanation
    return answer.practitioner


def certificate(answer: Answer) -> CertificateAnswer:
    assert answer.ad_certificate is not None
    assert answer.ad_certificate.explanation
    return answer.ad_certificate


# --- people ----------------------------------------------------------------------------------------------------------


def test_a_person_is_authorised_there_for_what_is_recorded_and_licensed(holding: Callable[..., Asker]) -> None:
    asker = holding(a_person(HOSPITAL, "示例员甲", techniques=["IVF", "AIH"]), a_person(ELSEWHERE, "示例员乙"))
    said = person(asker("IVF", person="示例员甲"))
    assert (said.verdict, said.role, said.exact, said.entry) == ("authorised", "临床医师", True, 4)
    assert "试管婴儿" in said.explanation
    assert person(asker("ICSI", person="示例员甲")).verdict == "not_for_technique"
    assert person(asker("AIH", person="示例员甲")).verdict == "institution_not_licensed"
    assert person(asker(person="示例员甲")).verdict == "authorised"
    both = person(asker("IVF", "ICSI", person="示例员甲"))
    assert both.verdict == "not_for_technique"
    assert [(one.technique, one.verdict) for one in both.techniques] == [
        ("IVF", "authorised"),
        ("ICSI", "not_for_technique"),
    ]


def test_who_is_authorised_elsewhere_is_not_here_and_where_is_not_said(holding: Callable[..., Asker]) -> None:
    asker = holding(a_person(HOSPITAL, "示例员甲"), a_person(ELSEWHERE, "示例员乙"))
    said = msgspec.json.encode(person(asker("IVF", person="示例员乙"))).decode()
    nobody = msgspec.json.encode(person(asker("IVF", person="示例员丙"))).decode()
    assert said == nobody
    assert '"not_authorised"' in said
    assert not any(word in said for word in ("示例员", OTHER, format_code(code_of(ELSEWHERE))))


def test_without_any_authorisation_of_the_institution_nothing_is_known(holding: Callable[..., Asker]) -> None:
    said = person(holding(a_person(ELSEWHERE))("IVF", person="示例员甲"))
    assert said.verdict == "unknown"
    assert "不代表此人未获授权" in said.explanation


@pytest.mark.parametrize("told", [{"name": "鞍山市没有的医院"}, {"address": "辽宁省鞍山市立山区别的路9号"}])
def test_no_person_is_looked_up_where_no_institution_is_matched(
    holding: Callable[..., Asker], told: dict[str, str]
) -> None:
    said = person(holding(a_person(HOSPITAL))("IVF", person="示例员甲", **told))
    assert (said.verdict, said.techniques, said.role, said.entry) == ("unknown", [], None, None)


def test_an_authorisation_that_ended_or_has_not_begun_reads_like_none(holding: Callable[..., Asker]) -> None:
    ended = a_person(HOSPITAL, "示例员甲", valid_from="2020-01-01", valid_to="2025-08-31")
    begins = a_person(HOSPITAL, "示例员乙", valid_from="2025-08-31")
    asker = holding(ended, begins)
    last, following = dt.date(2025, 8, 31), dt.date(2025, 9, 1)
    assert person(asker("IVF", person="示例员甲", on=last)).verdict == "authorised"
    assert person(asker("IVF", person="示例员乙", on=last)).verdict == "authorised"
    assert person(asker("IVF", person="示例员乙", on=dt.date(2025, 8, 30))).verdict == "not_authorised"
    gone = person(asker("IVF", person="示例员甲", on=following))
    assert gone == person(asker("IVF", person="示例员丙", on=following))


def test_who_moved_counts_where_the_day_says(database: Database) -> None:
    moved = a_person(HOSPITAL, "示例员甲")
    stays = [a_person(HOSPITAL, "示例员乙"), a_person(ELSEWHERE, "示例员丙")]
    enter(database, a_source(), HOSPITAL, ELSEWHERE, moved, *stays)
    enter(database, a_change(moved, dt.date(2025, 9, 1), {"institution": ELSEWHERE.subject}))
    view = a_view(database)
    for day, here, there in (
        ("2025-08-31", "authorised", "not_authorised"),
        ("2025-09-01", "not_authorised", "authorised"),
    ):
        on = dt.date.fromisoformat(day)
        assert person(ask(view, NAME, "IVF", person="示例员甲", on=on)).verdict == here
        assert person(ask(view, OTHER, "IVF", person="示例员甲", on=on)).verdict == there


def test_what_was_known_then_decides_of_a_person_too(database: Database) -> None:
    with the_clock_at("2025-07-01T00:00:00Z"):
        enter(database, a_source(), HOSPITAL, ELSEWHERE, a_person(HOSPITAL, "示例员乙"))
    with the_clock_at("2025-09-01T00:00:00Z"):
        enter(database, a_person(HOSPITAL, "示例员甲"))
    view = a_view(database)
    before = dt.datetime(2025, 8, 1, tzinfo=dt.UTC)
    assert person(ask(view, NAME, "IVF", person="示例员甲", on=AFTER, known_at=before)).verdict == "not_authorised"
    assert person(ask(view, NAME, "IVF", person="示例员甲", on=AFTER)).verdict == "authorised"


def test_two_of_one_name_who_differ_are_ambiguous(holding: Callable[..., Asker]) -> None:
    twin = msgspec.structs.replace(a_person(HOSPITAL, "示例员甲", techniques=["ICSI"]), subject="practitioner:00000000")
    code = a_person(HOSPITAL, "别的名").subject
    asker = holding(a_person(HOSPITAL, "示例员甲"), msgspec.structs.replace(twin, subject=code))
    said = person(asker("IVF", person="示例员甲"))
    assert (said.verdict, said.role, said.entry) == ("ambiguous", None, None)
    assert person(asker(person="示例员甲")).verdict == "authorised"


@pytest.mark.parametrize(
    ("asked", "exact"), [("示例员甲", True), (" 示 例 员 甲 ", True), ("示例·员甲", True), ("示例員甲", False)]
)
def test_a_name_is_the_same_in_another_width_spacing_or_script(
    holding: Callable[..., Asker], asked: str, exact: bool
) -> None:
    said = person(holding(a_person(HOSPITAL))("IVF", person=asked))
    assert (said.verdict, said.exact) == ("authorised", exact)


@pytest.mark.parametrize("asked", ["示例员", "例员甲", "示例员甲乙", "示例员申"])
def test_a_part_of_a_name_or_a_similar_one_is_nobody(holding: Callable[..., Asker], asked: str) -> None:
    assert person(holding(a_person(HOSPITAL))("IVF", person=asked)).verdict == "not_authorised"


@pytest.mark.parametrize("asked", ["", "  ", "···"])
def test_an_empty_name_is_refused(holding: Callable[..., Asker], asked: str) -> None:
    with pytest.raises(InvalidInput, match=r"practitioner\.name"):
        holding(a_person(HOSPITAL))("IVF", person=asked)


def test_an_erased_name_is_forgotten_by_the_view_that_follows_and_never_matched_again(database: Database) -> None:
    gone = a_person(HOSPITAL, "示例员甲")
    enter(database, a_source(), HOSPITAL, ELSEWHERE, gone, a_person(ELSEWHERE, "示例员乙"))
    view = a_view(database)
    before = dt.datetime.now(dt.UTC)
    assert person(ask(view, NAME, "IVF", person="示例员甲", on=AFTER)).verdict == "authorised"
    enter(database, an_erasure(gone))
    view.follow_log(database)
    for asked, told in (("示例员甲", {}), ("示例员甲", {"known_at": before}), ("示例员丁", {})):
        said = person(ask(view, NAME, "IVF", person=asked, on=AFTER, **told))
        assert (said.verdict, said.entry) == ("unknown", None)
        assert "不代表此人未获授权" in said.explanation
    held = msgspec.json.encode([span for spans in view.people._spans.values() for span in spans]).decode()
    assert "示例员甲" not in held
    assert "示例员乙" in held
    assert person(ask(view, OTHER, "IVF", person="示例员乙", on=AFTER)).verdict == "authorised"


def test_a_view_that_followed_knows_what_one_made_anew_knows(database: Database) -> None:
    one = a_person(HOSPITAL, "示例员甲")
    enter(database, a_source(), HOSPITAL, ELSEWHERE, one, a_certificate(HOSPITAL))
    view = a_view(database)
    enter(database, a_person(ELSEWHERE, "示例员乙"), a_change(one, AFTER, {"techniques": ["ICSI"]}))
    enter(database, an_erasure(one))
    view.follow_log(database)
    assert view.people._spans == a_view(database).people._spans


# --- certificates ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "verdict"),
    [
        ("2025-07-14", "not_yet_valid"),
        ("2025-07-15", "valid"),
        ("2026-07-14", "valid"),
        ("2026-07-15", "expired"),
    ],
)
def test_a_registered_certificate_is_judged_by_the_claims_day(
    holding: Callable[..., Asker], day: str, verdict: str
) -> None:
    said = certificate(holding(a_certificate(HOSPITAL))(ad_certificate=NUMBER, on=dt.date.fromisoformat(day)))
    assert (said.verdict, said.registered, said.computed, said.entry) == (verdict, True, [], 4)
    assert (said.valid_from, said.valid_to) == (dt.date(2025, 7, 15), dt.date(2026, 7, 14))
    assert said.institution is not None
    assert (said.institution.code, said.institution.name) == (format_code(code_of(HOSPITAL)), NAME)


@pytest.mark.parametrize("written", ["（示）医广【2025】第0715001号", "示醫廣〔2025〕第07-15-001號", "文号：" + NUMBER])
def test_a_certificate_is_found_however_its_number_is_printed(holding: Callable[..., Asker], written: str) -> None:
    assert certificate(holding(a_certificate(HOSPITAL))(ad_certificate=written)).verdict == "valid"


def test_somebody_elses_certificate_is_named_as_such(holding: Callable[..., Asker]) -> None:
    asker = holding(a_certificate(ELSEWHERE))
    said = certificate(asker(ad_certificate=NUMBER))
    assert (said.verdict, said.registered) == ("other_institution", True)
    assert OTHER in said.explanation
    assert certificate(asker(ad_certificate=NUMBER, name="大连市没有的医院")).verdict == "other_institution"
    unclear = certificate(asker(ad_certificate=NUMBER, name=OTHER, address="辽宁省鞍山市立山区别的路9号"))
    assert unclear.verdict == "unknown"


def test_what_is_not_registered_of_a_period_is_computed_and_said_so(holding: Callable[..., Asker]) -> None:
    asker = holding(
        a_certificate(HOSPITAL, valid_to=None),
        a_certificate(HOSPITAL, "(示)医广[2025]第08-01-002号", valid_from=None, valid_to=None),
        a_certificate(HOSPITAL, "旧式文号7", valid_from=None, valid_to=None),
    )
    one = certificate(asker(ad_certificate=NUMBER))
    assert (one.verdict, one.computed, one.valid_to) == ("valid", ["valid_to"], dt.date(2026, 7, 14))
    two = certificate(asker(ad_certificate="(示)医广[2025]第08-01-002号"))
    assert (two.verdict, two.computed, two.valid_from) == ("valid", ["valid_from", "valid_to"], dt.date(2025, 8, 1))
    old = certificate(asker(ad_certificate="旧式文号7"))
    assert (old.verdict, old.registered, old.valid_from, old.valid_to) == ("unknown", True, None, None)


@pytest.mark.parametrize(
    ("number", "day", "verdict", "to"),
    [
        ("(京)中医广2007第01-30-10号", "2008-01-29", "unknown", "2008-01-29"),
        ("(京)中医广2007第01-30-10号", "2008-01-30", "expired", "2008-01-29"),
        ("(X)医广[2023]第0715001号", "2024-07-14", "unknown", "2024-07-14"),
        ("(X)医广[2023]第0715001号", "2023-07-14", "not_yet_valid", "2024-07-14"),
        ("鲁医广【2013】第0902-001-3711号", "2025-01-01", "expired", "2014-09-01"),
    ],
)
def test_a_number_nobody_registered_says_its_period_and_is_never_valid(
    holding: Callable[..., Asker], number: str, day: str, verdict: str, to: str
) -> None:
    said = certificate(holding()(ad_certificate=number, on=dt.date.fromisoformat(day)))
    assert (said.verdict, said.registered, said.institution) == (verdict, False, None)
    assert (said.valid_to, said.computed) == (dt.date.fromisoformat(to), ["valid_from", "valid_to"])
    assert "没有登记" in said.explanation


@pytest.mark.parametrize(
    "number",
    [
        "12345",
        "辽医广",
        "(辽)医广[2023]第13-45-001号",
        "(辽)医广[1999]第07-15-001号",
        "辽医广2023",
        "x" * 100,
        "医广[2023]第0715001号",
    ],
)
def test_what_is_no_number_of_a_certificate_is_malformed(holding: Callable[..., Asker], number: str) -> None:
    said = certificate(holding()(ad_certificate=number))
    assert (said.verdict, said.registered, said.valid_to, said.computed) == ("malformed", False, None, [])


def test_an_empty_number_is_refused(holding: Callable[..., Asker]) -> None:
    with pytest.raises(InvalidInput, match="ad_certificate"):
        holding()(ad_certificate=" ")


@given(st.text(max_size=100))
def test_any_number_is_read_or_malformed(any_view: Callable[[str], CertificateAnswer], text: str) -> None:
    if text.strip():
        assert any_view(text).verdict in ("malformed", "unknown", "expired", "not_yet_valid")


@pytest.fixture(scope="module")
def any_view(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], CertificateAnswer]]:
    database = a_database(tmp_path_factory.mktemp("any"))
    enter(database, a_source(), HOSPITAL)
    view = a_view(database)
    yield lambda text: certificate(ask(view, NAME, ad_certificate=text))
    database.close()


# --- wording ---------------------------------------------------------------------------------------------------------


def test_techniques_a_text_offers_are_claimed_too_and_marked(holding: Callable[..., Asker]) -> None:
    answer = holding()("IVF", text="我院开展试管婴儿与三代试管，包成功")
    assert [(t.technique, t.verdict, t.from_text) for t in answer.techniques] == [
        ("IVF", "licensed", False),
        ("PGT", "technique_not_licensed", True),
    ]
    assert answer.verdict == "technique_not_licensed"
    assert [(f.kind, f.text, f.start, f.end, f.technique) for f in answer.content_flags] == [
        ("technique", "试管婴儿", 4, 8, "IVF"),
        ("technique", "三代试管", 9, 13, "PGT"),
        ("guarantee", "包成功", 14, 17, None),
    ]


def test_a_technique_a_text_denies_is_not_claimed(holding: Callable[..., Asker]) -> None:
    answer = holding()(text="本院不开展三代试管；打击代孕。")
    assert (answer.verdict, answer.content_flags) == ("partly_licensed", [])
    assert not any(technique.from_text for technique in answer.techniques)
    assert [(f.kind, f.text) for f in answer.content_against] == [("technique", "三代试管"), ("surrogacy", "代孕")]


def test_neither_person_nor_certificate_nor_wording_changes_the_verdict(holding: Callable[..., Asker]) -> None:
    asker = holding(a_person(HOSPITAL), a_certificate(ELSEWHERE))
    for techniques in ((), ("IVF",), ("AIH",), ("PGT",), ("IVF", "AIH")):
        plain = asker(*techniques)
        for told in (
            {"person": "没有的人"},
            {"ad_certificate": "12345"},
            {"ad_certificate": NUMBER},
            {"text": "包成功代孕套餐，不需要结婚证，三甲专家亲诊"},
        ):
            answer = asker(*techniques, **told)
            licence = ("verdict", "explanation", "techniques", "match", "candidates", "basis")
            assert all(getattr(answer, field) == getattr(plain, field) for field in licence), told


def test_what_was_not_asked_is_null_and_an_empty_text_has_no_flags(holding: Callable[..., Asker]) -> None:
    plain = holding()("IVF")
    assert (plain.practitioner, plain.ad_certificate, plain.content_flags) == (None, None, [])


def test_sentences_are_said_in_english_too(holding: Callable[..., Asker], database: Database) -> None:
    from registry.domain.answers import Claim, Person, Provider
    from registry.verification.answer import answer_claim

    holding(a_person(HOSPITAL), a_certificate(HOSPITAL))
    claim = Claim(provider=Provider(name=NAME), on=AFTER, practitioner=Person(name="示例员甲"), ad_certificate=NUMBER)
    said = answer_claim(a_view(database), claim, "en")
    assert person(said).explanation.startswith("A person of this name is recorded as authorised")
    assert certificate(said).explanation.startswith("This certificate is registered for this institution")
