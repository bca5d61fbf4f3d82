"""Which keys somebody trusts for one log: given by hand, or taken at the first look and kept from then on.

A key that begins to sign beside a trusted one is taken in when the log names it as its own over a channel that vouches
for the sender (TLS, or this machine); signatures do not vouch for one another. Otherwise somebody must give it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from registry.domain.model import Struct
from registry.errors import Conflict, InvalidInput
from registry.log import note
from registry.log.checkpoint import SignedCheckpoint, parse_signed_checkpoint
from registry.log.folder import LogFolder
from registry.log.note import Verifier
from registry.log.remote_log import RemoteLog

#: The file of the trusted keys, one a line.
PINNED = "pinned"


class OfferedCheckpoint(Struct, frozen=True):
    """A checkpoint that a log offers, signed by a trusted key.

    ``read_pinned_keys``: those trusted from now on, ``signed_by`` those of them that signed it, ``taken_in`` those that nobody gave
    and that were not trusted before, ``unknown`` the ids of others that signed under the log's name.
    """

    signed: SignedCheckpoint
    keys: list[Verifier]
    signed_by: list[Verifier]
    taken_in: list[Verifier]
    unknown: list[str]
    is_first: bool

    @property
    def vkeys(self) -> str:
        """The verifier keys that go with it, one a line."""
        return note.format_vkeys(self.signed_by)


def read_given_keys(texts: Sequence[str]) -> list[Verifier]:
    """The keys somebody gave: each text a vkey, or a file of them; InvalidInput when one is not a log's key."""
    found = []
    for text in texts:
        path = Path(text)
        inside = path.read_text("utf-8", errors="replace") if path.is_file() else text
        found += [note.parse_verifier(line) for line in inside.split("\n") if line.strip()]
    if any(key.kind != note.ED25519 for key in found):
        raise InvalidInput("须为日志的公钥，而不是见证方的。", "It must be the key of a log, not that of a witness.")
    return list(dict.fromkeys(found))


def read_pinned_keys(folder: LogFolder) -> list[Verifier]:
    """The keys trusted so far; none before the first look."""
    raw = folder.find_file(PINNED) or b""
    return [note.parse_verifier(line) for line in raw.decode().split("\n") if line]


def pin_keys(folder: LogFolder, offered: OfferedCheckpoint) -> None:
    """Keep the keys that are trusted now."""
    wanted = note.format_vkeys(offered.keys).encode()
    if folder.find_file(PINNED) != wanted:
        folder.write_file(PINNED, wanted)


def verify_offer(
    raw: bytes, remote: RemoteLog, trusted: Sequence[Verifier], more: Sequence[Verifier]
) -> OfferedCheckpoint:
    """The checkpoint of a note that a key ``trusted`` so far or one given now (``more``) signed.

    With neither, the keys that the log names as its own are trusted from now on. Conflict when the log has another name
    than its keys, or no trusted key signed.
    """
    signed = parse_signed_checkpoint(raw)
    origin = signed.checkpoint.origin
    known = [*trusted, *(key for key in more if key not in trusted)]
    is_first = not known
    if not known:
        known = [key for key in remote.read_verifiers() if key.kind == note.ED25519]
    if others := sorted({key.name for key in known} - {origin}):
        raise Conflict(
            f"{remote.address} 处的日志自称 {origin}，而所信任的公钥属于 {'、'.join(others)}：不是同一日志，已拒绝。",
            f"The log at {remote.address} calls itself {origin}, the trusted key belongs to {', '.join(others)}: "
            "another log, refused.",
        )
    signed_by = _get_signers(signed, known)
    fresh, unknown = _list_new_keys(signed, remote, known) if not is_first else ([], [])
    return OfferedCheckpoint(
        signed=signed,
        keys=[*(signed_by if is_first else known), *fresh],
        signed_by=[*signed_by, *fresh],
        taken_in=signed_by if is_first else fresh,
        unknown=unknown,
        is_first=is_first,
    )


def _get_signers(signed: SignedCheckpoint, known: Sequence[Verifier]) -> list[Verifier]:
    try:
        return note.verify_note(signed.note, known)[1]
    except InvalidInput as error:
        by = ", ".join(sorted({f"{one.name}+{one.id.hex()}" for one in note.parse(signed.note).signatures}))
        raise Conflict(
            f"检查点未获所信任的密钥签名，已拒绝。{error.zh}签名者：{by}。"
            "若主办单位更换了密钥，请以其他途径核对后用 --vkey 给出新公钥。",
            f"The checkpoint is not signed by a trusted key and was refused. {error.en} Signed by: {by}. If the "
            "register changed its key, compare the new one by another channel and give it with --vkey.",
        ) from error


def _list_new_keys(
    signed: SignedCheckpoint, remote: RemoteLog, known: Sequence[Verifier]
) -> tuple[list[Verifier], list[str]]:
    """(keys that newly sign under the log's name and may be taken in, ids of those that may not)."""
    ids = {key.id for key in known}
    strangers = {
        one.id: one
        for one in note.parse(signed.note).signatures
        if one.name == signed.checkpoint.origin and one.id not in ids and len(one.blob) == 64
    }
    if not strangers:
        return [], []
    text = note.parse(signed.note).text
    published = remote.read_verifiers() if remote.is_authentic else []
    fresh = [
        key
        for key in published
        if key.name == signed.checkpoint.origin
        and key.kind == note.ED25519
        and key.id in strangers
        and key.verify_signature(strangers[key.id], text)
    ]
    return fresh, [one.hex() for one in strangers if one not in {key.id for key in fresh}]
