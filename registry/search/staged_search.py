"""From a question to hits: stage after stage is fetched from an engine and judged, until something fits."""

from __future__ import annotations

from collections.abc import Sequence

from registry.domain.model import Struct
from registry.search import fetch_plan, ranking
from registry.search.contract import Engine, Expression, FetchResult, Hit, QueryReading, SearchDocument, SearchQuery
from registry.search.fetch_plan import Effort
from registry.search.ranking import SLIP, WEAK


class SearchStage(Struct, frozen=True):
    """One stage as it went: expressions asked, documents that came, how many of them fitted."""

    expressions: int
    documents: int
    fitted: int


class RankedHits(Struct, frozen=True):
    """Hits, best first. ``more`` tells the rest when so many fit that only those ``judged`` were looked at."""

    hits: list[Hit]
    more: Expression | None = None
    judged: frozenset[str] = frozenset()
    engine: str = ""
    stages: tuple[SearchStage, ...] = ()

    @property
    def best_cost(self) -> float:
        """The cost of the best hit; ``rank.WEAK`` and above is only alike; more than any without a hit."""
        return self.hits[0].cost if self.hits else 99.0


def search_documents(engine: Engine, query: SearchQuery, effort: Effort = fetch_plan.EVERYTHING) -> RankedHits:
    """The institutions whose names or addresses a question means; EngineUnavailable from the engine."""
    known: dict[str, SearchDocument] = {}
    stages: list[SearchStage] = []
    more: Expression | None = None
    hits: list[Hit] = []
    for step in fetch_plan.make_steps(query, effort):
        if not step.expressions:
            continue
        before, most = len(known), min(step.most, effort.most)
        found = _fetch_documents(engine, step.expressions, known, most)
        too_many = {
            e: one for e, one in zip(step.expressions, found, strict=True) if not one.complete and e in step.telling
        }
        if too_many and step.narrower:
            _fetch_documents(engine, step.narrower, known, most)
        if len(known) > before or step.deep:
            hits = ranking.rank_documents(query, known.values(), deep=step.deep)
        loose = [e for e, one in too_many.items() if not _has_mostly_hits(one, hits)]
        if loose and effort.further > most:  # it says less than what was asked: what it means lies further on
            _fetch_documents(engine, loose, known, effort.further)
            hits = ranking.rank_documents(query, known.values(), deep=step.deep)
        more = more or next((e for e in too_many if e not in loose), None)
        stages.append(SearchStage(expressions=len(step.expressions), documents=len(known) - before, fitted=len(hits)))
        if hits and hits[0].cost < step.enough and (ranking.is_as_written(hits[0]) or not step.as_written):
            break
    more = more if hits and hits[0].cost < WEAK else None
    return RankedHits(
        hits=ranking.select_best(hits)
        if effort.alike
        else [hit for hit in ranking.select_best(hits) if hit.cost < WEAK + SLIP],
        more=more,
        judged=frozenset(known) if more else frozenset(),
        engine=engine.name,
        stages=tuple(stages),
    )


def _has_mostly_hits(found: FetchResult, hits: Sequence[Hit]) -> bool:
    """Whether hardly a document of an expression is no hit, so that those not looked at are hits as well."""
    fit = {hit.subject for hit in hits if hit.cost < WEAK}
    return sum(document.subject in fit for document in found.documents) >= 0.9 * len(found.documents)


def _fetch_documents(
    engine: Engine, expressions: Sequence[Expression], known: dict[str, SearchDocument], most: int
) -> list[FetchResult]:
    found = engine.fetch(expressions, most)
    known.update((document.subject, document) for one in found for document in one.documents)
    return found


def search_by_category(engine: Engine, reading: QueryReading) -> RankedHits:
    """Every institution of the kinds a reading asks for, where it says."""
    wanted = fetch_plan.match_categories(reading)
    if not wanted:
        return RankedHits(hits=[], engine=engine.name)
    found = engine.fetch(wanted, fetch_plan.MOST)[0]
    documents = {d.subject: d for d in found.documents}
    hits = [hit for d in found.documents if (hit := ranking.find_hit([reading], d)) is not None]
    return RankedHits(
        hits=ranking.sort_hits(hits, documents), more=None if found.complete else wanted[0], engine=engine.name
    )
