"""Receipts over HTTP and in the shell, checked by a JOSE library that the register does not sign with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jwcrypto.jws import InvalidJWSSignature

from tests.journeys.test_api_problems import problem
from tests.receipts import opened_by_another
from tests.running import Cli, Server, eventually

NAME = "鞍山市妇儿医院"
CODE = "7HV2-JKMV"
CLAIM: dict[str, Any] = {"id": "r1", "provider": {"name": NAME}, "techniques": ["IVF"], "on": "2025-07-01"}


def key_set(server: Server) -> dict[str, Any]:
    answer = server.get("/.well-known/jwks.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/jwk-set+json")
    return dict(answer.json())


def check_receipt_at(server: Server, receipt: str, status: int = 200, **query: str) -> dict[str, Any]:
    answer = server.client.post("/api/v1/receipts/check", json={"receipt": receipt}, params=query)
    assert answer.status_code == status, answer.text[:300]
    return dict(answer.json())


def a_receipt(server: Server, **claim: Any) -> str:
    return str(server.verify(**{**CLAIM, **claim}, receipt=True)["receipt"])


@pytest.mark.parametrize(
    ("name", "verdict"), [(NAME, "licensed"), ("沈阳市妇幼保健院", "technique_not_licensed"), ("查无此院", "not_found")]
)
def test_an_answer_with_a_receipt_is_the_same_answer_and_anybody_can_check_it(
    server: Server, name: str, verdict: str
) -> None:
    claim = {**CLAIM, "provider": {"name": name}}
    plain, found = server.verify(**claim), server.verify(**claim, receipt=True)
    receipt = found.pop("receipt")
    assert plain.pop("receipt") is None
    plain.pop("known_at")
    assert {k: v for k, v in found.items() if k != "known_at"} == plain
    said = opened_by_another(receipt, key_set(server))
    assert (said["iss"], said["question"], said["answer"]) == (
        server.get("/log/checkpoint").text.split()[0],
        claim,
        found,
    )
    assert found["verdict"] == verdict
    told = check_receipt_at(server, receipt)
    assert (told["valid"], told["still_true"], told["reason"]) == (True, True, None)
    assert (told["answer"], told["question"], told["log"], told["on"]) == (found, claim, found["log"], "2025-07-01")
    assert told["log_size"] == found["log"]["size"] and "answer_now" not in told


def test_an_altered_receipt_is_valid_to_nobody(server: Server) -> None:
    receipt = a_receipt(server)
    at = receipt.index(".") + 40
    altered = receipt[:at] + ("A" if receipt[at] != "A" else "B") + receipt[at + 1 :]
    with pytest.raises(InvalidJWSSignature):
        opened_by_another(altered, key_set(server))
    for wrong, reason in ((altered, "altered"), (receipt[:-20], "altered"), (receipt[:300], "incomplete")):
        told = check_receipt_at(server, wrong)
        assert (told["valid"], told["reason"], told["still_true"]) == (False, reason, None)
        assert told["answer"] is told["question"] is told["log_size"] is None, "nothing it says is repeated"


@pytest.mark.parametrize(
    "body",
    [{}, {"receipt": ""}, {"receipt": 5}, {"receipt": None}, {"receipt": "x", "more": 1}, [], {"receipt": "nonsense"}],
)
def test_what_is_no_receipt_at_all_is_refused(server: Server, body: Any) -> None:
    problem(server.client.post("/api/v1/receipts/check", json=body), 400, "invalid_input")


def test_what_is_too_long_for_a_receipt_is_refused(server: Server) -> None:
    receipt = a_receipt(server)
    for length, status, code in ((1_600_000, 400, "invalid_input"), (3_000_000, 413, "too_large")):
        answer = server.client.post("/api/v1/receipts/check", json={"receipt": receipt + "A" * length})
        problem(answer, status, code)


def test_receipt_of_a_claim_must_be_true_or_false(server: Server) -> None:
    for wrong in ("yes", 2, [], {}):
        problem(server.client.post("/api/v1/verify", json={**CLAIM, "receipt": wrong}), 400, "invalid_input")
    assert server.verify(**CLAIM, receipt=False)["receipt"] is None


def test_a_correction_shows_in_the_check_while_the_receipt_stays_genuine(
    staffed: Cli, start: Callable[..., Server]
) -> None:
    server = start(staffed.data_dir)
    receipt = a_receipt(server)
    size = server.verify(**CLAIM)["log"]["size"]
    ran = staffed.ok(
        "correct", CODE, 'approvals.IVF={"stage":"suspended"}', "--from", "2025-06-30", "--reason", "核对", "--by",
        "editor", "--json",
    )  # fmt: skip
    staffed.ok("approve", ran.json["proposal"], "--by", "approver")
    assert eventually(lambda: server.verify(**CLAIM)["log"]["size"] > size)
    told = check_receipt_at(server, receipt)
    assert (told["valid"], told["still_true"], told["answer"]["verdict"]) == (True, False, "licensed")
    assert (told["answer_now"]["verdict"], told["answer_now"]["on"]) == ("suspended", "2025-07-01")


def test_a_worker_without_the_key_refuses_receipts_in_words_and_checks_them(
    seeded: Cli, start: Callable[..., Server], tmp_path: Path
) -> None:
    receipt = a_receipt(start(seeded.data_dir))
    keyless = start(seeded.data_dir, REGISTRY_SIGNING_KEY=str(tmp_path / "nowhere.key"))
    refused = keyless.client.post("/api/v1/verify", json={**CLAIM, "receipt": True})
    told = problem(refused, 503, "cannot_sign")
    assert "签名密钥" in told["detail"]
    assert keyless.verify(**CLAIM)["verdict"] == "licensed"
    assert check_receipt_at(keyless, receipt)["still_true"] is True
    assert opened_by_another(receipt, key_set(keyless))


def test_a_mirror_refuses_receipts_and_checks_those_of_its_original(
    seeded: Cli, start: Callable[..., Server], tmp_path: Path
) -> None:
    original = start(seeded.data_dir)
    receipt = a_receipt(original)
    seeded.ok("mirror", original.url, tmp_path / "mirror")
    mirror = start(tmp_path / "mirror")
    problem(mirror.client.post("/api/v1/verify", json={**CLAIM, "receipt": True}), 503, "cannot_sign")
    assert (check_receipt_at(mirror, receipt)["valid"], check_receipt_at(mirror, receipt)["still_true"]) == (True, True)


def test_a_rotated_key_signs_on_and_old_receipts_stay_good(
    seeded: Cli, start: Callable[..., Server], tmp_path: Path
) -> None:
    server = start(seeded.data_dir)
    old = a_receipt(server)
    first = seeded.ok("log", "keys", "--json").json[0]["id"]
    seeded.ok("log", "rotate")
    seeded.ok("log", "retire", first)
    new = a_receipt(server)
    keys = key_set(server)
    assert [one.get("retired", False) for one in keys["keys"]] == [True, False]
    (tmp_path / "jwks.json").write_text(json.dumps(keys), "utf-8")
    for number, receipt in enumerate((old, new)):
        assert opened_by_another(receipt, keys)
        assert check_receipt_at(server, receipt)["valid"]
        file = tmp_path / f"{number}.jws"
        file.write_text(receipt, "ascii")
        assert seeded("receipt", file, "--keys", tmp_path / "jwks.json").code == 0


# --- in the shell ----------------------------------------------------------------------------------------------------


def test_the_command_says_in_both_languages_what_a_receipt_says(server: Server, cli: Cli, tmp_path: Path) -> None:
    answer = server.verify(**CLAIM, receipt=True)
    for name, text in (("r.jws", answer["receipt"] + "\n"), ("answer.json", json.dumps(answer))):
        (tmp_path / name).write_text(text, "utf-8")
        out = cli.ok("receipt", tmp_path / name, "--keys", server.url).out
        for words in ("真实", "Genuine", NAME, "2025年7月1日", "1 July 2025", "已获批准", "Approved", "试管婴儿",
                      str(answer["log"]["size"]), answer["log"]["root"], "北京时间", "Beijing time"):  # fmt: skip
            assert words in out, words
    told = cli.ok("receipt", tmp_path / "r.jws", "--keys", f"{server.url}/.well-known/jwks.json", "--json").json
    assert (told["genuine"], told["receipt"]["question"]) == (True, CLAIM)


def test_the_command_needs_no_register_where_the_keys_are_a_file(server: Server, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "jwks.json").write_text(json.dumps(key_set(server)), "utf-8")
    ran = cli("receipt", "-", "--keys", tmp_path / "jwks.json", input=a_receipt(server))
    assert (ran.code, ran.err) == (0, "")
    assert not cli.data_dir.exists()


def test_the_command_says_that_a_batch_of_answers_holds_many_receipts(server: Server, cli: Cli, tmp_path: Path) -> None:
    claims = {"claims": [{"provider": {"name": "鞍山市妇儿医院"}}] * 2, "receipt": True}
    told = server.client.post("/api/v1/verify/batch", json=claims).text
    keys = tmp_path / "jwks.json"
    keys.write_bytes(server.client.get("/.well-known/jwks.json").content)
    lines = "\n".join(json.dumps(one) for one in json.loads(told)["answers"])
    for several in (told, f"\ufeff{told}", lines):
        assert "多个答复" in cli.refused("receipt", "-", "--keys", keys, input=several)
    one = json.dumps(json.loads(told)["answers"][1], ensure_ascii=False)
    cli.ok("receipt", "-", "--keys", keys, input=f"\ufeff{one}")


def test_the_command_uses_the_key_file_of_its_machine(server: Server, cli: Cli, tmp_path: Path) -> None:
    assert "--keys" in cli.refused("receipt", "-", input=a_receipt(server))
    cli.data_dir.mkdir()
    shutil.copyfile(server.data_dir / "signing.key", cli.data_dir / "signing.key")
    assert cli("receipt", "-", input=a_receipt(server)).code == 0


def test_the_command_exits_1_for_what_is_not_genuine(server: Server, cli: Cli, tmp_path: Path) -> None:
    receipt = a_receipt(server)
    (tmp_path / "jwks.json").write_text(json.dumps(key_set(server)), "utf-8")
    for wrong, words in ((receipt[:-9], "altered"), (receipt[:200], "incomplete")):
        ran = cli("receipt", "-", "--keys", tmp_path / "jwks.json", input=wrong)
        assert (ran.code, "不真实" in ran.out, words in ran.out, "已获批准" in ran.out) == (1, True, True, False)
        told = cli("receipt", "-", "--keys", tmp_path / "jwks.json", "--json", input=wrong)
        assert (told.code, told.json["genuine"], told.json["receipt"]) == (1, False, None)
    for nothing in ("", "hello", '{"receipt":null}', "{"):
        assert cli.refused("receipt", "-", "--keys", tmp_path / "jwks.json", input=nothing)
    assert cli.refused("receipt", "-", "--keys", f"{server.url}/nothing", input=receipt)
    assert cli.refused("receipt", "-", "--keys", tmp_path / "none.json", input=receipt)


@pytest.mark.parametrize("words", ["试管", "借卵", "供卵试管", "包男孩"])
def test_the_receipt_of_the_longest_text_can_be_check_receipt_at(server: Server, words: str) -> None:
    text = (words * 20_000)[:20_000]
    receipt = a_receipt(server, text=text)
    told = check_receipt_at(server, receipt)
    assert told["valid"] and told["question"]["text"] == text
    assert server.client.post("/receipt", data={"receipt": receipt}).status_code == 200


def test_the_command_says_in_both_languages_what_a_receipt_says_beside_the_licence(
    server: Server, cli: Cli, tmp_path: Path
) -> None:
    keys = tmp_path / "jwks.json"
    keys.write_bytes(server.get("/.well-known/jwks.json").content)
    text = "示例医院三代试管，包成功！我院不开展供精人工授精。" + "好" * 200
    number = "(辽)医广[2023]第07-15-001号"
    receipt = a_receipt(server, practitioner={"name": "示例员甲"}, ad_certificate=number, text=text)
    shown = cli.ok("receipt", "-", "--keys", keys, input=receipt).out
    for word in (
        *("医务人员 示例员甲", f"医疗广告审查证明 {number}", "医务人员：无法回答：", "不代表此人未获授权"),
        *("医疗广告审查证明：已过期：", "广告内容：有2处词语需要人工查看", "技术名称“三代试管”", "前160字，全文225字"),
        *(
            "staff 示例员甲",
            f"advertising certificate {number}",
            "Staff: Cannot say: ",
            "Advertising certificate: Expired: ",
        ),
        *("Wording: 2 words need a look by a person", "promise of success “包成功”", "the first 160 of 225 characters"),
    ):
        assert word in shown, (word, shown)
    told = cli.ok("receipt", "-", "--keys", keys, "--json", input=receipt).json
    assert told["receipt"]["question"]["text"] == text
    plain = cli.ok("receipt", "-", "--keys", keys, input=a_receipt(server)).out
    assert not any(word in plain for word in ("医务人员", "广告", "Staff", "Wording"))
    nothing = cli.ok("receipt", "-", "--keys", keys, input=a_receipt(server, text="体检预约")).out
    assert "没有发现需要人工查看的词语，这不代表广告合法。" in nothing
