"""A register that learnt things late and was wrong for a while: what was believed then is not what is known now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from registry.domain.identifiers import format_code
from registry.domain.model import Draft
from registry.log import clock
from registry.storage.database import Database
from tests.factories import a_change, a_database, a_person, a_source, an_institution, code_of, enter

FIRST, SECOND = dt.date(2024, 6, 30), dt.date(2024, 12, 31)
#: Instants at which something was recorded.
LISTED = "2024-07-15T02:00:00Z"
LISTED_AGAIN = "2025-01-20T02:00:00Z"
REVOKED = "2024-12-02T02:00:00Z"
STOPPED = "2025-02-10T02:00:00Z"
CORRECTED = "2025-03-03T02:00:00Z"
LEARNT = "2025-03-04T02:00:00Z"
BEFORE_ALL = "2024-07-15T01:59:59Z"
REASON_LATE = "停业整改决定送达较晚。"
REASON_DATE = "撤销决定书的日期录入错误。"
REASON_LEARNT = "批准文件送达较晚。"

#: An approval learnt late, a revocation with a wrong date, a suspension recorded late, and a list printed twice.
LATE = an_institution("示例市示例晚知医院", "辽宁省鞍山市铁西区示例路11号", on=FIRST, IVF="formal")
DATE = an_institution("示例市示例错期医院", "辽宁省鞍山市铁西区示例路12号", on=FIRST, IVF="formal")
STOP = an_institution("示例市示例迟报医院", "辽宁省鞍山市铁西区示例路13号", on=FIRST, IVF="formal")
NEW = an_institution("示例市示例新增医院", "辽宁省鞍山市铁西区示例路14号", on=SECOND, source="list-2")
PERSON = a_person(LATE, "示例员甲", on=SECOND)


@contextmanager
def the_clock_at(instant: str) -> Iterator[None]:
    """What is appended meanwhile is recorded at this instant."""
    moment, real = dt.datetime.fromisoformat(instant).astimezone(dt.UTC), clock.read_clock
    clock.read_clock = lambda: moment
    try:
        yield
    finally:
        clock.read_clock = real


def stages(**approvals: str) -> dict[str, object]:
    """The values of an entry that states approvals."""
    return {f"approvals.{technique}": {"stage": stage} for technique, stage in approvals.items()}


def story() -> Iterator[tuple[str, list[Draft]]]:
    """What was recorded, and when."""
    yield LISTED, [a_source("list-1", FIRST), LATE, DATE, STOP]
    yield REVOKED, [a_change(DATE, dt.date(2024, 12, 1), stages(IVF="revoked"))]
    again = an_institution(name_of(LATE), LATE.change.set["address"], on=SECOND, source="list-2", IVF="formal")
    yield LISTED_AGAIN, [a_source("list-2", SECOND), again, NEW, PERSON]
    yield STOPPED, [a_change(STOP, dt.date(2024, 10, 1), stages(IVF="suspended"), reason=REASON_LATE)]
    yield CORRECTED, [a_change(DATE, dt.date(2024, 9, 1), stages(IVF="revoked"), reason=REASON_DATE)]
    yield LEARNT, [a_change(LATE, dt.date(2024, 8, 1), stages(PGT="trial"), reason=REASON_LEARNT)]


def a_corrected_register(folder: Path) -> Database:
    """The register after all of it, in ``folder`` as the command and the server look for it."""
    folder.mkdir(parents=True, exist_ok=True)
    database = a_database(folder)
    for instant, drafts in story():
        with the_clock_at(instant):
            enter(database, *drafts)
    return database


def printed(draft: Draft) -> str:
    """The code of an institution as it is printed."""
    return format_code(code_of(draft))


def name_of(draft: Draft) -> str:
    """The name of an institution as first stated."""
    return str(draft.change.set["name"])
