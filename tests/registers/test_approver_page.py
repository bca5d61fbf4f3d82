"""The page of whoever decides on a proposal: every value of it, and what checks will answer on which days."""

from __future__ import annotations

import datetime as dt
import html
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from registry import proposals
from registry.domain.answers import Claim, Person, Provider
from registry.domain.model import Change, Draft
from registry.domain.techniques import STAGES, TECHNIQUES
from registry.proposals.draft_changes import read_proposal_changes
from registry.proposals.preview import preview_proposal
from registry.proposals.verdict_days import list_verdict_lines
from registry.records import asof
from registry.staff.forms import documents
from registry.staff.i18n import StaffLanguage, build_environment
from registry.storage.database import Database
from registry.verification.answer import answer_claim
from registry.verification.view import VerificationView
from tests.factories import (
    DAY,
    a_certificate,
    a_change,
    a_database,
    a_person,
    a_source,
    an_institution,
    approve,
    enter,
    propose,
)

OLD, OTHER = an_institution(IVF="formal", AIH="trial"), an_institution("示例旧医院", "辽宁省鞍山市铁西区示例路8号")
TODAY = asof.read_today()
LANGUAGE = StaffLanguage("zh-CN")
FEW = settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
days = st.dates(DAY, TODAY + dt.timedelta(days=900))
words = st.text("示例甲乙丙丁第号", min_size=2, max_size=8).map(lambda text: f"某{text}")


def iso(strategy: st.SearchStrategy[dt.date]) -> st.SearchStrategy[str]:
    return strategy.map(dt.date.isoformat)


def some_of(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields).filter(bool)


approvals = st.fixed_dictionaries(
    {"stage": st.sampled_from(list(STAGES))},
    optional={
        "valid_from": iso(days),
        "verification_due": iso(days),
        "document_no": words,
        "authority": words,
        "note": words,
    },
)
facts = some_of(
    name=words,
    level=words,
    campus=words,
    aliases=st.lists(words, min_size=1, max_size=2, unique=True),
    domains=st.just(["example.cn"]),
    uscc=st.just("12210300MB0000027N"),
    ownership=st.sampled_from(["public", "private"]),
    status=st.sampled_from(["listed", "delisted"]),
    **{f"approvals.{technique.code}": st.none() | approvals for technique in TECHNIQUES},
)


def make_facts_draft(values: dict[str, Any], day: dt.date, new: bool, source: bool) -> Draft:
    about = (
        an_institution(f"示例新{day:%j}医院", f"辽宁省鞍山市铁西区示例路{day:%j}号", on=day, source=None)
        if new
        else OLD
    )
    stated = {**(about.change.set if new else {}), **values}
    change = Change(kind="institution", set=stated, reason="更正：原记载有误")
    return Draft(subject=about.subject, change=change, valid_from=day, source="list-1" if source else None)


institutions = st.builds(make_facts_draft, facts, days, st.booleans(), st.booleans())
people = st.builds(
    lambda values, day: a_person(OLD, on=day, **values),
    some_of(
        role=words,
        techniques=st.lists(st.sampled_from([t.code for t in TECHNIQUES]), min_size=1, unique=True),
        valid_from=iso(days),
        valid_to=iso(days),
    ),
    days,
)
certificates = st.builds(
    lambda start, end, day: a_certificate(OLD, valid_from=start, valid_to=end, on=day), iso(days), iso(days), days
)
sanctions = st.builds(
    lambda values, day: Draft(
        subject="sanction:MY20PCDJ",
        change=Change(kind="sanction", set={"institution": OLD.subject, "kind": "penalty", **values}),
        valid_from=day,
    ),
    some_of(
        authority=words,
        document_no=words,
        decided_on=iso(days),
        summary=words,
        organisation=words,
        person=st.just("示例员壬"),
    ),
    days,
)
sources = st.builds(
    lambda day, values: a_source(f"doc-{day}", day, **values),
    days,
    some_of(origin=words, rows=st.integers(1, 10**6), secondary=st.booleans(), sha256=st.just("ab" * 32)),
)
editions = st.builds(
    lambda title, day, count: Draft(
        subject="edition:7",
        change=Change(
            kind="edition",
            set={
                "number": 7,
                "title": title,
                "as_of": day.isoformat(),
                "scope": "210000",
                "log_size": count,
                "root": "cd" * 32,
                "institutions": count,
                "techniques": {"IVF": count},
                "page": "https://register.example/editions/7",
                "release": "2027-01-01T01:00:00+00:00",
            },
        ),
        valid_from=day,
    ),
    words,
    days,
    st.integers(1, 10**6),
)
drafts = st.one_of(institutions, people, certificates, sanctions, sources)


@pytest.fixture(scope="module")
def register() -> Iterator[Database]:
    with tempfile.TemporaryDirectory() as folder:
        database = a_database(Path(folder))
        enter(database, a_source(), OLD, OTHER, a_person(OTHER, name="示例员乙"))
        yield database
        database.close()


def word_of(path: str, value: Any) -> str:
    """The text in which a page shows one value."""
    day = re.fullmatch("([0-9]{4})-([0-9]{2})-([0-9]{2})", str(value))
    words: dict[str, Any] = {
        "stage": lambda: LANGUAGE.translate("stage.operating_short" if value == "operating" else f"stage.{value}"),
        "status": lambda: LANGUAGE.translate(f"history.{value}"),
        "ownership": lambda: {"public": "公立", "private": "民营"}[value],
        "techniques": lambda: LANGUAGE.get_plain_word(value),
        "covers": lambda: LANGUAGE.get_plain_word(value),
        "region": lambda: LANGUAGE.format_region_code(value),
        "scope": lambda: LANGUAGE.translate(f"import_new.scope_{value}"),
        "kind": lambda: LANGUAGE.translate(f"form.choice.{value}"),
        "institution": lambda: f"{value[-8:-4]}-{value[-4:]}",
    }
    if day:
        return f"{day[1]}年{int(day[2])}月{int(day[3])}日"
    if isinstance(value, bool):
        return "是" if value else "否"
    return str(words.get(path, lambda: value)())


def words_of(path: str, value: Any) -> Iterator[str]:
    """The texts in which a page shows all of a value."""
    if isinstance(value, dict | list):
        for name, part in value.items() if isinstance(value, dict) else ((path, part) for part in value):
            yield from words_of(name, part)
    elif value is not None:
        yield word_of(path, value)


def text_of(page: str) -> str:
    return html.unescape(re.sub("<[^>]*>", "", page))


def read_page(register: Database, number: int, report: Any = None) -> str:
    """The part of the approver's page that says what a proposal of few drafts changes."""
    with register.reading() as connection:
        items = proposals.get_proposal(connection, number).items
        rests_on = documents.list_proposal_documents(connection, number)
    changes = preview_proposal(register, number, range(1, items + 1))
    parts = build_environment("zh-CN", "normal").from_string(
        '{% import "staff/proposal_parts.html" as proposals with context %}'
        "{{ proposals.previews(changes, report, rests_on, 1) }}"
    )
    return parts.render(changes=changes, report=report, rests_on=rests_on)


def assert_every_value_stands_in(page: str, proposed: list[Draft]) -> None:
    text = text_of(page)
    for draft in proposed:
        assert draft.change.reason is None or draft.change.reason in text
        assert any(word in text for word in words_of("day", draft.valid_from.isoformat()))
        for path, value in draft.change.set.items():
            for word in words_of(path, value):
                assert word in text, (path, word)


@FEW
@given(st.lists(drafts, min_size=1, max_size=4, unique_by=lambda draft: (draft.subject, draft.valid_from)))
def test_the_page_holds_every_value_of_every_proposal(register: Database, proposed: list[Draft]) -> None:
    number = propose(register, *proposed)
    assert_every_value_stands_in(read_page(register, number), proposed)


@FEW
@given(st.lists(drafts, min_size=1, max_size=4, unique_by=lambda draft: (draft.subject, draft.valid_from)))
def test_the_page_of_a_long_one_holds_every_value_that_is_not_recorded_already(
    register: Database, proposed: list[Draft]
) -> None:
    number = propose(register, *proposed)
    with register.reading() as connection:
        found = read_proposal_changes(connection, proposals.get_proposal(connection, number))
    page = build_environment("zh-CN", "normal").from_string(
        '{% import "staff/change_parts.html" as changed with context %}{{ changed.groups(found, "/x", [], 20) }}'
    )
    text = text_of(page.render(found=found))
    assert found.changed + found.unchanged == len(proposed)
    for draft in proposed:
        for path, value in draft.change.set.items():
            if draft.subject == OLD.subject and value == OLD.change.set.get(path):
                continue
            assert all(word in text for word in words_of(path, value)), path


def ask_everything(view: VerificationView, draft: Draft, day: dt.date) -> dict[tuple[str, str | None], str]:
    """What the verification answers of a draft's subject on a day, by the questions that a page may have lines for."""
    values = draft.change.set
    code = str(values.get("institution") or draft.subject).partition(":")[2]
    found: dict[tuple[str, str | None], str] = {}
    recorded = {**(OLD.change.set if draft.subject == OLD.subject else {}), **values}
    for technique in [one.code for one in TECHNIQUES]:
        claim = Claim(provider=Provider(code=code), techniques=[technique], on=day)
        if draft.change.kind == "institution":
            if not recorded.get(f"approvals.{technique}"):
                continue
            found["technique", technique] = answer_claim(view, claim).techniques[0].verdict
        elif draft.change.kind == "practitioner" and technique in values["techniques"]:
            named = Claim(
                provider=Provider(code=code), techniques=[technique], on=day, practitioner=Person(name=values["name"])
            )
            answer = answer_claim(view, named).practitioner
            found["practitioner", technique] = str(answer and answer.verdict)
    if draft.change.kind == "ad_certificate":
        numbered = Claim(provider=Provider(code=code), ad_certificate=values["number"], on=day)
        certificate = answer_claim(view, numbered).ad_certificate
        found["ad_certificate", None] = str(certificate and certificate.verdict)
    return found


@settings(FEW, max_examples=10, phases=[Phase.explicit, Phase.generate])
@given(
    st.one_of(institutions, people, certificates),
    st.lists(st.dates(DAY, TODAY + dt.timedelta(days=2000)), max_size=4),
)
def test_the_days_of_the_page_are_those_on_which_checks_answer_otherwise(
    tmp_path_factory: pytest.TempPathFactory, draft: Draft, others: list[dt.date]
) -> None:
    database = a_database(tmp_path_factory.mktemp("register"))
    enter(database, a_source(), OLD, OTHER)
    before = VerificationView()
    before.follow_log(database)
    with database.reading() as connection:
        lines = list_verdict_lines(connection, [draft]).get(draft.subject, [])
    approve(database, propose(database, draft))
    after = VerificationView()
    after.follow_log(database)
    turns = {turn.on for line in lines for turn in line.days}
    for day in sorted({*others, *turns, *(max(turn - dt.timedelta(days=1), DAY) for turn in turns), TODAY}):
        then, now = (ask_everything(view, draft, day) for view in (before, after))
        for question in then:
            line = next((one for one in lines if (one.question, one.technique) == question), None)
            last = next((turn for turn in reversed(line.days) if turn.on <= day), None) if line else None
            expected = (last.before, last.after) if last and last.before != last.after else None
            actual = (then[question], now[question]) if then[question] != now[question] else None
            assert actual == expected, (question, day)
    database.close()


def test_an_approval_is_shown_from_the_day_it_holds_to_the_day_it_lapses(register: Database) -> None:
    held = {"stage": "trial", "valid_from": "2026-02-01", "verification_due": "2027-03-31", "document_no": "示文1号"}
    number = propose(register, a_change(OLD, dt.date(2026, 1, 1), {"approvals.PGT": held}))
    text = text_of(read_page(register, number))
    assert "2026年2月1日起 未获批此项技术 → 已获批准" in text
    assert "2027年4月1日起 未获批此项技术 → 已失效" in text
