"""All doors in one ASGI application."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from litestar import Litestar, Request, Response, get
from litestar.datastructures import State
from litestar.middleware import DefineMiddleware
from litestar.types import ASGIApp

from public_site import pages
from public_site.responses import render_error_page
from registry import api, settings, staff
from registry.api import metrics, openapi, problems
from registry.api.verify_shortcut import RefusalMiddleware, VerifyShortcut
from registry.register import Register
from registry.texts import load_catalogues
from registry.web import body_limits, error_status, lanes, rate_limit, state_age
from registry.web.compression import CompressionMiddleware
from registry.web.forms import JsonRequest
from registry.web.headers import OutermostMiddleware
from registry.web.request_ids import RequestIdFilter
from registry.web.utf8 import Utf8QueryMiddleware


def build_app(loaded: settings.Settings | None = None) -> Litestar:
    """Build the application of one process; it opens the register at start-up and closes it at shutdown."""
    return Litestar(
        request_class=JsonRequest,
        route_handlers=[
            *api.build_routers(),
            staff.build_router(),
            pages.router,
            get_health,
            get_readiness,
            get_metrics,
        ],
        lifespan=[_open_register],
        middleware=[
            DefineMiddleware(RefusalMiddleware),
            DefineMiddleware(Utf8QueryMiddleware),
            DefineMiddleware(lanes.LaneMiddleware),
            DefineMiddleware(rate_limit.RateLimitMiddleware),
        ],
        exception_handlers={Exception: _make_error_response},
        after_exception=[staff.record_refused_request],
        openapi_config=openapi.CONFIG,
        state=State(
            {
                "settings": loaded or settings.load(),
                "read_document": openapi.get_document_in,  # for the page that shows it: doors import no other
            }
        ),
        request_max_body_size=body_limits.SMALL,
        logging_config=None,
    )


@asynccontextmanager
async def _open_register(app: Litestar) -> AsyncIterator[None]:
    asyncio.get_running_loop().set_default_executor(lanes.Lanes())
    register = Register(app.state.settings)
    app.state.register = register
    await anyio.to_thread.run_sync(register.start)
    try:
        yield
    finally:
        await anyio.to_thread.run_sync(register.close)


def build_server_app() -> ASGIApp:
    """Return the application as a server runs it; files it writes from now on are readable by its own user alone."""
    os.umask(0o077)
    load_catalogues()
    loaded = settings.load()
    logging.getLogger("registry").addFilter(RequestIdFilter())
    app = VerifyShortcut(build_app(loaded))
    return CompressionMiddleware(OutermostMiddleware(app, loaded, state_age.make_age_headers))


@get("/healthz", operation_id="health", include_in_schema=False, summary="The process runs")
async def get_health() -> dict[str, str]:
    """Answer 200 while the process runs."""
    return {"status": "ok"}


@get("/readyz", operation_id="readiness", include_in_schema=False, opt={"lane": "health"}, sync_to_thread=True)
def get_readiness(request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
    """Answer 200 when the register can answer, otherwise 503 and what is missing."""
    register: Register = request.app.state.register
    health = register.read_health()
    return Response(content=health, status_code=200 if health["ready"] else 503, headers={"Cache-Control": "no-store"})


@get(
    "/metrics",
    operation_id="metrics",
    include_in_schema=False,
    sync_to_thread=True,
    opt={"scope": "metrics", "lane": "health"},
)
def get_metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Return this process's figures for Prometheus, for a key of scope metrics; each worker has its own."""
    rate_limit.get_api_key(request)
    kind, body = metrics.encode_metrics(request.app.state.register)
    return Response(content=body, media_type=kind, headers={"Cache-Control": "no-store"})


def _make_error_response(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Return a problem document for programs, a page for people; log what is unforeseen."""
    error_status.failures.log_error(error, f"{request.method} {request.scope.get('path_template') or request.url.path}")
    if request.url.path.startswith(("/api/", "/reconcile")) or "text/html" not in request.headers.get("accept", ""):
        return problems.make_response(request, error)
    return render_error_page(request, error)
