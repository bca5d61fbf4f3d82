"""What can go wrong, each kind with a stable code and the status it is answered with."""

import errno
from typing import Any, ClassVar, TypeVar

from registry.texts import Message


class RegistryError(Exception):
    """A refusal that a person can act on: a message of what happened and what to do.

    ``code`` never changes once published. ``details`` are JSON values for programs (row, cell, limit, ...).
    """

    code: ClassVar[str] = "registry_error"

    def __init_subclass__(cls, code: str) -> None:
        cls.code = code

    def __init__(self, message: Message, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details

    def get_text(self, lang: str = "zh-CN") -> str:
        """The sentence in a language."""
        return self.message.to_text(lang)

    @property
    def zh(self) -> str:
        """The sentence in Chinese."""
        return self.get_text("zh-CN")

    @property
    def en(self) -> str:
        """The sentence in English."""
        return self.get_text("en")


class InvalidInput(RegistryError, code="invalid_input"):
    """The question or the value itself is malformed; sending it again unchanged cannot help."""


class InvalidCode(InvalidInput, code="invalid_code"):
    """A public code with a wrong length, alphabet or check character: mistyped, not unknown."""


class TooLarge(InvalidInput, code="too_large"):
    """More than one request may hold: at most ``details['limit']``. The rest has to be sent in another."""


class NotFound(RegistryError, code="not_found"):
    """Well-formed, and nothing in the register has it."""


class Gone(RegistryError, code="gone"):
    """It was published and has been withdrawn; the sentence gives the reason."""


class Conflict(RegistryError, code="conflict"):
    """The register, or the proposal, is no longer what the caller saw."""


class FourEyesViolation(RegistryError, code="four_eyes"):
    """Someone tried to decide on a proposal they had touched."""


class NotAllowed(RegistryError, code="not_allowed"):
    """The account does not exist, is disabled, or lacks the role."""


class WrongHost(RegistryError, code="wrong_host"):
    """The request names a host by which this register is not reached."""


class InvalidKey(RegistryError, code="invalid_key"):
    """The API key is unknown, revoked or expired. Never treated as a question without a key."""


class ScopeMissing(RegistryError, code="scope_missing"):
    """The API key lacks the scope of this operation."""


class TooManyRequests(RegistryError, code="too_many_requests"):
    """More than the limit of this address or key; ``details['retry_after']``: seconds until the next is answered."""


class PeopleLimit(TooManyRequests, code="people_limit"):
    """The asker has looked at the people of as many institutions as allowed in a day; all else is answered."""


class QuotaSpent(TooManyRequests, code="quota_spent"):
    """The key has used up its questions of the day."""


class CannotRecord(RegistryError, code="cannot_record"):
    """The key requires every check to be recorded and this one could not be, so it is not answered."""


class UnreadableFile(InvalidInput, code="unreadable_file"):
    """A file that cannot be read as what it claims to be: corrupt, protected, empty or of another kind."""


class AuditFailed(InvalidInput, code="audit_failed"):
    """A list whose audit has errors; nothing of it was imported. ``details['audit']`` holds every line."""


class LogDamaged(RegistryError, code="log_damaged"):
    """The stored log, or a view of it, is not what it must be."""


class CannotAnswer(RegistryError, code="cannot_answer"):
    """The register could not look: this says nothing about any institution."""


class DatabaseUnreachable(CannotAnswer, code="database_unreachable"):
    """The database cannot be asked: its server or its file is not where it was."""


class DatabaseDamaged(CannotAnswer, code="database_damaged"):
    """The database's file is not what SQLite wrote; asking again later does not help."""


class StateTooOld(CannotAnswer, code="state_too_old"):
    """The last state that was verified is older than this register answers from; ``details['age']`` in seconds."""


class Busy(CannotAnswer, code="busy"):
    """Too many wait for the same thing already; ``details['retry_after']``: seconds until a retry is worthwhile."""


class StorageFull(CannotAnswer, code="storage_full"):
    """There is no room left on the disk: nothing can be written, what is there can be read."""


class StorageLow(RegistryError, code="storage_low"):
    """The disk is nearly full: nothing is refused yet."""


class StorageReadOnly(CannotAnswer, code="storage_read_only"):
    """The data folder or the database cannot be written to; what is there can be read."""


class OutOfDescriptors(CannotAnswer, code="out_of_descriptors"):
    """This process has nearly as many files and connections open as it may; what is open goes on."""


class ThreadDied(CannotAnswer, code="thread_died"):
    """A thread that must run as long as the process ended; ``details['threads']`` names it. It is started again."""


class ClockWrong(RegistryError, code="clock_wrong"):
    """The clock of this machine contradicts what is known of the time: nothing is appended until it is set right."""


class SigningKeyMissing(RegistryError, code="signing_key_missing"):
    """The log was signed before and the signing key is not here: nothing is appended that could not be signed."""


class SigningKeyForeign(RegistryError, code="signing_key_foreign"):
    """The signing key that is here is not one of this log."""


class CheckpointForeign(LogDamaged, code="checkpoint_foreign"):
    """The checkpoint in the published log's folder was not signed by a key of this register."""


class SecretsKeyMissing(CannotAnswer, code="secrets_key_missing"):
    """The key that secrets of second factors are encrypted with is not here, or not the right one."""


class LogRolledBack(LogDamaged, code="log_rolled_back"):
    """The database holds less of the log than was published: answers and appends would contradict it."""


class RightsTooWide(RegistryError, code="rights_too_wide"):
    """Other accounts of this machine can read or change what is the register's own; ``details['paths']``."""


class CannotSign(RegistryError, code="cannot_sign"):
    """A receipt was asked for and this machine cannot give one; the same question without it can be answered."""


#: The status by RFC 9110 of each kind; a kind that is not here has that of its nearest ancestor.
STATUSES: dict[type[RegistryError], int] = {
    **dict.fromkeys((InvalidInput, InvalidCode, UnreadableFile, AuditFailed), 400),
    InvalidKey: 401,
    **dict.fromkeys((FourEyesViolation, NotAllowed, ScopeMissing), 403),
    NotFound: 404,
    Conflict: 409,
    Gone: 410,
    TooLarge: 413,
    WrongHost: 421,
    **dict.fromkeys((TooManyRequests, PeopleLimit, QuotaSpent), 429),
    **dict.fromkeys((RegistryError, LogDamaged), 500),
    **dict.fromkeys((CannotAnswer, CannotRecord, CannotSign, Busy, StateTooOld, OutOfDescriptors, ThreadDied), 503),
    **dict.fromkeys((DatabaseDamaged, DatabaseUnreachable, StorageFull, StorageLow, StorageReadOnly), 503),
    **dict.fromkeys((ClockWrong, CheckpointForeign, LogRolledBack, RightsTooWide), 503),
    **dict.fromkeys((SecretsKeyMissing, SigningKeyForeign, SigningKeyMissing), 503),
}
_Value = TypeVar("_Value")


def find_nearest(kind: type[BaseException], table: dict[type[RegistryError], _Value]) -> _Value | None:
    """The value of a kind in a table, or of its nearest ancestor; None when there is none."""
    return next((table[one] for one in kind.__mro__ if one in table), None)


def make_cannot_answer_error(cause: Exception | None) -> CannotAnswer:
    """The refusal while there is nothing to answer from; ``cause``: why the last attempt failed, None at a start."""
    return CannotAnswer(
        Message("系统暂时无法核验，这不代表该机构未获批准，请稍后再试。"),
        cause=type(cause).__name__ if cause else "starting",
    )


def make_unreachable_error(error: Exception) -> DatabaseUnreachable:
    """The refusal for a database that cannot be asked."""
    return DatabaseUnreachable(
        Message("系统暂时无法核验，这不代表该机构未获批准，请稍后再试。"), cause=type(error).__name__
    )


def make_database_damage_error(error: Exception) -> DatabaseDamaged:
    """The refusal for a database whose file is damaged: asking again later does not help."""
    message = Message(
        "数据库文件已损坏，系统暂时无法核验，这不代表该机构未获批准。"
        "请管理员恢复备份：registry restore 备份文件 --complete"
    )
    return DatabaseDamaged(message, cause=type(error).__name__)


#: Kinds that are nobody's mistake who asks: something is wrong with the machine or the log.
FAULTS = (CannotAnswer, LogDamaged, ClockWrong, SigningKeyMissing, SigningKeyForeign)


def make_disk_full_error(where: object = None) -> StorageFull:
    """The refusal of a write for which there is no room; ``where``: the folder, for whoever runs the register."""
    return StorageFull(
        Message("磁盘已满，现在无法写入，刚才的操作没有保存；查询和核验照常。请管理员腾出磁盘空间后再操作一次。"),
        **({"where": str(where)} if where is not None else {}),
    )


def make_read_only_error(where: object = None) -> StorageReadOnly:
    """The refusal of a write to a folder or database that takes none; ``where``: which, for whoever runs it."""
    message = Message(
        "数据目录或数据库现在只能读取、不能写入，刚才的操作没有保存；查询和核验照常。"
        "请管理员检查磁盘的挂载状态和目录权限后再操作一次。"
    )
    return StorageReadOnly(message, **({"where": str(where)} if where is not None else {}))


def make_log_rollback_error(size: int, published: int) -> LogRolledBack:
    """The refusal over a database that holds fewer entries than were published, or than this process has read."""
    message = Message(
        "数据库只有{size}条日志，而已公布{published}条：数据库被回退或截断，现在不接受提案和审批，"
        "也不据此答复。"
        "请管理员用更新的备份恢复，或运行：registry restore 备份文件 --complete",
        size=size,
        published=published,
    )
    return LogRolledBack(message, entry=size + 1)


def find_storage_fault(error: BaseException, where: object = None) -> StorageFull | StorageReadOnly | None:
    """The fault of the disk (full or read-only) by the first OSError that caused ``error``; None for any other error.

    A folder that this account may not write to counts as read-only.
    """
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__cause__
    if cause is None:
        return None
    place = where or cause.filename
    if cause.errno in (errno.ENOSPC, errno.EDQUOT):
        return make_disk_full_error(place)
    return make_read_only_error(place) if cause.errno in (errno.EROFS, errno.EACCES, errno.EPERM) else None


def make_nesting_error() -> InvalidInput:
    """The refusal of JSON that is nested deeper than any request needs, or than a decoder follows."""
    return InvalidInput(Message("JSON 的括号嵌套过深，无法读取；请检查是否有多余的 [ 或 {。"))
