"""A docx, xlsx or csv file as tables of text, its kind detected by content; a doc or xls file by LibreOffice.

A process of its own reads the file: see ``registry.storage.uploads``.
"""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from registry.errors import TooLarge, UnreadableFile
from registry.storage.uploads import file_reader, office_conversion, signatures
from registry.storage.uploads.limits import LIST
from registry.storage.uploads.tables import Table, TableRow
from registry.texts import Message

Progress = Callable[[int], None]
#: Rows between two reports of progress.
_EVERY = 1000


def read_tables(path: Path, progress: Progress | None = None, *, has_marks: bool = False) -> Iterator[Table]:
    """Yield the tables of a file in order; UnreadableFile, with what to do, when it cannot be read or has no rows.

    The rows of a table are a stream: read them before the next table. ``progress`` gets the number of rows so far.
    ``has_marks``: rows come with what the file says of them beside their text.
    """
    counts = Counter[str]()
    with _open_readable(path) as (source, is_converted):
        try:
            for table in file_reader.read_tables(source, LIST, has_marks=has_marks):
                yield table._replace(rows=_count_rows(path, table.rows, counts, progress))
        except (UnreadableFile, TooLarge) as error:
            raise _add_file_name(path, error) from error
    if progress is not None:
        progress(counts["rows"])
    if is_converted and not counts["filled"]:
        raise _make_refusal(
            Message("转换后没有任何表格行：请用 Word 或 Excel 打开，另存为 docx 或 xlsx 后再上传"), path
        )
    if not counts["filled"]:
        raise _make_refusal(
            Message("文件里没有任何表格行；图片和扫描件不能读取，请取得有表格的 docx、xlsx 或 csv 文件"), path
        )


@contextmanager
def _open_readable(path: Path) -> Iterator[tuple[IO[bytes], bool]]:
    """Open a file, or what LibreOffice, where it is installed, makes of an old Office file; (it, whether so)."""
    with _open_file(path) as source, tempfile.TemporaryDirectory() as folder:
        is_old = source.read(len(signatures.OLE)) == signatures.OLE
        source.seek(0)
        kind = file_reader.find_old_kind(source, LIST) if is_old else None
        new = office_conversion.convert_old_file(path, kind, Path(folder)) if kind else None
        if new is None:
            yield source, False
            return
        with new.open("rb") as converted:
            yield converted, True


def _count_rows(
    path: Path, rows: Iterable[TableRow], counts: Counter[str], progress: Progress | None
) -> Iterator[TableRow]:
    try:
        for row in rows:
            counts["rows"] += 1
            if progress is not None and counts["rows"] % _EVERY == 0:
                progress(counts["rows"])
            if any(cell.strip() for cell in row.cells):
                counts["filled"] += 1
                yield row
    except (UnreadableFile, TooLarge) as error:
        raise _add_file_name(path, error) from error


def _make_refusal(message: Message, path: Path) -> UnreadableFile:
    """The refusal of a file, with its name before the reason."""
    return UnreadableFile(Message("{path_name}：{message}", path_name=path.name, message=message), file=path.name)


def _add_file_name(path: Path, error: UnreadableFile | TooLarge) -> UnreadableFile:
    return error if isinstance(error, UnreadableFile) and error.details else _make_refusal(error.message, path)


def _open_file(path: Path) -> IO[bytes]:
    if path.is_dir():
        raise _make_refusal(Message("这是文件夹，请给出名单文件"), path)
    try:
        return path.open("rb")
    except FileNotFoundError as error:
        raise _make_refusal(Message("找不到这个文件，请检查路径"), path) from error
    except OSError as error:
        raise _make_refusal(Message("文件打不开，请检查权限（{strerror}）", strerror=error.strerror), path) from error
