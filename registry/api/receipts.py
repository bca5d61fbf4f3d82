"""Receipts: whether one is genuine and still true, and the public keys everybody checks them with."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import msgspec
from litestar import HttpMethod, Request, Response, post, route
from litestar.params import JSONBody

from registry.api.guards import get_register
from registry.api.problems import read_language
from registry.domain.model import Answer, Date, LogState, Struct
from registry.receipts.issuer import ReceiptStatus
from registry.receipts.receipt_text import LONGEST, Reason
from registry.web import body_limits

AnyRequest = Request[Any, Any, Any]


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


def make_receipt_check(found: ReceiptStatus) -> ReceiptCheck:
    """The body that says what was found."""
    it = found.receipt
    return ReceiptCheck(
        valid=found.valid,
        reason=found.reason,
        log_size=it.log.size if it else None,
        log=it.log if it else None,
        issuer=it.issuer if it else None,
        key=it.key if it else None,
        signed_at=it.signed_at if it else None,
        digest=it.digest if it else None,
        on=it.on if it else None,
        question=it.question if it else None,
        answer=it.answer if it else None,
        still_true=found.still_true,
        answer_now=found.now if found.now is not None else msgspec.UNSET,
    )


@post(
    "/receipts/check",
    operation_id="checkReceipt",
    summary="核对回执：是否真实，今天是否仍然成立 / Is this receipt genuine, and does it still hold?",
    description="`valid` 为真：确由本名录签发，未被改动，所依据的日志就是本名录的日志。"
    "`still_true` 为假：对同一天的同一问题，名录现在的答复不同，见 `answer_now`。完全不是回执的内容答 400。 / "
    "`valid`: this register signed it, nothing was altered, and the log it rests on is this one. `still_true` is false "
    "where the register now answers the same question about the same day differently, as `answer_now` says. What is no "
    "receipt at all is 400.",
    status_code=200,
    sync_to_thread=True,
    request_max_body_size=body_limits.LIST,
    opt={"scope": "verify"},
)
def check_receipt(request: AnyRequest, data: JSONBody[ReceiptText]) -> ReceiptCheck:
    """Is this receipt genuine, and does it still hold?"""
    return make_receipt_check(get_register(request).check_receipt(data.receipt, read_language(request)))


@route(
    "/.well-known/jwks.json",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    include_in_schema=False,
    sync_to_thread=True,
)
def get_key_set(request: AnyRequest) -> Response[bytes]:
    """The public keys of receipts as a JSON Web Key Set, also those that sign no more."""
    body = msgspec.json.encode(get_register(request).receipts.make_key_set())
    headers = {"Cache-Control": "public, no-cache"}  # a new key must be found by whoever meets its first receipt
    return Response(content=body, media_type="application/jwk-set+json", headers=headers)


handlers = [get_key_set]
