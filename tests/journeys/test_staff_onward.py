"""The daily round at a real server: one proposal after the other, where that leads, and what falls due as files."""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Callable
from html import unescape
from urllib.parse import urlsplit

import pytest

from registry.accounts import passwords, signin
from registry.domain.identifiers import format_code
from registry.proposals import propose
from registry.records import asof
from registry.settings import Settings
from registry.storage.database import Database
from tests.desk import Staff
from tests.factories import an_institution, code_of
from tests.forming import approved, drafted, fields_of, proposed
from tests.running import Cli, Server

Arrive = Callable[..., Staff]
DUE = asof.read_today() + dt.timedelta(days=30)
NEW = [
    an_institution(
        f"示例第{number}医院",
        f"辽宁省鞍山市铁西区示例路{number}号",
        source=None,
        **{"approvals.IVF": {"stage": "formal", "verification_due": DUE.isoformat()}},
    )
    for number in range(3)
]


@pytest.fixture
def running(staffed: Cli, start: Callable[..., Server]) -> Server:
    """A seeded register in which three proposals of one kind wait."""
    database = Database(Settings(data_dir=staffed.data_dir).get_database_url())
    for draft in NEW:
        propose(database, [draft], by="editor", title=f"示例提案 {draft.change.set['name']}")
    database.close()
    return start(staffed.data_dir)


def list_waiting(approver: Staff) -> list[int]:
    """The numbers of the three proposals that wait, as the first page links them."""
    links = approver.get("/staff").split('href="/staff/proposals/')[1:]
    return sorted({int(link.partition('"')[0]) for link in links if link[0].isdigit()})[-3:]


def test_proposals_of_one_kind_are_approved_one_after_the_other_each_after_a_look(
    running: Server, arrive: Arrive
) -> None:
    approver = arrive(running, "approver").sign_in()
    first, *others = list_waiting(approver)
    for number, following in zip((first, *others), (*others, None), strict=True):
        at = f"/staff/proposals/{number}"
        answer = approver.send(f"{at}/approve", at, then="next")
        if following is None:
            assert (answer.status_code, "已批准，写入日志" in answer.text) == (200, True)
        else:
            assert answer.headers["location"] == f"/staff/proposals/{following}?approved={number}"
            assert f"提案 {number} 已批准" in approver.get(answer.headers["location"])
    assert running.api("/institutions", q="示例第2医院")["items"][0]["name"] == "示例第2医院"


def test_after_an_approval_the_record_the_public_page_and_the_next_one_are_one_step_away(
    running: Server, arrive: Arrive
) -> None:
    approver = arrive(running, "approver").sign_in()
    number = list_waiting(approver)[-1]
    page = approved(approver, number).text
    code = code_of(NEW[2])
    assert f'href="/staff/records/{code}"' in page
    assert f'href="/i/{code}"' in page
    assert "下一份同类提案" in page


def test_what_falls_due_is_a_table_and_a_calendar_that_any_program_reads(running: Server, arrive: Arrive) -> None:
    approver = arrive(running, "approver").sign_in()
    for number in list_waiting(approver):
        approved(approver, number)
    rows = list(csv.reader(approver.get("/staff/due.csv").lstrip("\ufeff").splitlines()))
    own = [row for row in rows if "示例第" in row[3]]
    assert [row[0] for row in own] == [DUE.isoformat()] * 3
    assert {row[4] for row in own} == {format_code(code_of(draft)) for draft in NEW}
    calendar = approver.get("/staff/due.ics")
    lines = calendar.split("\r\n")
    assert (lines[0], lines[-2]) == ("BEGIN:VCALENDAR", "END:VCALENDAR")
    assert all(len(line.encode()) <= 75 for line in lines)
    unfolded = calendar.replace("\r\n ", "")
    assert unfolded.count(f"DTSTART;VALUE=DATE:{DUE:%Y%m%d}") >= 3
    assert "示例第1医院" in unfolded


def test_a_calendar_program_is_given_what_falls_due_at_an_address_that_a_new_password_ends(
    running: Server, staffed: Cli, arrive: Arrive
) -> None:
    approver = arrive(running, "approver").sign_in()
    address = re.search(r'id="address" value="([^"]+)"', approver.get("/staff/calendar"))
    assert address
    path = urlsplit(unescape(address[1])).path
    stranger = running.client.get(path)  # no cookie, as a calendar program
    assert stranger.headers["content-type"].startswith("text/calendar")
    assert stranger.text.replace("\r\n ", "").count("BEGIN:VEVENT") == approver.get("/staff/due.ics").count(
        "BEGIN:VEVENT"
    )
    wrong = [path[:-1] + ("0" if path[-1] != "0" else "1"), path.replace("/approver/", "/editor/"), path + "0"]
    assert {running.client.get(one).status_code for one in [*wrong, "/staff/calendars/nobody.here/0"]} == {404}
    database = Database(Settings(data_dir=staffed.data_dir).get_database_url())
    with database.writing() as connection:
        signin.replace_password(connection, "approver", passwords.hash_password("quite another pass phrase"))
    database.close()
    assert running.client.get(path).status_code == 404


def test_a_form_is_opened_with_what_another_record_holds_but_for_what_identifies_it(
    running: Server, staffed: Cli, arrive: Arrive
) -> None:
    editor, approver = arrive(running, "editor").sign_in(), arrive(running, "approver").sign_in()
    code = running.api("/institutions", q="鞍山市妇儿医院")["items"][0]["code"]
    person = {"name": "示例员", "role": "临床医师", "techniques": ["IVF", "ICSI"], "certificate_kind": "医师执业证书"}
    number = proposed(editor, drafted(editor, f"/staff/forms/practitioner?institution={code}", **person))
    approved(approver, number)
    record = editor.get(f"/staff/records/{code}")
    link = next(
        part.partition('"')[0] for part in record.split('href="')[1:] if "like=practitioner" in part.partition('"')[0]
    )
    typed = fields_of(editor.get(link.replace("&amp;", "&")), "/staff/forms/practitioner")
    assert (typed["institution"], typed["role"], typed["techniques"]) == (code, "临床医师", ["IVF", "ICSI"])
    assert typed["name"] == ""
    editor.get("/staff/forms/practitioner?like=practitioner:00000000", 404)
