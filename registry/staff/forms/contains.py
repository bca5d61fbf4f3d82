"""Whether stored bytes hold a text, asked of the database."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa


def contains_text(column: sa.ColumnElement[Any], said: str) -> sa.ColumnElement[bool]:
    """Whether the UTF-8 in a column of bytes holds an ASCII text; case may be overlooked.

    The same words for every database: cast to text, SQLite gives the text and PostgreSQL its hexadecimal digits.
    """
    text = sa.cast(column, sa.Text)
    return text.contains(said, autoescape=True) | text.contains(said.encode().hex(), autoescape=True)
