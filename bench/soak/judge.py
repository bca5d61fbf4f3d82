"""The judge: follows the log by its feed and looks at every sampled answer, in a process of its own.

Run as ``python -m bench.soak.judge PORT FOLDER LAG``. It reads the spools and the events of the folder as they grow and
says every few seconds what it has seen; an empty line on standard input makes it finish. ``LAG``: seconds after which a
change that was approved has to be in every answer.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.running import PATIENCE
from bench.soak import checks
from bench.soak.oracle import Log
from bench.soak.staff_work import AROUND_A_KILL

#: Seconds that an answer waits to be looked at: what happened before it is known by then.
BEHIND = 3.0
#: Entries a second that a worker takes in at least: a large import comes in pieces, so that questions need not wait.
ENTRIES_A_SECOND = 500
#: Problems that are documented, and may come with 503 and Retry-After.
DECLARED = frozenset({"busy", "cannot_answer", "cannot_sign", "cannot_record"})
#: Wrong answers whose whole text is kept.
SHOWN = 20


class Tail:
    """The whole lines that a file gains."""

    def __init__(self, path: Path) -> None:
        self._path, self._at = path, 0

    def read_lines(self) -> Iterator[dict[str, Any]]:
        """What came since the last look."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._at)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self._at += len(line)
                yield json.loads(line)


class Judge:
    """What was seen so far, and what of it was wrong."""

    def __init__(self, port: int, folder: Path, lag: float) -> None:
        self._address, self._lag, self._folder = f"http://127.0.0.1:{port}", lag, folder
        self._spools = [Tail(folder / "load.jsonl"), Tail(folder / "probes.jsonl")]
        self._events = Tail(folder / "events.jsonl")
        self.log = Log()
        self._waiting: list[dict[str, Any]] = []
        self._approved: list[tuple[float, int]] = []  # (when it was known, proposal)
        self._known: dict[int, float] = {}  # size -> when it was first known to somebody outside
        self._kills: list[float] = []
        self._begun = 0.0  # what was asked while the capacity was measured is not judged
        self.checked: Counter[str] = Counter()
        self.unchecked: Counter[str] = Counter()
        self.problems: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.wrong: list[dict[str, Any]] = []
        self.late: list[dict[str, Any]] = []
        self.undeclared: list[dict[str, Any]] = []
        self.wrongs = self.lates = self.undeclareds = 0
        self.stalest = 0.0
        self.receipts: list[dict[str, Any]] = []

    # --- the log -----------------------------------------------------------------------------------------------------

    def follow_log(self) -> None:
        """Read the feed to its end; what cannot be read now is read later."""
        while True:
            url = f"{self._address}/api/v1/changes?since={self.log.get_size}&limit=2000"
            try:
                with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
                    page = json.loads(answer.read())
            except (OSError, ValueError, urllib.error.URLError):
                return
            for entry, leaf in zip(page["entries"], page["leaves"], strict=True):
                self.log.append(entry, leaf)
            if page["next"] >= page["log_size"]:
                return

    # --- samples -----------------------------------------------------------------------------------------------------

    def look_at_samples(self, final: bool = False) -> None:
        """Take in what happened, and judge the answers that are old enough; all of them at the end."""
        for event in self._events.read_lines():
            if event["kind"] == "approved":
                self._approved.append((event["t"], event["proposal"]))
            elif event["kind"] in ("kill", "kill job"):
                self._kills.append(event["t"])
            elif event["kind"] == "begin":
                self._begun = event["t"]
        for spool in self._spools:
            self._waiting += spool.read_lines()
        self.follow_log()
        self._learn_event()
        until = float("inf") if final else time.monotonic() - BEHIND
        ready = sorted((one for one in self._waiting if one["ended"] <= until), key=lambda one: one["ended"])
        self._waiting = [one for one in self._waiting if one["ended"] > until]
        for sample in ready:
            self._judge_sample(sample, final)

    def _learn_event(self) -> None:
        """When each approval's last entry was known to whoever approved it."""
        left = []
        for at, proposal in self._approved:
            if (size := self.log.last_of.get(proposal)) is None:
                left.append((at, proposal))
            else:
                self._known[size] = min(at, self._known.get(size, at))
        self._approved = left

    def _find_required_size(self, sent: float) -> int:
        """The size that a question sent then has to be answered from at least."""
        least = 0
        for size in sorted(self._known):
            if self._known[size] <= sent - self._lag - (size - least) / ENTRIES_A_SECOND:
                least = size
        return least

    def _judge_sample(self, sample: dict[str, Any], final: bool) -> None:
        door = sample["door"]
        if sample["sent"] < self._begun:
            return
        if sample["status"] == 0:
            self._judge_failure(sample)
            return
        if sample["status"] >= 400:
            self._judge_refusal(sample)
            return
        sample["least"] = min(self._find_required_size(sample["sent"]), self.log.get_size)
        try:
            found = checks.find_sizes(self.log, sample)
        except checks.UnreadableAnswer:
            if final:
                self._note_wrong(sample, "an answer about more of the log than there is", self.log.get_size)
            else:
                self._waiting.append({**sample, "ended": time.monotonic()})
            return
        except checks.WrongAnswer as wrong:
            self._note_wrong(sample, wrong.said, wrong.log)
            return
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            self._note_wrong(sample, f"not of the shape that is documented: {type(error).__name__}: {error}", None)
            return
        self.checked[door] += 1
        if "check" not in sample["question"]:
            self.unchecked[door] += 1
        if sample["question"].get("receipt"):
            self.receipts.append({"receipt": json.loads(sample["body"])["receipt"], "question": sample["question"]})
        if found and "known_at" not in sample["question"]:
            self._require_fresh(sample, max(found))

    def _require_fresh(self, sample: dict[str, Any], size: int) -> None:
        newer = [at for other, at in self._known.items() if other > size and at < sample["sent"]]
        if newer:
            self.stalest = max(self.stalest, sample["sent"] - min(newer))
        if size < self._find_required_size(sample["sent"]):
            self.lates += 1
            if len(self.late) < SHOWN:
                data = {"door": sample["door"], "size": size, "least": sample["least"]}
                self.late.append({**data, "seconds": sample["sent"] - min(newer), "question": sample["question"]})
        self._known[size] = min(sample["ended"], self._known.get(size, sample["ended"]))

    def _note_wrong(self, sample: dict[str, Any], said: Any, log: Any) -> None:
        self.wrongs += 1
        if len(self.wrong) < SHOWN:
            data = {name: sample.get(name) for name in ("door", "question", "status", "wall", "etag")}
            self.wrong.append({**data, "said": said, "log": log, "body": sample["body"][:3000]})

    def _judge_failure(self, sample: dict[str, Any]) -> None:
        """A request that nobody answered: declared where a worker was killed meanwhile."""
        if sample["why"] == "never sent":  # there were not enough connections: the load was more than could be carried
            self.failures["not sent in time"] += 1
            return
        near = any(sample["sent"] - 0.1 <= at + AROUND_A_KILL and at <= sample["ended"] + 0.1 for at in self._kills)
        self.failures[f"{sample['why']}{' (a worker was killed)' if near else ''}"] += 1
        if not near:
            self._note_undeclared(sample)

    def _judge_refusal(self, sample: dict[str, Any]) -> None:
        """An answer that is no success: of 5xx only a documented problem that says when to come back is declared."""
        try:
            code = json.loads(sample["body"]).get("code")
        except (ValueError, AttributeError):
            code = "page" if "html" in sample["type"] else "?"
        self.problems[f"{sample['door']} {sample['status']} {code}"] += 1
        page = code == "page" and sample["status"] == 503
        declared = (code in DECLARED or page) and sample["retry_after"] is not None
        if sample["status"] >= 500 and not declared:
            self._note_undeclared(sample)
        elif sample["status"] < 500 and sample["status"] != 429 and self._is_wrong(sample):
            self._note_wrong(sample, f"{sample['status']} {code}", "this question has an answer")

    def _is_wrong(self, sample: dict[str, Any]) -> bool:
        """Every question of the generator is in order, and about something the register has."""
        return bool(sample["question"].get("known_at") is None)

    def _note_undeclared(self, sample: dict[str, Any]) -> None:
        self.undeclareds += 1
        if len(self.undeclared) < SHOWN:
            self.undeclared.append(sample)

    # --- saying it ---------------------------------------------------------------------------------------------------

    def keep_log(self) -> None:
        """Write down the log that was judged by, for whoever wants to look at an answer again."""
        with (self._folder / "log.jsonl").open("w", encoding="utf-8") as file:
            for entry, leaf in zip(self.log.entries, self.log.leaves, strict=True):
                file.write(json.dumps({"entry": entry, "leaf": leaf}, ensure_ascii=False) + "\n")

    def describe_briefly(self) -> dict[str, Any]:
        """For a line of progress."""
        counts = {"wrong": self.wrongs, "late": self.lates, "undeclared": self.undeclareds}
        return {"checked": sum(self.checked.values()), **counts, "log": self.log.get_size, "stalest": self.stalest}

    def make_report(self) -> dict[str, Any]:
        """All that was seen."""
        data = ("checked", "problems", "failures", "wrong", "late", "undeclared", "receipts")
        proposals = {str(one): [self.log.first_of[one], last] for one, last in self.log.last_of.items()}
        found = {
            **self.describe_briefly(),
            **{name: getattr(self, name) for name in data},
            "counted": sum(self.checked.values()),
        }
        return {**found, "wrongs": self.wrongs, "lates": self.lates, "undeclareds": self.undeclareds} | {
            "checked": self.checked,
            "proposals": proposals,
            "root": self.log.roots[self.log.get_size],
            "unchecked": self.unchecked,
        }


def main(port: int, folder: Path, lag: float) -> None:
    """Judge until data to finish."""
    os.nice(5)
    judge, over = Judge(port, folder, lag), threading.Event()

    def wait() -> None:
        sys.stdin.readline()
        over.set()

    threading.Thread(target=wait, daemon=True).start()
    said = 0.0
    while not over.wait(0.5):
        judge.look_at_samples()
        if time.monotonic() > said + 5:
            said = time.monotonic()
            print(json.dumps(judge.describe_briefly()), flush=True)
    judge.look_at_samples()
    judge.look_at_samples(final=True)
    judge.keep_log()
    print(json.dumps({"final": judge.make_report()}, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]))
