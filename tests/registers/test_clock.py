"""The present of a register, what is known of the time, and which clocks can be right by it."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest

from registry.errors import StorageReadOnly
from registry.log import clock, clock_check
from registry.log.clock import find_present, from_milliseconds, to_milliseconds
from registry.log.clock_check import (
    ClockEvidence,
    Heartbeat,
    HeartbeatFile,
    TimeStatement,
    Uptime,
    WebTime,
    find_clock_fault,
    make_heartbeat,
    measure_uptime,
)
from registry.log.folder import CHECKPOINT, LogFolder
from registry.log.tiles import Tile
from registry.records import asof
from registry.texts import FixedText
from registry.verification.answer import take_moment
from tests.factories import DAY, a_change, a_register, a_source, a_view, an_institution, ask, enter
from tests.times import the_clock_at

NOW = dt.datetime(2026, 11, 29, 4, tzinfo=dt.UTC)
MINUTE, HOUR, ONE_DAY = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)
HERE, AFTER, OTHER = Uptime("one", 1000.0), Uptime("one", 4600.0), Uptime("other", 5.0)


# --- the present -----------------------------------------------------------------------------------------------------


def test_now_is_the_clock_and_never_before_the_last_entry() -> None:
    with the_clock_at(NOW.isoformat()):
        assert find_present(0) == find_present(to_milliseconds(NOW - ONE_DAY)) == NOW
        assert find_present(to_milliseconds(NOW + ONE_DAY)) == NOW + ONE_DAY


@pytest.mark.parametrize("instant", [NOW, dt.datetime(1969, 12, 31, 23, 59, 59, 1000, tzinfo=dt.UTC)])
def test_milliseconds_and_instants_are_each_others_inverse(instant: dt.datetime) -> None:
    assert from_milliseconds(to_milliseconds(instant)) == instant


def test_a_day_begins_at_midnight_in_shanghai_for_the_database_and_for_the_view(tmp_path: Path) -> None:
    database = a_register(tmp_path, a_source())
    future = dt.datetime(2099, 12, 31, 15, 59, 59, tzinfo=dt.UTC)
    for instant, day in ((future, dt.date(2099, 12, 31)), (future + dt.timedelta(seconds=1), dt.date(2100, 1, 1))):
        with the_clock_at(instant.isoformat()):
            enter(database, an_institution(f"示例{day}医院"))
        view = a_view(database)
        with database.reading() as connection:
            assert asof.find_now(connection) == view.find_now() == instant
            assert asof.find_today(connection) == view.find_today() == asof.make_as_of(connection).valid_on == day
        assert take_moment(view).now == instant and take_moment(view).day == day
    database.close()


def test_at_one_moment_the_view_says_the_present_of_what_it_holds_and_not_of_what_came_since(tmp_path: Path) -> None:
    database = a_register(tmp_path, a_source(), an_institution())
    view = a_view(database)
    with the_clock_at("2099-06-01T00:00:00Z"):
        enter(database, a_change(an_institution(), DAY, {"level": "三级甲等"}))
    assert view.find_today() < dt.date(2099, 1, 1)
    view.follow_log(database)
    assert view.find_today() == dt.date(2099, 6, 1)
    assert view.find_now(2) < dt.datetime(2099, 1, 1, tzinfo=dt.UTC)
    database.close()


def test_what_was_recorded_ahead_of_time_holds_today_and_is_said_of_today(tmp_path: Path) -> None:
    database = a_register(tmp_path, a_source())
    with the_clock_at("2099-06-01T00:00:00Z"):
        enter(database, an_institution(on=dt.date(2099, 6, 1)))
    answer = ask(a_view(database), "鞍山市示例医院", "IVF")
    assert (answer.verdict, answer.on, answer.known_at.year) == ("licensed", dt.date(2099, 6, 1), 2099)
    assert "2099" not in answer.explanation  # a sentence about today names no day
    database.close()


# --- what is known of the time ---------------------------------------------------------------------------------------


def evidence(
    *,
    entry: dt.datetime | None = None,
    signed: dt.datetime | None = None,
    files: dt.datetime | None = None,
    seen: dt.datetime | None = None,
    confirmed: dt.datetime | None = None,
    excused: dt.datetime | None = None,
    running: Uptime = AFTER,
    synchronised: bool = False,
    says: tuple[TimeStatement, ...] = (),
) -> ClockEvidence:
    def at(instant: dt.datetime | None) -> int:
        return to_milliseconds(instant) if instant else 0

    beat = Heartbeat(at(seen), HERE, at(confirmed), at(excused)) if seen else None
    return ClockEvidence(2, at(entry), at(signed), at(files), beat, running, synchronised, list(says))


def web(instant: dt.datetime, vouches: bool = True) -> TimeStatement:
    return TimeStatement(message=FixedText("某处的时间", "the time of somewhere"), instant=instant, vouches=vouches)


LONG_AGO = NOW - 100 * ONE_DAY
RIGHT = {
    "nothing is known": evidence(),
    "the log is of today": evidence(entry=NOW - HOUR, signed=NOW - HOUR, files=NOW - HOUR),
    "the log is nine minutes ahead": evidence(entry=NOW + 9 * MINUTE, files=NOW + 9 * MINUTE),
    "idle for long, and running all the while": evidence(
        entry=LONG_AGO, seen=LONG_AGO, running=Uptime("one", 1000 + 100 * 86400.0)
    ),
    "less than a day ahead": evidence(entry=NOW - 23 * HOUR),
    "started again within a day": evidence(entry=LONG_AGO, seen=NOW - 23 * HOUR, running=OTHER),
    "off for long, another machine appended": evidence(entry=NOW - HOUR, seen=LONG_AGO, running=OTHER),
    "off for long, kept by a time service": evidence(entry=LONG_AGO, synchronised=True),
    "off for long, a web server knows": evidence(entry=LONG_AGO, says=(web(NOW + MINUTE),)),
    "off for long, confirmed": evidence(entry=LONG_AGO, seen=NOW, confirmed=NOW, excused=LONG_AGO, running=OTHER),
    "came back by a few hours, nothing recorded": evidence(
        entry=NOW - HOUR, seen=NOW + 3 * HOUR, running=Uptime("one", 1060.0)
    ),
    "the log is ahead, confirmed": evidence(
        entry=NOW + 400 * ONE_DAY, signed=NOW + HOUR, seen=NOW, confirmed=NOW, excused=NOW + 400 * ONE_DAY
    ),
    "files of a later day, but a web server knows": evidence(entry=NOW, files=NOW + HOUR, says=(web(NOW),)),
    "the database's server agrees": evidence(entry=NOW, says=(web(NOW - 9 * MINUTE, vouches=False),)),
}
WRONG = {
    "behind the last entry": (evidence(entry=NOW + 11 * MINUTE), "日志第2条"),
    "behind the last entry, whoever vouches": (
        evidence(entry=NOW + 11 * MINUTE, synchronised=True, says=(web(NOW),)),
        "日志第2条",
    ),
    "behind the last checkpoint": (evidence(entry=NOW - HOUR, signed=NOW + 11 * MINUTE), "检查点"),
    "behind the files": (evidence(entry=NOW - HOUR, files=NOW + 11 * MINUTE), "日志文件"),
    "behind what was confirmed": (
        evidence(
            entry=NOW + 400 * ONE_DAY,
            seen=NOW + HOUR,
            confirmed=NOW + HOUR,
            excused=NOW + 400 * ONE_DAY,
            running=Uptime("one", 1060.0),
        ),
        "管理员确认",
    ),
    "more was recorded ahead since it was confirmed": (
        evidence(entry=NOW + 2 * HOUR, seen=NOW, confirmed=NOW - HOUR, excused=NOW + HOUR),
        "日志第2条",
    ),
    "ahead of the last entry": (evidence(entry=NOW - 25 * HOUR), "快了超过一天"),
    "jumped": (evidence(entry=NOW - 25 * HOUR, seen=NOW - 26 * HOUR, running=AFTER), "快了超过一天"),
    "jumped, and the files were touched since": (
        evidence(entry=LONG_AGO, files=NOW, signed=NOW, seen=LONG_AGO, running=AFTER),
        "快了超过一天",
    ),
    "off for long": (evidence(entry=LONG_AGO, seen=LONG_AGO + ONE_DAY, running=OTHER), "快了超过一天"),
    "off for long, and a lost file was put back": (
        evidence(entry=LONG_AGO, files=NOW, seen=LONG_AGO, running=OTHER),
        "快了超过一天",
    ),
    "off for long, a server that may be this machine agrees": (
        evidence(entry=LONG_AGO, says=(web(NOW, vouches=False),)),
        "快了超过一天",
    ),
    "ahead of a machine that does not say how long it runs": (
        evidence(entry=LONG_AGO, seen=LONG_AGO, running=Uptime()),
        "快了超过一天",
    ),
    "a web server says otherwise": (
        evidence(entry=NOW, synchronised=True, says=(web(NOW + 11 * MINUTE),)),
        "某处的时间",
    ),
    "the database's server says otherwise": (evidence(says=(web(NOW - 11 * MINUTE, vouches=False),)), "某处的时间"),
}


@pytest.mark.parametrize("case", RIGHT)
def test_a_clock_can_be_right(case: str) -> None:
    assert find_clock_fault(RIGHT[case], NOW) is None


@pytest.mark.parametrize("case", WRONG)
def test_a_clock_cannot_be_right_and_the_sentence_names_both_times(case: str) -> None:
    known, word = WRONG[case]
    wrong = find_clock_fault(known, NOW)
    assert wrong is not None and wrong.code == "clock_wrong"
    assert word in wrong.zh
    assert all("2026-11-29 12:00:00" in text for text in (wrong.zh, wrong.en))
    known_at = dt.datetime.fromisoformat(wrong.details["known"]).astimezone(asof.SHANGHAI)
    assert all(f"{known_at:%Y-%m-%d %H:%M:%S}" in text for text in (wrong.zh, wrong.en))
    assert abs(known_at - NOW) > 10 * MINUTE


# --- the heartbeat ---------------------------------------------------------------------------------------------------


def test_what_the_clock_has_to_show_follows_from_how_long_the_machine_has_been_running() -> None:
    beat = make_heartbeat(NOW, HERE, None)
    assert beat.find_expected_time(AFTER) == NOW + HOUR
    for unknown in (OTHER, Uptime(), Uptime("one", 999.0)):  # a container that counts anew, say
        assert beat.find_expected_time(unknown) is None
    again = make_heartbeat(NOW + HOUR, AFTER, Heartbeat(1, HERE, confirmed_at=2, excused_until=3))
    assert (again.seen_at, again.confirmed_at, again.excused_until) == (to_milliseconds(NOW + HOUR), 2, 3)


def test_a_machine_says_how_long_it_has_been_running() -> None:
    one, later = measure_uptime(), measure_uptime()
    assert one.boot == later.boot != ""
    assert 0 < one.seconds <= later.seconds


def test_the_file_of_the_heartbeat_is_whole_or_not_there(tmp_path: Path) -> None:
    file = HeartbeatFile(tmp_path / "new")
    assert file.read() is None
    beat = make_heartbeat(NOW, HERE, None)
    file.write(beat)
    assert file.read() == beat
    assert [path.name for path in file.path.parent.iterdir()] == ["clock"]
    file.path.write_bytes(file.path.read_bytes()[:20])
    assert file.read() is None
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(StorageReadOnly):
        HeartbeatFile(tmp_path / "taken").write(beat)


# --- files and sources -----------------------------------------------------------------------------------------------


def test_the_files_of_the_log_tell_when_the_last_of_them_was_written(tmp_path: Path) -> None:
    folder = LogFolder(tmp_path)
    assert folder.read_last_write_time() == 0
    for number, tile in enumerate([Tile(0, 999), Tile(0, 1000), Tile(0, 1001, 7), Tile(None, 1001, 7)]):
        folder.write_file(f"tile/{tile.path}", b"x")
        os.utime(tmp_path / "tile" / tile.path, (number, number))
    folder.write_file(CHECKPOINT, b"x")
    long_ago = 1000.0
    for path in [tmp_path / CHECKPOINT, *tmp_path.rglob("*")]:
        os.utime(path, (long_ago, long_ago))
    assert folder.read_last_write_time() == long_ago
    for newest in (CHECKPOINT, f"tile/{Tile(0, 1001, 7).path}", f"tile/{Tile(None, 1001, 7).path}"):
        os.utime(tmp_path / newest, (2000.0, 2000.0))
        assert folder.read_last_write_time() == 2000.0, newest
        os.utime(tmp_path / newest, (long_ago, long_ago))


def test_the_kernel_vouches_for_no_clock_but_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert clock_check.is_synchronised() in (True, False)  # whatever this machine says of itself
    monkeypatch.setattr(clock_check, "read_clock", lambda: clock.read_clock() + HOUR)
    assert clock_check.is_synchronised() is False


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:1/", "http://[", "no address"])
def test_a_web_server_that_cannot_be_asked_says_nothing(url: str) -> None:
    assert WebTime(url).ask_server() is None
