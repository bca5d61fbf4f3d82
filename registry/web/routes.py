"""Route handlers: those for GET and HEAD that are no part of the OpenAPI document, and all that modules define."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any

from litestar import HttpMethod, Response, post, route
from litestar.handlers import HTTPRouteHandler

Handler = Callable[..., Response[Any] | Awaitable[Response[Any]]]


def route_get(path: str, operation_id: str, **options: Any) -> Callable[[Handler], HTTPRouteHandler]:
    """Decorate a handler of GET and HEAD, run in a thread unless ``options`` say otherwise.

    ``operation_id`` is the word under which a key's requests are counted and shown at /api/v1/key: it never changes.
    """
    return route(
        path,
        http_method=[HttpMethod.GET, HttpMethod.HEAD],
        operation_id=operation_id,
        include_in_schema=False,
        **{"sync_to_thread": True, **options},
    )


def route_post(path: str, operation_id: str, limit: int, **options: Any) -> Callable[[Handler], HTTPRouteHandler]:
    """Decorate the handler of a page's form, whose body has at most ``limit`` bytes; see ``route_get``."""
    return post(
        path,
        operation_id=operation_id,
        status_code=200,
        include_in_schema=False,
        request_max_body_size=limit,
        **{"sync_to_thread": True, **options},
    )


def list_handlers(*modules: ModuleType) -> list[HTTPRouteHandler]:
    """Return every route handler of some modules, in the order in which they stand there."""
    return [value for module in modules for value in vars(module).values() if isinstance(value, HTTPRouteHandler)]
