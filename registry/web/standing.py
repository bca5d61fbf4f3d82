"""The standing of an institution, for people: one state, one tone, and the days that matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, cast

import msgspec

from registry.domain.answers import VerdictWord
from registry.domain.model import Approval, Date, Institution, StandingWord, Struct
from registry.domain.techniques import LAWFUL_STAGES, TECHNIQUES, TechniqueCode

Tone = Literal["approved", "limited", "stopped", "unlisted"]

State = VerdictWord | Literal["cannot_answer", "delisted", "mistyped"]


class Grant(Struct, frozen=True, kw_only=True):
    """Techniques of one institution at one stage, or not there yet, or unknown; ``since``: the day they stopped."""

    stage: str
    techniques: list[TechniqueCode]
    since: Date | None = None


class Standing(Struct, frozen=True, kw_only=True):
    """The state of an institution; ``grants`` in the order of their sentences."""

    state: State
    tone: Tone
    grants: list[Grant]
    since: Date | None = None


#: The order of sentences: what may be done first, then what may not.
_ORDER = (
    "formal",
    "operating",
    "trial",
    "rectification",
    "preparing",
    "suspended",
    "revoked",
    "lapsed",
    "not_yet",
    "unknown",
)
_STOPPED = ("revoked", "suspended", "lapsed")
#: The state that an institution's standing shows as; the others are called alike.
_STATES: dict[StandingWord, State] = {"approved": "licensed", "partly_approved": "partly_licensed"}
_TECHNIQUE_ORDER = [technique.code for technique in TECHNIQUES]

TONES: dict[State, Tone] = {
    "licensed": "approved",
    "partly_licensed": "limited",
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


def show_approvals(approvals: Sequence[Approval]) -> list[Approval]:
    """Return approvals for people, in the order of the official table: each at the stage that it has come to.

    One that has stopped bears the day it did, where that is known; one that has lapsed is not shown as formal.
    """
    shown = [a if a.standing == "in_force" else _show_standing(a) for a in approvals]
    return sorted(shown, key=lambda a: _TECHNIQUE_ORDER.index(a.technique))


def _show_standing(approval: Approval) -> Approval:
    day = approval.since if approval.standing in _STOPPED else approval.valid_from
    return msgspec.structs.replace(approval, stage=approval.standing, valid_from=day)


def group_approvals(approvals: Sequence[Approval]) -> list[Grant]:
    """Group approvals by stage; stopped ones also by day, because the day is part of their sentence."""
    grants: list[Grant] = []
    shown = show_approvals(approvals)
    for stage in _ORDER:
        at_stage = [a for a in shown if a.stage == stage]
        days = list(dict.fromkeys(a.valid_from for a in at_stage)) if stage in _STOPPED else [None]
        for day in days:
            techniques = [a.technique for a in at_stage if stage not in _STOPPED or a.valid_from == day]
            if techniques:
                grants.append(Grant(stage=stage, techniques=techniques, since=day))
    return grants


def list_own_approvals(institution: Institution) -> list[Approval]:
    """List the approvals that have a standing of their own: of a delisted institution those stopped before, since the
    others ended with it.
    """
    return [a for a in institution.approvals if institution.status != "delisted" or a.stage in _STOPPED]


def make_standing(institution: Institution, since: Mapping[str, Date] | None = None) -> Standing:
    """Return the institution's standing; ``since``: by path, the day from which it has been as it is."""
    word = institution.standing
    is_delisted = institution.status == "delisted"
    grants = group_approvals(list_own_approvals(institution))
    state = _STATES.get(word) or cast(State, word)
    if word == "delisted" and not is_delisted:  # recorded, and approved for nothing
        state = "technique_not_licensed"
    return Standing(
        state=state,
        tone=choose_tone(state, [grant.stage for grant in grants]),
        grants=grants,
        since=(since or {}).get("status") if institution.status != "listed" else None,
    )
