"""The in-memory view refuses to mix two logs, and to answer from one it can no longer read."""

from __future__ import annotations

import datetime as dt
import hashlib
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from registry.errors import CannotAnswer, LogDamaged
from registry.log import check as log_check
from tests.factories import DAY, a_change, a_database, a_register, a_source, a_view, an_institution, ask, enter
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
        view.follow_log(older)


def test_another_log_of_the_same_length_is_not_followed(tmp_path: Path) -> None:
    one = a_register(folder(tmp_path, "one"), a_source(), an_institution(HOSPITAL))
    other = a_register(folder(tmp_path, "other"), a_source(), an_institution("示例市另一示例医院"))
    view = a_view(one)
    with pytest.raises(LogDamaged):
        view.follow_log(other)


def test_a_view_that_follows_nothing_for_too_long_stops_answering(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = a_register(tmp_path, a_source(), an_institution(HOSPITAL))
    view = a_view(database)
    assert ask(view, HOSPITAL).verdict == "licensed"
    monkeypatch.setattr("registry.verification.view.STALE_AFTER", -1.0)
    with pytest.raises(CannotAnswer):
        ask(view, HOSPITAL)


def test_what_is_half_taken_in_holds_of_no_question_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hospital = an_institution(HOSPITAL)
    database = a_register(tmp_path, a_source(), hospital)
    view = a_view(database)
    before = ask(view, HOSPITAL)
    monkeypatch.setattr("registry.verification.view._AT_ONCE", 1)
    others = [an_institution(f"示例市第{number}示例医院", f"示例路{number}号") for number in range(4)]
    enter(database, a_change(hospital, DAY, {"approvals.IVF": {"stage": "revoked"}}, reason="更正"), *others)
    meanwhile = []

    def look(_seconds: float) -> None:
        view.forget_answers()
        meanwhile.append((ask(view, HOSPITAL), ask(view, "示例市第1示例医院")))

    monkeypatch.setattr("registry.verification.view.time", SimpleNamespace(monotonic=time.monotonic, sleep=look))
    assert view.follow_log(database) == 5
    assert len(meanwhile) == 4
    for known, unknown in meanwhile:
        assert (known.verdict, known.log, known.basis) == ("licensed", before.log, before.basis)
        assert (unknown.verdict, unknown.log, unknown.match) == ("not_found", before.log, None)
    assert ask(view, HOSPITAL).verdict == "revoked"
    assert ask(view, "示例市第1示例医院").verdict == "licensed"


def test_an_answer_as_known_then_rests_on_the_log_as_it_was_then(tmp_path: Path) -> None:
    database = a_database(tmp_path)
    roots = {}
    for instant, drafts in RECORDED:
        with the_clock_at(instant):
            enter(database, *drafts)
        with database.reading() as connection:
            found = log_check.check_log(connection)
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
    view.follow_log(database)
    for instant, expected in roots.items():
        said = ask(view, "鞍山市示例医院", known_at=dt.datetime.fromisoformat(instant))
        assert (said.log.size, said.log.root) == expected
    database.close()
