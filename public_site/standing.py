"""What an institution's record amounts to, for a person: one state, one tone, and the days that matter."""

from __future__ import annotations

from collections.abc import Sequence

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
    """The institution's standing; ``versions`` give the day of a delisting or suspension that no approval states."""
    state = _state(institution)
    approvals = institution.approvals
    if state == "delisted":
        approvals = [a for a in approvals if a.stage in _STOPPED]
    elif institution.status == "suspended":  # whatever the approvals still say, nothing may be done there now
        approvals = [_stopped(a) for a in approvals]
    grants = grants_of(approvals)
    since = since_of(versions) if state in {"delisted", *_STOPPED} else None
    return Standing(state=state, tone=tone_of(state, [g.stage for g in grants]), grants=grants, since=since)


def _stopped(approval: Approval) -> Approval:
    if approval.stage not in LAWFUL_STAGES:
        return approval
    return Approval(technique=approval.technique, name=approval.name, stage="suspended")


def since_of(versions: Sequence[Version]) -> Date | None:
    """The day the latest delisting, suspension, revocation or lapse took effect; None when no version says."""
    found = [(v.entry, v.valid_from) for v in versions if any(_stops(change) for change in v.changes)]
    return max(found)[1] if found else None


def _stops(change: FieldChange) -> bool:
    if change.field == "status":
        return change.to in {"delisted", "suspended"}
    return change.field.startswith("approvals.") and isinstance(change.to, dict) and change.to.get("stage") in _STOPPED
