"""Reading a catalogue: one PO file, as Babel and every translator's tool writes it. No build step, nothing compiled."""

from __future__ import annotations

import gettext
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

_FIELD = re.compile(r'^(msg\S+) (".*(?:\n".*)*)', re.MULTILINE)
_FUZZY = re.compile("^#,.*fuzzy", re.MULTILINE)
#: (context, id) of a message; the context is empty for most.
Key = tuple[str, str]


class Catalogue(NamedTuple):
    """The texts of one language, each with one text a plural form."""

    texts: dict[Key, tuple[str, ...]]
    choose_form: Callable[[int], int]

    def find(self, key: Key, count: object = None) -> str | None:
        """The text of a message in the form that ``count`` asks for; None when it is not translated."""
        forms = self.texts.get(key)
        if forms is None:
            return None
        return forms[self.choose_form(count)] if len(forms) > 1 and isinstance(count, int) else forms[-1]


def read_catalogue(path: Path) -> Catalogue:
    """Read a PO file; what is not translated, or marked as fuzzy, is left out."""
    texts: dict[Key, tuple[str, ...]] = {}
    for block in path.read_text("utf-8").split("\n\n"):
        fields = {name: _join_lines(lines) for name, lines in _FIELD.findall(block)}
        forms = tuple(text for name, text in fields.items() if name.startswith("msgstr"))
        if forms and all(forms) and not _FUZZY.search(block):
            texts[fields.get("msgctxt", ""), fields["msgid"]] = forms
    header = texts.pop(("", ""), ("",))[0]
    rule = re.search("plural=([^;]+)", header)
    return Catalogue(texts, gettext.c2py(rule[1] if rule else "0"))


def _join_lines(lines: str) -> str:
    """The text of lines in quotes, whose escapes are those of JSON."""
    text = "".join(line[1:-1] for line in lines.split("\n"))
    return str(json.loads(f'"{text}"')) if "\\" in text else text
