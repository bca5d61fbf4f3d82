"""What checks answer on which days, as recorded and if drafts were approved: asked of the verification's own code.

Two small views hold the subjects of the drafts: as recorded, and with the drafts folded in as the log would. Both are
asked the same claims on every day on which an answer may turn. Nothing is written, and nobody waits for a lock.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa

from registry.domain.answers import Claim, Person, Provider
from registry.domain.identifiers import parse_certificate
from registry.domain.model import Date, Draft, Entry, Source, Struct
from registry.domain.techniques import TECHNIQUES, TechniqueCode
from registry.errors import InvalidCode, InvalidInput
from registry.log import store
from registry.log.clock import from_milliseconds
from registry.records import asof, history, standing, timeline
from registry.records.sources import SourceHistory, decode_source, load_source_history
from registry.records.view import decode_span
from registry.storage.tables import STILL_KNOWN, versions
from registry.verification.answer import Moment, answer_claim
from registry.verification.people_index import RecordSpan, make_record_span
from registry.verification.spans import Span, make_span
from registry.verification.view import VerificationView

Question = Literal["technique", "practitioner", "ad_certificate"]
_CHUNK = 500
_ONE_DAY = dt.timedelta(days=1)
_KINDS = ("practitioner", "ad_certificate")


class VerdictDay(Struct, frozen=True):
    """From this day on: the verdict as recorded, and with the drafts."""

    on: Date
    before: str
    after: str


class VerdictLine(Struct, frozen=True):
    """One question whose answer the drafts change, with every day from which on it does, and the day it no longer does;
    from the first day on of which anything is recorded.

    ``technique`` is what is asked about; of a certificate nothing.
    """

    question: Question
    technique: TechniqueCode | None
    days: list[VerdictDay]


class _Row(NamedTuple):
    """What a span of a record comes from: see ``versions``."""

    subject: str
    valid_from: str
    valid_to: str
    known_from: int
    known_to: int


class Timelines:
    """The spans of some subjects as recorded, and as they would be with drafts about them."""

    def __init__(self, connection: sa.Connection, drafts: Sequence[Draft], others: Iterable[str] = ()) -> None:
        """Read what is recorded of the subjects of ``drafts`` and of ``others``."""
        subjects = dict.fromkeys([*(draft.subject for draft in drafts), *others])
        self.size = store.read_head(connection).size
        self.before: dict[str, list[timeline.Span]] = {}
        ordered = list(subjects)
        for start in range(0, len(ordered), _CHUNK):
            query = sa.select(versions).where(
                versions.c.subject.in_(ordered[start : start + _CHUNK]), versions.c.known_to == STILL_KNOWN
            )
            for row in connection.execute(query.order_by(versions.c.subject, versions.c.valid_from)):
                self.before.setdefault(row.subject, []).append(decode_span(row))
        self.after = {subject: list(spans) for subject, spans in self.before.items()}
        for index, draft in enumerate(drafts):
            copy = [timeline.Span(s.valid_from, s.valid_to, s.known_from, s.state) for s in self._get_after(draft)]
            self.after[draft.subject], _ = timeline.apply_entry(copy, _make_entry(draft, self.size + 1 + index))

    def _get_after(self, draft: Draft) -> list[timeline.Span]:
        return self.after.get(draft.subject, [])

    def get_values(self, subject: str, day: Date) -> dict[str, Any]:
        """Return what is recorded of a subject on a day; where it begins later, what it begins with."""
        spans = self.before.get(subject, [])
        return history.get_values_on(spans, max(day.isoformat(), spans[0].valid_from)) if spans else {}


def _make_entry(draft: Draft, number: int) -> Entry:
    return Entry(
        number=number,
        recorded_at=from_milliseconds(0),
        subject=draft.subject,
        change=draft.change,
        valid_from=draft.valid_from,
        source=draft.source,
        proposer="",
        approver="",
        proposal=0,
    )


def list_verdict_lines(connection: sa.Connection, drafts: Sequence[Draft]) -> dict[str, list[VerdictLine]]:
    """List the answers that drafts change, by subject: of institutions, of authorised people, of certificates."""
    return VerdictComparison(connection, drafts).list_lines()


class VerdictComparison:
    """The questions that drafts are about, asked of both sides."""

    def __init__(self, connection: sa.Connection, drafts: Sequence[Draft]) -> None:
        self._today = asof.find_today(connection)
        self._sources = load_source_history(connection, store.read_head(connection).size)
        first = Timelines(connection, drafts)
        # People and certificates are asked about at their institution, which decides as well.
        self._parents = {
            subject: sorted(_list_parents(first, subject)) for subject in first.after if subject.startswith(_KINDS)
        }
        parents = {parent for of_subject in self._parents.values() for parent in of_subject}
        self._lines = Timelines(connection, drafts, parents - first.after.keys()) if parents else first
        self._size = self._lines.size + len(drafts)
        self._known = [self._sources.select_known(self._size), _fold_sources(self._sources, self._lines)]
        self._views = [
            _make_view(spans, sources, self._size)
            for spans, sources in zip((self._lines.before, self._lines.after), self._known, strict=True)
        ]

    def list_lines(self) -> dict[str, list[VerdictLine]]:
        """Ask everything; subjects of which nothing turns have no lines."""
        found: dict[str, list[VerdictLine]] = {}
        for subject in self._lines.after:
            kind = subject.partition(":")[0]
            if kind == "institution":
                lines = self._compare_institution(subject)
            elif kind in _KINDS:
                lines = self._compare_belonging(subject, kind)
            else:
                lines = []
            if lines:
                found[subject] = lines
        return found

    def _compare_institution(self, subject: str) -> list[VerdictLine]:
        techniques = _list_techniques(self._lines, subject)
        days = self._list_days([subject])
        sides = [[self._ask_techniques(view, subject, techniques, day) for day in days] for view in self._views]
        lines = []
        for technique in techniques:
            turns = _select_turns(days, *([words[technique] for words in side] for side in sides))
            if turns:
                lines.append(VerdictLine(question="technique", technique=technique, days=turns))
        return lines

    def _ask_techniques(
        self, view: VerificationView, subject: str, techniques: list[TechniqueCode], day: Date
    ) -> dict[str, str]:
        claim = Claim(provider=_make_provider(subject), techniques=list(techniques), on=day)
        answer = self._ask(view, claim)
        words = {one.technique: str(one.verdict) for one in answer.techniques}
        return {technique: words.get(technique, str(answer.verdict)) for technique in techniques}

    def _ask(self, view: VerificationView, claim: Claim) -> Any:
        now = asof.get_day_end(self._today)
        return answer_claim(view, claim, at=Moment(now=now, day=self._today, size=self._size))

    def _compare_belonging(self, subject: str, kind: str) -> list[VerdictLine]:
        """Ask about a person for each technique, or about a certificate, at each institution it is, or would be, of."""
        names = _list_values(self._lines, subject, "name" if kind == "practitioner" else "number")
        techniques = [t.code for t in TECHNIQUES if t.code in _list_values(self._lines, subject, "techniques")]
        found = []
        for parent in self._parents[subject]:
            days = self._list_days([subject, parent])
            for name in names:
                for technique in techniques if kind == "practitioner" else [None]:
                    claim = _make_claim(kind, parent, name, technique)
                    sides = [[self._ask_finding(view, claim, kind, day) for day in days] for view in self._views]
                    if turns := _select_turns(days, *sides):
                        question: Question = "practitioner" if kind == "practitioner" else "ad_certificate"
                        found.append(VerdictLine(question=question, technique=technique, days=turns))
        return found

    def _ask_finding(self, view: VerificationView, claim: dict[str, Any], kind: str, day: Date) -> str:
        try:
            return str(getattr(self._ask(view, Claim(**claim, on=day)), kind).verdict)
        except (InvalidInput, InvalidCode):
            return "unknown"  # a name without a letter, which nobody can ask about

    def _list_days(self, subjects: list[str]) -> list[Date]:
        """List the days on which an answer may turn, on either side."""
        days = {self._today + _ONE_DAY}
        for sources, spans in zip(self._known, (self._lines.before, self._lines.after), strict=True):
            for source in sources.values():
                if source.scope != "partial":  # it denies what it does not state, until it is too old
                    days |= {source.as_of, standing.add_years(source.as_of, standing.EVIDENCE_YEARS) + _ONE_DAY}
            for subject in subjects:
                days |= _list_turning_days(subject, spans.get(subject, []), sources)
        return sorted(day for day in days if asof.FIRST_DAY <= day <= asof.LAST_DAY)


def _list_turning_days(subject: str, spans: list[timeline.Span], sources: dict[str, Source]) -> set[Date]:
    days: set[Date] = set()
    for span in spans:
        days.add(Date.fromisoformat(span.valid_from))
        if subject.startswith("institution:"):
            shown = _make_institution_span(subject, span)
            found = standing.list_turning_days(shown, sources) if shown else []
            days |= {Date.fromisoformat(day) for day in found}
        else:
            values = timeline.collect_values(span.state)
            days |= _list_period_days(values)
    return days


def _list_period_days(values: dict[str, Any]) -> set[Date]:
    """List the days on which the period of a person or certificate begins and is over, as stated or by the number."""
    start, end = values.get("valid_from"), values.get("valid_to")
    days = {Date.fromisoformat(start)} if start else set()
    try:
        number = parse_certificate(str(values.get("number") or ""))
        days.add(number.approval_day)
    except InvalidInput:
        pass
    days |= {standing.add_years(day, 1) for day in days} | ({Date.fromisoformat(end) + _ONE_DAY} if end else set())
    return days | {day + _ONE_DAY for day in days}


def _select_turns(days: list[Date], before: list[str], after: list[str]) -> list[VerdictDay]:
    """Select the days from which on the two sides differ, or agree again."""
    turns: list[VerdictDay] = []
    last: tuple[str, str] | None = None
    for day, *sides in zip(days, before, after, strict=True):
        pair = (sides[0], sides[1])
        if pair != last and (pair[0] != pair[1] or (last and last[0] != last[1])):
            turns.append(VerdictDay(on=day, before=pair[0], after=pair[1]))
        last = pair
    return turns


# --- the two views ---------------------------------------------------------------------------------------------------


def _make_view(
    spans_by_subject: dict[str, list[timeline.Span]], sources: dict[str, Source], size: int
) -> VerificationView:
    view = VerificationView()
    for subject, spans in spans_by_subject.items():
        if subject.startswith("institution:"):
            found = [shown for span in spans if (shown := _make_institution_span(subject, span)) is not None]
            view.institutions.replace_spans(subject.partition(":")[2], tuple(found))
        elif subject.startswith(_KINDS):
            view.people.replace_spans(subject, tuple(_make_record_span(subject, span) for span in spans))
    view.hold_state(size, SourceHistory(size, {name: ((0, source),) for name, source in sources.items()}))
    return view


def _make_institution_span(subject: str, span: timeline.Span) -> Span | None:
    times = (span.valid_from, span.valid_to, span.known_from, STILL_KNOWN)
    return make_span(subject.partition(":")[2], times, span.state)


def _make_record_span(subject: str, span: timeline.Span) -> RecordSpan:
    return make_record_span(_Row(subject, span.valid_from, span.valid_to, span.known_from, STILL_KNOWN), span.state)


def _fold_sources(recorded: SourceHistory, lines: Timelines) -> dict[str, Source]:
    """Return every source as it would be known: those that drafts state or change among them."""
    known = dict(recorded.select_known(lines.size))
    for subject, spans in lines.after.items():
        if subject.startswith("source:") and spans and (source := decode_source(subject, spans[-1].state)):
            known[source.id] = source
    return known


def _list_states(lines: Timelines, subject: str) -> Iterator[dict[str, Any]]:
    for side in (lines.before, lines.after):
        yield from (timeline.collect_values(span.state) for span in side.get(subject, []))


def _list_parents(lines: Timelines, subject: str) -> set[str]:
    return {str(values["institution"]) for values in _list_states(lines, subject) if values.get("institution")}


def _list_values(lines: Timelines, subject: str, path: str) -> list[str]:
    """List the values of a path that either side ever has, each once."""
    found: dict[str, None] = {}
    for values in _list_states(lines, subject):
        value = values.get(path)
        found |= dict.fromkeys(value if isinstance(value, list) else [value] if value else [])
    return list(found)


def _list_techniques(lines: Timelines, subject: str) -> list[TechniqueCode]:
    paths = {path for values in _list_states(lines, subject) for path in values}
    return [technique.code for technique in TECHNIQUES if f"approvals.{technique.code}" in paths]


def _make_provider(subject: str) -> Provider:
    return Provider(code=subject.partition(":")[2])


def _make_claim(kind: str, parent: str, name: str, technique: str | None) -> dict[str, Any]:
    claim: dict[str, Any] = {"provider": _make_provider(parent), "techniques": [technique] if technique else []}
    return claim | ({"practitioner": Person(name=name)} if kind == "practitioner" else {"ad_certificate": name})
