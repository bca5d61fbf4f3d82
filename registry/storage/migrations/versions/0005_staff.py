"""Signing in: second factors, sessions, and the trail of what staff did, which nobody can change."""

import sqlalchemy as sa
from alembic import op

from registry.storage.database import make_append_only_triggers

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add what an account needs to sign in, and the trail."""
    for column in (
        sa.Column("region", sa.String(6), nullable=False, server_default=""),
        sa.Column("must_change", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("second", sa.String(64)),
        sa.Column("second_step", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("failures", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("locked_until", sa.BigInteger(), nullable=False, server_default="0"),
    ):
        op.add_column("accounts", column)
    op.create_table(
        "recovery_codes",
        sa.Column("account", sa.String(60), primary_key=True),
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("used_at", sa.BigInteger()),
    )
    op.create_table(
        "staff_sessions",
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("account", sa.String(60), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.String(60), nullable=False),
        sa.Column("agent", sa.String(200), nullable=False),
    )
    op.create_index("staff_sessions_by_account", "staff_sessions", ["account"])
    op.create_table(
        "trail",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.String(60), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("about", sa.String(120), nullable=False),
        sa.Column("address", sa.String(60), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("trail_by_account", "trail", ["account", "id"])
    op.create_index("trail_by_action", "trail", ["action", "id"])
    for statement in make_append_only_triggers("trail", op.get_bind().dialect.name, key="id"):
        op.execute(statement)
