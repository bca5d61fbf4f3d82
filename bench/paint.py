"""How soon a page is seen on a slow phone: Chromium at 150 ms, 1.6 Mbit/s and a quarter of the processor.

Each page is held against the site's own frame on the same link (its head, header and footer around nothing), and beside
it a page of two words. Everything is fetched anew: a first visit.
"""

from __future__ import annotations

import gzip
import re
import shutil
import statistics
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from bench import running

INSTITUTION = "7HV2-JKMV"
PAGES = {"home": "/", "institution": f"/i/{INSTITUTION}", "landing": f"/q/{INSTITUTION}", "overview": "/overview"}
_BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
#: Watches from the first byte on: the largest thing painted, what moved, what kept the processor busy.
_WATCH = """
window.seen = {paint: 0, shift: 0, task: 0}
new PerformanceObserver(list => list.getEntries().forEach(e => seen.paint = e.startTime))
  .observe({type: 'largest-contentful-paint', buffered: true})
new PerformanceObserver(list => list.getEntries().forEach(e => { if (!e.hadRecentInput) seen.shift += e.value }))
  .observe({type: 'layout-shift', buffered: true})
new PerformanceObserver(list => list.getEntries().forEach(e => seen.task = Math.max(seen.task, e.duration)))
  .observe({type: 'longtask', buffered: true})
"""


def run(folder: Path, rounds: int = 7) -> None:
    """Measure every page in turn with the frame."""
    data_dir = folder / "painted"
    running.run_command(data_dir, "init", "--quiet")
    running.run_command(data_dir, "seed")
    env = {**running.make_environment(data_dir), "REGISTRY_ANONYMOUS_LIMIT": "0"}
    path = next(filter(None, map(shutil.which, _BROWSERS)), None)
    with running.run_server([str(running.REGISTRY), "serve", "--port", "0"], env) as server, sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=path, args=["--headless", "--no-sandbox", "--disable-gpu"])
        with _serve_beside(server.address) as address:
            measure_pages(browser, address, rounds)
        browser.close()


def measure_pages(browser: Browser, address: str, rounds: int) -> None:
    """Print a line a page: the best paint of all rounds, its ratio to the frame's, bytes, shift, longest task.

    The best, because other work on the machine only ever makes a page later.
    """
    paths = {"bare": "/bare", "frame": "/frame", **PAGES}
    found: dict[str, list[dict[str, float]]] = {name: [] for name in paths}
    for _ in range(rounds):
        for name, path in paths.items():
            found[name].append(_load(browser, address + path))
    print(f"{'page':14} {'paint ms':>9} {'of frame':>9} {'bytes':>8} {'shift':>6} {'task ms':>8}")
    for name, rows in found.items():
        paint, task = (min(row[key] for row in rows) for key in ("paint", "task"))
        ratio = paint / min(frame["paint"] for frame in found["frame"])
        size, shift = statistics.median(row["bytes"] for row in rows), max(row["shift"] for row in rows)
        print(f"{name:14} {paint:9.0f} {ratio:9.2f} {size:8.0f} {shift:6.3f} {task:8.0f}")


def _load(browser: Browser, address: str) -> dict[str, float]:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.add_init_script(_WATCH)
    session = context.new_cdp_session(page)
    sizes: list[float] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    session.send("Network.enable")
    slow = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 200_000}
    session.send("Network.emulateNetworkConditions", slow)
    session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    page.goto(address, wait_until="load")
    page.wait_for_timeout(600)
    seen = page.evaluate("window.seen")
    context.close()
    return {**seen, "bytes": sum(sizes)}


@contextmanager
def _serve_beside(origin: str) -> Iterator[str]:
    """Serve the register's pages, and at /frame and /bare what they are held against, from one address."""
    html = _fetch(f"{origin}/about")[1].decode()
    frame = re.sub(r"(<main[^>]*>).*?(</main>)", r"\1<h1>&#x540d;&#x5f55;</h1>\2", html, flags=re.S).encode()
    kept = {path: _fetch(origin + path) for path in PAGES.values()}  # how long the register takes is another measure
    bare = b"<!DOCTYPE html><html lang=zh-CN><meta charset=utf-8><title>x</title><p>&#x540d;&#x5f55;"

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            own = {"/frame": frame, "/bare": bare}.get(self.path)
            kind, body = ("text/html; charset=utf-8", own) if own else kept.get(self.path) or _fetch(origin + self.path)
            body = gzip.compress(body, 4) if not kind.startswith("image/png") else body
            self.send_response(200)
            self.send_header("Content-Type", kind)
            if not kind.startswith("image/png"):
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


def _fetch(address: str) -> tuple[str, bytes]:
    with urllib.request.urlopen(address) as answer:
        return answer.headers["Content-Type"], answer.read()
