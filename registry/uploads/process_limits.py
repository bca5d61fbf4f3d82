"""What a process that reads files of strangers may take, its end with whoever started it, and how it ended."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import struct
from contextlib import suppress

from registry.uploads.limits import FileLimits

#: Exit statuses: everything was said; there was not even the memory to say so; something unforeseen. And instead of a
#: status: the system could not start the process.
OK, NO_MEMORY, BROKEN, NOT_STARTED = 0, 3, 4, -1
STATUS = struct.Struct("<i")
_DEATH_SIGNAL, _NO_NEW_PRIVILEGES = 1, 38  # of prctl(2)
_FILES = 16


def limit_process(limits: FileLimits, *, writing: bool = False) -> None:
    """Give this process its limits: memory, processor time, open files, no core dump; no file is written.

    ``writing``: it works for the register itself and may write files, and open as many as the system lets it.
    """
    _lower_limit(resource.RLIMIT_AS, limits.memory)
    _lower_limit(resource.RLIMIT_CPU, limits.cpu)
    _lower_limit(resource.RLIMIT_CORE, 0)
    if not writing:
        _lower_limit(resource.RLIMIT_FSIZE, 0)
        _lower_limit(resource.RLIMIT_NOFILE, _FILES)
        _lower_limit(resource.RLIMIT_NPROC, 0)


def _lower_limit(kind: int, most: int) -> None:
    _, hard = resource.getrlimit(kind)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    with suppress(ValueError, OSError):  # a system that knows no such limit
        resource.setrlimit(kind, (most, most))


def end_with_parent(parent: int) -> None:
    """End this process when its parent ends; at once, when it has ended already. Gain no rights by any program."""
    with suppress(OSError, AttributeError):  # no Linux: whoever started it ends it
        prctl = ctypes.CDLL(None).prctl
        prctl(_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(BROKEN)
