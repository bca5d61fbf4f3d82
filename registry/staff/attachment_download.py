"""Downloads of documents that proposals rest on, for signed-in staff; never shown inside a page."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from typing import IO, Any
from urllib.parse import quote

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream

from registry.errors import NotFound
from registry.staff.desk import Desk
from registry.storage import attachments
from registry.texts import Message

_HASH = re.compile("[0-9a-f]{64}")


@get("/attachments/{sha256:str}", sync_to_thread=True)
def download_attachment(desk: NamedDependency[Desk], sha256: FromPath[str]) -> Response[Any]:
    """Send the bytes of a document, exactly as they were uploaded."""
    if not _HASH.fullmatch(sha256):
        raise NotFound(Message("没有这份文件。"))
    # Into a temporary file first: however slow the download, no transaction stays open for it.
    buffer = tempfile.SpooledTemporaryFile(max_size=attachments.PART)  # noqa: SIM115 - closed by what sends it
    with desk.database.reading() as connection:
        attachment = attachments.get_attachment(connection, sha256)
        buffer.writelines(attachments.read_parts(connection, sha256))
    buffer.seek(0)
    ending = attachment.name.rpartition(".")[2]
    headers = {
        "Content-Disposition": f"attachment; filename=\"document.{ending}\"; filename*=UTF-8''{quote(attachment.name)}",
        "Content-Length": str(attachment.size),
        "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
    }
    return Stream(_stream_pieces(buffer), media_type=attachment.media_type, headers=headers)


def _stream_pieces(buffer: IO[bytes]) -> Iterator[bytes]:
    with buffer:
        while piece := buffer.read(attachments.PART):
            yield piece


handlers = [download_attachment]
