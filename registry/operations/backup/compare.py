"""What a restore may do: the backup compared with the published log, and with the database that is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

import sqlalchemy as sa

from registry.domain.model import Struct
from registry.errors import Conflict, InvalidInput, LogDamaged, NotFound, RegistryError
from registry.log import note, store, tiles
from registry.log.folder import CHECKPOINT
from registry.log.merkle import Frontier, hash_leaf
from registry.log.note import SignedCheckpoint, parse_signed_checkpoint
from registry.log.publish import PublishedLog
from registry.log.remote_log import RemoteLog
from registry.log.tiles import HASH, WIDTH, Tile
from registry.operations.backup.file import BackupFile
from registry.operations.mirror import list_bundles
from registry.storage.tables import checkpoints, entries
from registry.texts import Message


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
                raise LogDamaged(Message("条目包 {tile_path} 条数有误。", tile_path=tile.path))
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
            Message(
                "{where} 无法读取，不能确认已公布到哪一条；请移走后用镜像恢复："
                "registry restore 备份文件 --complete-from 镜像",
                where=where,
            )
        ) from error
    if last is None or last.checkpoint.size == 0:
        return None
    return LogSource(name=str(published.folder.path), signed=last, read=published.folder.read_tile)


def read_remote_log(remote: RemoteLog) -> LogSource:
    """Return the published log at another address or in another folder, of which nothing is trusted yet."""
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
        raise InvalidInput(Message("本机没有已公布的日志可供补齐；请指明镜像：--complete-from 镜像"))
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
            Message(
                "{source_name} 中的条目包不完整（{error}），不能用来补齐；请换用更新的备份，或 --complete-from 镜像",
                source_name=source.name,
                error=error.message,
            )
        ) from error


def _refuse_other_origin(backup: BackupFile, log: LogSource) -> None:
    origin = log.signed.checkpoint.origin
    if backup.about.origin not in (None, origin):
        raise LogDamaged(
            Message(
                "备份属于日志 {origin}，而 {log_name} 是 {origin_2}：不是同一日志，不能恢复。",
                origin=backup.about.origin,
                log_name=log.name,
                origin_2=origin,
            )
        )


def _refuse_older_backup(backup: BackupFile, size: int, log: LogSource) -> None:
    if _find_first_difference(backup, log) is not None:
        raise _make_difference_error(backup, log)
    raise LogDamaged(
        Message(
            "备份只到第{size}条，而已公布至第{log_size}条（{log_name}）：若恢复，第{size_2}至{log_size}条将丢失，"
            "下次审批会使日志分叉。请用更新的备份；或从已公布的日志补齐：registry restore 备份文件 --complete"
            "（或 --complete-from 镜像）",
            size=size,
            log_size=log.size,
            log_name=log.name,
            size_2=size + 1,
        ),
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
            Message(
                "{log_name} 中的条目与签发的检查点不符，不能用来补齐；请换用更新的备份，或 --complete-from 镜像",
                log_name=log.name,
            )
        )
    message = Message("第{number}条不同", number=number) if number else Message("根哈希不同")
    return LogDamaged(
        Message(
            "备份与已公布的日志（{log_name}）不一致：{message}。它是另一日志的备份，或被改动过，不能恢复；"
            "请换用另一份备份。",
            log_name=log.name,
            message=message,
        ),
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
            Message(
                "{source_name} 的检查点不是本名录已知的密钥所签，其条目不予采用；请先把 signing.key 放回本机。",
                source_name=source.name,
            )
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
            raise Conflict(
                Message(
                    "现有数据库是另一日志（{size}条），且本机没有已公布的日志可作依据；确要恢复，请先把它移走。",
                    size=size,
                )
            )
        return False
    if size > plan.size:
        raise Conflict(
            Message(
                "现有数据库有{size}条日志，多于恢复后的{plan_size}条且与之衔接：无需恢复；退回旧状态会使日志分叉，"
                "不能进行。"
                "若数据库其他部分损坏：先运行 registry log checkpoint，再 registry restore 备份文件 --complete",
                size=size,
                plan_size=plan.size,
            )
        )
    return True
