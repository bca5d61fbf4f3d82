from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from registry.errors import Conflict, InvalidInput, NotFound
from registry.log import signing_keys
from registry.log.signing_keys import Key

#: RFC 8032 section 7.1, tests 1 to 3: public key, message, signature.
RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24"
        "655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aee"
        "b00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28d"
        "c027beceea1ec40a",
    ),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A key file that was just made."""
    path = tmp_path / "keys" / "signing.key"
    assert signing_keys.create_key_file(path)
    return path


def pem(key: object, encryption: KeySerializationEncryption | None = None) -> str:
    assert isinstance(key, ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()).decode()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def in_use(keys: list[Key]) -> list[bytes]:
    return [key.public for key in keys if not key.is_retired]


# --- signatures ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("public", "message", "signature"), RFC_8032)
def test_the_signatures_of_rfc_8032_hold(public: str, message: str, signature: str) -> None:
    assert signing_keys.verify_signature(bytes.fromhex(public), bytes.fromhex(signature), bytes.fromhex(message))


def test_a_signature_holds_for_its_key_and_message_only(path: Path) -> None:
    key, other = signing_keys.load_keys(path)[0], signing_keys.add_key(path)
    signature = key.sign(b"message")
    assert len(signature) == 64
    assert signing_keys.verify_signature(key.public, signature, b"message")
    assert not signing_keys.verify_signature(key.public, signature, b"Message")
    assert not signing_keys.verify_signature(other.public, signature, b"message")
    for place in range(64):
        altered = bytearray(signature)
        altered[place] ^= 1
        assert not signing_keys.verify_signature(key.public, bytes(altered), b"message")


@pytest.mark.parametrize("length", [0, 1, 31, 33, 64])
def test_bytes_that_are_no_key_or_no_signature_verify_nothing(path: Path, length: int) -> None:
    key = signing_keys.load_keys(path)[0]
    assert not signing_keys.verify_signature(bytes(length), key.sign(b"message"), b"message")
    assert not signing_keys.verify_signature(key.public, bytes(length), b"message")


# --- the file --------------------------------------------------------------------------------------------------------


def test_a_new_file_holds_one_key_that_signs_and_only_its_owner_reads_it(path: Path) -> None:
    (key,) = signing_keys.load_keys(path)
    assert not key.is_retired
    assert key.at is not None
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", key.at)
    assert mode(path) == 0o600


def test_creating_again_changes_nothing(path: Path) -> None:
    before = path.read_bytes()
    assert not signing_keys.create_key_file(path)
    assert path.read_bytes() == before


def test_creating_over_a_file_that_is_no_key_is_refused_and_leaves_it(tmp_path: Path) -> None:
    path = tmp_path / "signing.key"
    path.write_text("somebody's notes\n")
    with pytest.raises(InvalidInput):
        signing_keys.create_key_file(path)
    assert path.read_text() == "somebody's notes\n"


def test_two_files_never_hold_the_same_key(tmp_path: Path) -> None:
    for name in "ab":
        signing_keys.create_key_file(tmp_path / name)
    assert signing_keys.load_keys(tmp_path / "a")[0].public != signing_keys.load_keys(tmp_path / "b")[0].public


def test_a_file_of_before_the_keys_had_dates_is_read(tmp_path: Path) -> None:
    path = tmp_path / "signing.key"
    private = ed25519.Ed25519PrivateKey.generate()
    path.write_text(pem(private))
    (key,) = signing_keys.load_keys(path)
    assert key.at is None
    assert key.public == private.public_key().public_bytes_raw()
    signing_keys.add_key(path)
    first, second = signing_keys.load_keys(path)
    assert (first.public, first.at) == (key.public, None)
    assert second.at is not None


def test_a_file_with_the_line_ends_of_another_system_is_read(path: Path) -> None:
    before = signing_keys.load_keys(path)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert [(key.public, key.at) for key in signing_keys.load_keys(path)] == [(key.public, key.at) for key in before]


# --- rotating and retiring -------------------------------------------------------------------------------------------


def test_a_rotated_file_holds_both_keys_the_old_one_first(path: Path) -> None:
    (old,) = signing_keys.load_keys(path)
    fresh = signing_keys.add_key(path)
    assert in_use(signing_keys.load_keys(path)) == [old.public, fresh.public]
    assert fresh.public != old.public
    assert signing_keys.load_keys(path)[0].at == old.at
    assert signing_keys.verify_signature(fresh.public, fresh.sign(b"message"), b"message")
    assert mode(path) == 0o600


def test_a_retired_key_keeps_its_public_half_only(path: Path) -> None:
    (old,) = signing_keys.load_keys(path)
    assert old.private is not None
    secret = pem(old.private).splitlines()[1]
    signature = old.sign(b"message")
    fresh = signing_keys.add_key(path)
    assert secret in path.read_text()
    signing_keys.retire_key(path, old.public)
    kept, still = signing_keys.load_keys(path)
    assert (kept.public, kept.is_retired, still.public, still.is_retired) == (old.public, True, fresh.public, False)
    assert secret not in path.read_text()
    assert signing_keys.verify_signature(kept.public, signature, b"message")
    assert mode(path) == 0o600
    with pytest.raises(Conflict):
        kept.sign(b"message")


def test_the_last_key_in_use_is_never_retired(path: Path) -> None:
    (only,) = signing_keys.load_keys(path)
    before = path.read_bytes()
    with pytest.raises(Conflict) as refusal:
        signing_keys.retire_key(path, only.public)
    assert "registry log rotate" in refusal.value.zh
    assert "registry log rotate" in refusal.value.en
    assert path.read_bytes() == before
    fresh = signing_keys.add_key(path)
    signing_keys.retire_key(path, only.public)
    with pytest.raises(Conflict):
        signing_keys.retire_key(path, fresh.public)


def test_a_key_that_is_not_in_use_cannot_be_retired(path: Path) -> None:
    (old,) = signing_keys.load_keys(path)
    signing_keys.add_key(path)
    signing_keys.retire_key(path, old.public)
    before = path.read_bytes()
    for public in (old.public, bytes(32)):
        with pytest.raises(NotFound):
            signing_keys.retire_key(path, public)
    assert path.read_bytes() == before


def test_many_rotations_keep_every_key_there_ever_was(path: Path) -> None:
    everyone = [signing_keys.load_keys(path)[0].public]
    for _ in range(5):
        everyone.append(signing_keys.add_key(path).public)
        signing_keys.retire_key(path, everyone[-2])
    keys = signing_keys.load_keys(path)
    assert [key.public for key in keys] == everyone
    assert in_use(keys) == everyone[-1:]
    assert sorted(name.name for name in path.parent.iterdir()) == ["signing.key"]


def test_what_a_killed_rotation_left_beside_the_file_does_not_stop_the_next(path: Path) -> None:
    path.with_name("signing.key.new").write_text("half a fi")
    fresh = signing_keys.add_key(path)
    assert signing_keys.load_keys(path)[-1].public == fresh.public


# --- damaged files ---------------------------------------------------------------------------------------------------


def refused(path: Path) -> None:
    with pytest.raises(InvalidInput) as refusal:
        signing_keys.load_keys(path)
    assert str(path) in refusal.value.zh
    assert str(path) in refusal.value.en


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"\xff\xfe", "密钥".encode(), b"-----BEGIN PRIVATE KEY-----\n", b"# added 2026-01-05T02:00:00Z\n"],
)
def test_a_file_without_a_key_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "signing.key").write_bytes(content)
    refused(tmp_path / "signing.key")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    refused(tmp_path / "none.key")
    refused(tmp_path)


def test_a_key_with_a_changed_character_is_refused(path: Path) -> None:
    text = path.read_text()
    for damaged in (text.replace("MC4C", "MC4D"), text.replace("MC4C", "M*4C"), text.replace("MC4CAQAw", "")):
        assert damaged != text
        path.write_text(damaged)
        refused(path)


def test_a_file_that_lost_a_part_is_refused_instead_of_losing_a_key(path: Path) -> None:
    signing_keys.add_key(path)
    whole = path.read_text()
    assert whole.count("-----BEGIN") == 2
    lines = whole.splitlines(keepends=True)
    for left_out in [n for n, line in enumerate(lines) if line.startswith("-----")]:
        path.write_text("".join(lines[:left_out] + lines[left_out + 1 :]))
        refused(path)
    path.write_text(whole[: whole.rindex("-----END")])
    refused(path)


def test_keys_of_another_kind_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "signing.key"
    good = pem(ed25519.Ed25519PrivateKey.generate())
    others = [
        pem(ec.generate_private_key(ec.SECP256R1())),
        pem(rsa.generate_private_key(65537, 2048)),
        pem(ed25519.Ed25519PrivateKey.generate(), BestAvailableEncryption(b"pass")),
        # PKCS #8 with the algorithm 1.2.3.4, which nobody knows.
        "-----BEGIN PRIVATE KEY-----\nMBECAQAwBQYDKgMEBAUEA0FCQw==\n-----END PRIVATE KEY-----\n",
    ]
    for other in others:
        for content in (other, good + other):
            path.write_text(content)
            refused(path)


def test_a_file_of_retired_keys_only_is_refused(path: Path) -> None:
    (old,) = signing_keys.load_keys(path)
    signing_keys.add_key(path)
    signing_keys.retire_key(path, old.public)
    path.write_text(path.read_text().split("# added")[0])
    refused(path)
