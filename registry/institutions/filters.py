"""The filters of a list: as the pages and the API give them, and those a question is made of."""

from __future__ import annotations

import msgspec

from registry.domain import regions
from registry.domain.model import Struct
from registry.domain.techniques import BY_CODE, STAGES
from registry.errors import InvalidInput
from registry.records.selection import InstitutionFilter
from registry.search.readings import QueryReading
from registry.texts import Listing, Message
from registry.verification.answer import parse_technique

#: Delisted institutions are found by name, and are in no list of institutions unless asked for.
EVERY_STATUS = ("listed", "suspended", "delisted")


class SearchRequest(Struct, frozen=True):
    """The question and filters of a list as the pages and the API give them, not yet checked."""

    q: str = ""
    technique: tuple[str, ...] = ()
    region: str | None = None
    stage: str | None = None
    status: str | None = None


def make_filter(request: SearchRequest, reading: QueryReading | None = None) -> InstitutionFilter:
    """Make the filter of a request, with the filters a reading is made of; InvalidInput for one that is none."""
    reading = reading or QueryReading()
    techniques = dict.fromkeys([*(parse_technique(word) for word in request.technique), *reading.techniques])
    stage = request.stage or reading.stage
    if stage is not None and stage not in STAGES:
        raise InvalidInput(Message("未知的阶段“{stage}”；可用：{stages}。", stage=stage, stages=Listing(STAGES)))
    if request.region is not None and regions.find_region(request.region) is None:
        raise InvalidInput(
            Message("未知的行政区划代码“{region}”，须为6位 GB/T 2260 代码，如 210300。", region=request.region)
        )
    return InstitutionFilter(
        techniques=tuple(code for code in techniques if code in BY_CODE),
        regions=(request.region,) if request.region else reading.regions,
        stage=stage,
        statuses=_select_statuses(request),
        standing=request.status is None,
    )


def make_name_filter(request: SearchRequest) -> InstitutionFilter:
    """Make the same for institutions meant by name: also those delisted or not yet approved, unless asked otherwise."""
    return msgspec.structs.replace(
        make_filter(request),
        statuses=_select_statuses(request) if request.status is not None else EVERY_STATUS,
        standing=False,
    )


def _select_statuses(request: SearchRequest) -> tuple[str, ...]:
    if request.status is None:
        return EVERY_STATUS[:2]
    if request.status == "all":
        return EVERY_STATUS
    if request.status not in EVERY_STATUS:
        raise InvalidInput(
            Message("未知的状态“{status}”。", status=request.status, every_status=", ".join(EVERY_STATUS))
        )
    return (request.status,)
