"""The embedded engine: an FTS5 index in the register's own SQLite file, updated inside the append transaction.

Every Chinese character is a token, so a phrase finds any part of a name. On a database without FTS5 (PostgreSQL without
a search server) the same documents are scanned instead: slower, and the weakest matches may differ.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import msgspec
import sqlalchemy as sa

from registry.database import has_fts5
from registry.model import Entry
from registry.search import index, rank
from registry.search.contract import Document, Hit, SearchQuery
from registry.tables import search_documents

#: Candidates looked at per question; more would only be worse ones.
MOST = 2000
_RUN = re.compile("[0-9a-z]+|.")
_json = msgspec.json.Encoder()
_documents = msgspec.json.Decoder(Document)


def tokens(folded: str) -> str:
    """Folded text as FTS5 tokens: each Chinese character, each run of letters or digits."""
    return " ".join(_RUN.findall(folded))


class SearchView:
    """Name, apply, reset: see log.follow. Follows the records view, which is applied before it."""

    name = "search"

    def apply(self, connection: sa.Connection, entries: list[Entry]) -> None:
        """Index anew every institution the entries speak of."""
        subjects = list(dict.fromkeys(e.subject for e in entries if e.change.kind == "institution"))
        if not subjects:
            return
        stored = {row.subject: row.id for row in connection.execute(_stored(subjects))}
        rows = [_row(document) for document in index.documents(connection, subjects)]
        unsaid = set(stored) - {row["subject"] for row in rows}
        if unsaid:
            connection.execute(sa.delete(search_documents).where(search_documents.c.subject.in_(unsaid)))
        fresh = [row for row in rows if row["subject"] not in stored]
        if fresh:
            connection.execute(sa.insert(search_documents), fresh)
        changed = [{"s": row["subject"], "b": row["body"]} for row in rows if row["subject"] in stored]
        if changed:
            connection.execute(
                sa.update(search_documents)
                .where(search_documents.c.subject == sa.bindparam("s"))
                .values(body=sa.bindparam("b")),
                changed,
            )
        if has_fts5(connection):
            self._index(connection, [row["subject"] for row in rows], list(stored.values()))

    def _index(self, connection: sa.Connection, subjects: list[str], outdated: list[int]) -> None:
        if outdated:
            connection.exec_driver_sql("DELETE FROM search_fts WHERE rowid = ?", [(number,) for number in outdated])
        texts = [(row.id, *_texts(_documents.decode(row.body))) for row in connection.execute(_stored(subjects))]
        if texts:
            connection.exec_driver_sql("INSERT INTO search_fts (rowid, names, place) VALUES (?, ?, ?)", texts)

    def reset(self, connection: sa.Connection) -> None:
        """Forget everything."""
        connection.execute(sa.delete(search_documents))
        if has_fts5(connection):
            connection.exec_driver_sql("DELETE FROM search_fts")


def _stored(subjects: list[str]) -> sa.Select[tuple[int, str, bytes]]:
    return sa.select(search_documents).where(search_documents.c.subject.in_(subjects))


def _row(document: Document) -> dict[str, Any]:
    return {"subject": document.subject, "body": _json.encode(document)}


def _texts(document: Document) -> tuple[str, str]:
    # A token no question contains keeps a phrase from running over the border of two names.
    names = " | ".join(tokens(name) for name in (document.name, *document.aliases, *document.former))
    return names, tokens(document.place)


def find(connection: sa.Connection, query: SearchQuery) -> list[Hit]:
    """Everything that fits the text of a question, best first; filters are the caller's, on records."""
    judged = []
    for document in _candidates(connection, query.text):
        verdict = rank.judged(query, document)
        if verdict:
            judged.append((verdict[0], document.subject, verdict[1]))
    return [Hit(subject=subject, match=match) for _, subject, match in sorted(judged)]


def _candidates(connection: sa.Connection, text: str) -> list[Document]:
    if not has_fts5(connection):
        rows = connection.execute(sa.select(search_documents.c.body)).scalars()
        return [_documents.decode(body) for body in rows]
    parts = _RUN.findall(text)
    found: dict[int, bytes] = {}
    for match in _matches(parts):
        query = sa.text(
            "SELECT d.id, d.body FROM search_fts f JOIN search_documents d ON d.id = f.rowid "
            "WHERE search_fts MATCH :match ORDER BY f.rank LIMIT :most"
        )
        found.update((row.id, row.body) for row in connection.execute(query, {"match": match, "most": MOST}))
        if found:
            break
    return [_documents.decode(body) for body in found.values()]


def _matches(parts: list[str]) -> list[str]:
    """FTS5 expressions from strict to loose: all characters; then any two neighbours, for a wrong character."""
    quoted = ['"' + part.replace('"', '""') + '"' for part in parts]
    last = quoted[-1] + ("*" if parts[-1].isascii() else "")
    everything = " AND ".join([*quoted[:-1], last])
    pairs = ['"' + " ".join(pair) + '"' for pair in pairwise(parts)]
    return [everything, *([" OR ".join(pairs)] if pairs else [])]
