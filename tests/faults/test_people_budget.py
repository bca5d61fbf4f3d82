"""Nobody lists the people of all institutions by asking for one after the other: real servers with two processes."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from registry.clients.service import PeopleBudget
from registry.domain.identifiers import format_code
from registry.domain.model import Draft
from registry.storage.request_counts import Counts
from tests.factories import a_person, a_register, an_institution
from tests.running import PATIENCE, Cli, Server, serving

LIMIT, INSTITUTIONS = 4, 12
NAMES = [f"{one}江妇产医院" for one in "甲乙丙丁戊己庚辛壬癸子丑"]
PERSON = "示例员甲"
_addresses = itertools.count(1)


def code_of(draft: Draft) -> str:
    return format_code(draft.subject.partition(":")[2])


@pytest.fixture(scope="module")
def hospitals() -> list[Draft]:
    return [an_institution(name, f"辽宁省鞍山市铁西区{n}道街{n}号") for n, name in enumerate(NAMES, start=1)]


@pytest.fixture(scope="module")
def office(hospitals: list[Draft], tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """A register of twelve institutions with a person each, and one in whose record there are none."""
    data_dir = tmp_path_factory.mktemp("people") / "var"
    data_dir.mkdir()
    nobody = an_institution("寅江妇产医院", "辽宁省鞍山市铁西区十三道街13号")
    a_register(data_dir, *hospitals, nobody, *(a_person(one, PERSON) for one in hospitals)).close()
    cli = Cli(data_dir, inside=True)
    cli.ok("init", "--quiet")
    return cli


@pytest.fixture(scope="module")
def server(office: Cli) -> Iterator[Server]:
    settings = {"REGISTRY_PEOPLE_LIMIT": str(LIMIT), "REGISTRY_PEOPLE_LIMIT_KEYS": "8"}
    proxies = {"REGISTRY_TRUSTED_PROXIES": "127.0.0.1"}
    with serving(office.data_dir, workers=2, **settings, **proxies) as running:
        yield running
    office.log_size()


@pytest.fixture
def somebody(server: Server) -> Iterator[Callable[..., httpx.Client]]:
    """Clients whose address no other test has, or a stated one; each request over a connection of its own, so that it
    reaches any of the processes."""
    clients: list[httpx.Client] = []

    def come(address: str | None = None, **headers: str) -> httpx.Client:
        address = address or f"198.51.100.{next(_addresses)}"
        sent = {"X-Forwarded-For": address, "Connection": "close", **headers}
        clients.append(httpx.Client(base_url=server.url, headers=sent, timeout=PATIENCE))
        return clients[-1]

    yield come
    for client in clients:
        client.close()


def people_of(client: httpx.Client, code: str) -> httpx.Response:
    return client.get(f"/api/v1/institutions/{code}/practitioners")


def test_asking_for_every_institution_from_one_address_gives_the_people_of_so_many(
    somebody: Callable[..., httpx.Client], hospitals: list[Draft]
) -> None:
    client = somebody()
    told = [people_of(client, code_of(one)) for one in hospitals]
    assert [answer.status_code for answer in told] == [200] * LIMIT + [429] * (INSTITUTIONS - LIMIT)
    assert all(answer.json()["items"][0]["name"] == PERSON for answer in told[:LIMIT])
    refused = told[-1]
    assert refused.json()["code"] == "people_limit"
    assert PERSON not in refused.text
    assert 1 <= int(refused.headers["retry-after"]) <= 86_400
    assert people_of(client, code_of(hospitals[0])).status_code == 200  # the same one again is free
    assert people_of(somebody(), code_of(hospitals[-1])).status_code == 200  # and others have their own


def test_the_doors_share_one_budget(somebody: Callable[..., httpx.Client], hospitals: list[Draft]) -> None:
    """What one door gave another does not give anew: pages, API, questions about a name, search."""
    client = somebody()
    first, second, third, fourth, fifth, sixth = hospitals[:6]
    assert people_of(client, code_of(first)).status_code == 200
    assert PERSON in client.get(f"/i/{code_of(second)}").text
    claim = {"provider": {"name": NAMES[2]}, "practitioner": {"name": PERSON}}
    assert client.post("/api/v1/verify", json=claim).json()["practitioner"]["verdict"] == "authorised"
    assert PERSON in client.get("/search", params={"q": f"{NAMES[3]} {PERSON}"}).text.split("<main", 1)[1]
    assert people_of(client, code_of(fifth)).status_code == 429
    assert [people_of(client, code_of(one)).status_code for one in (second, third, fourth)] == [200] * 3
    page = client.get(f"/i/{code_of(sixth)}")
    assert page.status_code == 200
    assert PERSON not in page.text


def spend(client: httpx.Client, hospitals: list[Draft]) -> None:
    """Use the day's budget up with the first institutions."""
    for one in hospitals[:LIMIT]:
        assert people_of(client, code_of(one)).status_code == 200


def test_whatever_does_not_concern_people_is_answered_as_before(
    somebody: Callable[..., httpx.Client], hospitals: list[Draft]
) -> None:
    client, code = somebody(), code_of(hospitals[-1])
    spend(client, hospitals)
    page = client.get(f"/i/{code}")
    assert page.status_code == 200
    assert NAMES[-1] in page.text
    assert "每天最多查看4家机构的人员" in page.text
    assert PERSON not in page.text
    assert page.headers["cache-control"] == "no-store"  # nobody else is to get this page from a cache
    assert "look at the people of 4 institutions a day" in client.get(f"/i/{code}", params={"lang": "en"}).text
    assert client.get(f"/api/v1/institutions/{code}").status_code == 200
    assert client.get(f"/q/{code}").status_code == 200
    assert client.post("/api/v1/verify", json={"provider": {"name": NAMES[-1]}}).json()["verdict"] == "licensed"
    assert client.get("/api/v1/institutions", params={"q": NAMES[-1]}).json()["items"][0]["name"] == NAMES[-1]


def test_a_claim_that_names_a_person_is_refused_and_not_answered_wrongly(
    somebody: Callable[..., httpx.Client], hospitals: list[Draft]
) -> None:
    client = somebody()
    spend(client, hospitals)
    claim = {"provider": {"name": NAMES[-1]}, "practitioner": {"name": PERSON}}
    wrong = {**claim, "practitioner": {"name": "无此姓名"}}
    for told in (
        client.post("/api/v1/verify", json=claim),
        client.post("/api/v1/verify", json=wrong),
        client.post("/api/v1/verify", json={**claim, "receipt": True}),
        client.get("/api/v1/verify", params={"name": NAMES[-1], "practitioner": PERSON}),
    ):
        assert (told.status_code, told.json()["code"]) == (429, "people_limit")
        assert "verdict" not in told.json()
    form = client.post("/check", data={"name": NAMES[-1], "practitioner": PERSON})
    assert form.status_code == 429
    assert "每天最多查看4家机构的人员" in form.text
    assert f'value="{PERSON}"' in form.text  # nothing that was typed is lost
    receipt = client.post("/check/receipt", data={"name": NAMES[-1], "practitioner": PERSON})
    assert receipt.status_code == 429
    nowhere = {"provider": {"name": "查无此机构的医院"}, "practitioner": {"name": PERSON}}
    assert client.post("/api/v1/verify", json=nowhere).json()["practitioner"]["verdict"] == "unknown"


def test_rows_of_a_file_are_refused_one_by_one_and_the_others_go_on(
    somebody: Callable[..., httpx.Client], hospitals: list[Draft]
) -> None:
    client = somebody()
    claims = [
        {"id": str(n), "provider": {"name": name}, "practitioner": {"name": PERSON}} for n, name in enumerate(NAMES)
    ]
    claims += [{"id": "plain", "provider": {"name": NAMES[-1]}}]
    told = client.post("/api/v1/verify/batch", json={"claims": claims}).json()["answers"]
    assert [one["practitioner"]["verdict"] for one in told[:LIMIT]] == ["authorised"] * LIMIT
    assert {(one["error"]["status"], one["error"]["code"]) for one in told[LIMIT:-1]} == {(429, "people_limit")}
    assert told[-1]["verdict"] == "licensed"
    lines = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in claims)
    streamed = client.post(
        "/api/v1/verify/batch", content=lines.encode(), headers={"Content-Type": "application/x-ndjson"}
    )
    assert sum("people_limit" in line for line in streamed.text.splitlines()) == INSTITUTIONS - LIMIT
    table = "\n".join(["机构名称,医师姓名", *(f"{name},{PERSON}" for name in NAMES)])
    sent = {"file": ("list.csv", io.BytesIO(table.encode()), "text/csv")}
    page = client.post("/check/list", files=sent, data={"form": "csv"})
    assert page.status_code == 200


def test_a_search_no_longer_finds_by_a_persons_name_and_says_so(
    somebody: Callable[..., httpx.Client], hospitals: list[Draft]
) -> None:
    client = somebody()
    asked = {"q": f"{NAMES[-1]} {PERSON}"}
    fresh = somebody().get("/search", params=asked)
    assert "card-people" in fresh.text
    assert fresh.headers["cache-control"].startswith("private")
    spend(client, hospitals)
    told = client.get("/search", params=asked)
    assert told.status_code == 200
    assert "card-people" not in told.text
    assert "每天最多查看4家机构的人员" in told.text
    # Guessing is looking too, whether the name is there or not, through every door that searches.
    guessing = somebody()
    for name, path in zip(NAMES, itertools.cycle(("/search", "/api/v1/institutions", "/api/v1/suggest")), strict=False):
        assert guessing.get(path, params={"q": f"{name} 张无名"}).status_code == 200
    assert people_of(guessing, code_of(hospitals[-1])).status_code == 429
    reconciling = somebody()
    queries = {str(n): {"query": f"{name} 张无名"} for n, name in enumerate(NAMES)}
    assert reconciling.post("/reconcile", data={"queries": json.dumps(queries)}).status_code == 200
    assert people_of(reconciling, code_of(hospitals[-1])).status_code == 429


def test_an_institution_without_recorded_people_costs_nothing(
    somebody: Callable[..., httpx.Client], hospitals: list[Draft]
) -> None:
    client = somebody()
    spend(client, hospitals)
    bare = client.get("/api/v1/institutions", params={"q": "寅江妇产医院"}).json()["items"][0]["code"]
    assert people_of(client, bare).json() == {"items": []}
    assert "每天最多查看" not in client.get(f"/i/{bare}").text


def test_a_network_of_version_six_is_one_asker(somebody: Callable[..., httpx.Client], hospitals: list[Draft]) -> None:
    told = [
        people_of(somebody(f"2001:db8:1:2::{n}"), code_of(one)).status_code for n, one in enumerate(hospitals, start=1)
    ]
    assert told == [200] * LIMIT + [429] * (INSTITUTIONS - LIMIT)
    assert people_of(somebody("2001:db8:1:3::1"), code_of(hospitals[-1])).status_code == 200


def a_key(office: Cli, *scopes: str) -> dict[str, str]:
    wanted = [word for scope in scopes for word in ("--scope", scope)]
    return {"X-API-Key": office.ok("key", "add", "示例市卫生监督所", *wanted, "--json").json["key"]}


def test_a_key_has_a_budget_of_its_own_and_a_larger_one_with_its_scope(
    office: Cli, somebody: Callable[..., httpx.Client], hospitals: list[Draft]
) -> None:
    address = f"198.51.100.{next(_addresses)}"
    spend(somebody(address), hospitals)
    plain = somebody(address, **a_key(office, "read"))
    assert [people_of(plain, code_of(one)).status_code for one in hospitals] == [200] * LIMIT + [429] * 8
    scoped = somebody(address, **a_key(office, "read", "people"))
    assert [people_of(scoped, code_of(one)).status_code for one in hospitals] == [200] * 8 + [429] * 4


def test_what_is_watched_counts_as_looked_at(
    office: Cli, somebody: Callable[..., httpx.Client], hospitals: list[Draft]
) -> None:
    client = somebody(**a_key(office, "watch"))
    claims = [{"provider": {"name": name}, "practitioner": {"name": PERSON}} for name in NAMES]
    refused = client.post("/api/v1/watches", json={"claims": claims})
    assert (refused.status_code, refused.json()["code"]) == (429, "people_limit")
    assert client.get("/api/v1/watches").json()["total"] == 0  # nothing is watched by a request that was refused
    assert client.post("/api/v1/watches", json={"claims": claims[:LIMIT]}).status_code == 200


def test_caches_for_many_keep_nothing_about_people(
    somebody: Callable[..., httpx.Client], hospitals: list[Draft]
) -> None:
    client, code = somebody(), code_of(hospitals[0])
    told = people_of(client, code)
    assert told.headers["cache-control"] == "private, no-cache"
    again = client.get(f"/api/v1/institutions/{code}/practitioners", headers={"If-None-Match": told.headers["etag"]})
    assert (again.status_code, again.headers["cache-control"]) == (304, "private, no-cache")
    assert client.get(f"/i/{code}").headers["cache-control"].startswith("private")
    assert client.get(f"/api/v1/institutions/{code}").headers["cache-control"] == "public, no-cache"


def test_nobody_can_read_from_the_file_whose_people_were_looked_at(
    office: Cli, somebody: Callable[..., httpx.Client], hospitals: list[Draft]
) -> None:
    client = somebody()
    spend(client, hospitals)
    held = b"".join(path.read_bytes() for path in office.data_dir.glob("limits.sqlite*"))
    for one in hospitals[:LIMIT]:
        assert code_of(one).replace("-", "").encode() not in held


def test_without_a_limit_everything_is_shown(office: Cli, hospitals: list[Draft], start: Callable[..., Server]) -> None:
    free = start(office.data_dir, REGISTRY_PEOPLE_LIMIT="0")
    assert {people_of(free.client, code_of(one)).status_code for one in hospitals} == {200}
    assert "REGISTRY_PEOPLE_LIMIT" in office.refused("lag", REGISTRY_PEOPLE_LIMIT="-1")


def test_the_demo_is_shown_whole_to_ordinary_use(seeded: Cli, start: Callable[..., Server]) -> None:
    seeded.ok("seed", "--demo")
    server = start(seeded.data_dir)
    listed: list[Any] = server.api("/institutions", q="示例市", limit=50)["items"]
    shown = [item for one in listed for item in server.api(f"/institutions/{one['code']}/practitioners")["items"]]
    assert len(shown) == 3


def test_a_new_day_is_a_new_budget_and_the_old_one_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = Counts(tmp_path / "limits.sqlite")
    now = [1_800_000_000.0]
    monkeypatch.setattr("registry.clients.service.time.time", lambda: now[0])
    codes = [format_code("7K2M9QX4"), format_code("8TT24FRE")]
    assert [PeopleBudget(counts, "a 192.0.2.7", 1).may_look(code) for code in codes] == [True, False]
    now[0] += 86_400
    assert [PeopleBudget(counts, "a 192.0.2.7", 1).may_look(code) for code in reversed(codes)] == [True, False]
    counts.delete_old_marks(1 + int((now[0] + 8 * 3600) // 86_400))
    assert PeopleBudget(counts, "a 192.0.2.7", 1).may_look(codes[0])
    counts.close()


def test_where_the_file_cannot_be_used_each_process_counts_by_itself(tmp_path: Path) -> None:
    (tmp_path / "limits.sqlite").mkdir()  # no file can be made here
    counts = Counts(tmp_path / "limits.sqlite")
    looks = PeopleBudget(counts, "a 192.0.2.7", 1)
    assert [looks.may_look(code) for code in ("7K2M-9QX4", "8TT2-4FRE")] == [True, False]
    counts.close()
