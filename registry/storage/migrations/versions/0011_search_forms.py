"""Names of prefectures are searched as people shorten them: the search view reads the log anew."""

from registry.storage.migrations.search_index import empty_search_index

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Let the search view begin anew."""
    empty_search_index()
