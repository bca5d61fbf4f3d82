"""One running register: its database, and the in-memory verification view that follows it. What every door asks."""

from __future__ import annotations

import datetime as dt
import gc
import logging
import threading
import time
from collections.abc import Sequence
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any

from registry import finding, health, proposals, redaction
from registry.clients.lists import WatchLists
from registry.clients.service import Clients
from registry.database import Database
from registry.editions.service import Editions
from registry.errors import CannotAnswer
from registry.faults import FaultBoard
from registry.finding import Choice, Explained, Found, SearchResult
from registry.finding.pages import MayLook, allow_every_look
from registry.finding.reconciling import Reconciling
from registry.identifiers import validate_code
from registry.log import codec, store
from registry.log.publish import PublishedLog
from registry.model import Answer, Claim, Entry, Institution, Practitioner, Struct
from registry.records import asof as times
from registry.records import feed, history, read, stats
from registry.records.asof import AsOf
from registry.records.history import Version
from registry.records.snapshot import Snapshot
from registry.search.contract import EngineUnavailable
from registry.search.plan import TYPING
from registry.settings import Settings
from registry.storage import rights
from registry.verification import people
from registry.verification.answer import answer
from registry.verification.batch import Batch
from registry.verification.issuer import Checked, Issuer
from registry.verification.view import VerificationView

if TYPE_CHECKING:
    from registry.search.outside import OutsideSearch

#: Seconds between looks at the log: a change is visible in every process within one second.
FOLLOW_EVERY = 0.25
#: Seconds before publishing the log is tried again.
RETRY_EVERY = 5.0
#: Seconds between looks for emergency suspensions that nobody confirmed in time.
FALL_BACK_EVERY = 5.0
#: Seconds between looks at who may read the register's files.
RIGHTS_EVERY = 60.0
__all__ = ["FOLLOW_EVERY", "Choice", "Explained", "Found", "Register", "SearchResult", "opened"]
_log = logging.getLogger("registry")


class PublicLog(Struct, frozen=True):
    """The log as it was signed last: its name, entries, root hash (hex), and the verifier keys in use."""

    origin: str
    size: int
    root: str
    vkeys: list[str]


class Register:
    """Open it as a context manager, or call ``start`` and ``close``; all methods may be called from any thread."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.faults = FaultBoard()
        self.database = Database(settings.url())
        self.verification = VerificationView()
        self.log = PublishedLog(settings)
        self.receipts = Issuer(self.database, self.log, self.verification, settings.key_file())
        self.outside = _outside(self.database, settings)
        self.clients = Clients(self.database, settings)
        self.watches = WatchLists(self.database, self.verification)
        self.editions = Editions(self.database, self.log, settings)
        self._tried = 0.0
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Register:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Load the verification view and follow the log from now on; a database out of reach is tried again."""
        rights.guard(self.settings, self.faults, thoroughly=True)
        self._follow()
        if self.verification.size:
            self._publish()  # a key may have come or gone while nothing was appended
        # Two, so that what is recorded right after a start need not wait for the tables.
        for name, task in (("follow-log", self._run), ("warm", self._warm)):
            self._threads.append(threading.Thread(target=task, name=name, daemon=True))
            self._threads[-1].start()
        self.clients.start()
        if self.outside:
            self.outside.start()

    def close(self) -> None:
        """Stop following and give the connections back."""
        self._stop.set()
        if self.outside:
            self.outside.close()
        for thread in self._threads:
            thread.join(timeout=5)
        self.clients.close()
        self.database.close()

    def _warm(self) -> None:
        finding.warm()
        gc.freeze()  # what is loaded by now stays: it need not be looked through for garbage again and again
        redaction.settle(self.database)  # bytes of erased values that somebody's reading had kept from going

    def _run(self) -> None:
        looked = -FALL_BACK_EVERY
        guarded = time.monotonic()
        while not self._stop.wait(FOLLOW_EVERY):
            self._follow()
            if time.monotonic() >= guarded + RIGHTS_EVERY:
                guarded = time.monotonic()
                rights.guard(self.settings, self.faults)
            if time.monotonic() >= looked + FALL_BACK_EVERY:
                looked = time.monotonic()
                self._fall_back()

    def _fall_back(self) -> None:
        try:
            proposals.fall_back(self.database, self.log)
        except Exception as error:
            _log.warning("cannot look for emergency suspensions to end: %s", type(error).__name__)

    def _follow(self) -> None:
        try:
            published = self.look()
        except Exception as error:
            # Answering stops by itself once the view is stale (see VerificationView.require_fresh).
            _log.warning("cannot follow the log: %s", type(error).__name__)
            return
        if published != self.verification.size and time.monotonic() >= self._tried + RETRY_EVERY:
            self._publish()

    def look(self) -> int | None:
        """Bring the verification view up to the log; the size last published. LogDamaged when that is more."""
        last = self.log.last()  # before the log is read: what was published by now must be in it
        self.verification.follow(self.database, at_least=last.checkpoint.size if last else 0)
        self.receipts.learn()
        return last.checkpoint.size if last else None

    def _publish(self) -> None:
        """Sign what the process that appended it could not, and take over what another machine signed."""
        self._tried = time.monotonic() if self.log.try_publish(self.database) else 0.0

    # --- times -------------------------------------------------------------------------------------------------------

    def as_of(self, on: dt.date | None = None, known_at: dt.datetime | None = None) -> AsOf:
        """The pair of times a request means; CannotAnswer while the log is not the one that was published."""
        self.verification.require_whole()
        with self.database.reading() as connection:
            return times.as_of(connection, on, known_at)

    def now(self) -> AsOf:
        """Today, with everything known."""
        return self.as_of()

    # --- records -----------------------------------------------------------------------------------------------------

    def institution(self, code: str, asof: AsOf) -> Institution:
        """One institution; InvalidCode when mistyped, NotFound when unknown as of then."""
        with self.database.reading() as connection:
            return read.institution(connection, code, asof)

    def institutions(self, codes: Sequence[str], asof: AsOf) -> list[Institution]:
        """Those of some compact codes that are known as of then, in the order asked."""
        with self.database.reading() as connection:
            return read.institutions_by_subject(connection, [read.subject_of(code) for code in codes], asof)

    def history(self, code: str, asof: AsOf, upto: dt.date | None = None) -> list[Version]:
        """What was stated about an institution, entry by entry; with ``upto``, about days up to that one."""
        compact = validate_code(code)
        with self.database.reading() as connection:
            read.institution(connection, compact, asof)
            return history.versions_of(connection, read.subject_of(compact), asof, upto)

    def since(self, code: str, asof: AsOf) -> dict[str, dt.date]:
        """From which day on each thing recorded of an institution has held, for what was otherwise before."""
        with self.database.reading() as connection:
            return history.since(connection, read.subject_of(validate_code(code)), asof)

    def practitioners(self, code: str, asof: AsOf, look: people.Look | None = None) -> list[Practitioner]:
        """The authorised people of one institution; what ``look`` raises when there are any and it refuses."""
        with self.database.reading() as connection:
            found = read.practitioners(connection, code, asof)
        if found and look:
            look(code)
        return found

    def stats(self, asof: AsOf) -> stats.Stats:
        """The register in numbers."""
        with self.database.reading() as connection:
            return stats.stats(connection, asof)

    def changes(self, since: int, limit: int, asof: AsOf) -> feed.Page:
        """Entries after a position, without gaps; Conflict when the position is beyond the log."""
        with self.database.reading() as connection:
            return feed.page(connection, since, limit, asof.size)

    def snapshot(self, on: dt.date | None = None, known_at: dt.datetime | None = None) -> Snapshot:
        """All current records at one log size, which the change feed goes on from."""
        asof = self.as_of(on, known_at)
        with self.verification.lock:
            followed = self.verification.state()
        return Snapshot(self.database, asof, known_at, followed)

    def published(self) -> PublicLog | None:
        """What was signed last, and by which keys; None before the first checkpoint."""
        last = self.log.last()
        if last is None:
            return None
        signed = last.checkpoint
        return PublicLog(origin=signed.origin, size=signed.size, root=signed.root.hex(), vkeys=self.log.vkeys())

    def entry(self, number: int) -> tuple[Entry, str]:
        """One entry as it is published, without personal values, and its canonical bytes; NotFound."""
        with self.database.reading() as connection:
            body = store.body(connection, number)
        return codec.decode(body), body.decode()

    # --- search ------------------------------------------------------------------------------------------------------

    def find(
        self,
        choice: Choice,
        asof: AsOf,
        *,
        limit: int = 20,
        cursor: str | None = None,
        facets: bool = False,
        may_look: MayLook = allow_every_look,
    ) -> SearchResult:
        """Institutions that fit a question and filters: see ``registry.finding``.

        ``may_look`` is asked before the people of an institution are searched for a name.
        Candidates come from the outside engine while it is up with ``asof``, else from the embedded one.
        """
        return self._found(choice, asof, limit=limit, cursor=cursor, facets=facets, may_look=may_look)

    def suggest(self, typed: str, asof: AsOf, limit: int = 8, may_look: MayLook = allow_every_look) -> list[Found]:
        """Institutions somebody may be typing, best first; none for what nobody may offer."""
        if not typed.strip():
            return []
        return self._found(Choice(q=typed), asof, limit=limit, effort=TYPING, may_look=may_look).items

    def _found(self, choice: Choice, asof: AsOf, **wanted: Any) -> SearchResult:
        engine = self.outside.engine(asof.size) if self.outside and choice.q else None
        with self.database.reading() as connection:
            ask = partial(finding.find, connection, choice, asof, **wanted)
            if self.outside and engine is not None:
                try:
                    return ask(engine=engine)
                except EngineUnavailable as error:
                    self.outside.failed(error)
            return ask()

    def explain(self, question: str) -> Explained:
        """How the search understands a question, and what every hit cost."""
        with self.database.reading() as connection:
            return finding.explain(connection, question)

    def reconciling(self, may_look: MayLook = allow_every_look) -> Reconciling:
        """What matches rows of somebody's table to institutions, all as of now. CannotAnswer as for a claim."""
        return Reconciling(self.verification, partial(self._found, may_look=may_look), self.institutions)

    # --- verification ------------------------------------------------------------------------------------------------

    def answer(self, claim: Claim, lang: str = "zh-CN", look: people.Look | None = None) -> Answer:
        """The registry's answer to a claim, with its receipt if it asks for one; touches no database.

        CannotSign when a receipt is asked for and cannot be given here: it is never left out silently. What ``look``
        raises when it is about a person whose institution's people may not be looked at.
        """
        found = answer(self.verification, claim, lang)
        people.require_look(found, look)
        return self.receipts.give(claim, found) if claim.receipt else found

    def check_receipt(self, text: str, lang: str = "zh-CN") -> Checked:
        """Whether a receipt is genuine, and whether what it says still holds; InvalidInput for what is none."""
        self.verification.require_whole()
        return self.receipts.check(text, lang)

    def batch(self, lang: str = "zh-CN", look: people.Look | None = None) -> Batch:
        """What answers many claims at one log size and instant: now. CannotAnswer when the register cannot be read."""
        return Batch(self.verification, lang, self.receipts, look)

    def health(self) -> dict[str, Any]:
        """What /readyz says: whether the database answers, the schema is current, and how far each view is behind."""
        return health.told(self.database, self.log, self.verification, self.outside, self.faults)


def _outside(database: Database, settings: Settings) -> OutsideSearch | None:
    """The outside search, if one is set. Its client is loaded only then: most registers have none."""
    if not settings.search_url:
        return None
    from registry.search.outside import OutsideSearch

    return OutsideSearch(database, settings.search_url, settings.search_key)


def opened(settings: Settings) -> Register:
    """A register whose database exists and is of this version; CannotAnswer saying what to run otherwise."""
    register = Register(settings)
    if not register.database.is_current():
        raise CannotAnswer(
            "数据库尚未初始化或版本不符，请先运行：registry init",
            "The database is not initialised or of another version; run: registry init",
        )
    return register
