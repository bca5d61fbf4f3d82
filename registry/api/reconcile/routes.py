"""The addresses of the reconciliation service, but for the preview, which is a page."""

from __future__ import annotations

from html import escape
from typing import Any
from urllib.parse import parse_qsl

from litestar import Response, Router, get, post
from litestar.exceptions import HTTPException
from litestar.middleware import DefineMiddleware
from litestar.params import FromPath

from registry.api import guards
from registry.api.problems import read_language
from registry.api.reconcile import extend, manifest, queries
from registry.api.requests import AnyRequest, get_register
from registry.errors import InvalidInput, NotFound
from registry.reconciliation.properties import BY_ID
from registry.texts import Message
from registry.web import body_limits, lanes
from registry.web.rate_limit import make_people_budget

FORM = "application/x-www-form-urlencoded"
#: Suggestions at once, and how far a client may page.
SUGGESTED, FARTHEST = 10, 450


@get("/", operation_id="ask", sync_to_thread=True)
def answer_address(request: AnyRequest) -> dict[str, Any]:
    """Return the manifest; or answer the queries, one query or data extension that stand in the address."""
    question = _read_question(dict(request.query_params))
    if question is None:
        return manifest.make_manifest(get_register(request).settings.public_url, read_language(request))
    return _answer_question(request, *question, read_language(request))


@post("/", operation_id="ask_by_form", status_code=200, request_max_body_size=body_limits.LIST)
async def answer_form(request: AnyRequest) -> Response[dict[str, Any]]:
    """Answer the same in a form, as clients send it: `queries`, `query` or `extend`."""
    kind, _ = request.content_type
    if kind.lower() != FORM:
        raise HTTPException(status_code=415, detail=f"Content-Type: {FORM}", headers={"Accept": FORM})
    body = (await request.body()).decode()
    try:
        fields = dict(parse_qsl(body, keep_blank_values=True, errors="strict", max_num_fields=20))
    except ValueError as error:
        raise InvalidInput(Message("表单无法读取。")) from error
    question = _read_question(fields)
    if question is None:
        raise InvalidInput(Message("表单须有 queries、query 或 extend 之一。"))
    answer = await lanes.run_in_lane("slow", _answer_question, request, *question, read_language(request))
    return Response(content=answer, headers={"Cache-Control": "no-store"})


def _read_question(fields: dict[str, str]) -> tuple[str, str] | None:
    """Read which of the three questions is asked, and its text; InvalidInput for several."""
    questions = [(name, fields[name]) for name in ("queries", "query", "extend") if fields.get(name)]
    if len(questions) > 1:
        raise InvalidInput(Message("queries、query、extend 一次只能有一个。"))
    return questions[0] if questions else None


def _answer_question(request: AnyRequest, name: str, text: str, lang: str) -> dict[str, Any]:
    if name == "extend":
        return extend.answer_extension(get_register(request), text, lang)
    service = get_register(request).make_reconciler(make_people_budget(request).may_look)
    return (queries.answer_batch if name == "queries" else queries.answer_single)(service, text, lang)


@get("/suggest/entity", operation_id="suggest_entity", sync_to_thread=True)
def suggest_entities(request: AnyRequest) -> dict[str, Any]:
    """Suggest institutions somebody may be typing, or the one whose code was typed."""
    register, lang = get_register(request), read_language(request)
    skip, limit = _read_page(request)
    asof = register.make_as_of_now()
    may_look = make_people_budget(request).may_look
    hits = (
        register.suggest_institutions(_read_prefix(request), asof, skip + limit, may_look) if skip <= FARTHEST else []
    )
    return {
        "result": [
            {
                "id": it.code,
                "name": it.name,
                "description": queries.describe_institution(it.address, it.status, lang),
                "notable": [manifest.describe_type(lang)],
            }
            for it in (hit.institution for hit in hits[skip:])
        ]
    }


@get("/suggest/property", operation_id="suggest_property", sync_to_thread=False)
def suggest_properties(request: AnyRequest) -> dict[str, Any]:
    """Suggest properties by id or by name, for queries as for data extension."""
    skip, _ = _read_page(request)
    return {"result": manifest.search_properties(_read_prefix(request), read_language(request))[skip:]}


@get("/suggest/type", operation_id="suggest_type", sync_to_thread=False)
def suggest_types(request: AnyRequest) -> dict[str, Any]:
    """Suggest the one type there is."""
    skip, _ = _read_page(request)
    return {"result": manifest.search_types(_read_prefix(request), read_language(request))[skip:]}


def _read_prefix(request: AnyRequest) -> str:
    return str(request.query_params.get("prefix") or "")[:300]


def _read_page(request: AnyRequest) -> tuple[int, int]:
    """Read how many suggestions to skip, and how many to give."""
    skip = extend.parse_whole_number(request.query_params.get("cursor") or "0", "cursor")
    limit = extend.parse_whole_number(request.query_params.get("limit") or str(SUGGESTED), "limit")
    return skip, min(max(limit, 1), 50)


@get("/properties", operation_id="propose_properties", sync_to_thread=False)
def propose_properties(request: AnyRequest) -> dict[str, Any]:
    """Propose the columns that can be fetched of institutions."""
    query = request.query_params
    return extend.propose_columns(query.get("type"), query.get("limit"), read_language(request))


@get("/flyout/{what:str}", operation_id="flyout", sync_to_thread=True)
def describe_suggestion(request: AnyRequest, what: FromPath[str]) -> dict[str, Any]:
    """Describe what was suggested, as HTML without markup of anybody else; NotFound for what is not there."""
    lang, identifier = read_language(request), str(request.query_params.get("id") or "")
    if what == "entity":
        register = get_register(request)
        it = register.get_institution(identifier, register.make_as_of_now())
        name, text = it.name, queries.describe_institution(it.address, it.status, lang)
    elif what == "property" and identifier in BY_ID:
        name, text = BY_ID[identifier].get_name(lang), BY_ID[identifier].get_meaning(lang)
    elif what == "type" and identifier == manifest.TYPE:
        name, text = manifest.describe_type(lang)["name"], identifier
    else:
        raise NotFound(Message("没有“{identifier}”。", identifier=identifier[:40]))
    html = f'<div><p style="font-weight: bold">{escape(name)}</p><p>{escape(text)}</p></div>'
    return {"id": identifier, "html": html}


def build_router() -> Router:
    """Build the router; answers to what is in an address have an ETag."""
    return Router(
        path="/reconcile",
        route_handlers=[
            answer_address,
            answer_form,
            suggest_entities,
            suggest_properties,
            suggest_types,
            propose_properties,
            describe_suggestion,
        ],
        before_request=guards.answer_not_modified,
        middleware=[DefineMiddleware(guards.EtagMiddleware)],
        include_in_schema=False,
        opt={"scope": "reconcile"},
    )
