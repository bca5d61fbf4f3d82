"""The second factor: codes of an authenticator (RFC 6238: SHA-1, 30 seconds, 6 digits), and recovery codes.

Secrets are stored sealed (``accounts.vault``), recovery codes as hashes: those work without the key.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time

import pyotp
import sqlalchemy as sa

from registry.accounts import get_now_ms
from registry.accounts.vault import Vault, is_sealed
from registry.errors import Conflict, InvalidInput, SecretsKeyMissing
from registry.storage.account_tables import passkeys
from registry.storage.tables import accounts, recovery_codes
from registry.texts import Message

#: Recovery codes of an account; each works once.
RECOVERY_CODES = 10
_STEP = 30  # seconds
#: Accepted codes of an account that are remembered, the last one included.
_REMEMBERED = 16
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # nothing that looks like something else
_ISSUER = "ART Register"
_SECRET = re.compile("[A-Z2-7]{32}")


def make_secret() -> str:
    """Make a base32 secret to share with an authenticator."""
    return pyotp.random_base32()


def make_setup_uri(secret: str, account: str) -> str:
    """Make the URI that an authenticator scans as a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=_ISSUER)


def find_step(secret: str, code: str, at: float | None = None) -> int | None:
    """The time step of a code, at most one step away from now; None for a wrong code.

    >>> find_step("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "000000", 1_700_000_000.0) is None
    True
    """
    digits = "".join(code.split())
    now = int((time.time() if at is None else at) // _STEP)
    totp = pyotp.TOTP(secret)
    if not (digits.isascii() and digits.isdigit() and len(digits) == 6):
        return None
    return next(
        (step for step in (now, now - 1, now + 1) if secrets.compare_digest(totp.at(step * _STEP), digits)), None
    )


def enrol_factor(connection: sa.Connection, vault: Vault, account: str, secret: str, code: str) -> list[str] | None:
    """Store a secret once a code of it was shown; return new recovery codes, or None for a wrong code.

    InvalidInput for a malformed secret; Conflict where the account has a second factor already, since a password alone
    must not replace it; SecretsKeyMissing.
    """
    if not _SECRET.fullmatch(secret):
        raise InvalidInput(Message("密钥无效，请重新打开此页。"), field="code")
    step = find_step(secret, code)
    if step is None:
        return None
    changes = {"second": vault.seal(account, secret), "second_step": step, "second_used": "", "activation": None}
    condition = sa.and_(accounts.c.name == account, accounts.c.second.is_(None))
    if not connection.execute(sa.update(accounts).where(condition).values(**changes)).rowcount:
        raise Conflict(Message("此账号已设验证器，请重新登录。"))
    return renew_recovery_codes(connection, account)


def renew_activation_code(connection: sa.Connection, account: str) -> str:
    """Make the code without which nobody can set up an authenticator for this account; it is stored as a hash."""
    code = _make_code()
    changes = {"activation": _hash_code(code)}
    connection.execute(sa.update(accounts).where(accounts.c.name == account).values(**changes))
    return code


def is_activation_code(connection: sa.Connection, account: str, code: str) -> bool:
    """Whether an authenticator may be set up: the account wants no code, or this one."""
    stored = connection.execute(sa.select(accounts.c.activation).where(accounts.c.name == account)).scalar()
    return stored is None or secrets.compare_digest(bytes(stored), _hash_code(code))


def renew_recovery_codes(connection: sa.Connection, account: str) -> list[str]:
    """Replace the recovery codes by new ones, which are shown once and stored as hashes."""
    codes = [_make_code() for _ in range(RECOVERY_CODES)]
    connection.execute(sa.delete(recovery_codes).where(recovery_codes.c.account == account))
    connection.execute(sa.insert(recovery_codes), [{"account": account, "digest": _hash_code(code)} for code in codes])
    return codes


def remove_factor(connection: sa.Connection, account: str) -> None:
    """Remove the authenticator, the passkeys and the recovery codes: the next sign-in sets up another authenticator."""
    connection.execute(sa.delete(recovery_codes).where(recovery_codes.c.account == account))
    present = sa.and_(passkeys.c.account == account, passkeys.c.removed_at.is_(None))
    connection.execute(sa.update(passkeys).where(present).values(removed_at=get_now_ms()))
    connection.execute(sa.update(accounts).where(accounts.c.name == account).values(second=None))


def accept_code(
    connection: sa.Connection, vault: Vault, account: str, code: str, at: float | None = None
) -> str | None:
    """Return how a code is right, "code" or "recovery"; None for a wrong one. Each code is accepted once.

    ``at``: seconds since 1970 (now). SecretsKeyMissing where an authenticator's secret cannot be decrypted.
    """
    row = connection.execute(
        sa.select(accounts.c.second, accounts.c.second_step, accounts.c.second_used).where(accounts.c.name == account)
    ).first()
    if row is None or row.second is None:
        return None
    if _spend_recovery_code(connection, account, code):
        return "recovery"
    at = time.time() if at is None else at
    step = find_step(vault.open(account, row.second), code, at)
    used = [*map(int, row.second_used.split()), row.second_step]
    if step is None or not _is_new_step(step, used, int(at // _STEP)):
        return None
    changes = {"second_step": step, "second_used": " ".join(map(str, used[1 - _REMEMBERED :]))}
    # Compared again by the database: of two requests with the same code one is too late.
    condition = sa.and_(
        accounts.c.name == account, accounts.c.second_step == row.second_step, accounts.c.second_used == row.second_used
    )
    return "code" if connection.execute(sa.update(accounts).where(condition).values(**changes)).rowcount else None


def _is_new_step(step: int, used: list[int], now: int) -> bool:
    """Whether the code of a step may be accepted after those of the steps ``used``: none twice, none older.

    Steps that lie further ahead of the clock than the tolerance were used while it was wrong: they stay refused, and
    later codes do not wait for them.

    >>> _is_new_step(101, [100], 100), _is_new_step(100, [100], 100), _is_new_step(99, [100], 100)
    (True, False, False)
    >>> _is_new_step(101, [100, 9000], 101), _is_new_step(100, [100, 9000], 101)
    (True, False)
    >>> _is_new_step(9000, [100, 9000, 101], 9000)
    False
    """
    return step not in used and all(step > used_step for used_step in used if used_step <= now + 1)


def _spend_recovery_code(connection: sa.Connection, account: str, code: str) -> bool:
    unused = sa.and_(
        recovery_codes.c.account == account,
        recovery_codes.c.digest == _hash_code(code),
        recovery_codes.c.used_at.is_(None),
    )
    spent = connection.execute(sa.update(recovery_codes).where(unused).values(used_at=get_now_ms()))
    return bool(spent.rowcount)


def seal_secrets(connection: sa.Connection, vault: Vault) -> int:
    """Seal every secret that the newest key has not sealed, also plain ones of earlier versions; return how many.

    SecretsKeyMissing where one was sealed with a key that is not here.
    """
    rows = connection.execute(sa.select(accounts.c.name, accounts.c.second).where(accounts.c.second.is_not(None)))
    sealed = 0
    for name, stored in rows.all():
        if is_sealed(stored) and vault.is_sealed_by_newest(stored):
            continue
        secret = vault.open(name, stored) if is_sealed(stored) else stored
        connection.execute(sa.update(accounts).where(accounts.c.name == name).values(second=vault.seal(name, secret)))
        sealed += 1
    return sealed


def list_lost_accounts(connection: sa.Connection, vault: Vault) -> list[str]:
    """The accounts whose secret was sealed with a key that is not here."""
    rows = connection.execute(sa.select(accounts.c.name, accounts.c.second).where(accounts.c.second.is_not(None)))
    return [name for name, stored in rows if is_sealed(stored) and not vault.can_open(stored)]


def require_key(connection: sa.Connection, vault: Vault) -> None:
    """Raise SecretsKeyMissing, with the number of accounts, unless every sealed secret can be opened here."""
    names = list_lost_accounts(connection, vault)
    if names:
        raise SecretsKeyMissing(
            Message(
                "验证器密钥不在本机（{vault_path}），{count}个账号只能用恢复码登录。请恢复密钥文件的副本；"
                "确已遗失则运行：registry user rekey --lost",
                vault_path=vault.path,
                count=len(names),
            )
        )


def count_recovery_codes(connection: sa.Connection, account: str) -> int:
    """Count the recovery codes that still work."""
    unused = sa.and_(recovery_codes.c.account == account, recovery_codes.c.used_at.is_(None))
    return int(connection.execute(sa.select(sa.func.count()).select_from(recovery_codes).where(unused)).scalar_one())


def _make_code() -> str:
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(2))


def _hash_code(code: str) -> bytes:
    """Hash a recovery or activation code as typed, without case and dashes. Its 50 random bits need no slow hash."""
    return hashlib.sha256("".join(c for c in code.lower() if c.isalnum()).encode()).digest()
