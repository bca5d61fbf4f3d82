"""The keys somebody trusts for one log: given by hand, or pinned at the first look.

A key that begins to sign together with a trusted one is adopted when the log publishes it as its own over an authentic
channel (TLS, or this machine); signatures do not vouch for one another. Otherwise somebody must give it.
"""

from collections.abc import Sequence
from pathlib import Path

from registry.domain.model import Struct
from registry.errors import Conflict, InvalidInput
from registry.log import note
from registry.log.folder import LogFolder
from registry.log.note import SignedCheckpoint, Verifier, parse_signed_checkpoint
from registry.log.remote_log import RemoteLog
from registry.texts import Listing, Message

#: The file of the trusted keys, one a line.
PINNED = "pinned"


class OfferedCheckpoint(Struct, frozen=True):
    """A checkpoint that a log offers, signed by a trusted key.

    ``keys``: those trusted from now on. ``signed_by``: those of them that signed it. ``taken_in``: those that were not
    trusted before and that nobody gave. ``unknown``: the ids of others that signed under the log's name.
    """

    signed: SignedCheckpoint
    keys: list[Verifier]
    signed_by: list[Verifier]
    taken_in: list[Verifier]
    unknown: list[str]
    is_first: bool

    @property
    def vkeys(self) -> str:
        """The verifier keys that signed it, one a line."""
        return note.format_vkeys(self.signed_by)


def read_given_keys(texts: Sequence[str]) -> list[Verifier]:
    """Read keys given by hand: each text a vkey, or a file of them; InvalidInput when one is not a log's key."""
    keys = []
    for text in texts:
        path = Path(text)
        content = path.read_text("utf-8", errors="replace") if path.is_file() else text
        keys += [note.parse_verifier(line) for line in content.split("\n") if line.strip()]
    if any(key.kind != note.ED25519 for key in keys):
        raise InvalidInput(Message("须为日志的公钥，而不是见证方的。"))
    return list(dict.fromkeys(keys))


def read_pinned_keys(folder: LogFolder) -> list[Verifier]:
    """The keys trusted so far; none before the first look."""
    raw = folder.find_file(PINNED) or b""
    return [note.parse_verifier(line) for line in raw.decode().split("\n") if line]


def pin_keys(folder: LogFolder, offered: OfferedCheckpoint) -> None:
    """Save the keys that are trusted now."""
    content = note.format_vkeys(offered.keys).encode()
    if folder.find_file(PINNED) != content:
        folder.write_file(PINNED, content)


def verify_offer(
    raw: bytes, remote: RemoteLog, trusted: Sequence[Verifier], added: Sequence[Verifier]
) -> OfferedCheckpoint:
    """Verify that a key ``trusted`` so far, or one ``added`` now, signed the checkpoint of a note.

    With neither, the keys that the log publishes as its own are trusted from now on. Conflict when the log has another
    name than its keys, or no trusted key signed.
    """
    signed = parse_signed_checkpoint(raw)
    origin = signed.checkpoint.origin
    known = [*trusted, *(key for key in added if key not in trusted)]
    is_first = not known
    if not known:
        known = [key for key in remote.read_verifiers() if key.kind == note.ED25519]
    if other_names := sorted({key.name for key in known} - {origin}):
        message = Message(
            "{address} 处的日志自称 {origin}，而所信任的公钥属于 {other_names}：不是同一日志，已拒绝。",
            address=remote.address,
            origin=origin,
            other_names=Listing(other_names),
        )
        raise Conflict(message)
    signed_by = _get_signers(signed, known)
    new_keys, unknown = _list_new_keys(signed, remote, known) if not is_first else ([], [])
    return OfferedCheckpoint(
        signed=signed,
        keys=[*(signed_by if is_first else known), *new_keys],
        signed_by=[*signed_by, *new_keys],
        taken_in=signed_by if is_first else new_keys,
        unknown=unknown,
        is_first=is_first,
    )


def _get_signers(signed: SignedCheckpoint, known: Sequence[Verifier]) -> list[Verifier]:
    try:
        return note.verify_note(signed.note, known)[1]
    except InvalidInput as error:
        names = ", ".join(
            sorted({f"{signature.name}+{signature.id.hex()}" for signature in note.parse_note(signed.note).signatures})
        )
        message = Message(
            "检查点未获所信任的密钥签名，已拒绝。{error}签名者：{names}。"
            "若主办单位更换了密钥，请以其他途径核对后用 --vkey 给出新公钥。",
            error=error.message,
            names=names,
        )
        raise Conflict(message) from error


def _list_new_keys(
    signed: SignedCheckpoint, remote: RemoteLog, known: Sequence[Verifier]
) -> tuple[list[Verifier], list[str]]:
    """(keys that newly sign under the log's name and may be adopted, ids of those that may not)."""
    ids = {key.id for key in known}
    unknown = {
        one.id: one
        for one in note.parse_note(signed.note).signatures
        if one.name == signed.checkpoint.origin and one.id not in ids and len(one.blob) == 64
    }
    if not unknown:
        return [], []
    text = note.parse_note(signed.note).text
    published = remote.read_verifiers() if remote.is_authentic else []
    new_keys = [
        key
        for key in published
        if key.name == signed.checkpoint.origin
        and key.kind == note.ED25519
        and key.id in unknown
        and key.verify_signature(unknown[key.id], text)
    ]
    return new_keys, [one.hex() for one in unknown if one not in {key.id for key in new_keys}]
