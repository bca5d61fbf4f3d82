"""Proposals that forms made, amended while they are open; and the report of an import, for whoever decides on it."""

from __future__ import annotations

import csv
import datetime as dt
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from registry.records.asof import SHANGHAI
from tests.desk import Staff
from tests.factories import LIST_2025
from tests.forming import PDF, answers_of, approved, drafted, fill, proposed
from tests.running import PASSWORD, Cli, Server

Arrive = Callable[..., Staff]
DEMO = "示例市示例生殖专科医院"


@pytest.fixture
def running(staffed: Cli, start: Callable[..., Server]) -> Server:
    staffed.ok("seed", "--demo")
    staffed.ok("user", "add", "second", "--role", "editor", input=PASSWORD)
    return start(staffed.data_dir)


@pytest.fixture
def subject(running: Server) -> str:
    return "institution:" + running.api("/institutions", q=DEMO)["items"][0]["code"].replace("-", "")


def draft_of(one: Staff, number: int) -> str:
    """Press "amend" on the page of a proposal; the address of the draft."""
    page = f"/staff/proposals/{number}"
    answer = one.send(f"{page}/draft", page)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].removesuffix("/check")


def test_a_form_that_was_sent_back_is_amended_and_approved_by_whoever_asked(
    running: Server, arrive: Arrive, subject: str
) -> None:
    editor, approver = arrive(running, "editor").sign_in(), arrive(running, "approver").sign_in()
    number = proposed(editor, drafted(editor, f"/staff/forms/institution?subject={subject}", level="三级甲等"))
    page = f"/staff/proposals/{number}"
    shown = approver.get(page)
    assert re.search(r'href="/staff/attachments/[0-9a-f]{64}"', shown)
    seen = re.search(r'id="seen" value="(\w+)"', shown)
    assert seen
    assert approver.send(f"{page}/return", page, wanted="许可证上是二级").status_code == 303
    assert page in editor.get("/staff/drafts")
    assert "退回给我修改（1）" in editor.get("/staff")
    draft = draft_of(editor, number)
    assert "三级甲等" in editor.get(f"{draft}/check")
    assert "关于示例机构的批复" in editor.get(f"{draft}/check")
    assert "未完成的表单和导入（1）" in editor.get("/staff")
    assert fill(editor, draft, level="二级甲等").headers["location"] == f"{draft}/check"
    assert proposed(editor, draft) == number
    assert "二级甲等" in approver.get(page)
    assert "（针对修改前的内容）" in approver.get(page)
    stale = approver.client.post(f"{page}/approve", data={"seen": seen[1], "form_token": token_of(approver)})
    assert stale.status_code == 409
    approved(approver, number)
    code = subject.partition(":")[2]
    assert running.api(f"/institutions/{code}")["level"] == "二级甲等"


def token_of(one: Staff) -> str:
    found = re.search(r'name="form_token" value="(\w+)"', one.get("/staff/account"))
    assert found
    return found[1]


def test_of_two_who_amend_one_proposal_the_second_is_told_and_loses_nothing(
    running: Server, arrive: Arrive, subject: str
) -> None:
    editor, second = arrive(running, "editor").sign_in(), arrive(running, "second").sign_in()
    number = proposed(editor, drafted(editor, f"/staff/forms/institution?subject={subject}", level="三级甲等"))
    mine, theirs = draft_of(editor, number), draft_of(second, number)
    fill(editor, mine, level="二级甲等")
    assert proposed(editor, mine) == number
    fill(second, theirs, level="一级甲等")
    page = second.get(f"{theirs}/check")
    sent = {"form_token": token_of(second), "confirm": re.findall(r'name="confirm" value="([^"]+)"', page)}
    refused = second.client.post(f"{theirs}/propose", data=sent)
    assert "已被他人修改" in refused.text
    assert answers_of(second, theirs)["level"] == "一级甲等"
    assert "二级甲等" in second.get(f"/staff/proposals/{number}")


def test_what_is_approved_is_amended_no_more(running: Server, arrive: Arrive, subject: str) -> None:
    editor, approver = arrive(running, "editor").sign_in(), arrive(running, "approver").sign_in()
    number = proposed(editor, drafted(editor, f"/staff/forms/institution?subject={subject}", level="三级甲等"))
    draft = draft_of(editor, number)
    approved(approver, number)
    late = editor.client.post(f"/staff/proposals/{number}/draft", data={"form_token": token_of(editor)})
    assert (late.status_code, "已批准或撤回" in late.text) == (409, True)
    fill(editor, draft, level="二级甲等")
    answer = editor.client.post(f"{draft}/propose", data={"form_token": token_of(editor)})
    assert answer.status_code in (400, 409)
    assert answers_of(editor, draft)["level"] == "二级甲等"


def test_a_person_in_a_form_is_amended_with_the_name_as_it_was_typed(
    running: Server, arrive: Arrive, subject: str
) -> None:
    editor, approver = arrive(running, "editor").sign_in(), arrive(running, "approver").sign_in()
    code = subject.partition(":")[2]
    typed = {"name": "示例员戊", "role": "临床医师", "techniques": ["IVF"], "certificate_kind": "医师执业证书"}
    number = proposed(editor, drafted(editor, f"/staff/forms/practitioner?institution={code}", document=PDF, **typed))
    draft = draft_of(editor, number)
    assert answers_of(editor, draft)["name"] == "示例员戊"
    fill(editor, draft, name="示例员己")
    assert proposed(editor, draft) == number
    assert "示例员己" in approver.get(f"/staff/proposals/{number}")
    approved(approver, number)
    names = [one["name"] for one in running.api(f"/institutions/{code}/practitioners")["items"]]
    assert "示例员己" in names
    assert "示例员戊" not in names


def test_the_report_of_an_import_is_read_part_by_part(
    running: Server, staffed: Cli, arrive: Arrive, tmp_path: Path
) -> None:
    with LIST_2025.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["name"] = row["name"].replace("沈阳菁华医院有限公司", "沈阳示例菁华医院有限公司")
        if row["name"].startswith("鞍山市妇儿医院"):
            row["techniques"], row["stages"] = "AIH IVF", "formal formal"
    path = tmp_path / "list.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    number = staffed.ok("import", path, "--as-of", "2025-12-31", "--by", "editor", "--json").json["proposal"]
    approver = arrive(running, "approver").sign_in()
    page = f"/staff/proposals/{number}"
    shown = approver.get(page)
    for part, count in (("lost", 1), ("renamed", 1), ("audit", None)):
        assert f'href="{page}/report?part={part}"' in shown
        if count:
            assert f"（{count}）" in shown
    lost = approver.get(f"{page}/report?part=lost")
    assert "鞍山市妇儿医院" in lost
    assert "卵胞浆内单精子显微注射" in lost
    renamed = approver.get(f"{page}/report?part=renamed")
    assert "沈阳示例菁华医院有限公司" in renamed
    assert "沈阳菁华医院有限公司" in renamed
    audit = approver.get(f"{page}/report?part=audit")
    assert "只作为名称的一部分" in audit
    approver.get(f"{page}/report?part=audit&page=999")
    for wrong in ("stage", "nonsense"):
        approver.get(f"{page}/report?part={wrong}", 404)


def test_the_first_page_names_the_next_publication(running: Server, staffed: Cli, arrive: Arrive) -> None:
    staffed.ok("user", "add", "publisher", "--role", "publisher", input=PASSWORD)
    publisher = arrive(running, "publisher").sign_in()
    assert "没有排定的公布" in publisher.get("/staff")
    release = (dt.datetime.now(SHANGHAI) + dt.timedelta(days=30)).replace(hour=9, minute=0, second=0, microsecond=0)
    asked = ("publish", "--title", "示例名录", "--release", release.isoformat(), "--by", "publisher", "--json")
    made = staffed.ok(*asked).json["proposal"]
    staffed.ok("approve", made, "--by", "approver")
    assert f"{release.year}年{release.month}月{release.day}日 09:00" in publisher.get("/staff")


@pytest.mark.parametrize("kind", ["institution", "sanction"])
def test_what_a_form_proposed_elsewhere_is_neither_read_nor_changed_from_another_region(
    running: Server, staffed: Cli, arrive: Arrive, kind: str
) -> None:
    staffed.ok("user", "add", "anshan.editor", "--role", "editor", "--region", "210300", input=PASSWORD)
    typed = {"name": "示例新设医院", "address": "辽宁省大连市中山区示例路1号", "stage__IVF": "formal"}
    if kind == "sanction":
        typed = {"person": "示例员丁", "authority": "示例局", "document_no": "示例罚1号", "summary": "示例"}
        typed |= {"organisation": "示例健康咨询有限公司"}
        typed["decided_on"] = "2025-10-01"
    editor = arrive(running, "editor").sign_in()
    number = proposed(editor, drafted(editor, f"/staff/forms/{kind}", **typed))
    other = arrive(running, "anshan.editor").sign_in()
    token = re.search(r'name="form_token" value="(\w+)"', other.get("/staff/account"))
    assert token
    answer = other.client.post(f"/staff/proposals/{number}/draft", data={"form_token": token[1]})
    assert answer.status_code == 403
    assert "没有草稿" in other.get("/staff/drafts")
    other.get(f"/staff/proposals/{number}", 403)


def test_an_erasure_takes_along_a_form_that_was_to_amend_what_proposed_the_person(
    running: Server, staffed: Cli, arrive: Arrive, subject: str
) -> None:
    editor, second = arrive(running, "editor").sign_in(), arrive(running, "second").sign_in()
    approver = arrive(running, "approver").sign_in()
    typed = {"name": "示例员戊", "role": "临床医师", "techniques": "IVF"}
    page = f"/staff/forms/practitioner?institution={subject.partition(':')[2]}"
    number = proposed(editor, drafted(editor, page, **typed))
    draft = draft_of(second, number)
    assert "示例员戊" in second.get(draft)
    approved(approver, number)
    with sqlite3.connect(staffed.data_dir / "register.sqlite") as file:
        person = next(
            file.execute("select subject from versions where kind = 'practitioner' and parent = ?", (subject,))
        )[0]
    staffed.ok("redact", person, "--reason", "本人申请", "--by", "editor")
    approved(approver, number + 1)
    second.get(draft, 404)
    held = b"".join(path.read_bytes() for path in staffed.data_dir.glob("register.sqlite*"))
    assert "示例员戊".encode() not in held
