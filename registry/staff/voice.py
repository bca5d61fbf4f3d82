"""How the workspace speaks: the citizens' words, and those of its own."""

from __future__ import annotations

import datetime as dt
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from public_site import render, voice
from public_site.voice import Lang, Size, Voice
from registry import regions

HERE = Path(__file__).parent


class StaffVoice(Voice):
    """Words of the workspace before those of the citizens' pages."""

    def catalogue(self) -> dict[str, dict[str, str]]:
        """Both catalogues."""
        return _words()

    def at(self, milliseconds: int) -> Markup:
        """An instant given in milliseconds since 1970."""
        return self.moment(dt.datetime.fromtimestamp(milliseconds / 1000, dt.UTC))

    def region(self, code: str) -> Markup:
        """A region by its names; the whole country for none."""
        found = regions.get(code) if code else None
        return self.place(found.province, found.city, found.district) if found else self.t("accounts.everywhere")


@cache
def _words() -> dict[str, dict[str, str]]:
    return voice.words() | voice.words(HERE / "words.toml")


def role_word(role: str, lang: Lang) -> str:
    """A role by its word."""
    return str(StaffVoice(lang).t(f"role.{role}"))


@cache
def environment(lang: Lang, size: Size) -> jinja2.Environment:
    """The templates of the workspace in one language and size."""
    return render.speaking(StaffVoice(lang, size), HERE / "templates")
