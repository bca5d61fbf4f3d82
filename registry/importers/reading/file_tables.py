"""A list file as tables of text: docx, xlsx or csv, told apart by content. What the words mean is lists.py's matter.

A process of its own reads the file: see ``registry.uploads``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

from registry.errors import TooLarge, UnreadableFile
from registry.uploads import file_reader
from registry.uploads.limits import LIST
from registry.uploads.tables import Table, TableRow

Progress = Callable[[int], None]
_EVERY = 1000  # rows between two reports of progress


def read_tables(path: Path, progress: Progress | None = None) -> Iterator[Table]:
    """Yield the tables of a file in order; raise UnreadableFile, saying what to do, when there is nothing to read.

    A table's rows are a stream: read them before asking for the next table. ``progress`` hears the rows done so far.
    """
    seen = Counter[str]()
    with _open_file(path) as source:
        try:
            for table in file_reader.read_tables(source, LIST):
                yield table._replace(rows=_count_rows(path, table.rows, seen, progress))
        except (UnreadableFile, TooLarge) as error:
            raise _add_file_name(path, error) from error
    if progress is not None:
        progress(seen["rows"])
    if not seen["filled"]:
        raise make_refusal("文件里没有任何表格行", "The file has no rows in any table", path)


def _count_rows(
    path: Path, rows: Iterable[TableRow], seen: Counter[str], progress: Progress | None
) -> Iterator[TableRow]:
    try:
        for row in rows:
            seen["rows"] += 1
            if progress is not None and seen["rows"] % _EVERY == 0:
                progress(seen["rows"])
            if any(cell.strip() for cell in row.cells):
                seen["filled"] += 1
                yield row
    except (UnreadableFile, TooLarge) as error:
        raise _add_file_name(path, error) from error


def make_refusal(zh: str, en: str, path: Path) -> UnreadableFile:
    """The refusal of one file, with its name before the reason."""
    return UnreadableFile(f"{path.name}：{zh}", f"{path.name}: {en}", file=path.name)


def _add_file_name(path: Path, error: UnreadableFile | TooLarge) -> UnreadableFile:
    return error if isinstance(error, UnreadableFile) and error.details else make_refusal(error.zh, error.en, path)


def _open_file(path: Path) -> IO[bytes]:
    if path.is_dir():
        raise make_refusal("这是文件夹，请给出名单文件", "This is a folder; please give a list file", path)
    try:
        return path.open("rb")
    except FileNotFoundError as error:
        raise make_refusal(
            "找不到这个文件，请检查路径", "There is no such file; please check the path", path
        ) from error
    except OSError as error:
        raise make_refusal(
            f"文件打不开，请检查权限（{error.strerror}）",
            f"The file cannot be opened; please check its permissions ({error.strerror})",
            path,
        ) from error
