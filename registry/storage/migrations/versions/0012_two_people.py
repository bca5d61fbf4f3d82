"""Accounts: changes that wait for a second administrator, passkeys, and codes without which no factor is set up."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the two tables and the column."""
    op.add_column("accounts", sa.Column("activation", sa.LargeBinary(32)))
    op.create_table(
        "passkeys",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("account", sa.String(60), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("credential", sa.LargeBinary(1023), nullable=False),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("sign_count", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("last_used_at", sa.BigInteger),
        sa.Column("removed_at", sa.BigInteger),
        sqlite_autoincrement=True,
    )
    op.create_index("passkeys_by_account", "passkeys", ["account", "id"])
    op.create_index("passkeys_by_credential", "passkeys", ["credential"], unique=True)
    op.create_table(
        "account_changes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("account", sa.String(60), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("roles", sa.String(120), nullable=False),
        sa.Column("region", sa.String(6), nullable=False),
        sa.Column("external", sa.String(200), nullable=False),
        sa.Column("password", sa.String(200), nullable=False),
        sa.Column("base", sa.LargeBinary, nullable=False),
        sa.Column("requester", sa.String(60), nullable=False),
        sa.Column("requested_at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("decider", sa.String(60), nullable=False, server_default=""),
        sa.Column("decided_at", sa.BigInteger),
        sa.Column("reason", sa.String(500), nullable=False, server_default=""),
        sqlite_autoincrement=True,
    )
    op.create_index("account_changes_by_state", "account_changes", ["state", "id"])
