"""How the workspace speaks: the citizens' words, and those of its own."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from public_site import render, voice
from public_site.voice import Lang, Size, Voice
from registry import regions
from registry.model import Draft
from registry.records.asof import instant_at

HERE = Path(__file__).parent


class StaffVoice(Voice):
    """Words of the workspace before those of the citizens' pages."""

    def catalogue(self) -> dict[str, dict[str, str]]:
        """Both catalogues."""
        return _words()

    def at(self, milliseconds: int) -> Markup:
        """An instant given in milliseconds since 1970."""
        return self.moment(instant_at(milliseconds))

    def stated(self, draft: Draft) -> list[tuple[Markup, Markup]]:
        """What a draft states, erases and gives as its reason, as (label, value)."""
        pairs = [(self.field(path), self.worded(path, value)) for path, value in draft.change.set.items()]
        pairs += [(self.field(path), self.t("proposal.erased")) for path in draft.change.erases]
        pairs.append((self.t("proposal.from"), self.day(draft.valid_from)))
        return pairs + ([(self.t("proposal.why"), self.data(draft.change.reason))] if draft.change.reason else [])

    def field(self, path: str) -> Markup:
        """A field by its word; one without a word by its own name."""
        key = f"field.{path}"
        return self.t(key) if key in self.catalogue() else self.code_text(path)

    def worded(self, path: str, value: Any) -> Markup:
        """A value of a record as text, by the path it stands at."""
        if value is None:
            return self.t("proposal.nothing")
        if isinstance(value, bool):
            return self.t("proposal.yes" if value else "proposal.no")
        if path in ("techniques", "covers"):
            return self.listing(self.plain(one) for one in value)
        if path == "scope" and regions.get(value):
            return self.region(value)
        return self.names(map(str, value)) if isinstance(value, list) else self.data(str(value))

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
