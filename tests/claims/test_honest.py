"""Every listed name under ten mechanical variations: its own institution, and that institution's verdicts."""

from __future__ import annotations

import datetime as dt

import pytest

from registry.verification.view import VerificationView
from tests.claims import honest
from tests.claims.lists import TECHNIQUES, now, plain
from tests.factories import ask

ON = dt.date(2025, 7, 1)


@pytest.mark.parametrize("how", honest.VARIATIONS)
def test_every_name_written_otherwise_gives_its_own_institution_and_verdict(view: VerificationView, how: str) -> None:
    sites: dict[str, int] = {}
    for one in now():
        sites[plain(one.name)] = sites.get(plain(one.name), 0) + 1
    wrong, tried = [], 0
    for one in now():
        address = one.address if sites[plain(one.name)] > 1 else None
        lacking = [t for t in TECHNIQUES if t not in one.techniques]
        for written in honest.written(how, one):
            for technique in (*one.techniques[:1], *lacking[:1]):
                tried += 1
                answer = ask(view, written, technique, on=ON, address=address)
                due = "licensed" if technique in one.techniques else "technique_not_licensed"
                found = answer.match and (answer.match.name, answer.match.address)
                if (answer.verdict, found) != (due, (one.name, one.address)):
                    wrong.append((one.name, written, technique, answer.verdict, found))
    assert wrong == []
    assert tried >= 635
