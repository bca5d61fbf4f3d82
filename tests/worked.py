"""A register with a year's work in it: something of every kind and in every state, for pages to show."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from registry import accounts, proposals
from registry.accounts import changes, sessions
from registry.accounts.changes import ChangeRequest
from registry.domain.identifiers import format_code, make_code
from registry.domain.model import Change, Draft
from registry.log import store
from registry.records import asof
from registry.staff.forms import form_drafts
from registry.staff.forms.form_drafts import FormContent
from registry.storage.database import Database
from tests.factories import a_certificate, a_change, a_person, a_source, an_institution, approve, code_of, propose
from tests.running import PASSWORD

TODAY = asof.read_today()
AGENT, ADDRESS = "Desk/1", "127.0.0.1"
BEGINS = TODAY + dt.timedelta(days=40)
DUE = TODAY + dt.timedelta(days=20)
_PAST = TODAY - dt.timedelta(days=200)
_YEAR = dt.timedelta(days=364)

OPEN = an_institution(
    "鞍山市示例常设医院",
    "辽宁省鞍山市铁西区示例路11号",
    on=_PAST,
    source=None,
    **{"approvals.IVF": {"stage": "formal", "verification_due": DUE.isoformat()}},
)
LATER = an_institution(
    "沈阳市示例将来医院", "辽宁省沈阳市和平区示例路12号", on=BEGINS, source=None, region="210102", IVF="trial"
)
CLOSED = an_institution("大连市示例旧医院", "辽宁省大连市中山区示例路13号", on=_PAST, source=None, region="210202")
PERSON = a_person(OPEN, "示例员乙", on=_PAST, valid_from=_PAST.isoformat(), valid_to=(_PAST + _YEAR).isoformat())
COMING = a_person(OPEN, "示例员丙", on=BEGINS, certificate="***********5678")
PAPER = a_certificate(OPEN, f"(辽)医广[{_PAST.year}]第{_PAST:%m-%d}-001号", on=_PAST)
UNLISTED = Draft(
    subject=f"sanction:{make_code('unlisted')}",
    change=Change(
        kind="sanction",
        set={
            "organisation": "示例健康咨询公司",
            "kind": "penalty",
            "authority": "示例市卫生健康委员会",
            "document_no": "示卫罚〔2026〕7号",
            "decided_on": _PAST.isoformat(),
            "summary": "示例事由",
        },
    ),
    valid_from=_PAST,
)
STANDARD = {"IVF": "formal", "ICSI": "trial"}


class Worked(NamedTuple):
    """What is in the register: proposals by their state, the draft of a form, codes."""

    pending: int
    returned: int
    rejected: int
    emergency: int
    draft: int
    code: str
    person: str


def work_a_year(database: Database) -> Worked:
    """Enter all of it, by ``editor``, ``approver`` and others; each with the password of the tests."""
    with database.writing() as connection:
        for name, role, region in (
            ("second", "editor", ""),
            ("anshan", "editor", "210300"),
            ("auditor", "auditor", ""),
            ("admin", "administrator", ""),
            ("publisher", "publisher", ""),
        ):
            accounts.create_account(connection, name, [role], PASSWORD.strip(), region=region)
        wider = ChangeRequest(kind="rights", account="anshan", roles=("editor", "publisher"), region="210300")
        changes.submit_change(connection, "admin", wider)
    source = a_source("示例文件-1", as_of=_PAST, scope="partial")
    _enter(database, "示例名录", source, OPEN, CLOSED, LATER)
    _enter(database, "人员、证明与处罚", PERSON, COMING, PAPER, UNLISTED)
    _enter(database, "关闭", a_change(CLOSED, _PAST + dt.timedelta(days=30), {"status": "delisted"}))
    _enter(database, "改名", a_change(OPEN, _PAST + dt.timedelta(days=60), {"name": "鞍山市示例常设总院"}))
    pending = _propose(database, a_change(OPEN, TODAY, {"campus": "示例院区"}))
    returned = _propose(database, a_change(OPEN, TODAY, {"level": "三级甲等"}))
    proposals.send_back(database, returned, by="approver", text="请补充文号")
    rejected = _propose(database, a_change(CLOSED, TODAY, {"status": "listed"}))
    proposals.reject(database, rejected, by="approver", reason="没有依据")
    withdrawn = _propose(database, a_change(CLOSED, TODAY, {"level": "二级甲等"}))
    proposals.withdraw(database, withdrawn, by="editor")
    stopped = an_institution(
        "鞍山市示例暂停医院", "辽宁省鞍山市铁东区示例路14号", on=_PAST, source=None, region="210302", **STANDARD
    )
    _enter(database, "示例机构", stopped)
    waiting = proposals.suspend(database, stopped.subject, ["IVF"], by="editor", reason="示例原因").waiting
    draft = save_draft(database, "second", OPEN.subject, {"name": "鞍山市示例常设总院", "level": "三级乙等"})
    return Worked(
        pending=pending,
        returned=returned,
        rejected=rejected,
        emergency=waiting,
        draft=draft,
        code=format_code(code_of(OPEN)),
        person=format_code(code_of(PERSON)),
    )


def save_draft(database: Database, account: str, subject: str, typed: dict[str, str]) -> int:
    """Store a half-filled form about an institution."""
    filled = FormContent(typed=dict(typed), base={"name": typed["name"]})
    with database.writing() as connection:
        size = store.read_head(connection).size
        return form_drafts.create_draft(connection, account, "institution", subject, filled, base_size=size).id


def open_session(database: Database, account: str) -> str:
    """The token of a browser in which somebody is signed in, who has shown the second factor just now."""
    with database.writing() as connection:
        token = sessions.create_session(connection, account, "open", ADDRESS, AGENT)
        found = sessions.find_session(connection, token, sessions.SessionLimits(idle=60, absolute=600))
        assert found is not None
        sessions.save_proof(connection, found)
    return token


def _enter(database: Database, title: str, *drafts: Draft) -> None:
    number = proposals.propose(database, drafts, by="editor", title=title)
    approve(database, number, by="approver")


def _propose(database: Database, *drafts: Draft) -> int:
    return propose(database, *drafts, by="editor")
