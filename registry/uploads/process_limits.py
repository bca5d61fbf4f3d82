"""The limits of a process that reads files of strangers, its end with its parent, and its exit statuses."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import struct
from contextlib import suppress

from registry.uploads.limits import FileLimits

#: Exit statuses: done; too little memory even to send a refusal; unforeseen. And in place of one: the system could not
#: start the process.
OK, NO_MEMORY, BROKEN, NOT_STARTED = 0, 3, 4, -1
STATUS = struct.Struct("<i")
_DEATH_SIGNAL, _NO_NEW_PRIVILEGES = 1, 38  # of prctl(2)
_FILES = 16


def limit_process(limits: FileLimits, *, writing: bool = False) -> None:
    """Limit this process: memory, processor time, open files, no core dump, no written file, no child.

    ``writing``: it works for the register itself and may write files, open as many as the system allows, and fork.
    """
    _lower_limit(resource.RLIMIT_AS, limits.memory)
    _lower_limit(resource.RLIMIT_CPU, limits.cpu)
    _lower_limit(resource.RLIMIT_CORE, 0)
    if not writing:
        _lower_limit(resource.RLIMIT_FSIZE, 0)
        _lower_limit(resource.RLIMIT_NOFILE, _FILES)
        _lower_limit(resource.RLIMIT_NPROC, 0)


def _lower_limit(kind: int, limit: int) -> None:
    _, hard = resource.getrlimit(kind)
    limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    with suppress(ValueError, OSError):  # a system that knows no such limit
        resource.setrlimit(kind, (limit, limit))


def end_with_parent(parent: int) -> None:
    """End this process with its parent, at once when that has ended already; gain no rights by any program."""
    with suppress(OSError, AttributeError):  # no Linux: whoever started it ends it
        prctl = ctypes.CDLL(None).prctl
        prctl(_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(BROKEN)
