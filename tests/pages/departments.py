"""Samples of the pages for departments: each department, the operators' card, pages for other sites."""

from __future__ import annotations

import datetime as dt

from public_site import department_examples
from public_site.department_pages import DepartmentPage, DepartmentsPage, EmbeddedPage, OperatorsCard
from public_site.responses import PageContext
from registry.measures.activities.public_events import PublicEvent
from registry.measures.department_table import list_departments
from registry.measures.departments import access
from registry.measures.measure_table import list_measures
from tests.pages.records import SITE

ORIGIN = "https://register.example"
EVENTS = (
    PublicEvent(
        kind="publicity",
        day=dt.date(2025, 7, 3),
        region="210303",
        place="示例社区广场",
        title="识别非法辅助生殖宣传",
        people=300,
    ),
    PublicEvent(
        kind="training",
        day=dt.date(2025, 6, 12),
        region="210300",
        place="示例会议室",
        title="依法执业培训",
        people=None,
    ),
)


def make_pages() -> dict[str, PageContext]:
    """Every page for departments."""
    frame = {"site": SITE}
    return {
        "departments": DepartmentsPage(departments=tuple(list_departments().values()), here="/departments", **frame),
        **{
            f"department-{code}": DepartmentPage(
                department=department,
                measures=list_measures(code),
                services=department_examples.list_examples(code, ORIGIN),
                scopes=access.list_scopes(code),
                events=EVENTS if code == "health" else (),
                here=f"/departments/{code}",
                **frame,
            )
            for code, department in list_departments().items()
        },
        "operators-card": OperatorsCard(address=ORIGIN, here="/departments/card", **frame),
        **{
            f"embed-{name}": EmbeddedPage(name=name, here=f"/embed/{name}", **frame)
            for name in department_examples.EMBEDDED
        },
    }
