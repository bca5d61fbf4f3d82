"""An institution's approvals as they count on a day, which is not always as they are written down.

As ``verification.verdict`` judges them, for pages and lists that show a record rather than answer a claim.
"""

from __future__ import annotations

import msgspec

from registry.domain.model import Approval, Date, Institution
from registry.domain.techniques import LAWFUL_STAGES
from registry.verification import verdict


def apply_rules_on_day(institution: Institution, day: Date) -> Institution:
    """Return the institution with each approval as the law has it on a day: void once its verification is overdue, and
    absent before it takes effect."""
    approvals = [valid for a in institution.approvals if (valid := _find_approval_on_day(a, day)) is not None]
    return msgspec.structs.replace(institution, approvals=approvals)


def _find_approval_on_day(approval: Approval, day: Date) -> Approval | None:
    stage = verdict.find_stage_on(approval, day)
    if stage is None or stage == approval.stage:
        return approval if stage else None
    return msgspec.structs.replace(approval, stage=stage, valid_from=verdict.find_lapse_day(approval))


def list_effective_approvals(institution: Institution) -> list[Approval]:
    """List the approvals as they count: of a delisted institution only the stopped ones, of a suspended one all
    stopped, whatever they still say."""
    if institution.status == "delisted":
        return [a for a in institution.approvals if a.stage in ("revoked", "suspended", "lapsed")]
    if institution.status == "suspended":
        return [_suspend_approval(a) for a in institution.approvals]
    return institution.approvals


def list_approvals_on_day(institution: Institution, day: Date) -> list[Approval]:
    """List the approvals that count on a day: lapsed ones as lapsed, those of a suspended institution as suspended."""
    return list_effective_approvals(apply_rules_on_day(institution, day))


def _suspend_approval(approval: Approval) -> Approval:
    if approval.stage not in LAWFUL_STAGES:
        return approval
    return Approval(technique=approval.technique, name=approval.name, stage="suspended")
