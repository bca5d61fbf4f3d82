"""Whether a signed checkpoint extends another, by hashes that prove it; evidence is saved when it does not.

A fork is only called one when it is proven: two signed checkpoints, and hashes under the larger one that differ from
the smaller. What a log merely fails to show is ``unproven``.
"""

import hashlib
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from registry.domain.model import Struct
from registry.errors import LogDamaged, NotFound
from registry.log import merkle, note, trusted_keys
from registry.log.clock import read_clock
from registry.log.folder import LogFolder
from registry.log.note import Checkpoint, SignedCheckpoint
from registry.log.tiles import Tile, TileTree
from registry.log.trusted_keys import OfferedCheckpoint
from registry.texts import Message

#: first: nothing was seen before. older: smaller than what was seen, and a beginning of it.
Verdict = Literal["first", "same", "grown", "older", "unproven", "fork"]
HELD: tuple[Verdict, ...] = ("first", "same", "grown")
_EMPTY = hashlib.sha256(b"").digest()


class Comparison(Struct, frozen=True):
    """The relation of an offered checkpoint to the one seen, and the RFC 6962 consistency proof of it."""

    verdict: Verdict
    proof: tuple[bytes, ...] = ()


class TileRecorder:
    """The hashes of a log from ``source``, and a record of the tiles read for them: the material of a proof."""

    def __init__(self, source: Callable[[Tile], bytes]) -> None:
        self._source = source
        self.tiles: dict[Tile, bytes] = {}

    def make_tree(self, size: int) -> TileTree:
        """The hashes at a size."""
        return TileTree(size, self._read_tile)

    def _read_tile(self, tile: Tile) -> bytes:
        raw = self.tiles[tile] = self._source(tile)
        return raw


def compare_checkpoints(
    seen: Checkpoint | None,
    offered: Checkpoint,
    tree: Callable[[int], merkle.Hashes],
    known: Callable[[], Mapping[int, bytes]] = dict,
) -> Comparison:
    """Compare the signed checkpoint ``offered`` with ``seen`` by the hashes that ``tree`` gives for a size.

    ``known``: roots of this log seen before, by size. LogDamaged or NotFound when the hashes do not even give the root
    of a first checkpoint.
    """
    if seen is None:
        _require_root(offered, tree)
        return Comparison(verdict="first")
    if seen.size == offered.size:
        return Comparison(verdict="same" if seen.root == offered.root else "fork")
    small, large = (seen, offered) if seen.size < offered.size else (offered, seen)
    verdict: Verdict = "grown" if small is seen else "older"
    if small.size == 0:
        return Comparison(verdict=verdict if small.root == _EMPTY else "fork")
    known_root = known().get(small.size) if small is offered else None
    if known_root == small.root:
        return Comparison(verdict=verdict)
    return _compare_by_hashes(small, large, tree, verdict) or Comparison(
        verdict="unproven" if known_root is None else "fork"
    )


def _compare_by_hashes(
    small: Checkpoint, large: Checkpoint, tree: Callable[[int], merkle.Hashes], verdict: Verdict
) -> Comparison | None:
    """Compare the smaller one with the hashes; None when those do not give the root of the larger one."""
    try:
        hashes = tree(large.size)
        root = merkle.compute_root(hashes, small.size)
        proof = merkle.prove_consistency(hashes, small.size, large.size)
    except (NotFound, LogDamaged):
        return None
    if not merkle.verify_consistency(small.size, large.size, root, large.root, proof):
        return None
    return Comparison(verdict=verdict if root == small.root else "fork", proof=tuple(proof))


def _require_root(offered: Checkpoint, tree: Callable[[int], merkle.Hashes]) -> None:
    if merkle.compute_root(tree(offered.size), offered.size) != offered.root:
        raise LogDamaged(Message("日志的分片与其检查点不符，该日志不完整或被改动。"))


def save_evidence(
    folder: LogFolder, comparison: Comparison, seen: SignedCheckpoint, offered: OfferedCheckpoint, hashes: TileRecorder
) -> Path | None:
    """Save two checkpoints that do not fit, byte for byte, with the hashes that show it; return where, None when they
    fit.

    The same two are saved once.
    """
    if comparison.verdict not in ("fork", "unproven"):
        return None
    files = {
        "seen": seen.note,
        "offered": offered.signed.note,
        trusted_keys.PINNED: note.format_vkeys(offered.keys).encode(),
    }
    for saved in sorted(folder.path.glob(f"{comparison.verdict}-*")):
        evidence = LogFolder(saved)
        if evidence.find_file("offered") == offered.signed.note and _read_note_text(
            evidence.find_file("seen")
        ) == _read_note_text(seen.note):
            return saved
    files |= {f"tile/{tile.path}": content for tile, content in hashes.tiles.items()}
    files["proof.json"] = msgspec.json.encode([sibling.hex() for sibling in comparison.proof])
    aside = LogFolder(folder.path / ".evidence")
    shutil.rmtree(aside.path, ignore_errors=True)
    for name, content in files.items():
        aside.write_file(name, content)
    target = folder.path / f"{comparison.verdict}-{read_clock():%Y%m%dT%H%M%S.%fZ}"
    aside.path.rename(target)
    return target


def _read_note_text(raw: bytes | None) -> str:
    """The text of a note without its signatures, to which witnesses add."""
    return note.parse_note(raw).text if raw else ""


def list_forks(folder: LogFolder) -> tuple[str, ...]:
    """The forks whose evidence is in a folder; somebody has to look into each before removing it."""
    return tuple(sorted(str(path) for path in folder.path.glob("fork-*")))
