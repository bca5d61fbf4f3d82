"""Every pair of colours that meet on a page is readable in every mode (WCAG 2.2 AA)."""

from __future__ import annotations

import re

import pytest

from registry.web.page_templates import STATIC

CSS = re.sub(r"/\*.*?\*/", "", (STATIC / "tokens.css").read_text("utf-8"), flags=re.DOTALL)
TEXT = ["ink", "muted", "accent", "accent-strong", "approved", "limited", "stopped", "unlisted"]
STATUSES = ["approved", "limited", "stopped", "unlisted"]
PAIRS = [
    *[(text, ground, 4.5) for text in TEXT for ground in ("paper", "wash")],
    *[(text, f"{status}-wash", 4.5) for status in STATUSES for text in (status, "ink", "muted", "accent")],
    ("on-accent", "accent", 4.5),
    ("on-accent", "accent-strong", 4.5),
    ("edge", "paper", 3.0),
    ("edge", "wash", 3.0),
]


def blocks() -> dict[str, list[dict[str, str]]]:
    """Colours of each block, by mode: the media queries and the selector around it."""
    found: dict[str, list[dict[str, str]]] = {}
    media = ""
    for at, selector, body in re.findall(r"@media ([^{]+)\{|(:root[^{]*)\{([^}]*)\}", CSS):
        if at:
            media = at
            continue
        colours = dict(re.findall(r"--([a-z-]+):\s*(#[0-9a-f]{6})", body))
        if colours:
            dark = "dark" in media and bool(media)
            contrast = "prefers-contrast" in media or "large" in selector
            found.setdefault(f"{'dark' if dark else 'light'}{' contrast' if contrast else ''}", []).append(colours)
        if re.search(re.escape(body) + r"\}\s*\}", CSS):
            media = ""
    return found


def luminance(colour: str) -> float:
    """WCAG's relative luminance of #rrggbb."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def ratio(one: str, other: str) -> float:
    """WCAG's contrast ratio."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_formula_gives_21_for_black_on_white() -> None:
    assert ratio("#000000", "#ffffff") == pytest.approx(21)


def test_there_are_four_modes_and_large_text_has_the_colours_of_high_contrast() -> None:
    found = blocks()
    assert {mode: len(many) for mode, many in found.items()} == {
        "light": 1,
        "dark": 1,
        "light contrast": 2,
        "dark contrast": 2,
    }
    for mode in ("light contrast", "dark contrast"):
        assert found[mode][0] == found[mode][1]
    names = {name for many in found.values() for name in many[0]}
    assert all(set(one) == names for many in found.values() for one in many)


@pytest.mark.parametrize("mode", ["light", "dark", "light contrast", "dark contrast"])
@pytest.mark.parametrize(("text", "ground", "least"), PAIRS)
def test_every_pair_is_readable(mode: str, text: str, ground: str, least: float) -> None:
    colours = blocks()[mode][0]
    wanted = max(least, 7.0) if "contrast" in mode and least == 4.5 else least
    assert ratio(colours[text], colours[ground]) >= wanted, f"{text} on {ground}"


def test_only_the_tokens_name_colours() -> None:
    css = (STATIC / "site.css").read_text("utf-8")
    assert set(re.findall(r"#[0-9a-fA-F]{3,8}\b", css)) <= {"#fff"}, "a QR code is always on white, nothing else is"
    used = set(re.findall(r"var\(--([a-z0-9-]+)\)", css))
    assert used <= set(re.findall(r"--([a-z0-9-]+):", CSS))
