"""The JSON door: /api/v1, /reconcile, the published log, images and files for programs."""

from __future__ import annotations

from litestar import Router
from litestar.middleware import DefineMiddleware

from registry.api import (
    batch,
    changes,
    editions,
    guards,
    institutions,
    key,
    leads,
    log,
    openapi,
    qr_images,
    receipts,
    sanctions,
    security_txt,
    status_lists,
    subscriptions,
    verify,
    watches,
)
from registry.api.reconcile import routes as reconcile


def build_routers() -> list[Router]:
    """Build every route of this door; those with a router of their own are checked and cached as it says."""
    public = Router(
        path="/api/v1",
        route_handlers=[
            *institutions.handlers,
            *sanctions.handlers,
            *changes.handlers,
            *verify.handlers,
            receipts.check_receipt,
            batch.verify_batch,
        ],
        before_request=guards.check_request,
        middleware=[DefineMiddleware(guards.EtagMiddleware)],
        opt={"scope": "read"},
    )
    # Public by the clock, so their ETags are their own.
    published = Router(
        path="/api/v1",
        route_handlers=editions.handlers,
        before_request=guards.check_private_request,
        opt={"scope": "read"},
    )
    # What one client alone may see: never revalidated, never stored by a cache.
    private = Router(
        path="/api/v1",
        route_handlers=[*key.handlers, *watches.handlers, *subscriptions.handlers],
        before_request=guards.check_private_request,
        response_headers={"Cache-Control": "no-store"},
    )
    # Whoever has a number alone may see its state.
    reports = Router(
        path="/api/v1",
        route_handlers=leads.handlers,
        before_request=guards.check_private_request,
        response_headers={"Cache-Control": "no-store"},
    )
    # Several handlers at one path of the application itself answer 500 (a coroutine nobody awaits); a router's do not.
    files = Router(
        path="/",
        route_handlers=[
            openapi.show_document,
            *qr_images.handlers,
            *log.handlers,
            *receipts.handlers,
            *security_txt.handlers,
            *status_lists.handlers,
        ],
    )
    return [public, published, private, reports, files, reconcile.build_router()]
