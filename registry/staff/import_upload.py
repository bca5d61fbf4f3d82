"""The form of a new import, the upload of its file, and the templates to fill in."""

from __future__ import annotations

import datetime as dt
from typing import Any, BinaryIO, cast, get_args

from litestar import Response, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath

from registry.accounts import audit_log
from registry.domain import region_names, regions
from registry.errors import InvalidInput, NotFound
from registry.importers.people import columns
from registry.importers.wizard import import_store
from registry.records import asof
from registry.staff.desk import EDITORS, Desk, parse_number
from registry.staff.import_pages import get_own_import, start_import_job
from registry.storage import attachments
from registry.texts import Message

#: What it may mean that an institution is not listed, besides the code of a region.
SCOPES = ("national", "region", "partial")
_SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#: Bytes of the form's other fields.
_FIELDS = 64 * 1024


@get("/imports/new", opt=EDITORS, sync_to_thread=True)
def show_import_form(desk: NamedDependency[Desk]) -> Response[Any]:
    """Show the form of a new import; ``like``: filled in as an earlier one of one's own was."""
    query = desk.request.query_params
    kind, form_values = query.get("kind") or "list", {}
    if (like := parse_number(query.get("like"), digits=9)) is not None:
        earlier = get_own_import(desk, like)
        kind = earlier.kind
        form_values = {key: value for key, value in earlier.said.items() if isinstance(value, str | bool)}
        if form_values.get("scope") and form_values["scope"] not in SCOPES:
            form_values |= {"scope": "region", "region": form_values["scope"]}
    return _render_import_form(desk, _parse_kind(kind), form_values)


def _parse_kind(text: str) -> import_store.Kind:
    if text not in get_args(import_store.Kind):
        raise InvalidInput(Message("没有这种导入。"))
    return cast("import_store.Kind", text)


def _render_import_form(
    desk: Desk, kind: import_store.Kind, form_values: dict[str, Any], errors: list[tuple[str, str]] | None = None
) -> Response[Any]:
    region = desk.account.region
    if region and "scope" not in form_values:
        form_values = {**form_values, "scope": "region", "region": region}
    return desk.render_page(
        "import_new",
        status=400 if errors else 200,
        errors=errors,
        kind=kind,
        kinds=import_store.KINDS,
        form_values={"as_of": "", "published": "", "title": "", "scope": "", "region": "", "origin": "", **form_values},
        max_megabytes=attachments.LARGEST // 1024 // 1024,
    )


@post(
    "/imports", opt=EDITORS, status_code=200, sync_to_thread=True, request_max_body_size=attachments.LARGEST + _FIELDS
)
def create_import(desk: NamedDependency[Desk]) -> Response[Any]:
    """Store the uploaded file and start the import."""
    kind = _parse_kind(desk.read_field("kind") or "list")
    form_values: dict[str, Any] = {
        name: desk.read_place(name) if name == "region" else desk.read_field(name)
        for name in ("as_of", "published", "title", "scope", "region", "origin")
    }
    form_values |= {name: bool(desk.read_field(name)) for name in ("secondary", "complete")}
    file = desk.form.get("file")
    errors, options = _check_form(desk, kind, form_values, file)
    if errors:
        return _render_import_form(desk, kind, form_values, errors)
    upload = cast("UploadFile", file)
    try:
        with audit_log.act_from_address(desk.visitor.address), desk.database.writing() as connection:
            import_store.cancel_abandoned_imports(connection)
            source = cast("BinaryIO", upload.file)
            new_import = import_store.create_import(
                connection, desk.account.name, kind, source, name=_clean_filename(upload), options=options
            )
    except InvalidInput as error:
        return _render_import_form(desk, kind, form_values, [("file", desk.get_text(error))])
    return start_import_job(desk, new_import, new_import.state)


def _clean_filename(upload: UploadFile) -> str:
    """Return the name of an upload, without a path and unprintable characters."""
    name = upload.filename.replace("\\", "/").rpartition("/")[2]
    return "".join(character for character in name if character.isprintable())[-120:] or "upload"


def _check_form(
    desk: Desk, kind: import_store.Kind, form_values: dict[str, Any], file: object
) -> tuple[list[tuple[str, str]], dict[str, Any]]:
    """Return what is wrong with the form as (field, sentence), and the options of the import."""
    errors: list[tuple[str, str]] = []
    options = {**form_values}
    if not isinstance(file, UploadFile) or not file.filename:
        errors.append(("file", str(desk.language.translate("import_new.no_file"))))
    days: dict[str, dt.date] = {}
    for name in ("as_of", "published"):
        if form_values[name] or name == "as_of":
            try:
                days[name] = asof.parse_day(form_values[name], name)
            except InvalidInput:
                errors.append((name, str(desk.language.translate("import_new.no_day"))))
    if days.get("as_of") and days["as_of"] > desk.register.make_as_of_now().valid_on:
        errors.append(("as_of", str(desk.language.translate("import_new.future"))))
    if "published" in days and "as_of" in days and days["published"] < days["as_of"]:
        errors.append(("published", str(desk.language.translate("import_new.published_before"))))
    if kind == "list":
        try:
            options["scope"] = _parse_scope(desk, form_values)
        except InvalidInput as error:
            errors += desk.list_errors(error, "scope")
        if not form_values["title"]:
            errors.append(("title", str(desk.language.translate("import_new.no_title"))))
    return errors, options


def _parse_scope(desk: Desk, form_values: dict[str, Any]) -> str:
    """Return what an absence means; InvalidInput if nothing was chosen, or more than the account may state."""
    if form_values["scope"] not in SCOPES:
        raise InvalidInput(Message("请选择：未列入的机构怎么办。"))
    scope = form_values["region"] if form_values["scope"] == "region" else form_values["scope"]
    if form_values["scope"] == "region" and regions.find_region(scope) is None:
        raise InvalidInput(region_names.describe_unclear_place(scope), field="region")
    own_region = desk.account.region
    if (
        own_region
        and scope != "partial"
        and not (scope != "national" and scope.startswith(regions.get_prefix(own_region)))
    ):
        raise InvalidInput(
            Message(
                "您的账号只能就本行政区划（{own_region}）提案：范围请选本区划或其下级，或“不完整”。",
                own_region=own_region,
            ),
            field="region" if form_values["scope"] == "region" else "scope",
        )
    return str(scope)


@get("/imports/templates/{kind:str}", opt=EDITORS, sync_to_thread=True)
def download_template(desk: NamedDependency[Desk], kind: FromPath[str]) -> Response[bytes]:
    """Send the xlsx file to fill in."""
    del desk  # any editor may
    if kind not in columns.COLUMNS:
        raise NotFound(Message("没有这种模板。"))
    body = columns.make_template(cast("Any", kind))
    headers = {"Content-Disposition": f'attachment; filename="{kind}.xlsx"'}
    return Response(body, media_type=_SHEET, headers=headers)
