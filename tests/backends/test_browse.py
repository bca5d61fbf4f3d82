"""Lists of records are filtered, sorted and counted alike by both databases."""

from __future__ import annotations

import datetime as dt

import pytest

from registry.accounts import audit_log, find_account
from registry.domain.identifiers import make_code
from registry.domain.model import Change, Draft
from registry.proposals import proposal_filter
from registry.proposals.proposal_filter import ProposalFilter
from registry.records import asof, browse
from registry.records.asof import AsOf
from registry.records.browse import CURRENT, FUTURE, OVER, RecordFilter, Sort
from registry.storage.database import Database
from tests.factories import DAY, a_certificate, a_change, a_person, a_source, an_institution, enter, propose

LATER = DAY + dt.timedelta(days=30)
ONE = an_institution()
TWO = an_institution("沈阳市示例乙医院", "辽宁省沈阳市和平区示例路2号", region="210102", PGT="suspended")
COMING = an_institution("沈阳市示例丙医院", "辽宁省沈阳市和平区示例路3号", on=LATER, region="210102", PGT="trial")
GONE = an_institution("大连市示例丁医院", "辽宁省大连市中山区示例路4号", region="210202")
PERSON = a_person(ONE, "示例员戊", valid_to=(DAY + dt.timedelta(days=5)).isoformat())
OTHER = a_person(TWO, "示例员己", on=LATER, techniques=["AID"])
PAPER = a_certificate(TWO)
SANCTION = Draft(
    subject=f"sanction:{make_code('示例')}",
    change=Change(kind="sanction", set={"organisation": '示例"公司\\', "document_no": "示卫罚〔2025〕1号"}),
    valid_from=DAY,
)
TODAY = DAY + dt.timedelta(days=10)


@pytest.fixture
def busy_register(database: Database) -> Database:
    enter(database, a_source(), ONE, TWO, COMING, GONE)
    enter(database, PERSON, OTHER, PAPER, SANCTION)
    enter(database, a_change(GONE, DAY, {"status": "delisted"}, reason="示例"))
    return database


def find(database: Database, sort: Sort | None = "code", descending: bool = False, **wanted: object) -> list[str]:
    """The subjects of a filter, as of a day on which some do not hold yet; as many as are counted."""
    with database.reading() as connection:
        now = AsOf(valid_on=TODAY, size=asof.make_as_of(connection).size)
        one = RecordFilter(**wanted)  # type: ignore[arg-type]
        listed = browse.list_records(connection, one, now, sort=sort, descending=descending)
        assert browse.count_records(connection, one, now) == len(listed)
        return [record.subject for record in listed]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"kind": "institution"}, (ONE, TWO, COMING, GONE)),
        ({"kind": "institution", "region": "210100"}, (TWO, COMING)),
        ({"kind": "institution", "state": FUTURE}, (COMING,)),
        ({"kind": "institution", "state": "delisted"}, (GONE,)),
        ({"kind": "institution", "state": "approved"}, (ONE,)),
        ({"kind": "institution", "technique": "PGT"}, (TWO, COMING)),
        ({"kind": "institution", "technique": "PGT", "state": "suspended"}, (TWO,)),
        ({"kind": "institution", "subjects": (ONE.subject, GONE.subject)}, (ONE, GONE)),
        ({"kind": "institution", "first": 9}, (GONE,)),
        ({"kind": "institution", "last": 3, "region": "210000"}, (ONE, TWO)),
        ({"kind": "institution", "account": "approver.a"}, (ONE, TWO, COMING, GONE)),
        ({"kind": "institution", "account": "editor.b"}, ()),
        ({"kind": "practitioner"}, (PERSON, OTHER)),
        ({"kind": "practitioner", "state": OVER}, (PERSON,)),
        ({"kind": "practitioner", "state": FUTURE}, (OTHER,)),
        ({"kind": "practitioner", "technique": "AID"}, (OTHER,)),
        ({"kind": "practitioner", "region": "210300"}, (PERSON,)),
        ({"kind": "practitioner", "text": "示例员己"}, (OTHER,)),
        ({"kind": "ad_certificate", "state": CURRENT}, (PAPER,)),
        ({"kind": "sanction", "text": "示卫罚[2025]1号"}, (SANCTION,)),
        ({"kind": "sanction", "text": '示例"公司\\'}, (SANCTION,)),
        ({"kind": "sanction", "region": "210000"}, ()),
    ],
    ids=str,
)
def test_records_are_found_by_every_filter(
    busy_register: Database, wanted: dict[str, object], expected: tuple[Draft, ...]
) -> None:
    assert find(busy_register, **wanted) == sorted(draft.subject for draft in expected)


def test_records_are_sorted_by_every_column_both_ways(busy_register: Database) -> None:
    for sort in ("region", "recorded", "code"):
        up = find(busy_register, sort, kind="institution")
        assert sorted(up) == sorted(find(busy_register, sort, descending=True, kind="institution"))
    assert find(busy_register, "recorded", descending=True, kind="institution")[0] == GONE.subject
    assert find(busy_register, "end", kind="practitioner") == [PERSON.subject, OTHER.subject]
    assert find(busy_register, "end", descending=True, kind="practitioner") == [OTHER.subject, PERSON.subject]
    assert find(busy_register, None, kind="institution", subjects=(TWO.subject, ONE.subject)) == [
        TWO.subject,
        ONE.subject,
    ]


def test_a_page_is_a_part_of_the_whole(busy_register: Database) -> None:
    with busy_register.reading() as connection:
        now, wanted = AsOf(valid_on=TODAY, size=asof.make_as_of(connection).size), RecordFilter(kind="institution")
        whole = browse.list_records(connection, wanted, now, sort="region")
        parts = [browse.list_records(connection, wanted, now, sort="region", offset=n, limit=1) for n in range(4)]
        assert [record for part in parts for record in part] == whole
        assert browse.list_coming_days(connection, [ONE.subject], now) == {}
        assert browse.list_beginnings(connection, [ONE.subject, COMING.subject], now) == {
            COMING.subject: LATER.isoformat()
        }
        assert browse.find_subjects(connection, PAPER.subject.partition(":")[2]) == [PAPER.subject]


def test_proposals_and_events_are_found_by_every_filter(busy_register: Database) -> None:
    number = propose(busy_register, a_change(ONE, TODAY, {"level": "三级甲等"}))
    with busy_register.reading() as connection:
        account = find_account(connection, "editor.a")
        assert account is not None

        def count(**wanted: object) -> int:
            found = ProposalFilter(**wanted)  # type: ignore[arg-type]
            listed = proposal_filter.list_filtered_proposals(connection, found, account)
            assert len(listed) == proposal_filter.count_filtered_proposals(connection, found, account)
            return len(listed)

        assert (count(state="pending"), count(state="approved"), count()) == (1, 3, 4)
        assert (count(text=str(number)), count(text="示例提案"), count(text="%")) == (1, 4, 0)
        assert (count(account="approver.a"), count(kind="emergency"), count(region="210300")) == (3, 0, 1)
        assert (count(since=0), count(until=0)) == (4, 0)
        about = audit_log.AuditFilter(text=f"proposal:{number}")
        assert audit_log.count_events(connection, about) == len(audit_log.list_events(connection, about)) == 1
