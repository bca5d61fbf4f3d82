"""Sample pages of receipts: the form, genuine ones with all that a question may hold, every reason against one."""

from __future__ import annotations

import datetime as dt
from typing import Any, get_args

import msgspec

from public_site.check_pages import ReceiptPage, make_receipt_page
from public_site.responses import PageContext
from registry.domain import answers
from registry.receipts.issuer import ReceiptStatus
from registry.receipts.receipt_text import Reason, Receipt
from tests.pages import checks
from tests.pages.records import AT, FULL, LIST, SITE

_ROOT = "43af0436e9b1fdb7979fa41587d02027cfa950f40eef99208c70daab29433c10"
_TEXT = "eyJhbGciOiJFZERTQSIsInR5cCI6ImFydC1yZWNlaXB0K2p3dCJ9.eyJpc3MiOiLnpLrkvosifQ.AAAA"
_DAY = dt.date(2025, 7, 1)


def make_answer(verdict: answers.VerdictWord, explanation: str, **more: Any) -> answers.Answer:
    """An answer about the first of July 2025."""
    values: dict[str, Any] = {"techniques": [], "match": None, "candidates": [], "basis": None, **more}
    log = answers.LogState(size=980, root=_ROOT)
    return answers.Answer(id=None, verdict=verdict, explanation=explanation, on=_DAY, known_at=AT, log=log, **values)


def make_receipt(claim: answers.Claim, found: answers.Answer) -> Receipt:
    """What a receipt of them says."""
    return Receipt(
        issuer="register.example/log",
        signed_at=AT,
        key="kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        digest="5a20ee3f8e42ac1d43ba4bb8dd8b9ef97d6ec3dbb39e2a96fbba5ddc3b8db0f7",
        question=msgspec.to_builtins(claim),
        answer=msgspec.to_builtins(found),
    )


LICENSED = make_answer(
    "licensed",
    "该机构2025年7月1日在此地址获准开展试管婴儿（体外受精-胚胎移植），正式运行（依据截至2025年6月30日的名录）。",
    techniques=[answers.TechniqueAnswer(technique="IVF", verdict="licensed", stage="formal")],
    match=answers.Match(code=FULL.code, name=FULL.name, address=FULL.address, on="name", exact=True, rule="exact"),
    basis=answers.Basis(source=LIST.title, as_of=LIST.as_of, entry=421),
)
NOT_FOUND = make_answer("not_found", "截至2025年6月30日的名录中没有这家机构。")
ASKED = answers.Claim(
    provider=answers.Provider(
        name=FULL.name, address=FULL.address, code=FULL.code, uscc=FULL.uscc, domain="hospital.example"
    ),
    techniques=["IVF"],
    known_at=AT,
)

#: A question with everything beside the licence, its text longer than a page shows unasked.
ADVERTISED = msgspec.structs.replace(
    ASKED,
    practitioner=answers.Person(name="示例员"),
    ad_certificate=checks.NUMBER,
    text=checks.TEXT * 3,
)
FLAGGED = msgspec.structs.replace(
    LICENSED,
    practitioner=answers.PersonAnswer(
        verdict="authorised",
        explanation="此姓名的人员2025年7月1日在该机构有执业授权记载（临床医师）。",
        role="临床医师",
    ),
    ad_certificate=checks.make_certificate_answer("valid"),
    content_flags=checks.make_flags(condemned=False),
    content_against=checks.make_flags(condemned=True),
)


def make_pages() -> dict[str, PageContext]:
    """Every state of the page."""
    by_name = answers.Claim(provider=answers.Provider(name="示例市查无此院"))
    suspended = make_answer("suspended", "自2025年3月1日起暂停，2025年7月1日不得开展试管婴儿（体外受精-胚胎移植）。")
    found = {
        "still": ReceiptStatus(valid=True, receipt=make_receipt(ASKED, LICENSED), still_true=True),
        "changed": ReceiptStatus(valid=True, receipt=make_receipt(ASKED, LICENSED), still_true=False, now=suspended),
        "not-found": ReceiptStatus(valid=True, receipt=make_receipt(by_name, NOT_FOUND), still_true=True),
        "advertised": ReceiptStatus(valid=True, receipt=make_receipt(ADVERTISED, FLAGGED), still_true=True),
        "short-text": ReceiptStatus(
            valid=True,
            receipt=make_receipt(msgspec.structs.replace(ADVERTISED, text="体检预约"), LICENSED),
            still_true=True,
        ),
        "ahead": ReceiptStatus(valid=True, reason="ahead", receipt=make_receipt(by_name, NOT_FOUND)),
    }
    wrong = {reason: ReceiptStatus(valid=False, reason=reason) for reason in get_args(Reason) if reason != "ahead"}
    wrong["other_register"] = ReceiptStatus(valid=False, reason="other_register", claims_from="other.example/log")
    return {
        "receipt": ReceiptPage(site=SITE, here="/receipt"),
        "receipt-none": ReceiptPage(
            site=SITE, here="/receipt", text="不是回执", error="这不是本系统的回执：回执是一长串字符，以 eyJ 开头。"
        ),
        "receipt-fresh": make_receipt_page(found["not-found"], _TEXT, fresh=True, site=SITE, here="/check/receipt"),
        **{
            f"receipt-{name}": make_receipt_page(one, _TEXT, site=SITE, here="/receipt")
            for name, one in {**found, **wrong}.items()
        },
    }
