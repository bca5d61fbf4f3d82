"""The check page: asked by an address, or by a form whose text and person's name stand in no address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import HttpMethod, Request, Response, post, route
from litestar.datastructures import State
from litestar.params import URLEncodedBody
from litestar.response import Redirect

from public_site import contexts as c
from public_site import page_times, questions
from public_site.check_contexts import CheckForm, CheckPage
from public_site.responses import (
    PAGE_CACHE,
    find_site_facts,
    get_page_address,
    get_register,
    make_page_response,
    read_language,
)
from registry.errors import InvalidInput, PeopleLimit
from registry.web import body_limits
from registry.web.i18n import Language
from registry.web.rate_limit import make_people_budget
from registry.web.standing import choose_tone

Req = Request[Any, Any, State]
_SHORT = 200
#: The fields that an address holds.
_PLAIN = ("name", "technique", "on", "known_at", "address")


@route("/check", http_method=[HttpMethod.GET, HttpMethod.HEAD], sync_to_thread=True, include_in_schema=False)
def show_check(request: Req) -> Response[str]:
    """The check form and its answers. Wrong input is shown beside its field, and nothing typed is lost."""
    given = request.query_params
    if not any(name in given for name in CheckForm.__struct_fields__):
        return make_page_response(
            request, CheckPage(here=get_page_address(request), site=find_site_facts(request), form=CheckForm())
        )
    return render_check_answer(request, read_check_form(given), get_page_address(request), PAGE_CACHE)


@post("/check", status_code=200, sync_to_thread=True, include_in_schema=False, request_max_body_size=body_limits.TEXT)
def submit_check(request: Req, data: URLEncodedBody[dict[str, Any]]) -> Response[Any]:
    """The form sent. What fits into an address gets one, so that it can be kept, passed on and asked again."""
    form = read_check_form(data)
    plain = {name: getattr(form, name) for name in _PLAIN}
    if form.is_plain:
        return Redirect(
            read_language(request).make_link("/check", **(plain if any(plain.values()) else {"name": " "})),
            status_code=303,
        )
    return render_check_answer(request, form, make_plain_link(form), "no-store")


def make_plain_link(form: CheckForm) -> str:
    """The address of what a form asks but for what stands in no address: where the two switches lead."""
    return Language().make_link("/check", **{name: getattr(form, name) for name in _PLAIN})


def read_check_form(given: Mapping[str, Any]) -> CheckForm:
    """What was typed; of a field sent twice the last. A text too long is kept whole, to be refused and not cut."""
    values: dict[str, str] = {}
    for name in CheckForm.__struct_fields__:
        value = given.get(name) or ""
        text = str(value[-1] if isinstance(value, list) else value).replace("\r\n", "\n").strip()
        values[name] = text if name == "text" else text[:_SHORT]
    return CheckForm(**values)


def render_check_answer(request: Req, form: CheckForm, here: str, cache: str) -> Response[str]:
    """The answers to a form, or what is wrong with it field by field."""
    language, site = read_language(request), find_site_facts(request)
    claim, errors = questions.make_claim(form, language)
    if claim is not None:
        try:
            register = get_register(request)
            answer = register.answer_claim(claim, language.lang, make_people_budget(request).require_look)
        except PeopleLimit as error:
            wrong = c.FieldError(field="practitioner", sentence=error.get_text(language.lang))
            response = make_page_response(
                request, CheckPage(here=here, site=site, form=form, errors=(wrong,)), 429, "no-store"
            )
            response.set_header("Retry-After", str(error.details["retry_after"]))
            return response
        except InvalidInput as error:
            errors = [c.FieldError(field="name", sentence=error.get_text(language.lang))]
        else:
            tone = choose_tone(answer.verdict, [one.stage for one in answer.techniques])
            past = page_times.find_past_times(c.TimesForm(on=form.on, known_at=form.known_at), register.find_now())
            page = CheckPage(here=here, site=site, form=form, answer=answer, tone=tone, past=past)
            return make_page_response(request, page, cache=cache)
    page = CheckPage(here=here, site=site, form=form, errors=tuple(errors))
    return make_page_response(request, page, status=400, cache=cache)
