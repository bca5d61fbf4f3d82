"""Leads as they are stored: one row of each, which is its history folded, and the append-only steps."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from registry.accounts import Account
from registry.accounts.region_scope import contains_place
from registry.accounts.vault import Vault
from registry.errors import NotFound
from registry.measures.leads import contents
from registry.measures.leads.model import Action, Lead, LeadStep, StepFacts, decode_facts, encode_facts
from registry.storage.lead_tables import lead_steps, leads
from registry.texts import Message

_COLUMNS = (
    *(leads.c[name] for name in Lead.__struct_fields__ if name != "erased"),
    leads.c.content.is_(None).label("erased"),
)
#: Facts of a step that become the lead's own.
_OWN_FACTS = ("kind", "urgency", "region", "department", "institution", "due", "outcome")


def get_lead(connection: sa.Connection, lead: int) -> Lead:
    """Return a lead by its id; NotFound."""
    return _read_one(connection, leads.c.id == lead)


def get_by_number(connection: sa.Connection, number: str) -> Lead:
    """Return the lead of a compact number; NotFound."""
    return _read_one(connection, leads.c.number == number)


def _read_one(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> Lead:
    row = connection.execute(sa.select(*_COLUMNS).where(condition)).first()
    if row is None:
        raise NotFound(Message("没有这条线索，请核对编号。"))
    return to_lead(row)


def to_lead(row: sa.Row[Any]) -> Lead:
    """Convert a row of ``select_leads``."""
    fields = dict(row._mapping)
    return Lead(**{**fields, "erased": bool(fields["erased"])})


def select_leads() -> sa.Select[Any]:
    """Select leads, for ``to_lead``."""
    return sa.select(*_COLUMNS)


def can_see(account: Account, lead: Lead) -> bool:
    """Whether a lead lies in the region of an account; one of no known place is seen by accounts without a region."""
    return contains_place(account, lead.region or None)


def get_for_account(connection: sa.Connection, lead: int, account: Account) -> Lead:
    """Return a lead that an account may see; NotFound for all others, as if there were none."""
    found = get_lead(connection, lead)
    if not can_see(account, found):
        raise NotFound(Message("没有这条线索，请核对编号。"))
    return found


def list_steps(connection: sa.Connection, lead: int, vault: Vault | None = None) -> list[LeadStep]:
    """List the history of a lead, oldest first; with what was written beside its steps where a vault is given."""
    notes = contents.read_notes(connection, vault, lead) if vault else {}
    query = sa.select(lead_steps).where(lead_steps.c.lead == lead).order_by(lead_steps.c.step)
    return [
        LeadStep(
            lead=row.lead,
            step=row.step,
            at=row.at,
            account=row.account,
            action=row.action,
            region=row.region,
            department=row.department,
            facts=decode_facts(row.facts),
            note=notes.get(row.step, ""),
        )
        for row in connection.execute(query)
    ]


def append_step(connection: sa.Connection, step: LeadStep, changes: dict[str, Any]) -> None:
    """Append a step to the history and change the lead's row with it, in the caller's transaction."""
    row = {name: getattr(step, name) for name in ("lead", "step", "at", "account", "action", "region", "department")}
    connection.execute(sa.insert(lead_steps).values(**row, facts=encode_facts(step.facts)))
    connection.execute(
        sa.update(leads).where(leads.c.id == step.lead).values(steps=step.step, changed_at=step.at, **changes)
    )


def fold_facts(action: Action, facts: StepFacts, at: int) -> dict[str, Any]:
    """Return the columns of a lead that a step changes, but for its state."""
    changes: dict[str, Any] = {name: value for name in _OWN_FACTS if (value := getattr(facts, name)) is not None}
    if action == "merge":
        changes |= {"merged_into": facts.into, "due": ""}
    elif action == "separate":
        changes["merged_into"] = None
    elif action == "close":
        changes |= {"closed_at": at, "due": ""}
    elif action in ("reopen", "refuse_closing"):
        changes |= {"closed_at": None, "outcome": ""}
    elif action == "supervise":
        changes["supervised_until"] = facts.until
    elif action == "lift":
        changes["supervised_until"] = ""
    return changes


def fold_history(lead: Lead, history: list[LeadStep], targets: dict[Action, Any]) -> Lead:
    """Fold a history into the lead that it makes, from the first step on: what the row must be.

    ``targets``: the state that each step leads to. Of ``lead`` only what no step states is used.
    """
    first = history[0]
    folded = msgspec.structs.replace(
        lead,
        kind=first.facts.kind,
        urgency="normal",
        state="received",
        region=first.region,
        department=first.department,
        institution=first.facts.institution or "",
        due=first.facts.due or "",
        closed_at=None,
        outcome="",
        merged_into=None,
        supervised_until="",
    )
    for step in history[1:]:
        changes = fold_facts(step.action, step.facts, step.at)
        folded = msgspec.structs.replace(folded, **changes, state=targets.get(step.action) or folded.state)
    return msgspec.structs.replace(folded, steps=history[-1].step, changed_at=history[-1].at)


def list_merged(connection: sa.Connection, lead: int) -> list[Lead]:
    """List the leads that were merged into one."""
    query = select_leads().where(leads.c.merged_into == lead).order_by(leads.c.id)
    return [to_lead(row) for row in connection.execute(query)]
