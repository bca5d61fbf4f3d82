"""The watch lists of one running register."""

from __future__ import annotations

from registry.clients import watches
from registry.clients.watches import Found, Place, State, Watch
from registry.database import Database
from registry.errors import InvalidInput
from registry.model import Answer, Claim
from registry.verification.answer import answer, moment
from registry.verification.view import VerificationView


class WatchLists:
    """What clients watch, and what of it has changed. Every method may be called from any thread."""

    def __init__(self, database: Database, view: VerificationView) -> None:
        self._database = database
        self._view = view

    def add(self, client: str, claims: list[Claim], lang: str = "zh-CN") -> tuple[list[tuple[int, Answer]], State]:
        """Watch claims from now on: each one's number and answer, in order; and where changes begin.

        InvalidInput names the first claim that cannot be watched; then none is.
        """
        at = moment(self._view)
        state = State(size=at.size, day=at.day)
        answers = []
        for number, claim in enumerate(claims, start=1):
            try:
                watches.require_watchable(claim)
                answers.append(answer(self._view, claim, lang, at))
            except InvalidInput as error:
                raise InvalidInput(f"第{number}条：{error.zh}", f"Claim {number}: {error.en}") from error
        with self._database.writing() as connection:
            numbers = watches.add(connection, client, claims, state)
        return list(zip(numbers, answers, strict=True)), state

    def listed(self, client: str, after: int, limit: int) -> tuple[list[Watch], int]:
        """A client's watches after a number, and how many there are in all."""
        with self._database.reading() as connection:
            return watches.listed(connection, client, after, limit), watches.count(connection, client)

    def remove(self, client: str, number: int) -> None:
        """Watch no more; NotFound."""
        with self._database.writing() as connection:
            watches.remove(connection, client, number)

    def changes(self, client: str, place: Place, lang: str = "zh-CN") -> Found:
        """Which answers differ between a place and now; InvalidInput for a place that never was."""
        with self._database.reading() as connection:
            return watches.changed(connection, self._view, client, place, lang)
