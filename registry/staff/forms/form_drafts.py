"""Drafts of forms, stored until they are proposed or discarded, 90 days at most; and who else works on a subject.

A draft holds what was typed, what the record held when the form was filled, and the log size of that. Only its account
sees it. It may hold the name of a person, so it is in no backup, and an erasure deletes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from registry import proposals
from registry.domain.model import Struct
from registry.errors import Conflict, InvalidInput, NotFound
from registry.log.clock import get_now_ms
from registry.proposals import changeset
from registry.staff.forms import documents
from registry.staff.forms.documents import contains_text
from registry.staff.forms.forms import FormKind, Typed
from registry.storage.tables import proposal_items, staff_drafts
from registry.storage.tables import proposals as proposals_table
from registry.texts import Message

DAYS = 90
#: Drafts of one account: more is not work in progress.
LIMIT = 200
_DAY = 86_400_000
_encode, _decode = msgspec.json.encode, msgspec.json.decode


class FormContent(Struct, frozen=True):
    """The content of a draft: as typed, as recorded, the document's hash, the warnings confirmed.

    ``step``: the page to go on with. ``focus``: the one field that the change is about, if it is about one.
    """

    typed: Typed
    base: Typed
    attachment: str = ""
    seen: str = ""  # the content hash of the proposal it amends
    confirmed: tuple[str, ...] = ()
    step: str = ""
    focus: str = ""


class FormDraft(Struct, frozen=True):
    """One stored form. ``version`` goes up with every save; times in milliseconds since 1970."""

    id: int
    account: str
    kind: FormKind
    subject: str | None
    filled: FormContent
    base_size: int
    amends: int | None
    created_at: int
    updated_at: int

    @property
    def version(self) -> int:
        """The value a page sends back, so that a later save elsewhere is noticed."""
        return self.updated_at

    @property
    def is_new(self) -> bool:
        """Whether the form is about something that the register does not hold yet."""
        return not any(self.filled.base.values())


class ConcurrentEdit(Struct, frozen=True):
    """Somebody else's work on the same subject: a draft (``proposal`` None) or a pending proposal, since when."""

    account: str
    since: int
    proposal: int | None = None
    title: str = ""


def create_draft(  # noqa: PLR0913 - each is a part of what is kept
    connection: sa.Connection,
    account: str,
    kind: FormKind,
    subject: str | None,
    filled: FormContent,
    *,
    base_size: int,
    amends: int | None = None,
) -> FormDraft:
    """Store a form for the first time; InvalidInput if the account has too many."""
    delete_expired_drafts(connection)
    own_count = sa.select(sa.func.count()).select_from(staff_drafts).where(staff_drafts.c.account == account)
    if connection.execute(own_count).scalar_one() >= LIMIT:
        raise InvalidInput(Message("草稿已有{limit}份，请先提交或删除一些。", limit=LIMIT))
    now = get_now_ms()
    values = {"account": account, "kind": kind, "subject": subject, "form": _encode(filled), "base_size": base_size}
    query = sa.insert(staff_drafts).values(**values, amends=amends, created_at=now, updated_at=now)
    return get_draft(connection, int(connection.execute(query.returning(staff_drafts.c.id)).scalar_one()), account)


def save_draft(
    connection: sa.Connection, draft: FormDraft, filled: FormContent, *, base_size: int | None = None
) -> FormDraft:
    """Save a draft; Conflict if it was saved elsewhere since ``draft`` was read."""
    values: dict[str, Any] = {"form": _encode(filled), "updated_at": max(get_now_ms(), draft.updated_at + 1)}
    if base_size is not None:
        values["base_size"] = base_size
    unchanged = (staff_drafts.c.id == draft.id) & (staff_drafts.c.updated_at == draft.updated_at)
    if not connection.execute(sa.update(staff_drafts).where(unchanged).values(**values)).rowcount:
        raise Conflict(Message("草稿 {draft} 已在另一窗口保存过。", draft=draft.id))
    before = draft.filled.attachment
    if before and before != filled.attachment:
        documents.delete_unused_document(connection, before, by=draft.account)
    return get_draft(connection, draft.id, draft.account)


def get_draft(connection: sa.Connection, identifier: int, account: str) -> FormDraft:
    """Return a draft of this account; NotFound, also for somebody else's."""
    query = sa.select(staff_drafts).where(staff_drafts.c.id == identifier, staff_drafts.c.account == account)
    row = connection.execute(query).first()
    if row is None:
        raise NotFound(
            Message(
                "您没有编号为 {identifier} 的草稿：可能已提交、已删除或超过{days}天。", identifier=identifier, days=DAYS
            )
        )
    return _to_form_draft(row)


def list_drafts(connection: sa.Connection, account: str) -> list[FormDraft]:
    """Return the drafts of an account, last saved first."""
    query = sa.select(staff_drafts).where(
        staff_drafts.c.account == account, staff_drafts.c.updated_at > get_now_ms() - DAYS * _DAY
    )
    return [_to_form_draft(row) for row in connection.execute(query.order_by(staff_drafts.c.updated_at.desc()))]


def discard_draft(connection: sa.Connection, identifier: int, account: str) -> None:
    """Delete a draft, and its document if nothing else needs it; NotFound."""
    _delete_drafts(connection, [get_draft(connection, identifier, account)])


def delete_expired_drafts(connection: sa.Connection) -> int:
    """Delete drafts that were not saved for 90 days; return how many."""
    old = sa.select(staff_drafts).where(staff_drafts.c.updated_at <= get_now_ms() - DAYS * _DAY)
    return _delete_drafts(connection, [_to_form_draft(row) for row in connection.execute(old).all()])


def _delete_drafts(connection: sa.Connection, drafts: list[FormDraft]) -> int:
    for draft in drafts:
        connection.execute(sa.delete(staff_drafts).where(staff_drafts.c.id == draft.id))
        if draft.filled.attachment:
            documents.delete_unused_document(connection, draft.filled.attachment, by=draft.account)
    return len(drafts)


def list_concurrent_edits(connection: sa.Connection, subject: str, account: str) -> list[ConcurrentEdit]:
    """Return who else has a draft about a subject, and every pending proposal about it, oldest first."""
    others = sa.select(staff_drafts.c.account, sa.func.min(staff_drafts.c.created_at).label("since")).where(
        staff_drafts.c.subject == subject,
        staff_drafts.c.account != account,
        staff_drafts.c.updated_at > get_now_ms() - DAYS * _DAY,
    )
    rows = connection.execute(others.group_by(staff_drafts.c.account)).all()
    edits = [ConcurrentEdit(account=row.account, since=row.since) for row in rows]
    for number in list_open_proposals_about(connection, subject):
        proposal = proposals.get_proposal(connection, number)
        edits.append(
            ConcurrentEdit(account=proposal.proposer, since=proposal.created_at, proposal=number, title=proposal.title)
        )
    return sorted(edits, key=lambda edit: edit.since)


class SharedRecord(Struct, frozen=True):
    """A record that somebody works on, with what others do about it."""

    subject: str
    edits: list[ConcurrentEdit]


def list_shared_records(connection: sa.Connection, account: str, own_proposals: Sequence[int]) -> list[SharedRecord]:
    """Return the records of an account's drafts and of some proposals about which others have a draft or a proposal,
    whatever days theirs speak of."""
    d, i, p = staff_drafts.c, proposal_items.c, proposals_table.c
    is_alive = d.updated_at > get_now_ms() - DAYS * _DAY
    mine = sa.union(
        sa.select(d.subject).where(d.account == account, d.subject.is_not(None), is_alive),
        sa.select(i.subject).where(i.proposal.in_(own_proposals), i.subject.is_not(None), ~i.subject.like("source:%")),
    )
    drafts = sa.select(d.subject, d.account, sa.func.min(d.created_at)).where(
        d.account != account, is_alive, d.subject.in_(mine)
    )
    found: dict[str, list[ConcurrentEdit]] = {}
    for subject, other, since in connection.execute(drafts.group_by(d.subject, d.account)):
        found.setdefault(subject, []).append(ConcurrentEdit(account=other, since=since))
    others = (
        sa.select(i.subject, p.id, p.title, p.created_at)
        .join(proposals_table, p.id == i.proposal)
        .where(p.state.in_(proposals.OPEN), p.id.not_in(own_proposals), i.subject.in_(mine))
    )
    for subject, number, title, since in connection.execute(others.order_by(p.id)):
        proposer = proposals.list_touches(connection, number)[0].account
        edit = ConcurrentEdit(account=proposer, since=since, proposal=number, title=title)
        found.setdefault(subject, []).append(edit)
    return [SharedRecord(subject=subject, edits=edits) for subject, edits in sorted(found.items())]


def list_open_proposals_about(connection: sa.Connection, subject: str, belonging: bool = False) -> list[int]:
    """Return the open proposals with a draft about a subject; with ``belonging`` also about what belongs to it."""
    query = (
        sa.select(proposal_items.c.proposal, proposal_items.c.body)
        .join(proposals_table, proposals_table.c.id == proposal_items.c.proposal)
        .where(proposals_table.c.state.in_(proposals.OPEN), contains_text(proposal_items.c.body, subject))
        .order_by(proposal_items.c.proposal)
    )
    numbers: dict[int, None] = {}
    for row in connection.execute(query):
        draft = changeset.decode_draft(row.body)
        if draft.subject == subject or (belonging and draft.change.set.get("institution") == subject):
            numbers[row.proposal] = None
    return list(numbers)


def _to_form_draft(row: Any) -> FormDraft:
    fields = dict(row._mapping)
    form = fields.pop("form")
    return FormDraft(filled=_decode(form, type=FormContent), **fields)
