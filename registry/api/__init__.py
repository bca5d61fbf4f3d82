"""The JSON door: /api/v1."""

from __future__ import annotations

from litestar import Router
from litestar.middleware import DefineMiddleware

from registry.api import batch, changes, editions, guards, institutions, key, receipts, verify, watches


def build_routers() -> list[Router]:
    """Every operation under /api/v1 (the OpenAPI document is added by the app)."""
    public = Router(
        path="/api/v1",
        route_handlers=[
            institutions.list_institutions,
            institutions.get_institution,
            institutions.get_history,
            institutions.list_practitioners,
            institutions.suggest_institutions,
            institutions.get_stats,
            changes.get_changes,
            changes.get_snapshot,
            verify.verify_claim,
            verify.verify_by_query,
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
    # What one client alone may see: never revalidated, never kept by a cache.
    private = Router(
        path="/api/v1",
        route_handlers=[*key.handlers, *watches.handlers],
        before_request=guards.check_private_request,
        response_headers={"Cache-Control": "no-store"},
    )
    return [public, published, private]
