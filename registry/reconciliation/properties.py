"""The columns of an institution: the properties by which programs compare and fetch."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

from registry.domain.model import Date, Institution, Struct
from registry.domain.techniques import LAWFUL_STAGES
from registry.verification.approvals_on_day import list_approvals_on_day
from registry.verification.phrases import STAGE_WORDS

Value = str | int | Date
#: What a value in a query does: a number names an institution, a place tells its site, any other only supports.
Role = Literal["identifier", "place", "support"]


class Property(Struct, frozen=True):
    """One column: its stable id, its name and meaning in both languages, and an institution's values on a day.

    No value means that nothing is stated; several mean that there are several.
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


PROPERTIES: tuple[Property, ...] = (
    Property(
        id="code",
        zh="名录编码",
        en="register code",
        zh_meaning="XXXX-XXXX，一址一码，更名迁址不变",
        en_meaning="XXXX-XXXX, one per site, kept through renames and moves",
        values=lambda it, _: [it.code],
        role="identifier",
    ),
    Property(
        id="name",
        zh="名称",
        en="name",
        zh_meaning="名单所载的现用名称",
        en_meaning="the name as the list prints it",
        values=lambda it, _: [it.name],
    ),
    Property(
        id="aliases",
        zh="其他名称",
        en="other names",
        zh_meaning="名单括号内的第二名称等",
        en_meaning="second names that the list prints",
        values=lambda it, _: [*it.aliases],
    ),
    Property(
        id="former_names",
        zh="曾用名",
        en="former names",
        zh_meaning="名单上曾用的名称，新者在前",
        en_meaning="names it was listed under before, latest first",
        values=lambda it, _: [former.name for former in it.former_names],
    ),
    Property(
        id="known_as",
        zh="俗称",
        en="known as",
        zh_meaning="人们使用而名单未载的名称，不作为匹配依据",
        en_meaning="names people use and no list prints; no match rests on them",
        values=lambda it, _: [*it.known_as],
    ),
    Property(
        id="address",
        zh="地址",
        en="address",
        zh_meaning="获批地点；地址不符即不匹配",
        en_meaning="the approved site; where it contradicts, nothing matches",
        values=lambda it, _: [it.address],
        role="place",
    ),
    Property(
        id="region",
        zh="行政区划代码",
        en="region code",
        zh_meaning="GB/T 2260 代码；查询时也可写地名",
        en_meaning="GB/T 2260 code; a query may give a place's name",
        values=lambda it, _: _remove_missing(it.region.code),
        role="place",
    ),
    Property(
        id="province",
        zh="省份",
        en="province",
        zh_meaning="省、自治区、直辖市",
        en_meaning="province, autonomous region or municipality",
        values=lambda it, _: _remove_missing(it.region.province),
        role="place",
    ),
    Property(
        id="city",
        zh="城市",
        en="city",
        zh_meaning="地级市、州、盟",
        en_meaning="prefecture",
        values=lambda it, _: _remove_missing(it.region.city),
        role="place",
    ),
    Property(
        id="district",
        zh="区县",
        en="district",
        zh_meaning="区、县、县级市",
        en_meaning="district or county",
        values=lambda it, _: _remove_missing(it.region.district),
        role="place",
    ),
    Property(
        id="status",
        zh="状态",
        en="status",
        zh_meaning="listed 在名录中，suspended 已暂停，delisted 已移出，no_record 该日无记录（不代表未获批准）",
        en_meaning="listed, suspended, delisted; no_record: nothing recorded of that day, which is not “not approved”",
        values=lambda it, _: [it.status],
    ),
    Property(
        id="techniques",
        zh="获准技术",
        en="techniques permitted",
        zh_meaning="当日可以开展的技术代码：AIH、AID、IVF、ICSI、PGT、SPERM_BANK",
        en_meaning="codes of what may be performed on the day: AIH, AID, IVF, ICSI, PGT, SPERM_BANK",
        values=_list_lawful_techniques,
    ),
    Property(
        id="approvals",
        zh="技术与阶段",
        en="approvals with stage",
        zh_meaning="每项技术及其当日阶段，如 IVF:formal；已暂停、撤销、失效的也列出",
        en_meaning="each technique with its stage on the day, IVF:formal; also what is suspended, revoked or lapsed",
        values=_list_approval_stages,
    ),
    Property(
        id="approvals_in_words",
        zh="技术与阶段（文字）",
        en="approvals in words",
        zh_meaning="同上，以正式名称书写",
        en_meaning="the same by their official Chinese names",
        values=_describe_approvals,
    ),
    Property(
        id="verification_due",
        zh="下次校验到期日",
        en="verification due",
        zh_meaning="各项批准的下次校验到期日",
        en_meaning="days on which verification of the approvals is due",
        values=lambda it, day: _list_distinct(a.verification_due for a in list_approvals_on_day(it, day)),
    ),
    Property(
        id="document_no",
        zh="批准文号",
        en="document number",
        zh_meaning="各项批准的文号",
        en_meaning="document numbers of the approvals",
        values=lambda it, day: _list_distinct(a.document_no for a in list_approvals_on_day(it, day)),
    ),
    Property(
        id="authority",
        zh="批准机关",
        en="authority",
        zh_meaning="批准的卫生健康部门",
        en_meaning="health departments that approved",
        values=lambda it, day: _list_distinct(a.authority for a in list_approvals_on_day(it, day)),
    ),
    Property(
        id="uscc",
        zh="统一社会信用代码",
        en="unified social credit code",
        zh_meaning="18位（GB 32100）",
        en_meaning="18 characters (GB 32100)",
        values=lambda it, _: _remove_missing(it.uscc),
        role="identifier",
    ),
    Property(
        id="practice_licence_no",
        zh="执业许可证登记号",
        en="practice licence number",
        zh_meaning="医疗机构执业许可证登记号",
        en_meaning="number of its 医疗机构执业许可证",
        values=lambda it, _: _remove_missing(it.practice_licence_no),
        role="identifier",
    ),
    Property(
        id="domains",
        zh="网站域名",
        en="domains",
        zh_meaning="登记的网站域名",
        en_meaning="domains of its websites",
        values=lambda it, _: [*it.domains],
        role="identifier",
    ),
    Property(
        id="ownership",
        zh="所有制形式",
        en="ownership",
        zh_meaning="名单所载",
        en_meaning="as a list states it",
        values=lambda it, _: _remove_missing(it.ownership),
    ),
    Property(
        id="level",
        zh="等级",
        en="level",
        zh_meaning="医院等级，名单所载",
        en_meaning="grade of the hospital, as a list states it",
        values=lambda it, _: _remove_missing(it.level),
    ),
    Property(
        id="campus",
        zh="院区",
        en="campus",
        zh_meaning="名称中的院区",
        en_meaning="the campus its name says",
        values=lambda it, _: _remove_missing(it.campus),
    ),
    Property(
        id="source",
        zh="数据来源",
        en="source",
        zh_meaning="所依据的名单或公告",
        en_meaning="the list or notice it rests on",
        values=lambda it, _: _remove_missing(it.source.title if it.source else None),
    ),
    Property(
        id="as_of",
        zh="来源截至日期",
        en="source as of",
        zh_meaning="所依据的来源说明至哪一天",
        en_meaning="the day the source speaks of",
        values=lambda it, _: _remove_missing(it.source.as_of if it.source else None),
    ),
    Property(
        id="entry",
        zh="日志条目",
        en="log entry",
        zh_meaning="最近一条有关记录的编号",
        en_meaning="number of the latest entry about it",
        values=lambda it, _: [it.entry],
    ),
    Property(
        id="log_size",
        zh="日志长度",
        en="log size",
        zh_meaning="此答复所依据的日志条数",
        en_meaning="entries of the log this rests on",
        values=lambda it, _: [it.log_size],
    ),
)
BY_ID = {column.id: column for column in PROPERTIES}
