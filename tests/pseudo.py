"""Pages and answers in a language in which every text of the catalogue stands in brackets: 【…】.

What stands outside of them and is no data was never translated. ``python -m tests.pseudo`` prints it. In a process of
its own, because texts are remembered: the brackets have to be there before the first page is made.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click

from tests.pseudo_texts import find_untranslated, read_page, speak_in_brackets

speak_in_brackets()

from registry import cli  # noqa: E402 - what reads texts as it is imported
from tests import explained  # noqa: E402
from tests.factories import ask  # noqa: E402
from tests.pages import gallery  # noqa: E402


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
