"""Browsers known to an account: a signed cookie lets their owner past the waits that strangers caused.

After OWASP's "device cookies". The cookie opens nothing: its holder still shows password and second factor, and has a
few failures a day of its own. It is ``version.day.nonce.signature``; the signature binds it to the account and its
present password, so that a new password ends them all.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterable

from registry.accounts.vault import Vault
from registry.errors import SecretsKeyMissing

#: Days a browser is remembered after its last sign-in.
DAYS = 180
#: What the cookies of browsers are called; each account has its own, several people may share a machine.
PREFIX = "staff_device_"
_PURPOSE = "browsers known to an account"


def name_cookie(account: str) -> str:
    """The name of an account's cookie, which does not reveal the account's name."""
    return PREFIX + hashlib.sha256(account.encode()).hexdigest()[:12]


def make_cookie(vault: Vault, account: str, password: str) -> str | None:
    """Make the cookie of a browser that has just signed in completely; None where there is no key.

    ``password``: the stored hash.
    """
    head = f"1.{int(time.time() // 86_400)}.{secrets.token_hex(8)}"
    try:
        return f"{head}.{vault.sign_message(_PURPOSE, _make_message(head, account, password))}"
    except SecretsKeyMissing:
        return None


def find_device(vault: Vault, account: str, password: str, cookies: Iterable[str]) -> str:
    """The nonce of the first genuine cookie of this account among those a browser sent; "" when there is none."""
    today = int(time.time() // 86_400)
    for cookie in cookies:
        parts = cookie.split(".")
        if len(parts) != 4 or parts[0] != "1" or not (parts[1].isascii() and parts[1].isdigit()):
            continue
        head = ".".join(parts[:3])
        fresh = len(parts[1]) < 7 and today - DAYS <= int(parts[1])
        if fresh and vault.is_signed_message(_PURPOSE, _make_message(head, account, password), parts[3]):
            return parts[2]
    return ""


def _make_message(head: str, account: str, password: str) -> str:
    return f"{head}\n{account}\n{hashlib.sha256(password.encode()).hexdigest()}"
