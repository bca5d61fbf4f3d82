"""The columns of an institution: the properties by which programs compare and fetch."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from registry.domain.fields import PUBLIC, Column, Field, Role, get_value
from registry.domain.model import Date, Institution, Struct
from registry.domain.techniques import BY_CODE, LAWFUL_STAGES
from registry.texts import Listing, Message
from registry.verification.approvals_on_day import list_approvals_on_day
from registry.verification.phrases import STAGE_WORDS

Value = str | int | Date


class Property(Struct, frozen=True):
    """One column: its stable id, its name and meaning, and an institution's values on a day.

    No value means that nothing is stated; several mean that there are several. ``role`` is what a value in a query
    does: a number names an institution, a place tells its site, any other only supports.
    """

    id: str
    name: Message
    meaning: Message
    values: Callable[[Institution, Date], list[Value]]
    role: Role = "support"

    def get_name(self, lang: str) -> str:
        """Return its name in a language."""
        return self.name.to_text(lang)

    def get_meaning(self, lang: str) -> str:
        """Return what it holds, in a language."""
        return self.meaning.to_text(lang)


def _remove_missing(*values: Value | None) -> list[Value]:
    return [value for value in values if value is not None]


def _list_distinct(values: Iterable[Value | None]) -> list[Value]:
    return list(dict.fromkeys(_remove_missing(*values)))


def _list_lawful_techniques(it: Institution, day: Date) -> list[Value]:
    return [a.technique for a in list_approvals_on_day(it, day) if a.stage in LAWFUL_STAGES]


def _list_approval_stages(it: Institution, day: Date) -> list[Value]:
    return [f"{a.technique}:{a.stage}" for a in list_approvals_on_day(it, day)]


def _describe_approvals(it: Institution, day: Date) -> list[Value]:
    return [f"{a.name}：{STAGE_WORDS[a.stage]}" for a in list_approvals_on_day(it, day)]


#: Properties that are no field of the table, by their place among all.
_COMPUTED: dict[int, Property] = {
    0: Property(
        id="code",
        name=Message("名录编码"),
        meaning=Message("XXXX-XXXX，一址一码，更名迁址不变"),
        values=lambda it, _: [it.code],
        role="identifier",
    ),
    3: Property(
        id="former_names",
        name=Message("曾用名"),
        meaning=Message("名单上曾用的名称，新者在前"),
        values=lambda it, _: [former.name for former in it.former_names],
    ),
    7: Property(
        id="province",
        name=Message("省份"),
        meaning=Message("省、自治区、直辖市"),
        values=lambda it, _: _remove_missing(it.region.province),
        role="place",
    ),
    8: Property(
        id="city",
        name=Message("城市"),
        meaning=Message("地级市、州、盟"),
        values=lambda it, _: _remove_missing(it.region.city),
        role="place",
    ),
    9: Property(
        id="district",
        name=Message("区县"),
        meaning=Message("区、县、县级市"),
        values=lambda it, _: _remove_missing(it.region.district),
        role="place",
    ),
    11: Property(
        id="techniques",
        name=Message("获准技术"),
        meaning=Message("当日可以开展的技术代码：{by_code}", by_code=Listing(BY_CODE)),
        values=_list_lawful_techniques,
    ),
    12: Property(
        id="approvals",
        name=Message("技术与阶段"),
        meaning=Message("每项技术及其当日阶段，如 IVF:formal；已暂停、撤销、失效的也列出"),
        values=_list_approval_stages,
    ),
    13: Property(
        id="approvals_in_words",
        name=Message("技术与阶段（文字）"),
        meaning=Message("同上，以正式名称书写"),
        values=_describe_approvals,
    ),
    14: Property(
        id="verification_due",
        name=Message("下次校验到期日"),
        meaning=Message("各项批准的下次校验到期日"),
        values=lambda it, day: _list_distinct(a.verification_due for a in list_approvals_on_day(it, day)),
    ),
    15: Property(
        id="document_no",
        name=Message("批准文号"),
        meaning=Message("各项批准的文号"),
        values=lambda it, day: _list_distinct(a.document_no for a in list_approvals_on_day(it, day)),
    ),
    16: Property(
        id="authority",
        name=Message("批准机关"),
        meaning=Message("批准的卫生健康部门"),
        values=lambda it, day: _list_distinct(a.authority for a in list_approvals_on_day(it, day)),
    ),
    123: Property(
        id="source",
        name=Message("数据来源"),
        meaning=Message("所依据的名单或公告"),
        values=lambda it, _: _remove_missing(it.source.title if it.source else None),
    ),
    124: Property(
        id="as_of",
        name=Message("来源截至日期"),
        meaning=Message("所依据的来源说明至哪一天"),
        values=lambda it, _: _remove_missing(it.source.as_of if it.source else None),
    ),
    125: Property(
        id="entry", name=Message("日志条目"), meaning=Message("最近一条有关记录的编号"), values=lambda it, _: [it.entry]
    ),
    126: Property(
        id="log_size",
        name=Message("日志长度"),
        meaning=Message("此答复所依据的日志条数"),
        values=lambda it, _: [it.log_size],
    ),
}


def _make_property(field: Field, column: Column) -> Property:
    def list_values(it: Institution, _: Date) -> list[Value]:
        value = get_value(it, field)
        return [*value] if field.has_several else _remove_missing(value)

    return Property(id=field.name, name=column.message, meaning=column.meaning, values=list_values, role=column.role)


_OF_FIELDS = [(field.column.place, _make_property(field, field.column)) for field in PUBLIC if field.column]
PROPERTIES: tuple[Property, ...] = tuple(
    prop for _, prop in sorted([*_COMPUTED.items(), *_OF_FIELDS], key=lambda pair: pair[0])
)
BY_ID = {column.id: column for column in PROPERTIES}
