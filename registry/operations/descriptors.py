"""File descriptors of this process: their limit, and a fault while they are nearly used up."""

from __future__ import annotations

import os
import resource

from registry.errors import InvalidInput, OutOfDescriptors
from registry.storage.fault_board import FaultBoard
from registry.texts import Message

#: Reserved for the database, the log, temporary files and child processes: no connection may use them.
RESERVE = 128
#: A register that could serve fewer connections is not started.
FEWEST = 16


def read_limit() -> int:
    """Return how many descriptors this process may have open."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def count_needed(connections: int, refused: int) -> int:
    """Return how many descriptors a process needs for so many connections, and ``refused`` ones being refused."""
    return connections + refused + RESERVE


def raise_limit(connections: int, refused: int) -> int:
    """Raise this process's limit so that so many connections, and ``refused`` ones being refused, fit.

    Returns how many connections fit: fewer if the machine allows no more. InvalidInput if that is too few.
    """
    needed = count_needed(connections, refused)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    possible = min(connections, soft - refused - RESERVE)
    if possible < min(FEWEST, connections):
        raise InvalidInput(
            Message(
                "可打开的文件描述符只有 {soft} 个，至少需要 {fewest} 个"
                "（{connections} 个连接需要 {needed} 个）。请提高上限：ulimit -n {needed}",
                soft=soft,
                fewest=count_needed(FEWEST, refused),
                connections=connections,
                needed=needed,
            )
        )
    return possible


def find_first_reserved() -> int:
    """Return the number from which on descriptors are reserved: the system always hands out the lowest free one."""
    return max(read_limit() - RESERVE, 0)


def check(board: FaultBoard) -> None:
    """Report a fault while descriptors are nearly used up, and clear it afterwards."""
    try:
        lowest_free = os.open(os.devnull, os.O_RDONLY)
        os.close(lowest_free)
    except OSError:
        lowest_free = read_limit()
    if lowest_free < find_first_reserved():
        board.clear(OutOfDescriptors.code)
        return
    limit = read_limit()
    board.report(
        OutOfDescriptors(
            Message(
                "文件描述符将用尽（上限 {limit}），新的连接被拒绝。请提高上限（ulimit -n 或 LimitNOFILE），"
                "或减少连接。",
                limit=limit,
            )
        )
    )
