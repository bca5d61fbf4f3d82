"""Random histories: what live, rebuilt, followed and naively folded registers say must be the same."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from registry import proposals
from registry.domain.identifiers import format_code, make_code
from registry.domain.model import Change, Draft, Entry
from registry.log import check as log_check
from registry.log import store
from registry.proposals import views
from registry.records import lookup
from registry.records.asof import AsOf
from registry.records.history import list_versions
from registry.storage.database import Database
from registry.storage.tables import FOREVER, entries, search_documents, versions
from registry.verification.view import VerificationView
from tests.factories import (
    DAY,
    a_change,
    a_database,
    a_person,
    a_register,
    a_source,
    a_view,
    an_institution,
    approve,
    code_of,
    enter,
    propose,
)
from tests.thoroughness import count_examples
from tests.times import the_clock_at

PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.target, Phase.shrink)
START = dt.date(2020, 1, 1)
CODES = [make_code(f"示例{n}") for n in range(3)]
NAMES = ["示例甲医院", "示例乙医院", "示例丙医院（示例市妇幼保健院）", "示例丁医院有限公司"]
STAGES = ["trial", "formal", "rectification", "suspended", "revoked", "preparing"]
days = st.integers(0, 6).map(lambda n: START + dt.timedelta(days=30 * n))
approval = st.none() | st.sampled_from(STAGES).map(lambda stage: {"stage": stage})
values = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(NAMES),
        "aliases": st.none() | st.lists(st.sampled_from(["示例别名一", "示例别名二"]), max_size=2, unique=True),
        "address": st.sampled_from(["辽宁省鞍山市铁西区示例路1号", "辽宁省鞍山市铁东区示例街2号"]),
        "region": st.sampled_from(["210302", "210303"]),
        "status": st.sampled_from(["listed", "suspended", "delisted"]),
        "level": st.none() | st.just("三级甲等"),
        "approvals.IVF": approval,
        "approvals.AIH": approval,
        "approvals.PGT": approval,
        "extra.备注": st.none() | st.sampled_from(["一", "二"]),
    },
).filter(bool)
whole = {"name": NAMES[0], "address": "辽宁省鞍山市铁西区示例路1号", "region": "210303", "status": "listed"}


WHOLE = Draft(subject=f"institution:{CODES[0]}", change=Change(kind="institution", set=whole), valid_from=START)


@st.composite
def drafts(draw: st.DrawFn) -> Draft:
    stated = draw(values)
    if draw(st.booleans()):
        stated = {**whole, **stated}
    if draw(st.integers(0, 19)) == 0:
        stated = {**stated, "name": None}
    return Draft(
        subject=f"institution:{draw(st.sampled_from(CODES))}",
        change=Change(kind="institution", set=stated, reason="示例"),
        valid_from=draw(days),
        source=draw(st.sampled_from(["list-1", "list-2", None])),
    )


#: A history is proposals in order; each is one or more drafts and whether it is approved.
histories = st.lists(st.tuples(st.lists(drafts(), min_size=1, max_size=4), st.booleans()), min_size=1, max_size=8)


@contextmanager
def a_played(history: list[tuple[list[Draft], bool]]) -> Iterator[tuple[Database, VerificationView]]:
    """The register after a history, and the view that followed it step by step."""
    with tempfile.TemporaryDirectory() as folder:
        database = a_database(Path(folder))
        view = VerificationView()
        approve(database, propose(database, a_source("list-1", START), a_source("list-2", START, scope="partial")))
        for chosen, approved in history:
            identifier = propose(database, *chosen)
            if approved:
                approve(database, identifier)
                view.follow_log(database)
            else:
                proposals.reject(database, identifier, by="approver.a", reason="示例")
        view.follow_log(database)
        try:
            yield database, view
        finally:
            database.close()


def everything(connection: sa.Connection) -> tuple[list[Any], list[Any], list[Any]]:
    """Every row of every view, without the keys that only tell rows apart."""
    spans = connection.execute(sa.select(versions).order_by(*versions.primary_key)).all()
    documents = connection.execute(
        sa.select(search_documents.c.subject, search_documents.c.body).order_by(search_documents.c.subject)
    ).all()
    connection.exec_driver_sql(
        "CREATE VIRTUAL TABLE IF NOT EXISTS temp.held USING fts5vocab(main, search_fts, instance)"
    )
    index = connection.exec_driver_sql(
        "SELECT d.subject, held.term FROM temp.held JOIN search_documents d ON d.id = held.doc ORDER BY 1, 2"
    ).all()
    assert {row.subject for row in index} == {row.subject for row in documents}
    return [tuple(row) for row in spans], [tuple(row) for row in documents], [tuple(row) for row in index]


def naive_fold(log: list[Entry], subject: str, on: dt.date, size: int) -> dict[str, tuple[Any, int]]:
    """Per path the greatest (valid_from, number) among entries known then and valid by then; value and number."""
    best: dict[str, tuple[dt.date, int, Any]] = {}
    for entry in log:
        if entry.subject == subject and entry.number <= size and entry.valid_from <= on:
            for path, value in entry.change.set.items():
                candidate = (entry.valid_from, entry.number, value)
                if path not in best or candidate[:2] > best[path][:2]:
                    best[path] = candidate
    return {path: (value, number) for path, (_, number, value) in best.items() if value is not None}


def naive_former_names(log: list[Entry], subject: str, on: dt.date, size: int) -> dict[str, dt.date]:
    starts = sorted({e.valid_from for e in log if e.subject == subject and e.number <= size and e.valid_from <= on})
    named = [(day, fact[0]) for day in starts if (fact := naive_fold(log, subject, day, size).get("name"))]
    ended = {before: day for (_, before), (day, now) in pairwise(named) if before != now}
    return {name: until for name, until in ended.items() if name != named[-1][1]}


def the_log(database: Database) -> list[Entry]:
    with database.reading() as connection:
        return [entry for chunk in store.read_entries(connection) for entry in chunk]


@settings(max_examples=count_examples(40), deadline=None, phases=PHASES, suppress_health_check=[HealthCheck.too_slow])
@given(histories, st.data())
def test_every_way_to_read_a_random_history_says_the_same(
    history: list[tuple[list[Draft], bool]], data: st.DataObject
) -> None:
    with a_played(history) as (database, followed):
        log = the_log(database)
        assert len(log) == 2 + sum(len(chosen) for chosen, approved in history if approved)
        numbers_have_no_gaps_and_time_never_goes_back(database)
        a_view_that_followed_is_one_loaded_from_scratch(database, followed, log)
        a_rebuilt_register_is_the_live_one(database)
        pairs = st.tuples(st.integers(-1, 200), st.integers(0, len(log)))
        for offset, size in [*data.draw(st.lists(pairs, min_size=6, max_size=12)), (10_000, len(log))]:
            records_are_the_naive_fold(database, log, START + dt.timedelta(days=offset), size)
        a_history_lists_every_entry_with_what_it_changed(database, log)


def a_rebuilt_register_is_the_live_one(database: Database) -> None:
    views.check_views(database)
    with database.reading() as connection:
        log_check.check_log(connection)
        live = everything(connection)
    views.rebuild_views(database)
    views.check_views(database)
    with database.reading() as connection:
        assert everything(connection) == live


def records_are_the_naive_fold(database: Database, log: list[Entry], on: dt.date, size: int) -> None:
    asof = AsOf(valid_on=on, size=size)
    with database.reading() as connection:
        for code in CODES:
            subject = lookup.to_subject(code)
            folded = naive_fold(log, subject, on, size)
            found = lookup.read_institutions(connection, [subject], asof)
            assert bool(found) == ({"name", "address", "status"} <= folded.keys())
            if not found:
                continue
            one = found[0]
            expected = {path: value for path, (value, _) in folded.items()}
            said = {
                "name": one.name,
                "address": one.address,
                "level": one.level,
                "region": one.region.code,
                "aliases": one.aliases or None,
                **{f"approvals.{a.technique}": {"stage": a.stage} for a in one.approvals},
            }
            wanted = {path: v for path, v in expected.items() if path not in ("status", "extra.备注") and v != []}
            assert {path: value for path, value in said.items() if value is not None} == wanted
            stages = [v["stage"] for path, v in expected.items() if path.startswith("approvals.")]
            stopped = expected["status"] == "listed" and stages and set(stages) == {"suspended"}
            assert one.status == ("suspended" if stopped else expected["status"])
            assert {f.name: f.until for f in one.former_names} == naive_former_names(log, subject, on, size)
            assert one.log_size == size


def a_view_that_followed_is_one_loaded_from_scratch(
    database: Database, followed: VerificationView, log: list[Entry]
) -> None:
    fresh = a_view(database)
    assert followed.get_state() == fresh.get_state()
    mine, whole = followed.institutions, fresh.institutions
    assert dict(mine) == dict(whole)
    assert {code: mine.list_spans(code) for code in mine} == dict(mine)
    assert (mine.names.to_dict(), mine.numbers.to_dict()) == (whole.names.to_dict(), whole.numbers.to_dict())
    assert followed.sources.by_id == fresh.sources.by_id
    for entry in log:
        at = round(entry.recorded_at.timestamp() * 1000)
        assert followed.get_size_at(at) == fresh.get_size_at(at) >= entry.number
        assert followed.get_size_at(at - 1) == fresh.get_size_at(at - 1) < entry.number


def numbers_have_no_gaps_and_time_never_goes_back(database: Database) -> None:
    with database.reading() as connection:
        rows = connection.execute(sa.select(entries.c.number, entries.c.recorded_at).order_by(entries.c.number)).all()
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert all(a.recorded_at <= b.recorded_at for a, b in pairwise(rows))


def a_history_lists_every_entry_with_what_it_changed(database: Database, log: list[Entry]) -> None:
    asof = AsOf(valid_on=START, size=len(log))
    for code in CODES:
        subject = lookup.to_subject(code)
        with database.reading() as connection:
            told = list_versions(connection, subject, asof)
        mine = [entry for entry in log if entry.subject == subject]
        assert [v.entry for v in told] == [e.number for e in mine]
        for version, entry in zip(told, mine, strict=True):
            before = naive_fold(log, subject, entry.valid_from, entry.number - 1)
            now = naive_fold(log, subject, entry.valid_from, entry.number)
            changed = {p: (before.get(p, (None,))[0], now.get(p, (None,))[0]) for p in {*before, *now}}
            assert {c.field: (c.from_, c.to) for c in version.changes} == {
                path: pair for path, pair in changed.items() if pair[0] != pair[1]
            }


def test_time_never_goes_back_even_when_the_clock_does(tmp_path: Path) -> None:
    database = a_database(tmp_path)
    ahead = 4_102_444_800_000  # the machine's clock was once set to 2100
    with the_clock_at("2100-01-01T00:00:00Z"):
        enter(database, a_source())
    approve(database, propose(database, a_source("list-2")))
    with database.reading() as connection:
        assert store.read_head(connection) == store.LogHead(size=2, recorded_at=ahead)
        log_check.check_log(connection)
    database.close()


def test_codes_are_shown_as_they_are_printed(tmp_path: Path) -> None:
    with a_played([([WHOLE], True)]) as (database, _):
        with database.reading() as connection:
            found = lookup.get_institution(connection, CODES[0].lower(), AsOf(valid_on=START, size=3))
        assert found.code == format_code(CODES[0])
        assert START.isoformat() < FOREVER


def test_a_person_whose_role_no_source_states_is_shown_without_one(tmp_path: Path) -> None:
    hospital = an_institution()
    person = a_person(hospital)
    database = a_register(tmp_path, a_source(), hospital, person)
    enter(database, a_change(person, DAY, {"role": None}, reason="来源未载明"))
    with database.reading() as connection:
        (shown,) = lookup.list_practitioners(connection, code_of(hospital), AsOf(valid_on=DAY, size=4))
    assert shown.role is None
    assert shown.name == "示例员甲"
    database.close()
