"""Reading records: institutions, practitioners and sources, as of a day and a log size."""

import datetime as dt
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import msgspec
import sqlalchemy as sa

from registry.domain import regions
from registry.domain.fields import fill_values
from registry.domain.identifiers import format_code, parse_code
from registry.domain.model import (
    Approval,
    Date,
    FormerName,
    Institution,
    Practitioner,
    Region,
    Source,
    SourceRef,
    Struct,
)
from registry.domain.techniques import TECHNIQUES, TechniqueCode
from registry.errors import NotFound
from registry.log import store
from registry.records import timeline
from registry.records.asof import AsOf
from registry.records.selection import KNOWN, match_day, match_known
from registry.records.site import derive_status
from registry.records.sources import decode_source
from registry.records.standing import find_own_day
from registry.records.standing_view import DayStanding, read_standings
from registry.records.view import decode_state
from registry.storage.tables import versions
from registry.texts import Message


def to_subject(code: str) -> str:
    """Return the name by which the log speaks of an institution, given its compact code."""
    return f"institution:{code}"


#: The region of an institution of which no place is stated.
NOWHERE = Region(code=None, province=None, city=None, district=None)
# Asked with every institution that is shown: built once.
_SOURCES = (
    sa.select(versions.c.subject, versions.c.state)
    .where(versions.c.kind == "source", KNOWN)
    .order_by(versions.c.subject, versions.c.valid_from)  # the last day it speaks of decides
)
_ANY_PRACTITIONER = sa.select(versions.c.subject).where(versions.c.kind == "practitioner").limit(1)
_SPANS = (
    sa.select(versions.c.subject, versions.c.valid_from, versions.c.state)
    .where(
        versions.c.subject.in_(sa.bindparam("subjects", expanding=True)),
        KNOWN,
        versions.c.valid_from <= sa.bindparam("day"),
    )
    .order_by(versions.c.subject, versions.c.valid_from)
)


def read_sources(connection: sa.Connection, asof: AsOf) -> dict[str, Source]:
    """Every source known at the log size, by id, also those about a later day."""
    sources: dict[str, Source] = {}
    for subject, state in connection.execute(_SOURCES, {"size": asof.size}):
        source = decode_source(subject, decode_state(state))
        if source is not None:
            sources[source.id] = source
    return sources


def make_source_ref(source: Source | None) -> SourceRef | None:
    """Make the form of a source that answers show."""
    if source is None:
        return None
    return SourceRef(
        title=source.title,
        as_of=source.as_of,
        published=source.published,
        scope=source.scope,
        secondary=source.secondary,
    )


def read_values(connection: sa.Connection, subject: str, asof: AsOf) -> dict[str, Any]:
    """What is recorded of a subject, by path; empty for nothing."""
    query = sa.select(versions.c.state).where(versions.c.subject == subject, match_known(asof), match_day(asof))
    blob = connection.execute(query).scalar()
    return timeline.collect_values(decode_state(blob)) if blob else {}


class _SubjectSpans(Struct, frozen=True):
    """The spans of one subject up to a day: the last one holds on that day."""

    subject: str
    states: list[tuple[str, timeline.State]]  # (valid_from, state)


def _read_spans(connection: sa.Connection, subjects: Sequence[str], asof: AsOf) -> dict[str, _SubjectSpans]:
    parameters = {"subjects": subjects, "size": asof.size, "day": asof.valid_on.isoformat()}
    spans: dict[str, _SubjectSpans] = {}
    for subject, day, state in connection.execute(_SPANS, parameters):
        spans.setdefault(subject, _SubjectSpans(subject=subject, states=[])).states.append((day, decode_state(state)))
    return spans


def get_institution(connection: sa.Connection, code: str, asof: AsOf) -> Institution:
    """Get one institution; InvalidCode for a mistyped code, NotFound for one the register did not have on that day."""
    compact = parse_code(code)
    institutions = read_institutions(connection, [to_subject(compact)], asof)
    if not institutions:
        raise _make_not_found_error(connection, format_code(compact), asof)
    return institutions[0]


def _make_not_found_error(connection: sa.Connection, code: str, asof: AsOf) -> NotFound:
    if asof.size < store.read_head(connection).size:  # the day may well be known of by now
        message = Message(
            "按所问时刻名录所知（当时{asof_size}条记录），编码 {code} 在 {valid_on:%Y-%m-%d} 没有对应的机构；"
            "这不代表未获批准。",
            asof_size=asof.size,
            code=code,
            valid_on=asof.valid_on,
        )
        return NotFound(message)
    return NotFound(
        Message("编码 {code} 在 {valid_on:%Y-%m-%d} 的名录中没有对应的机构。", code=code, valid_on=asof.valid_on)
    )


def read_institutions(
    connection: sa.Connection, subjects: Sequence[str], asof: AsOf, *, own_source: bool = False
) -> list[Institution]:
    """Read the institutions of these subjects, in the order given, without those unknown as of then.

    ``own_source``: with the source of the last statement itself, none where it named none.
    """
    if not subjects:
        return []
    spans = _read_spans(connection, subjects, asof)
    standings = read_standings(connection, subjects, asof)
    sources = read_sources(connection, asof)
    return [
        _make_institution(spans[s], standings[s], sources, asof, own_source=own_source)
        for s in subjects
        if s in spans and is_complete(spans[s].states[-1][1])
    ]


def is_complete(state: timeline.State) -> bool:
    """Whether a state has enough to be shown: a correction before anything else is known has not."""
    return {"name", "address", "status"} <= timeline.collect_facts(state).keys()


def _make_institution(
    spans: _SubjectSpans, standings: list[DayStanding], sources: dict[str, Source], asof: AsOf, *, own_source: bool
) -> Institution:
    state = spans.states[-1][1]
    basis = timeline.get_basis(state)
    source = basis[2] if own_source else timeline.find_source(state)
    facts = timeline.collect_facts(state)
    value = {path: fact.value for path, fact in facts.items()}
    values = {
        "name": value["name"],
        "address": value["address"],
        "region": regions.find_region(value.get("region") or "") or NOWHERE,
        "status": derive_status(value),
        "standing": standings[-1].word,
    }
    return Institution(
        code=format_code(spans.subject.removeprefix("institution:")),
        former_names=list_former_names(spans.states),
        approvals=_list_approvals(value, standings),
        source=make_source_ref(sources.get(source or "")),
        entry=basis[0],
        log_size=asof.size,
        **{**fill_values(value), **values},
    )


def _list_approvals(value: dict[str, Any], standings: list[DayStanding]) -> list[Approval]:
    """The approvals among a record's values, in the technique table's order, each as it stands on the last day."""
    approvals = []
    for technique in TECHNIQUES:
        if recorded := value.get(f"approvals.{technique.code}"):
            word = standings[-1].approvals[technique.code]
            names = {"technique": technique.code, "name": technique.official_zh, "standing": word}
            approval = msgspec.convert({**recorded, **names}, Approval)
            day = _find_turning_day(technique.code, standings) or find_own_day(approval)
            approvals.append(msgspec.structs.replace(approval, since=day))
    return approvals


def _find_turning_day(technique: TechniqueCode, standings: list[DayStanding]) -> Date | None:
    """The day on which an approval came to stand as it does on the last day; None where nothing was known of it before:
    it may have stood so long before the register began."""
    words = [day.approvals.get(technique) for day in standings]
    for index in range(len(words) - 1, 0, -1):
        if words[index - 1] != words[-1]:
            return None if words[index - 1] is None else Date.fromisoformat(standings[index].valid_from)
    return None


def list_former_names(states: list[tuple[str, timeline.State]]) -> list[FormerName]:
    """The names of earlier spans that the last one has not, newest first, each until the day it ended."""
    names = [(day, facts["name"].value) for day, state in states if "name" in (facts := timeline.collect_facts(state))]
    former_names: dict[str, FormerName] = {}
    for (_, name), (ended, following) in pairwise(names):
        if following != name:
            former_names[name] = FormerName(name=name, until=dt.date.fromisoformat(ended))
    if names:
        former_names.pop(names[-1][1], None)
    return sorted(former_names.values(), key=lambda former: former.until, reverse=True)


def has_practitioners(connection: sa.Connection) -> bool:
    """Whether the register holds anybody's authorisation at all."""
    return connection.execute(_ANY_PRACTITIONER).first() is not None


def list_practitioners(connection: sa.Connection, code: str, asof: AsOf) -> list[Practitioner]:
    """The authorised people of one institution on that day; never a list across institutions."""
    institution = get_institution(connection, code, asof)
    parent = to_subject(parse_code(institution.code))
    query = sa.select(versions.c.subject, versions.c.state).where(
        versions.c.kind == "practitioner", versions.c.parent == parent, match_known(asof), match_day(asof)
    )
    sources = read_sources(connection, asof)
    rows = connection.execute(query.order_by(versions.c.subject)).all()
    return [
        _make_practitioner(subject, decode_state(state), institution.code, sources, asof) for subject, state in rows
    ]


def _make_practitioner(
    subject: str, state: timeline.State, institution_code: str, sources: dict[str, Source], asof: AsOf
) -> Practitioner:
    value = timeline.collect_values(state)
    basis = timeline.get_basis(state)
    return msgspec.convert(
        {
            **{field: value.get(field) for field in ("role", "valid_from", "valid_to", "certificate_kind")},
            "code": format_code(subject.removeprefix("practitioner:")),
            "name": value.get("name"),
            "institution": institution_code,
            "techniques": value.get("techniques") or [],
            "source": make_source_ref(sources.get(basis[2] or "")),
            "entry": basis[0],
            "log_size": asof.size,
        },
        Practitioner,
    )
