"""The check that every claim passes at every door before it is answered."""

from registry.domain.answers import Claim
from registry.errors import InvalidInput
from registry.records.asof import require_known_day
from registry.texts import Message


def check_claim(claim: Claim) -> None:
    """Raise InvalidInput unless a claim names a provider or has a text that may, and asks about a day there may be."""
    if claim.on is not None:
        require_known_day(claim.on)
    if not claim.provider.is_named and not any(map(str.isalnum, claim.text or "")):
        raise InvalidInput(
            Message("请至少给出机构的名称、编码、统一社会信用代码、执业许可证登记号或网站域名之一，或者给出广告内容。"),
        )
