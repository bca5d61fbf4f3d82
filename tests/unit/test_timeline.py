from __future__ import annotations

import datetime as dt
from typing import Any

from registry.domain.model import Change, Entry
from registry.records import timeline
from registry.records.history import get_values_on
from registry.storage.tables import FOREVER, STILL_KNOWN


def day(number: int) -> dt.date:
    return dt.date(2025, 1, 1) + dt.timedelta(days=number)


def an_entry(number: int, on: int, source: str | None = None, **values: Any) -> Entry:
    return Entry(
        number=number,
        recorded_at=dt.datetime(2025, 7, 1, tzinfo=dt.UTC),
        subject="institution:7K2M9QX4",
        change=Change(kind="institution", set=values),
        valid_from=day(on),
        source=source,
        proposer="editor.a",
        approver="approver.a",
        proposal=1,
    )


def after(*entries: Entry) -> list[timeline.Span]:
    spans: list[timeline.Span] = []
    for entry in entries:
        spans, _ = timeline.apply_entry(spans, entry)
    return spans


def names(spans: list[timeline.Span], *days: int) -> list[Any]:
    return [get_values_on(spans, day(n).isoformat()).get("name") for n in days]


def test_nothing_is_known_before_the_first_statement() -> None:
    assert names(after(an_entry(1, 10, name="甲")), 9, 10, 1000) == [None, "甲", "甲"]


def test_a_later_day_changes_that_day_and_what_follows() -> None:
    spans = after(an_entry(1, 10, name="甲"), an_entry(2, 20, name="乙"))
    assert names(spans, 10, 19, 20, 99) == ["甲", "甲", "乙", "乙"]


def test_a_correction_of_the_past_leaves_what_a_later_day_states() -> None:
    spans = after(an_entry(1, 10, name="甲"), an_entry(2, 30, name="丙"), an_entry(3, 20, name="乙"))
    assert names(spans, 10, 20, 29, 30) == ["甲", "乙", "乙", "丙"]


def test_a_correction_before_everything_reaches_back() -> None:
    spans = after(an_entry(1, 20, name="乙", address="二"), an_entry(2, 10, name="甲"))
    assert names(spans, 9, 10, 19, 20) == [None, "甲", "甲", "乙"]
    assert "address" not in get_values_on(spans, day(15).isoformat())


def test_on_the_same_day_the_later_entry_decides() -> None:
    assert names(after(an_entry(1, 10, name="甲"), an_entry(2, 10, name="乙")), 9, 10, 11) == [None, "乙", "乙"]


def test_what_is_no_longer_stated_is_gone_from_its_day_on() -> None:
    spans = after(an_entry(1, 10, name="甲", level="三级"), an_entry(2, 20, level=None))
    assert get_values_on(spans, day(19).isoformat()) == {"name": "甲", "level": "三级"}
    assert get_values_on(spans, day(20).isoformat()) == {"name": "甲"}


def test_spans_are_contiguous_and_the_last_has_no_end() -> None:
    spans = after(*(an_entry(n, on, name=str(n)) for n, on in enumerate([30, 10, 20, 10, 40, 25, 5], start=1)))
    assert [a.valid_to for a in spans[:-1]] == [b.valid_from for b in spans[1:]]
    assert spans[-1].valid_to == FOREVER
    assert all(span.known_to == STILL_KNOWN for span in spans)


def test_what_was_believed_before_keeps_until_when() -> None:
    first, _ = timeline.apply_entry([], an_entry(1, 10, name="甲"))
    timeline.apply_entry(first, an_entry(2, 20, name="乙"))
    assert [(s.known_from, s.known_to) for s in first] == [(1, 2)]


def test_an_entry_that_has_no_say_any_more_leaves_the_state() -> None:
    spans = after(an_entry(1, 10, name="甲"), an_entry(2, 20, name="乙"), an_entry(3, 20, name="丙"))
    assert [group[0] for group in spans[-1].state] == [3]


def test_an_entry_that_only_erases_says_nothing_of_any_day() -> None:
    spans, _ = timeline.apply_entry([], an_entry(1, 10, name="甲"))
    for on in (5, 10, 20):
        again, opened = timeline.apply_entry(spans, an_entry(2, on))
        assert (again, opened) == ([timeline.Span(day(10).isoformat(), FOREVER, 1, spans[0].state)], [])


def test_every_fact_knows_its_entry_and_source() -> None:
    spans = after(an_entry(1, 10, "list-1", name="甲", level="三级"), an_entry(2, 20, "list-2", name="乙"))
    facts = timeline.collect_facts(spans[-1].state)
    assert (facts["name"].entry, facts["name"].source) == (2, "list-2")
    assert (facts["level"].entry, facts["level"].source) == (1, "list-1")
    assert timeline.get_basis(spans[-1].state)[0] == 2


def test_the_basis_of_a_day_is_the_latest_day_stated_and_not_the_latest_entry() -> None:
    spans = after(an_entry(1, 20, "list-2", name="乙"), an_entry(2, 10, "list-1", name="甲", level="三级"))
    assert timeline.get_basis(spans[-1].state)[2] == "list-2"
    assert timeline.collect_facts(spans[-1].state)["level"].source == "list-1"
