"""The in-memory view that answers claims: it follows the log and touches no database while answering.

It holds every span of every institution, also superseded ones, so that a claim may name any day and any time of
knowing. A change reaches it within the follower's interval; each answer says the log size it rests on. When the
register cannot be read for too long, it refuses to answer rather than answer from the past.
"""

from __future__ import annotations

import bisect
import datetime as dt
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import closing
from functools import partial
from typing import Any, TypeVar

import sqlalchemy as sa

from registry.domain.answers import LogState
from registry.domain.model import Date, Source, Struct
from registry.errors import LogDamaged, StateTooOld, make_cannot_answer_error, make_log_rollback_error
from registry.log import clock, store
from registry.log.clock import from_milliseconds
from registry.log.merkle import Frontier
from registry.records.asof import SHANGHAI, AsOf, to_day
from registry.records.site import Site
from registry.records.sources import SourceHistory, load_source_history
from registry.storage.database import Database
from registry.storage.tables import entries
from registry.texts import Message
from registry.verification import spans
from registry.verification.institution_index import InstitutionIndex
from registry.verification.people_index import PeopleIndex
from registry.verification.sanction_index import SanctionIndex
from registry.verification.spans import Span, SpanName
from registry.verification.verdict import Situation, select_sources_of

_T = TypeVar("_T")
#: Subjects loaded while questions wait, and seconds of the longest rest until the next ones.
_AT_ONCE, _LONGEST_REST = 50, 0.05
_ONE_DAY, _EVER = dt.timedelta(days=1), dt.datetime.min.replace(tzinfo=dt.UTC)
#: Seconds without a successful look at the log after which the view no longer answers, unless ``limit`` says otherwise.
STALE_AFTER = 600.0
#: Answers remembered, twice as many at most; a question asked again gets the same one until the log grows. More would
#: slow down new questions: they no longer fit into the processor's cache.
REMEMBERED_LIMIT = 1024
#: Questions of which is known that they were asked, twice as many at most.
MARK_LIMIT = 4096


class LogCheckTime(Struct, frozen=True):
    """The time of one successful look at the log: by the clock that never goes back (seconds), and as an instant in
    UTC."""

    ticks: float
    at: dt.datetime

    def get_age(self) -> float:
        """Return the seconds since then."""
        return time.monotonic() - self.ticks


class VerificationView:
    """Institutions by name and number, their people and certificates, in memory.

    ``lock`` guards every read that needs one consistent log size.
    """

    def __init__(self, limit: float | None = None) -> None:
        """Start empty; ``limit``: seconds for which it goes on answering from the last state that was verified."""
        self.lock = threading.RLock()
        self._limit = limit
        self.size = 0
        self.sources = SourceHistory(0, {})
        self.institutions = InstitutionIndex()
        self._remembered: dict[Hashable, Any] = {}
        self._remembered_before: dict[Hashable, Any] = {}  # the generation before: what is asked often stays
        self._last_asof: AsOf | None = None  # with the sources known then, and of these the ones up to its day
        self._last_known: dict[str, Source] = {}
        self._last_current: dict[str, Source] = {}
        self._marks: set[int] = set()  # hashes of questions that were asked once
        self._earlier_marks: set[int] = set()
        self.people = PeopleIndex()
        self.sanctions = SanctionIndex()
        self.times: list[tuple[int, int]] = []
        self._today = (_EVER, _EVER, _EVER.date())  # the day of the last question, from when to when
        self._latest = (0, clock.from_milliseconds(0))  # the log size at the end of ``times``, and its instant
        self._frontier = Frontier()
        #: The states that answers may name, by log size: at the end of each recording.
        self._states = {0: LogState(size=0, root=self._frontier.compute_root().hex())}
        self._last_leaf = b""
        self._verified: LogCheckTime | None = None
        self._read_at = float("-inf")
        self._error: Exception | None = None

    def follow_log(self, database: Database, at_least: int = 0) -> int:
        """Take in what the log has gained and return how many entries. On failure the error is remembered and raised.

        LogDamaged when the log is shorter than ``at_least``, its published size: it was rolled back.
        """
        try:
            # Before the look: what was recorded while it went on need not be in what it saw.
            ticks, looked_at = time.monotonic(), clock.read_clock()
            with database.reading() as connection:
                head = store.read_head(connection)
                size = head.size
                verified = LogCheckTime(ticks=ticks, at=max(looked_at, from_milliseconds(head.recorded_at)))
                _refuse_rolled_back(size, at_least)
                self._refuse_another_log(connection, size)
                if size == self.size:
                    self._verified, self._error = verified, None
                    return 0
                gained = size - self.size
                times = spans.read_recording_times(connection, self.size, size)
                with closing(store.read_leaves(connection, self.size, size)) as leaves:
                    extended = self._extend_frontier(leaves, times)
                institutions = self._load_changes(connection, size)
                sources = load_source_history(connection, size)
        except Exception as error:
            self._error = error
            raise
        with self.lock:
            self._frontier, states, self._last_leaf = extended
            self._states |= states
            self.times += times
            self._latest = (size, clock.from_milliseconds(self.get_recording_time(size)))
            self.sources = sources
            if institutions is not None:
                self.institutions = institutions
            self.size = size
            self.forget_answers()
            self._verified, self._error = verified, None
        return gained

    def hold_state(self, size: int, sources: SourceHistory) -> None:
        """Answer from the spans put in by whoever made this view, as if that were the log: to try what is in none."""
        self.size, self.sources = size, sources
        self._states[size] = LogState(size=size, root="")

    def _load_changes(self, connection: sa.Connection, size: int) -> InstitutionIndex | None:
        """Load every institution the first time; later what changed, in parts, so that no question waits for all.

        Every span says from which to which size of the log it was known, and every question is asked of one size. Until
        ``size`` grows, what is loaded already holds of no question.
        """
        changed = spans.list_changed_subjects(connection, self.size, size, "practitioner", "ad_certificate")
        for part in self._pace_subjects(changed):
            people = spans.load_record_spans(connection, part, size)
            with self.lock:
                for subject, of_subject in people.items():
                    self.people.replace_spans(subject, of_subject)
        for part in self._pace_subjects(spans.list_changed_subjects(connection, self.size, size, "sanction")):
            sanctions = spans.load_sanction_spans(connection, part, size)
            with self.lock:
                for subject, of_sanction in sanctions.items():
                    self.sanctions.replace_spans(subject, of_sanction)
        if self.size == 0:
            institutions = InstitutionIndex()
            for code, span in spans.load_all_spans(connection, size):
                institutions.add_span(code, span)
            return institutions
        for part in self._pace_subjects(spans.list_changed_subjects(connection, self.size, size, "institution")):
            loaded = spans.load_spans(connection, part, size)
            with self.lock:
                for code, of_code in loaded.items():
                    self.institutions.replace_spans(code, of_code)
        return None

    def _pace_subjects(self, subjects: list[str]) -> Iterator[list[str]]:
        """Yield the subjects in parts, with a rest after each but the last: half of the time is for questions."""
        for start in range(0, len(subjects), _AT_ONCE):
            began = time.monotonic()
            yield subjects[start : start + _AT_ONCE]
            self._read_at = time.monotonic()
            if start + _AT_ONCE < len(subjects):
                time.sleep(min(time.monotonic() - began, _LONGEST_REST))

    def compute_once(self, question: Hashable, judge: Callable[[], _T]) -> _T:
        """Return what ``judge`` makes of a question; twice at most while the log stays as it is. Call under ``lock``.

        Remembered is only what is asked a second time: of most questions there is none, and what they leave behind
        would push out of the processor's cache what the next one needs.
        """
        answer = self._remembered.get(question)
        if answer is None:
            answer = self._remembered_before.get(question)
            is_known = answer is not None
            if answer is None:
                answer = judge()
                is_known = not self._note_question(hash(question))
            if is_known:
                if len(self._remembered) >= REMEMBERED_LIMIT:
                    self._remembered_before, self._remembered = self._remembered, {}
                self._remembered[question] = answer
        return answer

    def _note_question(self, mark: int) -> bool:
        """Note the hash of a question; return whether it is new, and was not asked lately."""
        if mark in self._marks or mark in self._earlier_marks:
            return False
        if len(self._marks) >= MARK_LIMIT:
            self._earlier_marks, self._marks = self._marks, set()
        self._marks.add(mark)
        return True

    def forget_answers(self) -> None:
        """Forget every remembered answer."""
        self._remembered, self._remembered_before = {}, {}
        self._marks, self._earlier_marks = set(), set()
        self._last_asof = None

    def _refuse_another_log(self, connection: sa.Connection, size: int) -> None:
        """Refuse a database restored from before, or another one, under a running process: do not mix two logs."""
        if self.size == 0:
            return
        if size < self.size:
            raise make_log_rollback_error(size, self.size)
        leaf = connection.execute(sa.select(entries.c.leaf).where(entries.c.number == self.size)).scalar()
        if leaf != self._last_leaf:
            raise LogDamaged(
                Message("日志与本进程此前所读的不一致，已停止从数据库答复；请检查数据库后重新启动。"),
            )

    def _extend_frontier(
        self, leaves: Iterator[bytes], times: list[tuple[int, int]]
    ) -> tuple[Frontier, dict[int, LogState], bytes]:
        """Return (the log's right edge after more leaves, the state at the end of each recording, the last leaf)."""
        frontier, last = self._frontier.copy(), self._last_leaf
        ends = {number for number, _ in times}
        states: dict[int, LogState] = {}
        for last in leaves:  # to the end, which closes the stream
            frontier.append(last)
            if frontier.size in ends:
                states[frontier.size] = LogState(size=frontier.size, root=frontier.compute_root().hex())
        return frontier, states, last

    def get_state(self, size: int | None = None) -> LogState:
        """Return size and root of the log the view answers from, or at a size that ``get_size_at`` gave."""
        return self._states[self.size if size is None else size]

    def find_root_at(self, size: int) -> str | None:
        """Return the root (hex) of the log at a size; None where no recording ended there, or not yet."""
        state = self._states.get(size)
        return state.root if state else None

    @property
    def last_check_time(self) -> LogCheckTime | None:
        """When the log was last seen to be the one the view answers from; None before the first time."""
        return self._verified

    @property
    def error(self) -> Exception | None:
        """The error of the last look at the log; None when it succeeded."""
        return self._error

    def get_age(self) -> float:
        """Return the seconds since the log was last read successfully; infinite before the first time."""
        return self._verified.get_age() if self._verified else float("inf")

    def get_silence(self) -> float:
        """Return the seconds since anything was last read from the log: less than ``get_age`` while a long change is
        loaded."""
        return min(self.get_age(), time.monotonic() - self._read_at)

    def require_fresh(self) -> LogCheckTime:
        """Return when the state that is answered from was verified; StateTooOld when that is longer ago than the limit,
        CannotAnswer when it never was."""
        verified = self._verified
        if verified is None:
            raise make_cannot_answer_error(self._error)
        if verified.get_age() > (STALE_AFTER if self._limit is None else self._limit):
            raise _make_too_old_error(verified)
        return verified

    def require_whole(self) -> None:
        """Raise CannotAnswer while the database holds another log than the one published or read before."""
        if isinstance(self._error, LogDamaged):
            raise make_cannot_answer_error(self._error)

    def find_span(self, code: str, asof: AsOf) -> Span | None:
        """Find the span of an institution that holds on a day; None when nothing is known of it then."""
        day = asof.valid_on.isoformat()
        for span in self.institutions.list_spans(code):
            if span.valid_from <= day < span.valid_to and span.known_from <= asof.size < span.known_to:
                return span
        return None

    def find_site(self, code: str, asof: AsOf) -> Site | None:
        """Find what is known of an institution on a day; None when nothing is."""
        span = self.find_span(code, asof)
        return span.site if span else None

    def find_unbroken_span(self, code: str, asof: AsOf, holds: Callable[[Situation], bool]) -> Span | None:
        """Find the first span of the unbroken time up to the asked day in which something held, as known then.

        ``holds`` is called for each span's last day, but never for one after the asked day.
        """
        day = asof.valid_on.isoformat()
        first: Span | None = None
        for span in self.institutions.list_spans(code):  # in order of days
            if span.known_from <= asof.size < span.known_to and span.valid_from <= day:
                last = asof.valid_on if span.valid_to > day else Date.fromisoformat(span.valid_to) - _ONE_DAY
                first = (first or span) if holds(self.make_situation(span, last, asof)) else None
        return first

    def list_names(self, code: str, key: str, size: int) -> list[tuple[SpanName, str]]:
        """List the names by which ``key`` reaches an institution, known at a log size, with their first days."""
        return [
            (name, span.valid_from)
            for span in self.institutions.list_spans(code)
            if span.known_from <= size < span.known_to
            for name in span.names
            if name.key == key
        ]

    def find_situation(self, code: str, asof: AsOf) -> Situation | None:
        """Find an institution on a day with what is known of it before and after; None when nothing is."""
        span = self.find_span(code, asof)
        return self.make_situation(span, asof.valid_on, asof) if span else None

    def make_situation(self, span: Span, day: Date, asof: AsOf) -> Situation:
        """Make the situation of an institution on a day of a span, with what is known of it before and after."""
        later = partial(self._list_later_spans, span, asof.size)
        current = self.get_sources(asof)
        return Situation(span, later, self._last_known, day, asof.ahead, current if day == asof.valid_on else None)

    def _list_later_spans(self, span: Span, size: int) -> list[Span]:
        return [
            other
            for other in self.institutions.list_spans(span.site.code)
            if other.valid_from >= span.valid_to and other.known_from <= size < other.known_to
        ]

    def get_sources(self, asof: AsOf) -> dict[str, Source]:
        """Return the sources that speak of a day or one before, as known at a log size. Do not change the result."""
        if self._last_asof is not asof:  # many claims are about the same day
            self._last_known = known = self.sources.select_known(asof.size)
            self._last_current = self.compute_once(asof, lambda: select_sources_of(known, asof.valid_on))
            self._last_asof = asof
        return self._last_current

    def get_size_at(self, milliseconds: int) -> int:
        """Return the entries recorded by an instant, as far as the view has followed."""
        position = bisect.bisect_right(self.times, milliseconds, key=lambda item: item[1])
        return self.times[position - 1][0] if position else 0

    def get_recording_time(self, size: int) -> int:
        """Return when a log of that size was complete, in milliseconds since 1970; 0 for an empty one."""
        position = bisect.bisect_right(self.times, size, key=lambda item: item[0])
        return self.times[position - 1][1] if position else 0

    def find_now(self, size: int | None = None) -> dt.datetime:
        """Return the present of the register as far as it was followed, or up to a size: this instant, but never before
        its last entry. Touches no database."""
        followed, latest = self._latest
        return clock.find_present(latest if size in (None, followed) else self.get_recording_time(size or 0))

    def find_today(self, size: int | None = None) -> dt.date:
        """Return the day in Shanghai of that present."""
        now = self.find_now(size)
        begins, ends, day = self._today
        if not begins <= now < ends:  # nearly every question is asked on the day of the one before
            day = to_day(now)
            begins = dt.datetime.combine(day, dt.time(), SHANGHAI).astimezone(dt.UTC)
            self._today = (begins, begins + _ONE_DAY, day)
        return day


def _refuse_rolled_back(size: int, published: int) -> None:
    """Refuse a database older than the published log: it may call licensed what was withdrawn since."""
    if size < published:
        raise make_log_rollback_error(size, published)


def _make_too_old_error(verified: LogCheckTime) -> StateTooOld:
    seconds = int(verified.get_age())
    message = (
        Message("{seconds}秒", seconds=seconds) if seconds < 120 else Message("{seconds}分钟", seconds=seconds // 60)
    )
    return StateTooOld(
        Message(
            "系统暂时无法核验，这不代表该机构未获批准，请稍后再试。最近一次确认名录是在{message}前，已不足为据。",
            message=message,
        ),
        age=seconds,
    )
