"""How what a claim gives fits the institution that answers: one word for each thing."""

from __future__ import annotations

from typing import Literal

import msgspec

#: How one thing that a claim gives fits what the register has of the institution that answers: letter by letter; the
#: same under a named rule; a place only, and it fits; could not be read; the register has nothing to compare with; not.
ComparedWord = Literal["same", "form", "region", "unreadable", "not_held", "other"]


class Compared(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How each thing that the claim gave of the provider fits the institution that answers; null: not given."""

    name: ComparedWord | None = None
    address: ComparedWord | None = None
    uscc: ComparedWord | None = None
    practice_licence_no: ComparedWord | None = None
    code: ComparedWord | None = None
    domain: ComparedWord | None = None
