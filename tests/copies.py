"""Processes that are copies of one which has imported the product: ``python -m tests.copies NAME``.

An interpreter that imports the register takes more than a second of the processor, its supervisor and each worker
again, and hundreds of tests start some. Here one process per run of tests imports it, builds its application, has one
thread and no setting, and forks for each; the supervisor forks its workers. From there on they are what the command is:
own environment, own descriptors, own signals. What servers start is copied, too. What a start itself is asked about is
tested on new interpreters.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn, cast

from tests.sharing import find_folder, hold_lock

ROOT = Path(__file__).parents[1]
REGISTRY = Path(sys.executable).with_name("registry")
#: Kept from the caller's environment; every REGISTRY_ setting of the caller is left out.
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
#: The environment of an original whose copies have another clock, which FAKETIME or its file says to each.
CLOCK = {
    "LD_PRELOAD": str(next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), "")),
    "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    "FAKETIME_NO_CACHE": "1",
    "NO_FAKE_STAT": "1",
    "PYTHONPATH": str(ROOT / "tests" / "faults" / "shifted"),
}
IMPORTED = (
    "alembic.command",
    "registry.cli.maintenance",
    "registry.importers.wizard.job",
    "registry.proposals.job",
    "registry.server.app",
    "registry.server.worker",
    "sqlalchemy.dialects.postgresql.psycopg",
    "psycopg",
    "tests.factories",
    "uvicorn.loops.auto",
    "uvloop",
)
_DEFAULT = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


class CopyProcess(subprocess.Popen[Any]):
    """A Popen whose process the original forks, where it runs our code and its environment asks for nothing else."""

    #: The name of the process that is copied, in its copies.
    original = ""
    _life: socket.socket | None = None

    def _execute_child(self, args, executable, preexec_fn, close_fds, pass_fds, cwd, env, *more):
        arguments, environment = [os.fspath(part) for part in args], dict(os.environ if env is None else env)
        kind = _find_kind(arguments, environment)
        if kind is None:
            return super()._execute_child(args, executable, preexec_fn, close_fds, pass_fds, cwd, env, *more)  # type: ignore[misc]
        pipes, new_session = more[3:9], more[14]
        mask = os.umask(0)
        os.umask(mask)
        order = [arguments, environment, os.fspath(cwd or Path.cwd()), mask, new_session, list(pass_fds)]
        standard = [own if given < 0 else given for own, given in enumerate((pipes[0], pipes[3], pipes[5]))]
        self._life = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._life.connect(f"\0{self.original or start_original(kind)}")
        socket.send_fds(self._life, [json.dumps(order).encode()], [*standard, *pass_fds])
        self.pid = int.from_bytes(self._life.recv(4), "big")
        assert self.pid, "the process that is copied has ended"
        self._child_created = True
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]
        return None

    def _try_wait(self, flags):
        if self._life is None:
            return super()._try_wait(flags)  # type: ignore[misc]
        try:
            status = self._life.recv(4, socket.MSG_DONTWAIT if flags & os.WNOHANG else 0)
        except BlockingIOError:
            return 0, 0
        self._life.close()
        return self.pid, int.from_bytes(status or b"\x09", "big")

    def _internal_poll(self, *args, **options):
        if self._life is None:
            return super()._internal_poll(*args, **options)  # type: ignore[misc]
        if self.returncode is None and self._waitpid_lock.acquire(False):  # type: ignore[attr-defined]
            try:
                process, status = self._try_wait(os.WNOHANG) if self.returncode is None else (0, 0)
                if process:
                    self._handle_exitstatus(status)  # type: ignore[attr-defined]
            finally:
                self._waitpid_lock.release()  # type: ignore[attr-defined]
        return self.returncode


def start_code(code: str, *arguments: str, text: bool = False) -> CopyProcess:
    """Start a process that runs a test's own code, which may import the product and ``tests.factories``."""
    command = [sys.executable, "-c", code, *arguments]
    env = {name: os.environ[name] for name in KEPT if name in os.environ}
    pipe = subprocess.PIPE
    return CopyProcess(command, stdin=pipe, stdout=pipe, text=text, cwd=ROOT, env={**env, "LC_ALL": "C.UTF-8"})


def _find_kind(arguments: list[str], env: dict[str, str]) -> str | None:
    """Which original's copy is what a new interpreter would be; None where something else changes the interpreter."""
    known = arguments[0] == str(REGISTRY) or (arguments[0] == sys.executable and arguments[1] in ("-m", "-c"))
    more = {name: env[name] for name in env if name not in KEPT and not name.startswith("REGISTRY_")}
    if not known or env.get("LC_ALL") != "C.UTF-8":
        return None
    if not more:
        return "usual"
    same = {name: value for name, value in more.items() if name not in ("FAKETIME", "FAKETIME_TIMESTAMP_FILE")}
    return "shifted" if same == CLOCK else None


@cache
def start_original(kind: str) -> str:
    """Start the process that is copied, unless another of this run did; its name. It ends with the last of the run."""
    name = f"{find_folder()}-{kind}"
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    life = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with hold_lock(kind):
        if life.connect_ex(f"\0{name}"):
            original = subprocess.Popen(
                [sys.executable, "-m", "tests.copies", name],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                env={**kept, **(CLOCK if kind == "shifted" else {}), "LC_ALL": "C.UTF-8"},
                cwd=ROOT,
            )
            assert original.stdout is not None
            with original.stdout:
                assert original.stdout.readline(), "the process that is copied could not start"
            original.returncode = 0  # nobody waits for it
            life.connect(f"\0{name}")
        life.send(b"null")
    atexit.register(life.close)
    return name


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
    code: Any = 1
    try:
        for number in _DEFAULT:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        lowest = 3
        for descriptor in (*sorted(kept), os.sysconf("SC_OPEN_MAX")):
            os.closerange(lowest, descriptor)
            lowest = descriptor + 1
        code = run() or 0
    except SystemExit as ending:
        code = ending.code or 0
        if not isinstance(code, int):
            print(code, file=sys.stderr)
            code = 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        for end in (threading._shutdown, atexit._run_exitfuncs, sys.stdout.flush, sys.stderr.flush):  # type: ignore[attr-defined]
            with contextlib.suppress(Exception):
                end()
        os._exit(code)


def _run_arguments(arguments: list[str]) -> Any:
    """Do what a new process with these arguments does."""
    if arguments[0] == str(REGISTRY):
        sys.argv[:] = ["registry", *arguments[1:]]
        return importlib.import_module("registry.cli").main(arguments[1:], prog_name="registry")
    kind, what = arguments[1:3]
    sys.argv[:] = [what if kind == "-m" else kind, *arguments[3:]]
    if kind == "-m":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it was imported before
            return runpy.run_module(what, run_name="__main__", alter_sys=True) and None
    return exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})


def _run_copy(order: list[Any], descriptors: list[int]) -> NoReturn:
    arguments, env, folder, mask, new_session, numbers = order
    os.chdir(folder)
    os.umask(mask)
    if new_session:
        os.setsid()
    wanted = [0, 1, 2, *numbers]
    aside = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, max(wanted) + 1) for descriptor in descriptors]
    for descriptor, number in zip(aside, wanted, strict=True):
        os.dup2(descriptor, number)
    os.environ.clear()
    os.environ.update(env)
    tempfile.tempdir = None
    subprocess.Popen = CopyProcess  # type: ignore[misc]
    channel = importlib.import_module("registry.server.channel")
    channel.subprocess = SimpleNamespace(Popen=_Worker, DEVNULL=subprocess.DEVNULL)  # type: ignore[attr-defined]
    _become(tuple(numbers), lambda: _run_arguments(arguments))


class _Original:
    """Takes orders, forks for each, and tells how each ended; ends them all when nobody is there to give orders."""

    def __init__(self, name: str) -> None:
        self._orders = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._orders.bind(f"\0{name}")
        self._orders.listen(64)
        self._copies: dict[int, socket.socket] = {}

    def serve(self) -> None:
        wakes, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal: it is for the tests
        with selectors.DefaultSelector() as ready:
            for file in (self._orders, wakes):
                ready.register(file, selectors.EVENT_READ)
            while True:
                for key, _ in ready.select():
                    if key.fileobj is self._orders:
                        life, _ = self._orders.accept()
                        order, descriptors, _, _ = socket.recv_fds(life, 1 << 20, 250)
                        if order == b"null":
                            ready.register(life, selectors.EVENT_READ)
                        elif order:
                            self._fork(life, json.loads(order), list(descriptors))
                    elif key.fileobj is not wakes:
                        ready.unregister(key.fileobj)
                        cast(socket.socket, key.fileobj).close()
                        if len(ready.get_map()) == 2:
                            for process in self._copies:
                                os.kill(process, signal.SIGTERM)
                            return
                    else:
                        os.read(wakes, 4096)
                self._reap()

    def _fork(self, life: socket.socket, order: list[Any], descriptors: list[int]) -> None:
        process = os.fork()
        if process == 0:
            signal.set_wakeup_fd(-1)
            _run_copy(order, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        self._copies[process] = life
        with contextlib.suppress(OSError):  # whoever asked has ended
            life.send(process.to_bytes(4, "big"))

    def _reap(self) -> None:
        while True:
            try:
                process, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if process == 0:
                return
            if life := self._copies.pop(process, None):
                with life, contextlib.suppress(OSError):
                    life.send(status.to_bytes(4, "big"))


def _build_app_once() -> None:
    """Build the application, which is the same for every register but for its settings."""
    server = importlib.import_module("registry.server.app")
    app = server.build_app(importlib.import_module("registry.settings").Settings())

    def build_app(settings: Any) -> Any:
        app.state.settings = settings
        return app

    server.build_app = build_app  # type: ignore[attr-defined]


def main(name: str) -> None:
    """Load the product, and take orders to that name."""
    gc.disable()
    for module in IMPORTED:
        importlib.import_module(module)
    importlib.import_module("registry.texts").load_catalogues()
    importlib.import_module("registry.institutions.search").preload_tables()
    for module in ("public_site.responses", "registry.staff.i18n"):
        environment = importlib.import_module(module).build_environment("zh-CN", "normal")
        for template in environment.list_templates():
            environment.get_template(template)
    _build_app_once()
    gc.freeze()
    gc.enable()
    CopyProcess.original = name
    original = _Original(name)
    print("ready", flush=True)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    original.serve()


if __name__ == "__main__":
    main(sys.argv[1])
