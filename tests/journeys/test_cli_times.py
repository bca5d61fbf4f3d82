"""Two times in the shell: `registry verify` and `registry search` as of a day, as known at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.running import Cli
from tests.times import (
    BEFORE_ALL,
    CORRECTED,
    DATE,
    LATE,
    LISTED,
    LISTED_AGAIN,
    NEW,
    STOP,
    STOPPED,
    a_corrected_register,
    name_of,
    printed,
)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    cli = Cli(tmp_path_factory.mktemp("times") / "var", inside=True)
    a_corrected_register(cli.data_dir).close()
    yield cli


def verdict(told: Cli, institution: Any, *args: str, technique: str = "IVF") -> str:
    answer = told.ok("verify", name_of(institution), "--technique", technique, *args, "--json").json
    return str(answer["verdict"])


def test_verify_answers_as_believed_then_and_as_known_since(told: Cli) -> None:
    for institution, on, believed, then, since in (
        (STOP, "2024-11-01", "suspended", LISTED_AGAIN, STOPPED),
        (DATE, "2024-10-01", "revoked", STOPPED, CORRECTED),
    ):
        assert verdict(told, institution, "--on", on, "--known-at", then) == "licensed"
        assert verdict(told, institution, "--on", on, "--known-at", since) == believed
        assert verdict(told, institution, "--on", on) == believed


def test_a_day_of_knowing_is_the_end_of_that_day_in_shanghai(told: Cli) -> None:
    asked = ("--on", "2024-11-01", "--known-at")
    assert verdict(told, STOP, *asked, "2025-02-09") == "licensed"
    assert verdict(told, STOP, *asked, "2025-02-10") == "suspended"  # recorded at 10 in the morning there
    assert verdict(told, STOP, *asked, "2025-02-10T09:59:59+08:00") == "licensed"
    assert verdict(told, STOP, *asked, "2025-02-10T10:00:00+08:00") == "suspended"
    answer = told.ok("verify", name_of(STOP), *asked, "2025-02-10", "--json").json
    assert answer["known_at"] == "2025-02-10T15:59:59.999999Z"


def test_before_the_first_entry_the_answer_is_unknown_and_no_refusal(told: Cli) -> None:
    assert verdict(told, LATE, "--known-at", BEFORE_ALL) == "unknown"
    assert verdict(told, LATE, "--known-at", "2001-01-01") == "unknown"
    assert verdict(told, LATE, "--on", "2999-12-31") == "unknown"  # no evidence of today reaches so far
    assert told.ok("search", "示例市示例", "--known-at", BEFORE_ALL, "--json").json["total"] == 0


def test_search_finds_who_was_known_then_as_they_were(told: Cli) -> None:
    def found(*args: str) -> dict[str, dict[str, str]]:
        items = told.ok("search", "示例市示例", *args, "--json").json["items"]
        return {
            one["institution"]["code"]: {a["technique"]: a["stage"] for a in one["institution"]["approvals"]}
            for one in items
        }

    first = {printed(one): {"IVF": "formal"} for one in (LATE, DATE, STOP)}
    assert found("--on", "2024-10-15", "--known-at", LISTED) == first
    assert found("--known-at", "2024-07-15") == first
    now = found()
    assert now[printed(DATE)] == {"IVF": "revoked"}
    assert now[printed(STOP)] == {"IVF": "suspended"}
    assert printed(NEW) in now
    assert printed(NEW) not in found("--on", "2024-12-30")


def test_in_words_an_answer_of_another_time_says_which(told: Cli) -> None:
    asked = ("verify", name_of(STOP), "--technique", "IVF")
    then = told.ok(*asked, "--on", "2024-11-01", "--known-at", "2025-02-09").out.splitlines()[0]
    assert then.startswith("licensed: ")
    assert "2024-11-01" in then
    assert "2025-02-09 23:59:59+08:00" in then
    assert "[" not in told.ok(*asked).out.splitlines()[0]
    shown = told.ok("search", "示例市示例", "--known-at", LISTED).out.splitlines()[0]
    assert "3" in shown
    assert "2024-07-15 10:00:00+08:00" in shown


@pytest.mark.parametrize("command", ["verify", "search"])
@pytest.mark.parametrize(
    "value", ["yesterday", "2025", "2025-02-30", "2025-07-01T00:00:00", "2025-07-01 00:00", "1751328000", ""]
)
def test_a_time_of_knowing_that_cannot_be_read_is_wrong_usage_and_shows_an_example(
    told: Cli, command: str, value: str
) -> None:
    ran = told(command, "示例", "--known-at", value)
    assert (ran.code, ran.out) == (2, "")
    assert "--known-at" in ran.err
    assert "2025-07-01T09:30:00+08:00" in ran.err


@pytest.mark.parametrize("command", ["verify", "search"])
def test_the_help_says_both_times(told: Cli, command: str) -> None:
    shown = told.ok(command, "--help").out
    assert "--on DATE" in shown
    assert "--known-at TIME" in shown
