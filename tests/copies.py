"""Server processes that are copies of one which has imported the product: ``python -m tests.copies FD``.

An interpreter that imports the register takes more than a second of the processor, its supervisor and each worker
again, and hundreds of tests start one. Here one process per run of tests imports it, has one thread and no setting, and
forks for each server; the supervisor forks its workers. From there on they are what the command is: own environment,
own descriptors, own signals. What the start itself is asked about is tested on new interpreters.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any, NoReturn

IMPORTED = ("registry.cli.maintenance", "registry.server.app", "registry.server.worker", "uvicorn.loops.auto", "uvloop")
_DEFAULT = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


class CopyProcess:
    """A server that was forked by the original, with as much of a Popen as tests use."""

    def __init__(self, arguments: list[str], env: dict[str, str], stderr: int) -> None:
        reader, writer = os.pipe()
        self._life, other_end = socket.socketpair()
        with other_end:
            mask = os.umask(0)
            os.umask(mask)
            order = json.dumps([arguments, env, str(Path.cwd()), mask]).encode()
            socket.send_fds(start_original(), [order], [writer, stderr, other_end.fileno()])
        os.close(writer)
        self.stdout: IO[bytes] | None = os.fdopen(reader, "rb")
        self.returncode: int | None = None
        self.pid = int.from_bytes(self._life.recv(4), "big")
        assert self.pid, "the process that is copied has ended"

    def poll(self) -> int | None:
        """Return the exit status, negative for a signal; None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended; its exit status. TimeoutExpired after ``timeout`` seconds."""
        if self.returncode is None:
            self._life.settimeout(timeout)
            try:
                status = self._life.recv(4)
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired("registry serve", timeout or 0) from None
            self._life.close()
            self.returncode = os.waitstatus_to_exitcode(int.from_bytes(status or b"\x09", "big"))
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended: perhaps since it was asked, and nobody has said so yet."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


@cache
def start_original() -> socket.socket:
    """Start the process that is copied; return the socket it takes orders from. It ends with this process."""
    own, other_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    with other_end:
        original = subprocess.Popen(
            [sys.executable, "-m", "tests.copies", str(other_end.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[other_end.fileno()],
            env={**kept, "LC_ALL": "C.UTF-8"},
            cwd=Path(__file__).parents[1],
        )
    atexit.register(original.wait)
    atexit.register(own.close)  # the last one said is the first one done
    return own


class _Worker:
    """A worker that its supervisor forked, with as much of a Popen as the supervisor uses."""

    def __init__(self, arguments: list[str], stdin: int, pass_fds: tuple[int, ...]) -> None:
        del stdin  # nothing, as that of the supervisor
        self.returncode: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            signal.set_wakeup_fd(-1)
            _become(pass_fds, lambda: importlib.import_module("registry.server.worker").main(*map(int, arguments[-3:])))

    def poll(self) -> int | None:
        if self.returncode is None:
            found, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if found else None
        return self.returncode

    def terminate(self) -> None:
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)


def _become(kept: tuple[int, ...], run: Callable[[], Any]) -> NoReturn:
    """Be a process of one's own, with the standard descriptors and those ``kept``; run, and exit."""
    code = 1
    try:
        for number in _DEFAULT:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        lowest = 3
        for descriptor in (*sorted(kept), os.sysconf("SC_OPEN_MAX")):
            os.closerange(lowest, descriptor)
            lowest = descriptor + 1
        code = run() or 0
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()
        os._exit(code)


def _run_server(arguments: list[str], env: dict[str, str], out: int, errors: int) -> NoReturn:
    nothing = os.open(os.devnull, os.O_RDONLY)
    for given, standard in ((nothing, 0), (out, 1), (errors, 2)):
        os.dup2(given, standard)
    os.environ.clear()
    os.environ.update(env)
    tempfile.tempdir = None
    sys.argv[:] = ["registry", *arguments]
    channel = importlib.import_module("registry.server.channel")
    channel.subprocess = SimpleNamespace(Popen=_Worker, DEVNULL=subprocess.DEVNULL)  # type: ignore[attr-defined]
    command = importlib.import_module("registry.cli").main
    _become((), lambda: command(arguments, prog_name="registry"))


class _Original:
    """Takes orders, forks for each, and tells how each copy ended; ends them all when nobody gives orders any more."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._copies: dict[int, socket.socket] = {}

    def serve(self) -> None:
        wakes, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal: it is for the tests
        with selectors.DefaultSelector() as ready:
            ready.register(self._control, selectors.EVENT_READ)
            ready.register(wakes, selectors.EVENT_READ)
            while True:
                for key, _ in ready.select():
                    if key.fileobj is not self._control:
                        os.read(wakes, 4096)
                    elif not self._fork():
                        for process in self._copies:
                            os.kill(process, signal.SIGTERM)
                        return
                self._reap()

    def _fork(self) -> bool:
        order, descriptors, _, _ = socket.recv_fds(self._control, 1 << 20, 3)
        if not order:
            return False
        out, errors, life = descriptors
        process = os.fork()
        if process == 0:
            signal.set_wakeup_fd(-1)
            arguments, env, folder, mask = json.loads(order)
            os.chdir(folder)
            os.umask(mask)
            _run_server(arguments, env, out, errors)
        os.close(out)
        os.close(errors)
        self._copies[process] = socket.socket(fileno=life)
        self._copies[process].send(process.to_bytes(4, "big"))
        return True

    def _reap(self) -> None:
        while self._copies:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                return
            with self._copies.pop(process) as life, contextlib.suppress(OSError):
                life.send(status.to_bytes(4, "big"))


def main(control: int) -> None:
    """Load the product, and serve the socket whose descriptor is given."""
    gc.disable()
    for module in IMPORTED:
        importlib.import_module(module)
    importlib.import_module("registry.texts").load_catalogues()
    importlib.import_module("registry.institutions.search").preload_tables()
    for module in ("public_site.responses", "registry.staff.i18n"):
        environment = importlib.import_module(module).build_environment("zh-CN", "normal")
        for template in environment.list_templates():
            environment.get_template(template)
    gc.freeze()
    gc.enable()
    _Original(socket.socket(fileno=control)).serve()


if __name__ == "__main__":
    main(int(sys.argv[1]))
