"""A worker as its supervisor sees it."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time

from registry.server.channel import CANNOT_START, FAILED, LEAVE, PING, PONG, READY, WorkerChannel


class WorkerProcess:
    """A new interpreter, so that a worker that is replaced after an update runs the new code. Started by making it."""

    def __init__(self, listener: socket.socket, lifeline: int) -> None:
        mine, theirs = socket.socketpair()
        with theirs:
            passed = (listener.fileno(), theirs.fileno(), lifeline)
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and numbers of our own
                [sys.executable, "-P", "-m", "registry.server.worker", *map(str, passed)],
                stdin=subprocess.DEVNULL,
                pass_fds=passed,
            )
        self.channel = WorkerChannel(mine)
        self.pid = self._process.pid
        self.ready = False
        #: Pings that were not answered yet.
        self.unanswered = 0
        self._why = ""
        self._begun = time.monotonic()
        self._left: float | None = None

    @property
    def reason(self) -> str:
        """Why it ended, in a few words: what it said itself, or how the system says it ended."""
        status = self._process.returncode
        if status is not None and status < 0:
            return signal.Signals(-status).name
        return self._why or f"exit status {status}"

    def get_age(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self._begun

    def receive_messages(self) -> bool:
        """Take in what it said; False when it closed its end."""
        heard = self.channel.receive()
        for word, more in heard or ():
            if word == READY:
                self.ready = True
            elif word == PONG:
                self.unanswered = 0
            elif word == FAILED:
                self._why = more
        return heard is not None

    def send_ping(self) -> None:
        """Ask whether it is there."""
        self.unanswered += 1
        self.channel.send(PING)

    def ask_to_leave(self) -> None:
        """Ask it to end what it answers and go, another one having taken its place."""
        self._left = time.monotonic()
        self.channel.send(LEAVE)

    def get_seconds_since_leaving(self) -> float:
        """Seconds since it was asked to leave; 0 before."""
        return time.monotonic() - self._left if self._left is not None else 0.0

    def terminate(self) -> None:
        """Ask it to end what it answers within seconds."""
        self._process.terminate()

    def kill(self) -> None:
        """End it now."""
        self._process.kill()

    def has_ended(self) -> bool:
        """Whether it is gone."""
        return self._process.poll() is not None

    def has_failed_to_start(self) -> bool:
        """Whether it ended because it could not start, and would again."""
        return not self.ready and self._process.returncode == CANNOT_START

    def close(self) -> None:
        """Give the channel back; the process is gone, or nobody listens to it any more."""
        self.channel.close()
