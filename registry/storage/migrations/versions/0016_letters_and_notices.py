"""Evidence letters that were given; subscribers to notices, and what waits for their readers."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Add the three tables."""
    op.create_table(
        "letters",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("account", sa.String(60), nullable=False),
        sa.Column("authority", sa.String(120), nullable=False),
        sa.Column("reference", sa.String(80), nullable=False),
        sa.Column("about", sa.String(120), nullable=False),
        sa.Column("person", sa.Boolean, nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("known_at", sa.BigInteger),
        sa.Column("verdict", sa.String(30), nullable=False),
        sa.Column("log_size", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("issued_at", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("letters_by_account", "letters", ["account", "id"])
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("owner", sa.String(80), nullable=False),
        sa.Column("channel", sa.String(8), nullable=False),
        sa.Column("target", sa.String(500), nullable=False),
        sa.Column("lang", sa.String(8), nullable=False),
        sa.Column("choice", sa.LargeBinary, nullable=False),
        sa.Column("secret", sa.String(300), nullable=False),
        sa.Column("salt", sa.String(16), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("position", sa.String(100), nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_try", sa.BigInteger, nullable=False),
        sa.Column("failing_since", sa.BigInteger),
        sa.Column("last_error", sa.String(200), nullable=False),
        sa.Column("delivered", sa.BigInteger, nullable=False),
        sa.Column("delivered_at", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("subscriptions_by_owner", "subscriptions", ["owner", "id"])
    op.create_table(
        "notice_items",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("subscription", sa.Integer, nullable=False),
        sa.Column("message", sa.String(120), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("notice_items_by_subscription", "notice_items", ["subscription", "id"])
