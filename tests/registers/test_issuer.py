"""One register gives receipts and checks them: with its key or without, on its own log or another."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from registry.domain.answers import Answer, Claim, LogState, Provider
from registry.errors import CannotAnswer, CannotSign, LogDamaged
from registry.log import replication, signing_keys
from registry.log.merkle import hash_leaf
from registry.receipts import jws, receipt_text
from registry.receipts.batch_proofs import BatchRows, make_statement
from registry.register import Register
from registry.settings import Settings
from tests.factories import a_change, a_register, a_source, an_institution, enter
from tests.receipts import header_of, opened_by_another, row_of

NAME = "鞍山市示例医院"
IT = an_institution(NAME)
DAY = dt.date(2025, 7, 1)


def opened(folder: Path) -> Register:
    """A register over a folder, brought up to its log and with its checkpoint signed; it follows nothing by itself."""
    register = Register(Settings(data_dir=folder, public_url="https://register.example"))
    register.follow_log()
    register.log.publish(register.database)
    return register


@pytest.fixture
def register(tmp_path: Path) -> Iterator[Register]:
    signing_keys.create_key_file(tmp_path / "signing.key")
    a_register(tmp_path, a_source(), IT).close()
    register = opened(tmp_path)
    yield register
    register.database.close()


def ask(register: Register, name: str = NAME, *techniques: str, **told: Any) -> Answer:
    claim = Claim(provider=Provider(name=name), techniques=list(techniques or ("IVF",)), receipt=True, **told)
    return register.answer_claim(claim)


def a_receipt(register: Register, name: str = NAME, *techniques: str, **told: Any) -> str:
    text = ask(register, name, *techniques, **told).receipt
    assert text is not None
    return text


def another_machine(register: Register, folder: Path) -> Register:
    """A worker over the same database and log without the signing key."""
    shutil.copytree(register.settings.data_dir, folder)
    (folder / "signing.key").unlink()
    return opened(folder)


# --- genuine and still true ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "verdict"), [(NAME, "licensed"), ("查无此院生殖中心", "not_found")])
def test_a_receipt_is_given_when_asked_for_and_holds(register: Register, name: str, verdict: str) -> None:
    found = ask(register, name, on=DAY)
    assert (found.verdict, found.receipt is None) == (verdict, False)
    said = opened_by_another(found.receipt or "", register.receipts.make_key_set())
    assert said["iss"] == "register.example/log"
    assert said["answer"] == {k: v for k, v in msgspec.to_builtins(found).items() if k != "receipt"}
    checked = register.check_receipt(found.receipt or "")
    assert (checked.valid, checked.reason, checked.still_true, checked.now) == (True, None, True, None)
    assert checked.receipt is not None and checked.receipt.on == DAY


def test_no_receipt_is_given_unasked(register: Register) -> None:
    assert register.answer_claim(Claim(provider=Provider(name=NAME))).receipt is None


def test_a_later_correction_makes_it_genuine_and_no_longer_true(register: Register) -> None:
    texts = {name: a_receipt(register, name, on=DAY) for name in (NAME, "示例市新医院")}
    suspended = a_change(IT, dt.date(2025, 6, 30), {"approvals.IVF": {"stage": "suspended"}}, reason="核对原件")
    enter(register.database, suspended, an_institution("示例市新医院", "辽宁省鞍山市铁西区示例路9号"))
    register.follow_log()
    for name, was, now in ((NAME, "licensed", "suspended"), ("示例市新医院", "not_found", "licensed")):
        checked = register.check_receipt(texts[name])
        assert (checked.valid, checked.still_true) == (True, False)
        assert checked.receipt is not None and checked.receipt.answer["verdict"] == was
        assert checked.now is not None and (checked.now.verdict, checked.now.on) == (now, DAY)


@pytest.mark.parametrize(
    ("values", "source", "still"),
    [
        ({"address": "辽宁省鞍山市铁西区示例路99号"}, None, False),
        ({"approvals.IVF": {"stage": "formal"}}, "list-2", False),
        ({"level": "三级"}, None, True),
        ({"known_as": ["示例老院"]}, "list-2", True),
    ],
)
def test_another_site_or_source_is_another_answer(
    register: Register, values: dict[str, Any], source: str | None, still: bool
) -> None:
    text = a_receipt(register, on=DAY)
    change = a_change(IT, dt.date(2025, 6, 30), values, source, reason="核对原件")
    enter(register.database, a_source("list-2", dt.date(2025, 6, 29)), change)
    register.follow_log()
    assert register.check_receipt(text).still_true is still


@pytest.mark.parametrize("provider", [Provider(name=NAME), Provider()])
@pytest.mark.parametrize(
    ("values", "source", "still"),
    [
        ({"approvals.IVF": {"stage": "revoked"}}, None, False),
        ({"status": "delisted"}, None, False),
        ({"approvals.IVF": {"stage": "formal"}}, "list-2", False),
        ({"level": "三级"}, None, True),
    ],
)
def test_what_becomes_of_an_institution_in_the_wording_is_part_of_the_answer(
    register: Register, provider: Provider, values: dict[str, Any], source: str | None, still: bool
) -> None:
    other = an_institution("示例市新医院", "辽宁省鞍山市铁西区示例路9号")
    worst = an_institution("示例市旧医院", "辽宁省鞍山市铁西区示例路8号", AIH="formal")  # text alone: it decides
    enter(register.database, a_source("list-2", dt.date(2025, 6, 29)), other, worst)
    register.follow_log()
    register.log.publish(register.database)
    wording = "示例市旧医院、示例市新医院联合开展试管婴儿"
    answer = register.answer_claim(Claim(provider=provider, text=wording, on=DAY, receipt=True))
    assert [mention.verdict for mention in answer.mentions] == ["technique_not_licensed", "licensed"]
    enter(register.database, a_change(other, dt.date(2025, 6, 30), values, source, reason="核对原件"))
    register.follow_log()
    checked = register.check_receipt(answer.receipt or "")
    assert (checked.valid, checked.still_true, checked.now is None) == (True, still, still)


def test_what_was_recorded_about_later_days_leaves_it_true(register: Register) -> None:
    text = a_receipt(register, on=DAY)
    enter(register.database, a_change(IT, dt.date(2025, 9, 1), {"approvals.IVF": {"stage": "revoked"}}))
    register.follow_log()
    register.log.publish(register.database)
    assert register.check_receipt(text).still_true is True
    assert ask(register, on=dt.date(2025, 9, 1)).verdict == "revoked"


def test_a_receipt_about_what_was_known_then_is_compared_with_what_is_known_now(register: Register) -> None:
    before = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    text = a_receipt(register, on=DAY, known_at=before)
    checked = register.check_receipt(text)
    assert checked.receipt is not None and checked.receipt.answer["verdict"] == "unknown"
    assert (checked.receipt.log.size, checked.still_true) == (0, False)
    assert checked.now is not None and checked.now.verdict == "licensed"


def test_every_row_of_a_batch_is_checked_by_itself(register: Register) -> None:
    claims = [Claim(provider=Provider(name=f"{NAME}{n or ''}"), on=DAY, receipt=True) for n in range(5)]
    batch, rows = register.make_batch(), BatchRows()
    answers = [batch.answer_claim(one) for one in claims]
    bodies = [rows.add(make_statement(one, found), one.id) for one, found in zip(claims, answers, strict=True)]
    signed = batch.sign_rows(rows)
    for number, (answer, body) in enumerate(zip(answers, bodies, strict=True)):
        text = signed.make_receipt(number, body)
        signature = opened_by_another(text, register.receipts.make_key_set())
        assert row_of(text, signature["rows"])["answer"]["verdict"] == answer.verdict
        assert (register.check_receipt(text).valid, register.check_receipt(text).still_true) == (True, True)


# --- another log -----------------------------------------------------------------------------------------------------


def test_a_receipt_of_another_log_under_our_key_is_not_genuine(register: Register) -> None:
    found = register.answer_claim(Claim(provider=Provider(name=NAME)))
    key = signing_keys.load_keys(register.settings.get_key_file())[0]
    for log, reason in (
        (LogState(size=found.log.size, root="00" * 32), "other_log"),
        (LogState(size=1, root=found.log.root), "other_log"),
        (LogState(size=0, root="00" * 32), "other_log"),
    ):
        answer = msgspec.structs.replace(found, log=log)
        claim = Claim(provider=Provider(name=NAME))
        text = receipt_text.sign_receipt(claim, answer, "register.example/log", key, dt.datetime.now(dt.UTC))
        checked = register.check_receipt(text)
        assert (checked.valid, checked.reason, checked.receipt) == (False, reason, None)


def test_a_size_at_which_no_recording_ended_is_compared_by_the_published_tiles(register: Register) -> None:
    found = register.answer_claim(Claim(provider=Provider(name=NAME)))
    key = signing_keys.load_keys(register.settings.get_key_file())[0]
    root = hash_leaf(register.get_entry(1)[1].encode()).hex()
    assert register.verification.find_root_at(1) is None
    answer = msgspec.structs.replace(found, log=LogState(size=1, root=root))
    text = receipt_text.sign_receipt(
        Claim(provider=Provider(name=NAME)), answer, "register.example/log", key, dt.datetime.now(dt.UTC)
    )
    assert register.check_receipt(text).valid


def test_a_receipt_from_further_on_cannot_be_compared_here(register: Register, tmp_path: Path) -> None:
    behind = another_machine(register, tmp_path / "behind")
    enter(register.database, a_change(IT, dt.date(2025, 9, 1), {"level": "三级"}))
    register.follow_log()
    register.log.publish(register.database)
    checked = behind.check_receipt(a_receipt(register))
    assert (checked.valid, checked.reason, checked.still_true) == (True, "ahead", None)
    behind.database.close()


def test_a_receipt_of_another_register_is_told_as_such(register: Register, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    signing_keys.create_key_file(tmp_path / "other" / "signing.key")
    a_register(tmp_path / "other", a_source(), IT).close()
    other = Register(Settings(data_dir=tmp_path / "other", public_url="https://other.example"))
    other.follow_log()
    other.log.publish(other.database)
    checked = register.check_receipt(a_receipt(other))
    assert (checked.valid, checked.reason, checked.claims_from) == (False, "other_register", "other.example/log")
    other.database.close()


# --- keys ------------------------------------------------------------------------------------------------------------


def test_receipts_of_a_retired_key_stay_checkable(register: Register) -> None:
    path = register.settings.get_key_file()
    old = a_receipt(register)
    first = signing_keys.load_keys(path)[0]
    fresh = signing_keys.add_key(path)
    assert header_of(a_receipt(register))["kid"] == jws.to_public_key(first).kid, "the key most verifiers have"
    signing_keys.retire_key(path, first.public)
    new = a_receipt(register)
    assert header_of(new)["kid"] == jws.to_public_key(fresh).kid
    published = register.receipts.make_key_set()
    assert [one.get("retired", False) for one in published["keys"]] == [True, False]
    for text in (old, new):
        assert opened_by_another(text, published)["iss"] == "register.example/log"
        assert register.check_receipt(text).valid


def test_a_machine_without_the_key_says_that_it_gives_no_receipts_and_checks_them(
    register: Register, tmp_path: Path
) -> None:
    text, expected = a_receipt(register), register.receipts.make_key_set()
    keyless = another_machine(register, tmp_path / "keyless")
    with pytest.raises(CannotSign) as refused:
        ask(keyless)
    assert "register.example/log" in refused.value.zh and "register.example/log" in refused.value.en
    with pytest.raises(CannotSign):
        keyless.make_batch().require_receipts()
    assert keyless.answer_claim(Claim(provider=Provider(name=NAME))).verdict == "licensed"
    assert (keyless.check_receipt(text).valid, keyless.check_receipt(text).still_true) == (True, True)
    assert keyless.receipts.make_key_set() == expected
    keyless.database.close()


def test_a_machine_without_the_key_knows_the_retired_ones(register: Register, tmp_path: Path) -> None:
    old, path = a_receipt(register), register.settings.get_key_file()
    signing_keys.add_key(path)
    register.log.publish(register.database)
    signing_keys.retire_key(path, signing_keys.load_keys(path)[0].public)
    register.log.publish(register.database)
    keyless = another_machine(register, tmp_path / "keyless")
    assert [one.get("retired", False) for one in keyless.receipts.make_key_set()["keys"]] == [True, False]
    assert keyless.check_receipt(old).valid
    keyless.database.close()


def test_a_mirror_gives_no_receipts_whatever_key_lies_beside_it(tmp_path: Path) -> None:
    signing_keys.create_key_file(tmp_path / "signing.key")
    database = a_register(tmp_path, a_source(), IT)
    database.close()
    register = opened(tmp_path)
    with register.database.writing() as connection:
        replication.mark_mirror(connection)
    register.database.close()
    mirror = Register(register.settings)
    mirror.follow_log()
    with pytest.raises(CannotSign):
        ask(mirror)
    mirror.database.close()


def test_a_key_file_that_cannot_be_read_is_our_fault_and_not_the_askers(register: Register) -> None:
    register.settings.get_key_file().write_text("-----BEGIN", encoding="ascii")
    with pytest.raises(CannotSign):
        ask(register)
    assert register.answer_claim(Claim(provider=Provider(name=NAME))).verdict == "licensed"


def test_nothing_is_signed_about_a_log_that_no_checkpoint_covers(register: Register) -> None:
    enter(register.database, a_change(IT, dt.date(2025, 9, 1), {"level": "三级"}))
    register.follow_log()
    with pytest.raises(CannotSign) as refused:
        ask(register)
    assert "稍后" in refused.value.zh
    register.log.publish(register.database)
    assert ask(register).receipt


def test_a_receipt_is_refused_where_the_log_is_not_what_was_signed(register: Register) -> None:
    found = register.answer_claim(Claim(provider=Provider(name=NAME)))
    wrong = msgspec.structs.replace(found, log=LogState(size=found.log.size, root="00" * 32))
    with pytest.raises(LogDamaged):
        register.receipts.add_receipt(Claim(provider=Provider(name=NAME)), wrong)


def test_nothing_is_said_of_a_receipt_while_the_register_cannot_be_asked(register: Register) -> None:
    text = a_receipt(register)
    register.verification._verified = None
    with pytest.raises(CannotAnswer):
        register.check_receipt(text)


def test_the_published_keys_hold_no_secret(register: Register) -> None:
    text = json.dumps(register.receipts.make_key_set())
    key = signing_keys.load_keys(register.settings.get_key_file())[0]
    assert key.private is not None
    assert jws.encode_base64url(key.private.private_bytes_raw()) not in text and '"d"' not in text
