"""Admission at every door: the key of a request, its limits, and the headers that state them."""

from __future__ import annotations

from typing import Any, cast

from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send
from litestar.types.asgi_types import RawHeaders

from registry.clients.keys import ApiKey
from registry.clients.service import AdmittedRequest, Clients, PeopleBudget
from registry.errors import InvalidKey, TooManyRequests
from registry.storage.request_counts import RemainingRequests, to_whole_seconds
from registry.texts import Message
from registry.web import lanes
from registry.web.headers import EXTRA

#: The key of a request's scope under which its AdmittedRequest is.
_ADMITTED = "registry.admitted"
#: Never limited: what machines read again and again, or what tells whether this process works.
_UNLIMITED = ("/healthz", "/readyz", "/log/", "/.well-known/", "/static/", "/status-lists/")
_KEY_HEADERS = frozenset((b"x-api-key", b"authorization"))
Connection = ASGIConnection[Any, Any, Any, Any]


class RateLimitMiddleware:
    """Around every handler: admits a request, or raises InvalidKey, ScopeMissing, TooManyRequests.

    A middleware and not one of the framework's guards, which get a copy of the handler with every request.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == ScopeType.HTTP:
            await admit_request(scope)
        await self.app(scope, receive, send)


async def admit_request(scope: HTTPScope) -> None:
    """Admit a request whose handler is known, or raise InvalidKey, ScopeMissing, TooManyRequests."""
    clients: Clients = scope["litestar_app"].state.register.clients
    text = _read_key(scope["headers"])
    if text is not None or clients.anonymous_limit:
        await _admit_request(scope, clients, text)


async def _admit_request(scope: HTTPScope, clients: Clients, text: str | None) -> None:
    if scope["path"].startswith(_UNLIMITED) or scope["method"] == "OPTIONS":
        return
    handler = scope["route_handler"]
    # The word under which a key's requests are counted: that of the handler, or of its router; what has neither is the
    # framework's own, around the document.
    operation = str(getattr(handler, "operation_id", None) or handler.opt.get("operation", "document"))
    try:
        if text is None:
            if clients.hears_of_proxies and any(name == b"x-forwarded-for" for name, _ in scope["headers"]):
                clients.warn_of_proxy(_get_address(scope))
            admitted = clients.admit_anonymous(_get_address(scope), operation)
        else:
            key = clients.find_key(text) or await _load_key(clients, text, _get_address(scope), operation)
            admitted = clients.admit_key(key, operation, handler.opt.get("scope"))
    except TooManyRequests as refusal:
        scope[EXTRA] = make_limit_headers(refusal.details["rooms"])  # type: ignore[literal-required]
        raise
    scope[_ADMITTED] = admitted  # type: ignore[literal-required]
    scope[EXTRA] = make_limit_headers(admitted.rooms)  # type: ignore[literal-required]


def find_admitted_request(connection: Connection) -> AdmittedRequest | None:
    """Return who asks, as the limits let them in; None for addresses without limits."""
    return find_admitted_in(connection.scope)


def find_admitted_in(scope: Scope) -> AdmittedRequest | None:
    """Return the same of a request that is no object yet."""
    return cast("AdmittedRequest | None", scope.get(_ADMITTED))


def get_api_key(connection: Connection) -> ApiKey:
    """Return the key of a request that must have one; InvalidKey without."""
    admitted = find_admitted_request(connection)
    if admitted is None or admitted.key is None:
        raise InvalidKey(
            Message("此处需要密钥，请以 Authorization: Bearer 发送；密钥由名录管理员发放：registry key add。")
        )
    return admitted.key


def make_people_budget(connection: Connection) -> PeopleBudget:
    """Return the asker's budget of people to look at, in this and all other requests of the day."""
    clients: Clients = connection.app.state.register.clients
    address = _get_address(connection.scope)
    if clients.hears_of_proxies and "x-forwarded-for" in connection.headers:
        clients.warn_of_proxy(address)
    admitted = find_admitted_request(connection)
    return clients.make_people_budget(admitted.key if admitted else None, address)


async def _load_key(clients: Clients, text: str, address: str, operation: str) -> ApiKey:
    """Load a key that this process does not know yet. Trying an invalid one counts as asking without a key."""
    if clients.anonymous_limit:
        clients.admit_anonymous(address, operation, trying=True)
    try:
        return await lanes.run_in_lane("reads", clients.load_key, text)
    except InvalidKey:
        if clients.anonymous_limit:
            clients.admit_anonymous(address, operation)
        raise


def _read_key(headers: RawHeaders) -> str | None:
    """Read the key of a request: ``Authorization: Bearer`` or ``X-API-Key``; None without either.

    InvalidKey for two different ones: which client asks must not depend on the order of headers.
    """
    keys = set()
    for name, value in headers:
        if name in _KEY_HEADERS and (key := _parse_key_header(name, value)) is not None:
            keys.add(key)
    if len(keys) > 1:
        raise InvalidKey(Message("请求中有两个不同的密钥，请只发送一个（Authorization 或 X-API-Key）。"))
    return keys.pop() if keys else None


def _parse_key_header(name: bytes, value: bytes) -> str | None:
    if name == b"x-api-key":
        return value.decode("latin-1").strip()
    if name == b"authorization":
        scheme, _, key = value.decode("latin-1").partition(" ")
        return key.strip() if scheme.lower() == "bearer" else None  # others are for a proxy in front
    return None


def _get_address(scope: Any) -> str:
    client = scope.get("client")
    return str(client[0]) if client else "-"


def make_limit_headers(rooms: dict[str, RemainingRequests]) -> list[tuple[bytes, bytes]]:
    """Return the headers that state what is left: those of the draft standard, and the three older ones."""
    tightest = min(rooms.values(), key=lambda room: (room.is_admitted, room.left))
    policy = ", ".join(f'"{name}";q={room.limit};w={room.window}' for name, room in rooms.items())
    left = ", ".join(
        f'"{name}";r={room.left};t={to_whole_seconds(room.wait or room.reset)}' for name, room in rooms.items()
    )
    return [
        (b"ratelimit-policy", policy.encode()),
        (b"ratelimit", left.encode()),
        (b"ratelimit-limit", str(tightest.limit).encode()),
        (b"ratelimit-remaining", str(tightest.left).encode()),
        (b"ratelimit-reset", str(to_whole_seconds(tightest.wait or tightest.reset)).encode()),
    ]
