"""The document a change rests on: which files are accepted, by their content, and which a proposal's sources name."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Any, BinaryIO

import sqlalchemy as sa

from registry import proposals
from registry.accounts import audit_log
from registry.domain.model import Source, Struct
from registry.errors import InvalidInput, TooLarge, UnreadableFile
from registry.records import asof, lookup
from registry.storage import attachments
from registry.storage.attachments import Attachment
from registry.storage.tables import imports, proposal_items, staff_drafts, versions
from registry.storage.tables import proposals as proposals_table
from registry.storage.uploads.file_reader import inspect_package
from registry.storage.uploads.limits import DOCUMENT
from registry.texts import Message

_OFFICE = "application/vnd.openxmlformats-officedocument."
#: The accepted types: the ending of the name, and the media type it is served with.
TYPES = {
    "pdf": "application/pdf",
    "ofd": "application/ofd",
    "png": "image/png",
    "jpg": "image/jpeg",
    "tif": "image/tiff",
    "docx": f"{_OFFICE}wordprocessingml.document",
    "xlsx": f"{_OFFICE}spreadsheetml.sheet",
    "txt": "text/plain; charset=utf-8",
}
_SIGNED = (
    (b"%PDF-", "pdf"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpg"),
    (b"II*\x00", "tif"),
    (b"MM\x00*", "tif"),
)
_PARTS = (("word/document.xml", "docx"), ("xl/workbook.xml", "xlsx"), ("OFD.xml", "ofd"))
_MARKUP = re.compile(rb"^\s*(?:<[!?a-z]|#!|@echo|mz)|<(?:script|html|svg|iframe|body)\b", re.I)
_HEAD = 64 * 1024


class SourceDocument(Struct, frozen=True):
    """A source of a proposal with the file stored for it, if there is one."""

    source: str
    title: str
    as_of: str
    sha256: str | None
    file: Attachment | None


def save_document(
    connection: sa.Connection, file: BinaryIO, name: str, *, by: str, address: str, kind: str | None = None
) -> Attachment:
    """Store an uploaded file under its hash; InvalidInput for what is empty, too large, or of no accepted type.

    ``kind``: from ``detect_file_type``, which is better called before the connection is opened, since it may take a
    while. The audit log records that the file was added, by its hash.
    """
    kind = kind or detect_file_type(file)
    stem = re.sub(r"[\x00-\x1f/\\\"]+", " ", PurePath(name.replace("\\", "/")).stem).strip()[-120:] or "document"
    attachment = attachments.add_attachment(connection, file, name=f"{stem}.{kind}", media_type=TYPES[kind], by=by)
    audit_log.record_event(connection, by, "attachment_added", f"sha256:{attachment.sha256}", address)
    return attachment


def delete_unused_document(connection: sa.Connection, sha256: str, *, by: str) -> bool:
    """Delete a document that no form, import, proposal or source needs; return whether it was deleted.

    A file discarded with a draft, or added by mistake, is not stored for ever.
    """
    undecided = proposals_table.c.state != "approved"  # the sources of approved ones are in the records
    uses = (
        sa.select(staff_drafts.c.id).where(contains_text(staff_drafts.c.form, sha256)),
        sa.select(imports.c.id).where(imports.c.file == sha256),
        sa.select(versions.c.subject).where(versions.c.kind == "source", contains_text(versions.c.state, sha256)),
        sa.select(proposals_table.c.id).where(contains_text(proposals_table.c.report, sha256)),
        sa.select(proposals_table.c.id)
        .join(proposal_items, proposal_items.c.proposal == proposals_table.c.id)
        .where(undecided, contains_text(proposal_items.c.body, sha256)),
    )
    if attachments.find_attachment(connection, sha256) is None or any(
        connection.execute(query.limit(1)).first() for query in uses
    ):
        return False
    attachments.delete_attachment(connection, sha256)
    audit_log.record_event(connection, by, "attachment_removed", f"sha256:{sha256}")
    return True


def contains_text(column: sa.ColumnElement[Any], text: str) -> sa.ColumnElement[bool]:
    """Whether the UTF-8 in a column of bytes holds an ASCII text; case may be ignored.

    The same condition for every database: cast to text, SQLite gives the text and PostgreSQL its hexadecimal digits.
    """
    stored = sa.cast(column, sa.Text)
    return stored.contains(text, autoescape=True) | stored.contains(text.encode().hex(), autoescape=True)


def detect_file_type(file: BinaryIO) -> str:
    """Return which of TYPES a file is by its content, whatever its name says; InvalidInput for any other."""
    file.seek(0)
    head = file.read(_HEAD)
    for signature, kind in _SIGNED:
        if head.startswith(signature):
            return kind
    if head.startswith(b"PK\x03\x04") and (office := _detect_package_type(file)):
        return office
    if head and _is_text(head):
        return "txt"
    if not head:
        raise InvalidInput(Message("文件是空的，请重新选择。"), field="doc_file")
    raise InvalidInput(
        Message(
            "不接受这种文件。请上传 PDF、OFD、图片（PNG、JPEG、TIFF）、docx、xlsx 或纯文本；网页、程序、压缩包、"
            "带宏的和旧的 Office 文件请另存为 PDF。"
        ),
        field="doc_file",
    )


def _detect_package_type(file: BinaryIO) -> str | None:
    """Inspect a zip file in a process of its own: return which package it is; None for another, or one with macros."""
    try:
        package = inspect_package(file, DOCUMENT, tuple(part for part, _ in _PARTS))
    except (UnreadableFile, TooLarge) as refusal:
        raise type(refusal)(refusal.message, field="doc_file") from refusal
    return None if package.macros else next((kind for part, kind in _PARTS if part in package.parts), None)


def _is_text(head: bytes) -> bool:
    if b"\x00" in head or _MARKUP.search(head):
        return False
    for cut in range(4):  # the last character may be cut off where the head ends
        try:
            text = head[: len(head) - cut].decode("utf-8")
        except UnicodeDecodeError:
            continue
        return all(c.isprintable() or c in "\t\r\n\ufeff" for c in text)
    return False


def list_proposal_documents(connection: sa.Connection, number: int) -> list[SourceDocument]:
    """Return the documents that a proposal's drafts rest on: those it states itself, and those recorded before."""
    proposed: dict[str, dict[str, object]] = {}
    named: dict[str, None] = {}
    for draft in proposals.read_drafts(connection, number):
        if draft.change.kind == "source":
            proposed[draft.subject.removeprefix("source:")] = draft.change.set
        if draft.source:
            named[draft.source] = None
    recorded = lookup.read_sources(connection, asof.make_as_of(connection)) if named.keys() - proposed.keys() else {}
    documents = []
    for source in dict.fromkeys([*named, *proposed]):
        values = proposed.get(source) or _to_source_values(recorded.get(source))
        digest = str(values["sha256"]) if values.get("sha256") else None
        file = attachments.find_attachment(connection, digest) if digest else None
        title, day = str(values.get("title") or source), str(values.get("as_of") or "")
        documents.append(SourceDocument(source=source, title=title, as_of=day, sha256=digest, file=file))
    return documents


def _to_source_values(source: Source | None) -> dict[str, object]:
    if source is None:
        return {}
    return {"title": source.title, "as_of": source.as_of.isoformat(), "sha256": source.sha256}
