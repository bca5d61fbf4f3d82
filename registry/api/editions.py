"""Published editions of the list: which there are, what each consists of, its files at addresses that never move."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Annotated, Any

import msgspec
from litestar import Response, get
from litestar.datastructures import ETag
from litestar.openapi import ResponseSpec
from litestar.params import PathParameter
from litestar.response import File as FileResponse

from registry.api.guards import has_etag
from registry.api.requests import AnyRequest, get_register
from registry.domain.answers import LogState
from registry.domain.model import Date, Struct
from registry.domain.techniques import TechniqueCode
from registry.editions import manifest
from registry.editions.edition import Edition
from registry.editions.manifest import Manifest
from registry.texts import write_bilingual

#: A withdrawn edition is to be known of at the next request, so everything is asked for again.
CACHED = {"Cache-Control": "public, no-cache"}
_json = msgspec.json.Encoder()
Id = Annotated[
    str,
    PathParameter(
        description=write_bilingual("期号；或 `latest`（最新一期，此地址永不变动）、`latest-` 加行政区划代码。")
    ),
]
FileName = Annotated[str, PathParameter(description=write_bilingual("文件名。"))]


class Withdrawn(Struct, frozen=True):
    """Since when an edition no longer counts, and why."""

    at: dt.datetime
    reason: str


class EditionInfo(Struct, frozen=True):
    """One published edition. ``institutions`` is the figure reported; ``scope`` is ``national`` or a region's code;
    ``log`` what it is frozen at; ``entry`` the number of the log's entry that states it; ``withdrawn`` null while it
    stands."""

    id: str
    number: int
    title: str
    as_of: Date
    scope: str
    institutions: int
    techniques: dict[TechniqueCode, int]
    log: LogState
    published: dt.datetime
    withdrawn: Withdrawn | None
    page: str
    entry: int


class EditionList(Struct, frozen=True):
    """Published editions, newest first; ``latest``: the id that ``latest`` stands for now, null without one."""

    items: list[EditionInfo]
    latest: str | None


class EditionFile(Struct, frozen=True):
    """One file of an edition: where it is, its size in bytes, its SHA-256 (hex)."""

    name: str
    url: str
    size: int
    sha256: str


class EditionDetail(EditionInfo, frozen=True):
    """One edition with its files; a withdrawn one has none."""

    files: list[EditionFile]


def make_edition_fields(edition: Edition) -> dict[str, Any]:
    """Make the fields of EditionInfo."""
    withdrawal = edition.withdrawn
    fields: dict[str, Any] = {name: getattr(edition, name) for name in EditionInfo.__struct_fields__}
    return {**fields, "withdrawn": withdrawal and Withdrawn(at=withdrawal.at, reason=withdrawal.reason)}


@get(
    "/editions",
    operation_id="listEditions",
    summary=write_bilingual("公布过的各期名录"),
    description=write_bilingual("新的在前；已撤回的注明理由，尚未到公布时间的不列出。"),
    responses={200: ResponseSpec(EditionList, generate_examples=False, description=write_bilingual("各期名录。"))},
    sync_to_thread=True,
)
def list_editions(request: AnyRequest) -> Response[bytes]:
    """The editions that were published."""
    editions = get_register(request).editions
    items = [EditionInfo(**make_edition_fields(item)) for item in editions.list_public()]
    latest = editions.find_latest()
    return _make_json_response(request, EditionList(items=items, latest=latest.id if latest else None))


@get(
    "/editions/{edition:str}",
    operation_id="getEdition",
    summary=write_bilingual("一期名录及其文件"),
    description=write_bilingual("尚未到公布时间的为 404。已撤回的注明理由，没有文件。"),
    responses={200: ResponseSpec(EditionDetail, generate_examples=False, description=write_bilingual("一期名录。"))},
    opt={"lane": "slow"},
    sync_to_thread=True,
)
def get_edition(request: AnyRequest, edition: Id) -> Response[bytes]:
    """One edition and its files."""
    register = get_register(request)
    published = register.editions.get_public(edition)
    base = f"{register.settings.public_url.rstrip('/')}/api/v1/editions/{published.id}"
    files = [
        EditionFile(name=file.name, url=f"{base}/{file.name}", size=file.size, sha256=file.sha256)
        for file in ([] if published.withdrawn else register.editions.read_manifest(published).files)
    ]
    return _make_json_response(request, EditionDetail(**make_edition_fields(published), files=files))


@get(
    "/editions/{edition:str}/{file:str}",
    operation_id="getEditionFile",
    summary=write_bilingual("一期名录的一个文件"),
    description=write_bilingual(
        "`list.json`、`list.csv`、`list.xlsx`、`list.docx`、`list.pdf`、`list.html` 是名录本身；"
        "`difference.json` 是与上一期的差异；`manifest.json` 列出各文件的大小与 SHA-256，`manifest.jws` "
        "是对它的签名（JWS，公钥见 /.well-known/jwks.json），`SHA256SUMS` 供 sha256sum -c 使用。"
        "同一期的文件逐字节不变。已撤回的为 410，`detail` 写明理由；文件正在生成时为 503，请在 Retry-After "
        "之后再取。"
    ),
    responses={200: ResponseSpec(Manifest, generate_examples=False, description=write_bilingual("文件。"))},
    opt={"lane": "slow"},
    sync_to_thread=True,
)
def get_edition_file(request: AnyRequest, edition: Id, file: FileName) -> Response[Any]:
    """One file of an edition."""
    editions = get_register(request).editions
    published = editions.get_public(edition)
    path = editions.get_file(published, file)
    digest = next((entry.sha256 for entry in editions.read_manifest(published).files if entry.name == file), None)
    tag = digest or hashlib.sha256(path.read_bytes()).hexdigest()
    if has_etag(request, f'W/"{tag}"'):
        return _make_not_modified(tag)
    is_list = file in manifest.LISTS
    filename = f"art-register-{published.id}-{published.as_of}.{file.rpartition('.')[2]}" if is_list else file
    media_type = manifest.MEDIA[file]
    return FileResponse(
        path=path, filename=filename, media_type=media_type, etag=ETag(value=tag, weak=True), headers=CACHED
    )


def _make_json_response(request: AnyRequest, value: Struct) -> Response[bytes]:
    """Answer JSON with an ETag of its own: what is public changes with the clock, and not with the log alone."""
    body = _json.encode(value)
    tag = hashlib.sha256(body).hexdigest()
    if has_etag(request, f'W/"{tag}"'):
        return _make_not_modified(tag)
    return Response(content=body, media_type="application/json", headers={"ETag": f'W/"{tag}"', **CACHED})


def _make_not_modified(tag: str) -> Response[Any]:
    return Response(content=None, status_code=304, headers={"ETag": f'W/"{tag}"', **CACHED})


handlers = [list_editions, get_edition, get_edition_file]
