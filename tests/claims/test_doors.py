"""Whatever was recorded, and whichever day is asked about: every door says the same of what is in force."""

from __future__ import annotations

import datetime as dt
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.domain.answers import Claim, Provider
from registry.domain.identifiers import format_code
from registry.domain.model import Change, Date, Draft, Institution
from registry.editions.content import read_institutions_on_day
from registry.institutions.result import STANDINGS, SearchRequest
from registry.institutions.search import search_institutions
from registry.proposals.views import check_views, rebuild_views
from registry.reconciliation.properties import BY_ID
from registry.records import lookup, stats
from registry.records.asof import AsOf
from registry.records.selection import InstitutionFilter, list_institutions, select_subjects
from registry.records.snapshot import Snapshot
from registry.storage.database import Database
from registry.verification.answer import Moment, answer_claim
from registry.verification.institution_card import find_institution
from registry.verification.view import VerificationView
from registry.web.standing import make_standing
from tests.factories import a_change, a_database, a_source, an_institution, code_of, enter

#: Histories of one register, and registers; REGISTRY_TESTS_HISTORIES asks for more of them.
TOGETHER = 20
HISTORIES = int(os.environ.get("REGISTRY_TESTS_HISTORIES", "120"))
FIRST, TODAY = Date(2021, 1, 1), Date(2025, 7, 1)
OLD, NEW = a_source("list-1", FIRST), a_source("list-2", Date(2025, 1, 1))
TECHNIQUES = ("AIH", "IVF", "PGT")
STAGES = ("preparing", "trial", "formal", "operating", "rectification", "suspended", "revoked", "lapsed")
VERDICTS = {
    "in_force": "licensed",
    "not_yet": "technique_not_licensed",
    **{word: word for word in ("preparing", "suspended", "lapsed", "revoked", "unknown")},
}
STATES = {"approved": "licensed", "partly_approved": "partly_licensed"}

days = st.integers(0, 2500).map(lambda n: FIRST + dt.timedelta(days=n))
approvals = st.none() | st.fixed_dictionaries(
    {"stage": st.sampled_from(STAGES)},
    optional={"valid_from": days.map(str), "verification_due": days.map(str)},
)
changes = st.lists(
    st.tuples(
        days,
        st.fixed_dictionaries(
            {},
            optional={
                **{f"approvals.{technique}": approvals for technique in TECHNIQUES},
                "status": st.sampled_from(("listed", "suspended", "delisted")),
                "name": st.sampled_from(("新", "旧")),
                "address": st.integers(1, 3),
            },
        ).filter(bool),
        st.sampled_from((None, "list-1", "list-2")),
    ),
    max_size=5,
)
histories = st.tuples(days, st.dictionaries(st.sampled_from(TECHNIQUES), st.sampled_from(STAGES), min_size=1), changes)


class Told(NamedTuple):
    """What a door says of one institution: its standing, and that of each technique it has on record."""

    word: str
    techniques: dict[str, str]


def make_drafts(number: int, history: tuple[Date, dict[str, str], list[Any]]) -> list[Draft]:
    """The entries of one institution: what a list said first, and what was said of it since."""
    begins, stages, later = history
    name = f"示例{number}号医院"
    hospital = an_institution(name, f"辽宁省鞍山市铁西区示例路{number + 1}号", on=begins, source="list-1", **stages)
    drafts = [hospital]
    for day, values, source in later:
        stated = dict(values)
        if "name" in stated:
            stated["name"] += name
        if "address" in stated:
            stated["address"] = f"辽宁省鞍山市铁西区示例路{number + 1}号{stated['address']}号楼"
        drafts.append(a_change(hospital, day, stated, source, reason="示例更正"))
    return drafts


def read(it: Institution) -> Told:
    return Told(it.standing, {approval.technique: approval.standing for approval in it.approvals})


def compare_reads(connection: sa.Connection, database: Database, asof: AsOf, told: dict[str, Told]) -> None:
    """Lists and their filters, counts, cards, editions, columns of reconciliation, pages, snapshots."""
    in_force = {s for s, t in told.items() if t.word in ("approved", "partly_approved")}
    for technique in TECHNIQUES:
        having = {s for s in in_force if told[s].techniques.get(technique) == "in_force"}
        assert select_subjects(connection, InstitutionFilter(techniques=(technique,)), asof) == having
    for word in STANDINGS:
        listed = list_institutions(connection, InstitutionFilter(standings=(word,)), asof, 1000)
        assert {subject for _, subject in listed} == {s for s, t in told.items() if t.word == word}
    counted = stats.compute_stats(connection, asof)
    assert counted.total == len(in_force) == len(list_institutions(connection, InstitutionFilter(), asof, 1000))
    for row in counted.by_technique:
        assert (row.count or 0) == sum(told[s].techniques.get(row.technique) == "in_force" for s in in_force)
    for subject, it in zip(told, lookup.read_institutions(connection, list(told), asof), strict=True):
        assert read(it) == told[subject]
        assert set(BY_ID["techniques"].values(it)) == {
            t for t, word in told[subject].techniques.items() if word == "in_force"
        }
        state = make_standing(it).state
        expected = STATES.get(it.standing, it.standing)
        assert state == ("technique_not_licensed" if expected == "delisted" and it.status == "listed" else expected)
        for hit in search_institutions(connection, SearchRequest(q=it.name), asof).items:
            assert read(hit.institution) == told[lookup.to_subject(hit.institution.code.replace("-", ""))]
    if not asof.ahead:
        for it in read_institutions_on_day(database, asof, "national"):
            lawful = {a.technique for a in it.approvals if a.stage in STAGES[1:5]}
            words = told[lookup.to_subject(it.code.replace("-", ""))].techniques
            assert lawful == {technique for technique, word in words.items() if word == "in_force"}
        for page in Snapshot(database, asof).read_pages("institution"):
            for record in page:
                if isinstance(record.record, Institution):
                    assert read(record.record) == told[record.subject]


def compare_answers(view: VerificationView, asof: AsOf, told: dict[str, Told]) -> None:
    """Verdicts for each technique and for none, and the card that a scanned code gets from memory."""
    moment = Moment(now=dt.datetime.combine(TODAY, dt.time(1), dt.UTC), day=TODAY, size=asof.size)
    for subject, (word, techniques) in told.items():
        code = subject.partition(":")[2]
        card = find_institution(view, code, asof)
        assert card is not None and read(card) == told[subject]
        provider = Provider(code=format_code(code))
        is_gone = card.status == "delisted"
        for technique, standing in techniques.items():
            answer = answer_claim(view, Claim(provider=provider, techniques=[technique], on=asof.valid_on), at=moment)
            assert answer.verdict == ("not_found" if is_gone else VERDICTS[standing])
        answer = answer_claim(view, Claim(provider=provider, on=asof.valid_on), at=moment)
        if is_gone:
            assert answer.verdict == "not_found"
        elif word in ("approved", "partly_approved") or set(techniques.values()) != {"not_yet"} != set():
            assert answer.verdict in (STATES.get(word, word), "technique_not_licensed")
            assert (answer.verdict in ("licensed", "partly_licensed")) == (word in STATES)
            assert {a.technique: a.verdict for a in answer.techniques} == {
                t: VERDICTS[standing] for t, standing in techniques.items()
            }


def list_days(drafts: list[Draft]) -> Iterator[Date]:
    """Days on which something may turn, those beside them, and the ends of evidence."""
    turning = {draft.valid_from for draft in drafts}
    for draft in drafts:
        for value in draft.change.set.values():
            if isinstance(value, dict):
                turning |= {
                    Date.fromisoformat(value[key]) for key in ("valid_from", "verification_due") if key in value
                }
    turning |= {day.replace(year=day.year + 2, day=min(day.day, 28)) for day in turning} | {TODAY}
    every = sorted({day + dt.timedelta(days=n) for day in turning for n in (-1, 0, 1)})
    yield from every[:: max(1, len(every) // 12)]


@settings(
    max_examples=max(1, HISTORIES // TOGETHER),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(st.lists(histories, min_size=TOGETHER, max_size=TOGETHER))
def test_no_two_doors_differ(every: list[tuple[Date, dict[str, str], list[Any]]]) -> None:
    of_each = [make_drafts(number, history) for number, history in enumerate(every)]
    drafts = [draft for of_one in of_each for draft in of_one]
    with tempfile.TemporaryDirectory() as folder:
        database = a_database(Path(folder))
        enter(database, OLD, NEW, *drafts)
        view = VerificationView()
        view.follow_log(database)
        check_views(database)
        for day in list_days(drafts):
            asof = AsOf(valid_on=day, size=view.size, ahead=day > TODAY)
            subjects = [lookup.to_subject(code_of(of_one[0])) for of_one in of_each]
            with database.reading() as connection:
                known = lookup.read_institutions(connection, subjects, asof)
                told = {lookup.to_subject(it.code.replace("-", "")): read(it) for it in known}
                compare_reads(connection, database, asof, told)
            compare_answers(view, asof, told)
        database.close()


def test_a_rebuilt_view_and_one_that_followed_hold_the_same() -> None:
    hospital = an_institution(on=FIRST, IVF="formal", AIH="trial")
    lapsing = {"approvals.AIH": {"stage": "formal", "verification_due": "2023-01-01"}}
    redated = Change(kind="source", set={"as_of": "2020-06-01"}, reason="示例更正")
    with tempfile.TemporaryDirectory() as folder:
        database = a_database(Path(folder))
        for batch in (
            [OLD, hospital],
            [a_change(hospital, TODAY, {"approvals.IVF": {"stage": "suspended"}})],
            [NEW, a_change(hospital, NEW.valid_from, {"status": "delisted"}, "list-2", reason="示例更正")],
            [a_change(hospital, Date(2022, 1, 1), lapsing, reason="示例更正")],
            [Draft(subject=OLD.subject, change=redated, valid_from=FIRST)],
        ):
            enter(database, *batch)
            check_views(database)
        with database.reading() as connection:
            followed = connection.execute(sa.text("SELECT * FROM standings ORDER BY 1, 2, 3")).all()
        rebuild_views(database, "standings")
        with database.reading() as connection:
            assert connection.execute(sa.text("SELECT * FROM standings ORDER BY 1, 2, 3")).all() == followed
        database.close()
