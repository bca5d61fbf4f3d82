from __future__ import annotations

import hashlib

import pytest

from registry.log.merkle import Frontier, leaf_hash, node_hash

#: The entries and roots of the certificate-transparency reference implementation's Merkle tree test.
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


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
    assert Frontier().root().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("size", range(1, 9))
def test_the_reference_trees_have_the_reference_roots(size: int) -> None:
    frontier = Frontier()
    frontier.extend(leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES[:size])
    assert (frontier.size, frontier.root().hex()) == (size, ROOTS[size - 1])


def test_the_frontier_is_the_recursive_definition_at_every_size() -> None:
    entries = [f"示例 {n}".encode() for n in range(201)]
    frontier = Frontier()
    for size, entry in enumerate(entries):
        assert frontier.root() == by_definition(entries[:size])
        frontier.append(leaf_hash(entry))


def test_asking_for_the_root_changes_nothing() -> None:
    frontier = Frontier()
    frontier.extend(leaf_hash(bytes([n])) for n in range(7))
    assert frontier.root() == frontier.root()
    frontier.append(leaf_hash(b"7"))
    assert frontier.size == 8


def test_a_leaf_is_never_a_node() -> None:
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    assert leaf_hash(left + right) != node_hash(left, right)
