"""The search, the verdict and the reconciliation mean the same institution by the same name."""

from __future__ import annotations

import csv
from collections.abc import Iterator

import pytest

from registry.domain.answers import Claim, Provider
from registry.institutions.result import SearchRequest
from registry.reconciliation.match import Query
from registry.register import Register
from tests.factories import DAY, LIST_2025
from tests.relevance.measure import an_embedded_register

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
