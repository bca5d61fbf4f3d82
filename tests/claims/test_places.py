"""Every listed address as it may be written, and under changes that make another place of it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from registry.records.asof import AsOf
from registry.verification.addresses import compare_addresses
from registry.verification.name_match import match_by_name
from registry.verification.view import VerificationView
from tests.claims import places
from tests.claims.lists import now
from tests.factories import a_register, a_source, a_view, an_institution, ask

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


def test_a_place_said_short_speaks_for_a_site_and_never_against_it(view: VerificationView) -> None:
    """鞍山铁西 fits what lies in 铁西区; 和平 may be a street or half a city, too: it accuses nobody in 沈阳."""
    wrong, tried = [], 0
    for one in now():
        site = next(match.site for match in match_by_name(view, one.name, AsOf(valid_on=ON, size=view.size)))
        if site.address != one.address or site.region is None:
            continue  # one of two of that name
        own, others = places.short_places(site.region)
        every = (*((place, ("region",)) for place in own), *((place, ("region", "unreadable")) for place in others))
        for written, words in every:
            tried += 1
            word = compare_addresses(written, site.address, site.region, (site.name,))
            if word not in words:
                wrong.append((one.name, one.address, written, word))
        answer = ask(view, one.name, one.techniques[0], on=ON, address=own[-1])
        assert answer.compared is None or answer.compared.address == "region"
        assert answer.verdict in ("licensed", "ambiguous"), one.name
    assert wrong == []
    assert tried >= 10_000


def test_of_two_sites_of_one_name_the_short_place_chooses_and_another_leaves_both(tmp_path: Path) -> None:
    tiexi = an_institution("示例医院", "辽宁省鞍山市铁西区示例路1号", region="210303")
    lishan = an_institution("示例医院", "辽宁省鞍山市立山区示例路2号", region="210304", AIH="formal")
    view = a_view(a_register(tmp_path, a_source(), tiexi, lishan))
    verdicts = {
        place: ask(view, "示例医院", "IVF", on=ON, address=place).verdict
        for place in ("鞍山铁西", "鞍山立山", "铁西", "鞍山千山", "鞍山市千山区", "大连")
    }
    assert list(verdicts.values()) == [
        *("licensed", "technique_not_licensed", "licensed", "ambiguous", "site_mismatch", "site_mismatch")
    ]


def test_a_number_where_the_list_prints_none_is_not_the_site_and_accuses_nobody() -> None:
    compared = [
        (compare_addresses(written, one.address, None), written) for one in now() for written in places.numbered(one)
    ]
    assert len(compared) >= 10
    assert [case for case in compared if case[0] != "unreadable" and "A座" not in case[1]] == []
