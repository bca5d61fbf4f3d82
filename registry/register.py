"""One running register: its database, and the in-memory verification view that follows it. What every door asks."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any

from registry.accounts.signin import SignIns
from registry.batch.batch import Batch
from registry.clients.service import Clients
from registry.clients.watches import WatchLists
from registry.domain.identifiers import parse_code
from registry.domain.model import Answer, Claim, Entry, Institution, Practitioner, Struct
from registry.editions.service import Editions
from registry.errors import NotFound, make_cannot_answer_error
from registry.institutions import search
from registry.institutions.pages import MayLook, allow_every_look
from registry.institutions.search import InstitutionHit, SearchExplanation, SearchRequest, SearchResult
from registry.log import codec, store
from registry.log.publish import PublishedLog
from registry.operations import health, presence
from registry.operations.upkeep import Upkeep
from registry.receipts.issuer import Issuer, ReceiptStatus
from registry.reconciliation.match import Reconciler
from registry.records import asof as times
from registry.records import feed, history, lookup, stats
from registry.records.asof import AsOf
from registry.records.history import Version
from registry.records.snapshot import Snapshot
from registry.search.contract import EngineUnavailable
from registry.search.fetch_plan import TYPING
from registry.settings import Settings
from registry.storage.database import Database
from registry.storage.fault_board import FaultBoard
from registry.verification import institution_card, people
from registry.verification.answer import answer_claim, take_moment
from registry.verification.view import VerificationView

if TYPE_CHECKING:
    from registry.search.outside_search import OutsideSearch

__all__ = ["InstitutionHit", "Register", "SearchExplanation", "SearchRequest", "SearchResult", "open_register"]
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
        self.database = Database(settings.get_database_url())
        self.database.board = self.faults
        self.verification = VerificationView(settings.state_limit)
        self.log = PublishedLog(settings)
        self.receipts = Issuer(self.database, self.log, self.verification, settings.get_key_file())
        self.outside = _make_outside_search(self.database, settings)
        self.clients = Clients(self.database, settings)
        self.sign_ins = SignIns(self.database, settings)
        self.watches = WatchLists(self.database, self.verification)
        self.editions = Editions(self.database, self.log, settings)
        self.upkeep = Upkeep(self)

    def __enter__(self) -> Register:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Load the verification view and follow the log from now on; a database out of reach is tried again."""
        self.upkeep.start()

    def close(self) -> None:
        """Stop following and give the connections back."""
        self.upkeep.close()
        self.clients.close()
        self.sign_ins.close()
        self.database.close()

    def follow_log(self) -> int | None:
        """Bring the verification view up to the log; the size last published. LogDamaged when that is more."""
        last = self.log.find_checkpoint()  # before the log is read: what was published by now must be in it
        self.verification.follow_log(self.database, at_least=last.checkpoint.size if last else 0)
        self.receipts.detect_mirror()
        return last.checkpoint.size if last else None

    # --- times -------------------------------------------------------------------------------------------------------

    def make_as_of(self, on: dt.date | None = None, known_at: dt.datetime | None = None) -> AsOf:
        """The pair of times a request means; CannotAnswer while the log is not the one that was published."""
        self.verification.require_whole()
        size = self.verification.size  # before the database is looked at: it holds no less, unless it was rolled back
        with self.database.reading() as connection:
            if store.read_head(connection).size < size:
                raise make_cannot_answer_error(None)
            return times.make_as_of(connection, on, known_at)

    def make_as_of_now(self) -> AsOf:
        """Today, with everything known."""
        return self.make_as_of()

    def find_now(self) -> dt.datetime:
        """The present: this instant, but never one before what was appended. Touches no database."""
        return self.verification.find_now()

    # --- records -----------------------------------------------------------------------------------------------------

    def get_institution(self, code: str, asof: AsOf) -> Institution:
        """One institution; InvalidCode when mistyped, NotFound when unknown as of then."""
        with self.database.reading() as connection:
            return lookup.get_institution(connection, code, asof)

    def get_institution_from_memory(self, code: str) -> tuple[Institution, dt.datetime]:
        """What memory holds of an institution today, and when that was verified: for when the database is out of reach.

        InvalidCode; NotFound when nothing was known of it then; CannotAnswer when that is too long ago.
        """
        compact = parse_code(code)
        at = take_moment(self.verification)
        found = institution_card.find_institution(self.verification, compact, AsOf(valid_on=at.day, size=at.size))
        if found is None:
            raise NotFound(f"名录中没有编码 {code}。", f"The register has no code {code}.")
        return found, at.now

    def list_institutions(self, codes: Sequence[str], asof: AsOf) -> list[Institution]:
        """Those of some compact codes that are known as of then, in the order asked."""
        with self.database.reading() as connection:
            return lookup.read_institutions(connection, [lookup.to_subject(code) for code in codes], asof)

    def list_versions(self, code: str, asof: AsOf, upto: dt.date | None = None) -> list[Version]:
        """What was stated about an institution, entry by entry; with ``upto``, about days up to that one."""
        compact = parse_code(code)
        with self.database.reading() as connection:
            lookup.get_institution(connection, compact, asof)
            return history.list_versions(connection, lookup.to_subject(compact), asof, upto)

    def read_first_days(self, code: str, asof: AsOf) -> dict[str, dt.date]:
        """From which day on each thing recorded of an institution has held, for what was otherwise before."""
        with self.database.reading() as connection:
            return history.read_first_days(connection, lookup.to_subject(parse_code(code)), asof)

    def list_practitioners(self, code: str, asof: AsOf, look: people.Look | None = None) -> list[Practitioner]:
        """The authorised people of one institution; what ``follow_log`` raises when there are any and it refuses."""
        with self.database.reading() as connection:
            found = lookup.list_practitioners(connection, code, asof)
        if found and look:
            look(code)
        return found

    def compute_stats(self, asof: AsOf) -> stats.Stats:
        """The register in numbers."""
        with self.database.reading() as connection:
            return stats.compute_stats(connection, asof)

    def read_changes(self, since: int, limit: int, asof: AsOf) -> feed.FeedPage:
        """Entries after a position, without gaps; Conflict when the position is beyond the log."""
        with self.database.reading() as connection:
            return feed.read_page(connection, since, limit, asof.size)

    def make_snapshot(self, on: dt.date | None = None, known_at: dt.datetime | None = None) -> Snapshot:
        """All current records at one log size, which the change feed goes on from."""
        asof = self.make_as_of(on, known_at)
        with self.verification.lock:
            followed = self.verification.get_state()
        return Snapshot(self.database, asof, known_at, followed)

    def find_public_log(self) -> PublicLog | None:
        """What was signed last, and by which keys; None before the first checkpoint."""
        last = self.log.find_checkpoint()
        if last is None:
            return None
        signed = last.checkpoint
        return PublicLog(origin=signed.origin, size=signed.size, root=signed.root.hex(), vkeys=self.log.read_vkeys())

    def get_entry(self, number: int) -> tuple[Entry, str]:
        """One entry as it is published, without personal values, and its canonical bytes; NotFound."""
        with self.database.reading() as connection:
            body = store.get_body(connection, number)
        return codec.decode_entry(body), body.decode()

    # --- search ------------------------------------------------------------------------------------------------------

    def search_institutions(
        self,
        choice: SearchRequest,
        asof: AsOf,
        *,
        limit: int = 20,
        cursor: str | None = None,
        facets: bool = False,
        may_look: MayLook = allow_every_look,
    ) -> SearchResult:
        """Institutions that fit a question and filters: see ``registry.institutions.search``.

        ``may_look`` is asked before the people of an institution are searched for a name.
        Candidates come from the outside engine while it is up with ``asof``, else from the embedded one.
        """
        return self._search(choice, asof, limit=limit, cursor=cursor, facets=facets, may_look=may_look)

    def suggest_institutions(
        self, typed: str, asof: AsOf, limit: int = 8, may_look: MayLook = allow_every_look
    ) -> list[InstitutionHit]:
        """Institutions somebody may be typing, best first; none for what nobody may offer."""
        if not typed.strip():
            return []
        return self._search(SearchRequest(q=typed), asof, limit=limit, effort=TYPING, may_look=may_look).items

    def _search(self, choice: SearchRequest, asof: AsOf, **wanted: Any) -> SearchResult:
        engine = self.outside.find_engine(asof.size) if self.outside and choice.q else None
        with self.database.reading() as connection:
            ask = partial(search.search_institutions, connection, choice, asof, **wanted)
            if self.outside and engine is not None:
                try:
                    return ask(engine=engine)
                except EngineUnavailable as error:
                    self.outside.report_failure(error)
            return ask()

    def explain_search(self, question: str) -> SearchExplanation:
        """How the search understands a question, and what every hit cost."""
        with self.database.reading() as connection:
            return search.explain_search(connection, question)

    def make_reconciler(self, may_look: MayLook = allow_every_look) -> Reconciler:
        """What matches rows of somebody's table to institutions, all as of now. CannotAnswer as for a claim."""
        return Reconciler(self.verification, partial(self._search, may_look=may_look), self.list_institutions)

    # --- verification ------------------------------------------------------------------------------------------------

    def answer_claim(self, claim: Claim, lang: str = "zh-CN", look: people.Look | None = None) -> Answer:
        """The registry's answer to a claim, with its receipt if it asks for one; touches no database.

        CannotSign when a receipt is asked for and cannot be given here: it is never left out silently. What ``follow_log``
        raises when it is about a person whose institution's people may not be looked at.
        """
        found = answer_claim(self.verification, claim, lang)
        people.require_look(found, look)
        return self.receipts.add_receipt(claim, found) if claim.receipt else found

    def check_receipt(self, text: str, lang: str = "zh-CN") -> ReceiptStatus:
        """Whether a receipt is genuine, and whether what it says still holds; InvalidInput for what is none."""
        return self.receipts.check_receipt(text, lang)

    def make_batch(self, lang: str = "zh-CN", look: people.Look | None = None) -> Batch:
        """What answers many claims at one log size and instant: now. CannotAnswer when the register cannot be read."""
        return Batch(self.verification, lang, self.receipts, look)

    def read_health(self) -> dict[str, Any]:
        """What /readyz says: whether the database answers, the schema is current, and how far each view is behind."""
        self.upkeep.threads.restart_dead()
        return health.read_health(self.settings, self.database, self.log, self.verification, self.outside, self.faults)


def _make_outside_search(database: Database, settings: Settings) -> OutsideSearch | None:
    """The outside search, if one is set. Its client is loaded only then: most registers have none."""
    if not settings.search_url:
        return None
    from registry.search.outside_search import OutsideSearch

    return OutsideSearch(database, settings.search_url, settings.search_key)


def open_register(settings: Settings) -> Register:
    """A register whose database is there, of this version, and holds the log that was published.

    CannotAnswer, LogRolledBack, LogDamaged say what to do otherwise.
    """
    register = Register(settings)
    try:
        presence.require_database(register.database, register.log)
        presence.require_published_prefix(register.database, register.log)
    except BaseException:
        register.database.close()
        raise
    return register
