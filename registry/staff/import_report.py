"""The report of an import, for whoever decides on it: audit, every difference before and after, decided pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from registry import proposals
from registry.domain.model import Struct
from registry.errors import NotFound
from registry.importers.reading.list_file import ListedInstitution
from registry.importers.reading.list_table import format_list_table
from registry.importers.wizard import import_store
from registry.staff.desk import EDITORS, Desk
from registry.staff.import_pages import get_own_import
from registry.texts import Message

#: The parts of a report, in the order of their tabs.
PARTS = (
    "changes",
    "conflicts",
    "new",
    "gone",
    "relisted",
    "renamed",
    "moved",
    "gained",
    "lost",
    "stage",
    "other",
    "undecided",
    "decisions",
    "audit",
)
PAGE = 100


class ReportLine(Struct, frozen=True):
    """One line of a report: whom it is about, both sides in the register's terms, and the rule or person behind it.

    ``sides`` are (field, before, after); a field is a path of the record, or name and address.
    """

    name: str
    code: str | None = None
    sides: Sequence[tuple[str, Any, Any]] = ()
    why: str = ""


def count_lines(report: Any) -> dict[str, int]:
    """Return how many lines each part of a report has; nothing for a report of another kind."""
    is_list = isinstance(report, dict) and isinstance(report.get("audit"), list) and "difference" in report
    return {part: len(_select_part(report, part)) for part in PARTS} if is_list else {}


def select_conflicts(report: Any, number: int) -> list[dict[str, Any]]:
    """Return the first conflicts of a report with decisions, those before others in which the list is taken."""
    conflicts = _select_part(report, "conflicts") if count_lines(report) else []
    return sorted(conflicts, key=lambda line: line["reason"] is None)[:number]


def _select_part(report: dict[str, Any], part: str) -> list[Any]:
    if part in ("audit", "decisions", "changes"):
        return list(report.get(part) or [])
    difference = report["difference"]
    if part in ("gained", "lost", "stage", "other"):
        return [line for line in difference.get("changed", []) if _select_changes(line, part)]
    return list(difference.get(part, []))


def _select_changes(line: dict[str, Any], part: str) -> list[tuple[str, Any, Any]]:
    """Select those of a changed institution's fields that a part is about."""
    changes = [(change["field"], change.get("from"), change.get("to")) for change in line["changes"]]
    return [side for side in changes if _classify_change(*side) == part]


def _classify_change(field: str, before: Any, after: Any) -> str:
    if not field.startswith("approvals."):
        return "other"
    if not before or not after:
        return "gained" if after else "lost"
    return "other" if before.get("stage") == after.get("stage") else "stage"


def _make_line(line: dict[str, Any], part: str) -> ReportLine:
    code = line.get("code")
    if part in ("gained", "lost", "stage", "other"):
        return ReportLine(name=line["name"], code=code, sides=_select_changes(line, part))
    if part in ("new", "relisted", "gone"):
        sides = ("address", None, line["address"]) if part != "gone" else ("address", line["address"], None)
        return ReportLine(name=line["name"], code=code, sides=[sides])
    field = "address" if part == "moved" else "name"
    return ReportLine(
        name=line.get("name") or line["to"], code=code, sides=[(field, line["from"], line["to"])], why=line["why"]
    )


@get("/proposals/{number:int}/report", sync_to_thread=True)
def show_report(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Show one part of the report of an import, a page at a time."""
    with desk.database.reading() as connection:
        proposal = proposals.get_for_account(connection, number, desk.account.name)
    counts = {part: count for part, count in count_lines(proposal.report).items() if count}
    part = str(desk.request.query_params.get("part") or next(iter(counts), ""))
    if part not in counts:
        raise NotFound(Message("这份提案没有这样的报告。"))
    pages = -(-counts[part] // PAGE)
    page = min(max(desk.read_query_number("page") or 1, 1), pages)
    lines = _select_part(proposal.report, part)[(page - 1) * PAGE : page * PAGE]
    is_shown_as_stored = part in ("audit", "decisions", "conflicts", "changes")
    return desk.render_page(
        "report",
        proposal=proposal,
        part=part,
        parts=counts,
        lines=lines if is_shown_as_stored else [_make_line(line, part) for line in lines],
        page=page,
        pages=pages,
    )


# --- rows of other regions, as a file that their own staff can import ------------------------------------------------


@get("/imports/{number:int}/aside.csv", opt=EDITORS, sync_to_thread=True)
def download_rows_left(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[bytes]:
    """Send the rows of an import that were set aside for their own province."""
    this_import = get_own_import(desk, number)
    with desk.database.reading() as connection:
        rows = [*import_store.read_lines(connection, this_import.id, "aside")]
    return _send_rows_left(rows)


@get("/proposals/{number:int}/aside.csv", sync_to_thread=True)
def download_rows_left_of_proposal(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[bytes]:
    """Send the rows that were set aside in the import from which a proposal came."""
    with desk.database.reading() as connection:
        proposal = proposals.get_for_account(connection, number, desk.account.name)
    report = proposal.report
    return _send_rows_left(report.get("aside") or [] if isinstance(report, dict) else [])


def _send_rows_left(rows: list[Any]) -> Response[bytes]:
    body = format_list_table(msgspec.convert(rows, list[ListedInstitution]))
    headers = {"Content-Disposition": 'attachment; filename="aside.csv"'}
    return Response(body, media_type="text/csv; charset=utf-8", headers=headers)
