"""RFC 6962 hashing: leaves, nodes, and the root of a growing tree kept as its frontier.

Source: RFC 6962 section 2.1. The frontier is the list of roots of the perfect subtrees of the current size, largest
first (at most 62 hashes), so that appending and the root need no other node.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


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
