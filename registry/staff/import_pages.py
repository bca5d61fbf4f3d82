"""Imports of the staff: one's own, the page of each in its state, and the steps from columns to a proposal."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect, Stream

from registry.accounts import audit_log
from registry.domain.normalise import escape_cells
from registry.errors import Conflict, InvalidInput
from registry.importers.reading import headings
from registry.importers.reading.headings import Layout
from registry.importers.reading.list_file import FileAnswer, FileQuestion
from registry.importers.wizard import answers, difference_lines, import_store, job, steps
from registry.importers.wizard.import_store import Import
from registry.staff.desk import EDITORS, TEXT_FORM, Desk, parse_number
from registry.staff.errors import record_refusal
from registry.texts import FixedText, Message


@get("/imports", opt=EDITORS, sync_to_thread=True)
def show_imports(desk: NamedDependency[Desk]) -> Response[Any]:
    """List one's own imports."""
    with desk.database.reading() as connection:
        imports = import_store.list_imports(connection, desk.account.name)
    return desk.render_page("imports", imports=imports, kinds=import_store.KINDS)


@get("/imports/{number:int}", opt=EDITORS, sync_to_thread=True)
def show_import(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Show an import, in the state it is in."""
    return _render_import_page(desk, get_own_import(desk, number))


@get("/imports/{number:int}/audit.csv", opt=EDITORS, sync_to_thread=True)
def download_audit(desk: NamedDependency[Desk], number: FromPath[int]) -> Stream:
    """Send every finding of the audit, as a file for a spreadsheet."""
    this_import = get_own_import(desk, number)
    headers = {"Content-Disposition": f'attachment; filename="audit-{this_import.id}.csv"'}
    return Stream(_format_audit_csv(desk, this_import), media_type="text/csv; charset=utf-8", headers=headers)


def _format_audit_csv(desk: Desk, this_import: Import) -> Iterator[bytes]:
    text = io.StringIO()
    write = csv.writer(text).writerow
    text.write("\ufeff")
    write(["level", "row", "cell", "message"])
    with desk.database.reading() as connection:
        for line in import_store.read_lines(connection, this_import.id, "audit"):
            message = FixedText(line["message"], line["message_en"]).to_text(desk.language.lang)
            write(escape_cells([line["level"], str(line["row"] or ""), line["cell"] or "", message]))
    yield text.getvalue().encode()


#: Kinds of questions that may get one answer: the text proposed for each, or that no row is imported.
_BULK_KINDS = {
    **dict.fromkeys(("row_hidden", "row_filtered", "row_struck", "row_deleted", "row_moved", "row_inserted"), "leave"),
    **dict.fromkeys(("hidden_sheet", "outside"), "leave"),
    **dict.fromkeys(("footnote", "hidden_text", "struck", "wrong_techniques", "wrong_stages"), "text"),
}
#: The tab with the first lines of every section that changes something; how many lines of each.
SUMMARY, _FIRST = "all", 15
_REAL = ("new", "gone", "relisted", "renamed", "moved", "gained", "lost", "stage", "other")

# --- the page of an import, by its state -----------------------------------------------------------------------------


def get_own_import(desk: Desk, number: int) -> Import:
    """Return an import of whoever is signed in; NotFound for anybody else's."""
    with desk.database.reading() as connection:
        return import_store.get_import(connection, number, desk.account.name)


def start_import_job(desk: Desk, this_import: Import, state: import_store.State, **values: Any) -> Response[Any]:
    """Hand an import to a process of its own, and go to its page."""
    with desk.database.writing() as connection:
        run = import_store.start_run(connection, this_import, state, **values)
    job.start_process(desk.register.settings, this_import.id, run, desk.visitor.address)
    return redirect_to_import(desk, this_import)


def redirect_to_import(desk: Desk, this_import: Import, fragment: str = "", **query: str) -> Response[Any]:
    """Redirect to the page of an import, to a place in it with a ``fragment``."""
    return Redirect(
        path=desk.language.make_link(f"/staff/imports/{this_import.id}", **query) + fragment, status_code=303
    )


def _render_import_page(
    desk: Desk, this_import: Import, *, status: int = 200, errors: list[tuple[str, str]] | None = None
) -> Response[Any]:
    """Render the page of an import in the state it is in."""
    if this_import.is_working:
        response = desk.render_page("import_progress", this_import=this_import, status=status, errors=errors)
        # Whoever is asked whether to cancel has the time to read it.
        if not this_import.is_interrupted and status == 200 and not desk.request.query_params.get("cancel"):
            response.headers["Refresh"] = "2"
        return response
    if this_import.state == "mapping":
        return desk.render_page(
            "import_columns", this_import=this_import, uses=headings.USES, status=status, errors=errors
        )
    if this_import.state == "audit":
        return render_section(desk, this_import, "audit", status, errors)
    if this_import.state == "deciding":
        tab = desk.request.query_params.get("tab") or desk.read_field("tab") or _choose_tab(this_import)
        return render_section(desk, this_import, tab if tab in list_tabs(this_import) else "pairs", status, errors)
    return desk.render_page("import_over", this_import=this_import, status=status, errors=errors)


def list_tabs(this_import: Import) -> list[str]:
    """Return the sections of a difference: all changes together, pairs, for they need a decision, and each other."""
    counts = this_import.found.get("counts", {})
    pairs = [SUMMARY, "pairs"] if this_import.kind == "list" else []
    return [*pairs, *counts, "audit"]


def _choose_tab(this_import: Import) -> str:
    """What a person has to look at first: pairs to decide, conflicts nobody looked at, else all changes."""
    if this_import.kind != "list":
        return next((name for name in list_tabs(this_import) if count_lines(this_import, name)), "audit")
    return "pairs" if steps.list_open_pairs(this_import.found.get("pairs", []), this_import.decisions) else SUMMARY


def count_lines(this_import: Import, tab: str) -> int:
    """Return how many lines a section has."""
    if tab == SUMMARY:
        return sum(this_import.found.get("counts", {}).get(name, 0) for name in _REAL)
    if tab == "pairs":
        return len(this_import.found.get("pairs", []))
    if tab == "audit":
        return sum(this_import.found.get("audit", {}).values())
    return int(this_import.found.get("counts", {}).get(tab, 0))


def count_pages(this_import: Import, tab: str, lines: int | None = None) -> int:
    """Return how many pages a section has, or its first ``lines``."""
    size = difference_lines.PAIRS if tab in ("pairs", "conflicts") else difference_lines.PAGE
    return max(1, -(-(count_lines(this_import, tab) if lines is None else lines) // size))


def render_section(
    desk: Desk,
    this_import: Import,
    tab: str,
    status: int,
    errors: list[tuple[str, str]] | None,
    typed: dict[str, str] | None = None,
) -> Response[Any]:
    """Render a page of a section of what an audit or a comparison found; ``typed``: what was refused, by its field."""
    pages = 1 if tab == SUMMARY else count_pages(this_import, tab)
    number = parse_number(desk.request.query_params.get("page") or desk.read_field("page"))
    page = min(max(1 if number is None else number, 1), pages)
    with desk.database.reading() as connection:
        lines = import_store.read_page(connection, this_import.id, tab, page - 1)
        conflicts = [*import_store.read_lines(connection, this_import.id, "conflicts")] if tab == "conflicts" else []
        counts = this_import.found.get("counts", {}) if tab == SUMMARY else {}
        summary = {
            name: import_store.read_page(connection, this_import.id, name, 0)[:_FIRST]
            for name in _REAL
            if counts.get(name)
        }
    given, reasons = answers.get_answers(this_import), steps.get_reasons(this_import)
    questions = answers.list_open_questions(this_import.found, given)
    open_pairs = set(steps.list_open_pairs(this_import.found.get("pairs", []), this_import.decisions))
    return desk.render_page(
        "import_audit" if this_import.state == "audit" else "import_found",
        status=status,
        errors=errors,
        this_import=this_import,
        tab=tab,
        tabs=[(name, count_lines(this_import, name)) for name in list_tabs(this_import)],
        lines=lines,
        page=page,
        pages=pages,
        summary=summary,
        is_kept=steps.has_own_spelling(this_import),
        open=open_pairs,
        stale=is_stale(this_import),
        reasons=reasons,
        typed=typed or {},
        answers=_list_line_answers(lines, given, questions) if tab == "audit" else [],
        answerable={(line.get("question") or {}).get("key") for line in lines} if tab == "audit" else set(),
        questions=Counter(question.kind for question in questions),
        bulk_kinds=_BULK_KINDS,
        conflict_kinds=Counter(line["field"] for line in conflicts if line["key"] not in reasons),
    )


def _list_line_answers(
    lines: list[dict[str, Any]], given: answers.Answers, still_open: list[FileQuestion]
) -> list[FileAnswer | None]:
    """Return the answer to the question of each line, if any."""
    wrong = {question.key for question in still_open}
    given = {key: answer for key, answer in given.items() if key not in wrong}
    questions = [msgspec.convert(line["question"], FileQuestion) if line.get("question") else None for line in lines]
    return [answers.find_answer(given, question) if question is not None else None for question in questions]


def is_stale(this_import: Import) -> bool:
    """Whether something was decided after the comparison."""
    given = answers.get_answers(this_import)
    reasons, is_kept = steps.get_reasons(this_import), steps.has_own_spelling(this_import)
    decided = steps.hash_decisions(this_import.decisions, reasons, given, is_kept=is_kept)
    return this_import.kind == "list" and this_import.found.get("decided") != decided


# --- steps of an import ----------------------------------------------------------------------------------------------


def require_state(this_import: Import, *states: import_store.State) -> None:
    """Refuse a step for which an import is in no such state."""
    if this_import.state not in states:
        raise Conflict(Message("这次导入的状态已经变了，请刷新页面后再继续。"))


@post("/imports/{number:int}/columns", **TEXT_FORM)
def assign_columns(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Store the columns as named, then start audit and comparison; or choose another heading row first."""
    this_import = get_own_import(desk, number)
    require_state(this_import, "mapping")
    layouts_found = [msgspec.convert(layout, Layout) for layout in this_import.found["layouts"]]
    chosen: list[Layout] = []
    errors: list[tuple[str, str]] = []
    heading_of = desk.read_field("headed")
    for index, layout in enumerate(layouts_found):
        if heading_of == str(index):
            row = parse_number(desk.read_field(f"head-{index}", 9), digits=9) or 0
            chosen.append(headings.choose_heading_row(layout, row))
            continue
        uses = [desk.read_field(f"use-{index}-{column}", 20) or use for column, use in enumerate(layout.uses)]
        try:
            chosen.append(headings.name_columns(layout, uses))
        except InvalidInput as error:
            errors.append((f"use-{index}-0", desk.get_text(error)))
            chosen.append(layout)
            continue
        if missing := headings.list_missing_headings(chosen[-1]):
            sentence = desk.language.translate("import_columns.missing", names="、".join(missing))
            errors.append((f"use-{index}-0", str(sentence)))
    found = {**this_import.found, "layouts": msgspec.to_builtins(chosen)}
    if heading_of:
        with desk.database.writing() as connection:
            import_store.save_import(connection, this_import, found=found)
        return redirect_to_import(desk, this_import)
    if not errors and not any(set(layout.uses) - {"keep", "ignore"} for layout in chosen):
        errors.append(("use-0-0", str(desk.language.translate("import_columns.nothing"))))
    if errors:
        return _render_import_page(desk, msgspec.structs.replace(this_import, found=found), status=400, errors=errors)
    options = {**this_import.said, "layouts": found["layouts"], "rows": found["rows"]}
    return start_import_job(desk, this_import, "comparing", said=options, found=found)


@post("/imports/{number:int}/compare", **TEXT_FORM)
def compare_import(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Compare again, by the decisions and with the register as it is now; or restart an interrupted step."""
    this_import = get_own_import(desk, number)
    if this_import.is_interrupted:
        job.delete_leftovers(desk.register.settings, this_import.id)
        return start_import_job(desk, this_import, this_import.state)
    require_state(this_import, "audit", "deciding")
    return start_import_job(desk, this_import, "comparing")


@post("/imports/{number:int}/propose", **TEXT_FORM)
def propose_import(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Propose the import; refused while a pair is open, or was decided after the comparison."""
    this_import = get_own_import(desk, number)
    require_state(this_import, "deciding")
    try:
        _require_decisions(this_import)
    except Conflict as error:
        record_refusal(desk.request, error)
        return _render_import_page(desk, this_import, status=409, errors=[("pairs", desk.get_text(error))])
    return start_import_job(desk, this_import, "proposing")


def _require_decisions(this_import: Import) -> None:
    undecided = len(steps.list_open_pairs(this_import.found.get("pairs", []), this_import.decisions))
    if undecided:
        raise Conflict(Message("还有{undecided}对没有判断，不能提交。", undecided=undecided))
    if is_stale(this_import):
        raise Conflict(Message("判断在比对之后有改动，请先重新比对，看过结果再提交。"))


@post("/imports/{number:int}/cancel", opt=EDITORS, status_code=200, sync_to_thread=True)
def cancel_import(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Cancel an import: whatever is running stops, and nothing of it stays."""
    with audit_log.act_from_address(desk.visitor.address), desk.database.writing() as connection:
        this_import = import_store.get_import(connection, number, desk.account.name)
        import_store.cancel_import(connection, this_import)
    job.delete_leftovers(desk.register.settings, this_import.id)
    return redirect_to_import(desk, this_import)
