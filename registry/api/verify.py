"""Verification: one claim, one answer. Runs on the event loop: it touches memory only."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import get, post
from litestar.params import JSONBody, QueryParameter

from registry.api.guards import register_of
from registry.api.institutions import AnyRequest, KnownAtText, OnText, _split, known_at_of, on_of
from registry.api.problems import language
from registry.claimfiles.rows import require_provider
from registry.model import Answer, Claim, Provider


@post(
    "/verify",
    operation_id="verify",
    summary="核验：该机构当日在该址是否获准开展这些技术 / "
    "Was this provider licensed for these techniques, there, on that day?",
    description="名称相近只列为候选，绝不答 `licensed`。"
    "503 且 code 为 `cannot_answer` 表示暂时无法核验，不代表未获批准。 / "
    "A fuzzy match never yields `licensed`; it yields candidates. 503 with code `cannot_answer` means the "
    'register could not look, which is not "not licensed".',
    status_code=200,
)
async def verify(request: AnyRequest, data: JSONBody[Claim]) -> Answer:
    """Was this provider licensed for these techniques, there, on that day?"""
    require_provider(data.provider)
    if data.known_at is not None:
        _require_instant(await request.body())
    return register_of(request).answer(data, language(request))


@get(
    "/verify",
    operation_id="verifyByQuery",
    summary="以网址形式核验 / The same question as a plain address",
    description="`on` 为所问日期，`known_at` 为名录当时所知；"
    "名录当时没有关于该日的记录时答 `unknown`，这不等于未获批准。 / "
    "`on` is the day in question, `known_at` what the register knew then; where it held nothing for that day then, the "
    "answer is `unknown`, which is not “not approved”.",
)
async def verify_by_query(  # noqa: PLR0913 - one parameter per query parameter
    request: AnyRequest,
    name: Annotated[
        str | None,
        QueryParameter(description="广告中所写的名称。 / Name as it stands in the advertisement.", max_length=200),
    ] = None,
    technique: Annotated[
        list[str] | None, QueryParameter(description="技术代码或俗称。 / Codes or everyday words.")
    ] = None,
    on: OnText = None,
    address: Annotated[
        str | None, QueryParameter(description="所称地址。 / The address claimed.", max_length=300)
    ] = None,
    code: Annotated[str | None, QueryParameter(description="名录编码。 / Public code.")] = None,
    uscc: Annotated[str | None, QueryParameter(description="统一社会信用代码。 / Unified social credit code.")] = None,
    practice_licence_no: Annotated[
        str | None, QueryParameter(description="医疗机构执业许可证登记号。 / Practice licence number.")
    ] = None,
    domain: Annotated[str | None, QueryParameter(description="网站域名。 / Domain of the website.")] = None,
    known_at: KnownAtText = None,
) -> Answer:
    """The same question as a plain address"""
    provider = Provider(
        name=name, address=address, code=code, uscc=uscc, practice_licence_no=practice_licence_no, domain=domain
    )
    require_provider(provider)
    claim = Claim(
        provider=provider,
        techniques=list(_split(technique)),
        on=on_of(on),
        known_at=known_at_of(known_at),
    )
    return register_of(request).answer(claim, language(request))


class _Asked(msgspec.Struct):
    known_at: Any


_asked = msgspec.json.Decoder(_Asked)


def _require_instant(body: bytes) -> None:
    """The decoder of requests takes a bare number for seconds since 1970; here it is refused, as in an address."""
    known_at_of(str(_asked.decode(body).known_at))
