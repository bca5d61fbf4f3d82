"""Names: functions are verb phrases, and nothing is named by a participle (docs/decisions/0144-verb-phrases.md)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path
    for top in ("registry", "public_site", "bench")
    for path in (ROOT / top).rglob("*.py")
    if "versions" not in path.parts
)
#: Participles that do not show it by their ending.
IRREGULAR = {
    "done",
    "found",
    "given",
    "held",
    "kept",
    "known",
    "made",
    "said",
    "seen",
    "sent",
    "taken",
    "told",
    "written",
}
#: Verbs that end like a participle.
VERBS = {"bring", "embed", "exceed", "feed", "need", "ping", "proceed", "seed", "speed"}
#: `Database.reading` and `.writing` are words of the product; a server's configuration names `served`, and an address
#: of the API `posted_pdf`.
KEPT = {"reading", "writing", "served", "posted_pdf"}


def is_participle(name: str) -> bool:
    word = name.lstrip("_").split("_")[0].lower()
    return word in IRREGULAR or (word.endswith(("ed", "ing")) and word not in VERBS)


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("__"):
            continue
        if not any("property" in ast.unparse(decorator) for decorator in node.decorator_list):
            yield node


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_function_is_named_by_a_participle(path: Path) -> None:
    names = {node.name for node in functions(ast.parse(path.read_text("utf-8")))}
    assert {name for name in names - KEPT if is_participle(name)} == set()
