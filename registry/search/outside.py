"""Keeps an outside search engine up with the log, and says whether it may be asked.

The records are the truth and the embedded index is always there. The outside index follows by log position; while it
is behind, damaged, of another make or out of reach, it is not asked, and the embedded engine answers.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from registry.database import Database
from registry.log import store
from registry.model import Struct
from registry.search import fts5
from registry.search.contract import Engine, EngineUnavailable
from registry.search.meilisearch import Meilisearch, State
from registry.search.tokens import FORMAT
from registry.tables import search_documents

#: Seconds between looks at the outside index; and after it could not be asked.
LOOK_EVERY, RETRY_EVERY = 0.5, 2.0
#: Documents sent at once: some megabytes.
_BATCH = 2000
#: Documents between two lines of progress in the log.
_TOLD = 50_000
_log = logging.getLogger("registry")


class Followed(Struct, frozen=True):
    """How the outside engine stands: ``up`` it may be asked about ``position`` entries; ``why`` not, in a few words."""

    up: bool = False
    position: int = 0
    why: str = "starting"


class OutsideSearch:
    """One outside index, fed by one of the processes that share a register, watched by all. Any thread may ask it."""

    def __init__(self, database: Database, url: str, key: str) -> None:
        self._database = database
        self._address = (url, key)
        self._engine: Meilisearch | None = None
        self._now = Followed()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self.fallbacks = 0

    # --- asking ------------------------------------------------------------------------------------------------------

    def engine(self, size: int) -> Engine | None:
        """The engine, when it is up and holds at least so many entries; None: ask the embedded one."""
        now = self._now
        if now.up and now.position >= size and self._engine is not None:
            return self._engine
        self.fallbacks += 1
        return None

    def failed(self, error: EngineUnavailable) -> None:
        """It did not answer: it is not asked again before it was looked at."""
        self.fallbacks += 1
        self._is(Followed(position=self._now.position, why=str(error)))

    def told(self, size: int) -> dict[str, Any]:
        """What /readyz says of the search: which engine answers, why not the outside one, how far that is behind."""
        now = self._now
        up = now.up and now.position >= size
        why = None if up else now.why if not now.up else "behind"
        return {
            "engine": Meilisearch.name if up else fts5.Embedded.name,
            "why": why,
            "lag": max(0, size - now.position),
            "fallbacks": self.fallbacks,
        }

    def _is(self, now: Followed) -> None:
        with self._lock:
            before, self._now = self._now, now
        if before.up and not now.up:
            _log.warning("search: %s is not asked any more, the embedded engine answers: %s", Meilisearch.name, now.why)
        elif now.up and not before.up:
            _log.info("search: %s answers, at entry %d", Meilisearch.name, now.position)
        elif not now.up and now.why != before.why:
            _log.warning("search: %s is not asked: %s", Meilisearch.name, now.why)

    # --- following ---------------------------------------------------------------------------------------------------

    def follow(self, stop: threading.Event) -> None:
        """Follow the log until the event is set; for a thread of its own."""
        self._stop = stop  # also in the middle of building
        wait = 0.0
        while not stop.wait(wait):
            wait = LOOK_EVERY if self.look() else RETRY_EVERY

    def look(self) -> bool:
        """Look where the index stands and, unless another process does, bring it up to the log; whether it is up."""
        try:
            now = self._looked()
        except EngineUnavailable as error:
            now = Followed(position=self._now.position, why=str(error))
        except Exception as error:  # the database away, say: what was known of the index is not sure any more
            now = Followed(position=self._now.position, why=type(error).__name__)
        self._is(now)
        return now.up

    def _looked(self) -> Followed:
        with self._database.reading() as connection:
            size = store.head(connection).size
            engine = self._of_this_log(connection)
        if engine is None:
            return Followed(why="the log is empty")
        state = engine.state()
        usable = state is not None and self._fits(state)
        if usable and state is not None and state.position == size:
            return Followed(up=True, position=size, why="")
        with self._database.alone("search") as mine:
            if mine:
                state = self._fed(engine, state if usable else None)
                usable = True
        if not usable or state is None:
            return Followed(why="being built by another process")
        return Followed(up=True, position=state.position, why="")

    def _of_this_log(self, connection: sa.Connection) -> Meilisearch | None:
        """The engine of this log's own index: named after its first entry."""
        first = store.leaf(connection, 1)
        if first is None:
            return None
        index = f"institutions-{first.hex()[:12]}"
        if self._engine is None or self._engine.index != index:
            self._engine = Meilisearch(*self._address, index)
        return self._engine

    def _fits(self, state: State) -> bool:
        """Whether an index is of this make and rests on entries this log has: not so after a backup was restored."""
        if state.format != FORMAT:
            return False
        with self._database.reading() as connection:
            leaf = store.leaf(connection, state.position)
        return leaf is not None and leaf.hex() == state.leaf

    def _fed(self, engine: Meilisearch, state: State | None) -> State:
        return self._caught_up(engine, state) if state is not None else self.rebuild(engine)

    def _caught_up(self, engine: Meilisearch, state: State) -> State:
        """Bring every institution that entries since then speak of up to now."""
        with self._database.reading() as connection:
            size = store.head(connection).size
            subjects: dict[str, None] = {}
            for chunk in store.read(connection, after=state.position):
                subjects.update(dict.fromkeys(e.subject for e in chunk if e.change.kind == "institution"))
            leaf = (store.leaf(connection, size) or b"").hex()
            for part in _parts(list(subjects), _BATCH):
                held = list(_held(connection, part))
                kept = {code for code, _, _ in held}
                gone = [code for code in map(_code, part) if code not in kept]
                engine.take(engine.index, held, gone)
        now = State(position=size, leaf=leaf, format=FORMAT)
        engine.rests_on(engine.index, now)
        return now

    def rebuild(self, engine: Meilisearch) -> State:
        """Build the index anew beside the one in use, and switch when it holds every institution of the records."""
        began = time.monotonic()
        with self._database.reading() as connection:
            size = store.head(connection).size
            leaf = (store.leaf(connection, size) or b"").hex()
            wanted = connection.execute(sa.select(sa.func.count()).select_from(search_documents)).scalar_one()
            _log.info("search: building an index of %d institutions in %s", wanted, Meilisearch.name)
            index = engine.begin_aside()
            sent = told = 0
            for part in _everything(connection):
                engine.take(index, part)
                sent += len(part)
                if not self._now.up:
                    self._now = Followed(
                        position=self._now.position, why=f"being built: {sent} of {wanted} institutions"
                    )
                if sent - told >= _TOLD:
                    told = sent
                    _log.info("search: %d of %d institutions sent", sent, wanted)
                if self._stop.is_set():
                    raise EngineUnavailable("stopped while building")
        now = State(position=size, leaf=leaf, format=FORMAT)
        engine.rests_on(index, now)
        held = engine.documents(index)
        if held < wanted:
            engine.drop_aside()
            raise EngineUnavailable(f"not switched: the new index holds {held} of {wanted} institutions")
        engine.switch()
        _log.info("search: index of %d institutions built in %.1f s", wanted, time.monotonic() - began)
        return now

    def rebuild_now(self) -> int:
        """`registry rebuild search`: build the index anew, whatever it holds; the institutions it then has."""
        with self._database.reading() as connection:
            engine = self._of_this_log(connection)
        if engine is None:
            return 0
        with self._database.alone("search", wait=math.inf):
            self.rebuild(engine)
        return engine.documents()


def _code(subject: str) -> str:
    return subject.partition(":")[2]


def _parts(subjects: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(subjects), size):
        yield subjects[start : start + size]


def _held(connection: sa.Connection, subjects: list[str]) -> Iterator[tuple[str, bytes, list[str]]]:
    query = sa.select(search_documents.c.subject, search_documents.c.body)
    for subject, body in connection.execute(query.where(search_documents.c.subject.in_(subjects))):
        yield _code(subject), bytes(body), fts5.tokens_in(bytes(body))


def _everything(connection: sa.Connection) -> Iterator[list[tuple[str, bytes, list[str]]]]:
    query = sa.select(search_documents.c.subject, search_documents.c.body).order_by(search_documents.c.id)
    rows = connection.execution_options(yield_per=_BATCH).execute(query)
    for part in rows.partitions(_BATCH):
        yield [(_code(subject), bytes(body), fts5.tokens_in(bytes(body))) for subject, body in part]
