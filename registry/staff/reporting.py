"""What an import found, for whoever decides on it: the audit, every difference before and after, who decided what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from registry import proposals
from registry.errors import NotFound
from registry.model import Struct
from registry.staff.desk import Desk

#: Sections of the difference and what else a report holds, in the order of their tabs.
PARTS = ("new", "gone", "renamed", "moved", "gained", "lost", "stage", "other", "undecided", "decisions", "audit")
PAGE = 100


class Line(Struct, frozen=True):
    """One line of a report: who it is about, both sides in words of the register, and why a rule or person says so.

    ``sides`` are (field, before, after); a field is a path of the record, or name and address.
    """

    name: str
    code: str | None = None
    sides: Sequence[tuple[str, Any, Any]] = ()
    why: str = ""


def counts(report: Any) -> dict[str, int]:
    """How many lines each part of a report has; nothing for a report of another sort."""
    return {part: len(_of(report, part)) for part in PARTS} if _is_list(report) else {}


def _is_list(report: Any) -> bool:
    return isinstance(report, dict) and isinstance(report.get("audit"), list) and "difference" in report


def _of(report: dict[str, Any], part: str) -> list[Any]:
    if part in ("audit", "decisions"):
        return list(report.get(part) or [])
    difference = report["difference"]
    if part in ("gained", "lost", "stage", "other"):
        return [one for one in difference.get("changed", []) if _changes(one, part)]
    return list(difference.get(part, []))


def _changes(one: dict[str, Any], part: str) -> list[tuple[str, Any, Any]]:
    """Those of a changed institution's fields that a part is about."""
    told = [(change["field"], change.get("from"), change.get("to")) for change in one["changes"]]
    return [side for side in told if _part_of(*side) == part]


def _part_of(field: str, before: Any, after: Any) -> str:
    if not field.startswith("approvals."):
        return "other"
    if not before or not after:
        return "gained" if after else "lost"
    return "other" if before.get("stage") == after.get("stage") else "stage"


def _line(one: dict[str, Any], part: str) -> Line:
    code = one.get("code")
    if part in ("gained", "lost", "stage", "other"):
        return Line(name=one["name"], code=code, sides=_changes(one, part))
    if part in ("new", "gone"):
        sides = ("address", None, one["address"]) if part == "new" else ("address", one["address"], None)
        return Line(name=one["name"], code=code, sides=[sides])
    field = "address" if part == "moved" else "name"
    return Line(name=one.get("name") or one["to"], code=code, sides=[(field, one["from"], one["to"])], why=one["why"])


@get("/proposals/{number:int}/report", sync_to_thread=True)
def report(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """One part of the report of an import, a page at a time."""
    with desk.database.reading() as connection:
        proposal = proposals.for_account(connection, number, desk.account.name)
    there = {part: count for part, count in counts(proposal.report).items() if count}
    part = str(desk.request.query_params.get("part") or next(iter(there), ""))
    if part not in there:
        raise NotFound("这份提案没有这样的报告。", "This proposal has no such report.")
    pages = -(-there[part] // PAGE)
    page = min(max(desk.number("page") or 1, 1), pages)
    held = _of(proposal.report, part)[(page - 1) * PAGE : page * PAGE]
    plain = part in ("audit", "decisions")
    return desk.page(
        "report",
        proposal=proposal,
        part=part,
        parts=there,
        lines=held if plain else [_line(one, part) for one in held],
        page=page,
        pages=pages,
    )


handlers = [report]
