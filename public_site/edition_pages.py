"""The pages of published editions: which there are; one of them with its files, its changes and its institutions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from litestar import HttpMethod, Request, Response, route
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from public_site.contexts import PageContext
from public_site.responses import find_site_facts, get_page_address, get_register, make_page_response
from registry.domain.model import Struct
from registry.editions.content import EditionInstitution
from registry.editions.difference import EditionDifference
from registry.editions.edition import Edition
from registry.editions.manifest import Manifest, Province
from registry.errors import CannotAnswer, NotFound
from registry.web import error_status

PER_PAGE = 200
#: Institutions shown of each part of a difference; difference.json has all.
SHOWN = 100
Req = Request[Any, Any, State]


class EditionsPage(PageContext, frozen=True, kw_only=True):
    """Every edition the public knows of, newest first; ``latest`` is the one that counts, null without one."""

    template: ClassVar[str] = "editions.html"
    section: ClassVar[str] = "editions"
    editions: list[Edition]
    latest: Edition | None


class EditionRows(Struct, frozen=True, kw_only=True):
    """Institutions of one province of an edition: those from number ``first`` on, of ``total``."""

    province: Province
    first: int
    total: int
    items: list[EditionInstitution]
    before: int | None = None
    after: int | None = None


class EditionPage(PageContext, frozen=True, kw_only=True):
    """One edition. Without a manifest it was withdrawn, or its files are just being made. ``newer``: the latest one,
    when this is another."""

    template: ClassVar[str] = "edition.html"
    section: ClassVar[str] = "editions"
    edition: Edition
    manifest: Manifest | None = None
    difference: EditionDifference | None = None
    rows: EditionRows | None = None
    newer: Edition | None = None
    most: int = SHOWN


def _route_page(path: str) -> Callable[[Callable[..., Response[Any]]], HTTPRouteHandler]:
    return route(
        path,
        http_method=[HttpMethod.GET, HttpMethod.HEAD],
        opt={"lane": "slow"},  # an edition's files may have to be made first
        sync_to_thread=True,
        include_in_schema=False,
    )


@_route_page("/editions")
def show_editions(request: Req) -> Response[str]:
    """Every edition that was published."""
    service = get_register(request).editions
    found, newest = service.list_public(), service.find_latest()
    page = EditionsPage(here=get_page_address(request), site=find_site_facts(request), editions=found, latest=newest)
    return make_page_response(request, page)


@_route_page("/editions/{edition:str}")
def show_edition(request: Req, edition: FromPath[str]) -> Response[str]:
    """One edition; with ``region`` the institutions of that province."""
    service = get_register(request).editions
    found = service.get_public(edition)
    here, site = get_page_address(request), find_site_facts(request)
    newest = service.find_latest()
    newer = newest if newest is not None and newest.scope == found.scope and newest.number > found.number else None
    if found.withdrawn is not None:
        return make_page_response(request, EditionPage(here=here, site=site, edition=found, newer=newer))
    try:
        told, changes = service.read_manifest(found), service.read_difference(found)
    except error_status.WRITE_FAULTS:  # no room to make them in: they are not "being made"
        raise
    except CannotAnswer:
        page = EditionPage(here=here, site=site, edition=found, newer=newer)
        response = make_page_response(request, page, status=503, cache="no-store")
        response.set_header("Retry-After", "10")
        return response
    rows = _select_rows(request, found, told) if "region" in request.query_params else None
    page = EditionPage(
        here=here,
        site=site,
        edition=found,
        manifest=told,
        difference=changes,
        rows=rows,
        newer=newer,
    )
    return make_page_response(request, page)


def _select_rows(request: Req, found: Edition, told: Manifest) -> EditionRows:
    """The institutions of the province asked for, from the number asked for on; NotFound for one that is not listed."""
    asked = request.query_params.get("region", "")
    province = next((one for one in told.provinces if one.code == asked), None)
    given = request.query_params.get("from", "")
    first = int(given) if given.isascii() and given.isdigit() and len(given) < 8 else 1
    if province is None or not 1 <= first <= max(province.institutions, 1):
        raise NotFound(f"第{found.id}期名录没有这一部分。", f"Edition {found.id} has no such part.")
    items = get_register(request).editions.list_institutions(found, province.code)
    return EditionRows(
        province=province,
        first=first,
        total=len(items),
        items=items[first - 1 : first - 1 + PER_PAGE],
        before=max(1, first - PER_PAGE) if first > 1 else None,
        after=first + PER_PAGE if first - 1 + PER_PAGE < len(items) else None,
    )


handlers = [show_editions, show_edition]
