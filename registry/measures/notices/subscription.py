"""A subscription: who hears of which changes, by which way, and how far it has been told."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from typing import Annotated, Literal, get_args
from urllib.parse import urlsplit

import msgspec

from registry.clients.watches import WatchPosition
from registry.domain import regions
from registry.domain.answers import Claim, Provider
from registry.domain.identifiers import parse_code
from registry.domain.model import Kind, Struct
from registry.errors import InvalidInput
from registry.texts import Message

#: hook: a signed POST; atom: a feed; mail: a letter for many changes.
Channel = Literal["hook", "atom", "mail"]
#: paused: by its owner, or because its target did not answer for days; its position stays where it is.
State = Literal["active", "paused"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)
#: What of each a subscription may name, and how many subscriptions an owner may have.
MOST_NAMED, MOST_SUBSCRIPTIONS = 200, 50
_MAIL = re.compile(r"[^@\s<>,;:\"\\]{1,64}@[A-Za-z0-9.-]{1,190}\.[A-Za-z0-9-]{2,60}")
_Word = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
_Words = Annotated[list[_Word], msgspec.Meta(max_length=MOST_NAMED)]


class NoticeChoice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is watched.

    Entries of the log are told that are about one of ``institutions`` (codes) or in one of ``regions`` (all below it
    included), and of one of ``kinds``; what is empty chooses nothing out. For each of ``names`` and ``domains`` the
    answer to the question about it is watched, and with ``watch_list`` every claim on the client's watch list.
    """

    institutions: _Words = []
    regions: _Words = []
    kinds: Annotated[list[Kind], msgspec.Meta(max_length=20)] = []
    names: _Words = []
    domains: _Words = []
    watch_list: bool = False

    @property
    def has_entries(self) -> bool:
        """Whether entries of the log are watched."""
        return bool(self.institutions or self.regions or self.kinds)

    def make_claims(self) -> list[Claim]:
        """Make the claims whose answers are watched."""
        providers = [*(Provider(name=name) for name in self.names), *(Provider(domain=one) for one in self.domains)]
        return [Claim(provider=provider) for provider in providers]


class Target(Struct, frozen=True):
    """Where notices go: an address of the web, or of mail; nothing for a feed, which is fetched."""

    channel: Channel
    address: str = ""
    lang: Literal["zh-CN", "en"] = "zh-CN"


class Subscription(Struct, frozen=True):
    """A subscription as it stands. Instants are milliseconds since 1970.

    ``owner``: ``client:NAME`` or ``staff:NAME``. ``round``: how often it was set back. ``attempts``: failures since the
    last success. ``delivered``: the last entry of the log that was told.
    """

    id: int
    owner: str
    target: Target
    choice: NoticeChoice
    salt: str
    state: State
    position: WatchPosition
    round: int
    attempts: int
    next_try: int
    failing_since: int | None
    last_error: str
    delivered: int
    delivered_at: int | None
    created_at: int

    @property
    def watcher(self) -> str:
        """The name under which the watch list holds its own claims; no client can have it."""
        return f"notices/{self.id}"

    @property
    def client(self) -> str | None:
        """The client that owns it; None for one of the staff."""
        kind, _, name = self.owner.partition(":")
        return name if kind == "client" else None


def check_choice(choice: NoticeChoice, *, has_watch_list: bool) -> NoticeChoice:
    """Return a choice with its codes as they are compared; InvalidInput, InvalidCode for what cannot be watched."""
    if not (choice.has_entries or choice.names or choice.domains or choice.watch_list):
        raise InvalidInput(Message("请至少选择一项要关注的内容。"), field="choice")
    if choice.watch_list and not has_watch_list:
        raise InvalidInput(Message("只有接口密钥的单位才有关注清单。"), field="choice")
    for region in choice.regions:
        if regions.find_region(region) is None:
            raise InvalidInput(Message("没有行政区划代码“{region}”。", region=region[:20]), field="regions")
    institutions = [parse_code(code) for code in choice.institutions]
    return msgspec.structs.replace(choice, institutions=institutions)


def check_target(target: Target, *, may_be_private: bool) -> None:
    """Raise InvalidInput for an address to which nothing may be sent. Names are looked up when something is sent."""
    if target.channel == "mail" and not _MAIL.fullmatch(target.address):
        raise InvalidInput(Message("“{address}”不是电子邮箱地址。", address=target.address[:80]), field="address")
    if target.channel == "atom" and target.address:
        raise InvalidInput(Message("订阅源由阅读器来取，不填地址。"), field="address")
    if target.channel == "hook":
        _check_hook(target.address, may_be_private)


def _check_hook(address: str, may_be_private: bool) -> None:
    parts = urlsplit(address)
    try:
        is_usable = bool(parts.hostname) and parts.username is None and parts.password is None and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable or len(address) > 500 or parts.fragment or not address.isascii() or " " in address:
        raise InvalidInput(Message("“{address}”不是可用的网址。", address=address[:80]), field="address")
    if parts.scheme != "https" and not (may_be_private and parts.scheme == "http"):
        raise InvalidInput(Message("网址须以 https:// 开头。"), field="address")
    if not may_be_private and not is_public_host(parts.hostname or ""):
        raise InvalidInput(Message("不向内部网络的地址发送：{address}", address=address[:80]), field="address")


def is_public_host(host: str) -> bool:
    """Whether a host may be sent to as far as its writing says: a name, unless it is local, or a public address.

    >>> [is_public_host(one) for one in ("hooks.example", "localhost", "127.0.0.1", "[::1]", "2130706433", "1.1.1.1")]
    [True, False, False, False, False, True]
    """
    bare = host.strip("[]").rstrip(".").lower()
    try:
        return is_public_address(bare)
    except ValueError:
        pass
    last = bare.rpartition(".")[2]
    is_number = last.isdigit() or last.startswith("0x")  # 127.1, 2130706433, 0x7f000001: addresses in disguise
    return not (is_number or "." not in bare or last in ("localhost", "local", "internal", "lan", "home", "arpa"))


def is_public_address(text: str) -> bool:
    """Whether an IP address is one of the public internet, also where it holds another in it; ValueError if it is none.

    >>> [is_public_address(one) for one in ("8.8.8.8", "10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "fe80::1")]
    [True, False, False, False, False]
    >>> [is_public_address(one) for one in ("64:ff9b::a00:1", "2002:7f00:1::", "100.64.0.1", "224.0.0.1", "0.0.0.0")]
    [False, False, False, False, False]
    """
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if address in ipaddress.ip_network("64:ff9b::/96") or address in ipaddress.ip_network("64:ff9b:1::/48"):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public_address(str(inner))
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


class Progress(Struct, frozen=True):
    """How far a subscription is: for its page and the API."""

    delivered: int
    delivered_at: dt.datetime | None
    pending: int
    attempts: int
    last_error: str
    next_try: dt.datetime | None
