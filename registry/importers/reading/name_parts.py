"""The parts of a printed name: what the brackets at its end hold.

Only a second name that can stand alone becomes an alias: whoever types just 妇幼保健院 must not be taken to mean a
particular hospital.
"""

import re

from registry.domain.model import Struct

_TRAILING = re.compile(r"^(?P<base>.*\S)\s*[（(](?P<inside>[^（()）]*)[)）]$", re.DOTALL)
_SEPARATORS = re.compile(r"[、，,；;/／]")
_OWNERSHIP = re.compile(
    r"(?:集团|中外合资|中外合作|(?:特殊)?(?:普通|有限)合伙|个人独资|个体|股份制|股份合作制|国有|集体|公立|民营|私立|合资|(?:非?营利性?)|公办民营|民办)"
    r"|(?:.{0,6}?)(?:有限责任公司|股份有限公司|有限公司)"
)
_CAMPUS = re.compile(r".{0,10}?(?:院区|分院|本部|总院|[东西南北中新老旧]院|[东西南北中新老旧]区|校区|分部)")
_INSTITUTION = "医院|保健院|妇产院|卫生院|疗养院|保健所|医学院|中心|研究院|研究所|科学院|门诊部|诊所|精子库"
_SECOND_NAME = re.compile(f".*(?:{_INSTITUTION})(?:{_CAMPUS.pattern})?")
_HAS_INSTITUTION = re.compile(_INSTITUTION)
#: Words of bodies that sit in a hospital and do not name it.
_NO_HOSPITAL = re.compile("质量控制|质控|培训|会诊|指导中心|考核|监测|示范|教学基地|研究基地|实验室|重点|委员会|办公室")
#: A name made of nothing but such words; possessive, so that no name however odd takes long.
_GENERIC = re.compile(
    "(?:[省市县区州盟旗]|地区|自治[区州县旗])?+"
    "(?:人民|妇幼|妇女|妇婴|妇儿|妇产|儿童|妇科|产科|保健|健康|计划生育|计生|人口|卫生|服务|生育|生殖|医学|医疗|中西医|中医|结合|综合|专科"
    "|附属|直属|第|[一二三四五六七八九十〇零百\\d]|人类|辅助|优生|优育|不孕|不育|遗传|男科|肿瘤|传染病|职业病|口腔|眼科|民族|技术|科学|指导"
    "|研究|急救|诊疗|预防|疾病|控制|与|和|及|医院|疗养|中心|门诊|诊所|精子库|总院|分院|本部|[院所部科])*+"
)


class NameParts(Struct, frozen=True):
    """The parts of a printed name; ``base`` is the ``name`` without the brackets at its end."""

    name: str
    base: str
    aliases: tuple[str, ...] = ()
    ownership_form: str | None = None
    campus: str | None = None
    unclassified: str | None = None


def split_name(name: str) -> NameParts:
    """Classify what the brackets at the end of a printed name hold; brackets inside a name belong to it.

    >>> split_name("鞍山市妇儿医院（鞍山市妇幼保健院）").aliases
    ('鞍山市妇幼保健院',)
    >>> split_name("青岛市市立医院（东院区）").campus
    '东院区'
    """
    name = name.strip()
    base, parts = _split_brackets(name)
    found: dict[str, list[str]] = {}
    for part in parts:
        kind = "unclassified" if part == base else _classify_part(part)
        if part not in found.setdefault(kind, []):
            found[kind].append(part)

    def join_parts(kind: str) -> str | None:
        return "、".join(found[kind]) if kind in found else None

    return NameParts(
        name=name,
        base=base,
        aliases=tuple(found.get("alias", ())),
        ownership_form=join_parts("ownership_form"),
        campus=join_parts("campus"),
        unclassified=join_parts("unclassified"),
    )


def _split_brackets(name: str) -> tuple[str, list[str]]:
    """The name before its trailing brackets, and what they hold, in print order."""
    parts: list[str] = []
    while found := _TRAILING.match(name):
        inside = [part.strip() for part in _SEPARATORS.split(found["inside"]) if part.strip()]
        parts = inside + parts
        name = found["base"].strip()
    return name, parts


def _classify_part(part: str) -> str:
    if _OWNERSHIP.fullmatch(part):
        return "ownership_form"
    if _CAMPUS.fullmatch(part) and not _HAS_INSTITUTION.search(part):
        return "campus"
    if part.startswith("原") or _NO_HOSPITAL.search(part):
        return "unclassified"
    return "alias" if _SECOND_NAME.fullmatch(part) and not _GENERIC.fullmatch(part) else "unclassified"
