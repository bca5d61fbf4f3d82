"""Emergency suspension: one person stops a site at once; another confirms within a day, or it is undone visibly.

Two proposals state the same. The first is in the log at once, approved by the register's own rule
(``system.emergency``). The second waits, as any proposal, for a person who took no part in it: if it is approved, the
suspension rests on two people; if it is rejected, or nobody decides in time, what was recorded before holds again, with
all that it rests on (``records.timeline``). All of it is in the log and in the history of the institution; the reason
only once it is confirmed.
"""

import logging
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from registry import accounts
from registry.accounts import region_scope
from registry.domain.model import DEADLINE, EMERGENCY, Change, Date, Draft, Struct
from registry.domain.techniques import LAWFUL_STAGES, TECHNIQUES
from registry.errors import FAULTS, ClockWrong, Conflict, FourEyesViolation, InvalidInput, NotAllowed, RegistryError
from registry.log import store
from registry.log.clock import get_now_ms
from registry.log.publish import PublishedLog
from registry.proposals import changeset, proposal_store, submission
from registry.proposals.proposal_store import Proposal
from registry.records import asof, lookup, selection
from registry.records.asof import AsOf
from registry.records.subject_names import describe_subject
from registry.records.view import decode_state
from registry.storage.database import Database
from registry.storage.tables import proposals, versions
from registry.texts import Listing, Message

KIND = "emergency"
#: Characters of a reason, which is published once a second person has confirmed it.
LONGEST = 500
#: Milliseconds in which a second person has to confirm.
WITHIN = 24 * 60 * 60 * 1000
#: What the public reads until then: nobody is accused by one person alone.
UNCONFIRMED = "紧急暂停，等待第二人确认"
REJECTED = "紧急暂停未获第二人确认（被否决），恢复原记载"
EXPIRED = "紧急暂停24小时内未获第二人确认，恢复原记载"
#: Approvals by path, by the day from which they are recorded so.
ApprovalsByDay = dict[Date, dict[str, Any]]
_log = logging.getLogger("registry")


class EmergencySuspension(Struct, frozen=True):
    """A suspension in force: its proposal and entries, and the proposal that waits, until when (milliseconds since
    1970)."""

    in_force: int
    waiting: int
    first_entry: int
    last_entry: int
    confirm_by: int
    techniques: list[str]


def suspend(
    database: Database,
    subject: str,
    techniques: Sequence[str] = (),
    *,
    by: str,
    reason: str,
    log: PublishedLog | None = None,
) -> EmergencySuspension:
    """Suspend techniques of an institution (all lawful ones, if none is named) from today on, at once; also where they
    are recorded anew for a future day, so that the suspension does not end by itself on that day.

    ``by`` is an editor or approver whose region holds it. InvalidInput without a reason (published when confirmed) or
    for a technique it does not offer; Conflict if nothing is left to suspend or one already waits to be confirmed.
    """
    if not reason.strip():
        raise InvalidInput(Message("请说明紧急暂停的理由，经第二人确认后公开。"), field="reason")
    if len(reason) > LONGEST:
        raise InvalidInput(Message("理由最多{longest}字。", longest=LONGEST), field="reason")
    with proposal_store.open_transaction(database, log) as connection:
        _require_role(connection, by)
        _refuse_second_suspension(connection, subject)
        approvals = _select_approvals(connection, subject, techniques)
        today = asof.find_today(connection)
        approvals_by_day = {today: approvals, **_list_future_approvals(connection, subject, set(approvals), today)}
        suspending = _make_suspension_drafts(subject, approvals_by_day, UNCONFIRMED)
        region_scope.require_inside_region(connection, by, suspending)
        name = lookup.read_values(connection, subject, asof.make_as_of(connection)).get("name")
        codes = sorted(path.removeprefix("approvals.") for path in approvals)
        first, last, in_force = _put_in_force(connection, suspending, by, f"紧急暂停：{name}", log)
        confirming = _make_suspension_drafts(subject, approvals_by_day, f"紧急暂停经第二人确认：{reason}")
        confirm_by = get_now_ms() + WITHIN
        later = {day.isoformat(): approvals_by_day[day] for day in sorted(approvals_by_day) if day > today}
        waiting = submission.insert_proposal(
            connection,
            _make_changeset(connection, confirming),
            by=by,
            title=f"确认紧急暂停：{name}",
            kind=KIND,
            report={"in_force": in_force, "before": approvals, "later": later, "reason": reason},
            base_size=store.read_head(connection).size,
            confirm_by=confirm_by,
        )
    if log is not None:
        log.try_publish(database)
    return EmergencySuspension(
        in_force=in_force, waiting=waiting, first_entry=first, last_entry=last, confirm_by=confirm_by, techniques=codes
    )


def require_in_force(connection: sa.Connection, proposal: Proposal) -> None:
    """Conflict if it is too late to confirm, or if the register records something else by now."""
    if proposal.confirm_by is not None and get_now_ms() > proposal.confirm_by:
        raise Conflict(
            Message("提案 {proposal} 已过24小时确认期限，紧急暂停已按规则恢复，请另行提案。", proposal=proposal.id)
        )
    drafts = list(proposal_store.read_drafts(connection, proposal.id))
    subject = drafts[0].subject
    if not all(approval.still for approval in _list_suspended_approvals(connection, proposal, drafts)):
        raise Conflict(
            Message(
                "紧急暂停之后，{subject} 的记载已有变化，请否决并重新提出。",
                subject=describe_subject(connection, subject),
            ),
            subject=subject,
        )


def restore_approvals(
    connection: sa.Connection, proposal: Proposal, by: str, reason: str, log: PublishedLog | None
) -> tuple[int, int] | None:
    """Take the suspension back where it is still what is recorded; return the entries, if any."""
    drafts = sorted(proposal_store.read_drafts(connection, proposal.id), key=lambda draft: draft.valid_from)
    subject, before = drafts[0].subject, dict[Date, dict[str, Any]]()
    for index, draft in enumerate(drafts):  # from the first day on: it is as if nobody had stopped anything
        day = draft.valid_from
        held = proposal.report["later"][day.isoformat()] if index else proposal.report["before"]
        recorded = lookup.read_values(connection, subject, asof.make_as_of(connection, day))
        values = {path: held[path] for path, value in draft.change.set.items() if recorded.get(path) == value}
        if values:
            before[day] = values
    if not before:
        return None
    name = lookup.read_values(connection, subject, asof.make_as_of(connection)).get("name")
    proposer = EMERGENCY if by != EMERGENCY else DEADLINE
    restoring = [_make_draft(subject, before[day], reason, day) for day in sorted(before)]
    first, last, _ = _put_in_force(connection, restoring, proposer, f"恢复：{name}", log, by)
    return first, last


def end_expired_suspensions(database: Database, log: PublishedLog | None = None) -> list[int]:
    """End every emergency suspension that nobody confirmed in time; return the proposals this closed. Any process
    may call it at any time: each is ended once. ClockWrong, and nothing ended, if one seems due by a clock that
    cannot be right."""
    with database.reading() as connection:
        due = _list_pending(connection, proposals.c.confirm_by <= get_now_ms())
    ended = [identifier for identifier in due if _end_suspension(database, identifier, log)]
    if ended and log is not None:
        log.try_publish(database)
    return ended


def _end_suspension(database: Database, identifier: int, log: PublishedLog | None) -> bool:
    try:
        with database.writing() as connection:
            if log is not None:
                log.require_extension(connection)
            proposal = proposal_store.get_proposal(connection, identifier)
            if proposal.state not in proposal_store.OPEN or get_now_ms() < (proposal.confirm_by or 0):
                return False  # decided meanwhile, or the clock by which it was due was put right meanwhile
            restore_approvals(connection, proposal, EMERGENCY, EXPIRED, log)
            proposal_store.close_proposal(connection, identifier, "rejected", EMERGENCY, reason=EXPIRED)
    except ClockWrong:
        raise  # nobody knows whether its time is over
    except FAULTS:
        return False  # shown in /readyz as long as it lasts; tried again after that
    except RegistryError as error:
        _log.warning("the emergency suspension of proposal %s could not be ended yet: %s", identifier, error.code)
        return False
    _log.warning("nobody confirmed the emergency suspension of proposal %s in time: it fell back", identifier)
    return True


def find_pending_confirmation(connection: sa.Connection, subject: str) -> Proposal | None:
    """Return the proposal that would confirm an emergency suspension of this subject, if one is in force."""
    for identifier in _list_pending(connection, sa.true()):
        if next(proposal_store.read_drafts(connection, identifier)).subject == subject:
            return proposal_store.get_proposal(connection, identifier)
    return None


def _list_pending(connection: sa.Connection, due: sa.ColumnElement[bool]) -> list[int]:
    query = sa.select(proposals.c.id).where(proposals.c.state == "pending", proposals.c.confirm_by.is_not(None), due)
    return list(connection.execute(query.order_by(proposals.c.id)).scalars())


def _require_role(connection: sa.Connection, by: str) -> None:
    account = accounts.find_account(connection, by)
    if account is None or account.disabled or not account.roles & {"editor", "approver"}:
        raise NotAllowed(Message("账号“{by}”没有编辑或审批角色，不能紧急暂停。", by=by))


def _refuse_second_suspension(connection: sa.Connection, subject: str) -> None:
    pending = find_pending_confirmation(connection, subject)
    if pending is not None:
        raise Conflict(
            Message(
                "{subject} 已有紧急暂停等待确认（提案 {pending}）。",
                subject=describe_subject(connection, subject),
                pending=pending.id,
            )
        )


def _select_approvals(connection: sa.Connection, subject: str, techniques: Sequence[str]) -> dict[str, Any]:
    """Return the approvals to suspend, by path, as they are recorded today."""
    recorded = lookup.read_values(connection, subject, asof.make_as_of(connection))
    name = describe_subject(connection, subject)
    paths = [f"approvals.{technique.code}" for technique in TECHNIQUES]
    lawful = {path: recorded[path] for path in paths if _is_lawful(recorded.get(path))}
    wanted = {f"approvals.{technique}" for technique in techniques} or lawful.keys()
    if missing := sorted(path.removeprefix("approvals.") for path in wanted - lawful.keys()):
        raise InvalidInput(
            Message("{subject} 没有在开展的技术：{missing}。", subject=name, missing=Listing(missing)),
            field="techniques",
        )
    if not lawful:
        raise Conflict(Message("{subject} 没有可暂停的技术。", subject=name))
    return {path: value for path, value in lawful.items() if path in wanted}


def _make_suspension_drafts(subject: str, approvals: ApprovalsByDay, reason: str) -> list[Draft]:
    """Draft the approvals as suspended, from each day on from which they are recorded as they are."""
    suspended = {
        day: {path: {**approval, "stage": "suspended"} for path, approval in approvals[day].items()}
        for day in sorted(approvals)
    }
    return [_make_draft(subject, values, reason, day) for day, values in suspended.items()]


def _make_draft(subject: str, values: dict[str, Any], reason: str, day: Date) -> Draft:
    change = Change(kind="institution", set=values, reason=reason)
    return Draft(subject=subject, change=change, valid_from=day)


def _make_changeset(connection: sa.Connection, drafts: list[Draft]) -> changeset.Changeset:
    content = changeset.Changeset(drafts)
    content.check_against_register(connection, KIND, "", None)
    return content


def _put_in_force(
    connection: sa.Connection,
    drafts: list[Draft],
    proposer: str,
    title: str,
    log: PublishedLog | None,
    by: str = EMERGENCY,
) -> tuple[int, int, int]:
    """Propose and approve in one step, as only this rule may; return (first entry, last entry, proposal)."""
    if proposer == by:  # never true as this module calls it; the log would hold an entry of one pair of eyes
        raise FourEyesViolation(Message("{by} 不能自行审批。", by=by))
    size = store.read_head(connection).size
    content = _make_changeset(connection, drafts)
    number = submission.insert_proposal(
        connection, content, by=proposer, title=title, kind=KIND, report=None, base_size=size
    )
    first, last = proposal_store.append_proposal(connection, proposal_store.get_proposal(connection, number), by, log)
    proposal_store.close_proposal(connection, number, "approved", by, first_entry=first, last_entry=last)
    return first, last, number


# --- which approvals a suspension covers -----------------------------------------------------------------------------
# A statement about a later day outlives one about today: a suspension that did not cover that day too would end by
# itself on it, with nobody having decided so.


class SuspendedApproval(Struct, frozen=True):
    """One suspended approval, on the first day from today on that the suspension is about: its value ``before``, and
    whether the suspension is still what is recorded for that day."""

    day: Date
    path: str
    before: Any
    still: bool


def _list_future_approvals(connection: sa.Connection, subject: str, paths: set[str], today: Date) -> ApprovalsByDay:
    """Return those of some approvals that are recorded for days after today, and are lawful then."""
    known = AsOf(valid_on=today, size=asof.make_as_of(connection).size)
    later = versions.c.valid_from > today.isoformat()
    query = sa.select(versions.c.valid_from, versions.c.state).where(
        versions.c.subject == subject, selection.match_known(known), later
    )
    approvals: ApprovalsByDay = {}
    for day, blob in connection.execute(query.order_by(versions.c.valid_from)):
        for _, stated_from, _, values in decode_state(blob):
            lawful = {path: values[path] for path in paths & values.keys() if _is_lawful(values[path])}
            if stated_from == day and lawful:
                approvals.setdefault(Date.fromisoformat(day), {}).update(lawful)
    return approvals


def _is_lawful(approval: Any) -> bool:
    return bool(approval) and approval.get("stage") in LAWFUL_STAGES


def _list_suspended_approvals(
    connection: sa.Connection, proposal: Proposal, drafts: list[Draft]
) -> Iterator[SuspendedApproval]:
    """Yield each approval that a proposal's drafts suspend, from today on: days that are over no longer matter."""
    today = asof.find_today(connection)
    drafts = sorted(drafts, key=lambda draft: draft.valid_from)
    later = proposal.report.get("later", {})
    for index, draft in enumerate(drafts):
        before = later[draft.valid_from.isoformat()] if index else proposal.report["before"]
        replaced = {path for other in drafts[index + 1 :] if other.valid_from <= today for path in other.change.set}
        day = max(draft.valid_from, today)
        recorded = lookup.read_values(connection, draft.subject, asof.make_as_of(connection, day))
        for path in draft.change.set.keys() - replaced:
            yield SuspendedApproval(
                day=day, path=path, before=before[path], still=recorded.get(path) == draft.change.set[path]
            )
