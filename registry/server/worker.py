"""One worker: ``python -m registry.server.worker LISTENER CHANNEL LIFELINE``, three inherited descriptors.

It accepts connections on the listener, gets messages of the supervisor on the channel, and ends when the lifeline is
closed: the supervisor holds its other end, however it dies.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import re
import signal
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Container, Iterator
from typing import Any, cast

import uvicorn
from uvicorn.lifespan.on import LifespanOn, LifespanSendMessage
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from registry import settings
from registry.operations import descriptors
from registry.server.channel import CANNOT_START, FAILED, LEAVE, PING, PONG, READY, WorkerChannel
from registry.server.protocol import HttpConnection
from registry.settings import Settings
from registry.web.connections import CONNECTIONS, MAX_REFUSED, LoopbackAddresses, StopMode

#: Seconds between looks at the connections, and between two lines about those that were refused or cut.
LOOK_EVERY, SUMMARY_EVERY = 0.5, 60.0
#: Seconds to finish what is being answered, by how the worker stops; then it is cut.
PATIENCE = {StopMode.LEAVE: 120, StopMode.END: 10}
#: Seconds that a stopping worker still accepts connections: those that wait already must not be reset.
LAST_ACCEPTED = 0.5
#: Seconds a worker may take to end when its supervisor is gone.
ORPHAN_PATIENCE = 3.0
_log = logging.getLogger("registry")


class _WorkerLifespan(LifespanOn):
    """Records in one sentence why the application could not start, instead of printing a traceback."""

    reason = ""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.logger = logging.getLogger("registry.lifespan")
        self.logger.disabled = True  # the failures are logged below, and by the supervisor

    async def send(self, message: LifespanSendMessage) -> None:
        """Handle a message of the application."""
        if message["type"] == "lifespan.startup.failed":
            self.reason = _find_last_error(message.get("message", ""))
        elif message["type"] == "lifespan.shutdown.failed":
            _log.error("the register did not close well: %s", _find_last_error(message.get("message", "")))
        await super().send(message)


class WorkerServer(uvicorn.Server):
    """uvicorn's server with a supervisor instead of signals, and deadlines for its connections."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket, channel: WorkerChannel) -> None:
        super().__init__(config)
        self._listener = listener
        self._channel = channel
        #: Times of the monotonic clock, once it stops: to accept no more connections, to cut what is left.
        self._accept_until: float | None = None
        self._cut_off: float | None = None
        self._watch_task: asyncio.Task[None] | None = None

    def get_failure_reason(self) -> str:
        """Return why the application could not start."""
        return cast(_WorkerLifespan, self.lifespan).reason

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End on SIGTERM; signals that a terminal sends to all processes are the supervisor's."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: self.stop(StopMode.END))
        yield

    def stop(self, mode: StopMode) -> None:
        """Accept no more connections soon, and finish what is begun. May be called again, and from a signal handler."""
        CONNECTIONS.stopping = mode
        self.config.timeout_graceful_shutdown = PATIENCE[mode]
        self._accept_until = time.monotonic() + LAST_ACCEPTED
        self._cut_off = self._accept_until + PATIENCE[mode] - 2 * LOOK_EVERY

    async def on_tick(self, counter: int) -> bool:
        """Return whether to stop now; called ten times a second."""
        if self._accept_until is not None and time.monotonic() >= self._accept_until:
            self.should_exit = True
        return await super().on_tick(counter)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then tell the supervisor."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_log_loop_error)
        await super().startup(sockets)
        self._watch_task = loop.create_task(self._watch_connections())
        loop.add_reader(self._channel.fileno(), self._receive_messages)
        self._channel.send(READY)

    def _receive_messages(self) -> None:
        messages = self._channel.receive()
        if messages is None:
            asyncio.get_running_loop().remove_reader(self._channel.fileno())
            return
        for word, _ in messages:
            if word == PING:
                self._channel.send(PONG)
            elif word == LEAVE and CONNECTIONS.stopping is None:
                self.stop(StopMode.LEAVE)

    async def _watch_connections(self) -> None:
        loop = asyncio.get_running_loop()
        summary, summarised_at = CONNECTIONS.summarise(), loop.time()
        while True:
            await asyncio.sleep(LOOK_EVERY)
            await asyncio.sleep(0)  # what came while this process had no turn is read before anybody is too late
            now = loop.time()
            CONNECTIONS.highest_descriptor = descriptors.find_first_reserved()
            for connection in list(cast("set[HttpConnection]", self.server_state.connections)):
                if self._cut_off is not None and time.monotonic() > self._cut_off:
                    connection.transport.abort()
                else:
                    connection.check_deadlines(now)
            try:
                await self._reopen_listener()
            except OSError as error:
                _log.warning("cannot listen again: %s", error.strerror)
            if now > summarised_at + SUMMARY_EVERY:
                summary, summarised_at = _log_summary(summary), now

    async def _reopen_listener(self) -> None:
        """Listen again where the event loop gave up: it closes the listener when descriptors run out."""
        if CONNECTIONS.stopping or all(
            sock is not None and sock.fileno() != -1 for server in self.servers for sock in server.sockets
        ):
            return
        for server in self.servers:
            server.close()
        listener = socket.socket(fileno=os.dup(self._listener.fileno()))

        def make_connection() -> HttpConnection:
            return HttpConnection(self.config, self.server_state, self.lifespan.state)

        server = await asyncio.get_running_loop().create_server(
            make_connection, sock=listener, backlog=self.config.backlog
        )
        self.servers = [server]
        _log.warning("listening again")


def _find_last_error(trace: str) -> str:
    """Return the error at the end of a traceback; of a group of errors, its last one."""
    lines = [line.strip(" |+-") for line in trace.splitlines()]
    errors = [line for line in lines if re.match(r"[A-Za-z_][\w.]*: ", line)]
    return errors[-1].removeprefix("registry.errors.") if errors else (lines or [""])[-1]


def _log_summary(before: Counter[str]) -> Counter[str]:
    now = CONNECTIONS.summarise()
    new = now - before
    if new:
        summary = ", ".join(f"{name}: {number}" for name, number in sorted(new.items()))
        _log.warning("connections in the last minute: %s", summary)
    return now


def _log_loop_error(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    if not isinstance(error, ConnectionError):
        _log.error("%s: %s", context.get("message"), f"{type(error).__name__}: {error}" if error else "-")


def _end_with_supervisor(lifeline: int) -> None:
    """Wait until the supervisor is gone; then end this process, whatever it is doing."""
    with contextlib.suppress(OSError):
        while os.read(lifeline, 1):
            pass
    threading.Timer(ORPHAN_PATIENCE, os._exit, (1,)).start()
    os.kill(os.getpid(), signal.SIGTERM)


def make_config(loaded: Settings) -> uvicorn.Config:
    """Return uvicorn's settings, and set the limits of this process's connections."""
    proxies = ProxyHeadersMiddleware(cast(Any, None), loaded.trusted_proxies).trusted_hosts
    CONNECTIONS.limit = descriptors.raise_limit(loaded.max_connections, MAX_REFUSED)
    CONNECTIONS.limit_per_address = loaded.address_connections
    # Where no proxy is named, one on this machine may still be in front: then all connections come from this machine.
    CONNECTIONS.exempt = cast("Container[str]", proxies) if loaded.trusted_proxies else LoopbackAddresses()
    CONNECTIONS.highest_descriptor = descriptors.find_first_reserved()
    return uvicorn.Config(
        "registry.server.app:build_server_app",
        factory=True,
        http=HttpConnection,
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        forwarded_allow_ips=loaded.trusted_proxies,
    )


def _load_application(config: uvicorn.Config) -> None:
    """Import the application without the garbage collector, which would take a third of the time and find nothing."""
    gc.disable()
    config.load()
    gc.freeze()
    gc.enable()


def main(listener: int, channel: int, lifeline: int) -> int:
    """Serve until asked to stop; return the exit status."""
    for descriptor in (listener, channel, lifeline):
        os.set_inheritable(descriptor, False)
    threading.Thread(target=_end_with_supervisor, args=(lifeline,), name="lifeline", daemon=True).start()
    listening = socket.socket(fileno=listener)
    supervisor = WorkerChannel(socket.socket(fileno=channel))
    server: WorkerServer | None = None
    try:
        config = make_config(settings.load())
        _load_application(config)
        config.lifespan_class = _WorkerLifespan
        server = WorkerServer(config, listening, supervisor)
        server.run(sockets=[socket.socket(fileno=os.dup(listener))])
    except SystemExit as ending:
        supervisor.send(FAILED, server.get_failure_reason() if server else "")
        return int(ending.code or 0)
    except Exception as error:
        supervisor.send(FAILED, f"{type(error).__name__}: {error}")
        return CANNOT_START
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:4])))
