"""What is a correction and what is only late; from which day on something has held; how times are written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from registry.domain.model import Change, Date, Entry
from registry.errors import InvalidInput, NotFound
from registry.records import history, lookup
from registry.records.asof import AsOf, get_day_end, make_as_of, parse_day, parse_instant, to_milliseconds
from registry.records.history import Version
from registry.storage.database import Database
from tests.factories import a_change, a_register, a_source, an_institution, code_of, enter
from tests.times import CORRECTED, DATE, FIRST, LATE, LEARNT, LISTED_AGAIN, REASON_DATE, SECOND, STOP, STOPPED
from tests.times import a_corrected_register as corrected

JUNE, JULY, AUGUST = dt.date(2025, 6, 1), dt.date(2025, 7, 1), dt.date(2025, 8, 1)


def an_entry(on: Date, recorded: Date = dt.date(2026, 1, 1), **values: Any) -> Entry:
    return Entry(
        number=1,
        recorded_at=dt.datetime.combine(recorded, dt.time(), dt.UTC),
        subject="institution:00000000",
        change=Change(kind="institution", set=values),
        valid_from=on,
        source=None,
        proposer="editor.a",
        approver="approver.a",
        proposal=1,
    )


# --- the rule --------------------------------------------------------------------------------------------------------


def test_the_first_statement_corrects_nothing_however_late_it_was_recorded() -> None:
    assert not history.is_correction([], an_entry(JUNE, recorded=dt.date(2099, 1, 1), name="甲"))


def test_a_later_day_is_no_correction_whatever_it_says_and_however_late() -> None:
    stated = [an_entry(JUNE, name="甲")]
    assert not history.is_correction(stated, an_entry(JULY, recorded=dt.date(2099, 1, 1), name="乙"))


def test_a_day_before_the_latest_one_stated_is_a_correction() -> None:
    stated = [an_entry(AUGUST, name="甲"), an_entry(JUNE, name="甲")]
    assert history.is_correction(stated, an_entry(JULY, name="乙"))
    assert not history.is_correction(stated, an_entry(AUGUST + dt.timedelta(days=1), name="乙"))


def test_the_very_day_is_a_correction_only_where_the_value_differs_from_the_last_one_stated_of_it() -> None:
    stated = [an_entry(JULY, name="甲", level="三级"), an_entry(JULY, name="乙")]
    assert history.is_correction(stated, an_entry(JULY, name="甲"))
    assert history.is_correction(stated, an_entry(JULY, level=None))
    assert not history.is_correction(stated, an_entry(JULY, name="乙"))
    assert not history.is_correction(stated, an_entry(JULY, address="辽宁省"))
    assert not history.is_correction(stated, an_entry(AUGUST, name="甲"))


# --- in a history ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    made = corrected(tmp_path_factory.mktemp("times"))
    yield made
    made.close()


def told(database: Database, subject: str, upto: Date | None = None) -> list[Version]:
    with database.reading() as connection:
        return history.list_versions(connection, subject, make_as_of(connection), upto)


def test_a_wrong_date_put_right_is_a_correction_and_keeps_its_reason(database: Database) -> None:
    *before, last = told(database, DATE.subject)
    assert [version.corrects for version in before] == [False, False]
    assert (last.corrects, last.reason, last.valid_from) == (True, REASON_DATE, dt.date(2024, 9, 1))
    assert [(c.field, c.from_, c.to) for c in last.changes] == [
        ("approvals.IVF", {"stage": "formal"}, {"stage": "revoked"})
    ]


def test_a_suspension_recorded_late_and_a_list_recorded_late_are_no_corrections(database: Database) -> None:
    assert [version.corrects for version in told(database, STOP.subject)] == [False, False]
    listed, listed_again, learnt = told(database, LATE.subject)
    assert (listed.corrects, listed_again.corrects, listed_again.changes) == (False, False, [])
    assert learnt.corrects


def test_an_older_list_that_says_the_same_corrects_nothing(tmp_path: Path) -> None:
    one = an_institution(on=JUNE)
    again = an_institution(on=JULY)
    made = a_register(tmp_path, a_source(), one)
    enter(made, again)
    enter(made, a_change(one, dt.date(2025, 6, 15), dict(one.change.set), reason="示例"))
    assert [(version.corrects, bool(version.changes)) for version in told(made, one.subject)] == [
        (False, True),
        (False, False),
        (False, False),
    ]
    made.close()


def test_a_history_up_to_a_day_leaves_out_what_is_about_later_days_and_changes_nothing_else(database: Database) -> None:
    whole = told(database, DATE.subject)
    for upto in (FIRST - dt.timedelta(days=1), FIRST, dt.date(2024, 9, 1), dt.date(2024, 11, 30), SECOND):
        assert told(database, DATE.subject, upto) == [version for version in whole if version.valid_from <= upto]
    assert told(database, DATE.subject, dt.date(2024, 11, 30))[-1].corrects


# --- since when ------------------------------------------------------------------------------------------------------


def since(database: Database, subject: str, on: Date, known_at: str | None = None) -> dict[str, Date]:
    with database.reading() as connection:
        asof = make_as_of(connection, on, parse_instant(known_at) if known_at else None)
        return history.read_first_days(connection, subject, asof)


def test_a_corrected_date_is_the_day_since_when_and_the_wrong_one_is_not(database: Database) -> None:
    path = "approvals.IVF"
    assert since(database, DATE.subject, dt.date(2025, 1, 1))[path] == dt.date(2024, 9, 1)
    assert since(database, DATE.subject, dt.date(2025, 1, 1), LISTED_AGAIN)[path] == dt.date(2024, 12, 1)
    assert path not in since(database, DATE.subject, dt.date(2024, 8, 31))
    assert since(database, STOP.subject, SECOND) == dict.fromkeys((path, "status"), dt.date(2024, 10, 1))


def test_the_day_is_that_of_the_last_unbroken_time_also_when_an_earlier_one_was_learnt_last(tmp_path: Path) -> None:
    one = an_institution(on=dt.date(2022, 1, 1))
    made = a_register(tmp_path, a_source(), one)
    for day, stage in ((dt.date(2023, 1, 1), "suspended"), (dt.date(2023, 6, 1), "formal"), (JUNE, "suspended")):
        enter(made, a_change(one, day, {"approvals.IVF": {"stage": stage}}))
    enter(made, a_change(one, dt.date(2022, 6, 1), {"approvals.IVF": {"stage": "suspended"}}, reason="示例"))
    assert since(made, one.subject, JULY)["approvals.IVF"] == JUNE
    assert since(made, one.subject, dt.date(2023, 3, 1))["approvals.IVF"] == dt.date(2022, 6, 1)
    made.close()


def test_what_was_never_otherwise_has_no_day_and_a_document_number_breaks_no_stage(tmp_path: Path) -> None:
    one = an_institution(on=JUNE, IVF="suspended", AIH="trial")
    made = a_register(tmp_path, a_source(), one)
    enter(made, a_change(one, JULY, {"approvals.AIH": {"stage": "formal"}}))
    enter(made, a_change(one, AUGUST, {"approvals.AIH": {"stage": "formal", "document_no": "示卫批〔2025〕1号"}}))
    assert since(made, one.subject, AUGUST) == {"approvals.AIH": JULY}
    made.close()


def test_after_a_gap_nothing_is_known_of_since_when(tmp_path: Path) -> None:
    one = an_institution(on=dt.date(2022, 1, 1))
    made = a_register(tmp_path, a_source(), one)
    for day, approval in ((dt.date(2023, 1, 1), {"stage": "revoked"}), (JUNE, None), (JULY, {"stage": "revoked"})):
        enter(made, a_change(one, day, {"approvals.IVF": approval}))
    assert since(made, one.subject, JUNE - dt.timedelta(days=1))["approvals.IVF"] == dt.date(2023, 1, 1)
    assert "approvals.IVF" not in since(made, one.subject, JUNE)
    assert "approvals.IVF" not in since(made, one.subject, JULY)
    made.close()


# --- how times are written -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2025-07-01T00:00:00Z", "2025-07-01T00:00:00+00:00"),
        ("2025-07-01t08:00:00.5+08:00", "2025-07-01T00:00:00.500000+00:00"),
        ("2025-07-01T00:00:00-00:30", "2025-07-01T00:30:00+00:00"),
    ],
)
def test_an_instant_is_rfc_3339_with_its_zone(text: str, instant: str) -> None:
    assert parse_instant(text).isoformat() == instant


@pytest.mark.parametrize(
    "text",
    [
        "2025-07-01",
        "2025-07-01T00:00:00",
        "2025-07-01T00:00:00 08:00",  # a + that an address turned into a space
        "2025-07-01T00:00Z",
        "2025-02-30T00:00:00Z",
        "2025-07-01T25:00:00Z",
        "2025",
        "1751328000",
        "",
        "昨天",
        "٢٠٢٥-07-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_what_is_no_instant_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_instant(text)
    assert all("2025-07-01T00:00:00Z" in refused.value.get_text(lang) for lang in ("zh-CN", "en"))


@pytest.mark.parametrize("text", ["2025-02-30", "2025-7-1", "20250701", "2025-07-01T00:00:00Z", "2025", "", "今天"])
def test_what_is_no_day_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_day(text)
    assert all("2025-07-01" in refused.value.get_text(lang) for lang in ("zh-CN", "en"))
    assert parse_day("2025-07-01") == JULY


def test_the_end_of_a_day_is_its_last_instant_in_shanghai() -> None:
    assert get_day_end(JULY) == parse_instant("2025-07-01T23:59:59.999999+08:00")
    assert to_milliseconds(get_day_end(JULY)) + 1 == to_milliseconds(parse_instant("2025-07-02T00:00:00+08:00"))


def test_an_entry_is_known_from_its_very_millisecond_on(database: Database) -> None:
    with database.reading() as connection:
        for size, text in ((10, STOPPED), (11, CORRECTED), (12, LEARNT)):
            at = parse_instant(text)
            assert make_as_of(connection, known_at=at).size == size
            assert make_as_of(connection, known_at=at - dt.timedelta(milliseconds=1)).size == size - 1


@pytest.mark.parametrize("first", [1_073_780_140_000, 1_751_385_599_000])
def test_no_millisecond_is_lost_on_the_way(first: int) -> None:
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    for since_1970 in range(first, first + 1000):
        assert to_milliseconds(epoch + dt.timedelta(milliseconds=since_1970)) == since_1970


def test_before_the_first_entry_nothing_is_known(database: Database) -> None:
    with database.reading() as connection:
        asof = make_as_of(connection, known_at=dt.datetime(1, 1, 1, tzinfo=dt.UTC))
        assert asof.size == 0
        with pytest.raises(NotFound):
            lookup.get_institution(connection, code_of(LATE), asof)
        assert history.list_versions(connection, LATE.subject, AsOf(valid_on=JULY, size=0)) == []
