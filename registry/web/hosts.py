"""Which hosts a register is reached by: what a request says in its Host header is never taken on trust.

No absolute link is made from that header in any case (decision 139); the list keeps answers of this register from
appearing under names of other people, and from being kept under them by caches.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

import msgspec

from registry.errors import WrongHost
from registry.settings import Settings

#: What says whether this process works, to machines that know only its address.
_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})


class HostList:
    """The names of one register; without a public address set, any: then nobody has said what its name is."""

    def __init__(self, settings: Settings) -> None:
        named = [one.strip() for one in settings.hosts.split(",") if one.strip()]
        self.any = "*" in named or settings.public_url == Settings().public_url
        self._address = settings.public_url
        self._names = {_name_of(urlsplit(settings.public_url).netloc), *map(_name_of, named)}

    def require(self, path: str, host: str) -> None:
        """WrongHost unless ``host``, as a Host header says it, is one of this register; its port may be any."""
        if self.any or path in _PROBES:
            return
        name = _name_of(host)
        if name not in self._names and not _is_this_machine(name):
            raise WrongHost(
                f"本名录的网址是 {self._address}，请求中的主机名不是它。",
                f"This register is at {self._address}; the request names another host.",
            )


def problem(error: WrongHost) -> bytes:
    """The problem document: both languages, since it comes before anything is read of what was asked."""
    return msgspec.json.encode(
        {
            "type": "about:blank",
            "title": "Misdirected Request",
            "status": 421,
            "detail": f"{error.zh} / {error.en}",
            "code": error.code,
        }
    )


def _name_of(host: str) -> str:
    """A host without its port, user and final dot, in lower case.

    >>> _name_of("Register.Example.:8443"), _name_of("[::1]:8000"), _name_of("user@register.example")
    ('register.example', '::1', 'register.example')
    """
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:  # brackets that hold no address
        return ""


def _is_this_machine(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
