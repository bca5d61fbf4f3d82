"""Many claims answered at one log size and instant."""

from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from registry.batch.claim_check import check_claim
from registry.domain.answers import Answer, Claim, LogState, VerdictWord
from registry.receipts.batch_proofs import BatchRows, BatchSignature
from registry.receipts.issuer import Issuer, make_no_key_error
from registry.verification import people
from registry.verification.answer import Moment, answer_claim, take_moment
from registry.verification.view import VerificationView

T = TypeVar("T")
#: Answers cached for rows that ask the same: files name the same institutions again and again.
_CACHE_SIZE = 4096
_replace = msgspec.structs.replace
#: A claim, its verdict, and the code of the institution that was meant.
Noted = tuple[Claim, VerdictWord, str | None]
_key = msgspec.msgpack.Encoder().encode


class Batch:
    """Answers claims as the register stood when this was made; CannotAnswer then, when it cannot be read.

    What is approved or withdrawn meanwhile changes no answer: all have the same log size. ``issuer`` makes receipts
    where there can be any; ``look`` is called with the institution whose people are looked at.
    """

    def __init__(
        self, view: VerificationView, lang: str = "zh-CN", issuer: Issuer | None = None, look: people.Look | None = None
    ) -> None:
        self.lang = lang
        self.at: Moment = take_moment(view)
        self.noted: list[Noted] | None = None  # a list where answers are to be put on record
        self._view = view
        self._issuer = issuer
        self._look = look

    def answer_claim(self, claim: Claim) -> Answer:
        """The answer to one claim, without a receipt; InvalidInput for a malformed one.

        Raises what ``look`` raises when the people of the institution may not be looked at.
        """
        check_claim(claim)
        answer = answer_claim(self._view, claim, self.lang, self.at)
        people.require_look(answer, self._look)
        return answer

    def answer_with_receipt(self, claim: Claim) -> Answer:
        """The answer to one claim with a receipt signed for it alone; CannotSign."""
        return self._get_issuer().add_receipt(claim, self.answer_claim(claim))

    def note_answer(self, claim: Claim, verdict: VerdictWord, code: str | None) -> None:
        """Note the answer to a claim where ``noted`` is a list; ``code`` is that of the institution that was meant."""
        if self.noted is not None:
            self.noted.append((claim, verdict, code))

    def require_receipts(self) -> None:
        """Raise CannotSign unless receipts of these answers can be made now."""
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
    """Caches what ``make`` makes of a claim and its answer, for all claims that differ only in their ``id``.

    The key is the whole claim without its id, so that a new field of Claim is part of it.
    """

    def __init__(self, batch: Batch, make: Callable[[Claim, Answer], T]) -> None:
        self._batch = batch
        self._make = make
        self._recent: dict[bytes, T] = {}
        self._older: dict[bytes, T] = {}  # the results before these; those that are asked for again stay
        self._hits = 0
        self._is_useful = True

    def get_result(self, claim: Claim) -> T:
        """``make(claim, batch.answer_claim(claim))``, neither with an id."""
        bare = claim if claim.id is None else _replace(claim, id=None)
        if not self._is_useful:
            return self._make(bare, self._batch.answer_claim(bare))
        key = _key(bare)
        found = self._recent.get(key)
        if found is not None:
            self._hits += 1
            return found
        found = self._older.get(key)
        if found is None:
            found = self._make(bare, self._batch.answer_claim(bare))
        else:
            self._hits += 1
        if len(self._recent) >= _CACHE_SIZE:
            self._rotate_cache()
        self._recent[key] = found
        return found

    def _rotate_cache(self) -> None:
        """Make room; stop caching where few rows asked what another had asked, since it costs more than it saves."""
        self._is_useful = self._hits * 8 >= _CACHE_SIZE
        self._hits = 0
        self._older, self._recent = (self._recent if self._is_useful else {}), {}
