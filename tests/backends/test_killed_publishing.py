"""`kill -9` while the log is published: what was ever signed stays true, and the next process goes on from it."""

from __future__ import annotations

import json
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from registry.log import check as log_check
from registry.log import checkpoint_store, four_eyes, merkle, signing_keys
from registry.log.note import Checkpoint
from registry.log.publish import PublishedLog
from registry.proposals import views
from registry.settings import Settings
from registry.storage.database import Database
from registry.storage.tables import entries
from tests.copies import start_code
from tests.factories import a_database, a_source, enter
from tests.thoroughness import count_moments

ROUNDS = count_moments(15)
#: Approves batch after batch and publishes each, until it is killed; says when it begins.
WORKER = """
import json, sys
from pathlib import Path
from registry import proposals
from registry.storage.database import Database
from registry.log.publish import PublishedLog
from registry.settings import Settings
from tests.factories import an_institution, hash_of, propose

told = json.loads(sys.stdin.readline())
settings = Settings(data_dir=Path(told["folder"]))
database, log = Database(settings.get_database_url()), PublishedLog(settings)
log.publish(database)
print("begins", flush=True)
number = told["first"]
while True:
    batch = [an_institution(f"鞍山市示例{n}医院") for n in range(number, number + 45)]
    identifier = propose(database, *batch)
    proposals.approve(database, identifier, by="approver.a", seen=hash_of(database, identifier), log=log)
    number += 45
"""


@contextmanager
def working(folder: Path, first: int) -> Iterator[None]:
    """A process that approves and publishes meanwhile, until it is killed."""
    process = start_code(WORKER, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps({"folder": str(folder), "first": first}) + "\n")
    process.stdin.flush()
    assert process.stdout.readline() == "begins\n"
    try:
        yield
        assert process.poll() is None
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()


def test_a_register_in_use_can_be_checked_at_any_moment(tmp_path: Path) -> None:
    """What is signed while the check begins is no damage."""
    settings = Settings(data_dir=tmp_path)
    signing_keys.create_key_file(settings.get_key_file())
    database = a_database(tmp_path)
    enter(database, a_source())
    log = PublishedLog(settings)
    with working(tmp_path, first=1):
        sizes: list[int] = []
        while len(sizes) <= 10 or len(set(sizes)) <= 3:
            with database.reading() as connection:
                found = log_check.check_log(connection, log)
                four_eyes.check_entries(connection, after=found.signed, whole=True)
                four_eyes.check_proposals(connection)
            log_check.check_folder(database, log)
            assert found.size - 45 <= found.signed <= found.size
            sizes.append(found.size)
    database.close()


def size_of(database: Database) -> int:
    with database.reading() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(entries)).scalar_one()


def test_a_process_killed_while_it_publishes_leaves_a_log_that_the_next_one_extends(tmp_path: Path) -> None:
    chance = random.Random(20261124)
    settings = Settings(data_dir=tmp_path)
    signing_keys.create_key_file(settings.get_key_file())
    database = a_database(tmp_path)
    enter(database, a_source())
    log = PublishedLog(settings)
    seen: list[Checkpoint] = []
    for turn in range(ROUNDS):
        with working(tmp_path, 10_000 * turn):
            time.sleep(chance.uniform(0.0, 0.25))
        left = log.find_checkpoint()
        assert left is not None
        seen.append(left.checkpoint)  # as a citizen may have fetched it in that moment
        signed = log.publish(database)
        assert signed is not None
        assert signed.checkpoint.size == size_of(database)
        tree = log.folder.make_tree(signed.checkpoint.size)
        assert [merkle.compute_root(tree, one.size) for one in seen] == [one.root for one in seen]
    with database.reading() as connection:
        assert log_check.check_log(connection, log).signed == size_of(database)
        assert {one.checkpoint.size for one in checkpoint_store.list_checkpoints(connection)} >= {
            one.size for one in seen
        }
    views.check_views(database)
    database.close()
