"""What an editor does with an import: name its columns, decide pairs, compare again, propose, cancel."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from registry.accounts import audit_log
from registry.errors import Conflict, InvalidInput
from registry.importers.reading import layouts
from registry.importers.reading.layouts import Layout
from registry.importers.wizard import import_store, job, pair_decisions
from registry.importers.wizard.import_store import Import
from registry.staff.desk import Desk
from registry.staff.errors import record_refusal
from registry.staff.import_common import (
    EDITORS,
    get_own_import,
    redirect_to_import,
    render_import_page,
    start_import_job,
)
from registry.web import body_limits


def _require_state(one: Import, *states: import_store.State) -> None:
    if one.state not in states:
        raise Conflict(
            "这次导入的状态已经变了，请刷新页面后再继续。", "This import has moved on meanwhile; load the page again."
        )


@post(
    "/imports/{number:int}/columns",
    opt=EDITORS,
    status_code=200,
    sync_to_thread=True,
    request_max_body_size=body_limits.TEXT,
)
def assign_columns(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """The columns as a person named them; then audit and comparison begin. Or another row of headings first."""
    one = get_own_import(desk, number)
    _require_state(one, "mapping")
    there = [msgspec.convert(layout, Layout) for layout in one.found["layouts"]]
    chosen: list[Layout] = []
    errors: list[tuple[str, str]] = []
    headed = desk.read_field("headed")
    for n, layout in enumerate(there):
        if headed == str(n):
            chosen.append(_select_heading_row(desk, layout, n))
            continue
        uses = [desk.read_field(f"use-{n}-{i}", 20) or use for i, use in enumerate(layout.uses)]
        try:
            chosen.append(layouts.name_columns(layout, uses))
        except InvalidInput as error:
            errors.append((f"use-{n}-0", error.get_text(desk.language.lang)))
            chosen.append(layout)
            continue
        if missing := layouts.list_missing_headings(chosen[-1]):
            sentence = desk.language.translate("import_columns.missing", names="、".join(missing))
            errors.append((f"use-{n}-0", str(sentence)))
    seen = {**one.found, "layouts": msgspec.to_builtins(chosen)}
    if headed:
        with desk.database.writing() as connection:
            import_store.save_import(connection, one, found=seen)
        return redirect_to_import(desk, one)
    if not errors and not any(set(layout.uses) - {"keep", "ignore"} for layout in chosen):
        errors.append(("use-0-0", str(desk.language.translate("import_columns.nothing"))))
    if errors:
        return render_import_page(desk, msgspec.structs.replace(one, found=seen), status=400, errors=errors)
    said = {**one.said, "layouts": seen["layouts"], "rows": seen["rows"]}
    return start_import_job(desk, one, "comparing", said=said, found=seen)


def _select_heading_row(desk: Desk, layout: Layout, n: int) -> Layout:
    row = desk.read_field(f"head-{n}", 9)
    return layouts.choose_heading_row(layout, int(row) if row.isascii() and row.isdigit() else 0)


@post(
    "/imports/{number:int}/decide",
    opt=EDITORS,
    status_code=200,
    sync_to_thread=True,
    request_max_body_size=body_limits.TEXT,
)
def decide_pairs(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """One pair decided, or undone; or all on this page that a rule paired and nobody decided otherwise.

    ``same``: yes, no, undo, or page. Kept at once.
    """
    one = get_own_import(desk, number)
    _require_state(one, "deciding")
    tab, page, same, key = (desk.read_field(name) for name in ("tab", "page", "same", "pair"))
    at = int(page) - 1 if page.isascii() and page.isdigit() and len(page) < 9 else 0
    with desk.database.writing() as connection:
        one = import_store.get_import(connection, number, desk.account.name)
        _require_state(one, "deciding")
        lines = import_store.read_page(connection, one.id, tab if tab in ("pairs", "renamed", "moved") else "pairs", at)
        made = _apply_decision(desk, one, [_to_pair(line) for line in lines if line.get("key")], key, same)
        import_store.save_import(connection, one, decisions=made)
    return redirect_to_import(desk, one, f"#pair-{key}" if key else "#pairs", tab=tab or "pairs", page=page or "1")


def _to_pair(line: dict[str, Any]) -> dict[str, Any]:
    """A line of any section as a pair: in those of the difference a rule made it."""
    if "rule" in line:
        return line
    from registry.importers.wizard.difference_lines import make_listed_key

    after, code = line["after"], line["code"].replace("-", "")
    return {
        **line,
        "listed_key": make_listed_key(after["name"], after["address"]),
        "known": f"institution:{code}",
        "rule": line["why"],
        "suggested": True,
    }


def _apply_decision(
    desk: Desk, one: Import, lines: list[dict[str, Any]], key: str, same: str
) -> pair_decisions.Decisions:
    me, made = desk.account.name, one.decisions
    if same == "page":
        open_ = set(pair_decisions.list_open_pairs(one.found["pairs"], made))
        for line in lines:
            if line["suggested"] and line["key"] in open_:
                made = pair_decisions.add_decision(made, line, True, me, import_store.get_time_ms())
        return made
    chosen = [line for line in lines if line["key"] == key]
    if not chosen or same not in ("yes", "no", "undo"):
        raise InvalidInput("没有找到这一对，请刷新页面。", "This pair is not there; load the page again.")
    if same == "undo":
        return {other: decision for other, decision in made.items() if other != key}
    return pair_decisions.add_decision(made, chosen[0], same == "yes", me, import_store.get_time_ms())


@post(
    "/imports/{number:int}/compare",
    opt=EDITORS,
    status_code=200,
    sync_to_thread=True,
    request_max_body_size=body_limits.TEXT,
)
def compare_import(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Compare again, by what was decided and with the register as it is now; or begin an interrupted step anew."""
    one = get_own_import(desk, number)
    if one.is_interrupted:
        job.delete_leftovers(desk.register.settings, one.id)
        return start_import_job(desk, one, one.state)
    _require_state(one, "deciding")
    return start_import_job(desk, one, "comparing")


@post(
    "/imports/{number:int}/propose",
    opt=EDITORS,
    status_code=200,
    sync_to_thread=True,
    request_max_body_size=body_limits.TEXT,
)
def propose_import(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Put it before a second person; refused while a pair is open, or was decided after the comparison."""
    one = get_own_import(desk, number)
    _require_state(one, "deciding")
    try:
        _require_decisions(one)
    except Conflict as error:
        record_refusal(desk.request, error)
        return render_import_page(desk, one, status=409, errors=[("pairs", error.get_text(desk.language.lang))])
    return start_import_job(desk, one, "proposing")


def _require_decisions(one: Import) -> None:
    left = len(pair_decisions.list_open_pairs(one.found.get("pairs", []), one.decisions))
    if left:
        raise Conflict(
            f"还有{left}对没有判断，不能提交。", f"{left} pairs are not decided yet; nothing can be proposed before."
        )
    if one.kind == "list" and one.found.get("decided") != pair_decisions.hash_decisions(one.decisions):
        raise Conflict(
            "判断在比对之后有改动，请先重新比对，看过结果再提交。",
            "Decisions were made after the comparison. Compare again and look at the result before you propose it.",
        )


@post("/imports/{number:int}/cancel", opt=EDITORS, status_code=200, sync_to_thread=True)
def cancel_import(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """End it: whatever is at work stops, and nothing of it is left."""
    with audit_log.act_from_address(desk.visitor.address), desk.database.writing() as connection:
        one = import_store.get_import(connection, number, desk.account.name)
        import_store.cancel_import(connection, one)
    job.delete_leftovers(desk.register.settings, one.id)
    return redirect_to_import(desk, one)


handlers = [assign_columns, decide_pairs, compare_import, propose_import, cancel_import]
