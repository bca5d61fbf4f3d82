"""Questions over HTTP: kept through every switch, asked by web address, and answered with how old the list is."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest
from litestar import Litestar, post
from litestar.testing import TestClient

from public_site import pages, responses
from registry.settings import Settings
from tests.demo_pages import Client, application, open_demo_register
from tests.times import the_clock_at

RECORDED, YOUNG, OLD = "2025-09-20T02:00:00Z", "2025-12-01T02:00:00Z", "2026-11-30T02:00:00Z"
FIRST = "示例市第一示例医院（示例市示例妇幼保健院）"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The pages of a register whose demonstration data were recorded in September 2025."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("questions"))
    with the_clock_at(RECORDED), open_demo_register(settings) as register, TestClient(application(register)) as made:
        yield made


def read_switches(page: str) -> list[tuple[str, dict[str, str]]]:
    """(address, fields) of the forms that switch language and size."""
    head = page.split('class="switches"')[1].split("</nav>", maxsplit=1)[0]
    return [
        (
            html.unescape(action),
            {name: html.unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', form)},
        )
        for action, form in re.findall(r'<form action="([^"]*)"(.*?)</form>', head, re.DOTALL)
    ]


def read_panels(page: str) -> list[str]:
    return re.findall(r'panel verdict-(\w+" data-subject="\w+)"', page)


ASKED = {
    "name": FIRST,
    "on": "2025-12-01",
    "text": "三代试管\r\n代孕",
    "practitioner": "示例甲",
    "address": "示例路1号",
}


@pytest.mark.parametrize("asked", [ASKED, {"text": f"就在{FIRST}，三代试管"}, {"text": "没有名字", "on": "昨天"}])
def test_the_switches_of_a_posted_question_lead_back_to_its_answer(client: Client, asked: dict[str, str]) -> None:
    first = client.post("/check", data=asked)
    switches = read_switches(first.text)
    assert [address for address, _ in switches] == ["/check?size=large", "/check?lang=en"]
    for address, fields in switches:
        again = client.post(address, data=fields)
        assert (again.status_code, read_panels(again.text)) == (first.status_code, read_panels(first.text))
        assert ('lang="en"' in again.text[:60]) == ("lang=en" in address)
        back = read_switches(again.text)  # nothing is lost on the way
        assert [field for _, field in back] == [field for _, field in switches]


def test_the_switches_of_a_pasted_receipt_keep_it(client: Client) -> None:
    short, long = (client.post("/receipt", data={"receipt": text}) for text in ("a" * 100, "a" * 5000))
    assert read_switches(short.text) == [] and short.text.count("/receipt?receipt=aaa") == 2
    assert [fields for _, fields in read_switches(long.text)] == [{"receipt": "a" * 5000}] * 2


def test_a_question_in_an_address_is_switched_by_links(client: Client) -> None:
    answer = client.get("/check", params={"name": FIRST, "technique": "IVF"})
    assert read_switches(answer.text) == []
    links = re.findall(r'href="(/check\?[^"]*)"', answer.text.split('class="switches"')[1].split("</nav>")[0])
    assert len(links) == 2 and all("technique=IVF" in link and "name=" in link for link in links)


@pytest.mark.parametrize(
    "typed", ["hospital-one.example", "https://www.hospital-one.example/ivf?a=1", "WWW.hospital-one.example:443/x"]
)
def test_a_web_address_is_looked_up_as_a_domain_and_says_what_that_is_worth(client: Client, typed: str) -> None:
    for address in ("/check", "/search"):
        answer = client.get(address, params={"name": typed, "q": typed})
        assert answer.status_code == 200 and FIRST in answer.text
        assert "网址相符，只说明名录把它记在该机构名下" in answer.text
        assert "网站域名" in answer.text


def test_a_web_address_below_one_of_the_register_is_told_and_not_answered_with_it(client: Client) -> None:
    for lang, words in (("zh-CN", "下级网址可能由他人使用"), ("en", "may lend what is below it to others")):
        answer = client.get("/check", params={"name": "https://ivf.x.hospital-one.example/", "lang": lang})
        assert words in answer.text and FIRST in answer.text
        assert "verdict-approved" not in answer.text and "verdict-limited" not in answer.text
    nobody = client.get("/check", params={"name": "nobody.example"})
    assert nobody.status_code == 200 and "下级网址" not in nobody.text and "网址相符" not in nobody.text


def test_a_name_with_latin_letters_is_no_web_address(client: Client) -> None:
    answer = client.get("/check", params={"name": "示例市第二示例医院（IVF中心）"})
    assert answer.status_code == 200 and "网站域名" not in answer.text.split("<footer")[0]


def test_every_page_of_the_citizens_answers_to_get(client: Client) -> None:
    posts = set()
    for route in client.app.routes:
        methods = {str(method) for method in getattr(route, "methods", ())}
        if "POST" in methods:
            posts.add(route.path)
            assert "GET" in methods, route.path
    assert {"/check", "/check/list", "/check/receipt", "/receipt"} <= posts
    for lang, words in (("zh-CN", "请选择要核验的文件"), ("en", "Choose the file to check")):
        answer = client.get("/check/list", params={"lang": lang}, headers={"accept": "text/html"})
        assert answer.status_code == 200 and words in answer.text and 'type="file"' in answer.text


def test_an_address_that_only_takes_a_form_leads_back_in_words(client: Client) -> None:
    answer = client.put("/check/list", headers={"accept": "text/html"})
    assert answer.status_code == 405
    with TestClient(_make_form_only_application(client)) as other:
        page = other.get("/only", headers={"accept": "text/html"})
        assert page.status_code == 405
        assert "请从表单进入" in page.text and "没有任何内容被提交" in page.text and 'href="/check"' in page.text


def _make_form_only_application(client: Client) -> Litestar:

    @post("/only", sync_to_thread=False)
    def only() -> None:
        """Take a form."""

    return Litestar(
        [only, pages.router],
        state=client.app.state,
        exception_handlers={Exception: responses.render_error_page},
        logging_config=None,
    )


@pytest.mark.parametrize(("instant", "months"), [(YOUNG, 5), (OLD, 17)])
def test_the_age_of_the_list_is_that_of_the_registers_own_day(client: Client, instant: str, months: int) -> None:
    with the_clock_at(instant):
        code = re.findall(r'href="/i/([0-9A-Z-]{9})"', client.get("/search", params={"q": FIRST}).text)[0]
        for address in ("/", "/search?q=示例", f"/i/{code}", f"/q/{code}", f"/check?name={FIRST}", "/check/list"):
            text = re.sub("<[^>]*>", "", client.get(address).text)
            is_form = address == "/check/list"
            assert (f"名录截至2025年6月30日，距今{months}个月" in text) == (not is_form), address
            assert ("就诊前请向当地卫生健康主管部门核实" in text) == (months > 12 and not is_form), address
        listed = client.post("/check/list", files={"file": ("a.csv", f"名称\n{FIRST}\n".encode())}, data={"as": "page"})
        assert f"距今{months}个月" in re.sub("<[^>]*>", "", listed.text)


def test_no_technique_asked_tells_every_technique_with_its_state(client: Client) -> None:
    with the_clock_at(YOUNG):
        page = client.get("/check", params={"name": "示例市第二示例医院"}).text
        listed = client.post(
            "/check/list",
            files={"file": ("a.csv", "名称\n示例市第二示例医院\n".encode())},
            data={"as": "page"},
        ).text
    table = page.split('class="techniques each"')[1].split("</table>")[0]
    assert re.findall("夫精人工授精|试管婴儿|已获批准|已暂停", table) == [
        "夫精人工授精",
        "已获批准",
        "试管婴儿",
        "已暂停",
    ]
    assert read_panels(page)[0] == 'limited" data-subject="licence' and "部分获批" in page
    row = listed.split('class="techniques answered"')[1]
    assert 'tag-limited">部分获批' in row and "不得开展试管婴儿" in row and "获准开展夫精人工授精" in row


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"name": FIRST}, "名称：一致"),
        ({"name": "示例市第一示例医院"}, "名称：写法不同，按规则视为同一"),
        ({"name": FIRST, "address": "示例路1号"}, "名称：一致；地址：写法不同，按规则视为同一"),
        ({"name": FIRST, "address": "示例一区示例路"}, "名称：一致；地址：与之不矛盾，但没有全部比对上"),
        ({"name": FIRST, "address": "门口"}, "名称：一致；地址：没有可以比对的内容"),
    ],
)
def test_the_answer_says_of_each_thing_given_how_it_fits_the_list(
    client: Client, asked: dict[str, str], expected: str
) -> None:
    page = re.sub("<[^>]*>", "", client.get("/check", params=asked).text)
    assert expected in re.sub(r"\s", "", page.split("所给信息与名录")[1].split("所问日期")[0])
    english = client.get("/check", params={**asked, "lang": "en"}).text
    assert "What was given, against the list" in english
