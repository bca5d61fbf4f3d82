"""The records as staff find them: lists of each kind, and one record with all that belongs to it."""

from __future__ import annotations

from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from registry import proposals
from registry.accounts.region_scope import can_see_proposal
from registry.domain.identifiers import parse_code
from registry.domain.model import Date, Institution
from registry.domain.techniques import BY_CODE
from registry.errors import NotAllowed, NotFound
from registry.records import asof, browse, lookup
from registry.staff.desk import Desk
from registry.staff.forms import form_drafts, record_values
from registry.staff.forms.review import require_subject_in_region
from registry.staff.lists import list_page, record_list
from registry.staff.record_names import RecordNames


@get("/records", sync_to_thread=True)
def show_records(desk: NamedDependency[Desk]) -> Response[Any]:
    """List the records of one kind; also institutions that are delisted, being set up, or begin later."""
    kind = record_list.read_kind(desk)
    return list_page.render_listing(desk, "records", record_list.open_record_list, kind=kind, kinds=record_list.KINDS)


@get("/records.csv", opt={"lane": "writes"}, sync_to_thread=True)
def download_records(desk: NamedDependency[Desk]) -> Response[Any]:
    """Send the same as a file for a spreadsheet; the download is an event of the audit log."""
    with desk.database.writing() as connection:
        desk.record_event(connection, "list_exported", record_list.read_kind(desk))
    return list_page.send_table(desk, "records", record_list.open_record_list)


@get("/records/{code:str}", sync_to_thread=True)
def show_record(desk: NamedDependency[Desk], code: FromPath[str]) -> Response[Any]:
    """Show a record: of an institution with all that belongs to it; of anything else what is stated of it."""
    compact = parse_code(code)
    with desk.database.reading() as connection:
        found = browse.find_subjects(connection, compact)
    subject = lookup.to_subject(compact)
    if found and subject not in found:
        return _render_belonging(desk, found[0])
    return _render_institution(desk, code, subject)


def _render_belonging(desk: Desk, subject: str) -> Response[Any]:
    """Show what is stated of a person, a certificate or a sanction."""
    kind = subject.partition(":")[0]
    with desk.database.reading() as connection:
        now = asof.make_as_of(connection)
        names = RecordNames(connection, [subject], desk.language)
        values = names.get_values(subject)
        parent = str(values.get("institution") or "")
        days = [entry.valid_from for entry in record_values.read_entries(connection, subject)]
        first = min(days).isoformat()
        waiting, hidden = _list_waiting(desk, connection, subject)
        other_drafts = _list_other_drafts(desk, connection, subject)
        own_drafts = _list_own_drafts(desk, connection, subject)
        inside = _is_inside(desk, connection, subject)
        coming = browse.list_coming_days(connection, [subject], now).get(subject)
    today = now.valid_on.isoformat()
    begins = first if first > today else None
    return desk.render_page(
        "belonging",
        kind=kind,
        subject=subject,
        code=desk.language.format_subject_code(subject),
        title=names.format_name(subject),
        parent=(names.format_name(parent), names.make_path(parent)) if parent else None,
        values={path: value for path, value in values.items() if path not in ("institution", "status")},
        begins=begins,
        coming=None if begins else coming,
        waiting=waiting,
        hidden=hidden,
        other_drafts=other_drafts,
        own_drafts=own_drafts,
        inside=inside,
    )


def _list_waiting(
    desk: Desk, connection: Any, subject: str, belonging: bool = False
) -> tuple[list[proposals.Proposal], int]:
    """Return the open proposals about a subject that the account may see, and the number of the others."""
    numbers = form_drafts.list_open_proposals_about(connection, subject, belonging=belonging)
    found = [proposals.get_proposal(connection, number) for number in numbers]
    visible = [item for item in found if can_see_proposal(desk.account, item.region, item.touched_by)]
    return visible, len(found) - len(visible)


def _list_other_drafts(desk: Desk, connection: Any, subject: str) -> list[form_drafts.ConcurrentEdit]:
    edits = form_drafts.list_concurrent_edits(connection, subject, desk.account.name)
    return [item for item in edits if item.proposal is None]


def _list_own_drafts(desk: Desk, connection: Any, subject: str) -> list[form_drafts.FormDraft]:
    return [item for item in form_drafts.list_drafts(connection, desk.account.name) if item.subject == subject]


def _is_inside(desk: Desk, connection: Any, subject: str) -> bool:
    """Whether the account may propose about a subject as far as its region goes."""
    try:
        require_subject_in_region(connection, desk.account.name, subject)
    except NotAllowed:
        return False
    return True


def _render_institution(desk: Desk, code: str, subject: str) -> Response[Any]:
    institution, begins = _get_institution(desk, code, subject)
    with desk.database.reading() as connection:
        people, certificates, sanctions, supervisions = (
            record_values.list_records_of_parent(connection, kind, subject)
            for kind in ("practitioner", "ad_certificate", "sanction", "supervision")
        )
        waiting, hidden = _list_waiting(desk, connection, subject, belonging=True)
        other_drafts = _list_other_drafts(desk, connection, subject)
        own_drafts = _list_own_drafts(desk, connection, subject)
        inside = _is_inside(desk, connection, subject)
        now = asof.make_as_of(connection)
        coming = browse.list_coming_days(connection, [subject], now).get(subject)
        belongings = [found for found, _ in (*people, *certificates, *sanctions, *supervisions)]
        first_days = browse.list_beginnings(connection, belongings, now)
    missing = [
        technique for technique in BY_CODE if technique not in {item.technique for item in institution.approvals}
    ]
    return desk.render_page(
        "record",
        institution=institution,
        subject=subject,
        begins=begins,
        coming=None if begins else coming,
        today=now.valid_on,
        first_days=first_days,
        hidden=hidden,
        people=people,
        certificates=certificates,
        sanctions=sanctions,
        supervisions=supervisions,
        waiting=waiting,
        other_drafts=other_drafts,
        own_drafts=own_drafts,
        inside=inside,
        missing=missing,
    )


def _get_institution(desk: Desk, code: str, subject: str) -> tuple[Institution, Date | None]:
    """Return it as of today; or of the day on which it first will be, with that day; NotFound."""
    try:
        return desk.register.get_institution(code, desk.register.make_as_of_now()), None
    except NotFound:
        with desk.database.reading() as connection:
            today = asof.find_today(connection)
            days = [
                entry.valid_from
                for entry in record_values.read_entries(connection, subject)
                if entry.valid_from > today
            ]
        if not days:
            raise
        return desk.register.get_institution(code, desk.register.make_as_of(min(days))), min(days)
