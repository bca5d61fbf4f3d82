"""Who comes next where passwords are hashed one by one, and that the line has an end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from registry.accounts import passwords
from registry.accounts.passwords import HashingQueue
from registry.errors import Busy
from tests.running import eventually


class Waiting(list):
    """Who waits, and how many ever did."""

    joined = 0

    def append(self, one: object) -> None:
        super().append(one)
        self.joined += 1


class Line:
    """A thread that hashes, kept at work until ``go``; notes who was served in which order."""

    def __init__(self, **told: float) -> None:
        self.hashing = HashingQueue(**told)  # type: ignore[arg-type]
        self._waiting = self.hashing._waiting = Waiting()
        self.served: list[str] = []
        self._go, begun = threading.Event(), threading.Event()
        self._pool = ThreadPoolExecutor(20)
        self.ask(None, lambda: begun.set() or bool(self._go.wait(60)))
        assert begun.wait(30)

    def ask(self, name: str | None, task: Callable[[], bool]) -> Future[bool]:
        """Have it done; the next one who asks stands behind."""
        before = self._waiting.joined
        future = self._pool.submit(self.hashing.run_task, name, task)
        assert eventually(lambda: self._waiting.joined > before, every=0.001)
        return future

    def wrong(self, name: str | None, said: str = "") -> Future[bool]:
        """A wrong password under a name."""
        return self.ask(name, lambda: self.served.append(said or name or "-") is not None)

    def go(self) -> None:
        """Let the line move until everybody was served or sent away."""
        self._go.set()
        self._pool.shutdown()


@contextmanager
def a_line(**told: float) -> Iterator[Line]:
    line = Line(**told)
    try:
        yield line
    finally:
        line.go()


def test_whoever_is_known_comes_first_then_the_newest_of_those_who_tried_as_often() -> None:
    with a_line() as line:
        for name in ("one", "two", None, "three"):
            line.wrong(name)
    assert line.served == ["-", "three", "two", "one"]


def test_tries_under_a_name_stand_in_the_way_of_that_name_only() -> None:
    with a_line() as line:
        line.wrong("owner")
        for number in range(5):
            line.wrong("guessed", f"guess {number}")
    assert line.served[0] == "owner"


def test_a_right_password_makes_the_tries_before_it_forgotten() -> None:
    hashing = HashingQueue()
    for right in (False, False, True):
        hashing.run_task("owner", lambda: right)  # noqa: B023 - called at once
    assert not hashing._tried


def test_the_line_has_an_end_and_whoever_waits_too_long_is_told_to_come_again() -> None:
    with a_line(waiting=2, patience=0.5) as line:
        waiting = [line.wrong(name) for name in ("one", "two", "three")]
        for one in waiting:
            with pytest.raises(Busy) as refused:
                one.result(30)
            assert refused.value.details["retry_after"] == 10
    assert line.served == []  # nobody is hashed for who has gone away


def test_where_the_line_is_full_whoever_would_come_last_goes_and_not_the_owner() -> None:
    with a_line(waiting=3) as line:
        guesses = [line.wrong("guessed", f"guess {number}") for number in range(3)]
        owner = line.wrong("owner")
        with pytest.raises(Busy):
            guesses[0].result(30)  # the one that waited longest under the name that was tried most
        assert not owner.done()
    assert line.served == ["owner", "guess 2", "guess 1"]


def test_what_goes_wrong_in_the_thread_is_said_to_whoever_asked_and_the_next_is_served() -> None:
    hashing = HashingQueue()
    with pytest.raises(ZeroDivisionError):
        hashing.run_task(None, lambda: 1 // 0)
    assert hashing.run_task(None, lambda: 7) == 7


def test_a_password_hashed_before_the_costs_were_split_still_fits() -> None:
    before = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$A9CMYpdlNbnPW7O8ckk3RY6xYef42vnotdD2gFDW50E"
    assert passwords.verify_password(before, "correct horse battery")
    assert not passwords.verify_password(before, "correct horse battery staple")
