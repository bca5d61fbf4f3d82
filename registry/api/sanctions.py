"""Supervision of one institution, and the exact look-up of penalties and the blacklist."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.params import QueryParameter

from registry.api.problems import read_language
from registry.api.requests import AnyRequest, Code, KnownAtText, OnText, get_register, read_asof
from registry.domain.answers import LONGEST_NAME
from registry.domain.model import Date, Struct
from registry.records.supervision import Sanction, Supervision
from registry.texts import write_bilingual
from registry.verification.sanctions import SanctionHit, SanctionQuestion
from registry.web.rate_limit import make_people_budget


class SupervisionList(Struct, frozen=True):
    """What is public on a day of the supervision of one institution, newest first."""

    supervisions: list[Supervision]
    sanctions: list[Sanction]
    on: Date
    log_size: int


class SanctionList(Struct, frozen=True):
    """What is public on a day of whom was looked up; nothing found says nothing of a licence."""

    items: list[SanctionHit]
    on: Date
    log_size: int


@get(
    "/institutions/{code:str}/supervision",
    operation_id="getSupervision",
    summary=write_bilingual("一家机构的监督检查与行政处罚"),
    description=write_bilingual(
        "所问之日公示的自查、检查和行政处罚，新的在前。公示期届满或已移出的不列出，日志仍保留原文。"
        "处罚不改变许可的答复：撤销或暂停批准的，由该项批准自身载明。"
    ),
    sync_to_thread=True,
)
def get_supervision(
    request: AnyRequest, code: Code, on: OnText = None, known_at: KnownAtText = None
) -> SupervisionList:
    """Inspections and penalties of one institution."""
    register, asof = get_register(request), read_asof(request, on, known_at)
    institution = register.get_institution(code, asof)
    _, records = register.list_records_about(institution.code, asof)
    return SupervisionList(
        supervisions=[one for one in records if isinstance(one, Supervision)],
        sanctions=[one for one in records if isinstance(one, Sanction)],
        on=asof.valid_on,
        log_size=asof.size,
    )


@get(
    "/sanctions",
    operation_id="findSanctions",
    summary=write_bilingual("行政处罚与黑名单：按名称、信用代码、域名或账号精确查询"),
    description=write_bilingual(
        "只能精确查询，不能列出：`name`、`uscc`、`domain`、`account` 只用其一。个人只能以完整姓名加 `institution`"
        "（机构或组织的完整名称，或名录编码）查询。只答所问之日公示的；没有查到不说明是否获准，"
        "也不代表没有受过处罚。"
    ),
    sync_to_thread=True,
    opt={"private": True},
)
def find_sanctions(  # noqa: PLR0913 - one parameter per query parameter
    request: AnyRequest,
    name: Annotated[
        str | None, QueryParameter(description=write_bilingual("机构、组织或个人的完整名称。"), max_length=200)
    ] = None,
    uscc: Annotated[
        str | None, QueryParameter(description=write_bilingual("统一社会信用代码。"), max_length=40)
    ] = None,
    domain: Annotated[str | None, QueryParameter(description=write_bilingual("网站域名。"), max_length=300)] = None,
    account: Annotated[
        str | None, QueryParameter(description=write_bilingual("账号，写成“平台:账号名称”。"), max_length=200)
    ] = None,
    institution: Annotated[
        str | None,
        QueryParameter(description=write_bilingual("个人所在的机构或组织，只与 `name` 一起用。"), max_length=200),
    ] = None,
    on: OnText = None,
    known_at: KnownAtText = None,
) -> SanctionList:
    """Penalties and the blacklist, looked up exactly."""
    if institution is not None:
        make_people_budget(request).require_look(institution[:LONGEST_NAME])
    question = SanctionQuestion(name=name, uscc=uscc, domain=domain, account=account, institution=institution)
    asof = read_asof(request, on, known_at)
    hits = get_register(request).find_sanctions(question, asof, read_language(request))
    return SanctionList(items=hits, on=asof.valid_on, log_size=asof.size)


handlers = [get_supervision, find_sanctions]
