"""What it costs to hash a password in tests: little, but where that cost is the subject."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher

from registry.accounts import passwords

_PRODUCT, _CHEAP = passwords._hasher, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def hash_cheaply() -> None:
    """Let this process hash as cheaply as can be: a tenth of a second and 64 MiB for each account are a long time."""
    passwords._hasher = _CHEAP


@contextmanager
def the_products_hashing() -> Iterator[None]:
    """Hash inside as the product does; a server takes as long again for each try at such a password."""
    passwords._hasher = _PRODUCT
    try:
        yield
    finally:
        hash_cheaply()
