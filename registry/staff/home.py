"""The start page, with what waits for whoever is signed in; and what falls due."""

from __future__ import annotations

import datetime as dt
from typing import Any
from weakref import WeakKeyDictionary

from litestar import Response, get
from litestar.di import NamedDependency

from registry import proposals
from registry.accounts import changes
from registry.domain.model import Struct
from registry.editions.edition import Edition
from registry.importers.wizard import import_store
from registry.records import asof, deadlines
from registry.records.deadlines import KINDS
from registry.register import Register
from registry.staff.desk import Desk
from registry.staff.forms import form_drafts
from registry.staff.leads import lead_list
from registry.staff.lists import due_list, list_page
from registry.staff.record_names import RecordNames

#: Approved proposals on the start page; and pending ones, of which the others are on a page of their own.
RECENT, SHOWN = 8, 50


@get("/", sync_to_thread=True)
def show_home(desk: NamedDependency[Desk]) -> Response[Any]:
    """Show what waits, what falls due, what changed, and the state of the register."""
    name = desk.account.name
    with desk.database.reading() as connection:
        open_proposals = proposals.list_proposals(connection, proposals.OPEN, with_report=False, seen_by=desk.account)
        approved = proposals.list_proposals(
            connection, "approved", limit=RECENT, with_report=False, seen_by=desk.account
        )
        drafts = form_drafts.list_drafts(connection, name) if desk.has_role("editor") else []
        account_changes = changes.count_decidable(connection, desk.account) if desk.has_role("administrator") else 0
        lead_counts = lead_list.count_waiting(connection, desk)
        imports_under_way = [
            item for item in import_store.list_imports(connection, name) if item.state not in import_store.OVER
        ]
        mine = [item.id for item in open_proposals if name in item.touched_by]
        shared = form_drafts.list_shared_records(connection, name, mine)
        names = RecordNames(connection, [record.subject for record in shared], desk.language)
    own_proposals = [item for item in open_proposals if name in item.touched_by]
    return desk.render_page(
        "home",
        # Emergency suspensions, which end unless somebody decides in time, stand first.
        to_decide=sorted(
            (item for item in open_proposals if item.state == "pending" and name not in item.touched_by),
            key=lambda item: (item.confirm_by is None, item.confirm_by or -item.id),
        ),
        shown=SHOWN,
        shared=[(names.format_name(one.subject), names.make_path(one.subject), one.edits) for one in shared],
        to_amend=[item for item in own_proposals if item.state == "returned"],
        own_proposals=[item for item in own_proposals if item.state == "pending"],
        recent=approved,
        account_changes=account_changes,
        leads=lead_counts,
        drafts=drafts,
        imports=imports_under_way,
        scheduled_editions=_list_scheduled_editions(desk),
        due=count_due(desk),
        kinds=KINDS,
        health=desk.register.read_health(),
        log=desk.register.find_public_log(),
    )


def _list_scheduled_editions(desk: Desk) -> list[Edition]:
    """Return the editions to be published later, the next one first."""
    scheduled = [edition for edition, state in desk.register.editions.list_states() if state == "scheduled"]
    return sorted(scheduled, key=lambda edition: edition.published)


#: Spans of the start page in days from today; 0: what is overdue.
WITHIN = (0, 30, 90)


class DueCounts(Struct, frozen=True):
    """How much of each kind falls due within some days (0: is overdue)."""

    within: int
    counts: dict[deadlines.Kind, int]


#: What was counted, of each register in this process, by log size, day and region; and how much of it at most.
_counted: WeakKeyDictionary[Register, dict[tuple[int, dt.date, str], list[DueCounts]]] = WeakKeyDictionary()
_MOST_COUNTS = 64


def count_due(desk: Desk) -> list[DueCounts]:
    """Count what falls due, about institutions of the account's region, for the start page.

    Counted once for a log and a day: of very many last days that takes longer than the rest of the page.
    """
    counted = _counted.setdefault(desk.register, {})
    with desk.database.reading() as connection:
        now = asof.make_as_of(connection)
        key = (now.size, now.valid_on, desk.account.region)
        if key not in counted:
            if len(counted) >= _MOST_COUNTS:
                counted.clear()
            counts = deadlines.count_spans(connection, now, WITHIN, desk.account.region)
            counted[key] = [DueCounts(within=days, counts=found) for days, found in zip(WITHIN, counts, strict=True)]
        return counted[key]


@get("/due", sync_to_thread=True)
def show_due_list(desk: NamedDependency[Desk]) -> Response[Any]:
    """List what falls due within some days, or in a period; the earliest first."""
    return list_page.render_listing(desk, "due", due_list.open_due_list)


@get("/due.csv", opt={"lane": "slow"}, sync_to_thread=True)
def download_due_table(desk: NamedDependency[Desk]) -> Response[Any]:
    """Send the same as a file for a spreadsheet."""
    return list_page.send_table(desk, "due", due_list.open_due_list)
