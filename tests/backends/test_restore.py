"""Backup and restore on both databases: every row comes back, nothing forks, and killing it leaves old or new."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pyotp
import pytest
import sqlalchemy as sa

from registry import accounts, proposals
from registry.accounts import audit_log, factors, sessions
from registry.accounts.vault import Vault
from registry.errors import Conflict, InvalidInput, LogRolledBack
from registry.log import check as log_check
from registry.log import merkle, replication, signing_keys
from registry.log.publish import PublishedLog
from registry.log.remote_log import RemoteLog
from registry.operations.backup import compare, file, make, move, restore
from registry.operations.backup.make import BackupResult
from registry.operations.backup.restore import RestoreResult
from registry.proposals import views
from registry.records import lookup
from registry.records.asof import make_as_of
from registry.settings import Settings
from registry.storage import tables
from registry.storage.database import Database
from registry.storage.tables import erasable, metadata, proposal_items
from tests.copies import REGISTRY, CopyProcess, start_code
from tests.factories import (
    a_database,
    a_person,
    a_source,
    an_erasure,
    an_institution,
    approve,
    enter,
    propose,
)
from tests.thoroughness import count_moments

NAME = "示例员甲"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
#: Tables that are rebuilt, or hold only work under way: sessions, half-filled forms, imports not yet proposed.
REBUILT = (
    *(tables.positions, tables.versions, tables.standings, tables.search_documents, tables.deadlines),
    *(tables.staff_sessions, tables.staff_drafts, tables.imports, tables.import_pages),
)
MOMENTS = count_moments(12)
BEFORE, AFTER = 3, 4  # a history; and one institution more


class Home(NamedTuple):
    """One machine of a register: its settings (data folder, key, published log) and its database."""

    settings: Settings
    database: Database

    @property
    def log(self) -> PublishedLog:
        return PublishedLog(self.settings)

    def publish(self) -> None:
        self.log.publish(self.database)

    def size(self) -> int:
        """The size of a log that holds, with its views, and is what was published."""
        with self.database.reading() as connection:
            size = log_check.check_log(connection, self.log).size
        views.check_views(self.database)
        return size

    def backup(self, path: Path, replace: bool = False) -> BackupResult:
        return make.make_backup(self.database, self.log, path, replace=replace, progress=silent)

    def restore(self, path: Path, completing: bool = False, mirror: Path | None = None) -> RestoreResult:
        self.database.close()
        source = compare.read_remote_log(RemoteLog(str(mirror), timeout=30)) if mirror else None
        return restore.restore_backup(self.settings, path, completing=completing, source=source, progress=silent)


def silent(_phase: str, _done: int) -> None:
    pass


Empty = Callable[[str], Home]


@pytest.fixture
def machine(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Empty]:
    """Makes machines with a database in which nothing is yet, not even tables; they share one signing key."""
    opened: list[Database] = []

    def made(backend: str) -> Home:
        folder = tmp_path / f"machine-{len(opened)}"
        folder.mkdir()
        name = f"{tmp_path.name}_{len(opened)}".replace("-", "_").lower()
        url = "" if backend == "sqlite" else request.getfixturevalue("postgres").create(f"machine_{name}"[-60:])
        settings = Settings(data_dir=folder, database_url=url, signing_key=str(tmp_path / "signing.key"))
        opened.append(Database(settings.get_database_url()))
        return Home(settings, opened[-1])

    yield made
    for one in opened:
        one.close()


@pytest.fixture
def home(tmp_path: Path, database: Database) -> Home:
    """A register with people, sealed values and proposals of every state, signed and published."""
    url = database.url.render_as_string(hide_password=False)
    found = Home(Settings(data_dir=tmp_path, database_url=url), database)
    signing_keys.create_key_file(found.settings.get_key_file())
    a_history(found)
    found.publish()
    return found


def a_history(home: Home) -> None:
    """Proposals 1 to 3 are approved, rejected and pending; somebody has a second factor."""
    database, vault = home.database, Vault(home.settings.get_secrets_file())
    hospital = an_institution()
    enter(database, a_source(), hospital, a_person(hospital))
    rejected = propose(database, an_institution("鞍山市示例乙医院"))
    proposals.reject(database, rejected, by="approver.a", reason="示例")
    propose(database, an_institution("鞍山市示例丙医院"))
    with database.writing() as connection:
        vault.create_file()
        factors.enrol_factor(connection, vault, "editor.a", SECRET, pyotp.TOTP(SECRET).now())


def rows(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that may not be lost, in an order that does not hang on the database."""
    with database.reading() as connection:
        return {
            table.name: sorted(tuple(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key)))
            for table in file.KEPT
        }


def the_person(database: Database) -> Any:
    with database.reading() as connection:
        asof = make_as_of(connection)
        return lookup.list_practitioners(connection, a_person_of(), asof)[0]


def a_person_of() -> str:
    return an_institution().subject.partition(":")[2]


# --- both databases --------------------------------------------------------------------------------------------------


def test_every_table_is_either_kept_by_a_backup_or_made_anew() -> None:
    assert {table.name for table in (*file.KEPT, *REBUILT)} == set(metadata.tables)
    assert not set(file.KEPT) & set(REBUILT)


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_a_register_moves_to_either_database_row_for_row_and_its_log_goes_on_there(
    home: Home, machine: Empty, target: str
) -> None:
    before, size = rows(home.database), home.size()
    there = machine(target).database.url.render_as_string(hide_password=False)
    moved = move.move_register(home.settings, str(home.settings.database_url), there, silent)
    assert (moved.size, sum(moved.rows.values())) == (size, sum(map(len, before.values())))
    assert "***" in moved.target or target == "sqlite" or "@" not in there
    assert rows(home.database) == before
    new = Home(msgspec.structs.replace(home.settings, database_url=there), Database(there))
    assert rows(new.database) == before
    enter(new.database, an_institution("鞍山市示例丁医院"))
    new.publish()
    assert new.size() == size + 1
    with pytest.raises(LogRolledBack), home.database.reading() as connection:  # what stayed behind answers no more
        home.log.refuse_rollback(connection)
    new.database.close()
    assert [path.name for path in home.settings.data_dir.glob(".moving-*")] == []


def test_a_register_is_not_moved_over_something_else_nor_over_itself(home: Home, machine: Empty) -> None:
    address = str(home.settings.database_url)
    with pytest.raises(InvalidInput):
        move.move_register(home.settings, address, address, silent)
    size = home.size()
    other = machine("sqlite")
    other.database.migrate()
    with pytest.raises(Conflict):
        move.move_register(home.settings, address, other.settings.get_database_url(), silent)
    assert home.size() == size


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_a_backup_restores_into_either_database_row_for_row(
    home: Home, machine: Empty, target: str, tmp_path: Path
) -> None:
    made = home.backup(tmp_path / "backup")
    before, person = rows(home.database), the_person(home.database)
    there = machine(target)
    done = there.restore(tmp_path / "backup")
    assert (done.size, done.root, done.key, done.unpublished) == (made.size, made.root, "ours", None)
    assert (done.completed, done.closed, done.withheld, done.compared, done.unsigned) == (0, [], 0, 0, 0)
    assert rows(there.database) == before
    assert the_person(there.database) == person
    assert person.name == NAME
    assert there.size() == made.size
    assert there.log.get_checkpoint().note == home.log.get_checkpoint().note


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_a_restored_register_has_its_second_factors_and_its_trail_and_nobody_is_signed_in(
    home: Home, machine: Empty, target: str, tmp_path: Path
) -> None:
    limits = sessions.SessionLimits(idle=30, absolute=600)
    with home.database.writing() as connection:
        codes = factors.renew_recovery_codes(connection, "editor.a")
        token = sessions.create_session(connection, "editor.a", "open", "192.0.2.1", "Desk/1")
        assert sessions.find_session(connection, token, limits) is not None
        deeds = audit_log.list_events(connection, audit_log.AuditFilter())
    assert deeds
    home.backup(tmp_path / "backup")
    there = machine(target)
    there.restore(tmp_path / "backup")
    with there.database.writing() as connection:
        assert sessions.find_session(connection, token, limits) is None
        assert (
            factors.accept_code(connection, Vault(there.settings.get_secrets_file()), "editor.a", codes[0])
            == "recovery"
        )
        assert audit_log.list_events(connection, audit_log.AuditFilter()) == deeds
        audit_log.record_event(connection, "editor.a", "signed_in")
        assert audit_log.list_events(connection, audit_log.AuditFilter())[0].id > deeds[0].id


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_what_is_proposed_and_approved_after_a_restore_extends_the_same_log(
    home: Home, machine: Empty, target: str, tmp_path: Path
) -> None:
    home.backup(tmp_path / "backup")
    there = machine(target)
    there.restore(tmp_path / "backup")
    approve(there.database, 3)
    assert propose(there.database, an_institution("鞍山市示例丁医院")) == 4
    approve(there.database, 4)
    there.publish()
    assert_extends(home.log, there.log)
    assert there.size() == home.size() + 2


def assert_extends(old: PublishedLog, new: PublishedLog) -> None:
    """The newer log's own tiles prove that the older checkpoint is one of its past."""
    before, after = old.get_checkpoint().checkpoint, new.get_checkpoint().checkpoint
    assert before.origin == after.origin
    assert before.size < after.size
    proof = merkle.prove_consistency(new.folder.make_tree(after.size), before.size, after.size)
    assert merkle.verify_consistency(before.size, after.size, before.root, after.root, proof)


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_an_older_backup_is_completed_with_all_that_was_decided_and_erased_since(
    home: Home, machine: Empty, target: str, tmp_path: Path
) -> None:
    home.backup(tmp_path / "old")
    approve(home.database, 3, by="approver.b")
    first, last = enter(home.database, an_erasure(a_person(an_institution())))
    later = enter(home.database, a_person(an_institution(), "示例员乙"))
    home.publish()
    there = machine(target)
    shutil.copytree(home.settings.get_log_folder(), there.settings.get_log_folder())
    done = there.restore(tmp_path / "old", completing=True)
    assert (done.size, done.completed, done.closed, done.withheld) == (later[1], 3, [3], 2)
    assert there.size() == home.size() == last + 1
    with there.database.reading() as connection:
        closed, erased = proposals.get_proposal(connection, 3), connection.execute(sa.select(erasable)).all()
        bodies = b"".join(connection.execute(sa.select(proposal_items.c.body)).scalars())
    with home.database.reading() as connection:
        assert proposals.get_proposal(connection, 3).last_entry == closed.last_entry
    assert (closed.state, closed.decided_by, closed.first_entry, closed.last_entry) == (
        "approved",
        "approver.b",
        first - 1,
        first - 1,
    )
    assert closed.touched_by == ["editor.a", "approver.b"]
    assert erased == []
    assert NAME.encode() not in bodies
    with pytest.raises(Conflict, match="已批准"):
        approve(there.database, 3)
    assert propose(there.database, an_institution("鞍山市示例丁医院")) == 6  # 4 and 5 stand in the log
    assert_extends(home.log, extended(there))


def extended(home: Home) -> PublishedLog:
    enter(home.database, an_institution("鞍山市示例戊医院"))
    home.publish()
    assert home.size() == home.log.get_checkpoint().checkpoint.size
    return home.log


def test_a_backup_made_after_a_completed_restore_restores_with_numbers_that_go_on(
    home: Home, machine: Empty, tmp_path: Path
) -> None:
    home.backup(tmp_path / "old")
    enter(home.database, an_institution("鞍山市示例丁医院"))
    home.publish()
    second, third = machine("sqlite"), machine("sqlite")
    second.restore(tmp_path / "old", completing=True, mirror=home.settings.get_log_folder())
    second.backup(tmp_path / "new")  # holds entries of proposal 4, and no proposal 4
    third.restore(tmp_path / "new")
    assert third.size() == home.size()
    assert propose(third.database, an_institution("鞍山市示例戊医院")) == 5


def test_postgresql_is_restored_into_an_empty_database_only(machine: Empty, home: Home, tmp_path: Path) -> None:
    home.backup(tmp_path / "backup")
    there = machine("postgresql")
    there.database.migrate()
    with there.database.writing() as connection:
        accounts.create_account(connection, "editor.z", ["editor"], "a long pass phrase")
    before = rows(there.database)
    with pytest.raises(Conflict, match="REGISTRY_DATABASE_URL") as refused:
        there.restore(tmp_path / "backup")
    assert "accounts" in refused.value.en
    assert rows(there.database) == before
    assert there.log.find_checkpoint() is None


def test_a_restore_that_fails_on_the_way_leaves_nothing_in_postgresql(
    machine: Empty, home: Home, tmp_path: Path
) -> None:
    home.backup(tmp_path / "backup")
    there = machine("postgresql")
    there.database.migrate()
    with there.database.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE versions ADD CHECK (kind = 'nothing')")
    with pytest.raises(InvalidInput, match="versions"):
        there.restore(tmp_path / "backup")
    assert not any(rows(there.database).values())


def test_entries_that_no_signature_reaches_are_told(home: Home, machine: Empty, tmp_path: Path) -> None:
    enter(home.database, an_institution("鞍山市示例丁医院"), an_institution("鞍山市示例戊医院"))
    home.backup(tmp_path / "backup")
    there = machine("sqlite")
    assert there.restore(tmp_path / "backup").unsigned == 2
    assert there.size() == there.log.get_checkpoint().checkpoint.size


def test_a_restored_mirror_is_still_a_mirror(home: Home, machine: Empty, tmp_path: Path) -> None:
    with home.database.writing() as connection:
        replication.mark_mirror(connection)
    home.backup(tmp_path / "backup")
    there = machine("sqlite")
    assert there.restore(tmp_path / "backup").key == "mirror"
    with there.database.reading() as connection:
        assert replication.is_mirror(connection)


# --- what a backup holds ---------------------------------------------------------------------------------------------


def test_an_erased_name_is_in_no_later_backup_nor_in_what_an_older_one_restores(home: Home, tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    home.backup(old)
    enter(home.database, an_erasure(a_person(an_institution())))
    home.publish()
    home.backup(new)
    assert NAME.encode() in old.read_bytes()
    assert NAME.encode() not in new.read_bytes()
    again = Home(
        Settings(data_dir=tmp_path / "again"), Database(Settings(data_dir=tmp_path / "again").get_database_url())
    )
    shutil.copytree(home.settings.get_log_folder(), again.settings.get_log_folder())
    shutil.copyfile(home.settings.get_key_file(), again.settings.get_key_file())
    again.restore(old, completing=True)
    left = [path.name for path in sorted((tmp_path / "again").rglob("*")) if path.is_file()]
    assert "register.sqlite" in left
    assert [name for name in left if name.startswith("register.sqlite")] == ["register.sqlite"]
    assert NAME.encode() not in (tmp_path / "again" / "register.sqlite").read_bytes()
    again.database.close()


def test_a_backup_is_one_private_file_that_restoring_does_not_change(
    home: Home, machine: Empty, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    home.backup(folder / "one")
    assert (folder / "one").stat().st_mode & 0o777 == 0o600
    (folder / ".one.999999999.new").write_bytes(b"left by a killed run")
    home.backup(folder / "one", replace=True)
    before = (folder / "one").read_bytes()
    machine("sqlite").restore(folder / "one")
    assert [path.name for path in folder.iterdir()] == ["one"]
    assert (folder / "one").read_bytes() == before


# --- killed ----------------------------------------------------------------------------------------------------------

#: Gets ready, waits for the signal, restores, says how long it took, and waits to be killed.
WORKER = """
import json, sys, time
from pathlib import Path
from registry.operations.backup import restore
from registry.settings import Settings

told = json.loads(sys.stdin.readline())
print("ready", flush=True)
sys.stdin.readline()
started = time.monotonic()
settings = Settings(data_dir=Path(told["folder"]))
restore.restore_backup(settings, Path(told["file"]), completing=False, source=None, progress=lambda phase, done: None)
print(time.monotonic() - started, flush=True)
sys.stdin.readline()
"""


class Worker:
    """A process that is ready to restore a backup into a data folder."""

    def __init__(self, folder: Path, backup: Path) -> None:
        self.folder = folder
        self.process = start_code(WORKER, text=True)
        self._say(json.dumps({"folder": str(folder), "file": str(backup)}))

    def _say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def begin(self) -> None:
        assert self.hear() == "ready"
        self._say("go")

    def kill(self) -> None:
        self.process.kill()
        assert self.process.wait() == -signal.SIGKILL
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()


def rounds(base: Path, backup: Path, delays: list[float]) -> Iterator[Path]:
    """A data folder per delay, in which a restore was killed so long after it began; the next one starts meanwhile."""
    workers: list[Worker] = []
    try:
        for n, delay in enumerate(delays):
            for m in range(n + len(workers), min(n + 2, len(delays))):
                workers.append(Worker(Path(shutil.copytree(base, base.parent / f"round-{m}")), backup))
            worker = workers.pop(0)
            worker.begin()
            time.sleep(delay)
            worker.kill()
            yield worker.folder
    finally:
        for left in workers:
            left.kill()


def a_rolled_back_register(folder: Path) -> tuple[Path, Path]:
    """A data folder whose database is older than its published log, and a backup of when it was not."""
    whole = folder / "whole"
    whole.mkdir()
    home = a_home(whole)
    home.database.close()
    older = shutil.copyfile(whole / "register.sqlite", folder / "older")
    enter(home.database, an_institution("鞍山市示例丁医院"))
    home.publish()
    home.backup(folder / "backup")
    home.database.close()
    shutil.copyfile(older, whole / "register.sqlite")
    assert [path.name for path in whole.glob("register.sqlite*")] == ["register.sqlite"]
    return whole, folder / "backup"


def a_home(folder: Path) -> Home:
    home = Home(Settings(data_dir=folder), a_database(folder))
    signing_keys.create_key_file(home.settings.get_key_file())
    a_history(home)
    home.publish()
    return home


def test_a_restore_killed_at_any_moment_leaves_the_old_database_or_the_new_one(tmp_path: Path) -> None:
    base, backup = a_rolled_back_register(tmp_path)
    whole = Worker(Path(shutil.copytree(base, tmp_path / "whole-run")), backup)
    whole.begin()
    seconds = float(whole.hear())
    whole.kill()
    sizes = []
    for folder in rounds(base, backup, [seconds * n / (MOMENTS - 1) for n in range(MOMENTS)]):
        sizes.append(the_size_of(folder))
        assert sizes[-1] in (BEFORE, AFTER)
        done = restore.restore_backup(Settings(data_dir=folder), backup, completing=False, source=None, progress=silent)
        assert (done.size, the_size_of(folder)) == (AFTER, AFTER)
        assert not list(folder.glob("*.restoring*"))
    assert len(sizes) == MOMENTS
    assert BEFORE in sizes


def test_the_second_name_that_a_killed_restore_gave_the_old_database_is_taken_away(tmp_path: Path) -> None:
    folder, backup = a_rolled_back_register(tmp_path)
    second = folder / "register.sqlite.before-restore-20250101T000000.000000Z"
    second.hardlink_to(folder / "register.sqlite")
    done = restore.restore_backup(Settings(data_dir=folder), backup, completing=False, source=None, progress=silent)
    kept = list(folder.glob("register.sqlite.*"))
    assert [str(path) for path in kept] == [done.kept]
    assert second not in kept
    kept[0].rename(folder / "register.sqlite")
    assert the_size_of(folder) == BEFORE


def the_size_of(folder: Path) -> int:
    """The size of the log there, which holds, with its views."""
    database = Database(Settings(data_dir=folder).get_database_url())
    with database.reading() as connection:
        size = log_check.check_log(connection).size
        assert len(proposals.list_proposals(connection, None)) == (3 if size == BEFORE else 4)
    views.check_views(database)
    database.close()
    return size


def test_a_backup_killed_at_any_moment_leaves_the_earlier_backup_or_the_new_one(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    backup = tmp_path / "backup"
    home.backup(backup)
    enter(home.database, an_institution("鞍山市示例丁医院"))
    home.publish()
    sizes = []
    for n in range(MOMENTS):
        process = CopyProcess(
            [REGISTRY, "backup", backup, "--replace"],
            env={"REGISTRY_DATA_DIR": str(tmp_path), "LC_ALL": "C.UTF-8"},
            stdout=subprocess.DEVNULL,
        )
        time.sleep(0.4 * n / (MOMENTS - 1))
        process.kill()
        process.wait()
        with file.open_backup(backup) as there:
            there.verify(silent)
            sizes.append(there.about.size)
    assert set(sizes) <= {BEFORE, AFTER}
    assert BEFORE in sizes
    assert home.backup(backup, replace=True).size == AFTER
    assert not list(tmp_path.glob(".backup*"))
    home.database.close()
