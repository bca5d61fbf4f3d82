"""Regular checks of this machine, so that a fault is reported and cleared without anybody asking."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from registry import errors
from registry.errors import RegistryError, StorageFull, StorageLow, StorageReadOnly, find_storage_fault
from registry.log import replication
from registry.storage.fault_board import MIB, check_free_space, check_writable, count_free_bytes
from registry.storage.locks import AT_ONCE
from registry.texts import Message

if TYPE_CHECKING:
    from registry.log.publish import PublishedLog
    from registry.settings import Settings
    from registry.storage.database import Database
    from registry.storage.fault_board import FaultBoard
    from registry.verification.view import VerificationView

#: Seconds between checks.
EVERY = 5.0
_STORAGE = (StorageFull.code, StorageReadOnly.code)
_SIGNING = (errors.SigningKeyMissing.code, errors.SigningKeyForeign.code, errors.CheckpointForeign.code)
#: Faults that keep the view from following the log, and so the database from being read.
_READING = (
    errors.CannotAnswer.code,
    errors.DatabaseUnreachable.code,
    errors.DatabaseDamaged.code,
    errors.Busy.code,
    errors.LogDamaged.code,
    errors.LogRolledBack.code,
    *_STORAGE,
)
#: Where a fault was seen: it is over when every source that reported it has cleared it.
FOLLOWING, FOLDERS, PUBLISHING, SIGNING = "following", "folders", "publishing", "signing"


class FaultWatch:
    """Reports the faults of one register on one machine on its board, and clears them."""

    def __init__(
        self, database: Database, log: PublishedLog, view: VerificationView, settings: Settings, board: FaultBoard
    ) -> None:
        self._database, self._log, self._view, self._settings, self._board = database, log, view, settings, board

    def check_machine(self) -> None:
        """Check disks and signing keys; the log is checked by whoever follows it (``report_view_fault``)."""
        self._check_folders()
        self._check_keys()
        self._check_lock()

    def report_view_fault(self) -> None:
        """Report what keeps the view from following the log, or clear it."""
        error = self._view.error
        if error is None:
            self._board.clear(*_READING, source=FOLLOWING)
        else:
            self._replace_faults(
                error if isinstance(error, RegistryError) else errors.make_unreachable_error(error), _READING, FOLLOWING
            )

    def report_publish_fault(self, fault: RegistryError | None) -> None:
        """Report what kept the log from being signed and published, or clear it."""
        codes = (*_SIGNING, *_READING)
        if fault is None:
            self._board.clear(*codes, source=PUBLISHING)
        else:
            self._replace_faults(fault, codes, PUBLISHING)

    def _replace_faults(self, fault: RegistryError, codes: tuple[str, ...], source: str) -> None:
        blocks = source == FOLLOWING and fault.code in _READING
        self._board.report(fault, blocks_reading=blocks, source=source)
        self._board.clear(*(code for code in codes if code != fault.code), source=source)

    def _check_folders(self) -> None:
        low: RegistryError | None = None
        faults: dict[str, RegistryError] = {}
        reserve = self._settings.storage_reserve * MIB
        for folder in list_folders(self._settings):
            try:
                free = count_free_bytes(folder)
                low = low or (
                    _make_low_storage_fault(folder, free) if free < self._settings.storage_low * MIB else None
                )
                check_free_space(folder, 0, reserve)
                check_writable(folder)
            except (StorageFull, StorageReadOnly) as fault:
                faults[fault.code] = fault
            except OSError as error:
                storage_fault = find_storage_fault(error, folder) or errors.make_read_only_error(folder)
                faults[storage_fault.code] = storage_fault
        if low is not None:
            faults[low.code] = low
        for code in (*_STORAGE, StorageLow.code):
            if code in faults:
                self._board.report(faults[code], source=FOLDERS)
            else:
                self._board.clear(code, source=FOLDERS)
                if self._database.is_sqlite:  # its writes fail for no other reason than what was just checked
                    self._board.clear(code, source="database")

    def _check_keys(self) -> None:
        try:
            with self._database.reading() as connection:
                fault = None if replication.is_mirror(connection) else self._log.find_signer_fault(connection)
        except RegistryError:
            return  # unknown for now; whoever follows the log reports why
        if fault is None:
            self._board.clear(*_SIGNING, source=SIGNING)
        else:
            self._replace_faults(fault, _SIGNING, SIGNING)

    def _check_lock(self) -> None:
        """Try to write if somebody could not: a success clears that fault."""
        if not self._board.has_fault(errors.Busy.code):
            return
        try:
            with self._database.writing(AT_ONCE):
                pass  # which clears the fault
        except RegistryError:
            return


def list_folders(settings: Settings) -> list[Path]:
    """Return the folders whose disks matter: of the database's file and other state, and of the published log."""
    file = settings.find_database_file()
    return list(dict.fromkeys([settings.data_dir, *([file.parent] if file else []), settings.get_log_folder()]))


def _make_low_storage_fault(folder: Path, free: int) -> StorageLow:
    return StorageLow(
        Message(
            "磁盘空间将满：{folder} 只剩{free} MiB。现在一切照常；请管理员尽快腾出空间。",
            folder=folder,
            free=free // MIB,
        ),
        where=str(folder),
    )
