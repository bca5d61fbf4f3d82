"""The sample pages before other people's judges: html-validate for the HTML, axe-core for accessibility."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.pages import gallery

TOOLS = Path(__file__).parents[1] / "page_quality"
AXE = TOOLS / "node_modules" / "axe-core" / "axe.min.js"
#: A page of each template, and of each state where it looks otherwise.
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
    *("search", "check", "check-licensed", "history", "editions", "edition", "log", "about", "developers", "error-404"),
)


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    if not AXE.is_file():
        pytest.fail("没有检查工具 / no judges of pages: bash tests/setup.sh quality", pytrace=False)
    folder = tmp_path_factory.mktemp("samples")
    gallery.write_pages(folder)
    return [folder / f"{name}.{lang}.html" for name in NAMES for lang in ("zh", "en")]


def test_html_is_valid(samples: list[Path]) -> None:
    node = shutil.which("node")
    assert node is not None, "bash tests/setup.sh quality"
    tool = TOOLS / "node_modules" / "html-validate" / "bin" / "html-validate.mjs"
    command = [node, str(tool), "--config", str(TOOLS / ".htmlvalidate.json"), "-f", "json", *map(str, samples)]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
    assert len(told) == len(samples) or told == []
    found = Counter(
        (page["filePath"].rsplit("/", 1)[-1], one["ruleId"], one["message"])
        for page in told
        for one in page["messages"]
    )
    assert dict(found) == {}


def test_axe_finds_nothing(browser: Browser, samples: list[Path]) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page, found = context.new_page(), []
    for sample in samples:
        page.goto(f"file://{sample}")
        page.evaluate(AXE.read_text("utf-8"))
        result = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
        found += [
            (sample.name, one["id"], one["nodes"][0]["html"][:120], one["nodes"][0]["failureSummary"][:200])
            for one in result["violations"]
        ]
    context.close()
    assert found == []
