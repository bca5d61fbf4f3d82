"""English names are searched: the search index is empty after this, and the search view reads the log anew."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Let the search view begin anew."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("INSERT INTO search_fts (search_fts) VALUES ('delete-all')")
    else:
        op.execute("DELETE FROM search_tokens")
    op.execute("DELETE FROM search_documents")
    op.execute(sa.text("DELETE FROM positions WHERE view = 'search'"))
