"""What the programs of each department may do with a key of this register: no more than its work needs."""

from __future__ import annotations

from collections.abc import Iterable

from registry.clients.keys import Scope
from registry.domain import region_names, regions
from registry.errors import InvalidInput
from registry.measures.department_table import get_department
from registry.texts import FixedText, Listing, Message

_READERS: tuple[Scope, ...] = ("read", "verify")
#: Departments that need more than to look up and to verify.
_MORE: dict[str, tuple[Scope, ...]] = {
    "health": ("reconcile", "watch", "people", "metrics"),
    "market": ("reconcile", "watch"),
    "cyberspace": ("watch",),
    "telecom": ("watch",),
    "drug": ("reconcile",),
    "police": ("watch", "people"),
    "court": ("people",),
    "procuratorate": ("people",),
}


def list_scopes(department: str) -> tuple[Scope, ...]:
    """List the scopes that keys of a department may have; InvalidInput for a code that the table does not have.

    >>> list_scopes("telecom"), list_scopes("women")
    (('read', 'verify', 'watch'), ('read', 'verify'))
    """
    return (*_READERS, *_MORE.get(get_department(department).code, ()))


def choose_scopes(department: str, scopes: Iterable[str], region: str = "") -> frozenset[str]:
    """Return the scopes of a new key of a department: those named, or else all it may have; InvalidInput for others."""
    allowed, wanted = list_scopes(department), frozenset(scopes)
    named = get_department(department)
    if others := sorted(wanted - set(allowed)):
        raise InvalidInput(
            Message(
                "{department}的密钥没有“{others}”范围；可用：{allowed}。",
                department=FixedText(named.zh, named.en),
                others=Listing(others),
                allowed=Listing(allowed),
            )
        )
    if region and regions.find_region(region) is None:
        raise InvalidInput(region_names.describe_unclear_place(region), field="region")
    return wanted or frozenset(allowed)
