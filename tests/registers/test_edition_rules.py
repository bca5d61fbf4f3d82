"""What an edition is to the public at an instant; which is the latest; what it is compared with; who may state it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from registry import accounts, proposals
from registry.domain import schema
from registry.domain.fields import IN_EDITIONS
from registry.domain.model import Change, Draft
from registry.domain.techniques import Stage
from registry.editions import difference, edition, manifest, plan, store
from registry.editions.content import ApprovalLine, EditionInstitution
from registry.editions.edition import Edition, Withdrawal
from registry.errors import Conflict, Gone, InvalidInput, LogDamaged, NotAllowed, NotFound
from registry.proposals import edition_proposals
from registry.receipts.jws import verify_with_keys
from registry.storage.database import Database
from tests.factories import DAY, PASSWORD, a_register, a_source, an_institution, approve, enter, propose
from tests.registers.test_edition_formats import an_edition

NOW = dt.datetime(2025, 8, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def one(number: int, **more: Any) -> Edition:
    told: dict[str, Any] = {"entry": 100 * number, "published": NOW - HOUR, **more}
    return replace(an_edition(), id=str(number), number=number, **told)


def gone(at: dt.datetime, entry: int = 10_000) -> Withdrawal:
    return Withdrawal(at=at, reason="示例", entry=entry)


# --- at an instant ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "state"),
    [
        ({}, "published"),
        ({"published": NOW}, "published"),
        ({"published": NOW + HOUR}, "scheduled"),
        ({"withdrawn": gone(NOW)}, "withdrawn"),
        ({"published": NOW + HOUR, "withdrawn": gone(NOW)}, "cancelled"),
    ],
)
def test_an_edition_is_what_the_clock_and_its_withdrawal_make_it(more: dict[str, Any], state: str) -> None:
    it = one(1, **more)
    assert it.get_state(NOW) == state
    assert it.is_public(NOW) == (state in ("published", "withdrawn"))


def test_the_latest_is_the_last_that_stands_of_the_widest_scope() -> None:
    country, city = one(1), one(2, scope="210300")
    assert edition.get_latest([city, country], NOW) is country
    assert edition.get_latest([city], NOW) is city
    assert edition.get_public([city, country], "latest-210300", NOW) is city
    newer = one(3, published=NOW + HOUR)
    assert edition.get_latest([newer, city, country], NOW) is country
    assert edition.get_latest([newer, city, country], NOW + HOUR) is newer
    with pytest.raises(NotFound):
        edition.get_latest([one(1, withdrawn=gone(NOW))], NOW)
    for said in ("2x", "latest-", "latest-220000", "3", "01"):
        with pytest.raises(NotFound):
            edition.get_public([newer, city, country], said, NOW)


def test_files_of_a_withdrawn_edition_are_gone_with_the_reason() -> None:
    edition.check_not_withdrawn(one(1))
    with pytest.raises(Gone, match="示例"):
        edition.check_not_withdrawn(one(1, withdrawn=gone(NOW)))


def test_what_an_edition_is_compared_with_never_depends_on_when_somebody_asks() -> None:
    first, second, third = one(1), one(2), one(3)
    assert edition.find_predecessor(third, [third, second, first]) is second
    assert edition.find_predecessor(first, [third, second, first]) is None
    later = replace(second, withdrawn=gone(NOW, entry=301))  # withdrawn after the third was recorded
    assert edition.find_predecessor(third, [third, later, first]) is later
    earlier = replace(second, withdrawn=gone(NOW, entry=250))
    assert edition.find_predecessor(third, [third, earlier, first]) is first
    hidden = replace(second, published=NOW + HOUR)  # still to come when the third is public
    assert edition.find_predecessor(third, [third, hidden, first]) is first
    assert edition.find_predecessor(third, [third, replace(second, scope="210000"), first]) is first


# --- differences -----------------------------------------------------------------------------------------------------


def make_listed_institution(
    code: str, name: str = "示例医院", address: str = "示例路1号", **stages: Stage
) -> EditionInstitution:
    lines = tuple(ApprovalLine(t, s) for t, s in (stages or {"IVF": "formal"}).items())  # type: ignore[arg-type]
    return EditionInstitution(code, name, address, "示例省", "", *(None for _ in IN_EDITIONS), lines)  # type: ignore[call-arg]


def test_a_difference_names_each_change_once_by_code() -> None:
    before = [
        make_listed_institution("A"),
        make_listed_institution("B", "旧名"),
        make_listed_institution("C"),
        make_listed_institution("D", IVF="trial", AID="formal"),
        make_listed_institution("E"),
    ]
    now = [
        make_listed_institution("B", "新名"),
        make_listed_institution("C", address="示例路2号"),
        make_listed_institution("D", IVF="formal", PGT="trial"),
        make_listed_institution("E"),
        make_listed_institution("F"),
    ]
    found = difference.compare_lists("1", before, now)
    assert (found.since, found.before, found.institutions, found.changes) == ("1", 5, 5, 7)
    assert [one.code for one in found.new] == ["F"]
    assert [one.code for one in found.gone] == ["A"]
    assert [(one.code, one.before, one.after) for one in found.renamed] == [("B", "旧名", "新名")]
    assert [(one.code, one.before, one.after) for one in found.moved] == [("C", "示例路1号", "示例路2号")]
    assert [(one.code, one.techniques) for one in found.gained] == [("D", ["PGT"])]
    assert [(one.code, one.techniques) for one in found.lost] == [("D", ["AID"])]
    assert [(one.code, one.technique, one.before, one.after) for one in found.stage] == [
        ("D", "IVF", "trial", "formal")
    ]
    assert difference.compare_lists("1", now, now).changes == 0
    assert difference.make_first_difference(now).changes == 0


# --- who may state what ----------------------------------------------------------------------------------------------


@pytest.fixture
def database(tmp_path: Path) -> Any:
    made = a_register(tmp_path, a_source(), an_institution(), an_institution("示例乙医院", IVF="trial"))
    with made.writing() as connection:
        accounts.create_account(connection, "publisher.a", ["publisher"], PASSWORD)
        accounts.create_account(connection, "all.a", ["publisher", "editor", "approver"], PASSWORD)
    yield made
    made.close()


def planned(database: Database, **more: Any) -> plan.EditionPlan:
    return plan.make_plan(
        database, plan.EditionRequest(title="示例名单", **{"as_of": DAY, **more}), "https://register.example/"
    )


def test_a_published_edition_is_read_back_from_the_log(database: Database) -> None:
    it = planned(database)
    approve(database, edition_proposals.propose_edition(database, it, by="publisher.a"))
    with database.reading() as connection:
        found = edition.list_editions(connection)[0]
        assert edition.list_editions(connection, it.log.size) == []  # as known before it was stated
    assert (found.id, found.institutions, found.techniques) == ("1", 2, {"IVF": 2})
    assert (found.log, found.page) == (it.log, "https://register.example/editions/1")
    assert found.entry == it.log.size + 1
    assert planned(database).number == 2


def test_no_kind_of_proposal_lets_somebody_state_what_another_role_does(database: Database) -> None:
    draft = planned(database).draft
    other = an_institution("示例丙医院")
    for by, kind, drafts in (
        ("editor.a", "edit", [draft]),
        ("editor.a", "edition", [draft]),
        ("publisher.a", "edition", [other]),
        ("publisher.a", "edit", [other]),
        ("publisher.a", "import", [draft, other]),
    ):
        with pytest.raises(NotAllowed):
            proposals.propose(database, drafts, by=by, title="示例", kind=kind)
    made = proposals.propose(database, [draft, other], by="all.a", title="示例", kind="edition")
    with pytest.raises(Exception, match="另一人"):
        approve(database, made, by="all.a")


@pytest.mark.parametrize(
    ("subject", "values"),
    [
        ("edition:01", {"title": "示例名单"}),
        ("edition:x", {"title": "示例名单"}),
        ("edition:", {"title": "示例名单"}),
        ("edition:2", {"number": 3}),
        ("edition:2", {"scope": "partial"}),
        ("edition:2", {"scope": "999999"}),
        ("edition:2", {"root": "zz"}),
        ("edition:2", {"title": "一行\n两行"}),
        ("edition:2", {"release": "2025-07-01T00:00:00"}),
        ("edition:2", {"techniques": {"冻卵": 1}}),
        ("edition:2", {"colour": "red"}),
    ],
)
def test_an_edition_may_say_only_what_editions_say(subject: str, values: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        schema.check_draft(Draft(subject=subject, change=Change(kind="edition", set=values), valid_from=DAY))


def test_an_edition_withdrawn_once_is_not_withdrawn_again(database: Database) -> None:
    approve(database, edition_proposals.propose_edition(database, planned(database), by="publisher.a"))
    with pytest.raises(InvalidInput, match="理由"):
        edition_proposals.propose_withdrawal(database, "1", " ", by="publisher.a")
    with pytest.raises(NotFound):
        edition_proposals.propose_withdrawal(database, "2", "示例理由", by="publisher.a")
    first, second = (
        edition_proposals.propose_withdrawal(database, "1", "示例理由", by="publisher.a") for _ in range(2)
    )
    approve(database, first)
    with pytest.raises(Conflict):
        approve(database, second)
    with pytest.raises(Conflict):
        edition_proposals.propose_withdrawal(database, "1", "示例理由", by="publisher.a")
    with database.reading() as connection:
        withdrawn = edition.list_editions(connection)[0].withdrawn
    assert withdrawn is not None
    assert withdrawn.reason == "示例理由"


def test_a_preview_warns_of_what_the_public_should_not_be_surprised_by(database: Database) -> None:
    enter(
        database,
        an_institution("示例停业医院", IVF="suspended"),
        an_institution("示例整改医院", IVF="rectification"),
        an_institution("示例逾期医院", **{"approvals.IVF": {"stage": "formal", "verification_due": "2024-01-01"}}),
        an_institution("示例无址医院", "示例路", region=None),
    )
    found = {one.kind: one.names for one in planned(database).warnings}
    assert found == {
        "suspended": ["示例停业医院"],
        "rectification": ["示例整改医院"],
        "overdue": ["示例逾期医院"],
        "placeless": ["示例无址医院"],
    }


def test_files_are_not_made_of_another_log_or_another_figure(database: Database, tmp_path: Path) -> None:
    approve(database, edition_proposals.propose_edition(database, planned(database), by="publisher.a"))
    with database.reading() as connection:
        found = edition.list_editions(connection)[0]
    files = store.EditionFiles(tmp_path / "editions")

    def made(one: Edition) -> Path:
        def fill(folder: Path) -> None:
            store.write_files(folder, database, one, None, "register.example/log")

        return files.make_folder(one, fill, Path.is_dir)

    for wrong in (
        replace(found, institutions=3),
        replace(found, techniques={"IVF": 1}),
        replace(found, log=replace(found.log, root="0" * 64)),
        replace(found, log=replace(found.log, size=10**6)),
    ):
        with pytest.raises(LogDamaged):
            made(wrong)
        assert not [path for path in files.folder.iterdir() if path.is_dir()]  # nothing half made is left
    place = made(found)
    assert sorted(path.name for path in place.iterdir()) == sorted(manifest.MADE)


def test_a_large_difference_is_kept_short_for_the_approver_with_its_counts(database: Database) -> None:
    approve(database, edition_proposals.propose_edition(database, planned(database), by="publisher.a"))
    enter(database, *(an_institution(f"示例第{n}医院", f"辽宁省鞍山市铁西区示例路{n}号") for n in range(60)))
    report = planned(database).report
    assert report["counts"]["new"] == 60
    assert len(report["difference"]["new"]) == plan.SHOWN


@pytest.mark.parametrize("token", ["", "a.b", "e30.e30.e30", "eyJ0eXAiOiJhcnQtZWRpdGlvbitqd3MifQ.e30.AA", "é"])
def test_what_is_no_signature_of_an_edition_is_refused_in_words(token: str) -> None:
    with pytest.raises(InvalidInput):
        verify_with_keys(manifest.TYPE, token, [])


def test_a_plain_proposal_still_needs_an_editor(database: Database) -> None:
    with pytest.raises(NotAllowed):
        propose(database, an_institution("示例丁医院"), by="publisher.a")
