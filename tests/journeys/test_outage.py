"""When the register cannot look, it says so; a change is everywhere within a second; a start says one line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.running import Cli, Server, eventually, find_delay

#: Seconds for which these servers answer from the last verified state, and in which they surely stop answering.
LIMIT, STALE = 10, 40.0
CLAIM = {"provider": {"name": "沈阳市妇婴医院"}, "techniques": ["IVF"]}
NEVER_WHEN_UNABLE = ("not_licensed", "not_found", "未找到", "没有这家机构", "未获准开展")


def cannot_answer(server: Server, method: str, path: str, **sent: Any) -> bool:
    """Whether a request now gets 503 `cannot_answer`; whatever else it gets must be the true answer."""
    answer = server.client.request(method, path, **sent)
    if answer.status_code == 200 and path.endswith("/verify"):
        assert answer.json()["verdict"] == "licensed"
        return False
    if answer.status_code == 200:
        return False
    assert answer.status_code == 503, f"{path} -> {answer.status_code}: {answer.text[:300]}"
    assert answer.json()["code"] == "cannot_answer"
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert int(answer.headers["retry-after"]) > 0
    assert not any(words in answer.text for words in NEVER_WHEN_UNABLE)
    return True


def moved_away(data_dir: Path) -> Callable[[], None]:
    """Take the database away; what puts it back."""
    files = sorted(data_dir.glob("register.sqlite*"))
    for file in files:
        file.rename(file.with_name(f"away-{file.name}"))

    def back() -> None:
        for made_meanwhile in data_dir.glob("register.sqlite*"):
            made_meanwhile.unlink()
        for file in files:
            file.with_name(f"away-{file.name}").rename(file)

    return back


def schema_dropped(data_dir: Path) -> Callable[[], None]:
    """Rename the tables the server reads; what renames them back."""
    url = f"sqlite:///{data_dir / 'register.sqlite'}"

    def renamed(*pairs: tuple[str, str]) -> None:
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            for old, new in pairs:
                connection.execute(sa.text(f"ALTER TABLE {old} RENAME TO {new}"))
        engine.dispose()

    renamed(("entries", "entries_away"), ("versions", "versions_away"))
    return lambda: renamed(("entries_away", "entries"), ("versions_away", "versions"))


def test_a_lost_database_is_never_a_verdict_and_recovery_needs_no_restart(
    seed_dir: Path, start: Callable[..., Server], tmp_path: Path
) -> None:
    servers: list[tuple[Server, Callable[[], None]]] = []
    for name, broken in (("moved", moved_away), ("dropped", schema_dropped)):  # together: they share the long wait
        shutil.copytree(seed_dir, tmp_path / name)
        server = start(tmp_path / name, REGISTRY_STATE_LIMIT=str(LIMIT))
        assert server.verify(**CLAIM)["verdict"] == "licensed"
        assert server.get("/readyz").status_code == 200
        servers.append((server, broken(server.data_dir)))
    for server, back in servers:
        assert_it_cannot_answer(server)
        back()
        assert eventually(lambda server=server: server.get("/readyz").status_code == 200, every=0.2)
        assert server.verify(**CLAIM)["verdict"] == "licensed"
        assert server.api("/institutions")["total"] == 635
        assert server.client.get("/", headers={"accept": "text/html"}).status_code == 200


def assert_it_cannot_answer(server: Server) -> None:
    assert eventually(lambda: server.get("/readyz").status_code == 503, STALE, every=0.5)
    for path in ("/institutions", "/institutions?q=盛京", "/institutions/7HV2-JKMV", "/stats"):
        assert eventually(lambda path=path: cannot_answer(server, "GET", f"/api/v1{path}"), STALE, every=0.5), path
    assert eventually(lambda: cannot_answer(server, "POST", "/api/v1/verify", json=CLAIM), STALE, every=0.5)
    assert cannot_answer(server, "GET", "/api/v1/verify", params={"name": "没有这家医院"})
    assert cannot_answer(server, "GET", "/api/v1/stats", headers={"if-none-match": "*"})
    for row in (
        "沈阳市妇婴医院",
        "没有这家医院",
    ):  # an empty result would read like "nobody has this name"
        assert cannot_answer(server, "POST", "/reconcile", data={"queries": json.dumps({"q0": {"query": row}})})
    columns = json.dumps({"ids": ["7HV2-JKMV"], "properties": [{"id": "techniques"}]})
    assert cannot_answer(server, "POST", "/reconcile", data={"extend": columns})
    assert cannot_answer(server, "GET", "/reconcile/suggest/entity?prefix=盛京")
    card = server.client.get("/reconcile/preview?id=7HV2-JKMV")
    assert card.status_code == 503 and "frame-ancestors *" in card.headers["content-security-policy"]
    assert "这不代表该机构未获批准" in card.text
    for path in ("/", "/i/7HV2-JKMV", "/q/7HV2-JKMV", "/check?name=沈阳市妇婴医院", "/search?q=盛京"):
        page = server.client.get(path, headers={"accept": "text/html"})
        assert page.status_code == 503, path
        assert "这不代表该机构未获批准" in page.text
        assert not any(words in page.text for words in NEVER_WHEN_UNABLE)
    assert server.get("/healthz").status_code == 200
    assert server.get("/about").status_code == 200


def test_a_server_does_not_start_over_a_database_that_never_existed(cli: Cli) -> None:
    cli.inside = False
    assert "registry init" in cli.refused("serve", "--port", "0")


def test_a_register_in_which_nothing_is_answers_unknown_not_not_found(cli: Cli, start: Callable[..., Server]) -> None:
    cli.ok("init")
    server = start(cli.data_dir)
    answer = server.verify(**CLAIM)
    assert (answer["verdict"], answer["basis"]) == ("unknown", None)
    found = server.api("/institutions")
    assert {name: found[name] for name in ("items", "next", "total", "log_size")} == {
        "items": [],
        "next": None,
        "total": 0,
        "log_size": 0,
    }
    assert server.client.get("/", headers={"accept": "text/html"}).status_code == 200


def test_an_approval_from_another_process_is_in_every_worker_within_a_second(
    staffed: Cli, start: Callable[..., Server], tmp_path: Path
) -> None:
    server = start(staffed.data_dir, workers=2)
    path = tmp_path / "new.csv"
    path.write_text(
        "province,name,address,techniques,stages\n辽宁省,沈阳新示例妇产医院,辽宁省沈阳市和平区新示例街1号,IVF,formal\n",
        "utf-8",
    )
    claim = {"provider": {"name": "沈阳新示例妇产医院"}, "techniques": ["IVF"]}
    assert server.verify(**claim)["verdict"] == "not_found"
    outcome = staffed.ok("import", path, "--as-of", "2025-09-30", "--by", "editor", "--json").json
    Cli(staffed.data_dir).ok("approve", outcome["proposal"], "--by", "approver")

    def is_everywhere() -> bool:
        verdicts = set()
        for _ in range(24):  # connections of their own, so that both workers are asked
            with server.fresh() as client:
                verdicts.add(client.post("/api/v1/verify", json=claim).json()["verdict"])
        assert verdicts <= {"licensed", "not_found"}
        return verdicts == {"licensed"}

    late, asking = find_delay(is_everywhere)
    assert late < max(1.0, 5 * asking)
    assert is_everywhere()


def test_the_one_line_holds_the_address_and_stopping_is_clean(seeded: Cli, start: Callable[..., Server]) -> None:
    server = start(seeded.data_dir)
    assert server.line.startswith("人类辅助生殖技术机构名录 / ART Register: http://127.0.0.1:")
    assert server.get("/healthz").json() == {"status": "ok"}
    server.stop()
    assert server.errors.read_text() == ""


PAGES = ["/", "/search", "/check", "/about", "/developers", "/i/7HV2-JKMV", "/q/7HV2-JKMV", "/i/7HV2-JKMV/qr.png"]
READS = ["/api/v1/institutions", "/api/v1/institutions/7HV2-JKMV", "/api/v1/stats", "/healthz", "/readyz"]


@pytest.mark.parametrize("path", [*PAGES, *READS])
def test_every_address_answers_head_as_get_without_a_body(server: Server, path: str) -> None:
    got, asked = server.get(path), server.client.head(path)
    assert (asked.status_code, asked.content) == (got.status_code, b"") == (200, b"")
    assert asked.headers["content-type"] == got.headers["content-type"]


def test_a_ready_server_says_that_no_view_is_behind(server: Server) -> None:
    assert eventually(lambda: server.get("/readyz").json()["state"]["age"] <= 1)
    said = server.get("/readyz").json()
    assert said.pop("state") and min(said.pop("storage").values()) > 0
    assert said == {
        "ready": True,
        "database": "ok",
        "views": {"records": 0, "standings": 0, "search": 0, "deadlines": 0, "verification": 0, "checkpoint": 0},
        "faults": [],
        "search": {"engine": "embedded", "why": None, "lag": 0, "fallbacks": 0},
    }


@pytest.mark.parametrize("path", ["/", "/nothing/here", "/api/v1/nothing", "/api/v1/verify", "/static/nothing.css"])
@pytest.mark.parametrize("accept", ["text/html", "*/*"])
def test_every_answer_has_the_security_headers_also_one_that_no_door_made(
    server: Server, path: str, accept: str
) -> None:
    answer = server.client.request("DELETE" if path.endswith("verify") else "GET", path, headers={"accept": accept})
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
