"""Institutions that fit a question and filters, page by page: what the search page, the API and the shell show.

Search gives keys and reasons, records give the facts and apply the filters; a page's cursor keeps the log size it began
on, so that entries appended meanwhile shift nothing.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

import msgspec
import sqlalchemy as sa

from registry import regions
from registry.errors import InvalidCode, InvalidInput, NotFound
from registry.identifiers import looks_like_code, validate_code
from registry.model import Institution, Struct
from registry.records import read, stats
from registry.records.asof import AsOf
from registry.search import fts5
from registry.search.contract import MatchKind, SearchQuery, Understood
from registry.search.query import understand
from registry.techniques import BY_CODE, STAGES
from registry.verification.answer import technique_of

MOST_PER_PAGE = 500


class Found(Struct, frozen=True):
    """One institution of a result and why it fits."""

    institution: Institution
    match: MatchKind


class SearchResult(Struct, frozen=True):
    """One page of institutions; ``next`` is the cursor of the following page, on the same log size."""

    items: list[Found]
    total: int
    next: str | None
    log_size: int
    understood: tuple[Understood, ...]
    facets: stats.Stats | None = None


class Choice(Struct, frozen=True):
    """What narrows a list: as the pages and the API give it, not yet checked."""

    q: str = ""
    technique: tuple[str, ...] = ()
    region: str | None = None
    stage: str | None = None
    status: str | None = None


class _Cursor(msgspec.Struct, frozen=True, array_like=True):
    size: Annotated[int, msgspec.Meta(ge=0)]
    offset: Annotated[int, msgspec.Meta(ge=0)] = 0
    after: tuple[str, str] | None = None


def find(
    connection: sa.Connection,
    choice: Choice,
    asof: AsOf,
    *,
    limit: int = 20,
    cursor: str | None = None,
    facets: bool = False,
) -> SearchResult:
    """One page, by relevance with a question and by region code without; InvalidInput for a wrong filter or cursor."""
    if not 1 <= limit <= MOST_PER_PAGE:
        raise InvalidInput(f"limit 须在1到{MOST_PER_PAGE}之间。", f"limit must be 1 to {MOST_PER_PAGE}.")
    if looks_like_code(choice.q) and (exact := _by_code(connection, choice.q, asof)):
        return exact
    position = _decode(cursor) if cursor else _Cursor(size=asof.size)
    asof = AsOf(valid_on=asof.valid_on, size=position.size)
    query = understand(choice.q)
    found = _page(connection, query, choice, asof, position, limit)
    if found.total == 0 and query.otherwise is not None:
        query = query.otherwise
        found = _page(connection, query, choice, asof, position, limit)
    counted = stats.stats(connection, asof, found.chosen) if facets and found.total else None
    return SearchResult(
        items=found.items,
        total=found.total,
        next=_encode(found.following) if found.following else None,
        log_size=asof.size,
        understood=query.understood,
        facets=counted,
    )


class _Page(Struct, frozen=True):
    items: list[Found]
    total: int
    following: _Cursor | None
    chosen: read.Filter


def _page(
    connection: sa.Connection, query: SearchQuery, choice: Choice, asof: AsOf, position: _Cursor, limit: int
) -> _Page:
    chosen = _filter(choice, query)
    if query.means_nothing:
        return _Page(items=[], total=0, following=None, chosen=chosen)
    if not query.text:
        return _listed(connection, chosen, asof, position, limit)
    hits = fts5.find(connection, query)
    chosen = msgspec.structs.replace(chosen, subjects=tuple(hit.subject for hit in hits))
    standing = read.chosen_of(connection, chosen, asof)
    hits = [hit for hit in hits if hit.subject in standing]
    wanted = hits[position.offset : position.offset + limit]
    last = position.offset + limit
    return _Page(
        items=_found(connection, {hit.subject: hit.match for hit in wanted}, asof),
        total=len(hits),
        following=_Cursor(size=asof.size, offset=last) if last < len(hits) else None,
        chosen=chosen,
    )


def _listed(connection: sa.Connection, chosen: read.Filter, asof: AsOf, position: _Cursor, limit: int) -> _Page:
    keys = read.page(connection, chosen, asof, limit + 1, position.after)
    wanted: dict[str, MatchKind] = {subject: "filter" for _, subject in keys[:limit]}
    return _Page(
        items=_found(connection, wanted, asof),
        total=read.count(connection, chosen, asof),
        following=_Cursor(size=asof.size, after=keys[limit - 1]) if len(keys) > limit else None,
        chosen=chosen,
    )


def _found(connection: sa.Connection, wanted: dict[str, MatchKind], asof: AsOf) -> list[Found]:
    return [
        Found(institution=one, match=wanted[read.subject_of(validate_code(one.code))])
        for one in read.institutions_by_subject(connection, list(wanted), asof)
    ]


def _by_code(connection: sa.Connection, text: str, asof: AsOf) -> SearchResult | None:
    """The institution whose code was typed into the search, if it is one."""
    try:
        found = read.institution(connection, text, asof)
    except (InvalidCode, NotFound):
        return None
    item = Found(institution=found, match="code")
    return SearchResult(items=[item], total=1, next=None, log_size=asof.size, understood=())


def _filter(choice: Choice, query: SearchQuery) -> read.Filter:
    techniques = dict.fromkeys([*(technique_of(word) for word in choice.technique), *query.techniques])
    stage = choice.stage or query.stage
    if stage is not None and stage not in STAGES:
        raise InvalidInput(
            f"未知的阶段“{stage}”；可用：{'、'.join(STAGES)}。", f"Unknown stage “{stage}”; use {', '.join(STAGES)}."
        )
    if choice.region is not None and regions.get(choice.region) is None:
        raise InvalidInput(
            f"未知的行政区划代码“{choice.region}”，须为6位 GB/T 2260 代码，如 210300。",
            f"Unknown region code “{choice.region}”: a 6-digit GB/T 2260 code such as 210300 is needed.",
        )
    return read.Filter(
        techniques=tuple(code for code in techniques if code in BY_CODE),
        regions=(choice.region,) if choice.region else query.regions,
        stage=stage,
        statuses=_statuses(choice, bool(query.text)),
        standing=not query.text and choice.status is None,
    )


def _statuses(choice: Choice, searched: bool) -> tuple[str, ...]:
    """Who was delisted is found by name, and is never in a list of institutions unless asked for."""
    known = ("listed", "suspended", "delisted")
    if choice.status is None:
        return known if searched else known[:2]
    if choice.status == "all":
        return known
    if choice.status not in known:
        raise InvalidInput(
            f"未知的状态“{choice.status}”。", f"Unknown status “{choice.status}”; use {', '.join(known)} or all."
        )
    return (choice.status,)


def _encode(cursor: _Cursor) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode().rstrip("=")


def _decode(text: str) -> _Cursor:
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=_Cursor)
    except (msgspec.DecodeError, binascii.Error, ValueError) as error:
        raise InvalidInput(
            "cursor 无效，请从第一页重新开始。", "The cursor is not valid; start from the first page."
        ) from error
