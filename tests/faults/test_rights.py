"""Who may read a register's files: real folders and servers, and files as earlier versions left them."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from registry.errors import RightsTooWide
from registry.settings import Settings
from registry.storage import rights
from registry.storage.fault_board import FaultBoard
from tests.copies import REGISTRY
from tests.running import PASSWORD, Cli, Server, environment, eventually

NOBODY = 65534


def rights_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def open_to_others(folder: Path) -> list[str]:
    """What lies in a folder, itself included, that anybody but its owner can get at."""
    every = [folder, *folder.rglob("*")]
    return [f"{path.relative_to(folder)} {rights_of(path):o}" for path in every if rights_of(path) & 0o077]


def widen(folder: Path) -> None:
    """The folder as a version that left rights to the umask made it."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)


def an_edition(cli: Cli) -> None:
    for name in ("publisher", "second"):
        cli.ok("user", "add", name, "--role", "publisher", "--role", "approver", input=PASSWORD)
    proposal = cli.ok("publish", "--title", "第一期", "--by", "publisher", "--json").json["proposal"]
    cli.ok("approve", proposal, "--by", "second")


def faults_of(server: Server) -> list[str]:
    return [one["code"] for one in server.get("/readyz").json()["faults"]]


@pytest.fixture
def shared_umask() -> Iterator[None]:
    """The umask of most machines, whatever the one of whoever runs the tests."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_everything_a_new_register_makes_is_its_own_users_alone(
    shared_umask: None, script: Cli, start: Callable[..., Server], tmp_path: Path
) -> None:
    script.ok("init")
    script.ok("seed", "--demo")
    an_edition(script)
    server = start(script.data_dir, workers=2, REGISTRY_ANONYMOUS_LIMIT="1000")
    assert server.get("/search", q="示例").status_code == 200
    assert server.get_made("/api/v1/editions/latest/list.csv").status_code == 200
    names = {path.name for path in script.data_dir.rglob("*")}
    assert {"register.sqlite", "register.sqlite-wal", "register.sqlite-shm", "limits.sqlite", "signing.key"} <= names
    assert {"log", "checkpoint", ".lock", "editions", "list.csv"} <= names
    assert open_to_others(script.data_dir) == []
    assert server.errors.read_text() == ""
    script.ok("backup", tmp_path / "one.backup")
    assert rights_of(tmp_path / "one.backup") == 0o600
    script.log_size()
    assert open_to_others(script.data_dir) == []


def test_what_an_earlier_version_left_open_is_closed_at_the_start_and_said_in_one_line(
    seeded: Cli, start: Callable[..., Server]
) -> None:
    (seeded.data_dir / "register.sqlite.before-restore-20260101T000000Z").write_bytes(b"an old one")
    (seeded.data_dir / "editions").mkdir(exist_ok=True)
    (seeded.data_dir / "editions" / "list.csv").write_bytes(b"not released yet")
    widen(seeded.data_dir)
    server = start(seeded.data_dir)
    assert open_to_others(seeded.data_dir) == []
    said = [line for line in server.errors.read_text().splitlines() if "open to others" in line]
    assert len(said) == 1
    assert faults_of(server) == []
    server.stop()
    again = start(seeded.data_dir)
    assert again.errors.read_text() == ""
    seeded.log_size()


def test_init_closes_them_too_and_says_so(seeded: Cli) -> None:
    widen(seeded.data_dir)
    assert "open to others" in seeded.ok("init").err
    assert open_to_others(seeded.data_dir) == []
    assert "open to others" not in seeded.ok("init").err


def test_a_key_that_lies_elsewhere_is_closed_as_well(seeded: Cli, tmp_path: Path, start: Callable[..., Server]) -> None:
    key = tmp_path / "keys" / "register.pem"
    key.parent.mkdir()
    shutil.move(seeded.data_dir / "signing.key", key)
    beside = key.with_name("somebody-elses.pem")
    beside.write_bytes(b"")
    for path in (key, beside):
        path.chmod(0o644)
    start(seeded.data_dir, REGISTRY_SIGNING_KEY=str(key))
    assert rights_of(key) == 0o600
    assert rights_of(beside) == 0o644  # not ours


def test_a_data_folder_that_others_can_write_to_is_a_fault_that_readyz_names(
    seeded: Cli, start: Callable[..., Server]
) -> None:
    seeded.data_dir.chmod(0o1777)  # a folder of many people, like /tmp, is not closed to them
    server = start(seeded.data_dir)
    assert faults_of(server) == ["rights_too_wide"]
    said = server.get("/readyz")
    assert said.status_code == 200  # reading goes on
    assert said.json()["ready"] is True
    assert str(seeded.data_dir) in said.json()["faults"][0]["en"]
    assert "rights_too_wide" in server.errors.read_text()
    assert rights_of(seeded.data_dir) == 0o1777
    assert server.api("/stats")["total"] > 0
    seeded.log_size()


@pytest.fixture
def foreign() -> Iterator[Path]:
    """A data folder of the account ``nobody`` in which one secret belongs to root."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a file that belongs to somebody else")
    folder = Path(tempfile.mkdtemp())
    (folder / "var").mkdir(mode=0o755)
    (folder / "var" / "signing.key").write_bytes(b"secret")
    (folder / "var" / "limits.sqlite").write_bytes(b"")
    for path in (folder / "var", folder / "var" / "limits.sqlite"):
        os.chown(path, NOBODY, NOBODY)
        path.chmod(0o755 if path.is_dir() else 0o644)
    folder.chmod(0o755)
    (folder / "var" / "signing.key").chmod(0o644)
    yield folder / "var"
    shutil.rmtree(folder)


def test_what_belongs_to_somebody_else_cannot_be_closed_and_is_a_fault_until_it_is(foreign: Path) -> None:
    settings, board = Settings(data_dir=foreign), FaultBoard()
    os.seteuid(NOBODY)
    try:
        found = rights.guard_files(settings, board)
    finally:
        os.seteuid(0)
    assert found == rights.RightsFindings(tightened=2, too_wide=(foreign / "signing.key",))
    (fault,) = board.list_faults()
    assert (fault.code, fault.blocks_reading) == (RightsTooWide.code, False)
    assert "signing.key" in fault.zh
    assert "signing.key" in fault.en
    assert (rights_of(foreign), rights_of(foreign / "limits.sqlite")) == (0o700, 0o600)
    (foreign / "signing.key").chmod(0o600)
    assert rights.guard_files(settings, board).too_wide == ()
    assert board.list_faults() == []


def test_a_published_log_outside_may_be_served_by_others_and_one_inside_may_not(
    shared_umask: None, tmp_path: Path
) -> None:
    outside = tmp_path / "srv" / "log"
    outside.parent.mkdir(mode=0o755)
    tmp_path.chmod(0o755)
    cli = Cli(tmp_path / "var")
    cli.ok("init", REGISTRY_LOG_DIR=str(outside))
    cli.ok("seed", REGISTRY_LOG_DIR=str(outside))
    every = [path for path in outside.rglob("*") if path.name != ".lock"]
    assert {rights_of(path) for path in every if path.is_dir()} == {0o755}
    assert {rights_of(path) for path in every if path.is_file()} == {0o644}
    assert rights_of(outside / ".lock") == 0o600  # whoever may open a lock may hold it for ever
    assert open_to_others(cli.data_dir) == []
    with_inside = Cli(tmp_path / "second")
    with_inside.ok("init")
    assert open_to_others(with_inside.data_dir) == []


def test_what_is_made_to_be_published_has_the_rights_its_maker_wants(
    shared_umask: None, seeded: Cli, tmp_path: Path
) -> None:
    an_edition(seeded)
    seeded.ok("export", "--out", tmp_path / "out")
    assert {rights_of(path) for path in (tmp_path / "out").iterdir()} == {0o644}
    seeded.ok("log", "proof", 1, "--out", tmp_path / "entry.proof")
    assert rights_of(tmp_path / "entry.proof") == 0o644
    assert open_to_others(seeded.data_dir) == []
    assert os.umask(0o022) == 0o022  # a command leaves the umask of its caller as it was


def test_a_restored_database_is_its_owners_alone_and_so_is_the_one_it_replaces(seeded: Cli, tmp_path: Path) -> None:
    seeded.ok("backup", tmp_path / "one.backup")
    database = seeded.data_dir / "register.sqlite"
    database.write_bytes(b"damaged")
    widen(seeded.data_dir)
    seeded.ok("restore", tmp_path / "one.backup", "--complete")
    (before,) = seeded.data_dir.glob("register.sqlite.before-restore-*")
    assert (rights_of(database), rights_of(before)) == (0o600, 0o600)
    seeded.log_size()


def test_a_file_that_is_made_while_the_server_runs_is_closed_as_well(
    shared_umask: None, seeded: Cli, start: Callable[..., Server]
) -> None:
    """Whoever starts uvicorn by himself has no command around it that sets the umask."""
    data_dir = seeded.data_dir
    env = {**environment(data_dir), "REGISTRY_ANONYMOUS_LIMIT": "100"}
    process = subprocess.Popen(
        [
            REGISTRY.with_name("uvicorn"),
            "--factory",
            "registry.server.app:build_server_app",
            "--port",
            "0",
            "--log-level",
            "critical",
        ],
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert eventually((data_dir / "register.sqlite-wal").exists)
        assert eventually(lambda: open_to_others(data_dir) == [])
    finally:
        process.terminate()
        process.wait()


def test_a_file_that_a_database_holds_is_not_let_go_of_by_being_made_again(tmp_path: Path) -> None:
    """POSIX lets go of all locks of a process on a file when it closes any descriptor of it: SQLite's among them."""
    file = tmp_path / "limits.sqlite"
    rights.make_file(file)
    assert oct(file.stat().st_mode)[-3:] == "600"
    holding = sqlite3.connect(file, isolation_level=None)
    holding.execute("CREATE TABLE t (n)")
    holding.execute("BEGIN IMMEDIATE")
    rights.make_file(file)
    asks = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"
    other = subprocess.run([sys.executable, "-c", asks, file], capture_output=True, text=True, check=False)
    assert "database is locked" in other.stderr
    holding.execute("COMMIT")
    holding.close()
