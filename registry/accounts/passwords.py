"""Passwords: argon2id, rules against easy ones, and the same time taken whether or not a name exists.

zxcvbn estimates how easy a password is to guess: it carries the 30,000 commonest leaked ones and recognises what people
make of them (endings, doubling, @ for a, rows of keys, dates). Passwords are hashed one at a time, in one thread
(``HashingQueue``).
"""

from __future__ import annotations

import os
import re
import secrets
import sys
import threading
import time
import unicodedata
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TookLong
from functools import cache
from typing import Any, NamedTuple, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from registry.errors import Busy, InvalidInput
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


_T = TypeVar("_T")
#: How many may wait at once, and seconds after which a waiting sign-in is refused.
WAITING, PATIENCE = 64, 4.5
#: Seconds for which a failed try under a name counts against the next one, and how many tries are counted.
REMEMBERED, _TRIES = 60.0, 10_000
#: How much less than a reader the thread may claim of a busy core: see setpriority(2).
_NICE = 2


class _QueuedTask(NamedTuple):
    name: str | None
    task: Callable[[], Any]
    future: Future[Any]


class HashingQueue:
    """Runs hashing tasks one by one; may be called from any thread.

    A hash takes a tenth of a second and 64 MiB on purpose, and anybody may cause one by trying to sign in. So there is
    one at a time, in a thread of lower priority than every reader's, and the queue has a limit.
    Tasks without a name (a signed-in browser, a shell) come first. Of sign-ins the name with the fewest failed tries
    lately comes first; among equals the newest, since who waits longest has most likely gone away. So a flood of wrong
    passwords delays itself and not another name. When the queue is too long the task that would come last is refused.
    """

    def __init__(self, waiting: int = WAITING, patience: float = PATIENCE) -> None:
        self._limit, self._patience = waiting, patience
        self._changed = threading.Condition()
        self._waiting: list[_QueuedTask] = []
        self._tried: deque[tuple[float, str]] = deque(maxlen=_TRIES)
        self._thread: threading.Thread | None = None

    def run_task(self, name: str | None, task: Callable[[], _T]) -> _T:
        """Run ``task`` in the thread and return its result; Busy when the queue is full or its turn does not come in
        time.

        ``name``: as typed by somebody who wants to sign in; a result of True then means a right password.
        """
        future: Future[_T] = Future()
        queued = _QueuedTask(name, task, future)
        with self._changed:
            if name is not None:
                self._tried.append((time.monotonic(), name))
            self._waiting.append(queued)
            if name is not None and len(self._waiting) > self._limit:
                self._take_at(-1).future.set_exception(_make_busy_error())
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run_tasks, name="hashing", daemon=True)
                self._thread.start()
            self._changed.notify()
        try:
            return future.result(timeout=self._patience if name is not None else None)
        except TookLong as error:
            with self._changed:
                has_begun = queued not in self._waiting
                if not has_begun:
                    self._waiting.remove(queued)
            if has_begun:
                return future.result()
            raise _make_busy_error() from error

    def _run_tasks(self) -> None:
        if sys.platform == "linux":  # which counts by thread
            me = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, me, min(19, os.getpriority(os.PRIO_PROCESS, me) + _NICE))
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                queued = self._take_next()
            try:
                result = queued.task()
            except BaseException as error:
                queued.future.set_exception(error)
                continue
            if result is True and queued.name is not None:
                self._forget_tries(queued.name)
            queued.future.set_result(result)

    def _take_next(self) -> _QueuedTask:
        """Take the task whose turn it is out of the queue."""
        while self._tried and self._tried[0][0] < time.monotonic() - REMEMBERED:
            self._tried.popleft()
        return self._take_at(0)

    def _take_at(self, position: int) -> _QueuedTask:
        """Take a task out of the queue by the order of turns (0: the first, -1: the last)."""
        tried = Counter(name for _, name in self._tried)
        rank = [
            (-1, 0) if queued.name is None else (tried[queued.name], -place)
            for place, queued in enumerate(self._waiting)
        ]
        return self._waiting.pop(rank.index(sorted(rank)[position]))

    def _forget_tries(self, name: str) -> None:
        with self._changed:
            self._tried = deque((attempt for attempt in self._tried if attempt[1] != name), maxlen=_TRIES)


def _make_busy_error() -> Busy:
    return Busy(Message("此刻登录的人太多，没有核对密码，也不计为失败；请10秒后再试。"), retry_after=10)


#: argon2id, with the library's current costs, but in one lane: it must not take every core from readers at once.
_hasher = PasswordHasher(parallelism=1)
_hashing = HashingQueue()
