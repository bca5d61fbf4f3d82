"""The soak of bench/soak for half a minute with a small load, so that it cannot rot; and a judge who is told lies."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.soak import checks
from bench.soak.checks import WrongAnswer
from bench.soak.oracle import Log
from tests.factories import ROOT
from tests.running import Server, slowness_of

#: Seconds that a change may take: the machine of a test has other work. Requests a second, and how many minutes long.
LAG, RATE, MINUTES = 15, 20, 0.6


@pytest.fixture(scope="module")
def soak(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The folder of a short soak, and its report."""
    folder, slowness = tmp_path_factory.mktemp("soak"), slowness_of(server)
    rate = max(4.0, min(RATE, 1 / slowness))  # on a slow machine as many, in a longer time
    load = ("--rate", rate, "--minutes", MINUTES * RATE / rate, "--lag", LAG + 50 * slowness)
    # By this seed everything that happens has happened once within 21 of the 36 seconds.
    told = (*load, "--list-rows", 150, "--back", 240, "--seed", 111)
    command = [sys.executable, "-m", "bench", "soak", *map(str, told), "--keep", folder, "--json", folder / "report"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1800, check=False)
    assert (folder / "report").exists(), done.stdout + done.stderr
    print(done.stdout, done.stderr)
    yield folder / "soak-sqlite", json.loads((folder / "report").read_text("utf-8"))


def test_no_answer_contradicts_the_log_and_none_is_older_than_it_may_be(soak: tuple[Path, dict[str, Any]]) -> None:
    judge = soak[1]["judge"]
    assert (judge["wrong"], judge["late"]) == ([], [])
    assert judge["counted"] > 100
    assert all(judge["checked"].get(door) for door in ("POST /api/v1/verify", "GET /i/{code}", "GET /search"))


def test_every_failure_is_one_that_is_documented(soak: tuple[Path, dict[str, Any]]) -> None:
    assert soak[1]["judge"]["undeclared"] == []
    assert soak[1]["chaos"]["undeclared"] == []
    assert soak[1]["after"]["tracebacks"] == 0


def test_nothing_that_was_approved_is_lost(soak: tuple[Path, dict[str, Any]]) -> None:
    found = soak[1]["after"]
    assert (found["lost"], found["torn"], found["receipts_wrong"], found["log_check"]) == ([], [], [], "")
    assert found["live_is_rebuilt"]
    assert soak[1]["staff"]["approved"] > 0


def test_workers_are_back_and_die_by_nobody_elses_hand(soak: tuple[Path, dict[str, Any]]) -> None:
    assert soak[1]["chaos"]["died"] == 0
    assert soak[1]["chaos"]["never_back"] == []
    assert soak[1]["after"]["server_runs"]


def test_every_bar_held(soak: tuple[Path, dict[str, Any]]) -> None:
    assert soak[1]["broken"] == []


# --- a judge who cannot be lied to -----------------------------------------------------------------------------------


def _other_verdict(answer: dict[str, Any]) -> None:
    answer["verdict"] = "licensed" if answer["verdict"] != "licensed" else "revoked"


def _other_root(answer: dict[str, Any]) -> None:
    answer["log"]["root"] = "00" * 32


def _earlier_size(answer: dict[str, Any]) -> None:
    answer["log"]["size"] -= 1


def _other_name(answer: dict[str, Any]) -> None:
    answer["name"] += "分院"


def _no_approvals(answer: dict[str, Any]) -> None:
    answer["approvals"] = [{**one, "stage": "preparing"} for one in answer["approvals"]] or [{"stage": "formal"}]


def _one_less(answer: dict[str, Any]) -> None:
    answer["total"] -= 1


def _other_candidate(answer: dict[str, Any]) -> None:
    for told in answer["items"]:
        told["name"] = f"{told['name']}分院"


LIES: list[tuple[str, Callable[[dict[str, Any]], None]]] = [
    ("POST /api/v1/verify", _other_verdict),
    ("POST /api/v1/verify", _other_root),
    ("POST /api/v1/verify", _earlier_size),
    ("GET /api/v1/verify", _other_verdict),
    ("GET /api/v1/institutions/{code}", _other_name),
    ("GET /api/v1/institutions/{code}", _no_approvals),
    ("GET /api/v1/institutions", _one_less),
    ("GET /api/v1/institutions/{code}/history", lambda answer: answer["versions"].pop()),
    ("GET /api/v1/changes", lambda answer: answer["entries"][0].update(valid_from="2001-01-01")),
    ("POST /api/v1/verify/batch", lambda answer: _other_verdict(answer["answers"][0])),
    ("GET /api/v1/suggest", _other_candidate),
]


@pytest.fixture(scope="module")
def samples(soak: tuple[Path, dict[str, Any]]) -> tuple[Log, dict[str, list[dict[str, Any]]]]:
    """The log as it was judged by, and the sampled answers by door."""
    folder, log = soak[0], Log()
    for line in (folder / "log.jsonl").read_text("utf-8").splitlines():
        told = json.loads(line)
        log.append(told["entry"], told["leaf"])
    found: dict[str, list[dict[str, Any]]] = {}
    for line in (folder / "load.jsonl").read_text("utf-8").splitlines():
        sample = json.loads(line)
        if sample["status"] == 200:
            found.setdefault(sample["door"], []).append({**sample, "least": 0})
    return log, found


@pytest.mark.parametrize(("door", "lie"), LIES)
def test_a_lie_of_any_door_is_noticed(
    samples: tuple[Log, dict[str, list[dict[str, Any]]]], door: str, lie: Callable[[dict[str, Any]], None]
) -> None:
    log, by_door = samples
    noticed = 0
    for sample in by_door[door]:
        if "name" in sample["question"] or sample["question"].get(
            "lines"
        ):  # a name may be nobody's any more; lines are no JSON
            continue
        answer = json.loads(sample["body"])
        if not answer.get("items", [1]) or (
            "claims" in sample["question"] and "name" in sample["question"]["claims"][0]
        ):
            continue
        checks.find_sizes(log, sample)  # the truth passes
        lie(answer)
        with pytest.raises(WrongAnswer):
            checks.find_sizes(log, {**sample, "body": json.dumps(answer, ensure_ascii=False)})
        noticed += 1
    assert noticed


@pytest.mark.parametrize(
    ("door", "old", "new"),
    [("GET /i/{code}", "</h1>", "分院</h1>"), ("GET /search", "</a></h3>", "分院</a></h3>")],
)
def test_a_page_that_lies_is_noticed(
    samples: tuple[Log, dict[str, list[dict[str, Any]]]], door: str, old: str, new: str
) -> None:
    log, by_door = samples
    pages = [sample for sample in by_door[door] if old in sample["body"]]
    for sample in pages:
        checks.find_sizes(log, sample)
        with pytest.raises(WrongAnswer):
            checks.find_sizes(log, {**sample, "body": sample["body"].replace(old, new)})
    assert pages
