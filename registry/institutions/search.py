"""Institutions that fit a question and filters, page by page: what the search page, the API and the shell show.

Search gives keys and reasons, records give the facts and apply the filters; a page's cursor keeps the log size it began
on, so that entries appended meanwhile shift nothing.
"""

import msgspec
import sqlalchemy as sa

from registry.domain import ad_lexicon
from registry.domain.identifiers import may_be_code
from registry.errors import InvalidCode, InvalidInput, NotFound
from registry.institutions.pages import (
    FindSuccessors,
    MayLook,
    PageSearch,
    allow_every_look,
    find_no_names,
    find_no_successors,
)
from registry.institutions.result import (
    Cursor,
    InstitutionHit,
    SearchExplanation,
    SearchRequest,
    SearchResult,
    Warned,
    make_filter,
)
from registry.institutions.text_search import FindNames
from registry.records import lookup, stats
from registry.records.asof import AsOf
from registry.search import embedded_engine, fetch_plan, misspellings
from registry.search.engine import Engine
from registry.search.fetch_plan import Effort
from registry.search.memory_engine import MemoryIndex
from registry.search.query import understand_question
from registry.search.stages import search_documents
from registry.texts import Message

PAGE_LIMIT = 500


def search_institutions(  # noqa: PLR0913 - how much of the result, and by which engine
    connection: sa.Connection,
    choice: SearchRequest,
    asof: AsOf,
    *,
    limit: int = 20,
    cursor: str | None = None,
    facets: bool = False,
    engine: Engine | None = None,
    memory: MemoryIndex | None = None,
    effort: Effort | None = None,
    may_look: MayLook = allow_every_look,
    find_names: FindNames = find_no_names,
    find_successors: FindSuccessors = find_no_successors,
) -> SearchResult:
    """Search one page, by relevance with a question, else by region code; InvalidInput for a wrong filter or cursor.

    EngineUnavailable comes only from an ``engine`` that was given; without one that in ``memory`` is asked, or the
    embedded one.
    """
    if not 1 <= limit <= PAGE_LIMIT:
        raise InvalidInput(Message("limit 须在1到{page_limit}之间。", page_limit=PAGE_LIMIT))
    position = Cursor.decode(cursor) if cursor else Cursor(size=asof.size)
    asof = msgspec.structs.replace(asof, size=position.size)
    make_filter(choice)  # a wrong filter is refused whatever is asked
    if warning := _find_warning(choice.q):
        nothing = SearchResult(items=[], total=0, next=None, log_size=asof.size, understood=(), warning=warning)
        return msgspec.structs.replace(nothing, state="not_understood", not_understood=warning.words)
    if may_be_code(choice.q) and (exact := _find_by_code(connection, choice.q, asof)):
        return exact
    effort = effort or fetch_plan.choose_effort(asof.size)
    engine = engine or _find_own_engine(connection, memory, asof.size)
    search = PageSearch(
        connection, choice, asof, position, limit, engine, effort, may_look, find_names, find_successors
    )
    page = search.build_page(understand_question(choice.q))
    stats_of_page = (
        stats.compute_stats(connection, asof, page.narrowing) if facets and page.total and not page.at_least else None
    )
    return SearchResult(
        items=page.items,
        total=page.total,
        next=page.following.encode() if page.following else None,
        log_size=asof.size,
        understood=page.understood,
        at_least=page.at_least,
        facets=stats_of_page,
        state=page.state,
        name_read=page.name_read,
        not_understood=page.not_understood,
        in_text=page.in_text,
        elsewhere=page.elsewhere,
        did_you_mean=page.did_you_mean,
    )


def _find_own_engine(connection: sa.Connection, memory: MemoryIndex | None, size: int) -> Engine:
    embedded = embedded_engine.EmbeddedEngine(connection)
    return embedded if memory is None else memory.find_engine(embedded, size)


def explain_search(connection: sa.Connection, question: str, engine: Engine | None = None) -> SearchExplanation:
    """Explain how a question is understood, and every hit with what it cost, before filters and facts."""
    query = understand_question(question)
    searched = search_documents(engine or embedded_engine.EmbeddedEngine(connection), query)
    return SearchExplanation(query=query, engine=searched.engine, stages=searched.stages, hits=searched.hits)


def preload_tables() -> None:
    """Load the tables of readings, places and shapes, so that nobody's question has to wait for them."""
    ad_lexicon.find_forbidden_words("")
    understand_question("dalian shengjing 医院 三代试管")
    misspellings.measure_distance("盛京", "圣景")


def read_into_memory(connection: sa.Connection, memory: MemoryIndex, size: int) -> None:
    """Read the index of a register of so many entries into memory, if it is small."""
    memory.read_documents(embedded_engine.EmbeddedEngine(connection), size)


def _find_warning(question: str) -> Warned | None:
    words_found = [word for word in ad_lexicon.find_forbidden_words(question) if not word.is_condemned]
    if not words_found:
        return None
    rest, at = [], 0
    for word in words_found:
        rest.append(question[at : word.start])
        at = word.end
    return Warned(
        kinds=tuple(dict.fromkeys(word.kind for word in words_found)),
        words=tuple(dict.fromkeys(word.text for word in words_found)),
        rest=" ".join(" ".join([*rest, question[at:]]).split()),
    )


def _find_by_code(connection: sa.Connection, text: str, asof: AsOf) -> SearchResult | None:
    """Find the institution whose code was typed into the search, if it is one."""
    try:
        institution = lookup.get_institution(connection, text, asof)
    except (InvalidCode, NotFound):
        return None
    item = InstitutionHit(institution=institution, match="code")
    return SearchResult(items=[item], total=1, next=None, log_size=asof.size, understood=())
