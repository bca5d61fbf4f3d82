"""The table of measures: what each department has to do and by when, in words of our own."""

from __future__ import annotations

from registry.domain.model import Struct
from registry.texts import Message


class Measure(Struct, frozen=True):
    """One measure of a department; ``deadline`` is None where it goes on."""

    department: str
    label: Message
    deadline: Message | None = None


_JULY, _AUGUST = Message("7月底"), Message("8月底")
_OCTOBER, _NOVEMBER = Message("10月底"), Message("11月底")

MEASURES: tuple[Measure, ...] = (
    Measure("health", Message("公布获批机构名录"), _JULY),
    Measure("health", Message("组织获批机构和人员自查"), _AUGUST),
    Measure("health", Message("检查全部获批机构，处罚违法行为，公开结果"), _OCTOBER),
    Measure("health", Message("核查投诉举报，查处并回复"), _NOVEMBER),
    Measure("health", Message("宣传和专题培训")),
    Measure("police", Message("参加联合执法"), _NOVEMBER),
    Measure("police", Message("重大案件及时会商"), _NOVEMBER),
    Measure("police", Message("办理犯罪案件"), _NOVEMBER),
    Measure("court", Message("参加重大案件会商"), _NOVEMBER),
    Measure("court", Message("研究法律适用"), _NOVEMBER),
    Measure("court", Message("审判相关犯罪案件"), _NOVEMBER),
    Measure("procuratorate", Message("参加重大案件会商"), _NOVEMBER),
    Measure("procuratorate", Message("研究法律适用"), _NOVEMBER),
    Measure("procuratorate", Message("指导重大复杂犯罪案件"), _NOVEMBER),
    Measure("cyberspace", Message("移交巡查和举报中的线索"), _OCTOBER),
    Measure("cyberspace", Message("清理违法信息，处置网站、平台和账号"), _OCTOBER),
    Measure("telecom", Message("落实网站备案，未备案和黑名单网站不予接入"), _NOVEMBER),
    Measure("telecom", Message("按认定意见处置违规网站和APP"), _NOVEMBER),
    Measure("education", Message("学校生殖健康教育")),
    Measure("education", Message("校园普法")),
    Measure("market", Message("监测和排查相关广告"), _NOVEMBER),
    Measure("market", Message("查处虚假违法广告"), _NOVEMBER),
    Measure("market", Message("公示行政处罚，曝光典型案例"), _NOVEMBER),
    Measure("drug", Message("检查相关药品、器械的生产、经营和使用单位"), _NOVEMBER),
    Measure("drug", Message("鉴定涉案药品和器械"), _NOVEMBER),
    Measure("civil-affairs", Message("移送线索，参加联合宣传")),
    Measure("women", Message("移送线索，参加联合宣传")),
)


def list_measures(department: str) -> tuple[Measure, ...]:
    """Return the measures of a department, in the table's order."""
    return tuple(one for one in MEASURES if one.department == department)
