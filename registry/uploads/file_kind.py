"""The kind of a list file by its content, whatever its name; a refusal with what to do for any other file."""

from __future__ import annotations

import io
from typing import IO, Literal

from registry.errors import UnreadableFile
from registry.texts import Message
from registry.uploads import compound_file, packages, signatures
from registry.uploads.limits import FileLimits
from registry.uploads.refusals import (
    make_damaged_file_error,
    make_not_office_error,
    make_password_error,
    make_too_large_error,
)

FileKind = Literal["docx", "xlsx", "text"]


def detect_kind(source: IO[bytes], limits: FileLimits) -> FileKind:
    """Return the kind of a readable list file and leave the source at its start.

    UnreadableFile, with what to do, for any other file; TooLarge beyond the limits.
    """
    source.seek(0)
    head = source.read(4096)
    if not head.strip(b" \t\r\n\xef\xbb\xbf") and len(head) < 4096:
        raise UnreadableFile(Message("文件是空的。"))
    if head.startswith(signatures.ZIP):
        return _detect_zip_kind(source, limits)
    if head.startswith(signatures.OLE):
        raise _make_ole_error(source)
    if head.startswith(signatures.EMPTY_ZIP):
        raise UnreadableFile(Message("这是空的压缩包，不是名单。"))
    if head.lstrip().startswith(b"%PDF"):
        raise UnreadableFile(Message("这是 PDF 文件，不能读取表格，请取得原来的 docx、xlsx 或 csv 文件。"))
    if head.startswith(signatures.IMAGES):
        raise UnreadableFile(Message("这是图片，不能读取表格，请取得原来的 docx、xlsx 或 csv 文件。"))
    if head.lstrip().lower().startswith(signatures.MARKUP):
        raise UnreadableFile(Message("这是网页或 RTF 文件，请用 Word 或 Excel 打开后另存为 docx 或 xlsx。"))
    if source.seek(0, io.SEEK_END) > limits.packed:
        size = f"{limits.packed // 1024**2} MB"
        raise make_too_large_error(Message("超过{size}", size=size), limits.packed)
    source.seek(0)
    return "text"


def _detect_zip_kind(source: IO[bytes], limits: FileLimits) -> FileKind:
    names = packages.scan_package(source, limits).names
    if packages.DOCUMENT in names:
        return "docx"
    if packages.WORKBOOK in names:
        return "xlsx"
    raise make_not_office_error()


def _make_ole_error(source: IO[bytes]) -> UnreadableFile:
    try:
        streams = compound_file.list_streams(source)
    except ValueError as error:
        return make_damaged_file_error(error)
    if streams & {"EncryptedPackage", "EncryptionInfo"}:
        return make_password_error()
    for found, old, new in (("WordDocument", "doc", "docx"), ("Workbook", "xls", "xlsx"), ("Book", "xls", "xlsx")):
        if found in streams:
            return UnreadableFile(Message("这是旧的 {old} 格式，请另存为 {new} 再导入。", old=old, new=new))
    return UnreadableFile(Message("这种旧的 Office 格式不能读取，请另存为 docx 或 xlsx。"))
