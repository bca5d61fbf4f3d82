"""The backup file: one SQLite file, whatever database the register uses, with what may not be lost and nothing else.

Tables ``backup`` (what it is) and ``backup_tables`` (rows and hash of each table) stand beside the copied rows. Views
are rebuilt and not in it; neither is the signing key. It has no write-ahead log and is never changed once written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import sqlalchemy as sa

from registry import __version__
from registry.domain.model import Struct
from registry.errors import InvalidInput, NotFound, RegistryError, UnreadableFile, make_unreachable_error
from registry.log import check, checkpoint_store, merkle, replication, store
from registry.storage import account_tables, activity_tables, lead_tables, notice_tables, tables
from registry.storage.database import SCHEMA
from registry.texts import Message, write_bilingual

#: Called with a phase and how many rows or entries of it are done.
Progress = Callable[[str, int], None]
FORMAT = 1
#: Schemas of earlier versions that lack only columns that have a default, and tables that begin empty.
EARLIER_SCHEMAS = ("0006", "0007", "0008", "0009", "0010", "0011", "0012")
#: The tables that are copied, in an order in which every row comes after those it refers to.
KEPT = (
    tables.accounts,
    tables.recovery_codes,
    account_tables.passkeys,
    account_tables.account_changes,
    tables.trail,
    tables.entries,
    tables.erasable,
    tables.checkpoints,
    tables.proposals,
    tables.proposal_items,
    tables.touches,
    tables.comments,
    tables.attachments,
    tables.attachment_parts,
    tables.api_keys,
    tables.key_usage,
    tables.key_checks,
    tables.watches,
    *lead_tables.TABLES,
    notice_tables.letters,
    notice_tables.subscriptions,
    notice_tables.notice_items,
    activity_tables.activities,
    activity_tables.contacts,
    activity_tables.contact_people,
)

_own = sa.MetaData()
_about = sa.Table(
    "backup",
    _own,
    sa.Column("format", sa.Integer, primary_key=True),
    sa.Column("version", sa.String, nullable=False),
    sa.Column("schema", sa.String, nullable=False),
    sa.Column("made_at", sa.BigInteger, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("root", sa.String, nullable=False),
    sa.Column("origin", sa.String),
    sa.Column("mirror", sa.Boolean, nullable=False),
)
_contents = sa.Table(
    "backup_tables",
    _own,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String, nullable=False),
)
for _table in KEPT:
    _table.to_metadata(_own).indexes.clear()  # a file that is read from end to end needs none


class BackupInfo(Struct, frozen=True):
    """The description in a backup: the log's size, root and name when (milliseconds since 1970) it was made, and
    whether the register is a mirror, which nobody may append to."""

    version: str
    schema: str
    made_at: int
    size: int
    root: str
    origin: str | None
    mirror: bool


class BackupFile:
    """An open backup; see ``open_backup``."""

    def __init__(self, path: Path, connection: sa.Connection) -> None:
        self.path = path
        self.connection = connection
        self.about = _read_info(path, connection)

    def read_counts(self) -> dict[str, int]:
        """Return how many rows of each table it holds."""
        with _translate_read_errors(self.path):
            return {row.name: row.rows for row in self.connection.execute(sa.select(_contents))}

    def read_hashes(self) -> dict[str, str]:
        """Return the hash of all rows of each table it holds, as hex."""
        with _translate_read_errors(self.path):
            return {row.name: row.sha256 for row in self.connection.execute(sa.select(_contents))}

    def read_rows(self, table: sa.Table) -> Iterator[list[dict[str, Any]]]:
        """Yield the rows of a table in the order written, in chunks; without what an earlier version lacks."""
        with _translate_read_errors(self.path):
            found = sa.inspect(self.connection)
            if self.about.schema != SCHEMA and not found.has_table(table.name):
                return
            names = {column["name"] for column in found.get_columns(table.name)}
        columns = [column for column in table.columns if column.name in names]
        query = sa.select(*columns).order_by(sa.text("rowid")).execution_options(yield_per=store.CHUNK)
        with _translate_read_errors(self.path), self.connection.execute(query) as result:
            for chunk in result.mappings().partitions():
                yield [dict(row) for row in chunk]

    def read_leaves(self) -> Iterator[bytes]:
        """Yield the leaf hash of every entry, in order."""
        with _translate_read_errors(self.path):
            yield from store.read_leaves(self.connection)

    def verify(self, progress: Progress) -> None:
        """UnreadableFile, naming what is wrong, unless every row is as written and the log in it is consistent."""
        with _translate_read_errors(self.path):
            expected = {row.name: (row.rows, row.sha256) for row in self.connection.execute(sa.select(_contents))}
        for table in KEPT:
            digest = _Digest()
            for chunk in self.read_rows(table):
                digest.add_rows(chunk)
                progress(write_bilingual("检查") + f" {table.name}", digest.rows)
            missing = None if self.about.schema == SCHEMA else (0, digest.to_hex())  # a table of later versions
            if expected.get(table.name, missing) != (digest.rows, digest.to_hex()):
                raise _make_damaged_error(self.path, Message("表 {table_name}", table_name=table.name))
        with _translate_read_errors(self.path):
            try:
                log = check.check_log(self.connection, progress=partial(progress, write_bilingual("检查日志")))
            except RegistryError as error:
                raise _make_damaged_error(self.path, error.message) from error
        if (log.size, log.root) != (self.about.size, self.about.root):
            raise _make_damaged_error(self.path, Message("日志大小或根哈希"))


class _Digest:
    """Counts and hashes rows as they pass: a flipped bit in a password hash is found as surely as one in an entry."""

    def __init__(self) -> None:
        self.rows = 0
        self._hash = hashlib.sha256()

    def add_rows(self, chunk: list[dict[str, Any]]) -> None:
        self.rows += len(chunk)
        for row in chunk:
            self._hash.update(msgspec.msgpack.encode(tuple(row.values())))

    def to_hex(self) -> str:
        return self._hash.hexdigest()


@contextmanager
def open_backup(path: Path) -> Iterator[BackupFile]:
    """Open a backup to read, unchanged; NotFound, or UnreadableFile if it is none or of another version."""
    if not path.is_file():
        raise NotFound(Message("没有备份文件 {path}。", path=path))
    engine = make_engine(path, mode="ro", immutable="1")
    try:
        with _translate_read_errors(path):
            connection = engine.connect()
        with connection:
            yield BackupFile(path, connection)
    finally:
        engine.dispose()


def write_backup(path: Path, source: sa.Connection, made_at: int, progress: Progress) -> None:
    """Fill the empty file ``path`` from one snapshot; InvalidInput if it cannot be written."""
    engine = make_engine(path, mode="rw")
    try:
        with translate_write_errors(path), engine.begin() as connection:
            _own.create_all(connection)
            for table in KEPT:
                digest = _Digest()
                for chunk in _read_snapshot(source, table):
                    connection.execute(sa.insert(table), chunk)
                    digest.add_rows(chunk)
                    progress(write_bilingual("备份", context="backup.file") + f" {table.name}", digest.rows)
                row = {"name": table.name, "rows": digest.rows, "sha256": digest.to_hex()}
                connection.execute(sa.insert(_contents).values(row))
            connection.execute(
                sa.insert(_about).values(
                    {"format": FORMAT, **_make_info_row(connection, made_at, replication.is_mirror(source))}
                )
            )
    finally:
        engine.dispose()


def make_engine(path: Path, **parameters: str) -> sa.Engine:
    """Make an engine for a file, opened with SQLite's URI parameters, outside any register's own settings."""
    url = sa.URL.create("sqlite", database=f"file:{quote(str(path.absolute()))}", query={**parameters, "uri": "true"})
    return sa.create_engine(url, poolclass=sa.NullPool)


@contextmanager
def translate_write_errors(path: Path) -> Iterator[None]:
    """Turn an error while ``path`` is written into InvalidInput."""
    try:
        yield
    except (OSError, sa.exc.DBAPIError) as error:
        cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error.strerror
        raise InvalidInput(
            Message("无法写入 {path}：{cause}。请检查磁盘空间与权限。", path=path, cause=cause)
        ) from error


def _make_info_row(connection: sa.Connection, made_at: int, mirror: bool) -> dict[str, Any]:
    frontier = merkle.Frontier()
    frontier.extend(store.read_leaves(connection))
    signed = checkpoint_store.find_last(connection)
    about = BackupInfo(
        version=__version__,
        schema=SCHEMA,
        made_at=made_at,
        size=frontier.size,
        root=frontier.compute_root().hex(),
        origin=signed.checkpoint.origin if signed else None,
        mirror=mirror,
    )
    return msgspec.structs.asdict(about)


def _read_snapshot(source: sa.Connection, table: sa.Table) -> Iterator[list[dict[str, Any]]]:
    query = sa.select(table).order_by(*table.primary_key.columns).execution_options(yield_per=store.CHUNK)
    try:
        with source.execute(query) as result:
            for chunk in result.mappings().partitions():
                yield [dict(row) for row in chunk]
    except sa.exc.DBAPIError as error:  # translated here, where it is known which of the two databases failed
        raise make_unreachable_error(error) from error


def _read_info(path: Path, connection: sa.Connection) -> BackupInfo:
    with _translate_read_errors(path):
        row = connection.execute(sa.select(_about.c.format, _about.c.version)).first()
        if row is None:
            raise _make_damaged_error(path, Message("没有说明"))
        if row.format == FORMAT:
            values = connection.execute(sa.select(*_about.c)).mappings().one()
            about = msgspec.convert({str(name): value for name, value in values.items()}, BackupInfo)
            if about.schema in (SCHEMA, *EARLIER_SCHEMAS):
                return about
    raise UnreadableFile(
        Message(
            "{path} 由版本 {version} 所做，本版本（{version_2}）不能恢复：请用该版本恢复，再升级并运行 registry init。",
            path=path,
            version=row.version,
            version_2=__version__,
        )
    )


@contextmanager
def _translate_read_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (sa.exc.DBAPIError, msgspec.ValidationError) as error:
        cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
        raise UnreadableFile(
            Message("{path} 不是 registry backup 所做的备份，或已损坏，不能使用：{cause}", path=path, cause=cause)
        ) from error


def _make_damaged_error(path: Path, message: Message) -> UnreadableFile:
    return UnreadableFile(
        Message("备份 {path} 已损坏，不能使用：{message}。请换用另一份备份。", path=path, message=message)
    )
