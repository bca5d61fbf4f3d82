"""Connections of one process: how many are open and from where, and what was refused or cut, by reason.

Counted at the socket, shown in /metrics. Each of several workers has its own.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Container
from enum import Enum

#: Share of all connections above which answers ask for the connection to be closed.
CROWDED = 0.8
#: Connections being refused that may take their time over it; above that they are closed at once.
MOST_REFUSED = 64


class StopMode(Enum):
    """How a worker stops: another one goes on in its place, or the whole server ends."""

    LEAVE = 1
    END = 2


class Connections:
    """Who may connect and what happened to connections. Belongs to the event loop: not for several threads.

    ``most`` and ``most_per_address``: connections open at the same time, 0: no limit. ``exempt``: addresses that are
    not counted by themselves.
    """

    def __init__(self) -> None:
        self.most = 0
        self.most_per_address = 0
        self.exempt: Container[str] = ()
        #: None while the process takes connections.
        self.stopping: StopMode | None = None
        #: A connection whose descriptor has this number or a higher one is refused; None: never.
        self.highest_descriptor: int | None = None
        self.open = 0
        #: Whether so many connections are open that idle ones are a burden.
        self.crowded = False
        #: Seconds of the event loop's clock at its last look at the connections: near enough for what may take seconds.
        self.now = 0.0
        #: Refused before anything was read, by ``address``, ``all`` or ``descriptors``.
        self.refused: Counter[str] = Counter()
        #: Closed by this side in the middle of something: ``head``, ``body`` or ``answer``.
        self.cut: Counter[str] = Counter()
        #: Requests that were refused as bytes, by status.
        self.malformed: Counter[str] = Counter()
        #: Clients that went away in the middle of a request.
        self.departures = 0
        self._by_address: Counter[str] = Counter()

    def admit(self, address: str, host: str, descriptor: int) -> str | None:
        """Count a connection, or say why it is refused; what was counted is given back by ``release``.

        ``address``: what is counted as one, of which ``host`` is a part.
        """
        reason = self._find_refusal(address, host, descriptor)
        if reason is not None:
            self.refused[reason] += 1
            return reason
        self.open += 1
        self.crowded = self.open > CROWDED * self.most > 0
        self._by_address[address] += 1
        return None

    def release(self, address: str) -> None:
        """A connection that was counted is closed."""
        self.open -= 1
        self.crowded = self.open > CROWDED * self.most > 0
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]

    def _find_refusal(self, address: str, host: str, descriptor: int) -> str | None:
        if self.highest_descriptor is not None and descriptor >= self.highest_descriptor:
            return "descriptors"
        if self.most and self.open >= self.most:
            return "all"
        limit = self.most_per_address
        if limit and self._by_address[address] >= limit and not (address in self.exempt or host in self.exempt):
            return "address"
        return None

    def summarise(self) -> Counter[str]:
        """Everything that was refused or cut so far, in words for a line of the log."""
        told: Counter[str] = Counter()
        for what, counted in (("refused", self.refused), ("cut", self.cut), ("malformed", self.malformed)):
            told.update({f"{what} {reason}": number for reason, number in counted.items()})
        return told


class LoopbackAddresses:
    """The addresses of this machine itself."""

    def __contains__(self, address: object) -> bool:
        try:
            return ipaddress.ip_address(str(address)).is_loopback
        except ValueError:
            return False


#: The connections of this process.
HERE = Connections()
