"""A published log as others see it: over HTTP at an address, or as a folder on disk. Nothing in it is trusted.

Reads what c2sp.org/tlog-tiles describes. The length of every file is checked, and a partial tile that is no longer
there is cut from the full one. Each answer is limited in bytes and time, and requested again where that may help; a
redirect is refused, so that an address stays the one that somebody wrote down.
"""

from __future__ import annotations

import email.utils
import ipaddress
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from registry.errors import CannotAnswer, InvalidInput, LogDamaged, NotFound, RegistryError
from registry.log import note, tiles
from registry.log.folder import CHECKPOINT, VKEY, LogFolder
from registry.log.note import parse_signed_checkpoint
from registry.log.tiles import HASH, WIDTH, Tile
from registry.texts import Message

#: Seconds before each new attempt.
PAUSES = (0.5, 1.0, 2.0)
#: The longest that a server's Retry-After is heeded.
LONGEST_PAUSE = 30.0
_AGAIN = {408, 425, 429, 500, 502, 503, 504}
_GONE = {404, 410}


class _TransientError(Exception):
    """An error that may pass when the request is repeated after ``after`` seconds."""

    def __init__(self, error: RegistryError, after: float = 0.0) -> None:
        super().__init__(error.zh)
        self.error = error
        self.after = after


class WebClient:
    """GET over persistent connections; close it. ``timeout``: seconds one answer may take in all."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._client: httpx.Client | None = None

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()

    def fetch_file(self, url: str, limit: int) -> bytes | None:
        """Fetch a file of at most ``limit`` bytes; None where there is none.

        CannotAnswer when the server does not answer; InvalidInput for an address that is none, or redirects; LogDamaged
        for an answer that is longer, or cannot be decompressed.
        """
        for pause in PAUSES:
            try:
                return self._fetch_once(url, limit)
            except _TransientError as passing:
                time.sleep(max(pause, min(passing.after, LONGEST_PAUSE)))
        try:
            return self._fetch_once(url, limit)
        except _TransientError as passing:
            raise passing.error from passing

    def fetch_answer(self, url: str, body: dict[str, str]) -> bytes:
        """Send a document once and return the answer; CannotAnswer, InvalidInput as for a file."""
        if self._client is None:
            self._client = httpx.Client()
        try:
            with _translate_errors(url, self._timeout):
                response = self._client.post(url, json=body, timeout=self._timeout)
            if response.status_code != httpx.codes.OK:
                raise _make_status_error(url, response)
        except _TransientError as passing:
            raise passing.error from passing
        return response.content

    def _fetch_once(self, url: str, limit: int) -> bytes | None:
        if self._client is None:
            self._client = httpx.Client(headers={"Accept-Encoding": "gzip, identity"})
        until = time.monotonic() + self._timeout
        with _translate_errors(url, self._timeout), self._client.stream("GET", url, timeout=self._timeout) as response:
            if response.status_code in _GONE:
                return None
            if response.status_code != httpx.codes.OK:
                raise _make_status_error(url, response)
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > limit:
                    raise LogDamaged(Message("{url} 过长，不是日志文件。", url=url))
                if time.monotonic() > until:
                    raise httpx.ReadTimeout("slow", request=response.request)
            return bytes(body)


@contextmanager
def _translate_errors(url: str, timeout: float) -> Iterator[None]:
    """Translate a failed request into the register's errors, _TransientError where repeating it may help."""
    try:
        yield
    except httpx.TimeoutException as error:
        raise _TransientError(
            CannotAnswer(Message("{url} 在{timeout:g}秒内没有答复。", url=url, timeout=timeout))
        ) from error
    except httpx.TransportError as error:
        if certificate := _describe_certificate_fault(error):
            message = Message(
                "{url} 的证书不可信：{certificate}。自建证书机构请用 SSL_CERT_FILE 指明。",
                url=url,
                certificate=certificate,
            )
            raise CannotAnswer(message) from error
        raise _TransientError(
            CannotAnswer(Message("无法连接 {url}：{error}。", url=url, error=error), cause=type(error).__name__)
        ) from error
    except httpx.DecodingError as error:
        raise LogDamaged(Message("{url} 的内容无法解压。", url=url)) from error
    except httpx.InvalidURL as error:
        raise make_address_error(url) from error


def _describe_certificate_fault(error: BaseException) -> str:
    """The fault of the server's certificate; empty when the error has another cause."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    return cause.verify_message if cause is not None else ""


def _make_status_error(url: str, response: httpx.Response) -> Exception:
    status = response.status_code
    if response.has_redirect_location:
        target = "".join(ch for ch in response.headers["location"][:300] if ch.isprintable())
        return InvalidInput(Message("{url} 转到 {target}；请直接给出最终地址。", url=url, target=target))
    refused = CannotAnswer(Message("{url} 答复 HTTP {status}。", url=url, status=status), status=status)
    return _TransientError(refused, _read_retry_after(response)) if status in _AGAIN else refused


def _read_retry_after(response: httpx.Response) -> float:
    """Seconds the server asks to wait, given as such or as an instant; 0 when it gives nothing readable."""
    header = response.headers.get("retry-after", "").strip()
    if header.isascii() and header.isdigit():
        return float(header[:9])
    try:
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - time.time())
    except ValueError:
        return 0.0


def make_address_error(url: str) -> InvalidInput:
    """The refusal of a text that is not a register's address."""
    return InvalidInput(Message("“{url}”不是可用的网址；请给出名录网址，如 https://register.example 。", url=url[:200]))


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

    def __exit__(self, *_: object) -> None:
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
        return isinstance(source, LogFolder) or source.prefix.startswith("https://") or is_local(source.prefix)

    def require_log(self) -> None:
        """Raise InvalidInput unless there is a log."""
        self._get_source()

    def find_extra_file(self, path: str, limit: int) -> bytes | None:
        """A file that the same register serves beside its log; None where there is none, and for a folder."""
        source = self._get_source()
        if isinstance(source, LogFolder) or not source.prefix.endswith("/log"):
            return None
        return self._web.fetch_file(f"{source.prefix.removesuffix('/log')}/{path}", limit)

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


def is_local(url: str) -> bool:
    """Whether an address leads to this machine and nowhere else."""
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
    message = Message(
        "{where} 处没有名录日志：{where}/log/{checkpoint} 与 {where}/{checkpoint} 都不是签名检查点。",
        where=where,
        checkpoint=CHECKPOINT,
    )
    return InvalidInput(message)


def _make_unreadable_error(name: str, error: OSError) -> CannotAnswer:
    return CannotAnswer(Message("无法读取 {name}：{strerror}。", name=name, strerror=error.strerror))
