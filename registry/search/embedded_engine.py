"""The embedded engine: an index of tokens in the register's own database, updated inside the append transaction.

FTS5 in SQLite's file; on PostgreSQL the same tokens as tsvectors under a GIN index. Both are asked alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import msgspec
import sqlalchemy as sa

from registry.domain.model import Entry
from registry.search import documents
from registry.search.engine import Expression, ExpressionSyntax, FetchResult, SearchDocument
from registry.search.tokens import list_tokens
from registry.storage.tables import search_documents

# (the table of the search index, its key, the condition that its tokens match ``:tokens``), as SQL.
_FTS5 = ("search_fts t", "t.rowid", "search_fts MATCH :tokens")
_TSVECTORS = ("search_tokens t", "t.id", "t.tokens @@ CAST(:tokens AS tsquery)")
# Tokens are letters, digits and characters: none of them needs to be quoted.
_IN_FTS5 = ExpressionSyntax(word='"{}"', start='"{}"*', all=" AND ", some=" OR ")
_IN_TSQUERY = ExpressionSyntax(word="'{}'", start="'{}':*", all=" & ", some=" | ")
_json = msgspec.json.Encoder()
_documents = msgspec.json.Decoder(SearchDocument)


class SearchView:
    """The search index as a view of the log (see log.follow). Follows the records view, which is applied before it."""

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
        if undocumented := set(stored) - set(bodies):
            connection.execute(sa.delete(search_documents).where(search_documents.c.subject.in_(undocumented)))
        if inserts := [{"subject": s, "body": body} for s, body in changed.items() if s not in stored]:
            connection.execute(sa.insert(search_documents), inserts)
        if updates := [{"s": s, "b": body} for s, body in changed.items() if s in stored]:
            statement = sa.update(search_documents).where(search_documents.c.subject == sa.bindparam("s"))
            connection.execute(statement.values(body=sa.bindparam("b")), updates)
        numbers = {row.subject: row.id for row in connection.execute(_select_documents(list(changed)))}
        _index_tokens(connection, removed, [(numbers[s], _join_tokens(body)) for s, body in changed.items()])

    def reset(self, connection: sa.Connection) -> None:
        """Empty the index."""
        connection.execute(sa.delete(search_documents))
        _delete_tokens(connection)


def _select_documents(subjects: list[str]) -> sa.Select[tuple[int, str, bytes]]:
    return sa.select(search_documents).where(search_documents.c.subject.in_(subjects))


def _join_tokens(body: bytes) -> str:
    return " ".join(decode_tokens(body))


def decode_document(body: bytes) -> SearchDocument:
    """Decode a stored document."""
    return _documents.decode(body)


def decode_tokens(body: bytes) -> list[str]:
    """List the tokens of a stored document."""
    return list_tokens(_documents.decode(body))


class EmbeddedEngine:
    """The engine over one connection: it sees the same snapshot as the records read beside it."""

    name = "embedded"

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        # Of one question: parts of it are often looked for as it was itself.
        self._fetched: dict[tuple[Expression, int], FetchResult] = {}

    def fetch(self, expressions: Sequence[Expression], limit: int) -> list[FetchResult]:
        """Fetch at most ``limit`` documents for each expression, in the order in which they came to the register."""
        new = [expression for expression in expressions if (expression, limit) not in self._fetched]
        bodies: list[list[SearchDocument]] = [[] for _ in new]
        for n, body in _read_matches(self._connection, new, limit + 1) if new else ():
            bodies[n].append(_decoded(body))
        for expression, found in zip(new, bodies, strict=True):
            result = FetchResult(documents=found[:limit], complete=len(found) <= limit)
            self._fetched[expression, limit] = result
        return [self._fetched[expression, limit] for expression in expressions]

    def read_bodies(self) -> dict[int, bytes]:
        """Read every stored document, by its number in the index."""
        rows = self._connection.execute(sa.select(search_documents.c.id, search_documents.c.body))
        return {number: bytes(body) for number, body in rows}


def select_matches(connection: sa.Connection, expression: Expression) -> sa.Select[int, str]:
    """Return the query for (id, subject) of every document that satisfies an expression, however many they are.

    Ordered by this id, which is the index's own, the database reads no more of them than are wanted.
    """
    table, key, condition = _get_token_table(connection)
    return (
        sa.select(
            sa.literal_column(key, sa.Integer).label("id"),
            sa.literal_column("d.subject", sa.String).label("subject"),
        )
        .select_from(sa.text(f"search_documents d JOIN {table} ON {key} = d.id"))
        .where(sa.text(condition).bindparams(tokens=_get_renderer(connection)(expression)))
    )


def select_subjects(connection: sa.Connection, expression: Expression) -> sa.Select[str]:
    """Return the query for the subjects of those documents."""
    matches = select_matches(connection, expression).subquery()
    return sa.select(matches.c.subject)


#: Most candidates come again and again; decoding one takes longer than judging it.
_decoded = lru_cache(maxsize=16384)(_documents.decode)


# --- where tokens lie: migrations make both tables --------------------------------------------------------------------


def _index_tokens(connection: sa.Connection, removed: list[tuple[int, str]], added: list[tuple[int, str]]) -> None:
    """Move documents of the search index from their old tokens to their new ones; tokens apart by spaces."""
    if connection.dialect.name == "sqlite":
        if removed:
            statement = "INSERT INTO search_fts (search_fts, rowid, tokens) VALUES ('delete', ?, ?)"
            connection.exec_driver_sql(statement, removed)
        if added:
            connection.exec_driver_sql("INSERT INTO search_fts (rowid, tokens) VALUES (?, ?)", added)
        return
    if removed:
        connection.execute(
            sa.text("DELETE FROM search_tokens WHERE id = :id"), [{"id": number} for number, _ in removed]
        )
    if added:
        insert = sa.text(
            "INSERT INTO search_tokens (id, tokens) VALUES (:id, array_to_tsvector(string_to_array(:tokens, ' ')))"
        )
        connection.execute(insert, [{"id": number, "tokens": tokens} for number, tokens in added])


def _delete_tokens(connection: sa.Connection) -> None:
    """Empty the search index."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("INSERT INTO search_fts (search_fts) VALUES ('delete-all')")
    else:
        connection.exec_driver_sql("DELETE FROM search_tokens")


def _get_token_table(connection: sa.Connection) -> tuple[str, str, str]:
    """Return the constants of this database.

    What ``:tokens`` holds is an FTS5 expression on SQLite, a tsquery on PostgreSQL: see ``_get_renderer``.
    """
    return _FTS5 if connection.dialect.name == "sqlite" else _TSVECTORS


def _read_matches(
    connection: sa.Connection, expressions: Sequence[Expression], limit: int
) -> Iterator[tuple[int, bytes]]:
    """Read (which expression, body) of at most ``limit`` documents that satisfy each, in one statement."""
    render = _get_renderer(connection)
    parameters: list[str | int] = []
    for expression in expressions:
        parameters += (render(expression), limit)
    statement = _make_statement(connection.dialect.name, len(expressions))
    # In the driver's own form: asked several times for every search, and building it would take longer than it runs.
    for n, body in connection.exec_driver_sql(statement, tuple(parameters)):
        yield n, bytes(body)


@lru_cache(maxsize=256)
def _make_statement(dialect: str, number: int) -> str:
    (table, key, condition), mark = (_FTS5, "?") if dialect == "sqlite" else (_TSVECTORS, "%s")
    select = f"SELECT d.body FROM search_documents d JOIN {table} ON {key} = d.id WHERE {condition} LIMIT {mark}"  # noqa: S608 - our own
    select = select.replace(":tokens", mark)
    return " UNION ALL ".join(f"SELECT {n}, part.body FROM ({select}) AS part" for n in range(number))  # noqa: S608 - our own


def _get_renderer(connection: sa.Connection) -> Callable[[Expression], str]:
    """Return what formats an expression for this database."""
    return _IN_FTS5.format_expression if connection.dialect.name == "sqlite" else _IN_TSQUERY.format_expression
