"""A wrong clock appends nothing and makes no two doors say different things of one day."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from registry import accounts, proposals
from registry.domain.identifiers import format_code
from registry.editions import plan
from registry.editions.plan import EditionRequest
from registry.log import store
from registry.log.clock import read_clock, to_milliseconds
from registry.log.clock_check import Heartbeat, HeartbeatFile, Uptime
from registry.records.asof import SHANGHAI, to_day
from registry.settings import Settings
from registry.storage.database import Database
from tests.backends.conftest import BACKENDS, Postgres
from tests.factories import DAY, PASSWORD, a_change, a_database, a_source, an_institution, code_of, enter, propose
from tests.faults.clocks import Clock, Home, shifted
from tests.running import Ran, Server, eventually
from tests.times import the_clock_at

OLD = an_institution("鞍山市示例旧医院", "辽宁省鞍山市铁西区示例路1号", IVF="formal")
NAME, ADDRESS = "鞍山市示例新医院", "辽宁省鞍山市铁西区示例路2号"
AHEAD = dt.timedelta(days=400)
Maker = Callable[..., Home]


@pytest.fixture
def home(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Maker]:
    """Registers that hold one hospital, with keys and a published log, on either database."""
    made: list[Database] = []

    def home(backend: str = "sqlite", *, recorded: str = "") -> Home:
        folder = tmp_path / f"var-{len(made)}"
        folder.mkdir()
        postgres: Postgres | None = request.getfixturevalue("postgres") if backend == "postgresql" else None
        database = postgres.fresh() if postgres else a_database(folder)
        made.append(database)
        with database.writing() as connection:
            accounts.create_account(connection, "admin.a", ["administrator"], PASSWORD)
        with the_clock_at(recorded or read_clock().isoformat()):
            enter(database, a_source(), OLD)
        url = database.url.render_as_string(hide_password=False)
        found = Home(folder, database, {"REGISTRY_DATABASE_URL": url})
        assert found.run("init").code == 0
        return found

    yield home
    for one in made:
        one.close()


def a_hospital(number: int = 2, on: dt.date = DAY) -> Any:
    return an_institution(
        NAME if number == 2 else f"鞍山市示例{number}医院", f"辽宁省鞍山市铁西区示例路{number}号", on=on
    )


def size_of(home: Home) -> int:
    """Entries, after the whole check of the log and its views."""
    ran = home.run("log", "check", "--json")
    assert ran.code == 0, ran.err
    size: int = ran.json["size"]
    return size


def assert_refused(ran: Ran, *days: dt.datetime) -> None:
    """One line that names both times and what to do."""
    assert ran.code == 1, ran.out
    assert len(ran.err.strip().splitlines()) == 1, ran.err
    for day in days:
        assert f"{day.astimezone(SHANGHAI):%Y-%m-%d}" in ran.err, ran.err
    assert "时钟" in ran.err and ("registry clock confirm" in ran.err or "校准" in ran.err)


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_approval_under_a_clock_400_days_ahead_is_refused_and_goes_through_once_it_is_right(
    home: Maker, backend: str
) -> None:
    here = home(backend)
    number = propose(here.database, a_hospital())
    assert_refused(here.approve(number, **shifted("+400d")), read_clock() + AHEAD, read_clock())
    assert size_of(here) == 2
    assert here.approve(number).code == 0
    assert size_of(here) == 3


def test_a_clock_is_behind_the_log_from_ten_minutes_on(home: Maker) -> None:
    here = home()
    first, second = propose(here.database, a_hospital(2)), propose(here.database, a_hospital(3))
    assert_refused(here.approve(first, **shifted("-11m")), read_clock())
    assert here.approve(first, **shifted("-8m")).code == 0
    assert here.approve(second).code == 0
    with here.database.reading() as connection:
        times = [entry.recorded_at for chunk in store.read_entries(connection) for entry in chunk]
    assert times == sorted(times)
    assert size_of(here) == 4


def test_a_clock_behind_the_files_of_the_log_stops_appends_too(home: Maker) -> None:
    here = home(recorded="2026-01-05T02:00:00Z")
    number = propose(here.database, a_hospital())
    with here.database.reading() as connection:
        evidence = here.log.clock.collect_evidence(connection)
    assert to_milliseconds(read_clock()) - evidence.files < 600_000  # it was published just now
    assert_refused(here.approve(number, **shifted("-11m")), read_clock())
    # And behind the last checkpoint, where the files were put back with times of before.
    before = (read_clock() - dt.timedelta(days=2)).timestamp()
    for path in (here.folder / "log").rglob("*"):
        os.utime(path, (before, before))
    assert "检查点" in here.approve(number, **shifted("-11m")).err
    assert here.approve(number).code == 0
    assert size_of(here) == 3


def test_a_register_that_was_idle_for_a_month_appends_and_one_whose_clock_is_two_days_ahead_does_not(
    home: Maker,
) -> None:
    here = home(recorded=(read_clock() - dt.timedelta(days=30)).isoformat())
    first, second = propose(here.database, a_hospital(2)), propose(here.database, a_hospital(3))
    assert_refused(here.approve(first, **shifted("+2d")), read_clock() + dt.timedelta(days=2), read_clock())
    assert here.approve(first, **shifted("+20h")).code == 0  # less than a day: nobody can tell
    assert "慢" in here.approve(second).err  # and by the right clock that is behind the log, until somebody says so
    assert here.run("clock", "confirm", "--by", "admin.a").code == 0
    assert here.approve(second).code == 0
    assert size_of(here) == 4


# --- after a long stop -----------------------------------------------------------------------------------------------


def stopped_long_ago(here: Home) -> None:
    """As if the machine had been off for a hundred days: another start of it, and nothing written since."""
    then = read_clock() - dt.timedelta(days=100)
    beat = Heartbeat(seen_at=to_milliseconds(then), running=Uptime(boot="another start", seconds=10.0))
    HeartbeatFile(here.folder).write(beat)


#: A clock that differs from this machine's own, so that the kernel's word on that one says nothing of it.
ODD = "+30m"


def test_after_a_long_stop_an_administrator_says_that_the_clock_is_right(home: Maker) -> None:
    here = home(recorded=(read_clock() - dt.timedelta(days=100)).isoformat())
    with here.database.writing() as connection:
        connection.exec_driver_sql("DROP TRIGGER checkpoints_no_update")
        connection.exec_driver_sql("UPDATE checkpoints SET signed_at = signed_at - 8640000000")
    stopped_long_ago(here)
    number, clock = propose(here.database, a_hospital()), shifted(ODD)
    assert_refused(here.approve(number, **clock), read_clock() - dt.timedelta(days=100), read_clock())
    told = here.run("clock", "show", "--json", **clock).json
    assert told["wrong"] and told["confirmed"] is None and told["expected"] is None
    assert here.run("clock", "confirm", "--by", "approver.a", **clock).code == 1  # not an administrator
    assert here.approve(number, **clock).code == 1
    assert here.run("clock", "confirm", "--by", "admin.a", **clock).code == 0
    assert here.approve(number, **clock).code == 0
    with here.database.reading() as connection:
        deeds = connection.exec_driver_sql("SELECT account FROM trail WHERE action = 'clock_confirmed'").all()
    assert [account for (account,) in deeds] == ["admin.a"]


class TimeServer:
    """A web server whose Date is `offset` away from the clock of this machine."""

    def __init__(self) -> None:
        self.offset = dt.timedelta(0)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self.send_response(405)  # whatever it answers, it dates it
                self.end_headers()

            def date_time_string(self, timestamp: float | None = None) -> str:
                del timestamp
                return f"{read_clock() + outer.offset:%a, %d %b %Y %H:%M:%S GMT}"

            def log_message(self, *_: Any) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Give the port back."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def time_server() -> Iterator[TimeServer]:
    server = TimeServer()
    yield server
    server.stop()


def test_a_trusted_web_server_says_that_the_clock_is_right_or_that_it_is_wrong(
    home: Maker, time_server: TimeServer
) -> None:
    here = home(recorded=(read_clock() - dt.timedelta(days=100)).isoformat())
    stopped_long_ago(here)
    first, second = propose(here.database, a_hospital(2)), propose(here.database, a_hospital(3))
    asking = {**shifted(ODD), "REGISTRY_TIME_SOURCE": time_server.url}
    assert_refused(here.approve(first, **asking), read_clock())  # 30 minutes apart
    assert here.run("clock", "confirm", "--by", "admin.a", **asking).code == 1  # no word stands against it
    time_server.offset = dt.timedelta(minutes=30)
    assert here.approve(first, **asking).code == 0
    time_server.stop()  # one that cannot be asked says nothing
    assert here.approve(second, **asking).code == 0
    assert size_of(here) == 4


def test_a_half_written_or_lost_file_of_the_clock_stops_nobody(home: Maker) -> None:
    here = home()
    (here.folder / "clock").write_bytes(b'{"seen_at":17')
    assert here.approve(propose(here.database, a_hospital(2))).code == 0
    (here.folder / "clock").unlink()
    assert here.approve(propose(here.database, a_hospital(3))).code == 0
    assert HeartbeatFile(here.folder).read() is not None
    (here.folder / "clock").unlink()
    assert_refused(here.approve(propose(here.database, a_hospital(4)), **shifted("+2d")), read_clock())


def test_an_old_backup_is_restored_and_appended_to_without_ceremony(home: Maker, tmp_path: Path) -> None:
    here = home(recorded="2025-09-01T02:00:00Z")
    assert here.run("backup", str(tmp_path / "old.backup")).code == 0
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / "signing.key").write_bytes((here.folder / "signing.key").read_bytes())
    there = Home(folder, Database(f"sqlite:///{folder / 'register.sqlite'}"))
    assert there.run("restore", str(tmp_path / "old.backup")).code == 0
    assert there.approve(propose(there.database, a_hospital())).code == 0
    assert size_of(there) == 3
    there.database.close()


# --- while it runs ---------------------------------------------------------------------------------------------------


def test_a_wrong_clock_is_said_from_the_start_or_when_it_jumps_and_forgotten_once_it_is_right(
    home: Maker, tmp_path: Path
) -> None:
    here, clock = home(), Clock(tmp_path)
    # Waits a day for another person.
    waiting = proposals.suspend(here.database, OLD.subject, by="editor.a", reason="示例", log=here.log).waiting
    claim: dict[str, Any] = {"provider": {"name": OLD.change.set["name"]}}
    number = propose(here.database, a_hospital())
    clock.set("+400d")
    server = Server(here.folder, **here.env, **clock.env)
    try:
        assert faults_of(server) == ["clock_wrong"]
        told = server.get("/readyz").json()["faults"][0]
        assert f"{to_day(read_clock() + AHEAD)}" in told["zh"] and "registry clock confirm" in told["en"]
        receipt = server.verify(**claim, receipt=True)["receipt"]
        for offset in ("+400d", "-3h"):
            clock.set(offset)
            assert eventually(lambda: faults_of(server) == ["clock_wrong"])
            ready = server.get("/readyz")
            assert (ready.status_code, ready.json()["ready"], metric_of(server)) == (200, True, 1)
            assert here.approve(number, **clock.env).code == 1
            assert server.verify(**claim)["verdict"] == "suspended"  # questions are answered on
            clock.set("+0")
            assert eventually(lambda: faults_of(server) == [])
            assert metric_of(server) == 0
        # What was signed under the wrong clock is genuine, and says of which day it speaks.
        checked = server.client.post("/api/v1/receipts/check", json={"receipt": receipt}).json()
        assert (checked["valid"], checked["still_true"]) == (True, True)
        assert checked["answer"]["on"] == to_day(read_clock() + AHEAD).isoformat()
        with here.database.reading() as connection:  # no suspension fell back by a day that did not pass
            assert proposals.get_proposal(connection, waiting).state == "pending"
        assert here.approve(number, **clock.env).code == 0
        assert here.approve(waiting).code == 0
    finally:
        server.end()
    lines = [line for line in server.errors.read_text().splitlines() if "clock_wrong" in line]
    assert len(lines) == 4, lines  # its begin and its end, twice
    assert size_of(here) == 5


def faults_of(server: Server) -> list[str]:
    return [one["code"] for one in server.get("/readyz").json()["faults"]]


def metric_of(server: Server) -> float:
    lines = server.metrics().splitlines()
    return float(next(line for line in lines if line.startswith("registry_clock_wrong ")).split()[1])


# --- what was recorded ahead of time ---------------------------------------------------------------------------------


@pytest.fixture(params=["confirmed", "older"])
def ahead(request: pytest.FixtureRequest, home: Maker) -> Home:
    """A register whose last entry was recorded 400 days ahead and is true from that day on; the clock is back.

    By an administrator who confirmed the wrong clock, on SQLite; by a version that did not look, on PostgreSQL.
    """
    future = read_clock() + AHEAD
    hospital = a_hospital(on=to_day(future))
    if request.param == "confirmed":
        here = home("sqlite")
        clock = shifted("+400d")
        assert here.run("clock", "confirm", "--by", "admin.a", **clock).code == 0
        assert here.approve(propose(here.database, hospital), **clock).code == 0
    else:
        here = home("postgresql")
        with the_clock_at(future.isoformat()):
            enter(here.database, hospital)
        assert here.run("log", "checkpoint").code == 0
    return here


def test_today_no_door_contradicts_another(ahead: Home, tmp_path: Path) -> None:
    code, today = format_code(code_of(a_hospital())), to_day(read_clock() + AHEAD)
    server = Server(ahead.folder, **ahead.env)
    try:
        found = doors(server, code)
    finally:
        server.end()
    found |= shell(ahead, tmp_path)
    with ahead.database.reading() as connection:
        present = store.read_head(connection).recorded_at
    planned = plan.make_plan(ahead.database, EditionRequest(title="示例名录"), "http://register.example")
    found["edition"] = (planned.totals.institutions, planned.as_of)
    assert found == {
        "page": 200,
        "landing": 200,
        "history": 200,
        "search page": True,
        "list": (2, [code]),
        "item": "listed",
        "verify": "licensed",
        "GET verify": "licensed",
        "by code": "licensed",
        "batch": "licensed",
        "rows": "licensed",
        "check page": True,
        "reconcile": (code, True),
        "suggest": [code],
        "stats": (2, 2),
        "snapshot": (2, today.isoformat()),
        "changes": 3,
        "day": today.isoformat(),
        "known_at": present,
        "receipt": (True, True),
        "badge of the day": True,
        "registry verify": "licensed",
        "registry search": [code],
        "registry check": "licensed",
        "edition": (2, today),
    }


def doors(server: Server, code: str) -> dict[str, Any]:
    """What every door over HTTP says of the hospital today."""
    claim = {"provider": {"name": NAME}, "techniques": ["IVF"]}
    answer = server.verify(**claim, receipt=True)
    receipt = server.client.post("/api/v1/receipts/check", json={"receipt": answer["receipt"]}).json()
    assert receipt["signed_at"][:19] == answer["known_at"][:19]
    batch = server.client.post("/api/v1/verify/batch", json={"claims": [claim]}).json()
    rows = server.client.post(
        "/api/v1/verify/batch", content=json.dumps(claim), headers={"Content-Type": "application/x-ndjson"}
    )
    listed, all_of = server.api("/institutions", q=NAME, technique="IVF"), server.api("/institutions")
    queries = json.dumps({"q0": {"query": NAME}})
    reconciled = server.client.post("/reconcile", data={"queries": queries}).json()["q0"]["result"][0]
    stats, snapshot = server.api("/stats"), server.api("/snapshot")
    of_ivf = next(one["count"] for one in stats["by_technique"] if one["technique"] == "IVF")
    check = server.get("/check", name=NAME, technique="IVF").text
    return {
        "page": server.get(f"/i/{code}").status_code,
        "landing": server.get(f"/q/{code}").status_code,
        "history": server.get(f"/i/{code}/history").status_code,
        "search page": f"/i/{code}" in server.get("/search", q=NAME).text,
        "list": (all_of["total"], [one["code"] for one in listed["items"] if one["name"] == NAME]),
        "item": server.api(f"/institutions/{code}")["status"],
        "verify": answer["verdict"],
        "GET verify": server.api("/verify", name=NAME, technique="IVF")["verdict"],
        "by code": server.verify(provider={"code": code})["verdict"],
        "batch": batch["answers"][0]["verdict"],
        "rows": json.loads(rows.text.splitlines()[0])["verdict"],
        "check page": "获准开展" in check and code in check,
        "reconcile": (reconciled["id"], reconciled["match"]),
        "suggest": [one["code"] for one in server.api("/suggest", q=NAME)["items"] if one["name"] == NAME],
        "stats": (stats["total"], of_ivf),
        "snapshot": (snapshot["total"], snapshot["on"]),
        "changes": server.api("/changes", since=0)["log_size"],
        "day": answer["on"],
        "known_at": to_milliseconds(dt.datetime.fromisoformat(answer["known_at"])),
        "receipt": (receipt["valid"], receipt["still_true"]),
        "badge of the day": answer["on"].replace("-", "") in server.get("/api/v1/stats").headers["etag"],
    }


def shell(home: Home, folder: Path) -> dict[str, Any]:
    """What the shell says of it."""
    (folder / "claims.csv").write_text(f"name,techniques\n{NAME},IVF\n", "utf-8")
    found = home.run("search", NAME, "--json").json
    checked = home.run("check", str(folder / "claims.csv"))
    return {
        "registry verify": home.run("verify", NAME, "--technique", "IVF", "--json").json["verdict"],
        "registry search": [one["institution"]["code"] for one in found["items"] if one["institution"]["name"] == NAME],
        "registry check": next(word for word in ("licensed", "not_found", "unknown") if word in checked.out),
    }


def test_once_an_administrator_says_that_the_clock_is_right_appends_go_on_and_never_back(ahead: Home) -> None:
    number = propose(ahead.database, a_hospital(6))
    assert_refused(ahead.approve(number), read_clock() + AHEAD)
    assert ahead.run("clock", "confirm", "--by", "admin.a").code == 0
    assert ahead.approve(number).code == 0
    with ahead.database.reading() as connection:
        *_, before, last = (entry for chunk in store.read_entries(connection) for entry in chunk)
    assert last.recorded_at == before.recorded_at
    # A clock that falls behind what was confirmed is wrong again, however far ahead the log is.
    assert_refused(ahead.approve(propose(ahead.database, a_hospital(7)), **shifted("-3h")), read_clock())
    change = propose(ahead.database, a_change(OLD, DAY, {"level": "三级甲等"}))
    assert ahead.approve(change).code == 0
    assert size_of(ahead) == 5


def test_machines_that_share_a_database_compare_their_clocks_with_its_own(home: Maker, tmp_path: Path) -> None:
    here = home("postgresql", recorded="2026-01-05T02:00:00Z")
    other = Home(tmp_path / "other", here.database, here.env)
    other.folder.mkdir()
    shutil.copy(here.folder / "signing.key", other.folder)  # whoever cannot sign appends nothing
    number = propose(here.database, a_hospital())
    assert "数据库服务器" in other.approve(number, **shifted("+15m")).err
    assert "数据库服务器" in other.approve(number, **shifted("-15m")).err
    assert other.approve(number).code == 0
    assert msgspec.json.decode((other.folder / "clock").read_bytes())["seen_at"]
    assert Settings(data_dir=other.folder).time_source == ""
    assert here.run("log", "checkpoint").code == 0  # takes over what the other machine signed
    assert size_of(here) == 3
