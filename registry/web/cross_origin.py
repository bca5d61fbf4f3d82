"""Which answers scripts of other sites may read: what is public, without a cookie; never the workspace or a page.

litestar's own way is one rule for the whole application, which would hand pages of the staff to any site that asks.
"""

from __future__ import annotations

#: Reads for programs: the API, reconciliation, the published log, the keys.
_SHARED = ("/api/", "/reconcile/", "/log/", "/.well-known/", "/status-lists/")
_SHARED_WHOLE = frozenset({"/reconcile"})
_LIMITS = "RateLimit, RateLimit-Policy, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset"
_ANYBODY = (b"access-control-allow-origin", b"*")
_READABLE = (b"access-control-expose-headers", f"ETag, Retry-After, X-State-Age, X-State-At, {_LIMITS}".encode())
#: What a browser is told that asks first; it asks again after ten minutes.
PREFLIGHT: list[tuple[bytes, bytes]] = [
    _ANYBODY,
    (b"access-control-allow-methods", b"GET, HEAD, POST, DELETE"),
    (
        b"access-control-allow-headers",
        b"accept, accept-language, authorization, content-type, if-none-match, x-api-key",
    ),
    (b"access-control-max-age", b"600"),
    (b"vary", b"Origin"),
]
SHARED: list[tuple[bytes, bytes]] = [_ANYBODY, _READABLE]


def is_shared(path: str) -> bool:
    """Whether scripts of other sites may read what is at a path."""
    return path.startswith(_SHARED) or path in _SHARED_WHOLE


def is_preflight(method: str, headers: dict[bytes, bytes]) -> bool:
    """Whether a browser asks if a script of another site may send something."""
    return method == "OPTIONS" and b"origin" in headers and b"access-control-request-method" in headers
