"""Proofs about the published log, for one entry, in the forms they are handed out in."""

from __future__ import annotations

import base64

from registry.errors import NotFound
from registry.log import proofs
from registry.log.publish import PublishedLog
from registry.log.shared import Signed
from registry.model import Struct

#: First line of a proof file (c2sp.org/tlog-proof).
FORMAT = "c2sp.org/tlog-proof@v1"


class Inclusion(Struct, frozen=True):
    """That a leaf is in the tree of ``size``; ``checkpoint`` is the signed note where that is the last one signed."""

    size: int
    leaf: bytes
    root: bytes
    proof: list[bytes]
    checkpoint: str | None


def within(latest: Signed, size: int | None) -> int:
    """``size``, or that of the last checkpoint; NotFound beyond it, for which there is no proof yet."""
    last = latest.checkpoint.size
    if size is not None and size > last:
        raise NotFound(f"最新的检查点只到第{last}条。", f"The last checkpoint reaches entry {last} only.")
    return last if size is None else size


def inclusion(log: PublishedLog, entry: int, size: int | None = None) -> Inclusion:
    """The proof that entry number ``entry`` is in the log of a size; NotFound when that log has no such entry."""
    latest = log.latest()  # asked for once: another one may be signed meanwhile
    upto = within(latest, size)
    if not 1 <= entry <= upto:
        raise NotFound(f"大小为{upto}的日志没有第{entry}条。", f"The log of size {upto} has no entry {entry}.")
    tree = log.folder.tree(upto)
    return Inclusion(
        size=upto,
        leaf=tree(0, entry - 1),
        root=proofs.root(tree, upto),
        proof=proofs.inclusion(tree, entry - 1, upto),
        checkpoint=latest.note.decode() if upto == latest.checkpoint.size else None,
    )


def file(log: PublishedLog, entry: int) -> bytes:
    """A C2SP tlog-proof of one entry under the last checkpoint: text that verifies without asking anyone."""
    proved = inclusion(log, entry)
    hashes = [base64.b64encode(one).decode() for one in proved.proof]
    return "\n".join([FORMAT, f"index {entry - 1}", *hashes, "", proved.checkpoint or ""]).encode()
