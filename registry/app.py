"""All doors in one ASGI application."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from litestar import Litestar, Request, Response, get
from litestar.config.cors import CORSConfig
from litestar.middleware import DefineMiddleware
from litestar.types import ASGIApp

import public_site.pages
from registry import admission, api, metrics, settings, staff
from registry.api import images, log, openapi, problems, receipts, reconcile, sheets
from registry.errors import RegistryError
from registry.headers import Outermost
from registry.register import Register
from registry.web import bodies
from registry.web.departures import is_departure

_LIMITS = ["RateLimit", "RateLimit-Policy", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"]
_log = logging.getLogger("registry")


def create(loaded: settings.Settings | None = None) -> Litestar:
    """The application of one process; the register is opened at start-up and followed until shutdown."""
    loaded = loaded or settings.load()

    @asynccontextmanager
    async def opened(app: Litestar) -> AsyncIterator[None]:
        register = Register(loaded)
        app.state.register = register
        await anyio.to_thread.run_sync(register.start)
        try:
            yield
        finally:
            await anyio.to_thread.run_sync(register.close)

    return Litestar(
        route_handlers=[
            *api.routers(),
            reconcile.router(),
            staff.router(),
            openapi.document,
            *images.handlers,
            *log.handlers,
            *receipts.handlers,
            *sheets.handlers,
            *public_site.pages.handlers,
            healthz,
            readyz,
            measured,
        ],
        lifespan=[opened],
        middleware=[DefineMiddleware(admission.Admission)],
        cors_config=CORSConfig(
            allow_origins=["*"],
            allow_methods=["GET", "HEAD", "POST", "DELETE"],
            allow_headers=["Accept", "Accept-Language", "Authorization", "Content-Type", "If-None-Match", "X-API-Key"],
            expose_headers=["ETag", "Retry-After", *_LIMITS],
        ),
        exception_handlers={Exception: _failed},
        openapi_config=openapi.CONFIG,
        request_max_body_size=bodies.SMALL,
        logging_config=None,
    )


def served() -> ASGIApp:
    """The application as a server runs it."""
    return Outermost(create())


@get("/healthz", include_in_schema=False, summary="The process runs")
async def healthz() -> dict[str, str]:
    """Always 200 while the process runs."""
    return {"status": "ok"}


@get("/readyz", include_in_schema=False, sync_to_thread=True)
def readyz(request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
    """200 when the register can answer, else 503 and what is missing."""
    health = request.app.state.register.health()
    return Response(content=health, status_code=200 if health["ready"] else 503, headers={"Cache-Control": "no-store"})


@get("/metrics", include_in_schema=False, sync_to_thread=True)
def measured(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Figures of this process for Prometheus; of several workers each has its own."""
    kind, body = metrics.text(request.app.state.register)
    return Response(content=body, media_type=kind, headers={"Cache-Control": "no-store"})


def _failed(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """A problem document for programs, a page for people; the unforeseen goes to the server's own log."""
    problem = problems.of(error, problems.language(request))
    if problem.status >= 500 and not isinstance(error, RegistryError) and not is_departure(error):
        _log.error("unforeseen error at %s", request.url.path, exc_info=error)
    if request.url.path.startswith(("/api/", "/reconcile")) or "text/html" not in request.headers.get("accept", ""):
        return problems.respond(request, error)
    return public_site.pages.error_page(request, error)
