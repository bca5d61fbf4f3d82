"""Names of prefectures are searched as people shorten them: the search view reads the log anew."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Let the search view begin anew."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("INSERT INTO search_fts (search_fts) VALUES ('delete-all')")
    else:
        op.execute("DELETE FROM search_tokens")
    op.execute("DELETE FROM search_documents")
    op.execute(sa.text("DELETE FROM positions WHERE view = 'search'"))
