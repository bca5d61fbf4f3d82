"""The database out of reach, or locked by somebody else: what is in memory goes on for a stated time, with its age."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from registry.errors import Busy
from registry.storage.database import Database
from registry.storage.fault_board import FaultBoard
from registry.storage.locks import LockWait, lock_wait
from tests.backends.conftest import BACKENDS, Postgres
from tests.broken import CLAIM, HOSPITAL, NOT_LICENSED, TO_READERS, Broken, answered
from tests.factories import a_database, an_institution, propose
from tests.running import Server, eventually, slowness_of

#: Seconds for which these servers answer from memory where the machine is quick.
LIMIT = 12


@contextmanager
def file_moved_away(one: Broken) -> Iterator[None]:
    files = sorted(one.data_dir.glob("register.sqlite*"))
    for file in files:
        file.rename(file.with_name(f"away-{file.name}"))
    yield
    for file in one.data_dir.glob("register.sqlite*"):
        file.unlink()
    for file in files:
        file.with_name(f"away-{file.name}").rename(file)


class OwnPostgres(Postgres):
    """A server that this test may kill."""

    @contextmanager
    def killed(self, _one: Broken) -> Iterator[None]:
        """Ended at once, as by a power cut, and started again at the end."""
        pid = self._server.get_pid()
        assert pid
        os.kill(pid, signal.SIGQUIT)
        assert eventually(lambda: not Path(f"/proc/{pid}").exists())
        yield
        self._server.ensure_postgres_running()


@pytest.fixture
def limit(server: Server) -> int:
    """The same here: in that time all is asked that memory answers."""
    return LIMIT + int(100 * slowness_of(server))


@pytest.fixture(params=BACKENDS)
def away(
    request: pytest.FixtureRequest, limit: int, tmp_path: Path
) -> Iterator[tuple[Broken, Callable[[Broken], object]]]:
    """A register, and what takes its database out of reach for the length of a block."""
    if request.param == "sqlite":
        with Broken(tmp_path / "var", state_limit=limit) as one:
            yield one, file_moved_away
        return
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    server = OwnPostgres(folder)
    try:
        database = server.fresh()
        database.close()
        url = database.url.render_as_string(hide_password=False)
        with Broken(tmp_path / "var", url, state_limit=limit) as one:
            yield one, server.killed
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def test_what_is_in_memory_is_answered_with_its_age_and_then_nothing_is(
    away: tuple[Broken, Callable[[Broken], object]], limit: int
) -> None:
    one, taking_it_away = away
    server = one.serve()
    one.require_reads(server)
    tag = server.get("/api/v1/verify", name=HOSPITAL).headers["etag"]
    with taking_it_away(one):  # type: ignore[attr-defined]
        one.begins(server, "database_unreachable")
        assert server.get("/readyz").status_code == 503
        assert_memory_answers_with_its_age(server, tag)
        assert_a_scanned_code_is_answered_from_memory(one, server)
        assert_what_needs_the_database_refuses_at_once(server)
        assert eventually(lambda: server.client.post("/api/v1/verify", json=CLAIM).status_code == 503, limit + 30, 0.3)
        assert_nothing_is_answered(one, server, tag)
    one.ends(server, "database_unreachable")
    one.require_reads(server)
    assert eventually(lambda: server.verify(**CLAIM)["state_age"] <= 1)
    assert "Traceback" not in server.errors.read_text()
    one.require_whole()


def assert_memory_answers_with_its_age(server: Server, tag: str) -> None:
    assert eventually(lambda: server.verify(**CLAIM)["state_age"] >= 1)
    first = server.verify(**CLAIM)
    assert eventually(lambda: server.verify(**CLAIM)["state_age"] > first["state_age"])
    answer = server.client.post("/api/v1/verify", json=CLAIM)
    later = answer.json()
    assert first["verdict"] == later["verdict"] == "licensed"
    assert later["known_at"] == first["known_at"]  # the instant of the state, and not the present second
    assert later["state_age"] > first["state_age"]
    assert int(answer.headers["x-state-age"]) >= later["state_age"]
    assert answer.headers["x-state-at"][:19] == later["known_at"][:19]
    batch = server.client.post("/api/v1/verify/batch", json={"claims": [CLAIM, CLAIM]})
    assert {one["known_at"] for one in batch.json()["answers"]} == {first["known_at"]}
    assert all(one["state_age"] >= later["state_age"] for one in batch.json()["answers"])
    page = server.client.get(f"/check?name={HOSPITAL}", headers={"accept": "text/html"})
    assert page.status_code == 200 and TO_READERS not in page.text and int(page.headers["x-state-age"]) > 0
    same = server.client.get("/api/v1/verify", params={"name": HOSPITAL}, headers={"if-none-match": tag})
    assert same.status_code == 304 and int(same.headers["x-state-age"]) > 0


def assert_a_scanned_code_is_answered_from_memory(one: Broken, server: Server) -> None:
    for path in (f"/i/{one.code}", f"/q/{one.code}"):
        page = server.client.get(path, headers={"accept": "text/html"})
        assert page.status_code == 200, path
        assert HOSPITAL in page.text and "试管婴儿" in page.text and "数据截至" in page.text
        assert page.headers["cache-control"] == "no-store" and int(page.headers["x-state-age"]) > 0
    past = server.client.get(f"/i/{one.code}?on=2025-07-01", headers={"accept": "text/html"})
    assert past.status_code == 503 and TO_READERS in past.text
    unknown = server.client.get("/q/7K2M-9QX5", headers={"accept": "text/html"})
    assert unknown.status_code in (400, 404)


def assert_what_needs_the_database_refuses_at_once(server: Server) -> None:
    for path in ("/institutions", "/stats", "/institutions?q=示例"):
        patience = 10 + 20 * slowness_of(server)
        before = time.monotonic()
        said = answered(server.get(f"/api/v1{path}"))
        assert (said["code"], said["cause"]) == ("cannot_answer", "database_unreachable")
        assert time.monotonic() - before < patience
    page = server.client.get("/search?q=示例", headers={"accept": "text/html"})
    assert page.status_code == 503 and TO_READERS in page.text and page.headers["retry-after"]


def assert_nothing_is_answered(one: Broken, server: Server, tag: str) -> None:
    said = answered(server.client.post("/api/v1/verify", json=CLAIM))
    assert (said["code"], said["cause"]) == ("cannot_answer", "state_too_old")
    held = {"if-none-match": tag}
    answered(server.client.get("/api/v1/verify", params={"name": HOSPITAL}, headers=held))  # 304 is an answer too
    answered(server.client.post("/api/v1/verify/batch", json={"claims": [CLAIM]}))
    for path in (f"/check?name={HOSPITAL}", f"/i/{one.code}", f"/q/{one.code}", "/"):
        page = server.client.get(path, headers={"accept": "text/html"})
        assert page.status_code == 503 and TO_READERS in page.text, path
        assert not any(words in page.text for words in NOT_LICENSED), path
    assert server.get("/healthz").status_code == 200


@contextmanager
def impatient() -> Iterator[None]:
    """Wait a fifth of a second for the lock of all writers; commands wait two minutes."""
    token = lock_wait.set(LockWait(seconds=0.2, queue_limit=64))
    try:
        yield
    finally:
        lock_wait.reset(token)


@pytest.mark.parametrize("kind", BACKENDS)
def test_a_lock_that_somebody_holds_is_said_to_be_that_and_reading_goes_on(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    database = a_database(tmp_path) if kind == "sqlite" else request.getfixturevalue("postgres").fresh()
    board = FaultBoard()
    waiting = Database(database.url.render_as_string(hide_password=False))
    waiting.board = board
    with database.writing():
        with pytest.raises(Busy) as found, impatient():
            propose(waiting, an_institution("鞍山市示例医院"))
        assert "正在写入" in found.value.zh and TO_READERS not in found.value.zh
        assert found.value.details["retry_after"] > 0
        assert [one.code for one in board.list_faults()] == ["busy"]
        with waiting.reading() as connection:
            assert connection.execute(sa.text("SELECT count(*) FROM proposals")).scalar() == 0
    propose(waiting, an_institution("鞍山市示例医院"))
    assert board.list_faults() == []
    waiting.close()
    database.close()
