"""Whether a register can answer, and how far what follows its log is behind."""

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

#: Seconds without a look at the log after which a register is not ready: pages and lists are not answered then.
FRESH = 10.0


def read_health(
    settings: Settings,
    database: Database,
    log: PublishedLog,
    verification: VerificationView,
    outside: OutsideSearch | None,
    board: FaultBoard,
) -> dict[str, Any]:
    """What /readyz says; never raises."""
    faults = board.list_faults()
    stated: dict[str, Any] = {
        "faults": [{"code": one.code, "since": one.since, "zh": one.zh, "en": one.en} for one in faults],
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
        return {"ready": False, "database": error.code, "views": {}, **stated}
    except Exception as error:  # a missing table, say: not ready, whatever the reason
        return {"ready": False, "database": type(error).__name__, "views": {}, **stated}
    embedded = {"engine": "embedded", "why": None, "lag": 0, "fallbacks": 0}
    return {
        "ready": current and verification.get_silence() < FRESH and not any(one.blocks_reading for one in faults),
        "database": "ok" if current else "schema is not current: run registry init",
        "views": lag,
        **stated,
        "search": outside.describe_status(verification.size) if outside else embedded,
    }


def _read_view_state(verification: VerificationView) -> dict[str, Any]:
    """When the register was last seen to be what is answered from it, and how many seconds ago; null: never."""
    verified = verification.last_check_time
    if verified is None:
        return {"at": None, "age": None}
    return {"at": asof.format_instant(verified.at), "age": int(verified.get_age())}


def read_free_space(settings: Settings) -> dict[str, int]:
    """Bytes free on the disks of the data folder and of the published log; a disk that cannot be asked is left out."""
    found = {}
    for name, folder in (("data", settings.data_dir), ("log", settings.get_log_folder())):
        try:
            found[name] = count_free_bytes(folder)
        except OSError:
            continue
    return found
