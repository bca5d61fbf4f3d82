"""The watch lists of one running register."""

from __future__ import annotations

from registry.clients import watches
from registry.clients.watches import Watch, WatchChangePage, WatchPosition, WatchState
from registry.domain.model import Answer, Claim
from registry.errors import InvalidInput
from registry.storage.database import Database
from registry.verification.answer import answer_claim, take_moment
from registry.verification.view import VerificationView


class WatchLists:
    """What clients watch, and what of it has changed. Every method may be called from any thread."""

    def __init__(self, database: Database, view: VerificationView) -> None:
        self._database = database
        self._view = view

    def add_watches(
        self, client: str, claims: list[Claim], lang: str = "zh-CN"
    ) -> tuple[list[tuple[int, Answer]], WatchState]:
        """Watch claims from now on: each one's number and answer, in order; and where changes begin.

        InvalidInput names the first claim that cannot be watched; then none is.
        """
        at = take_moment(self._view)
        state = WatchState(size=at.size, day=at.day)
        answers = []
        for number, claim in enumerate(claims, start=1):
            try:
                watches.require_watchable(claim)
                answers.append(answer_claim(self._view, claim, lang, at))
            except InvalidInput as error:
                raise InvalidInput(f"第{number}条：{error.zh}", f"Claim {number}: {error.en}") from error
        with self._database.writing() as connection:
            numbers = watches.add_watches(connection, client, claims, state)
        return list(zip(numbers, answers, strict=True)), state

    def list_watches(self, client: str, after: int, limit: int) -> tuple[list[Watch], int]:
        """A client's watches after a number, and how many there are in all."""
        with self._database.reading() as connection:
            return watches.list_watches(connection, client, after, limit), watches.count_watches(connection, client)

    def remove_watch(self, client: str, number: int) -> None:
        """Watch no more; NotFound."""
        with self._database.writing() as connection:
            watches.remove_watch(connection, client, number)

    def find_changes(self, client: str, place: WatchPosition, lang: str = "zh-CN") -> WatchChangePage:
        """Which answers differ between a place and now; InvalidInput for a place that never was."""
        with self._database.reading() as connection:
            return watches.find_changes(connection, self._view, client, place, lang)
