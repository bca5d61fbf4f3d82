"""The door for reconciliation clients such as OpenRefine: the Reconciliation Service API 0.2 at /reconcile."""

from __future__ import annotations

from litestar import Router
from litestar.middleware import DefineMiddleware

from registry.api import guards
from registry.api.reconcile import routes


def build_router() -> Router:
    """The service and what its manifest names, but for the preview, which is a page."""
    return Router(
        path="/reconcile",
        route_handlers=[
            routes.ask,
            routes.ask_by_form,
            routes.suggest_entity,
            routes.suggest_property,
            routes.suggest_type,
            routes.propose_properties,
            routes.flyout,
        ],
        before_request=guards.answer_not_modified,
        middleware=[DefineMiddleware(guards.EtagMiddleware)],
        include_in_schema=False,
        opt={"scope": "reconcile"},
    )
