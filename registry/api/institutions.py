"""Reads: institutions, their history and people, suggestions, counts."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from litestar import Request, get
from litestar.params import PathParameter, QueryParameter

from registry.api.guards import get_register
from registry.api.shapes import History, InstitutionList, PractitionerList, Suggestion, SuggestionList, Why
from registry.domain.model import Institution
from registry.errors import InvalidInput
from registry.records import asof as times
from registry.records.asof import AsOf
from registry.records.stats import Stats
from registry.register import SearchRequest
from registry.web.rate_limit import make_people_budget

_ON = (
    "所问日期 YYYY-MM-DD，默认为北京时间今天；可以是将来的日期。 / "
    "The day in question, YYYY-MM-DD (today in Asia/Shanghai); a day to come may be asked about."
)
_KNOWN_AT = (
    "只按名录在此时刻（RFC 3339，带时区）所知回答，默认现在；此后的更正与补记都不计入。 / "
    "As known to the register at this instant (RFC 3339 with its zone; now): "
    "what was corrected or learnt later is left out."
)
# As text, for records.asof to understand: what is wrong is answered by what to write instead, and a bare number is not
# taken for the seconds since 1970.
OnText = Annotated[str | None, QueryParameter(description=_ON, schema_extra={"format": "date"})]
KnownAtText = Annotated[str | None, QueryParameter(description=_KNOWN_AT, schema_extra={"format": "date-time"})]
Code = Annotated[
    str,
    PathParameter(
        description="名录编码 XXXX-XXXX；小写、无横线、O/0、I/L/1 均可。 / "
        "Public code, XXXX-XXXX; lower case, no dash, O/0 and I/L/1 "
        "are understood."
    ),
]
AnyRequest = Request[Any, Any, Any]  # no users, no sessions: nothing to type further


def parse_on(text: str | None) -> dt.date | None:
    """The day a read asks about, if it says one; InvalidInput saying what to write when it is malformed."""
    return None if text is None else times.parse_day(text)


def parse_known_at(text: str | None) -> dt.datetime | None:
    """The instant a read asks about, if it says one; InvalidInput saying what to write when it is malformed."""
    return None if text is None else times.parse_instant(text)


def read_asof(request: AnyRequest, on: str | None, known_at: str | None) -> AsOf:
    """The pair of times a read asks about."""
    return get_register(request).make_as_of(parse_on(on), parse_known_at(known_at))


@get(
    "/institutions",
    operation_id="listInstitutions",
    summary="查询或列出机构 / List or search institutions",
    description="有 `q` 时按相关程度，否则按行政区划代码；游标分页，不设上限，各页基于同一日志。"
    "`status` 可为 listed、suspended、delisted、all；"
    "默认不列出已移出名录的机构，但可按名称查到。 / "
    "By relevance with `q`, else by region code. Pages by cursor without ceiling, on one log size. "
    "`status` is listed, suspended, delisted or all; by default delisted institutions are found by name only. "
    "`q` 可含错字、拼音、首字母、简称、曾用名、地址、地区与技术；`why` 说明每家为何在列，"
    "`understood` 为读作地区或技术的词，"
    "`similar` 为真时各家只是名称相近，并非所问机构；所问为任何人不得提供的（如代孕）时 `items` 为空而有 `warning`。 / "
    "`q` may be misspelt, pinyin, initials, an abbreviation, a former name, an address, a place, a technique; "
    "`why` tells why each item is there, `understood` which words were read as a place or technique; with `similar` "
    "the items only have names like it and are other institutions; when nobody may offer what is asked for (surrogacy, "
    "say), `items` is empty and there is a `warning`.",
    sync_to_thread=True,
)
def list_institutions(  # noqa: PLR0913 - one parameter per query parameter
    request: AnyRequest,
    q: Annotated[
        str,
        QueryParameter(
            description="名称、部分名称、地址、地区、技术；只读前120字。 / "
            "Name, part of it, address, place, technique; the first 120 characters are read.",
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
    on: OnText = None,
    known_at: KnownAtText = None,
    limit: Annotated[int, QueryParameter(ge=1, le=500)] = 50,
    cursor: Annotated[
        str | None, QueryParameter(description="上一页的 `next`。 / `next` of the page before.", max_length=300)
    ] = None,
) -> InstitutionList:
    """List or search institutions."""
    register = get_register(request)
    if stage == "":
        raise InvalidInput(
            "stage 是空的：请填写运行情况，或不填此项。", "stage is empty: give a stage, or leave it out."
        )
    choice = SearchRequest(q=q, technique=parse_techniques(technique), region=region, stage=stage, status=status)
    asof, may_look = read_asof(request, on, known_at), make_people_budget(request).may_look
    found = register.search_institutions(choice, asof, limit=limit, cursor=cursor, may_look=may_look)
    return InstitutionList(
        items=[item.institution for item in found.items],
        next=found.next,
        total=found.total,
        log_size=found.log_size,
        at_least=found.at_least,
        why=[Why(code=i.institution.code, match=i.match, by=i.by, lacks=list(i.lacks)) for i in found.items],
        understood=list(found.understood),
        similar=found.similar,
        did_you_mean=found.did_you_mean,
        warning=found.warning,
    )


def parse_techniques(technique: list[str] | None) -> tuple[str, ...]:
    """The techniques that a read names, repeated or with commas between; InvalidInput for an empty one."""
    words = tuple(word for part in technique or [] for word in part.split(","))
    if not all(words):  # left out, it would ask about no technique at all
        raise InvalidInput(
            "technique 是空的：请填写技术代码或俗称，或不填此项。",
            "technique is empty: give a code or an everyday word, or leave it out.",
        )
    return words


@get(
    "/institutions/{code:str}",
    operation_id="getInstitution",
    summary="一家机构 / One institution",
    description="名录在所问时刻没有该机构关于所问日期的记录时为 404；这不等于未获批准。 / "
    "404 when the register, as known then, held no record of it for that day; this is not “not approved”.",
    sync_to_thread=True,
)
def get_institution(request: AnyRequest, code: Code, on: OnText = None, known_at: KnownAtText = None) -> Institution:
    """One institution."""
    return get_register(request).get_institution(code, read_asof(request, on, known_at))


@get(
    "/institutions/{code:str}/history",
    operation_id="getHistory",
    summary="一家机构的全部历史记录 / What was stated about an institution, and when",
    description="按录入顺序。给出 `on` 时只列出关于该日及以前的记载，给出 `known_at` 时只列出当时已录入的。"
    "`corrects` 为真的一条是更正：它改变了对同一日、或对已记载的最晚日期之前某日的记载，`reason` 为理由。"
    "名单公布较晚因而录入较晚的，不是更正。 / "
    "In the order recorded. With `on` only the statements about days up to that one, with `known_at` only those "
    "recorded by then. `corrects` marks a correction: it changes what had been stated of that very day, or goes back "
    "before the latest day already stated; `reason` says why. A list that is recorded late because it was published "
    "late corrects nothing.",
    sync_to_thread=True,
)
def get_history(request: AnyRequest, code: Code, on: OnText = None, known_at: KnownAtText = None) -> History:
    """What was stated about an institution, and when."""
    asof = read_asof(request, on, known_at)
    upto = None if on is None else asof.valid_on
    return History(versions=get_register(request).list_versions(code, asof, upto), log_size=asof.size)


@get(
    "/institutions/{code:str}/practitioners",
    operation_id="listPractitioners",
    summary="一家机构的获授权人员 / Authorised people of one institution",
    description="不提供跨机构的人员清单。同一地址（或密钥）每天可查看人员的机构数有限，超出时为 429，"
    "code 为 `people_limit`；机构本身的信息不受影响。 / There is no listing of people across institutions. An address, "
    "or a key, may look at the people of so many institutions a day; beyond that it is 429 with code `people_limit`, "
    "and all else is answered as before.",
    sync_to_thread=True,
    opt={"private": True},
)
def list_practitioners(
    request: AnyRequest, code: Code, on: OnText = None, known_at: KnownAtText = None
) -> PractitionerList:
    """Authorised people of one institution."""
    asof = read_asof(request, on, known_at)
    return PractitionerList(
        items=get_register(request).list_practitioners(code, asof, make_people_budget(request).require_look)
    )


@get(
    "/suggest",
    operation_id="suggest",
    summary="输入时的提示 / Institutions a person may be typing",
    description="从第一个字、未打完的拼音起即可；`match` 说明因何相符。输入任何人不得提供的服务时为空。 / "
    "From the first character and from half-typed pinyin on; `match` says by what. Empty for what nobody may offer.",
    sync_to_thread=True,
)
def suggest_institutions(
    request: AnyRequest,
    q: Annotated[
        str,
        QueryParameter(
            description="已输入的文字；只读前120字。 / What has been typed so far; the first 120 characters are read."
        ),
    ] = "",
    limit: Annotated[int, QueryParameter(ge=1, le=50)] = 8,
    on: OnText = None,
    known_at: KnownAtText = None,
) -> SuggestionList:
    """Institutions a person may be typing."""
    asof = read_asof(request, on, known_at)
    return SuggestionList(
        items=[
            Suggestion(
                code=item.institution.code,
                name=item.institution.name,
                region=item.institution.region,
                match=item.match,
                by=item.by,
            )
            for item in get_register(request).suggest_institutions(q, asof, limit, make_people_budget(request).may_look)
        ]
    )


@get(
    "/stats",
    operation_id="getStats",
    summary="按地区、技术、运行情况的数目 / Counts by region, technique and stage",
    sync_to_thread=True,
)
def get_stats(request: AnyRequest, on: OnText = None, known_at: KnownAtText = None) -> Stats:
    """Counts by region, technique and stage."""
    return get_register(request).compute_stats(read_asof(request, on, known_at))
