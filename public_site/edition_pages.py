"""The pages of published editions: which there are; one of them with its files, its changes and its institutions."""

from __future__ import annotations

from typing import ClassVar

import msgspec
from litestar import Response
from litestar.params import FromPath

from public_site.responses import PageContext, PageRequest, get_register, make_frame, make_page_response
from registry.domain.model import Date, Struct
from registry.editions.content import EditionInstitution
from registry.editions.difference import EditionDifference
from registry.editions.edition import Edition
from registry.editions.manifest import Manifest, Province
from registry.errors import CannotAnswer, NotFound
from registry.register import Register
from registry.texts import Message
from registry.web import error_status
from registry.web.routes import route_get

PER_PAGE = 200
#: Institutions shown of each part of a difference; difference.json has all.
SHOWN = 100


class EditionsPage(PageContext, frozen=True, kw_only=True):
    """Every edition the public knows of, newest first; ``latest`` is the one that counts, null without one.

    ``list_days``: by id, the day of the list that an edition rests on.
    """

    template: ClassVar[str] = "editions.html"
    section: ClassVar[str] = "editions"
    editions: list[Edition]
    latest: Edition | None
    list_days: dict[str, Date] = msgspec.field(default_factory=dict)


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
    when this is another; ``limit``: how many institutions are shown of each part of the difference; ``list_day``: that
    of the list it rests on."""

    template: ClassVar[str] = "edition.html"
    section: ClassVar[str] = "editions"
    edition: Edition
    manifest: Manifest | None = None
    difference: EditionDifference | None = None
    rows: EditionRows | None = None
    newer: Edition | None = None
    limit: int = SHOWN
    list_day: Date | None = None


@route_get("/editions", "editions", opt={"lane": "slow"})
def show_editions(request: PageRequest) -> Response[str]:
    """Show every edition that was published."""
    register = get_register(request)
    editions, latest = register.editions.list_public(), register.editions.find_latest()
    days = {edition.id: day for edition in editions if (day := _find_list_day(register, edition))}
    page = EditionsPage(editions=editions, latest=latest, list_days=days, **make_frame(request))
    return make_page_response(request, page)


@route_get("/editions/{edition:str}", "edition", opt={"lane": "slow"})  # its files may have to be made first
def show_edition(request: PageRequest, edition: FromPath[str]) -> Response[str]:
    """Show one edition; with ``region`` the institutions of that province."""
    service = get_register(request).editions
    shown = service.get_public(edition)
    latest = service.find_latest()
    is_outdated = latest is not None and latest.scope == shown.scope and latest.number > shown.number
    frame = {
        **make_frame(request),
        "edition": shown,
        "newer": latest if is_outdated else None,
        "list_day": _find_list_day(get_register(request), shown),
    }
    if shown.withdrawn is not None:
        return make_page_response(request, EditionPage(**frame))
    try:
        manifest, difference = service.read_manifest(shown), service.read_difference(shown)
    except error_status.WRITE_FAULTS:  # no room to make them in: they are not "being made"
        raise
    except CannotAnswer:
        response = make_page_response(request, EditionPage(**frame), status=503, cache="no-store")
        response.set_header("Retry-After", "10")
        return response
    rows = _select_rows(request, shown, manifest) if "region" in request.query_params else None
    return make_page_response(request, EditionPage(manifest=manifest, difference=difference, rows=rows, **frame))


def _find_list_day(register: Register, edition: Edition) -> Date | None:
    """Find the day of the list that an edition rests on, which may be long before its own."""
    source = register.find_main_source(edition.asof)
    return source.as_of if source else None


def _select_rows(request: PageRequest, edition: Edition, manifest: Manifest) -> EditionRows:
    """The institutions of the province asked for, from the number asked for on; NotFound for one that is not listed."""
    code, start = request.query_params.get("region", ""), request.query_params.get("from", "")
    province = next((province for province in manifest.provinces if province.code == code), None)
    first = int(start) if start.isascii() and start.isdigit() and len(start) < 8 else 1
    if province is None or not 1 <= first <= max(province.institutions, 1):
        raise NotFound(Message("第{edition}期名录没有这一部分。", edition=edition.id))
    items = get_register(request).editions.list_institutions(edition, province.code)
    return EditionRows(
        province=province,
        first=first,
        total=len(items),
        items=items[first - 1 : first - 1 + PER_PAGE],
        before=max(1, first - PER_PAGE) if first > 1 else None,
        after=first + PER_PAGE if first - 1 + PER_PAGE < len(items) else None,
    )
