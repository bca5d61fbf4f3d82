"""People by institution and advertising certificates by number, as the verification view holds them in memory.

Of a person only what an answer needs: the name as a key, gone as soon as it is erased; nothing that lists people.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec

from registry.domain.identifiers import compact_certificate
from registry.domain.normalise import normalise_width, simplify_script
from registry.domain.techniques import TechniqueCode
from registry.records import timeline
from registry.records.asof import AsOf
from registry.records.site import parse_day


class RecordSpan(msgspec.Struct, frozen=True):
    """One span of days of one person or certificate. ``since`` and ``until`` are the days it states itself.

    ``key``: the name as ``make_name_key``, or the number as ``compact_certificate``; None once erased, or when not
    stated.
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
        """Whether it was what was known at a log size."""
        return self.known_from <= size < self.known_to

    def is_valid_on(self, day: dt.date) -> bool:
        """Whether a day lies in the period it states, both ends included."""
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)


def make_name_key(name: str) -> str:
    """Fold a person's name: without width, case, spaces and dots; its script stays.

    >>> make_name_key("买买提 · 艾力"), make_name_key("示例　甲")
    ('买买提艾力', '示例甲')
    """
    return "".join(c for c in normalise_width(name).lower() if c.isalnum())


def make_loose_key(key: str) -> str:
    """Fold the script of a key too: 劉 is 刘."""
    return simplify_script(key)


def make_record_span(row: Any, state: timeline.State) -> RecordSpan:
    """Make the span of a row of ``versions``, of a practitioner or an advertising certificate."""
    value = {path: fact.value for path, fact in timeline.collect_facts(state).items()}
    is_person = row.subject.startswith("practitioner:")
    printed = value.get("name" if is_person else "number")
    key = (make_name_key(printed) if is_person else compact_certificate(printed)) if printed else None
    return RecordSpan(
        subject=row.subject,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        known_from=row.known_from,
        known_to=row.known_to,
        institution=(value.get("institution") or "").removeprefix("institution:"),
        key=key or None,
        printed=None if is_person else printed,
        techniques=tuple(value.get("techniques") or ()),
        role=value.get("role"),
        since=parse_day(value.get("valid_from")),
        until=parse_day(value.get("valid_to")),
        entry=timeline.get_basis(state)[0],
    )


class PeopleIndex:
    """People by their institution and certificates by their number, with every span the log ever held."""

    def __init__(self) -> None:
        self._spans: dict[str, tuple[RecordSpan, ...]] = {}
        self._people: dict[str, set[str]] = {}
        self._certificates: dict[str, set[str]] = {}

    def replace_spans(self, subject: str, spans: tuple[RecordSpan, ...]) -> None:
        """Replace all spans of a subject: what was erased is in no span any more."""
        for span in self._spans.pop(subject, ()):
            index, key = self._select_index(span)
            index.get(key, set()).discard(subject)
        if spans:
            self._spans[subject] = spans
        for span in spans:
            index, key = self._select_index(span)
            index.setdefault(key, set()).add(subject)

    def _select_index(self, span: RecordSpan) -> tuple[dict[str, set[str]], str]:
        if span.subject.startswith("practitioner:"):
            return self._people, span.institution
        return self._certificates, span.key or ""

    def list_authorisations(self, institution: str, asof: AsOf) -> list[RecordSpan]:
        """List the authorisations at one institution recorded of that day; their own periods may have ended."""
        subjects = sorted(self._people.get(institution, ()))
        spans = (span for subject in subjects for span in self._spans[subject])
        return [span for span in spans if span.institution == institution and span.is_recorded(asof)]

    def list_certificates(self, number: str, asof: AsOf) -> list[RecordSpan]:
        """List what is registered under a compact number of that day, or else first of later days."""
        certificates: list[RecordSpan] = []
        for subject in sorted(self._certificates.get(number, ())) if number else ():
            spans = [span for span in self._spans[subject] if span.is_known(asof.size)]
            recorded = [span for span in spans if span.is_recorded(asof)] or spans[:1]
            certificates += [span for span in recorded if span.key == number]
        return certificates
