"""Files of strangers are read in processes of their own: this starts them, listens to them, and survives whatever ends
them.

Whatever happens to such a process concerns the one request that sent the file: it becomes UnreadableFile or TooLarge.
How many there are at once is limited, and how many wait for that; who comes after them is told to come again (Busy).
"""

from __future__ import annotations

import asyncio
import atexit
import io
import itertools
import logging
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO

import msgspec

from registry.errors import RegistryError
from registry.uploads.gate import Gate, busy
from registry.uploads.limits import Limits
from registry.uploads.messages import LENGTH, LONGEST, Answer, Done, Kill, More, Order, Piece, Refusal, frame
from registry.uploads.process import NO_MEMORY, NOT_STARTED, STATUS
from registry.uploads.refusals import crashed, out_of_memory, out_of_output, out_of_time

#: Files that are read at once, and those that wait for it; the same of csv that comes piece by piece, whose processes
#: mostly wait for their client.
FILES, FILES_WAITING = max(2, min(4, os.cpu_count() or 1)), 8
STREAMS, STREAMS_WAITING = 32, 32
_RECEIVED = 65_536
#: Seconds that the end of a process may take to be known.
_PATIENCE = 5.0
_ROOT = Path(__file__).parents[2]
_answers = msgspec.msgpack.Decoder(Answer)
_log = logging.getLogger("registry")


class Sandbox:
    """Starts a process for each file, from one that was started once; may be used from any thread."""

    def __init__(self, more_tasks: str = "", files: int = FILES, waiting: int = FILES_WAITING) -> None:
        """``more_tasks``: a module that adds to the tasks there are."""
        self._more_tasks = more_tasks
        self._files, self._streams = Gate(files, waiting), Gate(STREAMS, STREAMS_WAITING)
        self._lock = threading.Lock()
        self._jobs = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        atexit.register(self.close)

    def open(self, task: str, limits: Limits, source: IO[bytes] | None, **options: str) -> Channel:
        """Begin a task; without a source the file comes piece by piece. Busy when too many are at it already."""
        self._files.enter()
        return self._open(self._files, task, limits, source, options)

    async def open_stream(self, task: str, limits: Limits, **options: str) -> Channel:
        """Begin a task whose file comes from a client, piece by piece as it sends; the event loop goes on meanwhile."""
        await self._streams.enter_async()
        return self._open(self._streams, task, limits, None, options)

    def _open(
        self, gate: Gate, task: str, limits: Limits, source: IO[bytes] | None, options: dict[str, str]
    ) -> Channel:
        try:
            return Channel(self, gate, limits, *self._begin(task, limits, source, options))
        except BaseException:
            gate.leave()
            raise

    def _begin(
        self, task: str, limits: Limits, source: IO[bytes] | None, options: dict[str, str]
    ) -> tuple[int, socket.socket, int]:
        """(number of the job, what it says, where its end is said)."""
        job = next(self._jobs)
        order = frame(Order(job, task, limits, options))
        theirs: list[int] = []
        try:
            if source is not None:
                file = reopened(source)
            ours, channel = socket.socketpair()
            status, end = os.pipe()
            theirs = [channel.detach(), end, *([file] if source is not None else [])]
            self._order(order, theirs)
        except OSError as error:  # no descriptors, no processes: nothing the file is to blame for
            _log.warning("no process to read a file: %s", error)
            raise busy() from error
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        return job, ours, status

    def _order(self, order: bytes, descriptors: list[int] | None = None) -> None:
        with self._lock:
            for again in (True, False):
                control = self._running()
                try:
                    socket.send_fds(control, [order], descriptors or [])
                except OSError:
                    self._stop()  # it ended, whoever ended it
                    if not again:
                        raise
                else:
                    return

    def _running(self) -> socket.socket:
        if self._control is not None:
            return self._control
        ours, theirs = socket.socketpair()
        names = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ")
        clean = {name: os.environ[name] for name in names if name in os.environ}  # no address or key of a database
        paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        more = [self._more_tasks] if self._more_tasks else []
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-P", "-m", "registry.uploads.forking", str(theirs.fileno()), *more],
                env={**clean, "PYTHONPATH": os.pathsep.join(paths)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,  # an interrupt meant for the server lets it end what it is at
            )
        self._control = ours
        return ours

    def kill(self, job: int) -> None:
        """End the process of a job, if it is still there."""
        with suppress(OSError), self._lock:
            if self._control is not None:
                self._control.sendall(frame(Kill(job)))

    def close(self) -> None:
        """End every process."""
        with self._lock:
            self._stop()

    def _stop(self) -> None:
        control, process, self._control, self._process = self._control, self._process, None, None
        if control is not None:
            control.close()  # which ends it
        if process is not None:
            try:
                process.wait(timeout=_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Channel:
    """One file being read: what the process says of it. Close it, or use it as a context manager."""

    def __init__(
        self, sandbox: Sandbox, gate: Gate, limits: Limits, job: int, connected: socket.socket, status: int
    ) -> None:
        self._sandbox, self._gate, self._limits, self._job = sandbox, gate, limits, job
        self._socket, self._status = connected, status
        self._held = bytearray()
        self._left, self._size = limits.seconds, 0
        self._done = self._closed = False

    def __enter__(self) -> Channel:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process if it is not at its end, and let the next file in."""
        if self._closed:
            return
        self._closed = True
        if not self._done:
            self._sandbox.kill(self._job)
        self._socket.close()
        os.close(self._status)
        self._gate.leave()

    def messages(self) -> Generator[Answer, None, None]:
        """All that is said of the file; UnreadableFile or TooLarge, with what to do, when it cannot be read."""
        try:
            while not self._done:
                yield from self._understood(self._receive())
        finally:
            self.close()

    def exchange(self, piece: Piece) -> list[Answer]:
        """Hand over the next piece of a file, and hear all that is said of it; an error closes the channel."""
        try:
            return self._exchanged(piece)
        except BaseException:
            self.close()
            raise

    def _exchanged(self, piece: Piece) -> list[Answer]:
        self._socket.settimeout(max(self._left, 0.001))
        started = time.monotonic()
        with suppress(BrokenPipeError, ConnectionResetError, TimeoutError):  # then it says nothing either
            self._socket.sendall(frame(piece))
        self._left -= time.monotonic() - started
        heard: list[Answer] = []
        while not self._done and not (heard and isinstance(heard[-1], More)):
            heard += self._understood(self._receive())
        return heard

    async def exchange_async(self, piece: Piece) -> list[Answer]:
        """The same without holding up the event loop."""
        try:
            return await self._exchanged_async(piece)
        except BaseException:
            self.close()
            raise

    async def _exchanged_async(self, piece: Piece) -> list[Answer]:
        loop = asyncio.get_running_loop()
        self._socket.setblocking(False)
        heard: list[Answer] = []
        started = time.monotonic()
        try:
            async with asyncio.timeout(self._left):
                with suppress(BrokenPipeError, ConnectionResetError):
                    await loop.sock_sendall(self._socket, frame(piece))
                while not self._done and not (heard and isinstance(heard[-1], More)):
                    data = b""
                    with suppress(ConnectionResetError):
                        data = await loop.sock_recv(self._socket, _RECEIVED)
                    heard += self._understood(data or await asyncio.to_thread(self._raise_end))
        except TimeoutError:
            raise out_of_time() from None
        finally:
            self._left -= time.monotonic() - started
        return heard

    def _receive(self) -> bytes:
        """The next bytes; what ended the process, where there are none."""
        started = time.monotonic()
        self._socket.settimeout(max(self._left, 0.001))
        try:
            data = self._socket.recv(_RECEIVED)
        except TimeoutError:
            raise out_of_time() from None
        except ConnectionResetError:
            data = b""
        self._left -= time.monotonic() - started
        return data or self._raise_end()

    def _raise_end(self) -> bytes:
        raise self._end()

    def _end(self) -> RegistryError:
        """Why a process ended that had more to say."""
        ready, _, _ = select.select([self._status], [], [], _PATIENCE)
        said = os.read(self._status, STATUS.size) if ready else b""
        if len(said) < STATUS.size:
            _log.warning("the process that starts those that read files came to an end")
            return busy()
        (status,) = STATUS.unpack(said)
        if status == NOT_STARTED:
            return busy()
        code = os.waitstatus_to_exitcode(status)
        if code == NO_MEMORY:
            return out_of_memory()
        if code == -signal.SIGXCPU:
            return out_of_time()
        _log.warning("a process that read a file ended with status %s", code)
        return crashed()

    def _understood(self, data: bytes) -> list[Answer]:
        """The messages that are whole with these bytes; a Refusal is raised."""
        self._held += data
        found: list[Answer] = []
        while len(self._held) >= LENGTH.size:
            (length,) = LENGTH.unpack_from(self._held)
            if length > LONGEST or self._size + length > self._limits.output:
                raise out_of_output()
            if len(self._held) < LENGTH.size + length:
                break
            try:
                message = _answers.decode(memoryview(self._held)[LENGTH.size : LENGTH.size + length])
            except (msgspec.MsgspecError, UnicodeDecodeError):  # whatever speaks there is no reader of ours any more
                raise crashed() from None
            self._size += length
            del self._held[: LENGTH.size + length]
            if isinstance(message, Refusal):
                self._done = True
                if message.reason:
                    _log.info("a file could not be read: %r", message.reason)
                raise message.error()
            found.append(message)
            if isinstance(message, Done):
                self._done = True
                self.close()
        return found


def reopened(source: IO[bytes]) -> int:
    """A descriptor of a file for another process: to read only, with a place of its own in it, from its start."""
    try:
        source.flush()
        descriptor = source.fileno()
    except io.UnsupportedOperation:  # in memory
        with tempfile.TemporaryFile() as copy:
            place = source.tell()
            source.seek(0)
            shutil.copyfileobj(source, copy)
            source.seek(place)
            return reopened(copy)
    try:
        return os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:  # no Linux
        os.lseek(descriptor, 0, os.SEEK_SET)
        return os.dup(descriptor)


#: The one of this process.
sandbox = Sandbox()
