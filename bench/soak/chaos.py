"""What happens meanwhile, each kind in a thread of its own and by its own chance: staff, kills, restarts, strangers."""

from __future__ import annotations

import argparse
import random
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx

from bench.soak.desk import Desk, NotSignedIn
from bench.soak.hostile import Stranger
from bench.soak.staff_work import AROUND_A_KILL, Journal, Staff
from bench.soak.world import World


class Chaos:
    """Every kind of event as a thread; ``leave_out`` names those that do not happen."""

    KINDS = ("changes", "imports", "editions", "kills", "restarts", "uploads", "guesses", "slow", "leaving")

    def __init__(
        self,
        world: World,
        staff: Staff,
        journal: Journal,
        given: argparse.Namespace,
        chance: Callable[[str], random.Random],
    ) -> None:
        self.world, self.staff, self.journal, self.given = world, staff, journal, given
        self.over = threading.Event()
        self.owner = Desk(world.address, "owner", "127.20.0.3")
        self.stranger = Stranger(world.port, chance("strangers"), self._is_declared)
        self.counts: Counter[str] = Counter()
        self.back: dict[str, list[float]] = {"kill": [], "restart": []}
        self.never_back: list[str] = []
        self.sign_ins: list[float] = []
        self.kept_out: list[str] = []
        self.died: list[int] = []
        self.errors: list[str] = []
        self.memory: list[tuple[float, dict[int, float]]] = []
        self._chance = chance
        self._at_work = threading.Lock()  # one of the staff's deeds at a time, as the shell and the pages share a log
        self._workers = threading.Lock()  # a kill and a restart not at the same moment: each is timed
        self._ours: set[int] = set()
        self._known: set[int] = set()
        self._threads: list[threading.Thread] = []
        self._scale = min(1.0, max(0.1, given.minutes / 10))

    def start(self) -> None:
        """Start every kind that is not left out."""
        import_list, scale = self._import_lists, max(0.25, self._scale)
        plans: dict[str, tuple[Callable[[random.Random], None], float]] = {
            "changes": (self._make_changes, 3.0),
            "imports": (import_list, 100.0 * scale),
            "editions": (lambda _: self._run_staff(self.staff.publish_edition), 120.0 * scale),
            "kills": (self._kill_workers, 45.0 * scale),
            "restarts": (self._restart_server, 110.0 * scale),
            "uploads": (self._upload_files, 6.0),
            "guesses": (self._guess_passwords, 10.0),
            "slow": (lambda _: self.stranger.send_slowly(self.over), 25.0),
            "leaving": (lambda _: self.stranger.leave_early(), 2.0),
        }
        for kind, (deed, seconds) in plans.items():
            if kind not in self.given.leave_out:
                self._threads.append(threading.Thread(target=self._repeat, args=(kind, deed, seconds), name=kind))
        self._threads.append(threading.Thread(target=self._watch_memory, name="watch"))
        self._known = set(self.world.list_workers())
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """No more; wait for what is under way."""
        self.over.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, kind: str, deed: Callable[[random.Random], None], seconds: float) -> None:
        """Every so many seconds on the mean; what goes wrong in the harness itself is kept for the report."""
        chance = self._chance(kind)
        while not self.over.wait(seconds * (0.5 + chance.random())):
            try:
                deed(chance)
            except Exception as error:
                self.errors.append(f"{kind}: {type(error).__name__}: {error}")

    # --- the staff ---------------------------------------------------------------------------------------------------

    def _run_staff(self, deed: Callable[[], None]) -> None:
        with self._at_work:
            if not self.over.is_set():
                deed()

    def _make_changes(self, chance: random.Random) -> None:
        self._run_staff(self.staff.suspend_at_once if chance.random() < 0.15 else self.staff.propose_change)

    def _import_lists(self, chance: random.Random) -> None:
        """Not under the staff's lock: an import goes on beside everything else."""
        rows = int(self.given.list_rows * (0.5 + chance.random()))
        if chance.random() < 0.5:
            self.staff.import_list(rows)
        else:
            self.staff.import_by_pages(rows, kill=chance.random() < 0.5)

    # --- processes ---------------------------------------------------------------------------------------------------

    def _kill_workers(self, chance: random.Random) -> None:
        with self._workers:
            workers = self.world.list_workers()
            if not workers:
                return
            pid = chance.choice(workers)
            self._ours.add(pid)
            self.journal.note_event("kill", pid=pid)
            begun = time.monotonic()
            self.world.kill_process(pid)
            self.counts["workers killed"] += 1
            self._time_recovery("kill", begun, lambda now: pid not in now)

    def _restart_server(self, _: random.Random) -> None:
        with self._workers:
            before = set(self.world.list_workers())
            self._ours |= before
            self.journal.note_event("restart")
            begun = time.monotonic()
            self.world.hang_up()
            self.counts["rolling restarts"] += 1
            self._time_recovery("restart", begun, lambda now: not now & before)

    def _time_recovery(self, what: str, begun: float, is_new: Callable[[set[int]], bool]) -> None:
        """Seconds until as many workers as before answer, which they show by having accepted one of our connections."""
        came: set[int] = set()  # that accepted a connection at any time since: one may be between two just now
        alive: set[int] = set()
        asking: deque[socket.socket] = deque(maxlen=8)
        while time.monotonic() < begun + self.given.back:
            asking.append(self.world.knock_once())
            alive = set(self.world.list_workers())
            came = (came | self.world.is_answering()) & alive
            if len(came) >= self.world.wanted and is_new(alive):
                self.back[what].append(time.monotonic() - begun)
                break
            time.sleep(0.05)
        else:
            self.never_back.append(f"{what}: workers {sorted(alive)}, of which {sorted(came)} answered")
        for one in asking:
            one.close()
        self._known = set(self.world.list_workers())

    def _is_declared(self, begun: float, ended: float) -> bool:
        """Whether a worker was killed, or asked to end, while a request was under way."""
        ours = [event["t"] for event in self.journal.events if event["kind"] in ("kill", "restart")]
        return any(begun - 0.1 <= at + AROUND_A_KILL and at <= ended + 0.1 for at in ours)

    def _watch_memory(self) -> None:
        """Memory of the workers, and whether one died that nobody killed."""
        begun = time.monotonic()
        while not self.over.wait(2.0):
            with suppress(OSError):
                self.memory.append((time.monotonic() - begun, self.world.measure_memory()))
            if self._workers.acquire(timeout=0):
                try:
                    now = set(self.world.list_workers())
                    for pid in self._known - now - self._ours:
                        self.died.append(pid)
                        self.journal.note_event("died", pid=pid)
                    self._known = now
                finally:
                    self._workers.release()

    # --- strangers ---------------------------------------------------------------------------------------------------

    def _upload_files(self, chance: random.Random) -> None:
        (self.stranger.upload_file if chance.random() < 0.6 else self.stranger.send_malformed)()

    def _guess_passwords(self, chance: random.Random) -> None:
        """Strangers guess at somebody's password; now and then that person signs in meanwhile."""
        name = chance.choice(("owner", "owner", "nobody", "approver"))
        guessing = threading.Thread(target=self.stranger.guess_password, args=(name,))
        guessing.start()
        if name == "owner" and chance.random() < 0.5:
            try:
                self.sign_ins.append(self.owner.sign_in())
            except NotSignedIn as error:
                self.kept_out.append(str(error))
            except httpx.HTTPError as error:
                self.counts[f"owner's sign-in {type(error).__name__}"] += 1
        guessing.join()

    # --- saying it ---------------------------------------------------------------------------------------------------

    def describe_briefly(self) -> str:
        """For a line of progress."""
        data = dict(self.counts)
        return ", ".join(f"{number} {what}" for what, number in data.items()) + f", {len(self.died)} died"

    def summarise(self) -> dict[str, Any]:
        """For the report."""
        held = [(seconds, sum(by.values()) / len(by)) for seconds, by in self.memory if by]
        each = [value for _, by in self.memory for value in by.values()]
        return {
            "counts": self.counts,
            "back": self.back,
            "never_back": self.never_back,
            "strangers": dict(sorted(self.stranger.counts.items())),
            "undeclared": self.stranger.undeclared,
            "sign_ins": self.sign_ins,
            "kept_out": self.kept_out,
            "died": len(self.died),
            "errors": self.errors,
            "memory": {
                "start": held[0][1] if held else 0.0,
                "end": held[-1][1] if held else 0.0,
                "peak": max(each, default=0.0),
            },
        }
