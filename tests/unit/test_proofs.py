from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.errors import InvalidInput
from registry.log import merkle, tiles
from registry.log.merkle import Frontier, hash_leaf, hash_node, verify_consistency, verify_inclusion
from tests.thoroughness import count_examples

MOST = 70
NOTHING = hashlib.sha256(b"").digest()
LEAVES = [hash_leaf(f"示例 {n}".encode()) for n in range(4100)]


@cache
def subtree(level: int, index: int) -> bytes:
    """The root of a perfect subtree of LEAVES."""
    if level == 0:
        return LEAVES[index]
    return hash_node(subtree(level - 1, 2 * index), subtree(level - 1, 2 * index + 1))


@cache
def span(start: int, end: int) -> bytes:
    """MTH of RFC 6962 section 2.1 over leaves start <= i < end, word for word."""
    if end == start:
        return NOTHING
    if end == start + 1:
        return LEAVES[start]
    k = largest_power_below(end - start)
    return hash_node(span(start, start + k), span(start + k, end))


def largest_power_below(n: int) -> int:
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def path(m: int, start: int, end: int) -> list[bytes]:
    """PATH of RFC 6962 section 2.1.1."""
    n = end - start
    if n == 1:
        return []
    k = largest_power_below(n)
    if m < k:
        return [*path(m, start, start + k), span(start + k, end)]
    return [*path(m - k, start + k, end), span(start, start + k)]


def subproof(m: int, start: int, end: int, whole: bool) -> list[bytes]:
    """SUBPROOF of RFC 6962 section 2.1.2."""
    n = end - start
    if m == n:
        return [] if whole else [span(start, end)]
    k = largest_power_below(n)
    if m <= k:
        return [*subproof(m, start, start + k, whole), span(start + k, end)]
    return [*subproof(m - k, start + k, end, False), span(start, start + k)]


def flipped(value: bytes) -> bytes:
    return bytes([value[0] ^ 1]) + value[1:]


def altered(proof: list[bytes]) -> Iterator[list[bytes]]:
    """Every proof that differs from this one in one place."""
    for at in range(len(proof)):
        yield [*proof[:at], flipped(proof[at]), *proof[at + 1 :]]
        yield [*proof[:at], proof[at][:-1], *proof[at + 1 :]]
        yield [*proof[:at], *proof[at + 1 :]]
    for at in range(len(proof) + 1):
        for more in (bytes(32), b"", *proof[-1:]):
            yield [*proof[:at], more, *proof[at:]]
    for at in range(len(proof) - 1):
        yield [*proof[:at], proof[at + 1], proof[at], *proof[at + 2 :]]
        # The same bytes, but cut elsewhere.
        yield [*proof[:at], proof[at] + proof[at + 1][:1], proof[at + 1][1:], *proof[at + 2 :]]


# --- subtrees and roots ----------------------------------------------------------------------------------------------


def test_seven_leaves_are_subtrees_of_four_two_and_one() -> None:
    assert merkle.list_subtrees(0, 7) == [(2, 0), (1, 2), (0, 6)]
    assert merkle.list_subtrees(0, 0) == []
    assert merkle.list_subtrees(0, 8) == [(3, 0)]
    assert merkle.list_subtrees(5, 8) == [(0, 5), (1, 3)]


@pytest.mark.parametrize("size", range(MOST))
def test_subtrees_cover_every_leaf_once_and_in_order(size: int) -> None:
    for start in range(size):
        found = merkle.list_subtrees(start, size)
        assert [leaf for level, index in found for leaf in range(index << level, (index + 1) << level)] == list(
            range(start, size)
        )
        assert len(found) <= 2 * size.bit_length()


@pytest.mark.parametrize("size", range(MOST))
def test_the_root_is_that_of_the_frontier_and_of_the_definition(size: int) -> None:
    frontier = Frontier()
    frontier.extend(LEAVES[:size])
    assert merkle.compute_root(subtree, size) == frontier.compute_root() == span(0, size)


# --- inclusion -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", range(1, MOST))
def test_every_leaf_of_a_small_log_is_proven_as_the_rfc_says(size: int) -> None:
    for index in range(size):
        proof = merkle.prove_inclusion(subtree, index, size)
        assert proof == path(index, 0, size)
        assert verify_inclusion(LEAVES[index], index, size, proof, span(0, size))


@pytest.mark.parametrize("size", range(1, 26))
def test_an_inclusion_proof_proves_nothing_else(size: int) -> None:
    root = span(0, size)
    for index in range(size):
        leaf, proof = LEAVES[index], path(index, 0, size)
        for other in altered(proof):
            assert not verify_inclusion(leaf, index, size, other, root)
        for other_index in range(-2, size + 3):
            assert verify_inclusion(leaf, other_index, size, proof, root) == (other_index == index)
        for other_leaf in (flipped(leaf), root if size > 1 else NOTHING, NOTHING, b"", leaf[:-1], leaf + b"\x00"):
            assert not verify_inclusion(other_leaf, index, size, proof, root)
        for other_root in (flipped(root), span(0, size + 1), NOTHING, b""):
            assert not verify_inclusion(leaf, index, size, proof, other_root)


def test_a_proof_under_another_size_is_refused_where_the_size_matters() -> None:
    # Sizes of one shape lead the same leaf to the same hashes; a size is what the checkpoint signs, not the proof.
    for size in range(1, 26):
        for index in range(size):
            proof = path(index, 0, size)
            for other in {0, -1, -size, size // 2, size * 2, size * 4} - {size}:
                shape = len(path(index, 0, other)) if index < other else -1
                if shape != len(proof):
                    assert not verify_inclusion(LEAVES[index], index, other, proof, span(0, size))


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 1), (5, 5), (6, 5), (-6, 5), (0, -1)])
def test_there_is_no_proof_of_an_entry_the_log_does_not_have(index: int, size: int) -> None:
    with pytest.raises(InvalidInput) as refusal:
        merkle.prove_inclusion(subtree, index, size)
    assert str(size) in refusal.value.zh
    assert str(index + 1) in refusal.value.en
    assert not verify_inclusion(LEAVES[0], index, size, [], LEAVES[0])


def test_an_inner_node_is_never_proven_as_an_entry() -> None:
    # The node over entries 1 and 2 of a log of four would be "entry 1 of a log of two" under the same root.
    assert verify_inclusion(subtree(1, 0), 0, 2, [subtree(1, 1)], span(0, 4))
    assert hash_leaf(LEAVES[0] + LEAVES[1]) != subtree(1, 0)


# --- consistency -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("new", range(1, MOST))
def test_every_earlier_size_of_a_small_log_is_proven_as_the_rfc_says(new: int) -> None:
    for old in range(1, new + 1):
        proof = merkle.prove_consistency(subtree, old, new)
        assert proof == subproof(old, 0, new, True)
        assert verify_consistency(old, new, span(0, old), span(0, new), proof)


@pytest.mark.parametrize("new", range(1, 26))
def test_a_consistency_proof_proves_nothing_else(new: int) -> None:
    for old in range(1, new + 1):
        proof, before, after = subproof(old, 0, new, True), span(0, old), span(0, new)
        for other in altered(proof):
            assert not verify_consistency(old, new, before, after, other)
        for root in (NOTHING, b"", flipped(before), span(0, old + 1)):
            assert not verify_consistency(old, new, root, after, proof)
        for root in (NOTHING, b"", flipped(after), span(0, new + 1)):
            assert not verify_consistency(old, new, before, root, proof)
        for size in {*range(-1, new + 2)} - {old, new}:
            assert not verify_consistency(size, new, before, after, proof)
        for size in range(-1, old):
            assert not verify_consistency(old, size, before, after, proof)
        if old != new:
            assert not verify_consistency(new, old, after, before, proof)


def test_every_log_begins_with_the_empty_one() -> None:
    assert verify_consistency(0, 5, NOTHING, span(0, 5), [])
    assert verify_consistency(0, 0, NOTHING, NOTHING, [])
    assert not verify_consistency(0, 5, span(0, 1), span(0, 5), [])
    assert not verify_consistency(0, 5, NOTHING, span(0, 5), [NOTHING])
    assert not verify_consistency(0, 0, NOTHING, span(0, 5), [])
    assert not verify_consistency(0, 0, span(0, 5), span(0, 5), [])


@pytest.mark.parametrize(("old", "new"), [(0, -1), (-1, -1), (-1, 5), (5, 4), (1, 0), (5, -5)])
def test_sizes_that_no_log_has_are_never_consistent(old: int, new: int) -> None:
    for root in (NOTHING, span(0, 5)):
        assert not verify_consistency(old, new, root, root, [])
        assert not verify_consistency(old, new, root, root, [root])


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 1), (2, 1), (-1, 1), (1, -1)])
def test_there_is_no_consistency_proof_backwards_or_from_nothing(old: int, new: int) -> None:
    with pytest.raises(InvalidInput) as refusal:
        merkle.prove_consistency(subtree, old, new)
    assert f"from size {old} to {new}" in refusal.value.en


# --- large logs ------------------------------------------------------------------------------------------------------


@st.composite
def sizes_and_index(draw: st.DrawFn) -> tuple[int, int, int]:
    """(index, old, new) with index < new and 0 < old <= new."""
    new = draw(st.integers(1, len(LEAVES) - 1))
    return draw(st.integers(0, new - 1)), draw(st.integers(1, new)), new


@given(sizes_and_index())
def test_what_is_proven_of_a_large_log_verifies_and_is_short(drawn: tuple[int, int, int]) -> None:
    index, old, new = drawn
    inclusion, consistency = merkle.prove_inclusion(subtree, index, new), merkle.prove_consistency(subtree, old, new)
    assert inclusion == path(index, 0, new)
    assert consistency == subproof(old, 0, new, True)
    assert verify_inclusion(LEAVES[index], index, new, inclusion, span(0, new))
    assert verify_consistency(old, new, span(0, old), span(0, new), consistency)
    assert len(inclusion) <= (new - 1).bit_length()
    assert len(consistency) <= (new - 1).bit_length() + 1


@given(sizes_and_index(), st.data())
def test_nothing_altered_of_a_large_log_verifies(drawn: tuple[int, int, int], data: st.DataObject) -> None:
    index, old, new = drawn
    inclusion, consistency = path(index, 0, new), subproof(old, 0, new, True)
    root = span(0, new)
    changed = data.draw(st.sampled_from(list(altered(inclusion))))
    assert not verify_inclusion(LEAVES[index], index, new, changed, root)
    elsewhere = data.draw(st.integers(0, len(LEAVES) - 1).filter(lambda at: at != index))
    assert not verify_inclusion(LEAVES[index], elsewhere, new, inclusion, root)
    assert not verify_inclusion(LEAVES[elsewhere], index, new, inclusion, root)
    changed = data.draw(st.sampled_from(list(altered(consistency))))
    assert not verify_consistency(old, new, span(0, old), root, changed)


@settings(max_examples=count_examples(30))
@given(sizes_and_index())
def test_proofs_made_from_tiles_are_the_same(drawn: tuple[int, int, int]) -> None:
    index, old, new = drawn

    def read(tile: tiles.Tile) -> bytes:
        assert tile.level is not None
        return b"".join(subtree(8 * tile.level, tile.first_index + n) for n in range(tile.width))

    tree = tiles.TileTree(new, read)
    assert merkle.prove_inclusion(tree, index, new) == path(index, 0, new)
    assert merkle.prove_consistency(tree, old, new) == subproof(old, 0, new, True)
