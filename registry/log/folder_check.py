"""The files outside the database and the database agree on what was signed last, and by which keys."""

from __future__ import annotations

import time

from registry.errors import LogDamaged
from registry.log import checkpoint_store, mirror_mark
from registry.log.folder import VKEY
from registry.log.publish import PublishedLog
from registry.storage.database import Database

#: Seconds in which a process that is just signing brings both to the same state.
PATIENCE = 5.0


def check_folder(database: Database, published: PublishedLog, patience: float = PATIENCE) -> None:
    """LogDamaged when they still differ after ``patience`` seconds."""
    until = time.monotonic() + patience
    while wrong := _find_difference(database, published):
        if time.monotonic() > until:
            raise wrong
        time.sleep(0.2)


def _find_difference(database: Database, published: PublishedLog) -> LogDamaged | None:
    outside = published.find_checkpoint()  # written before the row in the database, so it is read before it
    if outside is None:
        return None
    with database.reading() as connection:
        if not checkpoint_store.has_checkpoint(connection, outside):
            size = outside.checkpoint.size
            return LogDamaged(
                f"数据库中缺少大小为{size}的检查点（库外已公布）。请运行：registry log checkpoint",
                f"The checkpoint of size {size} that was published is missing in the database. "
                "Run: registry log checkpoint",
            )
        # The keys in use here, or, where nothing is signed, those beside the last checkpoint.
        mine = [] if mirror_mark.is_mirror(connection) else published.list_verifiers()
        wanted = "".join(f"{key.text}\n" for key in mine) or checkpoint_store.read_vkeys(connection)
    if published.folder.find_file(VKEY) == wanted.encode():
        return None
    return LogDamaged(
        "已公布的验证公钥（vkey）与签名密钥不符。请运行：registry log checkpoint",
        "The published verifier keys (vkey) are not those of the signing keys. Run: registry log checkpoint",
    )
