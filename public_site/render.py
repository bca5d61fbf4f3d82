"""A page's context to its HTML: the templates, bound to one language and size, and the addresses of static files."""

from __future__ import annotations

import hashlib
from functools import cache, partial
from pathlib import Path

import jinja2
from markupsafe import Markup

from public_site import changed, said, standing
from public_site.contexts import PageContext
from public_site.voice import Lang, Size, Voice
from registry.techniques import STAGES, TECHNIQUES

HERE = Path(__file__).parent
STATIC = HERE / "static"
_TONE_ICONS = {"approved": "tick", "limited": "half", "stopped": "bar", "unlisted": "question"}


@cache
def asset(name: str) -> str:
    """The address of a static file, with its content's hash in it: it may be kept for a year.

    >>> asset("site.css").startswith("/static/site.") and asset("site.css").endswith(".css")
    True
    """
    path = STATIC / name
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:10]
    return f"/static/{path.stem}.{digest}{path.suffix}"


@cache
def assets() -> dict[str, Path]:
    """Every static file a browser may ask for, by the last part of its address."""
    files = [path for path in STATIC.iterdir() if path.is_file()]
    return {asset(path.name).rsplit("/", 1)[-1]: path for path in files}


@cache
def icon(name: str) -> Markup:
    """An icon's SVG to stand in the page; decorative, so hidden from screen readers: a word is always beside it."""
    svg = (STATIC / "icons" / f"{name}.svg").read_text("utf-8").strip()
    safe = svg.replace("<svg ", f'<svg class="icon icon-{name}" aria-hidden="true" focusable="false" ', 1)
    return Markup(safe)  # noqa: S704  our own files


@cache
def environment(lang: Lang, size: Size) -> jinja2.Environment:
    """The templates in one language and size; four of them serve every page."""
    return speaking(Voice(lang, size))


def speaking(voice: Voice, *folders: Path) -> jinja2.Environment:
    """The templates, those of further ``folders`` before ours, with the words of a voice."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader([*folders, HERE / "templates"]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["plain_word"] = voice.plain
    made.filters["code_text"] = voice.code_text
    made.globals.update(
        voice=voice,
        t=voice.t,
        link=voice.link,
        asset=asset,
        icon=icon,
        tone_icon=lambda tone: icon(_TONE_ICONS[tone]),
        sentences=partial(said.sentences, voice),
        changes=partial(changed.changes, voice),
        kind_of=changed.kind_of,
        learnt=partial(changed.learnt, voice),
        sides=partial(changed.sides, voice),
        known_when=partial(changed.known_when, voice),
        region_of=partial(said.region_of, voice),
        scope_name=partial(said.scope_name, voice),
        rest_of_address=partial(said.rest_of_address, voice),
        source_of=partial(said.source_of, voice),
        titled=partial(said.titled, voice),
        ownership_word=partial(said.ownership_word, voice),
        stage_word=partial(said.stage_word, voice),
        standing_of=standing.standing_of,
        in_order=standing.in_order,
        tone_of=standing.tone_of,
        technique_codes=[technique.code for technique in TECHNIQUES],
        stage_codes=list(STAGES),
    )
    return made


def render(context: PageContext, lang: Lang = "zh-CN", size: Size = "normal") -> str:
    """The page as HTML."""
    return environment(lang, size).get_template(context.template).render(page=context)
