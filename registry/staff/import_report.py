"""What an import found, for whoever decides on it: the audit, every difference before and after, who decided what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from registry import proposals
from registry.domain.model import Struct
from registry.errors import NotFound
from registry.staff.desk import Desk

#: Sections of the difference and what else a report holds, in the order of their tabs.
PARTS = ("new", "gone", "renamed", "moved", "gained", "lost", "stage", "other", "undecided", "decisions", "audit")
PAGE = 100


class ReportLine(Struct, frozen=True):
    """One line of a report: who it is about, both sides in words of the register, and why a rule or person says so.

    ``sides`` are (field, before, after); a field is a path of the record, or name and address.
    """

    name: str
    code: str | None = None
    sides: Sequence[tuple[str, Any, Any]] = ()
    why: str = ""


def count_lines(report: Any) -> dict[str, int]:
    """How many lines each part of a report has; nothing for a report of another sort."""
    return {part: len(_select_part(report, part)) for part in PARTS} if _is_list_report(report) else {}


def _is_list_report(report: Any) -> bool:
    return isinstance(report, dict) and isinstance(report.get("audit"), list) and "difference" in report


def _select_part(report: dict[str, Any], part: str) -> list[Any]:
    if part in ("audit", "decisions"):
        return list(report.get(part) or [])
    difference = report["difference"]
    if part in ("gained", "lost", "stage", "other"):
        return [one for one in difference.get("changed", []) if _select_changes(one, part)]
    return list(difference.get(part, []))


def _select_changes(one: dict[str, Any], part: str) -> list[tuple[str, Any, Any]]:
    """Those of a changed institution's fields that a part is about."""
    told = [(change["field"], change.get("from"), change.get("to")) for change in one["changes"]]
    return [side for side in told if _classify_change(*side) == part]


def _classify_change(field: str, before: Any, after: Any) -> str:
    if not field.startswith("approvals."):
        return "other"
    if not before or not after:
        return "gained" if after else "lost"
    return "other" if before.get("stage") == after.get("stage") else "stage"


def _make_line(one: dict[str, Any], part: str) -> ReportLine:
    code = one.get("code")
    if part in ("gained", "lost", "stage", "other"):
        return ReportLine(name=one["name"], code=code, sides=_select_changes(one, part))
    if part in ("new", "gone"):
        sides = ("address", None, one["address"]) if part == "new" else ("address", one["address"], None)
        return ReportLine(name=one["name"], code=code, sides=[sides])
    field = "address" if part == "moved" else "name"
    return ReportLine(
        name=one.get("name") or one["to"], code=code, sides=[(field, one["from"], one["to"])], why=one["why"]
    )


@get("/proposals/{number:int}/report", sync_to_thread=True)
def show_report(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """One part of the report of an import, a page at a time."""
    with desk.database.reading() as connection:
        proposal = proposals.get_for_account(connection, number, desk.account.name)
    there = {part: count for part, count in count_lines(proposal.report).items() if count}
    part = str(desk.request.query_params.get("part") or next(iter(there), ""))
    if part not in there:
        raise NotFound("这份提案没有这样的报告。", "This proposal has no such report.")
    pages = -(-there[part] // PAGE)
    page = min(max(desk.read_query_number("page") or 1, 1), pages)
    held = _select_part(proposal.report, part)[(page - 1) * PAGE : page * PAGE]
    plain = part in ("audit", "decisions")
    return desk.render_page(
        "report",
        proposal=proposal,
        part=part,
        parts=there,
        lines=held if plain else [_make_line(one, part) for one in held],
        page=page,
        pages=pages,
    )


handlers = [show_report]
