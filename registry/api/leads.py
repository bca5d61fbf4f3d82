"""Leads for programs: a report taken in, and the state of one for whoever has its number."""

from __future__ import annotations

import io
from functools import partial
from typing import IO, Annotated

import msgspec
from litestar import get, post
from litestar.params import JSONBody, PathParameter

from registry.api.requests import AnyRequest, decode_body, get_register
from registry.measures.leads.intake import LeadReport
from registry.measures.leads.model import LONGEST, MOST_PICTURES, PublicLead, ReportKind
from registry.texts import write_bilingual
from registry.web import body_limits, lanes
from registry.web.forms import refuse_other_sites


def _limit(name: str) -> msgspec.Meta:
    return msgspec.Meta(max_length=LONGEST[name])


class NewLead(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A report. ``pictures``: JPEG, PNG or WebP in base64; ``token``: any text of the sender's own, of at least 16
    characters, with which the same report sent again is the same lead."""

    kind: ReportKind = "illegal_offer"
    what: Annotated[str, _limit("what")]
    who: Annotated[str, _limit("who")] = ""
    where: Annotated[str, _limit("where")] = ""
    region: Annotated[str, msgspec.Meta(max_length=20)] = ""
    link: Annotated[str, _limit("link")] = ""
    contact: Annotated[str, _limit("contact")] = ""
    institution: Annotated[str, msgspec.Meta(max_length=20)] = ""
    pictures: Annotated[list[bytes], msgspec.Meta(max_length=MOST_PICTURES)] = []
    token: Annotated[str, msgspec.Meta(max_length=200)] = ""


_new_lead = msgspec.json.Decoder(NewLead)


@post(
    "/leads",
    operation_id="addLead",
    summary=write_bilingual("提交线索：疑似违法的宣传、服务，或名录有误"),
    description=write_bilingual(
        "可以匿名。答复只有编号和状态；内容加密保存，不进入日志、索引和任何公开数据，办结后按期删除。同一 `token` "
        "的同一内容再次提交，答复同一编号。图片以 base64 给出，保存时重新绘制，原文件中的位置等信息不保留。"
        "太多时答 429。"
    ),
    status_code=200,
    opt={"lane": "slow", "json": True},
    request_max_body_size=body_limits.PICTURES_JSON,
)
async def add_lead(request: AnyRequest, data: JSONBody[NewLead]) -> PublicLead:  # noqa: ARG001 - says what the body is
    """Report an unlawful offer, or a wrong entry"""
    refuse_other_sites(request)
    sent = await decode_body(request, _new_lead)
    fields = {name: getattr(sent, name) for name in sent.__struct_fields__ if name != "pictures"}
    files: list[IO[bytes]] = [io.BytesIO(picture) for picture in sent.pictures]
    address = request.client.host if request.client else "-"
    receive = partial(get_register(request).leads.receive_report, LeadReport(**fields), files, address)
    return await lanes.run_in_lane("slow", receive)


@get(
    "/leads/{number:str}",
    operation_id="getLead",
    summary=write_bilingual("以编号查询线索的状态"),
    description=write_bilingual("除状态外，不答任何内容。编号有误答 400，没有此编号答 404。"),
    sync_to_thread=True,
    response_headers={"X-Robots-Tag": "noindex"},
)
def get_lead(
    request: AnyRequest,
    number: Annotated[str, PathParameter(description=write_bilingual("提交时所得的编号；小写、无横线均可。"))],
) -> PublicLead:
    """The state of one report"""
    return get_register(request).leads.find_state(number)


handlers = [add_lead, get_lead]
