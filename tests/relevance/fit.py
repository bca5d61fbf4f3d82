"""Fit the weights of ``registry/domain/name_alignment.toml``: ``python -m tests.relevance.fit [--check]``.

Judged questions say whom a text names; names made up from parts of real ones, and of places, say whom it does not. The
weights maximise the likelihood of two things at once: that each institution was named or not (logistic), and that the
right one is first among all that fit (conditional logit). Only the half of the judged questions that ``is_for_fitting``
is used; the other half is only ever measured. ``--check`` fits on four fifths, five times, and prints what the last
fifth says, without writing.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import random
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from registry.domain import name_alignment, regions
from registry.domain.identifiers import parse_code
from registry.domain.name_words import split_name, strip_optional
from registry.domain.normalise import fold_text
from registry.records import lookup
from registry.register import Register
from registry.search.embedded_engine import decode_document
from registry.search.engine import SearchDocument
from registry.search.query import understand_question
from registry.storage.tables import search_documents
from tests.factories import DAY
from tests.relevance.measure import FILES, NOBODY, Query, an_embedded_register, read

#: Kinds of judged questions that name nobody in particular.
LISTINGS = frozenset({"region", "address", "addr", "category", "technique"})
#: More right answers than this are a list.
MOST = 6
#: Names made up, of which none is on the list; competitors of one question; and who is wrong for a made-up name.
MADE_UP, COMPETITORS, WRONG = 6000, 12, 2
KINDS = (
    *("人民医院", "中心医院", "第一人民医院", "第二人民医院", "第三人民医院", "第一医院", "第二医院", "中医院"),
    *("中医医院", "妇幼保健院", "妇女儿童医院", "儿童医院", "总医院", "医院", "红十字医院", "中西医结合医院"),
    *("妇产医院", "医学院附属医院", "大学附属医院", "大学第一附属医院", "大学医院", "和平医院", "华山医院"),
    *("同仁医院", "友谊医院", "新华医院"),
)

#: How much the order counts beside whether somebody was named.
ORDER = 3.0
#: Penalty on the square of a weight, steps, and the length of a step.
RIDGE, STEPS, RATE = 0.1, 250, 0.1


#: What a name is to its institution may change the order, and hardly whether it was named: bounds of its weight.
BOUNDS = {name_alignment.NAMES.index(name): (-0.6, -0.4) for name in ("known_as", "former_name")}


class Example(NamedTuple):
    """A text, the alignments of all institutions that fit it, and which of these are right; none of a made-up name."""

    text: str
    alignments: tuple[tuple[float, ...], ...]
    right: frozenset[int]


def is_for_fitting(query: Query) -> bool:
    """Whether a judged question belongs to the half that may be used for fitting."""
    return hashlib.sha256(query.text.encode()).digest()[0] % 2 == 0


def list_wholes(text: str) -> list[str]:
    """The texts of a question that are aligned with names."""
    query = understand_question(text)
    wholes = dict.fromkeys(reading.whole for reading in query.readings if reading.text)
    return [whole for whole in wholes if whole and not re.search("[a-z]", whole)]


def make_up_names(documents: Sequence[SearchDocument], number: int, seed: int = 5) -> list[str]:
    """Names that nobody on the list has: a place with a kind, or a real name with one word exchanged."""
    chance = random.Random(seed)
    forms = sorted({form.text for document in documents for form in document.forms})
    known = {*forms, *map(strip_optional, forms)}
    places = _list_places()
    found: set[str] = set()
    while len(found) < number:
        if chance.random() < 0.6:
            place = chance.choice(places)
            name = (re.sub("[市区县省]$", "", place) if chance.random() < 0.4 else place) + chance.choice(KINDS)
        else:
            name = _exchange_word(chance, chance.choice(forms), places)
        folded = fold_text(name)
        if len(name) > 4 and name_alignment.is_formal(name) and not {folded, strip_optional(folded)} & known:
            found.add(name)
    return sorted(found)


def _list_places() -> list[str]:
    places = []
    for province, name in regions.list_children(None):
        places += [name] * 6
        for city, name_of_city in regions.list_children(province):
            places += [name_of_city] * 4
            places += [district for _, district in regions.list_children(city)]
    return places


def _exchange_word(chance: random.Random, form: str, places: list[str]) -> str:
    words = list(split_name(form))
    at = chance.randrange(len(words))
    choices = {
        "place": places,
        "number": ["一", "二", "三", "四", "五"],
        "common": ["人民", "中心", "中医", "妇幼", "大学", "医科", "儿童"],
        "own": ["和平", "仁济", "华山", "东方", "安贞", "新华", "同仁", ""],
    }
    if words[at].kind == "common" and words[at].weight < name_alignment.TELLS:
        return ""
    return "".join(word.text if n != at else chance.choice(choices[word.kind]) for n, word in enumerate(words))


def load_examples(register: Register) -> list[Example]:
    """One example for every judged question of the fitting half that names somebody or nobody, and made-up names."""
    asof = register.make_as_of(DAY)
    with register.database.reading() as connection:
        rows = connection.execute(sa.select(search_documents)).all()
        documents = {row.subject: decode_document(bytes(row.body)) for row in rows}
        institutions = lookup.read_institutions(connection, list(documents), asof)
    names = {lookup.to_subject(parse_code(one.code)): one.name for one in institutions}
    examples = []
    for query in (query for path in FILES for query in read(path) if is_for_fitting(query)):
        asked = understand_question(query.text)
        is_list = query.kind in LISTINGS or len(query.expected) > MOST or asked.listing_first
        if not is_list and (wholes := list_wholes(query.text)):
            expected = frozenset(s for s, name in names.items() if name in query.expected)
            if expected or query.expected == (NOBODY,):
                examples.append(_Draft(query.text, wholes, expected, documents))
    for form, subject in _list_own_forms(documents):
        examples.append(_Draft(form, [form], frozenset({subject}), documents))
    for name in make_up_names(list(documents.values()), MADE_UP):
        examples.append(_Draft(name, list_wholes(name), frozenset(), documents))
    return [example for example in map(_finish, examples) if example.alignments]


class _Draft(NamedTuple):
    text: str
    wholes: list[str]
    expected: frozenset[str]
    documents: dict[str, SearchDocument]


def _list_own_forms(documents: dict[str, SearchDocument]) -> Iterable[tuple[str, str]]:
    """Every third name of the list, with those who have it."""
    named = [(form.text, subject) for subject, document in documents.items() for form in document.forms]
    return sorted(named)[::3]


def _finish(draft: _Draft) -> Example:
    """Align all institutions by the weights as they stand; the best alignment of each counts."""
    aligned = []
    for subject, document in draft.documents.items():
        names = document.list_names()
        aligning = (name_alignment.find_alignment(whole, names, document.region) for whole in draft.wholes)
        found = [one for one in aligning if one is not None]
        if found:
            best = max(found, key=lambda one: one.score)
            aligned.append((subject in draft.expected, best.score, best.features))
    aligned.sort(key=lambda row: (-row[0], -row[1]))
    aligned = aligned[: COMPETITORS if draft.expected else WRONG]
    right = frozenset(n for n, row in enumerate(aligned) if row[0])
    return Example(draft.text, tuple(row[2] for row in aligned), right)


# --- fitting ---------------------------------------------------------------------------------------------------------


def fit_weights(examples: Sequence[Example], begin: Sequence[float]) -> list[float]:
    """Find the weights by gradient steps with momentum (Adam), from those given."""
    weights, mean, square = list(begin), [0.0] * len(begin), [0.0] * len(begin)
    for step in range(1, STEPS + 1):
        slope = [-RIDGE * weight / len(examples) for weight in weights]
        for example in examples:
            _add_slope(slope, example, weights, 1 / len(examples))
        for n, value in enumerate(slope):
            mean[n] = 0.9 * mean[n] + 0.1 * value
            square[n] = 0.99 * square[n] + 0.01 * value * value
            change = (mean[n] / (1 - 0.9**step)) / (math.sqrt(square[n] / (1 - 0.99**step)) + 1e-8)
            low, high = BOUNDS.get(n, (-math.inf, math.inf))
            weights[n] = min(high, max(low, weights[n] + RATE * change))
    return weights


def _add_slope(slope: list[float], example: Example, weights: Sequence[float], share: float) -> None:
    scores = [compute_score(weights, features) for features in example.alignments]
    for n, (features, score) in enumerate(zip(example.alignments, scores, strict=True)):
        is_right = n in example.right
        if is_right or not example.right:  # where somebody is right, the others may be meant as well
            _add(slope, features, share * (is_right - 1 / (1 + math.exp(-max(-30.0, min(30.0, score))))))
    if example.right and len(scores) > len(example.right):
        top = max(scores)
        odds = [math.exp(score - top) for score in scores]
        total, of_right = sum(odds), sum(odds[n] for n in example.right)
        for n, features in enumerate(example.alignments):
            chosen = odds[n] / of_right if n in example.right else 0.0
            _add(slope, features, ORDER * share * (chosen - odds[n] / total))


def _add(slope: list[float], features: Sequence[float], factor: float) -> None:
    for n, value in enumerate(features):
        if value:
            slope[n] += factor * value


def compute_score(weights: Sequence[float], features: Sequence[float]) -> float:
    """The log odds of an alignment."""
    return sum(map(float.__mul__, weights, features))


def measure_examples(examples: Sequence[Example], weights: Sequence[float]) -> tuple[float, float, float]:
    """(share of questions with a right one first, share of right ones that count as named, share of made-up names for
    which somebody counts as named)."""
    first = named = asked = wrong = made_up = 0
    for example in examples:
        scores = [compute_score(weights, features) for features in example.alignments]
        best = max(range(len(scores)), key=scores.__getitem__)
        if example.right:
            asked += 1
            first += best in example.right
            named += max(scores[n] for n in example.right) > 0
        else:
            made_up += 1
            wrong += scores[best] > 0
    return first / max(asked, 1), named / max(asked, 1), wrong / max(made_up, 1)


def main() -> None:
    """Fit and write, or check."""
    parser = argparse.ArgumentParser(prog="python -m tests.relevance.fit", description="Fit the weights of the search.")
    parser.add_argument("--check", action="store_true", help="cross-validate, write nothing")
    given = parser.parse_args()
    with an_embedded_register() as register:
        examples = load_examples(register)
        print(f"{len(examples)} examples, {sum(bool(one.right) for one in examples)} of them with a right answer")
        if given.check:
            _cross_validate(examples)
            return
        weights = list(name_alignment.load_weights())
        for turn in range(3):  # which alignment of an institution is the best depends on the weights
            weights = fit_weights(examples, weights)
            print(
                f"turn {turn}: first {{:.1%}}, named {{:.1%}}, wrong {{:.1%}}".format(
                    *measure_examples(examples, weights)
                )
            )
            name_alignment.save_weights(weights)
            examples = load_examples(register)


def _cross_validate(examples: list[Example]) -> None:
    random.Random(1).shuffle(examples)
    for fold in range(5):
        fitted = [one for n, one in enumerate(examples) if n % 5 != fold]
        held = [one for n, one in enumerate(examples) if n % 5 == fold]
        figures = measure_examples(held, fit_weights(fitted, [0.0] * len(name_alignment.FEATURES)))
        print("held out: first {:.1%}, named {:.1%}, wrong {:.1%}".format(*figures))


if __name__ == "__main__":
    main()
