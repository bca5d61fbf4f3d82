"""The table of figures: one row for each figure that a department reports, and the counter that counts it.

A counter is named here and written in ``registry.measures.report``. A figure whose counter begins with ``entered`` is
what its department says of its own work; every other is counted, and of those only "there were none" can be entered.
"""

from __future__ import annotations

from functools import cache

from registry.domain.model import Struct
from registry.errors import InvalidInput
from registry.texts import Message


class Figure(Struct, frozen=True):
    """One figure. ``number``: its place in the task list, "" for one that the list has not; ``counter``: its name."""

    code: str
    department: str
    number: str
    label: Message
    unit: Message
    counter: str

    @property
    def is_entered(self) -> bool:
        """Whether its department reports it; else the register counts it."""
        return self.counter.startswith("entered")

    @property
    def is_rate(self) -> bool:
        """Whether it is a percentage, of which the last counts and no sum is made."""
        return self.counter == "entered_rate"

    @property
    def is_divisible(self) -> bool:
        """Whether it may have decimals: a percentage, or yuan."""
        return self.is_rate or self.unit is _YUAN


_PLACES, _TIMES, _PEOPLE = Message("家"), Message("次"), Message("人")
_YUAN, _LEADS, _CASES = Message("元"), Message("条"), Message("件")
_ITEMS, _PERCENT = Message("个"), Message("%")
_RECEIVED = Message("收到的移送线索数")

FIGURES: tuple[Figure, ...] = (
    Figure("health-published", "health", "1", Message("已公布的获批机构数"), _PLACES, "editions"),
    Figure("health-self-inspections", "health", "2", Message("完成自查的机构数"), _PLACES, "self_inspections"),
    Figure("health-inspections", "health", "3", Message("已检查的机构数"), _PLACES, "inspections"),
    Figure("health-rectifications", "health", "3", Message("责令整改的机构数"), _PLACES, "rectifications"),
    Figure("health-cases", "health", "3", Message("立案处罚的机构数"), _PLACES, "cases"),
    Figure("health-fines", "health", "3", Message("罚款金额"), _YUAN, "fines"),
    Figure("health-confiscated", "health", "3", Message("没收违法所得金额"), _YUAN, "confiscations"),
    Figure("health-revoked", "health", "3", Message("被吊销资质的机构数"), _PLACES, "revocations"),
    Figure("health-leads-departments", "health", "4", Message("移送其他部门的线索数"), _LEADS, "leads_to_departments"),
    Figure("health-leads-judiciary", "health", "5", Message("移送司法机关的线索数"), _LEADS, "leads_to_judiciary"),
    Figure("health-publicity", "health", "6", Message("宣传活动次数"), _TIMES, "publicity"),
    Figure("health-publicity-people", "health", "6", Message("宣传覆盖人数"), _PEOPLE, "publicity_people"),
    Figure("health-trainings", "health", "7", Message("专题培训次数"), _TIMES, "training"),
    Figure("health-trainings-people", "health", "7", Message("专题培训人数"), _PEOPLE, "training_people"),
    Figure("health-supervised", "health", "", Message("挂牌督办的案件数"), _CASES, "supervised_cases"),
    Figure("police-leads", "police", "1", _RECEIVED, _LEADS, "leads_received"),
    Figure("police-leads-answered", "police", "1", Message("已反馈核查结果的线索数"), _LEADS, "leads_answered"),
    Figure("police-criminal-cases", "police", "2", Message("办理的刑事案件数"), _CASES, "entered"),
    Figure("police-joint-actions", "police", "", Message("参加联合行动次数"), _TIMES, "joint_actions"),
    Figure("court-conferences", "court", "1", Message("参加会商次数"), _TIMES, "conferences"),
    Figure("court-cases", "court", "3", Message("审理的相关犯罪案件数"), _CASES, "entered"),
    Figure("procuratorate-conferences", "procuratorate", "", Message("参加会商次数"), _TIMES, "conferences"),
    Figure("procuratorate-arrests", "procuratorate", "1", Message("批准逮捕人数"), _PEOPLE, "entered"),
    Figure("procuratorate-prosecutions", "procuratorate", "1", Message("提起公诉人数"), _PEOPLE, "entered"),
    Figure("procuratorate-studies", "procuratorate", "2", Message("法律适用调研报告数"), Message("份"), "entered"),
    Figure("cyberspace-items", "cyberspace", "1", Message("处置的违法有害信息数"), _LEADS, "entered"),
    Figure("cyberspace-platforms", "cyberspace", "2", Message("处置的违规网站、平台和账号数"), _ITEMS, "entered"),
    Figure("cyberspace-leads-out", "cyberspace", "3", Message("移送其他部门的线索数"), _LEADS, "entered"),
    Figure("cyberspace-leads", "cyberspace", "", _RECEIVED, _LEADS, "leads_received"),
    Figure("telecom-filing", "telecom", "1", Message("网站备案率"), _PERCENT, "entered_rate"),
    Figure("telecom-accuracy", "telecom", "1", Message("网站备案准确率"), _PERCENT, "entered_rate"),
    Figure("telecom-sites", "telecom", "2", Message("处置的违规网站和APP数"), _ITEMS, "entered"),
    Figure("telecom-leads", "telecom", "", _RECEIVED, _LEADS, "leads_received"),
    Figure("market-sites", "market", "1", Message("监测的网站数"), _ITEMS, "entered"),
    Figure("market-ads", "market", "2", Message("监测的相关广告数"), _LEADS, "entered"),
    Figure("market-checks", "market", "", Message("用本名录核验的广告条数"), _LEADS, "checks"),
    Figure("market-cases", "market", "3", Message("查处的相关广告案件数"), _CASES, "entered_or_cases"),
    Figure("market-fines", "market", "4", Message("案件罚没款金额"), _YUAN, "entered_or_fines"),
    Figure("market-leads", "market", "", _RECEIVED, _LEADS, "leads_received"),
    Figure("drug-inspections", "drug", "1", Message("监督检查家次数"), Message("家次"), "entered"),
    Figure("drug-cases", "drug", "1", Message("作出行政处罚的案件数"), _CASES, "entered_or_cases"),
    Figure("drug-leads-out", "drug", "1", Message("移送其他部门的线索数"), _LEADS, "entered"),
    Figure("drug-appraisals", "drug", "2", Message("鉴定涉案药品、器械的批次数"), Message("批次"), "entered"),
    Figure("drug-leads", "drug", "", _RECEIVED, _LEADS, "leads_received"),
    Figure("civil-affairs-leads", "civil-affairs", "", _RECEIVED, _LEADS, "leads_received"),
    Figure("women-leads", "women", "", _RECEIVED, _LEADS, "leads_received"),
)


@cache
def map_figures() -> dict[str, Figure]:
    """Return every figure by its code."""
    return {figure.code: figure for figure in FIGURES}


def get_figure(code: str) -> Figure:
    """Return the figure of a code; InvalidInput for one that the table does not have."""
    figure = map_figures().get(code)
    if figure is None:
        raise InvalidInput(Message("没有编号为“{code}”的数据。", code=code[:40]), field="figure")
    return figure
