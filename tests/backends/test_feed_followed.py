"""A follower over HTTP while another process goes on approving, on both databases: no gap, nothing twice, in order."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from registry.storage.database import Database
from tests.copies import start_code
from tests.factories import DAY, a_source, an_institution, enter
from tests.following import Follower, root_of, told_by
from tests.running import PATIENCE, Server, serving

GROUPS, PAUSES = 40, 4
ON = "2025-07-15"
#: Approves group after group: new institutions, later statements, corrections of the past, people. After each quarter
#: it waits until the follower has come that far, so that one is never done before the other began.
APPROVES = """
import datetime as dt, sys
from registry.storage.database import Database
from tests.factories import DAY, a_change, a_person, an_institution, enter

database = Database(sys.argv[1])
for n in range(40):
    fresh = an_institution(f"示例{n}医院", f"示例路{n}号")
    later = a_change(fresh, DAY + dt.timedelta(days=n), {"approvals.IVF": {"stage": "suspended"}})
    past = a_change(fresh, DAY - dt.timedelta(days=n + 1), {"name": f"示例旧{n}医院", "level": "三级"}, reason="补记")
    enter(database, fresh, later, past, a_person(fresh, f"示例员{n}"))
    if n % 10 == 9:
        sys.stdin.readline()
database.close()
"""


@contextmanager
def approving(database: Database) -> Iterator[subprocess.Popen[bytes]]:
    url = database.url.render_as_string(hide_password=False)
    process = start_code(APPROVES, url)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def lines_of(server: Server) -> list[str]:
    answer = server.client.get("/api/v1/snapshot", params={"on": ON}, headers={"accept": "application/x-ndjson"})
    assert answer.status_code == 200, answer.text[:300]
    return answer.text.splitlines()


def test_a_follower_misses_nothing_while_another_process_approves(database: Database, tmp_path: Path) -> None:
    enter(database, a_source(), an_institution("示例首家医院", on=DAY))
    url = database.url.render_as_string(hide_password=False)
    with serving(tmp_path, REGISTRY_DATABASE_URL=url) as server, approving(database) as process:
        assert process.stdin is not None
        whole = Follower()
        joined: list[Follower] = []
        while len(joined) < PAUSES:
            assert not process.returncode
            whole.read(server.api("/changes", since=whole.position, limit=7))
            if whole.position == 2 + 4 * GROUPS // PAUSES * (len(joined) + 1):
                process.stdin.write(b"\n")
                process.stdin.flush()
                joined.append(Follower())  # begins from what the register is while approvals go on
                assert joined[-1].start(lines_of(server))["log_size"] >= whole.position
            process.poll()
        assert process.wait(timeout=PATIENCE) == 0
        size = 2 + 4 * GROUPS
        assert whole.follow(lambda **query: server.api("/changes", **query), limit=7) == size
        lines = lines_of(server)
        head = json.loads(lines[0])
        assert (head["log_size"], head["root"]) == (size, root_of(whole.leaves))
        assert whole.snapshot(ON) == told_by(lines)
        for follower in joined:
            follower.follow(lambda **query: server.api("/changes", **query))
            assert follower.snapshot(ON) == told_by(lines)
