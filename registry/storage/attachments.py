"""Documents on which proposals rest: stored whole under their SHA-256, for staff only, never changed."""

import hashlib
import time
from collections.abc import Iterator
from typing import BinaryIO

import sqlalchemy as sa

from registry.domain.model import Struct
from registry.errors import InvalidInput, NotFound
from registry.storage.tables import attachment_parts, attachments
from registry.texts import Message

#: Bytes of a row: a large document is never in memory whole.
PART = 1024 * 1024
LARGEST = 64 * 1024 * 1024


class Attachment(Struct, frozen=True):
    """One document; ``added_at`` in milliseconds since 1970, ``size`` in bytes."""

    sha256: str
    name: str
    media_type: str
    size: int
    added_by: str
    added_at: int


def add_attachment(connection: sa.Connection, file: BinaryIO, *, name: str, media_type: str, by: str) -> Attachment:
    """Store a document, or find the one with the same bytes; InvalidInput when empty or too large."""
    digest, size = measure_file(file)
    if (stored := find_attachment(connection, digest)) is not None:
        return stored
    row = {"sha256": digest, "name": name[-200:], "media_type": media_type[:100], "size": size}
    connection.execute(sa.insert(attachments).values(**row, added_by=by, added_at=int(time.time() * 1000)))
    file.seek(0)
    for part, piece in enumerate(iter(lambda: file.read(PART), b"")):
        connection.execute(sa.insert(attachment_parts).values(sha256=digest, part=part, bytes=piece))
    return get_attachment(connection, digest)


def measure_file(file: BinaryIO) -> tuple[str, int]:
    """SHA-256 and size of an upload; InvalidInput when it is empty or too large."""
    file.seek(0)
    digest, size = hashlib.sha256(), 0
    while piece := file.read(PART):
        digest.update(piece)
        size += len(piece)
        if size > LARGEST:
            break
    if not size:
        raise InvalidInput(Message("文件是空的，请重新选择。"))
    if size > LARGEST:
        limit = LARGEST // 1024 // 1024
        raise InvalidInput(Message("文件超过{limit} MB，请缩小后再上传。", limit=limit))
    return digest.hexdigest(), size


def delete_attachment(connection: sa.Connection, sha256: str) -> None:
    """Delete a document. The caller has checked that nothing rests on it."""
    connection.execute(sa.delete(attachment_parts).where(attachment_parts.c.sha256 == sha256))
    connection.execute(sa.delete(attachments).where(attachments.c.sha256 == sha256))


def find_attachment(connection: sa.Connection, sha256: str) -> Attachment | None:
    """The document of a hash, or None."""
    row = connection.execute(sa.select(attachments).where(attachments.c.sha256 == sha256)).first()
    return None if row is None else Attachment(**row._mapping)


def get_attachment(connection: sa.Connection, sha256: str) -> Attachment:
    """The document of a hash; NotFound when there is none."""
    attachment = find_attachment(connection, sha256)
    if attachment is None:
        raise NotFound(Message("没有这份文件。"))
    return attachment


def read_parts(connection: sa.Connection, sha256: str) -> Iterator[bytes]:
    """Read the bytes of a document in pieces."""
    query = sa.select(attachment_parts.c.bytes).where(attachment_parts.c.sha256 == sha256)
    count = sa.select(sa.func.count()).select_from(attachment_parts).where(attachment_parts.c.sha256 == sha256)
    for part in range(connection.execute(count).scalar_one()):
        yield connection.execute(query.where(attachment_parts.c.part == part)).scalar_one()
