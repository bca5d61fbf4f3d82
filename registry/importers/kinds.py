"""What a file is by its content, whatever its name says; a refusal that says what to do for all that is no list."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Literal

import olefile

from registry.errors import UnreadableFile

FileKind = Literal["docx", "xlsx", "text"]

_MAX_UNPACKED = 2 * 1024**3
_MAX_RATIO = 400  # real lists pack 20 to 200 times; only large members are judged by it
_LARGE_MEMBER = 256 * 1024**2
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_IMAGES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\x00", b"MM\x00*", b"RIFF")


def kind_of(path: Path) -> FileKind:
    """The kind of a readable list file; raise UnreadableFile, saying what to do, for everything else."""
    head = _head(path)
    if head.startswith(b"PK\x03\x04"):
        return _zip_kind(path)
    if head.startswith(_OLE):
        raise _ole_refusal(path)
    if head.startswith(b"PK\x05\x06"):
        raise unreadable("这是空的压缩包，不是名单", "This is an empty zip archive, not a list", path)
    if head.lstrip().startswith(b"%PDF"):
        raise unreadable(
            "这是 PDF 文件，不能读取表格，请取得原来的 docx、xlsx 或 csv 文件",
            "This is a PDF, whose tables cannot be read; please get the original docx, xlsx or csv",
            path,
        )
    if head.startswith(_IMAGES):
        raise unreadable(
            "这是图片，不能读取表格，请取得原来的 docx、xlsx 或 csv 文件",
            "This is an image, whose tables cannot be read; please get the original docx, xlsx or csv",
            path,
        )
    if head.lstrip().lower().startswith((b"{\\rtf", b"<html", b"<!doctype", b"<?xml")):
        raise unreadable(
            "这是网页或 RTF 文件，请用 Word 或 Excel 打开后另存为 docx 或 xlsx",
            "This is a web page or an RTF file; please open it in Word or Excel and save it as docx or xlsx",
            path,
        )
    return "text"


def unreadable(zh: str, en: str, path: Path) -> UnreadableFile:
    """The refusal of one file, with its name before the reason."""
    return UnreadableFile(f"{path.name}：{zh}", f"{path.name}: {en}", file=path.name)


def damaged(path: Path, reason: object) -> UnreadableFile:
    """The refusal of a file that ends early or contradicts itself."""
    return unreadable(
        f"文件已损坏，请重新取得或另存一次（{reason}）",
        f"The file is damaged; please get it or save it again ({reason})",
        path,
    )


def protected(path: Path) -> UnreadableFile:
    """The refusal of a file that opens only with a password."""
    return unreadable(
        "文件有密码保护，请先去掉密码再导入",
        "The file is protected by a password; please remove the password first",
        path,
    )


def _head(path: Path) -> bytes:
    if path.is_dir():
        raise unreadable("这是文件夹，请给出名单文件", "This is a folder; please give a list file", path)
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except FileNotFoundError as error:
        raise unreadable("找不到这个文件，请检查路径", "There is no such file; please check the path", path) from error
    except OSError as error:
        raise unreadable(
            f"文件打不开，请检查权限（{error.strerror}）",
            f"The file cannot be opened; please check its permissions ({error.strerror})",
            path,
        ) from error
    if not head.strip(b" \t\r\n\xef\xbb\xbf") and path.stat().st_size <= len(head):
        raise unreadable("文件是空的", "The file is empty", path)
    return head


def _zip_kind(path: Path) -> FileKind:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
        raise damaged(path, error) from error
    names = {member.filename for member in members}
    if any(member.flag_bits & 1 for member in members):
        raise protected(path)
    _refuse_bombs(path, members)
    if "word/document.xml" in names:
        return "docx"
    if "xl/workbook.xml" in names:
        return "xlsx"
    raise unreadable(
        "这不是 docx 或 xlsx 文件，请用 Word 或 Excel 打开后另存为 docx 或 xlsx",
        "This is neither docx nor xlsx; please open it in Word or Excel and save it as docx or xlsx",
        path,
    )


def _refuse_bombs(path: Path, members: list[zipfile.ZipInfo]) -> None:
    total = sum(member.file_size for member in members)
    absurd = any(
        member.file_size > _LARGE_MEMBER and member.file_size > _MAX_RATIO * max(member.compress_size, 1)
        for member in members
    )
    if total > _MAX_UNPACKED or absurd:
        raise unreadable(
            "文件解压后异常巨大，拒绝读取；请另存为新文件或拆成几个文件",
            "The file unpacks to an absurd size and is refused; please save it anew or split it",
            path,
        )


def _ole_refusal(path: Path) -> UnreadableFile:
    try:
        with olefile.OleFileIO(path) as ole:
            streams = {"/".join(name) for name in ole.listdir()}
    except Exception as error:  # olefile raises whatever a crafted file provokes
        return damaged(path, error)
    if streams & {"EncryptedPackage", "EncryptionInfo"}:
        return protected(path)
    for found, old, new in (("WordDocument", "doc", "docx"), ("Workbook", "xls", "xlsx"), ("Book", "xls", "xlsx")):
        if found in streams:
            return unreadable(
                f"这是旧的 {old} 格式，请另存为 {new} 再导入",
                f"This is the old {old} format; please save it as {new} first",
                path,
            )
    return unreadable(
        "这种旧的 Office 格式不能读取，请另存为 docx 或 xlsx",
        "This old Office format cannot be read; please save it as docx or xlsx",
        path,
    )
