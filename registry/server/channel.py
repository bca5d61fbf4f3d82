"""A worker process as the supervisor controls it, and the messages between them: lines over a pair of sockets."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time

#: From the supervisor: ping; leave, because another worker has taken over.
PING, LEAVE = "ping", "leave"
#: From the worker: it answers requests; it answers a ping; it cannot start (with the reason on the rest of the line).
READY, PONG, FAILED = "ready", "pong", "failed"
#: Exit status of a worker that could not start: it would not next time either.
CANNOT_START = 3


class WorkerChannel:
    """One end. It never blocks: what cannot be sent now is dropped; a lost ping is followed by the next."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._end = end
        self._rest = b""

    def fileno(self) -> int:
        """Return the descriptor, for a selector or an event loop."""
        return self._end.fileno()

    def send(self, word: str, text: str = "") -> None:
        """Send a message; the other end may be gone."""
        line = f"{word} {' '.join(text.split())}".strip().encode()[:4000]
        try:
            self._end.send(line + b"\n")
        except OSError:
            return

    def receive(self) -> list[tuple[str, str]] | None:
        """Return the messages that have come, as (word, rest of its line); None when the other end is gone."""
        try:
            data = self._end.recv(65536)
        except BlockingIOError:
            return []
        except OSError:
            return None
        if not data:
            return None
        *lines, self._rest = (self._rest + data).split(b"\n")
        parts = (line.decode("utf-8", "replace").partition(" ") for line in lines)
        return [(word, text) for word, _, text in parts]

    def close(self) -> None:
        """Close the socket."""
        self._end.close()


class WorkerProcess:
    """A worker in a new interpreter, so that one that is replaced after an update runs the new code. Starts at once."""

    def __init__(self, listener: socket.socket, lifeline: int) -> None:
        own_end, worker_end = socket.socketpair()
        with worker_end:
            descriptors = (listener.fileno(), worker_end.fileno(), lifeline)
            self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and numbers of our own
                [sys.executable, "-P", "-m", "registry.server.worker", *map(str, descriptors)],
                stdin=subprocess.DEVNULL,
                pass_fds=descriptors,
            )
        self.channel = WorkerChannel(own_end)
        self.ready = False
        #: Pings without an answer yet.
        self.unanswered = 0
        self._failure = ""
        self._started_at = time.monotonic()
        self._left_at: float | None = None

    @property
    def reason(self) -> str:
        """Why it ended, in a few words: its own message, the signal, or the exit status."""
        status = self.process.returncode
        if status is not None and status < 0:
            return signal.Signals(-status).name
        return self._failure or f"exit status {status}"

    def get_age(self) -> float:
        """Return the seconds since it was started."""
        return time.monotonic() - self._started_at

    def receive_messages(self) -> bool:
        """Handle the messages of the worker; return False when it closed its end."""
        messages = self.channel.receive()
        for word, text in messages or ():
            if word == READY:
                self.ready = True
            elif word == PONG:
                self.unanswered = 0
            elif word == FAILED:
                self._failure = text
        return messages is not None

    def send_ping(self) -> None:
        """Send a ping."""
        self.unanswered += 1
        self.channel.send(PING)

    def ask_to_leave(self) -> None:
        """Ask it to finish what it answers and end, because another one has taken its place."""
        self._left_at = time.monotonic()
        self.channel.send(LEAVE)

    def get_seconds_since_leaving(self) -> float:
        """Return the seconds since it was asked to leave; 0 before."""
        return time.monotonic() - self._left_at if self._left_at is not None else 0.0

    def has_ended(self) -> bool:
        """Return whether the process has ended."""
        return self.process.poll() is not None

    def has_failed_to_start(self) -> bool:
        """Return whether it ended because it could not start, as another one would."""
        return not self.ready and self.process.returncode == CANNOT_START
