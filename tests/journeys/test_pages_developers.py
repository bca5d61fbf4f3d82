"""The page for developers is the document that programs get: in one language, with examples that run."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from urllib.parse import quote

from lxml import html

from registry.api.openapi import load_examples
from tests.running import Server

EXAMPLE = load_examples()["verify"].request_content["application/json"]["example"]  # type: ignore[index]


#: What the fictional city recorded, and what somebody reported: data of examples, in the words of those who wrote them.
RECORDED = (
    "示例数据（虚构，仅供演示）",
    "虚构示例，不对应任何真实事件",
    "罚款，没收违法所得，撤销夫精人工授精的批准",
    "朋友圈广告称可以做三代试管、包成功，加微信后再报地址。",
)


def test_the_english_page_for_developers_holds_no_chinese_sentence(server: Server) -> None:
    page = html.fromstring(server.client.get("/developers", params={"lang": "en"}).text)
    texts = [str(node) for node in page.xpath("//main//text()")]
    # What an advertiser wrote, names and addresses are data: sentences go on or end with a mark.
    for data in (EXAMPLE["text"], *RECORDED):
        assert any(data in one for one in texts), data
        texts = [one.replace(data, "") for one in texts]
    assert [one for one in texts if re.search("[\u4e00-\u9fff][。，；]|：[\u4e00-\u9fff]", one)] == []
    shown = " ".join(texts)
    assert server.client.post("/api/v1/verify", params={"lang": "en"}, json=EXAMPLE).json()["explanation"] in shown


def test_every_example_for_developers_runs(server: Server) -> None:
    page = html.fromstring(server.client.get("/developers").text)
    headings = page.xpath("//section[@id='examples']/h3/text()")
    codes = page.xpath("//section[@id='examples']/pre/code/text()")
    assert headings == ["curl", "Python", "JavaScript", "Java", "电子表格"]
    there = {
        name: code.replace("https://register.example", server.url) for name, code in zip(headings, codes, strict=True)
    }
    for command in there["curl"].replace("\\\n", "").split("\n\n"):
        assert b'"verdict":"licensed"' in subprocess.run(shlex.split(command), capture_output=True, check=True).stdout
    ran = subprocess.run([sys.executable, "-c", str(there["Python"])], capture_output=True, check=True)
    assert ran.stdout.startswith(b"licensed ")
    address = re.findall('"(http[^"]*)"', there["电子表格"])[0]
    asked = f"{address}{quote('鞍山市妇儿医院')}&address={quote('辽宁省鞍山市铁西区三道街115号')}"
    assert server.client.get(asked).json()["verdict"] == "licensed"
