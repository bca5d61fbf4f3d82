"""The pages of checks: a claim, asked by an address or by a form, and a receipt that is pasted or issued.

A person's name and the text of an advertisement stand in no address.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from litestar import Response
from litestar.params import URLEncodedBody
from litestar.response import Redirect

from public_site import page_times, responses
from public_site.findings import Panel, make_panels, may_be_reported, select_gravest
from public_site.page_times import TimesForm, parse_known_at
from public_site.responses import FieldError, PageContext, PageRequest, get_register, make_page_response, read_language
from registry.batch.columns import parse_loose_day
from registry.domain import answers
from registry.domain.ad_lexicon import FlagKind
from registry.domain.answers import Answer, Candidate, Claim, ContentFlag, Match, Person, Provider, read_provider
from registry.domain.identifiers import list_parent_domains
from registry.domain.model import Institution, Struct
from registry.domain.techniques import find_technique
from registry.errors import CannotAnswer, InvalidInput, NotFound, PeopleLimit
from registry.receipts.describe import has_person_name
from registry.receipts.issuer import ReceiptStatus
from registry.receipts.receipt_text import compact_receipt
from registry.records.asof import require_known_day
from registry.register import Register
from registry.web import body_limits, error_status
from registry.web.i18n import Language
from registry.web.rate_limit import make_people_budget
from registry.web.record_changes import PageTimes
from registry.web.routes import route_get, route_post

_LONGEST_FIELD = 200
#: The fields that an address holds.
_IN_ADDRESS = ("name", "technique", "on", "known_at", "address")
_LIMITS = {"practitioner": answers.LONGEST_NAME, "ad_certificate": answers.LONGEST_NUMBER, "text": answers.LONGEST_TEXT}


class CheckForm(Struct, frozen=True, kw_only=True):
    """The form, as typed."""

    name: str = ""
    technique: str = ""
    on: str = ""
    known_at: str = ""
    address: str = ""
    practitioner: str = ""
    ad_certificate: str = ""
    text: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether it fits into an address that may be kept and passed on: no person's name, no long text."""
        return not (self.practitioner or self.ad_certificate or self.text)

    def list_values(self) -> tuple[tuple[str, str], ...]:
        """(field, value) of what was filled in, for a form that asks the same again."""
        return tuple((name, value) for name in self.__struct_fields__ if (value := getattr(self, name)))

    def make_plain_link(self, language: Language | None = None) -> str:
        """Return the address of what is asked, but for what stands in no address; by default where switches lead."""
        fields = {name: getattr(self, name) for name in _IN_ADDRESS}
        return (language or Language()).make_link("/check", **fields)


class FlagGroup(Struct, frozen=True, kw_only=True):
    """The words of one kind in a text, each once with how often it stands there."""

    kind: FlagKind
    words: tuple[tuple[str, int], ...]


class AnswerPage(PageContext, frozen=True, kw_only=True):
    """A page that shows an answer, once there is one. ``mentioned``: the institutions its text names, by code."""

    answer: Answer | None = None
    mentioned: dict[str, Institution] = msgspec.field(default_factory=dict)

    @property
    def has_ad_text(self) -> bool:
        """Whether the wording of an advertisement was asked about."""
        return False

    @property
    def panels(self) -> tuple[Panel, ...]:
        """The answers in brief, the gravest first."""
        return make_panels(self.answer, has_text=self.has_ad_text) if self.answer else ()

    @property
    def gravest(self) -> tuple[Panel, ...]:
        """What is said before them."""
        return select_gravest(self.panels)

    @property
    def flag_groups(self) -> tuple[FlagGroup, ...]:
        """The words of the text that ask for a look by a person."""
        return group_flags(self.answer.content_flags) if self.answer else ()

    @property
    def against_groups(self) -> tuple[FlagGroup, ...]:
        """The words that stand in sentences against what they name."""
        return group_flags(self.answer.content_against) if self.answer else ()


class WebAddress(Struct, frozen=True, kw_only=True):
    """The website that was asked about; where the register holds no such one, ``parent``: a domain above it that it
    does, and ``holders``: whose that is."""

    domain: str
    parent: str | None = None
    holders: tuple[Match | Candidate, ...] = ()


class CheckPage(AnswerPage, frozen=True, kw_only=True):
    """The check form, and the answers once something was asked; ``past`` when they are not what is known now."""

    template: ClassVar[str] = "check.html"
    section: ClassVar[str] = "check"
    noindex: ClassVar[bool] = True
    form: CheckForm
    errors: tuple[FieldError, ...] = ()
    past: PageTimes | None = None
    web: WebAddress | None = None

    @property
    def has_same_names(self) -> bool:
        """Whether every candidate has the very name of the institution that was matched."""
        if self.answer is None or self.answer.match is None:
            return False
        return {one.name for one in self.answer.candidates} == {self.answer.match.name}

    @property
    def may_be_reported(self) -> bool:
        """Whether to say where offers are reported: not to whoever may well have meant one that is listed."""
        return self.answer is not None and may_be_reported(self.answer)

    @property
    def has_ad_text(self) -> bool:
        """Whether the wording of an advertisement was asked about."""
        return bool(self.form.text)


def group_flags(flags: list[ContentFlag]) -> tuple[FlagGroup, ...]:
    """Group flags by kind, in the order in which they first stand in the text."""
    kinds: dict[FlagKind, dict[str, int]] = {}
    for flag in flags:
        words = kinds.setdefault(flag.kind, {})
        word = " ".join(flag.text.split())
        words[word] = words.get(word, 0) + 1
    return tuple(FlagGroup(kind=kind, words=tuple(words.items())) for kind, words in kinds.items())


@route_get("/check", "check")
def show_check(request: PageRequest) -> Response[str]:
    """Show the check form and its answers. Wrong input is shown beside its field, and nothing typed is lost."""
    query = request.query_params
    if not any(name in query for name in CheckForm.__struct_fields__):
        return make_page_response(request, CheckPage(form=CheckForm(), **responses.make_frame(request)))
    form = read_check_form(query)
    return render_check_answer(request, form, responses.get_page_address(request), responses.PAGE_CACHE)


@route_post("/check", "check_form", body_limits.TEXT)
def submit_check(request: PageRequest, data: URLEncodedBody[dict[str, Any]]) -> Response[Any]:
    """Answer the form sent. What fits into an address gets one, so that it can be kept, passed on and asked again."""
    form = read_check_form(data)
    if not form.is_plain:
        return render_check_answer(request, form, form.make_plain_link(), "no-store")
    if not form.list_values():  # a blank name, so that the page says what is missing
        form = CheckForm(name=" ")
    return Redirect(form.make_plain_link(read_language(request)), status_code=303)


def read_check_form(fields: Mapping[str, Any]) -> CheckForm:
    """Read a form; of a field sent twice the last. A text too long is left whole, to be refused and not cut."""
    values: dict[str, str] = {}
    for name in CheckForm.__struct_fields__:
        value = fields.get(name) or ""
        text = str(value[-1] if isinstance(value, list) else value).replace("\r\n", "\n").strip()
        values[name] = text if name == "text" else text[:_LONGEST_FIELD]
    return CheckForm(**values)


def render_check_answer(request: PageRequest, form: CheckForm, here: str, cache: str) -> Response[str]:
    """Render the answers to a form, or what is wrong with it field by field."""
    language = read_language(request)
    posted = form.list_values() if request.method == "POST" else ()
    page = CheckPage(here=here, posted=posted, site=responses.find_site_facts(request), form=form)
    claim, errors = make_claim(form, language)
    if claim is not None:
        try:
            register = get_register(request)
            answer = register.answer_claim(claim, language.lang, make_people_budget(request).require_look)
        except PeopleLimit as error:
            limit = FieldError(field="practitioner", sentence=error.get_text(language.lang))
            page = msgspec.structs.replace(page, errors=(limit,))
            response = make_page_response(request, page, error_status.get_status(error), "no-store")
            response.headers.update(error_status.make_headers(error))
            return response
        except InvalidInput as error:
            errors = [FieldError(field="name", sentence=error.get_text(language.lang))]
        else:
            times = TimesForm(on=form.on, known_at=form.known_at)
            page = msgspec.structs.replace(
                page,
                answer=answer,
                past=page_times.find_past_times(times, register.find_now()),
                mentioned=find_mentioned(register, answer),
                web=find_web_address(register, claim, answer),
            )
            return make_page_response(request, page, cache=cache)
    return make_page_response(request, msgspec.structs.replace(page, errors=tuple(errors)), status=400, cache=cache)


def find_mentioned(register: Register, answer: Answer) -> dict[str, Institution]:
    """Find the institutions that an answer's text names, by code, for where they are; from memory, as the answer."""
    found: dict[str, Institution] = {}
    for code in {mention.code for mention in answer.mentions if mention.code}:
        with contextlib.suppress(NotFound, CannotAnswer):
            found[code] = register.get_institution_from_memory(code)[0]
    return found


def find_web_address(register: Register, claim: Claim, answer: Answer) -> WebAddress | None:
    """Find whose a website is that was asked about alone; None where none was.

    A domain above it is told and never answered with: whoever holds a domain may lend what is below it.
    """
    domain = claim.provider.domain
    if domain is None:
        return None
    for parent in () if answer.match or answer.candidates else list_parent_domains(domain):
        above = register.answer_claim(Claim(provider=Provider(domain=parent), on=claim.on, known_at=claim.known_at))
        found = [above.match] if above.match else above.candidates
        if found:
            return WebAddress(domain=domain, parent=parent, holders=tuple(found))
    return WebAddress(domain=domain)


def make_claim(form: CheckForm, language: Language) -> tuple[Claim | None, list[FieldError]]:
    """Make the claim of a form, or say what is wrong with it, field by field."""
    errors: list[FieldError] = []
    provider = _make_provider(form, language, errors)
    technique = find_technique(form.technique) if form.technique else None
    if form.technique and technique is None:
        errors.append(FieldError(field="technique", key="check.error_technique", value=form.technique[:40]))
    on = parse_loose_day(form.on) if form.on else None
    if form.on and on is None:
        errors.append(FieldError(field="on", key="check.error_date", value=form.on[:40]))
    if on is not None:
        try:
            require_known_day(on)
        except InvalidInput as error:
            errors.append(FieldError(field="on", sentence=error.get_text(language.lang)))
    known = parse_known_at(form.known_at) if form.known_at else None
    if form.known_at and known is None:
        errors.append(FieldError(field="known_at", key="check.error_date", value=form.known_at[:40]))
    errors += [
        FieldError(field=field, key="check.error_long", value=str(limit))
        for field, limit in _LIMITS.items()
        if len(getattr(form, field)) > limit
    ]
    if errors or provider is None:
        return None, errors
    claim = Claim(
        provider=provider,
        techniques=[technique] if technique else [],
        on=on,
        known_at=known[0] if known else None,
        practitioner=Person(name=form.practitioner) if form.practitioner else None,
        ad_certificate=form.ad_certificate or None,
        text=form.text or None,
    )
    return claim, []


def _make_provider(form: CheckForm, language: Language, errors: list[FieldError]) -> Provider | None:
    address = form.address or None
    if not form.name and form.text:  # whom the text names is asked about
        return Provider(address=address)
    if not form.name:
        errors.append(FieldError(field="name", key="check.error_name"))
        return None
    try:
        return read_provider(form.name, address)
    except InvalidInput as error:
        errors.append(FieldError(field="name", sentence=error.get_text(language.lang)))
        return None


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


@route_post("/receipt", "pasted", body_limits.LIST)
def check_pasted_receipt(request: PageRequest, data: URLEncodedBody[dict[str, Any]]) -> Response[str]:
    """Answer to a receipt that was pasted: sent in the body, since an address may be too short for it."""
    return _render_receipt_check(request, str(data.get("receipt", "")))


@route_get("/check/receipt", "given")
def issue_receipt(request: PageRequest) -> Response[Any]:
    """Issue the receipt of an answer of the check form: asked again, signed, and shown to be saved."""
    language, here = read_language(request), responses.get_page_address(request)
    claim, errors = make_claim(form := read_check_form(request.query_params), language)
    if claim is None or errors:
        return Redirect(language.make_link(here.replace("/check/receipt", "/check", 1)), status_code=302)
    return _render_new_receipt(request, form, claim, here)


@route_post("/check/receipt", "given_form", body_limits.TEXT)
def issue_receipt_by_form(request: PageRequest, data: URLEncodedBody[dict[str, Any]]) -> Response[Any]:
    """Issue a receipt to a form that names a person, a certificate or a text, which stand in no address."""
    form = read_check_form(data)
    claim, errors = make_claim(form, read_language(request))
    here = form.make_plain_link()
    if claim is None or errors:
        return render_check_answer(request, form, here, "no-store")
    here = "/check/receipt"
    return _render_new_receipt(request, form, claim, here)


def _render_new_receipt(request: PageRequest, form: CheckForm, claim: Claim, here: str) -> Response[str]:
    lang, register = read_language(request).lang, get_register(request)
    try:
        signed = msgspec.structs.replace(claim, receipt=True)
        text = register.answer_claim(signed, lang, make_people_budget(request).require_look).receipt or ""
    except (InvalidInput, PeopleLimit):  # the check page says what is wrong
        return render_check_answer(request, form, here, "no-store")
    checked = register.check_receipt(text, lang)
    frame: dict[str, Any] = {"here": here, "site": responses.find_site_facts(request)}
    if request.method == "POST":
        frame["posted"] = form.list_values()
    page = make_receipt_page(checked, text, fresh=True, **frame)
    return make_page_response(request, page, cache="no-store")


def _render_receipt_check(request: PageRequest, pasted: str) -> Response[str]:
    text, lang = compact_receipt(pasted), read_language(request).lang
    frame: dict[str, Any] = {"here": responses.get_page_address(request), "site": responses.find_site_facts(request)}
    if request.method == "POST" and text and len(text) <= _LONGEST_IN_ADDRESS:
        frame["here"] = Language().make_link("/receipt", receipt=text)
    elif request.method == "POST" and text:
        frame |= {"here": "/receipt", "posted": (("receipt", pasted),)}
    if not text:
        return make_page_response(request, ReceiptPage(**frame))
    try:
        checked = get_register(request).check_receipt(text, lang)
    except InvalidInput as error:
        page = ReceiptPage(text=pasted, error=error.get_text(lang), **frame)
        return make_page_response(request, page, status=400, cache="no-store")
    if checked.receipt and has_person_name(checked.receipt) and request.method == "POST":
        frame |= {"here": "/receipt", "posted": (("receipt", text),)}
    return make_page_response(request, make_receipt_page(checked, text, **frame), cache="no-store")


def make_receipt_page(checked: ReceiptStatus, text: str, **frame: Any) -> ReceiptPage:
    """Make the page that says what is known of a receipt."""
    receipt = checked.receipt
    answer = msgspec.convert(receipt.answer, Answer) if receipt else None
    question = msgspec.convert(receipt.question, Claim) if receipt else None
    return ReceiptPage(text=text, checked=checked, question=question, answer=answer, **frame)
