"""A witness of somebody else's log: remembers what it saw, reports when the log no longer extends it, and may cosign.

Source: c2sp.org/tlog-witness (there the log asks the witness, here the witness asks the log) and
c2sp.org/tlog-cosignature.
Every file of its folder is written whole or not at all, so that a killed witness goes on where it was.
"""

import os
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import msgspec

from registry.domain.model import Struct
from registry.errors import Conflict
from registry.log import forks, note, signing_keys, trusted_keys
from registry.log.clock import format_seconds, read_clock
from registry.log.folder import CHECKPOINT, VKEY, LogFolder
from registry.log.forks import HELD, TileRecorder, Verdict
from registry.log.note import SignedCheckpoint, Verifier, parse_signed_checkpoint
from registry.log.remote_log import RemoteLog
from registry.log.trusted_keys import OfferedCheckpoint
from registry.texts import Message

_ADDRESS, _HISTORY = "address", "history.ndjson"


class Observation(Struct, frozen=True):
    """One look at a log: what it offered, what had been seen, and the verdict.

    ``evidence``: where both checkpoints were saved when they do not fit. ``forks``: the evidence of all forks found so
    far. ``cosignature``: the line made for the offered checkpoint, if any.
    """

    at: str
    address: str
    verdict: Verdict
    offered: OfferedCheckpoint
    seen: SignedCheckpoint | None
    folder: Path
    evidence: Path | None = None
    forks: tuple[str, ...] = ()
    cosignature: str | None = None


class Signer(Struct, frozen=True):
    """A witness's own key and name."""

    name: str
    key: signing_keys.Key

    @property
    def verifier(self) -> Verifier:
        """The key by which others check its cosignatures."""
        return Verifier(name=self.name, kind=note.COSIGNATURE, public=self.key.public)

    def cosign_note(self, raw: bytes) -> tuple[bytes, str]:
        """Return the note with our cosignature of this moment as its last line, and that line."""
        parsed = note.parse_note(raw)
        verifier = self.verifier
        others = [
            signature
            for signature in parsed.signatures
            if (signature.name, signature.id) != (verifier.name, verifier.id)
        ]
        if len(others) < len(parsed.signatures):
            raw = note.Note(text=parsed.text, signatures=others).encode()
        line = note.cosign_text(parsed.text, self.name, self.key, int(time.time())).line
        return raw + line.encode(), line


class Witness:
    """Observes the log of ``remote`` with its state in ``folder``: by default one of its own below ``parent``."""

    def __init__(
        self,
        remote: RemoteLog,
        parent: Path,
        folder: Path | None = None,
        given: Sequence[Verifier] = (),
        signer: Signer | None = None,
    ) -> None:
        self._remote = remote
        self._parent = parent
        self._folder = folder
        self._given = given
        self._signer = signer

    def observe_log(self) -> Observation:
        """Fetch the checkpoint, compare it with the one seen last, and save the result.

        CannotAnswer when the log does not answer; Conflict when its checkpoint is not signed by a trusted key.
        """
        folder = LogFolder(self._folder or select_folder(self._parent, self._remote))
        self._remote.require_log()  # nothing is made for an address at which there is no log
        # Locked before it is asked: who asked earlier and compared later would see an older checkpoint.
        with folder.hold_lock():
            look = self._compare_offer(self._remote.read_checkpoint(), folder)
            _append_history(folder, look)
        return look

    def _compare_offer(self, raw: bytes, folder: LogFolder) -> Observation:
        stored = folder.find_file(CHECKPOINT)
        seen = parse_signed_checkpoint(stored) if stored is not None else None
        offered = trusted_keys.verify_offer(raw, self._remote, trusted_keys.read_pinned_keys(folder), self._given)
        if self._signer and any(key.public == self._signer.key.public for key in offered.keys):
            raise Conflict(Message("见证方的密钥就是日志的密钥，见证没有意义；请用 --key 指定另一个密钥文件。"))
        recorder = TileRecorder(self._remote.read_tile)
        comparison = forks.compare_checkpoints(
            seen.checkpoint if seen else None,
            offered.signed.checkpoint,
            recorder.make_tree,
            partial(_read_roots, folder),
        )
        evidence = forks.save_evidence(folder, comparison, seen, offered, recorder) if seen else None
        known_forks = forks.list_forks(folder)
        cosignature = (
            self._save_state(folder, stored, offered, cosign=not known_forks) if comparison.verdict in HELD else None
        )
        return Observation(
            at=format_seconds(read_clock()),
            address=self._remote.address,
            verdict=comparison.verdict,
            offered=offered,
            seen=seen,
            folder=folder.path,
            evidence=evidence,
            forks=known_forks,
            cosignature=cosignature,
        )

    def _save_state(
        self, folder: LogFolder, stored: bytes | None, offered: OfferedCheckpoint, cosign: bool
    ) -> str | None:
        """Pin the keys, save the checkpoint together with our cosignature, and return that cosignature."""
        trusted_keys.pin_keys(folder, offered)
        _write_if_changed(folder, _ADDRESS, self._remote.address.encode())
        raw, line = offered.signed.note, None
        if self._signer is not None:
            _write_if_changed(folder, VKEY, note.format_vkeys([self._signer.verifier]).encode())
            if cosign:
                raw, line = self._signer.cosign_note(raw)
        if stored is None or not stored.startswith(raw):
            folder.write_file(CHECKPOINT, raw)
        return line


def select_folder(parent: Path, remote: RemoteLog) -> Path:
    """The folder of the state about a log: the one that has its address, else the one named after its origin."""
    for address_file in sorted(parent.glob(f"*/{_ADDRESS}")):
        if address_file.read_bytes() == remote.address.encode():
            return address_file.parent
    origin = parse_signed_checkpoint(remote.read_checkpoint()).checkpoint.origin
    return parent / "".join(ch if ch.isalnum() or ch in ".-" else "_" for ch in origin[:80]).lstrip(".")


def _write_if_changed(folder: LogFolder, name: str, content: bytes) -> None:
    if folder.find_file(name) != content:
        folder.write_file(name, content)


def _append_history(folder: LogFolder, look: Observation) -> None:
    """Append one line to the history; a line that a killed witness left unfinished is ended first."""
    checkpoint = look.offered.signed.checkpoint
    row = {"time": look.at, "size": checkpoint.size, "root": checkpoint.root.hex(), "verdict": look.verdict}
    with (folder.path / _HISTORY).open("ab+") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")
        file.write(msgspec.json.encode(row) + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _read_roots(folder: LogFolder) -> dict[int, bytes]:
    """Read the roots which earlier looks attributed to this log, by size."""
    roots = {}
    for line in (folder.find_file(_HISTORY) or b"").split(b"\n"):
        try:
            row = msgspec.json.decode(line, type=_HistoryRow)
            if row.verdict in HELD:
                roots[row.size] = bytes.fromhex(row.root)
        except (msgspec.MsgspecError, ValueError):
            continue  # an unfinished line
    return roots


class _HistoryRow(msgspec.Struct):
    size: int
    root: str
    verdict: str
