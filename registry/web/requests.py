"""A request whose JSON may be of anybody's making."""

from __future__ import annotations

from typing import Any

from litestar import Request

from registry.errors import make_nesting_error


class JsonRequest(Request[Any, Any, Any]):
    """The request of every route: what the framework decodes for a handler's ``data`` comes from here."""

    async def json(self) -> Any:
        """The body as JSON; InvalidInput for brackets without end, which the framework takes for a fault of ours."""
        try:
            return await super().json()
        except RecursionError:
            raise make_nesting_error() from None
