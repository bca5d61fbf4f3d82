"""The file for the enterprise credit information publicity system: chosen by period and region, then downloaded."""

from __future__ import annotations

from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency

from registry.domain import region_names
from registry.errors import InvalidInput, NotAllowed
from registry.log import store
from registry.measures import handover
from registry.measures.handover import HandoverChoice
from registry.records.asof import parse_day
from registry.staff.desk import Desk
from registry.texts import Message

_MEDIA = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
}


@get("/handover", sync_to_thread=True)
def show_handover(desk: NamedDependency[Desk]) -> Response[Any]:
    """Show the form, and once a period was chosen how many penalties it holds."""
    query = desk.request.query_params
    asked = {name: str(query.get(name) or "") for name in ("first", "last", "region")}
    if not any(asked.values()):
        asked["region"] = desk.account.region
        return desk.render_page("handover", asked=asked, count=None)
    try:
        choice = _read_choice(desk)
        with desk.database.reading() as connection:
            rows = handover.list_rows(connection, choice, store.read_head(connection).size)
    except InvalidInput as error:
        return desk.render_page(
            "handover", status=400, errors=desk.list_errors(error, "first"), asked=asked, count=None
        )
    return desk.render_page("handover", asked=asked, count=len(rows))


@get("/handover/file", opt={"lane": "writes"}, sync_to_thread=True)
def download_handover(desk: NamedDependency[Desk]) -> Response[bytes]:
    """Send the file; the download is an event of the audit log."""
    form = "json" if desk.request.query_params.get("format") == "json" else "xlsx"
    choice = _read_choice(desk)
    with desk.database.writing() as connection:
        rows = handover.list_rows(connection, choice, store.read_head(connection).size)
        desk.record_event(connection, "list_exported", "handover")
    body = handover.encode_json(rows) if form == "json" else handover.make_workbook(rows)
    name = f"penalties-{choice.first}-{choice.last}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(body, media_type=_MEDIA[form], headers=headers)


def _read_choice(desk: Desk) -> HandoverChoice:
    """Read what is chosen; InvalidInput, or NotAllowed outside the region of the account."""
    query = desk.request.query_params
    days = {name: _read_day(str(query.get(name) or ""), name) for name in ("first", "last")}
    typed = str(query.get("region") or "")[:60]
    region = (region_names.find_code(typed) or typed) if typed else desk.account.region
    choice = HandoverChoice(first=days["first"], last=days["last"], region=region)
    choice.require_valid()
    if not desk.may_reach(region or None):
        raise NotAllowed(Message("您的账号只能导出本行政区划内的处罚。"))
    return choice


def _read_day(text: str, name: str) -> Any:
    try:
        return parse_day(text)
    except InvalidInput as error:
        raise InvalidInput(error.message, field=name) from error
