"""The page about the public log: what was signed last, how to check it, and one entry by its number."""

from __future__ import annotations

from typing import Any, ClassVar

from litestar import HttpMethod, Request, Response, route
from litestar.datastructures import State

from public_site.contexts import FieldError, PageContext
from public_site.responses import find_site_facts, get_page_address, get_register, make_page_response
from registry.domain import model
from registry.domain.identifiers import format_code
from registry.errors import NotFound
from registry.records.history import FieldChange, Version
from registry.register import PublicLog


class LogPage(PageContext, frozen=True, kw_only=True):
    """The public log. ``show_log`` is null before the first checkpoint; ``entry`` once a number was asked for and found;
    ``edition`` the id of the edition it is about, once that has a page."""

    template: ClassVar[str] = "log.html"
    section: ClassVar[str] = "log"
    log: PublicLog | None
    asked: str = ""
    entry: model.Entry | None = None
    code: str | None = None
    says: Version | None = None
    edition: str | None = None
    bytes: str = ""
    errors: tuple[FieldError, ...] = ()


@route("/log", http_method=[HttpMethod.GET, HttpMethod.HEAD], sync_to_thread=True, include_in_schema=False)
def show_log(request: Request[Any, Any, State]) -> Response[str]:
    """The public log, and with ``entry`` what one of its entries says."""
    register = get_register(request)
    register.make_as_of_now()  # refuses while the database is not the log that was published
    asked = request.query_params.get("entry", "").strip()[:40]
    here, site, published = get_page_address(request), find_site_facts(request), register.find_public_log()
    if not asked:
        return make_page_response(request, LogPage(here=here, site=site, log=published))
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 19 else None
    if number is None:
        wrong = FieldError(field="entry", key="log.error_number", value=asked)
        return make_page_response(
            request, LogPage(here=here, site=site, log=published, asked=asked, errors=(wrong,)), status=400
        )
    try:
        entry, body = register.get_entry(number)
    except NotFound:
        missing = FieldError(field="entry", key="log.error_missing", value=asked)
        return make_page_response(
            request, LogPage(here=here, site=site, log=published, asked=asked, errors=(missing,)), status=404
        )
    kind, _, code = entry.subject.partition(":")
    return make_page_response(
        request,
        LogPage(
            here=here,
            site=site,
            log=published,
            asked=asked,
            entry=entry,
            code=format_code(code) if kind == "institution" else None,
            says=to_version(entry) if kind == "institution" else None,
            bytes=body,
            edition=code
            if kind == "edition" and any(one.id == code for one in register.editions.list_public())
            else None,
        ),
    )


def to_version(entry: model.Entry) -> Version:
    """The entry as one version of a history in which nothing came before it."""
    stated = [FieldChange(field=path, from_=None, to=value) for path, value in entry.change.set.items()]
    return Version(
        entry=entry.number, recorded_at=entry.recorded_at, valid_from=entry.valid_from, changes=stated, source=None
    )
