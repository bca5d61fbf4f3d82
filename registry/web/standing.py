"""The standing of an institution, for people: one state, one tone, and the days that matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from registry.domain.model import Approval, Date, Institution, Struct
from registry.domain.techniques import LAWFUL_STAGES, TECHNIQUES, Stage, TechniqueCode
from registry.verification import verdict
from registry.verification.approvals_on_day import list_effective_approvals

Tone = Literal["approved", "limited", "stopped", "unlisted"]

State = Literal[
    "licensed",
    "technique_not_licensed",
    "site_mismatch",
    "preparing",
    "suspended",
    "revoked",
    "lapsed",
    "ambiguous",
    "not_found",
    "unknown",
    "cannot_answer",
    "delisted",
    "mistyped",
]


class Grant(Struct, frozen=True, kw_only=True):
    """Techniques of one institution that share a stage; ``since``: the day they stopped, where they did."""

    stage: Stage
    techniques: list[TechniqueCode]
    since: Date | None = None


class Standing(Struct, frozen=True, kw_only=True):
    """The state of an institution; ``grants`` in the order of their sentences."""

    state: State
    tone: Tone
    grants: list[Grant]
    since: Date | None = None


#: The order of sentences: what may be done first, then what may not.
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


def choose_tone(state: State, stages: Sequence[str | None] = ()) -> Tone:
    """Choose the colour and icon of a verdict.

    An approval is limited when every lawful stage is trial or rectification, or when something at the same place has
    been stopped.
    """
    lawful = {stage for stage in stages if stage in LAWFUL_STAGES}
    is_narrow = bool(lawful) and lawful <= {"trial", "rectification"}
    if state == "licensed" and (is_narrow or any(stage in _STOPPED for stage in stages)):
        return "limited"
    return TONES[state]


def sort_approvals(approvals: Sequence[Approval]) -> list[Approval]:
    """Sort approvals in the order of the official table of techniques."""
    return sorted(approvals, key=lambda a: _TECHNIQUE_ORDER.index(a.technique))


def group_approvals(approvals: Sequence[Approval]) -> list[Grant]:
    """Group approvals by stage; stopped ones also by day, because the day is part of their sentence."""
    grants: list[Grant] = []
    for stage in _ORDER:
        at_stage = [a for a in sort_approvals(approvals) if a.stage == stage]
        days = list(dict.fromkeys(a.valid_from for a in at_stage)) if stage in _STOPPED else [None]
        for day in days:
            techniques = [a.technique for a in at_stage if stage not in _STOPPED or a.valid_from == day]
            if techniques:
                grants.append(Grant(stage=stage, techniques=techniques, since=day))
    return grants


def make_standing(institution: Institution, since: Mapping[str, Date] | None = None) -> Standing:
    """Return the institution's standing; ``since``: by path, the day from which it has been as it is."""
    days = since or {}
    state: State
    if institution.status == "listed":
        status_day, state = None, verdict.judge_best_stage(approval.stage for approval in institution.approvals)
    else:
        status_day, state = days.get("status"), institution.status
    suspension_day = status_day if state == "suspended" else None
    # Only approvals that are recorded as stopped have a day of their own; the others stop with the suspension.
    stop_days = {
        a.technique: days.get(f"approvals.{a.technique}") for a in institution.approvals if a.stage in _STOPPED
    }
    grants = group_approvals(
        [_set_stop_day(a, stop_days.get(a.technique), suspension_day) for a in list_effective_approvals(institution)]
    )
    return Standing(
        state=state, tone=choose_tone(state, [grant.stage for grant in grants]), grants=grants, since=status_day
    )


def _set_stop_day(approval: Approval, stop_day: Date | None, suspension_day: Date | None) -> Approval:
    """Set the day a stopped approval stopped; return others unchanged. Its own day is mostly the one it began, which a
    suspension leaves as it was: it is taken only where the history has no other day.
    """
    if approval.stage not in _STOPPED:
        return approval
    return msgspec.structs.replace(approval, valid_from=stop_day or approval.valid_from or suspension_day)
