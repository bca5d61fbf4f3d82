"""What a restore may do: the backup compared with the published log, and with the database that is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

import sqlalchemy as sa

from registry.domain.model import Struct
from registry.errors import Conflict, InvalidInput, LogDamaged, NotFound, RegistryError
from registry.log import note, store, tiles
from registry.log.checkpoint import SignedCheckpoint, parse_signed_checkpoint
from registry.log.folder import CHECKPOINT
from registry.log.merkle import Frontier, hash_leaf
from registry.log.publish import PublishedLog
from registry.log.remote_log import RemoteLog
from registry.log.tiles import HASH, WIDTH, Tile
from registry.operations.backup.file import BackupFile
from registry.operations.mirror import list_bundles
from registry.storage.tables import checkpoints, entries


class LogSource(Struct, frozen=True):
    """A published log, here or elsewhere: its location, its last checkpoint, and how to read its files."""

    name: str
    signed: SignedCheckpoint
    read: Callable[[Tile], bytes]

    @property
    def size(self) -> int:
        """The number of entries its last checkpoint is about."""
        return self.signed.checkpoint.size

    def read_bodies(self, after: int) -> Iterator[list[bytes]]:
        """Yield the bytes of every entry numbered above ``after``, from the entry bundles; the caller verifies them."""
        for tile in list_bundles(after, self.size):
            bodies = tiles.decode_bundle(self.read(tile))
            if len(bodies) != tile.width:
                raise LogDamaged(f"条目包 {tile.path} 条数有误。", f"Bundle {tile.path} has a wrong number of entries.")
            yield bodies[max(0, after - tile.first_index) :]


class RestorePlan(Struct, frozen=True):
    """The log a restore leads to: its size and root, the published logs it was compared with, and, if the backup
    lacks entries, their source and the known keys (one per line) that signed its checkpoint."""

    size: int
    root: str
    source: LogSource | None
    vkeys: str
    compared: list[LogSource]


def find_local_log(published: PublishedLog) -> LogSource | None:
    """Return the published log of this machine; None if nothing was published."""
    try:
        last = published.find_checkpoint()
    except LogDamaged as error:
        where = published.folder.path / CHECKPOINT
        raise LogDamaged(
            f"{where} 无法读取，不能确认已公布到哪一条；请移走后用镜像恢复："
            "registry restore 备份文件 --complete-from 镜像",
            f"{where} cannot be read, so nobody knows what was published; move it away and restore with a mirror: "
            "registry restore FILE --complete-from MIRROR",
        ) from error
    if last is None or last.checkpoint.size == 0:
        return None
    return LogSource(name=str(published.folder.path), signed=last, read=published.folder.read_tile)


def read_remote_log(remote: RemoteLog) -> LogSource:
    """Return the published log at another address or in another folder, as it presents itself: nothing of it is
    trusted yet."""
    return LogSource(
        name=remote.address, signed=parse_signed_checkpoint(remote.read_checkpoint()), read=remote.read_tile
    )


def compute_roots(leaves: Iterable[bytes], sizes: set[int]) -> dict[int, bytes]:
    """Return the root hash at each of ``sizes`` that the leaves reach."""
    frontier = Frontier()
    roots = {0: frontier.compute_root()} if 0 in sizes else {}
    for leaf in leaves:
        frontier.append(leaf)
        if frontier.size in sizes:
            roots[frontier.size] = frontier.compute_root()
    return roots


def plan_restore(
    backup: BackupFile, published: PublishedLog, remote: LogSource | None, *, complete: bool
) -> RestorePlan:
    """Work out what a restore of a verified backup leads to.

    LogDamaged, saying what to do, if that would contradict or cut short what was published here or at ``remote``.
    """
    local = find_local_log(published)
    compared = [source for source in (local, remote) if source]
    source = remote or local if complete else None
    if complete and source is None:
        raise InvalidInput(
            "本机没有已公布的日志可供补齐；请指明镜像：--complete-from 镜像",
            "No published log lies here to complete from; name a mirror: --complete-from MIRROR",
        )
    size = max(backup.about.size, source.size if source else 0)
    for log in compared:
        _refuse_other_origin(backup, log)
        if log.size > size:
            _refuse_older_backup(backup, size, log)
    if source is not None and source.size <= backup.about.size:
        source = None
    vkeys = _verify_signers(backup, published, source) if source else ""
    roots = _compute_restored_roots(backup, source, {size, *(log.size for log in compared)})
    for log in compared:
        if roots[log.size] != log.signed.checkpoint.root:
            raise _make_difference_error(backup, log)
    return RestorePlan(size=size, root=roots[size].hex(), source=source, vkeys=vkeys, compared=compared)


def _compute_restored_roots(backup: BackupFile, source: LogSource | None, sizes: set[int]) -> dict[int, bytes]:
    """Return the roots of the restored log: the backup's entries, then those of the source."""
    if source is None:
        return compute_roots(backup.read_leaves(), sizes)
    added = (hash_leaf(body) for chunk in source.read_bodies(backup.about.size) for body in chunk)
    try:
        return compute_roots(chain(backup.read_leaves(), added), sizes)
    except (NotFound, LogDamaged) as error:
        raise LogDamaged(
            f"{source.name} 中的条目包不完整（{error.zh}），不能用来补齐；请换用更新的备份，或 --complete-from 镜像",
            f"The entry bundles in {source.name} are not whole ({error.en}) and cannot complete the log; "
            "use a newer backup, or --complete-from MIRROR",
        ) from error


def _refuse_other_origin(backup: BackupFile, log: LogSource) -> None:
    origin = log.signed.checkpoint.origin
    if backup.about.origin not in (None, origin):
        raise LogDamaged(
            f"备份属于日志 {backup.about.origin}，而 {log.name} 是 {origin}：不是同一日志，不能恢复。",
            f"The backup is of the log {backup.about.origin}, {log.name} is {origin}: not the same log.",
        )


def _refuse_older_backup(backup: BackupFile, size: int, log: LogSource) -> None:
    if _find_first_difference(backup, log) is not None:
        raise _make_difference_error(backup, log)
    raise LogDamaged(
        f"备份只到第{size}条，而已公布至第{log.size}条（{log.name}）：若恢复，第{size + 1}至{log.size}条将丢失，"
        "下次审批会使日志分叉。请用更新的备份；或从已公布的日志补齐：registry restore 备份文件 --complete"
        "（或 --complete-from 镜像）",
        f"The backup ends at entry {size}, but {log.size} were published ({log.name}): entries {size + 1} to "
        f"{log.size} would be lost and the next approval would fork the log. Use a newer backup, or complete it from "
        "the published log: registry restore FILE --complete (or --complete-from MIRROR)",
        entry=size + 1,
    )


def _find_first_difference(backup: BackupFile, log: LogSource) -> int | None:
    """Return the first entry whose leaf hash is not the published one; None if none differs or the tiles are lost."""
    number = 0
    leaves = backup.read_leaves()
    upto = min(backup.about.size, log.size)
    for index in range(-(-upto // WIDTH)):
        try:
            raw = log.read(tiles.make_tile(0, index, log.size))
        except RegistryError:
            return None
        for start in range(0, min(WIDTH, upto - number) * HASH, HASH):
            number += 1
            if raw[start : start + HASH] != next(leaves):
                return number
    return None


def _make_difference_error(backup: BackupFile, log: LogSource) -> LogDamaged:
    number = _find_first_difference(backup, log)
    if number is None and log.size > backup.about.size:
        return LogDamaged(
            f"{log.name} 中的条目与签发的检查点不符，不能用来补齐；请换用更新的备份，或 --complete-from 镜像",
            f"The entries in {log.name} do not give the root that was signed and cannot complete the log; "
            "use a newer backup, or --complete-from MIRROR",
        )
    zh = f"第{number}条不同" if number else "根哈希不同"
    en = f"entry {number} differs" if number else "the root differs"
    return LogDamaged(
        f"备份与已公布的日志（{log.name}）不一致：{zh}。它是另一日志的备份，或被改动过，不能恢复；请换用另一份备份。",
        f"The backup is not the log that was published ({log.name}): {en}. It is of another log, or was altered, and "
        "is not restored; use another backup.",
        entry=number,
    )


def _verify_signers(backup: BackupFile, published: PublishedLog, source: LogSource) -> str:
    """Return the keys that vouch for what is taken in beyond the backup: known here, or from the backup itself."""
    origin = source.signed.checkpoint.origin
    own_keys = published.load_keys()
    keys = [note.Verifier(name=origin, kind=note.ED25519, public=key.public) for key in own_keys]
    lines = backup.connection.execute(sa.select(checkpoints.c.vkeys).distinct()).scalars()
    keys += [note.parse_verifier(line) for text in lines for line in text.split()]
    try:
        _, signers = note.verify_note(source.signed.note, keys)
    except InvalidInput as error:
        raise LogDamaged(
            f"{source.name} 的检查点不是本名录已知的密钥所签，其条目不予采用；请先把 signing.key 放回本机。",
            f"The checkpoint of {source.name} was not signed by a key known to this register, and its entries are not "
            "taken; put signing.key back on this machine first.",
        ) from error
    return "".join(f"{key.text}\n" for key in signers)


def refuse_loss(plan: RestorePlan, backup: BackupFile, published: PublishedLog, existing: sa.Connection) -> bool:
    """Whether the existing database holds the log to be restored, or its beginning; False if it cannot be read.

    Conflict if it holds more of that log, or another one that nothing published here speaks against.
    """
    local = find_local_log(published)
    try:
        size = store.read_head(existing).size
        common, known = min(size, plan.size), min(size, local.size if local else 0)
        query = sa.select(entries.c.body).order_by(entries.c.number).execution_options(yield_per=store.CHUNK)
        with existing.execute(query) as bodies:
            existing_roots = compute_roots((hash_leaf(body) for body in bodies.scalars()), {common, known})
    except sa.exc.DBAPIError:
        return False
    restored_roots = _compute_restored_roots(backup, plan.source, {common, known})
    if existing_roots.get(common) != restored_roots[common]:
        if local is None or existing_roots.get(known) == restored_roots[known]:
            raise _make_other_log_error(size)
        return False
    if size > plan.size:
        raise Conflict(
            f"现有数据库有{size}条日志，多于恢复后的{plan.size}条且与之衔接：无需恢复；退回旧状态会使日志分叉，不能进行。"
            "若数据库其他部分损坏：先运行 registry log checkpoint，再 registry restore 备份文件 --complete",
            f"The database here holds {size} entries and goes on from the {plan.size} that would be restored: nothing "
            "needs restoring, and going back would fork the log. If something else in it is damaged, run: "
            "registry log checkpoint, then: registry restore FILE --complete",
        )
    return True


def _make_other_log_error(size: int) -> Conflict:
    return Conflict(
        f"现有数据库是另一日志（{size}条），且本机没有已公布的日志可作依据；确要恢复，请先把它移走。",
        f"The database here holds another log ({size} entries) and nothing published here says which is right; "
        "to restore all the same, move it away first.",
    )
