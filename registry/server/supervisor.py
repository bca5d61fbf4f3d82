"""The supervisor: starts the workers, notices those that died or hang, and replaces them."""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Callable
from types import FrameType

from registry.errors import CannotAnswer
from registry.server.channel import WorkerProcess
from registry.texts import Message

#: Seconds between looks, and between two pings of each worker.
LOOK_EVERY, PING_EVERY = 0.5, 1.0
#: Pings without an answer after which a worker hangs, and seconds it may take to start.
MAX_UNANSWERED, START_PATIENCE = 15, 120.0
#: A worker that ends within YOUNG seconds died young: the next one is started with a delay that doubles.
YOUNG, FIRST_DELAY, LONGEST_DELAY = 10.0, 0.5, 30.0
#: Seconds that workers have to end after SIGTERM, and after they were asked to leave.
END_PATIENCE, LEAVE_PATIENCE = 18.0, 135.0
_log = logging.getLogger("registry")


class _WorkerPlace:
    """The place of one worker: its worker, the one that is to take over, and when it is filled again."""

    def __init__(self) -> None:
        self.worker: WorkerProcess | None = None
        self.successor: WorkerProcess | None = None
        self.young_deaths = 0
        #: Seconds of the monotonic clock.
        self.fill_at = 0.0


class Supervisor:
    """Runs ``workers`` processes over one listening socket. ``announce`` is called when the first of them answers."""

    def __init__(self, listener: socket.socket, workers: int, announce: Callable[[], None]) -> None:
        self._listener = listener
        self._announce: Callable[[], None] | None = announce
        self._places = [_WorkerPlace() for _ in range(workers)]
        self._leaving: list[WorkerProcess] = []
        self._to_replace: deque[_WorkerPlace] = deque()
        self._signals: deque[int] = deque()
        self._ending = False
        self._pinged_at = 0.0
        self._terminal = _find_terminal()
        self._lifeline, self._lifeline_end = os.pipe()
        self._selector = selectors.DefaultSelector()
        self._wake_reader, self._wake_writer = socket.socketpair()

    def run(self) -> None:
        """Run until SIGTERM or SIGINT; CannotAnswer when a worker cannot start and no other one answers."""
        self._install_signal_handlers()
        try:
            while not self._ending:
                self._fill_empty_places()
                self._wait_for_events(LOOK_EVERY)
                self._handle_signals()
                self._ping_workers()
                for place in self._places:
                    self._check_worker(place)
                self._replace_next_worker()
                self._leaving = [worker for worker in self._leaving if not _has_left(worker)]
        finally:
            self._end_workers()

    # --- signals -----------------------------------------------------------------------------------------------------

    def _install_signal_handlers(self) -> None:
        self._wake_reader.setblocking(False)
        self._wake_writer.setblocking(False)
        signal.set_wakeup_fd(self._wake_writer.fileno(), warn_on_full_buffer=False)
        self._selector.register(self._wake_reader, selectors.EVENT_READ)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, self._note_signal)

    def _note_signal(self, number: int, _frame: FrameType | None) -> None:
        self._signals.append(number)

    def _handle_signals(self) -> None:
        while self._signals:
            number = self._signals.popleft()
            # SIGHUP also comes when the terminal of this process was closed.
            is_terminal_gone = self._terminal is not None and not _is_terminal_open(self._terminal)
            if number in (signal.SIGTERM, signal.SIGINT) or (number == signal.SIGHUP and is_terminal_gone):
                self._ending = True
            elif number == signal.SIGHUP:
                self._to_replace.extend(place for place in self._places if place not in self._to_replace)

    # --- looking -----------------------------------------------------------------------------------------------------

    def _wait_for_events(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            if key.data is None:
                with contextlib.suppress(BlockingIOError):
                    self._wake_reader.recv(4096)
            else:
                self._receive_messages(key.data)

    def _receive_messages(self, worker: WorkerProcess) -> None:
        if not worker.receive_messages():
            self._selector.unregister(worker.channel)
        if worker.ready and self._announce is not None:
            announce, self._announce = self._announce, None
            announce()

    def _ping_workers(self) -> None:
        if time.monotonic() < self._pinged_at + PING_EVERY:
            return
        self._pinged_at = time.monotonic()
        for worker in self._list_workers():
            if worker.ready:
                worker.send_ping()

    def _check_worker(self, place: _WorkerPlace) -> None:
        worker = place.worker
        if worker is not None:
            if worker.ready and worker.unanswered > MAX_UNANSWERED:
                _log_error(Message("工作进程 {pid} 没有反应，正在更换。", pid=worker.process.pid))
                worker.process.kill()
            elif not worker.ready and worker.get_age() > START_PATIENCE:
                worker.process.kill()
            if worker.has_ended():
                self._handle_lost_worker(place, worker)
        self._check_successor(place)

    def _handle_lost_worker(self, place: _WorkerPlace, worker: WorkerProcess) -> None:
        self._close_worker(worker)
        place.worker = None
        if worker.has_failed_to_start() and not any(other.ready for other in self._list_workers()):
            raise CannotAnswer(Message("服务无法启动：{reason}", reason=worker.reason))
        place.young_deaths = place.young_deaths + 1 if worker.get_age() < YOUNG else 0
        delay = min(FIRST_DELAY * 2 ** (place.young_deaths - 1), LONGEST_DELAY) if place.young_deaths else 0.0
        place.fill_at = time.monotonic() + delay
        _log_error(
            Message(
                "工作进程 {pid} 意外结束（{reason}），{delay:g} 秒后重新启动。",
                pid=worker.process.pid,
                reason=worker.reason,
                delay=delay,
            )
        )

    def _list_workers(self) -> list[WorkerProcess]:
        pairs = ((place.worker, place.successor) for place in self._places)
        return [worker for pair in pairs for worker in pair if worker is not None]

    def _fill_empty_places(self) -> None:
        for place in self._places:
            if place.worker is None and place.successor is None and time.monotonic() >= place.fill_at:
                place.worker = self._start_worker()

    def _start_worker(self) -> WorkerProcess:
        worker = WorkerProcess(self._listener, self._lifeline)
        self._selector.register(worker.channel, selectors.EVENT_READ, worker)
        return worker

    def _close_worker(self, worker: WorkerProcess) -> None:
        self._unregister_channel(worker)
        worker.channel.close()

    def _unregister_channel(self, worker: WorkerProcess) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(worker.channel)

    # --- replacing ---------------------------------------------------------------------------------------------------

    def _replace_next_worker(self) -> None:
        """Start the next successor when no other one is starting."""
        if self._to_replace and not any(place.successor for place in self._places):
            place = self._to_replace.popleft()
            place.successor = self._start_worker()

    def _check_successor(self, place: _WorkerPlace) -> None:
        successor = place.successor
        if successor is None:
            return
        if successor.ready:
            if place.worker is not None:
                place.worker.ask_to_leave()
                self._leaving.append(place.worker)
                self._unregister_channel(place.worker)
            place.worker, place.successor, place.young_deaths = successor, None, 0
        elif successor.has_ended() or successor.get_age() > START_PATIENCE:
            successor.process.kill()
            self._close_worker(successor)
            place.successor = None
            self._to_replace.clear()
            _log_error(Message("新的工作进程不能启动（{reason}），原来的继续运行。", reason=successor.reason))

    # --- ending ------------------------------------------------------------------------------------------------------

    def _end_workers(self) -> None:
        """End all workers once they have answered; after a second signal, or END_PATIENCE, kill them."""
        self._signals.clear()
        workers = [*self._list_workers(), *self._leaving]
        for worker in workers:
            worker.process.terminate()
        deadline = time.monotonic() + END_PATIENCE
        while any(not worker.has_ended() for worker in workers):
            if {signal.SIGTERM, signal.SIGINT} & {*self._signals} or time.monotonic() > deadline:
                for worker in workers:
                    worker.process.kill()
            self._wait_for_events(0.1)
        for worker in workers:
            self._close_worker(worker)
        signal.set_wakeup_fd(-1)
        self._selector.close()
        self._wake_reader.close()
        self._wake_writer.close()
        os.close(self._lifeline)
        os.close(self._lifeline_end)


def _has_left(worker: WorkerProcess) -> bool:
    if worker.get_seconds_since_leaving() > LEAVE_PATIENCE:
        worker.process.kill()
    if not worker.has_ended():
        return False
    worker.channel.close()
    return True


def _find_terminal() -> int | None:
    """Return the terminal this process was started in, if any."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        if sys.stdin.isatty():
            return sys.stdin.fileno()
    return None


def _is_terminal_open(terminal: int) -> bool:
    try:
        os.tcgetpgrp(terminal)
    except OSError:
        return False
    return True


def _log_error(message: Message) -> None:
    _log.error("%s", message.to_bilingual())
