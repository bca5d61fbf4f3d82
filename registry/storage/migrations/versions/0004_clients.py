"""API keys, what was asked with them, and what their clients watch."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(8), primary_key=True),
        sa.Column("client", sa.String(60), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("scopes", sa.String(120), nullable=False),
        sa.Column("per_minute", sa.Integer(), nullable=False),
        sa.Column("per_day", sa.BigInteger(), nullable=False),
        sa.Column("recorded", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger()),
        sa.Column("revoked_at", sa.BigInteger()),
        sa.Column("last_used_at", sa.BigInteger()),
    )
    op.create_index("api_keys_by_client", "api_keys", ["client"])
    op.create_table(
        "key_usage",
        sa.Column("key", sa.String(8), primary_key=True),
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("operation", sa.String(60), primary_key=True),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("questions", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "key_checks",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("key", sa.String(8), nullable=False),
        sa.Column("client", sa.String(60), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("operation", sa.String(60), nullable=False),
        sa.Column("question", sa.LargeBinary(), nullable=False),
        sa.Column("verdict", sa.String(30), nullable=False),
        sa.Column("code", sa.String(8)),
        sa.Column("log_size", sa.BigInteger(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("key_checks_by_client", "key_checks", ["client", "id"])
    op.create_index("key_checks_by_time", "key_checks", ["at"])
    op.create_table(
        "watches",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("client", sa.String(60), nullable=False),
        sa.Column("claim", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("log_size", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("client", "digest", name="watches_once"),
        sqlite_autoincrement=True,
    )
