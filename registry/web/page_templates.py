"""The templates, bound to one language and text size, and the addresses of static files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from types import CodeType
from typing import Any

import jinja2
from jinja2.bccache import Bucket
from markupsafe import Markup

from registry.credentials.verifier import PAGE_WORDS
from registry.domain.techniques import STAGES, TECHNIQUES
from registry.institutions.findings import describe_finding
from registry.web import labels, record_changes, standing
from registry.web.i18n import Language

_FOLDER = Path(__file__).parent
STATIC = _FOLDER / "static"
_TONE_ICONS = {"approved": "tick", "limited": "half", "stopped": "bar", "unlisted": "question", "plain": "info"}


@cache
def make_asset_url(name: str) -> str:
    """Return the address of a static file; it has the content's hash in it, so that browsers may cache it for a year.

    >>> make_asset_url("site.css").startswith("/static/site.") and make_asset_url("site.css").endswith(".css")
    True
    """
    path = STATIC / name
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:10]
    return f"/static/{path.stem}.{digest}{path.suffix}"


@cache
def list_assets() -> dict[str, Path]:
    """Return every static file that browsers may fetch, by the last part of its address."""
    files = [path for path in STATIC.iterdir() if path.is_file()]
    return {make_asset_url(path.name).rsplit("/", 1)[-1]: path for path in files}


@cache
def render_icon(name: str) -> Markup:
    """Return an icon's SVG for a page; hidden from screen readers, because a word always stands next to it."""
    svg = (STATIC / "icons" / f"{name}.svg").read_text("utf-8").strip()
    safe = svg.replace("<svg ", f'<svg class="icon icon-{name}" aria-hidden="true" focusable="false" ', 1)
    return Markup(safe)  # noqa: S704  our own files


#: Functions of a language that templates call without naming it.
_IN_LANGUAGE: tuple[Callable[..., Any], ...] = (
    *(labels.describe_standing, labels.format_scope, labels.format_rest_of_address),
    *(labels.list_details, labels.format_source, labels.format_source_title),
    *(labels.get_ownership_label, labels.get_stage_label, labels.describe_list_age),
    *(labels.describe_compared, labels.describe_basis),
    *(record_changes.describe_changes, record_changes.describe_recording, record_changes.describe_list_change),
    *(record_changes.compare_records, record_changes.format_known_time),
)


@jinja2.pass_context  # so that nothing of a language gets into what a template is compiled to
def _get_plain_word(context: jinja2.runtime.Context, word: Any) -> Any:
    return context["language"].get_plain_word(word)


@jinja2.pass_context
def _format_monospace(context: jinja2.runtime.Context, text: Any) -> Any:
    return context["language"].format_monospace(text)


class _CompiledTemplates(jinja2.BytecodeCache):
    """The compiled templates of this process; every language and text size shares them."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Load what this text of a template was compiled to before, if it was."""
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what a text was compiled to."""
        self._codes[bucket.key, bucket.checksum] = bucket.code


_compiled = _CompiledTemplates()


def bind_templates(language: Language, *folders: Path) -> jinja2.Environment:
    """Return the templates with the words of a language; those of ``folders`` come before ours."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([*folders, _FOLDER / "templates"]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=_compiled,
    )
    environment.filters["plain_word"] = _get_plain_word
    environment.filters["code_text"] = _format_monospace
    environment.globals.update({function.__name__: partial(function, language) for function in _IN_LANGUAGE})
    environment.globals.update(
        language=language,
        t=language.translate,
        say=language.format_message,
        link=language.make_link,
        asset=make_asset_url,
        icon=render_icon,
        tone_icon=lambda tone: render_icon(_TONE_ICONS[tone]),
        classify_version=record_changes.classify_version,
        make_standing=standing.make_standing,
        show_approvals=standing.show_approvals,
        choose_tone=standing.choose_tone,
        is_old_list=labels.is_old_list,
        scan_words=PAGE_WORDS,
        describe_finding=describe_finding,
        technique_codes=[technique.code for technique in TECHNIQUES],
        stage_codes=list(STAGES),
    )
    return environment
