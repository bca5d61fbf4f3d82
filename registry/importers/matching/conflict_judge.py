"""From what a list states to what it may state: what a decision keeps is taken out, unless a person takes the list."""

from collections.abc import Iterable
from typing import Any

import msgspec

from registry.domain.model import Source
from registry.domain.normalise import fold_text
from registry.importers.matching import conflicts
from registry.importers.matching.conflicts import Conflict, FindReason, ReadHistories
from registry.importers.matching.matches import DoubtfulPair, InstitutionMatch
from registry.importers.matching.namesakes import NamedRow, find_namesakes
from registry.importers.matching.register_side import RegisterInstitution, RegisterSide

Statement = dict[str, Any]
Taken = tuple[Conflict, ...]


class ConflictJudge:
    """Judges what a list states of one register; ``conflicts`` are all that were found, with what became of each."""

    def __init__(
        self, register: RegisterSide, source: Source, read_histories: ReadHistories, find_reason: FindReason
    ) -> None:
        self.register, self.source = register, source
        self.read_histories, self.find_reason = read_histories, find_reason
        self.conflicts: list[Conflict] = []

    def judge_matches(
        self, matches: dict[int, InstitutionMatch], doubts: Iterable[DoubtfulPair]
    ) -> dict[int, InstitutionMatch]:
        """The matches with what they may state; those left out for a conflict are not among them."""
        result = dict(matches)
        positions = {match.subject: position for position, match in matches.items()}
        differing = [match.subject for match in matches.values() if self._may_conflict(match)]
        for subject, entries in self.read_histories(differing):
            position = positions[subject]
            match = result[position]
            row = conflicts.Row(
                subject=subject,
                name=match.listed.name,
                address=match.listed.address,
                row=match.listed.row,
                statement=match.statement,
            )
            statement, taken = self._resolve(conflicts.judge_row(row, entries, self.register.sources, self.source))
            result[position] = msgspec.structs.replace(match, statement=statement, taken=taken)
        self._judge_names(result, doubts)
        return result

    def _may_conflict(self, match: InstitutionMatch) -> bool:
        """Whether anything differs, or something is recorded that was stopped: only then the history is read."""
        if match.known is None:
            return False
        values, day = match.known.values, self.source.as_of
        return any(values.get(path) != value for path, value in match.statement.items()) or any(
            conflicts.is_stopped(value, day) for path, value in values.items() if path.startswith("approvals.")
        )

    def _judge_names(self, matches: dict[int, InstitutionMatch], doubts: Iterable[DoubtfulPair]) -> None:
        """Leave out new rows, and new names, that are those of an institution that was stopped."""
        known = {one.subject: one for one in (*self.register.listed, *self.register.others)}
        doubtful: dict[int, set[str]] = {}
        for doubt in doubts:
            doubtful.setdefault(id(doubt.listed), set()).add(doubt.known.subject)
        rows = [
            _make_named_row(position, match, frozenset(doubtful.get(id(match.listed), ())))
            for position, match in matches.items()
        ]
        for row, found in find_namesakes(
            [row for row in rows if row.names], known, self.read_histories, self.register.sources, self.source
        ):
            match = matches[row.position]
            conflict = self._note(found)
            if conflict.reason is not None:
                matches[row.position] = msgspec.structs.replace(match, taken=(*match.taken, conflict))
            elif match.known is None:
                del matches[row.position]
            else:
                remaining = {path: value for path, value in match.statement.items() if path not in conflict.paths}
                matches[row.position] = msgspec.structs.replace(match, statement=remaining)

    def judge_endings(
        self, gone: Iterable[RegisterInstitution], endings: dict[str, Statement]
    ) -> dict[str, tuple[Statement, Taken]]:
        """What ends of each institution that left, and the conflicts in which a person takes the list.

        Where a decision keeps something of an institution that would leave, that is one conflict about its status.
        """
        by_subject = {institution.subject: institution for institution in gone}
        result: dict[str, tuple[Statement, Taken]] = {}
        for subject, entries in self.read_histories(list(endings)):
            values, ending = by_subject[subject].values, endings[subject]
            row = conflicts.Row(
                subject=subject, name=values["name"], address=values["address"], row=None, statement=ending
            )
            judgement = conflicts.judge_row(row, entries, self.register.sources, self.source)
            result[subject] = self._resolve(conflicts.merge_endings(judgement, row))
        return result

    def _resolve(self, judgement: conflicts.Judgement) -> tuple[Statement, Taken]:
        """What a row states after all, and the conflicts in which a person takes the list."""
        statement, noted = dict(judgement.statement), [self._note(conflict) for conflict in judgement.conflicts]
        taken = tuple(conflict for conflict in noted if conflict.reason is not None)
        for conflict in taken:
            statement |= conflict.paths
        return statement, taken

    def _note(self, conflict: Conflict) -> Conflict:
        conflict = msgspec.structs.replace(conflict, reason=self.find_reason(conflict))
        self.conflicts.append(conflict)
        return conflict


def _make_named_row(position: int, match: InstitutionMatch, doubts: frozenset[str]) -> NamedRow:
    """A row with those of its names that its institution does not have yet."""
    listed, statement = match.listed, match.statement
    printed = [listed.name, *listed.aliases] if "name" in statement else []
    own = {fold_text(name) for name in match.known.names} if match.known else set()
    if match.known is not None:
        statement = {path: statement[path] for path in conflicts.list_name_paths() if path in statement}
    return NamedRow(
        position=position,
        subject=match.subject,
        name=listed.name,
        names=tuple(name for name in printed if fold_text(name) not in own),
        address=listed.address,
        province=(listed.region or "")[:2],
        row=listed.row,
        is_new=match.known is None,
        statement=statement,
        doubts=doubts,
    )
