"""The check that every claim passes at every door before it is answered."""

from __future__ import annotations

from registry.domain.model import Claim, Provider
from registry.errors import InvalidInput
from registry.records.asof import require_known_day
from registry.texts import Message

_IDENTIFYING = tuple(field for field in Provider.__struct_fields__ if field != "address")


def check_claim(claim: Claim) -> None:
    """Raise InvalidInput unless a claim names a provider by more than an address, and asks about a day there may be."""
    if claim.on is not None:
        require_known_day(claim.on)
    provider = claim.provider
    if provider.name and provider.name[0].isalnum():  # the usual case, quickly
        return
    values = (getattr(provider, field) or "" for field in _IDENTIFYING)
    if not any(c.isalnum() for value in values for c in value):  # blanks and marks are nobody's name
        raise InvalidInput(
            Message("请至少给出机构的名称、编码、统一社会信用代码、执业许可证登记号或网站域名之一。"),
        )
