"""Renewing many approvals at once: those that fall due, on one document, with new due days, as one proposal."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from registry import proposals
from registry.domain.model import Change, Date, Draft, Struct
from registry.errors import InvalidInput
from registry.log import store
from registry.log.publish import PublishedLog
from registry.proposals.verdict_days import Timelines
from registry.records import asof, deadlines, standing
from registry.records.deadlines import Deadline, DeadlineFilter
from registry.storage.database import Database
from registry.texts import Message

#: Approvals of one proposal.
LIMIT = 500
#: Years for which an approval is verified.
YEARS = 2
_ONE_DAY = dt.timedelta(days=1)


class RenewalDocument(Struct, frozen=True):
    """The document that a renewal rests on; ``sha256`` of its stored file."""

    title: str
    number: str
    date: Date
    sha256: str


class RenewalTerms(Struct, frozen=True):
    """Approvals to renew from a day on, as (subject, path); ``due``: the new due day, or YEARS after each one's own."""

    chosen: frozenset[tuple[str, str]]
    effective: Date
    due: Date | None


class Renewal(Struct, frozen=True):
    """What is renewed, and on what."""

    terms: RenewalTerms
    document: RenewalDocument
    to_approver: str = ""


class RenewalLine(Struct, frozen=True):
    """One approval as it is recorded, with the due day it has and the one it gets."""

    subject: str
    path: str
    name: str
    approval: dict[str, Any]
    present: Date
    due: Date


def list_due_approvals(connection: sa.Connection, wanted: DeadlineFilter) -> list[Deadline]:
    """List the approvals of a filter that fall due, overdue ones among them: LIMIT at most and one more."""
    return deadlines.list_deadlines(connection, asof.make_as_of(connection), wanted, limit=LIMIT + 1)


def list_renewal_lines(connection: sa.Connection, terms: RenewalTerms) -> list[RenewalLine]:
    """List what is renewed, by subject. InvalidInput if nothing is chosen, or a day makes no sense."""
    if not terms.chosen:
        raise InvalidInput(Message("请勾选要校验的批准。"), field="chosen")
    if len(terms.chosen) > LIMIT:
        raise InvalidInput(Message("一次最多{limit}项，请缩小范围。", limit=LIMIT), field="chosen")
    chosen = sorted(terms.chosen)
    recorded = Timelines(connection, [], [subject for subject, _ in chosen])
    lines = []
    for subject, path in chosen:
        held = recorded.get_values(subject, terms.effective)
        approval = held.get(path)
        if not approval or not approval.get("verification_due"):
            raise InvalidInput(Message("所选的批准已有变化，请重新查看。"), field="chosen")
        present = Date.fromisoformat(approval["verification_due"])
        due, name = terms.due or standing.add_years(present, YEARS), str(held.get("name") or subject)
        if due <= max(present, terms.effective):
            message = Message(
                "{name}：新的校验日 {due} 须晚于现在的 {present} 和生效日期。", name=name, due=due, present=present
            )
            raise InvalidInput(message, field="due")
        lines.append(RenewalLine(subject=subject, path=path, name=name, approval=approval, present=present, due=due))
    return lines


def propose_renewal(database: Database, renewal: Renewal, *, by: str, log: PublishedLog | None) -> int:
    """Propose a renewal; return the proposal's number. InvalidInput as ``list_renewal_lines``, or for the document."""
    with database.reading() as connection:
        lines = list_renewal_lines(connection, renewal.terms)
        if renewal.document.date > asof.find_today(connection):
            raise InvalidInput(Message("文件日期还没有到，请核对。"), field="doc_date")
        size = store.read_head(connection).size
    return proposals.propose(
        database,
        _make_drafts(lines, renewal),
        by=by,
        title=f"批量校验：{len({line.subject for line in lines})}家机构的{len(lines)}项技术批准",
        report={"to_approver": renewal.to_approver},
        base_size=size,
        log=log,
    )


def _make_drafts(lines: Sequence[RenewalLine], renewal: Renewal) -> list[Draft]:
    """Make the drafts: the document, then one for each institution."""
    document = renewal.document
    title = document.title
    if document.number and document.number not in title:
        title = f"{title}（{document.number}）"
    identifier = f"doc-{document.date}-{document.sha256[:12]}-{secrets.token_hex(4)}"
    values = {
        "title": title,
        "as_of": document.date.isoformat(),
        "scope": "partial",
        "covers": sorted({line.path.removeprefix("approvals.") for line in lines}),
        "origin": document.number or None,
        "sha256": document.sha256,
    }
    source_values = {name: value for name, value in values.items() if value is not None}
    source = Draft(
        subject=f"source:{identifier}",
        change=Change(kind="source", set=source_values),
        valid_from=document.date,
        source=identifier,
    )
    by_subject: dict[str, dict[str, Any]] = {}
    for line in lines:
        renewed = {**line.approval, "verification_due": line.due.isoformat()}
        by_subject.setdefault(line.subject, {})[line.path] = renewed
    effective = renewal.terms.effective
    changes = ((subject, Change(kind="institution", set=values)) for subject, values in by_subject.items())
    return [source, *(Draft(subject=s, change=c, valid_from=effective, source=identifier) for s, c in changes)]
