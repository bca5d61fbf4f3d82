"""What subscribers reach by an address that only they have: their feed, and the end of their subscription."""

from __future__ import annotations

from typing import ClassVar

from litestar import Response
from litestar.params import FromPath

from public_site import responses
from public_site.responses import PageContext, PageRequest, get_register, make_frame, make_page_response
from registry.web import body_limits
from registry.web.routes import route_get, route_post

_PRIVATE = {"X-Robots-Tag": "noindex", "Referrer-Policy": "no-referrer"}


class NoticeEndPage(PageContext, frozen=True, kw_only=True):
    """Ask whether a subscription is to end, or say that it has ended. ``path``: where the form goes."""

    template: ClassVar[str] = "notice_end.html"
    noindex: ClassVar[bool] = True
    path: str
    done: bool = False


@route_get("/notices/{name:str}/feed.atom", "notice_feed")
def get_feed(request: PageRequest, name: FromPath[str]) -> Response[bytes]:
    """Return the feed of a subscription."""
    notices = get_register(request).notices
    feed = notices.render_feed(notices.find_by_address(name))
    headers = {**_PRIVATE, "Cache-Control": "private, max-age=60"}
    return Response(feed, media_type="application/atom+xml; charset=utf-8", headers=headers)


@route_get("/notices/{name:str}/end", "notice_end")
def show_end(request: PageRequest, name: FromPath[str]) -> Response[str]:
    """Ask whether the subscription is to end: an address that is merely looked at changes nothing."""
    get_register(request).notices.find_by_address(name)
    return _make_page(request, name, done=False)


@route_post("/notices/{name:str}/end", "notice_ended", body_limits.TEXT, opt={"lane": "writes"})
def end_subscription(request: PageRequest, name: FromPath[str]) -> Response[str]:
    """End the subscription: the page's button, or that of a mail program (RFC 8058)."""
    notices = get_register(request).notices
    notices.unsubscribe(notices.find_by_address(name))
    return _make_page(request, name, done=True)


def _make_page(request: PageRequest, name: str, *, done: bool) -> Response[str]:
    page = NoticeEndPage(
        **{**make_frame(request), "site": responses.find_site_facts(request)}, path=f"/notices/{name}/end", done=done
    )
    response = make_page_response(request, page)
    response.headers.update({**_PRIVATE, "Cache-Control": "no-store"})
    return response
