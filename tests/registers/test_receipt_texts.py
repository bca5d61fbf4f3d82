"""Receipts: what is signed can be checked by others, and nothing else passes for it."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jwcrypto import jwk, jws
from jwcrypto.common import JWSEHeaderParameter

from registry.domain.answers import Answer, Claim, Provider
from registry.errors import Conflict, InvalidInput
from registry.log import signing_keys
from registry.log.signing_keys import Key
from registry.receipts import jws as receipt_jws
from registry.receipts import receipt_text
from registry.receipts.jws import PublicKey, sign_token
from registry.receipts.receipt_text import BATCH_TYPE, LONGEST, TYPE
from registry.verification.view import VerificationView
from tests.factories import a_register, a_source, a_view, an_institution, ask
from tests.receipts import header_of, opened_by_another, packed, row_of, sign_batch, unpacked
from tests.thoroughness import count_examples

AT = dt.datetime(2026, 1, 6, 2, 0, tzinfo=dt.UTC)
ISSUER = "register.example/log"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Key:
    path = tmp_path_factory.mktemp("key") / "signing.key"
    signing_keys.create_key_file(path)
    return signing_keys.load_keys(path)[0]


@pytest.fixture(scope="module")
def view(tmp_path_factory: pytest.TempPathFactory) -> VerificationView:
    database = a_register(tmp_path_factory.mktemp("register"), a_source(), an_institution())
    view = a_view(database)
    database.close()
    return view


def asked(view: VerificationView, name: str, *techniques: str, **told: Any) -> tuple[Claim, Answer]:
    provider = Provider(name=name)
    return Claim(provider=provider, techniques=list(techniques), receipt=True, **told), ask(view, name, *techniques)


@pytest.fixture(scope="module")
def text(view: VerificationView, key: Key) -> str:
    """A receipt for an answer of `licensed`."""
    claim, answer = asked(view, "鞍山市示例医院", "IVF")
    assert answer.verdict == "licensed"
    return receipt_text.sign_receipt(claim, answer, ISSUER, key, AT)


@pytest.fixture(scope="module")
def batch(view: VerificationView, key: Key) -> list[str]:
    return sign_batch([asked(view, f"示例{n}医院", "IVF") for n in range(7)], ISSUER, key, AT)


def known(*keys: Key) -> list[PublicKey]:
    return [receipt_jws.to_public_key(key) for key in keys]


def reason(text: str, *keys: Key, issuer: str | None = ISSUER) -> str | None:
    found = receipt_text.read_receipt(text, known(*keys), issuer)
    assert (found.receipt is None) == (found.reason is not None)
    return found.reason


# --- giving ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "verdict"), [("鞍山市示例医院", "licensed"), ("查无此院生殖中心", "not_found")])
def test_a_receipt_says_question_answer_log_and_time_to_any_jose_library(
    view: VerificationView, key: Key, name: str, verdict: str
) -> None:
    claim, answer = asked(view, name, "IVF", id="row-1")
    text = receipt_text.sign_receipt(claim, answer, ISSUER, key, AT)
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+", text)
    assert header_of(text) == {"alg": "EdDSA", "kid": receipt_jws.to_public_key(key).kid, "typ": TYPE}
    said = opened_by_another(text, receipt_jws.make_key_set(known(key)))
    assert (said["iss"], said["iat"]) == (ISSUER, int(AT.timestamp()))
    assert said["question"] == {"id": "row-1", "provider": {"name": name}, "techniques": ["IVF"]}
    assert (said["answer"]["verdict"], said["answer"]["log"]["size"]) == (verdict, view.size)
    assert said["answer"]["log"]["root"] == view.get_state().root
    assert "receipt" not in said["answer"]
    found = receipt_text.read_receipt(text, known(key), ISSUER).receipt
    assert found is not None
    assert (found.question, found.answer, found.signed_at) == (said["question"], said["answer"], AT)


def test_a_question_is_signed_as_it_was_asked(view: VerificationView, key: Key) -> None:
    known_at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    claim = Claim(
        provider=Provider(name=" 鞍山市示例醫院 ", address="三道街"),
        techniques=["试管婴儿"],
        on=dt.date(2025, 7, 1),
        known_at=known_at,
        receipt=True,
    )
    text = receipt_text.sign_receipt(claim, ask(view, "鞍山市示例医院"), ISSUER, key, AT)
    assert opened_by_another(text, receipt_jws.make_key_set(known(key)))["question"] == {
        "provider": {"name": " 鞍山市示例醫院 ", "address": "三道街"},
        "techniques": ["试管婴儿"],
        "on": "2025-07-01",
        "known_at": "2026-01-01T00:00:00Z",
    }


def test_a_retired_key_gives_no_receipt(view: VerificationView, key: Key) -> None:
    with pytest.raises((ValueError, Conflict)):
        receipt_text.sign_receipt(*asked(view, "鞍山市示例医院"), ISSUER, Key(key.public, None), AT)


# --- batches ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [*range(1, 18), 31, 32, 33, 63, 65])
def test_every_row_of_a_batch_proves_itself_under_one_signature(view: VerificationView, key: Key, count: int) -> None:
    rows = [asked(view, f"示例{n}医院" if n % 2 else "鞍山市示例医院", id=f"row-{n}") for n in range(count)]
    made = sign_batch(rows, ISSUER, key, AT)
    assert len(made) == count and len({text.split("~")[0] for text in made}) == 1
    for text, (claim, answer) in zip(made, rows, strict=True):
        assert header_of(text)["typ"] == BATCH_TYPE
        signed = opened_by_another(text, receipt_jws.make_key_set(known(key)))
        row = row_of(text, signed["rows"])
        assert (signed["iss"], signed["rows"]["size"], row["question"]["id"]) == (ISSUER, count, claim.id)
        found = receipt_text.read_receipt(text, known(key), ISSUER).receipt
        assert found is not None and found.signed_at == AT
        assert (found.answer, found.answer["verdict"]) == (row["answer"], answer.verdict)


def test_a_row_tells_nothing_of_its_neighbours(view: VerificationView, key: Key) -> None:
    same = [asked(view, "鞍山市示例医院")] * 4
    made = sign_batch(same, ISSUER, key, AT)
    bodies = {text.split("~")[1] for text in made}
    assert len(bodies) == 4, "equal rows have equal hashes: a neighbour could be guessed"
    assert all(len(unpacked(json.loads(unpacked(body))["salt"])) == 16 for body in bodies)


def test_no_rows_are_not_signed(key: Key) -> None:
    with pytest.raises(ValueError):
        sign_batch([], ISSUER, key, AT)


def test_a_row_cannot_be_shown_with_the_way_or_the_signature_of_another(batch: list[str], key: Key, text: str) -> None:
    other = text
    for one, two in itertools.permutations(batch, 2):
        signed, body, way = one.split("~")
        assert reason("~".join((signed, body, two.split("~")[2])), key) == "altered"
        assert reason("~".join((signed, two.split("~")[1], way)), key) == "altered"
        assert reason("~".join((other, body, way)), key) == "altered"


def test_the_way_of_a_row_must_be_whole_and_no_longer(batch: list[str], key: Key) -> None:
    signed, body, way = batch[2].split("~")
    told = json.loads(unpacked(way))
    for wrong in (
        {**told, "index": told["index"] + 1},
        {**told, "index": -1},
        {**told, "index": 2**70},
        {**told, "path": told["path"][:-1]},
        {**told, "path": [*told["path"], told["path"][0]]},
        {**told, "path": ["AA", *told["path"][1:]]},
        {**told, "path": ["*", *told["path"][1:]]},
        {"index": 2},
        [],
    ):
        assert reason("~".join((signed, body, packed(wrong))), key) == "altered"
    assert reason(signed, key) == reason(f"{signed}~{body}", key) == "incomplete"
    assert reason(f"{batch[2]}~{way}", key) == "altered"


# --- what does not pass ----------------------------------------------------------------------------------------------


@settings(max_examples=count_examples(300), deadline=None)
@given(data=st.data())
def test_no_character_of_a_receipt_can_be_changed(data: st.DataObject, text: str, batch: list[str], key: Key) -> None:
    whole = data.draw(st.sampled_from([text, batch[3]]))
    at = data.draw(st.integers(0, len(whole) - 1))
    new = data.draw(st.sampled_from("ABCDwxyz0189-_.~=+/é%"))
    changed = whole[:at] + new + whole[at + 1 :]
    if changed == whole:
        return
    try:
        assert reason(changed, key) is not None
    except InvalidInput:
        assert at <= whole.index("."), "only what no longer begins like a receipt is none at all"


@settings(max_examples=count_examples(200), deadline=None)
@given(data=st.data())
def test_no_part_of_a_receipt_passes_for_the_whole(data: st.DataObject, text: str, batch: list[str], key: Key) -> None:
    whole = data.draw(st.sampled_from([text, batch[3]]))
    cut = whole[: data.draw(st.integers(whole.index(".") + 1, len(whole) - 1))]
    assert reason(cut, key) in ("incomplete", "altered")


def test_the_answer_cannot_be_exchanged(text: str, key: Key) -> None:
    header, payload, signature = text.split(".")
    said = json.loads(unpacked(payload))
    said["answer"]["verdict"] = "not_found"
    assert reason(f"{header}.{packed(said)}.{signature}", key) == "altered"


def test_no_other_algorithm_is_accepted(text: str, key: Key) -> None:
    _, payload, signature = text.split(".")
    kid = header_of(text)["kid"]
    for told in ({"alg": "none"}, {"alg": "HS256"}, {"alg": "ES256"}, {}):
        forged = packed({**told, "kid": kid, "typ": TYPE})
        for tail in (signature, packed(b"\0" * 64)):
            assert reason(f"{forged}.{payload}.{tail}", key) == "altered"
        assert reason(f"{forged}.{payload}.", key) == "incomplete"
    critical = jws.JWS(unpacked(payload), header_registry={"x": JWSEHeaderParameter("x", True, True, None)})
    secret = jwk.JWK(**{**receipt_jws.to_public_key(key).jwk, "d": packed(key.private.private_bytes_raw())})  # type: ignore[union-attr]
    critical.add_signature(
        secret, protected=json.dumps({"alg": "EdDSA", "kid": kid, "typ": TYPE, "crit": ["x"], "x": 1})
    )
    assert reason(critical.serialize(compact=True), key) == "altered", "an extension that we do not understand"


def test_spare_bits_of_base64_are_no_second_spelling(text: str, key: Key) -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for last in range(1, 16):
        other = text[:-1] + alphabet[alphabet.index(text[-1]) | last]
        assert other == text or reason(other, key) == "altered"


def test_another_key_and_another_register_are_told_apart(text: str, key: Key) -> None:
    stranger = signing_keys._make_key()
    assert reason(text, stranger) == "unknown_key"
    assert reason(text, stranger, issuer=None) == "unknown_key"
    assert reason(text, stranger, issuer="other.example/log") == "other_register"
    assert reason(text, key, issuer="other.example/log") == "other_register"
    assert receipt_text.read_receipt(text, known(stranger), "other.example/log").claims_from == ISSUER


def test_a_forged_key_under_a_known_name_does_not_pass(view: VerificationView, key: Key) -> None:
    stranger = signing_keys._make_key()
    text = receipt_text.sign_receipt(*asked(view, "鞍山市示例医院"), ISSUER, stranger, AT)
    _, payload, signature = text.split(".")
    forged = packed({"alg": "EdDSA", "kid": receipt_jws.to_public_key(key).kid, "typ": TYPE})
    assert reason(f"{forged}.{payload}.{signature}", key) == "altered"


@pytest.mark.parametrize("wrong", ["", "x", "....", "eyJ", "a.b.c", "~", "{}", packed({"alg": "EdDSA"}) + ".a.b"])
def test_what_is_no_receipt_is_refused_in_words(wrong: str, key: Key) -> None:
    with pytest.raises(InvalidInput) as refused:
        receipt_text.read_receipt(wrong, known(key), ISSUER)
    assert "eyJ" in refused.value.zh and "eyJ" in refused.value.en


def test_a_text_that_is_too_long_is_refused_before_it_is_read(text: str, key: Key) -> None:
    with pytest.raises(InvalidInput, match=str(LONGEST)):
        receipt_text.read_receipt(text + "A" * LONGEST, known(key))


@pytest.mark.parametrize("depth", [900, 50_000])
def test_brackets_without_end_are_no_error_of_ours(depth: int, key: Key, batch: list[str]) -> None:
    header, open_ = packed({"alg": "EdDSA", "kid": "x", "typ": TYPE}), b"[" * depth
    assert reason(f"{header}.{packed(open_)}.AA", key) == "unknown_key"
    with pytest.raises(InvalidInput):
        receipt_text.read_receipt(packed(b'{"typ":' + open_) + ".AA.AA", known(key))
    signed, body, _ = batch[0].split("~")
    assert reason("~".join((signed, body, packed(b'{"index":0,"x":' + open_))), key) == "altered"


@pytest.mark.parametrize(
    "payload",
    [b"[]", b"{}", b'{"iss":1,"iat":2}', b"\xff", b'{"iss":"register.example/log","iat":1e300}']
    + [json.dumps({"iss": ISSUER, "iat": iat, "question": {}, "answer": {}}).encode() for iat in (0, 10**17)],
)
def test_what_our_key_signed_otherwise_is_no_receipt(payload: bytes, key: Key) -> None:
    for kind in (TYPE, BATCH_TYPE):
        made = sign_token(kind, payload, key)
        assert reason(made if kind == TYPE else f"{made}~e30~e30", key) == "altered"


def test_line_breaks_and_spaces_of_mail_and_paper_do_no_harm(text: str, batch: list[str], key: Key) -> None:
    for whole in (text, batch[1]):
        folded = "\r\n \u200b".join(whole[at : at + 60] for at in range(0, len(whole), 60))
        once, again = (
            receipt_text.read_receipt(one, known(key), ISSUER).receipt for one in (whole, f"\ufeff\n{folded}\n\u2060")
        )
        assert once is not None and once == again


# --- keys ------------------------------------------------------------------------------------------------------------


def test_receipts_of_a_retired_key_stay_good_and_later_ones_do_not(view: VerificationView, key: Key) -> None:
    retired = PublicKey(public=key.public, retired=True, retired_at=AT)
    for after, expected in ((-86400, None), (0, None), (30, None), (3600, "after_retirement")):
        text = receipt_text.sign_receipt(*asked(view, "鞍山市示例医院"), ISSUER, key, AT + dt.timedelta(seconds=after))
        assert receipt_text.read_receipt(text, [retired], ISSUER).reason == expected
        undated = PublicKey(public=key.public, retired=True)
        assert receipt_text.read_receipt(text, [undated], ISSUER).receipt is not None


def test_a_key_set_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "signing.key"
    signing_keys.create_key_file(path)
    first = signing_keys.load_keys(path)[0]
    signing_keys.add_key(path)
    signing_keys.retire_key(path, first.public)
    keys = known(*signing_keys.load_keys(path))
    written = receipt_jws.make_key_set(keys)
    assert [one["kid"] for one in written["keys"]] == [one.kid for one in keys]
    assert [one.get("retired", False) for one in written["keys"]] == [True, False]
    assert all("d" not in one and one["kty"] == "OKP" and one["crv"] == "Ed25519" for one in written["keys"])
    assert receipt_jws.parse_key_set(json.dumps(written).encode()) == keys
    others = {"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}, *written["keys"]]}
    assert receipt_jws.parse_key_set(json.dumps(others).encode()) == keys


@pytest.mark.parametrize(
    "raw",
    [b"", b"{}", b'{"keys":[]}', b"[]", b'{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA"}]}', b"\xff", b"[" * 9999],
)
def test_what_is_no_key_set_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidInput, match=re.escape("/.well-known/jwks.json")):
        receipt_jws.parse_key_set(raw)
