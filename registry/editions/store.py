"""The files of editions on disk: made once, aside, moved into place together; made again from the log when lost.

Whatever lies there is a copy: an edition's entry and the records as of it say what it is.
"""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
from filelock import FileLock

from registry.editions import difference, manifest, supervision, text_formats
from registry.editions.content import ListContent, Progress, Totals
from registry.editions.edition import Edition
from registry.errors import LogDamaged
from registry.log import store as log
from registry.log.merkle import Frontier
from registry.storage import rights
from registry.storage.database import Database
from registry.texts import Message

_log = logging.getLogger("registry")
#: Called with what is being made, and how many rows of it are done.
FileProgress = Callable[[str, int], None]


def ignore_progress(_file: str, _done: int) -> None:
    """Do nothing."""


class EditionFiles:
    """The folder of all editions of one machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def locate_folder(self, edition: Edition) -> Path:
        """Return where an edition's files lie; those of another log, or of another format, lie elsewhere."""
        return self.folder / f"{edition.id}-{edition.log.root[:16]}-{edition.entry}-v{manifest.FORMAT}"

    def make_folder(self, edition: Edition, fill: Callable[[Path], None], is_intact: Callable[[Path], bool]) -> Path:
        """Return the folder with every file of MADE; among all processes of this machine one makes them.

        ``fill`` writes them into an empty folder that nobody else can write to yet; what is there and not ``intact`` is
        made anew.
        """
        place = self.locate_folder(edition)
        if is_intact(place):
            return place
        rights.make_folder(self.folder)
        with FileLock(self.folder / f".{place.name}.lock", mode=rights.PRIVATE_FILE):
            if is_intact(place):
                return place
            if place.is_dir():
                _log.error("the files of edition %s were altered, or are not signed: made again", edition.id)
            aside = self.folder / f".{place.name}.new"
            shutil.rmtree(aside, ignore_errors=True)
            aside.mkdir()
            try:
                fill(aside)
                shutil.rmtree(place, ignore_errors=True)
                aside.rename(place)
            finally:
                shutil.rmtree(aside, ignore_errors=True)
        return place


def write_files(
    folder: Path,
    database: Database,
    edition: Edition,
    before: Edition | None,
    issuer: str,
    progress: FileProgress = ignore_progress,
) -> None:
    """Write every file of MADE into an empty folder.

    LogDamaged when the log or the records no longer give what the edition's entry says of it.
    """
    check_root(database, edition)
    with ListContent(database, edition.asof, edition.scope, lambda n: progress("content", n)) as content:
        _check_figure(edition, content.totals)
        for name in manifest.LISTS:
            write_list(folder / name, edition, content, lambda n, name=name: progress(name, n))  # type: ignore[misc]
        if edition.supervision is not None:
            supervision.write_files(folder, database, edition, content)
        progress(manifest.DIFFERENCE, 0)
        changes, totals = compare_with_predecessor(database, content, before), content.totals
    body = msgspec.json.format(msgspec.json.encode(changes, order="sorted"), indent=1)
    (folder / manifest.DIFFERENCE).write_bytes(body + b"\n")
    names = manifest.list_measured(edition.supervision is not None)
    measured = [manifest.measure_file(folder / name) for name in names]
    (folder / manifest.MANIFEST).write_bytes(manifest.encode_manifest(edition, issuer, totals, measured))
    every = [*measured, manifest.measure_file(folder / manifest.MANIFEST)]
    (folder / manifest.SUMS).write_bytes(manifest.format_checksums(every))


def write_list(path: Path, edition: Edition, content: ListContent, progress: Progress | None = None) -> None:
    """Write the list of an edition in the format that the name of ``path`` asks for, one of LISTS."""
    from registry.editions import docx, pdf, xlsx  # their libraries take a tenth of a second to load

    writers: dict[str, Callable[[Path, Edition, ListContent, Progress | None], None]] = {
        "list.json": text_formats.write_json,
        "list.csv": lambda place, _, of_edition, heard: text_formats.write_csv(place, of_edition, heard),
        "list.xlsx": xlsx.write,
        "list.docx": docx.write,
        "list.pdf": pdf.write,
        "list.html": text_formats.write_html,
    }
    writers[path.name](path, edition, content, progress)


def compare_with_predecessor(
    database: Database, content: ListContent, before: Edition | None
) -> difference.EditionDifference:
    """Compare a content with the edition before it."""
    if before is None:
        return difference.make_first_difference(content.read_list())
    with ListContent(database, before.asof, before.scope) as earlier:
        return difference.compare_lists(before.id, earlier.read_list(), content.read_list())


def check_root(database: Database, edition: Edition) -> None:
    """Raise LogDamaged unless the log still begins with what the edition was frozen at."""
    if compute_root(database, edition.log.size) != edition.log.root:
        message = Message(
            "日志前{log_size}条与第{edition}期名录所依据的不符。请运行：registry log check",
            log_size=edition.log.size,
            edition=edition.id,
        )
        raise LogDamaged(message)


def compute_root(database: Database, size: int) -> str:
    """Compute the root hash (hex) of the log at a size, from the leaves stored; "" when it is shorter."""
    frontier = Frontier()
    with database.reading() as connection:
        frontier.extend(log.read_leaves(connection, upto=size))
    return frontier.compute_root().hex() if frontier.size == size else ""


def _check_figure(edition: Edition, totals: Totals) -> None:
    """Raise LogDamaged unless what was approved is what is published."""
    if (totals.institutions, totals.techniques) != (edition.institutions, edition.techniques):
        message = Message(
            "第{edition}期名录批准时为{institutions}家，现在读出{institutions_2}家。请运行：registry log check",
            edition=edition.id,
            institutions=edition.institutions,
            institutions_2=totals.institutions,
        )
        raise LogDamaged(message)
