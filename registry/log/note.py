"""C2SP signed-note, tlog-cosignature and tlog-checkpoint with Ed25519: texts, and lines by which keys sign them.

Source: c2sp.org/signed-note, c2sp.org/tlog-cosignature, c2sp.org/tlog-checkpoint. A verifier ignores lines of keys it
does not know, which is what lets a new key sign beside an old one, and a witness beside the log. The root of a
checkpoint is that of RFC 6962 over the canonical bytes of entries 1 to size.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import struct
from collections.abc import Iterable, Sequence

from registry.domain.model import Struct
from registry.errors import InvalidInput
from registry.log import signing_keys
from registry.texts import Message

ED25519 = 0x01
COSIGNATURE = 0x04
#: More than any honest note has; a limit keeps a hostile server from keeping us busy.
LONGEST, MOST_SIGNATURES = 1_000_000, 100
_DASH = "— "


class Verifier(Struct, frozen=True):
    """A public key under a name. ``text`` is its C2SP vkey: name+hex(id)+base64(kind || public key)."""

    name: str
    kind: int
    public: bytes

    @property
    def id(self) -> bytes:
        """The four bytes that begin this key's signatures."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    @property
    def text(self) -> str:
        """The verifier key as it is published."""
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([self.kind]) + self.public).decode()}"

    def verify_signature(self, signature: Signature, text: str) -> bool:
        """Whether ``signature`` is this key's over ``text``."""
        if self.kind == ED25519:
            return signing_keys.verify_signature(self.public, signature.blob, text.encode())
        stamp = signature.timestamp
        return stamp is not None and signing_keys.verify_signature(
            self.public, signature.blob[8:], encode_cosigned_text(text, stamp)
        )


class Signature(Struct, frozen=True):
    """One signature line: the signer's name, the key id, and the bytes after the id."""

    name: str
    id: bytes
    blob: bytes

    @property
    def timestamp(self) -> int | None:
        """Seconds since 1970 at which a cosignature was made; None when it is no cosignature."""
        stamp = int.from_bytes(self.blob[:8], "big")
        return stamp if len(self.blob) == 72 and stamp < 2**63 else None

    @property
    def line(self) -> str:
        """The signature as a line of a note."""
        return f"{_DASH}{self.name} {base64.b64encode(self.id + self.blob).decode()}\n"


class Note(Struct, frozen=True):
    """A text (with its final newline) and its signature lines."""

    text: str
    signatures: list[Signature]

    def encode(self) -> bytes:
        """The note, byte for byte."""
        return (self.text + "\n" + "".join(signature.line for signature in self.signatures)).encode()


def parse_verifier(text: str) -> Verifier:
    """Parse a vkey; InvalidInput when it is malformed, of an unknown kind, or its id is wrong."""
    name, _, rest = text.strip().partition("+")
    identifier, _, encoded = rest.partition("+")
    raw = _decode_base64(encoded)
    if len(raw) == 33 and raw[0] in (ED25519, COSIGNATURE) and _is_name(name):
        verifier = Verifier(name=name, kind=raw[0], public=raw[1:])
        if verifier.id.hex() == identifier:
            return verifier
    raise InvalidInput(Message("验证公钥“{text}”格式有误，应为 /log/vkey 中的一行。", text=text.strip()[:80]))


def format_vkeys(keys: Iterable[Verifier]) -> str:
    """Verifier keys as files and tables hold them, one a line."""
    return "".join(f"{key.text}\n" for key in keys)


def check_name(name: str) -> str:
    """Return ``name`` if it may name a key; InvalidInput otherwise."""
    if not _is_name(name):
        raise InvalidInput(Message("“{name}”不能作为日志名称：不得为空，不得含空格或加号。", name=name))
    return name


def sign_text(text: str, name: str, keys: Iterable[signing_keys.Key]) -> Note:
    """Sign ``text`` with each key under one name."""
    lines = []
    for key in keys:
        verifier = Verifier(name=name, kind=ED25519, public=key.public)
        lines.append(Signature(name=name, id=verifier.id, blob=key.sign(text.encode())))
    return Note(text=text, signatures=lines)


def cosign_text(text: str, name: str, key: signing_keys.Key, timestamp: int) -> Signature:
    """Cosign (cosignature/v1) a checkpoint's text at a time (seconds since 1970)."""
    verifier = Verifier(name=name, kind=COSIGNATURE, public=key.public)
    blob = struct.pack(">Q", timestamp) + key.sign(encode_cosigned_text(text, timestamp))
    return Signature(name=name, id=verifier.id, blob=blob)


def encode_cosigned_text(text: str, timestamp: int) -> bytes:
    """The bytes a cosignature/v1 signs."""
    return f"cosignature/v1\ntime {timestamp}\n{text}".encode()


def parse_note(raw: bytes) -> Note:
    """Parse a note without verifying its signatures; InvalidInput when it is none."""
    try:
        whole = raw.decode()
    except UnicodeDecodeError as error:
        raise _make_format_error("UTF-8") from error
    if len(raw) > LONGEST or any(ch < " " and ch != "\n" for ch in whole):
        raise _make_format_error("characters")
    text, gap, lines = whole.rpartition("\n\n")
    if not gap or not lines.endswith("\n"):
        raise _make_format_error("signatures")
    signatures = [_parse_signature(line) for line in lines[:-1].split("\n")]
    if len(signatures) > MOST_SIGNATURES:
        raise _make_format_error("signatures")
    return Note(text=text + "\n", signatures=signatures)


def verify_note(raw: bytes, keys: Sequence[Verifier]) -> tuple[Note, list[Verifier]]:
    """Return the note and those of ``keys`` that signed it; InvalidInput when none did or a signature is invalid."""
    note = parse_note(raw)
    signers: list[Verifier] = []
    for signature in note.signatures:
        key = next(
            (candidate for candidate in keys if (candidate.name, candidate.id) == (signature.name, signature.id)), None
        )
        if key is None or key in signers:
            continue
        if not key.verify_signature(signature, note.text):
            raise InvalidInput(Message("{key_name} 的签名不成立：内容被改动过。", key_name=key.name))
        signers.append(key)
    if not signers:
        raise InvalidInput(Message("没有任何已知密钥的签名。"))
    return note, signers


def _parse_signature(line: str) -> Signature:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    raw = _decode_base64(encoded)
    if not line.startswith(_DASH) or not _is_name(name) or len(raw) < 5:
        raise _make_format_error("signatures")
    return Signature(name=name, id=raw[:4], blob=raw[4:])


def _decode_base64(encoded: str) -> bytes:
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return raw if base64.b64encode(raw).decode() == encoded else b""  # the decoder lets "AAAA====" pass


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(ch.isspace() or ch < " " for ch in name)


def _make_format_error(part: str) -> InvalidInput:
    return InvalidInput(Message("不是签名文本（{part}）。", part=part))


_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


class Checkpoint(Struct, frozen=True):
    """The content of a signed checkpoint. ``root`` is 32 bytes."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The note text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


class SignedCheckpoint(Struct, frozen=True):
    """A checkpoint and the signed note it was read from, byte for byte."""

    checkpoint: Checkpoint
    note: bytes


def parse_checkpoint(text: str) -> Checkpoint:
    """Parse the checkpoint of a note's text, without extension lines; InvalidInput when it is none."""
    lines = text.split("\n")
    if len(lines) >= 4 and lines[-1] == "" and all(lines[:-1]) and _SIZE.fullmatch(lines[1]):
        try:
            root = base64.b64decode(lines[2], validate=True)
        except (binascii.Error, ValueError):
            root = b""
        checkpoint = Checkpoint(origin=lines[0], size=int(lines[1]), root=root)
        # Nothing has two spellings, and a size that no database holds is none.
        if len(root) == 32 and checkpoint.size < 2**63 and text.startswith(checkpoint.text):
            return checkpoint
    raise InvalidInput(Message("不是日志检查点。"))


def parse_signed_checkpoint(raw: bytes) -> SignedCheckpoint:
    """Parse the checkpoint of a signed note without verifying its signatures; InvalidInput when it is none."""
    return SignedCheckpoint(checkpoint=parse_checkpoint(parse_note(raw).text), note=raw)
