"""Receipts of many claims: one signature, every row provable alone, by whoever has a JOSE library; nothing left out."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from registry.log import signing_keys
from registry.receipts import jws
from tests.journeys.test_api_problems import problem
from tests.journeys.test_batch import BATCH, CSV, FUYING, LIMIT, NDJSON, line, memory_of, pieces
from tests.journeys.test_receipts import check_receipt_at, key_set
from tests.receipts import header_of, opened_by_another, packed, row_of, unpacked
from tests.running import Cli, Server

NAMES = [FUYING, "沈阳市妇幼保健院", "查无此院", FUYING, "鞍山市妇儿医院"]
CLAIMS: list[dict[str, Any]] = [
    {"id": f"row-{n}", "provider": {"name": name}, "techniques": ["IVF"], "on": "2025-07-01"}
    for n, name in enumerate(NAMES)
]
BAD = {"id": "bad", "provider": {"name": FUYING}, "techniques": ["冻卵"]}


def lines(claims: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(claim, ensure_ascii=False).encode() + b"\n" for claim in claims)


def asked(server: Server, form: str, claims: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The answers to a batch that asks for receipts as a whole, in one of the ways there are."""
    if form == "json":
        return list(server.client.post(BATCH, json={"claims": claims, "receipt": True}).json()["answers"])
    if form == "json by address":
        return list(server.client.post(BATCH, json={"claims": claims}, params={"receipt": "true"}).json()["answers"])
    content: Any = lines(claims) if form == "ndjson" else iter([lines(claims[:2]), lines(claims[2:])])
    answer = server.client.post(BATCH, content=content, headers=NDJSON, params={"receipt": "true"})
    return [json.loads(one) for one in answer.content.splitlines()]


def proven(receipt: str, keys: dict[str, Any]) -> dict[str, Any]:
    """The row a receipt proves, found by another library and by the words of the documentation."""
    return row_of(receipt, opened_by_another(receipt, keys)["rows"])


@pytest.mark.parametrize("form", ["json", "json by address", "ndjson", "ndjson in chunks"])
def test_one_signature_stands_over_all_rows_and_each_is_proven_alone(server: Server, form: str) -> None:
    told = asked(server, form, [*CLAIMS[:2], BAD, *CLAIMS[2:]])
    bad = told.pop(2)
    assert (bad["id"], bad["error"]["code"]) == ("bad", "invalid_input")
    assert "receipt" not in bad
    receipts = [one["receipt"] for one in told]
    assert len({receipt.split("~")[0] for receipt in receipts}) == 1
    keys = key_set(server)
    for claim, one in zip(CLAIMS, told, strict=True):
        receipt = one.pop("receipt")
        signed = opened_by_another(receipt, keys)
        assert (signed["rows"]["size"], header_of(receipt)["typ"]) == (len(CLAIMS), "art-receipt-batch+jwt")
        row = proven(receipt, keys)
        assert (row["question"], row["answer"]) == (claim, one)
        found = check_receipt_at(server, receipt)
        assert (found["valid"], found["still_true"], found["answer"]) == (True, True, one)


def test_csv_has_one_more_column_and_rows_with_errors_have_nothing_in_it(server: Server) -> None:
    # The old receipts of a file that was answered before give way to the new ones.
    sent = f"编号,机构名称,技术,receipt\r\n1,{FUYING},IVF,old\r\n2,{FUYING},冻卵,old\r\n3,查无此院,IVF,\r\n"
    answer = server.client.post(BATCH, content=sent.encode(), headers=CSV, params={"receipt": "true"})
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert list(rows[0])[-3:] == ["error_code", "error", "receipt"]
    assert (rows[1]["error_code"], rows[1]["receipt"]) == ("invalid_input", "")
    keys = key_set(server)
    for row, verdict in ((rows[0], "licensed"), (rows[2], "not_found")):
        said = proven(row["receipt"], keys)
        assert (row["verdict"], said["answer"]["verdict"], said["question"]["id"]) == (verdict, verdict, row["编号"])
    plain = server.client.post(BATCH, content=sent.encode(), headers=CSV).content.decode("utf-8-sig")
    assert plain.splitlines()[0].endswith("error_code,error")


def test_a_row_that_was_altered_or_is_of_another_batch_proves_nothing(server: Server) -> None:
    mine, other = (asked(server, "json", CLAIMS) for _ in range(2))
    token, row, way = mine[1]["receipt"].split("~")
    said = json.loads(unpacked(row))
    assert said["answer"]["verdict"] == "technique_not_licensed"
    said["answer"]["verdict"] = "licensed"
    foreign = other[1]["receipt"].split("~")
    neighbour = mine[2]["receipt"].split("~")
    for altered in (
        f"{token}~{packed(said)}~{way}",
        f"{token}~{foreign[1]}~{foreign[2]}",
        f"{token}~{foreign[1]}~{way}",
        f"{token}~{neighbour[1]}~{way}",
        f"{token}~{row}~{neighbour[2]}",
    ):
        found = check_receipt_at(server, altered)
        assert (found["valid"], found["reason"], found["answer"]) == (False, "altered", None)
        with pytest.raises(AssertionError):
            proven(altered, key_set(server))


@pytest.mark.parametrize("form", ["json", "ndjson"])
def test_a_claim_may_ask_for_itself_alone(server: Server, form: str) -> None:
    claims = [CLAIMS[0], {**CLAIMS[1], "receipt": True}, CLAIMS[2]]
    if form == "json":
        told = server.client.post(BATCH, json={"claims": claims}).json()["answers"]
    else:
        answer = server.client.post(BATCH, content=lines(claims), headers=NDJSON)
        told = [json.loads(one) for one in answer.content.splitlines()]
    assert [one["receipt"] is None for one in told] == [True, False, True]
    receipt = told[1].pop("receipt")
    said = opened_by_another(receipt, key_set(server))
    assert (said["question"], said["answer"], header_of(receipt)["typ"]) == (CLAIMS[1], told[1], "art-receipt+jwt")


def test_where_nothing_can_be_signed_nothing_is_answered(
    seeded: Cli, start: Callable[..., Server], tmp_path: Path
) -> None:
    keyless = start(seeded.data_dir, REGISTRY_SIGNING_KEY=str(tmp_path / "nowhere.key"))
    alone = [*CLAIMS, {**CLAIMS[0], "receipt": True}]
    whole = {"receipt": "true"}
    post = keyless.client.post
    for answer in (
        post(BATCH, json={"claims": CLAIMS, "receipt": True}),
        post(BATCH, json={"claims": CLAIMS}, params=whole),
        post(BATCH, json={"claims": alone}),
        post(BATCH, content=lines(CLAIMS), headers=NDJSON, params=whole),
        post(BATCH, content=iter([lines(CLAIMS)]), headers=NDJSON, params=whole),
        post(BATCH, content=lines(alone), headers=NDJSON),
        post(BATCH, content=f"name\n{FUYING}\n".encode(), headers=CSV, params=whole),
    ):
        problem(answer, 503, "cannot_sign")
    # What nobody could foresee is said in its row.
    told = post(BATCH, content=iter([lines(alone)]), headers=NDJSON).content.splitlines()
    assert [json.loads(one).get("verdict") for one in told[:2]] == ["licensed", "technique_not_licensed"]
    assert (json.loads(told[-1])["error"]["status"], json.loads(told[-1])["error"]["code"]) == (503, "cannot_sign")
    assert all(one.get("verdict") for one in post(BATCH, json={"claims": CLAIMS}).json()["answers"])
    file = tmp_path / "claims.ndjson"
    file.write_bytes(lines(CLAIMS))
    nowhere = {"REGISTRY_SIGNING_KEY": str(tmp_path / "nowhere.key")}
    assert "签名密钥" in seeded.refused("check", file, "--receipt", "-o", tmp_path / "out.ndjson", **nowhere)
    assert not (tmp_path / "out.ndjson").exists()


def test_a_word_that_is_neither_true_nor_false_is_refused(server: Server) -> None:
    problem(server.client.post(BATCH, json={"claims": CLAIMS}, params={"receipt": "perhaps"}), 400, "invalid_input")
    problem(server.client.post(BATCH, json={"claims": CLAIMS, "receipt": "yes"}), 400, "invalid_input")


def test_a_batch_without_an_answered_row_needs_no_signature(server: Server) -> None:
    assert asked(server, "json", []) == []
    assert [one["id"] for one in asked(server, "ndjson", [BAD])] == ["bad"]


def test_a_hundred_thousand_rows_with_receipts_take_no_more_memory_than_their_hashes(
    start: Callable[..., Server], seed_dir: Path, tmp_path: Path
) -> None:
    shutil.copytree(seed_dir, tmp_path / "var")
    server = start(tmp_path / "var")

    def ask(rows: int) -> Iterator[bytes]:
        whole = {"receipt": "true"}
        with server.client.stream(
            "POST", BATCH, content=pieces(rows), headers=NDJSON, params=whole, timeout=120
        ) as told:
            yield from told.iter_lines()

    assert sum(1 for _ in ask(LIMIT // 20)) == LIMIT // 20
    before = memory_of(server)
    keys, received = key_set(server), 0
    for number, text in enumerate(ask(LIMIT)):
        received += len(text)
        if number in (0, 1, LIMIT // 2, LIMIT - 1):
            assert proven(json.loads(text)["receipt"], keys)["question"] == json.loads(line(number))
    assert number == LIMIT - 1
    assert received > 250 * 1024 * 1024
    assert memory_of(server) - before < received / 1024 / 1024 / 4  # the hashes are 9 MiB, the rest waits in buffers


# --- in the shell ----------------------------------------------------------------------------------------------------


def test_a_file_is_answered_with_receipts_in_every_form(seeded: Cli, tmp_path: Path) -> None:
    keys = jws.make_key_set(map(jws.to_public_key, signing_keys.load_keys(seeded.data_dir / "signing.key")))
    (tmp_path / "claims.ndjson").write_bytes(lines([*CLAIMS, BAD]))
    (tmp_path / "claims.csv").write_text(f"id,name,techniques\nrow-0,{FUYING},IVF\nrow-1,,IVF\n", "utf-8")
    for given, wanted in (("claims.ndjson", "a.ndjson"), ("claims.csv", "a.csv"), ("claims.csv", "a.xlsx")):
        seeded.ok("check", tmp_path / given, "--receipt", "-o", tmp_path / wanted)
    answers = [json.loads(one) for one in (tmp_path / "a.ndjson").read_bytes().splitlines()]
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx").active
    assert sheet is not None
    headings, *cells = sheet.iter_rows(values_only=True)
    assert (headings[-1], cells[1][-1], rows[1]["receipt"], "receipt" in answers[-1]) == ("receipt", None, "", False)
    for receipt in (answers[0]["receipt"], rows[0]["receipt"], str(cells[0][-1])):
        assert proven(receipt, keys)["question"]["id"] == "row-0"
        (tmp_path / "one.jws").write_text(receipt, "ascii")
        assert seeded("receipt", tmp_path / "one.jws").code == 0
