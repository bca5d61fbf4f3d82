"""The search index of tokens, on either database; it is empty after this: the search view reads the log anew.

And an index of versions by region first, with all that filters look at.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Replace the index of names by one of tokens, and let the search view begin anew."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE search_fts")
        op.execute(
            "CREATE VIRTUAL TABLE search_fts USING fts5"
            "(tokens, content = '', detail = none, columnsize = 0, tokenize = 'unicode61 remove_diacritics 0')"
        )
    else:
        op.execute("CREATE TABLE search_tokens (id INTEGER PRIMARY KEY, tokens tsvector NOT NULL)")
        op.execute("CREATE INDEX search_tokens_by_token ON search_tokens USING gin (tokens)")
    op.drop_index("versions_by_place", "versions")
    times = ["valid_from", "valid_to", "known_from", "known_to"]
    op.create_index("versions_by_place", "versions", ["kind", "region", "subject", *times, "status", "offers"])
    op.execute("DELETE FROM search_documents")
    op.execute(sa.text("DELETE FROM positions WHERE view = 'search'"))
