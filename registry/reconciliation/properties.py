"""The columns of an institution: the properties by which programs compare and fetch."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from registry.domain.fields import PUBLIC, Column, Field, Role, get_value
from registry.domain.model import Date, Institution, Struct
from registry.domain.techniques import BY_CODE, LAWFUL_STAGES
from registry.verification.approvals_on_day import list_approvals_on_day
from registry.verification.phrases import STAGE_WORDS

Value = str | int | Date


class Property(Struct, frozen=True):
    """One column: its stable id, its name and meaning in both languages, and an institution's values on a day.

    No value means that nothing is stated; several mean that there are several. ``role`` is what a value in a query
    does: a number names an institution, a place tells its site, any other only supports.
    """

    id: str
    zh: str
    en: str
    zh_meaning: str
    en_meaning: str
    values: Callable[[Institution, Date], list[Value]]
    role: Role = "support"

    def get_name(self, lang: str) -> str:
        """Return its name in a language."""
        return self.en if lang.startswith("en") else self.zh

    def get_meaning(self, lang: str) -> str:
        """Return what it holds, in a language."""
        return self.en_meaning if lang.startswith("en") else self.zh_meaning


def _remove_missing(*values: Value | None) -> list[Value]:
    return [value for value in values if value is not None]


def _list_distinct(values: Iterable[Value | None]) -> list[Value]:
    return list(dict.fromkeys(_remove_missing(*values)))


def _list_lawful_techniques(it: Institution, day: Date) -> list[Value]:
    return [a.technique for a in list_approvals_on_day(it, day) if a.stage in LAWFUL_STAGES]


def _list_approval_stages(it: Institution, day: Date) -> list[Value]:
    return [f"{a.technique}:{a.stage}" for a in list_approvals_on_day(it, day)]


def _describe_approvals(it: Institution, day: Date) -> list[Value]:
    return [f"{a.name}：{STAGE_WORDS[a.stage][0]}" for a in list_approvals_on_day(it, day)]


#: Properties that are no field of the table, by their place among all.
_COMPUTED: dict[int, Property] = {
    0: Property(
        id="code",
        zh="名录编码",
        en="register code",
        zh_meaning="XXXX-XXXX，一址一码，更名迁址不变",
        en_meaning="XXXX-XXXX, one per site, kept through renames and moves",
        values=lambda it, _: [it.code],
        role="identifier",
    ),
    3: Property(
        id="former_names",
        zh="曾用名",
        en="former names",
        zh_meaning="名单上曾用的名称，新者在前",
        en_meaning="names it was listed under before, latest first",
        values=lambda it, _: [former.name for former in it.former_names],
    ),
    7: Property(
        id="province",
        zh="省份",
        en="province",
        zh_meaning="省、自治区、直辖市",
        en_meaning="province, autonomous region or municipality",
        values=lambda it, _: _remove_missing(it.region.province),
        role="place",
    ),
    8: Property(
        id="city",
        zh="城市",
        en="city",
        zh_meaning="地级市、州、盟",
        en_meaning="prefecture",
        values=lambda it, _: _remove_missing(it.region.city),
        role="place",
    ),
    9: Property(
        id="district",
        zh="区县",
        en="district",
        zh_meaning="区、县、县级市",
        en_meaning="district or county",
        values=lambda it, _: _remove_missing(it.region.district),
        role="place",
    ),
    11: Property(
        id="techniques",
        zh="获准技术",
        en="techniques permitted",
        zh_meaning=f"当日可以开展的技术代码：{'、'.join(BY_CODE)}",
        en_meaning=f"codes of what may be performed on the day: {', '.join(BY_CODE)}",
        values=_list_lawful_techniques,
    ),
    12: Property(
        id="approvals",
        zh="技术与阶段",
        en="approvals with stage",
        zh_meaning="每项技术及其当日阶段，如 IVF:formal；已暂停、撤销、失效的也列出",
        en_meaning="each technique with its stage on the day, IVF:formal; also what is suspended, revoked or lapsed",
        values=_list_approval_stages,
    ),
    13: Property(
        id="approvals_in_words",
        zh="技术与阶段（文字）",
        en="approvals in words",
        zh_meaning="同上，以正式名称书写",
        en_meaning="the same by their official Chinese names",
        values=_describe_approvals,
    ),
    14: Property(
        id="verification_due",
        zh="下次校验到期日",
        en="verification due",
        zh_meaning="各项批准的下次校验到期日",
        en_meaning="days on which verification of the approvals is due",
        values=lambda it, day: _list_distinct(a.verification_due for a in list_approvals_on_day(it, day)),
    ),
    15: Property(
        id="document_no",
        zh="批准文号",
        en="document number",
        zh_meaning="各项批准的文号",
        en_meaning="document numbers of the approvals",
        values=lambda it, day: _list_distinct(a.document_no for a in list_approvals_on_day(it, day)),
    ),
    16: Property(
        id="authority",
        zh="批准机关",
        en="authority",
        zh_meaning="批准的卫生健康部门",
        en_meaning="health departments that approved",
        values=lambda it, day: _list_distinct(a.authority for a in list_approvals_on_day(it, day)),
    ),
    123: Property(
        id="source",
        zh="数据来源",
        en="source",
        zh_meaning="所依据的名单或公告",
        en_meaning="the list or notice it rests on",
        values=lambda it, _: _remove_missing(it.source.title if it.source else None),
    ),
    124: Property(
        id="as_of",
        zh="来源截至日期",
        en="source as of",
        zh_meaning="所依据的来源说明至哪一天",
        en_meaning="the day the source speaks of",
        values=lambda it, _: _remove_missing(it.source.as_of if it.source else None),
    ),
    125: Property(
        id="entry",
        zh="日志条目",
        en="log entry",
        zh_meaning="最近一条有关记录的编号",
        en_meaning="number of the latest entry about it",
        values=lambda it, _: [it.entry],
    ),
    126: Property(
        id="log_size",
        zh="日志长度",
        en="log size",
        zh_meaning="此答复所依据的日志条数",
        en_meaning="entries of the log this rests on",
        values=lambda it, _: [it.log_size],
    ),
}


def _make_property(field: Field, column: Column) -> Property:
    def list_values(it: Institution, _: Date) -> list[Value]:
        value = get_value(it, field)
        return [*value] if field.has_several else _remove_missing(value)

    return Property(
        id=field.name,
        zh=column.zh,
        en=column.en,
        zh_meaning=column.zh_meaning,
        en_meaning=column.en_meaning,
        values=list_values,
        role=column.role,
    )


_OF_FIELDS = [(field.column.place, _make_property(field, field.column)) for field in PUBLIC if field.column]
PROPERTIES: tuple[Property, ...] = tuple(
    prop for _, prop in sorted([*_COMPUTED.items(), *_OF_FIELDS], key=lambda pair: pair[0])
)
BY_ID = {column.id: column for column in PROPERTIES}
