"""What a check finds in a form: errors that stop, warnings that a person may confirm, notes that only tell."""

from __future__ import annotations

import hashlib
from typing import Literal

from registry.domain.model import Struct

Level = Literal["error", "warning", "note"]


class Finding(Struct, frozen=True):
    """One finding at a field (empty: of the whole form). ``links``: (words, address in the workspace)."""

    level: Level
    field: str
    zh: str
    en: str
    links: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> str:
        """What a confirmation of exactly this finding names."""
        return hashlib.sha256(f"{self.field}|{self.zh}|{self.links}".encode()).hexdigest()[:16]

    def get_text(self, lang: str) -> str:
        """The sentence in the asked language."""
        return self.en if lang.startswith("en") else self.zh


def make_error(field: str, zh: str, en: str) -> Finding:
    """What has to be put right before anything is proposed."""
    return Finding(level="error", field=field, zh=zh, en=en)


def make_warning(field: str, zh: str, en: str, *links: tuple[str, str]) -> Finding:
    """What may be right, and which somebody confirms."""
    return Finding(level="warning", field=field, zh=zh, en=en, links=links)


def make_note(field: str, zh: str, en: str) -> Finding:
    """What the form works out by itself."""
    return Finding(level="note", field=field, zh=zh, en=en)
