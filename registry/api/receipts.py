"""Receipts: whether one is genuine and still true, the public keys everybody checks them with, a page to print."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import msgspec
from litestar import Response, post
from litestar.params import JSONBody, URLEncodedBody

from registry.api.problems import read_language
from registry.api.requests import AnyRequest, get_register
from registry.domain.answers import Answer, LogState
from registry.domain.model import Date, Struct
from registry.errors import InvalidInput
from registry.receipts import describe
from registry.receipts.issuer import ReceiptStatus
from registry.receipts.receipt_text import LONGEST, Reason, compact_receipt
from registry.texts import Message, write_bilingual
from registry.web import body_limits
from registry.web.routes import route_get

_SHEET = "/receipt.pdf"
_WORDS = {
    "title": Message("核验回执"),
    "meaning": Message(
        "这是一次核验的签名凭据：问了什么、答了什么、在什么时候。名录收录是许可，不是推荐；今天是否仍然成立，"
        "请扫码核对。"
    ),
    "scan": Message("扫码即可核对这份回执是否真实、今天是否仍然成立。"),
    "no_scan": Message("回执过长，二维码只通向核对页；请粘贴回执原文。"),
    "no_name": Message("回执含有人员姓名，不放入网址：二维码只通向核对页；请粘贴回执原文。"),
    "text_below": Message("回执原文，可复制后粘贴到核对页："),
    "no_text": Message("回执过长，未印在此处；请保存原文。"),
    "footer": Message("人类辅助生殖技术机构名录。本页只是便于阅读的形式，以签名的回执原文为准。"),
}


class ReceiptText(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A receipt as it was given; line breaks and spaces in it do no harm."""

    receipt: Annotated[str, msgspec.Meta(min_length=1, max_length=2 * LONGEST)]


class ReceiptCheck(Struct, frozen=True):
    """What is known of a receipt. Of one that is not ``valid`` nothing it says is repeated: ``reason`` says why.

    ``answer`` is the Answer as it was signed, ``question`` the claim. ``still_true``: whether the register now says the
    same to that question about that day; null when not ``valid``, or when ``reason`` is ``ahead``: the receipt's log is
    longer than the one here. ``answer_now`` is there when ``still_true`` is false.
    """

    valid: bool
    reason: Reason | None
    log_size: int | None
    log: LogState | None
    issuer: str | None
    key: str | None
    signed_at: dt.datetime | None
    digest: str | None
    on: Date | None
    question: dict[str, Any] | None
    answer: dict[str, Any] | None
    still_true: bool | None
    answer_now: Answer | msgspec.UnsetType = msgspec.UNSET


def make_receipt_check(status: ReceiptStatus) -> ReceiptCheck:
    """Make the body that says what is known of a receipt."""
    receipt = status.receipt
    return ReceiptCheck(
        valid=status.valid,
        reason=status.reason,
        log_size=receipt.log.size if receipt else None,
        log=receipt.log if receipt else None,
        issuer=receipt.issuer if receipt else None,
        key=receipt.key if receipt else None,
        signed_at=receipt.signed_at if receipt else None,
        digest=receipt.digest if receipt else None,
        on=receipt.on if receipt else None,
        question=receipt.question if receipt else None,
        answer=receipt.answer if receipt else None,
        still_true=status.still_true,
        answer_now=status.now if status.now is not None else msgspec.UNSET,
    )


@post(
    "/receipts/check",
    operation_id="checkReceipt",
    summary=write_bilingual("核对回执：是否真实，今天是否仍然成立"),
    description=write_bilingual(
        "`valid` 为真：确由本名录签发，未被改动，所依据的日志就是本名录的日志。`still_true` 为假："
        "对同一天的同一问题，名录现在的答复不同，见 `answer_now`。完全不是回执的内容答 400。"
    ),
    status_code=200,
    sync_to_thread=True,
    request_max_body_size=body_limits.LIST,
    opt={"scope": "verify"},
)
def check_receipt(request: AnyRequest, data: JSONBody[ReceiptText]) -> ReceiptCheck:
    """Is this receipt genuine, and does it still hold?"""
    return make_receipt_check(get_register(request).check_receipt(data.receipt, read_language(request)))


@route_get("/.well-known/jwks.json", "key_set")
def get_key_set(request: AnyRequest) -> Response[bytes]:
    """Return the public keys of receipts as a JSON Web Key Set, also those that sign no more."""
    body = msgspec.json.encode(get_register(request).receipts.make_key_set())
    headers = {"Cache-Control": "public, no-cache"}  # a new key must be found by whoever meets its first receipt
    return Response(content=body, media_type="application/jwk-set+json", headers=headers)


@route_get(_SHEET, "receipt_pdf", opt={"lane": "slow"})
def get_receipt_sheet(request: AnyRequest) -> Response[bytes]:
    """Return the receipt in the address as a page of PDF."""
    return _make_sheet_response(request, request.query_params.get("receipt", ""))


@post(
    _SHEET,
    operation_id="posted_pdf",
    status_code=200,
    include_in_schema=False,
    opt={"lane": "slow"},
    sync_to_thread=True,
    request_max_body_size=body_limits.LIST,
)
def make_receipt_sheet(request: AnyRequest, data: URLEncodedBody[dict[str, Any]]) -> Response[bytes]:
    """Return the receipt in a form as a page of PDF."""
    return _make_sheet_response(request, str(data.get("receipt", "")))


def _make_sheet_response(request: AnyRequest, pasted: str) -> Response[bytes]:
    register, lang = get_register(request), read_language(request)
    text = compact_receipt(pasted)
    status = register.check_receipt(text, lang)
    if not status.valid or status.receipt is None:
        message = describe.REASONS[status.reason or "altered"]
        raise InvalidInput(Message("回执不真实，不制成文件：{message}。", message=message))
    from registry.receipts import sheet_pdf  # its library takes 5 MiB, and most processes never make a page

    words = {name: pair.to_text(lang) for name, pair in _WORDS.items()}
    no_name = words.pop("no_name")
    if names_person := describe.has_person_name(status.receipt):
        words["no_scan"] = no_name
    sheet = sheet_pdf.ReceiptSheet(
        lang=lang,
        pairs=describe.describe_receipt(status.receipt, lang),
        receipt=text,
        in_code=not names_person,
        check_url=f"{register.settings.public_url.rstrip('/')}/receipt",
        **words,
    )
    name = f"receipt-{status.receipt.digest[:12]}.pdf"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content=sheet_pdf.render_pdf(sheet), media_type="application/pdf", headers=headers)


handlers = [get_key_set, get_receipt_sheet, make_receipt_sheet]
