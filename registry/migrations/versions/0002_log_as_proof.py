"""The log as proof: signed checkpoints, and which items of proposals hold personal data."""

import sqlalchemy as sa
from alembic import op

from registry.database import append_only

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the checkpoints with their guards, and the mark by which an erasure finds proposals about a person."""
    op.create_table(
        "checkpoints",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("signed_at", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.Column("vkeys", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("checkpoints_by_size", "checkpoints", ["size", "id"], unique=False)
    op.add_column("proposal_items", sa.Column("personal", sa.String(length=80), nullable=True))
    op.create_index(
        "items_about_people",
        "proposal_items",
        ["personal"],
        unique=False,
        sqlite_where=sa.text("personal IS NOT NULL"),
        postgresql_where=sa.text("personal IS NOT NULL"),
    )
    for statement in append_only("checkpoints", op.get_bind().dialect.name, key="id"):
        op.execute(statement)
