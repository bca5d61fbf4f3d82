"""One running register: its database, and the in-memory verification view that follows it. What every door asks."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import logging
import threading
from types import TracebackType
from typing import Any

import msgspec

from registry import regions, views
from registry.database import Database
from registry.errors import CannotAnswer, InvalidInput, RegistryError
from registry.identifiers import validate_code
from registry.model import Answer, Claim, Institution, Practitioner, Struct, Version
from registry.records import asof as times
from registry.records import history, read, stats
from registry.records.asof import AsOf
from registry.search import fts5
from registry.search.contract import MatchKind, SearchQuery, Understood
from registry.search.query import understand
from registry.settings import Settings
from registry.techniques import BY_CODE, STAGES
from registry.verification.answer import answer, technique_of
from registry.verification.view import VerificationView

#: Seconds between looks at the log: a change is visible in every process within one second.
FOLLOW_EVERY = 0.25
MOST_PER_PAGE = 500
_log = logging.getLogger("registry")


class Found(Struct, frozen=True):
    """One institution of a result and why it fits."""

    institution: Institution
    match: MatchKind


class SearchResult(Struct, frozen=True):
    """One page of institutions; ``next`` is the cursor of the following page, on the same log size."""

    items: list[Found]
    total: int
    next: str | None
    log_size: int
    understood: tuple[Understood, ...]
    facets: stats.Stats | None = None


class Choice(Struct, frozen=True):
    """What narrows a list: as the pages and the API give it, not yet checked."""

    q: str = ""
    technique: tuple[str, ...] = ()
    region: str | None = None
    stage: str | None = None
    status: str | None = None


class _Cursor(msgspec.Struct, frozen=True, array_like=True):
    size: int
    offset: int = 0
    after: tuple[str, str] | None = None


class Register:
    """Open it as a context manager, or call ``start`` and ``close``; all methods may be called from any thread."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database = Database(settings.url())
        self.verification = VerificationView()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Register:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Load the verification view and follow the log from now on; a database out of reach is tried again."""
        self._follow()
        self._thread = threading.Thread(target=self._run, name="follow-log", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop following and give the connections back."""
        self._stop.set()
        if self._thread:
            self._thread.join(timeout=5)
        self.database.close()

    def _run(self) -> None:
        while not self._stop.wait(FOLLOW_EVERY):
            self._follow()

    def _follow(self) -> None:
        try:
            self.verification.follow(self.database)
        except Exception as error:
            # Answering stops by itself once the view is stale (see VerificationView.require_fresh).
            _log.warning("cannot follow the log: %s", type(error).__name__)

    # --- times -------------------------------------------------------------------------------------------------------

    def as_of(self, on: dt.date | None = None, known_at: dt.datetime | None = None) -> AsOf:
        """The pair of times a request means."""
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

    def history(self, code: str, asof: AsOf) -> list[Version]:
        """What was stated about an institution, entry by entry."""
        compact = validate_code(code)
        with self.database.reading() as connection:
            read.institution(connection, compact, asof)
            return history.versions_of(connection, read.subject_of(compact), asof)

    def practitioners(self, code: str, asof: AsOf) -> list[Practitioner]:
        """The authorised people of one institution."""
        with self.database.reading() as connection:
            return read.practitioners(connection, code, asof)

    def stats(self, asof: AsOf) -> stats.Stats:
        """The register in numbers."""
        with self.database.reading() as connection:
            return stats.stats(connection, asof)

    # --- search ------------------------------------------------------------------------------------------------------

    def find(
        self, choice: Choice, asof: AsOf, *, limit: int = 20, cursor: str | None = None, facets: bool = False
    ) -> SearchResult:
        """Institutions that fit a question and filters; by relevance with a question, by region code without."""
        if not 1 <= limit <= MOST_PER_PAGE:
            raise InvalidInput(f"limit 须在1到{MOST_PER_PAGE}之间。", f"limit must be 1 to {MOST_PER_PAGE}.")
        first = understand(choice.q)
        found = self._find(first, choice, asof, limit, cursor, facets)
        if found.total == 0 and first.otherwise is not None:
            return self._find(first.otherwise, choice, asof, limit, cursor, facets)
        return found

    def _find(
        self, query: SearchQuery, choice: Choice, asof: AsOf, limit: int, cursor: str | None, facets: bool
    ) -> SearchResult:
        chosen = _filter(choice, query)
        position = _decode(cursor) if cursor else _Cursor(size=asof.size)
        asof = AsOf(valid_on=asof.valid_on, size=position.size)
        with self.database.reading() as connection:
            if query.text:
                hits = fts5.find(connection, query)
                chosen = msgspec.structs.replace(chosen, subjects=tuple(hit.subject for hit in hits))
                standing = read.chosen_of(connection, chosen, asof)
                hits = [hit for hit in hits if hit.subject in standing]
                matches = {hit.subject: hit.match for hit in hits}
                total = len(hits)
                subjects = [hit.subject for hit in hits[position.offset : position.offset + limit]]
                more = position.offset + limit < total
                following = _Cursor(size=asof.size, offset=position.offset + limit)
            else:
                total = read.count(connection, chosen, asof)
                keys = read.page(connection, chosen, asof, limit + 1, position.after)
                subjects = [subject for _, subject in keys[:limit]]
                more = len(keys) > limit
                following = _Cursor(size=asof.size, after=keys[limit - 1] if more else None)
                matches = {}
            institutions = read.institutions_by_subject(connection, subjects, asof)
            counted = stats.stats(connection, asof, chosen) if facets else None
        items = [
            Found(institution=one, match=matches.get(read.subject_of(validate_code(one.code)), "filter"))
            for one in institutions
        ]
        return SearchResult(
            items=items,
            total=total,
            next=_encode(following) if more else None,
            log_size=asof.size,
            understood=query.understood,
            facets=counted,
        )

    # --- verification ------------------------------------------------------------------------------------------------

    def answer(self, claim: Claim, lang: str = "zh-CN") -> Answer:
        """The registry's answer to a claim; touches no database."""
        return answer(self.verification, claim, lang)

    def health(self) -> dict[str, Any]:
        """What /readyz says: whether the database answers, the schema is current, and how far each view is behind."""
        try:
            with self.database.reading() as connection:
                lag = views.lag(connection)
            current = self.database.is_current()
        except RegistryError as error:
            return {"ready": False, "database": error.code, "views": {}}
        except Exception as error:  # a missing table, say: not ready, whatever the reason
            return {"ready": False, "database": type(error).__name__, "views": {}}
        fresh = self.verification.age() < FOLLOW_EVERY * 40
        return {
            "ready": current and fresh,
            "database": "ok" if current else "schema is not current: run registry init",
            "views": {**lag, "verification": self.verification.size},
        }


def _filter(choice: Choice, query: SearchQuery) -> read.Filter:
    techniques = dict.fromkeys([*(technique_of(word) for word in choice.technique), *query.techniques])
    stage = choice.stage or query.stage
    if stage is not None and stage not in STAGES:
        raise InvalidInput(
            f"未知的阶段“{stage}”；可用：{'、'.join(STAGES)}。", f"Unknown stage “{stage}”; use {', '.join(STAGES)}."
        )
    if choice.region is not None and regions.get(choice.region) is None:
        raise InvalidInput(
            f"未知的行政区划代码“{choice.region}”，须为6位 GB/T 2260 代码，如 210300。",
            f"Unknown region code “{choice.region}”: a 6-digit GB/T 2260 code such as 210300 is needed.",
        )
    return read.Filter(
        techniques=tuple(code for code in techniques if code in BY_CODE),
        regions=(choice.region,) if choice.region else query.regions,
        stage=stage,
        statuses=_statuses(choice, bool(query.text)),
    )


def _statuses(choice: Choice, searched: bool) -> tuple[str, ...]:
    """Who was delisted is found by name, and is never in a list of institutions unless asked for."""
    known = ("listed", "suspended", "delisted")
    if choice.status is None:
        return known if searched else known[:2]
    if choice.status == "all":
        return known
    if choice.status not in known:
        raise InvalidInput(
            f"未知的状态“{choice.status}”。", f"Unknown status “{choice.status}”; use {', '.join(known)} or all."
        )
    return (choice.status,)


def _encode(cursor: _Cursor) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode().rstrip("=")


def _decode(text: str) -> _Cursor:
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=_Cursor)
    except (msgspec.DecodeError, binascii.Error, ValueError) as error:
        raise InvalidInput(
            "cursor 无效，请从第一页重新开始。", "The cursor is not valid; start from the first page."
        ) from error


def opened(settings: Settings) -> Register:
    """A register whose database exists and is of this version; CannotAnswer saying what to run otherwise."""
    register = Register(settings)
    if not register.database.is_current():
        raise CannotAnswer(
            "数据库尚未初始化或版本不符，请先运行：registry init",
            "The database is not initialised or of another version; run: registry init",
        )
    return register
