"""Where tokens lie: an FTS5 table in SQLite, tsvectors under a GIN index in PostgreSQL. Migrations make both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import sqlalchemy as sa

from registry.search.contract import Expression, ExpressionSyntax


def index_tokens(connection: sa.Connection, removed: list[tuple[int, str]], added: list[tuple[int, str]]) -> None:
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
        statement_ = sa.text(
            "INSERT INTO search_tokens (id, tokens) VALUES (:id, array_to_tsvector(string_to_array(:tokens, ' ')))"
        )
        connection.execute(statement_, [{"id": number, "tokens": tokens} for number, tokens in added])


def delete_tokens(connection: sa.Connection) -> None:
    """Empty the search index."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("INSERT INTO search_fts (search_fts) VALUES ('delete-all')")
    else:
        connection.exec_driver_sql("DELETE FROM search_tokens")


def get_token_table(connection: sa.Connection) -> tuple[str, str, str]:
    """(the table of the search index, its key, the condition that its tokens match ``:tokens``), as SQL.

    What ``:tokens`` holds is an FTS5 expression on SQLite, a tsquery on PostgreSQL: see ``get_renderer``.
    """
    return _FTS5 if connection.dialect.name == "sqlite" else _TSVECTORS


_FTS5 = ("search_fts t", "t.rowid", "search_fts MATCH :tokens")
_TSVECTORS = ("search_tokens t", "t.id", "t.tokens @@ CAST(:tokens AS tsquery)")


def read_matches(
    connection: sa.Connection, expressions: Sequence[Expression], most: int
) -> Iterator[tuple[int, bytes]]:
    """(which expression, body) of at most so many documents that satisfy each, in one statement."""
    render = get_renderer(connection)
    told: list[str | int] = []
    for expression in expressions:
        told += (render(expression), most)
    statement = _make_statement(connection.dialect.name, len(expressions))
    # In the driver's own form: asked several times for every search, and building it would take longer than it runs.
    for n, body in connection.exec_driver_sql(statement, tuple(told)):
        yield n, bytes(body)


@lru_cache(maxsize=256)
def _make_statement(dialect: str, number: int) -> str:
    (table, key, condition), mark = (_FTS5, "?") if dialect == "sqlite" else (_TSVECTORS, "%s")
    one = f"SELECT d.body FROM search_documents d JOIN {table} ON {key} = d.id WHERE {condition} LIMIT {mark}"  # noqa: S608 - our own
    one = one.replace(":tokens", mark)
    return " UNION ALL ".join(f"SELECT {n}, part.body FROM ({one}) AS part" for n in range(number))  # noqa: S608 - our own


def get_renderer(connection: sa.Connection) -> Callable[[Expression], str]:
    """How this database is told an expression."""
    return _IN_FTS5.format_expression if connection.dialect.name == "sqlite" else _IN_TSQUERY.format_expression


# Tokens are letters, digits and characters: none of them needs to be quoted.
_IN_FTS5 = ExpressionSyntax(word='"{}"', start='"{}"*', all=" AND ", some=" OR ")
_IN_TSQUERY = ExpressionSyntax(word="'{}'", start="'{}':*", all=" & ", some=" | ")
