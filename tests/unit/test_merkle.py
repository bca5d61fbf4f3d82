from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from registry.log.merkle import Frontier, hash_leaf, hash_node, list_subtrees

#: The entries and roots of the certificate-transparency reference implementation's Merkle tree test.
REFERENCE = json.loads((Path(__file__).parents[1] / "vectors" / "rfc6962.json").read_text(encoding="utf-8"))


def by_definition(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + by_definition(leaves[:k]) + by_definition(leaves[k:])).digest()


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert Frontier().compute_root().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("size", range(9))
def test_the_reference_trees_have_the_reference_roots(size: int) -> None:
    frontier = Frontier()
    frontier.extend(hash_leaf(bytes.fromhex(entry)) for entry in REFERENCE["entries"][:size])
    assert (frontier.size, frontier.compute_root().hex()) == (size, REFERENCE["roots"][size])


def test_the_frontier_is_the_recursive_definition_at_every_size() -> None:
    entries = [f"示例 {n}".encode() for n in range(201)]
    frontier = Frontier()
    for size, entry in enumerate(entries):
        assert frontier.compute_root() == by_definition(entries[:size])
        frontier.append(hash_leaf(entry))


def test_asking_for_the_root_changes_nothing() -> None:
    frontier = Frontier()
    frontier.extend(hash_leaf(bytes([n])) for n in range(7))
    assert frontier.compute_root() == frontier.compute_root()
    frontier.append(hash_leaf(b"7"))
    assert frontier.size == 8


def test_a_frontier_is_taken_up_again_from_its_subtrees() -> None:
    leaves = [hash_leaf(bytes([n])) for n in range(40)]
    for size in range(33):
        whole = Frontier()
        whole.extend(leaves[:size])
        again = Frontier.from_subtrees(size, [subtree(leaves, *which) for which in list_subtrees(0, size)])
        for one in (whole, again):
            one.extend(leaves[size : size + 7])
        assert (again.size, again.compute_root()) == (size + 7, whole.compute_root())


def subtree(leaves: list[bytes], level: int, index: int) -> bytes:
    """The root of the perfect subtree ``index`` of 2**level leaves."""
    if level == 0:
        return leaves[index]
    return hash_node(subtree(leaves, level - 1, 2 * index), subtree(leaves, level - 1, 2 * index + 1))


def test_a_leaf_is_never_a_node() -> None:
    left, right = hash_leaf(b"a"), hash_leaf(b"b")
    assert hash_leaf(left + right) != hash_node(left, right)
