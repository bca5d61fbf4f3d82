"""Whether what is about to be appended can be signed and published afterwards: asked before anything is written.

An entry that nobody can sign is one that nobody can check, and the next restart may show a log that forgot it. So the
key, the checkpoint it goes on from, the folder and the room on the disks are looked at first, in the transaction that
holds the one lock; a refusal leaves everything as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from registry.errors import (
    CheckpointForeign,
    InvalidInput,
    RegistryError,
    SigningKeyForeign,
    SigningKeyMissing,
)
from registry.log import checkpoint_store, note
from registry.log.checkpoint_store import SignedCheckpoint

#: Bytes of the database's disk that a byte of a proposal may take: entry, records, search, and all of it once more in
#: the write-ahead log. Of the published log's: its bundle, once more while it is written aside.
GROWTH, GROWTH_PUBLISHED = 16, 3


def make_missing_key_error(path: Path, why: InvalidInput | None = None) -> SigningKeyMissing:
    """The refusal where the key's file is not there, or (``why``) cannot be read."""
    return SigningKeyMissing(
        f"签名密钥 {path} {'无法读取' if why else '不在'}，无法签发日志，所以现在不能写入名录；查询和核验照常。"
        "请管理员放回密钥文件；若已遗失：registry log rotate --lost",
        f"The signing key {path} {'cannot be read' if why else 'is not there'}: the log could not be signed, so "
        "nothing is appended; searching and checking go on. Whoever runs the register puts the file back; if it is "
        "lost: registry log rotate --lost",
    )


def make_wrong_key_error(path: Path) -> SigningKeyForeign:
    """The refusal where the key's file holds none of the keys that ever signed this log."""
    return SigningKeyForeign(
        f"{path} 中的密钥不是签发本日志的密钥，所以现在不能写入名录；查询和核验照常。请管理员放回原来的密钥文件。",
        f"The key in {path} never signed this log, so nothing is appended; searching and checking go on. Whoever runs "
        "the register puts the right key file back.",
    )


def make_foreign_checkpoint_error(path: Path) -> CheckpointForeign:
    """The refusal where the published checkpoint was signed by somebody else: they want a fork signed."""
    return CheckpointForeign(
        f"{path} 不是本机密钥签发的检查点，拒绝签发新的，也不接受新记录。请从镜像取回，或在确认数据库未被回退后移走。",
        f"{path} was not signed by a key of this register; nothing new is signed or appended. Take it from a mirror, "
        "or move it away when you are sure that the database was not rolled back.",
    )


def find_signer_fault(
    connection: sa.Connection,
    last: SignedCheckpoint | None,
    verifiers: Sequence[note.Verifier],
    key: Path,
    checkpoint: Path,
) -> RegistryError | None:
    """What is wrong between keys and checkpoint; None when the keys signed it. ``last``: the one outside the database.

    ``verifiers``: the public halves of every key in the file ``key``, also of retired ones.
    """
    stated = last or checkpoint_store.find_last(connection)
    if stated is None or _is_signed_by(stated, verifiers):
        return None
    mine = {one.public for one in verifiers}
    known = {note.parse_verifier(line).public for line in checkpoint_store.list_vkeys(connection)}
    return make_foreign_checkpoint_error(checkpoint) if last is not None and mine & known else make_wrong_key_error(key)


def _is_signed_by(signed: SignedCheckpoint, verifiers: Sequence[note.Verifier]) -> bool:
    # Under the name that the checkpoint itself has: whether it is the right one is asked elsewhere.
    named = [note.Verifier(name=signed.checkpoint.origin, kind=one.kind, public=one.public) for one in verifiers]
    try:
        note.verify_note(signed.note, named)
    except InvalidInput:
        return False
    return True
