"""One running register: its database, and the in-memory verification view that follows it. Every door uses this."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from registry.accounts.signin import SignIns
from registry.batch.batch import Batch
from registry.batch.claim_check import check_claim
from registry.clients.service import Clients
from registry.clients.watches import WatchLists
from registry.credentials.bundle import BUNDLE_FILE
from registry.credentials.service import Credentials
from registry.domain.answers import Answer, Claim, SanctionFinding
from registry.domain.identifiers import format_code, parse_code
from registry.domain.model import Entry, Institution, Practitioner, PublicLog, SourceRef
from registry.domain.normalise import fold_text
from registry.editions.service import Editions
from registry.errors import NotFound, make_cannot_answer_error
from registry.institutions import search
from registry.institutions.pages import MayLook, allow_every_look
from registry.institutions.result import InstitutionHit, SearchExplanation, SearchRequest, SearchResult
from registry.institutions.text_search import WrittenName
from registry.log import codec, store
from registry.log.publish import PublishedLog
from registry.measures.leads.service import Leads
from registry.measures.letters.service import Letters
from registry.measures.notices.service import Notices
from registry.operations import health
from registry.operations.upkeep import Upkeep
from registry.receipts.issuer import Issuer, ReceiptStatus
from registry.reconciliation.match import Reconciler
from registry.records import asof as times
from registry.records import feed, history, lookup, stats
from registry.records.asof import AsOf
from registry.records.history import Version
from registry.records.snapshot import AdCertificate, Snapshot, list_certificates_of
from registry.records.supervision import Sanction, Supervision, list_public_records
from registry.search.engine import EngineUnavailable
from registry.search.fetch_plan import LARGE, TYPING
from registry.search.memory_engine import MemoryIndex
from registry.settings import Settings
from registry.storage.database import Database
from registry.storage.fault_board import FaultBoard
from registry.texts import Message
from registry.verification import institution_card, people
from registry.verification.answer import answer_claim, take_moment
from registry.verification.mentions import find_names
from registry.verification.names import find_base_name
from registry.verification.sanctions import SanctionHit, SanctionQuestion, find_hits, find_written
from registry.verification.successors import find_successors
from registry.verification.view import VerificationView

if TYPE_CHECKING:
    from registry.search.outside_search import OutsideSearch

_log = logging.getLogger("registry")


class Register:
    """Use it as a context manager, or call ``start`` and ``close``; all methods may be called from any thread."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.faults = FaultBoard()
        self.database = Database(settings.get_database_url())
        self.database.board = self.faults
        self.verification = VerificationView(settings.state_limit)
        self.log = PublishedLog(settings)
        bundle_file = settings.data_dir / BUNDLE_FILE
        self.receipts = Issuer(self.database, self.log, self.verification, settings.get_key_file(), bundle_file)
        self.outside = _make_outside_search(self.database, settings)
        #: Only in a process that answers many questions: reading it takes longer than one.
        self.memory_index: MemoryIndex | None = None
        self.clients = Clients(self.database, settings)
        self.sign_ins = SignIns(self.database, settings)
        self.watches = WatchLists(self.database, self.verification)
        self.leads = Leads(self.database, settings, self.sign_ins.vault)
        self.editions = Editions(self.database, self.log, settings)
        self.credentials = Credentials(self.database, self.receipts, self.verification, settings)
        self.letters = Letters(self.database, self.log, self.receipts, self.verification, settings)
        self.notices = Notices(self.database, self.watches, self.verification, settings)
        self.upkeep = Upkeep(self)

    def __enter__(self) -> Register:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Load the verification view and follow the log from now on; an unreachable database is tried again."""
        self.memory_index = MemoryIndex()
        self.upkeep.start()

    def close(self) -> None:
        """Stop following and close the connections."""
        self.upkeep.close()
        self.clients.close()
        self.sign_ins.close()
        self.leads.close()
        self.database.close()

    def follow_log(self) -> int | None:
        """Bring the verification view up to the log; return the size last published. LogDamaged if that is more."""
        last = self.log.find_checkpoint()  # first: what was published by now must be in the log read next
        self.verification.follow_log(self.database, at_least=last.checkpoint.size if last else 0)
        self.receipts.detect_mirror()
        return last.checkpoint.size if last else None

    # --- times -------------------------------------------------------------------------------------------------------

    def make_as_of(self, on: dt.date | None = None, known_at: dt.datetime | None = None) -> AsOf:
        """Return the pair of times a request means; CannotAnswer while the log is not the published one."""
        self.verification.require_whole()
        size = self.verification.size  # first: the database read next holds no less, unless it was rolled back
        with self.database.reading() as connection:
            if store.read_head(connection).size < size:
                raise make_cannot_answer_error(None)
            return times.make_as_of(connection, on, known_at)

    def make_as_of_now(self) -> AsOf:
        """Return today, with everything known."""
        return self.make_as_of()

    def find_now(self) -> dt.datetime:
        """Return the present: this instant, but never one before the last entry. Touches no database."""
        return self.verification.find_now()

    # --- records -----------------------------------------------------------------------------------------------------

    def get_institution(self, code: str, asof: AsOf) -> Institution:
        """Return one institution; InvalidCode if mistyped, NotFound if unknown as of then."""
        with self.database.reading() as connection:
            return lookup.get_institution(connection, code, asof)

    def get_institution_from_memory(self, code: str) -> tuple[Institution, dt.datetime]:
        """Return an institution as memory holds it today, and when that was verified: for while the database is
        unreachable.

        InvalidCode; NotFound if nothing was known of it then; CannotAnswer if that is too long ago.
        """
        compact = parse_code(code)
        moment = take_moment(self.verification)
        institution = institution_card.find_institution(
            self.verification, compact, AsOf(valid_on=moment.day, size=moment.size)
        )
        if institution is None:
            raise NotFound(Message("名录中没有编码 {code}。", code=code))
        return institution, moment.now

    def list_institutions(self, codes: Sequence[str], asof: AsOf) -> list[Institution]:
        """Return those of some compact codes that are known as of then, in the order given."""
        with self.database.reading() as connection:
            return lookup.read_institutions(connection, [lookup.to_subject(code) for code in codes], asof)

    def list_versions(
        self, code: str, asof: AsOf, upto: dt.date | None = None, *, with_refused: bool = True
    ) -> list[Version]:
        """Return what was stated about an institution, entry by entry: see ``history.list_versions``."""
        compact = parse_code(code)
        with self.database.reading() as connection:
            lookup.get_institution(connection, compact, asof)
            return history.list_versions(connection, lookup.to_subject(compact), asof, upto, with_refused=with_refused)

    def read_first_days(self, code: str, asof: AsOf) -> dict[str, dt.date]:
        """Return the day since which each value recorded of an institution has held, for values that were different
        before."""
        with self.database.reading() as connection:
            return history.read_first_days(connection, lookup.to_subject(parse_code(code)), asof)

    def list_practitioners(self, code: str, asof: AsOf, look: people.Look | None = None) -> list[Practitioner]:
        """Return the authorised people of one institution; ``look`` may refuse, by raising, if there are any."""
        with self.database.reading() as connection:
            practitioners = lookup.list_practitioners(connection, code, asof)
        if practitioners and look:
            look(code)
        return practitioners

    def list_records_about(self, code: str, asof: AsOf) -> tuple[list[AdCertificate], list[Sanction | Supervision]]:
        """Return the certificates of one institution, and its public inspections and penalties; ``code`` as printed."""
        with self.database.reading() as connection:
            return list_certificates_of(connection, code, asof), list_public_records(connection, code, asof)

    def list_other_sites(self, institution: Institution, asof: AsOf) -> list[Institution]:
        """Return what else stands in the register under a name of this institution: other addresses, each approved by
        itself."""
        names = {institution.name, find_base_name(institution.name) or institution.name, *institution.aliases}
        with self.verification.lock:
            codes = {code for name in names for code in self.verification.institutions.find_by_name(fold_text(name))}
        own = parse_code(institution.code)
        others = self.list_institutions(sorted(codes - {own}), asof)
        return [one for one in others if one.status != "delisted"]

    def list_codes(self, asof: AsOf) -> list[str]:
        """Return the code, as printed, of every institution that the lists name on the day."""
        with self.verification.lock:
            codes = sorted(self.verification.institutions)
            sites = ((code, self.verification.find_site(code, asof)) for code in codes)
            return [format_code(code) for code, site in sites if site is not None and site.status != "delisted"]

    def compute_stats(self, asof: AsOf) -> stats.Stats:
        """Return the register in numbers."""
        with self.database.reading() as connection:
            return stats.compute_stats(connection, asof)

    def find_main_source(self, asof: AsOf) -> SourceRef | None:
        """Return the source of the register as a whole as of then: its latest complete list."""
        with self.database.reading() as connection:
            return stats.find_main_source(connection, asof)

    def read_changes(self, since: int, limit: int, asof: AsOf) -> feed.FeedPage:
        """Return entries after a position, without gaps; Conflict if the position is beyond the log."""
        with self.database.reading() as connection:
            return feed.read_page(connection, since, limit, asof.size)

    def make_snapshot(self, on: dt.date | None = None, known_at: dt.datetime | None = None) -> Snapshot:
        """Return all current records at one log size, from which the change feed goes on."""
        asof = self.make_as_of(on, known_at)
        with self.verification.lock:
            state = self.verification.get_state()
        return Snapshot(self.database, asof, known_at, state)

    def find_public_log(self) -> PublicLog | None:
        """Return what was signed last, and by which keys; None before the first checkpoint."""
        last = self.log.find_checkpoint()
        if last is None:
            return None
        signed = last.checkpoint
        return PublicLog(origin=signed.origin, size=signed.size, root=signed.root.hex(), vkeys=self.log.read_vkeys())

    def get_entry(self, number: int) -> tuple[Entry, str]:
        """Return one entry as published, without personal values, and its canonical bytes; NotFound."""
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
        """Search institutions by a question and filters: see ``registry.institutions.search``.

        ``may_look`` is asked before the people of an institution are searched for a name. Candidates come from the
        outside engine while it is up with ``asof``, else from memory in a small register, else from the embedded one.
        """
        return self._search(choice, asof, limit=limit, cursor=cursor, facets=facets, may_look=may_look)

    def suggest_institutions(
        self, typed: str, asof: AsOf, limit: int = 8, may_look: MayLook = allow_every_look
    ) -> list[InstitutionHit]:
        """Return institutions somebody may be typing, best first."""
        if not typed.strip():
            return []
        return self._search(SearchRequest(q=typed), asof, limit=limit, effort=TYPING, may_look=may_look).items

    def _search(self, choice: SearchRequest, asof: AsOf, **options: Any) -> SearchResult:
        engine = self.outside.find_engine(asof.size) if self.outside and choice.q else None
        with self.database.reading() as connection:
            names = partial(self._find_written_names, asof)
            follow = partial(self._find_successors, asof)
            run = partial(
                search.search_institutions,
                connection,
                choice,
                asof,
                find_names=names,
                find_successors=follow,
                **options,
            )
            if self.outside and engine is not None:
                try:
                    return run(engine=engine)
                except EngineUnavailable as error:
                    self.outside.report_failure(error)
            return run(memory=self.memory_index)

    def refresh_memory_index(self) -> None:
        """Read the search index into memory once the log has grown and is at rest."""
        size = self.verification.size
        if self.memory_index is not None and self.memory_index.is_due(size):
            with self.database.reading() as connection:
                search.read_into_memory(connection, self.memory_index, size)

    def _is_followed(self, asof: AsOf) -> bool:
        """Bring the view up to the log where nobody follows it; whether it is.

        In a large register that would take longer than anybody waits for a command: there it is not.
        """
        if self.verification.size < asof.size and asof.size <= LARGE:
            self.follow_log()
        return self.verification.size >= asof.size

    def _find_written_names(self, asof: AsOf, text: str) -> list[WrittenName]:
        """Find the names of the register in a text."""
        if not self._is_followed(asof):
            return []
        with self.verification.lock:
            found = find_names(self.verification, text, asof)
        return [WrittenName(place.start, place.end, place.codes, place.is_part) for place in found]

    def _find_successors(self, asof: AsOf, code: str) -> list[str]:
        """Find the codes of the listed institutions that bear a name of a record that has ended."""
        if not self._is_followed(asof):
            return []
        with self.verification.lock:
            ended = self.verification.find_span(code, asof)
            found = find_successors(self.verification, [ended], None, asof, None).by_name if ended else ()
        return [span.site.code for span in found]

    def explain_search(self, question: str) -> SearchExplanation:
        """Explain how the search understands a question, and what every hit cost."""
        with self.database.reading() as connection:
            return search.explain_search(connection, question)

    def make_reconciler(self, may_look: MayLook = allow_every_look) -> Reconciler:
        """Make what matches rows of somebody's table to institutions, all as of now. CannotAnswer as for a claim."""
        return Reconciler(self.verification, partial(self._search, may_look=may_look), self.list_institutions)

    # --- verification ------------------------------------------------------------------------------------------------

    def answer_claim(self, claim: Claim, lang: str = "zh-CN", look: people.Look | None = None) -> Answer:
        """Answer a claim, with a receipt if it asks for one; touches no database.

        CannotSign if a receipt is asked for and cannot be given: it is never left out silently. ``look`` may refuse, by
        raising, a claim about a person whose institution's people may not be looked at.
        """
        check_claim(claim)
        answer = answer_claim(self.verification, claim, lang)
        people.require_look(answer, look)
        return self.receipts.add_receipt(claim, answer) if claim.receipt else answer

    def find_sanctions(self, question: SanctionQuestion, asof: AsOf, lang: str = "zh-CN") -> list[SanctionHit]:
        """Look up exactly what is public of somebody: see ``sanctions.find_hits``. CannotAnswer as for claims."""
        take_moment(self.verification)
        with self.verification.lock:
            return find_hits(self.verification, question, asof, lang)

    def find_written_sanctions(self, text: str, asof: AsOf, lang: str = "zh-CN") -> list[SanctionFinding]:
        """Return what is public of whoever a text is exactly the name, a number or the account of; never a person."""
        if not self._is_followed(asof):
            return []
        with self.verification.lock:
            return find_written(self.verification, text, asof, lang)

    def check_receipt(self, text: str, lang: str = "zh-CN") -> ReceiptStatus:
        """Check whether a receipt is genuine, and whether what it says still holds; InvalidInput for what is none."""
        return self.receipts.check_receipt(text, lang)

    def make_batch(self, lang: str = "zh-CN", look: people.Look | None = None) -> Batch:
        """Make what answers many claims at one log size and instant: now. CannotAnswer if the register cannot be
        read."""
        return Batch(self.verification, lang, self.receipts, look)

    def read_health(self) -> dict[str, Any]:
        """Return what /readyz answers: whether the database answers, the schema is current, and how far each view is
        behind."""
        self.upkeep.threads.restart_dead()
        return health.read_health(self.settings, self.database, self.log, self.verification, self.outside, self.faults)


def _make_outside_search(database: Database, settings: Settings) -> OutsideSearch | None:
    """Make the outside search, if one is set. Its client is loaded only then: most registers have none."""
    if not settings.search_url:
        return None
    from registry.search.outside_search import OutsideSearch

    return OutsideSearch(database, settings.search_url, settings.search_key)


def open_register(settings: Settings) -> Register:
    """Open a register whose database is there, of this version, and holds the published log.

    CannotAnswer, LogRolledBack, LogDamaged say what to do otherwise.
    """
    register = Register(settings)
    try:
        health.require_database(register.database, register.log)
        health.require_published_prefix(register.database, register.log)
    except BaseException:
        register.database.close()
        raise
    return register
