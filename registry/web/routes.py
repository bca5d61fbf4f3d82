"""Route handlers: those for GET and HEAD that are no part of the OpenAPI document, and all that modules define."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from litestar import HttpMethod, Response, route
from litestar.handlers import HTTPRouteHandler

Handler = Callable[..., Response[Any]]


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


def list_handlers(*modules: ModuleType) -> list[HTTPRouteHandler]:
    """Return every route handler of some modules, in the order in which they stand there."""
    return [value for module in modules for value in vars(module).values() if isinstance(value, HTTPRouteHandler)]
