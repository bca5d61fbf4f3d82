"""One catalogue holds every sentence, complete in every language; the code holds none in two."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from registry import texts
from registry.server import app
from registry.texts.po_file import read_catalogue
from tests import translation

SOURCES = [path for folder in ("registry", "public_site") for path in (translation.ROOT / folder).rglob("*.py")]
LANGUAGES = pytest.mark.parametrize("path", translation.list_languages(), ids=lambda path: path.stem)
CHINESE = re.compile("[\u3400-\u9fff]")
#: Modules whose Chinese is data: official names, words that are looked for, headings of files, samples.
DATA = re.compile(
    r"registry/(domain|search|editions)/|registry/importers/(matching|people|reading|seed)/|registry/api/examples"
    r"|registry/batch/columns|registry/verification/(address\w+|names|name_\w+|\w+_names|site_match)|public_site/sample_"
)
#: Chinese that is written into the log or into files as it is, or that a program looks for.
RECORDED = {
    "public_site/list_upload.py": "the name of a file",
    "registry/accounts/passwords.py": "words of bad passwords",
    "registry/api/openapi_refusals.py": "examples",
    "registry/cli/proposals.py": "titles of proposals",
    "registry/importers/wizard/list_import.py": "titles of sources",
    "registry/institutions/search.py": "a search that warms up",
    "registry/measures/handover.py": "the fields of another system",
    "registry/proposals/credential_proposals.py": "titles of proposals",
    "registry/proposals/edition_proposals.py": "titles of proposals",
    "registry/proposals/emergency.py": "titles and reasons of proposals",
    "registry/settings.py": "the default name of a provider",
    "registry/staff/forms/checks.py": "a kind of certificate",
    "registry/staff/forms/compose.py": "titles of proposals",
    "registry/staff/forms/forms.py": "values of records, patterns",
    "registry/staff/forms/record_values.py": "patterns",
    "registry/staff/forms/renewals.py": "titles of proposals",
    "registry/web/i18n.py": "patterns",
}


def name_of(path: Path) -> str:
    return path.relative_to(translation.ROOT).as_posix()


def key_of(one: Any) -> tuple[str, str]:
    return one.context or "", one.id[0] if one.pluralizable else one.id


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@LANGUAGES
def test_a_language_has_exactly_what_the_code_says(path: Path) -> None:
    wanted = {key_of(one) for one in translation.extract_all() if one.id}
    held = {key_of(one) for one in translation.read_language(path) if one.id}
    assert (sorted(wanted - held), sorted(held - wanted)) == ([], []), "run: python -m tests.translation"


@LANGUAGES
def test_everything_is_translated_and_checked(path: Path) -> None:
    catalogue = translation.read_language(path)
    forms = [(one, one.string if one.pluralizable else (one.string,)) for one in catalogue if one.id]
    assert [one.id for one, said in forms if not all(said) or one.fuzzy] == []


@LANGUAGES
def test_a_translation_fills_in_what_its_message_has(path: Path) -> None:
    wrong = []
    for one in translation.read_language(path):
        if not one.id or not one.python_brace_format:
            continue
        said = one.string if one.pluralizable else (one.string,)
        have = fields(one.id[0] if one.pluralizable else one.id)
        if any(not fields(text) <= have | GRAMMAR for text in said):
            wrong.append(one.id)
    assert wrong == []


#: What Chinese grammar has no word for.
GRAMMAR = {"be", "are", "may", "may_they", "when", "now", "Stopped", "Count", "month_name", "day", "continued"}
#: Sentences whose translation says more than the Chinese.
GRAMMAR |= {"longest_text", "every_status", "more", "column"}


@LANGUAGES
def test_the_reader_reads_what_babel_reads(path: Path) -> None:
    said = {
        key_of(one): one.string if one.pluralizable else (one.string,)
        for one in translation.read_language(path)
        if one.id
    }
    assert read_catalogue(path).texts == said


def literal(node: ast.AST) -> str:
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return "".join(part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str))


def list_pairs(tree: ast.AST) -> list[int]:
    """Lines on which a Chinese literal stands beside one of English prose."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in translation.MAKERS:
            continue
        sides = [*node.args, *(word.value for word in node.keywords)] if isinstance(node, ast.Call) else []
        sides = (
            node.elts
            if isinstance(node, ast.Tuple | ast.List)
            else node.values
            if isinstance(node, ast.Dict)
            else sides
        )
        sides = [node.body, node.orelse] if isinstance(node, ast.IfExp) else sides
        said = [literal(side) for side in sides]
        for one, other in pairwise(said):
            if CHINESE.search(one) and not CHINESE.search(other) and re.search("[a-z]{2}.* .*[a-z]{2}", other):
                found.append(node.lineno)  # type: ignore[attr-defined]
        if isinstance(node, ast.Constant | ast.JoinedStr) and re.search(
            "[\u3400-\u9fff][^/]* / [A-Za-z]", literal(node)
        ):
            found.append(node.lineno)
    return found


def without_docstrings(tree: ast.AST) -> ast.AST:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if (
            isinstance(body, list)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
        ):
            body[0] = ast.Pass()
    return tree


def test_no_code_holds_a_sentence_in_two_languages() -> None:
    found = []
    for path in SOURCES:
        if not re.search(
            r"public_site/sample_|registry/(api/examples|domain/techniques|importers/people/columns|importers/reading/headings)",
            name_of(path),
        ):
            found += [
                f"{name_of(path)}:{line}" for line in list_pairs(without_docstrings(ast.parse(path.read_text("utf-8"))))
            ]
    assert found == []


def test_chinese_outside_of_messages_is_data() -> None:
    found = set()
    for path in SOURCES:
        tree = without_docstrings(ast.parse(path.read_text("utf-8")))
        said = {
            id(node.args[0])
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in translation.MAKERS and node.args
        }
        alone = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in said)
        if any(isinstance(node.value, str) and CHINESE.search(node.value) for node in alone) and not DATA.search(
            name_of(path)
        ):
            found.add(name_of(path))
    assert found == set(RECORDED)


def test_every_text_of_the_workspace_is_used() -> None:
    folder = translation.ROOT / "registry" / "staff"
    code = "\n".join(path.read_text("utf-8") for path in folder.rglob("*") if path.suffix in (".py", ".html"))
    begun = tuple(re.findall(r'"([a-z_]+\.(?:[a-z_]+\.)*[a-z_]*)(?:\{|" ~)', code))
    public = set(translation.list_page_keys(workspace=False))
    keys = [key for key in translation.list_page_keys() if key not in public]
    assert [key for key in keys if f'"{key}"' not in code and not key.startswith(begun)] == []


def test_nothing_is_shown_that_did_not_pass_the_catalogue() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "tests.pseudo"], cwd=translation.ROOT, capture_output=True, text=True, check=True
    )
    assert told.stdout == ""


def test_a_message_without_a_translation_is_chinese_and_braces_without_values_stand_for_themselves() -> None:
    assert texts.Message("没有译文的{词}").to_text("en") == "没有译文的{词}"
    assert texts.Message("已停用").to_text("fr") == "已停用"


def test_a_server_has_its_catalogues_before_it_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    texts.load_catalogue.cache_clear()
    texts.load_page_texts.cache_clear()
    monkeypatch.setattr("os.umask", lambda _mode: 0)
    app.build_server_app()
    monkeypatch.setattr(texts, "read_catalogue", lambda _path: pytest.fail("opened a file while it served"))
    assert texts.find_text("site.large", "en") != texts.find_text("site.large")
    assert texts.load_catalogue("en") is not None
