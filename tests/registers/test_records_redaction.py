"""Random histories with corrections and redactions: what was erased is nowhere, as of no day and no log size."""

from __future__ import annotations

import datetime as dt
import itertools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from registry import proposals
from registry.domain.model import Change, Draft
from registry.domain.schema import PERSONAL
from registry.log import check as log_check
from registry.log import erasure, store
from registry.proposals import views
from registry.records import lookup, timeline
from registry.records.asof import AsOf
from registry.records.selection import match_day, match_known
from registry.records.view import decode_state
from registry.storage.database import Database
from registry.storage.tables import versions
from tests.factories import a_database, a_person, a_source, an_institution, approve, propose
from tests.thoroughness import count_examples

PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.target, Phase.shrink)
START = dt.date(2020, 1, 1)
HOSPITAL = an_institution(on=START)
PEOPLE = [a_person(HOSPITAL, name, on=START, certificate=f"***{name[::-1]}") for name in ("示例员甲", "示例员乙")]
SANCTION = Draft(
    subject=f"sanction:{PEOPLE[0].subject.partition(':')[2]}",
    change=Change(kind="sanction", set={"institution": HOSPITAL.subject, "person": "示例员丙", "summary": "示例处罚"}),
    valid_from=START,
)
FIRST = [a_source("list-1", START), HOSPITAL, *PEOPLE, SANCTION]
SUBJECTS = [HOSPITAL, *PEOPLE, SANCTION]
FIELDS = {
    "institution": {"level": st.none() | st.sampled_from(["二级", "三级"])},
    "practitioner": {
        "name": st.none() | st.just("name"),
        "certificate_masked": st.none() | st.just("certificate_masked"),
        "role": st.sampled_from(["临床医师", "护士"]),
    },
    "sanction": {"person": st.none() | st.just("person"), "summary": st.sampled_from(["示例处罚", "示例更正"])},
}
days = st.integers(-1, 5).map(lambda n: START + dt.timedelta(days=30 * n))
_number = itertools.count()


@st.composite
def drafts(draw: st.DrawFn) -> Draft:
    """A statement about any day, an erasure, or both in one."""
    about = draw(st.sampled_from(SUBJECTS))
    kind = about.change.kind
    personal = PERSONAL.get(kind, frozenset())
    erases = sorted(draw(st.sets(st.sampled_from(sorted(personal))))) if personal else []
    free = {path: values for path, values in FIELDS[kind].items() if path not in erases}
    stated = draw(st.fixed_dictionaries({}, optional=free).filter(lambda values: bool(values or erases)))
    for path in personal & stated.keys():
        if stated[path]:
            stated[path] = f"示例员{next(_number)}号"  # never the same twice, so that it can be looked for
    change = Change(kind=kind, set=stated, reason="核对", erases=erases)
    return Draft(subject=about.subject, change=change, valid_from=draw(days))


histories = st.lists(st.tuples(st.lists(drafts(), min_size=1, max_size=4), st.booleans()), min_size=1, max_size=7)


class Played:
    """What a history did, kept by the test itself: every draft ever proposed, and those that became entries."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.proposed: list[tuple[Draft, int | None]] = []  # with its entry number, when it has one
        self.size = 0

    def play(self, chosen: list[Draft], approved: bool) -> None:
        identifier = propose(self.database, *chosen)
        if not approved:
            proposals.reject(self.database, identifier, by="approver.a", reason="核对")
            self.proposed += [(draft, None) for draft in chosen]
            return
        before = self.leaves()
        first, self.size = approve(self.database, identifier)
        assert self.leaves()[: first - 1] == before
        self.proposed += [(draft, first + n) for n, draft in enumerate(chosen)]

    def leaves(self) -> list[bytes]:
        with self.database.reading() as connection:
            return list(store.read_leaves(connection))

    def erased(self, subject: str, path: str, position: int) -> bool:
        """Whether a draft proposed later became an entry that erased this path of the subject."""
        return any(
            number is not None and draft.subject == subject and path in draft.change.erases
            for draft, number in self.proposed[position + 1 :]
        )

    def gone(self) -> set[str]:
        """Every personal value, of an entry or of a proposal turned down, that an entry erased."""
        return {
            value
            for position, (draft, _) in enumerate(self.proposed)
            for path, value in draft.change.set.items()
            if value and path in PERSONAL.get(draft.change.kind, ()) and self.erased(draft.subject, path, position)
        }

    def is_known(self, subject: str, on: dt.date, size: int) -> bool:
        """Whether anything was stated about that day by then: an entry that only erases states nothing."""
        return any(
            number is not None and number <= size and draft.valid_from <= on and draft.change.set
            for draft, number in self.proposed
            if draft.subject == subject
        )

    def values(self, subject: str, on: dt.date, size: int) -> dict[str, Any]:
        """The naive fold: per path the greatest (valid_from, number) known then and valid by then."""
        best: dict[str, tuple[dt.date, int, Any]] = {}
        for position, (draft, number) in enumerate(self.proposed):
            if number is None or number > size or draft.subject != subject or draft.valid_from > on:
                continue
            for path, value in draft.change.set.items():
                left = None if self.erased(subject, path, position) else value
                if path not in best or (draft.valid_from, number) > best[path][:2]:
                    best[path] = (draft.valid_from, number, left)
        return {path: value for path, (_, _, value) in best.items() if value is not None}


@contextmanager
def a_played(history: list[tuple[list[Draft], bool]]) -> Iterator[Played]:
    with tempfile.TemporaryDirectory() as folder:
        played = Played(a_database(Path(folder)))
        played.play(FIRST, approved=True)
        for chosen, approved in history:
            played.play(chosen, approved)
        yield played
        played.database.close()


@settings(max_examples=count_examples(40), deadline=None, phases=PHASES, suppress_health_check=[HealthCheck.too_slow])
@given(histories, st.data())
def test_what_was_erased_is_nowhere_and_everything_else_is_as_it_was(
    history: list[tuple[list[Draft], bool]], data: st.DataObject
) -> None:
    with a_played(history) as played:
        everything_holds_and_rebuilding_changes_nothing(played.database)
        pairs = st.tuples(st.integers(-40, 200), st.integers(0, played.size))
        for offset, size in [*data.draw(st.lists(pairs, min_size=5, max_size=10)), (10_000, played.size)]:
            the_records_are_the_naive_fold(played, START + dt.timedelta(days=offset), size)
        nothing_erased_is_in_any_file(played)


def rows(database: Database) -> list[Any]:
    with database.reading() as connection:
        return [tuple(row) for row in connection.execute(sa.select(versions).order_by(*versions.primary_key))]


def everything_holds_and_rebuilding_changes_nothing(database: Database) -> None:
    with database.reading() as connection:
        log_check.check_log(connection)
        assert erasure.check_erased_values(connection) == 0
    views.check_views(database)
    live = rows(database)
    views.rebuild_views(database)
    views.check_views(database)
    assert rows(database) == live


def the_records_are_the_naive_fold(played: Played, on: dt.date, size: int) -> None:
    asof = AsOf(valid_on=on, size=size)
    with played.database.reading() as connection:
        for about in SUBJECTS:
            wanted = versions.c.subject == about.subject
            query = sa.select(versions.c.state).where(wanted, match_known(asof), match_day(asof))
            states = [decode_state(state) for state in connection.execute(query).scalars()]
            assert len(states) == played.is_known(about.subject, on, size)
            told = {path: fact.value for state in states for path, fact in timeline.collect_facts(state).items()}
            assert told == played.values(about.subject, on, size)
        if size >= len(FIRST) and on >= START:
            shown = {one.code.replace("-", ""): one.name for one in lookup.list_practitioners(connection, CODE, asof)}
            assert shown == {
                person.subject.partition(":")[2]: played.values(person.subject, on, size).get("name")
                for person in PEOPLE
            }


CODE = HOSPITAL.subject.partition(":")[2]


def nothing_erased_is_in_any_file(played: Played) -> None:
    path = Path(played.database.url.database or "")
    stored = b"".join(file.read_bytes() for file in path.parent.iterdir())
    left = [value for value in played.gone() if value.encode() in stored or msgspec.json.encode(value) in stored]
    assert left == []
    kept = {
        value
        for position, (draft, number) in enumerate(played.proposed)
        for of, value in draft.change.set.items()
        if number and value and of in PERSONAL.get(draft.change.kind, ())
        if not played.erased(draft.subject, of, position)
    }
    assert all(value.encode() in stored for value in kept)  # so that looking for bytes would have found them
