"""Renewing many approvals: selected by region, technique and due day, then checked with the document they rest on."""

from __future__ import annotations

import datetime as dt
from typing import Any, BinaryIO, cast

from litestar import Response, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency

from registry.accounts import audit_log
from registry.domain import regions
from registry.domain.model import Date
from registry.domain.techniques import TECHNIQUES
from registry.errors import Conflict, InvalidInput, NotAllowed, RegistryError
from registry.records.asof import parse_day
from registry.records.deadlines import DeadlineFilter
from registry.staff.desk import EDITORS, Desk
from registry.staff.errors import record_refusal
from registry.staff.forms import documents, renewals
from registry.staff.forms.forms import normalise_day
from registry.staff.forms.renewals import Renewal, RenewalDocument, RenewalTerms
from registry.staff.lists import list_page
from registry.storage.attachments import LARGEST
from registry.texts import Message
from registry.web import error_status

#: Days ahead within which approvals are offered first.
_AHEAD = 90
_FILTER = ("region", "technique", "until")
_TEXTS = ("effective", "rule", "due", "doc_title", "doc_number", "doc_date", "to_approver")


@get("/renewals", opt=EDITORS, sync_to_thread=True)
def show_renewals(desk: NamedDependency[Desk]) -> Response[Any]:
    """Show the approvals that fall due, to be chosen, and the form of their renewal."""
    query = {name: str(desk.request.query_params.get(name) or "").strip()[:40] for name in _FILTER}
    return _render_renewals(desk, query)


def _render_renewals(desk: Desk, query: dict[str, str], **values: Any) -> Response[Any]:
    today = desk.register.make_as_of_now().valid_on
    query = {**query, "until": query["until"] or (today + dt.timedelta(days=_AHEAD)).isoformat()}
    errors: list[tuple[str, str]] = values.pop("errors", [])
    due = []
    try:
        with desk.database.reading() as connection:
            due = renewals.list_due_approvals(connection, _make_filter(desk, query))
    except InvalidInput as error:
        errors = [*errors, *desk.list_errors(error, "until")]
    return desk.render_page(
        "renewals",
        **{
            "status": 400 if errors else 200,
            "errors": errors,
            "query": query,
            "region_filter": list_page.make_region_filter(desk, query["region"]),
            "due": due[: renewals.LIMIT],
            "more": len(due) > renewals.LIMIT,
            "limit": renewals.LIMIT,
            "techniques": [technique.code for technique in TECHNIQUES],
            "fields": {"effective": today.isoformat(), "rule": "years"},
            "chosen": None,
            **values,
        },
    )


def _make_filter(desk: Desk, query: dict[str, str]) -> DeadlineFilter:
    region, own = query["region"].replace(list_page.EVERY, ""), desk.account.region
    if region and regions.find_region(region) is None:
        raise InvalidInput(Message("没有行政区划代码“{region}”。", region=region[:12]), field="region")
    if region and own and not region.startswith(regions.get_prefix(own)):
        raise InvalidInput(Message("所选的行政区划不在您的账号范围内。"), field="region")
    technique = next((one.code for one in TECHNIQUES if one.code == query["technique"]), "")
    until = parse_day(normalise_day(query["until"]), "until")
    return DeadlineFilter(kind="verification", technique=technique, until=until, region=region or own)


@post("/renewals", opt=EDITORS, status_code=200, sync_to_thread=True, request_max_body_size=3 * LARGEST)
def propose_renewal(desk: NamedDependency[Desk]) -> Response[Any]:
    """Check what is chosen and ask for the document, then propose; what is wrong is said on its page."""
    query = {name: desk.read_field(f"filter_{name}", 40) for name in _FILTER}
    chosen = [str(item) for item in desk.form.getall("chosen", [])]
    fields = {name: desk.read_field(name, 2_001) for name in _TEXTS}
    action = desk.read_field("action")
    if action == "back":
        return _render_renewals(desk, query, fields=fields, chosen=frozenset(chosen))
    try:
        terms = _read_terms(fields, chosen)
        with desk.database.reading() as connection:
            lines = renewals.list_renewal_lines(connection, terms)
    except InvalidInput as error:
        return _render_refusal(desk, error, query, fields, chosen)
    page: dict[str, Any] = {"query": query, "fields": fields, "chosen": chosen, "lines": lines, "terms": terms}
    if action != "propose":
        return desk.render_page("renewal_check", **page)
    try:
        renewal = Renewal(terms=terms, document=_read_document(desk, fields), to_approver=fields["to_approver"])
        with audit_log.act_from_address(desk.visitor.address):
            number = renewals.propose_renewal(desk.database, renewal, by=desk.account.name, log=desk.register.log)
    except (InvalidInput, Conflict, NotAllowed) as error:
        if not isinstance(error, InvalidInput):
            record_refusal(desk.request, error)
        status = error_status.get_status(error)
        return desk.render_page("renewal_check", status=status, errors=desk.list_errors(error, ""), **page)
    return desk.redirect_to(f"/staff/proposals/{number}")


def _render_refusal(
    desk: Desk, error: RegistryError, query: dict[str, str], fields: dict[str, str], chosen: list[str]
) -> Response[Any]:
    status = error_status.get_status(error)
    errors = desk.list_errors(error, "")
    return _render_renewals(desk, query, status=status, errors=errors, fields=fields, chosen=frozenset(chosen))


def _read_terms(fields: dict[str, str], chosen: list[str]) -> RenewalTerms:
    """Read the first page; InvalidInput names the field."""
    pairs = [item.partition(" ") for item in chosen]
    effective = _read_day(fields, "effective")
    due = _read_day(fields, "due") if fields["rule"] == "day" else None
    return RenewalTerms(chosen=frozenset((subject, path) for subject, _, path in pairs), effective=effective, due=due)


def _read_document(desk: Desk, fields: dict[str, str]) -> RenewalDocument:
    """Read the document; InvalidInput names the field. The file is kept only once everything else is right."""
    if not fields["doc_title"]:
        raise InvalidInput(Message("这是法定事实，须写明依据的文件。"), field="doc_title")
    date = _read_day(fields, "doc_date")
    if date > desk.register.make_as_of_now().valid_on:
        raise InvalidInput(Message("文件日期还没有到，请核对。"), field="doc_date")
    return RenewalDocument(
        title=fields["doc_title"], number=fields["doc_number"], date=date, sha256=_save_document(desk)
    )


def _read_day(fields: dict[str, str], name: str) -> Date:
    try:
        return parse_day(normalise_day(fields[name]))
    except InvalidInput:
        message = Message("“{text}”不是日期，请写成 2025-07-01 这样。", text=fields[name][:20])
        raise InvalidInput(message, field=name) from None


def _save_document(desk: Desk) -> str:
    upload = desk.form.get("doc_file")
    if not isinstance(upload, UploadFile) or not upload.filename:
        raise InvalidInput(Message("请附上文件的扫描件或电子版，审批人要看原文。"), field="doc_file")
    content = cast("BinaryIO", upload.file)
    kind = documents.detect_file_type(content)  # before taking the lock: it may take a while
    with desk.database.writing() as connection:
        me, where = desk.account.name, desk.visitor.address
        return documents.save_document(connection, content, upload.filename, by=me, address=where, kind=kind).sha256
