"""Batches of reconciliation queries: each is decoded and answered by itself, so that a bad one stops no other."""

from __future__ import annotations

from typing import Any, Literal, TypeVar

import msgspec

from registry.api import problems
from registry.api.reconcile.manifest import BATCH, TYPE, describe_type
from registry.api.requests import decode_json
from registry.domain.model import Status
from registry.errors import InvalidInput, TooLarge
from registry.reconciliation.match import MatchCandidate, Query, Reconciler
from registry.texts import FixedText, Message

#: Candidates of a query that does not say how many it wants, and the most it gets.
USUAL, MOST = 5, 50
_STATUS: dict[Status, Message] = {
    "listed": FixedText(""),
    "suspended": Message("已暂停"),
    "delisted": Message("已移出名录"),
}
_FORMER = Message("曾用名相符")
_Shape = TypeVar("_Shape")


class Entity(msgspec.Struct, frozen=True):
    """A value that was itself reconciled."""

    id: str
    name: str | None = None


Scalar = str | int | float | bool | Entity


class PropertyRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A column beside the name, with its value or values."""

    pid: str
    v: str | int | float | bool | Entity | list[Scalar]


class QueryRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A reconciliation query as clients send it."""

    query: str | None = None
    type: str | list[str] | None = None
    limit: int | float | None = None
    properties: list[PropertyRequest] | None = None
    type_strict: Literal["any", "should", "all"] | None = None


_batch = msgspec.json.Decoder(dict[str, msgspec.Raw])
_query = msgspec.json.Decoder(QueryRequest)


def read_parameter(text: str, decoder: msgspec.json.Decoder[_Shape], name: str) -> _Shape:
    """Decode a parameter that is JSON; InvalidInput naming it and what is wrong."""

    def make_error(error: Exception) -> InvalidInput:
        reason = str(error)[:200] or type(error).__name__
        return InvalidInput(Message("{name} 不符合规范：{reason}", name=name, reason=reason))

    return decode_json(text, decoder, make_error)


def answer_batch(service: Reconciler, text: str, lang: str) -> dict[str, Any]:
    """Answer each query of a batch under its key. TooLarge beyond BATCH; CannotAnswer stops them all."""
    batch = read_parameter(text, _batch, "queries")
    if len(batch) > BATCH:
        raise TooLarge(
            Message("一批最多{batch}个查询，收到{count}个；请分批发送。", batch=BATCH, count=len(batch)),
            limit=BATCH,
        )
    return {key: _answer_or_report(service, bytes(raw), lang) for key, raw in batch.items()}


def answer_single(service: Reconciler, text: str, lang: str) -> dict[str, Any]:
    """Answer one query that is JSON, or a name alone; InvalidInput when it cannot be understood."""
    return _make_result(service, text if text.lstrip().startswith("{") else QueryRequest(query=text), lang)


def _answer_or_report(service: Reconciler, raw: bytes, lang: str) -> dict[str, Any]:
    try:
        return _make_result(service, raw.decode(), lang)
    except InvalidInput as error:
        # No candidates because nothing was looked for; `error` tells this apart from "nobody has such a name".
        return {"result": [], "error": msgspec.to_builtins(problems.make_problem(error, lang))}


def _make_result(service: Reconciler, request: str | QueryRequest, lang: str) -> dict[str, Any]:
    query = read_parameter(request, _query, "query") if isinstance(request, str) else request
    _check_type(query)
    reply = service.answer_query(
        Query(
            text=query.query or "",
            properties=tuple((prop.pid, _list_values(prop)) for prop in query.properties or ()),
            limit=_parse_limit(query.limit),
        )
    )
    result: dict[str, Any] = {"result": [_make_candidate(candidate, lang) for candidate in reply.candidates]}
    if reply.unreadable:
        result["warnings"] = [
            {"property": pid, "code": error.code, "detail": error.get_text(lang)}
            for pid, error in reply.unreadable.items()
        ]
    return result


def _check_type(query: QueryRequest) -> None:
    """Accept the one type there is, or none; InvalidInput for another one, unless it is a mere preference."""
    types = [query.type] if isinstance(query.type, str) else query.type or []
    others = [name for name in types if name and name != TYPE]
    if not others or query.type_strict == "should" or (query.type_strict != "all" and TYPE in types):
        return
    raise InvalidInput(Message("未知的类型“{others}”；只有 {type}。", others=others[0][:40], type=TYPE))


def _parse_limit(limit: float | None) -> int:
    if limit is None:
        return USUAL
    if limit < 1 or limit % 1:
        raise InvalidInput(Message("limit 须为正整数。"))
    return min(int(limit), MOST)


def _list_values(prop: PropertyRequest) -> tuple[str, ...]:
    values = prop.v if isinstance(prop.v, list) else [prop.v]
    return tuple(_format_value(prop.pid, value) for value in values)


def _format_value(pid: str, value: Scalar) -> str:
    if isinstance(value, Entity):
        return value.id if pid == "code" else value.name or value.id
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def describe_institution(address: str, status: Status, lang: str, by_former_name: bool = False) -> str:
    """Describe where an institution is, what became of it, and whether the name asked is one it had."""
    return " · ".join(
        filter(None, (address, _STATUS[status].to_text(lang), _FORMER.to_text(lang) if by_former_name else ""))
    )


def _make_candidate(candidate: MatchCandidate, lang: str) -> dict[str, Any]:
    site = candidate.site
    return {
        "id": site.code[:4] + "-" + site.code[4:],
        "name": site.name,
        "description": describe_institution(site.address, site.status, lang, candidate.by_former_name),
        "type": [describe_type(lang)],
        "score": candidate.score,
        "match": candidate.match,
        "features": [msgspec.to_builtins(feature) for feature in candidate.features],
    }
