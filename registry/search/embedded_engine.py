"""The embedded engine: an index of tokens in the register's own database, updated inside the append transaction.

FTS5 in SQLite's file; on PostgreSQL the same tokens as a tsvector under a GIN index. Both are asked alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import msgspec
import sqlalchemy as sa

from registry.domain.model import Entry
from registry.search import documents
from registry.search.contract import Expression, FetchResult, SearchDocument
from registry.search.token_index import delete_tokens, get_renderer, get_token_table, index_tokens, read_matches
from registry.search.tokens import list_tokens
from registry.storage.tables import search_documents

_json = msgspec.json.Encoder()
_documents = msgspec.json.Decoder(SearchDocument)


class SearchView:
    """Name, apply, reset: see log.follow. Follows the records view, which is applied before it."""

    name = "search"

    def apply(self, connection: sa.Connection, entries: list[Entry]) -> None:
        """Index anew every institution the entries speak of."""
        subjects = list(dict.fromkeys(e.subject for e in entries if e.change.kind == "institution"))
        if not subjects:
            return
        stored = {row.subject: row for row in connection.execute(_select_documents(subjects))}
        bodies = {
            document.subject: _json.encode(document) for document in documents.build_documents(connection, subjects)
        }
        changed = {s: body for s, body in bodies.items() if s not in stored or bytes(stored[s].body) != body}
        gone = [row for subject, row in stored.items() if subject in changed or subject not in bodies]
        removed = [(row.id, _join_tokens(bytes(row.body))) for row in gone]
        if unsaid := set(stored) - set(bodies):
            connection.execute(sa.delete(search_documents).where(search_documents.c.subject.in_(unsaid)))
        if fresh := [{"subject": s, "body": body} for s, body in changed.items() if s not in stored]:
            connection.execute(sa.insert(search_documents), fresh)
        if known := [{"s": s, "b": body} for s, body in changed.items() if s in stored]:
            statement = sa.update(search_documents).where(search_documents.c.subject == sa.bindparam("s"))
            connection.execute(statement.values(body=sa.bindparam("b")), known)
        numbers = {row.subject: row.id for row in connection.execute(_select_documents(list(changed)))}
        index_tokens(connection, removed, [(numbers[s], _join_tokens(body)) for s, body in changed.items()])

    def reset(self, connection: sa.Connection) -> None:
        """Forget everything."""
        connection.execute(sa.delete(search_documents))
        delete_tokens(connection)


def _select_documents(subjects: list[str]) -> sa.Select[tuple[int, str, bytes]]:
    return sa.select(search_documents).where(search_documents.c.subject.in_(subjects))


def _join_tokens(body: bytes) -> str:
    return " ".join(decode_tokens(body))


def decode_tokens(body: bytes) -> list[str]:
    """The tokens of a stored document."""
    return list_tokens(_documents.decode(body))


class EmbeddedEngine:
    """The engine over one connection: it sees the same snapshot as the records read beside it."""

    name = "embedded"

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def fetch(self, expressions: Sequence[Expression], limit: int) -> list[FetchResult]:
        """For each expression at most ``limit`` of its documents, in the order in which they came to the register."""
        bodies: list[list[SearchDocument]] = [[] for _ in expressions]
        for n, body in read_matches(self._connection, expressions, limit + 1):
            bodies[n].append(_decoded(body))
        return [FetchResult(documents=found[:limit], complete=len(found) <= limit) for found in bodies]


def select_matches(connection: sa.Connection, expression: Expression) -> sa.Select[int, str]:
    """The query for (id, subject) of every document that satisfies an expression, however many they are.

    Ordered by this id, which is the index's own, the database reads no more of them than are wanted.
    """
    table, key, condition = get_token_table(connection)
    return (
        sa.select(
            sa.literal_column(key, sa.Integer).label("id"),
            sa.literal_column("d.subject", sa.String).label("subject"),
        )
        .select_from(sa.text(f"search_documents d JOIN {table} ON {key} = d.id"))
        .where(sa.text(condition).bindparams(tokens=get_renderer(connection)(expression)))
    )


def select_subjects(connection: sa.Connection, expression: Expression) -> sa.Select[str]:
    """The query for the subjects of those."""
    found = select_matches(connection, expression).subquery()
    return sa.select(found.c.subject)


#: Most candidates come again and again; decoding one takes longer than judging it.
_decoded = lru_cache(maxsize=16384)(_documents.decode)
