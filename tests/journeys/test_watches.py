"""The watch list over HTTP: a reviewer learns that an answer it received is no longer the register's."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.running import Cli, Server, eventually, serving

LISTED, UNLISTED = "鞍山市妇儿医院", "示例市新设妇产医院"
WATCHES = "/api/v1/watches"


@pytest.fixture(scope="module")
def office(staffed_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """The command over a register of this module's own."""
    data_dir = tmp_path_factory.mktemp("watches") / "var"
    shutil.copytree(staffed_dir, data_dir)
    return Cli(data_dir, inside=True)


@pytest.fixture(scope="module")
def served(office: Cli) -> Iterator[Server]:
    with serving(office.data_dir) as server:
        yield server


def a_key(office: Cli, client: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {office.ok('key', 'add', client, '--scope', 'watch', '--json').json['key']}"}


@pytest.fixture
def key(office: Cli, request: pytest.FixtureRequest) -> dict[str, str]:
    """The key of a client that only this test has."""
    return a_key(office, request.node.name)


def a_claim(name: str, **values: Any) -> dict[str, Any]:
    return {"provider": {"name": name}, **values}


def test_a_client_learns_which_of_its_answers_changed(
    office: Cli, served: Server, key: dict[str, str], tmp_path: Path
) -> None:
    claims = [a_claim(LISTED, id="a", techniques=["IVF"]), a_claim(UNLISTED, id="b")]
    added = served.client.post(WATCHES, json={"claims": claims}, headers=key).json()
    assert [one["answer"]["verdict"] for one in added["items"]] == ["licensed", "not_found"]
    nothing = served.client.get(f"{WATCHES}/changes", params={"since": added["since"]}, headers=key).json()
    assert nothing == {"items": [], "next": added["since"], "more": False}

    a_list = tmp_path / "new.csv"
    a_list.write_text(
        f"省份,机构名称,地址,技术,阶段\n辽宁省,{UNLISTED},辽宁省鞍山市铁东区示例路9号,IVF,正式运行\n", "utf-8"
    )
    proposal = office.ok(
        "import", a_list, "--as-of", "2026-01-31", "--scope", "partial", "--by", "editor", "--json"
    ).json["proposal"]
    office.ok("approve", proposal, "--by", "approver")
    changes = until_changed(served, added["since"], key)
    (item,) = changes["items"]
    assert (item["claim"]["id"], item["before"]["verdict"], item["now"]["verdict"]) == ("b", "not_found", "licensed")
    assert item["watch"] == added["items"][1]["watch"]
    assert item["now"]["log"]["size"] > item["before"]["log"]["size"]
    later = served.client.get(f"{WATCHES}/changes", params={"since": changes["next"]}, headers=key).json()
    assert later["items"] == []


def until_changed(server: Server, since: str, key: dict[str, str]) -> Any:
    """The changes, once the server has seen the approval."""
    answers: list[Any] = []

    def is_told() -> bool:
        told = server.client.get(f"{WATCHES}/changes", params={"since": since}, headers=key)
        assert told.status_code == 200
        answers.append(told.json())
        return bool(answers[-1]["items"])

    assert eventually(is_told), "the change was not told"
    return answers[-1]


def test_a_list_is_read_in_pages_and_entries_are_removed(served: Server, key: dict[str, str]) -> None:
    claims = [a_claim(LISTED, id=str(n)) for n in range(25)]
    served.client.post(WATCHES, json={"claims": claims}, headers=key)
    seen: list[Any] = []
    after: int | None = 0
    while after is not None:
        page = served.client.get(WATCHES, params={"after": after, "limit": 10}, headers=key).json()
        assert page["total"] == 25
        seen += page["items"]
        after = page["next"]
    assert [one["claim"]["id"] for one in seen] == [str(n) for n in range(25)]
    gone = served.client.delete(f"{WATCHES}/{seen[0]['watch']}", headers=key)
    assert (gone.status_code, gone.content) == (204, b"")
    again = served.client.delete(f"{WATCHES}/{seen[0]['watch']}", headers=key)
    assert (again.status_code, again.json()["code"]) == (404, "not_found")
    assert served.client.get(WATCHES, headers=key).json()["total"] == 24


def test_a_list_belongs_to_its_client_and_all_its_keys(office: Cli, served: Server) -> None:
    first, second, other = (a_key(office, client) for client in ("示例市监管局", "示例市监管局", "别的单位"))
    served.client.post(WATCHES, json={"claims": [a_claim(LISTED)]}, headers=first)
    totals = [served.client.get(WATCHES, headers=one).json()["total"] for one in (first, second, other)]
    assert totals == [1, 1, 0]


def test_it_needs_a_key(served: Server) -> None:
    for told in (
        served.client.get(WATCHES),
        served.client.post(WATCHES, json={"claims": [a_claim(LISTED)]}),
        served.client.get(f"{WATCHES}/changes", params={"since": "1.2025-01-01"}),
        served.client.delete(f"{WATCHES}/1"),
    ):
        assert (told.status_code, told.json()["code"]) == (401, "invalid_key")


def test_what_cannot_be_watched_is_refused_and_says_why(served: Server, key: dict[str, str]) -> None:
    bodies: list[Any] = [
        {},
        {"claims": []},
        {"claims": [{"provider": {}}]},
        {"claims": [a_claim(LISTED, receipt=True)]},
        {"claims": [a_claim(LISTED, known_at="2025-01-01T00:00:00Z")]},
        {"claims": [a_claim(LISTED)] * 1001},
        {"claims": [a_claim(LISTED)], "webhook": "https://example.org"},
    ]
    for body in bodies:
        told = served.client.post(WATCHES, json=body, headers=key)
        assert (told.status_code, told.json()["code"]) == (400, "invalid_input"), body
        assert told.json()["detail"]
    assert served.client.get(WATCHES, headers=key).json()["total"] == 0


def test_a_place_nobody_gave_is_refused(served: Server, key: dict[str, str]) -> None:
    for since in ("", "yesterday", "99999999.2025-01-01"):
        told = served.client.get(f"{WATCHES}/changes", params={"since": since}, headers=key)
        assert told.status_code == 400


def test_what_nobody_reads_is_refused_here_too(served: Server, key: dict[str, str]) -> None:
    for path in (
        f"{WATCHES}?limit=1&limit=2",
        f"{WATCHES}?size=1",
        f"{WATCHES}?limit=1.5",
        "/api/v1/key/checks?since=x",
    ):
        told = served.client.get(path, headers=key)
        assert (told.status_code, told.json()["code"]) == (400, "invalid_input"), path
    as_text = served.client.post(WATCHES, content='{"claims":[]}', headers={**key, "Content-Type": "text/plain"})
    assert as_text.status_code == 415
    lax = served.client.post(WATCHES, json={"claims": [a_claim(LISTED, receipt=0)]}, headers=key)
    assert lax.status_code == 400
