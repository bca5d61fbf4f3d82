"""The JSON door: /api/v1."""

from __future__ import annotations

from litestar import Router
from litestar.middleware import DefineMiddleware

from registry.api import batch, changes, guards, institutions, receipts, verify


def router() -> Router:
    """Every operation under /api/v1 (the OpenAPI document is added by the app)."""
    return Router(
        path="/api/v1",
        route_handlers=[
            institutions.list_institutions,
            institutions.get_institution,
            institutions.get_history,
            institutions.list_practitioners,
            institutions.suggest,
            institutions.get_stats,
            changes.get_changes,
            changes.get_snapshot,
            verify.verify,
            verify.verify_by_query,
            receipts.check_receipt,
            batch.verify_batch,
        ],
        before_request=guards.before,
        middleware=[DefineMiddleware(guards.Revalidated)],
    )
