"""How what a claim gives fits the institution that answers: one word for each thing."""

from __future__ import annotations

from typing import Literal

import msgspec

#: How one thing that a claim gives fits what the register has of the institution that answers: letter by letter; the
#: same under a named rule; a place only, and it fits; could not be read; the register has nothing to compare with; not.
ComparedWord = Literal["same", "form", "region", "unreadable", "not_held", "other"]

#: What an address leaves open that is neither the registered one nor surely another: it names another road, or another
#: district of the city, where no number can tell; it writes the road of the same number otherwise; it has a number and
#: the register none; or it has none itself.
AddressGap = Literal["other_road", "other_district", "other_writing", "none_registered", "none_given"]


class Compared(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How each thing that the claim gave of the provider fits the institution that answers; null: not given."""

    name: ComparedWord | None = None
    address: ComparedWord | None = None
    uscc: ComparedWord | None = None
    practice_licence_no: ComparedWord | None = None
    code: ComparedWord | None = None
    domain: ComparedWord | None = None
