"""Pages a second of one worker, each beside an empty template page: the site's own frame around nothing.

Run as a process with ``serve`` it is that page: the same templates, the same server below, nothing asked of a register.
"""

from __future__ import annotations

import datetime as dt
import statistics
import sys
from pathlib import Path
from urllib.parse import quote

import uvicorn
from litestar import Litestar, Response, get

from bench import registers, running
from bench.baseline_app import AnnouncingServer
from bench.paint import INSTITUTION
from bench.serving import make_environment
from public_site import responses
from public_site.responses import PageContext, SiteFacts
from registry.domain.model import Date, SourceRef

#: The pages that people come for.
PATHS = {
    "the start page": "/",
    "an institution": f"/i/{INSTITUTION}",
    "where a code lands": f"/q/{INSTITUTION}",
    "a search by name": f"/search?q={quote('盛京医院')}",
    "a search by place": f"/search?q={quote('大连')}",
    "the overview": "/overview",
    "an institution's history": f"/i/{INSTITUTION}/history",
}


def run(folder: Path, rounds: int = 5, seconds: float = 2.0) -> None:
    """Measure the frame and every page in turn: processor time a page, and the ratio of pages a second."""
    data_dir, _ = registers.prepare_register(folder, registers.REAL)
    env = make_environment(data_dir)
    baseline = [sys.executable, "-m", "bench.pages", "serve"]
    with (
        running.run_server([str(running.REGISTRY), "serve", "--port", "0"], env) as register,
        running.run_server(baseline, env) as empty,
    ):
        print(f"{'one worker':30} {'pages/s':>8} {'frame us':>9} {'page us':>8} {'of frame':>9}")
        for name, path in PATHS.items():
            found = [
                tuple(
                    running.measure_cost(server, _write_request(folder, server, asked), seconds)
                    for server, asked in ((empty, "/"), (register, path))
                )
                for _ in range(rounds)
            ]
            rate = statistics.median(page for _, (page, _) in found)
            frame, cost = (statistics.median(row[place][1] for row in found) for place in (0, 1))
            ratio = statistics.median(row[0][1] / row[1][1] for row in found)
            print(f"{name:30} {rate:8,.0f} {frame:9.0f} {cost:8.0f} {ratio:9.2f}", flush=True)


def _write_request(folder: Path, server: running.RunningServer, path: str) -> Path:
    file = folder / "request"
    file.write_bytes(f"GET {path} HTTP/1.1\r\nHost: {server.address.rsplit('/', 1)[-1]}\r\n\r\n".encode())
    return file


class EmptyPage(PageContext, frozen=True, kw_only=True):
    """The frame around nothing."""


def create_app() -> Litestar:
    """Build the application that answers with the frame, rendered each time."""
    as_of = Date(2025, 6, 30)
    source = SourceRef(title="经批准开展人类辅助生殖技术的医疗机构名单", as_of=as_of, published=None)
    site = SiteFacts(count=635, as_of=as_of, source=source, updated=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    environment = responses.build_environment("zh-CN", "normal")
    template = environment.from_string('{% extends "base.html" %}{% block title %}{% endblock %}')

    @get("/", sync_to_thread=True)
    def show() -> Response[str]:
        page = EmptyPage(site=site, origin="https://register.example")
        return Response(template.render(page=page), media_type="text/html")

    return Litestar([show], openapi_config=None, logging_config=None)


if __name__ == "__main__":
    config = uvicorn.Config(create_app(), host="127.0.0.1", port=0, log_level="warning", access_log=False)
    AnnouncingServer(config).run()
