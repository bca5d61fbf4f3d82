"""The published log over both databases: what is signed, what never is, and what somebody with the files can do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from registry import proposals
from registry.errors import Conflict, InvalidInput, LogDamaged, RegistryError, SigningKeyForeign
from registry.log import check as log_check
from registry.log import codec, merkle, note, signing_keys, tiles
from registry.log.folder import CHECKPOINT, VKEY
from registry.log.merkle import Frontier, hash_leaf
from registry.log.note import SignedCheckpoint, parse_signed_checkpoint
from registry.log.publish import PublishedLog
from registry.proposals import views
from registry.settings import Settings
from registry.storage.database import APPEND_ONLY, Database
from registry.storage.tables import checkpoints, entries
from tests.backends.conftest import BACKENDS, Postgres
from tests.factories import a_change, a_database, a_source, an_institution, approve, enter, hash_of, propose

SIZE = 300  # entries: more than one tile
ORIGIN = "register.example/log"


def hospitals(number: int, first: int = 0) -> list[object]:
    return [an_institution(f"鞍山市示例{n}医院") for n in range(first, first + number)]


def a_log(folder: Path, **settings: str) -> PublishedLog:
    """The published log of a data folder, with a key of its own."""
    loaded = Settings(data_dir=folder, public_url="https://register.example", **settings)
    signing_keys.create_key_file(loaded.get_key_file())
    return PublishedLog(loaded)


@pytest.fixture
def log(request: pytest.FixtureRequest, tmp_path: Path) -> PublishedLog:
    if "filled" in request.fixturenames:
        request.getfixturevalue("filled")  # with its key and its files
    return a_log(tmp_path)


@pytest.fixture(scope="module")
def kept() -> Iterator[dict[str, tuple[Path, Database]]]:
    """By backend the folder and the database of a register that is only copied, once a test asked for one."""
    made: dict[str, tuple[Path, Database]] = {}
    yield made
    for _, database in made.values():
        database.close()


@pytest.fixture(params=BACKENDS)
def filled(
    request: pytest.FixtureRequest,
    kept: dict[str, tuple[Path, Database]],
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Database]:
    """A register of SIZE entries, published in two steps: a copy of one that was made once."""
    server: Postgres | None = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    if request.param not in kept:
        folder = tmp_path_factory.mktemp("filled")
        kept[request.param] = folder, server.fresh() if server else a_database(folder)
        _fill(*kept[request.param])
    folder, database = kept[request.param]
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    copied = server.copy(database) if server else Database(f"sqlite:///{tmp_path / 'register.sqlite'}")
    yield copied
    if server:
        server.remove(copied)
    else:
        copied.close()


def _fill(folder: Path, database: Database) -> None:
    log = a_log(folder)
    enter(database, a_source(), *hospitals(SIZE - 41))
    log.publish(database)
    enter(database, *hospitals(40, SIZE))
    log.publish(database)
    database.close()


def published(log: PublishedLog, database: Database) -> SignedCheckpoint:
    found = log.publish(database)
    assert found is not None
    return found


def run_check(database: Database, log: PublishedLog) -> log_check.LogCheckResult:
    with database.reading() as connection:
        found = log_check.check_log(connection, log)
    views.check_views(database)
    return found


def damage(database: Database, log: PublishedLog) -> LogDamaged:
    """What the check says of a log that does not hold."""
    with database.reading() as connection, pytest.raises(LogDamaged) as found:
        log_check.check_log(connection, log)
    return found.value


def unguard(database: Database) -> None:
    """What somebody who owns the database can do: the guards are triggers."""
    with database.writing() as connection:
        for table in APPEND_ONLY:
            if database.is_sqlite:
                for name in ("no_update", "no_delete", "no_replace"):
                    connection.exec_driver_sql(f"DROP TRIGGER {table}_{name}")
            else:
                connection.exec_driver_sql(f"DROP TRIGGER {table}_append_only ON {table}")


def leaves(database: Database) -> list[bytes]:
    with database.reading() as connection:
        rows = connection.execute(sa.select(entries.c.body).order_by(entries.c.number)).scalars().all()
    return [hash_leaf(bytes(body)) for body in rows]


# --- what is published ---------------------------------------------------------------------------------------------


def test_every_approval_is_followed_by_a_checkpoint_that_extends_the_last_one(
    database: Database, log: PublishedLog
) -> None:
    seen = [published(log, database)]
    assert (seen[0].checkpoint.size, seen[0].checkpoint.origin) == (0, ORIGIN)
    for step in range(6):
        enter(database, *([a_source()] if step == 0 else []), *hospitals(60, 100 * step))
        seen.append(published(log, database))
        old, new = seen[-2].checkpoint, seen[-1].checkpoint
        tree = log.folder.make_tree(new.size)
        proof = merkle.prove_consistency(tree, old.size, new.size) if old.size else []
        assert merkle.verify_consistency(old.size, new.size, old.root, new.root, proof)
        assert new.root == merkle.compute_root(tree, new.size)
        note.verify_note(seen[-1].note, log.list_verifiers())
    frontier = Frontier()
    frontier.extend(leaves(database))
    assert seen[-1].checkpoint.root == frontier.compute_root()
    assert run_check(database, log).signed == frontier.size


def test_nothing_new_means_the_same_checkpoint_byte_for_byte(filled: Database, log: PublishedLog) -> None:
    before = (log.folder.path / CHECKPOINT).read_bytes()
    assert published(log, filled).note == before
    with filled.reading() as connection:
        notes = connection.execute(sa.select(checkpoints.c.note).order_by(checkpoints.c.id)).scalars().all()
    assert [parse_signed_checkpoint(bytes(one)).checkpoint.size for one in notes] == [SIZE - 40, SIZE]


def test_the_files_hold_exactly_the_entries_of_the_log(filled: Database, log: PublishedLog) -> None:
    found: list[bytes] = []
    for index in range(2):
        found += tiles.decode_bundle(log.folder.read_tile(tiles.make_tile(None, index, SIZE)))
    with filled.reading() as connection:
        held = connection.execute(sa.select(entries.c.body).order_by(entries.c.number)).scalars().all()
    assert found == [bytes(body) for body in held]
    assert (log.folder.path / "tile" / "0" / "001.p" / "44").exists()
    assert not (log.folder.path / "tile" / "0" / "000.p").exists()  # the full tile took its place


def test_every_partial_tile_that_a_checkpoint_needs_can_be_read_later(database: Database, log: PublishedLog) -> None:
    enter(database, a_source(), *hospitals(9))
    first = published(log, database).checkpoint
    enter(database, *hospitals(SIZE, 1000))
    published(log, database)
    assert merkle.compute_root(log.folder.make_tree(first.size), first.size) == first.root
    assert len(tiles.decode_bundle(log.folder.read_tile(tiles.make_tile(None, 0, first.size)))) == first.size


def test_published_files_are_written_again_when_they_are_lost(filled: Database, log: PublishedLog) -> None:
    before = {p.relative_to(log.folder.path): p.read_bytes() for p in log.folder.path.rglob("*") if p.is_file()}
    shutil.rmtree(log.folder.path / "tile")
    damage(filled, log)
    published(log, filled)
    run_check(filled, log)
    shutil.rmtree(log.folder.path)  # also the checkpoint: the database has it too
    published(log, filled)
    after = {p.relative_to(log.folder.path): p.read_bytes() for p in log.folder.path.rglob("*") if p.is_file()}
    assert {path: before[path] for path in after} == after
    assert {str(path) for path in before.keys() - after.keys()} == {  # of an older checkpoint: cut from the wider
        "tile/0/001.p/4",
        "tile/entries/001.p/4",
    }


def test_a_machine_without_the_key_publishes_what_another_signed(
    filled: Database, log: PublishedLog, tmp_path: Path
) -> None:
    other = PublishedLog(Settings(data_dir=tmp_path / "other", public_url="https://elsewhere.example"))
    assert published(other, filled) == published(log, filled)
    enter(filled, *hospitals(5, 5000))
    assert published(other, filled).checkpoint.size == SIZE  # it cannot sign what is new
    mine = published(log, filled)
    assert published(other, filled) == mine
    run_check(filled, other)
    signing_keys.add_key(tmp_path / "signing.key")
    anew = published(log, filled)  # the same entries, signed by both keys
    assert anew.checkpoint == mine.checkpoint
    assert published(other, filled) == anew
    assert published(log, filled) == anew
    assert other.read_vkeys() == log.read_vkeys()
    assert len(log.read_vkeys()) == 2
    run_check(filled, other)


def test_two_machines_with_the_same_key_never_sign_apart(
    filled: Database, log: PublishedLog, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("twin")
    shutil.copyfile(tmp_path / "signing.key", folder / "signing.key")
    twin = a_log(folder)
    for step in range(4):
        enter(filled, *hospitals(3, 6000 + 10 * step))
        first, second = (log, twin) if step % 2 else (twin, log)
        assert published(first, filled) == published(second, filled)
    run_check(filled, log)
    run_check(filled, twin)


# --- keys ------------------------------------------------------------------------------------------------------------


def test_a_new_key_signs_beside_the_old_one_and_then_alone(filled: Database, log: PublishedLog, tmp_path: Path) -> None:
    key_file = tmp_path / "signing.key"
    (old,) = log.list_verifiers()
    signing_keys.add_key(key_file)
    both = published(log, filled)
    _, new = log.list_verifiers()
    for keys in ([old], [new], [old, new]):
        assert note.verify_note(both.note, keys)[1] == keys  # who knows one key ignores the other's line
    assert (log.folder.path / VKEY).read_text().splitlines() == [old.text, new.text]
    signing_keys.retire_key(key_file, old.public)
    alone = published(log, filled)
    assert note.verify_note(alone.note, [new])[1] == [new]
    with pytest.raises(InvalidInput):
        note.verify_note(alone.note, [old])
    enter(filled, *hospitals(1, 7000))
    published(log, filled)
    run_check(filled, log)  # the old checkpoints still hold under the retired key


def test_a_checkpoint_signed_by_a_stranger_is_never_extended(
    filled: Database, log: PublishedLog, tmp_path: Path
) -> None:
    (tmp_path / "signing.key").unlink()
    signing_keys.create_key_file(tmp_path / "signing.key")
    enter(filled, *hospitals(1, 7000))
    before = (log.folder.path / CHECKPOINT).read_bytes()
    with pytest.raises(SigningKeyForeign):
        log.publish(filled)
    assert (log.folder.path / CHECKPOINT).read_bytes() == before
    with filled.reading() as connection, pytest.raises(SigningKeyForeign):
        log_check.check_log(connection, log)


def test_a_lost_key_is_replaced_and_the_old_checkpoints_still_hold(
    filled: Database, log: PublishedLog, tmp_path: Path
) -> None:
    (old,) = log.list_verifiers()
    (tmp_path / "signing.key").unlink()
    with filled.reading() as connection:
        gone = log.list_lost_keys(connection)
    signing_keys.recreate_key_file(tmp_path / "signing.key", [key.public for key in gone])
    enter(filled, *hospitals(1, 7000))
    published(log, filled)
    (new,) = log.list_verifiers()
    assert new != old
    assert log.list_verifiers(retired=True) == [old, new]
    run_check(filled, log)


def test_the_name_of_the_log_is_that_of_its_first_checkpoint(
    filled: Database, log: PublishedLog, tmp_path: Path
) -> None:
    moved = PublishedLog(Settings(data_dir=tmp_path, public_url="https://moved.example"))
    enter(filled, *hospitals(1, 7000))
    assert published(moved, filled).checkpoint.origin == ORIGIN
    renamed = PublishedLog(Settings(data_dir=tmp_path, log_origin="other.example/log"))
    with pytest.raises(InvalidInput, match="REGISTRY_LOG_ORIGIN"):
        renamed.publish(filled)


# --- somebody with the database in hand ------------------------------------------------------------------------------


def altered(body: bytes) -> bytes:
    """An entry that says something else, as carefully as we would have written it."""
    told = json.loads(body)
    told["valid_from"] = "2024-01-01"
    return codec.encode_canonical(told)


def change(connection: sa.Connection) -> int:
    """Rewrite an entry and its leaf hash."""
    body = altered(bytes(connection.execute(sa.select(entries.c.body).where(entries.c.number == 77)).scalar_one()))
    connection.execute(sa.update(entries).where(entries.c.number == 77).values(body=body, leaf=hash_leaf(body)))
    return 77


def delete(connection: sa.Connection) -> int:
    connection.execute(sa.delete(entries).where(entries.c.number == 123))
    return 123


def delete_and_renumber(connection: sa.Connection) -> int:
    """Take one entry out and close the gap, numbers, bytes and hashes."""
    rows = connection.execute(sa.select(entries).where(entries.c.number > 200).order_by(entries.c.number)).all()
    connection.execute(sa.delete(entries).where(entries.c.number >= 200))
    for row in rows:
        told = json.loads(bytes(row.body))
        told["number"] -= 1
        body = codec.encode_canonical(told)
        values = {**row._mapping, "number": told["number"], "body": body, "leaf": hash_leaf(body)}
        connection.execute(sa.insert(entries).values(values))
    return 200


def swap(connection: sa.Connection) -> int:
    """Exchange two entries, each rewritten to bear the other's number."""
    rows = {
        row.number: row for row in connection.execute(sa.select(entries).where(entries.c.number.in_([50, 60]))).all()
    }
    connection.execute(sa.delete(entries).where(entries.c.number.in_([50, 60])))
    for mine, other in ((50, 60), (60, 50)):
        told = json.loads(bytes(rows[other].body))
        told["number"] = mine
        body = codec.encode_canonical(told)
        values = {**rows[other]._mapping, "number": mine, "body": body, "leaf": hash_leaf(body)}
        connection.execute(sa.insert(entries).values(values))
    return 50


def insert(connection: sa.Connection) -> int:
    """Append an entry nobody approved, in the name of a proposal that was approved."""
    last = connection.execute(sa.select(entries).order_by(entries.c.number.desc()).limit(1)).one()
    told = json.loads(bytes(last.body))
    told["number"] += 1
    body = codec.encode_canonical(told)
    values = {**last._mapping, "number": told["number"], "body": body, "leaf": hash_leaf(body)}
    connection.execute(sa.insert(entries).values(values))
    return int(told["number"])


def insert_with_a_made_up_proposal(connection: sa.Connection) -> int:
    last = connection.execute(sa.select(entries).order_by(entries.c.number.desc()).limit(1)).one()
    told = json.loads(bytes(last.body))
    told |= {"number": told["number"] + 1, "proposal": 4711}
    body = codec.encode_canonical(told)
    values = {**last._mapping, "number": told["number"], "body": body, "leaf": hash_leaf(body)}
    connection.execute(sa.insert(entries).values(values))
    return int(told["number"])


def cut(connection: sa.Connection) -> int:
    """Take the end off: also the checkpoint that spoke of it."""
    connection.execute(sa.delete(entries).where(entries.c.number > 280))
    connection.execute(sa.delete(checkpoints).where(checkpoints.c.size > 280))
    return 281


ATTACKS: list[Callable[[sa.Connection], int]] = [
    change,
    delete,
    delete_and_renumber,
    swap,
    insert,
    insert_with_a_made_up_proposal,
    cut,
]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_the_check_names_the_first_entry_that_somebody_tampered_with(
    filled: Database, log: PublishedLog, attack: Callable[[sa.Connection], int]
) -> None:
    unguard(filled)
    with filled.writing() as connection:
        number = attack(connection)
    found = damage(filled, log)
    assert found.details["entry"] == number
    assert str(number) in found.zh
    assert str(number) in found.en


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_nothing_is_signed_over_a_log_that_somebody_tampered_with(
    filled: Database, log: PublishedLog, attack: Callable[[sa.Connection], int]
) -> None:
    """What no longer extends the last checkpoint is refused; what was signed before goes on being what is published."""
    last = log.get_checkpoint()
    old = leaves(filled)
    unguard(filled)
    with filled.writing() as connection:
        attack(connection)
    try:
        log.publish(filled)
    except LogDamaged:
        assert log.get_checkpoint() == last
    else:  # an entry signed long ago: the next checkpoint is made from what was published, not from what is there now
        assert log.get_checkpoint() == last
    tree = log.folder.make_tree(SIZE)
    assert [tree(0, index) for index in range(SIZE)] == old
    damage(filled, log)


@pytest.mark.parametrize("number", [1, 15, 47, 60])
def test_an_entry_is_named_although_the_next_checkpoint_comes_long_before_its_tile_is_full(
    database: Database, log: PublishedLog, number: int
) -> None:
    for first in range(0, 60, 20):
        enter(database, *hospitals(20, first))
        log.publish(database)
    unguard(database)
    with database.writing() as connection:
        row = entries.c.number == number
        body = altered(bytes(connection.execute(sa.select(entries.c.body).where(row)).scalar_one()))
        connection.execute(sa.update(entries).where(row).values(body=body, leaf=hash_leaf(body)))
    assert damage(database, log).details["entry"] == number


def note_of(connection: sa.Connection, number: int) -> bytes:
    query = sa.select(checkpoints.c.note).where(checkpoints.c.id == number)
    return bytes(connection.execute(query).scalar_one())


def change_checkpoint(connection: sa.Connection) -> None:
    forged = note_of(connection, 2).replace(b"300\n", b"299\n")
    connection.execute(sa.update(checkpoints).where(checkpoints.c.id == 2).values(note=forged, size=299))


def change_its_size_alone(connection: sa.Connection) -> None:
    connection.execute(sa.update(checkpoints).where(checkpoints.c.id == 2).values(size=12))


def garble_checkpoint(connection: sa.Connection) -> None:
    connection.execute(sa.update(checkpoints).where(checkpoints.c.id == 2).values(note=b"no note"))


def swap_its_keys(connection: sa.Connection) -> None:
    stranger = note.Verifier(name=ORIGIN, kind=note.ED25519, public=bytes(range(32))).text
    connection.execute(sa.update(checkpoints).where(checkpoints.c.id == 2).values(vkeys=f"{stranger}\n"))


def delete_checkpoint(connection: sa.Connection) -> None:
    connection.execute(sa.delete(checkpoints).where(checkpoints.c.id == 2))


def swap_notes(connection: sa.Connection) -> None:
    mine, other = note_of(connection, 2), note_of(connection, 3)
    connection.execute(sa.update(checkpoints).where(checkpoints.c.id == 2).values(note=other))
    connection.execute(sa.update(checkpoints).where(checkpoints.c.id == 3).values(note=mine))


CHECKPOINT_ATTACKS = [
    change_checkpoint,
    change_its_size_alone,
    garble_checkpoint,
    swap_its_keys,
    delete_checkpoint,
    swap_notes,
]


@pytest.mark.parametrize("attack", CHECKPOINT_ATTACKS, ids=lambda attack: attack.__name__)
def test_a_stored_checkpoint_that_somebody_tampered_with_is_named(
    filled: Database, log: PublishedLog, attack: Callable[[sa.Connection], None]
) -> None:
    enter(filled, *hospitals(5, 9000))
    log.publish(filled)
    run_check(filled, log)
    unguard(filled)
    with filled.writing() as connection:
        attack(connection)
    found = damage(filled, log)
    assert found.details["checkpoint"] == 2
    assert "2" in found.zh
    assert "2" in found.en


def test_the_published_checkpoint_lost_from_the_database_is_noticed_and_put_back(
    filled: Database, log: PublishedLog
) -> None:
    log_check.check_folder(filled, log)
    unguard(filled)
    with filled.writing() as connection:
        connection.execute(sa.delete(checkpoints))
    with pytest.raises(LogDamaged, match="registry log checkpoint"):
        log_check.check_folder(filled, log, patience=0)
    log.publish(filled)
    log_check.check_folder(filled, log)
    run_check(filled, log)


@pytest.mark.parametrize("content", [b"", b"other.example/log+0a1b2c3d+AAAA\n", None])
def test_published_keys_that_are_not_ours_are_noticed_and_put_right(
    filled: Database, log: PublishedLog, content: bytes | None
) -> None:
    path = log.folder.path / VKEY
    good = path.read_bytes()
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    with pytest.raises(LogDamaged, match="vkey"):
        log_check.check_folder(filled, log, patience=0)
    log.publish(filled)
    assert path.read_bytes() == good
    log_check.check_folder(filled, log)


def test_a_checkpoint_file_that_is_no_note_is_named_with_what_to_do(filled: Database, log: PublishedLog) -> None:
    log.folder.write_file(CHECKPOINT, b"no note")
    found = damage(filled, log)
    assert "checkpoint" in found.zh
    assert "registry log checkpoint" in found.en


def test_nothing_can_be_approved_on_top_of_a_log_that_was_cut(filled: Database, log: PublishedLog) -> None:
    unguard(filled)
    identifier = propose(filled, *hospitals(1, 8000))
    with filled.writing() as connection:
        cut(connection)
    with pytest.raises(LogDamaged, match="registry restore"):
        proposals.approve(filled, identifier, by="approver.a", seen=hash_of(filled, identifier), log=log)
    assert len(leaves(filled)) == 280


def test_nothing_can_be_approved_on_top_of_an_entry_nobody_approved(filled: Database, log: PublishedLog) -> None:
    identifier = propose(filled, *hospitals(1, 8000))
    with filled.writing() as connection:
        insert(connection)
    with pytest.raises(LogDamaged):
        proposals.approve(filled, identifier, by="approver.a", seen=hash_of(filled, identifier), log=log)
    with filled.reading() as connection:
        assert proposals.get_proposal(connection, identifier).state == "pending"


@pytest.mark.parametrize("filled", ["sqlite"], indirect=True)
def test_an_old_file_put_back_is_noticed_before_anything_is_signed_or_approved(
    filled: Database, log: PublishedLog, tmp_path: Path
) -> None:
    path = Path(filled.url.database or "")
    filled.close()
    shutil.copyfile(path, tmp_path / "old.sqlite")
    enter(filled, *hospitals(7, 8000))
    newest = published(log, filled)
    filled.close()
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    shutil.copyfile(tmp_path / "old.sqlite", path)
    assert damage(filled, log).details["entry"] == SIZE + 1
    with pytest.raises(LogDamaged, match="registry restore"):
        log.publish(filled)
    identifier = propose(filled, *hospitals(7, 9000))
    with pytest.raises(LogDamaged):
        proposals.approve(filled, identifier, by="approver.a", seen=hash_of(filled, identifier), log=log)
    assert log.get_checkpoint() == newest


def test_an_old_checkpoint_put_back_is_noticed_and_never_leads_to_a_fork(database: Database, log: PublishedLog) -> None:
    enter(database, a_source(), *hospitals(9))
    old = published(log, database)
    enter(database, *hospitals(9, 100))
    newest = published(log, database)
    log.folder.write_file(CHECKPOINT, old.note)
    assert "registry log checkpoint" in damage(database, log).zh
    assert published(log, database) == newest
    run_check(database, log)


def test_a_checkpoint_of_another_log_put_in_place_is_noticed(
    filled: Database, log: PublishedLog, tmp_path: Path
) -> None:
    forged = note.Checkpoint(origin=ORIGIN, size=SIZE, root=bytes(32))
    log.folder.write_file(CHECKPOINT, note.sign_text(forged.text, ORIGIN, log.load_keys()).encode())
    damage(filled, log)
    with pytest.raises(LogDamaged):
        log.publish(filled)


@pytest.mark.parametrize("name", ["0/000", "0/001.p/44", "1/000.p/1", "entries/000", "entries/001.p/44"])
@pytest.mark.parametrize("how", ["altered", "shortened", "removed"])
def test_a_published_file_that_was_altered_is_found_and_can_be_written_again(
    filled: Database, log: PublishedLog, name: str, how: str
) -> None:
    path = log.folder.path / "tile" / name
    good = path.read_bytes()
    if how == "removed":
        path.unlink()
    else:
        path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]) if how == "altered" else good[:-1])
    found = damage(filled, log)
    assert "registry rebuild log" in found.zh or found.details.get("entry")
    log.rebuild_files(filled)
    assert path.read_bytes() == good
    run_check(filled, log)


@pytest.mark.parametrize("name", ["0/001.p/4", "entries/001.p/4"])
def test_a_narrower_file_that_an_earlier_checkpoint_named_is_compared_too(
    filled: Database, log: PublishedLog, name: str
) -> None:
    path = log.folder.path / "tile" / name
    good = path.read_bytes()
    path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    assert name in damage(filled, log).zh
    path.write_bytes(good)
    run_check(filled, log)


def test_an_altered_tile_is_told_from_an_altered_entry(filled: Database, log: PublishedLog) -> None:
    path = log.folder.path / "tile" / "0/000"
    good = path.read_bytes()
    path.write_bytes(bytes([good[0] ^ 1]) + good[1:])
    found = damage(filled, log)
    assert found.details == {"tile": "0/000"}


def test_an_altered_tile_and_a_matching_database_still_do_not_fit_the_signature(
    filled: Database, log: PublishedLog
) -> None:
    """Somebody rewrites an entry, its hash, and every published file: only the key is not theirs."""
    unguard(filled)
    with filled.writing() as connection:
        change(connection)
    with filled.reading() as connection:
        rows = connection.execute(sa.select(entries.c.body, entries.c.leaf).order_by(entries.c.number)).all()
    shutil.rmtree(log.folder.path / "tile")
    log.folder.append_entries(0, [(bytes(body), bytes(leaf)) for body, leaf in rows])
    found = damage(filled, log)
    assert found.details["entry"] == 1  # among the entries of the first checkpoint, which no longer fits
    assert str(SIZE - 40) in found.zh
    for attempt in (log.publish, log.rebuild_files):
        with pytest.raises(LogDamaged):
            attempt(filled)


def test_an_approval_stands_although_it_cannot_be_signed_and_is_signed_later(
    filled: Database, log: PublishedLog, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What is known not to be signable is refused (tests/faults); this is what breaks after it was looked at."""
    key = tmp_path / "signing.key"
    good = key.read_bytes()
    identifier = propose(filled, *hospitals(1, 8000))
    first, last = proposals.approve(
        filled,
        identifier,
        by="approver.a",
        seen=hash_of(filled, identifier),
        log=log,
        progress=lambda _: key.write_bytes(b"no key") and None,
    )
    assert first == last == SIZE + 1
    assert "signing.key" in caplog.text
    key.write_bytes(good)
    assert published(log, filled).checkpoint.size == SIZE + 1


def test_a_correction_leaves_the_old_checkpoint_valid(filled: Database, log: PublishedLog) -> None:
    before = log.get_checkpoint().checkpoint
    hospital = an_institution("鞍山市示例0医院")
    enter(filled, a_change(hospital, hospital.valid_from, {"level": "三级"}, reason="等级补记"))
    after = published(log, filled).checkpoint
    proof = merkle.prove_consistency(log.folder.make_tree(after.size), before.size, after.size)
    assert merkle.verify_consistency(before.size, after.size, before.root, after.root, proof)
    with pytest.raises(RegistryError):
        merkle.prove_consistency(log.folder.make_tree(after.size), after.size, before.size)


def test_a_decided_proposal_cannot_be_appended_twice(filled: Database, log: PublishedLog) -> None:
    identifier = propose(filled, *hospitals(1, 8000))
    approve(filled, identifier)
    with pytest.raises(Conflict):
        approve(filled, identifier, by="approver.b")
    published(log, filled)
    run_check(filled, log)
