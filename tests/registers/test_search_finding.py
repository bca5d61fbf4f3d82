"""What a search says first: found, several, nobody of that name, or not understood; in one line on every door."""

from __future__ import annotations

import re
from typing import Any

import pytest

from public_site.search_pages import SearchPage, make_hit
from registry.institutions.findings import classify_finding, describe_finding
from registry.institutions.result import InstitutionHit, SearchResult
from registry.search.readings import MatchKind
from registry.web.i18n import Language
from tests.pages import gallery
from tests.pages.records import FUYING, FUYOU
from tests.pages.searches import READ, find

PAGES = {name: page for name, page in gallery.make_pages().items() if isinstance(page, SearchPage)}
LAW = "未在名录中的机构不得开展人类辅助生殖技术"
#: Sentences that somebody is not on the list.
ABSENT = ("名录中没有", "名录中未找到", "没有这家机构", LAW)


def by(match: MatchKind, **more: Any) -> InstitutionHit:
    return InstitutionHit(institution=FUYING, match=match, **more)


def read_main(name: str, lang: str = "zh-CN") -> str:
    html = gallery.render_page(PAGES[name], lang)  # type: ignore[arg-type]
    return " ".join(re.sub("<[^>]*>", " ", html.split("<main", 1)[1].split("</main>")[0]).split())


def say(result: SearchResult, question: str = "示例") -> list[str]:
    finding = describe_finding(result, question)
    return [line.to_text() for line in (finding.headline, *finding.notes, finding.items_note) if line is not None]


@pytest.mark.parametrize(
    ("result", "question", "kind"),
    [
        (find(by("name")), "妇婴", "one"),
        (find(by("code")), "7K2M-9QX4", "one"),
        (find(by("pinyin"), by("address")), "fuying", "several"),
        (find(by("name"), total=300, at_least=True), "妇婴", "several"),
        (find(by("technique")), "三代试管", "listing"),
        (find(by("filter")), "", "listing"),
        (find(by("address")), "大南街87号", "listing"),
        (find(by("name"), in_text=True), "广告：沈阳市妇婴医院", "in_text"),
        (find(state="near"), "示例", "near"),
        (find(by("typo"), state="near"), "示例", "near"),
        (find(), "示例", "near"),
        (find(understood=READ), "鞍山军队医院三代试管", "nothing"),
        (find(), "", "nothing"),
        (find(state="not_understood"), "林教授", "not_understood"),
        (find(by("similar"), state="not_understood"), "林教授", "not_understood"),
        (find(state="not_understood"), "？！", "unreadable"),
    ],
)
def test_a_result_is_of_one_kind(result: SearchResult, question: str, kind: str) -> None:
    assert classify_finding(result, question) == kind


def test_near_names_what_was_read_as_a_name_and_calls_the_items_others() -> None:
    result = find(by("typo"), state="near", name_read="示列医院", not_understood=("林教授",))
    assert say(result, "示列医院 林教授 三代试管") == [
        "名录中没有名为“示列医院”的机构",
        "没有看懂“林教授”，没有用来查询。",
        "下面是名称相近或同在当地的其他机构，不是您问的那一家",
    ]
    assert say(find(state="near")) == ["名录中没有名为“示例”的机构"]


def test_a_place_that_is_another_is_told_with_the_one_on_the_list() -> None:
    where = "您写的是“黑龙江”；名录中的沈阳市妇婴医院在辽宁省沈阳市。"
    assert say(find(by("name"), elsewhere="黑龙江")) == ["找到了您问的机构", where]
    near = find(by("name"), state="near", name_read="黑龙江妇婴医院", elsewhere="黑龙江")
    assert say(near)[:2] == ["名录中没有名为“黑龙江妇婴医院”的机构", where]
    english = describe_finding(near, "黑龙江妇婴医院").notes[0].to_text("en")
    assert english.endswith("is in Shenyang, Liaoning.")
    both = find(by("name"), InstitutionHit(institution=FUYOU, match="name"), elsewhere="黑龙江")
    assert say(both)[1:] == ["您写的是“黑龙江”；下列机构都不在那里。"]


def test_words_that_were_not_understood_are_named_all() -> None:
    assert say(find(state="not_understood", not_understood=("林教授", "专线")))[0] == "没有看懂“林教授、专线”"
    assert say(find(by("similar"), state="not_understood"), "林教授") == ["没有看懂“林教授”", "也许是下列机构之一"]


def test_a_line_repeats_no_more_than_the_beginning_of_a_long_text() -> None:
    for result in (find(state="not_understood"), find(state="near"), find(state="near", name_read="好" * 100)):
        assert len(say(result, "好" * 100)[0]) < 60


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_first_what_was_found_with_an_icon_and_in_both_languages(name: str) -> None:
    page = PAGES[name]
    for lang in ("zh-CN", "en"):
        html = gallery.render_page(page, lang)  # type: ignore[arg-type]
        main = html.split("<main", 1)[1]
        headline = describe_finding(page.result, page.query).headline
        words = Language("en" if lang == "en" else "zh-CN").format_message(headline)
        assert page.unfiltered or words in main
        kind = classify_finding(page.result, page.query)
        assert main.count('class="finding') == 1
        assert ('class="icon' in main.split('class="finding', 1)[1].split("<h2")[0]) == (kind != "listing")


@pytest.mark.parametrize("name", PAGES)
def test_only_a_name_that_was_read_or_a_list_without_anybody_is_told_as_absent(name: str) -> None:
    page, main = PAGES[name], read_main(name)
    kind = classify_finding(page.result, page.query)
    if page.unfiltered or kind not in ("near", "nothing"):
        assert not any(words in main for words in ABSENT)
        assert "12345" not in main
    elif page.result.did_you_mean or page.result.elsewhere:  # whoever has a good candidate is not accused
        assert LAW not in main
        assert "12345" not in main
    elif page.query:
        national = page.site is not None and page.site.source is not None and page.site.source.scope == "national"
        assert (LAW in main, "本站现有资料不完整" in main) == (national, not national)
        assert ("12345" in main) == national


@pytest.mark.parametrize(
    ("name", "tone", "tag"),
    [
        ("search-one", "approved", "已获批准"),
        ("search-one-not-for-this", "limited", "未获批此项技术"),
        ("search-one-elsewhere", "limited", "已获批准"),
        ("search-one-stopped", "stopped", "已撤销"),
    ],
)
def test_one_institution_found_has_the_colour_and_word_of_its_standing(name: str, tone: str, tag: str) -> None:
    banner = gallery.render_page(PAGES[name]).split('class="finding', 1)[1].split("</section>")[0]
    assert f"verdict-{tone}" in banner and f">{tag}</span>" in banner
    assert ("找到了您问的机构" in banner and FUYING.name in banner) or tone == "stopped"


def test_each_institution_of_a_text_has_its_standing_and_the_name_written_there() -> None:
    page, main = PAGES["search-in-text"], read_main("search-in-text")
    assert "文中提到的机构 名称写在文字中，不能证明该机构与此有关。" in main
    cards = main.split("文中写作：")
    assert [card.split()[0] for card in cards[1:]] == [hit.match for hit in page.hits if hit.match]
    assert all(hit.match != hit.institution.name for hit in page.hits)
    standings = ["已获批准", "已暂停", "已撤销", "现不在名录中"]
    assert re.findall("|".join(standings), main) == standings


def test_who_was_not_understood_learns_how_to_ask() -> None:
    html = gallery.render_page(PAGES["search-not-understood"])
    banner = html.split('class="finding', 1)[1].split("</section>")[0]
    assert banner.count('href="/search?q=') == 3


def test_a_name_is_said_to_be_written_in_a_text_only_where_it_stands_there() -> None:
    hits = [by("known_as", by=name) for name in ("示例妇幼", "示例大学第一附属医院")]
    assert [make_hit(hit, "示例妇幼和别的医院哪个好").why for hit in hits] == ["written", "known_as"]
