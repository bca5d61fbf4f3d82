"""What crawlers, phones and feed readers fetch from a site by its usual name: robots.txt, the site map, the manifest of
its icons, and the feed of changes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec
from litestar import Response

from public_site import responses
from public_site.responses import PageContext, PageRequest, get_register, read_language
from registry.domain.identifiers import format_subject_code
from registry.domain.model import Entry, Struct
from registry.records.history import FieldChange
from registry.register import Register
from registry.web import page_templates
from registry.web.i18n import Language
from registry.web.record_changes import describe_change
from registry.web.routes import route_get

#: Pages that are nobody's in particular.
PATHS = ("/", "/overview", "/search", "/check", "/editions", "/data", "/log", "/developers", "/about")
#: Addresses in one file of the site map (the format takes 50,000), and entries in the feed.
PER_FILE, FEED_LENGTH = 10_000, 50
_HOUR = {"Cache-Control": "public, max-age=3600"}


class SiteMap(PageContext, frozen=True, kw_only=True):
    """One file of the site map: ``paths``; or the list of its files, where there are several: ``files``."""

    template: ClassVar[str] = "sitemap.xml"
    paths: Sequence[str] = ()
    files: Sequence[int] = ()
    languages: Sequence[str] = ("zh-CN", "en")


class FeedEntry(Struct, frozen=True, kw_only=True):
    """An entry of the log in the feed: of which ``kind``, the name of its institution, at which page, and the lines of
    what changed."""

    number: int
    at: dt.datetime
    kind: str
    name: str
    path: str
    lines: list[str]


class ChangeFeed(PageContext, frozen=True, kw_only=True):
    """The latest entries of the log about institutions and lists, newest first."""

    template: ClassVar[str] = "feed.xml"
    entries: list[FeedEntry]
    updated: dt.datetime


@route_get("/robots.txt", "robots")
def get_robots(request: PageRequest) -> Response[str]:
    """Say what crawlers may fetch: every page about institutions, nothing of the workspace, no searches."""
    origin = get_register(request).settings.public_url.rstrip("/")
    paths = ("/staff", "/api/", "/search?", "/p/", "/leads?")
    lines = ("User-agent: *", *(f"Disallow: {path}" for path in paths), "", f"Sitemap: {origin}/sitemap.xml", "")
    text = "\n".join(lines)
    return Response(text, media_type="text/plain", headers=_HOUR)


@route_get("/sitemap.xml", "sitemap", opt={"lane": "slow"})
def get_site_map(request: PageRequest) -> Response[str]:
    """List every page with what it is called in the other language; with ``part`` one file of a large site."""
    register = get_register(request)
    codes = register.list_codes(register.make_as_of_now())
    paths = [*PATHS, *(f"/i/{code}" for code in codes)]
    files = range(1, 1 + (len(paths) + PER_FILE - 1) // PER_FILE)
    part = request.query_params.get("part", "")
    number = int(part) if part.isascii() and part.isdigit() and len(part) < 6 else 0
    if len(files) > 1 and number not in files:
        page = SiteMap(files=files)
    else:
        first = max(0, number - 1) * PER_FILE
        page = SiteMap(paths=paths[first : first + PER_FILE])
    return _render_file(request, page, "application/xml")


@route_get("/manifest.webmanifest", "manifest")
def get_manifest(request: PageRequest) -> Response[bytes]:
    """Return the name and icons under which a phone keeps the site on its screen."""
    language = read_language(request)
    sizes = ((192, "icon-192.png"), (512, "icon-512.png"))
    manifest = {
        "name": str(language.translate("site.name")),
        "short_name": str(language.translate("badge.label")),
        "lang": language.lang,
        "start_url": language.make_link("/"),
        "scope": "/",
        "display": "browser",
        "theme_color": "#0a5c63",
        "background_color": "#ffffff",
        "icons": [
            {"src": page_templates.make_asset_url(name), "sizes": f"{size}x{size}", "type": "image/png"}
            for size, name in sizes
        ],
    }
    return Response(msgspec.json.encode(manifest), media_type="application/manifest+json", headers=_HOUR)


@route_get("/favicon.ico", "favicon")
def get_favicon() -> Response[bytes]:
    """Return the icon under the name that browsers try by themselves."""
    return Response(page_templates.read_asset("favicon.ico"), media_type="image/x-icon", headers=_HOUR)


@route_get("/changes.atom", "feed")
def get_change_feed(request: PageRequest) -> Response[str]:
    """Return the latest changes as an Atom feed (RFC 4287)."""
    register, language = get_register(request), read_language(request)
    entries = list_feed_entries(register, language)
    page = ChangeFeed(entries=entries, updated=entries[0].at if entries else register.find_now())
    return _render_file(request, page, "application/atom+xml")


def list_feed_entries(register: Register, language: Language) -> list[FeedEntry]:
    """List the latest entries about institutions and lists, newest first."""
    asof = register.make_as_of_now()
    bodies = register.read_changes(max(0, asof.size - FEED_LENGTH), FEED_LENGTH, asof).entries
    entries = [register.get_entry(msgspec.json.decode(body)["number"])[0] for body in reversed(bodies)]
    codes = {entry.subject.partition(":")[2] for entry in entries if entry.subject.startswith("institution:")}
    names = {one.code: one.name for one in register.list_institutions(sorted(codes), asof)}
    shown = (_make_feed_entry(language, entry, names) for entry in entries)
    return [line for line in shown if line is not None]


def _make_feed_entry(language: Language, entry: Entry, names: dict[str, str]) -> FeedEntry | None:
    kind = entry.subject.partition(":")[0]
    if kind == "institution":
        code = format_subject_code(entry.subject)
        name, path = names.get(code, code), f"/i/{code}/history"
    elif kind in ("source", "edition"):
        name, path = "", "/editions"
    else:
        return None
    changes = [FieldChange(field=field, from_=None, to=value) for field, value in entry.change.set.items()]
    lines = [describe_change(language, change) for change in changes] if kind == "institution" else []
    return FeedEntry(
        number=entry.number,
        at=entry.recorded_at,
        kind=kind,
        name=name,
        path=path,
        lines=[
            str(language.translate("site.colon", label=line.label).striptags()) + _strip(line.after) for line in lines
        ],
    )


def _strip(text: Any) -> str:
    return "" if text is None else text.striptags()


def _render_file(request: PageRequest, page: PageContext, media_type: str) -> Response[str]:
    language = read_language(request)
    page = msgspec.structs.replace(page, origin=get_register(request).settings.public_url.rstrip("/"))
    text = responses.render_page(page, language.lang)
    return Response(text, media_type=f"{media_type}; charset=utf-8", headers=_HOUR)
