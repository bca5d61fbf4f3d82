from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import LogDamaged, NotFound
from registry.log import merkle
from registry.log.forks import compare_checkpoints
from registry.log.merkle import Hashes, hash_leaf
from registry.log.note import Checkpoint
from registry.log.tiles import compute_subtree_root
from registry.texts import FixedText

ORIGIN = "register.example/log"
sizes = st.integers(min_value=0, max_value=70)


def leaves(number: int, history: str = "a") -> list[bytes]:
    return [hash_leaf(f"{history}{n}".encode()) for n in range(number)]


def hashes_of(some: list[bytes]) -> Hashes:
    def hashes(level: int, index: int) -> bytes:
        below = some[index << level : (index + 1) << level]
        if len(below) < 1 << level:
            raise NotFound(FixedText("没有", "there is none"))
        return compute_subtree_root(below)

    return hashes


def checkpoint_of(some: list[bytes]) -> Checkpoint:
    return Checkpoint(origin=ORIGIN, size=len(some), root=merkle.compute_root(hashes_of(some), len(some)))


def log_of(some: list[bytes]) -> Callable[[int], Hashes]:
    return lambda _size: hashes_of(some)


def verdict(seen: list[bytes], offered: list[bytes], served: list[bytes] | None = None) -> str:
    tree = log_of(offered if served is None else served)
    return compare_checkpoints(checkpoint_of(seen), checkpoint_of(offered), tree).verdict


@given(sizes, sizes)
def test_a_log_that_only_grew_is_the_same_grown_or_older(seen: int, offered: int) -> None:
    expected = "same" if seen == offered else "grown" if seen < offered else "older"
    assert verdict(leaves(seen), leaves(offered), served=leaves(max(seen, offered))) == expected


@given(sizes, sizes, st.data())
def test_one_entry_rewritten_is_a_fork(seen: int, offered: int, data: st.DataObject) -> None:
    both = min(seen, offered)
    if both == 0:
        return
    before, after = leaves(seen), leaves(offered)
    after[data.draw(st.integers(0, both - 1))] = hash_leaf(b"rewritten")
    assert verdict(before, after, served=max(before, after, key=len)) == "fork"


@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 6), st.integers(0, 70), st.booleans())
def test_wrong_hashes_never_make_a_fork_of_growth_nor_growth_of_a_fork(
    seen: int, offered: int, level: int, index: int, is_fork: bool
) -> None:
    before = leaves(seen)
    after = leaves(offered, "b" if is_fork else "a")
    honest = hashes_of(max(before, after, key=len))

    def altered(at: int, which: int) -> bytes:
        return hashlib.sha256(b"wrong").digest() if (at, which) == (level, index) else honest(at, which)

    found = compare_checkpoints(checkpoint_of(before), checkpoint_of(after), lambda _size: altered).verdict
    fits = "same" if seen == offered else "grown" if seen < offered else "older"
    assert found in ({"fork", "unproven"} if is_fork else {fits, "unproven"})


def test_hashes_that_are_missing_show_nothing() -> None:
    assert verdict(leaves(20), leaves(30), served=leaves(10)) == "unproven"
    assert verdict(leaves(30), leaves(20), served=leaves(20)) == "unproven"


def test_a_root_that_was_seen_before_tells_without_any_hashes() -> None:
    def nothing(_size: int) -> Hashes:
        raise NotFound(FixedText("没有", "there is none"))

    known = {20: checkpoint_of(leaves(20)).root}
    seen = checkpoint_of(leaves(30))
    assert compare_checkpoints(seen, checkpoint_of(leaves(20)), nothing, lambda: known).verdict == "older"
    assert compare_checkpoints(seen, checkpoint_of(leaves(20, "b")), nothing, lambda: known).verdict == "fork"
    assert compare_checkpoints(seen, checkpoint_of(leaves(21)), nothing, lambda: known).verdict == "unproven"


def test_an_empty_log_with_another_root_is_a_fork() -> None:
    wrong = Checkpoint(origin=ORIGIN, size=0, root=bytes(32))
    assert compare_checkpoints(checkpoint_of(leaves(3)), wrong, log_of([])).verdict == "fork"
    assert compare_checkpoints(wrong, checkpoint_of(leaves(3)), log_of(leaves(3))).verdict == "fork"
    assert verdict([], leaves(3)) == "grown"
    assert verdict(leaves(3), []) == "older"


def test_the_proof_of_growth_convinces_by_itself() -> None:
    before, after = checkpoint_of(leaves(11)), checkpoint_of(leaves(50))
    found = compare_checkpoints(before, after, log_of(leaves(50)))
    assert merkle.verify_consistency(11, 50, before.root, after.root, found.proof)


def test_a_first_checkpoint_must_have_the_hashes_it_states() -> None:
    first = checkpoint_of(leaves(5))
    assert compare_checkpoints(None, first, log_of(leaves(5))).verdict == "first"
    with pytest.raises(LogDamaged):
        compare_checkpoints(None, first, log_of(leaves(5, "b")))
    with pytest.raises(NotFound):
        compare_checkpoints(None, first, log_of(leaves(4)))
