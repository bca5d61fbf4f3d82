"""The process from which those that read files are forked: run as a module, with a descriptor (and tasks).

A program with one thread, started once by a server, that has imported the readers and holds nothing of the register: no
settings, no keys, no database. It forks for each file, so that a start costs milliseconds; the child limits itself and
reads. Children end with it, and it ends with whoever started it.
"""

import gc
import importlib
import os
import selectors
import signal
import socket
import sys
from contextlib import suppress
from typing import NoReturn

import msgspec

from registry.storage.uploads.limits import BROKEN, NO_MEMORY, NOT_STARTED, OK, STATUS, end_with_parent, limit_process
from registry.storage.uploads.messages import LENGTH, KillOrder, TaskOrder
from registry.storage.uploads.tasks import Job, run_task

#: Its niceness over that of the server.
_NICE = 5
_orders = msgspec.msgpack.Decoder(TaskOrder | KillOrder)


class ForkServer:
    """Takes orders from a socket, forks for each, and writes the exit status of the child to the pipe of the job."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._jobs: dict[int, tuple[int, int]] = {}  # job number and pipe by process
        self._devnull = os.open(os.devnull, os.O_RDWR)

    def serve(self) -> None:
        """Serve until whoever started this goes away; then end all children."""
        wakes, wake = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(wakes, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        with selectors.DefaultSelector() as ready:
            ready.register(self._control, selectors.EVENT_READ)
            ready.register(wakes, selectors.EVENT_READ)
            while True:
                for key, _ in ready.select():
                    if key.fileobj is self._control:
                        if not self._handle_order((wakes, wake, ready.fileno())):
                            return self._kill_children()
                    else:
                        with suppress(BlockingIOError):
                            os.read(wakes, 4096)
                self._reap_children()

    def _handle_order(self, own: tuple[int, ...]) -> bool:
        head, descriptors, _, _ = socket.recv_fds(self._control, LENGTH.size, 3)
        if len(head) < LENGTH.size:
            return False
        body = b""
        (length,) = LENGTH.unpack(head)
        while len(body) < length:
            body += (data := self._control.recv(length - len(body)))
            if not data:
                return False
        order = _orders.decode(body)
        if isinstance(order, KillOrder):
            for process, (job, _) in self._jobs.items():
                if job == order.job:
                    os.kill(process, signal.SIGKILL)  # not reaped yet: its number is nobody else's
            return True
        channel, status, *file = descriptors
        try:
            process = os.fork()
        except OSError:  # too many processes: nothing that the file is to blame for
            os.write(status, STATUS.pack(NOT_STARTED))
            os.close(status)
        else:
            if process == 0:
                self._run_child(order, channel, file, own)
            self._jobs[process] = (order.job, status)
        for descriptor in (channel, *file):
            os.close(descriptor)
        return True

    def _run_child(self, order: TaskOrder, channel: int, file: list[int], own: tuple[int, ...]) -> NoReturn:
        """Run the task within its limits in the child, and exit."""
        code = BROKEN
        try:
            end_with_parent(_parent)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for descriptor in (0, 1, 2):
                os.dup2(self._devnull, descriptor)
            for descriptor in (*own, self._control.fileno(), self._devnull, *(s for _, s in self._jobs.values())):
                os.close(descriptor)
            limit_process(order.limits)
            source = os.fdopen(file[0], "rb") if file else None
            with socket.socket(fileno=channel) as connected:
                run_task(Job(source, order.limits, order.options, connected), order.task)
                connected.shutdown(socket.SHUT_WR)
            code = OK
        except MemoryError:
            code = NO_MEMORY
        finally:
            os._exit(code)

    def _reap_children(self) -> None:
        while self._jobs:
            try:
                process, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if process == 0:
                return
            _, pipe = self._jobs.pop(process)
            with suppress(OSError):  # nobody asks any more
                os.write(pipe, STATUS.pack(status))
            os.close(pipe)

    def _kill_children(self) -> None:
        for process in self._jobs:
            os.kill(process, signal.SIGKILL)
        while self._jobs:
            self._jobs.pop(os.waitpid(-1, 0)[0], None)


_parent = os.getpid()


def main(arguments: list[str]) -> int:
    """Serve the socket whose descriptor is given; a second argument names a module with more tasks."""
    for module in arguments[1:]:
        importlib.import_module(module)
    control = socket.socket(fileno=int(arguments[0]))
    os.nice(_NICE)
    gc.disable()
    gc.freeze()  # children share what was imported until they write to it
    ForkServer(control).serve()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
