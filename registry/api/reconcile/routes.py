"""The addresses of the reconciliation service."""

from __future__ import annotations

from html import escape
from typing import Any
from urllib.parse import parse_qsl

from litestar import Request, Response, get, post
from litestar.exceptions import HTTPException
from litestar.params import FromPath

from registry.api.guards import get_register
from registry.api.problems import read_language
from registry.api.reconcile import extend, manifest, queries
from registry.errors import InvalidInput, NotFound
from registry.reconciliation.properties import BY_ID
from registry.web import body_limits, lanes
from registry.web.rate_limit import make_people_budget

FORM = "application/x-www-form-urlencoded"
#: Suggestions at once, and how far a client may page.
SUGGESTED, FARTHEST = 10, 450
AnyRequest = Request[Any, Any, Any]


@get("/", sync_to_thread=True)
def ask(request: AnyRequest) -> dict[str, Any]:
    """The manifest; or the answer to queries, to one query, or to a data extension, that stand in the address."""
    asked = _read_question(dict(request.query_params))
    if asked is None:
        return manifest.make_manifest(get_register(request).settings.public_url, read_language(request))
    return _answer_question(request, *asked, read_language(request))


@post("/", status_code=200, request_max_body_size=body_limits.LIST)
async def ask_by_form(request: AnyRequest) -> Response[dict[str, Any]]:
    """The same in a form, as clients send it: `queries`, `query` or `extend`."""
    kind, _ = request.content_type
    if kind.lower() != FORM:
        raise HTTPException(status_code=415, detail=f"Content-Type: {FORM}", headers={"Accept": FORM})
    body = (await request.body()).decode()
    try:
        fields = dict(parse_qsl(body, keep_blank_values=True, errors="strict", max_num_fields=20))
    except ValueError as error:
        raise InvalidInput("表单无法读取。", "The form cannot be read.") from error
    asked = _read_question(fields)
    if asked is None:
        raise InvalidInput(
            "表单须有 queries、query 或 extend 之一。", "The form needs one of queries, query and extend."
        )
    answer = await lanes.run_in_lane("slow", _answer_question, request, *asked, read_language(request))
    return Response(content=answer, headers={"Cache-Control": "no-store"})


def _read_question(fields: dict[str, str]) -> tuple[str, str] | None:
    """Which of the three questions is asked, and its text; InvalidInput for several."""
    given = [(name, fields[name]) for name in ("queries", "query", "extend") if fields.get(name)]
    if len(given) > 1:
        raise InvalidInput(
            "queries、query、extend 一次只能有一个。", "Only one of queries, query and extend can be asked at once."
        )
    return given[0] if given else None


def _answer_question(request: AnyRequest, name: str, text: str, lang: str) -> dict[str, Any]:
    if name == "extend":
        return extend.answer_extension(get_register(request), text, lang)
    service = get_register(request).make_reconciler(make_people_budget(request).may_look)
    return (queries.answer_batch if name == "queries" else queries.answer_single)(service, text, lang)


@get("/suggest/entity", sync_to_thread=True)
def suggest_entity(request: AnyRequest) -> dict[str, Any]:
    """Institutions somebody may be typing, or the one whose code was typed."""
    register, lang = get_register(request), read_language(request)
    skip, most = _read_page(request)
    asof = register.make_as_of_now()
    may_look = make_people_budget(request).may_look
    found = (
        register.suggest_institutions(_read_prefix(request), asof, skip + most, may_look) if skip <= FARTHEST else []
    )
    return {
        "result": [
            {
                "id": it.code,
                "name": it.name,
                "description": queries.describe_institution(it.address, it.status, lang),
                "notable": [manifest.describe_type(lang)],
            }
            for it in (one.institution for one in found[skip:])
        ]
    }


@get("/suggest/property", sync_to_thread=False)
def suggest_property(request: AnyRequest) -> dict[str, Any]:
    """Properties by id or by name, for queries as for data extension."""
    skip, _ = _read_page(request)
    return {"result": manifest.search_properties(_read_prefix(request), read_language(request))[skip:]}


@get("/suggest/type", sync_to_thread=False)
def suggest_type(request: AnyRequest) -> dict[str, Any]:
    """The one type there is."""
    skip, _ = _read_page(request)
    return {"result": manifest.search_types(_read_prefix(request), read_language(request))[skip:]}


def _read_prefix(request: AnyRequest) -> str:
    return str(request.query_params.get("prefix") or "")[:300]


def _read_page(request: AnyRequest) -> tuple[int, int]:
    """How many suggestions to skip, and how many to give."""
    skip = extend.parse_whole_number(request.query_params.get("cursor") or "0", "cursor")
    most = extend.parse_whole_number(request.query_params.get("limit") or str(SUGGESTED), "limit")
    return skip, min(max(most, 1), 50)


@get("/properties", sync_to_thread=False)
def propose_properties(request: AnyRequest) -> dict[str, Any]:
    """Which columns can be fetched of institutions."""
    asked = request.query_params
    return extend.propose_columns(asked.get("type"), asked.get("limit"), read_language(request))


@get("/flyout/{what:str}", sync_to_thread=True)
def flyout(request: AnyRequest, what: FromPath[str]) -> dict[str, Any]:
    """A few words on what was suggested, as HTML without markup of anybody else; NotFound for what is not there."""
    lang, identifier = read_language(request), str(request.query_params.get("id") or "")
    if what == "entity":
        register = get_register(request)
        it = register.get_institution(identifier, register.make_as_of_now())
        name, more = it.name, queries.describe_institution(it.address, it.status, lang)
    elif what == "property" and identifier in BY_ID:
        one = BY_ID[identifier]
        name, more = one.get_name(lang), one.get_meaning(lang)
    elif what == "type" and identifier == manifest.TYPE:
        name, more = manifest.describe_type(lang)["name"], identifier
    else:
        raise NotFound(f"没有“{identifier[:40]}”。", f"There is no “{identifier[:40]}”.")
    html = f'<div><p style="font-weight: bold">{escape(name)}</p><p>{escape(more)}</p></div>'
    return {"id": identifier, "html": html}
