"""The second factor: codes of an authenticator (RFC 6238: SHA-1, 30 seconds, 6 digits), and recovery codes."""

from __future__ import annotations

import hashlib
import re
import secrets
import time

import pyotp
import sqlalchemy as sa

from registry.errors import Conflict, InvalidInput
from registry.tables import accounts, recovery_codes

#: Recovery codes of an account; each works once.
RECOVERY_CODES = 10
_STEP = 30  # seconds
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # nothing that looks like something else
_ISSUER = "ART Register"
_SECRET = re.compile("[A-Z2-7]{32}")


def new_secret() -> str:
    """A secret to share with an authenticator, base32."""
    return pyotp.random_base32()


def address(secret: str, account: str) -> str:
    """What the QR code holds that an authenticator scans."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=_ISSUER)


def step_of(secret: str, code: str, at: float | None = None) -> int | None:
    """The time step whose code this is, now or one step before or after; None for a wrong one.

    >>> step_of("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "000000", 1_700_000_000.0) is None
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


def enrol(connection: sa.Connection, account: str, secret: str, code: str) -> list[str] | None:
    """Set a secret up once somebody has shown a code of it; new recovery codes, or None for a wrong code.

    InvalidInput for what is no secret of ours; Conflict where the account has a second factor by now: whoever only
    knows the password cannot put another in its place.
    """
    if not _SECRET.fullmatch(secret):
        raise InvalidInput("密钥无效，请重新打开此页。", "This secret is not valid; open the page again.", field="code")
    step = step_of(secret, code)
    if step is None:
        return None
    told = {"second": secret, "second_step": step}
    without = sa.and_(accounts.c.name == account, accounts.c.second.is_(None))
    if not connection.execute(sa.update(accounts).where(without).values(**told)).rowcount:
        raise Conflict("此账号已设验证器，请重新登录。", "This account has an authenticator by now; sign in again.")
    return renew_recovery(connection, account)


def renew_recovery(connection: sa.Connection, account: str) -> list[str]:
    """New recovery codes in place of the old ones; shown once, kept as hashes."""
    codes = [
        "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(2)) for _ in range(RECOVERY_CODES)
    ]
    connection.execute(sa.delete(recovery_codes).where(recovery_codes.c.account == account))
    connection.execute(sa.insert(recovery_codes), [{"account": account, "digest": _digest(code)} for code in codes])
    return codes


def forget(connection: sa.Connection, account: str) -> None:
    """Take the second factor away: the next sign-in sets up another."""
    connection.execute(sa.delete(recovery_codes).where(recovery_codes.c.account == account))
    connection.execute(sa.update(accounts).where(accounts.c.name == account).values(second=None))


def accept(connection: sa.Connection, account: str, code: str) -> str | None:
    """Whether a code is right: "code" or "recovery"; None when it is not. Each code is accepted once."""
    row = connection.execute(
        sa.select(accounts.c.second, accounts.c.second_step).where(accounts.c.name == account)
    ).first()
    if row is None or row.second is None:
        return None
    step = step_of(row.second, code)
    if step is not None and step > row.second_step:
        # Compared again by the database: of two requests with the same code one is too late.
        newer = sa.and_(accounts.c.name == account, accounts.c.second_step < step)
        used = connection.execute(sa.update(accounts).where(newer).values(second_step=step))
        return "code" if used.rowcount else None
    unused = sa.and_(
        recovery_codes.c.account == account,
        recovery_codes.c.digest == _digest(code),
        recovery_codes.c.used_at.is_(None),
    )
    spent = connection.execute(sa.update(recovery_codes).where(unused).values(used_at=int(time.time() * 1000)))
    return "recovery" if spent.rowcount else None


def recovery_left(connection: sa.Connection, account: str) -> int:
    """How many recovery codes still work."""
    unused = sa.and_(recovery_codes.c.account == account, recovery_codes.c.used_at.is_(None))
    return int(connection.execute(sa.select(sa.func.count()).select_from(recovery_codes).where(unused)).scalar_one())


def _digest(code: str) -> bytes:
    """Of a recovery code as people type it: case and dashes do not matter. Its 50 bits of chance need no slow hash."""
    return hashlib.sha256("".join(c for c in code.lower() if c.isalnum()).encode()).digest()
