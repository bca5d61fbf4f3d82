"""Checks before a database is used: that it is there, of this version, and holds the published log."""

from __future__ import annotations

from registry.errors import CannotAnswer, DatabaseUnreachable
from registry.log.publish import PublishedLog
from registry.storage.database import Database
from registry.texts import Message


def require_database(database: Database, published: PublishedLog) -> None:
    """CannotAnswer, saying what to do, unless the database is there and of this version.

    DatabaseUnreachable if a log was published and its database is gone: an empty one in its place would not be the
    register.
    """
    require_database_file(database, published)
    if not database.is_current():
        raise CannotAnswer(Message("数据库尚未初始化或版本不符，请先运行：registry init"))


def require_database_file(database: Database, published: PublishedLog) -> None:
    """DatabaseUnreachable if SQLite's file is gone and a log was published from it before."""
    file = database.find_file()
    last = published.find_checkpoint()
    if file is None or file.exists() or last is None:
        return
    size = last.checkpoint.size
    raise DatabaseUnreachable(
        Message(
            "数据库文件 {file} 不见了，而已公布的日志有{size}条。请把文件放回原处，或恢复备份：registry restore "
            "备份文件 --complete；不要运行 registry init。",
            file=file,
            size=size,
        )
    )


def require_published_prefix(database: Database, published: PublishedLog) -> None:
    """LogRolledBack or LogDamaged unless the database holds the log that was published."""
    with database.reading() as connection:
        published.require_published_prefix(connection)
