"""The age of the state that an answer rests on: two headers of every read, at every door.

Not the standard ``Age``, which is how long a cache has held an answer.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Any, cast

from litestar.types import Scope

from registry.records.asof import format_instant
from registry.verification.view import VerificationView

#: Seconds since the register was last seen to be what is answered, and that instant (RFC 3339, UTC).
AGE, AT = "X-State-Age", "X-State-At"
_AGE, _AT = AGE.lower().encode(), AT.lower().encode()
#: Paths that tell nothing of the register's content, or are signed and dated by themselves.
_NOT_READS = ("/static/", "/log/", "/staff", "/healthz", "/readyz", "/metrics", "/.well-known/")


def make_age_headers(scope: Scope) -> list[tuple[bytes, bytes]]:
    """Return the headers for an answer; none before the first check of the log, and for what is no read."""
    app = cast("dict[str, Any]", scope).get("litestar_app")
    register = app.state.get("register") if app is not None else None
    if register is None or scope["path"].startswith(_NOT_READS):
        return []
    view: VerificationView = register.verification
    if (check := view.last_check_time) is None:
        return []
    return [(_AGE, b"%d" % check.get_age()), (_AT, _encode_instant(check.at))]


@lru_cache(maxsize=8)
def _encode_instant(instant: dt.datetime) -> bytes:
    return format_instant(instant).encode()
