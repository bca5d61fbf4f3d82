"""A lead as a file for another department: JSON, a page to read, the register's signed answers, and the pictures.

The file holds what is needed to check it without this register's workspace: the SHA-256 of every part in
``SHA256SUMS``, and receipts that ``/api/v1/receipts/check`` and ``registry receipt`` check.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import zipfile
from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from registry.accounts.vault import Vault
from registry.domain import region_names
from registry.domain.answers import Answer, Claim, Provider, read_provider
from registry.domain.identifiers import find_web_domain, format_code, format_lead_number
from registry.domain.model import Struct
from registry.errors import InvalidInput
from registry.log.clock import format_seconds, from_milliseconds
from registry.measures.department_table import get_department
from registry.measures.leads import contents, store
from registry.measures.leads.model import Lead, LeadContent
from registry.records.asof import to_day

FORMAT = "art-register-lead/1"
JSON, PAGE, SUMS = "lead.json", "lead.pdf", "SHA256SUMS"
_AT = (1980, 1, 1, 0, 0, 0)  # the parts carry no time of their own


class HandoverPart(Struct, frozen=True):
    """One lead in a file: the lead itself, or one that was merged into it."""

    lead: Lead
    content: LeadContent
    pictures: list[tuple[str, bytes]]


class HandoverRequest(Struct, frozen=True):
    """How a lead is handed over: ``message`` to the department; ``with_contact``: whether it may get in touch with
    whoever reported it."""

    public_url: str
    at: dt.datetime
    lang: str
    message: str = ""
    with_contact: bool = False


class HandoverFile(Struct, frozen=True):
    """The finished file: its bytes, their SHA-256, and the SHA-256 of the receipts in it."""

    name: str
    body: bytes
    sha256: str
    receipts: list[str]


def make_claims(lead: Lead, content: LeadContent) -> list[Claim]:
    """Make the questions to the register that a lead raises about the day it came: the institution, and the website."""
    on = to_day(from_milliseconds(lead.received_at))
    providers: list[Provider] = []
    if lead.institution:
        providers.append(Provider(code=format_code(lead.institution)))
    elif content.who.strip():
        try:
            providers.append(read_provider(content.who.strip(), None))
        except InvalidInput:  # a number with a slip, which the text still holds
            providers.append(Provider(name=content.who.strip()))
    if (domain := find_web_domain(content.link)) is not None:
        providers.append(Provider(domain=domain))
    return [Claim(provider=provider, on=on, receipt=True) for provider in providers]


def read_parts(connection: sa.Connection, vault: Vault, lead: Lead) -> list[HandoverPart]:
    """Read a lead and those merged into it; without those whose content is erased."""
    parts = []
    for one in (lead, *store.list_merged(connection, lead.id)):
        content = contents.read_content(connection, vault, one.id)
        if content is not None:
            pictures = [
                (picture.sha256, contents.read_picture(connection, vault, one.id, position))
                for position, picture in enumerate(contents.list_pictures(connection, one.id), start=1)
            ]
            parts.append(HandoverPart(lead=one, content=content, pictures=pictures))
    return parts


def make_file(parts: Sequence[HandoverPart], answers: Sequence[Answer], request: HandoverRequest) -> HandoverFile:
    """Make the file of a lead, which is the first of the parts, and of those merged into it."""
    from registry.measures.leads import handover_pdf  # its library takes 5 MiB, and most processes never draw

    files: dict[str, bytes] = {}
    for number, answer in enumerate(answers, start=1):
        files[f"receipts/{number}.txt"] = (answer.receipt or "").encode()
    pictures = [picture for part in parts for picture in part.pictures]
    for number, (_, body) in enumerate(pictures, start=1):
        files[f"pictures/{number}.jpg"] = body
    document = _make_document(parts, answers, request)
    files[JSON] = msgspec.json.format(msgspec.json.encode(document), indent=2)
    files[PAGE] = handover_pdf.render_pdf(document, list(answers), request.lang)
    sums = "".join(f"{hashlib.sha256(body).hexdigest()}  {name}\n" for name, body in sorted(files.items()))
    files[SUMS] = sums.encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, body in sorted(files.items()):
            how = zipfile.ZIP_STORED if name.endswith(".jpg") else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(name, _AT), body, how)
    whole = out.getvalue()
    return HandoverFile(
        name=f"lead-{parts[0].lead.id}.zip",
        body=whole,
        sha256=hashlib.sha256(whole).hexdigest(),
        receipts=[hashlib.sha256((answer.receipt or "").encode()).hexdigest() for answer in answers],
    )


def _make_document(
    parts: Sequence[HandoverPart], answers: Sequence[Answer], request: HandoverRequest
) -> dict[str, Any]:
    """Make what the JSON file says; names of places and departments in Chinese, as documents have them."""
    lead = parts[0].lead
    number = 0
    reports = []
    for part in parts:
        shown = msgspec.structs.asdict(part.content)
        if not request.with_contact:
            shown.pop("contact")
        pictures = []
        for digest, _ in part.pictures:
            number += 1
            pictures.append({"file": f"pictures/{number}.jpg", "sha256": digest})
        received = format_seconds(from_milliseconds(part.lead.received_at))
        reports.append({"lead": part.lead.id, "received_at": received, **shown, "pictures": pictures})
    department = get_department(lead.department)
    return {
        "format": FORMAT,
        "register": request.public_url,
        "lead": lead.id,
        "number": format_lead_number(lead.number),
        "made_at": format_seconds(request.at),
        "kind": lead.kind,
        "urgency": lead.urgency,
        "department": {"code": department.code, "name": department.zh},
        "region": {"code": lead.region, "name": region_names.format_place(lead.region)},
        "institution": format_code(lead.institution) if lead.institution else None,
        "due": lead.due or None,
        "supervised_until": lead.supervised_until or None,
        "message": request.message,
        "reports": reports,
        "answers": [
            {
                "receipt": f"receipts/{place}.txt",
                "on": answer.on.isoformat(),
                "verdict": answer.verdict,
                "explanation": answer.explanation,
                "institution": answer.match.code if answer.match else None,
                "log_size": answer.log.size,
            }
            for place, answer in enumerate(answers, start=1)
        ],
    }
