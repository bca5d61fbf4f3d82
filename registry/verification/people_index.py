"""What the verification view keeps of people and advertising certificates: by institution, and by number.

Of a person only what an answer needs: the name as a key, gone as soon as it is erased; nothing that lists people.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

import msgspec

from registry.domain.identifiers import compact_certificate
from registry.domain.normalise import normalise_width, simplify_script
from registry.domain.techniques import TechniqueCode
from registry.records import timeline
from registry.records.asof import AsOf


class RecordSpan(msgspec.Struct, frozen=True):
    """One span of days of one person or certificate. ``since`` and ``until`` are the days it states itself.

    ``key``: the name as ``make_name_key``, or the number as ``compact_certificate``; None once erased, or when not stated.
    """

    subject: str
    valid_from: str
    valid_to: str
    known_from: int
    known_to: int
    institution: str  # its code; empty when not stated
    key: str | None
    printed: str | None  # a certificate's number as registered
    techniques: tuple[TechniqueCode, ...]
    role: str | None
    since: dt.date | None
    until: dt.date | None
    entry: int

    def is_recorded(self, asof: AsOf) -> bool:
        """Whether it is known at that log size and about that day."""
        return self.is_known(asof.size) and self.valid_from <= asof.valid_on.isoformat() < self.valid_to

    def is_known(self, size: int) -> bool:
        """Whether it is what was known at a log size."""
        return self.known_from <= size < self.known_to

    def is_valid_on(self, day: dt.date) -> bool:
        """Whether a day lies in the period it states, both ends included."""
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)


def make_name_key(name: str) -> str:
    """A person's name without width, case, spaces and dots; its script stays.

    >>> make_name_key("买买提 · 艾力"), make_name_key("示例　甲")
    ('买买提艾力', '示例甲')
    """
    return "".join(c for c in normalise_width(name).lower() if c.isalnum())


def make_loose_key(key: str) -> str:
    """A key whose script does not matter either: 劉 is 刘."""
    return simplify_script(key)


def make_record_span(row: Any, state: timeline.State) -> RecordSpan:
    """The span a row of ``versions`` holds, of a practitioner or an advertising certificate."""
    value = {path: fact.value for path, fact in timeline.collect_facts(state).items()}
    is_person = row.subject.startswith("practitioner:")
    written = value.get("name" if is_person else "number")
    key = (make_name_key(written) if is_person else compact_certificate(written)) if written else None
    return RecordSpan(
        subject=row.subject,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        known_from=row.known_from,
        known_to=row.known_to,
        institution=(value.get("institution") or "").removeprefix("institution:"),
        key=key or None,
        printed=None if is_person else written,
        techniques=tuple(value.get("techniques") or ()),
        role=value.get("role"),
        since=_parse_day(value.get("valid_from")),
        until=_parse_day(value.get("valid_to")),
        entry=timeline.get_basis(state)[0],
    )


def _parse_day(text: str | None) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None


class PeopleIndex:
    """People by their institution and certificates by their number, with every span the log ever held."""

    def __init__(self) -> None:
        self._spans: dict[str, tuple[RecordSpan, ...]] = {}
        self._people: dict[str, set[str]] = {}
        self._certificates: dict[str, set[str]] = {}

    def replace_spans(self, subject: str, fresh: tuple[RecordSpan, ...]) -> None:
        """Keep of a subject these spans and no others: what was erased is in no span any more."""
        for span in self._spans.pop(subject, ()):
            index, key = self._select_index(span)
            index.get(key, set()).discard(subject)
        if fresh:
            self._spans[subject] = fresh
        for span in fresh:
            index, key = self._select_index(span)
            index.setdefault(key, set()).add(subject)

    def _select_index(self, span: RecordSpan) -> tuple[dict[str, set[str]], str]:
        if span.subject.startswith("practitioner:"):
            return self._people, span.institution
        return self._certificates, span.key or ""

    def list_authorisations(self, institution: str, asof: AsOf) -> list[RecordSpan]:
        """Authorisations at one institution that are recorded of that day; their own periods may have ended."""
        held = self._list_spans(self._people.get(institution, ()))
        return [span for span in held if span.institution == institution and span.is_recorded(asof)]

    def list_certificates(self, number: str, asof: AsOf) -> list[RecordSpan]:
        """What is registered under a compact number of that day; of later days where nothing is recorded before."""
        found: list[RecordSpan] = []
        for subject in sorted(self._certificates.get(number, ())) if number else ():
            known = [span for span in self._spans[subject] if span.is_known(asof.size)]
            holding = [span for span in known if span.is_recorded(asof)] or known[:1]
            found += [span for span in holding if span.key == number]
        return found

    def _list_spans(self, subjects: Iterable[str]) -> Iterable[RecordSpan]:
        return (span for subject in sorted(subjects) for span in self._spans[subject])
