"""Editions of the list into proposals: what to publish, and what to withdraw. A second person approves them."""

from __future__ import annotations

from registry import proposals
from registry.accounts.region_scope import EDITION
from registry.editions import plan
from registry.editions.plan import EditionPlan
from registry.log.publish import PublishedLog
from registry.storage.database import Database


def propose_edition(database: Database, planned: EditionPlan, *, by: str, log: PublishedLog | None = None) -> int:
    """Propose an edition as it was planned; the proposal's id. NotAllowed but for a publisher of its region.

    What was seen is what is proposed: the log size it is frozen at is that of the plan.
    """
    title = f"公布第{planned.number}期：{planned.wish.title}"
    return proposals.propose(
        database,
        [planned.draft],
        by=by,
        title=title,
        kind=EDITION,
        report=planned.report,
        base_size=planned.log.size,
        log=log,
    )


def propose_withdrawal(
    database: Database, edition: str, reason: str, *, by: str, log: PublishedLog | None = None
) -> int:
    """Propose to withdraw an edition, for a reason the public will read; the proposal's id."""
    found, draft = plan.make_withdrawal(database, edition, reason)
    title = f"撤回第{found.id}期：{found.title}"
    report = {"withdraws": found.id}
    return proposals.propose(database, [draft], by=by, title=title, kind=EDITION, report=report, log=log)
