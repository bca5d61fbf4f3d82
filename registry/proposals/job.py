"""Approving a long proposal in a process of its own: ``python -m registry.proposals.job NUMBER``, started by a server.

Appending and indexing 100,000 entries keeps an interpreter busy for as long as they take, and whoever reads from the
same process waits for it at every step. What is done, and refused, is ``decide.approve_proposal`` in either case.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import msgspec
import sqlalchemy as sa

from registry import errors, settings
from registry.accounts.audit_log import act_from_address
from registry.errors import CannotAnswer, RegistryError
from registry.log.publish import PublishedLog
from registry.proposals.decide import approve
from registry.settings import Settings
from registry.storage.database import Database
from registry.storage.locks import LockWait, lock_wait
from registry.storage.tables import proposals

#: Drafts of a proposal up to which an approval is done where it is asked for: it takes less than starting a process.
SHORT = 1_000
#: How much less than a reader the process may claim of a busy core.
_NICE = 5


class ApprovalOrder(msgspec.Struct, frozen=True):
    """Which proposal is approved: by whom, from which address, seen as which content; seconds to wait for the lock."""

    number: int
    by: str
    seen: str
    address: str
    wait: float


class _Outcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """What came of it: the entries, or the refusal."""

    first: int = 0
    last: int = 0
    code: str = ""
    zh: str = ""
    en: str = ""
    details: dict[str, Any] = {}


def is_long(database: Database, number: int) -> bool:
    """Whether a proposal had better be approved in a process of its own."""
    with database.reading() as connection:
        items = connection.execute(sa.select(proposals.c["items"]).where(proposals.c.id == number)).scalar()
    return bool(items and items > SHORT)


def approve_in_process(loaded: Settings, number: int, *, by: str, seen: str, address: str) -> tuple[int, int]:
    """``decide.approve_proposal`` in a process of its own; returns and raises the same once that has ended.

    CannotAnswer when it ended without saying what it did: then the proposal's page shows whether it is decided.
    """
    order = ApprovalOrder(number=number, by=by, seen=seen, address=address, wait=lock_wait.get().seconds)
    done = subprocess.run(
        [sys.executable, "-m", "registry.proposals.job"],
        input=msgspec.json.encode(order),
        stdout=subprocess.PIPE,
        env=settings.make_environment(loaded),
        start_new_session=True,  # an interrupt meant for the server lets the work go on
        check=False,
    )
    try:
        told = msgspec.json.decode(done.stdout, type=_Outcome)
    except msgspec.DecodeError as error:
        raise CannotAnswer(
            f"审批提案 {number} 的进程中断了：要么全部入库，要么一条也没有。请重新打开提案页查看。",
            f"The process that approved proposal {number} broke off. All of it was appended, or nothing: open the "
            "proposal's page again to see.",
        ) from error
    if told.code:
        raise _map_error_codes()[told.code](told.zh, told.en, **told.details)
    return told.first, told.last


def _map_error_codes() -> dict[str, type[RegistryError]]:
    found, waiting = {RegistryError.code: RegistryError}, [RegistryError]
    while waiting:
        below = waiting.pop().__subclasses__()
        found |= {kind.code: kind for kind in below if kind.__module__ == errors.__name__}
        waiting += below
    return found


def _run_order(order: ApprovalOrder) -> _Outcome:
    loaded = settings.load()
    database = Database(loaded.get_database_url())
    lock_wait.set(LockWait(seconds=order.wait, queue_limit=0))
    try:
        with act_from_address(order.address):
            log = PublishedLog(loaded)
            first, last = approve(database, order.number, by=order.by, seen=order.seen, log=log)
        return _Outcome(first=first, last=last)
    except RegistryError as error:
        plain = {name: value for name, value in error.details.items() if isinstance(value, str | int | float)}
        return _Outcome(code=error.code, zh=error.zh, en=error.en, details=plain)
    finally:
        database.close()


def main() -> None:
    """Read an order from standard input; say on standard output what came of it."""
    os.nice(_NICE)
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=ApprovalOrder)
    sys.stdout.buffer.write(msgspec.json.encode(_run_order(order)))


if __name__ == "__main__":
    main()
