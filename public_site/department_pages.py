"""Pages of the departments: what the register gives to each and how; a card for operators; pages for other sites."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import ClassVar

from litestar import Response
from litestar.params import FromPath

from public_site import department_examples
from public_site.department_examples import EMBEDDED, ServiceExample
from public_site.institution_pages import POLICY
from public_site.responses import PageContext, PageRequest, get_register, make_frame, make_page_response
from registry.domain import region_names, regions
from registry.editions import text_formats
from registry.editions.content import ListContent
from registry.errors import InvalidInput, NotFound
from registry.measures.activities.public_events import PublicEvent, list_public_events
from registry.measures.department_table import Department, get_leading_department, list_departments
from registry.measures.departments import access
from registry.measures.measure_table import Measure, list_measures
from registry.texts import Message
from registry.web.routes import route_get

#: Events shown, the latest first.
_EVENTS = 20


class DepartmentsPage(PageContext, frozen=True, kw_only=True):
    """Every department, each with a line about what the register is to it."""

    template: ClassVar[str] = "departments.html"
    section: ClassVar[str] = "departments"
    departments: tuple[Department, ...]


class DepartmentPage(PageContext, frozen=True, kw_only=True):
    """One department: its measures, what the register gives it with examples, what its keys may do; of the leading one
    the events that were held."""

    template: ClassVar[str] = "department.html"
    section: ClassVar[str] = "departments"
    department: Department
    measures: tuple[Measure, ...]
    services: tuple[ServiceExample, ...]
    scopes: tuple[str, ...]
    events: tuple[PublicEvent, ...] = ()


class OperatorsCard(PageContext, frozen=True, kw_only=True):
    """One printed page for operators of the hotline: what to ask, where to look (``address``), what to answer."""

    template: ClassVar[str] = "operators_card.html"
    section: ClassVar[str] = "departments"
    address: str


class EmbeddedPage(PageContext, frozen=True, kw_only=True):
    """A page in plain words that other sites show in a frame: no script, no form. ``name``: one of ``EMBEDDED``."""

    template: ClassVar[str] = "embedded.html"
    noindex: ClassVar[bool] = True
    name: str


@route_get("/departments", "departments")
def show_departments(request: PageRequest) -> Response[str]:
    """Show every department."""
    page = DepartmentsPage(departments=tuple(list_departments().values()), **make_frame(request))
    return make_page_response(request, page)


@route_get("/departments/card", "operators_card")
def show_operators_card(request: PageRequest) -> Response[str]:
    """Show the look-up card for operators of the hotline."""
    return make_page_response(
        request, OperatorsCard(address=get_register(request).settings.public_url, **make_frame(request))
    )


@route_get("/departments/{code:str}", "department")
def show_department(request: PageRequest, code: FromPath[str]) -> Response[str]:
    """Show one department."""
    department = list_departments().get(code)
    if department is None:
        raise NotFound(Message("没有部门“{code}”。", code=code[:40]))
    register = get_register(request)
    is_leading = department == get_leading_department()
    page = DepartmentPage(
        department=department,
        measures=list_measures(code),
        services=department_examples.list_examples(code, register.settings.public_url.rstrip("/")),
        scopes=access.list_scopes(code),
        events=list_public_events(register.database, _EVENTS) if is_leading else (),
        **make_frame(request),
    )
    return make_page_response(request, page)


@route_get("/embed/{name:str}", "embedded")
def show_embedded_page(request: PageRequest, name: FromPath[str]) -> Response[str]:
    """Show a page that any site may put into a frame."""
    if name not in EMBEDDED:
        raise NotFound(Message("此地址没有内容。"))
    response = make_page_response(request, EmbeddedPage(name=name, **make_frame(request)))
    response.set_header("Content-Security-Policy", POLICY)
    return response


@route_get("/list.csv", "list_csv", opt={"lane": "slow"})
def download_list(request: PageRequest) -> Response[bytes]:
    """Send the institutions listed in a region today as a table, in the columns of editions; InvalidInput without
    ``region``."""
    text = request.query_params.get("region", "").strip()[:40]
    region = region_names.find_code(text) if text else None
    if region is None or regions.find_region(region) is None:
        raise InvalidInput(region_names.describe_unclear_place(text), field="region")
    register = get_register(request)
    with (
        ListContent(register.database, register.make_as_of_now(), region) as content,
        tempfile.TemporaryDirectory() as folder,
    ):
        path = Path(folder) / "list.csv"
        text_formats.write_csv(path, content)
        body = path.read_bytes()
    headers = {
        "Content-Disposition": f'attachment; filename="list-{region}.csv"',
        "Cache-Control": "public, max-age=60",
    }
    return Response(body, media_type="text/csv; charset=utf-8", headers=headers)
