"""Random histories with corrections: for every day and every time of knowing, each public read is the naive fold."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings

from registry.domain.identifiers import format_code
from registry.domain.model import Draft, Entry, Institution
from registry.errors import NotFound
from registry.log import store
from registry.records import history, lookup
from registry.records.asof import AsOf, make_as_of
from tests.factories import a_database
from tests.registers.test_records_history import (
    CODES,
    PHASES,
    START,
    a_played,
    histories,
    naive_fold,
    naive_former_names,
    the_log,
)
from tests.thoroughness import count_examples

#: A day before everything, each day entries speak of, one between them, and one long after.
DAYS = [START + dt.timedelta(days=n) for n in (-1, 0, 29, 30, 31, 60, 90, 120, 150, 180, 10_000)]
UNLISTED = ("status", "extra.备注")


@settings(max_examples=count_examples(25), deadline=None, phases=PHASES, suppress_health_check=[HealthCheck.too_slow])
@given(histories)
def test_every_public_read_of_a_random_history_is_the_naive_fold_at_every_pair_of_times(
    history_of: list[tuple[list[Draft], bool]],
) -> None:
    with a_played(history_of) as (database, _):
        log = the_log(database)
        with database.reading() as connection:
            for size in range(len(log) + 1):
                for on in DAYS:
                    an_institution_is_the_naive_fold(connection, log, AsOf(valid_on=on, size=size))
            for on in DAYS:
                a_history_up_to_a_day_is_the_naive_one(connection, log, on)
            since_is_the_naive_walk(connection, log)
            a_time_of_knowing_is_the_entries_recorded_by_then(connection, log)


def an_institution_is_the_naive_fold(connection: sa.Connection, log: list[Entry], asof: AsOf) -> None:
    for code in CODES:
        subject = lookup.to_subject(code)
        folded = {path: value for path, (value, _) in naive_fold(log, subject, asof.valid_on, asof.size).items()}
        if not {"name", "address", "status"} <= folded.keys():
            with pytest.raises(NotFound):
                lookup.get_institution(connection, code, asof)
            continue
        one = lookup.get_institution(connection, code, asof)
        assert said(one) == {path: value for path, value in folded.items() if path not in UNLISTED and value != []}
        assert one.status == naive_status(folded)
        assert {f.name: f.until for f in one.former_names} == naive_former_names(log, subject, asof.valid_on, asof.size)
        assert (one.code, one.log_size) == (format_code(code), asof.size)


def said(one: Institution) -> dict[str, Any]:
    """What an institution says, by the paths of the log."""
    plain = {"name": one.name, "address": one.address, "level": one.level, "region": one.region.code}
    approvals = {f"approvals.{a.technique}": {"stage": a.stage} for a in one.approvals}
    stated = {**plain, "aliases": one.aliases or None, **approvals}
    return {path: value for path, value in stated.items() if value is not None}


def naive_status(folded: dict[str, Any]) -> str:
    stages = {value["stage"] for path, value in folded.items() if path.startswith("approvals.")}
    return "suspended" if folded["status"] == "listed" and stages == {"suspended"} else folded["status"]


def a_history_up_to_a_day_is_the_naive_one(connection: sa.Connection, log: list[Entry], on: dt.date) -> None:
    for code in CODES:
        subject = lookup.to_subject(code)
        for size in (len(log), len(log) // 2):
            told = history.list_versions(connection, subject, AsOf(valid_on=START, size=size), on)
            mine = [entry for entry in log[:size] if entry.subject == subject]
            assert [v.entry for v in told] == [e.number for e in mine if e.valid_from <= on]
            for version in told:
                entry = log[version.entry - 1]
                before = naive_fold(log, subject, entry.valid_from, entry.number - 1)
                after = naive_fold(log, subject, entry.valid_from, entry.number)
                changed = {p: (before.get(p, (None,))[0], after.get(p, (None,))[0]) for p in {*before, *after}}
                changed = {path: pair for path, pair in changed.items() if pair[0] != pair[1]}
                assert {c.field: (c.from_, c.to) for c in version.changes} == changed
                earlier = [e for e in mine if e.number < entry.number]
                assert version.corrects == naive_correction(earlier, entry, changed)


def naive_correction(stated: list[Entry], entry: Entry, changed: dict[str, Any]) -> bool:
    """It changes something, and there had been talk of a later day, or of that very day with another value."""
    later = any(earlier.valid_from > entry.valid_from for earlier in stated)
    restated = False
    for path, value in entry.change.set.items():
        same = [e.change.set[path] for e in stated if e.valid_from == entry.valid_from and path in e.change.set]
        restated |= bool(same) and same[-1] != value
    return bool(changed) and (later or restated)


def since_is_the_naive_walk(connection: sa.Connection, log: list[Entry]) -> None:
    """Day by day backwards from each day: where a value held without a break, and something else was stated before."""
    for code in CODES:
        subject = lookup.to_subject(code)
        for on in DAYS[1:-1]:
            found = history.read_first_days(connection, subject, AsOf(valid_on=on, size=len(log)))
            starts = sorted({e.valid_from for e in log if e.subject == subject and e.valid_from <= on})
            states = [(day, held(log, subject, day)) for day in starts]
            assert found.keys() <= (states[-1][1] if states else {}).keys()
            for path, value in (states[-1][1] if states else {}).items():
                day = None
                for start, state in reversed(states):
                    if state.get(path) != value:
                        day = day if path in state else None
                        break
                    day = start
                else:
                    day = None
                assert found.get(path) == day, (path, on)


def held(log: list[Entry], subject: str, day: dt.date) -> dict[str, Any]:
    folded = {path: value for path, (value, _) in naive_fold(log, subject, day, len(log)).items()}
    status = {"status": naive_status(folded)} if "status" in folded else {}
    return {path: v["stage"] if path.startswith("approvals.") else v for path, v in folded.items()} | status


def a_time_of_knowing_is_the_entries_recorded_by_then(connection: sa.Connection, log: list[Entry]) -> None:
    moment = dt.timedelta(milliseconds=1)
    for at in {entry.recorded_at for entry in log}:
        for known_at in (at - moment, at, at + moment):
            recorded = sum(entry.recorded_at <= known_at for entry in log)
            assert make_as_of(connection, START, known_at) == AsOf(valid_on=START, size=recorded)
    assert make_as_of(connection, START, log[0].recorded_at - moment).size == 0
    assert make_as_of(connection).size == store.read_head(connection).size == len(log)


def test_a_day_and_a_time_of_knowing_may_be_asked_of_an_empty_register(tmp_path: Path) -> None:
    database = a_database(tmp_path)
    with database.reading() as connection:
        assert make_as_of(connection, START, dt.datetime.now(dt.UTC)) == AsOf(valid_on=START, size=0)
        assert history.read_first_days(connection, lookup.to_subject(CODES[0]), AsOf(valid_on=START, size=0)) == {}
    database.close()
