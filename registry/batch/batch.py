"""Many claims answered at one log size and instant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from registry.domain.model import Answer, Claim, LogState, VerdictWord
from registry.receipts.batch_proofs import BatchRows, BatchSignature
from registry.receipts.issuer import Issuer, make_no_key_error
from registry.verification import people
from registry.verification.answer import Moment, answer_claim, take_moment
from registry.verification.view import VerificationView

T = TypeVar("T")
#: Answers kept for rows that ask the same: files name the same institutions again and again.
_KEPT = 4096
_replace = msgspec.structs.replace
#: A claim, its verdict, and the code of the institution that was meant.
Noted = tuple[Claim, VerdictWord, str | None]
_key = msgspec.msgpack.Encoder().encode


class Batch:
    """Answers claims as the register stood when this was made; CannotAnswer then, when it cannot be read.

    What is approved or withdrawn while the rows are answered changes none of them: every answer says the same log size.
    ``issuer`` gives the receipts, where any can be asked for; ``look`` is told whose people are looked at.
    """

    def __init__(
        self,
        view: VerificationView,
        lang: str = "zh-CN",
        issuer: Issuer | None = None,
        look: people.Look | None = None,
    ) -> None:
        self.lang = lang
        self.at: Moment = take_moment(view)
        self.noted: list[Noted] | None = None  # a list, where what was answered is to be put on record
        self._view = view
        self._issuer = issuer
        self._look = look

    def answer_claim(self, claim: Claim) -> Answer:
        """The answer to one claim, without a receipt; InvalidInput for a malformed one. What ``look`` raises when it is
        about a person whose institution's people may not be looked at."""
        found = answer_claim(self._view, claim, self.lang, self.at)
        people.require_look(found, self._look)
        return found

    def answer_with_receipt(self, claim: Claim) -> Answer:
        """The answer to one claim with a receipt signed for it alone; CannotSign."""
        return self._get_issuer().add_receipt(claim, self.answer_claim(claim))

    def note_answer(self, claim: Claim, verdict: VerdictWord, code: str | None) -> None:
        """Keep what was answered to a claim, if that is wanted; ``code`` of the institution that was meant."""
        if self.noted is not None:
            self.noted.append((claim, verdict, code))

    def require_receipts(self) -> None:
        """CannotSign unless receipts of these answers can be given now."""
        self._get_issuer().require_signer(self._get_log_state())

    def sign_rows(self, rows: BatchRows) -> BatchSignature:
        """One signature over rows that were answered here; CannotSign."""
        return self._get_issuer().sign_rows(rows, self._get_log_state())

    def _get_log_state(self) -> LogState:
        with self._view.lock:
            return self._view.get_state(self.at.size)

    def _get_issuer(self) -> Issuer:
        if self._issuer is None:
            raise make_no_key_error(None)
        return self._issuer


class ClaimCache(Generic[T]):
    """What ``make`` made of a claim and its answer, made once for all claims that differ in their ``id`` alone.

    The key is the whole claim but its id: a field that Claim gains is part of it without a change here.
    """

    def __init__(self, batch: Batch, make: Callable[[Claim, Answer], T]) -> None:
        self._batch = batch
        self._make = make
        self._kept: dict[bytes, T] = {}
        self._before: dict[bytes, T] = {}  # what was kept before, while this is filled: what is asked often stays
        self._met = 0
        self._worth = True

    def get_result(self, claim: Claim) -> T:
        """The same as ``make(claim, batch.answer(claim))``, but that neither has an id."""
        bare = claim if claim.id is None else _replace(claim, id=None)
        if not self._worth:
            return self._make(bare, self._batch.answer_claim(bare))
        key = _key(bare)
        found = self._kept.get(key)
        if found is not None:
            self._met += 1
            return found
        found = self._before.get(key)
        if found is None:
            found = self._make(bare, self._batch.answer_claim(bare))
        else:
            self._met += 1
        if len(self._kept) >= _KEPT:
            self._rotate_cache()
        self._kept[key] = found
        return found

    def _rotate_cache(self) -> None:
        """Make room; where hardly a row asked what another had asked, keeping costs more than it spares."""
        self._worth = self._met * 8 >= _KEPT
        self._met = 0
        self._before, self._kept = (self._kept if self._worth else {}), {}
