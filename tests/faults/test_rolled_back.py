"""An older database under a published log: nothing is answered from it, and nothing is proposed into it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from registry import proposals
from registry.errors import LogRolledBack
from tests.backends.conftest import Postgres
from tests.broken import TO_READERS, Broken, answered
from tests.desk import Staff
from tests.factories import an_institution, hash_of, propose
from tests.running import PASSWORD, Server, eventually, slowness_of

NEWEST = {"provider": {"name": "鞍山市示例新医院"}, "techniques": ["IVF"]}
#: Seconds for which these servers answer from memory where the machine is quick.
LIMIT = 20


class Past:
    """The database as it was before the last approval, to be put in the place of the one that is."""

    def __init__(self, one: Broken, folder: Path, postgres: Postgres | None) -> None:
        self.one, self._folder, self._postgres = one, folder, postgres
        self._name = str(sa.make_url(one.url).database) if one.url else ""
        with one.database() as database:
            self.waiting = propose(database, an_institution("鞍山市示例后来医院"))
        for name, role in (("ed", "editor"), ("ap", "approver")):
            assert one.run("user", "add", name, "--role", role, given=PASSWORD).code == 0

    def begin(self) -> None:
        """Remember the database as it is now, and approve something after that. No server may run."""
        self._keep("old")
        assert self.one.approve().code == 0

    def _keep(self, name: str) -> None:
        if self._postgres:
            self._postgres.create(f"{self._name}_{name}", self._name)
            return
        source, target = sqlite3.connect(self.one.data_dir / "register.sqlite"), sqlite3.connect(self._folder / name)
        source.backup(target)
        source.close()
        target.close()

    def put(self) -> None:
        """The older one is there from now on."""
        if self._postgres:
            self._postgres.rename(self._name, f"{self._name}_newest")
            self._postgres.rename(f"{self._name}_old", self._name)
        else:
            self._keep("newest")
            self._replace("old")

    def put_back(self) -> None:
        """The newest one is there again."""
        if self._postgres:
            self._postgres.rename(self._name, f"{self._name}_old")
            self._postgres.rename(f"{self._name}_newest", self._name)
        else:
            self._replace("newest")

    def _replace(self, name: str) -> None:
        path = self.one.data_dir / "register.sqlite"
        shutil.copyfile(self._folder / name, self._folder / "moving")
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        (self._folder / "moving").replace(path)


@pytest.fixture
def limit(server: Server) -> int:
    """The same here: in that time all is asked that memory answers."""
    return LIMIT + int(100 * slowness_of(server))


@pytest.fixture
def past(broken: Callable[..., Broken], limit: int, request: pytest.FixtureRequest, tmp_path: Path) -> Past:
    """A register whose last approval the older database does not know, and a proposal that waits in both."""
    one = broken(state_limit=limit)
    return Past(one, tmp_path, request.getfixturevalue("postgres") if one.url else None)


def test_a_running_server_goes_on_from_what_it_had_verified_and_never_from_the_older_database(
    past: Past, limit: int
) -> None:
    one = past.one
    past.begin()
    server = one.serve()
    before = server.verify(**NEWEST)
    assert before["verdict"] == "licensed" and before["log"]["size"] == 22
    past.put()
    one.begins(server, "log_rolled_back")
    assert server.get("/readyz").status_code == 503
    assert eventually(lambda: server.verify(**NEWEST)["state_age"] > 0)
    later = server.verify(**NEWEST)  # from memory: the older database does not know it
    assert later["verdict"] == "licensed" and later["log"] == before["log"]
    assert later["state_age"] > 0
    assert server.verify(**NEWEST)["known_at"] == later["known_at"]  # and not the present second
    card = server.client.get(f"/q/{one.code}", headers={"accept": "text/html"})
    assert card.status_code == 200 and "数据截至" in card.text
    for path in ("/institutions", f"/institutions/{one.code}", "/stats"):
        assert answered(server.get(f"/api/v1{path}"))["code"] == "cannot_answer"
    assert eventually(lambda: server.client.post("/api/v1/verify", json=NEWEST).status_code == 503, limit + 30, 0.5)
    said = answered(server.client.post("/api/v1/verify", json=NEWEST))
    assert (said["code"], said["cause"]) == ("cannot_answer", "state_too_old")
    fresh = one.serve()  # a process that starts on it has verified nothing, and answers nothing
    assert answered(fresh.client.post("/api/v1/verify", json=NEWEST))["code"] == "cannot_answer"
    assert answered(fresh.client.get("/api/v1/institutions"))["code"] == "cannot_answer"
    assert fresh.get("/readyz").status_code == 503 and "log_rolled_back" in one.faults(fresh)
    past.put_back()
    one.ends(server, "log_rolled_back")
    assert server.verify(**NEWEST)["verdict"] == "licensed"
    assert server.api("/institutions")["total"] == 21
    assert one.run("log", "check").code == 0


def test_it_takes_no_proposals_at_any_door(past: Past, tmp_path: Path) -> None:
    one = past.one
    first = one.serve()
    person = Staff(first, "ap").sign_in()  # before the older state, so that the session is in it
    first.stop()
    past.begin()
    server = one.serve()
    person.client.base_url = httpx.URL(server.url)
    with one.database() as database:
        seen = hash_of(database, past.waiting)
    past.put()
    one.begins(server, "log_rolled_back")
    assert_refused_in_the_shell(past, tmp_path)
    assert_refused_by_the_functions_of_every_door(past, seen)
    assert_refused_at_the_desk(past, person)
    past.put_back()
    one.ends(server, "log_rolled_back")
    person.client.close()
    assert one.run("approve", past.waiting, "--by", "approver.a").code == 0
    assert one.run("log", "check").code == 0


def assert_refused_in_the_shell(past: Past, tmp_path: Path) -> None:
    one = past.one
    path = tmp_path / "list.csv"
    path.write_text(
        "province,name,address,techniques,stages\n辽宁省,鞍山市示例9医院,辽宁省鞍山市铁东区示例街9号,IVF,formal\n",
        "utf-8",
    )
    for command in (
        ("approve", past.waiting, "--by", "approver.a"),
        ("reject", past.waiting, "--by", "approver.a", "--reason", "x"),
        ("suspend", one.code, "--by", "approver.a", "--reason", "x"),
        ("import", path, "--as-of", "2025-09-01", "--scope", "partial", "--by", "editor.a"),
        ("correct", one.code, "level=三级甲等", "--from", "2025-07-01", "--reason", "x", "--by", "editor.a"),
    ):
        said = one.refused(*command)
        assert "(log_rolled_back)" in said and "registry restore" in said and TO_READERS not in said, command


def assert_refused_by_the_functions_of_every_door(past: Past, seen: str) -> None:
    one, waiting, log = past.one, past.waiting, past.one.log
    draft = an_institution("鞍山市示例另一医院")
    with one.database() as database:
        for deed in (
            lambda: proposals.propose(database, [draft], by="editor.a", title="x", log=log),
            lambda: proposals.amend(database, waiting, [draft], by="editor.a", seen=seen, log=log),
            lambda: proposals.withdraw(database, waiting, by="editor.a", log=log),
            lambda: proposals.send_back(database, waiting, by="approver.a", text="x", log=log),
            lambda: proposals.add_comment(database, waiting, by="approver.a", text="x", log=log),
            lambda: proposals.reject(database, waiting, by="approver.a", reason="x", log=log),
            lambda: proposals.approve(database, waiting, by="approver.a", seen=seen, log=log),
        ):
            with pytest.raises(LogRolledBack):
                deed()
        with database.reading() as connection:
            assert {each.state for each in proposals.list_proposals(connection, None)} == {"approved", "pending"}


def assert_refused_at_the_desk(past: Past, person: Staff) -> None:
    """With the reason, and with what was typed."""
    page = f"/staff/proposals/{past.waiting}"
    sent = person.send(f"{page}/comment", on=page, text="请核对")
    assert sent.status_code == 503 and "回退" in sent.text and "请核对" in sent.text
    assert TO_READERS not in sent.text
    sent = person.send(f"{page}/approve", on=page)
    assert sent.status_code == 503 and "回退" in sent.text


def test_every_door_gives_the_published_log_to_what_is_done_to_proposals() -> None:
    """So that none of them can forget to ask whether the database was rolled back."""
    import ast

    deeds = {"propose", "amend", "withdraw", "approve", "reject", "send_back", "add_comment", "suspend"}
    deeds |= {"end_expired_suspensions", "propose_edition", "propose_withdrawal", "propose_form", "restore_approvals"}
    modules = {"proposals", "edition_proposals", "emergency", "submission", "submit", "decide"}
    without, calls = [], 0
    for path in sorted((Path(__file__).parents[2] / "registry").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in deeds):
                continue
            if not (isinstance(node.func.value, ast.Name) and node.func.value.id in modules):
                continue
            calls += 1
            named = {keyword.arg for keyword in node.keywords}
            positions = {"end_expired_suspensions": 2, "propose_form": 5, "restore_approvals": 5}
            if "log" not in named and len(node.args) != positions.get(node.func.attr):
                without.append(f"{path.name}:{node.lineno}")
    assert calls > 15 and without == []


def test_the_shell_answers_nothing_from_the_older_database(past: Past, tmp_path: Path) -> None:
    past.begin()
    claims = tmp_path / "claims.csv"
    claims.write_text(f"name,technique\n{NEWEST['provider']['name']},IVF\n", "utf-8")
    asked = (["verify", "鞍山市示例新医院"], ["search", "鞍山市示例新医院"], ["check", str(claims)], ["log", "check"])
    assert all(past.one.run(*words).code == 0 for words in asked)
    past.put()
    for words in asked:
        ran = past.one.run(*words)
        assert (ran.code, ran.out) == (1, ""), words
        assert ran.err.strip().endswith("(log_rolled_back)"), words
    past.put_back()
    assert all(past.one.run(*words).code == 0 for words in asked)


def test_where_the_file_is_gone_and_a_log_was_published_no_empty_one_is_made(tmp_path: Path) -> None:
    with Broken(tmp_path / "var") as one:
        file = one.data_dir / "register.sqlite"
        file.rename(tmp_path / "away")
        for words in (["verify", "x"], ["search", "x"], ["log", "check"], ["init"], ["proposals"]):
            ran = one.run(*words)
            assert ran.code == 1, words
            assert "registry restore" in ran.err and "(database_unreachable)" in ran.err, words
            assert not file.exists(), words
        (tmp_path / "away").rename(file)
        assert one.run("log", "check").code == 0
