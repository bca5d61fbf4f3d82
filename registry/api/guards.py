"""What every API read has: unknown query parameters are refused, and an ETag that changes with the log and the day."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from registry import __version__
from registry.errors import InvalidInput
from registry.records.asof import today
from registry.register import Register

#: Understood by every operation, whatever its own parameters are.
_EVERYWHERE = frozenset({"lang"})
_NEVER = frozenset({"request", "register", "data", "self"})


def register_of(request: Request[Any, Any, Any]) -> Register:
    """The process's register."""
    register: Register = request.app.state.register
    return register


async def before(request: Request[Any, Any, Any]) -> Response[None] | None:
    """Refuse query parameters nobody reads (a typo would change the question); answer 304 where nothing changed."""
    if request.scope["query_string"]:
        _refuse_unknown(request)
    return await unchanged(request)


async def unchanged(request: Request[Any, Any, Any]) -> Response[None] | None:
    """Answer 304 where nothing changed. Alone for clients whose further parameters we do not choose."""
    if request.method in ("GET", "HEAD") and (held := request.headers.get("if-none-match")):
        register_of(request).verification.require_fresh()  # "not modified" is an answer too
        current = etag(register_of(request), request.headers.get("accept", ""))
        if current in [tag.strip().removeprefix("W/") for tag in held.split(",")]:
            return Response(content=None, status_code=304, headers=_headers(current))
    return None


def _refuse_unknown(request: Request[Any, Any, Any]) -> None:
    allowed = (
        set(request.route_handler.parsed_fn_signature.parameters) - _NEVER - request.path_params.keys() | _EVERYWHERE
    )
    unknown = sorted(set(request.query_params) - allowed)
    if unknown:
        raise InvalidInput(
            f"未知的查询参数：{'、'.join(unknown)}；可用：{'、'.join(sorted(allowed))}。",
            f"Unknown query parameter: {', '.join(unknown)}; there are {', '.join(sorted(allowed))}.",
        )


class Revalidated:
    """Adds ETag and caching rules to every read that succeeds."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        if scope["type"] != ScopeType.HTTP or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        # Before the answer is made: an ETag may be older than its answer, never newer.
        accept = next((value for name, value in scope["headers"] if name == b"accept"), b"")
        tag = etag(scope["litestar_app"].state.register, accept.decode("latin-1"))

        async def with_etag(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                MutableScopeHeaders.from_message(message).update(_headers(tag))
            await send(message)

        await self.app(scope, receive, with_etag)


def etag(register: Register, accept: str = "") -> str:
    """What every read depends on besides its address: the log, the day, this version of the product, and the form."""
    form = "-lines" if "ndjson" in accept else ""  # a cache must not take one form for the other
    return f'"{register.verification.size}-{today():%Y%m%d}-{__version__}{form}"'


def _headers(tag: str) -> dict[str, str]:
    # no-cache: keep it, and ask each time; a withdrawn approval must not be answered from a cache
    return {"ETag": tag, "Cache-Control": "public, no-cache", "Vary": "Accept, Accept-Language"}
