"""A page's context to its HTML."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import jinja2

from public_site.contexts import PageContext
from registry.web.i18n import Lang, Language, Size
from registry.web.page_templates import bind_templates


@cache
def build_environment(lang: Lang, size: Size) -> jinja2.Environment:
    """The templates in one language and size; four of them serve every page."""
    return bind_templates(Language(lang, size), Path(__file__).parent / "templates")


def render_page(context: PageContext, lang: Lang = "zh-CN", size: Size = "normal") -> str:
    """The page as HTML."""
    return build_environment(lang, size).get_template(context.template).render(page=context)
