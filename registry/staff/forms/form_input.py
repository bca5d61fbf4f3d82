"""Input of a form as it may be stored: cut to length, and without numbers that the register must never hold.

An identity number or a telephone is removed before anything is stored or shown again; of a certificate's number only
the end stays (docs/personal-data.md).
"""

from __future__ import annotations

import re
from typing import Any, Protocol

from registry.domain.fields import FIELDS
from registry.domain.model import Struct
from registry.domain.normalise import normalise_width
from registry.staff.forms.forms import LONGEST, FormField, FormKind, Typed, list_fields

_BETWEEN = re.compile(r"(?<=\d)[\s\-]+(?=[\dXx])")
_DAY = "(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
_IDENTITY = re.compile(rf"[1-9][0-9]{{5}}(?:19|20)[0-9]{{2}}{_DAY}[0-9]{{3}}[0-9Xx]")
_IDENTITY_ALONE = re.compile(rf"(?<![0-9]){_IDENTITY.pattern}(?![0-9Xx])")
_IDENTITY_OLD = re.compile(rf"(?<![0-9])[1-9][0-9]{{7}}{_DAY}[0-9]{{3}}(?![0-9Xx])")
_MOBILE = re.compile(r"(?<![0-9])(?:\+?86)?1[3-9][0-9]{9}(?![0-9])")
_LANDLINE = re.compile(r"(?<![0-9])0[0-9]{2,3}-[0-9]{7,8}(?![0-9])")
_WRITTEN_DAY = re.compile(r"([0-9]{4})(?:[-年./]([0-9]{1,2})[-月./]([0-9]{1,2})日?|([0-9]{2})([0-9]{2}))")
#: Numbers of institutions and certificates, which may look like anything.
_NUMBERS = frozenset({*(f.name for f in FIELDS if f.kind in ("number", "numbers")), "number", "institution"})
CERTIFICATE = "certificate_no"
_STAR = "*"
_MASKED = re.compile(r"\*{2,}[0-9A-Z一-鿿]{2,4}")


class FormData(Protocol):
    """A submitted form, as the web framework holds it."""

    def get(self, key: str, /) -> Any:
        """Return the first value of a field; None if it was not sent."""
        ...

    def getall(self, key: str, default: list[Any], /) -> list[Any]:
        """Return every value of a field."""
        ...


class FormInput(Struct, frozen=True):
    """The values to store, and the fields of which a value was removed because it may not be stored."""

    typed: Typed
    refused: frozenset[str]


def read_input(kind: FormKind, new: bool, data: FormData) -> FormInput:
    """Read a submitted form."""
    typed: Typed = {}
    refused: set[str] = set()
    for field in list_fields(kind, new):
        if field.input == "boxes":
            sent = {str(box) for box in data.getall(field.name, [])}
            typed[field.name] = [choice for choice in field.choices if choice in sent]
            continue
        value = _clean_text(field, data.get(field.name))
        if has_forbidden_number(field.name, value):
            refused.add(field.name)
            value = ""
        typed[field.name] = mask_certificate_number(value) if field.name == CERTIFICATE else value
    return FormInput(typed=typed, refused=frozenset(refused))


def _clean_text(field: FormField, sent: Any) -> str:
    value = sent if isinstance(sent, str) else ""
    if field.input == "day":
        value = normalise_day(value)
    if field.name == "region":
        value = normalise_width(value)
    # One character more than the limit is kept, so that what is too long is refused and never silently cut off.
    return value.replace("\r\n", "\n").replace("\x00", "").strip()[: LONGEST[field.input] + 1]


def normalise_day(text: str) -> str:
    """Return a day as people write it as YYYY-MM-DD; anything else as it is.

    >>> normalise_day("2025 年 7 月 1 日"), normalise_day("20250701"), normalise_day("2025.7.1"), normalise_day("soon")
    ('2025-07-01', '2025-07-01', '2025-07-01', 'soon')
    """
    match = _WRITTEN_DAY.fullmatch("".join(normalise_width(text).split()))
    return "-".join(part.zfill(2) for part in match.groups() if part) if match else text


def has_forbidden_number(name: str, value: str) -> bool:
    """Whether a value looks like an identity number or a telephone, or holds one.

    >>> has_forbidden_number("name", "示例甲 13800000000"), has_forbidden_number("name", "示例甲")
    (True, False)
    >>> has_forbidden_number("certificate_no", "110210000000123"), has_forbidden_number("uscc", "12210300MB0000027N")
    (False, False)
    """
    if name in _NUMBERS:
        return False
    narrow = normalise_width(value)
    joined = _BETWEEN.sub("", narrow)
    if name == CERTIFICATE:  # 15 digits are a practice certificate; a qualification's has the identity number inside
        return bool(_IDENTITY.search(joined) or _MOBILE.fullmatch(joined)) or len(joined) > 24
    patterns = (_IDENTITY_ALONE, _IDENTITY_OLD, _MOBILE)
    return any(pattern.search(text) for pattern in patterns for text in (narrow, joined)) or bool(
        _LANDLINE.search(narrow)
    )


def mask_certificate_number(number: str) -> str:
    """Return a certificate's number with all but its end masked; what is masked already stays as it is.

    >>> [mask_certificate_number(number) for number in ("1102 1000 0000 123", "***********0123", "12345")]
    ['***********0123', '***********0123', '***45']
    """
    compact = re.sub(r"[\s\-]+", "", normalise_width(number)).upper()
    if not compact or _MASKED.fullmatch(compact):
        return compact
    shown = 4 if len(compact) >= 8 else min(2, len(compact) // 2)
    hidden = len(compact) - shown
    return _STAR * hidden + compact[hidden:]
