"""What a file is by its content, whatever its name says; a refusal that says what to do for all that is no list."""

from __future__ import annotations

import io
from typing import IO, Literal

import olefile

from registry.errors import UnreadableFile
from registry.uploads import packages
from registry.uploads.limits import FileLimits
from registry.uploads.refusals import make_damaged_file_error, make_password_error, make_too_large_error

FileKind = Literal["docx", "xlsx", "text"]

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_IMAGES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\x00", b"MM\x00*", b"RIFF")


def detect_kind(source: IO[bytes], limits: FileLimits) -> FileKind:
    """The kind of a readable list file, at whose start the source is left.

    UnreadableFile, saying what to do, for everything else; TooLarge beyond the limits.
    """
    source.seek(0)
    head = source.read(4096)
    if not head.strip(b" \t\r\n\xef\xbb\xbf") and len(head) < 4096:
        raise UnreadableFile("文件是空的。", "The file is empty.")
    if head.startswith(b"PK\x03\x04"):
        return _detect_zip_kind(source, limits)
    if head.startswith(_OLE):
        raise _make_ole_error(source)
    if head.startswith(b"PK\x05\x06"):
        raise UnreadableFile("这是空的压缩包，不是名单。", "This is an empty zip archive, not a list.")
    if head.lstrip().startswith(b"%PDF"):
        raise UnreadableFile(
            "这是 PDF 文件，不能读取表格，请取得原来的 docx、xlsx 或 csv 文件。",
            "This is a PDF, whose tables cannot be read; please get the original docx, xlsx or csv.",
        )
    if head.startswith(_IMAGES):
        raise UnreadableFile(
            "这是图片，不能读取表格，请取得原来的 docx、xlsx 或 csv 文件。",
            "This is an image, whose tables cannot be read; please get the original docx, xlsx or csv.",
        )
    if head.lstrip().lower().startswith((b"{\\rtf", b"<html", b"<!doctype", b"<?xml")):
        raise UnreadableFile(
            "这是网页或 RTF 文件，请用 Word 或 Excel 打开后另存为 docx 或 xlsx。",
            "This is a web page or an RTF file; please open it in Word or Excel and save it as docx or xlsx.",
        )
    if source.seek(0, io.SEEK_END) > limits.packed:
        raise make_too_large_error(
            f"超过{limits.packed // 1024**2} MB", f"it has more than {limits.packed // 1024**2} MB", limits.packed
        )
    source.seek(0)
    return "text"


def _detect_zip_kind(source: IO[bytes], limits: FileLimits) -> FileKind:
    names = packages.scan_package(source, limits).names
    if packages.DOCUMENT in names:
        return "docx"
    if packages.WORKBOOK in names:
        return "xlsx"
    raise make_not_office_error()


def make_not_office_error() -> UnreadableFile:
    """The refusal of a file that is neither docx nor xlsx."""
    return UnreadableFile(
        "这不是 docx 或 xlsx 文件，请用 Word 或 Excel 打开后另存为 docx 或 xlsx。",
        "This is neither docx nor xlsx; please open it in Word or Excel and save it as docx or xlsx.",
    )


def _make_ole_error(source: IO[bytes]) -> UnreadableFile:
    try:
        with olefile.OleFileIO(source) as ole:
            streams = {"/".join(name) for name in ole.listdir()}
    except Exception as error:  # olefile raises whatever a crafted file provokes
        return make_damaged_file_error(error)
    if streams & {"EncryptedPackage", "EncryptionInfo"}:
        return make_password_error()
    for found, old, new in (("WordDocument", "doc", "docx"), ("Workbook", "xls", "xlsx"), ("Book", "xls", "xlsx")):
        if found in streams:
            return UnreadableFile(
                f"这是旧的 {old} 格式，请另存为 {new} 再导入。",
                f"This is the old {old} format; please save it as {new} first.",
            )
    return UnreadableFile(
        "这种旧的 Office 格式不能读取，请另存为 docx 或 xlsx。",
        "This old Office format cannot be read; please save it as docx or xlsx.",
    )
