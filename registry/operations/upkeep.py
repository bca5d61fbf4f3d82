"""Background work of a running register: following its log, publishing it, and checking its machine.

Each task is a thread of its own, so that none waits for another: what has to be written may wait for a long approval,
and following must not.
"""

from __future__ import annotations

import gc
import logging
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from registry import errors, proposals
from registry.errors import ClockWrong, RegistryError, SecretsKeyMissing, StorageLow, StorageReadOnly
from registry.institutions import search
from registry.log import clock, replication
from registry.operations import descriptors
from registry.operations.threads import BackgroundThreads
from registry.proposals import redaction
from registry.storage import rights
from registry.storage.fault_board import MIB, RepeatedWarnings, check_free_space, check_writable, count_free_bytes
from registry.storage.locks import AT_ONCE, LockWait, lock_wait
from registry.texts import Message

if TYPE_CHECKING:
    from registry.log.publish import PublishedLog
    from registry.register import Register
    from registry.settings import Settings
    from registry.storage.database import Database
    from registry.storage.fault_board import FaultBoard

#: Seconds between reads of the log: a change is visible in every process within one second.
FOLLOW_EVERY = 0.25
#: Seconds before publishing the log is tried again.
RETRY_EVERY = 5.0
#: How long a start waits for whoever signs or writes at the moment; a thread tries again.
_AT_START = LockWait(seconds=2.0, queue_limit=16)
#: Seconds between looks for emergency suspensions that nobody confirmed in time.
END_SUSPENSIONS_EVERY = 5.0
#: Seconds between looks whether the clock was set, between whole checks of it, and between checks while it is wrong.
LOOK_AT_CLOCK_EVERY, CHECK_CLOCK_EVERY, RECHECK_CLOCK_EVERY = 1.0, 60.0, 5.0
#: Seconds by which a clock may deviate from the time that passed before it counts as set.
_STEADY = 5.0
#: Seconds between checks of who may read the register's files.
RIGHTS_EVERY = 60.0
#: Seconds between writes of failed sign-ins to the audit log, and between checks of the key of second factors.
WRITE_FAILURES_EVERY, LOOK_FOR_KEY_EVERY = 2.0, 10.0
#: Seconds between looks for leads whose content is to be erased.
ERASE_LEADS_EVERY = 3_600.0
#: Seconds in which the log has not grown, until the search index is read into memory.
LOOK_FOR_REST_EVERY = 1.0
_log = logging.getLogger("registry")


class Upkeep:
    """The background work of one running register. ``threads`` knows which of it died."""

    def __init__(self, register: Register) -> None:
        self._register = register
        self._board = register.faults
        self.threads = BackgroundThreads(self._board)
        self._watch = FaultWatch(register.database, register.log, register.settings, self._board)
        self._warnings = RepeatedWarnings()
        self._tried = 0.0
        self._unpublished = False

    def start(self) -> None:
        """Check everything once, and start the threads that go on checking."""
        register = self._register
        rights.guard_files(register.settings, self._board, thoroughly=True)
        self._check_clock()
        self._follow_log()
        self._watch.check_machine()
        if register.verification.size:  # a key may have been added or removed while nothing was appended
            token = lock_wait.set(_AT_START)
            self._publish_log()
            lock_wait.reset(token)
        self.threads.start("follow-log", self._follow_log_repeatedly, blocks_reading=True)
        self.threads.start("publish-log", self._publish_log_repeatedly)
        self.threads.start("check-clock", self._check_clock_repeatedly)
        self.threads.start("sign-ins", self._record_failed_sign_ins)
        self.threads.start("leads", self._erase_old_leads)
        self.threads.start("warm", self._warm_up, once=True)
        self.threads.start("search-memory", self._refresh_memory_index)
        register.clients.load_keys()
        self.threads.start("clients", register.clients.follow)
        self.threads.start("notices", register.notices.follow)
        if register.outside:
            self.threads.start("follow-search", register.outside.follow_log)

    def close(self) -> None:
        """End all of it."""
        self.threads.close()

    # --- the log -----------------------------------------------------------------------------------------------------

    def _follow_log_repeatedly(self, stop: threading.Event) -> None:
        watched, guarded = -EVERY, time.monotonic()
        while not stop.wait(FOLLOW_EVERY):
            self._follow_log()
            descriptors.check(self._board)
            if time.monotonic() >= watched + EVERY:
                watched = time.monotonic()
                self._watch.check_machine()
            if time.monotonic() >= guarded + RIGHTS_EVERY:
                guarded = time.monotonic()
                rights.guard_files(self._register.settings, self._board)

    def _follow_log(self) -> None:
        try:
            published = self._register.follow_log()
        except Exception as error:
            # Answering stops by itself once the view is stale (see VerificationView.require_fresh).
            self._warnings.warn_once("cannot follow the log", error)
            return
        finally:
            self._watch.report_view_fault(self._register.verification.error)
        self._warnings.reset_warning("cannot follow the log")
        self._unpublished = published != self._register.verification.size

    def _publish_log_repeatedly(self, stop: threading.Event) -> None:
        ended = -END_SUSPENSIONS_EVERY
        while not stop.wait(FOLLOW_EVERY):
            if self._unpublished and time.monotonic() >= self._tried + RETRY_EVERY:
                self._publish_log()
            if time.monotonic() >= ended + END_SUSPENSIONS_EVERY:
                ended = time.monotonic()
                self._end_expired_suspensions()

    def _publish_log(self) -> None:
        """Sign what the process that appended it could not sign, and adopt what another machine signed."""
        fault = self._register.log.try_publish(self._register.database, quiet=True)
        self._watch.report_publish_fault(fault)
        self._tried = time.monotonic() if fault else 0.0

    def _end_expired_suspensions(self) -> None:
        try:
            proposals.end_expired_suspensions(self._register.database, self._register.log)
        except ClockWrong as error:
            self._board.report(error)  # nothing ends by a wrong clock
        except Exception as error:
            self._warnings.warn_once("cannot look for emergency suspensions to end", error)
        else:
            self._warnings.reset_warning("cannot look for emergency suspensions to end")

    # --- the machine -------------------------------------------------------------------------------------------------

    def _check_clock_repeatedly(self, stop: threading.Event) -> None:
        """Check the clock every minute, when it was set meanwhile, and more often while it is wrong."""
        is_wrong, checked, shown = False, time.monotonic(), clock.read_clock()
        while not stop.wait(LOOK_AT_CLOCK_EVERY):
            passed = time.monotonic() - checked
            was_set = abs((clock.read_clock() - shown).total_seconds() - passed) > _STEADY
            if was_set or passed >= (RECHECK_CLOCK_EVERY if is_wrong else CHECK_CLOCK_EVERY):
                is_wrong, checked, shown = self._check_clock(), time.monotonic(), clock.read_clock()

    def _check_clock(self) -> bool:
        """Whether the clock is wrong; reported on the board."""
        try:
            wrong = self._register.log.clock.find_fault(self._register.database)
        except Exception as error:
            self._warnings.warn_once("cannot check the clock", error)
            return True  # so that it is checked again soon
        self._warnings.reset_warning("cannot check the clock")
        if wrong is None:
            self._board.clear(ClockWrong.code)
        else:
            self._board.report(wrong)
        return wrong is not None

    def _record_failed_sign_ins(self, stop: threading.Event) -> None:
        """Write failed sign-ins to the audit log, and report whether second factors can be checked."""
        checked = -LOOK_FOR_KEY_EVERY
        while True:
            try:
                self._register.sign_ins.write_failures()
                if time.monotonic() >= checked + LOOK_FOR_KEY_EVERY:
                    checked = time.monotonic()
                    self._register.sign_ins.require_key()
                    self._board.clear(SecretsKeyMissing.code)
                self._warnings.reset_warning("cannot look after sign-ins")
            except SecretsKeyMissing as error:
                self._board.report(error)
            except Exception as error:
                self._warnings.warn_once("cannot look after sign-ins", error)
            if stop.wait(WRITE_FAILURES_EVERY):
                return

    def _erase_old_leads(self, stop: threading.Event) -> None:
        """Erase what leads say that were closed long enough ago."""
        while True:
            try:
                self._register.leads.erase_due()
                self._warnings.reset_warning("cannot erase old leads")
            except Exception as error:
                self._warnings.warn_once("cannot erase old leads", error)
            if stop.wait(ERASE_LEADS_EVERY):
                return

    def _refresh_memory_index(self, stop: threading.Event) -> None:
        while not stop.wait(LOOK_FOR_REST_EVERY):
            try:
                self._register.refresh_memory_index()
                self._warnings.reset_warning("cannot read the search index")
            except Exception as error:
                self._warnings.warn_once("cannot read the search index", error)

    def _warm_up(self, stop: threading.Event) -> None:  # noqa: ARG002 - it ends by itself soon enough
        redaction.purge_erased_bytes(self._register.database)  # what somebody's reading kept from being purged before
        search.preload_tables()
        gc.freeze()  # what is loaded by now stays: the collector need not scan it again and again


#: Seconds between checks.
EVERY = 5.0
_STORAGE = (errors.StorageFull.code, StorageReadOnly.code)
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

    def __init__(self, database: Database, log: PublishedLog, settings: Settings, board: FaultBoard) -> None:
        self._database, self._log, self._settings, self._board = database, log, settings, board

    def check_machine(self) -> None:
        """Check disks and signing keys; the log is checked by whoever follows it (``report_view_fault``)."""
        self._check_folders()
        self._check_keys()
        self._check_lock()

    def report_view_fault(self, error: Exception | None) -> None:
        """Report the error that keeps the view from following the log, or clear it."""
        fault = error if error is None or isinstance(error, RegistryError) else errors.make_unreachable_error(error)
        self._set_fault(fault, _READING, FOLLOWING)

    def report_publish_fault(self, fault: RegistryError | None) -> None:
        """Report what kept the log from being signed and published, or clear it."""
        self._set_fault(fault, (*_SIGNING, *_READING), PUBLISHING)

    def _set_fault(self, fault: RegistryError | None, codes: tuple[str, ...], source: str) -> None:
        """Report a fault, if there is one, in place of every other of ``codes`` from the same source."""
        if fault is not None:
            blocks = source == FOLLOWING and fault.code in _READING
            self._board.report(fault, blocks_reading=blocks, source=source)
        self._board.clear(*(code for code in codes if fault is None or code != fault.code), source=source)

    def _check_folders(self) -> None:
        faults: dict[str, RegistryError] = {}
        reserve = self._settings.storage_reserve * MIB
        for folder in list_folders(self._settings):
            try:
                free = count_free_bytes(folder)
                if free < self._settings.storage_low * MIB:
                    faults.setdefault(StorageLow.code, _make_low_storage_fault(folder, free // MIB))
                check_free_space(folder, 0, reserve)
                check_writable(folder)
            except (errors.StorageFull, StorageReadOnly) as fault:
                faults[fault.code] = fault
            except OSError as error:
                storage_fault = errors.find_storage_fault(error, folder) or errors.make_read_only_error(folder)
                faults[storage_fault.code] = storage_fault
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
        self._set_fault(fault, _SIGNING, SIGNING)

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
    message = Message(
        "磁盘空间将满：{folder} 只剩{free} MiB。现在一切照常；请管理员尽快腾出空间。", folder=folder, free=free
    )
    return StorageLow(message, where=str(folder))
