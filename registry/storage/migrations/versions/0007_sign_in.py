"""Signing in: sealed secrets of second factors, codes that were used, and when a session showed its factor last.

Secrets that are there stay as they are; `registry init` seals them afterwards, with a key that no database holds.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make room for sealed secrets, and add what fresh proofs and clocks that come back need."""
    if op.get_bind().dialect.name != "sqlite":  # which keeps a text of any length
        op.alter_column("accounts", "second", type_=sa.String(200), existing_type=sa.String(64))
    op.add_column("accounts", sa.Column("second_used", sa.String(400), nullable=False, server_default=""))
    op.add_column("staff_sessions", sa.Column("proved_at", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("staff_sessions", sa.Column("failures", sa.Integer(), nullable=False, server_default="0"))
    # A lock of the version before was for whoever typed wrong passwords; there is no such lock any more.
    op.execute("UPDATE accounts SET failures = 0, locked_until = 0")
