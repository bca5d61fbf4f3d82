"""The JSON door of a running server: names and types of the contract, filters, paging, times, and the real list."""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from tests.running import Cli, Server, cpu_of_workers, eventually

ROOT = Path(__file__).parents[2]
CSV = ROOT / "seed_data" / "national-2025-06" / "national-list-2025-06.csv"
ANSHAN = "鞍山市妇儿医院（鞍山市妇幼保健院）"
DALIAN = "大连市妇女儿童医疗中心（集团）"
#: 妇婴 and 妇幼: near names, other streets, other techniques.
FUYING, FUYOU = "沈阳市妇婴医院", "沈阳市妇幼保健院"
TECHNIQUES = ("AIH", "AID", "IVF", "ICSI", "PGT", "SPERM_BANK")
STAGES = ("preparing", "trial", "formal", "operating", "rectification", "suspended", "revoked", "lapsed")
VERDICTS = (
    "licensed",
    "technique_not_licensed",
    "site_mismatch",
    "preparing",
    "suspended",
    "revoked",
    "lapsed",
    "ambiguous",
    "not_found",
    "unknown",
)
MATCHES = ("name", "alias", "former_name", "code", "uscc", "practice_licence_no", "domain")


# --- the contract as shapes ------------------------------------------------------------------------------------------


class Null:
    """`shape | null`"""

    def __init__(self, shape: object) -> None:
        self.shape = shape


class Word:
    """One of some words."""

    def __init__(self, *words: str) -> None:
        self.words = words


DAY = re.compile(r"\d{4}-\d\d-\d\d")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
CODE = re.compile(r"[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}")
SOURCE = {"title": str, "as_of": DAY, "published": Null(DAY)}
REGION = {"code": Null(re.compile(r"\d{6}")), "province": Null(str), "city": Null(str), "district": Null(str)}
INSTITUTION = {
    "code": CODE,
    "name": str,
    "aliases": [str],
    "former_names": [{"name": str, "until": DAY}],
    "region": REGION,
    "address": str,
    "status": Word("listed", "suspended", "delisted"),
    "approvals": [
        {
            "technique": Word(*TECHNIQUES),
            "name": str,
            "stage": Word(*STAGES),
            "valid_from": Null(DAY),
            "verification_due": Null(DAY),
            "document_no": Null(str),
            "authority": Null(str),
        }
    ],
    "uscc": Null(str),
    "practice_licence_no": Null(str),
    "domains": [str],
    "source": Null(SOURCE),
    "entry": int,
    "log_size": int,
    "name_en": Null(str),
}
INSTITUTIONS = {"items": [INSTITUTION], "next": Null(str), "total": int, "log_size": int}
HISTORY = {
    "versions": [
        {
            "entry": int,
            "recorded_at": INSTANT,
            "valid_from": DAY,
            "changes": [{"field": str, "from": object, "to": object}],
            "source": Null(SOURCE),
        }
    ]
}
SUGGESTIONS = {"items": [{"code": CODE, "name": str, "region": REGION, "match": str}]}
BASIS = {"source": str, "as_of": DAY, "entry": int}
ANSWER = {
    "id": Null(str),
    "verdict": Word(*VERDICTS),
    "explanation": str,
    "techniques": [
        {
            "technique": Word(*TECHNIQUES),
            "verdict": Word(*VERDICTS),
            "stage": Null(Word(*STAGES)),
            "basis": Null(BASIS),
        }
    ],
    "match": Null({"code": CODE, "name": str, "address": str, "on": Word(*MATCHES), "exact": bool}),
    "candidates": [{"code": CODE, "name": str, "address": str, "score": int}],
    "practitioner": Null(dict),
    "ad_certificate": Null(dict),
    "content_flags": [dict],
    "on": DAY,
    "known_at": INSTANT,
    "basis": Null(BASIS),
    "log": {"size": int, "root": re.compile("[0-9a-f]{64}")},
    "receipt": Null(str),
}


def misfits(value: Any, shape: Any, at: str = "") -> Iterator[str]:
    """Where a JSON value is not what the contract says; more fields than it names are allowed."""
    if isinstance(shape, Null):
        if value is not None:
            yield from misfits(value, shape.shape, at)
    elif isinstance(shape, dict):
        if not isinstance(value, dict):
            yield f"{at}: {value!r} is no object"
            return
        yield from (f"{at}.{name} is absent" for name in shape.keys() - value.keys())
        for name in shape.keys() & value.keys():
            yield from misfits(value[name], shape[name], f"{at}.{name}")
    elif isinstance(shape, list):
        if not isinstance(value, list):
            yield f"{at}: {value!r} is no list"
            return
        yield from chain.from_iterable(misfits(item, shape[0], f"{at}[]") for item in value)
    elif isinstance(shape, Word):
        if value not in shape.words:
            yield f"{at}: {value!r}"
    elif isinstance(shape, re.Pattern):
        if not isinstance(value, str) or not shape.fullmatch(value):
            yield f"{at}: {value!r}"
    elif not isinstance(value, shape) or (shape is int and isinstance(value, bool)):
        yield f"{at}: {value!r} is no {shape.__name__}"


def fits(value: Any, shape: Any) -> bool:
    found = list(misfits(value, shape))
    assert not found, found[:10]
    return True


def rows() -> list[dict[str, str]]:
    with CSV.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def every(server: Server, limit: int = 500, **query: Any) -> list[dict[str, Any]]:
    """All institutions of a list, page by page."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, Any] = {}
    while True:
        page = server.api("/institutions", limit=limit, **query, **cursor)
        assert len(page["items"]) <= limit
        found += page["items"]
        if page["next"] is None:
            assert len(found) == page["total"]
            return found
        cursor = {"cursor": page["next"]}


def one(server: Server, name: str) -> dict[str, Any]:
    """The only institution of exactly this name."""
    found = [item for item in server.api("/institutions", q=name)["items"] if item["name"] == name]
    assert len(found) == 1
    return dict(found[0])


# --- names and types -------------------------------------------------------------------------------------------------


def test_every_institution_has_the_contracts_fields_and_types(server: Server) -> None:
    page = server.api("/institutions", limit=500)
    assert fits(page, INSTITUTIONS)
    assert fits(every(server), [INSTITUTION])
    assert page["items"][0]["log_size"] == page["log_size"]


def test_the_contracts_example_is_as_the_contract_shows_it(server: Server) -> None:
    found = one(server, ANSHAN)
    expected = {
        "name": ANSHAN,
        "aliases": ["鞍山市妇幼保健院"],
        "former_names": [{"name": "鞍山市妇儿医院", "until": "2025-06-30"}],
        "region": {"code": "210303", "province": "辽宁省", "city": "鞍山市", "district": "铁西区"},
        "address": "辽宁省鞍山市铁西区三道街115号",
        "status": "listed",
        "uscc": None,
        "practice_licence_no": None,
        "domains": [],
    }
    assert {name: found[name] for name in expected} == expected
    ivf = next(approval for approval in found["approvals"] if approval["technique"] == "IVF")
    assert (ivf["name"], ivf["stage"], ivf["valid_from"]) == ("体外受精-胚胎移植", "formal", None)
    assert (found["source"]["as_of"], found["source"]["published"]) == ("2025-06-30", None)
    assert server.api(f"/institutions/{found['code']}") == found


def test_history_and_practitioners_and_suggestions_and_stats_have_the_contracts_shape(server: Server) -> None:
    code = one(server, ANSHAN)["code"]
    assert fits(server.api(f"/institutions/{code}/history"), HISTORY)
    assert server.api(f"/institutions/{code}/practitioners") == {"items": []}
    assert fits(server.api("/suggest", q="鞍山市妇"), SUGGESTIONS)
    assert server.api("/suggest", q="鞍山市妇")["items"][0]["code"] == code
    assert server.api("/suggest", q="") == {"items": []}
    stats = server.api("/stats")
    assert stats.keys() >= {"total", "by_region", "by_technique", "by_stage"}
    assert stats["total"] == sum(item["count"] for item in stats["by_region"]) == 635
    assert (stats["as_of"], len(stats["by_region"])) == ("2025-06-30", 31)


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        ({"provider": {"name": FUYING}, "techniques": ["IVF"]}, "licensed"),
        ({"provider": {"name": FUYOU}, "techniques": ["IVF"]}, "technique_not_licensed"),
        ({"provider": {"name": "没有这家医院"}, "techniques": ["IVF"]}, "not_found"),
        ({"provider": {"name": DALIAN}, "techniques": ["AID"]}, "ambiguous"),
        ({"provider": {"name": FUYING, "address": "沈阳市沈河区沈州路41号"}, "techniques": ["IVF"]}, "site_mismatch"),
        ({"provider": {"name": FUYING}, "techniques": ["IVF"], "on": "2010-01-01"}, "unknown"),
        ({"provider": {"name": FUYING}}, "licensed"),
    ],
)
def test_an_answer_has_the_contracts_fields_and_the_verdict(
    server: Server, claim: dict[str, Any], verdict: str
) -> None:
    answer = server.verify(**claim, id="row-1")
    assert fits(answer, ANSWER)
    assert (answer["verdict"], answer["id"], answer["receipt"]) == (verdict, "row-1", None)
    everything = ["AIH", "IVF", "ICSI", "PGT"]  # that is recorded, where nothing was claimed
    assert [item["technique"] for item in answer["techniques"]] in ([], claim.get("techniques", everything))
    asked = {"name": claim["provider"]["name"], "technique": claim.get("techniques", [])}
    if "on" in claim:
        asked["on"] = claim["on"]
    if "address" in claim["provider"]:
        asked["address"] = claim["provider"]["address"]
    by_query = server.api("/verify", **asked)
    assert {**by_query, "known_at": None, "id": None} == {**answer, "known_at": None, "id": None}


def test_the_claims_verdict_is_the_worst_of_its_techniques(server: Server) -> None:
    answer = server.verify(provider={"name": FUYOU}, techniques=["AIH", "IVF"])
    assert [item["verdict"] for item in answer["techniques"]] == ["licensed", "technique_not_licensed"]
    assert answer["verdict"] == "technique_not_licensed"
    assert answer["basis"]["as_of"] == "2025-06-30"


def test_an_institution_answers_to_its_code_however_it_is_written(server: Server) -> None:
    code = one(server, ANSHAN)["code"]
    for written in (code, code.lower(), code.replace("-", ""), code.replace("0", "O").replace("1", "l")):
        assert server.api(f"/institutions/{written}")["code"] == code
        answer = server.verify(provider={"code": written}, techniques=["IVF"])
        assert (answer["verdict"], answer["match"]["on"], answer["match"]["code"]) == ("licensed", "code", code)


def test_sentences_are_chinese_unless_english_is_asked_for(server: Server) -> None:
    claim = {"provider": {"name": FUYOU}, "techniques": ["IVF"]}
    chinese = server.client.post("/api/v1/verify", json=claim).json()["explanation"]
    english = server.client.post("/api/v1/verify", json=claim, params={"lang": "en"}).json()["explanation"]
    accepted = server.client.post("/api/v1/verify", json=claim, headers={"accept-language": "en-GB,en"}).json()
    assert chinese.startswith("该机构在名录中，但未获准开展")
    assert english.startswith("This institution is on the list, but")
    assert accepted["explanation"] == english


# --- the named institutions ----------------------------------------------------------------------------------


def test_dalian_is_two_institutions_at_two_addresses(server: Server) -> None:
    both = [item for item in server.api("/institutions", q=DALIAN)["items"] if item["name"] == DALIAN]
    assert len({item["code"] for item in both}) == len({item["address"] for item in both}) == 2
    offered = sorted(sorted(approval["technique"] for approval in item["approvals"]) for item in both)
    assert offered == [["AID", "AIH", "ICSI", "IVF", "PGT"], ["AIH", "ICSI", "IVF"]]
    for item in both:
        answer = server.verify(provider={"name": DALIAN, "address": item["address"]}, techniques=["PGT"])
        assert answer["match"]["code"] == item["code"]
        assert (answer["verdict"] == "licensed") == (len(item["approvals"]) == 5)


def test_two_near_names_of_shenyang_never_answer_for_each_other(server: Server) -> None:
    codes = {name: one(server, name)["code"] for name in (FUYING, FUYOU)}
    for name, code in codes.items():
        answer = server.verify(provider={"name": name})
        assert (answer["match"]["code"], answer["match"]["exact"]) == (code, True)
        assert server.api("/institutions", q=name)["items"][0]["code"] == code
        assert server.api("/suggest", q=name)["items"][0]["code"] == code
    for mixed in ("沈阳市妇婴保健院", "沈阳市妇幼医院", "沈阳妇婴", "沈阳妇幼保健院"):
        answer = server.verify(provider={"name": mixed}, techniques=["IVF"])
        assert (answer["verdict"], answer["match"]) == ("not_found", None)
        assert {item["code"] for item in answer["candidates"]} & set(codes.values())
    both = server.verify(provider={"name": FUYOU, "code": codes[FUYING]}, techniques=["IVF"])
    assert both["verdict"] == "ambiguous"


def test_heping_campus_knows_its_former_name(server: Server) -> None:
    found = one(server, "北部战区总医院和平院区")
    assert found["former_names"] == [{"name": "原沈阳军区第202医院", "until": "2025-06-30"}]
    versions = server.api(f"/institutions/{found['code']}/history")["versions"]
    renamed = [change for version in versions for change in version["changes"] if change["field"] == "name"]
    assert {"field": "name", "from": "原沈阳军区第202医院", "to": found["name"]} in renamed
    answer = server.verify(provider={"name": "原沈阳军区第202医院"}, techniques=["IVF"])
    assert (answer["verdict"], answer["match"]["on"], answer["match"]["code"]) == (
        "licensed",
        "former_name",
        found["code"],
    )


def test_famous_is_not_approved(server: Server) -> None:
    for name in ("中国医科大学附属第一医院", "大连医科大学附属第二医院"):
        assert server.verify(provider={"name": name}, techniques=["IVF"])["verdict"] == "not_found"
    for name in ("大连医科大学附属第一医院", "辽宁省妇幼保健院"):
        answer = server.verify(provider={"name": name}, techniques=["AIH", "IVF"])
        assert [item["verdict"] for item in answer["techniques"]] == ["licensed", "technique_not_licensed"]


# --- filters ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("region", "total"), [("210000", 22), ("210300", 1), ("210303", 1), ("210302", 0), ("110000", 18)]
)
def test_a_region_includes_all_below_it(server: Server, region: str, total: int) -> None:
    assert server.api("/institutions", region=region)["total"] == total


def test_region_filters_equal_the_lists_own_counts(server: Server) -> None:
    printed = {row["province"]: int(row["province_count"]) for row in rows()}
    counted = {item["name"]: item["count"] for item in server.api("/stats")["by_region"]}
    assert counted == printed


def stage_of(row: dict[str, str]) -> str:
    return row["stages"] if row["stages"] in ("formal", "trial") else "operating"


@pytest.mark.parametrize("stage", [None, "formal", "trial", "operating"])
@pytest.mark.parametrize("technique", [None, "AIH", "AID", "IVF", "ICSI", "PGT", "SPERM_BANK"])
def test_technique_and_stage_filters_equal_a_naive_count(
    server: Server, technique: str | None, stage: str | None
) -> None:
    expected = {
        (row["name"], row["address"])
        for row in rows()
        if (technique is None or technique in row["techniques"].split()) and stage in (None, stage_of(row))
    }
    query = {name: value for name, value in (("technique", technique), ("stage", stage)) if value}
    assert {(item["name"], item["address"]) for item in every(server, **query)} == expected


def test_several_techniques_must_all_be_approved(server: Server) -> None:
    expected = sum({"AID", "PGT"} <= set(row["techniques"].split()) for row in rows())
    assert server.api("/institutions", technique=["AID", "PGT"])["total"] == expected
    assert server.api("/institutions", technique="AID,PGT")["total"] == expected
    assert server.api("/institutions", technique=["供精", "三代试管"])["total"] == expected


# --- paging ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [7, 100, 317, 500])
def test_paging_shows_all_635_once(server: Server, limit: int) -> None:
    found = [item["code"] for item in every(server, limit)]
    assert len(found) == len(set(found)) == 635
    assert found == [item["code"] for item in every(server)]


def test_paging_through_a_search_repeats_and_misses_nothing(server: Server) -> None:
    whole = [item["code"] for item in every(server, 500, q="妇幼保健院")]
    paged = [item["code"] for item in every(server, 23, q="妇幼保健院")]
    assert paged == whole
    assert len(set(whole)) == len(whole) > 100


def test_paging_stays_on_one_state_while_the_register_grows(
    staffed: Cli, start: Callable[..., Server], tmp_path: Path
) -> None:
    server = start(staffed.data_dir)
    first = server.api("/institutions", limit=100)
    path = tmp_path / "new.csv"
    path.write_text(
        "province,name,address,techniques,stages\n北京市,新示例妇产医院,北京市东城区新示例街1号,AIH,formal\n", "utf-8"
    )
    outcome = staffed.ok("import", path, "--as-of", "2025-09-30", "--by", "editor", "--json").json
    staffed.ok("approve", outcome["proposal"], "--by", "approver")
    found, page = list(first["items"]), first
    while page["next"]:
        page = server.api("/institutions", limit=100, cursor=page["next"])
        assert (page["log_size"], page["total"]) == (first["log_size"], 635)
        found += page["items"]
    assert len({item["code"] for item in found}) == len(found) == 635
    assert "新示例妇产医院" not in {item["name"] for item in found}
    assert server.api("/institutions")["total"] == 636


# --- times -----------------------------------------------------------------------------------------------------------


def test_a_day_before_the_first_source_has_no_institutions(server: Server) -> None:
    assert server.api("/institutions", on="2018-02-20")["total"] == 0
    assert server.api("/institutions", on="2018-02-21")["total"] == 325
    assert server.api("/institutions", on="2025-06-30")["total"] == 635
    code = one(server, ANSHAN)["code"]
    assert server.api(f"/institutions/{code}", on="2019-01-01")["name"] == "鞍山市妇儿医院"
    assert server.api(f"/institutions/{code}", status=404, on="2017-01-01")["code"] == "not_found"


def test_known_at_answers_as_was_known_then(server: Server) -> None:
    code = one(server, ANSHAN)["code"]
    before, after, _ = (item["recorded_at"] for item in server.api(f"/institutions/{code}/history")["versions"])
    assert server.api("/institutions", known_at=before)["total"] == 325
    assert server.api("/institutions", known_at=after)["total"] == 635
    assert server.api("/institutions", known_at="2001-01-01T00:00:00Z")["total"] == 0
    assert server.api(f"/institutions/{code}", known_at=before)["name"] == "鞍山市妇儿医院"
    assert len(server.api(f"/institutions/{code}/history", known_at=before)["versions"]) == 1
    for moment, size in ((before, 326), (after, 980)):
        assert server.api("/institutions", known_at=moment)["log_size"] == size
    only_later = server.verify(provider={"name": DALIAN}, techniques=["IVF"], known_at=before)
    assert only_later["verdict"] != "licensed"
    assert only_later["known_at"] == before.replace(".000Z", "Z")


def test_today_is_the_day_in_shanghai_wherever_the_server_stands(seeded: Cli, start: Callable[..., Server]) -> None:
    server = start(seeded.data_dir, TZ="XXX+12")  # twelve hours behind UTC: yesterday, most of Shanghai's day
    day = dt.datetime.now(dt.timezone(dt.timedelta(hours=8))).date()
    answered = server.verify(provider={"name": FUYING})["on"]
    assert answered in (day.isoformat(), (day + dt.timedelta(days=1)).isoformat())


# --- caching and other sites -----------------------------------------------------------------------------------------


def test_reads_have_an_etag_that_changes_with_the_register(
    staffed: Cli, start: Callable[..., Server], tmp_path: Path
) -> None:
    server = start(staffed.data_dir)
    read = server.get("/api/v1/stats")
    tag = {"if-none-match": read.headers["etag"]}
    same = server.client.get("/api/v1/stats", headers=tag)
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", read.headers["etag"])
    assert server.client.get("/api/v1/stats", headers={"if-none-match": '"other"'}).status_code == 200
    path = tmp_path / "new.csv"
    path.write_text(
        "province,name,address,techniques,stages\n北京市,新示例妇产医院,北京市东城区新示例街1号,AIH,formal\n", "utf-8"
    )
    outcome = staffed.ok("import", path, "--as-of", "2025-09-30", "--by", "editor", "--json").json
    staffed.ok("approve", outcome["proposal"], "--by", "approver")
    assert eventually(lambda: server.client.get("/api/v1/stats", headers=tag).status_code == 200)


def test_any_site_may_read_and_verify_from_a_browser(server: Server) -> None:
    origin = {"origin": "https://reviewer.example"}
    assert server.client.get("/api/v1/stats", headers=origin).headers["access-control-allow-origin"] == "*"
    asked = {**origin, "access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    preflight = server.client.options("/api/v1/verify", headers=asked)
    assert preflight.status_code in (200, 204)
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert "content-type" in preflight.headers["access-control-allow-headers"].lower()
    refused = server.client.get("/api/v1/institutions/ABC", headers=origin)
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (400, "*")


# --- beside the licence ----------------------------------------------------------------------------------------------


def test_licence_certificate_and_wording_are_three_answers(server: Server) -> None:
    text = "包成功代孕套餐、普通选性别代孕套餐"
    licence = server.verify(provider={"name": FUYING}, techniques=["IVF"])
    answer = server.verify(
        provider={"name": FUYING},
        techniques=["IVF"],
        practitioner={"name": "示例员"},
        ad_certificate="(京)中医广2007第01-30-10号",
        text=text,
    )
    assert (answer["verdict"], answer["techniques"]) == (licence["verdict"], licence["techniques"])
    assert (licence["practitioner"], licence["ad_certificate"], licence["content_flags"]) == (None, None, [])
    assert answer["practitioner"]["verdict"] == "unknown"
    assert (answer["ad_certificate"]["verdict"], answer["ad_certificate"]["valid_to"]) == ("expired", "2008-01-29")
    flags = answer["content_flags"]
    assert {flag["kind"] for flag in flags} == {"guarantee", "surrogacy", "lure", "sex_selection"}
    assert all(text[flag["start"] : flag["end"]] == flag["text"] for flag in flags)


def test_a_text_alone_is_answered_for_whom_it_names_in_every_form(server: Server) -> None:
    text = f"就在{FUYING}，三代试管"
    named = server.verify(provider={"name": FUYING}, techniques=["PGT"])
    answer = server.verify(text=text)
    assert (answer["verdict"], answer["match"]) == (named["verdict"], named["match"])
    assert [(one["text"], one["code"], one["verdict"]) for one in answer["mentions"]] == [
        (FUYING, named["match"]["code"], named["verdict"])
    ]
    assert server.api("/verify", text=text)["mentions"] == answer["mentions"]
    nobody = server.verify(text="三代试管，包成功")
    assert (nobody["verdict"], nobody["mentions"], nobody["match"]) == ("unknown", [], None)
    signed = server.verify(text=text, receipt=True)["receipt"]
    checked = server.client.post("/api/v1/receipts/check", json={"receipt": signed}).json()
    assert (checked["valid"], checked["still_true"]) == (True, True)
    table = server.client.post(
        "/api/v1/verify/batch", content=f"text\n{text}\n", headers={"content-type": "text/csv"}
    ).text
    assert f"{FUYING}={named['verdict']}" in table
    for nothing in ({}, {"text": ""}, {"text": "，。"}, {"provider": {"address": "沈阳市"}}):
        assert server.client.post("/api/v1/verify", json=nothing).status_code == 400


def test_an_address_asks_the_same_with_a_text_of_its_own_length(server: Server) -> None:
    asked = {"name": FUYING, "practitioner": "示例员", "ad_certificate": "12345", "text": "三代试管" + "字" * 1996}
    answer = server.api("/verify", **asked)
    assert [(one["technique"], one["from_text"]) for one in answer["techniques"]] == [("PGT", True)]
    assert answer["ad_certificate"]["verdict"] == "malformed"
    refused = server.get("/api/v1/verify", **{**asked, "text": "字" * 2001})
    assert (refused.status_code, "2000" in refused.text) == (400, True)


def test_a_hostile_text_of_full_length_is_answered_soon(server: Server) -> None:
    ordinary = 0.05  # what an ordinary one of that length costs here, of the processor
    for piece in ("本院开展人工授精，请到门诊。", "代", "dai", "供卵试管代孕", "成功率高达", "禁止代孕"):
        text = (piece * 20_000)[:20_000]
        before = cpu_of_workers(server)
        answer = server.verify(provider={"name": FUYING}, text=text)
        cost = cpu_of_workers(server) - before
        assert cost < 50 * ordinary
        ordinary = max(ordinary, cost) if piece.startswith("本院") else ordinary
        assert all(text[flag["start"] : flag["end"]] == flag["text"] for flag in answer["content_flags"])
