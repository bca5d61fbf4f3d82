"""Several processes at one register: no number is lost, given twice or out of order."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from registry.log import check as log_check
from registry.log import checkpoint_store, merkle, signing_keys
from registry.log.publish import PublishedLog
from registry.proposals import views
from registry.records.asof import make_as_of
from registry.records.selection import InstitutionFilter, count_institutions
from registry.settings import Settings
from registry.storage.database import Database
from registry.storage.tables import entries
from tests.copies import start_code
from tests.factories import DAY, ROOT, a_source, a_view, an_institution, enter, propose
from tests.running import PATIENCE

PROCESSES, EACH = 4, 8
#: Waits for its start signal, then does its share; tells what became of each.
WORKER = """
import json, sys
from pathlib import Path
from registry import proposals
from registry.storage.database import Database
from registry.errors import RegistryError
from registry.log.publish import PublishedLog
from registry.settings import Settings
from tests.factories import an_institution, approve, hash_of, propose

told = json.loads(sys.stdin.readline())
database = Database(told["url"])
log = PublishedLog(Settings(data_dir=Path(told["folder"])))
with database.reading():
    pass
print("ready", flush=True)
sys.stdin.readline()
done = []
for item in told["work"]:
    try:
        if told["what"] == "approve":
            done.append(approve(database, item, by=told["who"]))
        elif told["what"] == "approve and sign":
            seen = hash_of(database, item)
            done.append(proposals.approve(database, item, by=told["who"], seen=seen, log=log))
        else:
            done.append(propose(database, an_institution(item, item), by=told["who"]))
    except RegistryError as refusal:
        done.append(refusal.code)
print(json.dumps(done))
database.close()
"""


def at_once(
    database: Database, what: str, shares: list[list[Any]], who: list[str], folder: Path = ROOT / "var"
) -> list[list[Any]]:
    """Each share in a process of its own, all started together; what each process tells."""
    url = database.url.render_as_string(hide_password=False)
    database.close()
    running = [start_code(WORKER, text=True) for _ in shares]
    told = []
    try:
        for one, work, name in zip(running, shares, who, strict=True):
            assert one.stdin is not None
            one.stdin.write(
                json.dumps({"url": url, "what": what, "work": work, "who": name, "folder": str(folder)}) + "\n"
            )
            one.stdin.flush()
        for one in running:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"
        for one in running:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        for one in running:
            out, _ = one.communicate(timeout=PATIENCE)
            assert one.returncode == 0
            told.append(json.loads(out))
    finally:
        for one in running:
            if one.poll() is None:
                one.kill()
                one.communicate()
    return told


def the_log_holds(database: Database, size: int) -> None:
    with database.reading() as connection:
        rows = connection.execute(sa.select(entries.c.number, entries.c.recorded_at).order_by(entries.c.number)).all()
        assert [row.number for row in rows] == list(range(1, size + 1))
        assert all(a.recorded_at <= b.recorded_at for a, b in pairwise(rows))
        assert log_check.check_log(connection).size == size
    views.check_views(database)


APPROVERS = ["approver.a", "approver.b", "both.a", "both.b"]


def test_approvals_by_several_processes_lose_and_double_nothing(database: Database) -> None:
    enter(database, a_source())
    names = [f"鞍山市示例{n}医院" for n in range(PROCESSES * EACH)]
    ids = [propose(database, an_institution(name, name), an_institution(name, name, level="三级")) for name in names]
    told = at_once(database, "approve", [ids[n::PROCESSES] for n in range(PROCESSES)], APPROVERS)
    spans = sorted(tuple(span) for share in told for span in share)
    assert spans == [(n, n + 1) for n in range(2, 2 + 2 * len(ids), 2)]
    the_log_holds(database, 1 + 2 * len(ids))
    with database.reading() as connection:
        assert count_institutions(connection, InstitutionFilter(), make_as_of(connection, DAY)) == len(ids)
    assert a_view(database).size == 1 + 2 * len(ids)


def test_approvals_by_several_processes_are_all_signed_and_no_two_checkpoints_disagree(
    database: Database, tmp_path: Path
) -> None:
    enter(database, a_source())
    names = [f"鞍山市示例{n}医院" for n in range(PROCESSES * EACH)]
    ids = [propose(database, an_institution(name, name), an_institution(name, name, level="三级")) for name in names]
    signing_keys.create_key_file(tmp_path / "signing.key")
    at_once(database, "approve and sign", [ids[n::PROCESSES] for n in range(PROCESSES)], APPROVERS, tmp_path)
    size = 1 + 2 * len(ids)
    the_log_holds(database, size)
    log = PublishedLog(Settings(data_dir=tmp_path))
    assert log.get_checkpoint().checkpoint.size == size
    with database.reading() as connection:
        signed = [one.checkpoint for one in checkpoint_store.list_checkpoints(connection)]
        assert log_check.check_log(connection, log).signed == size
    assert [one.size for one in signed] == sorted({one.size for one in signed})
    tree = log.folder.make_tree(size)
    assert [one.root for one in signed] == [merkle.compute_root(tree, one.size) for one in signed]


def test_one_proposal_is_approved_by_exactly_one_of_many(database: Database) -> None:
    ids = [propose(database, a_source(f"list-{n}")) for n in range(EACH)]
    told = at_once(database, "approve", [ids] * PROCESSES, APPROVERS)
    for n in range(EACH):
        outcomes = [share[n] for share in told]
        assert outcomes.count("conflict") == PROCESSES - 1
    the_log_holds(database, EACH)


def test_proposals_by_several_processes_are_all_kept(database: Database) -> None:
    enter(database, a_source())
    names = [[f"鞍山市示例{p}{n}医院" for n in range(EACH)] for p in range(PROCESSES)]
    told = at_once(database, "propose", names, ["editor.a", "editor.b", "both.a", "both.b"])
    ids = [identifier for share in told for identifier in share]
    assert len(set(ids)) == PROCESSES * EACH
    assert all(isinstance(identifier, int) for identifier in ids)
    the_log_holds(database, 1)
