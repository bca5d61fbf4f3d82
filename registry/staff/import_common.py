"""What the pages of imports share: whose an import is, and what its pages show."""

from __future__ import annotations

from typing import Any

from litestar import Response
from litestar.response import Redirect

from registry.importers.wizard import difference_lines, import_store, job, pair_decisions
from registry.importers.wizard.import_store import Import
from registry.staff.desk import Desk

EDITORS = {"roles": ("editor",)}
#: What a person may say an absence means, beside a region's code.
SCOPES = ("national", "region", "partial")


def get_own_import(desk: Desk, number: int) -> Import:
    """An import of whoever is signed in; NotFound for anybody else's."""
    with desk.database.reading() as connection:
        return import_store.get_import(connection, number, desk.account.name)


def start_import_job(desk: Desk, one: Import, state: import_store.State, **values: Any) -> Response[Any]:
    """Hand an import to a process of its own, and go to its page."""
    with desk.database.writing() as connection:
        run = import_store.start_run(connection, one, state, **values)
    job.start_process(desk.register.settings, one.id, run, desk.visitor.address)
    return redirect_to_import(desk, one)


def redirect_to_import(desk: Desk, one: Import, fragment: str = "", **query: str) -> Response[Any]:
    """On to the page of an import, to a place in it with a ``fragment``."""
    return Redirect(path=desk.language.make_link(f"/staff/imports/{one.id}", **query) + fragment, status_code=303)


def render_import_page(
    desk: Desk, one: Import, *, status: int = 200, errors: list[tuple[str, str]] | None = None
) -> Response[Any]:
    """The page of an import in the state it is in."""
    if one.is_working:
        made = desk.render_page("import_progress", it=one, status=status, errors=errors)
        if not one.is_interrupted and status == 200:
            made.headers["Refresh"] = "2"
        return made
    if one.state == "mapping":
        return desk.render_page("import_columns", it=one, status=status, errors=errors)
    if one.state == "audit":
        return _render_section(desk, one, "import_audit", "audit", status, errors)
    if one.state == "deciding":
        tab = desk.request.query_params.get("tab") or desk.read_field("tab") or _choose_first_tab(one)
        return _render_section(desk, one, "import_found", tab if tab in list_tabs(one) else "pairs", status, errors)
    return desk.render_page("import_over", it=one, status=status, errors=errors)


def list_tabs(one: Import) -> list[str]:
    """The sections of a difference: pairs first, for they want a decision; then the rest that there is."""
    counts = one.found.get("counts", {})
    pairs = ["pairs"] if one.kind == "list" else []
    return [*pairs, *counts, "audit"]


def _choose_first_tab(one: Import) -> str:
    return next((tab for tab in list_tabs(one) if count_lines(one, tab)), "audit")


def count_lines(one: Import, tab: str) -> int:
    """How many lines a section has."""
    if tab == "pairs":
        return len(one.found.get("pairs", []))
    if tab == "audit":
        return sum(one.found.get("audit", {}).values())
    return int(one.found.get("counts", {}).get(tab, 0))


def _render_section(
    desk: Desk, one: Import, template: str, tab: str, status: int, errors: list[tuple[str, str]] | None
) -> Response[Any]:
    size = difference_lines.PAIRS if tab == "pairs" else difference_lines.PAGE
    pages = max(1, -(-count_lines(one, tab) // size))
    page = min(max(_parse_page_number(desk.request.query_params.get("page") or desk.read_field("page")), 1), pages)
    with desk.database.reading() as connection:
        lines = import_store.read_page(connection, one.id, tab, page - 1)
    open_ = set(pair_decisions.list_open_pairs(one.found.get("pairs", []), one.decisions))
    return desk.render_page(
        template,
        status=status,
        errors=errors,
        it=one,
        tab=tab,
        tabs=[(name, count_lines(one, name)) for name in list_tabs(one)],
        lines=lines,
        page=page,
        pages=pages,
        open=open_,
        stale=one.kind == "list" and one.found.get("decided") != pair_decisions.hash_decisions(one.decisions),
    )


def _parse_page_number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 9 else 1
