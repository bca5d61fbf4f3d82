"""Access rights of the register's files: its own user alone, but for what is published.

The data folder is 700, its files and the secrets outside it are 600. What an earlier version, another tool or a copy
left wider is tightened where this account owns it, and a fault where it does not. Systems without such rights (Windows)
are left alone.
"""

import logging
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from registry.domain.model import Struct
from registry.errors import RightsTooWide
from registry.settings import Settings
from registry.storage.fault_board import FaultBoard
from registry.texts import Message

PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600
_OTHERS = 0o077
_HAS_RIGHTS = os.name == "posix"
#: Folders of the data folder whose files are all the register's own.
_FOLDERS = ("imports", "editions")
#: Names of files in the data folder that are the register's own whatever the settings say.
_FILES = ("limits.sqlite*", "*.key", "*.key.new", "*.lock", "clock", "clock.*", ".clock*")
#: Paths that a message names; of more it says how many.
_NAMED = 3
_callers_umask: int | None = None
_log = logging.getLogger("registry")


class RightsFindings(Struct, frozen=True):
    """How many paths were tightened, and which are still open to others."""

    tightened: int
    too_wide: tuple[Path, ...]


@contextmanager
def use_private_umask() -> Iterator[None]:
    """Make every file inside the block private to its owner, in this process and in those it starts."""
    global _callers_umask  # noqa: PLW0603 - the umask is one per process
    before = os.umask(_OTHERS)
    _callers_umask = before
    try:
        yield
    finally:
        _callers_umask = None
        os.umask(before)


@contextmanager
def use_callers_umask() -> Iterator[None]:
    """Inside ``use_private_umask``: make files for others with the umask of whoever started the command.

    Only for a command that does one thing at a time: the umask is the whole process's.
    """
    if _callers_umask is None:
        yield
        return
    before = os.umask(_callers_umask)
    try:
        yield
    finally:
        os.umask(before)


def make_folder(path: Path, mode: int = PRIVATE_FOLDER) -> None:
    """Make a folder and its missing parents, each with these rights; existing ones stay as they are."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for folder in missing:
        set_mode(folder, mode)


def make_file(path: Path) -> None:
    """Make an empty file that only its owner can read, unless it exists.

    An existing one is never opened: closing it would release the locks by which SQLite holds it in this process.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, PRIVATE_FILE))


def set_mode(target: Path | int, mode: int) -> None:
    """Set the rights of a path or an open file, on systems that have them."""
    if _HAS_RIGHTS:
        os.chmod(target, mode)  # noqa: PTH101 - also takes an open file


def inherit_mode(path: Path) -> int:
    """The rights of a folder that is as open to readers as its parent, and writable only by its owner."""
    parent = next((folder for folder in path.absolute().parents if folder.exists()), Path("/"))
    return PRIVATE_FOLDER | (parent.stat().st_mode & 0o055)


def guard_files(settings: Settings, board: FaultBoard, *, thoroughly: bool = False) -> RightsFindings:
    """Tighten our own files, log it in one line, and report or clear the fault of those that others own.

    ``thoroughly``: also the published log inside the data folder, whose files are many and hold no secret.
    """
    findings = tighten_rights(settings, thoroughly=thoroughly)
    if findings.tightened:
        _log.warning("%s", describe_tightening(findings).to_bilingual())
    if findings.too_wide:
        board.report(_make_rights_error(findings.too_wide))
    else:
        board.clear(RightsTooWide.code)
    return findings


def describe_tightening(findings: RightsFindings) -> Message:
    """The sentence about tightened paths."""
    return Message(
        "数据文件夹或机密文件中有{tightened}项他人可以访问，已收紧为仅本账号可用", tightened=findings.tightened
    )


def tighten_rights(settings: Settings, *, thoroughly: bool = True) -> RightsFindings:
    """Remove the rights of group and others on the register's files; never raises for one that cannot be changed."""
    tightened, too_wide = 0, []
    for path in dict.fromkeys(_list_own_paths(settings, thoroughly)) if _HAS_RIGHTS else ():
        try:
            mode = path.stat().st_mode
            if not mode & _OTHERS:
                continue
            if not (stat.S_ISDIR(mode) and mode & stat.S_ISVTX):  # as /tmp, which many share and which must stay open
                path.chmod(stat.S_IMODE(mode) & (PRIVATE_FOLDER if stat.S_ISDIR(mode) else PRIVATE_FILE))
            if path.stat().st_mode & _OTHERS:  # a file system that knows no rights says nothing
                too_wide.append(path)
            else:
                tightened += 1
        except FileNotFoundError:
            continue  # removed since we looked
        except OSError:
            too_wide.append(path)
    return RightsFindings(tightened=tightened, too_wide=tuple(too_wide))


def list_open_paths(settings: Settings) -> list[Path]:
    """List the register's files that group or others may use; nothing is changed."""
    paths = dict.fromkeys(_list_own_paths(settings, True)) if _HAS_RIGHTS else ()
    return [path for path in paths if path.exists() and path.stat().st_mode & _OTHERS]


def _list_own_paths(settings: Settings, thoroughly: bool) -> Iterator[Path]:
    """The data folder and every file of the register, following no link but that to the database or the key."""
    data, database, key = settings.data_dir, settings.find_database_file(), settings.get_key_file()
    if data.is_dir():
        yield data
        for pattern in _FILES:
            yield from _skip_links(data.glob(pattern))
        log = settings.get_log_folder()
        folders = [data / name for name in _FOLDERS]
        if thoroughly and log.absolute().is_relative_to(data.absolute()):
            folders.append(log)
        for folder in folders:
            if folder.is_dir() and not folder.is_symlink():
                yield folder
                yield from _skip_links(folder.rglob("*"))
    if database is not None:
        yield from _list_with_suffixes(database)
    yield from _list_with_suffixes(key)


def _list_with_suffixes(path: Path) -> Iterator[Path]:
    """A file and those whose names continue its own: ``-wal``, ``.lock``, ``.before-restore-...``."""
    yield from path.parent.glob(f"{path.name}*") if path.parent.is_dir() else ()


def _skip_links(paths: Iterator[Path]) -> Iterator[Path]:
    return (path for path in paths if not path.is_symlink())


def _make_rights_error(paths: tuple[Path, ...]) -> RightsTooWide:
    named = ", ".join(str(path) for path in paths[:_NAMED])
    more = len(paths) - _NAMED
    message = Message(
        "本机其他账号可以访问：{named}{word}；"
        "属主不是运行本系统的账号，无法自动收紧。请改为由该账号所有：文件夹 700，文件 600。",
        named=named,
        word=(Message(" 等{count}项", count=len(paths), more=more) if more > 0 else ""),
    )
    return RightsTooWide(message, paths=[str(path) for path in paths])
