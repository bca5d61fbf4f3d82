"""The same near misses as rows of a table: a match is only ever the institution that has the name."""

from __future__ import annotations

from typing import Any

import pytest

from registry.institutions.result import SearchResult
from registry.reconciliation.match import Query, Reconciler
from registry.verification.view import VerificationView
from tests.claims import near
from tests.claims.lists import find_by_form, is_somebodys, now, plain, somebodys


def nothing_found(*_: Any, **__: Any) -> SearchResult:
    """What the search finds is no match (tests/registers/test_reconciling.py): it is not asked 40,000 times here."""
    return SearchResult(items=[], total=0, next=None, log_size=0, understood=())


@pytest.mark.parametrize("how", near.NEAR)
def test_a_near_miss_of_a_name_never_matches_another_institution(view: VerificationView, how: str) -> None:
    service = Reconciler(view, nothing_found, lambda *_: [])
    wrong, tried = [], 0
    for one in now():
        for written, address in near.changed(how, one):
            if address is None and plain(written) == plain(one.name):
                continue  # nothing changed but how it is written
            tried += 1
            places = (("address", (address,)),) if address else ()
            matches = [
                found.site
                for found in service.answer_query(Query(text=written, properties=places)).candidates
                if found.match
            ]
            if not matches:
                continue
            whose = somebodys().get(plain(written)) or find_by_form(written)
            had = {plain(span.site.name) for span in view.institutions.list_spans(matches[0].code)}
            if address is not None or not is_somebodys(written) or not had & {plain(name) for name in whose}:
                wrong.append((one.name, written, address, matches[0].name))
    assert wrong == []
    assert tried >= 250
