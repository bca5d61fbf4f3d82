"""The view of standings: what is in force at every institution, by days; it is filled from the records after this.

It takes over what lists filter by from the records.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the table, empty, and drop what it replaces."""
    op.create_table(
        "standings",
        sa.Column("subject", sa.String(80), primary_key=True),
        sa.Column("valid_from", sa.String(10), primary_key=True),
        sa.Column("known_from", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("valid_to", sa.String(10), nullable=False),
        sa.Column("known_to", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(12), nullable=False),
        sa.Column("region", sa.String(6), nullable=False),
        sa.Column("standing", sa.String(16), nullable=False),
        sa.Column("offers", sa.BigInteger(), nullable=False),
        sa.Column("words", sa.String(200), nullable=False),
        sa.Column("ahead_standing", sa.String(16), nullable=False),
        sa.Column("ahead_offers", sa.BigInteger(), nullable=False),
        sa.Column("ahead_words", sa.String(200), nullable=False),
    )
    op.drop_index("versions_by_place", "versions")
    op.drop_column("versions", "offers")
    times = ["valid_from", "valid_to", "known_from", "known_to"]
    op.create_index("standings_by_place", "standings", ["region", "subject", *times, "standing", "offers", "status"])
    op.create_index("versions_by_place", "versions", ["kind", "region", "subject", *times, "status"])
