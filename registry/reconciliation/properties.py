"""The columns of an institution: the properties by which programs compare and fetch."""

from collections.abc import Callable

from registry.domain.fields import PUBLIC, Column, Field, Role, get_value
from registry.domain.model import Date, Institution, Struct
from registry.domain.techniques import BY_CODE, LAWFUL_STAGES
from registry.records.standing import list_effective_approvals
from registry.texts import Listing, Message
from registry.verification.phrases import STAGE_WORDS

Value = str | int | Date
ReadValues = Callable[[Institution], list[Value]]


class Property(Struct, frozen=True):
    """One column: its stable id, its name and meaning, and an institution's values.

    No value means that nothing is stated; several mean that there are several. ``role`` is what a value in a query
    does: a number names an institution, a place tells its site, any other only supports.
    """

    id: str
    name: Message
    meaning: Message
    values: ReadValues
    role: Role = "support"

    def get_name(self, lang: str) -> str:
        """Return its name in a language."""
        return self.name.to_text(lang)

    def get_meaning(self, lang: str) -> str:
        """Return what it holds, in a language."""
        return self.meaning.to_text(lang)


def _remove_missing(*values: Value | None) -> list[Value]:
    return [value for value in values if value is not None]


def _read_region(level: str) -> ReadValues:
    return lambda it: _remove_missing(getattr(it.region, level))


def _read_source(name: str) -> ReadValues:
    return lambda it: _remove_missing(getattr(it.source, name, None))


def _read_approvals(name: str) -> ReadValues:
    """What the approvals of a day state, each value once."""
    return lambda it: list(dict.fromkeys(_remove_missing(*(getattr(a, name) for a in list_effective_approvals(it)))))


def _list_lawful_techniques(it: Institution) -> list[Value]:
    return [a.technique for a in list_effective_approvals(it) if a.stage in LAWFUL_STAGES]


def _list_approval_stages(it: Institution) -> list[Value]:
    return [f"{a.technique}:{a.stage}" for a in list_effective_approvals(it)]


def _describe_approvals(it: Institution) -> list[Value]:
    return [f"{a.name}：{STAGE_WORDS[a.stage]}" for a in list_effective_approvals(it)]


#: Properties that are no field of the table, by their place among all.
_COMPUTED: dict[int, Property] = {
    0: Property(
        "code", Message("名录编码"), Message("XXXX-XXXX，一址一码，更名迁址不变"), lambda it: [it.code], "identifier"
    ),
    3: Property(
        "former_names",
        Message("曾用名"),
        Message("名单上曾用的名称，新者在前"),
        lambda it: [former.name for former in it.former_names],
    ),
    7: Property("province", Message("省份"), Message("省、自治区、直辖市"), _read_region("province"), "place"),
    8: Property("city", Message("城市"), Message("地级市、州、盟"), _read_region("city"), "place"),
    9: Property("district", Message("区县"), Message("区、县、县级市"), _read_region("district"), "place"),
    11: Property(
        "techniques",
        Message("获准技术"),
        Message("当日可以开展的技术代码：{by_code}", by_code=Listing(BY_CODE)),
        _list_lawful_techniques,
    ),
    12: Property(
        "approvals",
        Message("技术与阶段"),
        Message("每项技术及其当日阶段，如 IVF:formal；已暂停、撤销、失效的也列出"),
        _list_approval_stages,
    ),
    13: Property(
        "approvals_in_words", Message("技术与阶段（文字）"), Message("同上，以正式名称书写"), _describe_approvals
    ),
    14: Property(
        "verification_due",
        Message("下次校验到期日"),
        Message("各项批准的下次校验到期日"),
        _read_approvals("verification_due"),
    ),
    15: Property("document_no", Message("批准文号"), Message("各项批准的文号"), _read_approvals("document_no")),
    16: Property("authority", Message("批准机关"), Message("批准的卫生健康部门"), _read_approvals("authority")),
    123: Property("source", Message("数据来源"), Message("所依据的名单或公告"), _read_source("title")),
    124: Property("as_of", Message("来源截至日期"), Message("所依据的来源说明至哪一天"), _read_source("as_of")),
    125: Property("entry", Message("日志条目"), Message("最近一条有关记录的编号"), lambda it: [it.entry]),
    126: Property("log_size", Message("日志长度"), Message("此答复所依据的日志条数"), lambda it: [it.log_size]),
}


def _make_property(field: Field, column: Column) -> Property:
    def list_values(it: Institution) -> list[Value]:
        value = get_value(it, field)
        return [*value] if field.has_several else _remove_missing(value)

    return Property(id=field.name, name=column.message, meaning=column.meaning, values=list_values, role=column.role)


_OF_FIELDS = [(field.column.place, _make_property(field, field.column)) for field in PUBLIC if field.column]
PROPERTIES: tuple[Property, ...] = tuple(
    prop for _, prop in sorted([*_COMPUTED.items(), *_OF_FIELDS], key=lambda pair: pair[0])
)
BY_ID = {column.id: column for column in PROPERTIES}
