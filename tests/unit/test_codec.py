from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.domain.model import Change, Draft
from registry.errors import InvalidInput, LogDamaged
from registry.log import codec
from registry.log.merkle import hash_leaf

VECTORS = Path(__file__).parents[1] / "vectors"
RECORDED = "2025-07-01T08:00:00.007Z"
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def a_draft(kind: str = "institution", reason: str | None = None, **values: Any) -> Draft:
    return Draft(
        subject=f"{kind}:7K2M9QX4",
        change=Change(kind=kind, set=values, reason=reason),  # type: ignore[arg-type]
        valid_from=dt.date(2025, 6, 30),
        source="list-1",
    )


def encoded(draft: Draft, number: int = 1) -> bytes:
    values, _ = codec.seal_change(draft.change)
    return codec.encode_entry(number, RECORDED, draft, values, "editor.a", "approver.a", 7)


#: Entry 1 states everything there is; entry 2 erases.
NUMBERS = [1, 2]


def vector(number: int) -> tuple[Any, bytes]:
    told = json.loads((VECTORS / f"entry-{number}.json").read_text(encoding="utf-8"))
    return told, bytes.fromhex((VECTORS / f"entry-{number}.hex").read_text().replace("\n", ""))


@pytest.mark.parametrize("number", NUMBERS)
def test_the_bytes_of_an_entry_are_those_of_the_vector_for_ever(number: int) -> None:
    told, bytes_for_ever = vector(number)
    draft = msgspec.convert(told["draft"], Draft)
    values, sealed = codec.seal_change(draft.change)
    body = codec.encode_entry(told["number"], told["recorded_at"], draft, values, *told["who"], told["proposal"])  # type: ignore[call-arg]  # four people at most
    assert sealed == []
    assert body == bytes_for_ever
    assert hash_leaf(body).hex() == told["leaf_hash"]
    assert codec.decode_entry(body).change == draft.change


@pytest.mark.parametrize("number", NUMBERS)
def test_the_vector_is_what_another_writer_of_canonical_json_gives(number: int) -> None:
    told, body = vector(number)
    again = json.dumps(json.loads(body), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert again.encode() == body
    assert hashlib.sha256(b"\x00" + body).hexdigest() == told["leaf_hash"]


def test_keys_are_in_the_order_of_rfc_8785() -> None:
    # The RFC's own example: UTF-16 code units decide, so the emoji (D83D DE00) stands before U+FB33.
    value = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\x80": 6, "\xf6": 7}
    assert list(json.loads(codec.encode_canonical(value))) == [
        "\r",
        "1",
        "\x80",
        "\xf6",
        "\u20ac",
        "\U0001f600",
        "\ufb33",
    ]


def test_escapes_are_those_of_rfc_8785() -> None:
    assert codec.encode_canonical('\u20ac$\u000f\nA\'B"\\\\"/') == '"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'.encode()
    assert codec.encode_canonical("\b\t\n\f\r\x00\x1f") == rb'"\b\t\n\f\r\u0000\u001f"'
    assert codec.encode_canonical("\x7f\u2028\u2029<>&") == '"\x7f\u2028\u2029<>&"'.encode()


def test_objects_inside_objects_are_ordered_too() -> None:
    assert codec.encode_canonical({"b": [{"z": None, "a": True}], "a": {"2": 0, "10": -1}}) == (
        b'{"a":{"10":-1,"2":0},"b":[{"a":true,"z":null}]}'
    )


@pytest.mark.parametrize(
    "value",
    [
        1.5,
        0.0,
        float("nan"),
        {"a": 1.0},
        [[1.0]],
        {"a": {"b": [0, {"c": 2.5}]}},
        {1: "a"},
        {"a": b"bytes"},
        {"a": {1, 2}},
        object(),
        2**53,
        -(2**60),
        "\ud800",
        {"\udc00": 1},
    ],
)
def test_what_json_cannot_say_the_same_everywhere_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInput):
        codec.encode_canonical(value)


@given(json_values)
def test_canonical_bytes_are_json_and_do_not_depend_on_key_order(value: Any) -> None:
    body = codec.encode_canonical(value)
    assert json.loads(body) == value
    assert codec.encode_canonical(json.loads(body)) == body
    assert codec.encode_canonical(_backwards(value)) == body


def _backwards(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _backwards(value[key]) for key in reversed(value)}
    return [_backwards(item) for item in value] if isinstance(value, list) else value


@given(
    st.dictionaries(st.text(max_size=8).map("extra.{}".format), json_values, max_size=4),
    st.none() | st.text(max_size=20),
    st.integers(1, 2**53 - 1),
    st.integers(0, 4_102_444_800_000),
)
def test_decoding_gives_back_what_was_encoded(
    values: dict[str, Any], reason: str | None, number: int, milliseconds: int
) -> None:
    draft = a_draft(reason=reason, **values)
    stamp = codec.format_timestamp(milliseconds)
    entry = codec.decode_entry(codec.encode_entry(number, stamp, draft, values, "editor.a", "approver.a", 7))
    assert (entry.number, entry.subject, entry.change) == (number, draft.subject, draft.change)
    assert (entry.valid_from, entry.source) == (draft.valid_from, draft.source)
    assert (entry.proposer, entry.approver, entry.proposal) == ("editor.a", "approver.a", 7)
    assert entry.recorded_at == codec.parse_timestamp(stamp)
    assert round(entry.recorded_at.timestamp() * 1000) == milliseconds


@pytest.mark.parametrize("milliseconds", [0, 1, 999, 1_751_356_800_007, 253_402_300_799_999])
def test_an_instant_has_one_spelling(milliseconds: int) -> None:
    text = codec.format_timestamp(milliseconds)
    assert text.endswith("Z")
    assert len(text) == 24
    assert codec.parse_timestamp(text).utcoffset() == dt.timedelta(0)


def test_an_entry_of_65535_bytes_fits_and_one_more_does_not() -> None:
    empty = len(encoded(a_draft(name="")))
    assert len(encoded(a_draft(name="x" * (65_535 - empty)))) == 65_535
    with pytest.raises(InvalidInput) as refusal:
        encoded(a_draft(name="x" * (65_536 - empty)))
    assert "65536" in refusal.value.en


def test_the_limit_counts_bytes_and_not_characters() -> None:
    encoded(a_draft(name="示" * 21_000))
    with pytest.raises(InvalidInput):
        encoded(a_draft(name="示" * 22_000))


@pytest.mark.parametrize(
    ("kind", "values", "secrets"),
    [
        (
            "practitioner",
            {"name": "示例员甲", "certificate_masked": "*******1234", "role": "医师"},
            ["示例员甲", "1234"],
        ),
        ("sanction", {"person": "示例员乙", "summary": "示例处罚"}, ["示例员乙"]),
    ],
)
def test_personal_values_are_never_in_the_bytes(kind: str, values: dict[str, str], secrets: list[str]) -> None:
    draft = a_draft(kind, **values)
    public, sealed = codec.seal_change(draft.change)
    body = codec.encode_entry(1, RECORDED, draft, public, "editor.a", "approver.a", 7)
    for secret in secrets:
        assert secret.encode() not in body
        assert json.dumps(secret).encode() not in body
    for one in sealed:
        assert len(one.salt) == 16
        assert json.loads(body)["change"]["set"][one.path] == {
            "sha256": hashlib.sha256(one.salt + one.value).hexdigest()
        }
    back = codec.decode_entry(body, {one.path: one.value for one in sealed})
    assert back.change == draft.change


def test_erased_values_are_none_and_the_bytes_stay_what_they_were() -> None:
    draft = a_draft("practitioner", name="示例员甲", role="医师")
    public, sealed = codec.seal_change(draft.change)
    body = codec.encode_entry(1, RECORDED, draft, public, "editor.a", "approver.a", 7)
    assert codec.decode_entry(body).change.set == {"name": None, "role": "医师"}
    assert codec.decode_entry(body, {}).change.set["name"] is None
    assert sealed[0].value.decode() == '"示例员甲"'


def test_the_same_person_is_sealed_differently_each_time() -> None:
    change = a_draft("practitioner", name="示例员甲").change
    hashes = {codec.seal_change(change)[0]["name"]["sha256"] for _ in range(20)}
    assert len(hashes) == 20


def test_the_bytes_tell_which_values_are_sealed_whether_they_are_held_or_not() -> None:
    draft = a_draft("practitioner", name="示例员甲", certificate_masked=None, role="医师")
    assert codec.read_sealed_paths(encoded(draft)) == {"name"}
    assert codec.read_sealed_paths(encoded(a_draft(name="示例医院"))) == set()


def test_only_an_entry_that_erases_has_the_key_for_it() -> None:
    assert b"erases" not in encoded(a_draft(name="示例医院"))
    assert codec.decode_entry(encoded(a_draft(name="示例医院"))).change.erases == []


def test_an_institutions_name_is_public() -> None:
    assert codec.seal_change(a_draft(name="示例医院").change) == ({"name": "示例医院"}, [])


def test_saying_that_a_personal_value_is_no_longer_stated_needs_no_seal() -> None:
    assert codec.seal_change(a_draft("practitioner", name=None).change) == ({"name": None}, [])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff",
        b'"text"',
        b'{"change":[]}',
        b'{"change":{"kind":"practitioner","set":[]}}',
        b'{"change":{"kind":[],"set":{}}}',
        vector(2)[1].replace(b'["certificate_masked","name"]', b'"name"'),
        vector(2)[1].replace(b'["certificate_masked","name"]', b"[1]"),
        vector(2)[1].replace(b'["certificate_masked","name"]', b"null"),
    ],
)
def test_bytes_that_are_no_entry_are_damage(body: bytes) -> None:
    with pytest.raises(LogDamaged):
        codec.decode_entry(body)
