"""Renewing many approvals: selected by region, technique and due day, on one document, in one proposal."""

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
from registry.staff.forms.renewals import Renewal, RenewalDocument
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
    """Propose the renewal of what is chosen; if something is wrong, show the form as it was filled in."""
    query = {name: desk.read_field(f"filter_{name}", 40) for name in _FILTER}
    chosen = [str(item) for item in desk.form.getall("chosen", [])]
    fields = {name: desk.read_field(name, 2_001) for name in _TEXTS}
    try:
        renewal = _read_renewal(desk, fields, chosen)
        with audit_log.act_from_address(desk.visitor.address):
            number = renewals.propose_renewal(desk.database, renewal, by=desk.account.name, log=desk.register.log)
    except (InvalidInput, Conflict, NotAllowed) as error:
        if not isinstance(error, InvalidInput):
            record_refusal(desk.request, error)
        return _render_refusal(desk, error, query, fields, chosen)
    return desk.redirect_to(f"/staff/proposals/{number}")


def _render_refusal(
    desk: Desk, error: RegistryError, query: dict[str, str], fields: dict[str, str], chosen: list[str]
) -> Response[Any]:
    status = error_status.get_status(error)
    errors = desk.list_errors(error, "")
    return _render_renewals(desk, query, status=status, errors=errors, fields=fields, chosen=frozenset(chosen))


def _read_renewal(desk: Desk, fields: dict[str, str], chosen: list[str]) -> Renewal:
    """Read the form; InvalidInput names the field. The file is kept only once everything else is right."""
    pairs = [item.partition(" ") for item in chosen]
    effective, date = _read_day(fields, "effective"), _read_day(fields, "doc_date")
    due = _read_day(fields, "due") if fields["rule"] == "day" else None
    if not fields["doc_title"]:
        raise InvalidInput(Message("这是法定事实，须写明依据的文件。"), field="doc_title")
    if not chosen:
        raise InvalidInput(Message("请勾选要校验的批准。"), field="chosen")
    document = RenewalDocument(
        title=fields["doc_title"], number=fields["doc_number"], date=date, sha256=_save_document(desk)
    )
    return Renewal(
        chosen=frozenset((subject, path) for subject, _, path in pairs),
        effective=effective,
        due=due,
        document=document,
        to_approver=fields["to_approver"],
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
