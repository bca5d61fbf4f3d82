"""Reads: institutions, their history and people, suggestions, counts."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from litestar import Request, get
from litestar.params import PathParameter, QueryParameter

from registry.api.guards import register_of
from registry.api.shapes import History, InstitutionList, PractitionerList, Suggestion, SuggestionList
from registry.model import Institution
from registry.records.stats import Stats
from registry.register import Choice

On = Annotated[
    dt.date | None,
    QueryParameter(description="所问日期，默认为北京时间今天。 / The day in question (today in Asia/Shanghai)."),
]
KnownAt = Annotated[
    dt.datetime | None,
    QueryParameter(description="名录在此时刻所知（默认现在）。 / As known to the register at this instant (now)."),
]
Code = Annotated[
    str,
    PathParameter(
        description="名录编码 XXXX-XXXX；小写、无横线、O/0、I/L/1 均可。 / "
        "Public code, XXXX-XXXX; lower case, no dash, O/0 and I/L/1 "
        "are understood."
    ),
]
AnyRequest = Request[Any, Any, Any]  # no users, no sessions: nothing to type further


@get(
    "/institutions",
    operation_id="listInstitutions",
    summary="查询或列出机构 / List or search institutions",
    description="有 `q` 时按相关程度，否则按行政区划代码；游标分页，不设上限，各页基于同一日志。"
    "`status` 可为 listed、suspended、delisted、all；"
    "默认不列出已移出名录的机构，但可按名称查到。 / "
    "By relevance with `q`, else by region code. Pages by cursor without ceiling, on one log size. "
    "`status` is listed, suspended, delisted or all; by default delisted institutions are found by name only.",
    sync_to_thread=True,
)
def list_institutions(  # noqa: PLR0913 - one parameter per query parameter
    request: AnyRequest,
    q: Annotated[
        str,
        QueryParameter(
            description="名称、部分名称、地址、地区、技术。 / Name, part of it, address, place, technique.",
            max_length=200,
        ),
    ] = "",
    technique: Annotated[
        list[str] | None, QueryParameter(description="技术代码，须全部获批。 / Technique codes; all must be approved.")
    ] = None,
    region: Annotated[
        str | None, QueryParameter(description="GB/T 2260 代码，含其下各级。 / GB/T 2260 code; includes all below it.")
    ] = None,
    stage: Annotated[
        str | None,
        QueryParameter(
            description="运行情况：formal、trial、operating 等。 / formal, trial, operating, rectification, ..."
        ),
    ] = None,
    status: Annotated[
        str | None,
        QueryParameter(description="listed、suspended、delisted 或 all。 / listed, suspended, delisted or all."),
    ] = None,
    on: On = None,
    known_at: KnownAt = None,
    limit: Annotated[int, QueryParameter(ge=1, le=500)] = 50,
    cursor: Annotated[
        str | None, QueryParameter(description="上一页的 `next`。 / `next` of the page before.", max_length=300)
    ] = None,
) -> InstitutionList:
    """List or search institutions."""
    register = register_of(request)
    choice = Choice(q=q, technique=_split(technique), region=region, stage=stage, status=status)
    found = register.find(choice, register.as_of(on, known_at), limit=limit, cursor=cursor)
    return InstitutionList(
        items=[item.institution for item in found.items], next=found.next, total=found.total, log_size=found.log_size
    )


def _split(technique: list[str] | None) -> tuple[str, ...]:
    return tuple(word for part in technique or [] for word in part.split(",") if word)


@get(
    "/institutions/{code:str}", operation_id="getInstitution", summary="一家机构 / One institution", sync_to_thread=True
)
def get_institution(request: AnyRequest, code: Code, on: On = None, known_at: KnownAt = None) -> Institution:
    """One institution."""
    register = register_of(request)
    return register.institution(code, register.as_of(on, known_at))


@get(
    "/institutions/{code:str}/history",
    operation_id="getHistory",
    summary="一家机构的全部历史记录 / What was stated about an institution, and when",
    sync_to_thread=True,
)
def get_history(request: AnyRequest, code: Code, known_at: KnownAt = None) -> History:
    """What was stated about an institution, and when."""
    register = register_of(request)
    return History(versions=register.history(code, register.as_of(None, known_at)))


@get(
    "/institutions/{code:str}/practitioners",
    operation_id="listPractitioners",
    summary="一家机构的获授权人员 / Authorised people of one institution",
    description="不提供跨机构的人员清单。 / There is no listing of people across institutions.",
    sync_to_thread=True,
)
def list_practitioners(request: AnyRequest, code: Code, on: On = None, known_at: KnownAt = None) -> PractitionerList:
    """Authorised people of one institution."""
    register = register_of(request)
    return PractitionerList(items=register.practitioners(code, register.as_of(on, known_at)))


@get(
    "/suggest",
    operation_id="suggest",
    summary="输入时的提示 / Institutions a person may be typing",
    sync_to_thread=True,
)
def suggest(
    request: AnyRequest,
    q: Annotated[str, QueryParameter(description="已输入的文字。 / What has been typed so far.", max_length=200)] = "",
    limit: Annotated[int, QueryParameter(ge=1, le=50)] = 8,
) -> SuggestionList:
    """Institutions a person may be typing."""
    register = register_of(request)
    if not q.strip():
        return SuggestionList(items=[])
    found = register.find(Choice(q=q), register.now(), limit=limit)
    return SuggestionList(
        items=[
            Suggestion(
                code=item.institution.code,
                name=item.institution.name,
                region=item.institution.region,
                match=item.match,
            )
            for item in found.items
        ]
    )


@get(
    "/stats",
    operation_id="getStats",
    summary="按地区、技术、运行情况的数目 / Counts by region, technique and stage",
    sync_to_thread=True,
)
def get_stats(request: AnyRequest, on: On = None, known_at: KnownAt = None) -> Stats:
    """Counts by region, technique and stage."""
    register = register_of(request)
    return register.stats(register.as_of(on, known_at))
