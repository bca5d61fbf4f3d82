"""The connections of one process: how many are open and from where, and what was refused or cut, by reason.

Counted at the socket and shown in /metrics. Each of several workers has its own.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Container
from enum import Enum

#: Share of the limit above which answers ask for the connection to be closed.
CROWDED_SHARE = 0.8
#: Connections that may linger while they are refused; beyond that they are closed at once.
MAX_REFUSED = 64


class StopMode(Enum):
    """How a worker stops: replaced by another one, or with the whole server."""

    LEAVE = 1
    END = 2


class Connections:
    """Who may connect, and what happened to connections. For the event loop's thread only.

    ``limit`` and ``limit_per_address``: connections open at the same time, 0: no limit. ``exempt``: addresses to which
    the second one does not apply.
    """

    def __init__(self) -> None:
        self.limit = 0
        self.limit_per_address = 0
        self.exempt: Container[str] = ()
        #: None while the process takes connections.
        self.stopping: StopMode | None = None
        #: A connection whose descriptor has this number or a higher one is refused; None: never.
        self.highest_descriptor: int | None = None
        self.open = 0
        #: Whether so many connections are open that idle ones are a burden.
        self.crowded = False
        #: Refused before anything was read, by ``address``, ``all`` or ``descriptors``.
        self.refused: Counter[str] = Counter()
        #: Closed by this side in the middle of a ``head``, ``body`` or ``answer``.
        self.cut: Counter[str] = Counter()
        #: Requests that were refused as bytes, by status.
        self.malformed: Counter[str] = Counter()
        #: Clients that went away in the middle of a request.
        self.departures = 0
        self._by_address: Counter[str] = Counter()

    def admit(self, address: str, host: str, descriptor: int) -> str | None:
        """Let a connection in and count it (``release`` it later), returning None; or return why it is refused.

        ``address`` is what is counted as one asker (for IPv6 a /64), ``host`` the address itself.
        """
        reason = self._find_refusal(address, host, descriptor)
        if reason is not None:
            self.refused[reason] += 1
            return reason
        self.open += 1
        self.crowded = self.open > CROWDED_SHARE * self.limit > 0
        self._by_address[address] += 1
        return None

    def release(self, address: str) -> None:
        """Take a closed connection from the count."""
        self.open -= 1
        self.crowded = self.open > CROWDED_SHARE * self.limit > 0
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]

    def _find_refusal(self, address: str, host: str, descriptor: int) -> str | None:
        if self.highest_descriptor is not None and descriptor >= self.highest_descriptor:
            return "descriptors"
        if self.limit and self.open >= self.limit:
            return "all"
        limit = self.limit_per_address
        if limit and self._by_address[address] >= limit and not (address in self.exempt or host in self.exempt):
            return "address"
        return None

    def summarise(self) -> Counter[str]:
        """Return how much was refused or cut so far, by words for a line of the log."""
        counters = {"refused": self.refused, "cut": self.cut, "malformed": self.malformed}
        return Counter(
            {f"{name} {reason}": number for name, counter in counters.items() for reason, number in counter.items()}
        )


class LoopbackAddresses:
    """The addresses of this machine itself."""

    def __contains__(self, address: object) -> bool:
        try:
            return ipaddress.ip_address(str(address)).is_loopback
        except ValueError:
            return False


#: The connections of this process.
CONNECTIONS = Connections()
