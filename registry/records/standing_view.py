"""The view of standings: what is in force at every institution, by days and by what was known; lists filter by it.

Applied after the records, which it reads. A span of a record is several rows where its standing turns on days that no
entry names: an approval begins or lapses, or its evidence grows too old.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from registry.domain.model import ApprovalStanding, Date, Entry, Source, StandingWord
from registry.domain.techniques import LAWFUL_STAGES, STAGES, TECHNIQUES, TechniqueCode
from registry.errors import LogDamaged
from registry.log import store
from registry.records.asof import AsOf
from registry.records.site import Site, make_site
from registry.records.sources import SourceHistory, load_source_history
from registry.records.standing import Later, SiteSpan, StandingOnDay, find_stage, judge_site, list_turning_days
from registry.records.view import write_spans
from registry.storage.tables import STILL_KNOWN, standings, versions
from registry.texts import Message

_TECHNIQUE_INDEX: dict[str, int] = {t.code: i for i, t in enumerate(TECHNIQUES)}
_STAGE_INDEX: dict[str, int] = {s: i for i, s in enumerate(STAGES)}
_CHUNK = 500
_CONTENT = (
    *("valid_to", "status", "region", "standing", "offers", "words"),
    *("ahead_standing", "ahead_offers", "ahead_words"),
)
_encode = msgspec.json.Encoder().encode
_decode_state = msgspec.json.Decoder().decode


def make_offer_bit(technique: str, stage: str) -> int:
    """The bit of ``standings.offers`` of a technique at a stage."""
    return 1 << (_TECHNIQUE_INDEX[technique] * len(STAGES) + _STAGE_INDEX[stage])


def make_offer_mask(technique: str | None = None, stages: Iterable[str] = STAGES) -> int:
    """All bits of a technique, or of every technique, at some stages."""
    techniques = [technique] if technique else list(_TECHNIQUE_INDEX)
    return sum(make_offer_bit(t, s) for t in techniques for s in stages)


_LAWFUL_MASKS = {technique.code: make_offer_mask(technique.code, LAWFUL_STAGES) for technique in TECHNIQUES}


def _build_days_query(ahead: bool) -> sa.Select[Any]:
    s = standings.c
    columns = (s.ahead_standing, s.ahead_offers, s.ahead_words) if ahead else (s.standing, s.offers, s.words)
    return (
        sa.select(s.subject, s.valid_from, *columns)
        .where(
            s.subject.in_(sa.bindparam("subjects", expanding=True)),
            s.known_from <= sa.bindparam("size"),
            s.known_to > sa.bindparam("size"),
            s.valid_from <= sa.bindparam("day"),
        )
        .order_by(s.subject, s.valid_from)
    )


# Asked with every institution that is shown: built once, for a day that is here and for one ahead.
_DAYS = {ahead: _build_days_query(ahead) for ahead in (False, True)}
_RowKey = tuple[str, str, int]  # subject, valid_from, known_from


class _Span(NamedTuple):
    """See ``standing.SiteSpan``."""

    valid_from: str
    valid_to: str
    site: Site


class _Version(NamedTuple):
    """A row of ``versions``: a span of days, and between which entries it was believed."""

    valid_from: str
    valid_to: str
    known_from: int
    known_to: int
    state: bytes


class StandingView:
    """The view of standings (see ``views.View``)."""

    name = "standings"

    def apply(self, connection: sa.Connection, entries: list[Entry]) -> None:
        """Bring the rows of every institution that ``entries`` are about, or whose sources they change, up to date."""
        first = entries[0].number
        sources = load_source_history(connection, entries[-1].number)
        subjects = {entry.subject for entry in entries if entry.change.kind == "institution"}
        changes = sources.list_changes(first)
        if changes:  # a source that was there before is described otherwise: everything may rest on it
            subjects |= set(
                connection.execute(
                    sa.select(versions.c.subject).where(versions.c.kind == "institution").distinct()
                ).scalars()
            )
        ordered = sorted(subjects)
        for start in range(0, len(ordered), _CHUNK):
            _refresh_subjects(connection, ordered[start : start + _CHUNK], first, sources, changes)

    def reset(self, connection: sa.Connection) -> None:
        """Delete all rows."""
        connection.execute(sa.delete(standings))


def _refresh_subjects(
    connection: sa.Connection, subjects: list[str], first: int, sources: SourceHistory, changes: list[int]
) -> None:
    believed = _read_believed(connection, subjects)
    closed: list[dict[str, Any]] = []
    opened: list[dict[str, Any]] = []
    for subject, of_subject in _read_versions(connection, subjects, sources.size):
        gone, new = _derive_history(subject, of_subject, believed.get(subject, {}), first, sources, changes)
        closed += gone
        opened += new.values()
    write_spans(connection, standings, closed, opened)


def _derive_history(
    subject: str,
    of_subject: list[_Version],
    present: dict[str, dict[str, Any]],
    first: int,
    sources: SourceHistory,
    changes: list[int],
) -> tuple[list[dict[str, Any]], dict[_RowKey, dict[str, Any]]]:
    """Derive what entries from ``first`` on change: (rows of before that are no longer believed, rows that are new).

    ``present``: the rows believed before, by their first day; it is brought up to date.
    """
    closed: list[dict[str, Any]] = []
    opened: dict[_RowKey, dict[str, Any]] = {}
    for number in sorted({*changes, *(version.known_from for version in of_subject if version.known_from >= first)}):
        known = sources.select_known(number)
        rows = {row["valid_from"]: row for row in _derive_rows(subject, of_subject, number, known)}
        for day, row in [item for item in present.items() if not _is_same(item[1], rows.get(item[0]))]:
            key = (subject, day, row["known_from"])
            if key in opened:
                opened[key]["known_to"] = number
            else:
                closed.append({"s": subject, "v": day, "k": row["known_from"], "to": number})
            del present[day]
        for day in rows.keys() - present.keys():
            present[day] = opened[(subject, day, number)] = rows[day]
    return closed, opened


def _is_same(row: dict[str, Any], other: dict[str, Any] | None) -> bool:
    return other is not None and all(row[name] == other[name] for name in _CONTENT)


def _read_believed(connection: sa.Connection, subjects: list[str]) -> dict[str, dict[str, dict[str, Any]]]:
    query = sa.select(standings).where(standings.c.subject.in_(subjects), standings.c.known_to == STILL_KNOWN)
    believed: dict[str, dict[str, dict[str, Any]]] = {}
    for row in connection.execute(query).mappings():
        believed.setdefault(row["subject"], {})[row["valid_from"]] = dict(row)
    return believed


def _read_versions(connection: sa.Connection, subjects: list[str], size: int) -> Iterator[tuple[str, list[_Version]]]:
    v = versions.c
    query = (
        sa.select(v.subject, v.valid_from, v.valid_to, v.known_from, v.known_to, v.state)
        .where(v.subject.in_(subjects), v.known_from <= size)
        .order_by(v.subject, v.valid_from)
    )
    found: dict[str, list[_Version]] = {}
    for subject, *values in connection.execute(query):
        found.setdefault(subject, []).append(_Version(*values))
    yield from found.items()


def _derive_rows(
    subject: str, of_subject: list[_Version], number: int, sources: Mapping[str, Source]
) -> Iterator[dict[str, Any]]:
    """Derive the rows of an institution as known after an entry."""
    code = subject.removeprefix("institution:")
    spans = [
        _Span(version.valid_from, version.valid_to, site)
        for version in of_subject
        if version.known_from <= number < version.known_to
        and (site := make_site(code, _decode_state(version.state))) is not None
    ]
    for index, span in enumerate(spans):
        days, later = list_turning_days(span, sources), _follow_spans(spans, index + 1)
        for day, end in zip(days, [*days[1:], span.valid_to], strict=True):
            yield _make_row(subject, span, (day, end), number, later, sources)


def _follow_spans(spans: list[_Span], start: int) -> Later:
    return lambda: spans[start:]


def _make_row(
    subject: str,
    span: SiteSpan,
    days: tuple[str, str],
    number: int,
    later: Later,
    sources: Mapping[str, Source],
) -> dict[str, Any]:
    day = Date.fromisoformat(days[0])
    now, ahead = (judge_site(span, later, sources, day, ahead=is_ahead) for is_ahead in (False, True))
    return {
        "subject": subject,
        "valid_from": days[0],
        "known_from": number,
        "valid_to": days[1],
        "known_to": STILL_KNOWN,
        "status": span.site.status,
        "region": span.site.region or "",
        "standing": now.word,
        "offers": _compute_offers(span.site, now),
        "words": _encode_words(now),
        "ahead_standing": ahead.word,
        "ahead_offers": _compute_offers(span.site, ahead),
        "ahead_words": _encode_words(ahead),
    }


def _compute_offers(site: Site, standing: StandingOnDay) -> int:
    total = 0
    for technique, word in standing.approvals.items():
        stage = find_stage(site.approvals[technique].stage, word)
        total |= make_offer_bit(technique, stage) if stage else 0
    return total


def _encode_words(standing: StandingOnDay) -> str:
    """The standing of each approval that is not in force, which is nearly none."""
    return _encode({technique: word for technique, word in standing.approvals.items() if word != "in_force"}).decode()


class DayStanding(NamedTuple):
    """What is in force at an institution from a day on: the word, and the standing of each approval."""

    valid_from: str
    word: StandingWord
    approvals: dict[TechniqueCode, ApprovalStanding]


def read_standings(connection: sa.Connection, subjects: Sequence[str], asof: AsOf) -> dict[str, list[DayStanding]]:
    """Read the standings of institutions up to a day, by subject, in order of days: the last one holds on that day."""
    parameters = {"subjects": subjects, "size": asof.size, "day": asof.valid_on.isoformat()}
    found: dict[str, list[DayStanding]] = {}
    for subject, valid_from, word, offers, words in connection.execute(_DAYS[asof.ahead], parameters):
        found.setdefault(subject, []).append(DayStanding(valid_from, word, _collect_words(offers, words)))
    return found


@lru_cache(maxsize=1024)
def _collect_words(offers: int, words: str) -> dict[TechniqueCode, ApprovalStanding]:
    in_force: dict[TechniqueCode, ApprovalStanding] = {
        technique: "in_force" for technique, mask in _LAWFUL_MASKS.items() if offers & mask
    }
    return in_force | (_decode_state(words) if words != "{}" else {})


def check_standings(connection: sa.Connection) -> None:
    """Derive every standing anew and compare; LogDamaged names the first institution whose rows differ."""
    sources = load_source_history(connection, store.read_head(connection).size)
    changes = sources.list_changes(1)
    after = ""
    while True:
        query = sa.select(versions.c.subject).where(versions.c.kind == "institution", versions.c.subject > after)
        subjects = list(connection.execute(query.distinct().order_by(versions.c.subject).limit(_CHUNK)).scalars())
        stored = sa.select(standings).where(standings.c.subject > after)
        if subjects:
            stored = stored.where(standings.c.subject <= subjects[-1])
        derived = {
            key: row
            for subject, of_subject in _read_versions(connection, subjects, sources.size)
            for key, row in _derive_history(subject, of_subject, {}, 1, sources, changes)[1].items()
        }
        for row in connection.execute(stored).mappings():
            key = (row["subject"], row["valid_from"], row["known_from"])
            if derived.pop(key, None) != dict(row):
                raise _make_difference_error(row["subject"])
        if derived:
            raise _make_difference_error(min(derived)[0])
        if not subjects:
            return
        after = subjects[-1]


def _make_difference_error(subject: str) -> LogDamaged:
    return LogDamaged(
        Message("{subject} 的现行状态与日志不符，请运行：registry rebuild standings", subject=subject), subject=subject
    )
