"""The search, the verdict and the reconciliation mean the same institution by the same name."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

import pytest

from registry.domain.answers import Claim, Provider
from registry.domain.identifiers import format_code
from registry.institutions.result import SearchRequest
from registry.reconciliation.match import Query
from registry.register import Register
from tests.factories import DAY, LIST_2025
from tests.relevance.measure import FILES, an_embedded_register, read

#: Kinds of judged questions that are a name as people say it: shortened, a word of it, what a hospital is called.
SAID = ("abbr", "nick", "short", "number")
ROWS = list(csv.DictReader(LIST_2025.read_text("utf-8").splitlines()))


@pytest.fixture(scope="module")
def register() -> Iterator[Register]:
    with an_embedded_register() as opened:
        opened.follow_log()
        yield opened


def list_found(register: Register, question: str) -> tuple[str, list[str]]:
    result = register.search_institutions(SearchRequest(q=question), register.make_as_of(DAY), limit=20)
    return result.state, [item.institution.code for item in result.items]


def test_whoever_a_printed_name_means_for_a_verdict_is_found_first_and_matched(register: Register) -> None:
    reconciler = register.make_reconciler()
    differing = []
    for name in dict.fromkeys(row["name"] for row in ROWS):
        answer = register.answer_claim(Claim(provider=Provider(name=name), on=DAY))
        state, codes = list_found(register, name)
        meant = [answer.match.code] if answer.match else [one.code for one in answer.candidates]
        candidates = [one.site.code for one in reconciler.answer_query(Query(text=name, limit=5)).candidates]
        if state != "found" or codes[0] not in meant or candidates[0] not in {code.replace("-", "") for code in meant}:
            differing.append((name, state, codes[:2], meant, candidates[:2]))
    assert differing == []


def test_a_word_that_people_use_leads_both_to_the_same_institution(register: Register) -> None:
    asof = register.make_as_of(DAY)
    everybody = register.search_institutions(SearchRequest(status="all"), asof, limit=500).items
    differing = []
    for item in everybody[::3]:
        for word in item.institution.known_as:
            answer = register.answer_claim(Claim(provider=Provider(name=word), on=DAY))
            state, codes = list_found(register, word)
            candidates = [one.code for one in answer.candidates]
            is_printed = answer.match is not None  # what some use for one is printed in a list as the name of another
            if state != "found" or item.institution.code not in (codes if is_printed else {*codes} & {*candidates}):
                differing.append((word, item.institution.name, state, codes[:3], candidates[:3]))
    assert differing == []


def test_whoever_a_shortened_name_means_comes_first_at_every_door_in_the_same_order(register: Register) -> None:
    reconciler = register.make_reconciler()
    differing, tried = [], 0
    for question in (q for path in FILES for q in read(path) if q.kind in SAID and re.fullmatch("[一-鿿0-9]+", q.text)):
        answer = register.answer_claim(Claim(provider=Provider(name=question.text), on=DAY))
        state, codes = list_found(register, question.text)
        if state != "found" or answer.match or not codes:
            continue
        tried += 1
        asked = Query(text=question.text, limit=20)
        rows = [format_code(one.site.code) for one in reconciler.answer_query(asked).candidates]
        named = [one.code for one in answer.candidates if one.code in codes]
        if (
            not codes[0] == answer.candidates[0].code == rows[0]
            or named != [code for code in codes if code in named]
            or named != [code for code in rows if code in named]
            or "12345" in answer.explanation
        ):
            differing.append((question.text, codes[:3], named, rows[:3], answer.explanation))
    assert len(differing) <= tried // 50, differing
    assert tried > 150
