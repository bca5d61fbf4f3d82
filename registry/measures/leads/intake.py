"""Taking in a report: what a form or a program sent, checked, its pictures drawn anew, stored under a new number."""

from __future__ import annotations

import hashlib
from typing import IO

import msgspec
import sqlalchemy as sa

from registry import accounts
from registry.accounts import get_now_ms
from registry.accounts.region_scope import contains_place
from registry.accounts.vault import Vault
from registry.domain import region_names, regions
from registry.domain.identifiers import make_lead_number, parse_code
from registry.domain.model import Struct
from registry.errors import InvalidInput, RegistryError, TooLarge
from registry.measures.leads import contents
from registry.measures.leads.deadlines import TRIAGE_DAYS, WorkingCalendar
from registry.measures.leads.model import (
    LONGEST,
    MOST_PICTURES,
    PICTURE_BYTES,
    PUBLIC,
    REPORT_KINDS,
    LeadContent,
    Picture,
    ReportKind,
    StepFacts,
    encode_facts,
)
from registry.records import asof, lookup
from registry.storage.lead_tables import lead_steps, leads
from registry.storage.uploads.picture_reader import draw_picture
from registry.texts import Message, PageText

_PURPOSE = "reports sent twice"
#: Characters without which nobody could look into a report.
SHORTEST_WHAT = 5


class LeadReport(Struct, frozen=True):
    """A report as it was sent. ``token``: of the form, so that the same report sent twice is one lead; "" for none.

    ``region``: a code, where the sender knows it; else it is read from ``where``, or is that of the institution.
    """

    kind: str = "illegal_offer"
    what: str = ""
    who: str = ""
    where: str = ""
    region: str = ""
    link: str = ""
    contact: str = ""
    about: str = ""
    institution: str = ""
    token: str = ""

    def make_content(self) -> LeadContent:
        """Return what is sealed of it."""
        return LeadContent(**{name: getattr(self, name) for name in LeadContent.__struct_fields__})


class NewPicture(Struct, frozen=True):
    """A picture drawn anew, with its bytes."""

    facts: Picture
    body: bytes


def require_report(report: LeadReport) -> None:
    """Raise InvalidInput, naming the field, for what lacks or is too long; nothing is cut."""
    if report.kind not in REPORT_KINDS:
        raise InvalidInput(Message("请选择要反映的是哪一种情况。"), field="kind")
    if len("".join(report.what.split())) < SHORTEST_WHAT:
        raise InvalidInput(Message("请写明看到了什么，至少{shortest}个字。", shortest=SHORTEST_WHAT), field="what")
    for name, limit in LONGEST.items():
        if len(getattr(report, name)) > limit:
            field = PageText(f"lead.content.{name}")
            raise InvalidInput(Message("{field}最多{limit}个字符，请缩短。", field=field, limit=limit), field=name)
    if report.region and regions.find_region(report.region) is None:
        raise InvalidInput(Message("没有行政区划代码“{code}”。", code=report.region[:20]), field="region")


def draw_pictures(files: list[IO[bytes]]) -> list[NewPicture]:
    """Draw every picture anew; InvalidInput, TooLarge, UnreadableFile or Busy, at the field ``pictures``."""
    if len(files) > MOST_PICTURES:
        raise TooLarge(Message("图片最多{most}张。", most=MOST_PICTURES), field="pictures", limit=MOST_PICTURES)
    drawn = []
    for file in files:
        if file.seek(0, 2) > PICTURE_BYTES:
            limit = PICTURE_BYTES // 1024 // 1024
            raise TooLarge(Message("每张图片最多{limit} MB。", limit=limit), field="pictures", limit=PICTURE_BYTES)
        file.seek(0)
        try:
            body, width, height = draw_picture(file)
        except RegistryError as error:
            error.details.setdefault("field", "pictures")
            raise
        facts = Picture(sha256=hashlib.sha256(body).hexdigest(), size=len(body), width=width, height=height)
        drawn.append(NewPicture(facts=facts, body=body))
    return drawn


def make_token(vault: Vault, report: LeadReport, files: list[IO[bytes]]) -> str:
    """Return the keyed hash by which a report is known when it is sent again; that of its form and all it says."""
    digest = hashlib.sha256(msgspec.json.encode(report))
    for file in files:
        file.seek(0)
        digest.update(hashlib.sha256(file.read(PICTURE_BYTES + 1)).digest())
        file.seek(0)
    own = "" if report.token else make_lead_number()  # without a form's token nothing is sent twice
    return vault.sign_message(_PURPOSE, digest.hexdigest() + own)


def insert_lead(
    connection: sa.Connection,
    vault: Vault,
    report: LeadReport,
    pictures: list[NewPicture],
    *,
    token: str,
    calendar: WorkingCalendar,
) -> str:
    """Insert a lead with its first step, and return its compact number."""
    number, at = make_lead_number(), get_now_ms()
    institution = _find_institution(connection, report.institution)
    region = report.region or _find_region(connection, report.where, institution)
    region = _choose_visible_region(connection, region)
    due = calendar.add_days(asof.read_today(), TRIAGE_DAYS).isoformat()
    kind: ReportKind = "wrong_entry" if report.kind == "wrong_entry" else "illegal_offer"
    row = {
        **{"number": number, "token": token, "kind": kind, "urgency": "normal", "state": "received"},
        **{"region": region, "department": "", "institution": institution, "due": due, "outcome": ""},
        **{"received_at": at, "changed_at": at, "supervised_until": "", "steps": 1},
        "content": contents.seal_content(vault, number, report.make_content()),
    }
    lead = connection.execute(sa.insert(leads).values(row).returning(leads.c.id)).scalar_one()
    facts = StepFacts(kind=kind, institution=institution or None, due=due, pictures=len(pictures) or None)
    step = {"lead": lead, "step": 1, "at": at, "account": PUBLIC, "action": "receive", "department": ""}
    connection.execute(sa.insert(lead_steps).values(**step, region=region, facts=encode_facts(facts)))
    for position, picture in enumerate(pictures, start=1):
        contents.insert_picture(connection, vault, (lead, position), picture.facts, picture.body)
    return number


def _find_institution(connection: sa.Connection, code: str) -> str:
    """Return the compact code of an institution; InvalidCode, NotFound for one that the register does not have."""
    if not code:
        return ""
    found = lookup.get_institution(connection, code, asof.make_as_of(connection))
    return parse_code(found.code)


def _find_region(connection: sa.Connection, where: str, institution: str) -> str:
    """Return the region that the text of a place names, else that of the institution; "" where neither is known."""
    found = (region_names.find_code(where) or regions.resolve_address(where).code) if where.strip() else None
    if not found and institution:
        found = lookup.get_institution(connection, institution, asof.make_as_of(connection)).region.code
    return found or ""


def _choose_visible_region(connection: sa.Connection, region: str) -> str:
    """Return a region, or where no editor may see it that of the editor who sees most: nobody would find the lead."""
    editors = [one for one in accounts.list_accounts(connection) if "editor" in one.roles and not one.disabled]
    if not editors or any(contains_place(one, region or None) for one in editors):
        return region
    return min((one.region for one in editors), key=lambda code: len(regions.get_prefix(code)))
