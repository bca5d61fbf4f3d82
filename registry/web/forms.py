"""A form that was sent, taken in piece by piece: its files into temporary files, the text of its fields within a limit.

The framework would hold every field whole in memory, up to the size that a route takes for its file.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any
from urllib.parse import parse_qsl

from litestar import Request
from litestar.datastructures import FormMultiDict, UploadFile
from litestar.enums import RequestEncodingType
from multipart import MultipartError, MultipartSegment, ParserLimitReached, PushMultipartParser

from registry.errors import InvalidInput, TooLarge

#: Bytes of all fields of a form that are no files, and how many fields and files it may have.
MOST_TEXT, MOST_FIELDS = 2 * 1024 * 1024, 1000
AnyRequest = Request[Any, Any, Any]


async def read_form(request: AnyRequest) -> FormMultiDict:
    """The form of a request, empty where it sent none; InvalidInput, or TooLarge saying how much it may be."""
    kind, options = request.content_type
    if kind == RequestEncodingType.MULTI_PART:
        return await _read_multipart(request, options.get("boundary", ""))
    if kind == RequestEncodingType.URL_ENCODED:
        body = bytearray()
        async for piece in request.stream():
            body += piece
            _check_text_size(len(body))
        return FormMultiDict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS))
    return FormMultiDict({})


async def _read_multipart(request: AnyRequest, boundary: str) -> FormMultiDict:
    if not boundary:
        raise _make_malformed_error()
    form = _MultipartForm()
    try:
        with PushMultipartParser(boundary, max_segment_count=MOST_FIELDS) as parser:
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
    """What came of a form so far."""

    def __init__(self) -> None:
        self._fields: dict[str, list[str | UploadFile]] = defaultdict(list)
        self._segment: MultipartSegment | None = None
        self._file: UploadFile | None = None
        self._text = bytearray()
        self._size = 0

    async def add_event(self, event: MultipartSegment | bytearray | None) -> None:
        """The head of a field or file, some of it, or its end."""
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
        """The form, once everything came."""
        return FormMultiDict([(name, value) for name, values in self._fields.items() for value in values])

    async def close(self) -> None:
        """Let the files go."""
        files = [value for values in self._fields.values() for value in values if isinstance(value, UploadFile)]
        for file in filter(None, [*files, self._file]):
            await file.close()


def _check_text_size(size: int) -> None:
    if size > MOST_TEXT:
        raise _make_too_large_error()


def _make_too_large_error() -> TooLarge:
    most = MOST_TEXT // 1024 // 1024
    return TooLarge(
        f"表单中的文字过多（最多{most} MB），没有处理；文件请用选择文件的一栏上传。",
        f"The fields of the form hold too much text (at most {most} MB), and nothing was done; a file goes into the "
        "field that takes files.",
        limit=MOST_TEXT,
    )


def _make_malformed_error() -> InvalidInput:
    return InvalidInput(
        "提交的表单不完整或已损坏，没有处理；请返回后重新提交。",
        "The form that was sent is damaged or incomplete, and nothing was done; go back and send it again.",
    )
