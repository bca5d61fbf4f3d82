"""Bodies of requests: forms read piece by piece, JSON that may be of anybody's making.

The files of a form go into temporary files, and the text of its fields has a limit. The framework would hold every
field in memory, up to the size that a route takes for its file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, quote_from_bytes, urlsplit

from litestar import Request
from litestar.datastructures import FormMultiDict, UploadFile
from litestar.enums import RequestEncodingType
from multipart import MultipartError, MultipartSegment, ParserLimitReached, PushMultipartParser

from registry.errors import InvalidInput, NotAllowed, TooLarge, make_nesting_error
from registry.storage.uploads.gate import Gate
from registry.storage.uploads.sandbox import FILES, FILES_WAITING
from registry.texts import Message
from registry.web.utf8 import require_utf8

#: Bytes of all fields of a form that are no files, and how many fields and files it may have.
_MAX_TEXT, _MAX_FIELDS = 2 * 1024 * 1024, 1000
AnyRequest = Request[Any, Any, Any]
#: What a form may hold as it is; other bytes are percent-encoded.
_ASCII = bytes(range(128))
_upload_places = Gate(FILES, FILES_WAITING)


@asynccontextmanager
async def hold_upload_place() -> AsyncIterator[None]:
    """Hold a place for reading a file, before the request takes a thread that readers need; Busy when too many wait."""
    await _upload_places.enter_async()
    try:
        yield
    finally:
        _upload_places.leave()


class JsonRequest(Request[Any, Any, Any]):
    """The request of every route: the framework decodes a handler's ``data`` from its ``json`` or ``body``."""

    async def body(self) -> bytes:
        """Return the body, of a form with percent-encoded Chinese; InvalidInput for a form that is not UTF-8."""
        body = await super().body()
        is_json = (b"content-type", b"application/json") in self.scope["headers"]  # nearly always, and read at once
        if not is_json and self.content_type[0] == RequestEncodingType.URL_ENCODED:
            require_utf8(body)
            return quote_from_bytes(body, _ASCII).encode()  # the framework takes bytes of UTF-8 for Latin-1
        return body

    async def json(self) -> Any:
        """Return the body as JSON; InvalidInput for nesting without end, where the framework would answer 500."""
        try:
            return await super().json()
        except RecursionError:
            raise make_nesting_error() from None


def refuse_other_sites(request: AnyRequest) -> None:
    """Refuse a form that a browser sends from a page of another site; NotAllowed. No browser, no such word."""
    origin = request.headers.get("origin", "null")
    own = {request.headers.get("host", ""), urlsplit(request.app.state.register.settings.public_url).netloc}
    is_foreign = origin != "null" and urlsplit(origin).netloc not in own
    if is_foreign or request.headers.get("sec-fetch-site") == "cross-site":
        raise NotAllowed(Message("表单来自其他网站，没有执行。"), why="other_site")


async def read_form(request: AnyRequest) -> FormMultiDict:
    """Read the form of a request, empty where it has none; InvalidInput, or TooLarge with the limit."""
    kind, options = request.content_type
    if kind == RequestEncodingType.MULTI_PART:
        return await _read_multipart(request, options.get("boundary", ""))
    if kind == RequestEncodingType.URL_ENCODED:
        body = bytearray()
        async for piece in request.stream():
            body += piece
            _check_text_size(len(body))
        require_utf8(bytes(body))
        return FormMultiDict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS))
    return FormMultiDict({})


async def _read_multipart(request: AnyRequest, boundary: str) -> FormMultiDict:
    if not boundary:
        raise _make_malformed_error()
    form = _MultipartForm()
    try:
        with PushMultipartParser(boundary, max_segment_count=_MAX_FIELDS) as parser:
            async for piece in request.stream():
                for event in parser.parse(piece):
                    await form.add_event(event)
    except ParserLimitReached as error:
        await form.close()
        raise _make_too_large_error() from error
    except MultipartError as error:
        await form.close()
        raise _make_malformed_error() from error
    except BaseException:
        await form.close()
        raise
    return form.make_form()


class _MultipartForm:
    """A form that is being received."""

    def __init__(self) -> None:
        self._fields: dict[str, list[str | UploadFile]] = defaultdict(list)
        self._segment: MultipartSegment | None = None
        self._file: UploadFile | None = None
        self._text = bytearray()
        self._size = 0

    async def add_event(self, event: MultipartSegment | bytearray | None) -> None:
        """Add the head of a field or file, a piece of it, or its end."""
        if isinstance(event, MultipartSegment):
            self._segment = event
            if event.filename:
                self._file = UploadFile(
                    content_type=event.content_type or "text/plain",
                    filename=event.filename,
                    headers=dict(event.headerlist),
                )
        elif event:
            if self._file is not None:
                await self._file.write(bytes(event))
            else:
                self._size += len(event)
                _check_text_size(self._size)
                self._text += event
        elif self._segment is not None:
            await self._end_field(self._segment)

    async def _end_field(self, segment: MultipartSegment) -> None:
        if self._file is not None:
            await self._file.seek(0)
            self._fields[segment.name].append(self._file)
        else:
            self._fields[segment.name].append(self._text.decode(segment.charset or "utf-8"))
        self._segment, self._file, self._text = None, None, bytearray()

    def make_form(self) -> FormMultiDict:
        """Return the form, once everything was received."""
        return FormMultiDict([(name, value) for name, values in self._fields.items() for value in values])

    async def close(self) -> None:
        """Delete the temporary files."""
        files = [value for values in self._fields.values() for value in values if isinstance(value, UploadFile)]
        for file in filter(None, [*files, self._file]):
            await file.close()


def _check_text_size(size: int) -> None:
    if size > _MAX_TEXT:
        raise _make_too_large_error()


def _make_too_large_error() -> TooLarge:
    limit = _MAX_TEXT // 1024 // 1024
    return TooLarge(
        Message("表单中的文字过多（最多{limit} MB），没有处理；文件请用选择文件的一栏上传。", limit=limit),
        limit=_MAX_TEXT,
    )


def _make_malformed_error() -> InvalidInput:
    return InvalidInput(Message("提交的表单不完整或已损坏，没有处理；请返回后重新提交。"))
