"""The catalogues of registry/texts: what has to be in them, and putting them in order.

python -m tests.translation          every PO file: new sentences added, those that are gone removed, changed marked
python -m tests.translation fr       the same, with a catalogue for French begun
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from registry import texts

ROOT = Path(__file__).parents[1]
MAKERS = {"Message", "PluralMessage", "write_bilingual"}
METHODS = [
    ("registry/texts/zh_CN.po", "tests.translation:extract_page_texts"),
    ("registry/**.py", "tests.translation:extract_messages"),
    ("public_site/**.py", "tests.translation:extract_messages"),
]
Found = Iterator[tuple[int, str, tuple[str, ...], list[str]]]


def extract_messages(source: IO[bytes], *_names: object, **_options: object) -> Found:
    """The messages that Python code makes, as Babel wants them: line, function, (context, text[, plural]), comments."""
    for node in ast.walk(ast.parse(source.read())):
        if not isinstance(node, ast.Call) or getattr(node.func, "id", "") not in MAKERS or not node.args:
            continue
        text, name = node.args[0], node.func.id  # type: ignore[attr-defined]
        if not isinstance(text, ast.Constant):
            continue
        context = next((word.value.value for word in node.keywords if word.arg == "context"), "")  # type: ignore[attr-defined]
        plural = (text.value,) if name == "PluralMessage" else ()
        yield node.lineno, "npgettext" if plural else "pgettext", (context, text.value, *plural), []


def extract_page_texts(source: IO[bytes], *_names: object, **_options: object) -> Found:
    """The texts of pages: their key is the context, their Chinese the text."""
    for one in read_po(source):
        if one.id and one.pluralizable:
            yield 1, "npgettext", (one.id[0], one.string[0], one.string[0]), []
        elif one.id:
            yield 1, "pgettext", (one.id, one.string), []


def extract_all() -> Catalog:
    """Everything a language has to have."""
    found = Catalog()
    keywords: dict[str, Any] = {"pgettext": ((1, "c"), 2), "npgettext": ((1, "c"), 2, 3)}
    for name, _line, message, _comments, context in extract_from_dir(ROOT, METHODS, keywords=keywords):
        found.add(message, None, [(name, 1)], context=context or None)
    return found


def read_language(path: Path) -> Catalog:
    """A catalogue as it is."""
    with path.open("rb") as source:
        return read_po(source, locale=path.stem, ignore_obsolete=True)


def write_language(catalogue: Catalog, path: Path) -> None:
    """A catalogue in the form that is kept: by file, without line numbers and dates, so that changes are readable."""
    catalogue.fuzzy = False
    catalogue.header_comment = "# The register's texts. See docs/translation.md."
    with path.open("wb") as target:
        write_po(target, catalogue, width=120, include_lineno=False, ignore_obsolete=True, include_previous=False)
    text = re.sub(
        r'^"(?:Project-Id-Version|Report-Msgid-Bugs-To|POT-Creation-Date|PO-Revision-Date|Last-Translator|Language-Team|Generated-By).*\n',
        "",
        path.read_text("utf-8"),
        flags=re.M,
    )
    path.write_text(text, "utf-8")


def update_language(path: Path, source: Catalog) -> None:
    """New sentences come in untranslated, or with the translation of one much like it marked as fuzzy."""
    catalogue = read_language(path) if path.exists() else Catalog(locale=path.stem)
    catalogue.update(source, update_creation_date=False)
    write_language(catalogue, path)


def list_page_keys(*, workspace: bool = True) -> list[str]:
    """The keys of the texts of pages; those of the workspace are marked so."""
    with (texts.FOLDER / "zh_CN.po").open("rb") as source:
        found = [one for one in read_po(source) if one.id]
    keys = [(one.id[0] if one.pluralizable else one.id, one.auto_comments) for one in found]
    return [key for key, marks in keys if workspace or "workspace" not in marks]


def list_languages() -> list[Path]:
    """The files of all languages into which the Chinese is translated."""
    return sorted(path for path in texts.FOLDER.glob("*.po") if path.stem != "zh_CN")


def main() -> None:
    """Bring every language up to date."""
    source = extract_all()
    for path in {*list_languages(), *(texts.FOLDER / f"{name}.po" for name in sys.argv[1:])}:
        update_language(path, source)
        done = sum(bool(one.string) and not one.fuzzy for one in read_language(path) if one.id)
        sys.stdout.write(f"{path.name}: {done} of {len(source)}\n")


if __name__ == "__main__":
    main()
