"""Editions on both databases: stated, withdrawn, read back, bound to a region; their files the same bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from msgspec.structs import replace

from registry import accounts
from registry.editions import edition, plan, store
from registry.editions.content import ListContent
from registry.errors import Conflict, NotAllowed
from registry.proposals import edition_proposals
from registry.records.asof import AsOf
from registry.storage.database import Database
from tests.factories import DAY, PASSWORD, a_source, an_institution, approve, enter
from tests.registers.test_edition_formats import an_edition, write_all


@pytest.fixture
def ready(database: Database) -> Database:
    enter(database, a_source(), an_institution(), an_institution("沈阳市示例医院", "沈阳市示例路2号", region="210102"))
    with database.writing() as connection:
        accounts.create_account(connection, "publisher.a", ["publisher"], PASSWORD)
        accounts.create_account(connection, "publisher.r", ["publisher"], PASSWORD, region="210300")
    return database


def planned(database: Database, scope: str = "national") -> plan.EditionPlan:
    return plan.make_plan(
        database, plan.EditionRequest(title="示例名单", as_of=DAY, scope=scope), "https://register.example"
    )


def test_an_edition_is_stated_frozen_and_withdrawn(ready: Database, tmp_path: Path) -> None:
    approve(ready, edition_proposals.propose_edition(ready, planned(ready), by="publisher.a"))
    enter(ready, an_institution("鞍山市示例乙医院", "辽宁省鞍山市铁西区示例路3号"))
    with ready.reading() as connection:
        found = edition.list_editions(connection)[0]
    assert found.institutions == 2

    def fill(folder: Path) -> None:
        store.write_files(folder, ready, found, None, "register.example/log")

    made = store.EditionFiles(tmp_path / "files").make_folder(found, fill, Path.is_dir)
    assert "示例乙" not in (made / "list.csv").read_text("utf-8-sig")
    approve(ready, edition_proposals.propose_withdrawal(ready, "1", "示例理由", by="publisher.a"))
    with ready.reading() as connection:
        withdrawn = edition.list_editions(connection)[0].withdrawn
    assert withdrawn is not None
    assert withdrawn.reason == "示例理由"
    assert withdrawn.at >= found.published


def test_a_publisher_with_a_region_publishes_and_withdraws_there_and_nowhere_else(ready: Database) -> None:
    for scope in ("national", "210000", "210102"):
        with pytest.raises(NotAllowed):
            edition_proposals.propose_edition(ready, planned(ready, scope), by="publisher.r")
    for scope in ("210300", "210303"):
        assert planned(ready, scope).totals.institutions == 1
        approve(ready, edition_proposals.propose_edition(ready, planned(ready, scope), by="publisher.r"))
    approve(ready, edition_proposals.propose_edition(ready, planned(ready), by="publisher.a"))
    approve(ready, edition_proposals.propose_withdrawal(ready, "1", "示例理由", by="publisher.r"))
    with pytest.raises(NotAllowed):
        edition_proposals.propose_withdrawal(ready, "3", "示例理由", by="publisher.r")


def test_of_two_editions_proposed_with_one_number_one_is_approved(ready: Database) -> None:
    first, second = (edition_proposals.propose_edition(ready, planned(ready), by="publisher.a") for _ in range(2))
    approve(ready, first)
    with pytest.raises(Conflict):
        approve(ready, second)


def test_both_databases_give_the_same_files(both: tuple[Database, Database], tmp_path: Path) -> None:
    sums = []
    for number, database in enumerate(both):
        folder = tmp_path / str(number)
        folder.mkdir()
        with ListContent(database, AsOf(valid_on=DAY, size=981), "national") as found:
            assert found.totals.institutions == 635
            write_all(folder, found, replace(an_edition(), institutions=635))
        sums.append({path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()})
    assert sums[0] == sums[1]
