"""A name for every request: in its answer (X-Request-Id) and in each line of the server's log that came of it."""

from __future__ import annotations

import itertools
import logging
import re
import secrets
from collections.abc import Iterable
from contextvars import ContextVar

HEADER = b"x-request-id"
#: What a proxy in front may call a request by; anything else is replaced, so that nobody writes into the log.
_GIVEN = re.compile(rb"[A-Za-z0-9._-]{8,64}")
#: Of this process, so that two never give the same; the requests of a process are counted.
_process, _number = secrets.token_hex(5).encode(), itertools.count(1)
_current: ContextVar[bytes | None] = ContextVar("request_id", default=None)


def start_request(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Give the request whose task this is its name, that of the proxy where there is one, and return it."""
    for name, value in headers:
        if name == HEADER and _GIVEN.fullmatch(value):
            break
    else:
        value = b"%b-%x" % (_process, next(_number))
    _current.set(value)
    return value


class RequestIdFilter(logging.Filter):
    """Adds the name of the request that a line of the log came of; other lines stay as they are."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record; it is always logged."""
        if (name := _current.get()) is not None:
            record.msg = f"{record.msg} [{name.decode()}]"
        return True
