"""Limits as they are counted: windows that slide, processes that share, a file that may be lost."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.storage.request_counts import Counts, to_network, to_whole_seconds
from tests.thoroughness import count_examples

MINUTE = 60
START = 1_800_000_000.0  # the beginning of a minute


@pytest.fixture
def counts(tmp_path: Path) -> Counts:
    return Counts(tmp_path / "limits.sqlite")


def test_so_many_are_let_through_and_the_next_is_told_how_long_to_wait(counts: Counts) -> None:
    rooms = [counts.take_one("a", 3, MINUTE, START + n) for n in range(4)]
    assert [room.is_admitted for room in rooms] == [True, True, True, False]
    assert [room.left for room in rooms] == [2, 1, 0, 0]
    assert rooms[3].wait > 50


def test_whoever_waits_as_told_is_let_through_and_not_before(counts: Counts) -> None:
    for n in range(3):
        counts.take_one("a", 3, MINUTE, START + 40 + n)
    wait = counts.take_one("a", 3, MINUTE, START + 43).wait
    assert wait == 62  # five seconds are counted together
    assert not counts.take_one("a", 3, MINUTE, START + 43 + wait - 0.5).is_admitted
    assert counts.take_one("a", 3, MINUTE, START + 43 + to_whole_seconds(wait)).is_admitted


def test_nobody_gets_two_minutes_worth_by_asking_around_the_full_minute(counts: Counts) -> None:
    before = sum(counts.take_one("a", 10, MINUTE, START + 59 + n / 100).is_admitted for n in range(10))
    after = sum(counts.take_one("a", 10, MINUTE, START + 60 + n / 100).is_admitted for n in range(10))
    assert (before, after) == (10, 0)


def test_askers_are_counted_apart(counts: Counts) -> None:
    assert counts.take_one("a", 1, MINUTE, START).is_admitted
    assert counts.take_one("b", 1, MINUTE, START).is_admitted
    assert not counts.take_one("a", 1, MINUTE, START).is_admitted


def test_a_refused_request_costs_nothing(counts: Counts) -> None:
    counts.take_one("a", 1, MINUTE, START)
    waits = [counts.take_one("a", 1, MINUTE, START + 1).wait for _ in range(50)]
    assert len(set(waits)) == 1


def test_what_was_asked_beyond_counts_too(counts: Counts) -> None:
    counts.take_one("a", 100, MINUTE, START)
    counts.add_in_window("a", MINUTE, START, 99)
    assert not counts.take_one("a", 100, MINUTE, START + 1).is_admitted


def test_windows_that_count_no_more_are_let_go_and_those_that_count_stay(counts: Counts) -> None:
    for _ in range(2):
        counts.take_one("a", 2, MINUTE, START)
    counts.delete_old_counts(START + 59)
    assert not counts.take_one("a", 2, MINUTE, START + 59).is_admitted
    counts.delete_old_counts(START + 65)
    assert [counts.take_one("a", 2, MINUTE, START + 59).left for _ in range(2)] == [1, 0]


def test_a_day_is_counted_by_itself(counts: Counts) -> None:
    counts.add_in_period("a", 86_400, 7, 5)
    counts.add_in_period("a", 86_400, 7, 6)
    assert [counts.count_in_period("a", 86_400, number) for number in (6, 7, 8)] == [0, 11, 0]


@settings(max_examples=count_examples(60), deadline=None)
@given(
    limit=st.integers(1, 20),
    pauses=st.lists(st.floats(0, 45, allow_nan=False), max_size=80),
)
def test_within_any_minute_no_more_than_the_limit_and_nobody_waits_longer_than_needed(
    limit: int, pauses: list[float]
) -> None:
    counts = Counts(None)
    at, admitted = START, []
    for pause in pauses:
        at += pause
        room = counts.take_one("a", limit, MINUTE, at)
        recent = [moment for moment in admitted if moment > at - MINUTE]
        if room.is_admitted:
            assert len(recent) < limit
            assert 0 <= room.left < limit
            admitted.append(at)
        else:
            assert len([moment for moment in admitted if moment > at - MINUTE - 5]) >= limit
            nth = sorted(admitted)[-limit]  # once it is more than a minute (and its five seconds) ago there is room
            assert nth + MINUTE < at + room.wait <= nth + MINUTE + 5.001
    counts.close()


def _ask(file: Path, times: int) -> int:
    counts = Counts(file)
    return sum(counts.take_one("a", 100, MINUTE, START).is_admitted for _ in range(times))


def test_processes_count_together_to_the_last_one(tmp_path: Path) -> None:
    file = tmp_path / "limits.sqlite"
    Counts(file).take_one("b", 1, MINUTE, START)
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        admitted = pool.starmap(_ask, [(file, 60)] * 4)
    assert sum(admitted) == 100


def test_a_file_that_is_no_database_stops_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "limits.sqlite"
    file.write_bytes(b"nothing that can be read" * 100)
    counts = Counts(file)
    assert [counts.take_one("a", 2, MINUTE, START).is_admitted for _ in range(3)] == [True, True, False]
    assert "counted by this process alone" in caplog.text


def test_a_file_damaged_while_it_is_used_stops_nobody(tmp_path: Path) -> None:
    file = tmp_path / "limits.sqlite"
    counts = Counts(file)
    counts.take_one("a", 2, MINUTE, START)
    for path in tmp_path.iterdir():
        path.write_bytes(b"\x00" * 8192)
    assert counts.take_one("a", 2, MINUTE, START).is_admitted
    assert [counts.take_one("a", 2, MINUTE, START).is_admitted for _ in range(3)].count(True) >= 1


def test_addresses_of_one_subscriber_are_one_asker() -> None:
    assert to_network("2001:db8::1") == to_network("2001:db8::ffff:1")
    assert to_network("2001:db8::1") != to_network("2001:db8:0:1::1")
    assert to_network("fe80::1%eth0") == "fe80::/64"
    assert to_network("198.51.100.7") != to_network("198.51.100.8")
    assert to_network("not an address: at all") == "not an address: at all"
