"""One institution in every standing, asked at every door of a running register: API, pages, shell, programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from registry.domain.identifiers import format_code
from tests.factories import DAY, a_change, a_database, a_source, an_institution, code_of, enter
from tests.running import Cli, Server, serving


def at(number: int) -> str:
    return f"辽宁省鞍山市铁西区示例路{number}号"


LAPSED = an_institution(
    "示例逾期医院", at(1), **{"approvals.IVF": {"stage": "formal", "verification_due": "2025-08-31"}}
)
PARTLY = an_institution("示例部分医院", at(2), IVF="formal", AIH="suspended", PGT="revoked")
REVOKED = an_institution("示例撤销医院", at(3), IVF="revoked")
SUSPENDED = an_institution("示例停业医院", at(4), IVF="formal", status="suspended")
WHOLE = an_institution("示例正式医院", at(5), IVF="formal")
PREPARING = an_institution("示例筹建医院", at(6), IVF="preparing")
GONE = an_institution("示例退出医院", at(7), IVF="formal")
ALL = [LAPSED, PARTLY, REVOKED, SUSPENDED, WHOLE, PREPARING, GONE]
#: Name -> (standing, verdict without a technique, word on pages, whether IVF is in force).
TOLD = {
    "示例逾期医院": ("lapsed", "lapsed", "已失效", False),
    "示例部分医院": ("partly_approved", "partly_licensed", "部分获批", True),
    "示例撤销医院": ("revoked", "revoked", "已撤销", False),
    "示例停业医院": ("suspended", "suspended", "已暂停", False),
    "示例正式医院": ("approved", "licensed", "已获批准", True),
    "示例筹建医院": ("preparing", "preparing", "筹建中", False),
    "示例退出医院": ("delisted", "not_found", "现不在名录中", False),
}
CODES = {draft.change.set["name"]: format_code(code_of(draft)) for draft in ALL}
IN_FORCE = {name for name, (*_, is_in_force) in TOLD.items() if is_in_force}


@pytest.fixture(scope="module")
def register(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data_dir = tmp_path_factory.mktemp("doors") / "var"
    data_dir.mkdir()
    database = a_database(data_dir)
    gone = a_change(GONE, DAY, {"status": "delisted"}, "list-2", reason="名单不再列入")
    enter(database, a_source(), *ALL)
    enter(database, a_source("list-2", DAY), gone)
    database.close()
    return data_dir


@pytest.fixture(scope="module")
def doors(register: Path) -> Iterator[Server]:
    with serving(register) as running:
        yield running


@pytest.mark.parametrize("name", TOLD)
def test_the_api_tells_one_standing(doors: Server, name: str) -> None:
    standing, verdict, _, is_in_force = TOLD[name]
    code = CODES[name]
    it = doors.api(f"/institutions/{code}")
    (found,) = [item for item in doors.api("/institutions", q=name)["items"] if item["code"] == code]
    (ivf,) = [approval for approval in it["approvals"] if approval["technique"] == "IVF"]
    assert it["standing"] == found["standing"] == standing
    assert (ivf["standing"] == "in_force") is is_in_force
    assert doors.verify(provider={"name": name})["verdict"] == verdict
    assert doors.verify(provider={"code": code})["verdict"] == verdict
    assert (doors.verify(provider={"name": name}, techniques=["IVF"])["verdict"] == "licensed") is is_in_force
    assert doors.api("/verify", name=name)["verdict"] == verdict
    listed = doors.api("/institutions", standing=standing)["items"]
    assert name in [item["name"] for item in listed]
    assert {item["standing"] for item in listed} == {standing}


def test_lists_counts_and_filters_hold_what_is_in_force(doors: Server) -> None:
    for query in ({}, {"technique": "IVF"}, {"stage": "formal"}, {"region": "210300"}):
        assert {item["name"] for item in doors.api("/institutions", **query)["items"]} == IN_FORCE, query
    counted = doors.api("/stats")
    assert counted["total"] == len(IN_FORCE)
    assert {row["technique"]: row["count"] for row in counted["by_technique"]}["IVF"] == len(IN_FORCE)
    assert {row["technique"]: row["count"] for row in counted["by_technique"]}["AIH"] == 0
    assert sum(row["count"] for row in counted["by_region"]) == len(IN_FORCE)
    lines = doors.client.get("/api/v1/snapshot", headers={"accept": "application/x-ndjson"}).text.splitlines()
    records = [record for line in lines if (record := json.loads(line).get("record")) and "approvals" in record]
    assert {record["name"]: record["standing"] for record in records} == {n: told[0] for n, told in TOLD.items()}


def test_a_batch_says_what_single_questions_say(doors: Server) -> None:
    body = "名称\n" + "".join(f"{name}\n" for name in TOLD)
    answer = doors.client.post("/api/v1/verify/batch", content=body.encode(), headers={"content-type": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [row["verdict"] for row in rows] == [verdict for _, verdict, *_ in TOLD.values()]


@pytest.mark.parametrize("name", TOLD)
def test_pages_and_scanned_codes_say_it_in_one_word(doors: Server, name: str) -> None:
    _, _, word, _ = TOLD[name]
    code = CODES[name]
    for path in (f"/i/{code}", f"/q/{code}"):
        page = doors.get(path)
        assert page.status_code == 200
        assert word in page.text.split('<h2 class="verdict-word">')[1][:80], path
    card = doors.get("/search", q=name).text.split(f"/i/{code}")[1].split("</li>\n")[0]
    assert (word in card) is (word != "已获批准")
    assert ("已获批准" in doors.get(f"/i/{code}").text) is (word == "已获批准")


@pytest.mark.parametrize("name", TOLD)
def test_programs_that_reconcile_are_told_the_same(doors: Server, name: str) -> None:
    ids = {"ids": [CODES[name]], "properties": [{"id": "techniques"}, {"id": "approvals"}]}
    row: dict[str, Any] = doors.client.post("/reconcile", data={"extend": json.dumps(ids)}).json()["rows"][CODES[name]]
    assert ("IVF" in [cell.get("str") for cell in row["techniques"]]) is TOLD[name][3]
    assert (any(cell.get("str") == "IVF:formal" for cell in row["approvals"])) is TOLD[name][3]


@pytest.mark.parametrize("name", TOLD)
def test_the_shell_says_the_same(register: Path, doors: Server, name: str) -> None:
    standing, verdict, *_ = TOLD[name]
    cli = Cli(register, inside=True)
    assert cli.ok("verify", name, "--json").json["verdict"] == verdict
    (found,) = [hit for hit in cli.ok("search", name, "--json").json["items"] if hit["institution"]["name"] == name]
    assert found["institution"]["standing"] == standing
