"""Logs of every shape are accepted by the independent verifier, and nothing that was tampered with is."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path

import pytest

from registry.log import entry_proofs, merkle, note, tiles
from registry.log.folder import LogFolder
from registry.log.merkle import hash_leaf
from tests.independent.logs import ORIGIN, a_key, a_log, altered, lines_of, replaced, sign, vkey
from tests.independent.program import HERE, Program, go

VECTORS = Path(__file__).parents[1] / "vectors" / "log.json"


# --- logs of every shape ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 700, 65_793])
def test_a_log_of_any_size_is_accepted(independent: Program, tmp_path: Path, size: int) -> None:
    folder = a_log(tmp_path, size)
    assert independent.accepts("log", folder / "vkey", folder) == f"a log of {size} entries, each of them read"


def test_every_size_of_a_growing_log_is_a_beginning_of_the_later_ones(independent: Program, tmp_path: Path) -> None:
    folder, size, kept = tmp_path / "log", 0, []
    for next_size in (1, 255, 256, 300, 513, 1_025):
        a_log(folder, next_size, after=size)
        size = next_size
        kept.append(shutil.copy(folder / "checkpoint", tmp_path / str(size)))
    for older in kept:
        independent.accepts("same", folder / "vkey", older, folder / "checkpoint", folder)
    tree = LogFolder(folder).make_tree(size)
    for older in kept:
        (tmp_path / "proof").write_text(lines_of(merkle.prove_consistency(tree, int(Path(older).name), size)))
        independent.accepts("consistency", folder / "vkey", older, folder / "checkpoint", tmp_path / "proof")


def test_the_vectors_are_accepted(independent: Program, tmp_path: Path) -> None:
    told = json.loads(VECTORS.read_text("utf-8"))
    for file in told["files"]:
        (tmp_path / file["path"]).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file["path"]).write_bytes(bytes.fromhex(file["bytes"]))
    older, newer, entry, proof = (tmp_path / name for name in ("older", "checkpoint", "entry", "proof"))
    for path, one in zip((older, newer), told["checkpoints"], strict=True):
        path.write_text(one["note"], "utf-8")
    for number in (0, 1):
        (tmp_path / str(number)).write_text(told["keys"][number]["vkey"])
    for vkeys in (tmp_path / "0", tmp_path / "1"):  # each alone, beside lines of a key and a witness it does not know
        independent.accepts("log", vkeys, tmp_path)
    independent.accepts("same", tmp_path / "0", older, newer, tmp_path)
    for case in told["consistency"]:
        if case["old"] == 3:
            proof.write_text(lines_of([bytes.fromhex(one) for one in case["proof"]]))
            independent.accepts("consistency", tmp_path / "0", older, newer, proof)
    signed = {one["size"]: one["note"] for one in told["checkpoints"]}
    for case in told["inclusion"]:
        if case["size"] in signed:
            entry.write_bytes(bytes.fromhex(told["entries"][case["index"]]["bytes"]))
            hashes = lines_of([bytes.fromhex(one) for one in case["proof"]])
            proof.write_text(f"{entry_proofs.FORMAT}\nindex {case['index']}\n{hashes}\n{signed[case['size']]}", "utf-8")
            independent.accepts("inclusion", tmp_path / "0", entry, proof)


# --- what is refused -------------------------------------------------------------------------------------------------

SIZE = 700


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of its own that is accepted, to be tampered with."""
    return a_log(tmp_path / "log", SIZE)


def refused(independent: Program, log: Path) -> str:
    return independent.refuses("log", log / "vkey", log)


def test_an_altered_entry_is_refused_by_its_number(independent: Program, log: Path) -> None:
    independent.accepts("log", log / "vkey", log)
    replaced(log / "tile/entries/001", '{"number":300,"word":"示', '{"number":300,"word":"尓')
    assert refused(independent, log) == "hash 44 of tile/0/001 does not follow from the entries"  # 256 + 44


def test_entries_swapped_or_left_out_are_refused(independent: Program, log: Path) -> None:
    bundle = log / "tile/entries/002.p/188"
    entries = tiles.decode_bundle(bundle.read_bytes())
    bundle.write_bytes(tiles.encode_bundle([entries[1], entries[0], *entries[2:]]))
    assert refused(independent, log) == "hash 1 of tile/0/002.p/188 does not follow from the entries"
    bundle.write_bytes(tiles.encode_bundle(entries[:-1]))
    assert "not a bundle of 188 entries" in refused(independent, log)
    bundle.write_bytes(tiles.encode_bundle(entries)[:-1])
    assert "not a bundle of 188 entries" in refused(independent, log)


def test_an_entry_altered_together_with_hashes_above_it_is_refused(independent: Program, log: Path) -> None:
    bundle, tile, above = (log / "tile" / name for name in ("entries/001", "0/001", "1/000.p/2"))
    entries = tiles.decode_bundle(bundle.read_bytes())
    entries[40] = entries[40].replace(b"297", b"298")
    bundle.write_bytes(tiles.encode_bundle(entries))
    hashes = [hash_leaf(entry) for entry in entries]
    tile.write_bytes(b"".join(hashes))
    assert refused(independent, log) == "hash 2 of tile/1/000.p/2 does not follow from the entries"
    above.write_bytes(above.read_bytes()[:32] + tiles.compute_subtree_root(hashes))
    assert refused(independent, log) == "the entries do not give the root of the checkpoint"


@pytest.mark.parametrize("tile", ["0/000", "0/001", "0/002.p/188", "1/000.p/2"])
def test_an_altered_hash_of_any_tile_is_refused(independent: Program, log: Path, tile: str) -> None:
    altered(log / "tile" / tile, 33)
    assert refused(independent, log) == f"hash 2 of tile/{tile} does not follow from the entries"


def test_a_beginning_is_not_proven_from_altered_tiles(independent: Program, log: Path, tmp_path: Path) -> None:
    older = a_log(tmp_path / "older", 300) / "checkpoint"
    asked = ("same", log / "vkey", older, log / "checkpoint", log)
    independent.accepts(*asked)
    altered(log / "tile" / "0/001", 43 * 32 + 5)
    assert "invalid transparency proof" in independent.refuses(*asked)


def test_a_tile_cut_short_or_lost_is_refused(independent: Program, log: Path) -> None:
    tile = log / "tile/0/001"
    tile.write_bytes(tile.read_bytes()[:-32])
    assert refused(independent, log) == "tile/0/001 has 8160 bytes"
    tile.unlink()
    assert "no such file" in refused(independent, log)


def test_an_altered_size_root_or_name_in_the_checkpoint_is_refused(independent: Program, log: Path) -> None:
    checkpoint = log / "checkpoint"
    whole = checkpoint.read_text("utf-8")
    root = whole.split("\n")[2]
    for old, new in [
        ("\n700\n", "\n699\n"),
        (root, base64.b64encode(bytes(32)).decode()),
        (f"{ORIGIN}\n7", "a.example\n7"),
    ]:
        checkpoint.write_text(whole, "utf-8")
        replaced(checkpoint, old, new)
        assert "invalid signature for key" in refused(independent, log)


def test_a_signed_checkpoint_of_another_root_size_or_log_is_refused(independent: Program, log: Path) -> None:
    folder = LogFolder(log)
    sign(folder, SIZE, 1, root=bytes(32))
    assert refused(independent, log) == "the entries do not give the root of the checkpoint"
    sign(folder, SIZE - 1, 1, root=folder.read_frontier(SIZE).compute_root())
    independent.refuses("log", log / "vkey", log)
    sign(folder, SIZE, 1, name="other.example/log")
    assert f"a checkpoint of {ORIGIN}, signed by other.example/log" in refused(independent, log)


def test_a_signature_by_another_key_is_refused(independent: Program, log: Path) -> None:
    sign(LogFolder(log), SIZE, 2)
    (log / "vkey").write_text(vkey(1))
    assert "no verifiable signatures" in refused(independent, log)
    # The same, under the name and id of the key that verifiers know.
    told = note.parse_note((log / "checkpoint").read_bytes())
    posing = note.Signature(name=ORIGIN, id=note.parse_verifier(vkey(1)).id, blob=told.signatures[0].blob)
    (log / "checkpoint").write_bytes(note.Note(text=told.text, signatures=[posing]).encode())
    assert "invalid signature for key" in refused(independent, log)


def test_lines_of_unknown_keys_and_a_second_key_change_nothing(independent: Program, log: Path, tmp_path: Path) -> None:
    sign(LogFolder(log), SIZE, 1, 2)
    text = note.parse_note((log / "checkpoint").read_bytes()).text
    stranger = note.Signature(name="stranger.example/1", id=b"\x00\x01\x02\x03", blob=bytes(200))
    witness = note.cosign_text(text, "witness.example/w1", a_key(9), 1_700_000_000)
    with (log / "checkpoint").open("a", encoding="utf-8") as file:
        file.write(stranger.line + witness.line)
    independent.accepts("log", log / "vkey", log)
    for number in (1, 2):
        (tmp_path / "one").write_text(vkey(number))
        independent.accepts("log", tmp_path / "one", log)
    (tmp_path / "one").write_text(vkey(3))
    assert "no verifiable signatures" in independent.refuses("log", tmp_path / "one", log)


def test_a_checkpoint_of_another_history_is_no_beginning(independent: Program, log: Path, tmp_path: Path) -> None:
    fork = a_log(tmp_path / "fork", 500, word="另一")
    reason = independent.refuses("same", log / "vkey", fork / "checkpoint", log / "checkpoint", log)
    assert "invalid transparency proof" in reason
    honest = a_log(tmp_path / "honest", 500)
    independent.accepts("same", log / "vkey", honest / "checkpoint", log / "checkpoint", log)
    fork = a_log(tmp_path / "as-long", SIZE, word="另一")
    assert "invalid transparency proof" in independent.refuses(
        "same", log / "vkey", fork / "checkpoint", log / "checkpoint", log
    )


# --- the program itself ----------------------------------------------------------------------------------------------


def test_the_verifier_is_formatted_and_says_how_it_is_used(independent: Program, tmp_path: Path) -> None:
    assert go("gofmt", "-l", HERE, cache=tmp_path).stdout == ""
    for wrong in ([], ["log"], ["log", "a", "b", "c"], ["nothing", "a", "b"]):
        ran = independent(*wrong)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.startswith("usage:")
