"""Batches of reconciliation queries: each is decoded and answered by itself, so that a bad one stops no other."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from registry.api import problems
from registry.api.reconcile.manifest import BATCH, TYPE, describe_type
from registry.domain.model import Status
from registry.errors import InvalidInput, TooLarge, make_nesting_error
from registry.reconciliation.match import MatchCandidate, Reconciler
from registry.reconciliation.queries import Query

#: Candidates of a query that does not say how many it wants, and the most it gets.
USUAL, MOST = 5, 50
_STATUS: dict[Status, tuple[str, str]] = {
    "listed": ("", ""),
    "suspended": ("已暂停", "suspended"),
    "delisted": ("已移出名录", "no longer on the list"),
}
_FORMER = ("曾用名相符", "by a former name")


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


def read_json(text: str, decoder: msgspec.json.Decoder[Any], what: str) -> Any:
    """A JSON parameter; InvalidInput naming it and what is wrong."""
    try:
        return decoder.decode(text)
    except RecursionError as error:
        raise make_nesting_error() from error
    except (msgspec.DecodeError, UnicodeError) as error:
        told = str(error)[:200] or type(error).__name__
        raise InvalidInput(
            f"{what} 不符合规范：{told}", f"{what} is not as the specification has it: {told}"
        ) from error


def answer_batch(service: Reconciler, text: str, lang: str) -> dict[str, Any]:
    """A result for each query of a batch, under its key. TooLarge beyond BATCH; CannotAnswer stops them all."""
    asked = read_json(text, _batch, "queries")
    if len(asked) > BATCH:
        raise TooLarge(
            f"一批最多{BATCH}个查询，收到{len(asked)}个；请分批发送。",
            f"A batch holds at most {BATCH} queries, this one {len(asked)}; send them in several.",
            limit=BATCH,
        )
    return {key: _answer_or_report(service, bytes(raw), lang) for key, raw in asked.items()}


def answer_single(service: Reconciler, text: str, lang: str) -> dict[str, Any]:
    """The result of one query that is JSON, or a name alone; InvalidInput when it cannot be understood."""
    return _make_result(service, text if text.lstrip().startswith("{") else QueryRequest(query=text), lang)


def _answer_or_report(service: Reconciler, raw: bytes, lang: str) -> dict[str, Any]:
    try:
        return _make_result(service, raw.decode(), lang)
    except InvalidInput as error:
        # No candidates because nothing was looked for; `error` tells this apart from "nobody has such a name".
        return {"result": [], "error": msgspec.to_builtins(problems.make_problem(error, lang))}


def _make_result(service: Reconciler, asked: str | QueryRequest, lang: str) -> dict[str, Any]:
    query = read_json(asked, _query, "query") if isinstance(asked, str) else asked
    _check_type(query)
    reply = service.answer_query(
        Query(
            text=query.query or "",
            properties=tuple((one.pid, _list_values(one)) for one in query.properties or ()),
            limit=_parse_limit(query.limit),
        )
    )
    result: dict[str, Any] = {"result": [_make_candidate(one, lang) for one in reply.candidates]}
    if reply.unreadable:
        result["warnings"] = [
            {"property": pid, "code": error.code, "detail": error.get_text(lang)}
            for pid, error in reply.unreadable.items()
        ]
    return result


def _check_type(query: QueryRequest) -> None:
    """The one type there is, and none, are the same; InvalidInput for another one, unless it is a mere preference."""
    asked = [query.type] if isinstance(query.type, str) else query.type or []
    others = [one for one in asked if one and one != TYPE]
    if not others or query.type_strict == "should" or (query.type_strict != "all" and TYPE in asked):
        return
    raise InvalidInput(
        f"未知的类型“{others[0][:40]}”；只有 {TYPE}。", f"Unknown type “{others[0][:40]}”; there is only {TYPE}."
    )


def _parse_limit(asked: float | None) -> int:
    if asked is None:
        return USUAL
    if asked < 1 or asked % 1:
        raise InvalidInput("limit 须为正整数。", "limit must be a positive whole number.")
    return min(int(asked), MOST)


def _list_values(one: PropertyRequest) -> tuple[str, ...]:
    given = one.v if isinstance(one.v, list) else [one.v]
    return tuple(_format_value(one.pid, value) for value in given)


def _format_value(pid: str, value: Scalar) -> str:
    if isinstance(value, Entity):
        return value.id if pid == "code" else value.name or value.id
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def describe_institution(address: str, status: Status, lang: str, by_former_name: bool = False) -> str:
    """Where an institution is, what became of it, and whether the name asked is one it had."""
    english = lang.startswith("en")
    return " · ".join(filter(None, (address, _STATUS[status][english], _FORMER[english] if by_former_name else "")))


def _make_candidate(one: MatchCandidate, lang: str) -> dict[str, Any]:
    site = one.site
    return {
        "id": site.code[:4] + "-" + site.code[4:],
        "name": site.name,
        "description": describe_institution(site.address, site.status, lang, one.by_former_name),
        "type": [describe_type(lang)],
        "score": one.score,
        "match": one.match,
        "features": [msgspec.to_builtins(feature) for feature in one.features],
    }
