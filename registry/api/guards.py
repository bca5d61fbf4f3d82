"""What every API operation has: what nobody reads, or what is not of the stated type, is refused; reads have an ETag.

The framework reads requests laxly: the last of repeated parameters, 1 for true, "null" for null. Each of these would
answer another question than the one that was asked, without a word.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException, ValidationException
from litestar.handlers import BaseRouteHandler
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from registry import __version__
from registry.errors import InvalidInput, make_nesting_error
from registry.register import Register

#: Understood by every operation, whatever its own parameters are.
_EVERYWHERE = frozenset({"lang"})
_NEVER = frozenset({"request", "register", "data", "self"})
_NUMBER = re.compile("-?[0-9]+", re.ASCII)
_LANGUAGE = re.compile("(?:zh|en)(?:-[a-z0-9]+)*", re.ASCII | re.IGNORECASE)
_PLACE = re.compile(r"^(?P<message>.*?)(?: - at `\$\.?(?P<place>.*)`)?$", re.DOTALL)
JSON = "application/json"
_Shape = TypeVar("_Shape")


def get_register(request: Request[Any, Any, Any]) -> Register:
    """The process's register."""
    register: Register = request.app.state.register
    return register


async def check_request(request: Request[Any, Any, Any]) -> Response[None] | None:
    """Refuse query parameters nobody reads (a typo would change the question); answer 304 where nothing changed."""
    if request.method == "OPTIONS":
        return _answer_options(request)
    if request.scope["query_string"]:
        _check_parameters(request)
    _require_json(request)
    return await answer_not_modified(request)


async def answer_not_modified(request: Request[Any, Any, Any]) -> Response[None] | None:
    """Answer 304 where nothing changed. Alone for clients whose further parameters we do not choose."""
    if request.method in ("GET", "HEAD") and (held := request.headers.get("if-none-match")):
        get_register(request).verification.require_fresh()  # "not modified" is an answer too
        current = make_etag(get_register(request), request.headers.get("accept", ""))
        if current in [tag.strip().removeprefix("W/") for tag in held.split(",")]:
            return Response(content=None, status_code=304, headers=_make_cache_headers(current, request.route_handler))
    return None


async def check_private_request(request: Request[Any, Any, Any]) -> Response[None] | None:
    """The same where an answer is one client's alone: nothing of it is kept, so nothing is ever unchanged."""
    if request.method == "OPTIONS":
        return _answer_options(request)
    if request.scope["query_string"]:
        _check_parameters(request)
    _require_json(request)
    return None


def _answer_options(request: Request[Any, Any, Any]) -> Response[None]:
    """Every method there is at a path: the framework would name those of one of several operations."""
    path = request.scope["path_template"]
    methods = {method for route in request.app.routes if route.path_format == path for method in route.methods}
    allowed = methods | ({"HEAD"} if "GET" in methods else set())
    return Response(content=None, status_code=204, headers={"Allow": ", ".join(sorted(allowed))})


def _check_parameters(request: Request[Any, Any, Any]) -> None:
    several, numbers, parameters = _list_parameters(request.route_handler)
    allowed = parameters - request.path_params.keys()
    unknown = sorted(set(request.query_params) - allowed)
    if unknown:
        raise InvalidInput(
            f"未知的查询参数：{'、'.join(unknown)}；可用：{'、'.join(sorted(allowed))}。",
            f"Unknown query parameter: {', '.join(unknown)}; there are {', '.join(sorted(allowed))}.",
        )
    seen: set[str] = set()
    for name, value in request.query_params.multi_items():
        if name in seen and name not in several:
            raise InvalidInput(
                f"查询参数 {name} 只能给出一次，收到多个。",
                f"Give the query parameter {name} once; it came repeatedly.",
            )
        seen.add(name)
        if name in numbers and not _NUMBER.fullmatch(str(value)):
            raise InvalidInput(f"{name} 应为整数，例如 20。", f"{name}: write a whole number, for example 20.")
        if name == "lang" and not _LANGUAGE.fullmatch(str(value)):
            raise InvalidInput("lang 只能是 zh-CN 或 en。", "lang is zh-CN or en.")


@cache
def _list_parameters(handler: BaseRouteHandler) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """The parameters of an operation that may be repeated, those that are whole numbers, and all of them."""
    fields = {k: v for k, v in handler.parsed_fn_signature.parameters.items() if k not in _NEVER}
    several = (name for name, field in fields.items() if field.has_inner_subclass_of(list))
    numbers = (name for name, field in fields.items() if field.annotation is int)
    return frozenset(several), frozenset(numbers), _EVERYWHERE | fields.keys()


def _require_json(request: Request[Any, Any, Any]) -> None:
    """415 for a body that says it is something else than JSON; one that says nothing is read as JSON."""
    if (b"content-type", b"application/json") in request.scope["headers"]:  # nearly always
        return
    handler = request.route_handler
    if request.method != "POST" or not (handler.opt.get("json") or "data" in handler.parsed_fn_signature.parameters):
        return
    kind = request.content_type[0].lower()
    if kind and kind != JSON:
        raise HTTPException(status_code=415, detail=f"Content-Type: {JSON}", headers={"Accept": JSON})


async def decode_body(request: Request[Any, Any, Any], decoder: msgspec.json.Decoder[_Shape]) -> _Shape:
    """The body as exactly what its shape says; ValidationException naming the field for what is only like it."""
    try:
        return decoder.decode(await request.body())
    except msgspec.ValidationError as error:
        found = _PLACE.match(str(error))
        message, place = (found["message"], found["place"]) if found else (str(error), None)
        raise ValidationException(detail=message, extra=[{"message": message, "key": place}]) from error
    except RecursionError as error:
        raise make_nesting_error() from error
    except msgspec.DecodeError as error:
        raise HTTPException(status_code=400, detail=f"JSON: {error}") from error


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
        accept = next((value for name, value in scope["headers"] if name == b"accept"), b"")
        tag = make_etag(scope["litestar_app"].state.register, accept.decode("latin-1"))

        async def send_with_etag(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                MutableScopeHeaders.from_message(message).update(_make_cache_headers(tag, scope["route_handler"]))
            await send(message)

        await self.app(scope, receive, send_with_etag)


def make_etag(register: Register, accept: str = "") -> str:
    """What every read depends on besides its address: the log, the day, this version of the product, and the form."""
    form = "-lines" if "ndjson" in accept else ""  # a cache must not take one form for the other
    return f'"{register.verification.size}-{register.verification.find_today():%Y%m%d}-{__version__}{form}"'


def _make_cache_headers(tag: str, handler: BaseRouteHandler) -> dict[str, str]:
    # no-cache: keep it, and ask each time; a withdrawn approval must not be answered from a cache
    # private: a cache for many would hand on to all of them what one of them may look at
    whose = "private" if handler.opt.get("private") else "public"
    return {"ETag": tag, "Cache-Control": f"{whose}, no-cache", "Vary": "Accept, Accept-Language"}
