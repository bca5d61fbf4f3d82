"""What the processes of one run of tests make once: whoever needs it first makes it, the others wait for it."""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

#: Names the folder in the environment of the processes that a run of tests starts for itself.
_VARIABLE = "REGISTER_TESTS"


@cache
def find_folder() -> Path:
    """The folder of this run; the process that asks first removes it at its end."""
    if _VARIABLE not in os.environ:
        os.environ[_VARIABLE] = tempfile.mkdtemp(prefix="register-tests-")
        atexit.register(shutil.rmtree, os.environ[_VARIABLE], ignore_errors=True)
    return Path(os.environ[_VARIABLE])


@contextmanager
def hold_lock(name: str) -> Iterator[None]:
    """Be the only process of the run that does something."""
    with (find_folder() / f".{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def share_once(name: str, make: Callable[[Path], object]) -> Path:
    """What ``make`` leaves at the path it is given: made once a run, for all to read."""
    path = find_folder() / name
    with hold_lock(name):
        if not path.exists():
            aside = path.with_name(f"making-{name}")
            make(aside)
            aside.rename(path)
    return path
