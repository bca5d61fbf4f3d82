"""Pages and answers in a language in which every text of the catalogue stands in brackets: ⟦…⟧.

What stands outside of them and is no data was never translated. ``python -m tests.pseudo`` prints it. In a process of
its own, because texts are remembered: the brackets have to be there before the first page is made.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from html import unescape
from pathlib import Path

from registry import texts
from registry.texts.po_file import Catalogue, Key

ENGLISH = texts.load_catalogue("en")
assert ENGLISH is not None


class Pseudo(Catalogue):
    """English in brackets."""

    def find(self, key: Key, count: object = None) -> str | None:
        """A text in brackets, but for what only parts others: commas and the like."""
        text = super().find(key, count)
        return f"⟦{text}⟧" if text and re.search("[a-z]{2}", re.sub(r"\{.*?\}", "", text)) else text


texts.load_catalogue = lambda lang: Pseudo(*ENGLISH) if lang.startswith("en") else None  # type: ignore[assignment]

import click  # noqa: E402

from registry import cli  # noqa: E402
from registry.domain.techniques import TECHNIQUES  # noqa: E402
from tests import explained  # noqa: E402
from tests.factories import ask  # noqa: E402
from tests.pages import gallery  # noqa: E402

#: Names of things, which are the same in every language.
NAMES = re.compile(
    "|".join(
        sorted((re.escape(name) for t in TECHNIQUES for name in (t.official_en, t.plain_en)), key=len, reverse=True)
    )
    + r"|https?://\S+"
    + r"|\b[\w.-]+\.(?:example|json|csv|xlsx|docx|pdf|html|txt|cn|jws)\b"
    + r"|\b[a-z]+(?:_[a-z]+)+\b|SHA-256|JSON|API|\b(?:query|path|eight characters)\b"
)


def find_untranslated(text: str) -> list[str]:
    """The English words outside of brackets."""
    before = ""
    while before != text:
        before, text = text, re.sub("⟦[^⟦⟧]*⟧", " ", text)
    return re.findall(r"[A-Za-z]{3,}(?: [a-z]{2,})+|\b[a-z]{3,}\b", NAMES.sub(" ", text))


def read_page(html: str) -> str:
    """What a person reads of a page: without code, and without what is marked as Chinese."""
    html = re.sub(r"(?s)<(script|style|pre|code|svg|head)\b.*?</\1>", " ", html)
    html = re.sub(r'(?s)<(\w+)[^>]*(?:lang="zh-CN"|translate="no"|class="[^"]*\bcode\b[^"]*")[^>]*>.*?</\1>', " ", html)
    shown = re.findall(r'(?:alt|title|placeholder|aria-label)="([^"]*)"', html)
    return unescape(re.sub("<[^>]*>", " ", html) + " ".join(shown))


def read_help(command: click.Command, name: str = "registry") -> Iterator[tuple[str, str]]:
    """(command, English half) of every paragraph of the shell's help: of commands and of their options."""
    context = click.Context(command, info_name=name)
    for text in (command.help, *(getattr(option, "help", "") for option in command.get_params(context))):
        for paragraph in (text or "").split("\n\n"):
            chinese, both, english = paragraph.partition(" / ")
            yield f"help of {name}", re.sub(r"\S+=\S*", " ", english if both else chinese)
    for below in command.commands.values() if isinstance(command, click.Group) else ():
        yield from read_help(below, f"{name} {below.name}")


def make_texts() -> Iterator[tuple[str, str]]:
    """(what it is, text) of everything that is made here."""
    for name, page in gallery.make_pages().items():
        if name == "components":  # the parts of pages, each by the name that designers call it
            continue
        yield f"page {name}", read_page(gallery.render_page(page, "en"))
    yield from read_help(cli.main)
    table = tomllib.loads((Path(__file__).parent / "data" / "explanations.toml").read_text("utf-8"))
    views = {"": explained.view, "partial": explained.partial, "empty": explained.empty}
    for rows in table.values():
        for row in rows:
            told = dict(row["asked"])
            answer = ask(
                views[row.get("register", "")](), told.pop("name", None), *told.pop("techniques", ()), lang="en", **told
            )
            for part in (answer, answer.practitioner, answer.ad_certificate):
                if part is not None:
                    yield f"answer {row['reason']}", part.explanation


def main() -> None:
    """Say what was not translated."""
    for what, text in make_texts():
        for words in find_untranslated(text):
            sys.stdout.write(f"{what}: {words}\n")


if __name__ == "__main__":
    main()
