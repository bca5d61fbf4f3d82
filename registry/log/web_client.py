"""Files over HTTP: each answer limited in bytes and time, and requested again where that may help.

A redirect is refused, so that an address stays the one that somebody wrote down.
"""

from __future__ import annotations

import email.utils
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from registry.errors import CannotAnswer, InvalidInput, LogDamaged, RegistryError
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
            raise CannotAnswer(
                Message(
                    "{url} 的证书不可信：{certificate}。自建证书机构请用 SSL_CERT_FILE 指明。",
                    url=url,
                    certificate=certificate,
                )
            ) from error
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
