"""The lists of the workspace by HTTP: found, filtered, sorted, paged, taken as a file; names instead of codes."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from lxml import html

from registry.settings import Settings
from registry.storage.database import Database
from tests.running import PATIENCE, Server
from tests.worked import AGENT, BEGINS, COMING, LATER, PAPER, Worked, open_session, work_a_year


class Reader:
    """Somebody of the staff who is signed in, and reads."""

    def __init__(self, server: Server, token: str) -> None:
        cookies, headers = {"staff_session": token}, {"user-agent": AGENT}
        self.client = httpx.Client(base_url=server.url, cookies=cookies, headers=headers, timeout=PATIENCE)

    def get(self, path: str, status: int = 200) -> str:
        """A page, whose status must be as said."""
        answer = self.client.get(path)
        assert answer.status_code == status, f"{path} -> {answer.status_code} {answer.text[:200]}"
        return answer.text

    def read(self, path: str) -> str:
        """The text of a page as people read it, without what the browser does not show."""
        tree = parse(self.get(path))
        for unseen in tree.xpath("//script | //style | //*[@class='who']"):
            unseen.drop_tree()
        return " ".join(tree.text_content().split())

    def follow(self, path: str) -> str:
        """Where a page leads; "" if it is one."""
        answer = self.client.get(path)
        assert answer.status_code in (200, 303)
        return answer.headers.get("location", "")

    def rows(self, path: str) -> list[list[str]]:
        """The cells of the list of a page."""
        tree = parse(self.get(path))
        lines = tree.xpath('//table[contains(@class, "browsed")]/tbody/tr')
        return [[" ".join(cell.text_content().split()) for cell in line.xpath("./td")] for line in lines]

    def table(self, path: str) -> list[list[str]]:
        """The lines of a file, without its heading."""
        return list(csv.reader(self.get(path).lstrip("\ufeff").splitlines()))[1:]


def parse(page: str) -> Any:
    """The tree of a page."""
    return html.fromstring(page)


@pytest.fixture(scope="module")
def desk(staffed_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Reader]]:
    """Readers by their account, at a server over a register with a year's work that no test changes."""
    data_dir = tmp_path_factory.mktemp("worked") / "var"
    shutil.copytree(staffed_dir, data_dir)
    database = Database(Settings(data_dir=data_dir).get_database_url())
    Place.worked = work_a_year(database)
    names = ("editor", "second", "approver", "auditor", "anshan", "admin", "publisher")
    tokens = {name: open_session(database, name) for name in names}
    database.close()
    server = Server(data_dir)
    readers = {name: Reader(server, token) for name, token in tokens.items()}
    yield readers
    for reader in readers.values():
        reader.client.close()
    server.end()


class Place:
    """What the register of these tests holds."""

    worked: Worked


def test_institutions_are_filtered_by_place_technique_state_and_text(desk: dict[str, Reader]) -> None:
    rows = desk["approver"].rows("/staff/records?region=210300&technique=IVF")
    assert rows
    assert all("鞍山" in row[2] for row in rows)
    names = [row[0] for row in desk["approver"].rows("/staff/records?q=示例常设总院")]
    assert names[0].startswith("鞍山市示例常设总院")
    delisted = desk["approver"].rows("/staff/records?state=delisted&region=210200")
    assert ["大连市示例旧医院" in row[0] for row in delisted].count(True) == 1
    page = desk["approver"].get("/staff/records?state=revoked&region=110000&q=没有这样的名称")
    assert "请放宽条件" in page
    assert "没有“x”这一项可选" in desk["approver"].get("/staff/records?state=x", 400)


def test_a_record_that_begins_later_is_found_and_says_so_wherever_it_is_listed(desk: dict[str, Reader]) -> None:
    day = f"{BEGINS.year}年{BEGINS.month}月{BEGINS.day}日"
    said = f"尚未开始，自{day}起"
    name = LATER.change.set["name"]
    reader = desk["approver"]
    for path in (f"/staff/records?q={name}", "/staff/records?state=future"):
        assert any(name in row[0] and said in row[0] for row in reader.rows(path)), path
    where = reader.follow(f"/staff/search?q={name}")
    assert said in reader.read(where)
    people = reader.rows("/staff/records?kind=practitioner&state=future")
    assert [said in row[0] for row in people] == [True]
    assert said in reader.read(f"/staff/records/{Place.worked.code}")
    assert said in reader.read(f"/staff/records/{COMING.subject.partition(':')[2]}")


def test_a_list_is_sorted_by_its_headings_both_ways_and_says_which(desk: dict[str, Reader]) -> None:
    reader = desk["approver"]
    codes = [row[1] for row in reader.rows("/staff/records?sort=code")]
    assert codes == sorted(codes)
    turned = [row[1] for row in reader.rows("/staff/records?sort=-code")]
    assert turned == sorted(turned, reverse=True)
    assert turned != codes
    tree = parse(reader.get("/staff/records?sort=-code&region=210000"))
    (heading,) = tree.xpath("//th[@aria-sort]")
    assert heading.get("aria-sort") == "descending"
    assert heading.xpath("./a/@href") == ["/staff/records?region=210000&sort=code"]


def test_pages_hold_the_whole_list_once_and_the_file_exactly_that(desk: dict[str, Reader]) -> None:
    reader = desk["approver"]
    query = "region=210000&sort=code"
    tree = parse(reader.get(f"/staff/records?{query}"))
    total = int(re.findall(r"共(\d+)条", tree.text_content())[0])
    seen = [row[1] for page in range(1, total // 50 + 2) for row in reader.rows(f"/staff/records?{query}&page={page}")]
    assert (len(seen), len(set(seen))) == (total, total)
    (link,) = tree.xpath("//a[@download]/@href")
    assert link == f"/staff/records.csv?{query}"
    assert [row[1] for row in reader.table(link)] == seen
    assert reader.rows(f"/staff/records?{query}&page=999")[-1][1] == seen[-1]


def test_a_region_of_ones_own_is_the_first_filter_and_can_be_given_up(desk: dict[str, Reader]) -> None:
    own, everywhere = desk["anshan"].get("/staff/records"), desk["anshan"].get("/staff/records?region=all")
    totals = [int(re.findall(r"共(\d+)条", page)[0]) for page in (own, everywhere)]
    assert totals[0] < totals[1]
    assert all("鞍山" in row[2] for row in desk["anshan"].rows("/staff/records"))
    assert '<option value="210300" selected>' in own


def test_what_was_entered_by_somebody_or_in_some_days_is_listed(desk: dict[str, Reader]) -> None:
    reader = desk["approver"]
    own = reader.rows("/staff/records?account=editor&state=future")
    assert [LATER.change.set["name"] in row[0] for row in own] == [True]
    assert reader.rows("/staff/records?account=second") == []
    assert reader.rows("/staff/records?until=2020-01-01") == []
    assert "不是日期" in reader.get("/staff/records?since=yesterday", 400)


def test_the_search_of_the_head_leads_straight_to_what_is_meant(desk: dict[str, Reader]) -> None:
    reader, worked = desk["approver"], Place.worked
    assert reader.follow(f"/staff/search?q={worked.code}") == f"/staff/records/{worked.code}"
    assert reader.follow("/staff/search?q=鞍山市示例常设总院") == f"/staff/records/{worked.code}"
    assert reader.follow("/staff/search?q=示例员乙") == f"/staff/records/{worked.person}"
    assert reader.follow(f"/staff/search?q={worked.person.lower()}") == f"/staff/records/{worked.person}"
    number = str(PAPER.change.set["number"]).replace("[", "【").replace("]", "】")
    paper = PAPER.subject.partition(":")[2]
    assert reader.follow(f"/staff/search?q={number}") == f"/staff/records/{paper[:4]}-{paper[4:]}"
    for text in (f"{worked.pending}", f"提案 {worked.pending}", f"%23{worked.pending}"):
        assert reader.follow(f"/staff/search?q={text}") == f"/staff/proposals/{worked.pending}"
    page = reader.get("/staff/search?q=示例员")
    assert "人员授权（2）" in page
    assert "没有找到“ＸＹＺ没有”" in reader.get("/staff/search?q=ＸＹＺ没有")
    assert reader.get("/staff/search").count('role="search"') == 1


def test_proposals_are_filtered_by_state_kind_person_and_text(desk: dict[str, Reader]) -> None:
    reader, worked = desk["approver"], Place.worked
    waiting = {row[0] for row in reader.rows("/staff/proposals")}
    assert {str(worked.pending), str(worked.emergency)} <= waiting
    assert [row[0] for row in reader.rows("/staff/proposals?state=returned")] == [str(worked.returned)]
    assert [row[0] for row in reader.rows("/staff/proposals?of=emergency")] == [str(worked.emergency)]
    every = reader.rows("/staff/proposals?state=all&sort=id")
    assert [int(row[0]) for row in every] == sorted(int(row[0]) for row in every)
    assert reader.rows("/staff/proposals?account=publisher") == []
    assert [row[1] for row in reader.rows("/staff/proposals?state=all&q=改名")] == ["改名"]
    assert len(reader.table("/staff/proposals.csv?state=all")) == len(every)


def test_the_trail_says_everything_in_words_with_links(desk: dict[str, Reader]) -> None:
    reader, worked = desk["auditor"], Place.worked
    desk["editor"].get("/staff/accounts", 403)
    rows = reader.rows("/staff/trail")
    assert ["editor", "被拒绝", "账号管理 没有所需角色"] in [row[1:4] for row in rows]
    assert f'href="/staff/proposals/{worked.pending}"' in reader.get(f"/staff/trail?q=提案 {worked.pending}")
    found = reader.rows(f"/staff/trail?q=提案 {worked.rejected}&action=rejected")
    assert [row[1:4] for row in found] == [["approver", "否决", f"提案 {worked.rejected}"]]
    lines = reader.table("/staff/trail.csv?account=approver&action=rejected")
    assert [line[3:5] + line[6:] for line in lines] == [
        ["否决", f"提案 {worked.rejected}", "rejected", f"proposal:{worked.rejected}"]
    ]
    oldest = reader.rows("/staff/trail?sort=at")
    assert [row[0] for row in oldest] == sorted(row[0] for row in oldest)


#: What no page says in Chinese: words for programs, and names of subjects.
_CODES = re.compile(
    r"\b(?:propose|approved|rejected|withdrawn|returned|pending|delisted|listed|public|national|partial|penalty|"
    r"signed_in|refused|commented|amended|practitioner|ad_certificate|institution|sanction|source|edit|correction)\b"
    r"|\b(?:institution|practitioner|ad_certificate|sanction|source|proposal|edition|account):"
)
_PAGES = (
    *("/staff", "/staff/records", "/staff/records?kind=practitioner", "/staff/records?kind=ad_certificate"),
    *("/staff/records?kind=sanction", "/staff/records?q=示例", "/staff/search?q=示例", "/staff/due?within=366"),
    *("/staff/proposals?state=all", "/staff/editions", "/staff/account"),
    *("/staff/records/{code}", "/staff/records/{person}", "/staff/suspend?code={code}"),
    *("/staff/proposals/{pending}", "/staff/proposals/{returned}", "/staff/proposals/{rejected}"),
    *("/staff/proposals/{emergency}", "/staff/proposals/3", "/staff/proposals/4", "/staff/proposals/1"),
)
_OWN = {
    "auditor": ("/staff/trail",),
    "second": ("/staff/drafts", "/staff/drafts/{draft}", "/staff/renewals", "/staff/imports", "/staff/forms/sanction"),
    "publisher": ("/staff/editions/new",),
    "admin": ("/staff/accounts", "/staff/accounts/anshan"),
}


def test_no_page_in_chinese_shows_a_word_for_programs(desk: dict[str, Reader]) -> None:
    pages = [("approver", path) for path in _PAGES] + [(who, path) for who, own in _OWN.items() for path in own]
    wrong = []
    for who, path in pages:
        text = desk[who].read(path.format(**Place.worked._asdict()))
        wrong += [f"{who} {path}: {text[max(m.start() - 30, 0) : m.end() + 20]}" for m in _CODES.finditer(text)]
    assert wrong == [], "\n".join(wrong)


def test_whoever_works_on_a_record_is_named_to_the_others_whatever_the_days(desk: dict[str, Reader]) -> None:
    worked = Place.worked
    for who, path in (
        ("second", "/staff"),
        ("second", f"/staff/drafts/{worked.draft}"),
        ("approver", f"/staff/proposals/{worked.pending}"),
    ):
        page = desk[who].get(path)
        assert "还有人在处理同一记录" in page, (who, path)
    assert "second 自" in desk["approver"].get(f"/staff/proposals/{worked.pending}")
    assert "second 自" in desk["editor"].get("/staff")
    assert "editor 于" in desk["second"].get("/staff")
