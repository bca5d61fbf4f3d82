"""The limits of every kind of file, checked before it is read and while it is, and of the processes that read them.

The first fields are about the file, the last about the process that reads it, which the system ends where the first
ones failed to. Such a process also ends with its parent.
"""

import ctypes
import os
import resource
import signal
import struct
from contextlib import suppress

import msgspec

_MIB = 1024 * 1024
#: Characters of a row of claims as text, and blank lines of a file of claims: skipping them costs time too.
MAX_LINE_LENGTH, MAX_BLANK_LINES = 262_144, 100_000


class FileLimits(msgspec.Struct, frozen=True):
    """The contents of one file, and the resources of reading it. Sizes in bytes, times in seconds."""

    #: The file as sent; all that it unpacks to, files inside it included; parts of a package; sheets of a workbook.
    packed: int
    unpacked: int
    parts: int = 2_000
    sheets: int = 200
    #: The compression ratio of a part, checked only above the size ``ratio_from``. Lists have 20 to 200.
    ratio: int = 400
    ratio_from: int = _MIB
    #: Zip files inside one another (a docx with a workbook in it: 2), and XML elements inside one another.
    packages: int = 2
    depth: int = 200
    #: The last row and column of a spreadsheet by its format; cells of the grid that all sheets span; characters of a
    #: cell, or of any other text in one piece; characters of a row.
    rows: int = 1_048_576
    columns: int = 16_384
    cells: int = 1_000_000
    cell_length: int = 131_072
    row_length: int = 1_048_576

    #: Of the process: address space, processor time, time to wait for it, and bytes of all its messages.
    memory: int = 512 * _MIB
    cpu: int = 10
    seconds: float = 30.0
    output: int = 64 * _MIB


#: A list at /check: at most 5 MiB, answered while somebody waits.
PAGE = FileLimits(packed=5 * _MIB, unpacked=32 * _MIB, output=32 * _MIB)
#: csv sent to /api/v1/verify/batch, piece by piece.
BATCH = FileLimits(
    packed=256 * _MIB,
    unpacked=256 * _MIB,
    cells=20_000_000,
    memory=256 * _MIB,
    cpu=300,
    seconds=600.0,
    output=1024 * _MIB,
)
#: A document that a change rests on: only its kind is looked at.
DOCUMENT = FileLimits(
    packed=64 * _MIB, unpacked=1024 * _MIB, parts=10_000, ratio_from=64 * _MIB, cpu=30, seconds=60.0, output=_MIB
)
#: A picture beside a report: some megabytes, tens of millions of pixels.
PICTURE = FileLimits(packed=8 * _MIB, unpacked=512 * _MIB, memory=1024 * _MIB, output=7 * _MIB)
#: Lists and files of people that are imported, and files given to the command.
LIST = FileLimits(
    packed=64 * _MIB,
    unpacked=1024 * _MIB,
    parts=10_000,
    ratio_from=64 * _MIB,
    cells=20_000_000,
    memory=2048 * _MIB,
    cpu=600,
    seconds=1800.0,
    output=4096 * _MIB,
)
#: A file of claims given to `registry check`: as large as a spreadsheet can be.
SHELL = msgspec.structs.replace(
    LIST, packed=1024 * _MIB, unpacked=1024 * _MIB, cpu=3600, seconds=7200.0, output=8192 * _MIB
)
#: The process that works on an import. It parses no upload itself and writes to the database, so that its output is not
#: limited.
JOB = FileLimits(packed=0, unpacked=0, memory=4096 * _MIB, cpu=7200)


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
