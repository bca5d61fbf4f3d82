"""Passwords: argon2id, rules against easy ones, and the same time taken whether or not a name exists.

zxcvbn estimates how easy a password is to guess: it carries the 30,000 commonest leaked ones and recognises what people
make of them (endings, doubling, @ for a, rows of keys, dates).
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from registry.accounts.hash_queue import HashingQueue
from registry.errors import InvalidInput
from registry.texts import Message

SHORTEST, LONGEST = 12, 200
#: Different characters a password must have at least.
_DIFFERENT = 6
#: Guesses that a password has to withstand at least, as a power of ten; years of them at the door: see docs/staff.md.
_GUESSES = 9
#: zxcvbn looks at so many characters; more make nothing worse.
_LOOKED_AT = 72
#: Words that somebody who guesses here tries first.
_OUR_WORDS = (
    *("registry", "register", "hospital", "fertility", "yiyuan", "weisheng", "weijianwei", "weishengju", "shengzhi"),
    *("minglu", "zhongguo", "china", "mima", "guanliyuan", "woaini", "woaizhongguo"),
    *("人类辅助生殖技术", "机构名录", "卫生健康"),
)
#: argon2id, with the library's current costs, but in one lane: it must not take every core from readers at once.
_hasher = PasswordHasher(parallelism=1)
_hashing = HashingQueue()


def hash_password(password: str) -> str:
    """Hash a password for storage."""
    return _hashing.run_task(None, lambda: _hasher.hash(password))


def verify_password(stored: str | None, password: str, name: str | None = None) -> bool:
    """Whether the password fits the stored hash; takes as long where there is none (None).

    ``name``: as typed by a stranger who wants to sign in, whose turn comes after others; Busy when that takes too long.
    """
    return _hashing.run_task(name, lambda: _verify_hash(stored, password))


def _verify_hash(stored: str | None, password: str) -> bool:
    try:
        return _hasher.verify(stored or _make_dummy_hash(), password[:LONGEST]) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def _make_dummy_hash() -> str:
    return _hasher.hash(secrets.token_hex())


def require_strong(password: str, name: str) -> None:
    """Raise InvalidInput for a password that is short, repeats itself, is common, or holds the account's name."""
    if len(password) < SHORTEST:
        raise InvalidInput(Message("密码太短：至少{shortest}个字符。", shortest=SHORTEST))
    if len(password) > LONGEST:
        raise InvalidInput(Message("密码太长：最多{longest}个字符。", longest=LONGEST))
    if len(set(password)) < _DIFFERENT or name.lower() in password.lower():
        raise InvalidInput(
            Message(
                "密码太容易猜：不得含账号名，至少{different}种不同的字符。几个互不相干的词连在一起就好。",
                different=_DIFFERENT,
            )
        )
    if _is_common(password, name):
        raise InvalidInput(
            Message(
                "密码太常见：它在泄露的密码里，或由其稍加改动而成（加数字、换符号、重复）。请换一个，"
                "几个互不相干的词连在一起就好。"
            )
        )


def _is_common(password: str, name: str) -> bool:
    """Whether few guesses find the password, whatever its case and width.

    >>> _is_common("Ｐ@ssw0rd2026!!", "editor"), _is_common("several unrelated words", "editor")
    (True, False)
    """
    from zxcvbn import zxcvbn  # its lists take a moment, and most processes never ask

    plain = unicodedata.normalize("NFKC", password).casefold()
    inputs = [*_OUR_WORDS, *filter(None, re.split(r"[._-]", name.lower()))]
    return float(zxcvbn(plain[:_LOOKED_AT], inputs)["guesses_log10"]) < _GUESSES
