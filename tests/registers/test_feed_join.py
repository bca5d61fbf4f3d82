"""Snapshot and change feed join exactly: what a stranger folds from them is what the register says later."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from registry.api.changes import encode_changes, encode_snapshot_json, encode_snapshot_lines
from registry.domain.identifiers import make_code
from registry.domain.model import Change, Draft
from registry.errors import Conflict, LogDamaged
from registry.log import store
from registry.records import feed, snapshot
from registry.records.asof import make_as_of
from registry.records.snapshot import Snapshot
from registry.storage.database import Database
from tests.factories import (
    a_change,
    a_database,
    a_person,
    a_register,
    a_source,
    an_institution,
    approve,
    enter,
    propose,
    the_real_lists,
)
from tests.following import Follower, numbers_of, told_by
from tests.thoroughness import count_examples

PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.target, Phase.shrink)
START = dt.date(2020, 1, 1)
DAYS = [START + dt.timedelta(days=30 * n) for n in range(6)]
FIRST, SECOND = (an_institution(f"示例{n}医院", f"示例路{n}号", on=DAYS[1], source=None) for n in "甲乙")
CERTIFICATE, SANCTION, INSPECTION = (
    f"{kind}:{make_code(kind)}" for kind in ("ad_certificate", "sanction", "supervision")
)
last_days = st.none() | st.sampled_from(DAYS).map(dt.date.isoformat)
stages = st.none() | st.sampled_from(["trial", "formal", "suspended", "revoked"]).map(lambda stage: {"stage": stage})
FIELDS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    FIRST.subject: {
        "name": st.none() | st.sampled_from(["示例甲医院", "示例丙医院", "示例丁医院"]),
        "aliases": st.none() | st.just(["示例别名"]),
        "status": st.sampled_from(["listed", "suspended", "delisted"]),
        "region": st.none() | st.sampled_from(["210303", "210302"]),
        "approvals.IVF": stages,
        "approvals.AIH": stages,
        "extra.备注": st.none() | st.just("一"),
    },
    CERTIFICATE: {
        "institution": st.sampled_from([FIRST.subject, SECOND.subject]),
        "number": st.none() | st.just("(示)医广[2025]第07-15-001号"),
        "valid_to": st.none() | st.just("2026-07-14"),
    },
    SANCTION: {
        "institution": st.none() | st.just(SECOND.subject),
        "person": st.none() | st.sampled_from(["示例当事人甲", "示例当事人乙"]),
        "authority": st.none() | st.just("示例市市场监督管理局"),
        "party": st.none() | st.sampled_from(["institution", "person"]),
        **dict.fromkeys(("published_on", "public_until", "ends_on", "removed_on"), last_days),
    },
    INSPECTION: {
        "institution": st.just(SECOND.subject),
        "result": st.none() | st.just("problems_found"),
        **dict.fromkeys(("public_until", "removed_on"), last_days),
    },
    "source:list-1": {
        "title": st.sampled_from(["示例名单", "示例名单（更正）"]),
        "secondary": st.none() | st.booleans(),
    },
}
FIELDS[SECOND.subject] = FIELDS[FIRST.subject]


@st.composite
def drafts(draw: st.DrawFn) -> Draft:
    """Something about one of five subjects, on any day: before or after what was stated of it earlier."""
    subject = draw(st.sampled_from(sorted(FIELDS)))
    fields = FIELDS[subject]
    chosen = draw(st.lists(st.sampled_from(sorted(fields)), min_size=1, unique=True))
    values = {path: draw(fields[path]) for path in chosen}
    kind: Any = subject.partition(":")[0]
    return Draft(
        subject=subject,
        change=Change(kind=kind, set=values, reason="示例更正"),
        valid_from=draw(st.sampled_from(DAYS)),
        source=draw(st.sampled_from(["list-1", None])),
    )


histories = st.lists(st.lists(drafts(), min_size=1, max_size=3), max_size=6)


def a_snapshot(database: Database, on: dt.date) -> Snapshot:
    with database.reading() as connection:
        return Snapshot(database, make_as_of(connection, on))


def lines_of(database: Database, on: dt.date) -> list[str]:
    return b"".join(encode_snapshot_lines(a_snapshot(database, on))).decode().splitlines()


def changes_of(database: Database) -> Callable[..., Any]:
    """The feed as the API gives it, without a server between."""

    def changes(since: int, limit: int) -> Any:
        with database.reading() as connection:
            return json.loads(
                encode_changes(feed.read_page(connection, since, limit, store.read_head(connection).size))
            )

    return changes


@settings(max_examples=count_examples(40), deadline=None, phases=PHASES, suppress_health_check=[HealthCheck.too_slow])
@given(histories, histories, st.sampled_from(DAYS), st.integers(0, 3))
def test_a_snapshot_with_the_changes_after_it_is_the_later_snapshot(
    before: list[list[Draft]], after: list[list[Draft]], on: dt.date, days_later: int
) -> None:
    later = on + dt.timedelta(days=30 * days_later)
    with tempfile.TemporaryDirectory() as folder:
        database = a_register(Path(folder), a_source("list-1", START), FIRST, SECOND)
        for group in before:
            enter(database, *group)
        first = lines_of(database, on)
        kept = a_snapshot(database, on)
        for group in after:
            enter(database, *group)
        last = lines_of(database, later)
        assert b"".join(encode_snapshot_lines(kept)).decode().splitlines() == first  # read only now, and the same

        joined, naive = Follower(), Follower()
        joined.start(first)
        for follower in (joined, naive):
            follower.follow(changes_of(database), limit=2)
            assert follower.snapshot(later.isoformat()) == told_by(last)
        as_one = json.loads(b"".join(encode_snapshot_json(a_snapshot(database, later))))
        database.close()
    records = [json.loads(line) for line in last[1:-1]]
    for kind, name in zip(
        snapshot.KINDS,
        ("sources", "items", "ad_certificates", "sanctions", "supervisions", "editions", "credentials"),
        strict=True,
    ):
        assert as_one[name] == [one["record"] for one in records if one["kind"] == kind and one["record"]]
    assert as_one["total"] == len(as_one["items"])
    assert {name: as_one[name] for name in json.loads(last[0])} == json.loads(last[0])
    assert "当事人" not in "".join(last)


def test_a_follower_of_the_real_lists_arrives_at_every_snapshot_on_the_way() -> None:
    database = the_real_lists()
    with database.reading() as connection:
        size = store.read_head(connection).size
    follower = Follower()
    follower.follow(changes_of(database), limit=333)
    for day in ("2018-02-20", "2018-02-21", "2025-06-29", "2025-06-30", "2026-01-01"):
        lines = lines_of(database, dt.date.fromisoformat(day))
        assert json.loads(lines[0])["log_size"] == follower.position == size
        assert follower.snapshot(day) == told_by(lines)
    database.close()


def test_an_erased_person_leaves_the_join_whole(tmp_path: Path) -> None:
    decided = {"person": "示例当事人", "authority": "示例市市场监督管理局"}
    sanction = Draft(subject=SANCTION, change=Change(kind="sanction", set=decided), valid_from=START)
    database = a_register(tmp_path, a_source("list-1", START), sanction)
    follower = Follower()
    follower.start(lines_of(database, START))
    erasing = Change(kind="sanction", set={}, reason="本人申请", erases=["person"])
    enter(database, Draft(subject=SANCTION, change=erasing, valid_from=DAYS[1]))
    page = changes_of(database)(since=2, limit=10)
    assert [entry["change"]["erases"] for entry in page["entries"]] == [["person"]]
    follower.read(page)
    lines = lines_of(database, DAYS[1])
    assert follower.snapshot(DAYS[1].isoformat()) == told_by(lines)
    assert "sha256" in follower.state(SANCTION, DAYS[1].isoformat())[0]["set"]["person"]
    assert "示例当事人" not in "".join(lines)
    database.close()


# --- the feed --------------------------------------------------------------------------------------------------------


def test_pages_of_any_length_are_every_entry_once_and_in_order(tmp_path: Path) -> None:
    drafts = [an_institution(f"示例{n}医院", f"示例路{n}号") for n in range(30)]
    database = a_register(tmp_path, a_source(), *drafts, a_person(drafts[0]))
    with database.reading() as connection:
        stored = [feed.read_page(connection, number, 1, 32).entries[0] for number in range(32)]
    for limit in (1, 7, 32, 33):
        pages = [changes_of(database)(since=since, limit=limit) for since in range(0, 32, limit)]
        assert list(numbers_of(pages)) == list(range(1, 33))
        assert [page["log_size"] for page in pages] == [32] * len(pages)
    with database.reading() as connection:
        assert feed.read_page(connection, 0, 100, 32).entries == stored
        assert feed.read_page(connection, 0, 100, 20).entries == stored[:20]
        assert feed.read_page(connection, 32, 100, 32) == feed.FeedPage(entries=[], leaves=[], next=32, log_size=32)
        with pytest.raises(Conflict) as refusal:
            feed.read_page(connection, 33, 100, 32)
    assert refusal.value.details == {"since": 33, "log_size": 32}
    database.close()


def test_a_page_of_long_entries_ends_early_and_the_next_goes_on(tmp_path: Path) -> None:
    long = [an_institution(f"示例{n}医院", f"示例路{n}号", **{"extra.说明": "x" * 60_000}) for n in range(150)]
    database = a_register(tmp_path, a_source(), *long)
    with database.reading() as connection:
        first = feed.read_page(connection, 0, 5000, 151)
        second = feed.read_page(connection, first.next, 5000, 151)
    assert feed.PAGE_BYTES <= sum(map(len, first.entries)) < feed.PAGE_BYTES + 65_536
    assert 0 < first.next < second.next == 151
    assert len(first.entries) + len(second.entries) == 151
    database.close()


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_a_missing_entry_ends_the_feed_with_an_error_never_with_a_gap(tmp_path: Path, lost: int) -> None:
    database = a_register(tmp_path, a_source(), *(an_institution(f"示例{n}医院") for n in range(3)))
    with database.writing() as connection:
        connection.exec_driver_sql("DROP TRIGGER entries_no_delete")
        connection.execute(sa.text("DELETE FROM entries WHERE number = :lost"), {"lost": lost})
    with database.reading() as connection:
        assert feed.read_page(connection, lost, 10, 4).next == 4
        for since in range(lost):
            for limit in (lost - since, 10):  # also when other entries would fill the page
                with pytest.raises(LogDamaged):
                    feed.read_page(connection, since, limit, 4)
            if since + 1 < lost:
                assert feed.read_page(connection, since, 1, 4).next == since + 1
    database.close()


# --- the snapshot ----------------------------------------------------------------------------------------------------


def test_a_state_holds_what_is_still_to_come(tmp_path: Path) -> None:
    coming = an_institution("示例将来医院", on=DAYS[3], source=None)
    ending = a_change(FIRST, DAYS[4], {"approvals.IVF": {"stage": "revoked"}})
    database = a_register(tmp_path, FIRST, coming, ending)
    told = told_by(lines_of(database, DAYS[2]))
    assert told[coming.subject][0] is None
    assert [part["valid_from"] for part in told[coming.subject][1]] == [DAYS[3].isoformat()]
    record, state = told[FIRST.subject]
    assert record["approvals"][0]["stage"] == "formal"
    assert [part["set"]["approvals.IVF"] for part in state] == [{"stage": "formal"}, {"stage": "revoked"}]
    assert json.loads(b"".join(encode_snapshot_json(a_snapshot(database, DAYS[2]))))["total"] == 1
    database.close()


def test_a_snapshot_stops_when_the_database_becomes_another_one(tmp_path: Path) -> None:
    database = a_register(tmp_path, a_source(), FIRST)
    pages = encode_snapshot_lines(a_snapshot(database, DAYS[2]))
    read = [next(pages), next(pages)]
    assert b'"source:list-1"' in read[1]
    (tmp_path / "other").mkdir()
    other = a_register(tmp_path / "other", a_source(), SECOND)
    other.close()
    database.close()
    shutil.move(tmp_path / "other" / "register.sqlite", tmp_path / "register.sqlite")
    with pytest.raises(LogDamaged):
        next(pages)
    database.close()


def test_an_empty_register_has_an_empty_snapshot_and_feed(tmp_path: Path) -> None:
    database = a_database(tmp_path)
    assert json.loads(b"".join(encode_snapshot_json(a_snapshot(database, START)))) == {
        "log_size": 0,
        "root": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "on": "2020-01-01",
        "known_at": None,
        "sources": [],
        "items": [],
        "ad_certificates": [],
        "sanctions": [],
        "supervisions": [],
        "editions": [],
        "credentials": [],
        "total": 0,
    }
    assert changes_of(database)(since=0, limit=10) == {"entries": [], "leaves": [], "next": 0, "log_size": 0}
    database.close()


def test_an_approval_between_two_pages_changes_neither_snapshot_nor_order(tmp_path: Path) -> None:
    drafts = [an_institution(f"示例{n}医院", f"示例路{n}号", on=START) for n in range(snapshot.PAGE + 20)]
    database = a_register(tmp_path, a_source("list-1", START), *drafts)
    first = lines_of(database, START)
    taken = encode_snapshot_lines(a_snapshot(database, START))
    read = []
    for number, piece in enumerate(taken):
        read.append(piece)
        changed = [a_change(draft, START, {"name": f"改名{number}医院"}) for draft in drafts[::50]]
        approve(database, propose(database, *changed, an_institution(f"示例新{number}医院", on=START)))
    assert b"".join(read).decode().splitlines() == first
    assert len(read) == 5  # head, sources, two pages of institutions, end
    database.close()
