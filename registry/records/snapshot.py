"""Every current record at one log size, page by page: where a follower of the change feed begins.

It holds nothing about people: no practitioners, and no person in a sanction. Records are bitemporal, so pages read one
after another are one state of the register although entries are appended meanwhile; no transaction stays open.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from registry.domain.answers import LogState
from registry.domain.identifiers import format_code, parse_code
from registry.domain.model import Date, Institution, Kind, Source, SourceRef, Struct
from registry.domain.schema import PERSONAL
from registry.domain.techniques import TechniqueCode
from registry.errors import LogDamaged
from registry.log import store
from registry.records import lookup, timeline
from registry.records.asof import AsOf
from registry.records.selection import match_day, match_known
from registry.records.sources import decode_source
from registry.records.supervision import Sanction, Supervision, make_record
from registry.records.view import decode_span, decode_state
from registry.storage.database import Database
from registry.storage.tables import FOREVER, entries, versions
from registry.texts import Message

KINDS: tuple[Kind, ...] = (
    *("source", "institution", "ad_certificate", "sanction", "supervision", "edition", "credential"),
)
PAGE = 500
#: Former names are those of the days before, so the statements of a name never lose their say.
_OF_EVERY_DAY: dict[str, frozenset[str]] = {"institution": frozenset({"name"})}


class AdCertificate(Struct, frozen=True):
    """One medical advertisement review certificate; ``institution`` is that institution's code."""

    code: str
    institution: str | None
    number: str | None
    valid_from: Date | None
    valid_to: Date | None
    source: SourceRef | None
    entry: int


class EditionRecord(Struct, frozen=True):
    """One published edition of the list, as stated; ``release`` may be an instant to come."""

    id: str
    number: int
    title: str
    as_of: Date
    scope: str
    log_size: int
    root: str
    institutions: int
    techniques: dict[TechniqueCode, int] | None
    page: str | None
    release: dt.datetime | None
    withdrawn: bool | None
    withdrawal: str | None
    entry: int
    supervision: int | None = None


class CredentialRecord(Struct, frozen=True):
    """One credential of an institution, as stated; ``institution`` is that institution's code."""

    id: str
    institution: str
    index: int
    log_size: int
    name: str
    address: str
    techniques: list[TechniqueCode]
    expires: Date
    withdrawn: bool | None
    withdrawal: str | None
    entry: int


PlainRecord = AdCertificate | Sanction | Supervision | EditionRecord | CredentialRecord
#: Subjects named by a number.
_NUMBERED: dict[str, type[EditionRecord | CredentialRecord]] = {
    "edition": EditionRecord,
    "credential": CredentialRecord,
}


class SnapshotStatement(Struct, frozen=True):
    """What is left of one entry about a subject: the values that still have a say; personal ones as their hashes."""

    entry: int
    valid_from: str
    source: str | None
    set: dict[str, Any]


class SnapshotRecord(Struct, frozen=True):
    """One subject: its record on the day (null when there is none then), and the statements it is folded from.

    ``state`` holds what has a say on the day of the snapshot or on any later day, by (valid_from, entry); of an
    institution's name also what had one before, for the former names.
    """

    subject: str
    kind: Kind
    record: Institution | Source | PlainRecord | None
    state: list[SnapshotStatement]


class SnapshotHead(Struct, frozen=True):
    """What a snapshot rests on: log size, root hash (hex), the day, and the instant of knowing if one was asked."""

    log_size: int
    root: str
    on: Date
    known_at: dt.datetime | None


def list_certificates_of(connection: sa.Connection, code: str, asof: AsOf) -> list[AdCertificate]:
    """List the certificates recorded of an institution on a day, newest entry first; ``code`` as printed."""
    query = sa.select(versions.c.subject, versions.c.state).where(
        versions.c.kind == "ad_certificate",
        versions.c.parent == f"institution:{parse_code(code)}",
        match_known(asof),
        match_day(asof),
    )
    spans = [(subject, decode_state(state)) for subject, state in connection.execute(query)]
    origin = lookup.read_sources(connection, asof) if spans else {}
    records = (_make_plain_record(subject, state, origin, asof.valid_on) for subject, state in spans)
    return sorted((one for one in records if isinstance(one, AdCertificate)), key=lambda one: -one.entry)


class Snapshot:
    """One state of the register; ``read_pages`` returns the same however much later it is called."""

    def __init__(
        self, database: Database, asof: AsOf, known_at: dt.datetime | None = None, followed: LogState | None = None
    ) -> None:
        """``known_at``: the instant asked, for the head. ``followed``: a size and its root, which may save hashing."""
        self._database = database
        self._asof = asof
        with database.reading() as connection:
            if followed and followed.size == asof.size:
                root = followed.root
            else:
                root = store.read_frontier(connection, asof.size).compute_root().hex()
            self._last = store.find_leaf(connection, asof.size)
        known_at_utc = known_at and known_at.astimezone(dt.UTC)
        self.head = SnapshotHead(log_size=asof.size, root=root, on=asof.valid_on, known_at=known_at_utc)

    def read_pages(self, kind: Kind) -> Iterator[list[SnapshotRecord]]:
        """Read every subject of a kind in order, PAGE at a time; LogDamaged when the database was replaced."""
        after = ""
        while True:
            with self._database.reading() as connection:
                if store.find_leaf(connection, self._asof.size) != self._last:
                    raise LogDamaged(Message("读取快照期间数据库已被替换，请重新获取快照。"))
                page = _read_page(connection, kind, after, self._asof)
            if not page:
                return
            yield page
            after = page[-1].subject


def _read_page(connection: sa.Connection, kind: Kind, after: str, asof: AsOf) -> list[SnapshotRecord]:
    subjects = _list_subjects(connection, kind, after, asof)
    spans = _replace_personal_values(connection, kind, _read_spans(connection, subjects, asof))
    shown = _make_records(connection, kind, spans, asof)
    day = asof.valid_on.isoformat()
    return [
        SnapshotRecord(
            subject=subject, kind=kind, record=shown.get(subject), state=_collect_statements(kind, spans[subject], day)
        )
        for subject in subjects
    ]


def _list_subjects(connection: sa.Connection, kind: Kind, after: str, asof: AsOf) -> Sequence[str]:
    """The next subjects known at the log size; each has exactly one span without end."""
    # Kind is joined to nothing so that it matches no index: SQLite would sort every subject of the kind for each page.
    of_kind = versions.c.kind.concat("") == kind
    query = sa.select(versions.c.subject).where(
        versions.c.subject > after, of_kind, match_known(asof), versions.c.valid_to == FOREVER
    )
    return connection.execute(query.order_by(versions.c.subject).limit(PAGE)).scalars().all()


def _read_spans(connection: sa.Connection, subjects: Sequence[str], asof: AsOf) -> dict[str, list[timeline.Span]]:
    query = (
        sa.select(versions)
        .where(versions.c.subject.in_(subjects), match_known(asof))
        .order_by(versions.c.subject, versions.c.valid_from)
    )
    spans: dict[str, list[timeline.Span]] = {subject: [] for subject in subjects}
    for row in connection.execute(query):
        spans[row.subject].append(decode_span(row))
    return spans


def _replace_personal_values(
    connection: sa.Connection, kind: Kind, spans_by_subject: dict[str, list[timeline.Span]]
) -> dict[str, list[timeline.Span]]:
    """Replace each personal value by its salted hash in the log's bytes."""
    personal = PERSONAL.get(kind, frozenset())
    groups = [
        group
        for spans in spans_by_subject.values()
        for span in spans
        for group in span.state
        if not personal.isdisjoint(group[3])
    ]
    numbers = {group[0] for group in groups}
    query = sa.select(entries.c.number, entries.c.body).where(entries.c.number.in_(numbers))
    public = {
        number: msgspec.json.decode(body)["change"]["set"]
        for number, body in (connection.execute(query) if numbers else ())
    }
    for group in groups:
        group[3].update({path: public[group[0]][path] for path in personal & group[3].keys()})
    return spans_by_subject


def _collect_statements(kind: Kind, spans: list[timeline.Span], day: str) -> list[SnapshotStatement]:
    always = _OF_EVERY_DAY.get(kind, frozenset())
    statements: dict[int, SnapshotStatement] = {}
    for span in spans:
        for number, valid_from, source, values in span.state:
            selected = values if span.valid_to > day else {path: values[path] for path in values if path in always}
            if selected:
                statement = SnapshotStatement(entry=number, valid_from=valid_from, source=source, set={})
                statements.setdefault(number, statement).set.update(selected)
    return sorted(statements.values(), key=lambda statement: (statement.valid_from, statement.entry))


def _make_records(
    connection: sa.Connection, kind: Kind, spans: dict[str, list[timeline.Span]], asof: AsOf
) -> dict[str, Institution | Source | PlainRecord | None]:
    if kind == "institution":
        institutions = lookup.read_institutions(connection, list(spans), asof)
        institutions = [_drop_first_days(institution) for institution in institutions]
        return {lookup.to_subject(parse_code(institution.code)): institution for institution in institutions}
    if kind == "source":  # known is known: also a document about a later day
        last = {subject: decode_source(subject, subject_spans[-1].state) for subject, subject_spans in spans.items()}
        return {subject: source for subject, source in last.items() if source is not None}
    sources = lookup.read_sources(connection, asof)
    day = asof.valid_on.isoformat()
    return {
        subject: _make_plain_record(subject, span.state, sources, asof.valid_on)
        for subject, subject_spans in spans.items()
        for span in subject_spans
        if span.valid_from <= day < span.valid_to
    }


def _drop_first_days(institution: Institution) -> Institution:
    """Leave out since when approvals have stood as they do: a snapshot tells nothing of the days before its own."""
    approvals = [msgspec.structs.replace(approval, since=None) for approval in institution.approvals]
    return msgspec.structs.replace(institution, approvals=approvals)


def _make_plain_record(subject: str, state: timeline.State, origin: dict[str, Source], on: Date) -> PlainRecord | None:
    """Make a certificate, a sanction, a supervision, an edition or a credential; none has a field for a person.

    None for a credential of which only the withdrawal is stated, and for what is not public on the day.
    """
    values = timeline.collect_values(state)
    kind, _, identifier = subject.partition(":")
    if kind in ("sanction", "supervision"):
        return make_record(subject, state, origin, on)
    if kind in _NUMBERED:
        absent = dict.fromkeys(_NUMBERED[kind].__struct_fields__)
        identity = {"id": identifier, "entry": timeline.get_basis(state)[0]}
        if kind == "credential":
            if "institution" not in values:
                return None
            identity["institution"] = format_code(str(values["institution"]).partition(":")[2])
        return msgspec.convert({**absent, **values, **identity}, _NUMBERED[kind])
    institution = values.get("institution")
    number, _, source, _ = timeline.get_basis(state)
    return msgspec.convert(
        {
            **{field: values.get(field) for field in AdCertificate.__struct_fields__},
            "code": format_code(identifier),
            "institution": format_code(institution.partition(":")[2]) if institution else None,
            "source": lookup.make_source_ref(origin.get(source or "")),
            "entry": number,
        },
        AdCertificate,
    )
