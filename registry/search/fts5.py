"""The embedded engine: an index of tokens in the register's own database, updated inside the append transaction.

FTS5 in SQLite's file; on PostgreSQL the same tokens as a tsvector under a GIN index. Both are asked alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import msgspec
import sqlalchemy as sa

from registry.model import Entry
from registry.search import index
from registry.search.contract import Document, Expression, Fetched
from registry.search.stored import forget_tokens, index_tokens, matching_each, rendering, with_tokens
from registry.search.tokens import tokens_of
from registry.tables import search_documents

_json = msgspec.json.Encoder()
_documents = msgspec.json.Decoder(Document)


class SearchView:
    """Name, apply, reset: see log.follow. Follows the records view, which is applied before it."""

    name = "search"

    def apply(self, connection: sa.Connection, entries: list[Entry]) -> None:
        """Index anew every institution the entries speak of."""
        subjects = list(dict.fromkeys(e.subject for e in entries if e.change.kind == "institution"))
        if not subjects:
            return
        stored = {row.subject: row for row in connection.execute(_stored(subjects))}
        bodies = {document.subject: _json.encode(document) for document in index.documents(connection, subjects)}
        changed = {s: body for s, body in bodies.items() if s not in stored or bytes(stored[s].body) != body}
        gone = [row for subject, row in stored.items() if subject in changed or subject not in bodies]
        removed = [(row.id, _tokens(bytes(row.body))) for row in gone]
        if unsaid := set(stored) - set(bodies):
            connection.execute(sa.delete(search_documents).where(search_documents.c.subject.in_(unsaid)))
        if fresh := [{"subject": s, "body": body} for s, body in changed.items() if s not in stored]:
            connection.execute(sa.insert(search_documents), fresh)
        if known := [{"s": s, "b": body} for s, body in changed.items() if s in stored]:
            statement = sa.update(search_documents).where(search_documents.c.subject == sa.bindparam("s"))
            connection.execute(statement.values(body=sa.bindparam("b")), known)
        numbers = {row.subject: row.id for row in connection.execute(_stored(list(changed)))}
        index_tokens(connection, removed, [(numbers[s], _tokens(body)) for s, body in changed.items()])

    def reset(self, connection: sa.Connection) -> None:
        """Forget everything."""
        connection.execute(sa.delete(search_documents))
        forget_tokens(connection)


def _stored(subjects: list[str]) -> sa.Select[tuple[int, str, bytes]]:
    return sa.select(search_documents).where(search_documents.c.subject.in_(subjects))


def _tokens(body: bytes) -> str:
    return " ".join(tokens_in(body))


def tokens_in(body: bytes) -> list[str]:
    """The tokens of a stored document."""
    return tokens_of(_documents.decode(body))


class Embedded:
    """The engine over one connection: it sees the same snapshot as the records read beside it."""

    name = "embedded"

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def fetch(self, expressions: Sequence[Expression], limit: int) -> list[Fetched]:
        """For each expression at most ``limit`` of its documents, in the order in which they came to the register."""
        bodies: list[list[Document]] = [[] for _ in expressions]
        for n, body in matching_each(self._connection, expressions, limit + 1):
            bodies[n].append(_decoded(body))
        return [Fetched(documents=found[:limit], complete=len(found) <= limit) for found in bodies]


def matching(connection: sa.Connection, expression: Expression) -> sa.Select[int, str]:
    """The query for (id, subject) of every document that satisfies an expression, however many they are.

    Ordered by this id, which is the index's own, the database reads no more of them than are wanted.
    """
    table, key, condition = with_tokens(connection)
    return (
        sa.select(
            sa.literal_column(key, sa.Integer).label("id"),
            sa.literal_column("d.subject", sa.String).label("subject"),
        )
        .select_from(sa.text(f"search_documents d JOIN {table} ON {key} = d.id"))
        .where(sa.text(condition).bindparams(tokens=rendering(connection)(expression)))
    )


def subjects(connection: sa.Connection, expression: Expression) -> sa.Select[str]:
    """The query for the subjects of those."""
    found = matching(connection, expression).subquery()
    return sa.select(found.c.subject)


#: Most candidates come again and again; decoding one takes longer than judging it.
_decoded = lru_cache(maxsize=16384)(_documents.decode)
