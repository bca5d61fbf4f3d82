"""Fit the costs of ``registry/search/costs.toml``: ``python -m tests.relevance.fit_costs [--check]``.

Each cost is tried a little lower and a little higher, one after another, and keeps the value by which the fitting half
of the judged questions (see ``fit``) is answered best: the right institution first by a clear margin, and named; nobody
named where nobody is meant, also not by made-up names. A change has to be worth its size. ``--check`` fits on one half
of those questions and prints what the other half says before and after, and the other way round, without writing.
"""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from registry.domain.identifiers import parse_code
from registry.domain.name_alignment import WEAK
from registry.records import lookup
from registry.register import Register
from registry.search import costs, misspellings
from registry.search.costs import COSTS
from registry.search.embedded_engine import EmbeddedEngine
from registry.search.memory_engine import MemoryEngine
from registry.search.query import understand_question
from registry.search.stages import search_documents
from tests.factories import DAY
from tests.relevance.fit import LISTINGS, MOST, is_for_fitting, make_up_names
from tests.relevance.measure import FILES, NOBODY, Query, an_embedded_register, read

#: By what a cost is tried, turn by turn.
FACTORS = ((0.7, 1.4), (0.85, 1.2), (0.93, 1.07))
#: How much a difference of costs tells; what being named counts beside being first; a change twice as large or half as
#: large costs so much of a question's loss, of all questions together.
SCALE, NAMED, PRICE = 0.5, 0.5, 0.5
#: Names made up, each of which counts for little: nobody types them.
MADE_UP, SHARE = 250, 0.2
#: The cost of whoever was not found.
NOT_FOUND = WEAK + 3.0


class Question(NamedTuple):
    """A question with the subjects that are right, none where nobody is meant, and how much it counts."""

    text: str
    right: frozenset[str]
    weight: float


class Loss(NamedTuple):
    """What is wrong with the answers, and the share of questions with a right one first, or nobody named."""

    total: float
    first: float


def load_questions(register: Register) -> tuple[MemoryEngine, list[Question]]:
    """The register in memory, and the questions that may be used for fitting."""
    with register.database.reading() as connection:
        engine = MemoryEngine(EmbeddedEngine(connection).read_bodies())
        documents = engine.list_documents()
        subjects = [document.subject for document in documents]
        institutions = lookup.read_institutions(connection, subjects, register.make_as_of(DAY))
    names = {lookup.to_subject(parse_code(one.code)): one.name for one in institutions}
    questions = []
    for query in (query for path in FILES for query in read(path) if is_for_fitting(query)):
        right = frozenset(subject for subject, name in names.items() if name in query.expected)
        if not _is_list(query) and (right or query.expected == (NOBODY,)):
            questions.append(Question(query.text, right, 1.0))
    made_up = make_up_names(documents, MADE_UP)
    return engine, questions + [Question(name, frozenset(), SHARE) for name in made_up]


def _is_list(query: Query) -> bool:
    is_listing = query.kind in LISTINGS and query.kind not in ("address", "addr")
    return is_listing or len(query.expected) > MOST or understand_question(query.text).listing_first


def measure_loss(engine: MemoryEngine, questions: Sequence[Question]) -> Loss:
    """Answer the questions by the costs as they stand."""
    for cache in (understand_question, misspellings.measure_distance, misspellings.compute_swap_cost):
        cache.cache_clear()
    total = first = 0.0
    for question in questions:
        hits = search_documents(engine, understand_question(question.text)).hits
        right = min((hit.cost for hit in hits if hit.subject in question.right), default=NOT_FOUND)
        others = [hit.cost for hit in hits if hit.subject not in question.right]
        best_other = min(others, default=NOT_FOUND)
        if question.right:
            odds = sum(math.exp(min(30.0, (right - cost) / SCALE)) for cost in others)
            total += question.weight * (math.log1p(odds) + NAMED * _soften((right - WEAK) / SCALE))
            first += question.weight * (right < best_other or right == best_other < NOT_FOUND)
        else:
            total += question.weight * _soften((WEAK - best_other) / SCALE)
            first += question.weight * (best_other >= WEAK)
    count = sum(question.weight for question in questions)
    return Loss(total, first / count)


def _soften(value: float) -> float:
    """The loss of a condition that fails by so much: nearly nothing while it holds."""
    return math.log1p(math.exp(min(30.0, value)))


def fit_costs(engine: MemoryEngine, questions: Sequence[Question]) -> Loss:
    """Change the costs one after another while that makes the answers better; return the last loss."""
    begun = dict(COSTS)
    best = measure_loss(engine, questions)
    print(f"loss {best.total:.1f}, first {best.first:.1%}", flush=True)
    for turn, factors in enumerate(FACTORS):
        for name in COSTS:
            before = COSTS[name]
            for value in (round(before * factor, 3) for factor in factors):
                COSTS[name] = value
                found = measure_loss(engine, questions)
                if found.total + _price(value, begun[name]) < best.total + _price(before, begun[name]):
                    best, before = found, value
            COSTS[name] = before
        print(f"turn {turn + 1}: loss {best.total:.1f}, first {best.first:.1%}", flush=True)
    return best


def _price(value: float, begun: float) -> float:
    return PRICE * (math.log2(value / begun)) ** 2


def save_costs() -> None:
    """Write the costs into their table; what is said there of each stays."""
    path = Path(costs.__file__).with_name("costs.toml")
    section, lines = "", []
    for line in path.read_text("utf-8").splitlines(keepends=True):
        if found := re.match(r"\[(\w+)\]", line):
            section = found[1]
        if found := re.match(r"(\w+) = (\S+)( *)", line):
            number = f"{COSTS[f'{section}.{found[1]}']:g}"
            gap = " " * max(1, len(found[2]) + len(found[3]) - len(number)) if line[found.end() :].strip() else ""
            lines.append(f"{found[1]} = {number}{gap}{line[found.end() :]}")
        else:
            lines.append(line)
    path.write_text("".join(lines), "utf-8")


def main() -> None:
    """Fit and write, or check."""
    parser = argparse.ArgumentParser(prog="python -m tests.relevance.fit_costs", description="Fit the search's costs.")
    parser.add_argument("--check", action="store_true", help="cross-validate, write nothing")
    given = parser.parse_args()
    with an_embedded_register() as register:
        engine, questions = load_questions(register)
        print(f"{len(questions)} questions")
        if not given.check:
            fit_costs(engine, questions)
            save_costs()
            return
        begun = dict(COSTS)
        for fold in range(2):
            COSTS.update(begun)
            held = questions[fold::2]
            before = measure_loss(engine, held)
            fit_costs(engine, questions[1 - fold :: 2])
            after = measure_loss(engine, held)
            print(
                f"held out: loss {before.total:.1f} -> {after.total:.1f}, first {before.first:.1%} -> {after.first:.1%}"
            )


if __name__ == "__main__":
    main()
