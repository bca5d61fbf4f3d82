"""The host names of a register: the Host header of a request is never trusted.

No absolute link is made from that header (decision 139); the list keeps answers of this register from appearing, and
from being cached, under the names of others.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from registry.errors import InvalidInput, WrongHost
from registry.settings import Settings
from registry.texts import Message

#: Read by machines that know only the address of this process.
_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
#: A name or address, and its port: a Host header by RFC 9110, without its empty port.
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(?::([0-9]{1,5}))?")


class HostList:
    """The names of one register; any name while no public address is set."""

    def __init__(self, settings: Settings) -> None:
        names = [host.strip() for host in settings.hosts.split(",") if host.strip()]
        self.any = "*" in names or settings.public_url == Settings().public_url
        self._address = settings.public_url
        self._names = {_parse_host_name(urlsplit(settings.public_url).netloc), *map(_parse_host_name, names)}

    def check_host(self, path: str, host: str) -> None:
        """Check a Host header: WrongHost unless it names this register (any port); InvalidInput where it is no host.

        The second holds at every path: no door could make an address of it.
        """
        if not self.any and path not in _PROBES:
            self._check_own_host(host)
        _check_host_syntax(host)

    def _check_own_host(self, host: str) -> None:
        name = _parse_host_name(host)
        if name not in self._names and not _is_this_machine(name):
            raise WrongHost(Message("本名录的网址是 {address}，请求中的主机名不是它。", address=self._address))


def _check_host_syntax(host: str) -> None:
    """Check that a Host header is a name or an address, perhaps with a port; InvalidInput otherwise.

    >>> for host in ("register.example:8443", "[::1]:8000", "127.0.0.1", ""):
    ...     _check_host_syntax(host)
    """
    match = _HOST.fullmatch(host)
    if match is None or int(match[2] or 0) > 65535 or not _is_ipv6(match[1] or "::"):
        raise InvalidInput(Message("请求的Host有误：须为主机名或地址，其后可有冒号和0至65535的端口。"))


def _is_ipv6(address: str) -> bool:
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        return False
    return True


def _parse_host_name(host: str) -> str:
    """Return a host without its port, user and final dot, in lower case.

    >>> [_parse_host_name(host) for host in ("Register.Example.:8443", "[::1]:8000", "user@register.example")]
    ['register.example', '::1', 'register.example']
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
