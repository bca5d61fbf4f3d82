"""The in-memory view refuses to mix two logs, and to answer from one it can no longer read."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.errors import CannotAnswer, LogDamaged
from tests.factories import a_register, a_source, a_view, an_institution, ask, enter

HOSPITAL = "示例市示例医院"


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
