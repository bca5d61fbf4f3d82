"""Put before a server's own modules by a test: makes a worker fail at its start, or a thread of it die, on demand."""

import os
import sys
from pathlib import Path

_ARGUMENTS = sys.orig_argv


def _is_wanted() -> bool:
    flag = os.environ.get("BROKEN_IF")
    return flag is None or Path(flag).exists()


if "registry.server.worker" in _ARGUMENTS:
    from registry import register

    _thread = os.environ.get("BROKEN_THREAD")
    if _thread is None:
        _start = register.Register.start

        def start(self: register.Register) -> None:
            if _is_wanted():
                raise OSError("no such database")
            _start(self)

        register.Register.start = start  # type: ignore[method-assign]
    else:
        from registry.operations import threads

        _begin = threads.BackgroundThreads.start

        def begin(self, name, task, **more):  # type: ignore[no-untyped-def]
            import threading

            def until_broken(stop: threading.Event) -> None:
                inner = threading.Event()
                worker = threading.Thread(target=task, args=(inner,), daemon=True)
                worker.start()
                while not stop.wait(0.1):
                    if _is_wanted():
                        inner.set()
                        raise ValueError("broken by the test")
                inner.set()
                worker.join()

            _begin(self, name, until_broken if name == _thread else task, **more)

        threads.BackgroundThreads.start = begin  # type: ignore[method-assign]
