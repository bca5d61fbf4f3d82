"""What is in force on a day: the only code that says so. Every door reads it, directly or from the view of standings.

Source of the rules: 《人类辅助生殖技术管理办法》 (卫生部令第14号, in force 2001-08-01) and, with the same rhythm,
《人类精子库管理办法》: approval per institution and technique, and a verification (校验) of the certificate every two
years. A penalty or a blacklist record does not by itself end an approval: the authority that ends or suspends one says
so, and that is a stage or a status from a day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from registry.domain.model import Approval, ApprovalStanding, Date, Institution, Source, StandingWord, Status
from registry.domain.techniques import LAWFUL_STAGES, Stage, TechniqueCode
from registry.records.site import Site, SiteApproval
from registry.storage.tables import FOREVER

#: Years for which a statement is evidence where nothing newer confirms it: as long as a verification lasts.
EVIDENCE_YEARS = 2
#: Why nothing may be done, the gravest last.
_REASONS: tuple[ApprovalStanding, ...] = ("not_yet", "unknown", "preparing", "suspended", "lapsed", "revoked")
_ONE_DAY = dt.timedelta(days=1)
#: The stages that are standings too: whatever is recorded, an approval that lapsed is at the stage ``lapsed``.
_STANDING_STAGES: dict[ApprovalStanding, Stage] = {
    "preparing": "preparing",
    "suspended": "suspended",
    "lapsed": "lapsed",
    "revoked": "revoked",
}


class Recorded(Protocol):
    """An approval as recorded, wherever it stands."""

    @property
    def stage(self) -> Stage:
        """The stage recorded."""

    @property
    def valid_from(self) -> Date | None:
        """The day on which it takes effect; None where nobody stated one."""

    @property
    def verification_due(self) -> Date | None:
        """The last day for which its verification holds."""


class SiteSpan(Protocol):
    """The days ``valid_from`` <= day < ``valid_to`` on which a site is recorded as it is; in ISO form, as stored."""

    @property
    def valid_from(self) -> str:
        """The first day."""

    @property
    def valid_to(self) -> str:
        """The day after the last."""

    @property
    def site(self) -> Site:
        """The site as recorded."""


#: Lists the spans after the one asked about, in order: asked for only where the evidence is old.
Later = Callable[[], Sequence[SiteSpan]]


def find_lapse_day(approval: Recorded) -> Date | None:
    """Return the first day an approval is void because its verification was due and none is recorded, or None.

    The certificate is verified every two years; without an application in time it is void. A verification is recorded
    with the next due day, so a due day that has passed means that none is known. The due day itself is still covered.
    """
    if approval.verification_due is None or approval.stage not in LAWFUL_STAGES:
        return None
    return approval.verification_due + _ONE_DAY


def judge_approval(approval: Recorded, status: Status, day: Date) -> ApprovalStanding:
    """Return the standing of one recorded approval on a day, by what is recorded of it and of its institution.

    Trial (试运行), formal, operating and rectification (限期整改) may treat; 筹建 is permission to build and not to
    treat. A suspension of the whole institution stops what may be done and does not hide what was revoked; an
    institution that was delisted has no approval any more.
    """
    if approval.stage not in LAWFUL_STAGES:
        return approval.stage  # type: ignore[return-value]  # those that are left are words of both
    if approval.valid_from is not None and day < approval.valid_from:
        return "not_yet"
    void = find_lapse_day(approval)
    if status == "delisted" or (void is not None and day >= void):
        return "lapsed"
    return "suspended" if status == "suspended" else "in_force"


def find_stage(recorded: Stage, word: ApprovalStanding) -> Stage | None:
    """Return the stage that an approval has come to; None where it is not there yet, or nobody knows."""
    return recorded if word == "in_force" else _STANDING_STAGES.get(word)


def find_own_day(approval: Approval) -> Date | None:
    """Return the day from which an approval stands as it does by what is recorded of it alone; None if not recorded."""
    if approval.standing == "in_force":
        return approval.valid_from
    return find_lapse_day(approval) if approval.standing == "lapsed" else None


def list_effective_approvals(institution: Institution) -> list[Approval]:
    """List the approvals of an institution at the stages they have come to, without those not there yet or unknown.

    Of a delisted institution only those that were stopped before: the others ended with it.
    """
    return [
        approval if approval.stage == stage else msgspec.structs.replace(approval, stage=stage)
        for approval in institution.approvals
        if (stage := find_stage(approval.stage, approval.standing)) is not None
        and not (institution.status == "delisted" and approval.stage in LAWFUL_STAGES)
    ]


def judge_institution(status: Status, approvals: Iterable[ApprovalStanding]) -> StandingWord:
    """Return the standing of an institution, given those of its approvals; without any it is delisted or suspended."""
    words = set(approvals)
    if not words:
        return "suspended" if status == "suspended" else "delisted"
    if status == "delisted":
        return "delisted"
    if "in_force" in words:
        return "approved" if len(words) == 1 else "partly_approved"
    worst = max(words, key=_REASONS.index)
    return "preparing" if worst == "not_yet" else worst  # type: ignore[return-value]


# --- evidence --------------------------------------------------------------------------------------------------------


def find_evidence_end(approval: SiteApproval, sources: Mapping[str, Source]) -> Date | None:
    """Return the last day for which the statement of an approval is evidence by itself; None where nothing dates it."""
    source = sources.get(approval.source or "")
    days = [day for day in (approval.stated_from, source.as_of if source else None) if day is not None]
    return add_years(max(days), EVIDENCE_YEARS) if days else None


def add_years(day: Date, years: int) -> Date:
    """Return the same day some years later, the last of February for its 29th."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28) if day.year + years <= dt.MAXYEAR else Date.max


def is_denied_later(technique: TechniqueCode, later: Later, sources: Mapping[str, Source]) -> bool:
    """Whether the next complete list no longer states an approval: from when it ended, nobody knows.

    A decision that ends an approval says its own day.
    """
    for span in later():
        if span.site.status != "delisted" and technique in span.site.approvals:
            if span.site.approvals[technique].stated_from != Date.fromisoformat(span.valid_from):
                continue
            return False  # stated again: it held in between
        source = sources.get(span.site.stated_source or "")
        return source is not None and source.scope != "partial" and technique in source.covers
    return False


def judge_technique(
    span: SiteSpan,
    later: Later,
    technique: TechniqueCode,
    sources: Mapping[str, Source],
    day: Date,
    *,
    ahead: bool = False,
) -> ApprovalStanding | None:
    """Return the standing of a technique at a site on a day of ``span``; None where it is not recorded.

    ``ahead``: the day lies in the future of whoever asks. ``unknown`` once the evidence for an approval is older than
    two years, on a day ahead, or before the next complete list denies it.
    """
    approval = span.site.approvals.get(technique)
    if approval is None:
        return None
    word = judge_approval(approval, span.site.status, day)
    if word != "in_force" or (span.valid_to == FOREVER and not ahead):  # as nearly always: nothing was said since
        return word
    end = find_evidence_end(approval, sources)
    if end is None or day <= end or not (ahead or is_denied_later(technique, later, sources)):
        return word
    return "unknown"


class StandingOnDay(NamedTuple):
    """The standing of a site and of each of its approvals."""

    word: StandingWord
    approvals: dict[TechniqueCode, ApprovalStanding]


def judge_site(
    span: SiteSpan, later: Later, sources: Mapping[str, Source], day: Date, *, ahead: bool = False
) -> StandingOnDay:
    """Return what is in force at a site on a day of ``span``; the arguments are those of ``judge_technique``."""
    approvals = {
        technique: word
        for technique in span.site.approvals
        if (word := judge_technique(span, later, technique, sources, day, ahead=ahead)) is not None
    }
    return StandingOnDay(judge_institution(span.site.status, approvals.values()), approvals)


def list_turning_days(span: SiteSpan, sources: Mapping[str, Source]) -> list[str]:
    """List the days of a span, its first among them, from which on the standing may differ from the day before."""
    days = {span.valid_from}
    for approval in span.site.approvals.values():
        end = find_evidence_end(approval, sources)
        turns = (approval.valid_from, find_lapse_day(approval), end + _ONE_DAY if end else None)
        days |= {day.isoformat() for day in turns if day is not None}
    return sorted(day for day in days if span.valid_from <= day < span.valid_to)
