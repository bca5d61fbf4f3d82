"""C2SP tlog-tiles: the hashes and entries of a log as static files, and the tree that is read from them.

Source: c2sp.org/tlog-tiles. A tile holds up to 256 hashes of one of the levels 0, 8, 16, ... of the tree; an entry
bundle holds up to 256 entries, each behind its length. Only the last tile of a level is partial.
"""

import re
import struct
from collections.abc import Callable, Iterable, Iterator

from registry.domain.model import Struct
from registry.errors import InvalidInput, LogDamaged
from registry.log.merkle import hash_node
from registry.texts import Message

WIDTH = 256
HEIGHT = 8
HASH = 32
ENTRIES = "entries"
_PATH = re.compile(r"(0|[1-9][0-9]?|entries)/((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")
_LENGTH = struct.Struct(">H")


class Tile(Struct, frozen=True):
    """One tile: ``level`` of tiles (None for an entry bundle), ``index`` in it, and the number of hashes or entries in
    it.
    """

    level: int | None
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """The path below ``tile/``: ``0/x001/234.p/5``."""
        digits = f"{self.index:03d}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        parts = [digits[i : i + 3] for i in range(0, len(digits), 3)]
        level = ENTRIES if self.level is None else str(self.level)
        name = "/".join([level, *(f"x{part}" for part in parts[:-1]), parts[-1]])
        return name if self.width == WIDTH else f"{name}.p/{self.width}"

    @property
    def first_index(self) -> int:
        """The index of its first hash in its level, or of its first entry."""
        return self.index * WIDTH


def parse_path(path: str) -> Tile:
    """The tile of a path below ``tile/``; InvalidInput when it is none."""
    match = _PATH.fullmatch(path)
    if match:
        level, digits, width = match.groups()
        index = int(digits.replace("x", "").replace("/", ""))
        tile = Tile(
            level=None if level == ENTRIES else int(level), index=index, width=WIDTH if width is None else int(width)
        )
        if tile.path == path and (tile.level or 0) <= 63 and (width is None or tile.width < WIDTH):
            return tile
    raise InvalidInput(Message("“{path}”不是日志分片的路径。", path=path[:80]))


def count_hashes(level: int, size: int) -> int:
    """Count the hashes of level ``level`` of tiles in a log of ``size``."""
    return size >> (HEIGHT * level)


def make_tile(level: int | None, index: int, size: int) -> Tile:
    """The tile ``index`` of a level as a log of ``size`` has it."""
    return Tile(level=level, index=index, width=min(WIDTH, count_hashes(level or 0, size) - index * WIDTH))


def list_changed_tiles(old: int, new: int) -> Iterator[Tile]:
    """The hash tiles of a log of size ``new`` that one of size ``old`` did not have, lower levels first."""
    level = 0
    while count_hashes(level, new):
        before, after = count_hashes(level, old), count_hashes(level, new)
        if after > before:
            for index in range(before // WIDTH, -(-after // WIDTH)):
                yield make_tile(level, index, new)
        level += 1


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """Encode an entry bundle: each entry behind its length in two bytes."""
    return b"".join(_LENGTH.pack(len(entry)) + entry for entry in entries)


def decode_bundle(raw: bytes) -> list[bytes]:
    """Decode the entries of a bundle; LogDamaged when it ends in the middle of one."""
    entries: list[bytes] = []
    at_byte = 0
    while at_byte < len(raw):
        start = at_byte + 2
        end = start + _LENGTH.unpack_from(raw, at_byte)[0] if start <= len(raw) else start
        if start > len(raw) or end > len(raw):
            raise LogDamaged(Message("日志条目包不完整。"))
        entries.append(raw[start:end])
        at_byte = end
    return entries


def narrow_tile(raw: bytes, tile: Tile) -> bytes:
    """Cut what ``tile`` holds from the bytes of a wider one; LogDamaged for a bundle that is not whole."""
    if tile.level is None:
        return encode_bundle(decode_bundle(raw)[: tile.width])
    return raw[: tile.width * HASH]


class TileTree:
    """The hashes of a log of ``size`` from its tiles, as ``proofs`` reads them. Remembers each tile it has read."""

    def __init__(self, size: int, read: Callable[[Tile], bytes]) -> None:
        self.size = size
        self._read = read
        self._tiles: dict[tuple[int, int], bytes] = {}

    def __call__(self, level: int, index: int) -> bytes:
        """The root of the perfect subtree ``index`` of 2**level leaves; InvalidInput when the log does not hold it."""
        if not 0 <= index < self.size >> level:
            raise InvalidInput(Message("日志只有{size}条。", size=self.size))
        below, height = divmod(level, HEIGHT)
        first = index << height
        raw = self._read_tile(below, first // WIDTH)
        start = first % WIDTH
        hashes = [raw[i * HASH : (i + 1) * HASH] for i in range(start, start + (1 << height))]
        return compute_subtree_root(hashes)

    def _read_tile(self, level: int, index: int) -> bytes:
        if (level, index) not in self._tiles:
            tile = make_tile(level, index, self.size)
            raw = self._read(tile)
            if len(raw) != tile.width * HASH:
                raise LogDamaged(Message("日志分片 {tile_path} 长度有误。", tile_path=tile.path))
            self._tiles[level, index] = raw
        return self._tiles[level, index]


def compute_subtree_root(hashes: list[bytes]) -> bytes:
    """The root over a power of two of hashes."""
    while len(hashes) > 1:
        hashes = [hash_node(hashes[i], hashes[i + 1]) for i in range(0, len(hashes), 2)]
    return hashes[0]
