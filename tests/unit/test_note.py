from __future__ import annotations

import base64
import hashlib
import struct

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import InvalidInput
from registry.log import note
from registry.log.note import COSIGNATURE, ED25519, Note, Signature, Verifier
from registry.log.signing_keys import Key

NAME = "register.example/log"
TEXT = "示例日志\n\n第二段\n"
#: The example of the documentation of Go's golang.org/x/mod/sumdb/note, which the format comes from.
GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = """\
If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
"""


def a_key(number: int = 1) -> Key:
    private = Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
    return Key(private.public_key().public_bytes_raw(), private)


def a_verifier(number: int = 1, name: str = NAME, kind: int = ED25519) -> Verifier:
    return Verifier(name=name, kind=kind, public=a_key(number).public)


def a_note(*numbers: int, text: str = TEXT) -> bytes:
    return note.sign_text(text, NAME, [a_key(number) for number in numbers or (1,)]).encode()


def stranger(number: int) -> str:
    """A signature line of a key that nobody here knows."""
    return f"— stranger.example/{number} {base64.b64encode(bytes([number]) * 68).decode()}\n"


def accepted(raw: bytes, *keys: Verifier) -> list[Verifier]:
    return note.verify_note(raw, keys)[1]


def refused(raw: bytes, *keys: Verifier) -> None:
    with pytest.raises(InvalidInput):
        note.verify_note(raw, keys)


# --- verifier keys ---------------------------------------------------------------------------------------------------


def test_the_example_of_the_go_package_is_accepted_and_its_altered_text_refused() -> None:
    key = note.parse_verifier(GO_VKEY)
    assert (key.name, key.kind, key.text) == ("PeterNeumann", ED25519, GO_VKEY)
    assert accepted(GO_NOTE.encode(), key) == [key]
    refused(GO_NOTE.replace("answer", "Answer").encode(), key)


@pytest.mark.parametrize("kind", [ED25519, COSIGNATURE])
def test_a_verifier_key_is_read_as_it_is_written(kind: int) -> None:
    key = a_verifier(kind=kind)
    assert note.parse_verifier(key.text) == key
    assert note.parse_verifier(f"{key.text}\n") == key
    digest = hashlib.sha256(NAME.encode() + b"\n" + bytes([kind]) + key.public).hexdigest()
    assert key.text.split("+")[:2] == [NAME, digest[:8]]


def test_one_key_under_two_names_or_for_two_purposes_has_different_ids() -> None:
    found = {a_verifier(name=name, kind=kind).id for name in ("a", "b") for kind in (ED25519, COSIGNATURE)}
    assert len(found) == 4


@pytest.mark.parametrize(
    "text",
    [
        "",
        NAME,
        f"{NAME}+00000000+",
        GO_VKEY.replace("c74f20a3", "c74f20a4"),
        GO_VKEY.replace("c74f20a3", "C74F20A3"),
        GO_VKEY.replace("PeterNeumann", "Peter Neumann"),
        GO_VKEY.replace("PeterNeumann", ""),
        GO_VKEY[:-1],
        GO_VKEY + "====",
        GO_VKEY.replace("/", "_"),
        GO_VKEY + "\n" + GO_VKEY,
    ],
)
def test_a_malformed_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        note.parse_verifier(text)


@pytest.mark.parametrize("material", [b"", b"\x01", b"\x01" + bytes(31), b"\x01" + bytes(33), b"\x02" + bytes(32)])
def test_a_verifier_key_of_another_kind_or_length_is_refused_though_its_id_is_right(material: bytes) -> None:
    identifier = hashlib.sha256(NAME.encode() + b"\n" + material).hexdigest()[:8]
    with pytest.raises(InvalidInput):
        note.parse_verifier(f"{NAME}+{identifier}+{base64.b64encode(material).decode()}")


@pytest.mark.parametrize(
    "name", ["", "a b", "a+b", "a\u00a0b", "a\u3000b", "a\u2028b", "a\u0085b", "a\nb", "a\tb", "a\x00b"]
)
def test_what_cannot_stand_in_a_signature_line_cannot_name_a_log(name: str) -> None:
    with pytest.raises(InvalidInput):
        note.check_name(name)
    assert note.check_name("示例.example/日志") == "示例.example/日志"


# --- the note --------------------------------------------------------------------------------------------------------


def test_a_note_is_the_text_a_blank_line_and_one_line_for_each_key() -> None:
    lines = a_note(1, 2).decode().removeprefix(TEXT).split("\n")
    assert lines[0] == lines[3] == ""
    for line, number in zip(lines[1:3], (1, 2), strict=True):
        dash, name, encoded = line.split(" ")
        raw = base64.b64decode(encoded)
        assert (dash, name, raw[:4], len(raw)) == ("—", NAME, a_verifier(number).id, 68)
    assert len(lines) == 4


@given(
    st.lists(st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"])), min_size=1),
    st.lists(st.binary(min_size=1, max_size=90), min_size=1, max_size=5),
)
def test_a_note_is_parsed_as_it_was_encoded(lines: list[str], blobs: list[bytes]) -> None:
    text = "".join(f"{line}\n" for line in lines)
    signatures = [Signature(name=f"a/{n}", id=bytes([n]) * 4, blob=blob) for n, blob in enumerate(blobs)]
    made = Note(text=text, signatures=signatures)
    assert note.parse_note(made.encode()) == made
    assert note.parse_note(made.encode()).encode() == made.encode()


WHOLE = a_note().decode()
LINE = WHOLE.removeprefix(TEXT + "\n")


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "\n\n",
        TEXT,
        TEXT + LINE,  # no blank line before the signature, though one within the text
        WHOLE[:-1],
        WHOLE + "\n",
        WHOLE.replace("— ", "- "),
        WHOLE.replace("— ", "—"),
        WHOLE.replace(f" {NAME} ", "  "),
        WHOLE.replace(f"{NAME} ", f"{NAME}\u00a0"),
        WHOLE.replace(NAME, f"{NAME}+1"),
        WHOLE.replace(LINE, f"— {NAME} \n"),
        WHOLE.replace(LINE, f"— {NAME} AAAAAA==\n"),  # an id and nothing signed
        WHOLE.replace(LINE, LINE.replace("=\n", "\n")),
        WHOLE.replace(LINE, LINE.replace("=\n", "==\n")),
        WHOLE.replace(LINE, LINE.replace("\n", "A\n")),
        WHOLE.replace("\n", "\r\n"),
        WHOLE.replace("第二段", "第二段\t"),
        WHOLE.replace("第二段", "\x00第二段"),
    ],
)
def test_what_is_no_note_is_refused(raw: str) -> None:
    with pytest.raises(InvalidInput):
        note.parse_note(raw.encode())
    assert note.parse_note(WHOLE.encode()).text == TEXT


def test_bytes_that_are_no_text_are_refused() -> None:
    for raw in (WHOLE.encode("utf-16"), b"\xff" + WHOLE.encode(), b"\xed\xa0\x80" + WHOLE.encode()):
        with pytest.raises(InvalidInput):
            note.parse_note(raw)


def test_a_note_may_have_a_hundred_signatures_and_a_million_bytes_and_no_more() -> None:
    assert len(note.parse_note((WHOLE + "".join(map(stranger, range(99)))).encode()).signatures) == 100
    refused((WHOLE + "".join(map(stranger, range(100)))).encode(), a_verifier())
    room = note.LONGEST - len(a_note(text="\n"))
    assert accepted(a_note(text="x" * room + "\n"), a_verifier())
    refused(a_note(text="x" * (room + 1) + "\n"), a_verifier())


def test_sixteen_signatures_of_five_thousand_bytes_are_accepted() -> None:
    long = [Signature(name=f"witness.example/{n}", id=bytes(4), blob=bytes(5000)).line for n in range(16)]
    assert accepted((WHOLE + "".join(long)).encode(), a_verifier()) == [a_verifier()]


# --- whose signatures hold -------------------------------------------------------------------------------------------


def test_a_note_of_two_keys_opens_with_either_and_with_both() -> None:
    raw, one, two = a_note(1, 2), a_verifier(1), a_verifier(2)
    assert accepted(raw, one) == [one]
    assert accepted(raw, two) == [two]
    assert accepted(raw, two, one) == [one, two]
    assert accepted(raw, a_verifier(3), two) == [two]


def test_lines_of_unknown_keys_are_passed_over_wherever_they_stand() -> None:
    before = TEXT + "\n" + stranger(1) + LINE + stranger(2)
    assert accepted(before.encode(), a_verifier()) == [a_verifier()]
    assert accepted((before + LINE).encode(), a_verifier()) == [a_verifier()]


def test_a_note_that_no_known_key_signed_is_refused() -> None:
    refused(a_note(1), a_verifier(2))
    refused(a_note(1))
    refused((TEXT + "\n" + stranger(1)).encode(), a_verifier(1))


def test_the_same_key_under_another_name_is_an_unknown_key() -> None:
    refused(a_note(1), a_verifier(1, name="other.example/log"))
    refused(WHOLE.replace(f"— {NAME}", "— other.example/log").encode(), a_verifier(1))


def test_a_line_that_shares_only_the_name_or_only_the_id_of_a_known_key_is_passed_over() -> None:
    known = a_verifier(1)
    same_name = Signature(name=NAME, id=b"\x00\x00\x00\x00", blob=bytes(64)).line
    same_id = Signature(name="other.example/log", id=known.id, blob=bytes(64)).line
    assert accepted((WHOLE + same_name + same_id).encode(), known) == [known]


def test_one_bad_signature_of_a_known_key_refuses_the_note_whatever_else_holds() -> None:
    forged = Signature(name=NAME, id=a_verifier(2).id, blob=bytes(64)).line
    raw = (WHOLE + forged).encode()
    refused(raw, a_verifier(1), a_verifier(2))
    refused((TEXT + "\n" + forged + LINE).encode(), a_verifier(1), a_verifier(2))
    assert accepted(raw, a_verifier(1)) == [a_verifier(1)]


@pytest.mark.parametrize("blob", [bytes(1), bytes(63), bytes(65), bytes(72)])
def test_a_signature_of_another_length_does_not_hold(blob: bytes) -> None:
    for kind in (ED25519, COSIGNATURE):
        known = a_verifier(kind=kind)
        refused((TEXT + "\n" + Signature(name=NAME, id=known.id, blob=blob).line).encode(), known)


def test_every_altered_character_of_the_text_is_noticed() -> None:
    for place, character in enumerate(TEXT):
        altered = TEXT[:place] + ("x" if character != "x" else "y") + TEXT[place + 1 :]
        refused((altered + "\n" + LINE).encode(), a_verifier())


# --- cosignatures ----------------------------------------------------------------------------------------------------

STAMP = 1_679_315_147
WITNESS = a_verifier(9, name="witness.example/w1", kind=COSIGNATURE)


def cosigned(stamp: int = STAMP, text: str = TEXT) -> Signature:
    return note.cosign_text(text, WITNESS.name, a_key(9), stamp)


def test_a_cosignature_signs_the_header_the_time_and_the_text() -> None:
    made = cosigned()
    assert note.encode_cosigned_text(TEXT, STAMP) == b"cosignature/v1\ntime 1679315147\n" + TEXT.encode()
    assert (made.id, made.timestamp, len(made.blob)) == (WITNESS.id, STAMP, 72)
    assert made.blob[:8] == STAMP.to_bytes(8, "big")
    signed = Ed25519PrivateKey.from_private_bytes(bytes([9]) * 32).public_key()
    signed.verify(made.blob[8:], note.encode_cosigned_text(TEXT, STAMP))  # raises where it does not hold


def test_a_witness_stands_beside_the_log() -> None:
    raw = (WHOLE + cosigned().line).encode()
    assert accepted(raw, a_verifier(), WITNESS) == [a_verifier(), WITNESS]
    assert accepted(raw, WITNESS) == [WITNESS]


def test_a_cosignature_of_another_text_time_or_key_does_not_hold() -> None:
    made = cosigned()
    assert WITNESS.verify_signature(made, TEXT)
    assert not WITNESS.verify_signature(made, TEXT + "x\n")
    later = Signature(name=made.name, id=made.id, blob=struct.pack(">Q", STAMP + 1) + made.blob[8:])
    assert not WITNESS.verify_signature(later, TEXT)
    assert not a_verifier(8, name=WITNESS.name, kind=COSIGNATURE).verify_signature(made, TEXT)


def test_a_log_signature_is_no_cosignature_and_the_other_way_round() -> None:
    log, witness = a_verifier(9), a_verifier(9, kind=COSIGNATURE)
    plain = note.sign_text(TEXT, NAME, [a_key(9)]).signatures[0]
    timed = note.cosign_text(TEXT, NAME, a_key(9), STAMP)
    assert log.verify_signature(plain, TEXT)
    assert witness.verify_signature(timed, TEXT)
    assert not log.verify_signature(timed, TEXT)
    assert not witness.verify_signature(plain, TEXT)
    assert plain.timestamp is None


def test_a_time_beyond_what_the_specification_allows_does_not_hold() -> None:
    assert WITNESS.verify_signature(cosigned(2**63 - 1), TEXT)
    assert not WITNESS.verify_signature(cosigned(2**63), TEXT)
    assert cosigned(2**63).timestamp is None
