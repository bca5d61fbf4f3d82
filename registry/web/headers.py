"""Around every door: the headers of every response, and the requests that no door gets to see.

The Host header is never trusted: no absolute link is made from it (decision 139), and the list of hosts keeps answers
of this register from appearing, and from being cached, under the names of others.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from typing import cast
from urllib.parse import urlsplit

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send
from litestar.types import Message as AsgiMessage

from registry.errors import InvalidInput, WrongHost
from registry.settings import Settings
from registry.texts import Message
from registry.web.connections import LoopbackAddresses
from registry.web.error_status import encode_problem, get_status
from registry.web.request_ids import HEADER, start_request

Headers = list[tuple[bytes, bytes]]
#: The features of browsers; the camera is for reading a QR code on a page of this register.
_FEATURES = (
    b"camera=(self), accelerometer=(), autoplay=(), browsing-topics=(), display-capture=(), encrypted-media=(), "
    b"fullscreen=(self), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=()"
)
_ALWAYS: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (
        b"content-security-policy",
        b"default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; object-src 'none'; "
        b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", _FEATURES),
]
#: For a year from the last visit.
_HTTPS_ONLY = (b"strict-transport-security", b"max-age=31536000")
#: Pages of other sites may show what is public, but nothing of the workspace, not even as a picture.
_OWN_PAGES = (b"cross-origin-resource-policy", b"same-origin")
_ANY_PAGE = (b"cross-origin-resource-policy", b"cross-origin")
#: Reads for programs, which scripts of other sites may read: public, without a cookie; never the workspace or a page.
#: (litestar's own way is one rule for the whole application, which would hand pages of the staff to any site.)
_SHARED_PATHS = ("/api/", "/reconcile/", "/log/", "/.well-known/", "/status-lists/")
_ANY_ORIGIN = (b"access-control-allow-origin", b"*")
_EXPOSED = "ETag, Retry-After, X-Request-Id, X-State-Age, X-State-At"
_LIMITS = "RateLimit, RateLimit-Policy, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset"
_COLUMNS = "X-Columns-Understood, X-Columns-Ignored, X-Rows-Skipped"
_SHARED: Headers = [
    _ANY_ORIGIN,
    (
        b"access-control-expose-headers",
        f"{_EXPOSED}, {_LIMITS}, {_COLUMNS}".encode(),
    ),
]
#: The answer to a browser that asks first; it asks again after ten minutes.
_PREFLIGHT: Headers = [
    _ANY_ORIGIN,
    (b"access-control-allow-methods", b"GET, HEAD, POST, DELETE"),
    (
        b"access-control-allow-headers",
        b"accept, accept-language, authorization, content-type, if-none-match, x-api-key",
    ),
    (b"access-control-max-age", b"600"),
    (b"vary", b"Origin"),
]
#: The key of a request's scope under which it has headers of its own for the response.
EXTRA = "registry.web.headers"


class OutermostMiddleware:
    """Headers on every response, also on a 404; HEAD wherever GET is answered; only requests for a host of this
    register; preflight requests for other sites. ``make_headers`` makes more headers for a request being answered.
    """

    def __init__(self, app: ASGIApp, settings: Settings, make_headers: Callable[[Scope], Headers]) -> None:
        self.app = app
        self._make_headers = make_headers
        self._hosts = HostList(settings)
        secure = [_HTTPS_ONLY] if settings.public_url.startswith("https://") else []
        self._public = [*_ALWAYS, *secure, _ANY_PAGE]
        self._shared = [*self._public, *_SHARED]
        self._private = [*_ALWAYS, *secure, _OWN_PAGES]
        self._names = frozenset(name for name, _ in [*self._shared, *secure])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request. The server leaves the body out of an answer to HEAD."""
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        if scope["method"] == "HEAD":
            scope = cast("HTTPScope", {**scope, "method": "GET"})
        path, name = scope["path"], (HEADER, start_request(scope["headers"]))
        common = self._select_headers(path)
        try:
            for host in [value for name, value in scope["headers"] if name == b"host"] or [b""]:
                self._hosts.check_host(path, host.decode("latin-1"))
        except (WrongHost, InvalidInput) as error:
            status = get_status(error)
            headers = [(b"content-type", b"application/problem+json"), (b"cache-control", b"no-store")]
            body = encode_problem(status, error.code, error.message)
            await _send_response(send, status, [*headers, *self._private, name], body)
            return
        if _is_preflight(scope["method"], scope["headers"]) and _is_shared(path):
            await _send_response(send, 204, [*self._public, *_PREFLIGHT, name], b"")
            return

        async def send_with_headers(message: AsgiMessage) -> None:
            if message["type"] == "http.response.start":
                own = message["headers"]
                extra = [*cast("Headers", scope.get(EXTRA, [])), *self._make_headers(scope), name]
                own_names = [name for name, _ in own]
                if self._names.isdisjoint(own_names):  # nearly always
                    message["headers"] = [*own, *common, *extra]
                else:
                    message["headers"] = [*own, *(pair for pair in common if pair[0] not in own_names), *extra]
            await send(message)

        await self.app(scope, receive, send_with_headers)

    def _select_headers(self, path: str) -> Headers:
        if path.startswith("/staff"):
            return self._private
        return self._shared if _is_shared(path) else self._public


def _is_shared(path: str) -> bool:
    return path.startswith(_SHARED_PATHS) or path == "/reconcile"


def _is_preflight(method: str, headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return method == "OPTIONS" and {b"origin", b"access-control-request-method"} <= {name for name, _ in headers}


async def _send_response(send: Send, status: int, headers: Headers, body: bytes) -> None:
    """Send an answer that no door gives, with its length, which the server leaves to the application."""
    length = [(b"content-length", str(len(body)).encode())] if status != 204 else []
    start = {"type": "http.response.start", "status": status, "headers": [*headers, *length]}
    await send(cast("AsgiMessage", start))
    await send({"type": "http.response.body", "body": body, "more_body": False})


_LOOPBACK = LoopbackAddresses()
#: Read by machines that know only the address of this process.
_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
#: A name or address, and its port: a Host header by RFC 9110, without its empty port.
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(?::([0-9]{1,5}))?")


class HostList:
    """The names of one register; any name while no public address is set."""

    def __init__(self, settings: Settings) -> None:
        names = [host.strip() for host in settings.hosts.split(",") if host.strip()]
        self.any = "*" in names or settings.public_url == Settings().public_url
        self._address = settings.public_url
        self._names = {_parse_host_name(urlsplit(settings.public_url).netloc), *map(_parse_host_name, names)}

    def check_host(self, path: str, host: str) -> None:
        """Check a Host header: WrongHost unless it names this register (any port); InvalidInput where it is no host.

        The second holds at every path: no door could make an address of it.
        """
        if not self.any and path not in _PROBES:
            self._check_own_host(host)
        _check_host_syntax(host)

    def _check_own_host(self, host: str) -> None:
        name = _parse_host_name(host)
        if name not in self._names and name != "localhost" and name not in _LOOPBACK:
            raise WrongHost(Message("本名录的网址是 {address}，请求中的主机名不是它。", address=self._address))


def _check_host_syntax(host: str) -> None:
    """Check that a Host header is a name or an address, perhaps with a port; InvalidInput otherwise.

    >>> for host in ("register.example:8443", "[::1]:8000", "127.0.0.1", ""):
    ...     _check_host_syntax(host)
    """
    match = _HOST.fullmatch(host)
    if match is None or int(match[2] or 0) > 65535 or (match[1] is not None and not _is_ipv6(match[1])):
        raise InvalidInput(Message("请求的Host有误：须为主机名或地址，其后可有冒号和0至65535的端口。"))


def _is_ipv6(address: str) -> bool:
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        return False
    return True


def _parse_host_name(host: str) -> str:
    """Return a host without its port, user and final dot, in lower case.

    >>> [_parse_host_name(host) for host in ("Register.Example.:8443", "[::1]:8000", "user@register.example")]
    ['register.example', '::1', 'register.example']
    """
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:  # brackets that hold no address
        return ""
