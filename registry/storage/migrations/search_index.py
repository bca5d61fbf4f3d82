"""What migrations do whose version makes other tokens or documents: the search view reads the log anew."""

import sqlalchemy as sa
from alembic import op


def empty_search_index() -> None:
    """Empty the search index and let its view begin anew."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("INSERT INTO search_fts (search_fts) VALUES ('delete-all')")
    else:
        op.execute("DELETE FROM search_tokens")
    op.execute("DELETE FROM search_documents")
    op.execute(sa.text("DELETE FROM positions WHERE view = 'search'"))
