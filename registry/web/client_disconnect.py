"""Clients that go away in the middle of a request: nobody is left to answer, and nothing went wrong here."""

from __future__ import annotations

from litestar.exceptions import InternalServerException

#: How the framework says it; it has no class of its own for it.
_DETAIL = "client disconnected prematurely"


def is_client_disconnect(error: BaseException) -> bool:
    """Whether a request failed only because its client went away before it was whole."""
    return isinstance(error, InternalServerException) and error.detail == _DETAIL
