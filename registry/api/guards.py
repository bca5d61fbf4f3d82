"""What every API operation has: what nobody reads, or what is not of the stated type, is refused; reads have an ETag.

The framework reads requests laxly: the last of repeated parameters, 1 for true, "null" for null. Each of these would
answer another question than the one that was asked, without a word.
"""

from __future__ import annotations

import re
from functools import cache

from litestar import Request, Response
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler
from litestar.types import ASGIApp, Receive, Scope, Send
from litestar.types import Message as AsgiMessage

from registry import __version__
from registry.api.problems import read_language
from registry.api.requests import AnyRequest, get_register
from registry.errors import InvalidInput
from registry.texts import Listing, Message

#: Understood by every operation, whatever its own parameters are.
_EVERYWHERE = frozenset({"lang"})
#: Parameters of handlers that are none of their operation.
_INTERNAL = frozenset({"request", "register", "data", "self"})
_NUMBER = re.compile("-?[0-9]+", re.ASCII)
_LANGUAGE = re.compile("(?:zh|en)(?:-[a-z0-9]+)*", re.ASCII | re.IGNORECASE)
JSON = "application/json"


async def check_request(request: AnyRequest) -> Response[None] | None:
    """Refuse query parameters nobody reads (a typo would change the question); answer 304 where nothing changed."""
    return await check_private_request(request) or await answer_not_modified(request)


async def check_private_request(request: AnyRequest) -> Response[None] | None:
    """Check alone, for answers that are one client's or have an ETag of their own."""
    if request.method == "OPTIONS":
        return _answer_options(request)
    if request.scope["query_string"]:
        _check_parameters(request)
    _require_json(request)
    return None


async def answer_not_modified(request: AnyRequest) -> Response[None] | None:
    """Answer 304 where nothing changed. Alone for clients whose further parameters we do not choose."""
    if request.method in ("GET", "HEAD") and request.headers.get("if-none-match"):
        get_register(request).verification.require_fresh()  # "not modified" is an answer too
        current = make_etag(request)
        if has_etag(request, current):
            return Response(content=None, status_code=304, headers=_make_cache_headers(current, request.route_handler))
    return None


def has_etag(request: AnyRequest, etag: str) -> bool:
    """Whether If-None-Match names an ETag, however weak."""
    return etag.removeprefix("W/") in [
        tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")
    ]


def _answer_options(request: AnyRequest) -> Response[None]:
    """Name every method there is at a path: the framework would name those of one of several operations."""
    path = request.scope["path_template"]
    methods = {method for route in request.app.routes if route.path_format == path for method in route.methods}
    allowed = methods | ({"HEAD"} if "GET" in methods else set())
    return Response(content=None, status_code=204, headers={"Allow": ", ".join(sorted(allowed))})


def _check_parameters(request: AnyRequest) -> None:
    repeatable, numbers, parameters = _list_parameters(request.route_handler)
    allowed = parameters - request.path_params.keys()
    unknown = sorted(set(request.query_params) - allowed)
    if unknown:
        raise InvalidInput(
            Message(
                "未知的查询参数：{unknown}；可用：{allowed}。",
                unknown=Listing(unknown),
                allowed=Listing(sorted(allowed)),
            ),
        )
    seen: set[str] = set()
    for name, value in request.query_params.multi_items():
        if name in seen and name not in repeatable:
            raise InvalidInput(
                Message("查询参数 {name} 只能给出一次，收到多个。", name=name),
            )
        seen.add(name)
        if name in numbers and not _NUMBER.fullmatch(str(value)):
            raise InvalidInput(Message("{name} 应为整数，例如 20。", name=name))
        if name == "lang" and not _LANGUAGE.fullmatch(str(value)):
            raise InvalidInput(Message("lang 只能是 zh-CN 或 en。"))


@cache
def _list_parameters(handler: BaseRouteHandler) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """List the parameters of an operation that may be repeated, those that are whole numbers, and all of them."""
    fields = {k: v for k, v in handler.parsed_fn_signature.parameters.items() if k not in _INTERNAL}
    repeatable = (name for name, field in fields.items() if field.has_inner_subclass_of(list))
    numbers = (name for name, field in fields.items() if field.annotation is int)
    return frozenset(repeatable), frozenset(numbers), _EVERYWHERE | fields.keys()


def _require_json(request: AnyRequest) -> None:
    """Refuse, with 415, a body that says it is something else than JSON; one that says nothing is read as JSON."""
    if (b"content-type", b"application/json") in request.scope["headers"]:  # nearly always
        return
    handler = request.route_handler
    if request.method != "POST" or not (handler.opt.get("json") or "data" in handler.parsed_fn_signature.parameters):
        return
    kind = request.content_type[0].lower()
    if kind and kind != JSON:
        raise HTTPException(status_code=415, detail=f"Content-Type: {JSON}", headers={"Accept": JSON})


class EtagMiddleware:
    """Adds ETag and caching rules to every read that succeeds."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        if scope["type"] != ScopeType.HTTP or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        # Before the answer is made: an ETag may be older than its answer, never newer.
        tag = make_etag(Request(scope))

        async def send_with_etag(message: AsgiMessage) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                MutableScopeHeaders.from_message(message).update(_make_cache_headers(tag, scope["route_handler"]))
            await send(message)

        await self.app(scope, receive, send_with_etag)


def make_etag(request: AnyRequest) -> str:
    """Name what every read depends on besides its address: log, day, version of the product, language, form.

    Weak: the same answer has other bytes where it is compressed.
    """
    view = get_register(request).verification
    # a cache must not take one form or language for the other
    form = "-lines" if "ndjson" in request.headers.get("accept", "") else ""
    return f'W/"{view.size}-{view.find_today():%Y%m%d}-{__version__}-{read_language(request)}{form}"'


def _make_cache_headers(tag: str, handler: BaseRouteHandler) -> dict[str, str]:
    # no-cache: store it, and ask each time; a withdrawn approval must not be answered from a cache
    # private: a cache for many would hand on to all of them what one of them may look at
    scope = "private" if handler.opt.get("private") else "public"
    return {"ETag": tag, "Cache-Control": f"{scope}, no-cache", "Vary": "Accept, Accept-Language"}
