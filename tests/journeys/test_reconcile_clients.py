"""Programs that other people wrote for the Reconciliation Service API, against a real server."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.reconciliation.openrefine import openrefine
from tests.reconciliation.program import asked_by_client
from tests.running import Server

FUYING, FUYOU, SHENGJING = "沈阳市妇婴医院", "沈阳市妇幼保健院", "中国医科大学附属盛京医院"


def test_a_client_in_python_reads_the_manifest_and_every_kind_of_answer(server: Server) -> None:
    if os.environ.get("REGISTRY_TESTS_WITHOUT_RECONCILIATION_CLIENT") == "1":
        pytest.skip(
            "REGISTRY_TESTS_WITHOUT_RECONCILIATION_CLIENT=1: tests with the reconciliation client were left out"
        )
    elsewhere = {"pid": "address", "v": "沈阳市沈河区沈州路41号"}
    told = asked_by_client(
        f"{server.url}/reconcile",
        [
            {"query": FUYING, "limit": 3},
            {"query": FUYING, "type": "institution", "type_strict": "should", "properties": [elsewhere]},
            {"query": "盛京医院"},
            {"query": "代孕"},
            {"query": FUYING, "properties": [{"pid": "beds", "v": 5}]},
            {"query": FUYING, "properties": [{"pid": "city", "v": ["大连市", {"id": "Q1", "name": "沈阳市"}]}]},
        ],
    )
    assert told["manifest"]["versions"] == ["0.2"] and told["manifest"]["batch_size"] == 50
    assert told["manifest"]["default_types"][0]["id"] == "institution"
    sure, elsewhere_, near, none, wrong, several = (one["result"] for one in told["batch"])
    assert told["one"]["result"] == told["later"]["result"] == sure
    assert (sure[0]["name"], sure[0]["match"], len(sure)) == (FUYING, True, 3)
    assert [(one["name"], one["match"]) for one in elsewhere_[:2]] == [(FUYOU, False), (FUYING, False)]
    assert (near[0]["name"], near[0]["match"]) == (SHENGJING, False)
    assert none == wrong == []
    assert several[0]["match"] is True


def test_openrefine_matches_a_column_of_names_and_fetches_columns_beside_it(server: Server, tmp_path: Path) -> None:
    address = f"{server.url}/reconcile"
    manifest = server.get("/reconcile").json()
    table = [
        {"name": FUYING, "address": "沈阳市沈河区大南街87号"},
        {"name": FUYING, "address": "沈阳市沈河区沈州路41号"},
        {"name": "盛京医院", "address": ""},
        {"name": "没有这样一家机构", "address": ""},
        {"name": "7K2M-9QX5", "address": ""},
        *({"name": f"示例{n}医院", "address": ""} for n in range(30)),
        {"name": SHENGJING, "address": ""},
    ]
    with openrefine(tmp_path) as refine:
        refine.read(table)
        refine.reconcile("name", manifest, address, {"address": "address"})
        judged = refine.judgments("name")
        assert len(judged) == len(table)
        assert [(row, one["m"]["name"]) for row, one in enumerate(judged) if one["j"] == "matched"] == [
            (0, FUYING),
            (len(table) - 1, SHENGJING),
        ]
        assert [one["name"] for one in judged[1]["c"][:2]] == [FUYOU, FUYING]
        assert judged[2]["c"][0]["name"] == SHENGJING and judged[4]["c"] == []
        wanted = [
            {"id": "code", "name": "名录编码"},
            {"id": "status", "name": "状态", "settings": {"on": "2025-07-01", "technique": ""}},
            {"id": "as_of", "name": "来源截至日期"},
            {"id": "techniques", "name": "获准技术", "settings": {"on": "", "technique": "IVF"}},
        ]
        refine.extend("name", manifest, address, wanted)
        rows = refine.rows()
    assert len(rows) == len(table)
    first = {"name": FUYING, "名录编码": judged[0]["m"]["id"], "状态": "listed", "获准技术": "IVF"}
    assert first.items() <= rows[0].items() and rows[0]["来源截至日期"].startswith("2025-06-30")
    assert rows[1]["状态"] == rows[2]["状态"] == ""  # what was not matched has no columns
    assert rows[-1]["名录编码"] == judged[-1]["m"]["id"]
