"""A published log as others see it: over HTTP at an address, or as a folder on disk. Nothing it says is trusted.

Reads what c2sp.org/tlog-tiles describes. The length of every file is checked, and a partial tile that is no longer
there is cut from the full one.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

from registry.errors import CannotAnswer, InvalidInput, LogDamaged, NotFound
from registry.log import note, shared, tiles
from registry.log.folder import CHECKPOINT, VKEY, Folder
from registry.log.tiles import HASH, WIDTH, Tile
from registry.log.web import Web, not_an_address

_LONGEST_VKEYS = 64 * 1024
_LONGEST_BUNDLE = WIDTH * (2 + 65_535)


class Remote:
    """The log at ``where``: a register's address, the log's own prefix, or a folder. Close it, or use it in ``with``.

    Which of these it is, is found out by the first look. ``timeout``: seconds that one answer may take.

    CannotAnswer: it could not be asked, which may pass. InvalidInput: there is no log. NotFound and LogDamaged: the log
    lacks a file, or has another thing in its place.
    """

    def __init__(self, where: str, timeout: float) -> None:
        self.where = where.strip().rstrip("/").removesuffix(f"/{CHECKPOINT}")
        self._web = Web(timeout)
        self._found: Folder | _Prefix | None = None

    def __enter__(self) -> Remote:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._web.close()

    @property
    def address(self) -> str:
        """Where the log was found: its prefix, or its folder."""
        found = self._source()
        return found.prefix if isinstance(found, _Prefix) else str(found.path.absolute())

    @property
    def is_authentic(self) -> bool:
        """Whether what it says comes from there: TLS vouches for it, or it never leaves this machine."""
        found = self._source()
        return isinstance(found, Folder) or found.prefix.startswith("https://") or _is_here(found.prefix)

    def find(self) -> None:
        """See that there is a log at all."""
        self._source()

    def checkpoint(self) -> bytes:
        """The signed checkpoint it offers, whoever signed it."""
        raw = self._get(self._source(), CHECKPOINT)
        if raw is None or not _is_checkpoint(raw):
            raise _not_a_log(self.address)
        return raw

    def vkeys(self) -> list[note.Verifier]:
        """The verifier keys it says are its own; lines of kinds not known here are left out."""
        raw = self._get(self._source(), VKEY) or b""
        keys = []
        for line in raw.decode("utf-8", errors="replace").split()[: note.MOST_SIGNATURES]:
            try:
                keys.append(note.verifier(line))
            except InvalidInput:
                continue
        return keys

    def read(self, tile: Tile) -> bytes:
        """A tile of hashes or a bundle of entries, of exactly that width, cut from the full one where need be."""
        try:
            raw = self._source().read(tile)
        except OSError as error:
            raise _unreadable(tile.path, error) from error
        if _width(raw, tile) != tile.width:
            raise LogDamaged(
                f"{self.address}/tile/{tile.path} 长度有误。", f"{self.address}/tile/{tile.path} has a wrong length."
            )
        return raw

    def tree(self, size: int) -> tiles.Tree:
        """The hashes of its tiles at a size: true as far as they give a root that somebody signed."""
        return tiles.Tree(size, self.read)

    def _source(self) -> Folder | _Prefix:
        if self._found is None:
            candidates = self._candidates()
            self._found = next((one for one in candidates if _is_checkpoint(self._get(one, CHECKPOINT))), None)
            if self._found is None:
                raise _not_a_log(self.where)
        return self._found

    def _candidates(self) -> list[Folder | _Prefix]:
        if "://" not in self.where:
            path = Path(self.where)
            if not path.is_dir():
                raise InvalidInput(
                    f"“{self.where}”既不是网址（以 https:// 开头），也不是本机上的文件夹。",
                    f"“{self.where}” is neither an address (those begin with https://) nor a folder of this machine.",
                )
            return [Folder(path), Folder(path / "log")]
        parts = _parts(self.where)
        below = [f"{self.where}/log", self.where]
        return [_Prefix(self._web, one) for one in (below[::-1] if parts else below)]

    @staticmethod
    def _get(source: Folder | _Prefix, name: str) -> bytes | None:
        try:
            return source.get(name)
        except OSError as error:
            raise _unreadable(name, error) from error


class _Prefix:
    """A log below a URL, read as ``Folder`` reads one on disk."""

    def __init__(self, web: Web, prefix: str) -> None:
        self.prefix = prefix
        self._web = web

    def get(self, name: str) -> bytes | None:
        return self._web.get(f"{self.prefix}/{name}", _LONGEST_VKEYS if name == VKEY else note.LONGEST)

    def read(self, tile: Tile) -> bytes:
        raw = self._tile(tile)
        if raw is None and tile.width < WIDTH:  # a log may delete a partial tile once it is full
            full = self._tile(Tile(level=tile.level, index=tile.index))
            raw = None if full is None else _cut(full, tile)
        if raw is None:
            raise NotFound(
                f"{self.prefix} 没有 tile/{tile.path}，该日志不完整。",
                f"{self.prefix} has no tile/{tile.path}: the log is not whole.",
            )
        return raw

    def _tile(self, tile: Tile) -> bytes | None:
        most = _LONGEST_BUNDLE if tile.level is None else WIDTH * HASH
        return self._web.get(f"{self.prefix}/tile/{tile.path}", most)


def _cut(full: bytes, tile: Tile) -> bytes:
    """What ``tile`` holds of the full one; one that is not whole as it is, for its length to be refused."""
    if tile.level is not None:
        return full[: tile.width * HASH]
    return tiles.bundle(tiles.unbundled(full)[: tile.width]) if _width(full, tile) > 0 else full


def _width(raw: bytes, tile: Tile) -> float:
    """How many hashes or entries there are in a tile's bytes; not a whole number, or -1, when it ends inside one."""
    if tile.level is not None:
        return len(raw) / HASH
    try:
        return len(tiles.unbundled(raw))
    except LogDamaged:
        return -1


def _parts(url: str) -> str:
    """The path of an address; InvalidInput when it is not a plain http or https one."""
    try:
        parts = urlsplit(url)
        plain = parts.scheme in ("http", "https") and parts.hostname and not (parts.query or parts.fragment)
        if plain and parts.username is None and (parts.port is None or parts.port > 0):
            return parts.path
    except ValueError:
        pass
    raise not_an_address(url)


def _is_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_checkpoint(raw: bytes | None) -> bool:
    try:
        return raw is not None and bool(shared.read(raw))
    except InvalidInput:
        return False


def _not_a_log(where: str) -> InvalidInput:
    return InvalidInput(
        f"{where} 处没有名录日志：{where}/log/{CHECKPOINT} 与 {where}/{CHECKPOINT} 都不是签名检查点。",
        f"There is no register's log at {where}: neither {where}/log/{CHECKPOINT} nor {where}/{CHECKPOINT} "
        "is a signed checkpoint.",
    )


def _unreadable(what: str, error: OSError) -> CannotAnswer:
    return CannotAnswer(f"无法读取 {what}：{error.strerror}。", f"{what} cannot be read: {error.strerror}.")
