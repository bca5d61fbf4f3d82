"""Clients that others generate from the OpenAPI document send every field of a claim, and are told the truth."""

from __future__ import annotations

import base64
import datetime as dt
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.clients import build
from tests.explained import UNUSED_USCC
from tests.running import PATIENCE, Server

pytestmark = pytest.mark.skipif(os.environ.get("REGISTRY_TESTS_WITHOUT_CLIENTS") == "1", reason="asked for")
WHOLE = {
    "id": "row-1",
    "provider": {"name": "鞍山市妇儿医院", "address": "辽宁省鞍山市铁西区三道街115号"},
    "techniques": ["IVF", "ICSI"],
    "on": "2025-07-01",
    "known_at": "2098-12-31T16:00:00Z",
    "practitioner": {"name": "示例员"},
    "ad_certificate": "(辽)医广[2023]第07-15-001号",
    "text": "体外受精，包成功",
    "receipt": True,
}
#: The name is right, the address is that of another street.
WRONG_SITE = {**WHOLE, "provider": {"name": "鞍山市妇儿医院", "address": "辽宁省鞍山市铁西区建国大道900号"}}
#: All fields of a provider: of whom, no institution has these numbers.
NUMBERED = {
    **WHOLE,
    "provider": {
        **WHOLE["provider"],  # type: ignore[dict-item]
        "uscc": UNUSED_USCC,
        "practice_licence_no": "PDY10001221030021A1001",
        "code": "7HV2-JKMV",
        "domain": "hospital.example",
    },
}
CLAIMS = [WHOLE, WRONG_SITE, NUMBERED]


@pytest.fixture(scope="module")
def commands(server: Server) -> dict[str, list[str]]:
    missing = build.find_missing_tools()
    assert not missing, f"not installed: {missing}; bash tests/setup.sh clients"
    return build.build_clients(server.client.get("/api/v1/openapi.json").content)


def read_question(receipt: str) -> dict[str, Any]:
    """The question inside a receipt: what the server understood."""
    payload = receipt.split(".")[1]
    question: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["question"]
    return question


def with_instants(claim: dict[str, Any]) -> dict[str, Any]:
    """A claim whose instant is compared as one, however it is written; whether a receipt is wanted is no question."""
    return {
        **{name: value for name, value in claim.items() if name != "receipt"},
        "known_at": dt.datetime.fromisoformat(claim["known_at"]),
    }


@pytest.mark.parametrize("name", build.CLIENTS)
def test_a_generated_client_sends_every_field_and_gets_the_verdict(
    name: str, commands: dict[str, list[str]], server: Server, tmp_path: Path
) -> None:
    file = tmp_path / "claims.json"
    file.write_text(json.dumps({"claims": CLAIMS}), "utf-8")
    done = subprocess.run(
        [*commands[name], server.url, str(file)], capture_output=True, text=True, timeout=2 * PATIENCE, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    raw = [server.verify(**claim) for claim in CLAIMS]
    assert [answer["verdict"] for answer in found["answers"]] == [answer["verdict"] for answer in raw]
    assert found["answers"][1]["verdict"] == "site_mismatch"
    assert [answer["id"] for answer in found["answers"]] == ["row-1"] * len(CLAIMS)
    for claim, answer in zip(CLAIMS, found["answers"], strict=True):
        assert with_instants(read_question(answer["receipt"])) == with_instants(claim)
    assert found["batch"] == [raw[0]["verdict"], "invalid_input"], "a refused row is no answer"
