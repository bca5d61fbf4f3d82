"""Background threads of a process: one that dies is restarted, and is a fault until it has run well for a while."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from registry.errors import ThreadDied
from registry.storage.fault_board import FaultBoard
from registry.texts import Message

#: Seconds between checks of the threads.
LOOK_EVERY = 0.5
#: Seconds before a dead thread is restarted: the first time, and the longest delay if it keeps dying.
FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0
#: Seconds that a restarted thread has to run before its deaths are forgotten.
WELL_AFTER = 10.0
_log = logging.getLogger("registry")
#: The work of a thread until the event is set; one that runs ``once`` may end before.
Task = Callable[[threading.Event], None]


@dataclass
class _Job:
    name: str
    task: Task
    once: bool
    blocks_reading: bool
    thread: threading.Thread | None = None
    started_at: float = 0.0
    deaths: int = 0
    #: When it is restarted; 0: it was not seen dead.
    restart_at: float = 0.0
    done: bool = field(default=False)


class BackgroundThreads:
    """The background threads of one register. ``board`` shows those that died."""

    def __init__(self, board: FaultBoard) -> None:
        self._board = board
        self._jobs: list[_Job] = []
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._watch: threading.Thread | None = None

    def start(self, name: str, task: Task, *, once: bool = False, blocks_reading: bool = False) -> None:
        """Run a task in a thread of its own; ``blocks_reading``: questions cannot be answered without it."""
        job = _Job(name, task, once, blocks_reading)
        with self._lock:
            self._jobs.append(job)
            self._start_thread(job)
            if self._watch is None:
                self._watch = threading.Thread(target=self._watch_threads, name="threads", daemon=True)
                self._watch.start()

    def close(self, patience: float = 5.0) -> None:
        """End all of them, waiting up to ``patience`` seconds for each."""
        self._stop.set()
        for thread in (self._watch, *(job.thread for job in self._jobs)):
            if thread is not None and thread.is_alive():
                thread.join(timeout=patience)

    def restart_dead(self) -> None:
        """Restart dead threads, and report on the board which are dead or were until just now."""
        if self._stop.is_set():
            return
        with self._lock:
            now = time.monotonic()
            for job in self._jobs:
                self._check_job(job, now)
            failing = [job for job in self._jobs if job.deaths]
            blocks = any(job.blocks_reading and job.restart_at for job in failing)
        if not failing:
            self._board.clear(ThreadDied.code)
            return
        names = ", ".join(job.name for job in failing)
        self._board.report(
            ThreadDied(
                Message("后台线程意外结束，正在重新启动：{names}", names=names), threads=[job.name for job in failing]
            ),
            blocks_reading=blocks,
        )

    def _check_job(self, job: _Job, now: float) -> None:
        if job.done:
            job.deaths, job.restart_at = 0, 0.0
        elif job.thread is not None and job.thread.is_alive():
            if job.deaths and now - job.started_at > WELL_AFTER:
                job.deaths = 0
        elif not job.restart_at:
            job.deaths += 1
            job.restart_at = now + min(FIRST_DELAY * 2 ** (job.deaths - 1), LONGEST_DELAY)
        elif now >= job.restart_at:
            self._start_thread(job)

    def _start_thread(self, job: _Job) -> None:
        job.started_at, job.restart_at = time.monotonic(), 0.0
        job.thread = threading.Thread(target=self._run_task, args=(job,), name=job.name, daemon=True)
        job.thread.start()

    def _run_task(self, job: _Job) -> None:
        try:
            job.task(self._stop)
        except BaseException as error:
            _log.error("the thread %s died", job.name, exc_info=error)
        else:
            job.done = job.once
            if not job.once and not self._stop.is_set():
                _log.error("the thread %s ended by itself", job.name)

    def _watch_threads(self) -> None:
        while not self._stop.wait(LOOK_EVERY):
            try:
                self.restart_dead()
            except Exception as error:  # no room for another thread, say: tried again at the next look
                _log.warning("cannot look after the threads: %s", type(error).__name__)
