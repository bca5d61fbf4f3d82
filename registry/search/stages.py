"""From a question to hits: stage after stage is fetched from an engine and ranked, until something fits."""

from __future__ import annotations

from collections.abc import Sequence

from registry.domain.model import Struct
from registry.domain.name_alignment import WEAK
from registry.search import fetch_plan, ranking
from registry.search.engine import Engine, Expression, FetchResult
from registry.search.fetch_plan import Effort, FetchStep
from registry.search.ranking import SLIP
from registry.search.readings import Hit, QueryReading, SearchQuery


class SearchStage(Struct, frozen=True):
    """One stage as it went: expressions asked, documents that came, how many of them fitted."""

    expressions: int
    documents: int
    fitted: int


class RankedHits(Struct, frozen=True):
    """Hits, best first.

    ``overflow`` matches the rest when so many fit that only those in ``ranked`` were looked at.
    """

    hits: list[Hit]
    overflow: Expression | None = None
    ranked: frozenset[str] = frozenset()
    engine: str = ""
    stages: tuple[SearchStage, ...] = ()

    @property
    def best_cost(self) -> float:
        """The cost of the best hit; from ``name_alignment.WEAK`` on it is only alike; 99 without a hit."""
        return self.hits[0].cost if self.hits else 99.0


def search_documents(engine: Engine, query: SearchQuery, effort: Effort = fetch_plan.AT_ONCE) -> RankedHits:
    """Search the institutions whose names or addresses a question means; EngineUnavailable from the engine."""
    ranked = ranking.Ranking(query)
    stages: list[SearchStage] = []
    overflow: Expression | None = None
    hits: list[Hit] = []
    for step in fetch_plan.make_steps(query, effort):
        if not step.expressions:
            continue
        before = len(ranked.subjects)
        limit = step.limit if step.limit > fetch_plan.FETCH_LIMIT else min(step.limit, effort.limit)
        results = engine.fetch(step.expressions, limit)
        too_many = {
            e: result
            for e, result in zip(step.expressions, results, strict=True)
            if not result.complete and e in step.telling
        }
        if too_many and step.narrower:
            results += engine.fetch(step.narrower, limit)
        _add_results(ranked, results, step)
        hits = ranked.sort_hits()
        loose = [e for e, result in too_many.items() if not _has_mostly_hits(result, hits)]
        if loose and effort.further_limit > limit:  # it says less than the question: what that means lies further on
            _add_results(ranked, engine.fetch(loose, effort.further_limit), step)
            hits = ranked.sort_hits()
        overflow = overflow or next((e for e in too_many if e not in loose), None)
        found = len(ranked.subjects) - before
        stages.append(SearchStage(expressions=len(step.expressions), documents=found, fitted=len(hits)))
        if hits and hits[0].cost < step.enough and (ranking.is_as_written(hits[0]) or not step.as_written):
            break
    overflow = overflow if hits and hits[0].cost < WEAK else None
    best = ranking.select_best(hits)
    return RankedHits(
        hits=best if effort.alike else [hit for hit in best if hit.cost < WEAK + SLIP],
        overflow=overflow,
        ranked=ranked.subjects if overflow else frozenset(),
        engine=engine.name,
        stages=tuple(stages),
    )


def _has_mostly_hits(result: FetchResult, hits: Sequence[Hit]) -> bool:
    """Whether nearly all documents of an expression are hits, so that those not looked at are hits as well."""
    fit = {hit.subject for hit in hits if hit.cost < WEAK}
    return sum(document.subject in fit for document in result.documents) >= 0.9 * len(result.documents)


def _add_results(ranked: ranking.Ranking, results: Sequence[FetchResult], step: FetchStep) -> None:
    for result in results:
        ranked.add_documents(result.documents, step.may_fit)
    if step.deep:
        ranked.find_misspellings()


def search_by_category(engine: Engine, reading: QueryReading) -> RankedHits:
    """Search every institution of the kinds a reading asks for, in its places."""
    expressions = fetch_plan.match_categories(reading)
    if not expressions:
        return RankedHits(hits=[], engine=engine.name)
    result = engine.fetch(expressions, fetch_plan.FETCH_LIMIT)[0]
    documents = {document.subject: document for document in result.documents}
    query = SearchQuery(raw="", readings=(reading,))
    hits = [hit for document in result.documents if (hit := ranking.find_hit(query, document)) is not None]
    return RankedHits(
        hits=ranking.sort_hits(hits, documents),
        overflow=None if result.complete else expressions[0],
        engine=engine.name,
    )
