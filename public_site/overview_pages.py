"""The register in pictures: where its institutions are, what they may do, what each published list changed."""

from __future__ import annotations

from typing import ClassVar

from litestar import Response

from public_site import pictures, responses
from public_site.page_memory import keep_page
from public_site.pictures import Bar, TileGrid
from public_site.responses import PageContext, PageRequest, get_register, make_page_response
from registry.domain.model import Date, SourceRef, Struct
from registry.editions.edition import Edition
from registry.errors import CannotAnswer
from registry.records.stats import Stats
from registry.register import Register
from registry.web.routes import route_get

#: The latest editions that the picture shows; /editions has all.
SHOWN = 12


class EditionLine(Struct, frozen=True, kw_only=True):
    """One published list beside the others: its figure, and what came and went since the one before; null where that is
    not known, or there was none before."""

    edition: Edition
    total: Bar
    new: int | None = None
    gone: int | None = None
    new_width: float = 0
    gone_width: float = 0


class OverviewPage(PageContext, frozen=True, kw_only=True):
    """The register in pictures, each with its table."""

    template: ClassVar[str] = "overview.html"
    section: ClassVar[str] = "overview"
    count: int
    as_of: Date | None
    source: SourceRef | None
    grid: TileGrid
    provinces: list[Bar]
    techniques: list[Bar]
    stages: list[Bar]
    editions: list[EditionLine]


@route_get("/overview", "overview", opt={"lane": "slow"})  # the files of an edition may have to be made first
@keep_page
def show_overview(request: PageRequest) -> Response[str]:
    """Show the register in pictures."""
    stats = responses.get_stats(request)
    page = OverviewPage(
        here="/overview",
        site=responses.save_site_facts(request, stats),
        count=stats.total,
        as_of=stats.as_of,
        source=stats.source,
        grid=make_grid(stats),
        provinces=pictures.make_bars([(row.code, row.count) for row in stats.by_region]),
        techniques=pictures.make_bars([(row.technique, row.count) for row in stats.by_technique]),
        stages=pictures.make_bars([(row.stage, row.count) for row in stats.by_stage if row.count]),
        editions=list_edition_lines(get_register(request)),
    )
    return make_page_response(request, page)


def make_grid(stats: Stats) -> TileGrid:
    """Make the picture of the provinces."""
    return pictures.make_tile_grid({row.code: row.count for row in stats.by_region})


def list_edition_lines(register: Register) -> list[EditionLine]:
    """List the latest published lists, newest first."""
    editions = [one for one in register.editions.list_public() if one.withdrawn is None][:SHOWN]
    bars = pictures.make_bars([(one.id, one.institutions) for one in editions])
    changes = [_read_changes(register, one) for one in editions]
    most = max((number for change in changes if change for number in change), default=0) or 1
    return [
        EditionLine(edition=one, total=bar)
        if change is None
        else EditionLine(
            edition=one,
            total=bar,
            new=change[0],
            gone=change[1],
            new_width=round(100 * change[0] / most, 1),
            gone_width=round(100 * change[1] / most, 1),
        )
        for one, bar, change in zip(editions, bars, changes, strict=True)
    ]


def _read_changes(register: Register, edition: Edition) -> tuple[int, int] | None:
    """(institutions that came, that went); None for the first edition, and while its files are being made."""
    try:
        difference = register.editions.read_difference(edition)
    except CannotAnswer:
        return None
    return None if difference.since is None else (len(difference.new), len(difference.gone))
