"""How old the state is that an answer rests on: two headers of every read, whichever door it comes from.

Not the standard ``Age``: that is how long a cache has held an answer, which caches set and add to themselves.
"""

from __future__ import annotations

from typing import Any, cast

from litestar.types import Scope

from registry.records.asof import format_instant
from registry.verification.view import VerificationView

#: Seconds since the register was last seen to be what is answered, and that instant (RFC 3339, UTC).
AGE, AT = "X-State-Age", "X-State-At"
#: What says nothing of the register's content, or is signed and dated by itself.
_NOT_READS = ("/static/", "/log/", "/staff", "/healthz", "/readyz", "/metrics", "/.well-known/")


def make_age_headers(scope: Scope) -> list[tuple[bytes, bytes]]:
    """The headers for the answer to a request; none before the register was first seen, or for what is no read."""
    app = cast("dict[str, Any]", scope).get("litestar_app")
    register = app.state.get("register") if app is not None else None
    if register is None or str(scope.get("path")).startswith(_NOT_READS):
        return []
    view: VerificationView = register.verification
    if (verified := view.last_check_time) is None:
        return []
    return [(_AGE, str(int(verified.get_age())).encode()), (_AT, format_instant(verified.at).encode())]


_AGE, _AT = AGE.lower().encode(), AT.lower().encode()
