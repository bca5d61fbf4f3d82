"""Details of approvals in a list beside those recorded, and the codes by which institutions are matched."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from registry.domain.model import Draft
from registry.importers.wizard.list_import import ImportOutcome, ImportRequest, import_list
from registry.records import lookup
from registry.records.asof import make_as_of
from registry.storage.database import Database
from tests.factories import a_change, a_database, a_source, an_institution, approve, enter
from tests.unit.test_lists import a_csv

HOSPITAL = ("鞍山市示例医院", "辽宁省鞍山市铁西区示例路1号")
FIRST, NEXT = dt.date(2024, 6, 30), dt.date(2026, 6, 30)
HEADINGS = ["机构名称", "地址", "技术", "运行情况"]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = a_database(tmp_path)
    yield database
    database.close()


def bring(
    database: Database,
    tmp_path: Path,
    *,
    on: dt.date = NEXT,
    name: str = HOSPITAL[0],
    address: str = HOSPITAL[1],
    **more: str,
) -> ImportOutcome:
    """Import a list of one row with further columns, and have it approved."""
    path = a_csv(tmp_path / f"{on}.csv", [[*HEADINGS, *more], [name, address, "IVF", "formal", *more.values()]])
    request = ImportRequest(path=path, as_of=on, scope="partial", title=f"示例名单{on}")
    outcome = import_list(database, request, by="editor.a")
    approve(database, outcome.proposal or 0)
    return outcome


def read_approval(database: Database, on: dt.date) -> Any:
    with database.reading() as connection:
        subject = an_institution(*HOSPITAL).subject
        return lookup.read_values(connection, subject, make_as_of(connection, on))["approvals.IVF"]


def enter_hospital(database: Database, **approval: str) -> Draft:
    hospital = an_institution(*HOSPITAL, on=FIRST, **{"approvals.IVF": {"stage": "formal", **approval}})
    enter(database, a_source(as_of=FIRST), hospital)
    return hospital


def test_a_later_list_renews_the_verification_that_an_earlier_list_stated(database: Database, tmp_path: Path) -> None:
    enter_hospital(database, verification_due="2026-03-31", document_no="甲号")
    outcome = bring(database, tmp_path, 校验有效期至="2028-03-31")
    assert outcome.difference["conflicts"] == []
    assert read_approval(database, NEXT) == {
        "stage": "formal",
        "verification_due": "2028-03-31",
        "document_no": "甲号",
    }


def test_a_list_that_prints_no_new_day_does_not_revive_what_ran_out(database: Database, tmp_path: Path) -> None:
    enter_hospital(database, verification_due="2026-03-31")
    assert len(bring(database, tmp_path, 批准文号="乙号").difference["conflicts"]) == 1


def test_a_list_never_outranks_a_day_that_was_decided(database: Database, tmp_path: Path) -> None:
    hospital = enter_hospital(database)
    document = a_source("doc-1", dt.date(2026, 3, 1), "partial", title="示例校验决定", covers=["IVF"])
    decided = {"stage": "formal", "verification_due": "2026-12-31"}
    enter(database, document, a_change(hospital, dt.date(2026, 3, 1), {"approvals.IVF": decided}, "doc-1"))
    conflict = bring(database, tmp_path, 校验有效期至="2029-12-31").difference["conflicts"][0]
    assert (conflict["field"], conflict["choice"]) == ("approvals.IVF", "decision")
    assert conflict["listed"] == {"stage": "formal", "verification_due": "2029-12-31"}
    assert read_approval(database, NEXT) == decided


def test_one_with_the_code_of_this_register_is_the_same_whatever_its_name_and_address(
    database: Database, tmp_path: Path
) -> None:
    code = enter_hospital(database).subject.partition(":")[2]
    difference = bring(
        database, tmp_path, name="大连市别名医院", address="辽宁省大连市中山区示例街9号", 名录编码=code
    ).difference
    assert (difference["new"], difference["renamed"][0]["why"]) == ([], "same_code")


def test_one_with_the_number_of_the_licence_is_the_same(database: Database, tmp_path: Path) -> None:
    enter(database, a_source(as_of=FIRST), an_institution(*HOSPITAL, on=FIRST, practice_licence_no="MB0000027210303"))
    difference = bring(
        database,
        tmp_path,
        name="大连市别名医院",
        address="辽宁省大连市中山区示例街9号",
        执业许可证登记号="MB0000027-210303",
    ).difference
    assert (difference["new"], difference["moved"][0]["why"]) == ([], "same_code")


def test_one_of_the_same_legal_person_at_another_site_under_another_name_is_a_doubt(
    database: Database, tmp_path: Path
) -> None:
    enter(database, a_source(as_of=FIRST), an_institution(*HOSPITAL, on=FIRST, uscc="12210300MB0000027N"))
    other = {"name": "鞍山市另一医院", "address": "辽宁省鞍山市铁东区另一街9号"}
    difference = bring(database, tmp_path, **other, 统一社会信用代码="12210300MB0000027N").difference
    assert (len(difference["new"]), [line["to"] for line in difference["undecided"]]) == (1, ["鞍山市另一医院"])
    renamed = {"name": "鞍山市改名医院", "address": HOSPITAL[1]}
    difference = bring(
        database, tmp_path, **renamed, 统一社会信用代码="12210300MB0000027N", on=dt.date(2026, 7, 1)
    ).difference
    assert difference["new"] == []
