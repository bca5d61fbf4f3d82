"""The public pages' styles and scripts use nothing that a browser of 2018, such as WeChat's, cannot read."""

from __future__ import annotations

import re

import pytest

from registry.web.page_templates import BUNDLES, STATIC, read_asset

STYLES = {
    name: re.sub(r"/\*.*?\*/", "", (STATIC / name).read_text("utf-8"), flags=re.S) for name in BUNDLES["pages.css"]
}
#: Scripts of the workspace, which is for newer browsers.
WORKSPACE = {"sort.js", "drafts.js"}
SCRIPTS = {path.name: path.read_text("utf-8") for path in STATIC.glob("*.js") if path.name not in WORKSPACE}
#: Newer than 2018, where leaving it out changes what a page shows: a whole rule is lost, or elements touch.
NEWER_CSS = (
    (r":(is|where|has)\(", "a selector that loses the whole rule"),
    (r"(?<![\w-])(padding|margin|inset|border)-(block|inline)\b", "a shorthand by reading direction"),
    (r"(?<![\w-])inset\s*:", "inset"),
    (r"(?<![\w-])(min|max|clamp)\(", "arithmetic of sizes"),
    (r"aspect-ratio\s*:", "a ratio that gives a height"),
    (r"@(layer|container|property)\b", "a block that is skipped"),
    (r"rgba?\([^)]*/", "a colour with a slash"),
    (r"(?<!-)\b(d|s|l)v[hw]\b", "units of the small window"),
)
#: ES2020 and later, and methods that came with it.
NEWER_JS = (
    r"\?\.",
    r"\?\?",
    r"\breplaceAll\(",
    r"\breplaceChildren\(",
    r"\.at\(",
    r"#\w+\s*[=(]",
    r"\ballSettled\b",
    r"\bBigInt\b|\d+n\b",
)


def rules(css: str) -> list[tuple[str, str]]:
    return [(selector.strip(), body) for selector, body in re.findall(r"([^{}]+)\{([^{}]*)\}", css)]


@pytest.mark.parametrize("name", STYLES)
def test_a_style_uses_nothing_newer(name: str) -> None:
    found = [(why, match[0]) for pattern, why in NEWER_CSS for match in re.finditer(pattern, STYLES[name])]
    assert found == []


@pytest.mark.parametrize("name", STYLES)
def test_distances_in_rows_are_margins(name: str) -> None:
    """What is a row here and has its gap from there is found too: by the selector."""
    flexible = {selector for selector, body in rules(STYLES[name]) if re.search(r"display:\s*(inline-)?flex", body)}
    gapped = {
        selector
        for selector, body in rules(STYLES[name])
        if re.search(r"(?<!grid-)(?<![\w])((row|column)-)?gap:", body)
    }
    assert flexible & gapped == set()


def test_the_focus_is_shown_where_a_browser_cannot_tell_how_it_came() -> None:
    assert re.search(r"(?m)^:focus \{ outline: 3px", STYLES["site.css"])


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_uses_nothing_newer(name: str) -> None:
    assert [match[0] for pattern in NEWER_JS for match in re.finditer(pattern, SCRIPTS[name])] == []


def test_the_styles_that_are_sent_as_one_say_what_the_files_say() -> None:
    sent = read_asset("pages.css").decode()
    squeezed = re.sub(r"\s", "", "".join(STYLES.values())).replace(";}", "}")
    assert re.sub(r"\s", "", sent).replace(";}", "}") == squeezed
    assert len(sent) < 32_000
