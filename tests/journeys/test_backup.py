"""Backup and restore as an operator meets them: while the register is in use, after a loss, and when it must refuse."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from registry import proposals
from registry.domain.model import Draft
from registry.log import merkle, store
from registry.log.folder import LogFolder
from registry.log.publish import PublishedLog
from registry.log.tiles import Tile, decode_bundle, encode_bundle
from registry.settings import Settings
from registry.storage.database import Database
from registry.storage.tables import entries
from tests.copies import REGISTRY
from tests.factories import a_database, a_person, a_source, an_institution, approve, enter, hash_of, propose
from tests.running import Cli, Server, environment, eventually

HOSPITAL = an_institution()
SIZE = 3  # a source, an institution, a person


@contextmanager
def opened(cli: Cli) -> Iterator[Database]:
    database = Database(Settings(data_dir=cli.data_dir).get_database_url())
    yield database
    database.close()


def published(cli: Cli) -> PublishedLog:
    return PublishedLog(Settings(data_dir=cli.data_dir))


def signed(cli: Cli, *drafts: Draft) -> int:
    """Propose, approve and sign; the last entry."""
    with opened(cli) as database:
        _, last = enter(database, *drafts)
        published(cli).publish(database)
    return last


@pytest.fixture
def small(tmp_path: Path) -> Cli:
    """The command over a small register of its own, signed."""
    return a_register(tmp_path / "var")


def a_register(folder: Path) -> Cli:
    folder.mkdir()
    a_database(folder).close()
    cli = Cli(folder, inside=True)
    cli.ok("init")
    assert signed(cli, a_source(), HOSPITAL, a_person(HOSPITAL)) == SIZE
    return cli


def another(cli: Cli, folder: Path, *, log: bool = True, key: bool = True) -> Cli:
    """Another machine without the database: with a copy of the published log and of the key, or without."""
    folder.mkdir()
    if log:
        shutil.copytree(cli.data_dir / "log", folder / "log")
    if key:
        shutil.copyfile(cli.data_dir / "signing.key", folder / "signing.key")
    return Cli(folder, inside=True)


def lose_database(cli: Cli) -> None:
    for left in cli.data_dir.glob("register.sqlite*"):
        left.unlink()


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def fresh(number: int) -> Draft:
    return an_institution(f"鞍山市示例第{number}医院", f"辽宁省鞍山市铁西区示例路{number + 10}号")


# --- while it is in use ----------------------------------------------------------------------------------------------


def test_a_backup_made_while_approvals_go_on_is_one_moment_of_the_register(
    small: Cli, start: Callable[..., Server], tmp_path: Path
) -> None:
    rounds, each = 12, 15
    with opened(small) as database:
        ids = [propose(database, *(fresh(n * each + m) for m in range(each))) for n in range(rounds)]
    server = start(small.data_dir)
    made: list[dict[str, Any]] = []

    def approving() -> None:
        with opened(small) as database:
            for n, identifier in enumerate(ids):
                seen = hash_of(database, identifier)
                proposals.approve(database, identifier, by="approver.a", seen=seen, log=published(small))
                assert eventually(lambda n=n: len(made) > n // 3)

    thread = threading.Thread(target=approving)
    thread.start()
    while thread.is_alive() or len(made) < 2:
        made.append(small.ok("backup", tmp_path / f"backup-{len(made)}", "--json").json)
    thread.join()
    made.append(small.ok("backup", tmp_path / f"backup-{len(made)}", "--json").json)
    assert made[-1]["size"] == SIZE + rounds * each
    assert len({told["size"] for told in made}) > 3
    assert eventually(lambda: server.api("/institutions")["total"] == 1 + rounds * each)
    for told in [made[0], made[len(made) // 2], made[-1]]:
        assert_is_one_moment(told, tmp_path / f"restored-{told['size']}-{told['made_at']}", each)


def assert_is_one_moment(told: dict[str, Any], folder: Path, each: int) -> None:
    cli = Cli(folder, inside=True)
    cli.ok("restore", told["file"])
    assert cli.log_size() == told["size"]
    with opened(cli) as database, database.reading() as connection:
        approved = [one for one in proposals.list_proposals(connection, None) if one.state == "approved"]
        assert max(one.last_entry or 0 for one in approved) == told["size"] == SIZE + each * (len(approved) - 1)


def test_a_backup_says_what_it_holds_and_what_it_does_not(small: Cli, tmp_path: Path) -> None:
    said = small.ok("backup", tmp_path / "backup").out
    assert f"日志 / log: {SIZE} 条 / entries" in said
    assert str(small.data_dir / "signing.key") in said
    assert b"PRIVATE KEY" not in (tmp_path / "backup").read_bytes()


# --- after a loss ----------------------------------------------------------------------------------------------------


def test_the_rehearsal_of_a_lost_disk_an_old_backup_and_a_newer_checkpoint_outside(small: Cli, tmp_path: Path) -> None:
    small.ok("backup", tmp_path / "backup")
    assert signed(small, fresh(1)) == SIZE + 1
    assert signed(small, fresh(2), fresh(3)) == SIZE + 3
    shutil.copytree(small.data_dir / "log", tmp_path / "as-published")
    lose_database(small)
    before = everything(small.data_dir)
    refused = small.refused("restore", tmp_path / "backup")
    assert f"第{SIZE + 1}至{SIZE + 3}条将丢失" in refused
    assert "--complete" in refused
    assert everything(small.data_dir) | {"log/.lock": b""} == before | {"log/.lock": b""}
    done = small.ok("restore", tmp_path / "backup", "--complete", "--json").json
    assert (done["size"], done["completed"], done["withheld"]) == (SIZE + 3, 3, 0)
    assert (done["key"], done["kept"], done["unpublished"]) == ("ours", None, None)
    assert small.log_size() == SIZE + 3
    assert signed(small, fresh(4)) == SIZE + 4
    assert small.log_size() == SIZE + 4
    assert_extends(LogFolder(tmp_path / "as-published"), small)


def assert_extends(old: LogFolder, cli: Cli) -> None:
    """The checkpoint kept outside is one of the past of the log as it is now published."""
    before = PublishedLog(Settings(log_dir=str(old.path))).get_checkpoint().checkpoint
    now = published(cli).get_checkpoint().checkpoint
    proof = merkle.prove_consistency(published(cli).folder.make_tree(now.size), before.size, now.size)
    assert merkle.verify_consistency(before.size, now.size, before.root, now.root, proof)


def test_entries_published_after_the_backup_hold_their_names_no_more_and_that_is_said(
    small: Cli, tmp_path: Path
) -> None:
    small.ok("backup", tmp_path / "backup")
    signed(small, a_person(HOSPITAL, "示例员乙"))
    lose_database(small)
    said = small.ok("restore", tmp_path / "backup", "--complete").out
    assert "从已公布的日志补齐 / of them taken from the published log: 1" in said
    assert "须由工作人员重新录入" in said
    assert small.ok("log", "check", "--json").json["withheld"] == 2


def test_a_lost_bundle_is_said_and_a_mirror_completes_the_log(
    small: Cli, start: Callable[..., Server], tmp_path: Path
) -> None:
    small.ok("backup", tmp_path / "backup")
    signed(small, fresh(1))
    shutil.copytree(small.data_dir, tmp_path / "served")
    shutil.copytree(small.data_dir / "log", tmp_path / "mirror" / "log")
    lose_database(small)
    shutil.rmtree(small.data_dir / "log" / "tile" / "entries")
    assert "--complete-from" in small.refused("restore", tmp_path / "backup", "--complete")
    by_folder = another(small, tmp_path / "one", log=False)
    assert by_folder.ok("restore", tmp_path / "backup", "--complete-from", tmp_path / "mirror", "--json").json[
        "compared"
    ] == (SIZE + 1)
    assert by_folder.log_size() == SIZE + 1
    server = start(tmp_path / "served")
    small.ok("restore", tmp_path / "backup", "--complete-from", server.url)
    assert small.log_size() == SIZE + 1
    assert published(small).folder.read_tile(Tile(level=None, index=0, width=SIZE + 1))


def test_a_bundle_that_does_not_give_the_signed_root_is_not_taken_in(small: Cli, tmp_path: Path) -> None:
    small.ok("backup", tmp_path / "backup")
    signed(small, fresh(1))
    lose_database(small)
    folder = published(small).folder
    tile = Tile(level=None, index=0, width=SIZE + 1)
    *held, last = decode_bundle(folder.read_tile(tile))
    folder.write_tile(tile, encode_bundle([*held, last.replace("示例第1".encode(), "示例第9".encode())]))
    assert "与签发的检查点不符" in small.refused("restore", tmp_path / "backup", "--complete")
    assert not (small.data_dir / "register.sqlite").exists()


def test_a_mirror_that_somebody_else_signed_is_not_believed(small: Cli, tmp_path: Path) -> None:
    small.ok("backup", tmp_path / "backup")
    forger = another(small, tmp_path / "forger", log=False, key=False)
    forger.ok("restore", tmp_path / "backup")
    (tmp_path / "forger" / "log" / "checkpoint").unlink()
    with opened(forger) as database, database.writing() as connection:
        connection.exec_driver_sql("DROP TRIGGER checkpoints_no_delete")
        connection.exec_driver_sql("DELETE FROM checkpoints")
    forger.ok("init")
    assert signed(forger, fresh(66)) == SIZE + 1
    lose_database(small)
    refused = small.refused("restore", tmp_path / "backup", "--complete-from", tmp_path / "forger")
    assert "signing.key" in refused
    assert not (small.data_dir / "register.sqlite").exists()


def test_restoring_on_a_new_machine_without_its_log_says_what_cannot_be_known(small: Cli, tmp_path: Path) -> None:
    small.ok("backup", tmp_path / "backup")
    machine = another(small, tmp_path / "new", log=False)
    ran = machine.ok("restore", tmp_path / "backup")
    assert "没有已公布的日志可供核对" in ran.err
    assert machine.log_size() == SIZE
    assert published(machine).get_checkpoint().note == published(small).get_checkpoint().note


def test_without_the_key_everything_is_restored_and_a_new_key_can_go_on(small: Cli, tmp_path: Path) -> None:
    small.ok("backup", tmp_path / "backup")
    machine = another(small, tmp_path / "new", log=False, key=False)
    assert "registry log rotate --lost" in machine.ok("restore", tmp_path / "backup").err
    machine.ok("log", "rotate", "--lost")
    assert signed(machine, fresh(1)) == SIZE + 1
    assert machine.log_size() == SIZE + 1
    assert_extends(LogFolder(small.data_dir / "log"), machine)


def test_a_key_made_by_mistake_is_told_and_the_right_one_takes_its_place(small: Cli, tmp_path: Path) -> None:
    small.ok("backup", tmp_path / "backup")
    machine = another(small, tmp_path / "new", log=False, key=False)
    machine.ok("init")
    ran = machine.ok("restore", tmp_path / "backup")
    assert "不是签发该日志的密钥" in ran.err
    shutil.copyfile(small.data_dir / "signing.key", machine.data_dir / "signing.key")
    assert machine.log_size() == SIZE
    assert signed(machine, fresh(1)) == SIZE + 1
    assert_extends(LogFolder(small.data_dir / "log"), machine)


def test_a_machine_that_was_rolled_back_whole_goes_on_from_what_a_mirror_saw(small: Cli, tmp_path: Path) -> None:
    small.ok("backup", tmp_path / "backup")
    shutil.copytree(small.data_dir, tmp_path / "snapshot")
    signed(small, fresh(1))
    shutil.copytree(small.data_dir / "log", tmp_path / "mirror")
    shutil.rmtree(small.data_dir)
    shutil.copytree(tmp_path / "snapshot", small.data_dir)
    done = small.ok("restore", tmp_path / "backup", "--complete-from", tmp_path / "mirror", "--json").json
    assert (done["size"], done["compared"], done["key"]) == (SIZE + 1, SIZE + 1, "ours")
    assert signed(small, fresh(2)) == SIZE + 2
    assert small.log_size() == SIZE + 2
    assert_extends(LogFolder(tmp_path / "mirror"), small)


def test_an_older_backup_is_completed_although_the_key_was_replaced_since(small: Cli, tmp_path: Path) -> None:
    small.ok("backup", tmp_path / "backup")
    old = published(small).list_verifiers()[0].id.hex()
    small.ok("log", "rotate")
    small.ok("log", "retire", old)
    signed(small, fresh(1))
    lose_database(small)
    (small.data_dir / "signing.key").rename(tmp_path / "signing.key")
    assert "signing.key" in small.refused("restore", tmp_path / "backup", "--complete")
    (tmp_path / "signing.key").rename(small.data_dir / "signing.key")
    assert small.ok("restore", tmp_path / "backup", "--complete", "--json").json["key"] == "ours"
    assert small.log_size() == SIZE + 1


def test_a_damaged_database_is_kept_beside_and_replaced(small: Cli, tmp_path: Path) -> None:
    small.ok("backup", tmp_path / "backup")
    there = small.data_dir / "register.sqlite"
    for n, damage in enumerate([b"nothing that SQLite knows" * 1000, b"", there.read_bytes()[:20_000]]):
        there.write_bytes(damage)
        (small.data_dir / "register.sqlite-wal").write_bytes(b"left over")
        done = small.ok("restore", tmp_path / "backup", "--json").json
        assert Path(done["kept"]).read_bytes() == damage
        assert small.log_size() == SIZE + n
        signed(small, fresh(n))
        small.ok("backup", tmp_path / "backup", "--replace")


# --- what it must refuse ---------------------------------------------------------------------------------------------


def test_a_database_that_holds_more_than_the_backup_is_not_replaced(small: Cli, tmp_path: Path) -> None:
    small.ok("backup", tmp_path / "backup")
    shutil.rmtree(small.data_dir / "log")
    with opened(small) as database:
        enter(database, fresh(1))
    refused = small.refused("restore", tmp_path / "backup")
    assert "无需恢复" in refused
    assert "registry log checkpoint" in refused
    small.ok("log", "checkpoint")
    assert small.log_size() == SIZE + 1


def test_the_backup_of_another_register_is_refused_and_names_the_first_entry(small: Cli, tmp_path: Path) -> None:
    other = a_register(tmp_path / "other")
    other.ok("backup", tmp_path / "backup")
    before = everything(small.data_dir)
    assert "第1条不同" in small.refused("restore", tmp_path / "backup")
    signed(small, fresh(1))  # now it is shorter too, which is not what is wrong with it
    assert "第1条不同" in small.refused("restore", tmp_path / "backup")
    assert small.log_size() == SIZE + 1
    assert before.keys() <= everything(small.data_dir).keys()


def test_another_log_in_the_database_is_replaced_only_when_the_published_log_says_so(
    small: Cli, tmp_path: Path
) -> None:
    small.ok("backup", tmp_path / "backup")
    other = a_register(tmp_path / "other")
    shutil.copyfile(other.data_dir / "register.sqlite", small.data_dir / "register.sqlite")
    shutil.move(small.data_dir / "log", tmp_path / "away")
    assert "移走" in small.refused("restore", tmp_path / "backup")
    shutil.rmtree(small.data_dir / "log")
    shutil.move(tmp_path / "away", small.data_dir / "log")
    assert small.ok("restore", tmp_path / "backup", "--json").json["kept"]
    assert small.log_size() == SIZE


def test_a_database_that_was_rolled_back_or_rewritten_is_not_backed_up(small: Cli, tmp_path: Path) -> None:
    shutil.copyfile(small.data_dir / "register.sqlite", tmp_path / "older")
    signed(small, fresh(1))
    shutil.copyfile(small.data_dir / "register.sqlite", tmp_path / "newer")
    shutil.copyfile(tmp_path / "older", small.data_dir / "register.sqlite")
    assert "回退" in small.refused("backup", tmp_path / "backup")
    shutil.copyfile(tmp_path / "newer", small.data_dir / "register.sqlite")
    with opened(small) as database, database.writing() as connection:
        connection.exec_driver_sql("DROP TRIGGER entries_no_update")
        body = store.read_verified_entries(connection, 1, 2)
        changed = next(body)[0].replace("鞍山市示例医院".encode(), "鞍山市示例医园".encode())
        connection.execute(sa.update(entries).where(entries.c.number == 2).values(body=changed))
    assert "已损坏" in small.refused("backup", tmp_path / "backup")
    assert [path.name for path in tmp_path.iterdir() if "backup" in path.name] == []


def cut(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def written_over(path: Path) -> None:
    path.write_bytes(b"PK\x03\x04" + path.read_bytes())


def statement(sql: str) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        engine = sa.create_engine(f"sqlite:///{path}")
        with engine.begin() as connection:
            assert connection.exec_driver_sql(sql).rowcount != 0
        engine.dispose()

    return damage


DAMAGES: Iterable[tuple[Callable[[Path], None], str]] = [
    (cut, "已损坏"),
    (emptied, "不是 registry backup 所做的备份"),
    (written_over, "不是 registry backup 所做的备份"),
    (statement("DELETE FROM backup"), "没有说明"),
    (statement("UPDATE accounts SET password = 'x' WHERE name = 'editor.a'"), "表 accounts"),
    (statement("DELETE FROM proposal_touches WHERE id = 1"), "表 proposal_touches"),
    (statement("UPDATE entries SET recorded_at = recorded_at + 1 WHERE number = 2"), "表 entries"),
    (statement("UPDATE backup SET root = ''"), "根哈希"),
    (statement("UPDATE backup SET format = 2, version = '9.9'"), "9.9"),
    (statement("UPDATE backup SET \"schema\" = '0001', version = '0.0.1'"), "0.0.1"),
    (statement("UPDATE backup SET size = 'many'"), "已损坏"),
]


@pytest.mark.parametrize(("damage", "said"), DAMAGES)
def test_a_damaged_or_foreign_file_is_refused_before_anything_is_touched(
    small: Cli, tmp_path: Path, damage: Callable[[Path], None], said: str
) -> None:
    small.ok("backup", tmp_path / "backup")
    damage(tmp_path / "backup")
    before = everything(small.data_dir)
    assert said in small.refused("restore", tmp_path / "backup")
    assert everything(small.data_dir) == before


def test_files_that_are_no_backups_are_not_restored(small: Cli, tmp_path: Path) -> None:
    assert "没有备份文件" in small.refused("restore", tmp_path / "nothing")
    assert "没有备份文件" in small.refused("restore", small.data_dir)
    assert "不是 registry backup" in small.refused("restore", small.data_dir / "register.sqlite")
    assert "不是 registry backup" in small.refused("restore", small.data_dir / "signing.key")


def test_a_backup_never_takes_the_place_of_another_file(small: Cli, tmp_path: Path) -> None:
    small.ok("backup", tmp_path / "backup")
    assert "--replace" in small.refused("backup", tmp_path / "backup")
    small.ok("backup", tmp_path / "backup", "--replace")
    key = small.data_dir / "signing.key"
    before = key.read_bytes()
    for path in (key, small.data_dir / "register.sqlite", small.data_dir):
        assert "不予覆盖" in small.refused("backup", path, "--replace")
    assert key.read_bytes() == before
    assert small.log_size() == SIZE


def test_a_backup_that_cannot_be_written_leaves_nothing(small: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "没有目录" in small.refused("backup", tmp_path / "file" / "backup")
    assert "没有目录" in small.refused("backup", tmp_path / "nowhere" / "backup")
    assert limited(small, 40, "backup", tmp_path / "backup").startswith(f"registry: 无法写入 {tmp_path}/.backup.")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "var"]


def test_a_restore_into_a_folder_that_cannot_be_made_is_refused(small: Cli, tmp_path: Path) -> None:
    small.ok("backup", tmp_path / "backup")
    (tmp_path / "file").write_text("")
    assert "无法写入" in Cli(tmp_path / "file" / "var", inside=True).refused("restore", tmp_path / "backup")
    other = tmp_path / "other" / "register.sqlite"
    url = f"sqlite:///{tmp_path}/file/register.sqlite"
    assert "无法写入" in small.refused("restore", tmp_path / "backup", REGISTRY_DATABASE_URL=url)
    small.ok("restore", tmp_path / "backup", REGISTRY_DATABASE_URL=f"sqlite:///{other}")
    assert other.stat().st_mode & 0o777 == 0o600


def test_a_key_file_that_cannot_be_read_is_told_before_anything_changes(small: Cli, tmp_path: Path) -> None:
    small.ok("backup", tmp_path / "backup")
    lose_database(small)
    (small.data_dir / "signing.key").write_text("-----BEGIN PRIVATE KEY-----")
    before = everything(small.data_dir)
    assert "签名密钥" in small.refused("restore", tmp_path / "backup")
    assert everything(small.data_dir) == before


def test_a_log_folder_that_cannot_be_written_does_not_undo_the_restore(small: Cli, tmp_path: Path) -> None:
    small.ok("backup", tmp_path / "backup")
    lose_database(small)
    shutil.rmtree(small.data_dir / "log" / "tile")
    (small.data_dir / "log" / "tile").write_text("in the way")
    ran = small.ok("restore", tmp_path / "backup")
    assert "日志尚未公布" in ran.err
    (small.data_dir / "log" / "tile").unlink()
    small.ok("rebuild", "log")
    assert small.log_size() == SIZE


def test_a_restore_without_room_leaves_the_database_that_was_there(small: Cli, tmp_path: Path) -> None:
    small.ok("backup", tmp_path / "backup")
    before = everything(small.data_dir).keys()
    refused = limited(small, 100, "restore", tmp_path / "backup")
    assert "无法写入" in refused
    assert "现有数据未改动" in refused
    assert everything(small.data_dir).keys() == before
    assert small.log_size() == SIZE


def limited(cli: Cli, blocks: int, *args: object) -> str:
    """The refusal of a command that may write no file longer than so many kilobytes: as on a full disk."""
    line = ["bash", "-c", f'ulimit -f {blocks}; exec "$@"', "bash", str(REGISTRY), *map(str, args)]
    done = subprocess.run(line, capture_output=True, text=True, env=environment(cli.data_dir), check=False)
    assert done.returncode == 1, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    return done.stderr


# --- under a running server ------------------------------------------------------------------------------------------


def test_a_database_in_use_is_not_replaced(small: Cli, start: Callable[..., Server], tmp_path: Path) -> None:
    small.ok("backup", tmp_path / "backup")
    server = start(small.data_dir)
    assert "请先停止服务" in small.refused("restore", tmp_path / "backup")
    assert server.get("/readyz").status_code == 200
    server.stop()
    small.ok("restore", tmp_path / "backup")
    assert small.log_size() == SIZE


def test_a_server_whose_database_was_lost_goes_on_with_the_restored_one(
    small: Cli, start: Callable[..., Server], tmp_path: Path
) -> None:
    small.ok("backup", tmp_path / "backup")
    server = start(small.data_dir)
    lose_database(small)
    assert eventually(lambda: server.get("/readyz").status_code == 503)
    small.ok("restore", tmp_path / "backup")
    assert eventually(lambda: server.get("/readyz").status_code == 200)
    assert server.api("/institutions")["total"] == 1
    with opened(small) as database:
        approve(database, propose(database, fresh(1)))
    assert eventually(lambda: server.api("/institutions")["total"] == 2)
    assert eventually(lambda: published(small).get_checkpoint().checkpoint.size == SIZE + 1)
    assert small.log_size() == SIZE + 1


def test_a_server_stops_answering_when_another_log_is_restored_under_it(
    small: Cli, start: Callable[..., Server], tmp_path: Path
) -> None:
    other = a_register(tmp_path / "other")
    other.ok("backup", tmp_path / "backup")
    server = start(small.data_dir)
    lose_database(small)
    shutil.rmtree(small.data_dir / "log")
    small.ok("restore", tmp_path / "backup")
    assert eventually(lambda: server.client.get("/api/v1/institutions").status_code == 503)
    assert server.api("/institutions", status=503)["code"] == "cannot_answer"
    server.stop()
    assert start(small.data_dir).api("/institutions")["total"] == 1
