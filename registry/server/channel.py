"""What a supervisor and a worker say to each other: lines of a few words over a pair of sockets."""

from __future__ import annotations

import socket

#: From the supervisor: are you there; let another take your place; stop.
PING, LEAVE = "ping", "leave"
#: From the worker: I answer requests; I am here; I cannot start (and why, on the rest of the line).
READY, PONG, FAILED = "ready", "pong", "failed"
#: Exit status of a worker that could not start: it would not next time either.
CANNOT_START = 3


class WorkerChannel:
    """One end. Nothing here waits: what cannot be sent now is dropped, a lost ping is followed by the next."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._end = end
        self._rest = b""

    def fileno(self) -> int:
        """The descriptor, for a selector or an event loop."""
        return self._end.fileno()

    def send(self, word: str, more: str = "") -> None:
        """Say something; the other end may be gone."""
        line = f"{word} {' '.join(more.split())}".strip().encode()[:4000]
        try:
            self._end.send(line + b"\n")
        except OSError:
            return

    def receive(self) -> list[tuple[str, str]] | None:
        """(word, the rest of its line) of what has come; None when the other end is gone."""
        try:
            data = self._end.recv(65536)
        except BlockingIOError:
            return []
        except OSError:
            return None
        if not data:
            return None
        *lines, self._rest = (self._rest + data).split(b"\n")
        words = (line.decode("utf-8", "replace").partition(" ") for line in lines)
        return [(word, more) for word, _, more in words]

    def close(self) -> None:
        """Give the socket back."""
        self._end.close()
