"""The page of open data: every form in which the register can be had, where, and what may be done with it."""

from __future__ import annotations

from typing import ClassVar

from litestar import Response

from public_site.responses import PageContext, PageRequest, get_register, make_frame, make_page_response
from registry.editions.edition import Edition
from registry.web.routes import route_get


class DataPage(PageContext, frozen=True, kw_only=True):
    """Files and addresses for programs; ``latest``: the edition that counts, ``log_size``: how long the log is."""

    template: ClassVar[str] = "data.html"
    section: ClassVar[str] = "data"
    latest: Edition | None
    log_size: int


@route_get("/data", "data")
def show_data(request: PageRequest) -> Response[str]:
    """Show every form in which the register can be had."""
    register = get_register(request)
    page = DataPage(
        latest=register.editions.find_latest(), log_size=register.make_as_of_now().size, **make_frame(request)
    )
    return make_page_response(request, page)
