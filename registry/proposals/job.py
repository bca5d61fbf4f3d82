"""Approval of a long proposal in a process of its own: ``python -m registry.proposals.job``, started by a server.

Appending and indexing 100,000 entries keeps an interpreter busy for as long as they take, and whoever reads from the
same process waits at every step. What is done, and refused, is ``decide.approve`` in either case.
"""

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
from registry.texts import FixedText, Message

#: Drafts of a proposal up to which it is approved in the server's own process: faster than starting another.
SHORT = 1_000
#: How far the process stands back (nice) from readers on a busy core.
_NICE = 5


class ApprovalOrder(msgspec.Struct, frozen=True):
    """Which proposal to approve: by whom, from which address, seen as which content; seconds to wait for the lock."""

    number: int
    by: str
    seen: str
    address: str
    wait: float


class _Outcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """The result of an order: the entries, or the refusal."""

    first: int = 0
    last: int = 0
    code: str = ""
    zh: str = ""
    en: str = ""
    details: dict[str, Any] = {}


def is_long(database: Database, number: int) -> bool:
    """Whether a proposal is better approved in a process of its own."""
    with database.reading() as connection:
        items = connection.execute(sa.select(proposals.c["items"]).where(proposals.c.id == number)).scalar()
    return bool(items and items > SHORT)


def approve_in_process(
    register_settings: Settings, number: int, *, by: str, seen: str, address: str
) -> tuple[int, int]:
    """Run ``decide.approve`` in a process of its own; return and raise the same once that has ended.

    CannotAnswer if it ended without a result: the proposal's page then shows whether it is decided.
    """
    order = ApprovalOrder(number=number, by=by, seen=seen, address=address, wait=lock_wait.get().seconds)
    done = subprocess.run(
        [sys.executable, "-m", "registry.proposals.job"],
        input=msgspec.json.encode(order),
        stdout=subprocess.PIPE,
        env=settings.make_environment(register_settings),
        start_new_session=True,  # an interrupt meant for the server lets the work go on
        check=False,
    )
    try:
        outcome = msgspec.json.decode(done.stdout, type=_Outcome)
    except msgspec.DecodeError as error:
        message = Message(
            "审批提案 {number} 的进程中断了：要么全部入库，要么一条也没有。请重新打开提案页查看。", number=number
        )
        raise CannotAnswer(message) from error
    if outcome.code:
        raise _map_error_codes()[outcome.code](FixedText(outcome.zh, outcome.en), **outcome.details)
    return outcome.first, outcome.last


def _map_error_codes() -> dict[str, type[RegistryError]]:
    kinds, waiting = {RegistryError.code: RegistryError}, [RegistryError]
    while waiting:
        subclasses = waiting.pop().__subclasses__()
        kinds |= {kind.code: kind for kind in subclasses if kind.__module__ == errors.__name__}
        waiting += subclasses
    return kinds


def _run_order(order: ApprovalOrder) -> _Outcome:
    register_settings = settings.load()
    database = Database(register_settings.get_database_url())
    lock_wait.set(LockWait(seconds=order.wait, queue_limit=0))
    try:
        with act_from_address(order.address):
            log = PublishedLog(register_settings)
            first, last = approve(database, order.number, by=order.by, seen=order.seen, log=log)
        return _Outcome(first=first, last=last)
    except RegistryError as error:
        details = {name: value for name, value in error.details.items() if isinstance(value, str | int | float)}
        return _Outcome(code=error.code, zh=error.zh, en=error.en, details=details)
    finally:
        database.close()


def main() -> None:
    """Read an order from standard input; write its outcome to standard output."""
    os.nice(_NICE)
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=ApprovalOrder)
    sys.stdout.buffer.write(msgspec.json.encode(_run_order(order)))


if __name__ == "__main__":
    main()
