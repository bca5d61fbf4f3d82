"""Pages as they were sent a moment ago: many people ask for the same few, and a page is the same for everybody.

Only pages that every cache may keep for a minute are remembered here, for some seconds, and only while the log, the day
and what is known of both stay as they were. With people on it, of an old state, or refused, a page is made anew.
"""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from litestar import Response

from public_site.responses import PAGE_CACHE, PageRequest, find_static_edition, get_register
from registry.errors import CannotAnswer

#: Seconds for which a page is sent again, and how many pages a worker remembers (about 10 kB each).
PERIOD, MOST = 10, 400
_NAME = "page_memory"


class PageMemory:
    """What was sent, by method and address, with the state that it shows."""

    def __init__(self) -> None:
        self._pages: OrderedDict[str, tuple[object, bytes, dict[str, str]]] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, address: str, state: object) -> Response[bytes] | None:
        """Find the page of an address, if it shows this state."""
        with self._lock:
            page = self._pages.get(address)
        if page is None or page[0] != state:
            return None
        return Response(page[1], media_type="text/html", headers=dict(page[2]))

    def save(self, address: str, state: object, response: Response[Any]) -> None:
        """Save a page that any cache may keep; others are left out."""
        if response.status_code not in (None, 200) or response.headers.get("Cache-Control") != PAGE_CACHE:
            return
        if not isinstance(response.content, str):
            return
        with self._lock:
            self._pages[address] = (state, response.content.encode(), dict(response.headers))
            self._pages.move_to_end(address)
            while len(self._pages) > MOST:
                self._pages.popitem(last=False)


def keep_page(show: Callable[..., Response[Any]]) -> Callable[..., Response[Any]]:
    """Decorate the handler of a page so that what it sent a moment ago is sent again while nothing changed."""

    @functools.wraps(show)
    def send_page(request: PageRequest, *args: Any, **values: Any) -> Response[Any]:
        register = get_register(request)
        try:
            asof = register.make_as_of_now()
        except CannotAnswer:
            return show(request, *args, **values)  # it knows what to say then
        if find_static_edition(request):
            return show(request, *args, **values)
        memory: PageMemory = request.app.state.setdefault(_NAME, PageMemory())
        moment = int(register.find_now().timestamp()) // PERIOD
        state = (asof, register.verification.size, moment)
        address = f"{request.url.path}?{request.url.query}"
        page: Response[Any] | None = memory.find(address, state)
        if page is None:
            page = show(request, *args, **values)
            memory.save(address, state, page)
        return page

    return send_page
