"""Whether a register can be opened (its database is there), can answer, and how far its views are behind its log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from registry.errors import CannotAnswer, DatabaseUnreachable, RegistryError
from registry.log.publish import PublishedLog
from registry.proposals import views
from registry.records import asof
from registry.settings import Settings
from registry.storage.database import Database
from registry.storage.fault_board import FaultBoard, count_free_bytes
from registry.texts import Message
from registry.verification.view import VerificationView

if TYPE_CHECKING:
    from registry.search.outside_search import OutsideSearch

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
    """Return the free bytes of the disks of the data folder and of the published log, but for unreadable ones."""
    free = {}
    for name, folder in (("data", settings.data_dir), ("log", settings.get_log_folder())):
        try:
            free[name] = count_free_bytes(folder)
        except OSError:
            continue
    return free


def require_database(database: Database, published: PublishedLog) -> None:
    """CannotAnswer, saying what to do, unless the database is there and of this version.

    DatabaseUnreachable if a log was published and its database is gone: an empty one in its place would not be the
    register.
    """
    require_database_file(database, published)
    if not database.is_current():
        raise CannotAnswer(Message("数据库尚未初始化或版本不符，请先运行：registry init"))


def require_database_file(database: Database, published: PublishedLog) -> None:
    """DatabaseUnreachable if SQLite's file is gone and a log was published from it before."""
    file = database.find_file()
    last = published.find_checkpoint()
    if file is None or file.exists() or last is None:
        return
    size = last.checkpoint.size
    raise DatabaseUnreachable(
        Message(
            "数据库文件 {file} 不见了，而已公布的日志有{size}条。请把文件放回原处，或恢复备份：registry restore "
            "备份文件 --complete；不要运行 registry init。",
            file=file,
            size=size,
        )
    )


def require_published_prefix(database: Database, published: PublishedLog) -> None:
    """LogRolledBack or LogDamaged unless the database holds the log that was published."""
    with database.reading() as connection:
        published.require_published_prefix(connection)
