"""The engine in memory holds what the embedded one holds, after every change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.institutions.result import SearchRequest
from registry.register import Register
from registry.search import fetch_plan
from registry.search.embedded_engine import EmbeddedEngine
from registry.search.engine import AllOf, AnyOf, NameForm, PrefixTerm, SearchDocument, TokenTerm
from registry.search.memory_engine import SMALL, MemoryEngine, MemoryIndex
from registry.search.query import understand_question
from registry.search.tokens import list_tokens
from registry.settings import Settings
from tests.factories import DAY, a_database, an_institution, enter
from tests.relevance.measure import an_embedded_register

QUESTIONS = (
    *("盛京", "shengjing", "sjyy", "吉大一院", "辽宁 妇婴", "盛景医院"),
    *("滑翔路39号", "301医院", "医院", "Shengjing Hospital"),
)


@pytest.fixture(scope="module")
def register() -> Iterator[Register]:
    with an_embedded_register() as opened:
        yield opened


@pytest.mark.parametrize("question", QUESTIONS)
def test_it_fetches_the_same_documents_in_the_same_order(register: Register, question: str) -> None:
    with register.database.reading() as connection:
        embedded = EmbeddedEngine(connection)
        index = MemoryIndex()
        index.read_documents(embedded, 1)
        memory = index.find_engine(embedded, 1)
        assert memory.name == "memory"
        for step in fetch_plan.make_steps(understand_question(question)):
            for limit in (3, 2000):
                if step.expressions:
                    assert memory.fetch(step.expressions, limit) == embedded.fetch(step.expressions, limit)


def test_a_large_register_is_asked_through_its_index(register: Register) -> None:
    with register.database.reading() as connection:
        index, embedded = MemoryIndex(), EmbeddedEngine(connection)
        index.read_documents(embedded, SMALL)
        index.read_documents(embedded, SMALL + 1)
        assert index.find_engine(embedded, 1) is embedded


def test_it_is_read_when_the_log_is_at_rest_and_what_is_newer_is_asked_of_the_index(register: Register) -> None:
    with register.database.reading() as connection:
        index, embedded = MemoryIndex(), EmbeddedEngine(connection)
        assert [index.is_due(size) for size in (1, 2, 2)] == [False, False, True]
        index.read_documents(embedded, 2)
        assert [index.is_due(size) for size in (2, 3, 3)] == [False, False, True]
        assert index.find_engine(embedded, 3) is embedded
        assert index.find_engine(embedded, 2).name == "memory"


def test_what_is_approved_is_found_at_once(tmp_path: Path) -> None:
    with closing(a_database(tmp_path)) as database:
        enter(database, an_institution("鞍山市示例医院"))
        url = database.url.render_as_string(hide_password=False)
    with Register(Settings(data_dir=tmp_path, database_url=url)) as register:
        assert register.memory_index is not None

        def search(question: str) -> list[str]:
            register.follow_log()
            request = SearchRequest(q=question)
            return [
                one.institution.name for one in register.search_institutions(request, register.make_as_of(DAY)).items
            ]

        assert search("示例医院") == ["鞍山市示例医院"]
        register.refresh_memory_index()
        register.refresh_memory_index()
        assert search("示例医院") == ["鞍山市示例医院"]
        enter(register.database, an_institution("大连市示例妇产医院", "辽宁省大连市中山区示例路2号"))
        assert set(search("示例")) == {"鞍山市示例医院", "大连市示例妇产医院"}


# --- after any change ------------------------------------------------------------------------------------------------

NAMES = st.text("盛京沈阳妇婴医院", min_size=1, max_size=5)
BODIES = st.dictionaries(st.integers(1, 6), NAMES)


def encode(names: dict[int, str]) -> dict[int, bytes]:
    documents = {n: SearchDocument(f"institution:{n}", (NameForm(name, ""),)) for n, name in names.items()}
    return {n: msgspec.json.encode(document) for n, document in documents.items()}


@given(st.lists(BODIES, min_size=1, max_size=4))
def test_it_is_the_same_whether_read_at_once_or_change_by_change(moments: list[dict[int, str]]) -> None:
    followed: MemoryEngine | None = None
    for names in moments:
        followed = MemoryEngine(encode(names), followed)
    fresh = MemoryEngine(encode(moments[-1]))
    assert followed is not None
    assert set(followed.list_documents()) == set(fresh.list_documents())
    tokens = {token for names in moments for name in names.values() for token in list_tokens(_make_document(name))}
    for token in sorted(tokens):
        asked = [TokenTerm(token), PrefixTerm(token[:2]), AllOf((TokenTerm(token), PrefixTerm("n")))]
        asked += [AnyOf((TokenTerm(token), TokenTerm("n医")))]
        assert followed.fetch(asked, 100) == fresh.fetch(asked, 100)


def _make_document(name: str) -> SearchDocument:
    return SearchDocument("institution:1", (NameForm(name, ""),))
