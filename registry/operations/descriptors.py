"""File descriptors of this process: how many it may have, and a fault while they are nearly used up."""

from __future__ import annotations

import os
import resource

from registry.errors import InvalidInput, OutOfDescriptors
from registry.storage.fault_board import FaultBoard

#: Kept for the database, the log, temporary files and child processes: no connection takes one of them.
RESERVE = 128
#: Fewest connections that a register is worth starting with.
FEWEST = 16


def read_limit() -> int:
    """How many this process may have open."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def count_needed(connections: int, refused: int) -> int:
    """How many a process needs for so many connections, and ``refused`` ones being refused."""
    return connections + refused + RESERVE


def raise_limit(connections: int, refused: int) -> int:
    """Raise this process's limit so that so many connections, and ``refused`` ones being refused, fit.

    Returns how many connections fit: fewer where the machine allows no more. InvalidInput where that is too few.
    """
    wanted = count_needed(connections, refused)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    fit = min(connections, soft - refused - RESERVE)
    if fit < min(FEWEST, connections):
        raise InvalidInput(
            f"可打开的文件描述符只有 {soft} 个，至少需要 {count_needed(FEWEST, refused)} 个"
            f"（{connections} 个连接需要 {wanted} 个）。请提高上限：ulimit -n {wanted}",
            f"This process may open {soft} file descriptors; at least {count_needed(FEWEST, refused)} are needed "
            f"({wanted} for {connections} connections). Raise the limit: ulimit -n {wanted}",
        )
    return fit


def find_first_reserved() -> int:
    """The number from which on descriptors are kept for other things than connections: the lowest free one is always
    taken, so a higher number says that so many are open."""
    return max(read_limit() - RESERVE, 0)


def check(board: FaultBoard) -> None:
    """Put up a fault while descriptors are nearly used up, and take it down when they are not any more."""
    try:
        found = os.open(os.devnull, os.O_RDONLY)
    except OSError:
        lowest_free = read_limit()
    else:
        os.close(found)
        lowest_free = found
    if lowest_free < find_first_reserved():
        board.clear(OutOfDescriptors.code)
        return
    board.report(
        OutOfDescriptors(
            f"文件描述符将用尽（上限 {read_limit()}），新的连接被拒绝。请提高上限（ulimit -n 或 LimitNOFILE），或减少连接。",
            f"File descriptors are running out ({read_limit()} at most) and new connections are refused. Raise the limit "
            "(ulimit -n or LimitNOFILE), or have fewer connections.",
        )
    )
