"""Who gives receipts and checks them: one register on one machine, with the keys it has and the log it follows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from registry import signing
from registry.database import Database
from registry.errors import CannotSign, InvalidInput, LogDamaged, NotFound
from registry.log import mirrored, note, proofs, shared
from registry.log.publish import PublishedLog
from registry.model import Answer, Claim, LogState, Struct
from registry.signing import Key
from registry.verification import jwks, receipts
from registry.verification.answer import answer
from registry.verification.essence import essence
from registry.verification.jwks import PublicKey
from registry.verification.receipt_rows import Rows, Signed
from registry.verification.receipts import Reason, Receipt
from registry.verification.view import VerificationView


class Checked(Struct, frozen=True):
    """What is known of a receipt. ``still_true``: whether the same question about the same day has the same answer now;
    None when the receipt is not ``valid``, or its log is ahead of the one here. ``now`` is what differs."""

    valid: bool
    reason: Reason | None = None
    receipt: Receipt | None = None
    still_true: bool | None = None
    now: Answer | None = None
    claims_from: str | None = None


class Issuer:
    """Gives and checks receipts. ``give`` touches no database once it has looked whether this is a mirror."""

    def __init__(self, database: Database, published: PublishedLog, view: VerificationView, key_file: Path) -> None:
        self._database = database
        self._published = published
        self._view = view
        self._key_file = key_file
        self._own: tuple[object, list[Key]] = (None, [])
        self._is_mirror: bool | None = None

    # --- giving ------------------------------------------------------------------------------------------------------

    def give(self, claim: Claim, found: Answer) -> Answer:
        """The answer with its receipt; CannotSign where none can be given, never an answer without."""
        issuer, key = self._signer(found.log)
        return msgspec.structs.replace(found, receipt=receipts.sign(claim, found, issuer, key, self._view.find_now()))

    def require(self, log: LogState) -> None:
        """CannotSign unless a receipt of an answer that rests on this log can be given now."""
        self._signer(log)

    def sign_rows(self, rows: Rows, log: LogState) -> Signed:
        """One signature over all rows of a batch; CannotSign. ``log``: the longest that an answer rests on."""
        issuer, key = self._signer(log)
        return rows.sign(issuer, key, self._view.find_now())

    def learn(self) -> None:
        """Find out whether this database is a mirror's, which never changes."""
        if self._is_mirror is None:
            with self._database.reading() as connection:
                self._is_mirror = mirrored.is_marked(connection)

    def _signer(self, log: LogState) -> tuple[str, Key]:
        """(name of the log, key): the oldest in use, which most verifiers have."""
        self.learn()
        keys = [key for key in self._keys() if not key.retired]
        if self._is_mirror or not keys:
            raise no_key(self._issuer())
        last = self._published.last()
        if last is None or log.size > last.checkpoint.size:
            raise _not_yet()
        if log.size == last.checkpoint.size and log.root != last.checkpoint.root.hex():
            raise LogDamaged(
                "日志与已签发的检查点不符，不签发回执。请运行：registry log check",
                "The log is not the one whose checkpoint was signed; no receipt is given. Run: registry log check",
            )
        return self._published.origin(), keys[0]

    def _keys(self) -> list[Key]:
        """The keys of this machine's file, read again when it changed; CannotSign when it cannot be read."""
        try:
            stat = self._key_file.stat()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise no_key(None) from error
        changed = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if changed != self._own[0]:
            try:
                self._own = (changed, signing.load(self._key_file))
            except InvalidInput as error:
                raise CannotSign(error.zh, error.en) from error
        return self._own[1]

    # --- keys --------------------------------------------------------------------------------------------------------

    def keys(self) -> list[PublicKey]:
        """Every key that receipts of this register are checked with, oldest first.

        From the key file; where there is none, those beside the checkpoints another machine signed.
        """
        if own := self._keys():
            return [jwks.key_of(key) for key in own]
        in_use = self._published.vkeys()
        with self._database.reading() as connection:
            lines = dict.fromkeys([*shared.every_vkey(connection), *in_use])
        return [PublicKey(public=note.verifier(line).public, retired=line not in in_use) for line in lines]

    def jwks(self) -> dict[str, Any]:
        """The keys as /.well-known/jwks.json has them."""
        return jwks.written(self.keys())

    # --- checking ----------------------------------------------------------------------------------------------------

    def check(self, text: str, lang: str = "zh-CN") -> Checked:
        """Whether a receipt is genuine and of this log, and whether its answer is still what the register says.

        InvalidInput for what is no receipt at all; CannotAnswer while the register cannot be asked.
        """
        self._view.require_fresh()
        found = receipts.read(text, self.keys(), self._issuer())
        receipt = found.receipt
        if receipt is None:
            return Checked(valid=False, reason=found.reason, claims_from=found.claims_from)
        root = self._root(receipt.log.size)
        if root is None:
            return Checked(valid=True, reason="ahead", receipt=receipt)
        if root != receipt.log.root:
            return Checked(valid=False, reason="other_log")
        now = self._again(receipt, lang)
        if now is None:
            return Checked(valid=True, receipt=receipt)
        same = essence(msgspec.to_builtins(now)) == essence(receipt.answer)
        return Checked(valid=True, receipt=receipt, still_true=same, now=None if same else now)

    def _issuer(self) -> str | None:
        last = self._published.last()
        return last.checkpoint.origin if last else None

    def _root(self, size: int) -> str | None:
        """The root of our log at a size; None for a size it has not reached."""
        if (root := self._view.root_at(size)) is not None:
            return root
        last = self._published.last()
        if last is None or not 0 < size <= last.checkpoint.size:
            return None
        try:
            return proofs.root(self._published.folder.tree(last.checkpoint.size), size).hex()
        except (NotFound, LogDamaged):  # tiles that were lost come back by themselves
            return None

    def _again(self, receipt: Receipt, lang: str) -> Answer | None:
        """The same question about the same day, as known now; None when it can no longer be asked so."""
        try:
            claim = msgspec.convert(receipt.question, Claim)
            return answer(self._view, msgspec.structs.replace(claim, on=receipt.on, known_at=None), lang)
        except (msgspec.ValidationError, InvalidInput):
            return None


def no_key(origin: str | None) -> CannotSign:
    """The refusal where there is no key; ``origin``: the register that has it."""
    where = origin or "—"
    return CannotSign(
        f"本机没有签名密钥，不能出具回执（答复本身不受影响）。请不带 receipt 再问，或向持有密钥的名录（{where}）索取。",
        "This machine has no signing key and cannot give receipts; answers are not affected. Ask again without "
        f"receipt, or ask the register that has the key ({where}).",
    )


def _not_yet() -> CannotSign:
    return CannotSign(
        "刚刚有新记录，日志尚未签发，暂时不能出具回执；请稍后再试，或不带 receipt 再问。",
        "Something was recorded just now and the log is not signed yet, so no receipt can be given; try again in a "
        "moment, or ask without receipt.",
    )
