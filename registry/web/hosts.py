"""Which hosts a register is reached by: what a request says in its Host header is never taken on trust.

No absolute link is made from that header in any case (decision 139); the list keeps answers of this register from
appearing under names of other people, and from being kept under them by caches.
"""

from __future__ import annotations

import ipaddress
import re
from http import HTTPStatus
from urllib.parse import urlsplit

import msgspec

from registry.errors import InvalidInput, WrongHost
from registry.settings import Settings

#: What says whether this process works, to machines that know only its address.
_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
#: A name or address, and its port: what RFC 9110 has in a Host header, but for an empty port.
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(?::([0-9]{1,5}))?")


class HostList:
    """The names of one register; without a public address set, any: then nobody has said what its name is."""

    def __init__(self, settings: Settings) -> None:
        named = [one.strip() for one in settings.hosts.split(",") if one.strip()]
        self.any = "*" in named or settings.public_url == Settings().public_url
        self._address = settings.public_url
        self._names = {_parse_host_name(urlsplit(settings.public_url).netloc), *map(_parse_host_name, named)}

    def check_host(self, path: str, host: str) -> None:
        """WrongHost unless ``host``, as a Host header says it, is one of this register; its port may be any.

        InvalidInput where it is no host at all, at whichever path: no door could make an address of it.
        """
        if not self.any and path not in _PROBES:
            self._check_own_host(host)
        _check_host_syntax(host)

    def _check_own_host(self, host: str) -> None:
        name = _parse_host_name(host)
        if name not in self._names and not _is_this_machine(name):
            raise WrongHost(
                f"本名录的网址是 {self._address}，请求中的主机名不是它。",
                f"This register is at {self._address}; the request names another host.",
            )


def encode_problem(error: WrongHost | InvalidInput, status: int) -> bytes:
    """The problem document: both languages, since it comes before anything is read of what was asked."""
    return msgspec.json.encode(
        {
            "type": "about:blank",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "detail": f"{error.zh} / {error.en}",
            "code": error.code,
        }
    )


def _check_host_syntax(host: str) -> None:
    """InvalidInput unless a Host header says a name or an address, and after it nothing or a port.

    >>> for host in ("register.example:8443", "[::1]:8000", "127.0.0.1", ""):
    ...     _check_host_syntax(host)
    """
    found = _HOST.fullmatch(host)
    if found is None or int(found[2] or 0) > 65535 or not _is_ipv6(found[1] or "::"):
        raise InvalidInput(
            "请求的Host有误：须为主机名或地址，其后可有冒号和0至65535的端口。",
            "The Host of the request is malformed: it is a name or an address, perhaps with a colon and a port "
            "from 0 to 65535.",
        )


def _is_ipv6(address: str) -> bool:
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        return False
    return True


def _parse_host_name(host: str) -> str:
    """A host without its port, user and final dot, in lower case.

    >>> _parse_host_name("Register.Example.:8443"), _parse_host_name("[::1]:8000"), _parse_host_name("user@register.example")
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
