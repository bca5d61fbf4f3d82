"""The kinds of activities, what each states, and what of it is checked before it is entered."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Literal, get_args

from registry.domain import region_names, regions
from registry.domain.model import Date, Struct
from registry.errors import InvalidInput
from registry.measures.department_table import get_department
from registry.measures.figure_table import get_figure
from registry.texts import Message, PageText

Kind = Literal["publicity", "training", "joint_action", "conference", "supervised_case", "figure"]
KINDS: tuple[Kind, ...] = get_args(Kind)
#: Shown to the public once a second person has confirmed them; all other kinds are for the staff alone.
PUBLISHED: tuple[Kind, ...] = ("publicity", "training")
#: What a form asks of each kind, in its order.
FIELDS: dict[Kind, tuple[str, ...]] = {
    "publicity": ("title", "since", "place", "region", "department", "people"),
    "training": ("title", "since", "place", "region", "department", "people"),
    "joint_action": ("title", "since", "place", "region", "departments", "text"),
    "conference": ("title", "since", "place", "region", "departments", "text"),
    "supervised_case": ("reference", "title", "since", "until", "region", "department", "text"),
    "figure": ("figure", "value", "since", "until", "region", "text"),
}
#: Of these, what may be left out.
OPTIONAL = {
    "publicity": {"people"},
    "training": {"people"},
    "joint_action": {"place"},
    "conference": {"place"},
    "supervised_case": {"until", "text"},
    "figure": {"text"},
}
#: Characters of each text at most.
LIMITS = {"title": 200, "place": 200, "reference": 60, "text": 4_000}
_MOST = Decimal(10) ** 15


class ActivityFacts(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one version of a record states; which of it depends on the kind, see ``FIELDS``.

    ``region`` is a code of GB/T 2260, ``department`` and ``departments`` codes of the table of departments. ``people``:
    reached or trained, None where nobody counted. ``figure`` and ``value``: a figure that a department reported of the
    days from ``since`` to ``until``. ``text``: what was decided, or the result; it names no person.
    """

    since: Date
    region: str
    until: Date | None = None
    title: str = ""
    place: str = ""
    department: str = ""
    departments: tuple[str, ...] = ()
    people: int | None = None
    reference: str = ""
    text: str = ""
    figure: str = ""
    value: Decimal | None = None
    withdrawn: bool = False

    @property
    def last_day(self) -> Date:
        """The last day it is about; of a case still open its first."""
        return self.until or self.since


def check_facts(kind: Kind, facts: ActivityFacts, today: dt.date) -> None:
    """Check what is stated of an activity; InvalidInput names the field."""
    for field in FIELDS[kind]:
        if field not in OPTIONAL[kind] and getattr(facts, field) in (None, "", ()):
            raise InvalidInput(Message("请填写“{field}”。", field=PageText(f"activity.{field}")), field=field)
    for field, limit in LIMITS.items():
        if len(getattr(facts, field)) > limit:
            message = Message("“{field}”最多{limit}字。", field=PageText(f"activity.{field}"), limit=limit)
            raise InvalidInput(message, field=field)
    if facts.since > today or (facts.until is not None and facts.until > today):
        field = "since" if facts.since > today else "until"
        raise InvalidInput(Message("日期还没有到，请核对。"), field=field)
    if facts.until is not None and facts.until < facts.since:
        raise InvalidInput(Message("截止日期早于开始日期，请核对。"), field="until")
    if regions.find_region(facts.region) is None:
        raise InvalidInput(region_names.describe_unclear_place(facts.region), field="region")
    for code in (*facts.departments, *filter(None, [facts.department])):
        get_department(code)
    if kind in ("joint_action", "conference") and len(set(facts.departments)) < 2:
        raise InvalidInput(Message("请选择参加的部门，至少两个。"), field="departments")
    if facts.people is not None and not 0 <= facts.people < _MOST:
        raise InvalidInput(Message("人数须为整数；不清楚的留空，不写0。"), field="people")
    if facts.value is not None and not (facts.value.is_finite() and 0 <= facts.value < _MOST):
        raise InvalidInput(Message("数值须为0或正数。"), field="value")
    if kind == "figure":
        _check_figure(facts)


def _check_figure(facts: ActivityFacts) -> None:
    figure, value = get_figure(facts.figure), facts.value or Decimal(0)
    if value and not figure.is_entered:
        raise InvalidInput(Message("这项数据由名录按记录计数，只能填0（零报告：这段时间确实没有）。"), field="value")
    if value > 100 and figure.is_rate:
        raise InvalidInput(Message("百分比须在0到100之间。"), field="value")
    if not figure.is_divisible and value != value.to_integral_value():
        raise InvalidInput(Message("这项数据须为整数。"), field="value")
