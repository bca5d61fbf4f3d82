"""What an emergency suspension stops: approvals as they are recorded today, and as they were stated for days to come.

A statement of a later day outlives one of today: a suspension that did not speak of that day too would end by itself on
it, with nobody having decided so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from registry.domain.model import Date, Draft, Struct
from registry.domain.techniques import LAWFUL_STAGES
from registry.proposals.proposal_store import Proposal
from registry.records import asof, selection, timeline
from registry.records.asof import AsOf
from registry.records.view import decode_state
from registry.storage.tables import versions

#: Approvals by path, by the day from which they are recorded so.
ByDay = dict[Date, dict[str, Any]]


class SuspendedApproval(Struct, frozen=True):
    """One approval that was suspended, on the first day from today on of which that speaks: as it was ``before``, and
    whether the suspension is what is recorded of that day still."""

    day: Date
    path: str
    before: Any
    still: bool


def read_values_on(connection: sa.Connection, subject: str, day: Date) -> dict[str, Any]:
    """What is known now of a subject on a day, by path; empty for nothing."""
    known = asof.make_as_of(connection, day)
    query = sa.select(versions.c.state).where(
        versions.c.subject == subject, selection.match_known(known), selection.match_day(known)
    )
    blob = connection.execute(query).scalar()
    return {path: fact.value for path, fact in timeline.collect_facts(decode_state(blob)).items()} if blob else {}


def list_future_approvals(connection: sa.Connection, subject: str, paths: set[str], today: Date) -> ByDay:
    """Those of some approvals that are stated for days after today, and are lawful then."""
    known = AsOf(valid_on=today, size=asof.make_as_of(connection).size)
    later = versions.c.valid_from > today.isoformat()
    query = sa.select(versions.c.valid_from, versions.c.state).where(
        versions.c.subject == subject, selection.match_known(known), later
    )
    found: ByDay = {}
    for day, blob in connection.execute(query.order_by(versions.c.valid_from)):
        for _, stated_from, _, values in decode_state(blob):
            lawful = {path: values[path] for path in paths & values.keys() if _is_lawful(values[path])}
            if stated_from == day and lawful:
                found.setdefault(Date.fromisoformat(day), {}).update(lawful)
    return found


def _is_lawful(approval: Any) -> bool:
    return bool(approval) and approval.get("stage") in LAWFUL_STAGES


def make_report(stopped: ByDay) -> dict[str, Any]:
    """What was recorded before, as a proposal keeps it: of today ``before``, of days to come ``later``."""
    first, *later = sorted(stopped)
    return {"before": stopped[first], "later": {day.isoformat(): stopped[day] for day in later}}


def list_suspended_approvals(
    connection: sa.Connection, proposal: Proposal, drafts: list[Draft]
) -> Iterator[SuspendedApproval]:
    """Each approval that a proposal's drafts suspend, from today on: of days that are over nothing is said any more."""
    today = asof.find_today(connection)
    drafts = sorted(drafts, key=lambda draft: draft.valid_from)
    later = proposal.report.get("later", {})
    for place, draft in enumerate(drafts):
        before = later[draft.valid_from.isoformat()] if place else proposal.report["before"]
        due = {path for one in drafts[place + 1 :] if one.valid_from <= today for path in one.change.set}
        day = max(draft.valid_from, today)
        now = read_values_on(connection, draft.subject, day)
        for path in draft.change.set.keys() - due:
            yield SuspendedApproval(
                day=day, path=path, before=before[path], still=now.get(path) == draft.change.set[path]
            )
