"""Status lists of credentials after draft-ietf-oauth-status-list-21, where the tokens in QR codes say they are."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from litestar import Response
from litestar.params import FromPath

from registry.api.guards import has_etag
from registry.api.requests import AnyRequest, get_register
from registry.credentials.status_list import MEDIA_TYPE
from registry.errors import NotFound
from registry.texts import Message
from registry.web.routes import route_get

#: Seconds; with the minute for which a list stays the same still less than the ``ttl`` in it.
_CACHED = {"Cache-Control": "public, max-age=60, must-revalidate"}


@route_get("/status-lists/index.json", "status_list_index")
def get_status_list_index(request: AnyRequest) -> Response[bytes]:
    """Return the addresses of all status lists (the draft's Status List Aggregation)."""
    body = msgspec.json.encode({"status_lists": get_register(request).credentials.list_uris()})
    return _make_response(request, body, "application/json")


@route_get("/status-lists/bundle.json", "status_list_bundle")
def get_bundle(request: AnyRequest) -> Response[bytes]:
    """Return keys and lists in one file, for verifiers that will be without a connection."""
    return _make_response(
        request, msgspec.json.encode(get_register(request).credentials.make_bundle()), "application/json"
    )


@route_get("/status-lists/{number:str}", "status_list")
def get_status_list(request: AnyRequest, number: FromPath[str]) -> Response[bytes]:
    """Return one status list token."""
    if not (number.isascii() and number.isdigit() and len(number) < 8 and str(int(number)) == number):
        raise NotFound(Message("没有第{number}号状态列表。", number=number[:20]))
    return _make_response(request, get_register(request).credentials.get_list(int(number)).encode(), MEDIA_TYPE)


def _make_response(request: AnyRequest, body: bytes, media_type: str) -> Response[Any]:
    tag = f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, **_CACHED}
    if has_etag(request, tag):
        return Response(content=None, status_code=304, headers=headers)
    return Response(content=body, media_type=media_type, headers=headers)


handlers = [get_status_list_index, get_bundle, get_status_list]
