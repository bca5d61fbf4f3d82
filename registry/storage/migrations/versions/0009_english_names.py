"""English names are searched: the search index is empty after this, and the search view reads the log anew."""

from registry.storage.migrations.search_index import empty_search_index

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Let the search view begin anew."""
    empty_search_index()
