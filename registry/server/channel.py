"""Messages between the supervisor and a worker: lines of a few words over a pair of sockets."""

from __future__ import annotations

import socket

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
