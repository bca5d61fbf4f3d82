"""Every listed address as it may be written, and under changes that make another place of it."""

from __future__ import annotations

import datetime as dt

import pytest

from registry.verification.addresses import compare_addresses
from registry.verification.view import VerificationView
from tests.claims import places
from tests.claims.lists import now
from tests.factories import ask

ON = dt.date(2025, 7, 1)


def test_every_address_written_otherwise_is_its_own_site(view: VerificationView) -> None:
    wrong, tried = [], 0
    for one in now():
        for written in places.written(one):
            tried += 1
            answer = ask(view, one.name, one.techniques[0], on=ON, address=written)
            if answer.verdict != "licensed" or answer.match is None or answer.match.address != one.address:
                wrong.append((one.name, one.address, written, answer.verdict))
    assert wrong == []
    assert tried >= 10_000


@pytest.mark.parametrize("how", places.NEAR)
def test_a_place_that_is_not_the_site_is_never_licensed(view: VerificationView, how: str) -> None:
    wrong, tried = [], 0
    for one in now():
        for written in dict.fromkeys(places.NEAR[how](one)):
            tried += 1
            answer = ask(view, one.name, one.techniques[0], on=ON, address=written)
            if answer.verdict == "licensed":
                wrong.append((one.name, one.address, written))
    assert wrong == []
    assert tried >= 10


def test_a_number_where_the_list_prints_none_is_not_the_site_and_accuses_nobody() -> None:
    compared = [
        (compare_addresses(written, one.address, None), written) for one in now() for written in places.numbered(one)
    ]
    assert len(compared) >= 10
    assert [case for case in compared if case[0] != "unreadable" and "A座" not in case[1]] == []
