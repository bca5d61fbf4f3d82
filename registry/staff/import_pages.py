"""Imports: one's own, a new one, and the page of each, whatever state it is in."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterator
from typing import Any, BinaryIO, cast, get_args

from litestar import Response, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream

from registry.accounts import audit_log
from registry.domain import regions
from registry.domain.normalise import escape_cells
from registry.errors import InvalidInput, NotFound
from registry.importers.people import people_template
from registry.importers.wizard import import_store
from registry.records import asof
from registry.staff.desk import Desk
from registry.staff.import_common import EDITORS, SCOPES, get_own_import, render_import_page, start_import_job
from registry.storage import attachments

_SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#: Of a form's other fields, beside the file.
_FIELDS = 64 * 1024


@get("/imports", opt=EDITORS, sync_to_thread=True)
def show_imports(desk: NamedDependency[Desk]) -> Response[Any]:
    """One's own imports."""
    with desk.database.reading() as connection:
        found = import_store.list_imports(connection, desk.account.name)
    return desk.render_page("imports", imports=found, kinds=import_store.KINDS)


@get("/imports/new", opt=EDITORS, sync_to_thread=True)
def show_import_form(desk: NamedDependency[Desk]) -> Response[Any]:
    """The form of a new import; ``like``: filled in as an earlier one of one's own was."""
    asked = desk.request.query_params
    kind, given = asked.get("kind") or "list", {}
    if (like := asked.get("like") or "").isdigit():
        one = get_own_import(desk, int(like[:9]))
        kind, given = one.kind, {key: value for key, value in one.said.items() if isinstance(value, str | bool)}
        if given.get("scope") and given["scope"] not in SCOPES:
            given |= {"scope": "region", "region": given["scope"]}
    return _render_import_form(desk, _parse_kind(kind), given)


def _parse_kind(text: str) -> import_store.Kind:
    if text not in get_args(import_store.Kind):
        raise InvalidInput("没有这种导入。", "There is no such kind of import.")
    return cast("import_store.Kind", text)


def _render_import_form(
    desk: Desk, kind: import_store.Kind, given: dict[str, Any], errors: list[tuple[str, str]] | None = None
) -> Response[Any]:
    region = desk.account.region
    if region and "scope" not in given:
        given = {**given, "scope": "region", "region": region}
    return desk.render_page(
        "import_new",
        status=400 if errors else 200,
        errors=errors,
        kind=kind,
        kinds=import_store.KINDS,
        given={"as_of": "", "published": "", "title": "", "scope": "", "region": "", "origin": "", **given},
        own_region=region,
        most=attachments.LARGEST // 1024 // 1024,
    )


@post(
    "/imports", opt=EDITORS, status_code=200, sync_to_thread=True, request_max_body_size=attachments.LARGEST + _FIELDS
)
def create_import(desk: NamedDependency[Desk]) -> Response[Any]:
    """Take the file in and begin."""
    kind = _parse_kind(desk.read_field("kind") or "list")
    given: dict[str, Any] = {
        name: desk.read_field(name) for name in ("as_of", "published", "title", "scope", "region", "origin")
    }
    given |= {name: bool(desk.read_field(name)) for name in ("secondary", "complete")}
    file = desk.form.get("file")
    errors, said = _check_form(desk, kind, given, file)
    if errors:
        return _render_import_form(desk, kind, given, errors)
    upload = cast("UploadFile", file)
    try:
        with audit_log.act_from_address(desk.visitor.address), desk.database.writing() as connection:
            import_store.cancel_abandoned_imports(connection)
            source = cast("BinaryIO", upload.file)
            one = import_store.create_import(
                connection, desk.account.name, kind, source, name=_clean_filename(upload), said=said
            )
    except InvalidInput as error:
        return _render_import_form(desk, kind, given, [("file", error.get_text(desk.language.lang))])
    return start_import_job(desk, one, one.state)


def _clean_filename(upload: UploadFile) -> str:
    """The name of an upload, without a path and what is not printed."""
    last = upload.filename.replace("\\", "/").rpartition("/")[2]
    return "".join(c for c in last if c.isprintable())[-120:] or "upload"


def _check_form(
    desk: Desk, kind: import_store.Kind, given: dict[str, Any], file: object
) -> tuple[list[tuple[str, str]], dict[str, Any]]:
    """What is wrong with the form as (field, sentence), and what it says of the file."""
    lang, errors = desk.language.lang, []
    said = {**given}
    if not isinstance(file, UploadFile) or not file.filename:
        errors.append(("file", str(desk.language.translate("import_new.no_file"))))
    days: dict[str, dt.date] = {}
    for name in ("as_of", "published"):
        if given[name] or name == "as_of":
            try:
                days[name] = asof.parse_day(given[name], name)
            except InvalidInput:
                errors.append((name, str(desk.language.translate("import_new.no_day"))))
    if days.get("as_of") and days["as_of"] > desk.register.make_as_of_now().valid_on:
        errors.append(("as_of", str(desk.language.translate("import_new.future"))))
    if "published" in days and "as_of" in days and days["published"] < days["as_of"]:
        errors.append(("published", str(desk.language.translate("import_new.published_before"))))
    if kind == "list":
        try:
            said["scope"] = _parse_scope(desk, given)
        except InvalidInput as error:
            errors.append((error.details.get("field", "scope"), error.get_text(lang)))
        if not given["title"] and isinstance(file, UploadFile) and file.filename and "as_of" in days:
            said["title"] = f"{_clean_filename(file)}（截至{given['as_of']}）"
    return errors, said


def _parse_scope(desk: Desk, given: dict[str, Any]) -> str:
    """What an absence means; InvalidInput where nothing was chosen, or more than the account may speak of."""
    if given["scope"] not in SCOPES:
        raise InvalidInput("请选择：未列入的机构怎么办。", "Say what it means that an institution is not listed.")
    scope = given["region"] if given["scope"] == "region" else given["scope"]
    if given["scope"] == "region" and regions.find_region(scope) is None:
        raise InvalidInput(
            "请填写六位行政区划代码，如 210300（鞍山市）。",
            "Give a region code of six digits; 210300 is 鞍山市.",
            field="region",
        )
    own = desk.account.region
    if own and scope != "partial" and not (scope != "national" and scope.startswith(regions.get_prefix(own))):
        raise InvalidInput(
            f"您的账号只能就本行政区划（{own}）提案：范围请选本区划或其下级，或“不完整”。",
            f"Your account may propose about its region ({own}) only: choose it, a place in it, or “not complete”.",
            field="region" if given["scope"] == "region" else "scope",
        )
    return str(scope)


@get("/imports/{number:int}", opt=EDITORS, sync_to_thread=True)
def show_import(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """An import, in the state it is in."""
    return render_import_page(desk, get_own_import(desk, number))


@get("/imports/{number:int}/audit.csv", opt=EDITORS, sync_to_thread=True)
def download_audit(desk: NamedDependency[Desk], number: FromPath[int]) -> Stream:
    """Every finding of the audit, as a file for a spreadsheet."""
    one = get_own_import(desk, number)
    headers = {"Content-Disposition": f'attachment; filename="audit-{one.id}.csv"'}
    return Stream(_format_audit_csv(desk, one), media_type="text/csv; charset=utf-8", headers=headers)


def _format_audit_csv(desk: Desk, one: import_store.Import) -> Iterator[bytes]:
    english = desk.language.lang.startswith("en")
    held = io.StringIO()
    write = csv.writer(held).writerow
    held.write("\ufeff")
    write(["level", "row", "cell", "message"])
    with desk.database.reading() as connection:
        for line in import_store.read_lines(connection, one.id, "audit"):
            message = line["message_en"] if english else line["message"]
            write(escape_cells([line["level"], str(line["row"] or ""), line["cell"] or "", message]))
    yield held.getvalue().encode()


@get("/imports/templates/{kind:str}", opt=EDITORS, sync_to_thread=True)
def download_template(desk: NamedDependency[Desk], kind: FromPath[str]) -> Response[bytes]:
    """The xlsx file to fill in."""
    del desk  # whoever is an editor may
    if kind not in ("practitioners", "ad_certificates"):
        raise NotFound("没有这种模板。", "There is no such template.")
    body = people_template.make_template(cast("Any", kind))
    headers = {"Content-Disposition": f'attachment; filename="{kind}.xlsx"'}
    return Response(body, media_type=_SHEET, headers=headers)


handlers = [show_imports, show_import_form, create_import, show_import, download_audit, download_template]
