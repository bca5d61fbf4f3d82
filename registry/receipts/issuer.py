"""Giving and checking receipts: one register on one machine, with the keys it has and the log it follows."""

from pathlib import Path
from typing import Any

import msgspec

from registry.domain.answers import Answer, Claim, LogState
from registry.domain.model import Struct
from registry.errors import CannotSign, InvalidInput, LogDamaged, NotFound
from registry.log import checkpoint_store, merkle, note, replication, signing_keys
from registry.log.publish import PublishedLog
from registry.log.signing_keys import Key
from registry.receipts import jws, receipt_text
from registry.receipts.batch_proofs import BatchRows, BatchSignature
from registry.receipts.jws import PublicKey
from registry.receipts.receipt_text import Reason, Receipt
from registry.storage.database import Database
from registry.texts import Message
from registry.verification.answer import answer_claim, is_same_answer
from registry.verification.view import VerificationView


class ReceiptStatus(Struct, frozen=True):
    """The outcome of checking a receipt.

    ``still_true``: whether the same question about the same day has the same answer now; None when the receipt is not
    ``valid``, or its log is ahead of the one here. ``now`` is the answer where it differs.
    """

    valid: bool
    reason: Reason | None = None
    receipt: Receipt | None = None
    still_true: bool | None = None
    now: Answer | None = None
    claims_from: str | None = None


class _KeysOfBundle(Struct, frozen=True):
    keys: msgspec.Raw


class Issuer:
    """Gives and checks receipts. ``add_receipt`` touches no database once it has looked whether this is a mirror."""

    def __init__(
        self,
        database: Database,
        published: PublishedLog,
        view: VerificationView,
        key_file: Path,
        bundle_file: Path | None = None,
    ) -> None:
        self._database = database
        self._published = published
        self._view = view
        self._key_file = key_file
        self._bundle_file = bundle_file
        self._key_cache: tuple[object, list[Key]] = (None, [])  # (state of the file, its keys)
        self._is_mirror: bool | None = None

    # --- giving ------------------------------------------------------------------------------------------------------

    def add_receipt(self, claim: Claim, answer: Answer) -> Answer:
        """Return the answer with its receipt; CannotSign where none can be given, never an answer without."""
        issuer, key = self._get_signer(answer.log)
        return msgspec.structs.replace(
            answer, receipt=receipt_text.sign_receipt(claim, answer, issuer, key, self._view.find_now())
        )

    def require_signer(self, log: LogState) -> None:
        """Raise CannotSign unless a receipt of an answer that rests on this log can be given now."""
        self._get_signer(log)

    def sign_rows(self, rows: BatchRows, log: LogState) -> BatchSignature:
        """Sign all rows of a batch at once; CannotSign. ``log``: the longest that an answer rests on."""
        issuer, key = self._get_signer(log)
        return rows.sign(issuer, key, self._view.find_now())

    def detect_mirror(self) -> None:
        """Find out whether this database is a mirror's, which never changes."""
        if self._is_mirror is None:
            with self._database.reading() as connection:
                self._is_mirror = replication.is_mirror(connection)

    def get_signer(self) -> tuple[str, Key]:
        """Return (name of the log, key): the oldest key in use, which most verifiers have. CannotSign without one."""
        self.detect_mirror()
        keys = [key for key in self._load_keys() if not key.is_retired]
        if self._is_mirror or not keys:
            raise make_no_key_error(self.find_origin())
        return self._published.get_origin(), keys[0]

    def _get_signer(self, log: LogState) -> tuple[str, Key]:
        """Return the signer of what rests on a log that was published."""
        signer = self.get_signer()
        last = self._published.find_checkpoint()
        if last is None or log.size > last.checkpoint.size:
            raise CannotSign(Message("刚刚有新记录，日志尚未签发，暂时不能出具回执；请稍后再试，或不带 receipt 再问。"))
        if log.size == last.checkpoint.size and log.root != last.checkpoint.root.hex():
            raise LogDamaged(Message("日志与已签发的检查点不符，不签发回执。请运行：registry log check"))
        return signer

    def _load_keys(self) -> list[Key]:
        """Load the keys of this machine's file, again when it changed; CannotSign when it cannot be read."""
        try:
            stat = self._key_file.stat()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise make_no_key_error(None) from error
        file_state = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if file_state != self._key_cache[0]:
            try:
                self._key_cache = (file_state, signing_keys.load_keys(self._key_file))
            except InvalidInput as error:
                raise CannotSign(error.message) from error
        return self._key_cache[1]

    # --- keys --------------------------------------------------------------------------------------------------------

    def list_keys(self) -> list[PublicKey]:
        """List every key that receipts of this register are checked with, oldest first.

        From the key file; where there is none, those beside the checkpoints another machine signed, of which a mirror
        knows by the bundle that it took over which its register withdrew.
        """
        if keys := self._load_keys():
            return [jws.to_public_key(key) for key in keys]
        in_use = self._published.read_vkeys()
        with self._database.reading() as connection:
            lines = dict.fromkeys([*checkpoint_store.list_vkeys(connection), *in_use])
        held = [PublicKey(public=note.parse_verifier(line).public, retired=line not in in_use) for line in lines]
        ended = {key.public: key for key in self._load_bundle_keys() if key.withdrawn}
        return [ended.get(key.public, key) for key in held]

    def _load_bundle_keys(self) -> list[PublicKey]:
        if self._bundle_file is None or not self._bundle_file.exists():
            return []
        return jws.parse_key_set(msgspec.json.decode(self._bundle_file.read_bytes(), type=_KeysOfBundle).keys)

    def make_key_set(self) -> dict[str, Any]:
        """Make the keys as /.well-known/jwks.json has them."""
        return jws.make_key_set(self.list_keys())

    # --- checking ----------------------------------------------------------------------------------------------------

    def check_receipt(self, text: str, lang: str = "zh-CN") -> ReceiptStatus:
        """Check whether a receipt is genuine and of this log, and whether its answer is still what the register says.

        InvalidInput for what is no receipt at all; CannotAnswer while the register cannot be asked.
        """
        self._view.require_fresh()
        reading = receipt_text.read_receipt(text, self.list_keys(), self.find_origin())
        receipt = reading.receipt
        if receipt is None:
            return ReceiptStatus(valid=False, reason=reading.reason, claims_from=reading.claims_from)
        root = self._find_root(receipt.log.size)
        if root is None:
            return ReceiptStatus(valid=True, reason="ahead", receipt=receipt)
        if root != receipt.log.root:
            return ReceiptStatus(valid=False, reason="other_log")
        now = self._answer_again(receipt, lang)
        if now is None:
            return ReceiptStatus(valid=True, receipt=receipt)
        is_same = is_same_answer(msgspec.to_builtins(now), receipt.answer, with_basis=True)
        return ReceiptStatus(valid=True, receipt=receipt, still_true=is_same, now=None if is_same else now)

    def find_origin(self) -> str | None:
        """Find the name of the log as published; None before the first checkpoint."""
        last = self._published.find_checkpoint()
        return last.checkpoint.origin if last else None

    def _find_root(self, size: int) -> str | None:
        """Find the root of our log at a size; None for a size it has not reached."""
        if (root := self._view.find_root_at(size)) is not None:
            return root
        last = self._published.find_checkpoint()
        if last is None or not 0 < size <= last.checkpoint.size:
            return None
        try:
            return merkle.compute_root(self._published.folder.make_tree(last.checkpoint.size), size).hex()
        except (NotFound, LogDamaged):  # tiles that were lost come back by themselves
            return None

    def _answer_again(self, receipt: Receipt, lang: str) -> Answer | None:
        """Answer the same question about the same day, as known now; None when it can no longer be asked so."""
        try:
            claim = msgspec.convert(receipt.question, Claim)
            return answer_claim(self._view, msgspec.structs.replace(claim, on=receipt.on, known_at=None), lang)
        except (msgspec.ValidationError, InvalidInput):
            return None


def make_no_key_error(origin: str | None) -> CannotSign:
    """Make the refusal where there is no key; ``origin``: the register that has it."""
    where = origin or "—"
    message = Message(
        "本机没有签名密钥，不能出具回执（答复本身不受影响）。请不带 receipt 再问，或向持有密钥的名录（{where}）索取。",
        where=where,
    )
    return CannotSign(message)
