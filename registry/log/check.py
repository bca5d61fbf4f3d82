"""Check the log: derive it from its bytes and compare it with all that was published; name the first entry that
differs.
"""

import time
from collections.abc import Callable
from typing import Any

import msgspec
import sqlalchemy as sa

from registry.domain.model import Struct
from registry.errors import InvalidInput, LogDamaged, NotFound, RegistryError, SigningKeyForeign
from registry.log import checkpoint_store, codec, erasure, four_eyes, merkle, note, replication, store, tiles
from registry.log.clock import to_milliseconds
from registry.log.folder import VKEY
from registry.log.note import Checkpoint, SignedCheckpoint
from registry.log.publish import PublishedLog
from registry.storage.database import Database
from registry.storage.tables import entries, erasable
from registry.texts import Message

Progress = Callable[[int], None]
#: Seconds in which a process that is just signing brings folder and database to the same state.
PATIENCE = 5.0


class LogCheckResult(Struct, frozen=True):
    """A log that passed: its size and root hash (hex), and how many of its entries a signed checkpoint covers.

    ``withheld``: personal values that are sealed but not held here, although no entry erased them (a mirror has none).
    """

    size: int
    root: str
    signed: int = 0
    withheld: int = 0


def check_log(
    connection: sa.Connection, published: PublishedLog | None = None, progress: Progress | None = None
) -> LogCheckResult:
    """Check number, time, columns, bytes and leaf hash of every entry in order, and every tile and checkpoint of the
    log.

    LogDamaged names the first entry that differs from what it must be or from what was published. SigningKeyForeign
    where the key of this machine never signed this log: then checking its checkpoints with it would mean nothing.
    """
    if published is not None and isinstance(fault := published.find_signer_fault(connection), SigningKeyForeign):
        raise fault
    publication = _PublicationCheck(connection, published)
    frontier = merkle.Frontier()
    last_time = 0
    query = sa.select(entries).order_by(entries.c.number).execution_options(yield_per=store.CHUNK)
    with connection.execute(query) as rows:  # closes the stream when an entry is refused
        for expected, row in enumerate(rows, start=1):
            if row.number != expected:
                raise _make_entry_error(expected, Message("缺少这一条"))
            _check_row(row)
            if row.recorded_at < last_time:
                raise _make_entry_error(expected, Message("记录时间早于上一条"))
            last_time = row.recorded_at
            frontier.append(row.leaf)
            publication.compare_entry(expected, row.body, row.leaf, frontier)
            if progress and expected % store.CHUNK == 0:
                progress(expected)
    publication.check_end(frontier)
    _check_sealed_values(connection)
    withheld = erasure.check_erased_values(connection)
    four_eyes.check_entries(connection, after=publication.signed)
    return LogCheckResult(
        size=frontier.size, root=frontier.compute_root().hex(), signed=publication.signed, withheld=withheld
    )


class _PublicationCheck:
    """Compares each signed checkpoint and every published tile with the entries as they are read."""

    def __init__(self, connection: sa.Connection, published: PublishedLog | None) -> None:
        self._connection = connection
        self._folder = published.folder if published else None
        # Before the database is read: the entries it names are there by then.
        latest = published.find_checkpoint() if published else None
        stored = checkpoint_store.list_checkpoints(connection)
        self._keys = (published.list_verifiers(retired=True) if published else []) or [
            note.parse_verifier(key) for key in checkpoint_store.list_vkeys(connection)
        ]
        if published:
            _refuse_replay(published, stored)
        self._published = latest.checkpoint if latest else Checkpoint(origin="", size=0, root=b"")
        self._tile_leaves = b""  # the published leaf hashes of the tile being compared
        self._checked_size = 0  # size of the last checkpoint that fits the entries
        checkpoints = [*stored, *([latest] if latest else [])]
        self._unchecked = sorted(checkpoints, key=lambda signed: -signed.checkpoint.size)
        self.signed = self._unchecked[0].checkpoint.size if self._unchecked else 0
        self._levels: list[list[bytes]] = [[]]  # the hashes of the tile being filled, by level of tiles
        self._bodies: list[bytes] = []
        self._check_checkpoints(merkle.Frontier())

    def compare_entry(self, number: int, body: bytes, leaf: bytes, frontier: merkle.Frontier) -> None:
        """Compare everything that ends with this entry."""
        if self._folder and number <= self._published.size:
            self._compare_leaf(number, leaf)
            self._bodies.append(body)
            self._fill_tiles(0, number, leaf)
            if number % tiles.WIDTH == 0 or number == self._published.size:
                self._compare_bundle(number)
            if number == self._published.size:
                self._compare_partial_tiles(number)
        self._check_checkpoints(frontier)

    def check_end(self, frontier: merkle.Frontier) -> None:
        """Raise LogDamaged when a checkpoint was signed beyond the last entry."""
        if self._unchecked:
            size = self._unchecked[0].checkpoint.size
            raise _make_entry_error(
                frontier.size + 1,
                Message(
                    "日志被截断或回退，已签发{size}条，数据库只有{frontier_size}条；请恢复备份：registry restore",
                    size=size,
                    frontier_size=frontier.size,
                ),
            )

    def _check_checkpoints(self, frontier: merkle.Frontier) -> None:
        while self._unchecked and self._unchecked[-1].checkpoint.size == frontier.size:
            signed = self._unchecked.pop()
            if signed.checkpoint.root != frontier.compute_root():
                first = self._checked_size + 1
                message = Message(
                    "第{first}至{frontier_size}条中有被改写的，与签发的检查点不符",
                    first=first,
                    frontier_size=frontier.size,
                )
                raise _make_entry_error(first, message)
            self._require_signature(signed)
            self._checked_size = frontier.size

    def _require_signature(self, signed: SignedCheckpoint) -> None:
        if not self._keys:
            return
        try:
            note.verify_note(signed.note, self._keys)
        except InvalidInput as error:
            size = signed.checkpoint.size
            raise LogDamaged(Message("大小为{size}的检查点不是本名录的密钥所签。", size=size)) from error

    def _compare_leaf(self, number: int, leaf: bytes) -> None:
        """Compare one leaf hash at once, not when its tile or checkpoint ends, so that the very entry is named."""
        index, offset = divmod(number - 1, tiles.WIDTH)
        tile = tiles.make_tile(0, index, self._published.size)
        if offset == 0:
            self._tile_leaves = self._read_tile(tile)
        if self._tile_leaves[offset * tiles.HASH :][: tiles.HASH] != leaf:
            if self._has_signed_root():
                raise _make_tile_error(tile)
            raise _make_entry_error(number, Message("与已公布的叶哈希不符"))

    def _has_signed_root(self) -> bool:
        """Whether the stored entries are those that were signed: then a published file is at fault."""
        frontier = store.read_frontier(self._connection, self._published.size)
        return frontier.size == self._published.size and frontier.compute_root() == self._published.root

    def _fill_tiles(self, level: int, number: int, value: bytes) -> None:
        hashes = self._levels[level]
        hashes.append(value)
        if len(hashes) == tiles.WIDTH:
            self._compare_tile(
                tiles.Tile(level=level, index=tiles.count_hashes(level, number) // tiles.WIDTH - 1), hashes
            )
            if level + 1 == len(self._levels):
                self._levels.append([])
            self._levels[level] = []
            self._fill_tiles(level + 1, number, tiles.compute_subtree_root(hashes))

    def _compare_partial_tiles(self, number: int) -> None:
        for level, hashes in enumerate(self._levels):
            if hashes:
                tile = tiles.make_tile(level, tiles.count_hashes(level, number) // tiles.WIDTH, number)
                self._compare_tile(tile, hashes)
                self._compare_narrower_tiles(tile, lambda width, hashes=hashes: b"".join(hashes[:width]))  # type: ignore[misc]

    def _compare_tile(self, tile: tiles.Tile, hashes: list[bytes]) -> None:
        if self._read_tile(tile) != b"".join(hashes):
            raise _make_tile_error(tile)

    def _compare_bundle(self, number: int) -> None:
        bodies, self._bodies = self._bodies, []
        tile = tiles.make_tile(None, (number - 1) // tiles.WIDTH, number)
        if self._read_tile(tile) != tiles.encode_bundle(bodies):
            raise _make_tile_error(tile)
        self._compare_narrower_tiles(tile, lambda width: tiles.encode_bundle(bodies[:width]))

    def _compare_narrower_tiles(self, tile: tiles.Tile, make_content: Callable[[int], bytes]) -> None:
        """Compare the narrower files of the last tile, which earlier checkpoints named and which are still served."""
        for width in self._folder.list_partial_widths(tile) if self._folder else []:
            narrower = tiles.Tile(level=tile.level, index=tile.index, width=width)
            if width < tile.width and self._read_tile(narrower) != make_content(width):
                raise _make_tile_error(narrower)

    def _read_tile(self, tile: tiles.Tile) -> bytes:
        try:
            return self._folder.read_tile(tile) if self._folder else b""
        except (NotFound, LogDamaged) as error:
            raise _make_tile_error(tile) from error


def _refuse_replay(published: PublishedLog, stored: list[SignedCheckpoint]) -> None:
    """Raise LogDamaged when the published checkpoint is older than the newest one in the database.

    The published one is read anew, since one may be signed at this moment.
    """
    newest = max((signed.checkpoint.size for signed in stored), default=0)
    latest = published.find_checkpoint()
    if stored and (latest is None or latest.checkpoint.size < newest):
        size = latest.checkpoint.size if latest else 0
        message = Message(
            "数据库外的检查点缺失或被换成旧的（{size}，应为{newest}）。请运行：registry log checkpoint",
            size=size,
            newest=newest,
        )
        raise LogDamaged(message)


def _check_sealed_values(connection: sa.Connection) -> None:
    """Raise LogDamaged unless every personal value that was not erased is the one its entry was sealed over."""
    query = sa.select(erasable, entries.c.body).outerjoin(entries, entries.c.number == erasable.c.number)
    query = query.order_by(erasable.c.number).execution_options(yield_per=store.CHUNK)
    with connection.execute(query) as rows:
        for row in rows:
            stored = isinstance(row.salt, bytes) and isinstance(row.value, bytes)  # SQLite takes any type anywhere
            if row.body is None or not stored or not codec.verify_seal(row.body, row.path, row.salt, row.value):
                raise _make_entry_error(row.number, Message("{row_path} 与封存的哈希不符", row_path=row.path))


def _check_row(row: sa.Row[Any]) -> None:
    try:
        entry = codec.decode_entry(bytes(row.body))
        canonical = codec.encode_canonical(msgspec.json.decode(row.body))
    except (RegistryError, TypeError) as error:
        raise _make_entry_error(row.number, Message("正文无法解读")) from error
    derived = (entry.number, to_milliseconds(entry.recorded_at), entry.subject, entry.change.kind)
    if derived != (row.number, row.recorded_at, row.subject, row.kind):
        raise _make_entry_error(row.number, Message("各列与正文不符"))
    if canonical != row.body:
        raise _make_entry_error(row.number, Message("正文不是规范形式"))
    if merkle.hash_leaf(row.body) != row.leaf:
        raise _make_entry_error(row.number, Message("正文与叶哈希不符"))


def _make_entry_error(number: int, message: Message) -> LogDamaged:
    return LogDamaged(Message("日志第{number}条有误：{message}。", number=number, message=message), entry=number)


def _make_tile_error(tile: tiles.Tile) -> LogDamaged:
    return LogDamaged(
        Message("已公布的文件 tile/{tile_path} 缺失或被改动，请运行：registry rebuild log", tile_path=tile.path),
        tile=tile.path,
    )


def check_folder(database: Database, published: PublishedLog, patience: float = PATIENCE) -> None:
    """Raise LogDamaged unless published files and database agree on the last checkpoint and its keys.

    ``patience``: seconds for which they may differ, since a process may be signing.
    """
    until = time.monotonic() + patience
    while difference := _find_difference(database, published):
        if time.monotonic() > until:
            raise difference
        time.sleep(0.2)


def _find_difference(database: Database, published: PublishedLog) -> LogDamaged | None:
    latest = published.find_checkpoint()  # written before the row in the database, so it is read before it
    if latest is None:
        return None
    with database.reading() as connection:
        if not checkpoint_store.has_checkpoint(connection, latest):
            size = latest.checkpoint.size
            return LogDamaged(
                Message("数据库中缺少大小为{size}的检查点（库外已公布）。请运行：registry log checkpoint", size=size)
            )
        # The keys in use here, or, where nothing is signed, those stored with the last checkpoint.
        keys = [] if replication.is_mirror(connection) else published.list_verifiers()
        vkeys = note.format_vkeys(keys) or checkpoint_store.read_vkeys(connection)
    if published.folder.find_file(VKEY) == vkeys.encode():
        return None
    return LogDamaged(Message("已公布的验证公钥（vkey）与签名密钥不符。请运行：registry log checkpoint"))
