"""The HTTP statuses and headers of errors, from the table of ``registry.errors``, and the logging of failures.

Used by every door: the API, the workspace of the staff, the citizens' pages. A kind that is not in the table is
answered as its nearest ancestor.
"""

from __future__ import annotations

import logging
import threading
import time
from http import HTTPStatus

import msgspec
from litestar.exceptions import HTTPException, InternalServerException

from registry import errors
from registry.errors import STATUSES, RegistryError, find_nearest
from registry.texts import Message

#: Seconds until it is worth asking again, where the error itself does not say (``details['retry_after']``).
RETRY_AFTER: dict[type[RegistryError], int] = {
    errors.RegistryError: 60,
    errors.Busy: 5,
    errors.CannotRecord: 5,
    errors.CannotSign: 5,
}
CHALLENGES: dict[type[RegistryError], str] = {errors.InvalidKey: 'Bearer realm="registry"'}
#: Codes that programs get instead: nothing could be looked up (docs/api.md promises it), whatever broke.
PUBLISHED_CODES: dict[type[RegistryError], str] = {
    errors.DatabaseUnreachable: errors.CannotAnswer.code,
    errors.DatabaseDamaged: errors.CannotAnswer.code,
    errors.StateTooOld: errors.CannotAnswer.code,
}
#: Refusals of a write; who only reads gets the answer that nothing could be looked up.
WRITE_FAULTS = (
    errors.Busy,
    errors.StorageFull,
    errors.StorageReadOnly,
    errors.ClockWrong,
    errors.SigningKeyMissing,
    errors.SigningKeyForeign,
    errors.CheckpointForeign,
    errors.LogRolledBack,
)
#: Seconds in which the same failure is one line in the log, with how often it came since.
_LOG_EVERY = 10.0
#: The framework has no class of its own for this one.
DISCONNECT_DETAIL = "client disconnected prematurely"
_log = logging.getLogger("registry")


def recognise_error(error: BaseException) -> BaseException:
    """Return the error of the register behind an exception (a disk that is full or read-only), else the exception."""
    return error if isinstance(error, RegistryError) else errors.find_storage_fault(error) or error


def get_status(error: BaseException) -> int:
    """Return the HTTP status of any exception; 500 for what is unforeseen."""
    known = recognise_error(error)
    if isinstance(known, RegistryError):
        return find_nearest(type(known), STATUSES) or 500
    if isinstance(known, UnicodeDecodeError):  # a body that is JSON but for its encoding
        return 400
    return known.status_code if isinstance(known, HTTPException) else 500


def make_headers(error: BaseException) -> dict[str, str]:
    """Return the headers that go with the status: when to retry, how to send a key, what the framework adds."""
    known = recognise_error(error)
    if not isinstance(known, RegistryError):
        return dict(known.headers or {}) if isinstance(known, HTTPException) else {}
    headers: dict[str, str] = {}
    if "retry_after" in known.details or get_status(known) == 503:
        seconds = known.details.get("retry_after") or find_nearest(type(known), RETRY_AFTER) or 1
        headers["Retry-After"] = str(seconds)
    if challenge := find_nearest(type(known), CHALLENGES):
        headers["WWW-Authenticate"] = challenge
    return headers


def get_code(error: RegistryError) -> str:
    """Return the code that programs get; ``error.format_public_code`` is for whoever runs the register."""
    return find_nearest(type(error), PUBLISHED_CODES) or error.code


def encode_problem(status: int, code: str, message: Message) -> bytes:
    """Encode an RFC 9457 problem document in both languages, for answers given before a request is read."""
    title = HTTPStatus(status).phrase
    return msgspec.json.encode(
        {"type": "about:blank", "title": title, "status": status, "detail": message.to_bilingual(), "code": code}
    )


def is_client_disconnect(error: BaseException) -> bool:
    """Return whether a request failed only because its client went away before it was whole."""
    return isinstance(error, InternalServerException) and error.detail == DISCONNECT_DETAIL


class FailureLog:
    """Writes failures to the server's log: what has a code as one line, the unforeseen with its traceback.

    The same code comes as one line in ten seconds, however many ask: a log on a full disk must not fill it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: dict[str, tuple[float, int]] = {}

    def log_error(self, error: BaseException, where: str) -> None:
        """Log an exception that is answered with 500 or more; ``where`` names the page or operation."""
        known = recognise_error(error)
        if get_status(known) < 500 or is_client_disconnect(error):
            return
        if not isinstance(known, RegistryError):
            _log.error("unforeseen error at %s", where, exc_info=error)
            return
        count = self._count_since_last(known.code)
        if count:
            again = f" ({count} times)" if count > 1 else ""
            cause = ", ".join(f"{name} {value}" for name, value in known.details.items() if name in ("cause", "where"))
            _log.warning("%s at %s%s%s", known.code, where, f": {cause}" if cause else "", again)

    def _count_since_last(self, code: str) -> int:
        """Count a failure; return how many came since the last line of the log, 0 if it is too early for another."""
        now = time.monotonic()
        with self._lock:
            at, waiting = self._last.get(code, (0.0, 0))
            if at and now < at + _LOG_EVERY:
                self._last[code] = (at, waiting + 1)
                return 0
            self._last[code] = (now, 0)
            return waiting + 1


failures = FailureLog()
