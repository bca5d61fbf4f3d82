"""Proofs that one entry is in the published log, in the forms in which they are handed out."""

import base64

from registry.domain.model import Struct
from registry.errors import NotFound
from registry.log import merkle
from registry.log.note import SignedCheckpoint
from registry.log.publish import PublishedLog
from registry.texts import Message

#: First line of a proof file (c2sp.org/tlog-proof).
FORMAT = "c2sp.org/tlog-proof@v1"


class EntryProof(Struct, frozen=True):
    """The proof that a leaf is in the tree of ``size``; ``checkpoint``: the signed note of that size, if it is the last
    one.
    """

    size: int
    leaf: bytes
    root: bytes
    proof: list[bytes]
    checkpoint: str | None


def get_proof_size(latest: SignedCheckpoint, size: int | None) -> int:
    """``size``, or that of the last checkpoint; NotFound for a size beyond it, for which there is no proof yet."""
    last = latest.checkpoint.size
    if size is not None and size > last:
        raise NotFound(Message("最新的检查点只到第{last}条。", last=last))
    return last if size is None else size


def prove_entry(log: PublishedLog, entry: int, size: int | None = None) -> EntryProof:
    """Prove that entry number ``entry`` is in the log of a size; NotFound when that log has no such entry."""
    latest = log.get_checkpoint()  # asked for once: another one may be signed meanwhile
    upto = get_proof_size(latest, size)
    if not 1 <= entry <= upto:
        raise NotFound(Message("大小为{upto}的日志没有第{entry}条。", upto=upto, entry=entry))
    tree = log.folder.make_tree(upto)
    return EntryProof(
        size=upto,
        leaf=tree(0, entry - 1),
        root=merkle.compute_root(tree, upto),
        proof=merkle.prove_inclusion(tree, entry - 1, upto),
        checkpoint=latest.note.decode() if upto == latest.checkpoint.size else None,
    )


def make_proof_file(log: PublishedLog, entry: int) -> bytes:
    """Make a C2SP tlog-proof of one entry under the last checkpoint: a text that can be verified offline."""
    proof = prove_entry(log, entry)
    hashes = [base64.b64encode(sibling).decode() for sibling in proof.proof]
    return "\n".join([FORMAT, f"index {entry - 1}", *hashes, "", proof.checkpoint or ""]).encode()
