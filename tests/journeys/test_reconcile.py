"""The reconciliation service as its specification (0.2) has it: every answer is read by JSON schemas of it."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.domain.identifiers import format_code, make_code
from tests.factories import LIST_2025
from tests.reconciliation.shapes import OFFICIAL, STATED, conforms, official
from tests.running import Cli, Server, cpu_of_workers
from tests.thoroughness import count_examples

FUYING, FUYOU = "沈阳市妇婴医院", "沈阳市妇幼保健院"
UNKNOWN = format_code(make_code("nobody has this code"))
TWICE = "大连市妇女儿童医疗中心（集团）"
EVERYWHERE = (
    "/reconcile",
    "/reconcile?queries=%7B%7D",
    "/reconcile/suggest/entity?prefix=%E7%9B%9B",
    "/reconcile/suggest/property?prefix=",
    "/reconcile/suggest/type?prefix=",
    "/reconcile/properties?type=institution",
    "/reconcile/preview?id=nobody",
    "/reconcile/flyout/type?id=institution",
)


@pytest.fixture(scope="module")
def ask(server: Server) -> Callable[..., dict[str, Any]]:
    """Send a batch as clients do; the results by key, once they are as the specification has them."""

    def asked(lang: str = "", **queries: Any) -> dict[str, Any]:
        answer = post(server, queries=json.dumps(queries), lang=lang)
        assert answer.status_code == 200, answer.text[:500]
        told: dict[str, Any] = conforms("reconciliation-result-batch", answer.json())
        assert set(told) == set(queries)
        return told

    return asked


def post(server: Server, lang: str = "", **fields: str) -> httpx.Response:
    return server.client.post("/reconcile", params={"lang": lang} if lang else None, data=fields)


def get(server: Server, path: str, schema: str, **query: Any) -> Any:
    answer = server.get(f"/reconcile{path}", **query)
    assert answer.status_code == 200, answer.text[:500]
    return conforms(schema, answer.json())


def refused(answer: httpx.Response, status: int, code: str) -> str:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text[:300]
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["detail"])


def extended(server: Server, ids: list[str], *properties: dict[str, Any], lang: str = "") -> dict[str, Any]:
    answer = post(server, extend=json.dumps({"ids": ids, "properties": properties}), lang=lang)
    assert answer.status_code == 200, answer.text[:500]
    told: dict[str, Any] = conforms("data-extension-response", answer.json())
    assert list(told["rows"]) == ids
    return told


def test_the_schemas_of_the_community_group_were_asked_too() -> None:
    if not official():
        pytest.skip(f"{OFFICIAL} names no folder: only this product's own reading of the specification was asked")
    assert set(STATED) <= set(official())


@pytest.mark.parametrize("name", STATED)
def test_a_schema_refuses_what_is_not_as_the_specification_has_it(name: str) -> None:
    for wrong in ([], {"result": [{"id": 1}]}, {"versions": ["0.1"]}, {"rows": {"x": {"name": ["text"]}}, "meta": []}):
        with pytest.raises(AssertionError):
            conforms(name, wrong)


# --- the service -----------------------------------------------------------------------------------------------------


def test_the_manifest_names_what_there_is(server: Server) -> None:
    told = get(server, "", "manifest")
    assert told["versions"] == ["0.2"] and told["batchSize"] == 50
    assert told["identifierSpace"] == "https://register.example/i/"
    assert [one["id"] for one in told["defaultTypes"]] == ["institution"]
    services = [told["suggest"][what] for what in ("entity", "property", "type")]
    paths = [one["service_path"] for one in services] + [one["flyout_service_path"] for one in services]
    paths.append(told["extend"]["propose_properties"]["service_path"])
    ids = {"entity": code_of(server, FUYING), "property": "address", "type": "institution"}
    for path in paths:  # each is where the manifest says
        what = path.split("/")[2].split("?")[0] if path.count("/") > 1 else ""
        assert server.client.get("/reconcile" + path.replace("${id}", ids.get(what, ""))).status_code == 200, path
    preview = told["preview"]["url"].removeprefix("https://register.example").replace("{{id}}", ids["entity"])
    assert server.client.get(preview).status_code == 200
    assert get(server, "/", "manifest") == get(server, "", "manifest", unknown="1") == told


def code_of(server: Server, name: str) -> str:
    return str(server.api("/institutions", q=name)["items"][0]["code"])


@pytest.mark.parametrize("path", EVERYWHERE)
def test_programs_of_other_sites_may_read_every_answer(server: Server, path: str) -> None:
    origin = {"origin": "https://elsewhere.example"}
    assert server.client.get(path, headers=origin).headers["access-control-allow-origin"] == "*"
    asked = {**origin, "access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    allowed = server.client.options(path.split("?", maxsplit=1)[0], headers=asked)
    assert allowed.status_code in (200, 204) and allowed.headers["access-control-allow-origin"] == "*"
    assert "POST" in allowed.headers["access-control-allow-methods"]


def test_reads_are_revalidated_and_head_is_answered(server: Server) -> None:
    for path in EVERYWHERE[:6]:
        tag = server.client.get(path).headers["etag"]
        assert server.client.get(path, headers={"if-none-match": tag}).status_code == 304
        head = server.client.head(path)
        assert head.status_code == 200 and head.headers["etag"] == tag and head.content == b""
    assert post(server, queries="{}").headers["cache-control"] == "no-store"


# --- queries ---------------------------------------------------------------------------------------------------------


def test_one_query_and_a_batch_in_a_form_and_in_an_address_are_answered_alike(
    server: Server, ask: Callable[..., Any]
) -> None:
    queries = {"q0": {"query": FUYING}, "q1": {"query": FUYOU, "limit": 1}}
    by_form = ask(**queries)
    assert server.get("/reconcile", queries=json.dumps(queries)).json() == by_form
    assert server.get("/reconcile", query=FUYING).json() == by_form["q0"]
    assert post(server, query=json.dumps(queries["q1"])).json() == by_form["q1"]
    assert ask() == {}


def test_every_row_of_the_national_list_matches_itself_and_no_other(ask: Callable[..., Any]) -> None:
    rows = list(csv.DictReader(LIST_2025.read_text("utf-8-sig").splitlines()))
    assert len(rows) == 635
    for begin in range(0, len(rows), 50):
        part = rows[begin : begin + 50]
        told = ask(**{str(n): {"query": row["name"]} for n, row in enumerate(part)})
        by_address = ask(
            **{
                str(n): {"query": row["name"], "properties": [{"pid": "address", "v": row["address"]}]}
                for n, row in enumerate(part)
            }
        )
        for n, row in enumerate(part):
            first, *others = told[str(n)]["result"]
            assert first["name"] == row["name"]
            assert (first["match"], first["score"]) == ((False, 90) if row["name"] == TWICE else (True, 100))
            first, *others = by_address[str(n)]["result"]
            assert (first["name"], first["match"]) == (row["name"], True) and row["address"] in first["description"]
            assert not any(other["match"] for other in others)


def test_a_query_that_cannot_be_understood_stops_no_other(ask: Callable[..., Any]) -> None:
    wrong: dict[str, Any] = {
        "number": {"query": 5},
        "nothing": {},
        "blank": {"query": "  "},
        "list": [],
        "field": {"query": FUYING, "nmae": 1},
        "property": {"query": FUYING, "properties": [{"pid": "beds", "v": 3}]},
        "value": {"query": FUYING, "properties": [{"pid": "address", "v": None}]},
        "limit": {"query": FUYING, "limit": 0},
        "half": {"query": FUYING, "limit": 1.5},
        "type": {"query": FUYING, "type": "/people/person"},
        "all": {"query": FUYING, "type": ["institution", "/people/person"], "type_strict": "all"},
        "strict": {"query": FUYING, "type_strict": "some"},
        "code": {"query": "7K2M-9QX5"},
        "long": {"query": "医" * 301},
    }
    told = ask(**wrong, sound={"query": FUYING})
    assert told.pop("sound")["result"][0]["match"] is True
    for name, one in told.items():
        assert one["result"] == [] and one["error"]["status"] == 400 and one["error"]["detail"], name
    assert told["code"]["error"]["code"] == "invalid_code"
    english = ask(lang="en", type=wrong["type"])["type"]["error"]["detail"]
    assert english == "Unknown type “/people/person”; there is only institution."


def test_types_and_limits_are_understood(ask: Callable[..., Any]) -> None:
    told = ask(
        one={"query": FUYING, "type": "institution", "type_strict": "should"},
        many={"query": FUYING, "type": ["institution", "/x"], "type_strict": "any"},
        preferred={"query": FUYING, "type": "/x", "type_strict": "should"},
        few={"query": "第一人民医院", "limit": 2},
        lots={"query": "第一人民医院", "limit": 1e6},
    )
    assert all(told[name]["result"][0]["match"] for name in ("one", "many", "preferred"))
    assert len(told["few"]["result"]) == 2 < len(told["lots"]["result"]) <= 50


def test_values_may_be_several_numbers_or_entities(server: Server, ask: Callable[..., Any]) -> None:
    code = code_of(server, FUYING)

    def by(pid: str, v: Any) -> dict[str, Any]:
        return {"query": FUYING, "properties": [{"pid": pid, "v": v}]}

    told = ask(
        region=by("region", 210103),
        real=by("region", 210103.0),
        several=by("city", ["大连市", {"id": "Q11720", "name": "沈阳市"}]),
        entity=by("code", {"id": code}),
        alone={"properties": [{"pid": "code", "v": code}]},
        identifier={"query": code},
    )
    assert all(one["result"][0]["match"] and one["result"][0]["id"] == code for one in told.values())
    told = ask(region=by("region", 110000), other=by("city", ["大连市", True]))
    assert not any(candidate["match"] for one in told.values() for candidate in one["result"])


def test_a_number_that_is_none_is_named_beside_the_candidates(ask: Callable[..., Any]) -> None:
    told = ask(q={"query": FUYING, "properties": [{"pid": "uscc", "v": "123"}]})["q"]
    assert told["result"][0]["name"] == FUYING and told["result"][0]["match"] is False
    assert [(one["property"], one["code"]) for one in told["warnings"]] == [("uscc", "invalid_input")]


def test_what_cannot_be_read_as_a_whole_is_a_problem(server: Server) -> None:
    refused(post(server, queries="{"), 400, "invalid_input")
    refused(post(server, queries="[]"), 400, "invalid_input")
    refused(post(server, queries="[" * 100_000), 400, "invalid_input")
    refused(post(server, query='{"query":'), 400, "invalid_input")
    refused(post(server, query="7K2M-9QX5"), 400, "invalid_code")
    refused(post(server, other="1"), 400, "invalid_input")
    refused(post(server, queries="{}", extend="{}"), 400, "invalid_input")
    refused(server.client.post("/reconcile", json={"queries": {}}), 415, "unsupported_media_type")
    form = {"content-type": "application/x-www-form-urlencoded"}
    refused(server.client.post("/reconcile", content=b"queries=%ff", headers=form), 400, "invalid_input")
    refused(server.client.post("/reconcile", content=b"queries=\xff", headers=form), 400, "invalid_input")
    too_many = {str(n): {"query": FUYING} for n in range(51)}
    assert "50" in refused(post(server, queries=json.dumps(too_many)), 413, "too_large")


def test_a_full_batch_of_names_nobody_has_costs_no_more_than_so_many_that_are_listed(
    server: Server, ask: Callable[..., Any]
) -> None:
    names = [row["name"] for row in csv.DictReader(LIST_2025.read_text("utf-8-sig").splitlines())][:200]

    def cost(asked: list[str]) -> float:
        before = cpu_of_workers(server)
        for begin in range(0, 200, 50):
            ask(**{str(n): {"query": name} for n, name in enumerate(asked[begin : begin + 50])})
        return max(cpu_of_workers(server) - before, 0.05)  # it is counted in hundredths of a second

    assert cost([f"{name[:-1]}馆" for name in names]) < 50 * cost(names)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
PIDS = st.sampled_from(["address", "region", "uscc", "code", "domains", "techniques", "entry"]) | st.text(max_size=5)
ROW = st.fixed_dictionaries(
    {},
    optional={
        "query": st.text(max_size=40) | st.sampled_from([FUYING, "盛京", UNKNOWN, "代孕", "北京 三代试管"]),
        "limit": st.integers(-2, 60) | st.floats(allow_nan=False, allow_infinity=False),
        "type": st.sampled_from(["institution", "", "x"]) | st.lists(st.just("institution"), max_size=2),
        "properties": st.lists(st.fixed_dictionaries({"pid": PIDS, "v": JSON}), max_size=3),
        "type_strict": st.sampled_from(["any", "all", "should"]),
    },
)
BATCHES = st.dictionaries(st.text(max_size=6), ROW | JSON, max_size=4) | JSON


@settings(max_examples=count_examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    queries=st.dictionaries(st.text(max_size=6), ROW | JSON, max_size=4) | JSON, extend=JSON, text=st.text(max_size=60)
)
def test_no_input_is_a_fault_of_the_server(server: Server, queries: Any, extend: Any, text: str) -> None:
    asked = post(server, queries=json.dumps(queries))
    assert asked.status_code in (200, 400), asked.text[:300]
    if asked.status_code == 200:
        conforms("reconciliation-result-batch", asked.json())
    assert post(server, query=text).status_code in (200, 400)
    assert post(server, extend=json.dumps(extend)).status_code in (200, 400)
    for path in ("suggest/entity", "suggest/property", "suggest/type"):
        assert server.get(f"/reconcile/{path}", prefix=text, cursor=text).status_code in (200, 400)
    for path in ("preview", "flyout/entity", "flyout/property"):
        assert server.get(f"/reconcile/{path}", id=text).status_code in (200, 400, 404)


# --- suggestions and previews ----------------------------------------------------------------------------------------


def test_suggestions_are_what_somebody_may_be_typing(server: Server) -> None:
    def entities(prefix: str, **more: Any) -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = get(server, "/suggest/entity", "suggest-entities-response", prefix=prefix, **more)[
            "result"
        ]
        return told

    assert entities("盛京")[0]["name"] == "中国医科大学附属盛京医院"
    assert entities(FUYING)[0]["description"].startswith("辽宁省沈阳市沈河区")
    assert [one["name"] for one in entities(code_of(server, FUYING))] == [FUYING]
    assert entities("") == entities("代孕") == []
    first, second = entities("人民医院"), entities("人民医院", cursor=10)
    assert len(first) == 10 and not {one["id"] for one in first} & {one["id"] for one in second}
    assert entities("人民医院", limit=3) == first[:3]
    assert entities("人民医院", cursor=99999) == []
    refused(server.get("/reconcile/suggest/entity", prefix="盛", cursor="x"), 400, "invalid_input")


def test_properties_and_the_type_are_suggested_by_id_and_by_name(server: Server) -> None:
    def properties(prefix: str, **more: Any) -> list[str]:
        path, schema = "/suggest/property", "suggest-properties-response"
        return [one["id"] for one in get(server, path, schema, prefix=prefix, **more)["result"]]

    everything = properties("")
    assert properties("addr") == ["address"] and properties("地址")[0] == "address"
    assert set(properties("region")) >= {"region"} and properties("", cursor=3) == everything[3:]
    proposed = get(server, "/properties", "data-extension-property-proposal", type="institution")
    assert [one["id"] for one in proposed["properties"]] == everything
    few = get(server, "/properties", "data-extension-property-proposal", type="institution", limit=2)
    assert (len(few["properties"]), few["limit"]) == (2, 2)
    assert get(server, "/properties", "data-extension-property-proposal", type="/x")["properties"] == []
    for prefix, found in (("inst", 1), ("机构", 1), ("", 1), ("person", 0)):
        assert len(get(server, "/suggest/type", "suggest-types-response", prefix=prefix)["result"]) == found
    page = server.get("/developers").text
    assert all(f'id="reconcile-{one}"' in page for one in [*everything, "own_name", "name_similarity", "same_site"])


def test_flyouts_say_a_few_words_without_anybodys_markup(server: Server) -> None:
    code = code_of(server, FUYING)
    told = server.get("/reconcile/flyout/entity", id=code).json()
    assert told["id"] == code and FUYING in told["html"] and "大南街87号" in told["html"]
    assert "&lt;script" not in told["html"] and server.get("/reconcile/flyout/property", id="address").json()["html"]
    refused(server.get("/reconcile/flyout/property", id="<script>"), 404, "not_found")
    refused(server.get("/reconcile/flyout/entity", id="7K2M-9QX5"), 400, "invalid_code")


def test_a_preview_may_be_framed_and_nothing_else_may(server: Server) -> None:
    code = code_of(server, FUYING)
    shown = server.get("/reconcile/preview", id=code)
    assert shown.status_code == 200
    for words in (FUYING, "大南街87号", "已获批准", "2025年6月30日", f"/i/{code}", "列入名录是许可", "二手转录"):
        assert words in shown.text, words
    assert "<script" not in shown.text and "<form" not in shown.text
    for answer, status in (
        (shown, 200),
        (server.get("/reconcile/preview", id="7K2M-9QX5"), 400),
        (server.get("/reconcile/preview", id=UNKNOWN), 404),
        (server.get("/reconcile/preview"), 400),
    ):
        policy = answer.headers["content-security-policy"]
        assert answer.status_code == status and "frame-ancestors *" in policy and "default-src 'none'" in policy
        assert answer.headers["content-type"].startswith("text/html")
    for path in ("/", f"/i/{code}", "/reconcile", "/nowhere", "/reconcile/suggest/type"):
        assert "frame-ancestors 'none'" in server.get(path).headers["content-security-policy"]
    english = server.get("/reconcile/preview", id=code, lang="en")
    assert 'lang="en"' in english.text and "A listing is permission" in english.text


# --- data extension --------------------------------------------------------------------------------------------------


def test_columns_are_fetched_as_the_record_has_them(server: Server) -> None:
    code = code_of(server, "鞍山市妇儿医院")
    record = server.api(f"/institutions/{code}")
    ids = ("name", "aliases", "former_names", "address", "region", "city", "status", "techniques", "approvals", "uscc")
    told = extended(server, [code], *({"id": pid} for pid in (*ids, "as_of", "log_size", "verification_due")))
    row = told["rows"][code]
    assert row["name"] == [{"str": record["name"]}] and row["address"] == [{"str": record["address"]}]
    assert [cell["str"] for cell in row["aliases"]] == record["aliases"] != []
    assert [cell["str"] for cell in row["former_names"]] == [one["name"] for one in record["former_names"]] != []
    assert (row["region"], row["city"]) == ([{"str": record["region"]["code"]}], [{"str": "鞍山市"}])
    assert [cell["str"] for cell in row["techniques"]] == [one["technique"] for one in record["approvals"]]
    assert row["approvals"][0]["str"] == f"{record['approvals'][0]['technique']}:{record['approvals'][0]['stage']}"
    assert row["status"] == [{"str": "listed"}] and row["uscc"] == row["verification_due"] == []
    assert row["as_of"] == [{"date": "2025-06-30T00:00:00Z"}] and row["log_size"] == [{"int": record["log_size"]}]
    assert [one["name"] for one in told["meta"]][:2] == ["名称", "其他名称"]
    english = extended(server, [code], {"id": "name"}, lang="en")
    assert [one["name"] for one in english["meta"]] == ["name"]
    by_address = server.get("/reconcile", extend=json.dumps({"ids": [code], "properties": [{"id": "name"}]}))
    assert by_address.json()["rows"][code]["name"] == row["name"]


def test_a_column_may_be_of_another_day_and_of_one_technique(server: Server) -> None:
    code = code_of(server, "鞍山市妇儿医院")
    past = {"on": "2018-03-01", "technique": ""}
    told = extended(
        server, [code], {"id": "name", "settings": past}, {"id": "approvals", "settings": {"technique": "IVF"}}
    )
    assert told["rows"][code]["name"] == [{"str": "鞍山市妇儿医院"}]
    assert [cell["str"].split(":")[0] for cell in told["rows"][code]["approvals"]] == ["IVF"]
    before = {"on": "2001-01-01"}
    told = extended(
        server, [code, UNKNOWN, "nobody"], *({"id": pid, "settings": before} for pid in ("status", "techniques"))
    )
    for row in told["rows"].values():  # nothing recorded is not "no techniques": the status says so
        assert row == {"status": [{"str": "no_record"}], "techniques": []}


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"ids": ["x"], "properties": [{"id": "beds"}]}, "beds"),
        ({"ids": ["x"], "properties": [{"id": "name", "settings": {"day": "2025-01-01"}}]}, "day"),
        ({"ids": ["x"], "properties": [{"id": "name", "settings": {"on": "yesterday"}}]}, "YYYY-MM-DD"),
        ({"ids": ["x"], "properties": [{"id": "name", "settings": {"technique": "冻卵"}}]}, "冻卵"),
        ({"ids": "x", "properties": []}, "ids"),
    ],
)
def test_a_column_that_cannot_be_is_refused_with_what_there_is(
    server: Server, asked: dict[str, Any], words: str
) -> None:
    assert words in refused(post(server, extend=json.dumps(asked)), 400, "invalid_input")


def test_no_more_than_so_many_institutions_at_once(server: Server) -> None:
    asked = {"ids": [f"x{n}" for n in range(501)], "properties": [{"id": "name"}]}
    assert "500" in refused(post(server, extend=json.dumps(asked)), 413, "too_large")


def test_what_is_suspended_delisted_or_overdue_is_still_matched_and_says_so(
    staffed: Cli, start: Callable[..., Server]
) -> None:
    changes = {
        FUYING: "status=suspended",
        FUYOU: "status=delisted",
        "鞍山市妇儿医院（鞍山市妇幼保健院）": 'approvals.IVF={"stage":"formal","verification_due":"2025-09-30"}',
    }
    codes = {name: staffed.ok("search", name, "--json").json["items"][0]["institution"]["code"] for name in changes}
    for name, change in changes.items():
        line = ("correct", codes[name], change, "--from", "2025-08-01", "--reason", "示例", "--by", "editor", "--json")
        staffed.ok("approve", staffed.ok(*line).json["proposal"], "--by", "approver")
    server = start(staffed.data_dir)
    queries = json.dumps({code: {"query": name} for name, code in codes.items()})
    told = conforms("reconciliation-result-batch", post(server, queries=queries).json())
    first = {name: told[code]["result"][0] for name, code in codes.items()}
    assert all(one["match"] and one["id"] == codes[name] for name, one in first.items())
    assert "已暂停" in first[FUYING]["description"] and "已移出名录" in first[FUYOU]["description"]

    rows = extended(server, list(codes.values()), *({"id": pid} for pid in ("status", "techniques", "approvals")))[
        "rows"
    ]
    suspended, delisted, overdue = (rows[code] for code in codes.values())
    assert suspended["status"] == [{"str": "suspended"}] and suspended["techniques"] == []
    assert {cell["str"].split(":")[1] for cell in suspended["approvals"]} == {"suspended"}
    assert delisted == {"status": [{"str": "delisted"}], "techniques": [], "approvals": []}
    assert {"str": "IVF:lapsed"} in overdue["approvals"] and {"str": "IVF"} not in overdue["techniques"]
    day = {"on": "2025-07-01"}
    before = extended(server, [codes[FUYING]], {"id": "techniques", "settings": day})["rows"][codes[FUYING]]
    assert {"str": "IVF"} in before["techniques"]

    for name, word in ((FUYING, "已暂停"), (FUYOU, "现不在名录中")):
        card = server.get("/reconcile/preview", id=codes[name]).text
        assert word in card and "已获批准" not in card
