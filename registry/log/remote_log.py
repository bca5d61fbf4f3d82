"""A published log as others see it: over HTTP at an address, or as a folder on disk. Nothing in it is trusted.

Reads what c2sp.org/tlog-tiles describes. The length of every file is checked, and a partial tile that is no longer
there is cut from the full one.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

from registry.errors import CannotAnswer, InvalidInput, LogDamaged, NotFound
from registry.log import note, tiles
from registry.log.checkpoint import parse_signed_checkpoint
from registry.log.folder import CHECKPOINT, VKEY, LogFolder
from registry.log.tiles import HASH, WIDTH, Tile
from registry.log.web_client import WebClient, make_address_error
from registry.texts import Message

_LONGEST_VKEYS = 64 * 1024
_LONGEST_BUNDLE = WIDTH * (2 + 65_535)


class RemoteLog:
    """The log at ``where``: a register's address, the log's own prefix, or a folder. Close it, or use it in ``with``.

    The first access finds out which of these it is. ``timeout``: seconds that one answer may take.

    CannotAnswer: it did not answer, which may pass. InvalidInput: there is no log. NotFound and LogDamaged: a file of
    the log is missing or is not what it must be.
    """

    def __init__(self, where: str, timeout: float) -> None:
        self.where = where.strip().rstrip("/").removesuffix(f"/{CHECKPOINT}")
        self._web = WebClient(timeout)
        self._log: LogFolder | _WebFolder | None = None

    def __enter__(self) -> RemoteLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._web.close()

    @property
    def address(self) -> str:
        """The prefix or folder at which the log was found."""
        source = self._get_source()
        return source.prefix if isinstance(source, _WebFolder) else str(source.path.absolute())

    @property
    def is_authentic(self) -> bool:
        """Whether its content comes from there: TLS proves it, or it never leaves this machine."""
        source = self._get_source()
        return isinstance(source, LogFolder) or source.prefix.startswith("https://") or _is_local(source.prefix)

    def require_log(self) -> None:
        """Raise InvalidInput unless there is a log."""
        self._get_source()

    def read_checkpoint(self) -> bytes:
        """The signed checkpoint it offers, whoever signed it."""
        raw = self._find_file(self._get_source(), CHECKPOINT)
        if raw is None or not _is_checkpoint(raw):
            raise _make_no_log_error(self.address)
        return raw

    def read_verifiers(self) -> list[note.Verifier]:
        """The verifier keys it publishes as its own, without those of unknown kinds."""
        raw = self._find_file(self._get_source(), VKEY) or b""
        keys = []
        for line in raw.decode("utf-8", errors="replace").split()[: note.MOST_SIGNATURES]:
            try:
                keys.append(note.parse_verifier(line))
            except InvalidInput:
                continue
        return keys

    def read_tile(self, tile: Tile) -> bytes:
        """Read a tile of hashes or a bundle of entries of exactly that width, cut from the full one if necessary."""
        try:
            raw = self._get_source().read_tile(tile)
        except OSError as error:
            raise _make_unreadable_error(tile.path, error) from error
        if _measure_width(raw, tile) != tile.width:
            raise LogDamaged(
                Message("{address}/tile/{tile_path} 长度有误。", address=self.address, tile_path=tile.path)
            )
        return raw

    def make_tree(self, size: int) -> tiles.TileTree:
        """The hashes of its tiles at a size, which prove themselves by the root that somebody signed."""
        return tiles.TileTree(size, self.read_tile)

    def _get_source(self) -> LogFolder | _WebFolder:
        if self._log is None:
            candidates = self._list_candidates()
            self._log = next(
                (candidate for candidate in candidates if _is_checkpoint(self._find_file(candidate, CHECKPOINT))), None
            )
            if self._log is None:
                raise _make_no_log_error(self.where)
        return self._log

    def _list_candidates(self) -> list[LogFolder | _WebFolder]:
        if "://" not in self.where:
            path = Path(self.where)
            if not path.is_dir():
                raise InvalidInput(
                    Message("“{where}”既不是网址（以 https:// 开头），也不是本机上的文件夹。", where=self.where)
                )
            return [LogFolder(path), LogFolder(path / "log")]
        url_path = _parse_url_path(self.where)
        prefixes = [f"{self.where}/log", self.where]
        return [_WebFolder(self._web, prefix) for prefix in (prefixes[::-1] if url_path else prefixes)]

    @staticmethod
    def _find_file(source: LogFolder | _WebFolder, name: str) -> bytes | None:
        try:
            return source.find_file(name)
        except OSError as error:
            raise _make_unreadable_error(name, error) from error


class _WebFolder:
    """A log below a URL, with the reading methods of ``LogFolder``."""

    def __init__(self, web: WebClient, prefix: str) -> None:
        self.prefix = prefix
        self._web = web

    def find_file(self, name: str) -> bytes | None:
        return self._web.fetch_file(f"{self.prefix}/{name}", _LONGEST_VKEYS if name == VKEY else note.LONGEST)

    def read_tile(self, tile: Tile) -> bytes:
        raw = self._fetch_tile(tile)
        if raw is None and tile.width < WIDTH:  # a log may delete a partial tile once it is full
            full = self._fetch_tile(Tile(level=tile.level, index=tile.index))
            # A bundle that is not whole stays as it is: its length is refused.
            raw = full if full is None or _measure_width(full, tile) < 0 else tiles.narrow_tile(full, tile)
        if raw is None:
            raise NotFound(
                Message("{prefix} 没有 tile/{tile_path}，该日志不完整。", prefix=self.prefix, tile_path=tile.path)
            )
        return raw

    def _fetch_tile(self, tile: Tile) -> bytes | None:
        limit = _LONGEST_BUNDLE if tile.level is None else WIDTH * HASH
        return self._web.fetch_file(f"{self.prefix}/tile/{tile.path}", limit)


def _measure_width(raw: bytes, tile: Tile) -> float:
    """The number of hashes or entries in a tile's bytes; a fraction or -1 when they end inside one."""
    if tile.level is not None:
        return len(raw) / HASH
    try:
        return len(tiles.decode_bundle(raw))
    except LogDamaged:
        return -1


def _parse_url_path(url: str) -> str:
    """The path of an address; InvalidInput when it is not a plain http or https one."""
    try:
        parts = urlsplit(url)
        plain = parts.scheme in ("http", "https") and parts.hostname and not (parts.query or parts.fragment)
        if plain and parts.username is None and (parts.port is None or parts.port > 0):
            return parts.path
    except ValueError:
        pass
    raise make_address_error(url)


def _is_local(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_checkpoint(raw: bytes | None) -> bool:
    try:
        return raw is not None and bool(parse_signed_checkpoint(raw))
    except InvalidInput:
        return False


def _make_no_log_error(where: str) -> InvalidInput:
    return InvalidInput(
        Message(
            "{where} 处没有名录日志：{where}/log/{checkpoint} 与 {where}/{checkpoint} 都不是签名检查点。",
            where=where,
            checkpoint=CHECKPOINT,
        )
    )


def _make_unreadable_error(name: str, error: OSError) -> CannotAnswer:
    return CannotAnswer(Message("无法读取 {name}：{strerror}。", name=name, strerror=error.strerror))
