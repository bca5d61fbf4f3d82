"""Every file, module and function that a document names exists."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "seed_data").glob("*.md")),
]
_TOP = "registry|public_site|seed_data|tests|bench|docs"
SOURCES = [
    path.relative_to(ROOT).as_posix()
    for top in ("registry", "public_site", "tests", "bench")
    for path in (ROOT / top).rglob("*.py")
]
#: `registry/log/store.py`, `tests/unit/`, and such paths in a table or a tree without marks around them.
_PATH = re.compile(rf"(?<![\w/.\-])(?:{_TOP})/[\w./\-]*(?![\w./\-*])")
#: `protocol.py`, `server/protocol.py`: a source file named by the end of its path.
_SOURCE = re.compile(r"`((?:[a-z_]+/)*\w+\.py)\b")
_DOTTED = re.compile(r"(?<![\w/.\-])(?:registry|public_site)(?:\.[A-Za-z_]\w*)+")
#: What begins like a dotted name and is none.
NOT_NAMES = {"registry.example", "registry.backup", "registry.service", "registry.sqlite", "registry.db"}


def resolves(name: str) -> bool:
    """Whether a dotted name is a module, or leads from one to something in it."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:length]))
        except ImportError:
            continue
        for part in parts[length:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


def test_every_path_that_a_document_names_is_there() -> None:
    missing = set()
    for document in DOCUMENTS:
        text = document.read_text("utf-8")
        named = {name.rstrip("./") for name in _PATH.findall(text)}
        missing |= {(document.name, name) for name in named if not (ROOT / name).exists()}
        sources = {name for name in _SOURCE.findall(text) if not any(f"/{one}".endswith(f"/{name}") for one in SOURCES)}
        missing |= {(document.name, name) for name in sources}
    assert missing == set()


def test_every_dotted_name_of_a_document_resolves() -> None:
    named = {(one.name, name) for one in DOCUMENTS for name in set(_DOTTED.findall(one.read_text("utf-8"))) - NOT_NAMES}
    assert {(document, name) for document, name in named if not resolves(name)} == set()
