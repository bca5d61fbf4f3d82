"""The one table of an institution's fields: what each holds, what it is called, and where it is shown, typed and read.

Adding a field is adding a row here, its attribute in ``model.Institution`` if the public sees it, and its name for
pages. Doors, imports, editions and reconciliation read this table.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec

from registry.domain.identifiers import compact_domain, compact_licence, compact_uscc
from registry.domain.model import Institution, Status
from registry.texts import Message

#: What a field holds. ``names`` and ``numbers`` are several values; ``number``, ``numbers`` are printed as they are,
#: whatever the language of the page.
FieldKind = Literal["text", "number", "names", "numbers", "region", "status", "ownership"]
#: What a value does in a row that is reconciled: see ``reconciliation.properties``.
Role = Literal["identifier", "place", "support"]
#: A name people use: as long as names are, without line ends and the like.
KnownAs = Annotated[str, msgspec.Meta(min_length=2, max_length=30, pattern=r"^[^\x00-\x1f\x7f]+$")]
#: Ownership as the log has it, and in words; any other word of a source stays as it is.
OWNERSHIP = {"public": "公立", "private": "民营"}
#: The place of what has no place of its own: after the others, in the order of the table.
LAST = 50

_TYPES: dict[FieldKind, Any] = {"names": list[str], "numbers": list[str], "status": Status}
#: Latin letters with and without accents, digits, and the signs printed between them.
_LATIN = re.compile("(?=.*[A-Za-z])[ -~À-ÖØ-öø-ɏḀ-ỿ‐-‧]{2,200}")
_SEPARATORS = re.compile(r"[、，,;；\s]+")


def check_english_name(text: str) -> Message | None:
    """Say, without a full stop, what to do about a text that is no name in Latin letters on one line; None for one.

    >>> check_english_name("Women's Hospital"), str(check_english_name("妇婴医院"))[:12]
    (None, '英文名称须用拉丁字母书写')
    """
    if _LATIN.fullmatch(text) and text == text.strip():
        return None
    return Message(
        "英文名称须用拉丁字母书写，2至200个字符，“{text}”不是：请填写机构自用的英文名称，没有就留空", text=text[:40]
    )


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A field as a property of reconciliation: its name and its meaning."""

    message: Message
    meaning: Message
    role: Role = "support"
    place: int = LAST


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field of an institution.

    ``type``: where it is narrower than its kind. ``label``: the key of its name in the catalogue of pages, by default
    ``institution.<name>``. ``headings``: as lists print them, the first in editions; none where lists have no such
    column. ``public``: it is an attribute of ``model.Institution``. ``page``, ``record``: its place among the details
    of the citizens' page and of the workspace's; None where it is not shown so. ``required``, ``suggested``, ``mode``:
    how the form asks for it, if it does (``in_form``). ``legal``: it changes only with a document. ``basis``: what is
    stated of it may be what a record rests on. ``sources``: the path beside it of what its value rests on. ``compact``:
    the one way in which a number is recorded; None for text that is no such number. ``check``: what to do about a text
    that may not be recorded; None for one that may. ``edition``: editions have a column for it.
    """

    name: str
    kind: FieldKind = "text"
    type: Any = None
    label: str = ""
    headings: tuple[str, ...] = ()
    public: bool = True
    page: int | None = LAST
    record: int | None = LAST
    in_form: bool = True
    required: bool = False
    suggested: tuple[str, ...] = ()
    mode: str = ""
    legal: bool = True
    basis: bool = True
    sources: str = ""
    compact: Callable[[str], str | None] | None = None
    check: Callable[[str], Message | None] | None = None
    edition: bool = False
    column: Column | None = None

    @property
    def value_type(self) -> Any:
        """The type of its value in the log."""
        return self.type or _TYPES.get(self.kind, str)

    @property
    def label_key(self) -> str:
        """The key of its name in the catalogue of pages."""
        return self.label or f"institution.{self.name}"

    @property
    def has_several(self) -> bool:
        """Whether it holds several values."""
        return self.kind in ("names", "numbers")


FIELDS: tuple[Field, ...] = (
    Field(
        name="name",
        label="history.name",
        headings=(
            *("医疗机构名称", "机构名称", "名称", "医疗机构", "单位名称", "医院名称", "人类精子库名称", "精子库名称"),
            *("设置人类精子库的医疗机构", "设置人类精子库医疗机构名称", "人类精子库", "name", "institution"),
        ),
        page=None,
        record=None,
        required=True,
        column=Column(message=Message("名称"), meaning=Message("名单所载的现用名称"), place=1),
    ),
    Field(
        name="address",
        headings=("地址", "机构地址", "医疗机构地址", "执业地址", "详细地址", "address"),
        page=1,
        record=1,
        required=True,
        column=Column(
            message=Message("地址"),
            meaning=Message("获批地点；地址不符即不匹配"),
            role="place",
            place=5,
        ),
    ),
    Field(
        name="region",
        kind="region",
        page=2,
        record=2,
        column=Column(
            message=Message("行政区划代码"),
            meaning=Message("GB/T 2260 代码；查询时也可写地名"),
            role="place",
            place=6,
        ),
    ),
    Field(
        name="aliases",
        kind="names",
        page=3,
        column=Column(
            message=Message("其他名称"),
            meaning=Message("名单括号内的第二名称等"),
            place=2,
        ),
    ),
    Field(  # names people use; they help to find it and are never a basis of a verdict
        name="known_as",
        kind="names",
        type=Annotated[list[KnownAs], msgspec.Meta(max_length=12)],
        page=4,
        record=None,
        in_form=False,
        basis=False,
        sources="extra.俗称依据",
        column=Column(
            message=Message("俗称"),
            meaning=Message("人们使用而名单未载的名称，不作为匹配依据"),
            place=4,
        ),
    ),
    Field(  # the institution's own, or a translation: for readers of English, never a basis of a verdict
        name="name_en",
        headings=("英文名称", "英文名", "机构英文名称", "name_en", "english name"),
        page=None,
        legal=False,
        basis=False,
        sources="extra.英文名称依据",
        check=check_english_name,
        edition=True,
        column=Column(
            message=Message("英文名称"),
            meaning=Message("机构自用的英文名称，没有的为译名，不作为匹配依据"),
            place=23,
        ),
    ),
    Field(name="ownership_form", public=False, page=None, record=None, in_form=False),
    Field(
        name="campus",
        page=5,
        column=Column(message=Message("院区"), meaning=Message("名称中的院区"), place=22),
    ),
    Field(
        name="status",
        kind="status",
        label="history.status",
        page=None,
        record=3,
        required=True,
        column=Column(
            message=Message("状态"),
            meaning=Message(
                "listed 在名录中，suspended 已暂停，delisted 已移出，no_record 该日无记录（不代表未获批准）"
            ),
            place=10,
        ),
    ),
    Field(
        name="ownership",
        kind="ownership",
        headings=("所有制", "所有制形式", "经济类型", "ownership"),
        page=10,
        suggested=tuple(OWNERSHIP.values()),
        legal=False,
        edition=True,
        column=Column(message=Message("所有制形式"), meaning=Message("名单所载"), place=20),
    ),
    Field(
        name="level",
        headings=("等级", "级别", "医院等级", "医院级别", "机构等级", "level", "grade"),
        page=11,
        suggested=("三级甲等", "三级乙等", "二级甲等"),
        legal=False,
        edition=True,
        column=Column(
            message=Message("等级"),
            meaning=Message("医院等级，名单所载"),
            place=21,
        ),
    ),
    Field(
        name="uscc",
        kind="number",
        headings=("统一社会信用代码", "社会信用代码", "信用代码", "uscc"),
        page=8,
        compact=compact_uscc,
        column=Column(
            message=Message("统一社会信用代码"),
            meaning=Message("18位（GB 32100）"),
            role="identifier",
            place=17,
        ),
    ),
    Field(
        name="practice_licence_no",
        kind="number",
        label="institution.licence",
        headings=(
            *("执业许可证登记号", "医疗机构执业许可证登记号", "登记号", "许可证登记号", "执业许可证号"),
            *("医疗机构执业许可证号", "practice_licence_no"),
        ),
        page=9,
        compact=compact_licence,
        column=Column(
            message=Message("执业许可证登记号"),
            meaning=Message("医疗机构执业许可证登记号"),
            role="identifier",
            place=18,
        ),
    ),
    Field(
        name="domains",
        kind="numbers",
        page=12,
        compact=compact_domain,
        column=Column(
            message=Message("网站域名"),
            meaning=Message("登记的网站域名"),
            role="identifier",
            place=19,
        ),
    ),
)
BY_NAME: dict[str, Field] = {field.name: field for field in FIELDS}
#: The fields that ``model.Institution`` has.
PUBLIC: tuple[Field, ...] = tuple(field for field in FIELDS if field.public)
#: Those that a list may print in a column of their own, besides those that every list has.
LISTED: tuple[Field, ...] = tuple(field for field in FIELDS if field.headings and not field.required)
#: Those that editions print besides what every list has.
IN_EDITIONS: tuple[Field, ...] = tuple(field for field in FIELDS if field.edition)
#: Paths that are no basis of a record: they say nothing of the licence.
NO_BASIS = frozenset(path for field in FIELDS if not field.basis for path in (field.name, field.sources))


def fill_values(values: dict[str, Any]) -> dict[str, Any]:
    """Return the public fields by name from the values of a record: None, or an empty list, for what is not stated."""
    return {f.name: values.get(f.name) or [] if f.has_several else values.get(f.name) for f in PUBLIC}


def get_value(institution: Institution, field: Field) -> Any:
    """Return the value of a field as the log has it: of a region its code."""
    return institution.region.code if field.kind == "region" else getattr(institution, field.name)


def parse_values(field: Field, texts: list[str]) -> Any:
    """Return the value that texts state of a field: of several values each once; None for none.

    A text that is no such number stays as it is.

    >>> parse_values(BY_NAME["domains"], ["https://www.a.example/x", "a.example", "?"])
    ['a.example', '?']
    """
    values = [text if field.compact is None or (number := field.compact(text)) is None else number for text in texts]
    if field.has_several:
        return list(dict.fromkeys(value for value in values if value)) or None
    return (values[0] if values else "") or None


def parse_cell(field: Field, text: str) -> Any:
    """Return the value that a cell of a list states of a field; None for an empty one.

    >>> parse_cell(BY_NAME["level"], "三级 甲等"), parse_cell(BY_NAME["aliases"], "甲医院、乙医院")
    ('三级 甲等', ['甲医院', '乙医院'])
    """
    return parse_values(field, _SEPARATORS.split(text) if field.has_several else [text])


def format_cell(field: Field, institution: Institution) -> str | None:
    """Return a field as a cell of a list; None when it is not stated."""
    value = get_value(institution, field)
    return ("、".join(value) or None) if field.has_several else value
