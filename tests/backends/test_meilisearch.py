"""Meilisearch as the outside engine: a real server, killed and started again in the middle."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.institutions.result import SearchRequest
from registry.log import store
from registry.register import Register
from registry.search import embedded_engine, fetch_plan
from registry.search.engine import AllOf, AnyOf, EngineUnavailable, Expression, PrefixTerm, SearchDocument, TokenTerm
from registry.search.meilisearch import IndexState, MeilisearchEngine
from registry.search.outside_search import OutsideSearch
from registry.search.query import understand_question
from registry.search.tokens import FORMAT
from registry.settings import Settings
from registry.storage.database import Database
from registry.storage.tables import search_documents
from tests.factories import a_database, a_source, an_institution, approve, propose, the_real_lists
from tests.running import Server, eventually, serving
from tests.searching import KEY, MeilisearchServer, a_meilisearch

QUESTIONS = (
    "盛京",
    "shengjing",
    "sjyy",
    "吉大一院",
    "辽宁 妇婴",
    "盛景医院",
    "滑翔路39号",
    "301医院",
    "医院",
    "沈阳 三代试管",
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MeilisearchServer]:
    """One server for the tests that leave it running: every log has an index of its own there."""
    with a_meilisearch(tmp_path_factory.mktemp("meilisearch")) as server:
        yield server


@pytest.fixture
def own(tmp_path: Path) -> Iterator[MeilisearchServer]:
    with a_meilisearch(tmp_path / "meilisearch") as server:
        yield server


def outside(database: Database, server: MeilisearchServer, key: str = KEY) -> OutsideSearch:
    return OutsideSearch(database, server.url, key)


def size_of(database: Database) -> int:
    with database.reading() as connection:
        return store.read_head(connection).size


def engine_of(search: OutsideSearch, database: Database) -> MeilisearchEngine:
    found = search.find_engine(size_of(database))
    assert isinstance(found, MeilisearchEngine)
    return found


# --- expressions -----------------------------------------------------------------------------------------------------

LETTERS = st.text("ab医院\"\\' ()=,", min_size=1, max_size=4).filter(lambda text: text.strip() == text)
EXPRESSIONS = st.recursive(
    st.builds(TokenTerm, token=LETTERS) | st.builds(PrefixTerm, token=LETTERS),
    lambda inner: (
        st.builds(AllOf, parts=st.lists(inner, min_size=1, max_size=3).map(tuple))
        | st.builds(AnyOf, parts=st.lists(inner, min_size=1, max_size=3).map(tuple))
    ),
    max_leaves=6,
)
HELD = {
    f"D{n:07}": held for n, held in enumerate([["a"], ["ab", "医院"], ["医", '"'], ["\\", "b)"], ["a b", "ab医"], []])
}


def satisfies(expression: Expression, held: list[str]) -> bool:
    match expression:
        case TokenTerm(token=token):
            return token in held
        case PrefixTerm(token=token):
            return any(one.startswith(token) for one in held)
        case AllOf(parts=parts):
            return all(satisfies(part, held) for part in parts)
        case AnyOf(parts=parts):
            return any(satisfies(part, held) for part in parts)


@pytest.fixture(scope="module")
def holding(shared: MeilisearchServer) -> MeilisearchEngine:
    engine = MeilisearchEngine(shared.url, KEY, "institutions-expressions")
    index = engine.create_new_index()
    engine.update_documents(
        index,
        [(c, msgspec.json.encode(SearchDocument(subject=f"institution:{c}", names=())), t) for c, t in HELD.items()],
    )
    engine.switch_index()
    return engine


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(EXPRESSIONS, min_size=1, max_size=4))
def test_an_expression_fetches_exactly_the_documents_that_satisfy_it_whatever_the_tokens(
    holding: MeilisearchEngine, expressions: list[Expression]
) -> None:
    for expression, found in zip(expressions, holding.fetch(expressions, 50), strict=True):
        wanted = {f"institution:{code}" for code, held in HELD.items() if satisfies(expression, held)}
        assert {document.subject for document in found.documents} == wanted
        assert found.complete


def test_more_than_were_asked_for_is_said(holding: MeilisearchEngine) -> None:
    found = holding.fetch([AnyOf(parts=(PrefixTerm(token="a"), TokenTerm(token="医")))], 2)[0]
    assert (len(found.documents), found.complete) == (2, False)


# --- following -------------------------------------------------------------------------------------------------------


def test_it_holds_the_same_candidates_as_the_embedded_engine(shared: MeilisearchServer) -> None:
    with closing(the_real_lists()) as database:
        search = outside(database, shared)
        assert search.update_index()
        engine = engine_of(search, database)
        with database.reading() as connection:
            for question in QUESTIONS:
                for step in fetch_plan.make_steps(understand_question(question)):
                    if not step.expressions:
                        continue
                    here = embedded_engine.EmbeddedEngine(connection).fetch(step.expressions, 2000)
                    there = engine.fetch(step.expressions, 2000)
                    for one, other in zip(here, there, strict=True):
                        assert {d.subject: d for d in one.documents} == {d.subject: d for d in other.documents}


def test_what_is_approved_is_found_there_once_it_has_caught_up(tmp_path: Path, shared: MeilisearchServer) -> None:
    with closing(a_database(tmp_path)) as database:
        approve(database, propose(database, a_source(), an_institution("鞍山市示例医院")))
        search = outside(database, shared)
        assert search.update_index()
        before = size_of(database)
        approve(database, propose(database, an_institution("大连市示例妇产医院", "辽宁省大连市中山区示例路2号")))
        assert search.find_engine(before) is not None
        assert search.find_engine(size_of(database)) is None
        assert search.describe_status(size_of(database))["lag"] == 1
        assert search.update_index()
        found = engine_of(search, database).fetch([TokenTerm(token="n大连")], 10)[0].documents
        assert [document.names[0].text for document in found] == ["大连市示例妇产医院"]


def test_an_index_that_rests_on_entries_the_log_has_not_is_built_anew(
    tmp_path: Path, shared: MeilisearchServer
) -> None:
    with closing(a_database(tmp_path)) as database:
        approve(database, propose(database, a_source(), an_institution("鞍山市示例二院")))
        search = outside(database, shared)
        assert search.update_index()
        engine = engine_of(search, database)
        for wrong in (
            IndexState(position=size_of(database) + 5, leaf="00" * 32, format=FORMAT),
            IndexState(position=size_of(database), leaf="00" * 32, format=FORMAT),
            IndexState(position=size_of(database), leaf="00" * 32, format=FORMAT + 1),
        ):
            engine.update_documents(engine.index, [], ["state"])
            engine.save_state(engine.index, wrong)
            engine.update_documents(engine.index, [("0000ZZZZ", b"{}", ["x"])])  # what nobody put there
            assert search.update_index()
            held = engine.find_state()
            assert held is not None and (held.position, held.format) == (size_of(database), FORMAT)
            assert engine.count_documents() == 1


def test_an_index_with_fewer_institutions_than_the_records_is_not_switched_to(
    tmp_path: Path, shared: MeilisearchServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(a_database(tmp_path)) as database:
        approve(
            database, propose(database, a_source(), an_institution("鞍山市示例三院"), an_institution("鞍山市示例四院"))
        )
        search = outside(database, shared)
        assert search.update_index()
        engine = engine_of(search, database)
        taken = MeilisearchEngine.update_documents
        monkeypatch.setattr(
            MeilisearchEngine, "update_documents", lambda self, index, part, gone=(): taken(self, index, part[:1], gone)
        )
        with pytest.raises(EngineUnavailable, match="1 of 2"):
            search.rebuild_index(engine)
        assert engine.count_documents() == 2
        assert engine.find_state(engine.aside) is None


def test_what_an_interrupted_build_left_is_removed(tmp_path: Path, shared: MeilisearchServer) -> None:
    with closing(a_database(tmp_path)) as database:
        approve(database, propose(database, a_source(), an_institution("鞍山市示例五院")))
        search = outside(database, shared)
        with database.reading() as connection:
            engine = search._open_engine(connection)
        assert engine is not None
        engine.update_documents(engine.create_new_index(), [("0000ZZZZ", b"{}", ["x"])])
        assert search.update_index()
        assert engine.count_documents() == 1
        assert engine.find_state(engine.aside) is None


@pytest.mark.parametrize("moment", ["update_documents", "save_state", "switch_index"])
def test_a_server_killed_in_the_middle_of_a_build_gets_its_index_when_it_is_back(
    own: MeilisearchServer, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    with closing(the_real_lists()) as database:
        search, step = outside(database, own), getattr(MeilisearchEngine, moment)

        def killed(self: MeilisearchEngine, *args: object) -> None:
            own.kill()
            step(self, *args)

        with monkeypatch.context() as patch:
            patch.setattr(MeilisearchEngine, moment, killed)
            assert not search.update_index()
        assert search.describe_status(size_of(database))["engine"] == "embedded"
        own.start()
        assert search.update_index()
        with database.reading() as connection:
            wanted = connection.execute(sa.select(sa.func.count()).select_from(search_documents)).scalar_one()
        assert engine_of(search, database).count_documents() == wanted
        assert engine_of(search, database).find_state(f"{engine_of(search, database).index}-building") is None


def test_only_one_of_two_feeds_and_both_know_where_it_stands(tmp_path: Path, shared: MeilisearchServer) -> None:
    with closing(a_database(tmp_path)) as database, closing(Database(str(database.url))) as other:
        approve(database, propose(database, a_source(), an_institution("鞍山市示例六院")))
        feeding, watching = outside(database, shared), outside(other, shared)
        with database.hold_task_lock("search") as mine:
            assert mine
            assert not watching.update_index()
            assert "another process" in watching.describe_status(1)["why"]
        assert feeding.update_index()
        assert watching.update_index()
        assert watching.find_engine(size_of(database)) is not None


@pytest.mark.parametrize(
    ("key", "why"), [("a wrong key altogether", "Meilisearch: invalid_api_key")], ids=["wrong key"]
)
def test_a_wrong_key_is_named_and_never_printed(shared: MeilisearchServer, key: str, why: str) -> None:
    with closing(the_real_lists()) as database:
        search = outside(database, shared, key)
        assert not search.update_index()
        assert search.describe_status(1)["why"] == why
        assert search.find_engine(1) is None


def test_what_is_no_meilisearch_is_not_asked(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    with closing(the_real_lists()) as database, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        for address in (f"http://127.0.0.1:{nobody.getsockname()[1]}", "http://nowhere.invalid", "nonsense"):
            search = OutsideSearch(database, address, KEY)
            assert not search.update_index()
            assert search.describe_status(1)["engine"] == "embedded"


# --- a register that serves ------------------------------------------------------------------------------------------


def searched(server: Server, question: str) -> list[str]:
    return [one["name"] for one in server.api("/institutions", q=question, limit=20)["items"]]


def told(server: Server) -> dict[str, object]:
    answer = server.get("/readyz")
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()["search"]
    return found


def figure(server: Server, name: str) -> float:
    lines = server.metrics().splitlines()
    return float(next(line.rpartition(" ")[2] for line in lines if line.startswith(name)))


def answers_by(server: Server, engine: str) -> bool:
    return eventually(lambda: told(server)["engine"] == engine)


def test_the_server_is_killed_and_comes_back_and_answers_never_stop(tmp_path: Path, own: MeilisearchServer) -> None:
    with closing(the_real_lists()) as database:
        expected = {q: _names(database, q) for q in QUESTIONS}
    data_dir = tmp_path / "var"
    data_dir.mkdir()
    with closing(the_real_lists(data_dir)):
        pass
    with serving(data_dir, REGISTRY_SEARCH_URL=own.url, REGISTRY_SEARCH_KEY=KEY) as server:
        assert answers_by(server, "meilisearch")
        assert {q: searched(server, q) for q in QUESTIONS} == expected
        assert figure(server, 'registry_search_engine{engine="meilisearch"}') == 1

        own.kill()
        assert {q: searched(server, q) for q in QUESTIONS} == expected
        assert answers_by(server, "embedded")
        assert figure(server, 'registry_search_engine{engine="embedded"}') == 1
        assert figure(server, "registry_search_fallbacks_total") >= 1

        own.start()
        assert answers_by(server, "meilisearch")
        assert {q: searched(server, q) for q in QUESTIONS} == expected

        own.kill()
        own.forget()
        own.start()
        assert answers_by(server, "meilisearch")
        assert {q: searched(server, q) for q in QUESTIONS} == expected
    errors = server.errors.read_text()
    assert KEY not in errors
    assert 2 <= errors.count("is not asked any more") <= 4, errors


def _names(database: Database, question: str) -> list[str]:
    register = Register(Settings(database_url=str(database.url)))
    try:
        found = register.search_institutions(SearchRequest(q=question), register.make_as_of(), limit=20)
        return [one.institution.name for one in found.items]
    finally:
        register.close()


def test_metrics_and_readiness_tell_of_the_embedded_engine_too(tmp_path: Path) -> None:
    data_dir = tmp_path / "var"
    data_dir.mkdir()
    with closing(the_real_lists(data_dir)) as database:
        size = size_of(database)
    with serving(data_dir) as server:
        assert told(server) == {"engine": "embedded", "why": None, "lag": 0, "fallbacks": 0}
        assert figure(server, "registry_log_size") == size
        assert figure(server, "registry_ready") == 1
        assert figure(server, 'registry_view_lag{view="search"}') == 0
        assert server.get("/metrics").headers["cache-control"] == "no-store"
