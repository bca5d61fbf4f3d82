"""The in-memory view refuses to mix two logs, and to answer from one it can no longer read."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path

import pytest

from registry.errors import CannotAnswer, LogDamaged
from registry.log import check as log_check
from tests.factories import a_database, a_register, a_source, a_view, an_institution, ask, enter
from tests.times import the_clock_at

HOSPITAL = "示例市示例医院"
RECORDED = [
    ("2025-07-01T00:00:00Z", [a_source(), an_institution()]),
    ("2025-09-01T00:00:00Z", [a_source("b")]),
]


def folder(parent: Path, name: str) -> Path:
    (parent / name).mkdir()
    return parent / name


def test_a_log_that_became_shorter_is_not_followed(tmp_path: Path) -> None:
    older = a_register(folder(tmp_path, "older"), a_source(), an_institution(HOSPITAL))
    longer = a_register(folder(tmp_path, "longer"), a_source(), an_institution(HOSPITAL))
    enter(longer, an_institution("示例市另一示例医院"))
    view = a_view(longer)
    with pytest.raises(LogDamaged):
        view.follow(older)


def test_another_log_of_the_same_length_is_not_followed(tmp_path: Path) -> None:
    one = a_register(folder(tmp_path, "one"), a_source(), an_institution(HOSPITAL))
    other = a_register(folder(tmp_path, "other"), a_source(), an_institution("示例市另一示例医院"))
    view = a_view(one)
    with pytest.raises(LogDamaged):
        view.follow(other)


def test_a_view_that_follows_nothing_for_too_long_stops_answering(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = a_register(tmp_path, a_source(), an_institution(HOSPITAL))
    view = a_view(database)
    assert ask(view, HOSPITAL).verdict == "licensed"
    monkeypatch.setattr("registry.verification.view.STALE_AFTER", -1.0)
    with pytest.raises(CannotAnswer):
        ask(view, HOSPITAL)


def test_an_answer_as_known_then_rests_on_the_log_as_it_was_then(tmp_path: Path) -> None:
    database = a_database(tmp_path)
    roots = {}
    for instant, drafts in RECORDED:
        with the_clock_at(instant):
            enter(database, *drafts)
        with database.reading() as connection:
            found = log_check.check(connection)
            roots[instant] = (found.size, found.root)
    view = a_view(database)
    for instant, expected in roots.items():
        moment = dt.datetime.fromisoformat(instant)
        said = ask(view, "鞍山市示例医院", known_at=moment.astimezone(dt.timezone(dt.timedelta(hours=8))))
        assert (said.log.size, said.log.root) == expected
        assert said.known_at == moment
        assert said.known_at.utcoffset() == dt.timedelta(0)
    before = ask(view, "鞍山市示例医院", known_at=dt.datetime(2025, 6, 1, tzinfo=dt.UTC))
    assert before.verdict == "unknown"
    assert (before.log.size, before.log.root) == (0, hashlib.sha256(b"").hexdigest())
    enter(database, a_source("c"))
    view.follow(database)
    for instant, expected in roots.items():
        said = ask(view, "鞍山市示例医院", known_at=dt.datetime.fromisoformat(instant))
        assert (said.log.size, said.log.root) == expected
    database.close()
