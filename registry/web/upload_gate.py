"""Whose turn it is to have a file read: settled before a request takes a thread, which readers need."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from registry.uploads.gate import Gate
from registry.uploads.sandbox import FILES, FILES_WAITING

_places = Gate(FILES, FILES_WAITING)


@asynccontextmanager
async def hold_upload_place() -> AsyncIterator[None]:
    """Hold a place while a request is worked on; Busy when too many wait for one."""
    await _places.enter_async()
    try:
        yield
    finally:
        _places.leave()
