"""Recomputes the vectors from the definitions, without the register's code, and then asks that code for the same."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from registry.log import codec, merkle, note, tiles
from registry.log.folder import LogFolder
from registry.log.merkle import Frontier, hash_leaf
from registry.log.signing_keys import Key

HERE = Path(__file__).parent


def vector(name: str) -> dict[str, Any]:
    told = json.loads((HERE / name).read_text(encoding="utf-8"))
    assert isinstance(told, dict)
    return told


REFERENCE, LOG, TILES = vector("rfc6962.json"), vector("log.json"), vector("tiles.json")
ENTRIES = [bytes.fromhex(entry["bytes"]) for entry in LOG["entries"]]
LOGS = {"rfc6962": (REFERENCE, [bytes.fromhex(entry) for entry in REFERENCE["entries"]]), "log": (LOG, ENTRIES)}


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def split(n: int) -> int:
    return 1 << (n - 1).bit_length() - 1


def tree_hash(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, over leaf hashes."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256()
    k = split(len(leaves))
    return sha256(b"\x01", tree_hash(leaves[:k]), tree_hash(leaves[k:]))


def audit_path(m: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 6962 section 2.1.1."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*audit_path(m, leaves[:k]), tree_hash(leaves[k:])]
    return [*audit_path(m - k, leaves[k:]), tree_hash(leaves[:k])]


def subproof(m: int, leaves: list[bytes], whole: bool = True) -> list[bytes]:
    """RFC 6962 section 2.1.2."""
    if m == len(leaves):
        return [] if whole else [tree_hash(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], whole), tree_hash(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), tree_hash(leaves[:k])]


def of_leaves(leaves: list[bytes]) -> Callable[[int, int], bytes]:
    return lambda level, index: tree_hash(leaves[index << level : (index + 1) << level])


def hexed(hashes: list[bytes]) -> list[str]:
    return [value.hex() for value in hashes]


# --- trees and proofs ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LOGS)
def test_the_roots_are_those_of_the_definition_and_ours(name: str) -> None:
    told, entries = LOGS[name]
    leaves = [sha256(b"\x00", entry) for entry in entries]
    assert told["roots"] == [tree_hash(leaves[:size]).hex() for size in range(len(leaves) + 1)]
    frontier = Frontier()
    for entry, root in zip(entries, told["roots"], strict=False):
        assert frontier.compute_root().hex() == root
        frontier.append(hash_leaf(entry))
    assert frontier.compute_root().hex() == told["roots"][-1]


@pytest.mark.parametrize("name", LOGS)
def test_the_inclusion_proofs_are_those_of_the_definition_and_ours(name: str) -> None:
    told, entries = LOGS[name]
    leaves = [sha256(b"\x00", entry) for entry in entries]
    assert len(told["inclusion"]) == 5
    for case in told["inclusion"]:
        index, size, proof = case["index"], case["size"], [bytes.fromhex(one) for one in case["proof"]]
        assert proof == audit_path(index, leaves[:size]) == merkle.prove_inclusion(of_leaves(leaves), index, size)
        root = bytes.fromhex(told["roots"][size])
        assert merkle.verify_inclusion(leaves[index], index, size, proof, root)
        assert not merkle.verify_inclusion(leaves[index - 1] if index else root[::-1], index, size, proof, root)


@pytest.mark.parametrize("name", LOGS)
def test_the_consistency_proofs_are_those_of_the_definition_and_ours(name: str) -> None:
    told, entries = LOGS[name]
    leaves = [sha256(b"\x00", entry) for entry in entries]
    assert len(told["consistency"]) >= 4
    for case in told["consistency"]:
        old, new, proof = case["old"], case["new"], [bytes.fromhex(one) for one in case["proof"]]
        assert proof == subproof(old, leaves[:new]) == merkle.prove_consistency(of_leaves(leaves), old, new)
        before, after = (bytes.fromhex(told["roots"][size]) for size in (old, new))
        assert merkle.verify_consistency(old, new, before, after, proof)
        assert not merkle.verify_consistency(old, new, after[::-1], after, proof)


# --- entries ---------------------------------------------------------------------------------------------------------


def test_the_entries_are_canonical_and_numbered_and_hash_to_their_leaves() -> None:
    for number, (told, body) in enumerate(zip(LOG["entries"], ENTRIES, strict=True), start=1):
        parsed = json.loads(body)
        assert json.dumps(parsed, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() == body
        assert told["number"] == parsed["number"] == number
        assert sha256(b"\x00", body).hex() == told["leaf_hash"] == hash_leaf(body).hex()
        assert codec.encode_canonical(parsed) == body
        assert codec.decode_entry(body).number == number


def test_personal_values_are_sealed_by_their_salts_and_open_with_them_only() -> None:
    assert len(LOG["sealed"]) == 2
    for told in LOG["sealed"]:
        body, salt, value = ENTRIES[told["number"] - 1], bytes.fromhex(told["salt"]), told["value"].encode()
        assert json.loads(body)["change"]["set"][told["path"]] == {"sha256": sha256(salt, value).hex()}
        assert codec.verify_seal(body, told["path"], salt, value)
        assert not codec.verify_seal(body, told["path"], salt[::-1], value)
        opened = codec.decode_entry(body, {told["path"]: value}).change.set[told["path"]]
        assert opened == json.loads(value)
        assert opened.encode() not in body


# --- keys and checkpoints --------------------------------------------------------------------------------------------


@cache
def secret(vkey: str) -> Ed25519PrivateKey:
    told = next(key for key in LOG["keys"] if key["vkey"] == vkey)
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(told["seed"]))


def test_the_keys_say_that_they_are_test_keys_and_have_the_verifier_keys_of_their_seeds() -> None:
    kinds = []
    for told in LOG["keys"]:
        assert told["what"].startswith("test key, never used")
        assert bytes.fromhex(told["seed"]).startswith(b"test key, never used")
        public = secret(told["vkey"]).public_key().public_bytes_raw()
        name, identifier, material = told["vkey"].split("+", 2)
        raw = base64.b64decode(material)
        kinds.append(raw[0])
        assert raw[1:] == public == bytes.fromhex(told["public"])
        assert identifier == sha256(name.encode(), b"\n", raw).hex()[:8]
        assert note.parse_verifier(told["vkey"]) == note.Verifier(name=name, kind=raw[0], public=public)
    assert kinds == [note.ED25519, note.ED25519, note.COSIGNATURE]


def test_the_checkpoints_say_the_roots_and_their_signatures_hold() -> None:
    assert [told["size"] for told in LOG["checkpoints"]] == [3, 7]
    for told in LOG["checkpoints"]:
        text, lines = told["note"].split("\n\n")
        root = bytes.fromhex(LOG["roots"][told["size"]])
        assert text.split("\n") == [LOG["origin"], str(told["size"]), base64.b64encode(root).decode()]
        for line, vkey in zip(lines.splitlines(), told["signed_by"], strict=True):
            name, identifier, material = vkey.split("+", 2)
            raw = base64.b64decode(line.removeprefix(f"— {name} "))
            kind, public = (
                base64.b64decode(material)[0],
                Ed25519PublicKey.from_public_bytes(base64.b64decode(material)[1:]),
            )
            assert raw[:4].hex() == identifier
            if kind == 1:
                public.verify(raw[4:], f"{text}\n".encode())  # raises where it does not hold
            else:
                stamp = int.from_bytes(raw[4:12], "big")
                public.verify(raw[12:], f"cosignature/v1\ntime {stamp}\n{text}\n".encode())


def test_our_code_signs_the_same_checkpoints_byte_for_byte_and_accepts_them() -> None:
    for told in LOG["checkpoints"]:
        made = note.Checkpoint(origin=LOG["origin"], size=told["size"], root=bytes.fromhex(LOG["roots"][told["size"]]))
        known = [note.parse_verifier(vkey) for vkey in told["signed_by"]]
        signers = [Key(who.public, secret(who.text)) for who in known if who.kind == note.ED25519]
        signed = note.sign_text(made.text, LOG["origin"], signers).encode().decode()
        if len(signers) < len(known):
            signed += LOG["cosignature"]["line"]
        assert signed == told["note"]
        opened, held = note.verify_note(signed.encode(), known)
        assert held == known
        assert note.parse_checkpoint(opened.text) == made


def test_our_code_makes_the_same_cosignature() -> None:
    told, text = LOG["cosignature"], LOG["checkpoints"][1]["note"].split("\n\n")[0] + "\n"
    who = note.parse_verifier(told["vkey"])
    made = note.cosign_text(text, who.name, Key(who.public, secret(who.text)), told["timestamp"])
    assert made.line == told["line"]
    assert note.encode_cosigned_text(text, told["timestamp"]).decode() == told["signed"]
    assert told["signed"] == f"cosignature/v1\ntime {told['timestamp']}\n{text}"


# --- files -----------------------------------------------------------------------------------------------------------


def test_the_files_of_the_log_are_its_hashes_and_its_entries_and_we_write_the_same(tmp_path: Path) -> None:
    told = {file["path"]: bytes.fromhex(file["bytes"]) for file in LOG["files"]}
    assert told == {
        "tile/0/000.p/7": b"".join(sha256(b"\x00", body) for body in ENTRIES),
        "tile/entries/000.p/7": b"".join(len(body).to_bytes(2, "big") + body for body in ENTRIES),
    }
    frontier = LogFolder(tmp_path).append_entries(0, [(body, hash_leaf(body)) for body in ENTRIES])
    written = {str(path.relative_to(tmp_path)): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert written == told
    assert frontier.compute_root().hex() == LOG["roots"][7]


@cache
def synthetic(level: int) -> list[bytes]:
    """The hashes of a level of tiles, each of the full tile below it."""
    if level == 0:
        return [sha256(b"\x00", str(n).encode()) for n in range(70_000)]
    below = synthetic(level - 1)
    return [tree_hash(below[i : i + 256]) for i in range(0, len(below) - 255, 256)]


@pytest.mark.parametrize("told", TILES["logs"], ids=lambda told: str(told["size"]))
def test_the_synthetic_logs_have_their_roots_and_files(told: dict[str, Any]) -> None:
    size = told["size"]
    assert told["root"] == tree_hash(synthetic(0)[:size]).hex()
    tree = tiles.TileTree(
        size, lambda tile: b"".join(synthetic(tile.level or 0)[tile.first_index : tile.first_index + tile.width])
    )
    assert told["root"] == merkle.compute_root(tree, size).hex()
    for file in told["files"]:
        tile = tiles.parse_path(file["path"].removeprefix("tile/"))
        last = tile.first_index + tile.width
        if tile.level is None:
            content = tiles.encode_bundle(str(n).encode() for n in range(tile.first_index, last))
        else:
            content = b"".join(synthetic(tile.level)[tile.first_index : last])
            assert len(content) == 32 * tile.width
        assert sha256(content).hex() == file["sha256"]
        assert tile == tiles.make_tile(tile.level, tile.index, size)


def test_the_synthetic_logs_name_the_last_file_of_every_level() -> None:
    for told in TILES["logs"]:
        size, named = told["size"], {file["path"] for file in told["files"]}
        levels = [level for level in range(4) if size >> 8 * level]
        assert len(levels) == 1 + (size.bit_length() - 1) // 8
        for level in [None, *levels]:
            last = ((size >> 8 * (level or 0)) - 1) // 256
            assert {f"tile/{tiles.make_tile(level, index, size).path}" for index in (0, last)} <= named
