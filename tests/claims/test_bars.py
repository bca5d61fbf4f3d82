"""The bars: no false `licensed`, and honest claims judged right, over the claims given and those made by rule."""

from __future__ import annotations

from collections import Counter

from registry.verification.view import VerificationView
from tests.claims.generate import claims
from tests.claims.lists import in_use, plain, somebodys
from tests.claims.measure import given, measure
from tests.factories import ask


def test_the_claims_given_are_all_judged_right(view: VerificationView) -> None:
    found = measure(view, given())
    assert (found.failures, found.false_licensed) == ([], [])


def test_of_the_claims_made_by_rule_none_is_falsely_licensed_and_the_honest_are_right(view: VerificationView) -> None:
    made = list(claims())
    kinds = Counter(one.category for one in made)
    assert len(made) >= 300
    assert min(kinds.values()) >= 15, kinds
    found = measure(view, made)
    assert found.false_licensed == []
    assert found.honest_right >= 0.99, [failure for failure in found.failures if failure[0].honest]
    assert [failure for failure in found.failures if not failure[0].honest] == []


def test_a_measure_that_is_wrong_says_so(view: VerificationView) -> None:
    made = next(one for one in claims() if one.honest and one.verdicts == {"licensed"})
    turned = made._replace(category="near", verdicts=frozenset({"not_found"}))
    found = measure(view, [turned])
    assert (len(found.failures), len(found.false_licensed)) == (1, 1)


def test_no_name_people_use_is_a_licence_unless_an_edition_prints_it(view: VerificationView) -> None:
    wrong, tried = [], 0
    for listed, name in in_use():
        if plain(name) in somebodys():
            continue
        tried += 1
        answers = [ask(view, name, *techniques) for techniques in ((), ("IVF",), ("AIH",))]
        if {answer.verdict for answer in answers} - {"not_found", "unknown"} or any(a.match for a in answers):
            wrong.append((listed, name, [answer.verdict for answer in answers]))
    assert wrong == []
    assert tried > 500
