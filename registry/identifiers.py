"""Numbers that identify: public codes, USCC, practice licences. Same verbs each: compact, validate, format.

Public code: 8 Crockford base-32 characters printed ``XXXX-XXXX``; the last is the ISO 7064 MOD 33,32 check character
(python-stdnum's hybrid system over our alphabet), which catches every single wrong character and nearly every swap.
USCC: GB 32100-2015, python-stdnum ``cn.uscc``.
"""

from __future__ import annotations

import hashlib
import re
from urllib.parse import urlsplit

from stdnum.cn import uscc as stdnum_uscc
from stdnum.exceptions import ValidationError
from stdnum.iso7064 import mod_37_36

from registry.errors import InvalidCode, InvalidInput

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1"})
#: Labels of letters, digits and inner hyphens, at least two, the last no number (an IP address is no domain).
_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+(?!\d+$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NOISE = re.compile(r"[\s\-‐-―－]+")


def compact_code(text: str) -> str:
    """Upper case, no dash, O read as 0, I and L as 1.

    >>> compact_code("7k2m-9qxo")
    '7K2M9QX0'
    """
    return _NOISE.sub("", text).upper().translate(_READ_AS)


def validate_code(text: str) -> str:
    """The compact code, or InvalidCode saying it is mistyped (which is not the same as unknown)."""
    code = compact_code(text)
    if len(code) != 8 or any(c not in ALPHABET for c in code):
        raise InvalidCode(
            f"“{text[:40]}”不是名录编码：编码为8位字母或数字，如 7K2M-9QX4，请核对。",
            f"“{text[:40]}” is not a register code: 8 letters or digits such as 7K2M-9QX4. Please check it.",
        )
    if mod_37_36.calc_check_digit(code[:-1], alphabet=ALPHABET) != code[-1]:
        raise InvalidCode(
            f"编码“{format_code(code)}”有误：校验位不符，很可能抄错了一位，请核对。",
            f"Code “{format_code(code)}” is mistyped: its check character does not fit. Please check it.",
        )
    return code


def format_code(code: str) -> str:
    """The printed form ``XXXX-XXXX`` of a compact code."""
    return f"{code[:4]}-{code[4:]}"


def looks_like_code(text: str) -> bool:
    """Whether a person probably meant a public code: 8 characters of the alphabet, at least one a digit."""
    code = compact_code(text)
    return len(code) == 8 and all(c in ALPHABET for c in code) and any(c.isdigit() for c in text)


def make_code(seed: str, attempt: int = 0) -> str:
    """A compact code for something new, scattered by hash from ``seed``; raise ``attempt`` while it is taken.

    The same first name and address give the same code on every installation, and the code tells nothing of either.

    >>> validate_code(make_code("示例医院|示例市")) == make_code("示例医院|示例市")
    True
    """
    digest = int.from_bytes(hashlib.sha256(f"{seed}|{attempt}".encode()).digest()[:5], "big")
    body = "".join(ALPHABET[digest >> 5 * i & 31] for i in range(7))
    return body + str(mod_37_36.calc_check_digit(body, alphabet=ALPHABET))


def compact_uscc(text: str) -> str:
    """Upper case without separators."""
    return stdnum_uscc.compact(_NOISE.sub("", text)).upper()


def validate_uscc(text: str) -> str:
    """The compact 统一社会信用代码, or InvalidInput when length, alphabet or check character is wrong."""
    number = compact_uscc(text)
    try:
        return str(stdnum_uscc.validate(number))
    except ValidationError as error:
        raise InvalidInput(
            f"统一社会信用代码“{text[:40]}”有误，请核对18位代码。",
            f"“{text[:40]}” is not a valid unified social credit code (18 characters, GB 32100).",
        ) from error


def compact_licence(text: str) -> str:
    """医疗机构执业许可证登记号: upper case without separators. Old forms differ, so nothing more is demanded."""
    return _NOISE.sub("", text).upper()


def compact_domain(text: str) -> str | None:
    """The host of a website's address as DNS knows it, without `www.`; None when there is none.

    Scheme, path, port, case, a trailing dot and Chinese letters do not matter. Any other subdomain does: whoever holds
    a domain may lend ``clinic.hospital.example`` to somebody else.

    >>> compact_domain("HTTPS://www.示例医院.example:8443/ivf?x=1")
    'xn--fsqt3gyx9bdny.example'
    """
    text = text.strip().replace("。", ".")
    try:
        host = urlsplit(text if "//" in text else f"//{text}").hostname or ""
        host = host.rstrip(".").encode("idna").decode("ascii").lower()
    except (ValueError, UnicodeError):
        return None
    host = host.removeprefix("www.")
    return host if _HOST.fullmatch(host) else None


def validate_domain(text: str) -> str:
    """The compact domain, or InvalidInput saying what one looks like."""
    domain = compact_domain(text)
    if domain is None:
        raise InvalidInput(
            f"“{text[:40]}”不是网站域名，请写成 www.example.cn 这样。",
            f"“{text[:40]}” is not the domain of a website; write it like www.example.cn.",
        )
    return domain
