"""At every door: who asks, and may they ask this much? A refusal is an answer like any other; limits become headers."""

from __future__ import annotations

from typing import Any, cast

from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.handlers import BaseRouteHandler
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send
from litestar.types.asgi_types import RawHeaders

from registry.clients.keys import ApiKey
from registry.clients.people_budget import PeopleBudget
from registry.clients.service import AdmittedRequest, Clients
from registry.errors import InvalidKey, TooManyRequests
from registry.storage.counts import RemainingRequests, to_whole_seconds
from registry.web import lanes
from registry.web.headers import MORE

#: Where a request's scope says who was let in.
ADMITTED = "registry.admitted"
#: What machines read again and again, or what says whether this machine works: never limited.
UNLIMITED = ("/healthz", "/readyz", "/log/", "/.well-known/", "/static/", "/status-lists/")
Connection = ASGIConnection[Any, Any, Any, Any]


class RateLimitMiddleware:
    """Around every handler: lets a request in, or raises InvalidKey, ScopeMissing, TooManyRequests.

    A middleware, and not one of the framework's guards: those are handed a copy of the handler with every request.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == ScopeType.HTTP:
            clients: Clients = scope["litestar_app"].state.register.clients
            text = _read_key(scope["headers"])
            if text is not None or clients.anonymous_limit:
                await _admit_request(scope, clients, text)
        await self.app(scope, receive, send)


async def _admit_request(scope: HTTPScope, clients: Clients, text: str | None) -> None:
    if scope["path"].startswith(UNLIMITED) or scope["method"] == "OPTIONS":
        return
    handler = scope["route_handler"]
    operation = _get_operation(handler)
    try:
        if text is None:
            if clients.hears_of_proxies and any(name == b"x-forwarded-for" for name, _ in scope["headers"]):
                clients.warn_of_proxy(_get_address(scope))
            admitted = clients.admit_anonymous(_get_address(scope), operation)
        else:
            key = clients.find_key(text) or await _load_key(clients, text, _get_address(scope), operation)
            admitted = clients.admit_key(key, operation, handler.opt.get("scope"))
    except TooManyRequests as refusal:
        scope[MORE] = make_limit_headers(refusal.details["rooms"])  # type: ignore[literal-required]
        raise
    scope[ADMITTED] = admitted  # type: ignore[literal-required]
    scope[MORE] = make_limit_headers(admitted.rooms)  # type: ignore[literal-required]


def find_admitted_request(connection: Connection) -> AdmittedRequest | None:
    """Who was let in; None where nothing is counted."""
    return cast("AdmittedRequest | None", connection.scope.get(ADMITTED))


def get_api_key(connection: Connection) -> ApiKey:
    """The key that a request must have; InvalidKey without one."""
    admitted = find_admitted_request(connection)
    if admitted is None or admitted.key is None:
        raise InvalidKey(
            "此处需要密钥，请以 Authorization: Bearer 发送；密钥由名录管理员发放：registry key add。",
            "This needs an API key, sent as Authorization: Bearer; whoever runs the register makes them: "
            "registry key add.",
        )
    return admitted.key


def make_people_budget(connection: Connection) -> PeopleBudget:
    """Whose people the asker may look at, in this request and in all others of the day."""
    clients: Clients = connection.app.state.register.clients
    address = _get_address(connection.scope)
    if clients.hears_of_proxies and "x-forwarded-for" in connection.headers:
        clients.warn_of_proxy(address)
    admitted = find_admitted_request(connection)
    return clients.make_people_budget(admitted.key if admitted else None, address)


async def _load_key(clients: Clients, text: str, address: str, operation: str) -> ApiKey:
    """A key this process does not know yet. Trying one that is none counts as asking without one."""
    if clients.anonymous_limit:
        clients.admit_anonymous(address, operation, trying=True)
    try:
        return await lanes.run_in_lane("reads", clients.load_key, text)
    except InvalidKey:
        if clients.anonymous_limit:
            clients.admit_anonymous(address, operation)
        raise


def _read_key(sent: RawHeaders) -> str | None:
    """The key in a request's headers: ``Authorization: Bearer`` or ``X-API-Key``; None without either.

    InvalidKey where they hold two: which client asks must not hang on the order of headers.
    """
    held = {key for name, value in sent if name in _HOLD_KEYS and (key := _parse_key_header(name, value)) is not None}
    if len(held) > 1:
        raise InvalidKey(
            "请求中有两个不同的密钥，请只发送一个（Authorization 或 X-API-Key）。",
            "The request holds two different keys; send one, as Authorization or as X-API-Key.",
        )
    return held.pop() if held else None


_HOLD_KEYS = (b"authorization", b"x-api-key")


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


def _get_operation(handler: BaseRouteHandler) -> str:
    return str(getattr(handler, "operation_id", None) or handler.handler_name)


def make_limit_headers(rooms: dict[str, RemainingRequests]) -> list[tuple[bytes, bytes]]:
    """The headers that tell what is left: those of the draft standard, and the three that clients knew before it."""
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
