"""A soak: a running register under load, with everything that happens to one, and a judge that knows only the log.

`python -m bench soak [--minutes 10] [--seed N] [--postgresql]`. The load is a share of what was measured just before;
meanwhile the staff works, workers are killed, and strangers do their worst. Every sampled answer is held against the
log.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.running import PATIENCE
from bench.soak import final_checks, report
from bench.soak.chaos import Chaos
from bench.soak.questions import Questions
from bench.soak.staff_work import Journal, Staff
from bench.soak.world import World, open_world

#: Seconds of each step of the ramp, and connections of each.
STEP, RAMP = 4.0, (4, 8, 16, 32)
#: Seconds between two lines of progress.
SAYS_EVERY = 30.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """What only the soak knows."""
    group = parser.add_argument_group("soak")
    group.add_argument("--minutes", type=float, default=10.0, help="of load")
    group.add_argument("--seed", type=int, default=1, help="of everything that happens by chance")
    group.add_argument("--postgresql", action="store_true", help="PostgreSQL instead of SQLite")
    group.add_argument("--rate", type=float, default=0.0, help="requests a second, instead of measuring the capacity")
    group.add_argument("--share", type=float, default=0.7, help="of the measured capacity that the load is")
    group.add_argument("--lag", type=float, default=1.0, help="seconds until a change has to be in every answer")
    group.add_argument("--back", type=float, default=60.0, help="seconds until the workers have to be back")
    group.add_argument("--list-rows", type=int, default=2_000, help="rows of each list that is imported")
    group.add_argument("--leave-out", action="append", default=[], choices=Chaos.KINDS, help="may be given repeatedly")
    group.add_argument("--json", type=Path, help="write the report to this file too")


def run(folder: Path, given: argparse.Namespace) -> bool:
    """One soak; whether every bar held. The report is printed, and written as JSON where asked for."""
    with open_world(folder / f"soak-{'postgresql' if given.postgresql else 'sqlite'}", given.postgresql) as made:
        soak = Soak(made, given)
        found = soak.run_soak()
    report.print_all(found)
    if given.json:
        given.json.write_text(json.dumps(found, ensure_ascii=False, indent=1), "utf-8")
    return not found["broken"]


class HelperProcess:
    """A process of ours that takes orders a line at a time, and says figures a line at a time."""

    def __init__(self, module: str, *arguments: object) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self.brief: dict[str, Any] = {}

    def send_order(self, line: str) -> None:
        """One line to it."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def read_figures(self, is_last: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait for its answer; lines of progress before that are kept in ``brief``."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            data: dict[str, Any] = json.loads(line)
            if is_last(data):
                return data
            self.brief = data
        raise SystemExit(f"a helper of the soak ended early: {self._process.wait()}")

    def end_process(self) -> None:
        """Let it go."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Soak:
    """One run from the capacity to the report."""

    def __init__(self, made: World, given: argparse.Namespace) -> None:
        self.world, self.given = made, given
        self.journal = Journal(made.folder / "events.jsonl")
        questions = Questions(made.folder / "questions.jsonl", made.port, self._make_random("questions"))
        self.staff = Staff(made, questions, self.journal, self._make_random("deeds"))
        self.chaos = Chaos(made, self.staff, self.journal, given, self._make_random)

    def _make_random(self, what: str) -> random.Random:
        return random.Random(f"{self.given.seed} {what}")

    def run_soak(self) -> dict[str, Any]:
        """The report of a run."""
        for desk in (self.staff.editor, self.staff.approver, self.chaos.owner):
            desk.sign_in()
        self.staff.refresh_institutions()
        files = (self.world.folder / "questions.jsonl", self.world.folder / "load.jsonl")
        load = HelperProcess("bench.soak.client", self.world.port, *files, self.given.seed)
        judge = HelperProcess("bench.soak.judge", self.world.port, self.world.folder, self.given.lag)
        try:
            self.chaos.start()
            capacity = 0.0 if self.given.rate else self._measure_capacity(load)
            rate = self.given.rate or capacity * self.given.share
            print(f"capacity {capacity:,.0f} requests/s; {self.given.minutes:g} minutes at {rate:,.0f}", flush=True)
            figures, judged = self._run_under_load(load, judge, rate)
        finally:
            load.end_process()
            judge.end_process()
        found = {
            "capacity": capacity,
            "rate": rate,
            "minutes": self.given.minutes,
            "seed": self.given.seed,
            "database": "PostgreSQL" if self.given.postgresql else "SQLite",
            "left_out": self.given.leave_out,
            "lag": self.given.lag,
            "load": figures,
            "judge": judged,
            "staff": self.staff.summarise(),
            "chaos": self.chaos.summarise(),
            "after": final_checks.check_result(self.world, judged, self.staff),
        }
        found["broken"] = report.list_broken_bars(found)
        return found

    def _measure_capacity(self, load: HelperProcess) -> float:
        """Requests a second, as fast as answers come while everything else goes on: the best of a ramp."""
        best = 0.0
        for connections in (RAMP[0], *RAMP):
            load.send_order(json.dumps({"seconds": STEP, "connections": connections}))
            data = load.read_figures(lambda line: "doors" in line)
            best = max(best, data["done"] / data["seconds"])
        return best

    def _run_under_load(
        self, load: HelperProcess, judge: HelperProcess, rate: float
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        answers: dict[str, dict[str, Any]] = {}

        def wait(name: str, helper: HelperProcess, key: str) -> threading.Thread:
            thread = threading.Thread(
                target=lambda: answers.update({name: helper.read_figures(lambda data: key in data)})
            )
            thread.start()
            return thread

        self.journal.note_event("begin")
        load.send_order(json.dumps({"seconds": self.given.minutes * 60, "rate": rate}))
        loading, judging = wait("load", load, "doors"), wait("judge", judge, "final")
        begun = time.monotonic()
        while loading.is_alive():
            loading.join(SAYS_EVERY)
            self._print_progress(time.monotonic() - begun, load, judge)
            if time.monotonic() - begun > self.given.minutes * 60:
                self.chaos.over.set()
        self.chaos.stop()
        self.staff.settle_open_proposals()
        time.sleep(2)  # the last change reaches everybody
        judge.send_order("")
        judging.join()
        return answers["load"], answers["judge"]["final"]

    def _print_progress(self, seconds: float, load: HelperProcess, judge: HelperProcess) -> None:
        data = judge.brief
        print(
            f"{seconds:5.0f} s: {load.brief.get('so_far', 0):,} answers, {data.get('checked', 0):,} checked, "
            f"{data.get('wrong', 0)} wrong, {data.get('late', 0)} late, {data.get('undeclared', 0)} undeclared; "
            f"log {data.get('log', 0):,}, {len(self.staff.approved)} approved, {self.chaos.describe_briefly()}",
            flush=True,
        )
