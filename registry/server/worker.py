"""One worker: ``python -m registry.server.worker LISTENER CHANNEL LIFELINE``, three inherited descriptors.

It takes connections on the listener, hears the supervisor on the channel, and ends when the lifeline does: the
supervisor holds its other end, and is gone then, however it died.
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
from registry.web.connections import HERE, MOST_REFUSED, LoopbackAddresses, StopMode

#: Seconds between looks at the connections, and between two lines about those that were refused or cut.
LOOK_EVERY, SUMMARY_EVERY = 0.5, 60.0
#: Seconds for what is being answered, by how the worker stops; then it is cut.
PATIENCE = {StopMode.LEAVE: 120, StopMode.END: 10}
#: Seconds that connections are still taken by a worker that stops: those that were made before must not be reset.
LAST_TAKEN = 0.5
#: Seconds a worker may take to end when its supervisor is gone.
ORPHAN = 3.0
_log = logging.getLogger("registry")


class _WorkerLifespan(LifespanOn):
    """Keeps why the application could not start as one sentence, instead of printing where in the code."""

    reason = ""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.logger = logging.getLogger("registry.lifespan")
        self.logger.disabled = True  # what it would say is said below, and by the supervisor

    async def send(self, message: LifespanSendMessage) -> None:
        """Hear from the application."""
        if message["type"] == "lifespan.startup.failed":
            self.reason = _find_last_error(message.get("message", ""))
        elif message["type"] == "lifespan.shutdown.failed":
            _log.error("the register did not close well: %s", _find_last_error(message.get("message", "")))
        await super().send(message)


class WorkerServer(uvicorn.Server):
    """uvicorn's server with a supervisor instead of signals, and an eye on its connections."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket, channel: WorkerChannel) -> None:
        super().__init__(config)
        self._listener = listener
        self._channel = channel
        self._last_taken: float | None = None
        self._cut_off: float | None = None
        self._watch: asyncio.Task[None] | None = None

    def get_failure_reason(self) -> str:
        """Why the application could not start."""
        return cast(_WorkerLifespan, self.lifespan).reason

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGTERM ends it; what a terminal sends to everybody is the supervisor's business."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: self.stop(StopMode.END))
        yield

    def stop(self, how: StopMode) -> None:
        """Take no more connections soon, and end what is begun. May be called again, and from a signal."""
        HERE.stopping = how
        self.config.timeout_graceful_shutdown = PATIENCE[how]
        self._last_taken = time.monotonic() + LAST_TAKEN
        self._cut_off = self._last_taken + PATIENCE[how] - 2 * LOOK_EVERY

    async def on_tick(self, counter: int) -> bool:
        """Whether to stop now, ten times a second."""
        if self._last_taken is not None and time.monotonic() >= self._last_taken:
            self.should_exit = True
        return await super().on_tick(counter)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then say so."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_log_loop_error)
        HERE.now = loop.time()
        await super().startup(sockets)
        self._watch = loop.create_task(self._watch_connections())
        loop.add_reader(self._channel.fileno(), self._receive_messages)
        self._channel.send(READY)

    def _receive_messages(self) -> None:
        heard = self._channel.receive()
        if heard is None:
            asyncio.get_running_loop().remove_reader(self._channel.fileno())
            return
        for word, _ in heard:
            if word == PING:
                self._channel.send(PONG)
            elif word == LEAVE and HERE.stopping is None:
                self.stop(StopMode.LEAVE)

    async def _watch_connections(self) -> None:
        loop = asyncio.get_running_loop()
        before, said = HERE.summarise(), loop.time()
        while True:
            await asyncio.sleep(LOOK_EVERY)
            HERE.now = loop.time()
            HERE.highest_descriptor = descriptors.find_first_reserved()
            for connection in list(cast("set[HttpConnection]", self.server_state.connections)):
                if self._cut_off is not None and time.monotonic() > self._cut_off:
                    connection.transport.abort()
                else:
                    connection.check_deadlines(HERE.now)
            try:
                await self._reopen_listener()
            except OSError as error:
                _log.warning("cannot listen again: %s", error.strerror)
            if HERE.now > said + SUMMARY_EVERY:
                before, said = _log_summary(before), HERE.now

    async def _reopen_listener(self) -> None:
        """Open the listener again where the event loop gave it up: it does without descriptors to spare."""
        if HERE.stopping or all(_is_open(server) for server in self.servers):
            return
        for server in self.servers:
            server.close()
        own = socket.socket(fileno=os.dup(self._listener.fileno()))

        def make_connection() -> HttpConnection:
            return HttpConnection(self.config, self.server_state, self.lifespan.state)

        server = await asyncio.get_running_loop().create_server(make_connection, sock=own, backlog=self.config.backlog)
        self.servers = [server]
        _log.warning("listening again")


def _find_last_error(trace: str) -> str:
    """The error that a traceback is about; of a group of errors the last one in it."""
    lines = [line.strip(" |+-") for line in trace.splitlines()]
    found = [line for line in lines if re.match(r"[A-Za-z_][\w.]*: ", line)]
    return found[-1].removeprefix("registry.errors.") if found else (lines or [""])[-1]


def _is_open(server: asyncio.base_events.Server) -> bool:
    return all(one is not None and one.fileno() != -1 for one in server.sockets)


def _log_summary(before: Counter[str]) -> Counter[str]:
    now = HERE.summarise()
    new = now - before
    if new:
        told = ", ".join(f"{what}: {number}" for what, number in sorted(new.items()))
        _log.warning("connections in the last minute: %s", told)
    return now


def _log_loop_error(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    if not isinstance(error, ConnectionError):
        _log.error("%s: %s", context.get("message"), f"{type(error).__name__}: {error}" if error else "-")


def _end_with_supervisor(lifeline: int) -> None:
    """Wait for the supervisor to be gone; then end this process, whatever it is at."""
    with contextlib.suppress(OSError):
        while os.read(lifeline, 1):
            pass
    threading.Timer(ORPHAN, os._exit, (1,)).start()
    os.kill(os.getpid(), signal.SIGTERM)


def make_config(loaded: Settings) -> uvicorn.Config:
    """uvicorn's settings, and the limits of this process's connections."""
    proxies = ProxyHeadersMiddleware(cast(Any, None), loaded.trusted_proxies).trusted_hosts
    HERE.most = descriptors.raise_limit(loaded.max_connections, MOST_REFUSED)
    HERE.most_per_address = loaded.address_connections
    # Where no proxy is named, one on this machine may be in front all the same: then everybody comes from here.
    HERE.exempt = cast("Container[str]", proxies) if loaded.trusted_proxies else LoopbackAddresses()
    HERE.highest_descriptor = descriptors.find_first_reserved()
    return uvicorn.Config(
        "registry.server.app:served",
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
    """Import the application. Nothing of that is garbage: looking for some takes a third of the time."""
    gc.disable()
    config.load()
    gc.freeze()
    gc.enable()


def main(listener: int, channel: int, lifeline: int) -> int:
    """Serve until told to stop; the exit status."""
    for inherited in (listener, channel, lifeline):
        os.set_inheritable(inherited, False)
    threading.Thread(target=_end_with_supervisor, args=(lifeline,), name="lifeline", daemon=True).start()
    bound = socket.socket(fileno=listener)
    supervisor = WorkerChannel(socket.socket(fileno=channel))
    server: WorkerServer | None = None
    try:
        config = make_config(settings.load())
        _load_application(config)
        config.lifespan_class = _WorkerLifespan
        server = WorkerServer(config, bound, supervisor)
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
