"""A receipt on paper: one page that says it in words, holds its text, and carries it in a QR code."""

from __future__ import annotations

import io
import re
from typing import Any

import httpx
import pytest
import qrcode
from pypdf import PdfReader

from tests.journeys.test_api_problems import problem
from tests.running import Server

NAME = "鞍山市妇儿医院"


def a_receipt(server: Server, **more: Any) -> str:
    claim = {"provider": {"name": NAME}, "techniques": ["IVF"], "on": "2025-07-01", **more}
    return str(server.verify(**claim, receipt=True)["receipt"])


def pdf(server: Server, receipt: str, **query: str) -> httpx.Response:
    return server.client.post("/receipt.pdf", data={"receipt": receipt}, params=query)


def squares(content: bytes) -> list[tuple[float, float, float, float]]:
    """Every filled rectangle of the page: x, y, width, height."""
    stream = PdfReader(io.BytesIO(content)).pages[0].get_contents()
    assert stream is not None
    found = re.findall(rb"([\d.-]+) ([\d.-]+) ([\d.-]+) ([\d.-]+) re f", stream.get_data())
    return [tuple(float(one) for one in four) for four in found]  # type: ignore[misc]


def drawn(content: bytes) -> set[tuple[int, int]]:
    """(row, column) of the dark modules of the QR code, from the top left, quiet zone left out."""
    found = squares(content)
    module = min(height for *_, height in found)
    left, top = min(x for x, *_ in found), max(y for _, y, *_ in found)
    return {
        (round((top - y) / module), round((x - left) / module) + step)
        for x, y, width, _ in found
        for step in range(round(width / module))
    }


def expected(text: str) -> set[tuple[int, int]]:
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_L, border=0)
    code.add_data(text, optimize=0)
    code.make(fit=True)
    return {(y, x) for y, row in enumerate(code.get_matrix()) for x, dark in enumerate(row) if dark}


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("zh-CN", (NAME, "2025年7月1日", "已获批准", "正式运行", "日志条数", "北京时间", "扫码")),
        ("en", (NAME, "1 July 2025", "Approved", "in formal operation", "Entries of the log", "Beijing time", "Scan")),
    ],
)
def test_one_page_says_it_all_and_its_code_leads_to_the_check(
    server: Server, lang: str, words: tuple[str, ...]
) -> None:
    receipt = a_receipt(server)
    answer = pdf(server, receipt, lang=lang)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert re.search(r'filename="receipt-[0-9a-f]{12}\.pdf"', answer.headers["content-disposition"])
    read = PdfReader(io.BytesIO(answer.content))
    shown = read.pages[0].extract_text()
    told = server.client.post("/api/v1/receipts/check", json={"receipt": receipt}).json()
    assert len(read.pages) == 1
    for word in (*words, told["log"]["root"], told["digest"], str(told["log_size"]), told["issuer"]):
        assert word in shown, word
    assert receipt in "".join(shown.split()), "the text can be copied from the page"
    assert drawn(answer.content) == expected(f"https://register.example/receipt?receipt={receipt}")


def test_the_address_in_the_code_answers(server: Server) -> None:
    receipt = a_receipt(server, provider={"name": "查无此院"})
    assert "名录中未找到" in PdfReader(io.BytesIO(pdf(server, receipt).content)).pages[0].extract_text()
    page = server.get("/receipt", receipt=receipt)
    assert page.status_code == 200 and "回执真实" in page.text
    assert server.get("/receipt.pdf", receipt=receipt).headers["content-type"] == "application/pdf"


def test_the_longest_question_still_makes_one_page(server: Server) -> None:
    long = dict.fromkeys(("name", "address"), "示例" * 150) | {"domain": "www.example.cn"}
    receipt = a_receipt(server, provider=long, id="长" * 300)
    content = pdf(server, receipt).content
    read = PdfReader(io.BytesIO(content))
    assert len(read.pages) == 1 and "粘贴" in read.pages[0].extract_text()
    assert drawn(content) == expected("https://register.example/receipt"), "too fine to be scanned: the page alone"


def test_no_paper_is_made_of_what_is_not_genuine(server: Server) -> None:
    for wrong in (a_receipt(server)[:-9], "hello", ""):
        answer = pdf(server, wrong)
        assert answer.headers["content-type"] != "application/pdf"
        problem(answer, 400, "invalid_input")


def test_no_markup_of_a_question_reaches_the_page(server: Server) -> None:
    receipt = a_receipt(server, provider={"name": "<b>示例</b> & <para>&lt;"})
    assert "<b>示例</b> & <para>&lt;" in PdfReader(io.BytesIO(pdf(server, receipt).content)).pages[0].extract_text()


BESIDE = {"ad_certificate": "(辽)医广[2023]第07-15-001号", "text": "示例医院三代试管，包成功！我院不开展供精人工授精。"}


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        (
            "zh-CN",
            (
                *("医疗广告审查证明", "已过期", "仅按文号推算", "所问广告内容", "我院不开展供精人工授精"),
                *("有2处词语需要人工查看", "技术名称“三代试管”", "保证效果“包成功”", "未计入", "“供精人工授精”"),
            ),
        ),
        (
            "en",
            (
                *("Advertising certificate", "Expired", "Advertisement asked about", "2 words need a look by a person"),
                *("no finding of an offence", "promise of success “包成功”", "not counted"),
            ),
        ),
    ],
)
def test_the_page_says_what_the_receipt_says_of_certificate_and_wording(
    server: Server, lang: str, words: tuple[str, ...]
) -> None:
    receipt = a_receipt(server, **BESIDE)
    read = PdfReader(io.BytesIO(pdf(server, receipt, lang=lang).content))
    shown = "".join(page.extract_text() for page in read.pages).replace("\n", "" if lang == "zh-CN" else " ")
    assert len(read.pages) == 1
    for word in words:
        assert word.replace(" ", "") in shown.replace(" ", ""), (word, shown)


def test_a_page_about_a_person_names_them_and_no_address_on_it_does(server: Server) -> None:
    receipt = a_receipt(server, practitioner={"name": "示例员甲"})
    content = pdf(server, receipt).content
    shown = PdfReader(io.BytesIO(content)).pages[0].extract_text().replace("\n", "")
    assert "医务人员示例员甲" in shown.replace(" ", "") and "不代表此人未获授权" in shown
    assert "回执含有人员姓名" in shown and receipt in "".join(shown.split())
    assert drawn(content) == expected("https://register.example/receipt")


def test_a_long_text_is_shortened_on_paper_with_a_note_and_whole_in_the_receipt(server: Server) -> None:
    text = "试管婴儿包成功，" * 2_500
    receipt = a_receipt(server, text=text)
    read = PdfReader(io.BytesIO(pdf(server, receipt).content))
    shown = read.pages[0].extract_text().replace("\n", "")
    assert len(read.pages) == 1
    assert "前160字，全文20000字见回执原文" in shown and shown.count("试管婴儿包成功，") == 20
    told = server.client.post("/api/v1/receipts/check", json={"receipt": receipt}).json()
    assert told["question"]["text"] == text


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_everything_a_question_can_hold_still_fits_above_the_code(server: Server, lang: str) -> None:
    long = dict.fromkeys(("name", "address"), "示例" * 150)
    words = "代孕、代怀、代生、代妈、借腹生子、供卵、借卵、卖卵、包男孩、选性别、包成功、零风险、三甲专家、加V、套餐。"
    receipt = a_receipt(
        server,
        provider=long,
        techniques=["AIH", "AID", "IVF", "ICSI", "PGT", "SPERM_BANK"],
        practitioner={"name": "示" * 60},
        ad_certificate="(辽)医广[2023]第07-15-001号",
        text=words * 100,
    )
    register_words = server.client.post("/receipt.pdf", data={"receipt": receipt}, params={"lang": lang}).content
    read = PdfReader(io.BytesIO(register_words))
    assert len(read.pages) == 1
    shown = read.pages[0].extract_text().replace("\n", "")
    assert ("SHA-256" in shown) and "示" * 60 in "".join(shown.split())
