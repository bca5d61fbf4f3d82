"""Many claims answered at one log size and instant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from registry.errors import InvalidInput
from registry.model import Answer, Claim
from registry.verification.answer import Moment, answer, moment
from registry.verification.view import VerificationView

T = TypeVar("T")
#: Answers kept for rows that ask the same: files name the same institutions again and again.
_KEPT = 4096
_replace = msgspec.structs.replace
_key = msgspec.msgpack.Encoder().encode


class Batch:
    """Answers claims as the register stood when this was made; CannotAnswer then, when it cannot be read.

    What is approved or withdrawn while the rows are answered changes none of them: every answer says the same log size.
    """

    def __init__(self, view: VerificationView, lang: str = "zh-CN") -> None:
        self.lang = lang
        self.at: Moment = moment(view)
        self._view = view

    def answer(self, claim: Claim) -> Answer:
        """The answer to one claim; InvalidInput for a malformed one, and for one that asks for a receipt."""
        if claim.receipt:  # never left out silently
            raise InvalidInput(
                "批量核验暂不出具回执；请用 POST /api/v1/verify 逐条取得。",
                "No receipts are given with a batch yet; ask for this one by POST /api/v1/verify.",
            )
        return answer(self._view, claim, self.lang, self.at)


class Repeated(Generic[T]):
    """What ``make`` made of a claim's answer, made once for all claims that differ in their ``id`` alone.

    The key is the whole claim but its id: a field that Claim gains is part of it without a change here.
    """

    def __init__(self, batch: Batch, make: Callable[[Answer], T]) -> None:
        self._batch = batch
        self._make = make
        self._kept: dict[bytes, T] = {}
        self._met = 0
        self._worth = True

    def of(self, claim: Claim) -> T:
        """The same as ``make(batch.answer(claim))``, but that the answer has no id."""
        bare = claim if claim.id is None else _replace(claim, id=None)
        if not self._worth:
            return self._make(self._batch.answer(bare))
        key = _key(bare)
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= _KEPT:
                self._forget()
            found = self._kept[key] = self._make(self._batch.answer(bare))
        else:
            self._met += 1
        return found

    def _forget(self) -> None:
        """Start anew; where hardly a row asked what another had asked, keeping costs more than it spares."""
        self._worth = self._met * 8 >= len(self._kept)
        self._met = 0
        self._kept.clear()
