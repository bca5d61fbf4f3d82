"""The page where a receipt is pasted: whether it is genuine, what it says, and whether that is still so."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
from litestar import HttpMethod, Request, Response, post, route
from litestar.datastructures import State
from litestar.params import URLEncodedBody
from litestar.response import Redirect

from public_site import checking, questions
from public_site.answers import asked, here_of, html, register_of, site_of
from public_site.check_contexts import AnsweredPage, CheckForm
from public_site.contexts import Tone
from public_site.standing import tone_of
from public_site.voice import Voice
from registry import model
from registry.admission import looks_of
from registry.errors import InvalidInput, PeopleLimit
from registry.verification.issuer import Checked
from registry.verification.receipt_words import names_person
from registry.verification.receipts import compact
from registry.web import bodies

#: Characters of a receipt that the address carries when language or size is switched; servers refuse much longer ones.
_IN_ADDRESS = 4000
Req = Request[Any, Any, State]


class ReceiptPage(AnsweredPage, frozen=True, kw_only=True):
    """The form, and what was found of the receipt in it: ``question`` and ``answer`` are those of a genuine one.

    ``error``: the register's own sentence about what is no receipt at all. ``fresh``: given just now, to be kept.
    """

    template: ClassVar[str] = "receipt.html"
    section: ClassVar[str] = "check"
    noindex: ClassVar[bool] = True
    text: str = ""
    checked: Checked | None = None
    question: model.Claim | None = None
    tone: Tone = "unlisted"
    error: str | None = None
    fresh: bool = False

    @property
    def asked_text(self) -> bool:
        """Whether the wording of an advertisement was asked about."""
        return bool(self.question and self.question.text)


@route("/receipt", http_method=[HttpMethod.GET, HttpMethod.HEAD], sync_to_thread=True, include_in_schema=False)
def receipt(request: Req) -> Response[str]:
    """The form, or the answer to a receipt in the address: where the QR code of a printed one leads."""
    return _answered(request, request.query_params.get("receipt", ""))


@post("/receipt", status_code=200, sync_to_thread=True, include_in_schema=False, request_max_body_size=bodies.LIST)
def pasted(request: Req, data: URLEncodedBody[dict[str, Any]]) -> Response[str]:
    """The answer to a receipt that was pasted: sent in the body, since an address may be too short for it."""
    return _answered(request, str(data.get("receipt", "")))


@route("/check/receipt", http_method=[HttpMethod.GET, HttpMethod.HEAD], sync_to_thread=True, include_in_schema=False)
def given(request: Req) -> Response[Any]:
    """The receipt of an answer of the check form: asked again, signed, and shown to be kept."""
    voice = asked(request)
    claim, errors = questions.claim_of(form := checking.form_of(request.query_params), voice)
    if claim is None or errors:
        return Redirect(voice.link(here_of(request).replace("/check/receipt", "/check", 1)), status_code=302)
    return _given(request, form, claim, here_of(request))


@post(
    "/check/receipt", status_code=200, sync_to_thread=True, include_in_schema=False, request_max_body_size=bodies.TEXT
)
def given_form(request: Req, data: URLEncodedBody[dict[str, Any]]) -> Response[Any]:
    """The same of a form that names a person, a certificate or a text, which stand in no address."""
    form = checking.form_of(data)
    claim, errors = questions.claim_of(form, asked(request))
    here = checking.plain_link(form)
    if claim is None or errors:
        return checking.answered(request, form, here, "no-store")
    return _given(request, form, claim, here)


def _given(request: Req, form: CheckForm, claim: model.Claim, here: str) -> Response[str]:
    lang, register = asked(request).lang, register_of(request)
    try:
        signed = msgspec.structs.replace(claim, receipt=True)
        text = register.answer(signed, lang, looks_of(request).require).receipt or ""
    except (InvalidInput, PeopleLimit):  # the check page says what is wrong
        return checking.answered(request, form, here, "no-store")
    page = page_of(register.check_receipt(text, lang), text, fresh=True, here=here, site=site_of(request))
    return html(request, page, cache="no-store")


def _answered(request: Req, given: str) -> Response[str]:
    text = compact(given)
    here, site = Voice().link("/receipt", receipt=text if len(text) <= _IN_ADDRESS else None), site_of(request)
    if not text:
        return html(request, ReceiptPage(here=here_of(request) if not given else here, site=site))
    try:
        checked = register_of(request).check_receipt(text, asked(request).lang)
    except InvalidInput as error:
        said = error.text(asked(request).lang)
        return html(request, ReceiptPage(here=here, site=site, text=given, error=said), status=400, cache="no-store")
    if checked.receipt and names_person(checked.receipt) and request.method == "POST":
        here = "/receipt"
    return html(request, page_of(checked, text, here=here, site=site), cache="no-store")


def page_of(checked: Checked, text: str, **frame: Any) -> ReceiptPage:
    """The page that says what was found of a receipt."""
    it = checked.receipt
    answer = msgspec.convert(it.answer, model.Answer) if it else None
    return ReceiptPage(
        text=text,
        checked=checked,
        question=msgspec.convert(it.question, model.Claim) if it else None,
        answer=answer,
        tone=tone_of(answer.verdict, [one.stage for one in answer.techniques]) if answer else "unlisted",
        **frame,
    )


handlers = [receipt, pasted, given, given_form]
