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

from registry.api.guards import get_register
from registry.api.institutions import AnyRequest
from registry.domain.model import Date, LogState, Struct
from registry.domain.techniques import TechniqueCode
from registry.editions import manifest
from registry.editions.edition import Edition
from registry.editions.manifest import Manifest

#: A withdrawn edition is to be known of at the next request, so everything is asked for again.
CACHED = {"Cache-Control": "public, no-cache"}
_json = msgspec.json.Encoder()
Id = Annotated[
    str,
    PathParameter(
        description="期号；或 `latest`（最新一期，此地址永不变动）、`latest-` 加行政区划代码。 / "
        "Its number; or `latest`, the last one published, an address that never moves; or `latest-` and a region code."
    ),
]
FileName = Annotated[str, PathParameter(description="文件名。 / Name of the file.")]


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
    """The fields of EditionInfo."""
    gone = edition.withdrawn
    shown: dict[str, Any] = {name: getattr(edition, name) for name in EditionInfo.__struct_fields__}
    return {**shown, "withdrawn": gone and Withdrawn(at=gone.at, reason=gone.reason)}


@get(
    "/editions",
    operation_id="listEditions",
    summary="公布过的各期名录 / The editions of the list that were published",
    description="新的在前；已撤回的注明理由，尚未到公布时间的不列出。 / "
    "Newest first; those withdrawn say why, those still to come are not listed.",
    responses={200: ResponseSpec(EditionList, generate_examples=False, description="各期名录。 / The editions.")},
    sync_to_thread=True,
)
def list_editions(request: AnyRequest) -> Response[bytes]:
    """The editions that were published."""
    editions = get_register(request).editions
    found, newest = editions.list_public(), editions.find_latest()
    items = [EditionInfo(**make_edition_fields(one)) for one in found]
    return _make_json_response(request, EditionList(items=items, latest=newest.id if newest else None))


@get(
    "/editions/{edition:str}",
    operation_id="getEdition",
    summary="一期名录及其文件 / One edition and its files",
    description="尚未到公布时间的为 404。已撤回的注明理由，没有文件。 / "
    "404 for one that is still to come. A withdrawn one says why, and has no files.",
    responses={200: ResponseSpec(EditionDetail, generate_examples=False, description="一期名录。 / The edition.")},
    opt={"lane": "slow"},
    sync_to_thread=True,
)
def get_edition(request: AnyRequest, edition: Id) -> Response[bytes]:
    """One edition and its files."""
    register = get_register(request)
    found = register.editions.get_public(edition)
    base = f"{register.settings.public_url.rstrip('/')}/api/v1/editions/{found.id}"
    files = [] if found.withdrawn else register.editions.read_manifest(found).files
    shown = [EditionFile(name=one.name, url=f"{base}/{one.name}", size=one.size, sha256=one.sha256) for one in files]
    return _make_json_response(request, EditionDetail(**make_edition_fields(found), files=shown))


@get(
    "/editions/{edition:str}/{file:str}",
    operation_id="getEditionFile",
    summary="一期名录的一个文件 / One file of an edition",
    description="`list.json`、`list.csv`、`list.xlsx`、`list.docx`、`list.pdf`、`list.html` 是名录本身；"
    "`difference.json` 是与上一期的差异；"
    "`manifest.json` 列出各文件的大小与 SHA-256，`manifest.jws` 是对它的签名（JWS，公钥见 /.well-known/jwks.json），"
    "`SHA256SUMS` 供 sha256sum -c 使用。同一期的文件逐字节不变。已撤回的为 410，`detail` 写明理由；"
    "文件正在生成时为 503，请在 Retry-After 之后再取。 / "
    "`list.json`, `list.csv`, `list.xlsx`, `list.docx`, `list.pdf` and `list.html` are the list itself; "
    "`difference.json` is what changed since the edition before; `manifest.json` names every file with its size and "
    "SHA-256, `manifest.jws` is the signature over it (a JWS; keys at /.well-known/jwks.json), `SHA256SUMS` is for "
    "sha256sum -c. The files of an edition never change. 410 for a withdrawn one, with the reason in `detail`; 503 "
    "while files are being made: come again after Retry-After.",
    responses={200: ResponseSpec(Manifest, generate_examples=False, description="文件。 / The file.")},
    opt={"lane": "slow"},
    sync_to_thread=True,
)
def get_edition_file(request: AnyRequest, edition: Id, file: FileName) -> Response[Any]:
    """One file of an edition."""
    editions = get_register(request).editions
    found = editions.get_public(edition)
    path = editions.get_file(found, file)
    digest = next((one.sha256 for one in editions.read_manifest(found).files if one.name == file), None)
    tag = digest or hashlib.sha256(path.read_bytes()).hexdigest()
    if _has_current_etag(request, tag):
        return _make_not_modified(tag)
    kind = file.rpartition(".")[2]
    readable = f"art-register-{found.id}-{found.as_of}.{kind}" if file in manifest.LISTS else file
    return FileResponse(
        path=path,
        filename=readable,
        media_type=manifest.MEDIA[file],
        etag=ETag(value=tag),
        headers=CACHED,
    )


def _make_json_response(request: AnyRequest, value: Struct) -> Response[bytes]:
    """JSON with an ETag of its own: what is public changes with the clock, and not with the log alone."""
    body = _json.encode(value)
    tag = hashlib.sha256(body).hexdigest()
    if _has_current_etag(request, tag):
        return _make_not_modified(tag)
    return Response(content=body, media_type="application/json", headers={"ETag": f'"{tag}"', **CACHED})


def _has_current_etag(request: AnyRequest, tag: str) -> bool:
    held = request.headers.get("if-none-match", "")
    return f'"{tag}"' in [one.strip().removeprefix("W/") for one in held.split(",")]


def _make_not_modified(tag: str) -> Response[Any]:
    return Response(content=None, status_code=304, headers={"ETag": f'"{tag}"', **CACHED})


handlers = [list_editions, get_edition, get_edition_file]
