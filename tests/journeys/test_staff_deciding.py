"""Proposals between two people at a real server: talked over, sent back, withdrawn, sampled; and stopping a site."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from registry.domain.identifiers import format_code, make_code
from registry.operations import upkeep
from registry.proposals import propose
from registry.settings import Settings
from registry.storage.database import Database
from registry.storage.tables import proposals
from tests.desk import Staff
from tests.factories import LIST_2025, a_list, an_institution
from tests.running import PASSWORD, Cli, Server, eventually

Start = Callable[..., Server]
Arrive = Callable[..., Staff]
HOSPITAL = "鞍山市妇儿医院"


@pytest.fixture
def running(staffed: Cli, start: Start) -> Server:
    for name in ("second", "region"):
        more = ["--region", "210100"] if name == "region" else []
        staffed.ok("user", "add", name, "--role", "approver", *more, input=PASSWORD)
    return start(staffed.data_dir)


def proposed(cli: Cli, tmp_path: Path, name: str = "沈阳市示例增补医院") -> int:
    path = a_list(tmp_path / "new.csv", [{"name": name, "address": "辽宁省沈阳市和平区示例路9号"}])
    return int(cli.ok("import", path, "--as-of", "2025-09-30", "--by", "editor", "--json").json["proposal"])


def the_hospital(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = server.api("/institutions", q=HOSPITAL)["items"][0]
    return found


def verdict(server: Server) -> str:
    name = the_hospital(server)["name"]
    return str(server.verify(provider={"name": name}, techniques=["IVF"])["verdict"])


def test_a_proposal_is_talked_over_sent_back_and_withdrawn(
    running: Server, staffed: Cli, arrive: Arrive, tmp_path: Path
) -> None:
    number = proposed(staffed, tmp_path)
    page = f"/staff/proposals/{number}"
    editor, approver = arrive(running, "editor").sign_in(), arrive(running, "approver").sign_in()
    assert approver.send(f"{page}/comment", page, text="批准文号是多少").status_code == 303
    assert "批准文号是多少" in editor.get(page)
    empty = editor.send(f"{page}/comment", page, text="  ")
    assert (empty.status_code, "请写明意见" in empty.text) == (400, True)
    said = "地址缺少门牌号" * 300
    long = approver.send(f"{page}/return", page, wanted=said)
    assert (long.status_code, said[:2000] in long.text, "最多2000字" in long.text) == (400, True, True)
    assert approver.send(f"{page}/return", page, wanted="地址缺少门牌号").status_code == 303
    assert "退回修改" in editor.get("/staff/proposals?state=returned")
    assert f'action="{page}/approve"' not in approver.get(page)
    refused = approver.client.post(f"{page}/withdraw", data={"form_token": "x"})
    assert refused.status_code == 403
    assert editor.send(f"{page}/withdraw", page).status_code == 303
    assert "已撤回" in approver.get(page)
    assert number not in [one["id"] for one in staffed.ok("proposals", "--json").json]
    again = editor.client.post(f"{page}/withdraw", data={"form_token": token_of(editor)})
    assert (again.status_code, "已撤回" in again.text) == (409, True)


def token_of(one: Staff) -> str:
    found = re.search(r'name="form_token" value="(\w+)"', one.get("/staff/account"))
    assert found
    return found[1]


def test_a_long_list_shows_all_that_really_changes_by_kind_and_can_be_leafed_through(
    running: Server, staffed: Cli, arrive: Arrive, tmp_path: Path
) -> None:
    told = LIST_2025.read_text("utf-8-sig").replace("沈阳菁华医院有限公司", "沈阳示例菁华医院有限公司")
    path = tmp_path / "list.csv"
    path.write_text(told, "utf-8")
    number = staffed.ok("import", path, "--as-of", "2025-12-31", "--by", "editor", "--json").json["proposal"]
    approver = arrive(running, "approver").sign_in()
    page = f"/staff/proposals/{number}"
    for draw in range(2):
        shown = approver.get(f"{page}?draw={draw}")
        assert "实际变化的2项" in shown  # the one that is renamed, and the document
        assert "更名（1）" in shown
        assert "另有634项与现在的记载相同" in shown
        assert shown.count("<mark>沈阳示例菁华医院有限公司</mark>") == 1
    assert "更名（1）" in approver.get(f"{page}?group=renamed")
    assert "这份提案没有这样的变更" in approver.get(f"{page}?group=moved", 404)
    leaves = int(re.findall(r"共(\d+)页", approver.get(f"{page}?leaf=1"))[0])
    assert leaves == 32
    names = [re.findall("示例菁华", approver.get(f"{page}?leaf={leaf}")) for leaf in range(1, leaves + 1)]
    assert sum(map(bool, names)) == 1
    for wrong in ("leaf=33", "leaf=x", "draw=-1"):
        assert "没有这一页" in approver.get(f"{page}?{wrong}", 400) or "须为数字" in approver.get(
            f"{page}?{wrong}", 400
        )


def test_a_site_is_stopped_at_once_and_confirmed_by_another(running: Server, arrive: Arrive) -> None:
    editor, second = arrive(running, "editor").sign_in(), arrive(running, "second").sign_in()
    code = the_hospital(running)["code"]
    assert verdict(running) == "licensed"
    at = f"/staff/suspend?code={code}"
    assert f'name="code" id="of" value="{code}"' in editor.get(f"/staff/suspend?code={HOSPITAL}")  # found by its name
    assert "勾选" in editor.send("/staff/suspend", at, why="现场检查").text
    empty = editor.send("/staff/suspend", at, technique=["IVF"], why="")
    assert (empty.status_code, 'value="IVF" checked' in empty.text) == (400, True)
    done = editor.send("/staff/suspend", at, technique=["IVF", "ICSI"], why="现场检查发现严重问题")
    assert done.status_code == 303
    page = done.headers["location"]
    assert eventually(lambda: verdict(running) == "suspended")
    public = running.get(f"/i/{code}").text
    assert "停业整改" in public
    history = running.get(f"/i/{code}/history").text
    assert "等待第二人确认" in history
    assert "现场检查发现严重问题" not in history  # nobody is accused by one person alone
    assert "紧急暂停已经生效" in editor.get(page)
    assert f'action="{page}/approve"' not in editor.get(page)
    assert "等待确认" in editor.get(at)
    confirmed = second.send(f"{page}/approve", page)
    assert (confirmed.status_code, "已批准" in confirmed.text) == (200, True)
    assert verdict(running) == "suspended"
    assert "现场检查发现严重问题" in running.get(f"/i/{code}/history").text


def read_doors(server: Server, code: str, name: str) -> dict[str, Any]:
    """What the public is told of an institution at every door, without how long the log is and when that was asked."""
    answer = server.verify(provider={"name": name}, techniques=["IVF"])
    whole = server.api(f"/institutions/{code}")
    listed = server.api("/institutions", q=name)["items"]
    in_force = server.api("/institutions", technique="IVF", region="210300", limit=100)["items"]
    snapshots = [*listed, *in_force, whole]
    for one in (answer, *snapshots):
        for moment in ("log_size", "known_at", "log", "state_age"):
            one.pop(moment, None)
    stats = {key: value for key, value in server.api("/stats").items() if key not in ("log_size", "updated")}
    page = re.sub('<time datetime="[^"]*T.*?</time>', "", server.get(f"/i/{code}").text)  # when anything was last added
    page = re.sub(r"公开日志的\d+条", "", page)
    return {"verify": answer, "institution": whole, "list": listed, "in force": in_force, "stats": stats, "page": page}


@pytest.mark.parametrize("rejected", [True, False])
def test_an_emergency_that_is_refused_leaves_every_door_as_it_was(
    running: Server, staffed: Cli, arrive: Arrive, rejected: bool
) -> None:
    editor, second = arrive(running, "editor").sign_in(), arrive(running, "second").sign_in()
    code, name = the_hospital(running)["code"], the_hospital(running)["name"]
    before = read_doors(running, code, name)
    stop = {"technique": ["IVF", "ICSI"], "why": "现场检查发现严重问题"}
    page = editor.send("/staff/suspend", f"/staff/suspend?code={code}", **stop).headers["location"]
    assert eventually(lambda: verdict(running) == "suspended")
    assert read_doors(running, code, name)["page"] != before["page"]
    if rejected:
        assert second.send(f"{page}/reject", page, reason="查无此事").status_code == 303
    else:
        let_a_day_pass(staffed)
    assert eventually(lambda: verdict(running) == "licensed", upkeep.END_SUSPENSIONS_EVERY + 5, every=0.5)
    assert eventually(lambda: read_doors(running, code, name)["stats"] == before["stats"])
    assert read_doors(running, code, name) == before
    assert "严重问题" not in running.get(f"/i/{code}/history").text
    assert all("严重问题" not in str(entry) for entry in running.api("/changes", since=0, limit=5000)["entries"])
    staffed.ok("log", "check")


def let_a_day_pass(cli: Cli) -> None:
    database = Database(Settings(data_dir=cli.data_dir).get_database_url())
    with database.writing() as connection:
        connection.execute(sa.update(proposals).where(proposals.c.confirm_by.is_not(None)).values(confirm_by=1))
    database.close()


def test_a_site_that_nobody_confirms_stopped_comes_back_by_itself_and_says_so(
    running: Server, staffed: Cli, arrive: Arrive, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = arrive(running, "editor").sign_in()
    code = the_hospital(running)["code"]
    page = editor.send("/staff/suspend", f"/staff/suspend?code={code}", technique=["IVF"], why="示例").headers[
        "location"
    ]
    assert eventually(lambda: verdict(running) == "suspended")
    let_a_day_pass(staffed)
    assert eventually(lambda: verdict(running) == "licensed", upkeep.END_SUSPENSIONS_EVERY + 5, every=0.5)
    assert "24小时内未获第二人确认" in running.get(f"/i/{code}/history").text
    assert "已否决" in editor.get(page)
    staffed.ok("log", "check")


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [("7K2M-9QX5", 400, "编码"), (format_code(make_code("nobody")), 404, "没有"), ("x", 400, "编码")],
)
def test_a_code_that_is_nobodys_is_told_from_a_mistyped_one(
    running: Server, arrive: Arrive, code: str, status: int, said: str
) -> None:
    assert said in arrive(running, "editor").sign_in().get(f"/staff/suspend?code={code}", status)


def test_a_site_elsewhere_is_not_stopped_by_an_account_of_another_region(running: Server, arrive: Arrive) -> None:
    region = arrive(running, "region").sign_in()
    code = the_hospital(running)["code"]
    offered = region.get(f"/staff/suspend?code={code}").split('id="main"')[1]
    assert 'action="/staff/suspend" method="post"' not in offered, "it is not even offered"
    token = re.search(r'name="form_token" value="(\w+)"', region.get("/staff/account"))
    assert token
    sent = {"form_token": token[1], "code": code, "technique": ["IVF"], "why": "示例"}
    refused = region.client.post("/staff/suspend", data=sent)
    assert (refused.status_code, "不在账号" in refused.text) == (403, True)
    assert verdict(running) == "licensed"


def test_a_first_page_with_very_many_proposals_shows_some_and_what_must_be_confirmed_first(
    running: Server, staffed: Cli, arrive: Arrive
) -> None:
    editor, approver = arrive(running, "editor").sign_in(), arrive(running, "approver").sign_in()
    code = the_hospital(running)["code"]
    stop = {"code": code, "technique": ["IVF"], "why": "示例"}
    stopped = editor.send("/staff/suspend", on=f"/staff/suspend?code={code}", **stop).headers["location"]
    database = Database(Settings(data_dir=staffed.data_dir).get_database_url())
    for n in range(60):
        new = an_institution(f"示例第{n}医院", f"辽宁省沈阳市和平区示例路{n}号", source=None)
        propose(database, [new], by="editor", title=f"示例提案{n}")
    database.close()
    page = approver.get("/staff")
    assert "另有11份" in page
    assert page.count("示例提案") == 49
    assert page.index(f'href="{stopped}"') < page.index("示例提案59")


def test_a_reason_that_is_too_long_is_said_and_never_cut(running: Server, arrive: Arrive) -> None:
    editor = arrive(running, "editor").sign_in()
    code = the_hospital(running)["code"]
    stop = {"code": code, "technique": ["IVF"], "why": "长" * 501}
    answer = editor.send("/staff/suspend", on=f"/staff/suspend?code={code}", **stop)
    assert answer.status_code == 400
    assert "最多500字" in answer.text
