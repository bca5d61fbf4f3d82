"""The page where a receipt is pasted: whether it is genuine, what it says, and whether that is still so."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
from litestar import Response, post
from litestar.params import URLEncodedBody
from litestar.response import Redirect

from public_site import check_pages
from public_site.check_pages import AnswerPage, CheckForm
from public_site.responses import (
    PageRequest,
    find_site_facts,
    get_page_address,
    get_register,
    make_page_response,
    read_language,
)
from registry.domain.model import Answer, Claim
from registry.errors import InvalidInput, PeopleLimit
from registry.receipts.describe import has_person_name
from registry.receipts.issuer import ReceiptStatus
from registry.receipts.receipt_text import compact_receipt
from registry.web import body_limits
from registry.web.i18n import Language
from registry.web.rate_limit import make_people_budget
from registry.web.routes import route_get
from registry.web.standing import Tone, choose_tone

#: Characters of a receipt that the address carries when language or size is switched; servers refuse much longer ones.
_LONGEST_IN_ADDRESS = 4000


class ReceiptPage(AnswerPage, frozen=True, kw_only=True):
    """The form, and what is known of the receipt in it: ``question`` and ``answer`` are those of a genuine one.

    ``error``: the register's own sentence about a text that is no receipt. ``fresh``: issued just now, to be saved.
    """

    template: ClassVar[str] = "receipt.html"
    section: ClassVar[str] = "check"
    noindex: ClassVar[bool] = True
    text: str = ""
    checked: ReceiptStatus | None = None
    question: Claim | None = None
    tone: Tone = "unlisted"
    error: str | None = None
    fresh: bool = False

    @property
    def has_ad_text(self) -> bool:
        """Whether the wording of an advertisement was asked about."""
        return bool(self.question and self.question.text)


@route_get("/receipt", "receipt")
def show_receipt(request: PageRequest) -> Response[str]:
    """Show the form, or the answer to a receipt in the address: where the QR code of a printed one leads."""
    return _render_receipt_check(request, request.query_params.get("receipt", ""))


@post(
    "/receipt",
    operation_id="pasted",
    status_code=200,
    sync_to_thread=True,
    include_in_schema=False,
    request_max_body_size=body_limits.LIST,
)
def check_pasted_receipt(request: PageRequest, data: URLEncodedBody[dict[str, Any]]) -> Response[str]:
    """Answer to a receipt that was pasted: sent in the body, since an address may be too short for it."""
    return _render_receipt_check(request, str(data.get("receipt", "")))


@route_get("/check/receipt", "given")
def issue_receipt(request: PageRequest) -> Response[Any]:
    """Issue the receipt of an answer of the check form: asked again, signed, and shown to be saved."""
    language, here = read_language(request), get_page_address(request)
    claim, errors = check_pages.make_claim(form := check_pages.read_check_form(request.query_params), language)
    if claim is None or errors:
        return Redirect(language.make_link(here.replace("/check/receipt", "/check", 1)), status_code=302)
    return _render_new_receipt(request, form, claim, here)


@post(
    "/check/receipt",
    operation_id="given_form",
    status_code=200,
    sync_to_thread=True,
    include_in_schema=False,
    request_max_body_size=body_limits.TEXT,
)
def issue_receipt_by_form(request: PageRequest, data: URLEncodedBody[dict[str, Any]]) -> Response[Any]:
    """Issue a receipt to a form that names a person, a certificate or a text, which stand in no address."""
    form = check_pages.read_check_form(data)
    claim, errors = check_pages.make_claim(form, read_language(request))
    here = form.make_plain_link()
    if claim is None or errors:
        return check_pages.render_check_answer(request, form, here, "no-store")
    return _render_new_receipt(request, form, claim, here)


def _render_new_receipt(request: PageRequest, form: CheckForm, claim: Claim, here: str) -> Response[str]:
    lang, register = read_language(request).lang, get_register(request)
    try:
        signed = msgspec.structs.replace(claim, receipt=True)
        text = register.answer_claim(signed, lang, make_people_budget(request).require_look).receipt or ""
    except (InvalidInput, PeopleLimit):  # the check page says what is wrong
        return check_pages.render_check_answer(request, form, here, "no-store")
    checked = register.check_receipt(text, lang)
    page = make_receipt_page(checked, text, fresh=True, here=here, site=find_site_facts(request))
    return make_page_response(request, page, cache="no-store")


def _render_receipt_check(request: PageRequest, pasted: str) -> Response[str]:
    text, site, lang = compact_receipt(pasted), find_site_facts(request), read_language(request).lang
    here = Language().make_link("/receipt", receipt=text if len(text) <= _LONGEST_IN_ADDRESS else None)
    if not text:
        page = ReceiptPage(here=here if pasted else get_page_address(request), site=site)
        return make_page_response(request, page)
    try:
        checked = get_register(request).check_receipt(text, lang)
    except InvalidInput as error:
        page = ReceiptPage(here=here, site=site, text=pasted, error=error.get_text(lang))
        return make_page_response(request, page, status=400, cache="no-store")
    if checked.receipt and has_person_name(checked.receipt) and request.method == "POST":
        here = "/receipt"
    return make_page_response(request, make_receipt_page(checked, text, here=here, site=site), cache="no-store")


def make_receipt_page(checked: ReceiptStatus, text: str, **frame: Any) -> ReceiptPage:
    """Make the page that says what is known of a receipt."""
    receipt = checked.receipt
    answer = msgspec.convert(receipt.answer, Answer) if receipt else None
    tone = choose_tone(answer.verdict, [technique.stage for technique in answer.techniques]) if answer else "unlisted"
    question = msgspec.convert(receipt.question, Claim) if receipt else None
    return ReceiptPage(text=text, checked=checked, question=question, answer=answer, tone=tone, **frame)


handlers = [show_receipt, check_pasted_receipt, issue_receipt, issue_receipt_by_form]
