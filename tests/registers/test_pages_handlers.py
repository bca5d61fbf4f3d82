"""The pages over HTTP, on a real register that holds the fictional 示例 city."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar.testing import TestClient

from registry.institutions.result import SearchRequest
from registry.register import Register
from registry.settings import Settings
from registry.web import page_templates
from tests.demo_pages import Client, application, open_demo_register


@pytest.fixture(scope="module")
def register(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Register]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("pages"), public_url="https://register.example/")
    with open_demo_register(settings) as opened:
        yield opened


@pytest.fixture(scope="module")
def client(register: Register) -> Iterator[Client]:
    with TestClient(application(register)) as made:
        yield made


@pytest.fixture(scope="module")
def code(register: Register) -> str:
    return register.search_institutions(SearchRequest(q="示例"), register.make_as_of_now()).items[0].institution.code


def heading(html: str) -> str:
    return re.sub("<.*?>", "", (re.findall(r"<h1.*?</h1>", html) or [""])[0])


def test_every_page_answers_in_both_languages_and_to_head(client: Client, code: str) -> None:
    for path in (
        "/",
        "/search?q=示例",
        f"/i/{code}",
        f"/i/{code}/history",
        f"/q/{code}",
        "/check",
        "/receipt",
        "/developers",
        "/about",
    ):
        for query in ("", "lang=en&size=large"):
            address = path + ("&" if "?" in path else "?") + query
            answer = client.get(address)
            assert answer.status_code == 200, address
            assert answer.headers["content-type"] == "text/html; charset=utf-8"
            kept_by = "private" if path == f"/i/{code}" else "public"  # with people: by no cache for many
            assert answer.headers["cache-control"] == f"{kept_by}, max-age=60"
            assert "set-cookie" not in answer.headers
            assert f'<html lang="{"en" if query else "zh-CN"}"' in answer.text
            head = client.head(address)
            assert (head.status_code, head.content) == (200, b"")


def test_the_home_page_has_the_count_of_the_register(client: Client, register: Register) -> None:
    total = register.compute_stats(register.make_as_of_now()).total
    assert total > 0 and f"名录共 {total} 家机构" in client.get("/").text


def test_an_institution_page_has_its_qr_address_in_words_and_its_image(client: Client, code: str) -> None:
    html = client.get(f"/i/{code}").text
    assert f"https://register.example/q/{code}" in html and f'src="/i/{code}/qr.svg"' in html


def test_a_code_written_otherwise_moves_to_its_own_address_and_keeps_the_language(client: Client, code: str) -> None:
    loose = code.lower().replace("-", "")
    for after in ("", "/history"):
        answer = client.get(f"/i/{loose}{after}?lang=en", follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (301, f"/i/{code}{after}?lang=en")


def test_a_qr_code_lands_without_a_redirect_however_its_code_is_written(client: Client, code: str) -> None:
    answer = client.get(f"/q/{code.lower()}", follow_redirects=False)
    assert answer.status_code == 200 and "本页作答时间" in answer.text


def test_a_mistyped_code_and_an_unknown_code_are_told_apart(client: Client, code: str) -> None:
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    assert client.get(f"/i/{wrong}").status_code == 400
    assert client.get("/i/0000-0000").status_code in (400, 404)
    assert "二维码或编码有误" in heading(client.get(f"/q/{wrong}").text)
    for path in (f"/i/{wrong}", f"/search?q={wrong}", f"/check?name={wrong}", f"/check?name={wrong[:6]}"):
        answer = client.get(path)
        assert answer.status_code == 400 and "名录中未找到" not in answer.text, path


def test_a_code_in_the_search_box_goes_to_its_institution(client: Client, code: str) -> None:
    answer = client.get(f"/search?q={code.lower()}&size=large", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (302, f"/i/{code}?size=large")


def test_search_keeps_what_was_asked_and_offers_filters(client: Client) -> None:
    html = client.get("/search?q=示例&technique=AIH").text
    assert 'value="示例"' in html and '<input type="hidden" name="technique" value="AIH">' in html
    assert 'id="filters"' in html
    assert "名录中没有名为“查无此医院”的机构" in client.get("/search?q=查无此医院").text
    assert "没有看懂“查无此院”" in client.get("/search?q=查无此院").text


def test_a_filter_nobody_knows_is_refused_in_words_and_keeps_the_question(client: Client) -> None:
    for path in ("/search?q=示例&region=999", "/search?q=示例&technique=冻卵", "/search?q=示例&cursor=@@"):
        answer = client.get(path)
        assert answer.status_code == 400 and 'value="示例"' in answer.text


def test_checking_a_code_or_a_name_gives_a_verdict_with_its_reasons(client: Client, code: str) -> None:
    for name in (code, code.lower()):
        html = client.get(f"/check?name={name}").text
        assert code in html and "理由" in html and "verdict" in html
    nobody = client.get("/check?name=查无此院生殖中心").text  # the demonstration list is partial: it proves no absence
    assert "verdict-unlisted" in nobody and "verdict-approved" not in nobody


def test_what_cannot_be_checked_is_shown_beside_its_field_with_everything_kept(client: Client) -> None:
    answer = client.get("/check?name=&technique=冻卵&on=2025-13-01&address=某路1号")
    assert answer.status_code == 400
    for text in ('href="#name"', 'href="#on"', 'href="#technique"', 'value="2025-13-01"', 'value="某路1号"'):
        assert text in answer.text
    assert "冻卵" in answer.text and answer.text.count('aria-invalid="true"') == 3


def test_what_a_person_types_never_becomes_markup(client: Client) -> None:
    for path in ("/search?q=<script>x</script>", "/check?name=<script>x</script>", "/q/<script>", "/i/<b>", "/<b>"):
        text = client.get(path).text
        assert "<script>" not in text and "x</script>" not in text and "<b>" not in text


def test_styles_are_kept_for_a_year_and_an_unknown_file_is_not_found(client: Client) -> None:
    answer = client.get(page_templates.make_asset_url("site.css"))
    assert answer.headers["content-type"].startswith("text/css")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert client.get("/static/site.0000000000.css").status_code == 404


def test_an_unknown_page_says_so_in_the_language_asked_for(client: Client) -> None:
    answer = client.get("/nowhere?lang=en")
    assert (answer.status_code, heading(answer.text)) == (404, "Page not found")
    assert answer.headers["cache-control"] == "no-store"


def test_a_register_that_cannot_be_read_never_looks_like_not_licensed(tmp_path: Path) -> None:
    broken = Register(Settings(data_dir=tmp_path / "missing"))
    with TestClient(application(broken)) as client:
        for path in ("/", "/search?q=示例", "/i/7K2M-9QX4", "/q/ABCD-EFGH", "/check?name=示例医院"):
            answer = client.get(path)
            if answer.status_code == 400:  # a mistyped code is known to be mistyped without looking
                continue
            assert answer.status_code == 503, path
            assert heading(answer.text) == "暂时无法核验" and answer.headers["retry-after"] == "60"
            assert "这不代表该机构未获批准" in answer.text
        assert client.get("/about").status_code == 200
        assert client.get("/check").status_code == 200


def test_a_check_without_a_name_or_a_text_gets_an_address_of_its_own(client: Client, code: str) -> None:
    sent = client.post("/check?lang=en", data={"name": code, "on": "2025-07-01", "text": ""}, follow_redirects=False)
    assert (sent.status_code, sent.headers["location"]) == (303, f"/check?name={code}&on=2025-07-01&lang=en")
    nothing = client.post("/check", data={"name": ""})
    assert nothing.status_code == 400
    assert "请填写机构名称或名录编码" in nothing.text


def test_a_text_a_certificate_and_a_person_are_answered_each_by_itself(client: Client) -> None:
    asked = {
        "name": "示例市第一示例医院（示例市示例妇幼保健院）",
        "on": "2025-12-01",
        "text": "三代试管包成功\r\n打击代孕",
        "ad_certificate": "（示）医广【2025】第0715001号",
        "practitioner": "示例甲",
    }
    answer = client.post("/check", data=asked)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    for words in ("在有效期内", "有授权记载", "包成功", "反对或否认", "三代试管"):
        assert words in answer.text
    assert "示例乙" not in answer.text
    assert "示例甲" not in answer.text.split("<footer")[1]  # nor in the links that keep the question
    switches = re.findall(r'href="(/check[^"]*)"', answer.text)
    assert switches and not any("practitioner" in one or "text" in one for one in switches)


def test_a_text_without_a_name_is_answered_for_whom_it_names(client: Client, code: str) -> None:
    name = "示例市第一示例医院（示例市示例妇幼保健院）"
    answer = client.post("/check", data={"on": "2025-12-01", "text": f"就在{name}，三代试管"})
    assert answer.status_code == 200
    assert "文中提到的机构" in answer.text and f'href="/i/{code}"' in answer.text
    receipt = client.post("/check/receipt", data={"on": "2025-12-01", "text": f"就在{name}，三代试管"})
    assert receipt.status_code in (200, 503)  # 503: no key to sign with here
    nobody = client.post("/check", data={"text": "三代试管"})
    assert nobody.status_code == 200
    assert "没有认出" in nobody.text and "verdict-approved" not in nobody.text


def test_what_is_too_long_for_a_check_is_kept_and_refused(client: Client) -> None:
    answer = client.post("/check", data={"name": "示例医院", "text": "字" * 20_001})
    assert answer.status_code == 400
    assert "最多20000个字符" in answer.text
    assert "字" * 20_001 in answer.text


def test_markup_in_a_text_is_shown_and_never_run(client: Client) -> None:
    answer = client.post("/check", data={"name": "示例医院", "text": "</textarea><script>包*成</功>"})
    assert "<script>包" not in answer.text
    assert "&lt;/textarea&gt;" in answer.text


def test_pages_about_an_institution_show_nobody_of_the_staff_and_no_number_of_a_certificate(
    client: Client, register: Register, code: str
) -> None:
    institution = register.get_institution(code, register.make_as_of_now())
    entry, _ = register.get_entry(institution.entry)
    assert entry.proposer and entry.approver
    for path in (f"/i/{code}", f"/i/{code}/history", f"/q/{code}", "/overview", "/changes.atom"):
        for lang in ("zh-CN", "en"):
            text = client.get(path, params={"lang": lang}).text
            shown = re.sub(r"<[^>]*>", " ", text)
            assert not any(re.search(rf"\b{re.escape(one)}\b", shown) for one in (entry.proposer, entry.approver)), path
            assert not re.search(r"\*{4,}\d{4}", text), path
