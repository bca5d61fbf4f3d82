"""Sample pages of leads: the form empty, refused and when too many came; a number in every state."""

from __future__ import annotations

import datetime as dt
from typing import get_args

from public_site.lead_pages import LeadForm, LeadPage, LeadStatePage
from public_site.responses import FieldError, PageContext
from registry.measures.leads.model import Outcome, PublicLead, PublicState
from tests.pages.records import AT, SITE

_NUMBER = "7K2M-9QX4-0000-000W"


def make_pages() -> dict[str, PageContext]:
    """Every page of leads."""
    written = LeadForm(what="朋友圈广告称包成功", who="示例公司", where="示例市", about="/i/7K2M-9QX4", token="x")
    errors = (
        FieldError(field="what", sentence="请写明看到了什么，至少5个字。"),
        FieldError(field="pictures", sentence="图片最多4张。"),
        FieldError(field="website", key="lead.trap_error"),
    )
    late = (FieldError(field="what", sentence="现在收到的线索太多，这一条没有保存，请20分钟后再试。"),)
    pages: dict[str, PageContext] = {
        "lead": LeadPage(site=SITE, here="/leads", form=LeadForm(token="x")),
        "lead-about": LeadPage(site=SITE, here="/leads", form=written, subject="示例市妇幼保健院"),
        "lead-errors": LeadPage(
            site=SITE, here="/leads", posted=written.list_values(), form=written, errors=errors, had_pictures=True
        ),
        "lead-later": LeadPage(site=SITE, here="/leads", form=written, errors=late, minutes=20),
        "lead-mistyped": LeadStatePage(
            site=SITE, here="/leads/follow", typed="7K2M-9QX4", error="这不是线索编号，请核对。"
        ),
    }
    states: list[tuple[PublicState, Outcome | None]] = [(state, None) for state in get_args(PublicState)]
    states += [("closed", outcome) for outcome in get_args(Outcome)]
    for state, outcome in states:
        since = AT + dt.timedelta(days=3)
        lead = PublicLead(number=_NUMBER, state=state, received_at=AT, since=since, outcome=outcome)
        pages[f"lead-{outcome or state}"] = LeadStatePage(
            site=SITE, here=f"/leads/{_NUMBER}", lead=lead, is_new=state == "received"
        )
    return pages
