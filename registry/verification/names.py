"""Which ways of writing a name are the same name. Every rule has a name; what no rule allows is another institution.

A key is a folded name (width, script, case, numerals, spaces and punctuation gone). Two names are the same when a rule
gives both the same key. There is no fuzziness here: near names are candidates, never matches (沈阳市妇婴医院 and
沈阳市妇幼保健院 are two institutions). So is a name with a company form that the register does not print, another
legal person; and the name of a part, a department or a campus.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from registry.domain.normalise import fold_text

#: How the name in a claim fits a name of the register: letter by letter; but for how it is written (width, script,
#: case, numerals, spaces, marks); without the bracket at its end; without the company form that is printed; by two of
#: its names; without its campus; by a number instead; by a name it has had only since; with 附属 before or behind its
#: number; with its own place before it, or without that; with or without the 市 of its place, at the same address.
Rule = Literal[
    "identical",
    "normalised",
    "without_brackets",
    "company_suffix",
    "both_names",
    "campus",
    "identifier",
    "later_name",
    "affiliated_order",
    "place",
    "place_word",
]

_COMPANY = re.compile("(?:股份有限公司|有限责任公司|有限公司)$")
#: What a claim may add to a name that makes it another legal person's.
_ADDED_COMPANY = re.compile("(?:医疗|控股|投资)?(?:集团|控股)?(?:股份|有限|责任)*(?:公司|集团)$")
#: What a claim may add that makes it the name of a part: a department, a clinic, a campus.
_PART = re.compile(
    "(?:人类|辅助|生殖|医学|医疗|遗传|健康|优生|优育|不孕|不育|不孕不育|妇产?|产|男|泌尿|内分泌|体检|国际|特需|试管婴儿"
    "|中西医|中医|诊疗|治疗|技术|研究|专家|专科|门诊)*(?:科室?|门诊部?|中心|部|室|研究[所室])$"
    "|(?<=[院心所])(?:[一-鿿]{1,4}(?:院区|分院)|第?[0-9]{1,2}(?:院区|分院)|本部|[东南西北新老]院|[东南西北新老]区)$"
)
#: How what either of these takes off ends.
_MAY_BE_ADDED = (
    *("公司", "集团", "科", "室", "门诊", "部", "中心", "研究所", "院区", "分院"),
    *(side + end for side in "东南西北新老" for end in "院区"),
)
#: How the name of a site ends that follows a hospital's own.
_SITE_ENDS = ("医院", "院区", "分院", "中心", "分部", "院")
#: How it ends what may stand in brackets and is a legal person or a part of its own.
_ANOTHER_ENDS = ("公司", "集团", "科", "室", "门诊", "部", "中心", "所", "诊所", "科室")
#: What a form prints before a name.
_LABEL = re.compile(
    r"^\W*(?:医疗|医院|机构|单位|企业|公司|发布|广告|服务|经营|登记|注册|核验|诊疗|主体|所属|[的所本我贵])*"
    r"(?:名称|全称|单位|机构|医院|名字|主体|广告主)\d?\W*[:：]\s*(?=\w{4})"
)
_CLOSED = (")", "）", "]", "】", "〕")
_TRAILING = re.compile(r"^(?P<base>.+?)\s*[（(\[【〔](?P<inner>[^（()）\[\]【】〔〕]+)[)）\]】〕]\s*$", re.S)


def remove_company_form(key: str) -> str:
    """Remove the company form (有限公司, ...) from the end of a folded name: the licence's holder is the same.

    >>> remove_company_form("沈阳菁华医院有限公司")
    '沈阳菁华医院'
    """
    if not key.endswith("公司"):  # hardly any does, and this runs for every name
        return key
    stripped = _COMPANY.sub("", key)
    return stripped if len(stripped) >= 4 else key


def find_base_name(name: str) -> str | None:
    """Return the name before a trailing bracket, or None without one.

    >>> find_base_name("江苏省人民医院（江苏省妇幼保健院）")
    '江苏省人民医院'
    """
    if not name.rstrip().endswith(_CLOSED):
        return None
    match = _TRAILING.match(name)
    return match["base"] if match else None


def split_bracket(name: str) -> tuple[str, list[str]] | None:
    """Split a name into what stands before the bracket at its end and the names in it; None without one.

    >>> split_bracket("示例医院（示例妇产医院、原示例妇幼保健院）")
    ('示例医院', ['示例妇产医院', '原示例妇幼保健院'])
    """
    match = _TRAILING.match(name)
    if match is None:
        return None
    return match["base"], [inner for inner in re.split("[、，,;；/]", match["inner"]) if inner.strip()]


def strip_label(name: str) -> str:
    """Strip what a form prints before the name in it.

    >>> strip_label("医院名称：示例医院"), strip_label("示例医院：生殖中心")
    ('示例医院', '示例医院：生殖中心')
    """
    label = _LABEL.match(name)
    return name[label.end() :] if label else name


def is_longer_by_site(longer: str, name: str) -> bool:
    """Whether a folded name goes on from another with the word for a site or another hospital: 呈贡医院, 东城院区.

    What was called by the shorter name may be another site of the same hospital.
    """
    return len(longer) > len(name) and longer.startswith(name) and longer.endswith(_SITE_ENDS)


def is_another(inner: str) -> bool:
    """Whether what a bracket holds is the name of a company or of a part, and no second name of a hospital.

    >>> is_another("示例医疗有限公司"), is_another("生殖医学中心"), is_another("示例市第八医院"), is_another("东院区")
    (True, True, False, False)
    """
    return fold_text(inner).endswith(_ANOTHER_ENDS)


def make_official_keys(name: str, campus: str | None) -> Iterator[tuple[str, Rule]]:
    """Make the keys that an official name is found by, strictest first.

    Without its campus (青岛市市立医院（东院区）) a name is only half of who is meant: rule `campus` needs the address.
    """
    whole = fold_text(name)
    yield whole, "normalised"
    yield remove_company_form(whole), "company_suffix"
    base = find_base_name(name)
    if base is not None:
        rule: Rule = "campus" if campus else "without_brackets"
        yield fold_text(base), rule
        yield remove_company_form(fold_text(base)), rule


def list_cores(key: str) -> list[str]:
    """List what a folded name is without a company form or a part at its end: whom it may belong to, and is not.

    >>> list_cores("沈阳市妇婴医院有限公司"), list_cores("沈阳市妇婴医院生殖医学中心"), list_cores("沈阳市妇婴医院")
    (['沈阳市妇婴医院'], ['沈阳市妇婴医院'], [])
    """
    if not key.endswith(_MAY_BE_ADDED):  # hardly any does, and the patterns are slow
        return []
    cores = (pattern.sub("", key, count=1) for pattern in (_ADDED_COMPANY, _PART))
    return [core for core in cores if core != key and len(core) >= 4]
