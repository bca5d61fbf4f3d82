"""The measures' report for a period and a region: as a page, as files, and the entries behind each figure."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from registry.domain import regions
from registry.domain.model import Date
from registry.errors import InvalidInput, NotAllowed, NotFound
from registry.measures.report import files, report, sentences
from registry.measures.report.report import ReportPeriod
from registry.records.asof import parse_day
from registry.staff.desk import Desk
from registry.staff.forms.forms import normalise_day
from registry.staff.i18n import FormLabels
from registry.staff.lists import list_page
from registry.texts import Message


@get("/measures", opt={"lane": "slow"}, sync_to_thread=True)
def show_report(desk: NamedDependency[Desk]) -> Response[Any]:
    """Show the report of a period and a region; by default of this year so far, of the account's region."""
    errors: list[tuple[str, str]] = []
    found, query = None, read_query(desk)
    try:
        found = report.make_report(desk.register, read_period(desk))
    except InvalidInput as error:
        errors = desk.list_errors(error, "from")
    return desk.render_page(
        "measures",
        status=400 if errors else 200,
        errors=errors,
        report=found,
        query={name: text for name, text in query.items() if name == "region" or FormLabels.is_day(text)},
        region_filter=list_page.make_region_filter(desk),
        formats=files.FORMATS,
        format_value=sentences.format_value,
    )


@get("/measures/file/{kind:str}", opt={"lane": "slow"}, sync_to_thread=True)
def download_report(desk: NamedDependency[Desk], kind: FromPath[str]) -> Response[bytes]:
    """Send the report as a file."""
    format_ = next((one for one in files.FORMATS if one == kind), None)
    if format_ is None:
        raise NotFound(Message("此地址没有内容。"))
    period = read_period(desk)
    found = report.make_report(desk.register, period)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"report.{format_}"
        files.write_report(path, found, format_, desk.language.lang)
        content = path.read_bytes()
    name = "-".join(filter(None, ["measures", f"{period.since}", f"{period.until}", period.region]))
    disposition = {"Content-Disposition": f'attachment; filename="{name}.{format_}"'}
    return Response(content, media_type=files.MEDIA_TYPES[format_], headers=disposition)


@get("/measures/figures/{code:str}", opt={"lane": "slow"}, sync_to_thread=True)
def show_figure(desk: NamedDependency[Desk], code: FromPath[str]) -> Response[Any]:
    """Show the entries that a figure rests on."""
    period = read_period(desk)
    try:
        figure, count = report.count_figure(desk.register, code, period)
    except InvalidInput as error:
        if error.details.get("field") == "figure":
            raise NotFound(error.message) from error
        raise
    return desk.render_page(
        "measures_figure",
        figure=figure,
        count=count,
        period=period,
        query=read_query(desk),
        format_value=sentences.format_value,
    )


def read_query(desk: Desk) -> dict[str, str]:
    """Read the period and the region of an address as they were given; what was left out is what is asked for then."""
    query = {name: str(desk.request.query_params.get(name) or "").strip()[:40] for name in ("from", "to", "region")}
    today = desk.register.make_as_of_now().valid_on
    defaults = {"from": Date(today.year, 1, 1).isoformat(), "to": today.isoformat(), "region": desk.account.region}
    return {name: value or defaults[name] for name, value in query.items()}


def read_period(desk: Desk) -> ReportPeriod:
    """Read what an address asks for; InvalidInput, NotAllowed for another region than the account's."""
    query = read_query(desk)
    region = query["region"].replace(list_page.EVERY, "")
    own = desk.account.region
    if own and not regions.is_inside(region or None, own):
        raise NotAllowed(Message("所选的行政区划不在您的账号范围内。"), why="other_region")
    since, until = (parse_day(normalise_day(query[name]), name) for name in ("from", "to"))
    return ReportPeriod(since=since, until=until, region=region)
