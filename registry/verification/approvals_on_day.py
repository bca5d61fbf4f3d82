"""An institution's approvals as they count on a day, which is not always as they are written down.

As ``verification.verdict`` judges them, for whoever shows a record rather than answers a claim.
"""

from __future__ import annotations

import msgspec

from registry.domain.model import Approval, Date, Institution
from registry.domain.techniques import LAWFUL_STAGES
from registry.verification import verdict


def apply_rules_on_day(institution: Institution, day: Date) -> Institution:
    """The institution with each approval as the law has it on a day: void once its verification is overdue, and not
    there before it takes effect."""
    approvals = [judged for a in institution.approvals if (judged := _find_approval_on_day(a, day)) is not None]
    return msgspec.structs.replace(institution, approvals=approvals)


def _find_approval_on_day(approval: Approval, day: Date) -> Approval | None:
    stage = verdict.find_stage_on(approval, day)
    if stage is None or stage == approval.stage:
        return approval if stage else None
    return msgspec.structs.replace(approval, stage=stage, valid_from=verdict.find_lapse_day(approval))


def list_effective_approvals(institution: Institution) -> list[Approval]:
    """The approvals as they count: none but the stopped ones of a delisted institution, all stopped of a suspended one
    whatever they still say."""
    if institution.status == "delisted":
        return [a for a in institution.approvals if a.stage in ("revoked", "suspended", "lapsed")]
    if institution.status == "suspended":
        return [_suspend_approval(a) for a in institution.approvals]
    return institution.approvals


def _suspend_approval(approval: Approval) -> Approval:
    if approval.stage not in LAWFUL_STAGES:
        return approval
    return Approval(technique=approval.technique, name=approval.name, stage="suspended")
