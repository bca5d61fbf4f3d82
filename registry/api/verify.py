"""Verification: one claim, one answer. Runs on the event loop, but for long texts: it touches memory only."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Request, get, post
from litestar.openapi import ResponseSpec
from litestar.params import QueryParameter
from litestar.types import Receive, Scope, Send

from registry.api.problems import read_language
from registry.api.requests import (
    AnyRequest,
    KnownAtText,
    OnText,
    decode_body_bytes,
    get_register,
    parse_known_at,
    parse_on,
    parse_techniques,
)
from registry.domain.answers import (
    LONGEST_NAME,
    LONGEST_NUMBER,
    LONGEST_TEXT,
    LONGEST_TEXT_IN_ADDRESS,
    Answer,
    Claim,
    Person,
    Provider,
)
from registry.register import Register
from registry.texts import write_bilingual
from registry.web import body_limits, lanes
from registry.web.rate_limit import find_admitted_in, make_people_budget

_claim = msgspec.json.Decoder(Claim)
_encoder = msgspec.json.Encoder()
_RESPONSES = {
    200: ResponseSpec(data_container=Answer, description="Request fulfilled, document follows", generate_examples=False)
}


class JsonAnswer:
    """Sends an answer as JSON with status 200, without a response object in between: this is the busiest operation.

    An application of its own, so that litestar passes it on as it is.
    """

    __slots__ = ("body",)

    def __init__(self, answer: Answer) -> None:
        self.body = _encoder.encode(answer)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI gives them
        """Answer one request."""
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(self.body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


@post(
    "/verify",
    operation_id="verify",
    summary=write_bilingual("核验：该机构当日在该址是否获准开展这些技术"),
    description=write_bilingual(
        "名称相近只列为候选，绝不答 `licensed`。许可、人员、广告审查证明、广告内容分别作答，互不影响；`text` "
        "中宣传的技术一并核验，其中写有的机构列于 `mentions`；"
        "不给 `provider` 时即就这些机构作答。503 且 code 为 `cannot_answer` 表示暂时无法核验，不代表未获批准。"
        "`receipt` 为真时附签名回执；无法出具时答 503 且 code 为 `cannot_sign`，绝不默默省略。"
    ),
    status_code=200,
    responses=_RESPONSES,
    request_max_body_size=body_limits.TEXT,
    opt={"scope": "verify", "json": True},
)
async def verify_claim(request: AnyRequest) -> JsonAnswer:
    """Was this provider licensed for these techniques, there, on that day?"""
    return await answer_body(request.scope, await request.body(), read_language(request))


async def answer_body(scope: Scope, body: bytes, lang: str) -> JsonAnswer:
    """Answer the claim that was posted; also for a request that the framework does not see (``VerifyShortcut``)."""
    claim = decode_body_bytes(body, _claim)
    if claim.known_at is not None:  # as in an address: one outside the calendar of Shanghai is refused
        parse_known_at(claim.known_at.isoformat())
    register: Register = scope["litestar_app"].state.register
    look = make_people_budget(Request(scope)).require_look if claim.practitioner else None
    if len(claim.text or "") > LONGEST_TEXT_IN_ADDRESS:  # takes tenths of a second: others need not wait for it
        answer = await lanes.run_in_lane("reads", register.answer_claim, claim, lang, look)
    else:
        answer = register.answer_claim(claim, lang, look)
    await _record_check(scope, claim, answer)
    return JsonAnswer(answer)


@get(
    "/verify",
    operation_id="verifyByQuery",
    summary=write_bilingual("以网址形式核验"),
    description=write_bilingual(
        "`on` 为所问日期，`known_at` 为名录当时所知；名录当时没有关于该日的记录时答 `unknown`，这不等于未获批准。"
    ),
    responses=_RESPONSES,
    opt={"scope": "verify"},
)
async def verify_by_query(  # noqa: PLR0913 - one parameter per query parameter
    request: AnyRequest,
    name: Annotated[
        str | None,
        QueryParameter(description=write_bilingual("广告中所写的名称。"), max_length=200),
    ] = None,
    technique: Annotated[list[str] | None, QueryParameter(description=write_bilingual("技术代码或俗称。"))] = None,
    on: OnText = None,
    address: Annotated[str | None, QueryParameter(description=write_bilingual("所称地址。"), max_length=300)] = None,
    code: Annotated[str | None, QueryParameter(description=write_bilingual("名录编码。"))] = None,
    uscc: Annotated[str | None, QueryParameter(description=write_bilingual("统一社会信用代码。"))] = None,
    practice_licence_no: Annotated[
        str | None, QueryParameter(description=write_bilingual("医疗机构执业许可证登记号。"))
    ] = None,
    domain: Annotated[str | None, QueryParameter(description=write_bilingual("网站域名。"))] = None,
    known_at: KnownAtText = None,
    practitioner: Annotated[
        str | None,
        QueryParameter(
            description=write_bilingual("所称医务人员的姓名；网址会留在记录里，姓名宜用 POST。"),
            max_length=LONGEST_NAME,
        ),
    ] = None,
    ad_certificate: Annotated[
        str | None,
        QueryParameter(description=write_bilingual("医疗广告审查证明文号。"), max_length=LONGEST_NUMBER),
    ] = None,
    text: Annotated[
        str | None,
        QueryParameter(
            description=write_bilingual(
                "广告内容，最多{longest_text_in_address}字；更长的用 POST。",
                longest_text_in_address=LONGEST_TEXT_IN_ADDRESS,
                longest_text=LONGEST_TEXT,
            ),
            max_length=LONGEST_TEXT_IN_ADDRESS,
        ),
    ] = None,
) -> JsonAnswer:
    """The same question as a plain address"""
    provider = Provider(
        name=name, address=address, code=code, uscc=uscc, practice_licence_no=practice_licence_no, domain=domain
    )
    claim = Claim(
        provider=provider,
        techniques=list(parse_techniques(technique)),
        on=parse_on(on),
        known_at=parse_known_at(known_at),
        practitioner=Person(name=practitioner) if practitioner is not None else None,
        ad_certificate=ad_certificate,
        text=text,
    )
    answer = get_register(request).answer_claim(claim, read_language(request), make_people_budget(request).require_look)
    await _record_check(request.scope, claim, answer)
    return JsonAnswer(answer)


async def _record_check(scope: Scope, claim: Claim, answer: Answer) -> None:
    """Record a check before it is answered, where the key wants that; CannotRecord where it cannot be."""
    admitted = find_admitted_in(scope)
    if admitted and admitted.key and admitted.key.recorded:
        checks = [(claim, answer.verdict, answer.match.code if answer.match else None)]
        record_checks = scope["litestar_app"].state.register.clients.record_checks
        await lanes.run_in_lane("writes", record_checks, admitted, checks, answer.log.size)


handlers = [verify_claim, verify_by_query]
