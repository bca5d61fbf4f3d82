"""A verified copy of another register: what gets into it, what never does, and that killing it breaks nothing."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from registry.log import check as log_check
from registry.log import note, store, tiles
from registry.log.folder import CHECKPOINT, LogFolder
from registry.log.note import SignedCheckpoint, parse_signed_checkpoint
from registry.log.publish import PublishedLog
from registry.proposals import views
from registry.settings import Settings
from registry.storage.database import Database
from registry.storage.tables import entries
from tests.copies import REGISTRY, CopyProcess
from tests.factories import a_person, a_source, an_erasure, an_institution, enter
from tests.published import (
    SIZE,
    Alter,
    Origin,
    Static,
    an_origin,
    as_is,
    frozen,
    hospitals,
    only,
    require_proof,
    serving_folder,
)
from tests.running import PATIENCE, Cli, Ran, Server, environment, eventually
from tests.thoroughness import THOROUGH

MANY = 4000
KILLS = 18 if THOROUGH else 12


class Mirror:
    """`registry mirror` into a folder, and what is in that folder."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self.cli = Cli(folder, inside=True)

    def __call__(self, *more: object, **env: str) -> Ran:
        return self.cli("mirror", self.url, self.folder, "--json", *more, **env)

    def run(self, *more: object, verdict: str | None = None, code: int = 0, **env: str) -> Any:
        """The JSON of one run, which must be as said."""
        ran = self(*more, **env)
        assert ran.code == code, f"{ran.out}\n{ran.err}"
        assert verdict in (None, ran.json["verdict"])
        return ran.json

    def refused(self, *more: object, **env: str) -> str:
        """The reason of a run that came to nothing; the mirror is as it was."""
        before = self.held() if (self.folder / "log" / CHECKPOINT).exists() else None
        ran = self(*more, **env)
        assert (ran.code, ran.out) == (1, "")
        assert len(ran.err.strip().splitlines()) == 1
        if before is not None:
            assert self.held() == before
        return ran.err

    def held(self) -> tuple[list[bytes], bytes]:
        """Every entry, byte for byte, and the checkpoint, after checking all there is."""
        raw = whole(self.folder)
        return raw, (self.folder / "log" / CHECKPOINT).read_bytes()


@pytest.fixture
def mirror(tmp_path: Path, served: Static) -> Mirror:
    return Mirror(tmp_path / "m", served.url)


def bodies(database: Database) -> list[bytes]:
    with database.reading() as connection:
        return [
            bytes(body) for body in connection.execute(sa.select(entries.c.body).order_by(entries.c.number)).scalars()
        ]


def whole(data_dir: Path) -> list[bytes]:
    """The entries of a data folder in which the log, its files, its checkpoints and its views hold."""
    database = Database(f"sqlite:///{data_dir / 'register.sqlite'}")
    published = PublishedLog(Settings(data_dir=data_dir))
    try:
        with database.reading() as connection:
            found = log_check.check_log(connection, published)
        views.check_views(database)
        assert found.size == found.signed == published.get_checkpoint().checkpoint.size
        return bodies(database)
    finally:
        database.close()


def same(origin: Origin, mirror: Mirror) -> None:
    """The mirror holds what its origin holds: entries, files and checkpoint, byte for byte."""
    held, noted = mirror.held()
    assert held == whole(origin.data_dir)
    assert noted == origin.log.get_checkpoint().note
    here, there = LogFolder(mirror.folder / "log"), origin.log.folder
    size = len(held)
    wanted = [
        *tiles.list_changed_tiles(0, size),
        *(tiles.make_tile(None, index, size) for index in range(-(-size // tiles.WIDTH))),
    ]
    assert all(here.read_tile(tile) == there.read_tile(tile) for tile in wanted)
    assert here.find_file("vkey") == there.find_file("vkey")


# --- what a mirror is ------------------------------------------------------------------------------------------------


def test_a_mirror_follows_a_running_register_and_answers_as_it_does_without_it(
    origin: Origin, tmp_path: Path, start: Callable[..., Server]
) -> None:
    running = start(origin.data_dir)
    mirror = Mirror(tmp_path / "m", running.url)
    done = mirror.run(verdict="first")
    assert (done["size"], done["gained"]) == (SIZE, SIZE)
    assert done["root"] == origin.log.get_checkpoint().checkpoint.root.hex()
    origin.gains(*hospitals(260, 1000), an_institution("鞍山市示例1001医院", on=a_later_day(), IVF="suspended"))
    assert mirror.run(verdict="grown")["gained"] == 261
    assert mirror.run(verdict="same")["gained"] == 0
    same(origin, mirror)
    claims = [{"name": f"鞍山市示例{n}医院", "technique": "IVF"} for n in (0, 1, 1001, 1259, 9999)]
    said = [running.api("/verify", **claim) for claim in claims]
    found = running.api("/institutions", q="示例", limit=5)
    running.stop()
    copy = start(mirror.folder)
    answers = [copy.api("/verify", **claim) for claim in claims]
    for one in [*said, *answers]:
        del one["known_at"], one["state_age"]
    assert answers == said
    assert {one["verdict"] for one in answers} >= {"licensed", "not_found"}
    assert copy.api("/institutions", q="示例", limit=5) == found
    assert copy.get("/log/checkpoint").content == origin.log.get_checkpoint().note
    assert copy.get("/log/vkey").content == origin.log.folder.find_file("vkey")
    assert mirror.cli.ok("log", "check", "--json").json["size"] == SIZE + 261
    assert mirror.cli.ok("log", "checkpoint").out.encode() == origin.log.get_checkpoint().note
    assert not (mirror.folder / "signing.key").exists()


def a_later_day() -> Any:
    return an_institution().valid_from.replace(year=2025, month=7, day=1)


def test_the_key_trusted_at_first_use_is_said_and_the_given_one_is_not(
    origin: Origin, served: Static, cli: Cli, tmp_path: Path
) -> None:
    vkey = origin.log.list_verifiers()[0].text
    first = cli.ok("mirror", served.url, tmp_path / "a").out
    assert f"trusted at first use: {vkey}" in first
    assert "gained: 300" in first
    assert "first use" not in cli.ok("mirror", served.url, tmp_path / "b", "--vkey", vkey).out
    other = note.Verifier(name=origin.log.get_origin(), kind=note.ED25519, public=bytes(32)).text
    assert "未获所信任的密钥签名" in cli.refused("mirror", served.url, tmp_path / "c", "--vkey", other)


def test_a_mirror_of_an_empty_register_follows_it_from_its_first_entry(tmp_path: Path) -> None:
    origin = an_origin(tmp_path / "new")
    with serving_folder(origin.log.folder.path) as server:
        mirror = Mirror(tmp_path / "m", server.url)
        assert mirror.run(verdict="first")["size"] == 0
        same(origin, mirror)
        origin.gains(a_source())
        assert mirror.run(verdict="grown")["gained"] == 1
        same(origin, mirror)


def test_a_mirror_of_a_mirror_is_the_same_log(
    origin: Origin, mirror: Mirror, tmp_path: Path, start: Callable[..., Server]
) -> None:
    mirror.run()
    second = Mirror(tmp_path / "second", start(mirror.folder).url)
    second.run(verdict="first")
    same(origin, second)
    origin.gains(*hospitals(7, 1000))
    mirror.run(verdict="grown")
    second.run(verdict="grown")
    same(origin, second)
    third = Mirror(tmp_path / "third", str(second.folder))
    third.run(verdict="first")
    same(origin, third)


def test_a_running_mirror_answers_with_what_it_has_just_taken_in(
    origin: Origin, mirror: Mirror, start: Callable[..., Server]
) -> None:
    mirror.run()
    copy = start(mirror.folder)
    for step in range(4):
        name = f"鞍山市示例{2000 + step}医院"
        assert copy.api("/verify", name=name)["verdict"] == "not_found"
        origin.gains(an_institution(name))
        mirror.run(verdict="grown")
        assert eventually(lambda name=name: copy.api("/verify", name=name)["verdict"] == "licensed")
        assert copy.get("/log/checkpoint").content == origin.log.get_checkpoint().note
    same(origin, mirror)


def test_personal_values_are_withheld_and_what_was_erased_stays_so(origin: Origin, mirror: Mirror) -> None:
    hospital = an_institution()
    person = a_person(hospital)
    origin.gains(hospital, person)
    mirror.run()
    assert "示例员甲".encode() not in b"".join(mirror.held()[0])
    origin.gains(an_erasure(person))
    mirror.run(verdict="grown")
    same(origin, mirror)
    assert mirror.cli.ok("log", "check", "--json").json["withheld"] == 0


# --- nobody writes to it ---------------------------------------------------------------------------------------------


def test_nothing_is_approved_seeded_or_signed_in_a_mirror(origin: Origin, mirror: Mirror, tmp_path: Path) -> None:
    mirror.run()
    held = mirror.held()
    mirror.cli.staff()
    (tmp_path / "list.csv").write_text(
        "province,name,address,techniques,stages\n辽宁省,示例医院,示例路1号,IVF,formal\n"
    )
    imported = mirror.cli.ok(
        "import", tmp_path / "list.csv", "--as-of", "2025-12-31", "--scope", "partial", "--by", "editor", "--json"
    )
    assert "这是镜像" in mirror.cli.refused("approve", imported.json["proposal"], "--by", "approver")
    assert "这是镜像" in mirror.cli.refused("seed", "--json")
    mirror.cli.ok("init")
    assert not (mirror.folder / "signing.key").exists()
    shutil.copyfile(origin.data_dir / "signing.key", tmp_path / "stray.key")
    origin.gains(*hospitals(2, 1000))
    assert mirror.held() == held
    mirror.run(verdict="grown")
    mirror.cli.ok("log", "checkpoint", REGISTRY_SIGNING_KEY=str(tmp_path / "stray.key"))
    same(origin, mirror)


def test_a_register_of_its_own_is_never_made_a_mirror(origin: Origin, served: Static, tmp_path: Path) -> None:
    other = an_origin(tmp_path / "other", 3)
    with other.database() as database:
        before = bodies(database)
    mirror = Mirror(other.data_dir, served.url)
    assert "独立名录" in mirror.refused()
    (other.data_dir / "signing.key").rename(tmp_path / "elsewhere.key")
    assert "独立名录" in mirror.refused()
    with other.database() as database:
        assert bodies(database) == before


def test_another_log_is_not_mirrored_into_the_folder_of_one(
    origin: Origin, served: Static, mirror: Mirror, tmp_path: Path
) -> None:
    mirror.run()
    served.folder = an_origin(tmp_path / "stranger", SIZE + 10).log.folder.path
    assert "未获所信任的密钥签名" in mirror.refused()
    shutil.rmtree(mirror.folder / "mirror")
    assert "未获所信任的密钥签名" in mirror.refused(), "the published keys are still known"


# --- keys ------------------------------------------------------------------------------------------------------------


def test_a_rotated_key_is_followed_also_where_nothing_else_changed(
    origin: Origin, tmp_path: Path, start: Callable[..., Server]
) -> None:
    register = Cli(origin.data_dir, inside=True)
    mirror = Mirror(tmp_path / "m", start(origin.data_dir).url)
    old = mirror.run(verdict="first")["pinned"]
    register.ok("log", "rotate")
    done = mirror.run(verdict="same")
    assert len(done["taken_in"]) == 1
    same(origin, mirror)
    register.ok("log", "retire", old[0].split("+")[1])
    mirror.run(verdict="same")
    same(origin, mirror)
    origin.gains(*hospitals(2, 1000))
    mirror.run(verdict="grown")
    same(origin, mirror)


# --- forks, and less than was seen -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [SIZE - 50, SIZE, SIZE + 50])
def test_a_fork_of_any_size_is_refused_with_both_checkpoints_and_the_copy_is_untouched(
    origin: Origin, served: Static, mirror: Mirror, tmp_path: Path, size: int
) -> None:
    mirror.run()
    held = mirror.held()
    other = an_origin(tmp_path / "other", size, first=5000, like=origin)
    served.folder = other.log.folder.path
    ran = mirror()
    assert (ran.code, ran.json["verdict"]) == (1, "fork")
    assert "分叉" in ran.err
    assert ran.json["checkpoint"] == other.log.get_checkpoint().note.decode()
    assert ran.json["seen"]["checkpoint"] == origin.log.get_checkpoint().note.decode()
    evidence = LogFolder(Path(ran.json["evidence"]))
    assert (evidence.find_file("seen"), evidence.find_file("offered")) == (
        origin.log.get_checkpoint().note,
        other.log.get_checkpoint().note,
    )
    if size != SIZE:
        require_proof(evidence)
    assert mirror.held() == held
    served.folder = origin.log.folder.path
    origin.gains(*hospitals(2, 1000))
    assert mirror.run(verdict="grown", code=1)["forks"] == [str(evidence.path)], "the alarm stays on"
    same(origin, mirror)


def test_an_older_checkpoint_is_told_apart_from_a_fork_and_changes_nothing(
    origin: Origin, served: Static, mirror: Mirror, tmp_path: Path
) -> None:
    old = frozen(origin, tmp_path / "old")
    origin.gains(*hospitals(9, 1000))
    mirror.run()
    held = mirror.held()
    served.folder = old.path
    assert mirror.run(verdict="older", code=1)["gained"] == 0
    assert mirror.held() == held


def test_a_register_rolled_back_and_grown_again_is_a_fork(
    origin: Origin, served: Static, mirror: Mirror, tmp_path: Path
) -> None:
    other = origin.copy(tmp_path / "restored")
    origin.gains(*hospitals(20, 1000))
    mirror.run()
    served.folder = other.log.folder.path
    mirror.run(verdict="older", code=1)
    other.gains(*hospitals(30, 2000))
    mirror.run(verdict="fork", code=1)


# --- files that are altered, cut short or missing --------------------------------------------------------------------


def entry_changed(content: bytes) -> bytes:
    """The bundle with another stage in its last entry: well-formed, canonical, and not what was signed."""
    bundle = tiles.decode_bundle(content)
    bundle[-1] = bundle[-1].replace(b'"formal"', b'"trials"')
    return tiles.encode_bundle(bundle)


def altered(tile: str, change: Callable[[bytes], bytes]) -> Alter:
    return lambda path, content: change(content) if content and path.startswith(tile) else content


@pytest.mark.parametrize(
    "change",
    [
        entry_changed,
        lambda content: content[:-1],
        lambda content: tiles.encode_bundle(tiles.decode_bundle(content)[:-1]),
        lambda content: tiles.encode_bundle(tiles.decode_bundle(content)[::-1]),
        lambda content: content + content,
        lambda content: content[:0],
        lambda content: b"\xff" * len(content),
    ],
    ids=["changed", "cut", "short", "reversed", "long", "empty", "garbage"],
)
@pytest.mark.parametrize("begun", [False, True])
def test_an_altered_bundle_never_gets_in_and_the_next_run_is_right(
    origin: Origin, served: Static, mirror: Mirror, change: Callable[[bytes], bytes], begun: bool
) -> None:
    if begun:
        mirror.run()
        origin.gains(*hospitals(300, 1000))
    served.alter = altered("tile/entries/", change)
    reason = mirror.refused()
    assert "tile/entries/" in reason
    served.alter = as_is
    mirror.run()
    same(origin, mirror)


def test_the_altered_bundle_is_named(origin: Origin, served: Static, mirror: Mirror) -> None:
    origin.gains(*hospitals(600, 1000))
    served.alter = altered("tile/entries/001", entry_changed)
    assert "tile/entries/001 " in mirror.refused()


def test_an_altered_tile_of_hashes_is_refused(origin: Origin, served: Static, mirror: Mirror) -> None:
    mirror.run()
    origin.gains(*hospitals(300, 1000))
    served.alter = altered("tile/0/", lambda content: content[::-1])
    mirror.run(verdict="unproven", code=1)
    served.alter = as_is
    mirror.run(verdict="grown")
    same(origin, mirror)


def test_a_bundle_that_is_missing_is_told(served: Static, mirror: Mirror) -> None:
    served.alter = only("tile/entries/000", None)
    assert "没有 tile/entries/000" in mirror.refused()


def test_a_bundle_that_was_completed_meanwhile_is_cut_to_what_was_signed(
    origin: Origin, served: Static, mirror: Mirror
) -> None:
    old = origin.log.get_checkpoint()
    origin.gains(*hospitals(300, 1000))
    served.alter = only(CHECKPOINT, old.note)
    assert mirror.run(verdict="first")["size"] == SIZE
    served.alter = as_is
    mirror.run(verdict="grown")
    same(origin, mirror)


def test_what_was_fetched_by_a_run_that_failed_is_not_fetched_again(
    origin: Origin, served: Static, mirror: Mirror
) -> None:
    origin.gains(*hospitals(1000, 1000))
    served.alter = only("tile/entries/003", None)
    mirror.refused()
    done = {path for path in served.asked if path.startswith("tile/entries/")}
    assert done >= {"tile/entries/000", "tile/entries/001", "tile/entries/002"}
    served.alter = as_is
    served.asked.clear()
    mirror.run(verdict="first")
    assert next(path for path in served.asked if path.startswith("tile/entries/")) == "tile/entries/003"
    same(origin, mirror)
    assert not (mirror.folder / "mirror" / "staged").exists()


def test_what_was_fetched_before_is_checked_again(origin: Origin, served: Static, mirror: Mirror) -> None:
    origin.gains(*hospitals(1000, 1000))
    served.alter = only("tile/entries/003", None)
    mirror.refused()
    staged = mirror.folder / "mirror" / "staged" / "tile" / "entries" / "001"
    staged.write_bytes(entry_changed(staged.read_bytes()))
    served.alter = as_is
    assert "tile/entries/001" in mirror.refused()
    mirror.run(verdict="first")
    same(origin, mirror)


# --- killed ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory) -> Origin:
    """A register of MANY entries; only read."""
    return an_origin(tmp_path_factory.mktemp("many") / "var", MANY)


class Running:
    """`registry mirror` as a process of its own, to be killed."""

    def __init__(self, mirror: Mirror, *more: object) -> None:
        home = mirror.folder.with_name(f"{mirror.folder.name}-home")
        self.process = CopyProcess(
            [str(part) for part in (REGISTRY, "mirror", mirror.url, mirror.folder, "--json", *more)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(home),
        )

    def kill(self) -> bool:
        """kill -9; whether it was still at work."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()
        return self.process.returncode == -signal.SIGKILL


def beginning(many: list[bytes], mirror: Mirror) -> tuple[int, int]:
    """(entries let in, entries published) of a mirror that may have been killed: always a beginning of the log."""
    path = mirror.folder / "register.sqlite"
    held: list[bytes] = []
    if path.exists():
        database = Database(f"sqlite:///{path}")
        if database.is_current():
            held = bodies(database)
            with database.reading() as connection:
                assert store.read_head(connection).size == len(held)
                assert set(views.measure_lag(connection).values()) == {0}
        database.close()
    assert held == many[: len(held)]
    raw = LogFolder(mirror.folder / "log").find_file(CHECKPOINT)
    published = parse_signed_checkpoint(raw).checkpoint if raw else None
    if published:
        assert published.size <= len(held)
        assert LogFolder(mirror.folder / "log").read_frontier(published.size).compute_root() == published.root
    return len(held), published.size if published else 0


def test_killed_at_any_moment_the_next_run_goes_on_and_ends_right(many: Origin, tmp_path: Path) -> None:
    wanted = whole(many.data_dir)
    rolled = random.Random(11)
    stages: list[str] = []
    with serving_folder(many.log.folder.path) as server:
        while len(stages) < KILLS or not {"begun", "fetched"} <= set(stages):
            mirror = Mirror(tmp_path / f"m{len(stages)}", server.url)
            for _ in range(4):  # the same one again and again: each run goes on where the last was killed
                if killed(mirror, server, rolled):
                    stages.append(stage(wanted, mirror))
            mirror.run()
            assert mirror.held() == (wanted, many.log.get_checkpoint().note)


def killed(mirror: Mirror, server: Static, rolled: random.Random) -> bool:
    """A run killed at a random moment after a random number of answers; whether it was still at work."""
    server.asked.clear()
    goes_on = (mirror.folder / "mirror" / "staged").exists()
    running = Running(mirror)
    answers = rolled.choice([0, 1, 2, 4] if goes_on else [0, 2, 5, 10, 15, 20])
    eventually(lambda: len(server.asked) >= answers or running.process.poll() is not None, every=0.002)
    time.sleep(rolled.random() * rolled.choice([0.05, 0.5, 1.5]))
    return running.kill()


def stage(wanted: list[bytes], mirror: Mirror) -> str:
    """How far a killed mirror had come; what it holds is a beginning of the log at every stage."""
    held, published = beginning(wanted, mirror)
    if held > published:
        return "let in"
    if held:
        return "done"
    return "fetched" if (mirror.folder / "mirror" / "staged").exists() else "begun"


def test_entries_let_in_before_their_files_were_written_are_published_by_the_next_run(
    origin: Origin, served: Static, mirror: Mirror, tmp_path: Path
) -> None:
    """What is left by a kill between the commit and the files: the database of the new state, the files of the old."""
    mirror.run()
    old = frozen(Origin(mirror.folder), tmp_path / "files")
    origin.gains(*hospitals(300, 1000))
    mirror.run()
    shutil.rmtree(mirror.folder / "log")
    shutil.copytree(old.path, mirror.folder / "log")
    served.asked.clear()
    assert mirror.run(verdict="same")["gained"] == 0
    assert not [path for path in served.asked if path.startswith("tile/")]
    same(origin, mirror)
    shutil.rmtree(mirror.folder / "log")  # killed so in its very first run
    mirror.run(verdict="same")
    same(origin, mirror)


# --- at the same time ------------------------------------------------------------------------------------------------


def test_a_mirror_keeps_up_while_approvals_go_on(origin: Origin, tmp_path: Path, start: Callable[..., Server]) -> None:
    mirror = Mirror(tmp_path / "m", start(origin.data_dir).url)
    ended = threading.Event()
    failed: list[BaseException] = []

    def approve() -> None:
        try:
            with origin.database() as database:
                for step in range(25):
                    enter(database, *hospitals(17, 10_000 + 100 * step))
                    origin.log.publish(database)
        except BaseException as error:
            failed.append(error)
        finally:
            ended.set()

    thread = threading.Thread(target=approve)
    thread.start()
    sizes = [mirror.run(verdict="first")["size"]]
    while not ended.is_set():
        sizes.append(mirror.run()["size"])
    thread.join()
    assert failed == []
    mirror.run()
    same(origin, mirror)
    assert sizes == sorted(sizes)
    assert len(set(sizes)) > 2


def test_two_mirrors_into_one_folder_take_turns(many: Origin, tmp_path: Path) -> None:
    with serving_folder(many.log.folder.path) as server:
        mirror = Mirror(tmp_path / "m", server.url)
        both = [Running(mirror), Running(mirror)]
        try:
            told = [one.process.communicate(timeout=2 * PATIENCE) for one in both]
        finally:
            for one in both:
                one.kill()
    assert [one.process.returncode for one in both] == [0, 0], told
    assert sorted(json.loads(out)["gained"] for out, _ in told) == [0, MANY]
    assert len(mirror.held()[0]) == MANY


def test_it_goes_on_until_interrupted(origin: Origin, mirror: Mirror) -> None:
    running = Running(mirror, "--every", "0.2")
    try:
        checkpoint = mirror.folder / "log" / CHECKPOINT
        assert eventually(checkpoint.exists)
        signed: SignedCheckpoint = origin.gains(*hospitals(3, 1000))
        assert eventually(lambda: checkpoint.read_bytes() == signed.note)
        running.process.send_signal(signal.SIGINT)
        out, err = running.process.communicate(timeout=PATIENCE)
        assert running.process.returncode == 0, err
    finally:
        running.kill()
    assert json.loads(out.splitlines()[0])["verdict"] == "first"
    same(origin, mirror)
