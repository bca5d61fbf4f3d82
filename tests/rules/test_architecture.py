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
from functools import cache
from pathlib import Path

import pytest

import registry
from registry import errors
from registry.errors import STATUSES

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*(ROOT / "registry").rglob("*.py"), *(ROOT / "public_site").rglob("*.py")])
LONGEST_FILE, LONGEST_FUNCTION = 400, 60
#: Modules that are written by Alembic's conventions, or found by it and not by imports.
MIGRATIONS = ROOT / "registry" / "storage" / "migrations"
ALLOWED = {
    "sqlalchemy": (
        "registry.accounts",
        "registry.importers.people.people_match",
        "registry.measures.handover",
        "registry.records.supervision",
        "registry.storage.attachments",
        "registry.accounts.audit_log",
        "registry.operations.backup",
        "registry.clients.keys",
        "registry.clients.service",
        "registry.clients.keys",
        "registry.clients.watches",
        "registry.storage.database",
        "registry.proposals.changeset",
        "registry.credentials.credential",
        "registry.credentials.plan",
        "registry.editions.edition",
        "registry.storage.locks",
        "registry.staff.forms",
        "registry.institutions",
        "registry.importers.wizard.import_store",
        "registry.importers.wizard.list_import",
        "registry.importers.matching.register_side",
        "registry.importers.seed.common_names",
        "registry.importers.people.people_import",
        "registry.importers.seed.loader",
        "registry.importers.seed.loader",
        "registry.importers.wizard.steps",
        "registry.log.check",
        "registry.log.clock_check",
        "registry.log.replication",
        "registry.log.erasure",
        "registry.log.four_eyes",
        "registry.log.replication",
        "registry.log.publish",
        "registry.log.checkpoint_store",
        "registry.log.store",
        "registry.measures.letters",
        "registry.measures.notices",
        "registry.storage.migrations",
        "registry.proposals",
        "registry.records",
        "registry.proposals.redaction",
        "registry.search.embedded_engine",
        "registry.search.documents",
        "registry.search.outside_search",
        "registry.storage.fault_board",
        "registry.storage.vacuum",
        "registry.storage.account_tables",
        "registry.storage.activity_tables",
        "registry.storage.lead_tables",
        "registry.storage.notice_tables",
        "registry.storage.tables",
        "registry.measures",
        "registry.accounts.region_scope",
        "registry.verification.spans",
        "registry.verification.view",
        "registry.proposals.views",
    ),
    "litestar": (
        "public_site",
        "registry.web.rate_limit",
        "registry.api",
        "registry.server.app",
        "registry.web.headers",
        "registry.staff",
        "registry.web",
    ),
    "click": ("registry.cli",),
    "rich": ("registry.cli",),
    "uvicorn": ("registry.server",),
    "alembic": ("registry.storage.database", "registry.storage.migrations"),
    "argon2": ("registry.accounts.passwords",),
    "pyotp": ("registry.accounts.factors",),
    "cryptography": ("registry.accounts.vault", "registry.log.signing_keys"),
    "httpx": ("registry.staff.identity_provider", "registry.log.clock_check", "registry.log.remote_log"),
    "authlib": ("registry.staff.identity_provider",),
    "joserfc": ("registry.staff.identity_provider", "registry.receipts.jws"),
    "filelock": ("registry.storage.database", "registry.editions.store", "registry.log.folder"),
    "meilisearch": ("registry.search.meilisearch",),
    "prometheus_client": ("registry.api.metrics",),
    "requests": ("registry.search.meilisearch",),
    "reportlab": (
        "registry.receipts.sheet_pdf",
        "registry.credentials.placards",
        "registry.editions.pdf",
        "registry.receipts.paper_text",
        "registry.measures.leads.handover_pdf",
        "registry.measures.letters.letter_pdf",
    ),
    "lxml": (
        "registry.storage.uploads.office_tables",
        "registry.storage.uploads.sheet_marks",
        "registry.storage.uploads.word_looks",
    ),
    "python_calamine": ("registry.storage.uploads.office_tables",),
    "xlsxwriter": (
        "registry.batch.xlsx_sheets",
        "registry.editions.xlsx",
        "registry.importers.people.columns",
        "registry.measures.report.workbook",
        "registry.measures.handover",
    ),
    "opencc": ("registry.domain.normalise",),
    "pypinyin": ("registry.search.pinyin",),
    "stdnum": ("registry.domain.identifiers",),
    "jinja2": ("public_site.responses", "registry.web.page_templates", "registry.staff.i18n"),
    "sqlite3": (
        "registry.accounts.throttle",
        "registry.storage.request_counts",
        "registry.storage.database",
        "registry.storage.fault_board",
    ),
    "zxcvbn": ("registry.accounts.passwords",),
}


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def parse(path: Path) -> ast.Module:
    """The tree of a file, which no test changes."""
    return ast.parse(path.read_text("utf-8"))


@cache
def list_nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(parse(path)))


@cache
def list_libraries(path: Path) -> frozenset[str]:
    """The first part of every module that an import statement of a file names."""
    return frozenset(name.split(".")[0] for name in list_imported_names(parse(path)))


def list_imported_names(tree: ast.AST) -> Iterator[str]:
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
    users = {module_of(path) for path in SOURCES if library in list_libraries(path)}
    assert users, f"nobody uses {library}: take it out of the list"
    assert [user for user in users if not f"{user}.".startswith(tuple(f"{place}." for place in ALLOWED[library]))] == []


def test_only_proposals_append_to_the_log() -> None:
    users = {module_of(path) for path in SOURCES if re.search(r"\bAppender\b", path.read_text("utf-8"))}
    # The preview appends in a transaction that it takes back.
    assert users == {"registry.log.store", "registry.proposals.preview", "registry.proposals.proposal_store"}
    writers = {
        module_of(path)
        for path in SOURCES
        if re.search(r"(insert|update|delete)\((entries|erasable)\)", path.read_text("utf-8"))
    }
    assert writers == {"registry.log.store", "registry.log.replication"}  # copy: bytes that are in the log already
    copiers = {module_of(path) for path in SOURCES if re.search(r"\binsert_entries\(", path.read_text("utf-8"))}
    assert copiers == {"registry.log.replication", "registry.operations.backup.restore", "registry.operations.mirror"}


#: Who reads the clock of the machine, and why it is that one. Whatever speaks about the register asks for its present
#: (``asof.find_now``, ``find_today``, ``as_of``; ``VerificationView.find_now``), which is never before the last entry.
CLOCK_READERS = {
    "registry.log.clock": "the one function: the present of the register",
    "registry.log.clock_check": "compares the clock with what is known of the time",
    "registry.log.checkpoint_store": "what the clock was at a signature is what the next check compares",
    "registry.log.remote_log": "how long another server asks to wait, which it dates",
    "registry.log.witness": "the witness's own signature, by its own clock",
    "registry.log.forks": "the name of a folder",
    "registry.records.asof": "gives both",
    "registry.cli.maintenance": "shows it",
    "registry.operations.upkeep": "looks whether it was set",
    "registry.storage.fault_board": "since when something is wrong here",
    "registry.log.signing_keys": "when a key was added to a file",
    "registry.operations.backup.make": "when a backup was made",
    "registry.operations.backup.database_file": "the name of a file",
    "registry.storage.attachments": "when a file was sent",
    "registry.accounts": "sessions, passwords, one-time codes: time that passes for people",
    "registry.clients": "keys of programs, limits, quotas and budgets of a day",
    "registry.api.security_txt": "the day until which the file may be read",
    "registry.staff.identity_provider": "signing in by a provider",
    "registry.verification.view": "when the log was looked at, never before its last entry",
    "registry.cli.accounts": "the usage of some days",
    "registry.cli.qr": "whether a code that is checked without a register has expired",
    "registry.staff.forms.form_drafts": "forms that nobody goes on with",
    "registry.importers.wizard.import_store": "imports that give no sign of life",
    "registry.measures": "when leads came and are erased, when messages were sent: time that passes for people",
    "registry.proposals": "who did what when; a day in which a second person confirms has to pass, and the register's "
    "present may stand still",
}
_CLOCK = re.compile(
    r"\btime\.(?:time|time_ns|localtime|gmtime|ctime)\(|\b(?:datetime|date)\.(?:now|utcnow|today)\("
    r"|\b(?:read_(?:today|clock)|get_now_ms)\("
)


def test_only_these_read_the_clock_of_the_machine() -> None:
    readers = {module_of(path) for path in SOURCES if _CLOCK.search(path.read_text("utf-8"))}
    packages = {"registry.accounts", "registry.clients", "registry.measures", "registry.proposals"}
    known = {next((one for one in packages if f"{reader}.".startswith(f"{one}.")), reader) for reader in readers}
    assert known == set(CLOCK_READERS)


# --- sizes and words -------------------------------------------------------------------------------------------------


def test_files_stay_small() -> None:
    lines = {module_of(path): len(path.read_text("utf-8").splitlines()) for path in SOURCES}
    assert {module: number for module, number in lines.items() if number > LONGEST_FILE} == {}


def test_functions_stay_small() -> None:
    long = [
        f"{module_of(path)}.{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for path in SOURCES
        if MIGRATIONS not in path.parents
        for node in list_nodes(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION
    ]
    assert long == []


def test_nothing_is_left_for_later() -> None:
    later = re.compile(r"\b(?:TODO|FIXME|XXX|HACK|raise NotImplementedError)\b")
    found = {module_of(path): later.findall(path.read_text("utf-8")) for path in SOURCES}
    assert {module: words for module, words in found.items() if words} == {}


def list_silent(path: Path) -> Iterator[str]:
    """What is public in a file and has no docstring."""
    tree = parse(path)
    if tree.body and not ast.get_docstring(tree):
        yield "the module itself"
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name[0] != "_"]
    owners: list[ast.Module | ast.ClassDef] = [tree, *classes]
    for owner in owners:
        for node in owner.body:
            kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
            if isinstance(node, kinds) and node.name[0] != "_" and not ast.get_docstring(node):
                yield node.name


def test_everything_public_says_what_it_promises() -> None:
    silent = {module_of(path): list(list_silent(path)) for path in SOURCES if MIGRATIONS not in path.parents}
    assert {module: names for module, names in silent.items() if names} == {}


# --- errors ----------------------------------------------------------------------------------------------------------


def every_error() -> list[type[errors.RegistryError]]:
    for found in pkgutil.walk_packages(registry.__path__, "registry."):
        if not found.name.startswith("registry.storage.migrations"):
            importlib.import_module(found.name)
    kinds = [errors.RegistryError]
    for kind in kinds:
        kinds += [one for one in kind.__subclasses__() if one.__module__.startswith("registry.")]  # no test's own
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


def is_message(args: list[ast.expr]) -> bool:
    return len(args) == 1 and not isinstance(args[0], ast.Constant | ast.JoinedStr | ast.Starred)


def test_every_refusal_is_said_in_chinese_and_in_english() -> None:
    one_sided = []
    for path in SOURCES:
        for node in list_nodes(path):
            if not isinstance(node, ast.Raise) or not isinstance(node.exc, ast.Call):
                continue
            name = node.exc.func.attr if isinstance(node.exc.func, ast.Attribute) else getattr(node.exc.func, "id", "")
            kind = getattr(errors, name, None)
            if inspect.isclass(kind) and issubclass(kind, errors.RegistryError) and not is_message(node.exc.args):
                one_sided.append(f"{module_of(path)}:{node.lineno}")
    assert one_sided == []


def test_what_few_commands_need_is_loaded_only_by_those() -> None:
    seldom = ["litestar", "lxml", "meilisearch", "pypinyin", "reportlab", "xlsxwriter"]
    script = f"import sys, registry.register; print(*(name for name in {seldom} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
