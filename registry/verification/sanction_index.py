"""Penalties and the blacklist by what exactly names somebody, as the verification view holds them in memory.

There is no way to list them here: whoever asks has the name, the number, the domain or the account. A person is found
by the name together with the institution or organisation, and no longer once the name is erased.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import Any

import msgspec

from registry.domain.identifiers import compact_domain, compact_uscc
from registry.domain.model import Struct
from registry.domain.normalise import fold_text, normalise_width
from registry.records import timeline
from registry.records.asof import AsOf
from registry.records.publicity import collect_sanction_values, is_public
from registry.verification.people_index import make_name_key

#: What finds a record: ("name", folded name), ("uscc", …), ("domain", …), ("account", …), ("institution", code), or
#: ("practitioner", folded name, one of these).
Key = tuple[Hashable, ...]


class SanctionSpan(msgspec.Struct, frozen=True):
    """One span of days of one sanction: by which keys it is found, and what is recorded."""

    subject: str
    valid_from: str
    valid_to: str
    known_from: int
    known_to: int
    keys: frozenset[Key]
    values: dict[str, Any]
    source: str | None
    entry: int

    def is_public(self, asof: AsOf) -> bool:
        """Whether it was known at the log size, and is public on the day."""
        is_known = self.known_from <= asof.size < self.known_to
        is_recorded = is_known and self.valid_from <= asof.valid_on.isoformat() < self.valid_to
        return is_recorded and is_public(self.values, asof.valid_on)


class FoundSanction(Struct, frozen=True):
    """A sanction and the first of the keys asked for by which it was found."""

    key: Key
    span: SanctionSpan


def make_sanction_span(row: Any, state: timeline.State) -> SanctionSpan:
    """Make the span of a row of ``versions`` of a sanction."""
    values = collect_sanction_values(state)
    number, _, source, _ = timeline.get_basis(state)
    when = (row.valid_from, row.valid_to, row.known_from, row.known_to)
    return SanctionSpan(row.subject, *when, frozenset(_list_keys(values)), values, source, number)


def make_account_key(account: str) -> Key | None:
    """Return the key of an account written platform:name; None for what is not.

    >>> make_account_key("示例号： Demo 助孕"), make_account_key("示例号")
    (('account', '示例号', 'demo助孕'), None)
    """
    platform, _, name = ("".join(part.split()) for part in normalise_width(account).lower().partition(":"))
    return ("account", platform, name) if platform and name else None


def make_domain_key(text: str) -> Key | None:
    """Return the key of a domain; None for what is none."""
    domain = compact_domain(text)
    return ("domain", domain) if domain else None


def make_person_key(name: str, place: Key) -> Key | None:
    """Return the key of a person at an institution or organisation, which is ``place``; None without a letter."""
    key = make_name_key(name)
    return ("practitioner", key, place) if key else None


def _list_keys(values: dict[str, Any]) -> Iterator[Key]:
    places: list[Key] = []
    if institution := values.get("institution"):
        places.append(("institution", institution.partition(":")[2]))
    if name := fold_text(values.get("organisation") or ""):
        places.append(("name", name))
    if values.get("party") == "person":
        keys = (make_person_key(values.get("person") or "", place) for place in places)
        yield from (key for key in keys if key is not None)
    else:
        yield from places
        if uscc := compact_uscc(values.get("uscc") or ""):
            yield ("uscc", uscc)
    for text in values.get("domains") or ():
        if (key := make_domain_key(text)) is not None:
            yield key
    for text in values.get("accounts") or ():
        if (key := make_account_key(text)) is not None:
            yield key


class SanctionIndex:
    """Sanctions by their keys, with every span the log ever held."""

    def __init__(self) -> None:
        self._spans: dict[str, tuple[SanctionSpan, ...]] = {}
        self._subjects: dict[Key, set[str]] = {}

    def __bool__(self) -> bool:
        return bool(self._subjects)

    def replace_spans(self, subject: str, spans: tuple[SanctionSpan, ...]) -> None:
        """Replace all spans of a subject: what was erased is in no span any more."""
        for span in self._spans.pop(subject, ()):
            for key in span.keys:
                subjects = self._subjects.get(key, set())
                subjects.discard(subject)
                if not subjects:
                    self._subjects.pop(key, None)
        if spans:
            self._spans[subject] = spans
        for span in spans:
            for key in span.keys:
                self._subjects.setdefault(key, set()).add(subject)

    def find_public(self, keys: Iterable[Key], asof: AsOf) -> list[FoundSanction]:
        """Find what is public of any of the keys, each record once, by its entry."""
        reached = [(key, self._subjects[key]) for key in keys if key in self._subjects]
        if not reached:  # as nearly always
            return []
        found: dict[str, FoundSanction] = {}
        for key, subjects in reached:
            for subject in subjects - found.keys():
                spans = (span for span in self._spans[subject] if key in span.keys and span.is_public(asof))
                found |= {span.subject: FoundSanction(key=key, span=span) for span in spans}
        return sorted(found.values(), key=lambda one: one.span.entry)
