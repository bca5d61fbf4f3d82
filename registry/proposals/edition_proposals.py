"""Proposals to publish an edition of the list, or to withdraw one. A second person approves them."""

from registry import proposals
from registry.accounts.region_scope import EDITION
from registry.editions import plan
from registry.editions.plan import EditionPlan
from registry.log.publish import PublishedLog
from registry.storage.database import Database


def propose_edition(database: Database, planned: EditionPlan, *, by: str, log: PublishedLog | None = None) -> int:
    """Propose an edition as planned; return the proposal's number. NotAllowed except for a publisher of its region.

    The log size it is frozen at is that of the plan: what was shown is what is proposed.
    """
    return proposals.propose(
        database,
        [planned.draft],
        by=by,
        title=f"公布第{planned.number}期：{planned.wish.title}",
        kind=EDITION,
        report=planned.report,
        base_size=planned.log.size,
        log=log,
    )


def propose_withdrawal(
    database: Database, edition: str, reason: str, *, by: str, log: PublishedLog | None = None
) -> int:
    """Propose to withdraw an edition, for a reason that will be published; return the proposal's number."""
    published, draft = plan.make_withdrawal(database, edition, reason)
    title = f"撤回第{published.id}期：{published.title}"
    report = {"withdraws": published.id}
    return proposals.propose(database, [draft], by=by, title=title, kind=EDITION, report=report, log=log)
