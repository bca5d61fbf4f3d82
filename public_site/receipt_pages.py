"""The page where a receipt is pasted: whether it is genuine, what it says, and whether that is still so."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
from litestar import HttpMethod, Request, Response, post, route
from litestar.datastructures import State
from litestar.params import URLEncodedBody
from litestar.response import Redirect

from public_site import check_pages, questions
from public_site.check_contexts import AnswerPage, CheckForm
from public_site.responses import find_site_facts, get_page_address, get_register, make_page_response, read_language
from registry.domain import model
from registry.errors import InvalidInput, PeopleLimit
from registry.receipts.describe import has_person_name
from registry.receipts.issuer import ReceiptStatus
from registry.receipts.receipt_text import compact_receipt
from registry.web import body_limits
from registry.web.i18n import Language
from registry.web.rate_limit import make_people_budget
from registry.web.standing import Tone, choose_tone

#: Characters of a receipt that the address carries when language or size is switched; servers refuse much longer ones.
_IN_ADDRESS = 4000
Req = Request[Any, Any, State]


class ReceiptPage(AnswerPage, frozen=True, kw_only=True):
    """The form, and what was found of the receipt in it: ``question`` and ``answer`` are those of a genuine one.

    ``error``: the register's own sentence about what is no receipt at all. ``fresh``: given just now, to be kept.
    """

    template: ClassVar[str] = "receipt.html"
    section: ClassVar[str] = "check"
    noindex: ClassVar[bool] = True
    text: str = ""
    checked: ReceiptStatus | None = None
    question: model.Claim | None = None
    tone: Tone = "unlisted"
    error: str | None = None
    fresh: bool = False

    @property
    def has_ad_text(self) -> bool:
        """Whether the wording of an advertisement was asked about."""
        return bool(self.question and self.question.text)


@route("/receipt", http_method=[HttpMethod.GET, HttpMethod.HEAD], sync_to_thread=True, include_in_schema=False)
def show_receipt(request: Req) -> Response[str]:
    """The form, or the answer to a receipt in the address: where the QR code of a printed one leads."""
    return _render_receipt_check(request, request.query_params.get("receipt", ""))


@post("/receipt", status_code=200, sync_to_thread=True, include_in_schema=False, request_max_body_size=body_limits.LIST)
def check_pasted_receipt(request: Req, data: URLEncodedBody[dict[str, Any]]) -> Response[str]:
    """The answer to a receipt that was pasted: sent in the body, since an address may be too short for it."""
    return _render_receipt_check(request, str(data.get("receipt", "")))


@route("/check/receipt", http_method=[HttpMethod.GET, HttpMethod.HEAD], sync_to_thread=True, include_in_schema=False)
def issue_receipt(request: Req) -> Response[Any]:
    """The receipt of an answer of the check form: asked again, signed, and shown to be kept."""
    language = read_language(request)
    claim, errors = questions.make_claim(form := check_pages.read_check_form(request.query_params), language)
    if claim is None or errors:
        return Redirect(
            language.make_link(get_page_address(request).replace("/check/receipt", "/check", 1)), status_code=302
        )
    return _render_new_receipt(request, form, claim, get_page_address(request))


@post(
    "/check/receipt",
    status_code=200,
    sync_to_thread=True,
    include_in_schema=False,
    request_max_body_size=body_limits.TEXT,
)
def issue_receipt_by_form(request: Req, data: URLEncodedBody[dict[str, Any]]) -> Response[Any]:
    """The same of a form that names a person, a certificate or a text, which stand in no address."""
    form = check_pages.read_check_form(data)
    claim, errors = questions.make_claim(form, read_language(request))
    here = check_pages.make_plain_link(form)
    if claim is None or errors:
        return check_pages.render_check_answer(request, form, here, "no-store")
    return _render_new_receipt(request, form, claim, here)


def _render_new_receipt(request: Req, form: CheckForm, claim: model.Claim, here: str) -> Response[str]:
    lang, register = read_language(request).lang, get_register(request)
    try:
        signed = msgspec.structs.replace(claim, receipt=True)
        text = register.answer_claim(signed, lang, make_people_budget(request).require_look).receipt or ""
    except (InvalidInput, PeopleLimit):  # the check page says what is wrong
        return check_pages.render_check_answer(request, form, here, "no-store")
    page = make_receipt_page(
        register.check_receipt(text, lang), text, fresh=True, here=here, site=find_site_facts(request)
    )
    return make_page_response(request, page, cache="no-store")


def _render_receipt_check(request: Req, given: str) -> Response[str]:
    text = compact_receipt(given)
    here, site = (
        Language().make_link("/receipt", receipt=text if len(text) <= _IN_ADDRESS else None),
        find_site_facts(request),
    )
    if not text:
        return make_page_response(
            request, ReceiptPage(here=get_page_address(request) if not given else here, site=site)
        )
    try:
        checked = get_register(request).check_receipt(text, read_language(request).lang)
    except InvalidInput as error:
        said = error.get_text(read_language(request).lang)
        return make_page_response(
            request, ReceiptPage(here=here, site=site, text=given, error=said), status=400, cache="no-store"
        )
    if checked.receipt and has_person_name(checked.receipt) and request.method == "POST":
        here = "/receipt"
    return make_page_response(request, make_receipt_page(checked, text, here=here, site=site), cache="no-store")


def make_receipt_page(checked: ReceiptStatus, text: str, **frame: Any) -> ReceiptPage:
    """The page that says what was found of a receipt."""
    it = checked.receipt
    answer = msgspec.convert(it.answer, model.Answer) if it else None
    return ReceiptPage(
        text=text,
        checked=checked,
        question=msgspec.convert(it.question, model.Claim) if it else None,
        answer=answer,
        tone=choose_tone(answer.verdict, [one.stage for one in answer.techniques]) if answer else "unlisted",
        **frame,
    )


handlers = [show_receipt, check_pasted_receipt, issue_receipt, issue_receipt_by_form]
