"""How fast passwords may be guessed: wrong ones cost time, never access.

The answer to a wrong password is delayed, the longer the more failures came from the address or named the account in
the last hour (``delay_failure``); the number of tries is limited by address and by account (``admit_attempt``). A right
password is answered at once, so that the owner gets in whatever others typed before.
"""

from __future__ import annotations

import re
import time

from registry.accounts.vault import Vault
from registry.errors import SecretsKeyMissing, TooManyRequests
from registry.storage.request_counts import Counts, to_network, to_whole_seconds
from registry.texts import Message

#: Passwords of one address that are looked at in SPAN seconds (more than 60 at once, and those that come again soon);
#: of one account as many, from all addresses together that failed already.
ATTEMPTS, SPAN = 80, 12
#: Failures in an hour that cost nothing; after them 1, 2, 4, 8 and at most LATEST seconds each.
FREE, LATEST = 3, 16
#: Failures in a day after which a browser that signed in before is one like any other.
OF_DEVICE = 5
_HOUR, _DAY = 3600, 86_400
_ACCOUNT = re.compile(r"[a-z][a-z0-9._-]{1,39}")


class Throttle:
    """Counts tries at signing in, for all processes of a machine together. Names are counted by a keyed hash."""

    def __init__(self, counts: Counts, vault: Vault) -> None:
        self._counts = counts
        self._vault = vault

    def admit_attempt(self, address: str, name: str) -> None:
        """Admit a try, or raise TooManyRequests. Reveals nothing about the account."""
        now, network = time.time(), to_network(address)
        remaining = self._counts.take_one(f"sign-in {network}", ATTEMPTS, SPAN, now)
        if remaining.is_admitted and self._counts.count_in_window(f"failed {network}", _HOUR, now) >= FREE:
            # Addresses that did not fail yet are let through: nobody can use this up for the owner, wherever they are.
            remaining = self._counts.take_one(f"sign-in {self._make_count_key(name)}", ATTEMPTS, SPAN, now)
        if not remaining.is_admitted:
            raise make_too_many_error(remaining.wait)

    def delay_failure(self, address: str, name: str) -> float:
        """Count a failure; return the seconds until it should be answered."""
        now = time.time()
        failures = 0
        for counter in (f"failed {to_network(address)}", f"failed {self._make_count_key(name)}"):
            self._counts.add_in_window(counter, _HOUR, now, 1)
            failures = max(failures, self._counts.count_in_window(counter, _HOUR, now))
        return 0.0 if failures <= FREE else float(min(2 ** (failures - FREE - 1), LATEST))

    def is_trusted_device(self, device: str) -> bool:
        """Whether a browser, known by its nonce, is exempt from the limits that others caused."""
        return bool(device) and self._counts.count_in_window(f"device {device}", _DAY, time.time()) < OF_DEVICE

    def count_device_failure(self, device: str) -> None:
        """Count a wrong password or code typed in a known browser."""
        if device:
            self._counts.add_in_window(f"device {device}", _DAY, time.time(), 1)

    def _make_count_key(self, name: str) -> str:
        """The key an account is counted under; all that is no account's name (a password, say) shares one key."""
        if not _ACCOUNT.fullmatch(name):
            return "account -"
        try:
            return f"account {self._vault.sign_message('counting by account', name)}"
        except SecretsKeyMissing:
            return f"account {name}"


def make_too_many_error(wait: float) -> TooManyRequests:
    """The refusal of whoever has to wait ``wait`` seconds."""
    seconds = to_whole_seconds(wait)
    return TooManyRequests(
        Message("尝试次数过多，请{seconds}秒后再试。在曾经登录过的浏览器中不受此限。", seconds=seconds),
        retry_after=seconds,
    )
