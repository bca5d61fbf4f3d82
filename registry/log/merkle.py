"""RFC 6962: hashes of leaves and nodes, the root of a growing tree, and proofs of inclusion and consistency.

Making: RFC 6962 section 2.1. Verifying: RFC 9162 sections 2.1.3.2 and 2.1.4.2. ``index`` counts from 0, so entry
number n is at index n - 1. The frontier of a tree is the list of roots of its perfect subtrees, largest first (at most
62 hashes), so that appending and the root need no other node.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence

from registry.errors import InvalidInput
from registry.texts import Message


def hash_leaf(entry: bytes) -> bytes:
    """SHA-256(0x00 || entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a Merkle tree: append leaf hashes, ask for the root at any time."""

    __slots__ = ("_stack", "size")

    def __init__(self) -> None:
        self.size = 0
        self._stack: list[bytes] = []

    @classmethod
    def from_subtrees(cls, size: int, subtrees: list[bytes]) -> Frontier:
        """The frontier of a tree of ``size`` whose perfect subtrees, largest first, have these roots."""
        frontier = cls()
        frontier.size, frontier._stack = size, list(subtrees)
        return frontier

    def copy(self) -> Frontier:
        """The same right edge, to be extended apart from this one."""
        return Frontier.from_subtrees(self.size, self._stack)

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash; amortised one node hash."""
        self.size += 1
        size = self.size
        while size % 2 == 0:
            leaf = hash_node(self._stack.pop(), leaf)
            size //= 2
        self._stack.append(leaf)

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaf hashes in order."""
        for leaf in leaves:
            self.append(leaf)

    def compute_root(self) -> bytes:
        """The tree's root hash; SHA-256 of nothing for an empty tree."""
        if not self._stack:
            return hashlib.sha256(b"").digest()
        root = self._stack[-1]
        for left in reversed(self._stack[:-1]):
            root = hash_node(left, root)
        return root


#: (level, index) -> root of the perfect subtree of 2**level leaves that begins at leaf index * 2**level.
Hashes = Callable[[int, int], bytes]


def list_subtrees(start: int, end: int) -> list[tuple[int, int]]:
    """The perfect subtrees (level, index) that make up leaves start <= i < end, left to right.

    >>> list_subtrees(0, 7)
    [(2, 0), (1, 2), (0, 6)]
    """
    subtrees = []
    while start < end:
        level = (end - start).bit_length() - 1
        if start:
            level = min(level, (start & -start).bit_length() - 1)
        subtrees.append((level, start >> level))
        start += 1 << level
    return subtrees


def compute_root(hashes: Hashes, size: int) -> bytes:
    """The root hash of the first ``size`` leaves; SHA-256 of nothing for none."""
    return _fold_hashes(hashes, 0, size) if size else hashlib.sha256(b"").digest()


def _fold_hashes(hashes: Hashes, start: int, end: int) -> bytes:
    *rest, last = [hashes(level, index) for level, index in list_subtrees(start, end)]
    for left in reversed(rest):
        last = hash_node(left, last)
    return last


def prove_inclusion(hashes: Hashes, index: int, size: int) -> list[bytes]:
    """The proof that the leaf at ``index`` is in the tree of ``size``, sibling of the leaf first."""
    if not 0 <= index < size:
        raise InvalidInput(Message("日志在该大小（{size}）没有第{index}条。", size=size, index=index + 1))
    proof: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _compute_split(end - start)
        if index < middle:
            proof.append(_fold_hashes(hashes, middle, end))
            end = middle
        else:
            proof.append(_fold_hashes(hashes, start, middle))
            start = middle
    return proof[::-1]


def prove_consistency(hashes: Hashes, old: int, new: int) -> list[bytes]:
    """The proof that the tree of size ``old`` is a prefix of the one of size ``new``; empty when they are equal."""
    if not 0 < old <= new:
        raise InvalidInput(Message("无法从大小 {old} 证明到 {new}：须为 0 < from <= to。", old=old, new=new))
    proof: list[bytes] = []
    start, end, whole = 0, new, True  # whole: the old tree is exactly what was covered so far
    while end > old:
        middle = start + _compute_split(end - start)
        if old <= middle:
            proof.append(_fold_hashes(hashes, middle, end))
            end = middle
        else:
            proof.append(_fold_hashes(hashes, start, middle))
            start, whole = middle, False
    if not whole:
        proof.append(_fold_hashes(hashes, start, end))
    return proof[::-1]


def _compute_split(count: int) -> int:
    """The largest power of two smaller than ``count``."""
    return 1 << ((count - 1).bit_length() - 1)


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root_hash: bytes) -> bool:
    """Whether ``proof`` shows the leaf hash at ``index`` in the tree of that size and root."""
    if not 0 <= index < size:
        return False
    at, last, result = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            result = hash_node(sibling, result)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            result = hash_node(result, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and result == root_hash


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether ``proof`` shows that the tree (old, old_root) is a prefix of the tree (new, new_root)."""
    if old in (0, new):  # nothing to prove: every log begins with the empty one, and with itself
        known = old_root if old else hashlib.sha256(b"").digest()
        return 0 <= old <= new and not proof and old_root == known and (old < new or new_root == known)
    if not 0 < old < new or not proof:
        return False
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            first, second = hash_node(sibling, first), hash_node(sibling, second)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            second = hash_node(second, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root
