"""Proposals to issue credentials of institutions, or to withdraw some. A second person approves them."""

from registry import proposals
from registry.credentials.plan import CredentialPlan
from registry.log.publish import PublishedLog
from registry.storage.database import Database

#: Proposals of this kind are about credentials and nothing else.
CREDENTIAL = "credential"


def propose_issue(database: Database, planned: CredentialPlan, *, by: str, log: PublishedLog | None = None) -> int:
    """Propose to issue credentials as planned; return the proposal's number."""
    return _propose(database, planned, f"签发二维码：{_name_all(planned)}", by, log)


def propose_withdrawal(database: Database, planned: CredentialPlan, *, by: str, log: PublishedLog | None = None) -> int:
    """Propose to withdraw credentials, for a reason that will be published; return the proposal's number."""
    return _propose(database, planned, f"撤回二维码：{_name_all(planned)}", by, log)


def _propose(database: Database, planned: CredentialPlan, title: str, by: str, log: PublishedLog | None) -> int:
    return proposals.propose(
        database,
        planned.drafts,
        by=by,
        title=title,
        kind=CREDENTIAL,
        report=planned.report,
        base_size=planned.log_size,
        log=log,
    )


def _name_all(planned: CredentialPlan) -> str:
    first, count = planned.names[0], len(planned.names)
    return first if count == 1 else f"{first}等{count}家"
