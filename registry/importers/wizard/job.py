"""The process that works on one import: ``python -m registry.importers.wizard.job ID RUN``, started by a server.

About every second it stores how far it is and checks that the import still belongs to it. When it does not (cancelled,
or started again by another), it stops at once, and nothing it did is kept.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

from registry import settings as configuration
from registry.accounts.audit_log import act_from_address
from registry.errors import CannotAnswer, LogDamaged, RegistryError, TooLarge
from registry.importers.wizard import import_store, steps
from registry.importers.wizard.import_store import Import, ImportStopped
from registry.importers.wizard.steps import ImportTask
from registry.log.publish import PublishedLog
from registry.settings import Settings
from registry.storage import rights
from registry.storage.database import Database
from registry.storage.uploads.limits import JOB, limit_process
from registry.texts import Message

#: Seconds between two heartbeats, and seconds a step has to stop by itself before the process ends.
EVERY, GRACE = 1.0, 3.0
#: Its niceness over that of a web worker.
_NICE = 10
_log = logging.getLogger("registry")


class ProgressReporter:
    """Stores from a thread of its own how far the work is, until the import no longer belongs to this process."""

    def __init__(self, database: Database, identifier: int, run: str, folder: Path) -> None:
        self._database, self._identifier, self._run, self._folder = database, identifier, run, folder
        self._progress: tuple[str, int, int] = ("", 0, 0)
        self._finished, self._in_vain = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._send_heartbeats, daemon=True)

    def __enter__(self) -> ProgressReporter:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._finished.set()
        self._thread.join()

    def report_progress(self, phase: str, done: int, total: int) -> None:
        """Note how far the work is; ImportStopped when the import no longer belongs to this process."""
        self._progress = (phase, done, total)
        if self._in_vain.is_set():
            raise ImportStopped

    def _send_heartbeats(self) -> None:
        while not self._finished.wait(EVERY):
            try:
                with self._database.writing() as connection:
                    is_ours = import_store.save_heartbeat(connection, self._identifier, self._run, *self._progress)
            except CannotAnswer:
                continue  # the next heartbeat may get through; without any, the import counts as interrupted
            except Exception as error:  # this thread must not end before the work: it is what can stop it
                _log.warning("import %s: no sign of life: %s", self._identifier, type(error).__name__)
                continue
            if not is_ours and not self._finished.is_set():
                self._in_vain.set()
                if not self._finished.wait(GRACE):  # in the middle of something long: what is not committed is dropped
                    shutil.rmtree(self._folder, ignore_errors=True)
                    os._exit(0)
                return


def start_process(loaded: Settings, identifier: int, run: str, address: str) -> None:
    """Start the process with the settings of this one; the import is marked interrupted when it ends unfinished.

    ``address``: that of the person who asked for it, for the audit log.
    """
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and numbers of our own
        [sys.executable, "-m", "registry.importers.wizard.job", str(identifier), run, address],
        env=configuration.make_environment(loaded),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        close_fds=True,
        start_new_session=True,  # an interrupt meant for the server lets the work go on
    )
    threading.Thread(target=_wait_for_process, args=(process, loaded, identifier, run), daemon=True).start()


def _wait_for_process(process: subprocess.Popen[bytes], loaded: Settings, identifier: int, run: str) -> None:
    process.wait()
    database = Database(loaded.get_database_url())
    try:
        with database.writing() as connection:
            import_store.mark_interrupted(connection, identifier, run)
        if process.returncode != 0:
            shutil.rmtree(get_work_folder(loaded, identifier, run), ignore_errors=True)
    except Exception as error:  # it counts as interrupted all the same, once no sign of life comes
        name = type(error).__name__
        _log.warning("import %s: the end of its process could not be noted: %s", identifier, name)
    finally:
        database.close()


def get_work_folder(loaded: Settings, identifier: int, run: str) -> Path:
    """The private folder of the file while a process reads it."""
    return loaded.data_dir / "imports" / f"{identifier}-{run[:8]}"


def run_import(loaded: Settings, database: Database, identifier: int, run: str) -> None:
    """Do the step that the state of the import asks for; nothing when it belongs to another process."""
    try:
        with database.reading() as connection:
            record = import_store.get_import_of_run(connection, identifier, run)
    except ImportStopped:
        return
    folder = get_work_folder(loaded, identifier, run)
    delete_leftovers(loaded, identifier)
    rights.make_folder(folder)
    try:
        with ProgressReporter(database, identifier, run, folder) as reporter:
            path = _write_upload(database, record, folder)
            _run_step(ImportTask(database, record, run, path, reporter.report_progress, PublishedLog(loaded)))
    except ImportStopped:
        pass
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def delete_leftovers(loaded: Settings, identifier: int) -> None:
    """Remove the files that killed processes of an import left."""
    for folder in (loaded.data_dir / "imports").glob(f"{identifier}-*"):
        shutil.rmtree(folder, ignore_errors=True)


def _run_step(task: ImportTask) -> None:
    from registry.importers.people import people_import

    step_of = {"looking": steps.inspect_columns, "comparing": steps.compare_file, "proposing": steps.propose_difference}
    if task.record.kind != "list":
        step_of = {"comparing": people_import.compare_file, "proposing": people_import.propose_difference}
    try:
        step_of[task.record.state](task)
    except (CannotAnswer, LogDamaged):  # nothing is wrong with the import: it may be started again
        raise
    except RegistryError as error:
        task.fail(error)
    except (MemoryError, RecursionError) as error:
        task.fail(TooLarge(Message("文件过大或过于复杂，请拆分后再导入。", name=type(error).__name__)))


def _write_upload(database: Database, record: Import, folder: Path) -> Path:
    """Write the upload to a file with a harmless name; its kind is detected by content."""
    name = re.sub(r"[^\w.（）()\-]+", "_", record.name)[-60:].lstrip(".") or "upload"
    path = folder / name
    with path.open("wb") as file, database.reading() as connection:
        for piece in import_store.read_upload(connection, record):
            file.write(piece)
    return path


def main(arguments: list[str]) -> int:
    """Run the step; return 0 when it was done or dropped, 1 when it was interrupted and may be started again."""
    identifier, run = int(arguments[0]), arguments[1]
    os.nice(_NICE)
    limit_process(JOB, writing=True)
    loaded = configuration.load()
    database = Database(loaded.get_database_url())
    try:
        with act_from_address(arguments[2] if len(arguments) > 2 else "-"):
            run_import(loaded, database, identifier, run)
    except Exception:
        _log.exception("import %s was interrupted", identifier)
        return 1
    finally:
        database.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
