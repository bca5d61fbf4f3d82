"""Reads: institutions, their history and people, suggestions, counts."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.params import QueryParameter

from registry.api.requests import AnyRequest, Code, KnownAtText, OnText, get_register, parse_techniques, read_asof
from registry.domain.model import Institution, Practitioner, Region, StandingWord, Struct
from registry.domain.techniques import TechniqueCode
from registry.errors import InvalidInput
from registry.institutions.result import SearchRequest, SearchState, Warned
from registry.records.history import Version
from registry.records.stats import Stats
from registry.search.readings import MatchKind, Understood
from registry.texts import Message, write_bilingual
from registry.web.rate_limit import make_people_budget


class Why(Struct, frozen=True):
    """Why an institution is in a result, in the order of ``items``: by what, and by which name when it was not its own;
    ``lacks``: techniques the question named for which it is not approved."""

    code: str
    match: MatchKind
    by: str | None
    lacks: list[TechniqueCode]


class InstitutionList(Struct, frozen=True):
    """One page of institutions. ``next`` is the cursor of the following page, null on the last one.

    ``at_least``: so many fit the question that only the first ``total`` were counted; the pages go on beyond.
    ``state``: ``found``, these are what was asked for; ``near``, a name was read whole (``name_read``) and nobody on
    the list has it, so that the items are other institutions; ``not_understood``, no name was read whole, and nothing
    is said of who is on the list. ``not_understood`` are the words that were read as nothing, ``elsewhere`` the place
    that was written, where the institutions found do not lie. ``in_text``: they are named in a longer text, in the
    order written there, ``by`` as written. ``similar``: there are items, and none of them is certainly meant; the first
    was perhaps (``did_you_mean``). With a ``warning`` there are no items: nobody may offer what was asked.
    """

    items: list[Institution]
    next: str | None
    total: int
    log_size: int
    at_least: bool
    why: list[Why]
    understood: list[Understood]
    state: SearchState
    name_read: str | None
    not_understood: list[str]
    in_text: bool
    elsewhere: str | None
    similar: bool
    did_you_mean: str | None
    warning: Warned | None


class History(Struct, frozen=True):
    """What was stated about one institution, in the order recorded, by the first ``log_size`` entries."""

    versions: list[Version]
    log_size: int


class PractitionerList(Struct, frozen=True):
    """The authorised people of one institution."""

    items: list[Practitioner]


class Suggestion(Struct, frozen=True):
    """One institution the person may be typing the name of; ``by`` is the other name of it that fits, if it was one."""

    code: str
    name: str
    region: Region
    match: MatchKind
    by: str | None


class SuggestionList(Struct, frozen=True):
    """Suggestions, best first."""

    items: list[Suggestion]


@get(
    "/institutions",
    operation_id="listInstitutions",
    summary=write_bilingual("查询或列出机构"),
    description=write_bilingual(
        "有 `q` 时按相关程度，否则按行政区划代码；游标分页，不设上限，各页基于同一日志。"
        "技术与运行情况均指所问之日有效的；不写 `standing`、`status` 时只列出当日有项目有效的机构，"
        "其余可按名称查到。`standing` 为当日现行状态，`status` 为记载的名录状态。"
        "`q` 可含错字、拼音、首字母、简称、曾用名、地址、地区与技术；`why` 说明每家为何在列，"
        "`understood` 为读作地区或技术的词，"
        "`state` 为 `found` 时各家即所问；为 `near` 时 `name_read` 完整读出而名录中无人用此名称，各家是其他机构；"
        "为 `not_understood` 时没有读出名称，不能说明谁在或不在名录中。"
        "`not_understood` 为没有读懂的词，`elsewhere` 为所写而各家不在的地区，"
        "`in_text` 为真时各家写在一段文字中，这不能证明与其有关；"
        "所问为任何人不得提供的（如代孕）时 `items` 为空而有 `warning`。"
    ),
    sync_to_thread=True,
)
def list_institutions(  # noqa: PLR0913 - one parameter per query parameter
    request: AnyRequest,
    q: Annotated[
        str,
        QueryParameter(
            description=write_bilingual("名称、部分名称、地址、地区、技术；超过120字的是文字，在其中找名录中的名称。"),
        ),
    ] = "",
    technique: Annotated[
        list[str] | None, QueryParameter(description=write_bilingual("技术代码，当日须全部有效。"))
    ] = None,
    region: Annotated[str | None, QueryParameter(description=write_bilingual("GB/T 2260 代码，含其下各级。"))] = None,
    stage: Annotated[
        str | None,
        QueryParameter(description=write_bilingual("当日的运行情况：formal、trial、operating 等。")),
    ] = None,
    status: Annotated[
        str | None,
        QueryParameter(description=write_bilingual("listed、suspended、delisted 或 all。")),
    ] = None,
    standing: Annotated[
        list[StandingWord] | None,
        QueryParameter(description=write_bilingual("当日现行状态，可写几个。")),
    ] = None,
    on: OnText = None,
    known_at: KnownAtText = None,
    limit: Annotated[int, QueryParameter(ge=1, le=500)] = 50,
    cursor: Annotated[
        str | None, QueryParameter(description=write_bilingual("上一页的 `next`。"), max_length=300)
    ] = None,
) -> InstitutionList:
    """List or search institutions."""
    register = get_register(request)
    if stage == "":
        raise InvalidInput(Message("stage 是空的：请填写运行情况，或不填此项。"))
    techniques, standings = parse_techniques(technique), tuple(standing or ())
    choice = SearchRequest(q=q, technique=techniques, region=region, stage=stage, status=status, standing=standings)
    asof, may_look = read_asof(request, on, known_at), make_people_budget(request).may_look
    result = register.search_institutions(choice, asof, limit=limit, cursor=cursor, may_look=may_look)
    return InstitutionList(
        items=[item.institution for item in result.items],
        next=result.next,
        total=result.total,
        log_size=result.log_size,
        at_least=result.at_least,
        why=[Why(code=i.institution.code, match=i.match, by=i.by, lacks=list(i.lacks)) for i in result.items],
        understood=list(result.understood),
        state=result.state,
        name_read=result.name_read,
        not_understood=list(result.not_understood),
        in_text=result.in_text,
        elsewhere=result.elsewhere,
        similar=result.similar,
        did_you_mean=result.did_you_mean,
        warning=result.warning,
    )


@get(
    "/institutions/{code:str}",
    operation_id="getInstitution",
    summary=write_bilingual("一家机构"),
    description=write_bilingual("名录在所问时刻没有该机构关于所问日期的记录时为 404；这不等于未获批准。"),
    sync_to_thread=True,
)
def get_institution(request: AnyRequest, code: Code, on: OnText = None, known_at: KnownAtText = None) -> Institution:
    """One institution."""
    return get_register(request).get_institution(code, read_asof(request, on, known_at))


@get(
    "/institutions/{code:str}/history",
    operation_id="getHistory",
    summary=write_bilingual("一家机构的全部历史记录"),
    description=write_bilingual(
        "按录入顺序。给出 `on` 时只列出关于该日及以前的记载，给出 `known_at` 时只列出当时已录入的。"
        "`corrects` 为真的一条是更正：它改变了对同一日、或对已记载的最晚日期之前某日的记载，`reason` 为理由。"
        "名单公布较晚因而录入较晚的，不是更正。"
    ),
    sync_to_thread=True,
)
def get_history(request: AnyRequest, code: Code, on: OnText = None, known_at: KnownAtText = None) -> History:
    """What was stated about an institution, and when."""
    asof = read_asof(request, on, known_at)
    last_day = None if on is None else asof.valid_on
    return History(versions=get_register(request).list_versions(code, asof, last_day), log_size=asof.size)


@get(
    "/institutions/{code:str}/practitioners",
    operation_id="listPractitioners",
    summary=write_bilingual("一家机构的获授权人员"),
    description=write_bilingual(
        "不提供跨机构的人员清单。同一地址（或密钥）每天可查看人员的机构数有限，超出时为 429，code 为 "
        "`people_limit`；机构本身的信息不受影响。"
    ),
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
    summary=write_bilingual("输入时的提示"),
    description=write_bilingual(
        "从第一个字、未打完的拼音起即可；`match` 说明因何相符。输入任何人不得提供的服务时为空。"
        "没有提示不等于名录中没有：请看 `/institutions` 的 `state`。"
    ),
    sync_to_thread=True,
)
def suggest_institutions(
    request: AnyRequest,
    q: Annotated[
        str,
        QueryParameter(description=write_bilingual("已输入的文字；只读前120字。")),
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
    summary=write_bilingual("按地区、技术、运行情况的数目"),
    sync_to_thread=True,
)
def get_stats(request: AnyRequest, on: OnText = None, known_at: KnownAtText = None) -> Stats:
    """Counts by region, technique and stage."""
    return get_register(request).compute_stats(read_asof(request, on, known_at))


handlers = [
    list_institutions,
    get_institution,
    get_history,
    list_practitioners,
    suggest_institutions,
    get_stats,
]
