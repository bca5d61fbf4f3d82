"""What a page leads with: the gravest finding first, how old the list is, and words that fit their reason."""

from __future__ import annotations

import datetime as dt
import re
from itertools import pairwise, product

import msgspec
import pytest

from public_site.check_pages import CheckPage
from public_site.findings import get_verdict_key, make_panels
from registry.domain import answers
from registry.web.i18n import Lang, Language
from registry.web.labels import describe_list_age, is_old_list
from tests.pages import checks, gallery
from tests.pages.records import LATER, LIST, TODAY

PAGES = gallery.make_pages()
ANSWERED = {name: page for name, page in PAGES.items() if isinstance(page, CheckPage) and page.answer}


def shown(name: str, lang: Lang = "zh-CN") -> str:
    """The words of a page, from its heading to its footer, each line once."""
    html = gallery.render_page(PAGES[name], lang)
    main = html.split("<main", 1)[1].split("</main>")[0]
    return re.sub(r"\s*\n\s*", "\n", re.sub("<[^>]*>", "", main))


def panels_of(html: str) -> list[tuple[str, str]]:
    """(subject, tone) of the panels in the order of a page."""
    return [(subject, tone) for tone, subject in re.findall(r'panel verdict-(\w+)" data-subject="(\w+)"', html)]


@pytest.mark.parametrize("name", ANSWERED)
def test_licence_certificate_and_wording_have_a_panel_each_and_the_gravest_is_first(name: str) -> None:
    page = ANSWERED[name]
    shown_panels = panels_of(gallery.render_page(page))
    assert {subject for subject, _ in shown_panels} >= {"licence", "certificate", "wording"}
    assert [one.subject for one in page.panels] == [subject for subject, _ in shown_panels]
    assert all(one.gravity <= other.gravity for one, other in pairwise(page.panels))


def test_what_was_not_asked_says_so(name: str = "check-old") -> None:
    assert panels_of(gallery.render_page(PAGES[name])) == [
        ("licence", "approved"),
        ("certificate", "unasked"),
        ("wording", "unasked"),
    ]
    assert shown(name).count("没有问到") == 2 and shown(name, "en").count("Not asked") == 2


UNLAWFUL = ("check-unlawful", "check-expired", "check-restricted", "check-refused-offer", "check-text-alone")


@pytest.mark.parametrize("name", UNLAWFUL)
def test_an_unlawful_advertisement_never_opens_with_a_green_tick(name: str) -> None:
    html = gallery.render_page(PAGES[name])
    assert html.index('class="headline') < html.index('class="panels"')
    assert panels_of(html)[0][1] in ("stopped", "limited")
    lead = html.split("<h1>", 1)[1].split('class="panels"')[0]
    assert "icon-tick" not in lead


@pytest.mark.parametrize(
    ("name", "words", "english"),
    [
        (
            "check-unlawful",
            "广告内容：有被禁止的事项（代孕、选择胎儿性别、",
            "Wording: Mentions what is",
        ),
        ("check-expired", "广告审查证明：已过期", "Advertising certificate: Expired"),
        ("check-restricted", "广告内容：有广告不得出现的内容", "Wording: Contains what an advertisement may not"),
        ("check-lured", "广告内容：有需要查看的用语（招揽用语）", "Wording: Has words that need a look (enticements)"),
    ],
)
def test_one_line_above_the_panels_says_the_gravest_finding(name: str, words: str, english: str) -> None:
    for lang, expected in (("zh-CN", words), ("en", english)):
        html = gallery.render_page(PAGES[name], lang)  # type: ignore[arg-type]
        (headline,) = re.findall(r'<p class="headline.*?</p>', html, re.DOTALL)
        assert expected in re.sub("<[^>]*>", "", headline)


SAME_NAME, GOOD, DISTANT = (
    answers.Candidate(code="44V5-CBJN", name=name, address="示例路1号", score=score)
    for name, score in (("示例医院", 100), ("示例大学附属医院", 99), ("示例中心", 67))
)


def a_page_about(verdict: answers.VerdictWord, match: str | None, *candidates: answers.Candidate) -> CheckPage:
    matched = match and answers.Match(
        code="44V5-CBJN", name=match, address="示例路2号", on="name", exact=True, rule="identical"
    )
    answer = a_licensed_answer(verdict=verdict, match=matched or None, candidates=list(candidates))
    return msgspec.structs.replace(ANSWERED["check-not-found"], answer=answer)


def test_candidates_are_called_of_the_same_name_only_where_all_have_it() -> None:
    assert a_page_about("ambiguous", "示例医院", SAME_NAME, SAME_NAME).has_same_names
    assert not a_page_about("not_found", "示例医院", SAME_NAME, GOOD).has_same_names
    assert not a_page_about("not_found", None, GOOD).has_same_names


def test_whoever_has_a_good_candidate_is_not_told_where_to_report() -> None:
    assert not a_page_about("not_found", "示例医院", GOOD).may_be_reported
    assert a_page_about("not_found", None, DISTANT).may_be_reported
    assert a_page_about("site_mismatch", "示例医院", GOOD).may_be_reported
    assert not a_page_about("licensed", "示例医院").may_be_reported


@pytest.mark.parametrize("word", ["expired", "other_institution", "malformed", "not_yet_valid", "unknown"])
def test_a_certificate_that_is_not_valid_comes_before_an_approval(word: answers.CertificateWord) -> None:
    answer = a_licensed_answer(ad_certificate=checks.make_certificate_answer(word))
    assert [one.subject for one in make_panels(answer, has_text=False)] == ["certificate", "licence", "wording"]


@pytest.mark.parametrize(
    "verdict", ["not_found", "suspended", "revoked", "lapsed", "preparing", "technique_not_licensed", "site_mismatch"]
)
def test_who_is_not_licensed_comes_before_a_valid_certificate(verdict: answers.VerdictWord) -> None:
    answer = a_licensed_answer(verdict=verdict, ad_certificate=checks.make_certificate_answer("valid"))
    first = make_panels(answer, has_text=True)[0]
    assert first.subject == "licence" and first.tone != "approved"


def a_licensed_answer(**values: object) -> answers.Answer:
    """An answer about a licensed institution, with other values."""
    licensed = ANSWERED["check-old"].answer
    assert licensed is not None
    return msgspec.structs.replace(licensed, **values)


def test_a_text_without_a_finding_approves_of_nothing() -> None:
    assert ("wording", "plain") in panels_of(gallery.render_page(PAGES["check-clear"]))
    assert "这不代表广告合法" in shown("check-clear")


def test_without_a_technique_each_is_told_and_part_approved_says_which() -> None:
    html = gallery.render_page(PAGES["check-partly"])
    assert panels_of(html)[0] == ("licence", "limited")
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", html, re.DOTALL)
    assert [re.findall(r"已获批准|已暂停", row)[0] for row in rows] == ["已获批准", "已获批准", "已暂停"]
    text = shown("check-partly")
    assert "部分获批" in text and "不得开展三代试管" in text
    assert "Partly approved" in shown("check-partly", "en")


def test_the_institutions_of_a_text_are_shown_with_name_place_and_state() -> None:
    text = shown("check-text-alone")
    section = text.split("文中提到的机构")[1].split("逐项答复")[0]
    for words in (
        "示例市示例生殖医院（示例市妇幼保健院）",
        "示例省示例市示例区",
        "示例路1号",
        "已暂停",
        "无法唯一确定",
    ):
        assert words in section, words


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_the_word_for_not_knowing_fits_its_reason(lang: Lang) -> None:
    cannot, unrecorded = ("无法回答", "该日期无记录") if lang == "zh-CN" else ("Cannot tell", "No record for that day")
    for name in ("check-text-nobody", "check-too-old"):
        assert cannot in shown(name, lang) and unrecorded not in shown(name, lang), name
    assert unrecorded in shown("check-unrecorded", lang)
    answer = ANSWERED["check-unrecorded"].answer
    assert answer is not None
    assert get_verdict_key(answer) == "verdict.no_record.word"
    assert get_verdict_key(answer, has_text=True) == "verdict.unknown.word"


def test_evidence_that_is_too_old_says_what_was_last_recorded() -> None:
    assert "最近的记载：正式运行（截至2025年6月30日）" in shown("check-too-old")


def test_a_domain_above_is_told_and_is_no_answer() -> None:
    text = shown("check-web-below")
    assert "hospital.example" in text and "下级网址可能由他人使用" in text and "已获批准" not in text.split("理由")[0]
    assert "请逐字核对网址" in shown("check-web")


# --- how old the list is ---------------------------------------------------------------------------------------------


def aged(as_of: str, today: str | None, on: str | None = None, lang: Lang = "zh-CN") -> str:
    days = [dt.date.fromisoformat(day) if day else None for day in (as_of, today, on)]
    assert days[0] is not None
    return re.sub("<[^>]*>", "", describe_list_age(Language(lang), days[0], days[1], days[2]))


def test_the_age_of_a_list_is_said_in_months() -> None:
    assert aged("2025-06-30", "2026-11-30") == "名录截至2025年6月30日，距今17个月。"
    assert aged("2025-06-30", "2026-11-29") == "名录截至2025年6月30日，距今16个月。"
    assert aged("2025-06-30", "2025-07-29") == "名录截至2025年6月30日，距今不到1个月。"
    assert aged("2025-06-30", "2026-11-30", "2026-11-30") == "名录截至2025年6月30日，距今17个月。"
    assert aged("2025-06-30", "2026-11-30", "2025-12-30") == "依据截至2025年6月30日的名录，距所问之日6个月。"
    assert aged("2025-06-30", "2026-11-30", "2025-01-01") == aged("2025-06-30", None) == "依据截至2025年6月30日的名录"
    assert aged("2025-06-30", "2025-08-01", lang="en") == "List as of 30 June 2025, 1 month old."


def test_a_list_is_old_after_twelve_months() -> None:
    day = LIST.as_of
    assert not is_old_list(day, None)
    assert not is_old_list(day, day + dt.timedelta(days=365))
    assert is_old_list(day, day + dt.timedelta(days=366))
    assert not is_old_list(day, LATER, TODAY)


@pytest.mark.parametrize(
    ("name", "lang"),
    list(product(("home", "search", "landing", "check-old", "check-list", "edition"), ("zh-CN", "en"))),
)
def test_wherever_an_answer_stands_an_old_list_is_said_with_what_to_do(name: str, lang: Lang) -> None:
    text = shown(name, lang)
    for words in (
        ("距今17个月", "请向当地卫生健康主管部门核实") if lang == "zh-CN" else ("17 months old", "health authority")
    ):
        assert words in text


@pytest.mark.parametrize("name", ["institution", "editions"])
def test_a_younger_list_only_says_how_old_it_is(name: str) -> None:
    html = gallery.render_page(PAGES[name])
    assert "距今4个月" in html and "list-age-old" not in html


def test_an_edition_names_the_day_of_the_list_it_rests_on() -> None:
    assert "所据名单截至2025年6月30日的名单" in shown("edition").replace("\n", "")
    assert "the list as of 30 June 2025" in shown("edition", "en")
    assert "依据截至2025年6月30日的名单" in shown("editions")


def test_what_is_said_to_be_above_is_above() -> None:
    text = shown("landing")
    assert text.index("示例省示例市示例区示例路1号") < text.index("许可只对上面这个地址有效")
    assert shown("landing", "en").index("示例路1号") < shown("landing", "en").index("only for the address above")
