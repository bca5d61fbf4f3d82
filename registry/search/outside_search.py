"""The outside search engine: fed from the log, and asked only while its index is up to date.

The records are the truth and the embedded index is always there. The outside index follows by log position; while it is
behind, damaged, of another format or out of reach, it is not asked, and the embedded engine answers.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from registry.domain.model import Struct
from registry.log import store
from registry.search import embedded_engine
from registry.search.engine import Engine, EngineUnavailable
from registry.search.meilisearch import IndexState, MeilisearchEngine
from registry.search.tokens import FORMAT
from registry.storage.database import Database
from registry.storage.tables import search_documents

#: Seconds between looks at the outside index; and after it could not be asked.
LOOK_EVERY, RETRY_EVERY = 0.5, 2.0
#: Documents sent at once: some megabytes.
_BATCH = 2000
#: Documents between two lines of progress in the log.
_PROGRESS_STEP = 50_000
_log = logging.getLogger("registry")


class OutsideStatus(Struct, frozen=True):
    """Whether the outside engine is ``up`` and may be asked about ``position`` entries; ``why`` not."""

    up: bool = False
    position: int = 0
    why: str = "starting"


class OutsideSearch:
    """One outside index, fed by one of the processes that share a register, watched by all. Any thread may ask it."""

    def __init__(self, database: Database, url: str, key: str) -> None:
        self._database = database
        self._address = (url, key)
        self._engine: MeilisearchEngine | None = None
        self._status = OutsideStatus()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self.fallbacks = 0

    # --- asking ------------------------------------------------------------------------------------------------------

    def find_engine(self, size: int) -> Engine | None:
        """Return the engine when it is up and holds at least ``size`` entries; None: ask the embedded one."""
        status = self._status
        if status.up and status.position >= size and self._engine is not None:
            return self._engine
        self.fallbacks += 1
        return None

    def report_failure(self, error: EngineUnavailable) -> None:
        """Note that it did not answer: it is not asked again before its index was looked at."""
        self.fallbacks += 1
        self._set_status(OutsideStatus(position=self._status.position, why=str(error)))

    def describe_status(self, size: int) -> dict[str, Any]:
        """Return what /readyz says of the search: which engine answers, why not the outside one, how far that is
        behind."""
        status = self._status
        up = status.up and status.position >= size
        reason = None if up else status.why if not status.up else "behind"
        return {
            "engine": MeilisearchEngine.name if up else embedded_engine.EmbeddedEngine.name,
            "why": reason,
            "lag": max(0, size - status.position),
            "fallbacks": self.fallbacks,
        }

    def _set_status(self, status: OutsideStatus) -> None:
        with self._lock:
            before, self._status = self._status, status
        if before.up and not status.up:
            _log.warning(
                "search: %s is not asked any more, the embedded engine answers: %s", MeilisearchEngine.name, status.why
            )
        elif status.up and not before.up:
            _log.info("search: %s answers, at entry %d", MeilisearchEngine.name, status.position)
        elif not status.up and status.why != before.why:
            _log.warning("search: %s is not asked: %s", MeilisearchEngine.name, status.why)

    # --- following ---------------------------------------------------------------------------------------------------

    def follow_log(self, stop: threading.Event) -> None:
        """Follow the log until the event is set; for a thread of its own."""
        self._stop = stop  # also in the middle of building
        wait = 0.0
        while not stop.wait(wait):
            wait = LOOK_EVERY if self.update_index() else RETRY_EVERY

    def update_index(self) -> bool:
        """Look where the index stands and, unless another process does, bring it up to the log; whether it is up."""
        try:
            status = self._try_update()
        except EngineUnavailable as error:
            status = OutsideStatus(position=self._status.position, why=str(error))
        except Exception as error:  # the database away, say: what was known of the index is not sure any more
            status = OutsideStatus(position=self._status.position, why=type(error).__name__)
        self._set_status(status)
        return status.up

    def find_position(self) -> int | None:
        """The log size that the outside index rests on; None without a usable one; EngineUnavailable."""
        with self._database.reading() as connection:
            engine = self._open_engine(connection)
        state = engine.find_state() if engine else None
        return state.position if state is not None and self._is_usable(state) else None

    def _try_update(self) -> OutsideStatus:
        with self._database.reading() as connection:
            size = store.read_head(connection).size
            engine = self._open_engine(connection)
        if engine is None:
            return OutsideStatus(why="the log is empty")
        state = engine.find_state()
        usable = state is not None and self._is_usable(state)
        if usable and state is not None and state.position == size:
            return OutsideStatus(up=True, position=size, why="")
        with self._database.hold_task_lock("search") as has_lock:
            if has_lock:
                state = self._feed_engine(engine, state if usable else None)
                usable = True
        if not usable or state is None:
            return OutsideStatus(why="being built by another process")
        return OutsideStatus(up=True, position=state.position, why="")

    def _open_engine(self, connection: sa.Connection) -> MeilisearchEngine | None:
        """Return the engine of this log's own index: named after its first entry."""
        first = store.find_leaf(connection, 1)
        if first is None:
            return None
        index = f"institutions-{first.hex()[:12]}"
        if self._engine is None or self._engine.index != index:
            self._engine = MeilisearchEngine(*self._address, index)
        return self._engine

    def _is_usable(self, state: IndexState) -> bool:
        """Whether an index is of this format and rests on entries this log has: not so after a backup was restored."""
        if state.format != FORMAT:
            return False
        with self._database.reading() as connection:
            leaf = store.find_leaf(connection, state.position)
        return leaf is not None and leaf.hex() == state.leaf

    def _feed_engine(self, engine: MeilisearchEngine, state: IndexState | None) -> IndexState:
        return self._catch_up(engine, state) if state is not None else self.rebuild_index(engine)

    def _catch_up(self, engine: MeilisearchEngine, state: IndexState) -> IndexState:
        """Bring every institution that entries since then speak of up to now."""
        with self._database.reading() as connection:
            size = store.read_head(connection).size
            subjects: dict[str, None] = {}
            for chunk in store.read_entries(connection, after=state.position):
                subjects.update(dict.fromkeys(e.subject for e in chunk if e.change.kind == "institution"))
            leaf = (store.find_leaf(connection, size) or b"").hex()
            for part in _split_batches(list(subjects), _BATCH):
                documents = list(_read_documents(connection, part))
                codes = {code for code, _, _ in documents}
                gone = [code for code in map(_strip_kind, part) if code not in codes]
                engine.update_documents(engine.index, documents, gone)
        updated = IndexState(position=size, leaf=leaf, format=FORMAT)
        engine.save_state(engine.index, updated)
        return updated

    def rebuild_index(self, engine: MeilisearchEngine) -> IndexState:
        """Build the index anew beside the one in use, and switch when it holds every institution of the records."""
        began = time.monotonic()
        with self._database.reading() as connection:
            size = store.read_head(connection).size
            leaf = (store.find_leaf(connection, size) or b"").hex()
            total = connection.execute(sa.select(sa.func.count()).select_from(search_documents)).scalar_one()
            _log.info("search: building an index of %d institutions in %s", total, MeilisearchEngine.name)
            index = engine.create_new_index()
            sent = logged = 0
            for part in _read_all_documents(connection):
                engine.update_documents(index, part)
                sent += len(part)
                if not self._status.up:
                    self._status = OutsideStatus(
                        position=self._status.position, why=f"being built: {sent} of {total} institutions"
                    )
                if sent - logged >= _PROGRESS_STEP:
                    logged = sent
                    _log.info("search: %d of %d institutions sent", sent, total)
                if self._stop.is_set():
                    raise EngineUnavailable("stopped while building")
        built = IndexState(position=size, leaf=leaf, format=FORMAT)
        engine.save_state(index, built)
        count = engine.count_documents(index)
        if count < total:
            engine.delete_new_index()
            raise EngineUnavailable(f"not switched: the new index holds {count} of {total} institutions")
        engine.switch_index()
        _log.info("search: index of %d institutions built in %.1f s", total, time.monotonic() - began)
        return built

    def rebuild_now(self) -> int:
        """Build the index anew, whatever it holds (`registry rebuild search`); the institutions it then has."""
        with self._database.reading() as connection:
            engine = self._open_engine(connection)
        if engine is None:
            return 0
        with self._database.hold_task_lock("search", wait=math.inf):
            self.rebuild_index(engine)
        return engine.count_documents()


def _strip_kind(subject: str) -> str:
    return subject.partition(":")[2]


def _split_batches(subjects: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(subjects), size):
        yield subjects[start : start + size]


def _read_documents(connection: sa.Connection, subjects: list[str]) -> Iterator[tuple[str, bytes, list[str]]]:
    query = sa.select(search_documents.c.subject, search_documents.c.body)
    for subject, body in connection.execute(query.where(search_documents.c.subject.in_(subjects))):
        yield _strip_kind(subject), bytes(body), embedded_engine.decode_tokens(bytes(body))


def _read_all_documents(connection: sa.Connection) -> Iterator[list[tuple[str, bytes, list[str]]]]:
    query = sa.select(search_documents.c.subject, search_documents.c.body).order_by(search_documents.c.id)
    rows = connection.execution_options(yield_per=_BATCH).execute(query)
    for part in rows.partitions(_BATCH):
        yield [
            (_strip_kind(subject), bytes(body), embedded_engine.decode_tokens(bytes(body))) for subject, body in part
        ]
