"""Emergency suspension: one person stops a site at once; another confirms within a day, or it falls back visibly.

Two proposals say the same. The first is in the log at once, approved by the register's own rule (``system.emergency``).
The second waits, as any proposal, for a person with no hand in it: approved, the suspension rests on two people; when
it is rejected, or nobody decides in time, what was recorded before is stated again. All of it is in the log and in the
history of the institution.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from registry import accounts
from registry.accounts import DEADLINE, EMERGENCY, region_scope
from registry.domain.model import Change, Date, Draft, Struct
from registry.domain.techniques import LAWFUL_STAGES, TECHNIQUES
from registry.errors import FAULTS, ClockWrong, Conflict, FourEyesViolation, InvalidInput, NotAllowed, RegistryError
from registry.log import store
from registry.log.publish import PublishedLog
from registry.proposals import append, changeset, proposal_store, submission, suspension_scope
from registry.proposals.proposal_store import Proposal
from registry.records import asof
from registry.storage.database import Database
from registry.storage.tables import proposals

KIND = "emergency"
#: Characters of a reason, which is published.
LONGEST = 500
#: Milliseconds in which a second person has to confirm.
WITHIN = 24 * 60 * 60 * 1000
REJECTED = "紧急暂停未获第二人确认（被否决），恢复原记载"
EXPIRED = "紧急暂停24小时内未获第二人确认，恢复原记载"
_log = logging.getLogger("registry")


class EmergencySuspension(Struct, frozen=True):
    """What is in force: the entries that say so, and the proposal that waits, until when (milliseconds)."""

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
    """Suspend techniques of an institution (all that are lawful, with none named) from today, at once; also where they
    are stated anew for a day to come, so that the suspension does not end by itself on that day.

    ``by`` is an editor or approver whose region holds it. InvalidInput without a reason (it is published: no names) or
    for a technique it does not offer; Conflict when nothing is left to suspend or one already waits to be confirmed.
    """
    if not reason.strip():
        raise InvalidInput("请说明紧急暂停的理由，会公开。", "Say why, in words that are published.", field="reason")
    if len(reason) > LONGEST:
        raise InvalidInput(f"理由最多{LONGEST}字。", f"A reason has {LONGEST} characters at most.", field="reason")
    with database.writing() as connection:
        if log is not None:
            log.refuse_rollback(connection)
        _require_role(connection, by)
        _refuse_second_suspension(connection, subject)
        before = _select_approvals(connection, subject, techniques)
        today = asof.find_today(connection)
        all_before = {today: before, **suspension_scope.list_future_approvals(connection, subject, set(before), today)}
        stopped = _make_suspension_drafts(subject, all_before, f"紧急暂停：{reason}")
        region_scope.require_inside_region(connection, by, stopped)
        name = suspension_scope.read_values_on(connection, subject, today).get("name")
        held = sorted(path.removeprefix("approvals.") for path in before)
        first, last, in_force = _put_in_force(connection, stopped, by, f"紧急暂停：{name}", log)
        confirming = _make_suspension_drafts(subject, all_before, f"紧急暂停经第二人确认：{reason}")
        confirm_by = proposal_store.get_now_ms() + WITHIN
        waiting = submission.insert_proposal(
            connection,
            _make_changeset(connection, confirming),
            by=by,
            title=f"确认紧急暂停：{name}",
            kind=KIND,
            report={"in_force": in_force, **suspension_scope.make_report(all_before), "reason": reason},
            base_size=store.read_head(connection).size,
            confirm_by=confirm_by,
        )
    if log is not None:
        log.try_publish(database)
    return EmergencySuspension(
        in_force=in_force, waiting=waiting, first_entry=first, last_entry=last, confirm_by=confirm_by, techniques=held
    )


def require_in_force(connection: sa.Connection, proposal: Proposal) -> None:
    """Conflict when it is too late to confirm, or the register says something else of it by now."""
    if proposal.confirm_by is not None and proposal_store.get_now_ms() > proposal.confirm_by:
        raise Conflict(
            f"提案 {proposal.id} 已过24小时确认期限，紧急暂停已按规则恢复，请另行提案。",
            f"The day in which proposal {proposal.id} could be confirmed is over, so the suspension fell back; "
            "propose it anew.",
        )
    stated = list(proposal_store.read_drafts(connection, proposal.id))
    subject = stated[0].subject
    if not all(one.still for one in suspension_scope.list_suspended_approvals(connection, proposal, stated)):
        raise Conflict(
            f"紧急暂停之后，{subject} 的记载已有变化，请否决并重新提出。",
            f"{subject} was changed since the emergency suspension; reject it and propose anew.",
            subject=subject,
        )


def restore_approvals(
    connection: sa.Connection, proposal: Proposal, by: str, why: str, log: PublishedLog | None
) -> tuple[int, int] | None:
    """State again what was recorded before, where the suspension is what is recorded still; the entries, if any."""
    stated = list(proposal_store.read_drafts(connection, proposal.id))
    subject, before = stated[0].subject, dict[Date, dict[str, Any]]()
    for one in suspension_scope.list_suspended_approvals(connection, proposal, stated):
        if one.still:
            before.setdefault(one.day, {})[one.path] = one.before
    if not before:
        return None
    name = suspension_scope.read_values_on(connection, subject, asof.find_today(connection)).get("name")
    proposer = EMERGENCY if by != EMERGENCY else DEADLINE
    restoring = [_make_draft(subject, before[day], why, day) for day in sorted(before)]
    first, last, _ = _put_in_force(connection, restoring, proposer, f"恢复：{name}", log, by)
    return first, last


def end_expired_suspensions(database: Database, log: PublishedLog | None = None) -> list[int]:
    """End every emergency suspension that nobody confirmed in time; the proposals this closed. Any process may call it
    at any time: each is ended once. ClockWrong, and nothing ended, where one seems due by a clock that cannot be right.
    """
    with database.reading() as connection:
        due = _list_pending(connection, proposals.c.confirm_by <= proposal_store.get_now_ms())
    ended = [one for one in due if _end_suspension(database, one, log)]
    if ended and log is not None:
        log.try_publish(database)
    return ended


def _end_suspension(database: Database, identifier: int, log: PublishedLog | None) -> bool:
    try:
        with database.writing() as connection:
            if log is not None:
                log.require_extension(connection)
            proposal = proposal_store.get_proposal(connection, identifier)
            if proposal.state not in proposal_store.OPEN:
                return False
            restore_approvals(connection, proposal, EMERGENCY, EXPIRED, log)
            proposal_store.close_proposal(connection, identifier, "rejected", EMERGENCY, reason=EXPIRED)
    except ClockWrong:
        raise  # whether its time is over cannot be told
    except FAULTS:
        return False  # shown in /readyz as long as it lasts; then it is tried again
    except RegistryError as error:
        _log.warning("the emergency suspension of proposal %s could not be ended yet: %s", identifier, error.code)
        return False
    _log.warning("nobody confirmed the emergency suspension of proposal %s in time: it fell back", identifier)
    return True


def find_pending_confirmation(connection: sa.Connection, subject: str) -> Proposal | None:
    """The proposal that would confirm an emergency suspension of this subject, if one is in force."""
    for identifier in _list_pending(connection, sa.true()):
        if next(proposal_store.read_drafts(connection, identifier)).subject == subject:
            return proposal_store.get_proposal(connection, identifier)
    return None


def _list_pending(connection: sa.Connection, which: sa.ColumnElement[bool]) -> list[int]:
    query = sa.select(proposals.c.id).where(proposals.c.state == "pending", proposals.c.confirm_by.is_not(None), which)
    return list(connection.execute(query.order_by(proposals.c.id)).scalars())


def _require_role(connection: sa.Connection, by: str) -> None:
    account = accounts.find_account(connection, by)
    if account is None or account.disabled or not account.roles & {"editor", "approver"}:
        raise NotAllowed(
            f"账号“{by}”没有 editor 或 approver 角色，不能紧急暂停。",
            f"Account “{by}” is neither editor nor approver, so it cannot suspend.",
        )


def _refuse_second_suspension(connection: sa.Connection, subject: str) -> None:
    there = find_pending_confirmation(connection, subject)
    if there is not None:
        raise Conflict(
            f"{subject} 已有紧急暂停等待确认（提案 {there.id}）。",
            f"An emergency suspension of {subject} already waits to be confirmed (proposal {there.id}).",
        )


def _select_approvals(connection: sa.Connection, subject: str, techniques: Sequence[str]) -> dict[str, Any]:
    """The approvals to suspend, by path, as they are recorded today."""
    now = suspension_scope.read_values_on(connection, subject, asof.find_today(connection))
    lawful = {
        f"approvals.{one.code}": now[f"approvals.{one.code}"]
        for one in TECHNIQUES
        if (now.get(f"approvals.{one.code}") or {}).get("stage") in LAWFUL_STAGES
    }
    wanted = {f"approvals.{one}" for one in techniques} or lawful.keys()
    if missing := sorted(path.removeprefix("approvals.") for path in wanted - lawful.keys()):
        raise InvalidInput(
            f"{subject} 没有在开展的技术：{'、'.join(missing)}。",
            f"{subject} does not offer {', '.join(missing)} now.",
            field="techniques",
        )
    if not lawful:
        raise Conflict(f"{subject} 没有可暂停的技术。", f"{subject} offers nothing that could be suspended.")
    return {path: value for path, value in lawful.items() if path in wanted}


def _make_suspension_drafts(subject: str, before: suspension_scope.ByDay, reason: str) -> list[Draft]:
    """Approvals suspended, from each day on from which they are recorded as they are."""
    return [
        _make_draft(subject, {path: {**held, "stage": "suspended"} for path, held in before[day].items()}, reason, day)
        for day in sorted(before)
    ]


def _make_draft(subject: str, values: dict[str, Any], reason: str, day: Date) -> Draft:
    change = Change(kind="institution", set=values, reason=reason)
    return Draft(subject=subject, change=change, valid_from=day)


def _make_changeset(connection: sa.Connection, stated: list[Draft]) -> changeset.Changeset:
    content = changeset.Changeset(stated)
    content.check_against_register(connection, KIND, "", None)
    return content


def _put_in_force(
    connection: sa.Connection,
    stated: list[Draft],
    proposer: str,
    title: str,
    log: PublishedLog | None,
    by: str = EMERGENCY,
) -> tuple[int, int, int]:
    """Propose and approve in one breath, as only this rule may: (first, last entry, proposal)."""
    if proposer == by:  # never true as this module calls it; the log would hold an entry of one pair of eyes
        raise FourEyesViolation(f"{by} 不能自行审批。", f"{by} cannot approve what they proposed.")
    size = store.read_head(connection).size
    content = _make_changeset(connection, stated)
    made = submission.insert_proposal(
        connection, content, by=proposer, title=title, kind=KIND, report=None, base_size=size
    )
    first, last = append.append_proposal(connection, proposal_store.get_proposal(connection, made), by, log)
    proposal_store.close_proposal(connection, made, "approved", by, first_entry=first, last_entry=last)
    return first, last, made
