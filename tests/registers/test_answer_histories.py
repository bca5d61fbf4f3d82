"""Whatever was recorded, and whenever: the view answers what a naive reading of the entries says."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.domain.answers import Answer
from registry.domain.model import Draft
from registry.verification.view import VerificationView
from tests.factories import a_change, a_database, a_source, an_institution, ask, enter
from tests.thoroughness import count_examples
from tests.times import the_clock_at

FIRST = dt.date(2025, 1, 1)
NAMES = ("鞍山市示例甲医院", "鞍山市示例乙医院")
STAGES = ("preparing", "trial", "formal", "operating", "rectification", "suspended", "revoked", "lapsed")
STOPS = ("preparing", "suspended", "revoked", "lapsed")
days = st.integers(0, 40).map(lambda n: FIRST + dt.timedelta(days=n))
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
                "approvals.IVF": approvals,
                "approvals.AIH": approvals,
                "status": st.sampled_from(("listed", "suspended", "delisted")),
                "name": st.sampled_from(NAMES),
            },
        ).filter(bool),
    ),
    max_size=6,
)


def naive(drafts: list[Draft], size: int, on: dt.date) -> dict[str, Any]:
    """Per path what the entry with the latest day, and of those the highest number, says."""
    held: dict[str, Any] = {}
    order = sorted(range(1, min(size, len(drafts))), key=lambda i: (drafts[i].valid_from, i))
    for i in order:  # the first draft is the source
        if drafts[i].valid_from <= on:
            held |= drafts[i].change.set
    return held


def verdict(held: dict[str, Any], technique: str, on: dt.date, listed: bool) -> str:  # noqa: PLR0911
    """The rules in one breath."""
    if not {"name", "address", "status"} <= held.keys():  # a correction of days before anything else is known
        return "not_found" if listed else "unknown"
    if held["status"] == "delisted":
        return "not_found"
    approval = held.get(f"approvals.{technique}")
    if approval is None:
        return "technique_not_licensed" if listed else "unknown"
    if approval["stage"] in STOPS:
        return str(approval["stage"])
    if approval.get("valid_from", "") > str(on):
        return "technique_not_licensed"
    if approval.get("verification_due", "9999") < str(on):
        return "lapsed"
    return "suspended" if held["status"] == "suspended" else "licensed"


def compare(view: VerificationView, drafts: list[Draft], size: int, known_at: dt.datetime | None) -> None:
    listed_on = drafts[0].valid_from
    for offset in range(-1, 42, 3):
        on = FIRST + dt.timedelta(days=offset)
        held = naive(drafts, size, on)
        listed = on >= listed_on
        for technique in ("IVF", "AIH"):
            name = held.get("name", NAMES[0])
            answer: Answer = ask(view, name, technique, on=on, known_at=known_at)
            assert answer.verdict == verdict(held, technique, on, listed), (on, technique, held)
            assert answer.log.size == size
            if answer.verdict == "licensed":
                assert answer.match is not None
                assert (answer.match.name, answer.match.on) == (held["name"], "name")


@settings(max_examples=count_examples(15), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    begins=days,
    listed_on=days,
    stage=st.sampled_from(STAGES),
    later=changes,
)
def test_the_view_answers_what_the_entries_say(
    begins: dt.date, listed_on: dt.date, stage: str, later: list[tuple[dt.date, dict[str, Any]]]
) -> None:
    hospital = an_institution(NAMES[0], on=begins, IVF=stage)
    source = a_source(as_of=listed_on)
    more = [a_change(hospital, on, values, "list-1", reason="示例更正") for on, values in later]
    drafts = [source, hospital, *more]
    with tempfile.TemporaryDirectory() as folder:
        database = a_database(Path(folder))
        view = VerificationView()
        recorded = []
        for number, batch in enumerate(([source, hospital], *([draft] for draft in more))):
            instant = f"2025-07-{number + 1:02}T00:00:00Z"
            with the_clock_at(instant):
                enter(database, *batch)
            view.follow_log(database)
            recorded.append((2 + number, dt.datetime.fromisoformat(instant)))
        compare(view, drafts, len(drafts), None)
        for size, known_at in recorded:
            compare(view, drafts, size, known_at)
        fresh = VerificationView()
        fresh.follow_log(database)
        compare(fresh, drafts, len(drafts), None)
        database.close()
