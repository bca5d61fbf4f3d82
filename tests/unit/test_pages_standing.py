"""What an institution's record amounts to: the sentence a citizen reads first."""

from __future__ import annotations

import datetime as dt
import re
from itertools import product

import pytest

from public_site import api_reference, responses
from registry.domain.model import Institution
from registry.records.history import FieldChange, Version
from registry.web.i18n import Lang, Language
from registry.web.labels import describe_standing, format_source_title
from registry.web.record_changes import describe_changes
from registry.web.standing import choose_tone, make_standing, show_approvals
from tests.pages import records
from tests.pages.gallery import make_pages
from tests.pages.openapi_document import DOCUMENT
from tests.pages.records import make_approval, make_institution


def said(it: Institution, since: dict[str, dt.date] | None = None, then: bool = False) -> list[str]:
    return [re.sub("<.*?>", "", line) for line in describe_standing(Language(), make_standing(it, since), then)]


def test_an_approved_institution_is_said_with_its_techniques_and_stages() -> None:
    it = make_institution("示例医院", make_approval("IVF"))
    assert said(it) == ["该机构在登记地址获准开展试管婴儿（体外受精-胚胎移植），正式运行。"]
    assert make_standing(it).tone == "approved"


def test_techniques_at_different_stages_are_said_apart() -> None:
    assert said(records.FULL) == [
        "该机构在登记地址获准开展夫精人工授精、试管婴儿，正式运行。",
        "另获准开展二代试管（卵胞浆内单精子显微注射），名录未说明是正式运行还是试运行。",
        "另获准开展三代试管（植入前胚胎遗传学检测），试运行。",
    ]


def test_trial_alone_is_an_approval_with_the_limited_tone() -> None:
    standing = make_standing(records.TRIAL)
    assert (standing.state, standing.tone) == ("licensed", "limited")


def test_a_place_with_one_technique_stopped_is_partly_approved() -> None:
    standing = make_standing(records.NARROW)
    assert (standing.state, standing.tone) == ("partly_licensed", "limited")
    assert said(records.NARROW)[1] == "现已暂停，不得开展三代试管（植入前胚胎遗传学检测）。"


def test_being_set_up_never_looks_like_an_approval() -> None:
    standing = make_standing(records.PREPARING)
    assert (standing.state, standing.tone) == ("preparing", "stopped")
    assert said(records.PREPARING) == ["尚在筹建，不得开展诊疗。"]


def test_a_suspended_institution_may_do_nothing_whatever_its_approvals_still_say() -> None:
    day = dt.date(2025, 8, 1)
    it = make_institution("示例医院", make_approval("IVF", since=day), status="suspended")
    assert said(it) == ["自2025年8月1日起暂停，现不得开展试管婴儿（体外受精-胚胎移植）。"]
    # The day since when it had been approved is not the day since when it is suspended.
    begun = make_institution(
        "示例医院", make_approval("IVF", since=day, valid_from=dt.date(2020, 1, 1)), status="suspended"
    )
    assert said(begun) == said(it)
    undated = make_institution("示例医院", make_approval("IVF"), status="suspended")
    assert said(undated) == ["现已暂停，不得开展试管婴儿（体外受精-胚胎移植）。"]
    assert said(records.CLOSED) == ["现已暂停，不得开展任何一项人类辅助生殖技术。"]


def test_the_day_of_a_revocation_is_said_where_it_is_known() -> None:
    it = make_institution("示例医院", make_approval("IVF", "revoked", since=dt.date(2025, 8, 1)))
    assert said(it) == ["自2025年8月1日起撤销，现不得开展试管婴儿（体外受精-胚胎移植）。"]
    assert said(make_institution("示例医院", make_approval("IVF", "revoked"))) == [
        "现已撤销，不得开展试管婴儿（体外受精-胚胎移植）。"
    ]


def test_a_suspension_is_said_from_the_day_it_came_and_not_from_the_day_the_approval_began() -> None:
    days = {"valid_from": dt.date(2019, 3, 1), "since": dt.date(2026, 11, 26)}
    (line,) = said(make_institution("示例医院", make_approval("IVF", "suspended", **days)))
    assert line.startswith("自2026年11月26日起暂停")


def test_a_delisted_institution_is_said_to_be_off_the_list_and_shows_no_technique_as_approved() -> None:
    since = {"status": dt.date(2025, 6, 30)}
    assert said(records.DELISTED, since)[0].startswith("该机构曾在名录中，自2025年6月30日起不再列入。")
    html = responses.render_page(make_pages()["institution-delisted"])
    assert "现不在名录中" in html and "已获批准" not in html and "正式运行" not in html


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_no_sentence_about_another_day_says_now(lang: Lang) -> None:
    days = {"status": dt.date(2025, 8, 1), "approvals.IVF": dt.date(2025, 8, 1)}
    every = [value for value in vars(records).values() if isinstance(value, Institution)]
    assert len(every) > 10
    for it, since in product(every, (None, days)):
        for line in describe_standing(Language(lang), make_standing(it, since), then=True):
            assert not re.search("现|今| now | today ", line), line


def test_an_institution_without_any_approval_is_on_the_list_with_none_in_force() -> None:
    assert said(records.NOTHING) == ["该机构在名录中，但没有现行有效的批准项目。"]


def test_a_failure_never_looks_like_not_licensed() -> None:
    for lang, words in (("zh-CN", ("未获批此项", "未找到")), ("en", ("Not approved for", "Not found on"))):
        html = responses.render_page(make_pages()["error-503"], lang)  # type: ignore[arg-type]
        assert "verdict-unlisted" in html and not any(word in html for word in words)
    assert choose_tone("cannot_answer") == "unlisted"


def test_the_landing_page_says_the_verdict_the_time_and_the_address_in_that_order() -> None:
    html = responses.render_page(make_pages()["landing"])
    places = [html.index(text) for text in ("已获批准", "本页作答时间", "请核对您所在的地址")]
    assert places == sorted(places)
    assert "10:52（北京时间）" in html


def test_near_names_are_said_to_be_near_only_and_the_city_is_always_shown() -> None:
    near = responses.render_page(make_pages()["search-near"])
    assert "名称相近，请核对全称和地址" in near and "不是您问的那一家" in near
    html = responses.render_page(make_pages()["search"])
    assert "辽宁省鞍山市铁西区" in html and "三道街115号" in html


def test_a_secondary_source_is_said_to_be_one() -> None:
    for name in ("institution", "landing", "home"):
        assert "二手转录" in responses.render_page(make_pages()[name])


def test_a_history_is_read_in_the_order_of_a_record() -> None:
    fields = ["approvals.PGT", "address", "approvals.AIH", "extra.床位", "name", "status"]
    made = [FieldChange(field=field, from_=None, to="x") for field in fields]
    version = Version(entry=1, recorded_at=records.AT, valid_from=records.AT.date(), changes=made, source=None)
    labels = [str(one.label) for one in describe_changes(Language(), version)]
    assert labels == [
        "名称",
        "名录状态",
        "地址",
        "夫精人工授精",
        "三代试管（植入前胚胎遗传学检测）",
        "其他资料（床位）",
    ]


def test_the_day_of_a_source_is_said_once() -> None:
    day = dt.date(2025, 6, 30)
    assert format_source_title(Language(), "名单（截至2025年6月30日）", day) == "名单（截至2025年6月30日）"
    assert format_source_title(Language(), "名单", day).striptags() == "名单（截至2025年6月30日）"


def test_an_openapi_document_is_read_whole() -> None:
    read = api_reference.read_document(DOCUMENT)
    get = read.operations[0]
    assert (get.method, [p.name for p in get.parameters]) == ("GET", ["code", "on"])
    assert get.answers[0].links == ("Institution",) and "7K2M-9QX4" in get.answers[0].examples[0]
    kinds = {field.name: field.kind for field in read.schemas[0].fields}
    assert kinds["source"] == "Source | null" and kinds["approvals"] == "[Claim]" and kinds["limit"] == "integer = 20"


def test_an_overdue_verification_is_told_as_the_verdict_tells_it() -> None:
    due = dt.date(2025, 6, 30)
    it = make_institution(
        "示例医院",
        make_approval("IVF", verification_due=due),
        make_approval("AIH", valid_from=due + dt.timedelta(days=2)),
        make_approval("ICSI", "suspended", verification_due=due),
    )
    void, later = due + dt.timedelta(days=1), due + dt.timedelta(days=2)
    shown = {
        day: [(a.technique, a.stage, a.valid_from) for a in show_approvals(records.judge_on(it, day).approvals)]
        for day in (due, void, later)
    }
    stopped = ("ICSI", "suspended", None)
    assert shown == {
        due: [("AIH", "not_yet", later), ("IVF", "formal", None), stopped],
        void: [("AIH", "not_yet", later), ("IVF", "lapsed", void), stopped],
        later: [("AIH", "formal", later), ("IVF", "lapsed", void), stopped],
    }
    assert [records.judge_on(it, day).standing for day in (due, void, later)] == [
        "partly_approved",
        "lapsed",
        "partly_approved",
    ]
