"""Every listed name under more than twenty mechanical near misses: never `licensed` but as whom the result names."""

from __future__ import annotations

import datetime as dt

import pytest

from registry.verification.view import VerificationView
from tests.claims import near
from tests.claims.lists import find_by_form, is_somebodys, now, plain, somebodys
from tests.factories import ask

ON = dt.date(2025, 7, 1)


@pytest.mark.parametrize("how", near.NEAR)
def test_a_near_miss_of_every_name_is_never_licensed(view: VerificationView, how: str) -> None:
    wrong, tried = [], 0
    for one in now():
        for written, address in near.changed(how, one):
            if address is None and plain(written) == plain(one.name):
                continue  # nothing changed but how it is written
            tried += 1
            answer = ask(view, written, one.techniques[0], on=ON, address=address)
            if answer.verdict != "licensed":
                continue
            whose = somebodys().get(plain(written)) or find_by_form(written)
            if address is not None or not is_somebodys(written) or not _is_of(answer.match, whose, view):
                wrong.append((one.name, written, address, answer.match))
    assert wrong == []
    assert tried >= 250


def _is_of(match: object, whose: set[str], view: VerificationView) -> bool:
    """Whether the institution matched had, in either edition, one of these printed names."""
    code = match.code.replace("-", "")  # type: ignore[attr-defined]
    return bool({plain(span.site.name) for span in view.institutions[code]} & {plain(name) for name in whose})
