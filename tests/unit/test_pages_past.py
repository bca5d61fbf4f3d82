"""The permanent rule: no institution page shows another state than today's without saying so first."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from itertools import product

import pytest
from litestar import Litestar
from litestar.datastructures import State
from litestar.testing import TestClient

from public_site import page_times, pages, responses
from public_site.page_times import TimesForm
from registry.records.asof import read_today
from registry.register import Register
from registry.settings import Settings
from registry.web import record_changes
from registry.web.i18n import Lang, Language
from registry.web.labels import list_details
from registry.web.standing import make_standing
from tests.pages import gallery
from tests.pages.records import make_approval, make_institution, make_version
from tests.times import DATE, LATE, NEW, SECOND, STOP, a_corrected_register, printed

Client = TestClient[Litestar]
NOT_TODAY = "这不是今天的最新情况"
DAYS = ("", "2024-06-29", "2024-06-30", "2024-09-01", "2024-10-15", "2024-12-31", "2025-06-01", "2999-01-01")
KNOWN = ("", "2024-07-14", "2024-07-15", "2024-12-02", "2025-01-20T02:00:00Z", "2025-02-10", "2025-03-03", "2999-01-01")


@pytest.fixture(scope="module")
def register(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Register]:
    folder = tmp_path_factory.mktemp("times")
    a_corrected_register(folder).close()
    with Register(Settings(data_dir=folder)) as opened:
        yield opened


@pytest.fixture(scope="module")
def client(register: Register) -> Iterator[Client]:
    app = Litestar(
        [pages.router],
        state=State({"register": register}),
        exception_handlers={Exception: responses.render_error_page},
        logging_config=None,
    )
    with TestClient(app) as made:
        yield made


def words(html: str) -> str:
    """What a page's main part says, without its marks."""
    return re.sub("<.*?>", "", html.split("<main", 1)[1].split("</main>", maxsplit=1)[0])


@pytest.mark.parametrize("draft", [LATE, DATE, STOP, NEW], ids=["late", "date", "stop", "new"])
def test_every_page_of_another_time_says_so_before_its_answer(client: Client, draft: object) -> None:
    code = printed(draft)  # type: ignore[arg-type]
    of_today = words(client.get(f"/i/{code}").text)
    assert NOT_TODAY not in of_today
    for on, known_at in product(DAYS, KNOWN):
        answer = client.get(f"/i/{code}", params={"on": on, "known_at": known_at})
        said = words(answer.text)
        now = on == "" and known_at in ("", "2999-01-01")
        assert (NOT_TODAY in said) == (not now), (on, known_at)
        assert answer.status_code in (200, 404)
        if now:
            assert said == of_today
        elif answer.status_code == 200:
            assert said.index(NOT_TODAY) < said.index("列入名录是许可")
            assert re.search(r"(登记地址获准|当日不得|当日已撤销|当日处于暂停|不足以确认)", said), (on, known_at)
        else:
            assert "没有记录不等于未获批准，也不等于已获批准" in said


def test_todays_day_in_words_is_today(client: Client) -> None:
    code = printed(STOP)
    assert words(client.get(f"/i/{code}", params={"on": read_today().isoformat()}).text) == words(
        client.get(f"/i/{code}").text
    )


def test_the_page_and_the_comparison_give_the_same_answer_for_a_day(client: Client) -> None:
    for draft, on in product((LATE, DATE, STOP), DAYS[2:-1]):
        page = client.get(f"/i/{printed(draft)}", params={"on": on}).text
        compared = client.get(f"/i/{printed(draft)}/history", params={"on": on}).text
        for pattern in (r'<h\d class="verdict-word">.*?</h\d>', r'<p class="verdict-line">.*?</p>'):
            plain = [re.sub("<.*?>", "", found) for found in re.findall(pattern, page, re.S)]
            assert plain == [re.sub("<.*?>", "", found) for found in re.findall(pattern, compared, re.S)]
            assert plain


def test_every_sample_page_of_another_time_says_so() -> None:
    past = [page for page in gallery.make_pages().values() if getattr(page, "past", None)]
    assert len(past) >= 8
    for page in past:
        for lang, said in (("zh-CN", ("这不是",)), ("en", ("This is not",))):
            assert said[0] in words(responses.render_page(page, lang))  # type: ignore[arg-type]


def test_a_page_about_another_day_never_says_now_of_it() -> None:
    for name in ("institution-past", "institution-past-known", "institution-past-delisted", "institution-to-come"):
        html = responses.render_page(gallery.make_pages()[name])
        verdict = html.split('<section class="verdict', 1)[1].split("</section>")[0]
        assert not re.search("现不|现已|现在|今", verdict), name


# --- what differs ----------------------------------------------------------------------------------------------------


def test_two_sides_show_what_differs_first_and_of_the_rest_who_and_what() -> None:
    before = make_institution("示例甲医院", make_approval("IVF"), level="三级", ownership="public")
    after = make_institution("示例乙医院", make_approval("IVF"), make_approval("PGT", "trial"), ownership="public")
    rows = record_changes.compare_records(Language(), before, after)
    assert [(str(row.label), row.before, row.after) for row in rows if row.differs] == [
        ("名称", "示例甲医院", "示例乙医院"),
        ("三代试管（植入前胚胎遗传学检测）", None, "试运行"),
        ("等级", "三级", None),
    ]
    same = [str(row.label) for row in rows[3:]]
    assert same == ["名录状态", "地址", "试管婴儿（体外受精-胚胎移植）"]
    assert not any(row.differs for row in record_changes.compare_records(Language(), before, before))


def test_two_sides_count_an_approval_as_the_law_does() -> None:
    suspended = make_institution("示例甲医院", make_approval("IVF"), status="suspended")
    delisted = make_institution("示例甲医院", make_approval("IVF"), status="delisted")
    row = {str(row.label): row for row in record_changes.compare_records(Language(), suspended, delisted)}[
        "试管婴儿（体外受精-胚胎移植）"
    ]
    assert (row.before, row.after) == ("停业整改", None)


def test_a_side_that_holds_nothing_differs_in_everything() -> None:
    it = make_institution("示例甲医院", make_approval("IVF"))
    assert all(row.differs and row.before is None for row in record_changes.compare_records(Language(), None, it))
    assert record_changes.compare_records(Language(), None, None) == []


def test_where_only_the_day_of_an_approval_differs_the_days_are_said() -> None:
    before = make_institution(
        "示例医院", make_approval("IVF", valid_from=dt.date(2019, 3, 1), authority="示例省卫生健康委")
    )
    after = make_institution(
        "示例医院", make_approval("IVF", valid_from=dt.date(2018, 3, 1), authority="示例省卫生健康委")
    )
    row = next(row for row in record_changes.compare_records(Language(), before, after) if row.differs)
    assert (row.before or "").replace('<time datetime="2019-03-01">', "").replace("</time>", "") == (
        "正式运行（起始日期：2019年3月1日）"
    )
    assert "2018年3月1日" in (row.after or "") and "卫生健康委" not in (row.after or "")


def test_an_earlier_state_of_which_nothing_was_recorded_is_an_addition_and_no_correction() -> None:
    day = dt.date(2018, 2, 21)
    added = make_version(2, day, ("name", None, "示例医院"), ("status", None, "listed"), corrects=True)
    corrected = make_version(2, day, ("name", "示例甲医院", "示例医院"), corrects=True)
    learnt = make_version(2, day, ("approvals.PGT", None, {"stage": "trial"}), corrects=True)
    plain = make_version(2, day, ("name", None, "示例医院"))
    assert [record_changes.classify_version(one) for one in (added, corrected, learnt, plain)] == [
        "addition",
        "correction",
        "correction",
        "plain",
    ]


def test_the_times_of_an_empty_form_are_now(register: Register) -> None:
    assert page_times.choose_as_of(register, TimesForm()) == (register.make_as_of_now(), None)
    asof, past = page_times.choose_as_of(register, TimesForm(on=SECOND.isoformat()))
    assert past is not None and asof.valid_on == SECOND and past.known_at is None
    recorded = page_times.read_day_record(register, printed(STOP), asof)
    day = dt.date(2024, 10, 1)
    assert recorded.institution is not None
    assert recorded.standing == make_standing(recorded.institution, {"approvals.IVF": day, "status": day})


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_a_field_that_is_not_recorded_has_no_value_rather_than_an_empty_one(lang: Lang) -> None:
    institution = make_institution("示例医院", make_approval("IVF"))
    details = list_details(Language(lang), institution, "page")
    assert any(value is None for _, value in details)
    assert [
        str(label) for label, value in details if value is not None and not re.sub("<.*?>", "", str(value)).strip()
    ] == []
