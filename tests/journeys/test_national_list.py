"""The yearly national list in a real browser without JavaScript: few pages, every pair and conflict decided right."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page

from registry import proposals
from registry.domain.identifiers import make_subject
from registry.domain.model import Change, Date, Draft
from registry.importers.matching import register_side
from registry.log import store
from registry.records.asof import AsOf
from registry.settings import Settings
from registry.storage.database import Database
from tests import edition_2026
from tests.desk import Staff
from tests.edition_2026 import Facts, select_facts
from tests.factories import a_source
from tests.journeys.test_pages_imports import read_when_done
from tests.journeys.test_pages_staff import DESK, browsing, faults_at_every_width
from tests.running import Cli, Server

Arrive = Callable[..., Staff]
#: Pages from "new import" to "submitted", both counted.
MOST_PAGES = 8
LAST_LIST = Date(2025, 6, 30)


class PageCounter:
    """Counts the pages that a person is shown: all that are loaded but those that only show progress."""

    def __init__(self, page: Page) -> None:
        self.page, self.titles = page, list[str]()

    def count(self) -> str:
        """Wait until nothing works any more; count and read what is shown then."""
        if re.search(r"/imports/\d+", self.page.url):
            read_when_done(self.page)
        self.titles.append(self.page.locator("h1").inner_text())
        return self.page.locator("main").inner_text()


@contextmanager
def open_database(cli: Cli) -> Iterator[Database]:
    database = Database(Settings(data_dir=cli.data_dir).get_database_url())
    yield database
    database.close()


def read_facts(database: Database, day: dt.date) -> dict[str, Facts]:
    """What the register says of every institution on a day, by its subject."""
    with database.reading() as connection:
        asof = AsOf(valid_on=day, size=store.read_head(connection).size)
        found = register_side.read_institutions(connection, asof)
    return {subject: select_facts(values) for subject, values in found.items()}


def record_decisions(database: Database) -> dict[str, str]:
    """Enter what was decided since the list of 2025; return the subject of every name of that list."""
    by_name = {str(facts["name"]): subject for subject, facts in read_facts(database, LAST_LIST).items()}
    drafts: list[Draft] = []
    for number, decision in enumerate(edition_2026.DECISIONS):
        day = Date.fromisoformat(decision.on)
        told = {"title": decision.title, "origin": decision.number, "covers": ["AIH"]}
        subject = by_name.get(decision.name) or make_subject("institution", decision.name, set())
        change = Change(kind="institution", set=decision.values)
        drafts += [
            a_source(f"doc-{number}", day, "partial", **told),
            Draft(subject=subject, change=change, valid_from=day, source=f"doc-{number}"),
        ]
    number = proposals.propose(database, drafts, by="editor", title="示例决定")
    with database.reading() as connection:
        seen = proposals.get_proposal(connection, number).content_hash
    proposals.approve(database, number, by="approver", seen=seen)
    return by_name


def answer_questions(page: Page) -> None:
    """Answer as somebody who knows the documents: words as proposed, struck rows left out, wrong numbers accepted."""
    for kind in page.locator('input[value="text"][name^="kind-"], input[value="leave"][name^="kind-row"]').all():
        kind.check()
    for question in page.locator(".question").all():
        if question.locator("textarea").count():
            question.locator("textarea").fill("已向发文机关核实，数目印错")


def decide_pairs(page: Page) -> None:
    """Decide by the names: what carries an earlier name is the same and stays so, the rest as the rules say."""
    for pair in page.locator(".pair").all():
        shown = pair.inner_text()
        if "原沈阳军区第202医院" in shown:
            pair.locator('input[value="spelling"]').check()
        elif "规则不能判断" in shown:
            assert "沈阳示例妇儿医院" in shown and "沈阳美德因妇儿医院股份有限公司" in shown
            pair.locator('input[value="yes"]').check()
    page.check('input[name="rest"]')


def test_the_list_of_2026_in_few_pages_with_everything_decided_right(
    browser: Browser, staffed: Cli, start: Callable[..., Server], arrive: Arrive, tmp_path: Path
) -> None:
    with open_database(staffed) as database:
        by_name = record_decisions(database)
        before = read_facts(database, edition_2026.DAY)
    server = start(staffed.data_dir)
    context = browsing(browser, server, arrive(server, "editor").sign_in(), viewport=DESK)
    page = context.new_page()
    counter, wrong = PageCounter(page), list[str]()
    page.goto("/staff/imports/new")
    counter.count()
    page.set_input_files("#file", edition_2026.write_document(tmp_path / "名单.docx"))
    page.fill("#as_of", str(edition_2026.DAY))
    page.fill("#title", edition_2026.TITLE)
    page.check('input[name="scope"][value="national"]')
    page.click('form[enctype] button[type="submit"]')
    counter.count()
    page.click('form.columns-form > button[type="submit"]')
    assert "没有导入任何内容" in counter.count()
    wrong += faults_at_every_width(page)
    answer_questions(page)
    page.click('button[name="then"][value="on"]')
    assert "是不是同一家" in counter.count()
    wrong += faults_at_every_width(page)
    decide_pairs(page)
    page.click('button[name="then"][value="on"]')
    assert "以名单为准" in counter.count()
    wrong += faults_at_every_width(page)
    for name, reason in edition_2026.TAKEN.items():
        conflict = page.locator(".pair", has_text=name)
        conflict.locator('input[value="list"]').check()
        conflict.locator("textarea").fill(reason)
    page.click('button[name="then"][value="on"]')
    assert "可以提交" in counter.count()
    wrong += faults_at_every_width(page)
    page.click('form[action$="/propose"] button')
    assert "已提交" in counter.count()
    assert len(counter.titles) <= MOST_PAGES, counter.titles
    page.click('main a[href^="/staff/proposals/"]')
    number = int(page.url.rsplit("/", 1)[-1])
    wrong += faults_at_every_width(page)
    context.close()
    assert wrong == []
    approver = arrive(server, "approver").sign_in()
    assert approver.send(f"/staff/proposals/{number}/approve", on=f"/staff/proposals/{number}").status_code == 200
    with open_database(staffed) as database:
        after = read_facts(database, edition_2026.DAY)
    foreseen, new = edition_2026.foresee(before, by_name)
    assert {s: (after[s], facts) for s, facts in foreseen.items() if after[s] != facts} == {}
    assert sorted((f for s, f in after.items() if s not in foreseen), key=str) == sorted(new, key=str)
