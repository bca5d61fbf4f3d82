"""The processes in which files of strangers are read: how they are started, listened to and ended.

Whatever happens to such a process becomes UnreadableFile or TooLarge for the one request that sent the file. The number
of processes at once is limited, and so is the queue for them; further requests are refused as Busy.
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
from typing import IO

import msgspec

from registry.errors import RegistryError, TooLarge
from registry.storage.uploads.gate import Gate
from registry.storage.uploads.limits import NO_MEMORY, NOT_STARTED, STATUS, FileLimits
from registry.storage.uploads.messages import (
    LENGTH,
    LONGEST,
    Answer,
    FilePiece,
    FileRefusal,
    KillOrder,
    PieceDone,
    TaskDone,
    TaskOrder,
    encode_frame,
)
from registry.storage.uploads.refusals import (
    make_busy_error,
    make_crash_error,
    make_out_of_memory_error,
    make_out_of_time_error,
)
from registry.texts import Message

#: Files read at once, and waiting for it; the same for csv that comes piece by piece, whose processes mostly wait for
#: their client.
FILES, FILES_WAITING = max(2, min(4, os.cpu_count() or 1)), 8
STREAMS, STREAMS_WAITING = 32, 32
_RECEIVED = 65_536
#: Seconds to wait for the end of a process.
_PATIENCE = 5.0
_ROOT = Path(__file__).parents[2]
_answers = msgspec.msgpack.Decoder(Answer)
_log = logging.getLogger("registry")


class Sandbox:
    """Starts a process for each file, forked from one server process; usable from any thread."""

    def __init__(self, more_tasks: str = "", files: int = FILES, waiting: int = FILES_WAITING) -> None:
        """``more_tasks``: a module that adds tasks to ``tasks.TASKS``."""
        self._more_tasks = more_tasks
        self._files, self._streams = Gate(files, waiting), Gate(STREAMS, STREAMS_WAITING)
        self._lock = threading.Lock()
        self._jobs = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        atexit.register(self.close)

    def open_channel(self, task: str, limits: FileLimits, source: IO[bytes] | None, **options: str) -> SandboxChannel:
        """Begin a task; without a source the file comes piece by piece. Busy when too many are at work."""
        self._files.enter()
        return self._make_channel(self._files, task, limits, source, options)

    async def open_stream(self, task: str, limits: FileLimits, **options: str) -> SandboxChannel:
        """Begin a task whose file a client sends piece by piece, without blocking the event loop."""
        await self._streams.enter_async()
        return self._make_channel(self._streams, task, limits, None, options)

    def _make_channel(
        self, gate: Gate, task: str, limits: FileLimits, source: IO[bytes] | None, options: dict[str, str]
    ) -> SandboxChannel:
        try:
            return SandboxChannel(self, gate, limits, *self._start_job(task, limits, source, options))
        except BaseException:
            gate.leave()
            raise

    def _start_job(
        self, task: str, limits: FileLimits, source: IO[bytes] | None, options: dict[str, str]
    ) -> tuple[int, socket.socket, int]:
        """(number of the job, socket of its messages, pipe of its exit status)."""
        job = next(self._jobs)
        order = encode_frame(TaskOrder(job, task, limits, options))
        handed_over: list[int] = []
        try:
            if source is not None:
                file = reopen_file(source)
            local, remote = socket.socketpair()
            status, status_end = os.pipe()
            handed_over = [remote.detach(), status_end, *([file] if source is not None else [])]
            self._send_order(order, handed_over)
        except OSError as error:  # no descriptors, no processes: nothing the file is to blame for
            _log.warning("no process to read a file: %s", error)
            raise make_busy_error() from error
        finally:
            for descriptor in handed_over:
                os.close(descriptor)
        return job, local, status

    def _send_order(self, order: bytes, descriptors: list[int] | None = None) -> None:
        with self._lock:
            for may_retry in (True, False):
                control = self._open_control()
                try:
                    socket.send_fds(control, [order], descriptors or [])
                except OSError:
                    self._stop_server()  # it has ended
                    if not may_retry:
                        raise
                else:
                    return

    def _open_control(self) -> socket.socket:
        if self._control is not None:
            return self._control
        local, remote = socket.socketpair()
        names = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ")
        # No address or key of a database.
        environment = {name: os.environ[name] for name in names if name in os.environ}
        paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        modules = [self._more_tasks] if self._more_tasks else []
        with remote:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-P", "-m", "registry.storage.uploads.fork_server", str(remote.fileno()), *modules],
                env={**environment, "PYTHONPATH": os.pathsep.join(paths)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(remote.fileno(),),
                start_new_session=True,  # an interrupt meant for the server does not reach it
            )
        self._control = local
        return local

    def kill_job(self, job: int) -> None:
        """End the process of a job, if it is still there."""
        with suppress(OSError), self._lock:
            if self._control is not None:
                self._control.sendall(encode_frame(KillOrder(job)))

    def close(self) -> None:
        """End every process."""
        with self._lock:
            self._stop_server()

    def _stop_server(self) -> None:
        control, process, self._control, self._process = self._control, self._process, None, None
        if control is not None:
            control.close()  # which ends it
        if process is not None:
            try:
                process.wait(timeout=_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class SandboxChannel:
    """The connection to the process that reads one file. Close it, or use it as a context manager."""

    def __init__(
        self, sandbox: Sandbox, gate: Gate, limits: FileLimits, job: int, connected: socket.socket, status: int
    ) -> None:
        self._sandbox, self._gate, self._limits, self._job = sandbox, gate, limits, job
        self._socket, self._status = connected, status
        self._buffer = bytearray()
        self._seconds_left, self._size = limits.seconds, 0
        self._done = self._closed = False

    def __enter__(self) -> SandboxChannel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process unless it is done, and let the next file in."""
        if self._closed:
            return
        self._closed = True
        if not self._done:
            self._sandbox.kill_job(self._job)
        self._socket.close()
        os.close(self._status)
        self._gate.leave()

    def receive_messages(self) -> Generator[Answer, None, None]:
        """Yield all messages about the file; UnreadableFile or TooLarge, with what to do, when it cannot be read."""
        try:
            while not self._done:
                yield from self._decode_messages(self._receive_bytes())
        finally:
            self.close()

    def exchange_piece(self, piece: FilePiece) -> list[Answer]:
        """Send the next piece of a file and return the messages about it; an error closes the channel."""
        try:
            return self._send_and_receive(piece)
        except BaseException:
            self.close()
            raise

    def _send_and_receive(self, piece: FilePiece) -> list[Answer]:
        self._socket.settimeout(max(self._seconds_left, 0.001))
        started = time.monotonic()
        with suppress(BrokenPipeError, ConnectionResetError, TimeoutError):  # then no message comes either
            self._socket.sendall(encode_frame(piece))
        self._seconds_left -= time.monotonic() - started
        messages: list[Answer] = []
        while not self._done and not (messages and isinstance(messages[-1], PieceDone)):
            messages += self._decode_messages(self._receive_bytes())
        return messages

    async def exchange_piece_async(self, piece: FilePiece) -> list[Answer]:
        """As ``exchange_piece``, without blocking the event loop."""
        try:
            return await self._send_and_receive_async(piece)
        except BaseException:
            self.close()
            raise

    async def _send_and_receive_async(self, piece: FilePiece) -> list[Answer]:
        loop = asyncio.get_running_loop()
        self._socket.setblocking(False)
        messages: list[Answer] = []
        started = time.monotonic()
        try:
            async with asyncio.timeout(self._seconds_left):
                with suppress(BrokenPipeError, ConnectionResetError):
                    await loop.sock_sendall(self._socket, encode_frame(piece))
                while not self._done and not (messages and isinstance(messages[-1], PieceDone)):
                    data = b""
                    with suppress(ConnectionResetError):
                        data = await loop.sock_recv(self._socket, _RECEIVED)
                    messages += self._decode_messages(data or await asyncio.to_thread(self._raise_end_error))
        except TimeoutError:
            raise make_out_of_time_error() from None
        finally:
            self._seconds_left -= time.monotonic() - started
        return messages

    def _receive_bytes(self) -> bytes:
        """Return the next bytes; raise the reason for the end of the process when none come."""
        started = time.monotonic()
        self._socket.settimeout(max(self._seconds_left, 0.001))
        try:
            data = self._socket.recv(_RECEIVED)
        except TimeoutError:
            raise make_out_of_time_error() from None
        except ConnectionResetError:
            data = b""
        self._seconds_left -= time.monotonic() - started
        return data or self._raise_end_error()

    def _raise_end_error(self) -> bytes:
        raise self._make_end_error()

    def _make_end_error(self) -> RegistryError:
        """The error for a process that ended before it was done."""
        ready, _, _ = select.select([self._status], [], [], _PATIENCE)
        data = os.read(self._status, STATUS.size) if ready else b""
        if len(data) < STATUS.size:
            _log.warning("the process that starts those that read files came to an end")
            return make_busy_error()
        (status,) = STATUS.unpack(data)
        if status == NOT_STARTED:
            return make_busy_error()
        code = os.waitstatus_to_exitcode(status)
        if code == NO_MEMORY:
            return make_out_of_memory_error()
        if code == -signal.SIGXCPU:
            return make_out_of_time_error()
        _log.warning("a process that read a file ended with status %s", code)
        return make_crash_error()

    def _decode_messages(self, data: bytes) -> list[Answer]:
        """The messages that these bytes complete; a FileRefusal is raised."""
        self._buffer += data
        messages: list[Answer] = []
        while len(self._buffer) >= LENGTH.size:
            (length,) = LENGTH.unpack_from(self._buffer)
            if length > LONGEST or self._size + length > self._limits.output:
                raise TooLarge(
                    Message("文件里的文字过多，已经停止读取，没有处理；请删去多余的行列和内容后另存，或分成几份。")
                )
            if len(self._buffer) < LENGTH.size + length:
                break
            try:
                message = _answers.decode(memoryview(self._buffer)[LENGTH.size : LENGTH.size + length])
            except (msgspec.MsgspecError, UnicodeDecodeError):  # a parser was taken over by the file
                raise make_crash_error() from None
            self._size += length
            del self._buffer[: LENGTH.size + length]
            if isinstance(message, FileRefusal):
                self._done = True
                if message.reason:
                    _log.info("a file could not be read: %r", message.reason)
                raise message.to_error()
            messages.append(message)
            if isinstance(message, TaskDone):
                self._done = True
                self.close()
        return messages


def reopen_file(source: IO[bytes]) -> int:
    """A read-only descriptor of a file for another process, with a position of its own at the start."""
    try:
        source.flush()
        descriptor = source.fileno()
    except io.UnsupportedOperation:  # in memory
        with tempfile.TemporaryFile() as copy:
            position = source.tell()
            source.seek(0)
            shutil.copyfileobj(source, copy)
            source.seek(position)
            return reopen_file(copy)
    try:
        return os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:  # no Linux
        os.lseek(descriptor, 0, os.SEEK_SET)
        return os.dup(descriptor)


#: The sandbox of this process.
sandbox = Sandbox()
