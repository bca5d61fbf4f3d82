"""What an institution's record amounts to, for a person: one state, one tone, and the days that matter."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from public_site.contexts import Grant, Standing, State, Tone
from registry.model import Approval, Date, FieldChange, Institution, Version
from registry.techniques import LAWFUL_STAGES, TECHNIQUES, Stage

#: How grants are said: what may be done first, then what may not.
_ORDER: tuple[Stage, ...] = (
    "formal",
    "operating",
    "trial",
    "rectification",
    "preparing",
    "suspended",
    "revoked",
    "lapsed",
)
_STOPPED: tuple[Stage, ...] = ("revoked", "suspended", "lapsed")
_TECHNIQUE_ORDER = [technique.code for technique in TECHNIQUES]

TONES: dict[State, Tone] = {
    "licensed": "approved",
    "technique_not_licensed": "limited",
    "site_mismatch": "limited",
    "preparing": "stopped",  # nobody may be treated there, so it must not look like a lesser approval
    "suspended": "stopped",
    "revoked": "stopped",
    "lapsed": "stopped",
    "delisted": "stopped",
    "ambiguous": "unlisted",
    "not_found": "unlisted",
    "unknown": "unlisted",
    "cannot_answer": "unlisted",
    "mistyped": "unlisted",
}


def tone_of(state: State, stages: Sequence[str | None] = ()) -> Tone:
    """The colour and icon of a verdict. An approval is limited when every lawful stage is trial or rectification, or
    when something at the same place has been stopped."""
    lawful = {stage for stage in stages if stage in LAWFUL_STAGES}
    narrow = bool(lawful) and lawful <= {"trial", "rectification"}
    if state == "licensed" and (narrow or any(stage in _STOPPED for stage in stages)):
        return "limited"
    return TONES[state]


def in_order(approvals: Sequence[Approval]) -> list[Approval]:
    """Approvals as the law's own table orders techniques."""
    return sorted(approvals, key=lambda a: _TECHNIQUE_ORDER.index(a.technique))


def grants_of(approvals: Sequence[Approval]) -> list[Grant]:
    """Approvals grouped by stage; stopped ones also by day, because the day is part of their sentence."""
    grants: list[Grant] = []
    for stage in _ORDER:
        here = [a for a in in_order(approvals) if a.stage == stage]
        days = list(dict.fromkeys(a.valid_from for a in here)) if stage in _STOPPED else [None]
        for day in days:
            together = [a.technique for a in here if stage not in _STOPPED or a.valid_from == day]
            if together:
                grants.append(Grant(stage=stage, techniques=together, since=day))
    return grants


def _state(institution: Institution) -> State:
    """As ``verification.verdict.of_institution`` judges: by the best approval, except that delisted comes first."""
    stages = {a.stage for a in institution.approvals}
    if institution.status != "listed":
        return institution.status
    if stages & LAWFUL_STAGES:
        return "licensed"
    best: tuple[State, ...] = ("preparing", "suspended", "lapsed", "revoked")
    return next((state for state in best if state in stages), "technique_not_licensed")


def standing_of(institution: Institution, versions: Sequence[Version] = ()) -> Standing:
    """The institution's standing; ``versions`` give the days that its approvals do not state."""
    state = _state(institution)
    approvals = institution.approvals
    if state == "delisted":
        approvals = [a for a in approvals if a.stage in _STOPPED]
    elif state == "suspended":  # whatever the approvals still say, nothing may be done there now
        approvals = [_stopped(a) for a in approvals]
    status_day = _day_of(versions, "status", {"delisted", "suspended"})
    dated = [_dated(approval, versions, status_day if state == "suspended" else None) for approval in approvals]
    grants = grants_of(dated)
    return Standing(
        state=state,
        tone=tone_of(state, [grant.stage for grant in grants]),
        grants=grants,
        since=status_day if institution.status != "listed" else None,
    )


def _stopped(approval: Approval) -> Approval:
    if approval.stage not in LAWFUL_STAGES:
        return approval
    return Approval(technique=approval.technique, name=approval.name, stage="suspended")


def _dated(approval: Approval, versions: Sequence[Version], otherwise: Date | None) -> Approval:
    """A stopped approval with the day it stopped, where its own record or its history says; others as they are."""
    if approval.stage not in _STOPPED or approval.valid_from is not None:
        return approval
    day = _day_of(versions, f"approvals.{approval.technique}", set(_STOPPED)) or otherwise
    return msgspec.structs.replace(approval, valid_from=day)


def _day_of(versions: Sequence[Version], field: str, stopped: set[str]) -> Date | None:
    """The day a field that had been otherwise last took a stopped value. What was never otherwise has no such day."""
    found = [(v.entry, v.valid_from) for v in versions for change in v.changes if _stops(change, field, stopped)]
    return max(found)[1] if found else None


def _stops(change: FieldChange, field: str, stopped: set[str]) -> bool:
    if change.field != field or change.from_ is None:
        return False
    value = change.to.get("stage") if isinstance(change.to, dict) else change.to
    return value in stopped
