"""The published log as another program meets it: files over HTTP, proofs, and the commands about it."""

from __future__ import annotations

import base64
import errno
import gzip
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from registry.log import codec, merkle, note, tiles
from registry.log.merkle import hash_leaf
from registry.log.publish import PublishedLog
from tests.running import PATIENCE, Cli, Server, eventually

LIST = "province,name,address,techniques,stages\n辽宁省,鞍山市示例医院,辽宁省鞍山市铁西区示例路1号,IVF,formal\n"


def the_key(server: Server) -> note.Verifier:
    (line,) = server.get("/log/vkey").text.splitlines()
    return note.parse_verifier(line)


def the_checkpoint(server: Server) -> note.Checkpoint:
    answer = server.get("/log/checkpoint")
    assert answer.status_code == 200
    opened, _ = note.verify_note(answer.content, [the_key(server)])
    return note.parse_checkpoint(opened.text)


def tile(server: Server, one: tiles.Tile) -> bytes:
    answer = server.get(f"/log/tile/{one.path}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/octet-stream"
    return answer.content


def add_one(cli: Cli, tmp_path: Path, name: str = "鞍山市示例医院") -> None:
    path = tmp_path / "one.csv"
    path.write_text(LIST.replace("鞍山市示例医院", name), encoding="utf-8")
    made = cli.ok("import", path, "--as-of", "2025-07-01", "--scope", "partial", "--by", "editor", "--json").json
    cli.ok("approve", made["proposal"], "--by", "approver")


def test_a_stranger_rebuilds_the_whole_tree_from_the_files(server: Server) -> None:
    stated = the_checkpoint(server)
    assert stated.origin == "127.0.0.1:8000/log"
    bodies: list[bytes] = []
    for index in range(-(-stated.size // tiles.WIDTH)):
        bodies += tiles.decode_bundle(tile(server, tiles.make_tile(None, index, stated.size)))
    assert [json.loads(body)["number"] for body in bodies] == list(range(1, stated.size + 1))
    tree = tiles.TileTree(stated.size, lambda one: tile(server, one))
    assert [tree(0, index) for index in range(stated.size)] == [hash_leaf(body) for body in bodies]
    assert merkle.compute_root(tree, stated.size) == stated.root
    assert all(codec.encode_canonical(json.loads(body)) == body for body in bodies[::97])


def test_answers_and_the_checkpoint_name_the_same_log(server: Server) -> None:
    stated = the_checkpoint(server)
    answer = server.verify(provider={"name": "鞍山市妇儿医院（鞍山市妇幼保健院）"})
    assert answer["log"] == {"size": stated.size, "root": stated.root.hex()}


def test_tiles_may_be_kept_for_ever_and_the_checkpoint_is_asked_for_again(server: Server) -> None:
    stated = the_checkpoint(server)
    assert server.get("/log/checkpoint").headers["cache-control"] == "public, no-cache"
    assert server.get("/log/checkpoint").headers["content-type"] == "text/plain; charset=utf-8"
    for one in (tiles.make_tile(0, 0, stated.size), tiles.make_tile(0, stated.size // tiles.WIDTH, stated.size)):
        assert "immutable" in server.get(f"/log/tile/{one.path}").headers["cache-control"]
    assert (
        server.client.get("/log/checkpoint", headers={"origin": "https://reviewer.example"}).headers[
            "access-control-allow-origin"
        ]
        == "*"
    )
    assert server.client.head("/log/checkpoint").status_code == 200


def test_bundles_of_entries_travel_compressed_and_are_the_same(server: Server) -> None:
    path = f"/log/tile/{tiles.Tile(level=None, index=0).path}"
    with server.client.stream("GET", path, headers={"accept-encoding": "gzip"}) as packed:
        raw = b"".join(packed.iter_raw())
    plain = server.client.get(path, headers={"accept-encoding": "identity"})
    assert gzip.decompress(raw) == plain.content
    assert len(raw) < len(plain.content) / 3
    assert "content-encoding" not in plain.headers


@pytest.mark.parametrize(
    "path",
    [
        "0/000.p/0",
        "0/000.p/256",
        "0/0",
        "0/999",
        "00/000",
        "64/000",
        "entries/x000/000",
        "0/%2e%2e/000",
        "../../register.sqlite",
        "..%2f..%2fregister.sqlite",
        "",
        "一/000",
        "0/000.p/1/2",
        "99999999999999999999999/000",
    ],
)
def test_what_is_no_tile_is_not_found_whatever_is_asked(server: Server, path: str) -> None:
    answer = httpx.get(f"{server.url}/log/tile/{path}", timeout=PATIENCE)
    assert answer.status_code == 404
    assert b"SQLite" not in answer.content


def test_an_inclusion_proof_shows_that_an_entry_is_in_the_log(server: Server) -> None:
    stated = the_checkpoint(server)
    for entry in (1, 2, 256, 257, stated.size):
        proved = server.get("/log/proof/inclusion", entry=entry).json()
        assert (proved["size"], proved["root"], proved["index"]) == (stated.size, stated.root.hex(), entry - 1)
        hashes = [bytes.fromhex(one) for one in proved["proof"]]
        leaf = bytes.fromhex(proved["leaf"])
        assert merkle.verify_inclusion(leaf, entry - 1, stated.size, hashes, stated.root)
        assert not merkle.verify_inclusion(leaf, entry % stated.size, stated.size, hashes, stated.root)
        assert proved["checkpoint"] == server.get("/log/checkpoint").text
    earlier = server.get("/log/proof/inclusion", entry=1, size=2).json()
    assert earlier["checkpoint"] is None
    assert len(earlier["proof"]) == 1


def test_a_consistency_proof_shows_that_the_log_only_grew(server: Server) -> None:
    stated = the_checkpoint(server)
    for start in (1, 255, 256, 326, stated.size):
        proved = server.get("/log/proof/consistency", **{"from": start}).json()
        hashes = [bytes.fromhex(one) for one in proved["proof"]]
        roots = bytes.fromhex(proved["from_root"]), bytes.fromhex(proved["to_root"])
        assert roots[1] == stated.root
        assert merkle.verify_consistency(start, stated.size, *roots, hashes)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/log/proof/inclusion", 400),
        ("/log/proof/inclusion?entry=0", 400),
        ("/log/proof/inclusion?entry=99999", 404),
        ("/log/proof/inclusion?entry=5&size=99999", 404),
        ("/log/proof/inclusion?entry=5&size=4", 404),
        ("/log/proof/consistency?from=9&to=5", 400),
        ("/log/proof/consistency?from=99999", 400),
        ("/log/proof/99999.tlog-proof", 404),
        ("/log/proof/abc.tlog-proof", 404),
        ("/log/proof/1.pdf", 404),
    ],
)
def test_a_proof_that_cannot_be_is_refused_with_a_reason(server: Server, path: str, status: int) -> None:
    answer = server.get(path)
    assert answer.status_code == status
    assert answer.json()["detail"]


def test_a_parameter_is_named_as_it_is_written(server: Server) -> None:
    problem = server.get("/log/proof/consistency?from=0").json()
    assert [one["field"] for one in problem["errors"]] == ["from"]
    assert "from_" not in problem["detail"]


def test_a_proof_file_verifies_without_asking_anyone(server: Server) -> None:
    answer = server.get("/log/proof/421.tlog-proof")
    assert "entry-421.tlog-proof" in answer.headers["content-disposition"]
    head, _, signed = answer.text.partition("\n\n")
    kind, index, *hashes = head.split("\n")
    assert (kind, index) == ("c2sp.org/tlog-proof@v1", "index 420")
    opened, _ = note.verify_note(signed.encode(), [the_key(server)])
    stated = note.parse_checkpoint(opened.text)
    bundle = tiles.decode_bundle(tile(server, tiles.make_tile(None, 1, stated.size)))
    leaf = hash_leaf(bundle[420 - 256])
    assert merkle.verify_inclusion(leaf, 420, stated.size, [base64.b64decode(one) for one in hashes], stated.root)


def test_the_command_prints_what_the_server_publishes(reading: Cli, server: Server) -> None:
    printed = reading.ok("log", "checkpoint").out
    told = reading.ok("log", "checkpoint", "--json").json
    assert printed == told["note"]
    assert told["vkeys"] == server.get("/log/vkey").text.splitlines()
    assert printed == server.get("/log/checkpoint").text
    assert reading.ok("log", "proof", 421).out == server.get("/log/proof/421.tlog-proof").text


def test_every_approval_is_signed_at_once_and_the_server_serves_it(
    staffed: Cli, start: Callable[..., Server], tmp_path: Path
) -> None:
    server = start(staffed.data_dir)
    before = the_checkpoint(server)
    add_one(staffed, tmp_path)
    after = the_checkpoint(server)
    assert after.size > before.size
    proved = server.get("/log/proof/consistency", **{"from": before.size}).json()
    hashes = [bytes.fromhex(one) for one in proved["proof"]]
    assert merkle.verify_consistency(before.size, after.size, before.root, after.root, hashes)


def test_the_server_signs_what_the_process_that_approved_it_could_not(
    staffed: Cli, start: Callable[..., Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is known not to be signable is not appended (tests/faults); this is what breaks after the commit."""
    server = start(staffed.data_dir)
    before = the_checkpoint(server).size
    assert staffed.inside

    def breaks(*_: object) -> None:
        raise OSError(errno.EIO, "the disk of the published log does not answer")

    with monkeypatch.context() as patched:
        patched.setattr(PublishedLog, "publish", breaks)
        add_one(staffed, tmp_path)
    assert eventually(lambda: the_checkpoint(server).size > before)
    assert staffed.log_size() == the_checkpoint(server).size


def test_a_new_key_signs_beside_the_old_one_until_that_is_retired(seeded: Cli) -> None:
    (old,) = seeded.ok("log", "keys", "--json").json
    assert "registry log retire" in seeded.ok("log", "rotate").out
    _, new = seeded.ok("log", "keys", "--json").json
    signed = seeded.ok("log", "checkpoint").out.encode()
    for key in (old, new):
        note.verify_note(signed, [note.parse_verifier(key["vkey"])])
    assert seeded.refused("log", "retire", "00000000")
    seeded.ok("log", "retire", old["id"])
    signed = seeded.ok("log", "checkpoint").out.encode()
    assert note.verify_note(signed, [note.parse_verifier(new["vkey"])])
    assert "log rotate" in seeded.refused("log", "retire", new["id"])  # never the last one
    assert seeded.ok("log", "keys", "--json").json[0]["retired"] is True
    seeded.log_size()


def test_a_lost_key_is_replaced_by_command(seeded: Cli) -> None:
    key = seeded.data_dir / "signing.key"
    assert "--lost" not in seeded.ok("init").out
    (first,) = seeded.ok("log", "keys", "--json").json
    seeded.ok("log", "rotate")
    seeded.ok("log", "retire", first["id"])  # what it signed has to hold after the loss too
    key.unlink()
    assert "--lost" in seeded.ok("init").out
    assert not key.exists()  # a second key would sign a log it never signed
    seeded.ok("log", "rotate", "--lost")
    assert seeded.refused("log", "rotate", "--lost")
    seeded.log_size()
    assert [one["retired"] for one in seeded.ok("log", "keys", "--json").json] == [True, True, False]


def test_a_database_that_was_rolled_back_answers_nothing_until_it_is_restored(
    staffed: Cli, start: Callable[..., Server], tmp_path: Path
) -> None:
    """An older database may call licensed what was withdrawn since: the worst answer this register could give."""
    path = staffed.data_dir / "register.sqlite"
    old = tmp_path / "old.sqlite"
    shutil.copyfile(path, old)
    add_one(staffed, tmp_path)
    newest = tmp_path / "newest.sqlite"
    shutil.copyfile(path, newest)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    shutil.copyfile(old, path)
    assert "registry restore" in staffed.refused("log", "check")
    server = start(staffed.data_dir)
    assert server.get("/readyz").status_code == 503
    assert server.verify(503, provider={"name": "鞍山市妇儿医院"})["code"] == "cannot_answer"
    assert server.api("/institutions", 503)["code"] == "cannot_answer"
    assert server.get("/i/7HV2-JKMV").status_code == 503
    assert the_checkpoint(server).size > 980  # what was published stays published
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    shutil.copyfile(newest, tmp_path / "again")
    (tmp_path / "again").replace(path)
    assert eventually(lambda: server.get("/readyz").status_code == 200)
    assert server.verify(provider={"name": "鞍山市示例医院"})["verdict"] == "licensed"


def test_the_log_says_nothing_of_people(cli: Cli) -> None:
    """Names of staff are sealed in the published files: a hash with a salt that is published nowhere."""
    cli.ok("init")
    cli.ok("seed", "--demo")
    assert cli.ok("log", "check", "--json").json["withheld"] == 0
    published = b"".join(path.read_bytes() for path in (cli.data_dir / "log").rglob("*") if path.is_file())
    assert "示例市" in published.decode(errors="ignore")
    for name in ("示例甲", "示例乙"):
        assert name.encode() not in published
        assert hashlib.sha256(name.encode()).hexdigest().encode() not in published
