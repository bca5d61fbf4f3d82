"""Thousands of hostile questions: each is answered, none changes anything, none takes long."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import pytest

from registry.institutions.result import SearchRequest
from registry.register import Register
from registry.search.query import MAX_LENGTH, understand_question
from tests.factories import DAY
from tests.relevance.measure import an_embedded_register
from tests.thoroughness import THOROUGH

NUMBER = 20_000 if THOROUGH else 2_000
#: So many times what a question takes on average no question may take. The slowest known takes a tenth of it.
SLOWEST = 1000
PIECES = (
    *(
        '"',
        "'",
        "`",
        "*",
        "^",
        ":",
        "-",
        "+",
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        "\\",
        "/",
        "%",
        "_",
        ";",
        "--",
        "\x00",
        "\x1a",
    ),
    *("AND", "OR", "NOT", "NEAR(", "NEAR/2", "rowid", "tokens:", "search_fts", "MATCH", "' OR 1=1 --", '"*', "n医*"),
    *(
        "'; DROP TABLE entries; --",
        "${jndi:x}",
        "{{7*7}}",
        "<script>alert(1)</script>",
        "../../etc/passwd",
        "%00",
        "\\u0000",
    ),
    *(
        "医院",
        "盛京",
        "shengjing",
        "sheng'jing",
        "第〇一",
        "二〇四",
        "鞍山",
        "三代试管",
        "的",
        "附属",
        "大学",
        "妇幼",
        "人民",
    ),
    *(
        "😀",
        "👩‍⚕️",
        "\u202e",
        "\u200f",
        "\u200b",
        "\u2066",
        "\ufeff",
        "\u0301",
        "é",
        "Ⅷ",
        "㈱",
        "①",
        "ﬁ",
        "ß",
        "İ",
        "ſ",
        "\U0002a6d6",
    ),
    *("a", "zh", "x", "1", "0" * 30, "零", "〇", "百", "十", "千", " ", "\t", "\n", "　", "・", "…", "—"),
)


def questions(seed: int = 20261124) -> Iterator[str]:
    """Every piece alone and very often, then mixtures of pieces and of any characters."""
    chance = random.Random(seed)
    made = 0
    for piece in PIECES:
        for question in (piece, piece * 50, piece * (10_240 // len(piece))):
            made += 1
            yield question
    while made < NUMBER:
        made += 1
        kind = made % 4
        if kind == 0:
            yield "".join(
                chr(chance.choice((chance.randrange(1, 0x250), chance.randrange(0x4E00, 0x9FFF)))) for _ in range(9)
            )
        elif kind == 1:
            yield "".join(chance.choice("abcdefghijklmnopqrstuvwxyz'") for _ in range(chance.randrange(1, 60)))
        else:
            yield chance.choice(("", " ")).join(chance.choice(PIECES) for _ in range(chance.randrange(1, 12)))


@pytest.fixture(scope="module")
def register() -> Iterator[Register]:
    with an_embedded_register() as opened:
        yield opened


def test_thousands_of_hostile_questions_are_answered_and_none_takes_long(register: Register) -> None:
    asof = register.make_as_of(DAY)
    before = register.compute_stats(asof)
    number, total, slowest = 0, 0.0, (0.0, "")
    for question in questions():
        began = time.process_time()  # of which other work on the machine takes nothing
        found = register.search_institutions(SearchRequest(q=question), asof, limit=5)
        taken = time.process_time() - began
        total, slowest = total + taken, max(slowest, (taken, question[:60]))
        number += 1
        assert found.total >= len(found.items)
    assert number == NUMBER
    assert slowest[0] < total / number * SLOWEST, (slowest, total)
    assert register.compute_stats(asof) == before


def test_of_a_very_long_question_the_beginning_is_read() -> None:
    assert understand_question("盛京" * 10_000) == understand_question("盛京" * 10_000)
    assert len(understand_question("盛京" * 10_000).readings[0].text) <= MAX_LENGTH
