"""The sample pages before other people's judges: html-validate for the HTML, axe-core for accessibility."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.pages import gallery, site
from tests.thoroughness import THOROUGH

TOOLS = Path(__file__).parents[1] / "page_quality"
AXE = TOOLS / "node_modules" / "axe-core" / "axe.min.js"
#: A page of each template, and of each state where it looks otherwise: for axe, which takes a second for one.
NAMES = (
    *(
        "home",
        "overview",
        "data",
        "institution",
        "institution-revoked",
        "landing",
        "landing-suspended",
        "landing-unknown",
    ),
    *(
        "search",
        "search-near",
        "search-many",
        "search-warning",
        "check",
        "check-licensed",
        "check-errors",
        "check-list",
    ),
    *("check-text-nobody", "check-person-authorised", "history", "history-differs", "institution-past", "norecord"),
    *("editions", "edition", "log", "log-entry", "log-missing", "receipt", "receipt-altered", "offline", "preview"),
    *("about", "developers", "static-search", "static-institution", "error-404", "error-503"),
)
STATIC_PAGES = {name.removesuffix(".html"): page for name, page in site.make_static_pages().items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not AXE.is_file():
        pytest.fail("没有检查工具 / no judges of pages: bash tests/setup.sh quality", pytrace=False)
    target = tmp_path_factory.mktemp("samples")
    gallery.write_pages(target)
    for name, page in STATIC_PAGES.items():
        for lang in ("zh-CN", "en"):
            text = gallery.render_page(page, lang).replace('"/static/', '"static/')  # type: ignore[arg-type]
            (target / f"{name}.{lang[:2]}.html").write_text(text, "utf-8")
    return target


def list_samples(folder: Path, every: bool) -> list[Path]:
    pages = [name for name in gallery.make_pages() if name != "components"]
    names = {*pages, *STATIC_PAGES} if every else NAMES
    return [folder / f"{name}.{lang}.html" for name in names for lang in ("zh", "en")]


def test_html_is_valid(folder: Path) -> None:
    samples = list_samples(folder, every=True)
    node = shutil.which("node")
    assert node is not None, "bash tests/setup.sh quality"
    tool = TOOLS / "node_modules" / "html-validate" / "bin" / "html-validate.mjs"
    command = [node, str(tool), "--config", str(TOOLS / ".htmlvalidate.json"), "-f", "json", *map(str, samples)]
    with (folder / "found.json").open("wb") as out:  # a pipe would lose what is longer than it
        subprocess.run(command, stdout=out, check=False)
    told = json.loads((folder / "found.json").read_text("utf-8"))
    assert len(told) == len(samples) or told == []
    found = Counter(
        (page["filePath"].rsplit("/", 1)[-1], one["ruleId"], one["message"])
        for page in told
        for one in page["messages"]
    )
    assert dict(found) == {}


def test_axe_finds_nothing(browser: Browser, folder: Path) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page, found = context.new_page(), []
    for sample in list_samples(folder, every=THOROUGH):
        page.goto(f"file://{sample}")
        page.evaluate(AXE.read_text("utf-8"))
        result = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
        found += [
            (sample.name, one["id"], one["nodes"][0]["html"][:120], one["nodes"][0]["failureSummary"][:200])
            for one in result["violations"]
        ]
    context.close()
    assert found == []
