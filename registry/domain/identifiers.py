"""Numbers that identify: public codes, USCC, licences, domains, certificates; each is compacted, parsed, formatted.

Public code: 8 Crockford base-32 characters printed ``XXXX-XXXX``; the last is the ISO 7064 MOD 33,32 check character
(python-stdnum's hybrid system over our alphabet), which catches every single wrong character and nearly every swap.
Number of a lead: 16 of the same characters, 15 of them random, printed in groups of four, with the same check.
USCC: GB 32100-2015, by python-stdnum. 医疗广告审查证明: 医疗广告管理办法 (2007), with the day of approval in it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets
from typing import NamedTuple
from urllib.parse import urlsplit

from stdnum.cn import uscc as stdnum_uscc
from stdnum.exceptions import ValidationError
from stdnum.iso7064 import mod_37_36

from registry.domain.normalise import normalise_script, normalise_width, simplify_script
from registry.errors import InvalidCode, InvalidInput
from registry.texts import Message

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
#: The year in which the rules that number certificates came into force.
_FIRST_CERTIFICATES = 2007
_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1"})
#: Labels of letters, digits and inner hyphens, at least two, the last no number (an IP address is no domain).
_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+(?!\d+$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
#: A code as it is printed, and what may be one with characters lost or added.
_PRINTED = re.compile(r"[0-9A-Za-z]{4}-[0-9A-Za-z]{4}")
_LOOSE_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z\s‐-―－-]{4,11}")
_NOISE = re.compile(r"[\s\-‐-―－]+")


def compact_code(text: str) -> str:
    """Upper case, no dash, O read as 0, I and L as 1.

    >>> compact_code("7k2m-9qxo")
    '7K2M9QX0'
    """
    return _NOISE.sub("", normalise_width(text)).upper().translate(_READ_AS)


def parse_code(text: str) -> str:
    """The compact code, or InvalidCode saying it is mistyped (which is not the same as unknown)."""
    code = compact_code(text)
    if len(code) != 8 or any(c not in ALPHABET for c in code):
        raise InvalidCode(
            Message("“{text}”不是名录编码：编码为8位字母或数字，如 7K2M-9QX4，请核对。", text=text[:40]),
        )
    if mod_37_36.calc_check_digit(code[:-1], alphabet=ALPHABET) != code[-1]:
        raise InvalidCode(
            Message("编码“{code}”有误：校验位不符，很可能抄错了一位，请核对。", code=format_code(code)),
        )
    return code


def format_code(code: str) -> str:
    """The printed form ``XXXX-XXXX`` of a compact code."""
    return f"{code[:4]}-{code[4:]}"


def format_subject_code(subject: str) -> str:
    """The printed code in a subject such as ``institution:7K2M9QX4``."""
    return format_code(subject.partition(":")[2])


def may_be_code(text: str) -> bool:
    """Whether a person probably meant a public code: 8 characters of the alphabet, at least one a digit."""
    code = compact_code(text)
    return len(code) == 8 and all(c in ALPHABET for c in code) and any(c.isdigit() for c in text)


def is_code(text: str) -> bool:
    """Whether a person searching for ``text`` meant a public code, rightly or wrongly copied.

    >>> is_code("7k2m9qx5"), is_code("ABCD-EFGH"), is_code("PGT-A"), is_code("鞍山")
    (True, True, False, False)
    """
    return may_be_code(text) or _PRINTED.fullmatch(text) is not None


def is_code_rather_than_name(text: str) -> bool:
    """Whether a code was meant where a name or a code may stand: no institution's name is Latin letters and digits.

    >>> is_code_rather_than_name("7K2M-9QX"), is_code_rather_than_name("PGT"), is_code_rather_than_name("鞍山")
    (True, False, False)
    """
    return is_code(text) or (
        _LOOSE_CODE.fullmatch(text) is not None and any(character.isdigit() or character == "-" for character in text)
    )


def make_code(seed: str, attempt: int = 0) -> str:
    """A compact code for something new, scattered by hash from ``seed``; raise ``attempt`` while it is taken.

    The same first name and address give the same code on every installation, and the code tells nothing of either.

    >>> parse_code(make_code("示例医院|示例市")) == make_code("示例医院|示例市")
    True
    """
    digest = int.from_bytes(hashlib.sha256(f"{seed}|{attempt}".encode()).digest()[:5], "big")
    body = "".join(ALPHABET[digest >> 5 * i & 31] for i in range(7))
    return body + str(mod_37_36.calc_check_digit(body, alphabet=ALPHABET))


def make_subject(kind: str, seed: str, taken: set[str]) -> str:
    """The subject of something new, under a code that nothing in ``taken`` has; it is added to ``taken``."""
    attempt = 0
    while (subject := f"{kind}:{make_code(seed, attempt)}") in taken:
        attempt += 1
    taken.add(subject)
    return subject


#: Characters of a lead's number: random ones, of five bits each, and the check character.
_LEAD_RANDOM = 15


def make_lead_number() -> str:
    """A compact number for a new lead: 75 random bits and a check character, so that knowing one finds no other.

    >>> parse_lead_number(format_lead_number(number := make_lead_number())) == number
    True
    """
    body = "".join(secrets.choice(ALPHABET) for _ in range(_LEAD_RANDOM))
    return body + str(mod_37_36.calc_check_digit(body, alphabet=ALPHABET))


def parse_lead_number(text: str) -> str:
    """The compact number of a lead, or InvalidCode saying it is mistyped (which is not the same as unknown)."""
    number = compact_code(text)
    if len(number) != _LEAD_RANDOM + 1 or any(c not in ALPHABET for c in number):
        raise InvalidCode(
            Message("这不是线索编号：编号为16位字母或数字，如 7K2M-9QX4-0000-000W，请核对。"),
        )
    if mod_37_36.calc_check_digit(number[:-1], alphabet=ALPHABET) != number[-1]:
        raise InvalidCode(Message("线索编号有误：校验位不符，很可能抄错了一位，请核对。"))
    return number


def format_lead_number(number: str) -> str:
    """The printed form of a lead's compact number, in groups of four.

    >>> format_lead_number("7K2M9QX40000000W")
    '7K2M-9QX4-0000-000W'
    """
    return "-".join(number[at : at + 4] for at in range(0, len(number), 4))


def compact_uscc(text: str) -> str:
    """Upper case and half width, without separators.

    >>> compact_uscc(" １２２１０３００mb00-00027n")
    '12210300MB0000027N'
    """
    return stdnum_uscc.compact(_NOISE.sub("", normalise_width(text))).upper()


def parse_uscc(text: str) -> str:
    """The compact 统一社会信用代码, or InvalidInput when length, alphabet or check character is wrong."""
    number = compact_uscc(text)
    try:
        return str(stdnum_uscc.validate(number))
    except ValidationError as error:
        raise InvalidInput(
            Message("统一社会信用代码“{text}”有误，请核对18位代码。", text=text[:40]),
        ) from error


def compact_licence(text: str) -> str:
    """医疗机构执业许可证登记号 in upper case and half width, without separators; older forms cannot be checked."""
    return _NOISE.sub("", normalise_width(text)).upper()


def compact_domain(text: str) -> str | None:
    """The host of a website's address as DNS knows it, without `www.`; None when there is none.

    Scheme, path, port, case, a trailing dot and Chinese letters do not matter. Any other subdomain does: whoever holds
    a domain may lend ``clinic.hospital.example`` to somebody else.

    >>> compact_domain("HTTPS://www.示例医院.example:8443/ivf?x=1")
    'xn--fsqt3gyx9bdny.example'
    """
    text = normalise_width(text).strip().replace("。", ".").replace("\\", "/")  # as browsers read it
    try:
        host = urlsplit(text if "//" in text else f"//{text}").hostname or ""
        host = host.rstrip(".").encode("idna").decode("ascii").lower()
    except (ValueError, UnicodeError):
        return None
    host = host.removeprefix("www.")
    return host if _HOST.fullmatch(host) else None


#: An address as people paste it: a scheme, or a host that ends in letters of its own.
_WEB_ADDRESS = re.compile(r"https?://\S+|[^\s/@，。]+\.[a-z]{2,24}\.?(?::\d+)?(?:[/?#]\S*)?", re.IGNORECASE)


def find_web_domain(text: str) -> str | None:
    """The domain of a text that is the address of a website and nothing else; None of any other text.

    >>> find_web_domain("https://www.hospital.example/ivf"), find_web_domain("hospital.example")
    ('hospital.example', 'hospital.example')
    >>> find_web_domain("示例市妇幼保健院")
    """
    text = normalise_width(text).strip()
    return compact_domain(text) if _WEB_ADDRESS.fullmatch(text) else None


def list_parent_domains(domain: str) -> list[str]:
    """The domains above one, nearest first, but for the last label.

    >>> list_parent_domains("ivf.clinic.hospital.example")
    ['clinic.hospital.example', 'hospital.example']
    """
    labels = domain.split(".")
    return [".".join(labels[at:]) for at in range(1, len(labels) - 1)]


def parse_domain(text: str) -> str:
    """The compact domain, or InvalidInput saying what one looks like."""
    domain = compact_domain(text)
    if domain is None:
        raise InvalidInput(
            Message("“{text}”不是网站域名，请写成 www.example.cn 这样。", text=text[:40]),
        )
    return domain


# --- 医疗广告审查证明 -------------------------------------------------------------------------------------------


class AdCertificateNumber(NamedTuple):
    """The parts of a medical advertisement review certificate's number.

    ``place`` is the province's short name, ``office`` who reviewed it (region code digits), where it is printed.
    """

    place: str
    is_chinese_medicine: bool
    approval_day: dt.date
    serial: str
    office: str | None


_CERTIFICATE_LABEL = re.compile(
    "^(?:(?:医疗)?(?:广告)?(?:审查)?(?:批准|证明)?(?:文号|编号|证号|号)?|医广审?证)[:：]?(?=[^一-鿿A-Z]*[一-鿿A-Z][^一-鿿]*中?医广)"
    "|^(?:医疗广告审查证明)?(?:文号|编号|证号)?[:：]"
)
_CERTIFICATE = re.compile(
    r"[(（]?(?P<place>[一-鿿A-Z])[)）]?(?P<medicine>中?)医广[\[\](){}【】〔〕]?(?P<year>\d{4})[\[\](){}【】〔〕]?"
    r"第?(?P<month>\d\d)-?(?P<day>\d\d)-?(?P<serial>\d{1,6})(?:-(?P<office>\d{2,6}))?号?",
    re.ASCII,
)


def compact_certificate(text: str) -> str:
    """The comparison key of a 医疗广告审查证明 number, however it is printed: no brackets, dashes, 第 and 号.

    >>> compact_certificate("（辽）医广【2023】第07-15-001号") == compact_certificate("(辽)醫廣[2023]第0715001號")
    True
    """
    number = _CERTIFICATE_LABEL.sub("", normalise_script(text).upper().replace(" ", ""))
    return re.sub("[^0-9A-Z一-鿿]|第|号", "", number)


def parse_certificate(text: str) -> AdCertificateNumber:
    """A number in any of the three printed forms; InvalidInput for any other, and for a day that does not exist.

    There is no check digit: a wrong figure may pass.

    >>> parse_certificate("(京)中医广2007第01-30-10号").approval_day.isoformat()
    '2007-01-30'
    >>> parse_certificate("(辽)医广[2023]第0715001号").serial
    '001'
    >>> parse_certificate("鲁医广【2013】第0902-001-3711号").office
    '3711'
    """
    number = _NOISE.sub("-", normalise_width(text).replace(" ", ""))
    match = _CERTIFICATE.fullmatch(_CERTIFICATE_LABEL.sub("", simplify_script(number).upper()))
    try:
        if match is None:
            raise ValueError(text)
        approved = dt.date(*(int(match[part]) for part in ("year", "month", "day")))
        if approved.year < _FIRST_CERTIFICATES:
            raise ValueError(approved)
    except ValueError as error:
        raise InvalidInput(
            Message(
                "“{text}”不是医疗广告审查证明文号：应如 (辽)医广[2023]第07-15-001号，其中有批准的年月日，请核对。",
                text=text[:60],
            ),
        ) from error
    return AdCertificateNumber(match["place"], bool(match["medicine"]), approved, match["serial"], match["office"])


def format_certificate(number: AdCertificateNumber) -> str:
    """The number as it is printed today, whatever form it was given in.

    >>> format_certificate(parse_certificate("（京）中医广2007第01-30-10号"))
    '(京)中医广[2007]第01-30-10号'
    """
    kind = "中医广" if number.is_chinese_medicine else "医广"
    office = f"-{number.office}" if number.office else ""
    return f"({number.place}){kind}[{number.approval_day.year}]第{number.approval_day:%m-%d}-{number.serial}{office}号"


def compute_certificate_expiry(approved: dt.date) -> dt.date:
    """The last day of the one year a certificate is valid (医疗广告管理办法 art. 18).

    >>> [str(compute_certificate_expiry(dt.date(*day))) for day in ((2025, 7, 15), (2024, 2, 29))]
    ['2026-07-14', '2025-02-28']
    """
    month, day = (3, 1) if (approved.month, approved.day) == (2, 29) else (approved.month, approved.day)
    return dt.date(approved.year + 1, month, day) - dt.timedelta(days=1)
