"""Every listed name as people shorten it: the institution is a candidate, nobody is accused and nobody licensed."""

from __future__ import annotations

import datetime as dt

from registry.verification.view import VerificationView
from tests.claims.lists import is_somebodys, now
from tests.claims.short_names import shorten_name
from tests.factories import ask

ON = dt.date(2025, 7, 1)


def test_whom_an_abbreviation_names_is_a_candidate_and_nobody_is_accused(view: VerificationView) -> None:
    lost, accused, licensed, tried = [], [], [], 0
    for one in now():
        for short in dict.fromkeys(shorten_name(one)):
            answer = ask(view, short, one.techniques[0], on=ON)
            tried += 1
            if answer.verdict in ("licensed", "partly_licensed") and not is_somebodys(short):
                licensed.append((one.name, short))
            meant = {answer.match.name} if answer.match else {candidate.name for candidate in answer.candidates}
            lost += [] if one.name in meant or answer.match else [(one.name, short, meant)]
            accused += [(one.name, short)] if "12345" in answer.explanation else []
    assert licensed == []
    assert accused == []
    assert lost == []
    assert tried > 300
