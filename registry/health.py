"""Whether a register can answer, and how far what follows its log is behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from registry import views
from registry.database import Database
from registry.errors import RegistryError
from registry.faults import FaultBoard
from registry.log.publish import PublishedLog
from registry.records import asof
from registry.verification.view import VerificationView

if TYPE_CHECKING:
    from registry.search.outside import OutsideSearch

#: Seconds without a look at the log after which a register is not ready: answers stop soon after.
FRESH = 10.0


def told(
    database: Database,
    log: PublishedLog,
    verification: VerificationView,
    outside: OutsideSearch | None,
    board: FaultBoard,
) -> dict[str, Any]:
    """What /readyz says; never raises."""
    faults = board.faults()
    stated = [{"code": one.code, "since": one.since, "zh": one.zh, "en": one.en} for one in faults]
    try:
        with database.reading() as connection:
            lag = views.lag(connection)
            lag["verification"] = max(0, asof.as_of(connection).size - verification.size)
        current = database.is_current()
        last = log.last()
        lag["checkpoint"] = max(0, verification.size - (last.checkpoint.size if last else 0))
    except RegistryError as error:
        return {"ready": False, "database": error.code, "views": {}, "faults": stated}
    except Exception as error:  # a missing table, say: not ready, whatever the reason
        return {"ready": False, "database": type(error).__name__, "views": {}, "faults": stated}
    embedded = {"engine": "embedded", "why": None, "lag": 0, "fallbacks": 0}
    return {
        "ready": current and verification.age() < FRESH and not any(one.blocks_reading for one in faults),
        "database": "ok" if current else "schema is not current: run registry init",
        "views": lag,
        "faults": stated,
        "search": outside.told(verification.size) if outside else embedded,
    }
