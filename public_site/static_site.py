"""The public site as files: its own pages, asked of the application in this process, with links that need no server.

What only a server can answer (the check, the interface, other days) leads to the live site, and every page says of
which checkpoint it is. Of the log's entries those have a page to which another page leads: none about people.
"""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec
from litestar import Litestar, Router
from litestar.datastructures import State

from public_site import pages, responses, search_pages, static_search
from public_site.responses import StaticEdition
from registry.credentials.bundle import Bundle
from registry.domain import qr
from registry.domain.model import Struct
from registry.editions.edition import LATEST
from registry.errors import CannotAnswer, Conflict
from registry.operations.static_files import FileTree, replace_folder
from registry.register import Register
from registry.texts import Message
from registry.web import page_templates

#: Pages that are nobody's in particular.
_PAGES = ("/", "/overview", "/search", "/editions", "/data", "/log", "/about", "/verify-offline")
_LINK = re.compile(r'(?<= )(href|src|action|data-bundle|data-reader|data-wasm)="(/[^"]*)"')
_BUNDLE = "status-lists/bundle.json"
_EDITION_FILE = re.compile(r"/api/v1/editions/([^/]+)/([^/]+)")
Progress = Callable[[str, int], None]


class StaticSite(Struct, frozen=True):
    """What was written: files, their bytes, and what they rest on."""

    files: int
    bytes: int
    institutions: int
    log_size: int
    root: str


def export_site(register: Register, target: Path, progress: Progress) -> StaticSite:
    """Write the site of the last checkpoint into a folder. Conflict where the log grew meanwhile, or is not signed."""
    register.follow_log()
    asof, log = register.make_as_of_now(), register.find_public_log()
    if log is None or log.size != asof.size:
        raise Conflict(Message("日志末尾还没有签署的检查点；请先运行：registry log checkpoint"))
    origin = register.settings.public_url.rstrip("/")
    edition = StaticEdition(size=log.size, root=log.root, at=register.find_now(), origin=origin)
    facts: dict[str, object] = {"size": log.size, "root": log.root, "origin": origin, "at": edition.at.isoformat()}
    codes = register.list_codes(asof)
    with replace_folder(target, facts) as tree:
        writer = _Writer(register, edition, tree, codes)
        writer.write_files()
        with ThreadPoolExecutor(1) as thread:  # of its own: the caller's may run a loop already
            thread.submit(asyncio.run, writer.write_pages(progress)).result()
        if register.make_as_of_now().size != asof.size:
            raise Conflict(Message("导出期间日志有新增，没有写入；请再运行一次。"))
        return StaticSite(tree.files, tree.bytes, len(codes), log.size, log.root)


def build_static_app(register: Register, edition: StaticEdition) -> Litestar:
    """Build the public pages as a site of files has them: with a search that the reader's machine does."""
    handlers = [handler for handler in pages.HANDLERS if handler is not search_pages.show_search]
    router = Router("/", route_handlers=[*handlers, static_search.show_static_search])
    return Litestar(
        [router],
        state=State({"register": register, "static_edition": edition}),
        exception_handlers={Exception: responses.render_error_page},
        logging_config=None,
    )


class _Writer:
    """Asks for every page in both languages and writes it with links to files."""

    def __init__(self, register: Register, edition: StaticEdition, tree: FileTree, codes: list[str]) -> None:
        self._register = register
        self._edition = edition
        self._tree = tree
        self._codes = codes
        self._editions = [one for one in register.editions.list_public() if one.withdrawn is None]
        self._paths = [
            *_PAGES,
            *(f"/editions/{one.id}" for one in self._editions),
            *(path for code in codes for path in (f"/i/{code}", f"/i/{code}/history", f"/q/{code}")),
        ]
        self._known = frozenset(self._paths)
        self._entries: dict[int, None] = {}

    def write_files(self) -> None:
        """Write what is no page: styles, QR codes, keys and status lists, the log, the files of editions."""
        for address, name in page_templates.list_assets().items():
            self._tree.write(f"static/{address}", page_templates.read_asset(name))
        for code in self._codes:
            self._tree.write(f"i/{code}/qr.svg", qr.render_svg(qr.make_scan_url(self._edition.origin, code)))
        if bundle := self._register.credentials.find_bundle():
            self._write_bundle(bundle)
        self._tree.copy_log(self._register.log)
        latest = self._register.editions.find_latest()
        for one in self._editions:
            folder = self._register.editions.get_folder(one)
            self._tree.copy_edition(folder, one.id)
            if latest is not None and one.id == latest.id:
                self._tree.copy_edition(folder, LATEST)

    def _write_bundle(self, bundle: Bundle) -> None:
        """Write keys and status lists as the server has them."""
        self._tree.write(_BUNDLE, msgspec.json.encode(bundle))
        self._tree.write("status-lists/index.json", msgspec.json.encode({"status_lists": list(bundle.lists)}))
        for number, text in enumerate(bundle.lists.values()):
            self._tree.write(f"status-lists/{number}", text.encode())
        self._tree.write(".well-known/jwks.json", msgspec.json.encode(bundle.keys))

    async def write_pages(self, progress: Progress) -> None:
        """Write every badge, every page, and the entries of the log to which pages lead, each with its proof."""
        app: Any = build_static_app(self._register, self._edition)
        done = 0
        for code in self._codes:
            for lang in ("", "en"):
                badge = f"badge/{code}.svg"
                self._tree.write(PurePosixPath(lang, badge), await _ask(app, f"/{badge}", lang))
        for path in self._paths:
            for lang in ("", "en"):
                await self._write_page(app, locate_page(path, lang), path, lang)
                progress("pages", done := done + 1)
        for number in sorted(self._entries):
            self._tree.write_proof(self._register.log, number)
            for lang in ("", "en"):
                await self._write_page(app, locate_page(f"/log/entry/{number}", lang), "/log", lang, entry=number)
                progress("pages", done := done + 1)

    async def _write_page(self, app: Any, name: PurePosixPath, path: str, lang: str, **query: object) -> None:
        body = await _ask(app, path, lang, **query)
        self._tree.write(name, self.rewrite_links(body.decode(), name).encode())

    def rewrite_links(self, text: str, page: PurePosixPath) -> str:
        """Make every link of a page one to a file, seen from that page, or to the live site."""
        up = "../" * (len(page.parts) - 1)
        return _LINK.sub(
            lambda found: f'{found[1]}="{html.escape(self._find_target(html.unescape(found[2]), up))}"', text
        )

    def _find_target(self, address: str, up: str) -> str:
        place = urlsplit(address)
        query = parse_qsl(place.query)
        lang = next((value for name, value in query if name == "lang"), "")
        rest = urlencode([pair for pair in query if pair[0] != "lang"])
        anchor = f"#{place.fragment}" if place.fragment else ""
        if (number := _read_entry(place.path, query)) and number <= self._edition.size:
            self._entries[number] = None
            if place.path != "/log":
                return f"{up}log/proof/{number}.tlog-proof"
            return f"{up}{locate_page(f'/log/entry/{number}', lang)}{anchor}"
        if place.path in self._known and (not rest or place.path in ("/search", "/log")):
            return f"{up}{locate_page(place.path, lang)}{f'?{rest}' if rest else ''}{anchor}"
        if file := _EDITION_FILE.fullmatch(place.path):
            name = f"editions/{file[1]}/{file[2]}"
        else:
            name = place.path.removeprefix("/")
        if lang and (self._tree.root / lang / name).is_file():
            return f"{up}{lang}/{name}"
        return up + name if (self._tree.root / name).is_file() else self._edition.origin + address


def _read_entry(path: str, query: list[tuple[str, str]]) -> int | None:
    """Read which entry of the log an address shows or proves; None for another address."""
    if found := re.fullmatch(r"/log/proof/(\d+)\.tlog-proof", path):
        return int(found[1])
    if path in ("/log", "/log/proof/inclusion"):
        return next((int(value) for name, value in query if name == "entry" and value.isdigit()), None)
    return None


async def _ask(app: Any, path: str, lang: str, **values: object) -> bytes:
    """Ask an application in this process for a page; CannotAnswer where there is none."""
    query = urlencode({**values, **({"lang": lang} if lang else {})})
    scope = {
        **{"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "https"},
        **{"path": path, "raw_path": path.encode(), "root_path": "", "query_string": query.encode()},
        **{"headers": [], "client": ("127.0.0.1", 0), "server": ("127.0.0.1", 443), "state": {}},
    }
    messages: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        messages.append(message)

    await app(scope, receive, send)
    if messages[0]["status"] != 200:
        raise CannotAnswer(Message("页面 {path} 无法生成，没有写入。", path=path))
    return b"".join(message.get("body", b"") for message in messages[1:])


def locate_page(path: str, lang: str) -> PurePosixPath:
    """Locate the file of a page: in a folder of its own, so that a server finds it by the page's address, too.

    >>> str(locate_page("/i/7K2M-9QX4", "en")), str(locate_page("/", ""))
    ('en/i/7K2M-9QX4/index.html', 'index.html')
    """
    return PurePosixPath("en" if lang == "en" else "", path.strip("/"), "index.html")
