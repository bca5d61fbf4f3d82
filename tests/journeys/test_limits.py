"""Limits and API keys over HTTP: real servers with several processes, keys made by the command."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.running import PATIENCE, Cli, Server, eventually, find_delay, serving

VERIFY = "/api/v1/verify"
NAME = {"name": "鞍山市妇儿医院"}
OFFICE = "示例市市场监管局"
_addresses = itertools.count(1)


def a_key(cli: Cli, *options: object, client: str = OFFICE, scopes: tuple[str, ...] = ("verify",)) -> str:
    wanted = [word for scope in scopes for word in ("--scope", scope)]
    text = cli.ok("key", "add", client, *wanted, *options, "--json").json["key"]
    assert isinstance(text, str)
    return text


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def statuses(client: httpx.Client, times: int, **headers: str) -> list[int]:
    """What so many requests at once are answered, each over a connection of its own: every process gets some."""

    def ask(_: int) -> int:
        sent = {**client.headers, **headers, "Connection": "close"}
        return httpx.get(f"{client.base_url}{VERIFY}", params=NAME, headers=sent, timeout=PATIENCE).status_code

    with ThreadPoolExecutor(8) as pool:
        return sorted(pool.map(ask, range(times)))


def is_unknown(client: httpx.Client, key: str) -> bool:
    """Whether no process knows a key any more; from another address each time, as such tries are counted."""
    elsewhere = {"x-forwarded-for": f"198.51.100.{next(_addresses)}"}
    return set(statuses(client, 8, **bearer(key), **elsewhere)) == {401}


@pytest.fixture(scope="module")
def office(seed_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """The command over a register of this module's own."""
    data_dir = tmp_path_factory.mktemp("limits") / "var"
    shutil.copytree(seed_dir, data_dir)
    return Cli(data_dir, inside=True)


@pytest.fixture(scope="module")
def server(office: Cli) -> Iterator[Server]:
    """Two processes that let an address ask ten times a minute."""
    proxies = "127.0.0.1,::1"
    with serving(office.data_dir, workers=2, REGISTRY_ANONYMOUS_LIMIT="10", REGISTRY_TRUSTED_PROXIES=proxies) as found:
        yield found


@pytest.fixture
def limited(server: Server) -> Iterator[httpx.Client]:
    """Somebody whose address, as the trusted proxy tells it, no other test has."""
    headers = {"X-Forwarded-For": f"198.51.100.{next(_addresses)}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=PATIENCE) as client:
        yield client


def test_an_address_may_ask_so_often_of_all_processes_together(limited: httpx.Client) -> None:
    assert statuses(limited, 30) == [200] * 10 + [429] * 20


def test_a_refusal_says_when_to_ask_again_and_never_looks_like_a_verdict(limited: httpx.Client) -> None:
    for _ in range(10):
        told = limited.get(VERIFY, params=NAME)
        assert told.status_code == 200
    assert told.headers["ratelimit-policy"] == '"minute";q=10;w=60'
    assert told.headers["ratelimit"].startswith('"minute";r=0;t=')
    assert (told.headers["ratelimit-limit"], told.headers["ratelimit-remaining"]) == ("10", "0")
    refused = limited.get(VERIFY, params=NAME)
    assert refused.status_code == 429
    assert refused.headers["content-type"] == "application/problem+json"
    assert 1 <= int(refused.headers["retry-after"]) <= 65
    assert refused.headers["ratelimit-reset"] == refused.headers["retry-after"]
    assert refused.json()["code"] == "too_many_requests"
    assert "verdict" not in refused.json()
    english = limited.get(VERIFY, params={**NAME, "lang": "en"})
    assert english.json()["detail"].startswith(
        "Too many requests: one address without a key may ask 10 times a minute."
    )


def test_reconciliation_counts_like_any_other_question(limited: httpx.Client) -> None:
    asked = {"queries": json.dumps({"a": {"query": NAME["name"]}})}
    told = [limited.post("/reconcile", data=asked).status_code for _ in range(6)]
    told += [limited.get("/reconcile/suggest/entity", params={"prefix": "鞍山"}).status_code for _ in range(6)]
    assert told == [200] * 10 + [429] * 2


def test_a_page_says_so_in_words_and_keeps_what_was_typed(limited: httpx.Client) -> None:
    html = {"Accept": "text/html"}
    for _ in range(10):
        assert limited.get("/search", params={"q": "盛京"}, headers=html).status_code == 200
    page = limited.get("/search", params={"q": "盛京"}, headers=html)
    assert page.status_code == 429
    assert "查询过于频繁" in page.text
    assert 'value="盛京"' in page.text
    assert page.headers["retry-after"]


def test_what_machines_and_browsers_need_is_never_limited(limited: httpx.Client) -> None:
    statuses(limited, 12)
    for path in ("/healthz", "/readyz", "/log/checkpoint", "/.well-known/jwks.json"):
        assert limited.get(path).status_code == 200
    page = limited.get("/about", headers={"Accept": "text/html"})
    style = page.text.split('rel="stylesheet" href="')[1].split('"')[0]
    assert limited.get(style).status_code == 200


@pytest.mark.parametrize("proxies", ["192.0.2.1", ""])
def test_nobody_but_a_trusted_proxy_can_say_whose_request_it_is(seeded: Cli, proxies: str) -> None:
    with serving(seeded.data_dir, REGISTRY_ANONYMOUS_LIMIT="2", REGISTRY_TRUSTED_PROXIES=proxies) as server:
        told = [
            server.client.get(VERIFY, params=NAME, headers={"X-Forwarded-For": f"198.51.100.{n}"}).status_code
            for n in range(1, 4)
        ]
    assert told == [200, 200, 429]
    warned = server.errors.read_text().count("name it in REGISTRY_TRUSTED_PROXIES")
    assert warned == (0 if proxies else 1)


def test_no_limit_and_no_headers_where_it_is_nought(seeded: Cli) -> None:
    with serving(seeded.data_dir, REGISTRY_ANONYMOUS_LIMIT="0") as server:
        told = server.client.get(VERIFY, params=NAME)
        assert told.status_code == 200
        assert "ratelimit" not in told.headers


def test_a_limit_that_is_no_number_is_refused_at_the_start(seeded: Cli) -> None:
    assert "ANONYMOUS_LIMIT" in seeded.refused("serve", "--port", "0", REGISTRY_ANONYMOUS_LIMIT="-1")
    assert seeded("serve", "--port", "0", REGISTRY_ANONYMOUS_LIMIT="many").code == 1


def test_a_key_has_its_own_limit_across_processes_and_says_what_is_left(office: Cli, limited: httpx.Client) -> None:
    key = a_key(office, "--per-minute", 20)
    assert statuses(limited, 12) == [200] * 10 + [429] * 2
    assert statuses(limited, 25, **bearer(key)) == [200] * 20 + [429] * 5
    refused = limited.get(VERIFY, params=NAME, headers={"X-API-Key": key})
    assert refused.status_code == 429
    assert refused.headers["ratelimit-policy"] == '"minute";q=20;w=60, "day";q=1000000;w=86400'
    assert refused.json()["detail"].startswith("查询太频繁：此密钥每分钟最多20次")


def test_a_key_whose_day_is_spent_is_told_when_it_goes_on(office: Cli, limited: httpx.Client) -> None:
    key = a_key(office, "--per-day", 3)
    claims = {"claims": [{"provider": NAME}] * 3}
    assert limited.post(f"{VERIFY}/batch", json=claims, headers=bearer(key)).status_code == 200
    refused = limited.post(VERIFY, json={"provider": NAME}, headers=bearer(key))
    assert (refused.status_code, refused.json()["code"]) == (429, "quota_spent")
    assert int(refused.headers["retry-after"]) <= 86_400


def test_a_wrong_key_is_never_taken_for_no_key(limited: httpx.Client) -> None:
    for headers in (bearer("art_00000000_" + "x" * 43), bearer("nonsense"), {"X-API-Key": "nonsense"}):
        told = limited.get(VERIFY, params=NAME, headers=headers)
        assert (told.status_code, told.json()["code"]) == (401, "invalid_key")
        assert told.headers["www-authenticate"].startswith("Bearer")


def test_trying_keys_counts_as_asking_without_one(limited: httpx.Client) -> None:
    tries = [
        limited.get(VERIFY, params=NAME, headers=bearer(f"art_{n:08x}_" + "x" * 43)).status_code for n in range(12)
    ]
    assert tries == [401] * 10 + [429] * 2


def test_a_new_key_works_where_others_at_its_address_have_used_up_theirs(office: Cli, limited: httpx.Client) -> None:
    assert 429 in statuses(limited, 12)
    assert set(statuses(limited, 8, **bearer(a_key(office)))) == {200}


def test_the_same_key_in_both_headers_is_one_and_two_keys_are_none(office: Cli, limited: httpx.Client) -> None:
    one, other = a_key(office), a_key(office)
    assert limited.get(VERIFY, params=NAME, headers={**bearer(one), "X-API-Key": one}).status_code == 200
    for headers in ({**bearer(one), "X-API-Key": other}, {"X-API-Key": other, **bearer(one)}):
        told = limited.get(VERIFY, params=NAME, headers=headers)
        assert (told.status_code, told.json()["code"]) == (401, "invalid_key")


def test_a_header_for_the_proxy_in_front_is_no_key(limited: httpx.Client) -> None:
    assert limited.get(VERIFY, params=NAME, auth=("user", "secret")).status_code == 200


def test_a_key_works_at_once_and_stops_within_a_second_of_being_revoked(office: Cli, limited: httpx.Client) -> None:
    key = a_key(office)
    assert set(statuses(limited, 8, **bearer(key))) == {200}
    office.ok("key", "revoke", key.split("_")[1])
    late, asking = find_delay(lambda: is_unknown(limited, key))
    assert late < max(1.0, 5 * asking)


def test_a_rotated_key_and_its_successor_both_work(office: Cli, limited: httpx.Client) -> None:
    old = a_key(office)
    new = office.ok("key", "rotate", old.split("_")[1], "--json").json["key"]
    assert set(statuses(limited, 4, **bearer(old)) + statuses(limited, 4, **bearer(new))) == {200}
    ended = office.ok("key", "rotate", new.split("_")[1], "--overlap", 0, "--json").json["key"]
    assert eventually(lambda: is_unknown(limited, new))
    assert set(statuses(limited, 4, **bearer(ended))) == {200}


def test_a_key_may_do_what_its_scopes_say(office: Cli, limited: httpx.Client) -> None:
    key = a_key(office, scopes=("read",))
    assert limited.get("/api/v1/stats", headers=bearer(key)).status_code == 200
    for ask in (
        lambda: limited.get(VERIFY, params=NAME, headers=bearer(key)),
        lambda: limited.post(f"{VERIFY}/batch", json={"claims": []}, headers=bearer(key)),
        lambda: limited.post("/api/v1/receipts/check", json={"receipt": "x"}, headers=bearer(key)),
        lambda: limited.get("/api/v1/watches", headers=bearer(key)),
        lambda: limited.get("/reconcile", headers=bearer(key)),
        lambda: limited.post("/reconcile", data={"queries": "{}"}, headers=bearer(key)),
    ):
        told = ask()
        assert (told.status_code, told.json()["code"]) == (403, "scope_missing")


def test_a_client_sees_its_own_limits_and_usage_and_so_does_whoever_runs_the_register(
    office: Cli, limited: httpx.Client
) -> None:
    client = "看用量的单位"
    key = a_key(office, "--per-minute", 100, "--per-day", 1000, scopes=("verify", "read"), client=client)
    for _ in range(3):
        limited.get(VERIFY, params=NAME, headers=bearer(key))
    lines = "".join(json.dumps({"provider": NAME}) + "\n" for _ in range(250))
    batch = limited.post(
        f"{VERIFY}/batch", content=lines, headers={**bearer(key), "Content-Type": "application/x-ndjson"}
    )
    assert batch.status_code == 200

    def read_usage() -> dict[str, int]:
        return {one["operation"]: one["questions"] for one in office.ok("key", "usage", client, "--json").json}

    assert eventually(lambda: read_usage() == {"verifyByQuery": 3, "verifyBatch": 250})  # written once a second
    state = limited.get("/api/v1/key", headers=bearer(key)).json()
    assert (state["client"], state["scopes"], state["per_minute"]) == (client, ["read", "verify"], 100)
    assert state["left_today"] == 1000 - 3 - 250 - 1
    told = {one["operation"]: (one["requests"], one["questions"]) for one in state["usage"]}
    assert told["verifyByQuery"] == (3, 3)
    assert told["verifyBatch"] == (1, 250)
    (listed,) = office.ok("key", "list", client, "--json").json
    assert listed["last_used_at"] is not None
    assert key.split("_")[2] not in office.ok("key", "list").out
    assert limited.get("/api/v1/key").status_code == 401


def test_what_was_checked_is_on_record_for_a_key_that_wants_it(office: Cli, limited: httpx.Client) -> None:
    client = "要求留存的单位"
    key = a_key(office, "--record", client=client)
    claim = {"id": "row-7", "provider": NAME, "techniques": ["IVF"], "on": "2025-07-01"}
    asked = limited.post(VERIFY, json=claim, headers=bearer(key)).json()
    limited.get(VERIFY, params={"name": "不存在的医院"}, headers=bearer(key))
    limited.post(f"{VERIFY}/batch", json={"claims": [claim, {"bad": 1}, claim]}, headers=bearer(key))
    limited.get(VERIFY, params=NAME)  # somebody else
    found = limited.get("/api/v1/key/checks", headers=bearer(key)).json()
    assert [one["question"]["provider"]["name"] for one in found["items"]] == [
        NAME["name"],
        "不存在的医院",
        *[NAME["name"]] * 2,
    ]
    first = found["items"][0]
    assert first["question"] == claim
    assert (first["verdict"], first["log_size"]) == (asked["verdict"], asked["log"]["size"])
    assert first["code"] == asked["match"]["code"]
    assert [one["operation"] for one in found["items"][-2:]] == ["verifyBatch"] * 2
    lines = office.ok("key", "checks", client).out.splitlines()
    assert [json.loads(line)["verdict"] for line in lines] == [one["verdict"] for one in found["items"]]
    second = limited.get(
        "/api/v1/key/checks", params={"since": found["items"][0]["number"], "limit": 1}, headers=bearer(key)
    )
    assert [one["number"] for one in second.json()["items"]] == [found["items"][1]["number"]]
    assert second.headers["cache-control"] == "no-store"


def test_scripts_of_other_sites_may_send_a_key_and_read_the_limits(limited: httpx.Client) -> None:
    asked = limited.options(
        VERIFY,
        headers={
            "Origin": "https://example.org",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        },
    )
    assert asked.status_code in (200, 204)
    assert "authorization" in asked.headers["access-control-allow-headers"].lower()
    statuses(limited, 10)
    told = limited.get(VERIFY, params=NAME, headers={"Origin": "https://example.org"})
    assert told.status_code == 429
    assert told.headers["access-control-allow-origin"] == "*"
    assert "retry-after" in told.headers["access-control-expose-headers"].lower()


def test_the_command_refuses_keys_that_cannot_be(cli: Cli) -> None:
    cli.ok("init")
    assert cli("key", "add", "x", "--scope", "everything").code == 2
    assert cli("key", "add", "x").code == 2
    assert "客户名称" in cli.refused("key", "add", " x", "--scope", "read")
    assert "registry key list" in cli.refused("key", "revoke", "00000000")
    assert cli.refused("key", "add", "x", "--scope", "read", "--expires", "2020-01-01")
