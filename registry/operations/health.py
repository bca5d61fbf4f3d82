"""Whether a register can answer, and how far the views that follow its log are behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from registry import views
from registry.errors import RegistryError
from registry.records import asof
from registry.storage.fault_board import count_free_bytes

if TYPE_CHECKING:
    from registry.log.publish import PublishedLog
    from registry.search.outside_search import OutsideSearch
    from registry.settings import Settings
    from registry.storage.database import Database
    from registry.storage.fault_board import FaultBoard
    from registry.verification.view import VerificationView

#: Seconds without following the log after which a register is not ready: pages and lists are not answered then.
FRESH = 10.0


def read_health(
    settings: Settings,
    database: Database,
    log: PublishedLog,
    verification: VerificationView,
    outside: OutsideSearch | None,
    board: FaultBoard,
) -> dict[str, Any]:
    """Return what /readyz answers; never raises."""
    faults = board.list_faults()
    common: dict[str, Any] = {
        "faults": [{"code": fault.code, "since": fault.since, "zh": fault.zh, "en": fault.en} for fault in faults],
        "state": _read_view_state(verification),
        "storage": read_free_space(settings),
    }
    try:
        with database.reading() as connection:
            lag = views.measure_lag(connection)
            lag["verification"] = max(0, asof.make_as_of(connection).size - verification.size)
        current = database.is_current()
        last = log.find_checkpoint()
        lag["checkpoint"] = max(0, verification.size - (last.checkpoint.size if last else 0))
    except RegistryError as error:
        return {"ready": False, "database": error.code, "views": {}, **common}
    except Exception as error:  # a missing table, say: not ready, whatever the reason
        return {"ready": False, "database": type(error).__name__, "views": {}, **common}
    embedded = {"engine": "embedded", "why": None, "lag": 0, "fallbacks": 0}
    return {
        "ready": current and verification.get_silence() < FRESH and not any(fault.blocks_reading for fault in faults),
        "database": "ok" if current else "schema is not current: run registry init",
        "views": lag,
        **common,
        "search": outside.describe_status(verification.size) if outside else embedded,
    }


def _read_view_state(verification: VerificationView) -> dict[str, Any]:
    """Return when the register was last seen to be what is answered from it, and its age in seconds; null if never."""
    verified = verification.last_check_time
    if verified is None:
        return {"at": None, "age": None}
    return {"at": asof.format_instant(verified.at), "age": int(verified.get_age())}


def read_free_space(settings: Settings) -> dict[str, int]:
    """Return the bytes free on the disks of the data folder and of the published log; a disk that cannot be read is
    left out."""
    free = {}
    for name, folder in (("data", settings.data_dir), ("log", settings.get_log_folder())):
        try:
            free[name] = count_free_bytes(folder)
        except OSError:
            continue
    return free
