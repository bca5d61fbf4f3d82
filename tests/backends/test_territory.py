"""Accounts with a region propose about institutions inside it, and about nothing else; on both databases."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from registry import accounts, proposals
from registry.credentials import plan
from registry.credentials.plan import CredentialPlan
from registry.domain.identifiers import format_code
from registry.domain.model import Change, Draft
from registry.errors import NotAllowed
from registry.importers.wizard import list_import
from registry.proposals import credential_proposals
from registry.storage.database import Database
from tests.factories import (
    DAY,
    a_certificate,
    a_change,
    a_list,
    a_person,
    a_source,
    an_erasure,
    an_institution,
    approve,
    code_of,
    enter,
    propose,
)

INSIDE = an_institution()  # 210303
OUTSIDE = an_institution("沈阳市示例医院", "辽宁省沈阳市和平区示例路2号", region="210102")
NOWHERE = an_institution("某示例医院", "示例路3号", region=None)
ELSEWHERE = a_person(OUTSIDE, "示例员乙")
LATER = DAY + dt.timedelta(days=30)


@pytest.fixture
def ready(database: Database) -> Database:
    """A register with institutions in two cities and a person in each; editor.a has the region 210300."""
    enter(database, a_source(), INSIDE, OUTSIDE, NOWHERE, a_person(INSIDE), ELSEWHERE)
    with database.writing() as connection:
        accounts.change_rights(connection, "editor.a", ["editor"], "210300")
    return database


def count(database: Database) -> int:
    with database.reading() as connection:
        return len(proposals.list_proposals(connection, None))


def plan_codes(database: Database, *drafts: Draft) -> CredentialPlan:
    return plan.plan_issue(database, [code_of(draft) for draft in drafts])


def test_codes_are_issued_and_withdrawn_inside_the_region_only(ready: Database) -> None:
    first = credential_proposals.propose_issue(ready, plan_codes(ready, INSIDE), by="editor.a")
    with ready.reading() as connection:
        assert proposals.get_proposal(connection, first).region == "210303"
    approve(ready, first)
    for outside in ([OUTSIDE], [INSIDE, OUTSIDE], [NOWHERE]):
        with pytest.raises(NotAllowed):
            credential_proposals.propose_issue(ready, plan_codes(ready, *outside), by="editor.a")
    approve(ready, credential_proposals.propose_issue(ready, plan_codes(ready, OUTSIDE), by="editor.b"))

    inside = plan.plan_withdrawal(ready, [code_of(INSIDE)], reason="示例：标牌遗失")
    outside = plan.plan_withdrawal(ready, numbers=[2], reason="示例：标牌遗失")
    with pytest.raises(NotAllowed):
        credential_proposals.propose_withdrawal(ready, outside, by="editor.a")
    approve(ready, credential_proposals.propose_withdrawal(ready, inside, by="editor.a"))


def a_sanction(institution: Draft | None, region: str | None = None, code: str = "7HV2JKMV") -> Draft:
    about = {"institution": institution.subject} if institution else {"organisation": "示例公司"}
    about |= {"region": region} if region else {}
    stated = {**about, "kind": "penalty", "authority": "示例局", "summary": "示例"}
    return Draft(subject=f"sanction:{code}", change=Change(kind="sanction", set=stated), valid_from=LATER)


@pytest.mark.parametrize(
    "draft",
    [
        a_change(INSIDE, LATER, {"campus": "示例院区"}),
        a_change(INSIDE, LATER, {"region": "210302"}),
        an_institution("海城市示例医院", "辽宁省鞍山市海城市示例路5号", region="210381"),
        a_person(INSIDE, "示例员丙", LATER),
        a_certificate(INSIDE),
        a_sanction(INSIDE),
        a_sanction(None, "210300"),
        a_sanction(None, "210381"),
        an_erasure(a_person(INSIDE), on=LATER),
        a_source("list-2", LATER, scope="partial"),
        a_source("list-2", LATER, scope="210303"),
    ],
    ids=lambda draft: f"{draft.change.kind}-{'-'.join(list(draft.change.set)[:1])}",
)
def test_what_is_inside_may_be_proposed(ready: Database, draft: Draft) -> None:
    assert propose(ready, draft) > 0


@pytest.mark.parametrize(
    "draft",
    [
        a_change(OUTSIDE, LATER, {"campus": "示例院区"}),
        a_change(OUTSIDE, LATER, {"region": "210303"}),  # nobody brings it in by saying so
        a_change(INSIDE, LATER, {"region": "210102"}),  # nor moves one out
        a_change(INSIDE, LATER, {"region": None}),
        a_change(NOWHERE, LATER, {"campus": "示例院区"}),
        a_change(NOWHERE, LATER, {"region": "210303"}),
        an_institution("沈阳市示例乙医院", "辽宁省沈阳市和平区示例路6号", region="210102"),
        an_institution("某示例乙医院", "示例路7号", region=None),
        a_person(OUTSIDE, "示例员丁", LATER),
        a_change(ELSEWHERE, LATER, {"role": "护士"}),
        a_change(ELSEWHERE, LATER, {"institution": INSIDE.subject}),  # nor takes a person from elsewhere
        a_change(a_person(INSIDE), LATER, {"institution": OUTSIDE.subject}),
        an_erasure(ELSEWHERE, on=LATER),
        a_certificate(OUTSIDE),
        a_sanction(OUTSIDE),
        a_sanction(None),
        a_sanction(None, "210102"),
        a_sanction(None, "210000"),
        a_sanction(OUTSIDE, "210300"),  # where an institution is, it says itself
        a_source("list-2", LATER),
        a_source("list-2", LATER, scope="210000"),
        a_source("list-2", LATER, scope="210102"),
        a_change(a_source(), LATER, {"title": "示例"}),  # a source of the whole country
        a_change(a_source(), LATER, {"scope": "210300"}),
    ],
    ids=lambda draft: f"{draft.change.kind}-{'-'.join(list(draft.change.set)[:1])}",
)
def test_what_is_outside_is_refused_whole_and_the_refusal_names_it(ready: Database, draft: Draft) -> None:
    before = count(ready)
    with pytest.raises(NotAllowed) as refused:
        propose(ready, a_change(INSIDE, LATER, {"campus": "示例院区"}), draft)
    assert refused.value.details["subject"] == draft.subject
    chinese, english = refused.value.get_text("zh-CN"), refused.value.get_text("en")
    assert "辽宁省鞍山市" in chinese
    assert "Anshan, Liaoning" in english
    name = draft.change.set.get("name") if draft.change.kind == "institution" else draft.change.set.get("title")
    called = str(name or format_code(code_of(draft)) if draft.change.kind != "source" else name or "示例名单")
    assert called in chinese
    assert called in english
    assert draft.subject not in chinese + english
    assert count(ready) == before
    assert propose(ready, draft, by="editor.b") > 0  # who has no region may


@pytest.mark.parametrize("recorded", [a_sanction(None, "210102"), a_sanction(None)])
def test_a_sanction_recorded_elsewhere_or_nowhere_is_not_reached_by_stating_another_place(
    ready: Database, recorded: Draft
) -> None:
    approve(ready, propose(ready, recorded, by="editor.b"))
    for change in ({"region": "210300"}, {"institution": INSIDE.subject}, {"summary": "示例"}):
        with pytest.raises(NotAllowed):
            propose(ready, a_change(recorded, LATER + dt.timedelta(days=1), change))


def test_a_list_is_imported_when_all_of_it_is_inside(ready: Database, tmp_path: Path) -> None:
    inside = {"name": "鞍山市示例新医院", "address": "辽宁省鞍山市铁东区示例路8号"}
    outside = {"name": "沈阳市示例新医院", "address": "辽宁省沈阳市和平区示例路9号"}
    whole = list_import.ImportRequest(path=a_list(tmp_path / "whole.csv", [inside]), as_of=LATER, scope="210300")
    assert list_import.import_list(ready, whole, by="editor.a").proposal
    mixed = list_import.ImportRequest(
        path=a_list(tmp_path / "mixed.csv", [inside, outside]), as_of=LATER, scope="partial"
    )
    before = count(ready)
    with pytest.raises(NotAllowed, match="不在账号"):
        list_import.import_list(ready, mixed, by="editor.a")
    assert count(ready) == before
    assert list_import.import_list(ready, mixed, by="editor.b").proposal


# --- who sees and decides what ---------------------------------------------------------------------------------------

DISTRICT = an_institution("海城市示例医院", "辽宁省鞍山市海城市示例路5号", region="210381")


@pytest.mark.parametrize(
    ("drafts", "region"),
    [
        ((a_change(INSIDE, LATER, {"campus": "示例院区"}),), "210303"),
        ((a_change(INSIDE, LATER, {"campus": "示例院区"}), DISTRICT), "210300"),
        ((a_change(INSIDE, LATER, {"campus": "示例院区"}), a_change(OUTSIDE, LATER, {"level": "三级"})), "210000"),
        ((a_change(INSIDE, LATER, {"region": "210102"}),), "210000"),  # from one city to another
        ((a_change(ELSEWHERE, LATER, {"role": "护士"}),), "210102"),
        ((a_change(INSIDE, LATER, {"level": "三级"}), a_change(NOWHERE, LATER, {"level": "三级"})), ""),
        ((a_change(NOWHERE, LATER, {"level": "三级"}),), ""),
        ((a_source("list-2", LATER),), ""),
        ((a_source("list-2", LATER, scope="210300"), a_change(INSIDE, LATER, {"level": "三级"})), "210300"),
        ((a_source("list-2", LATER, scope="partial"), a_change(INSIDE, LATER, {"level": "三级"})), "210303"),
        ((a_sanction(INSIDE),), "210303"),
        ((a_sanction(None),), ""),
        ((a_sanction(None, "210381"),), "210381"),
    ],
)
def test_a_proposal_has_the_region_that_holds_all_it_is_about(
    ready: Database, drafts: tuple[Draft, ...], region: str
) -> None:
    made = propose(ready, *drafts, by="editor.b")
    with ready.reading() as connection:
        assert proposals.get_proposal(connection, made).region == region


@pytest.mark.parametrize(
    ("region", "sees"), [("", True), ("210000", True), ("210300", True), ("210303", True), ("210302", False)]
)
def test_an_account_with_a_region_sees_and_decides_what_lies_inside_it(
    ready: Database, region: str, sees: bool
) -> None:
    made = propose(ready, a_change(INSIDE, LATER, {"level": "三级"}), by="editor.b")
    wide = propose(ready, a_source("list-2", LATER), by="editor.b")
    with ready.writing() as connection:
        accounts.change_rights(connection, "approver.a", ["approver"], region)
        account = accounts.get_account(connection, "approver.a")
    with ready.reading() as connection:
        seen = [one.id for one in proposals.list_proposals(connection, seen_by=account)]
        seen_hash = proposals.get_proposal(connection, made).content_hash
    assert seen == ([wide, made] if not region else [made] if sees else [])
    if sees:
        proposals.add_comment(ready, made, by="approver.a", text="已核对")
        proposals.approve(ready, made, by="approver.a", seen=seen_hash)
        return
    for deed in (
        lambda: proposals.add_comment(ready, made, by="approver.a", text="已核对"),
        lambda: proposals.send_back(ready, made, by="approver.a", text="请改"),
        lambda: proposals.reject(ready, made, by="approver.a", reason="不符"),
        lambda: proposals.approve(ready, made, by="approver.a", seen=seen_hash),
    ):
        with pytest.raises(NotAllowed):
            deed()


def test_whoever_proposed_something_still_sees_it_once_their_region_is_another(ready: Database) -> None:
    made = propose(ready, a_change(INSIDE, LATER, {"level": "三级"}))
    with ready.writing() as connection:
        accounts.change_rights(connection, "editor.a", ["editor"], "210100")
        account = accounts.get_account(connection, "editor.a")
    with ready.reading() as connection:
        assert [one.id for one in proposals.list_proposals(connection, seen_by=account)] == [made]
        assert proposals.get_for_account(connection, made, "editor.a").id == made
