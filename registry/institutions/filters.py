"""What narrows a list: filters as the pages and the API give them, and those a question is made of."""

from __future__ import annotations

from registry.domain import regions
from registry.domain.model import Struct
from registry.domain.techniques import BY_CODE, STAGES
from registry.errors import InvalidInput
from registry.records.selection import InstitutionFilter
from registry.search.contract import QueryReading
from registry.verification.answer import parse_technique

#: Who was delisted is found by name, and is never in a list of institutions unless asked for.
EVERY_STATUS = ("listed", "suspended", "delisted")


class SearchRequest(Struct, frozen=True):
    """What narrows a list: as the pages and the API give it, not yet checked."""

    q: str = ""
    technique: tuple[str, ...] = ()
    region: str | None = None
    stage: str | None = None
    status: str | None = None


def make_filter(choice: SearchRequest, reading: QueryReading | None = None) -> InstitutionFilter:
    """What the filters of a request choose, with those a reading is made of; InvalidInput for one that is none."""
    said = reading or QueryReading()
    techniques = dict.fromkeys([*(parse_technique(word) for word in choice.technique), *said.techniques])
    stage = choice.stage or said.stage
    if stage is not None and stage not in STAGES:
        raise InvalidInput(
            f"未知的阶段“{stage}”；可用：{'、'.join(STAGES)}。", f"Unknown stage “{stage}”; use {', '.join(STAGES)}."
        )
    if choice.region is not None and regions.find_region(choice.region) is None:
        raise InvalidInput(
            f"未知的行政区划代码“{choice.region}”，须为6位 GB/T 2260 代码，如 210300。",
            f"Unknown region code “{choice.region}”: a 6-digit GB/T 2260 code such as 210300 is needed.",
        )
    return InstitutionFilter(
        techniques=tuple(code for code in techniques if code in BY_CODE),
        regions=(choice.region,) if choice.region else said.regions,
        stage=stage,
        statuses=_select_statuses(choice),
        standing=choice.status is None,
    )


def make_name_filter(choice: SearchRequest) -> InstitutionFilter:
    """The same for institutions meant by name: also those delisted or not yet approved, unless asked otherwise."""
    chosen = make_filter(choice)
    return InstitutionFilter(
        techniques=chosen.techniques,
        regions=chosen.regions,
        stage=chosen.stage,
        statuses=chosen.statuses if choice.status is not None else EVERY_STATUS,
        standing=False,
    )


def _select_statuses(choice: SearchRequest) -> tuple[str, ...]:
    if choice.status is None:
        return EVERY_STATUS[:2]
    if choice.status == "all":
        return EVERY_STATUS
    if choice.status not in EVERY_STATUS:
        raise InvalidInput(
            f"未知的状态“{choice.status}”。", f"Unknown status “{choice.status}”; use {', '.join(EVERY_STATUS)} or all."
        )
    return (choice.status,)
