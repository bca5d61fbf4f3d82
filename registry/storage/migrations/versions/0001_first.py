"""The first schema: log, erasable values, records, search documents, proposals, accounts."""

import sqlalchemy as sa
from alembic import op

from registry.storage.database import make_append_only_triggers

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table, the full-text index where there is one, and the guards of the log."""
    op.create_table(
        "accounts",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("roles", sa.String(length=120), nullable=False),
        sa.Column("password", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "entries",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("entries_by_subject", "entries", ["subject", "number"], unique=False)
    op.create_index("entries_by_time", "entries", ["recorded_at", "number"], unique=False)
    op.create_table(
        "erasable",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("path", sa.String(length=80), nullable=False),
        sa.Column("salt", sa.LargeBinary(length=16), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", "path"),
    )
    op.create_table(
        "positions",
        sa.Column("view", sa.String(length=40), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("view"),
    )
    op.create_table(
        "proposals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("base_size", sa.BigInteger(), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("report", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_by", sa.String(length=60), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("first_entry", sa.BigInteger(), nullable=True),
        sa.Column("last_entry", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("proposals_by_state", "proposals", ["state", "id"], unique=False)
    op.create_table(
        "search_documents",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("subject"),
    )
    op.create_table(
        "versions",
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("valid_from", sa.String(length=10), nullable=False),
        sa.Column("known_from", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("valid_to", sa.String(length=10), nullable=False),
        sa.Column("known_to", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("parent", sa.String(length=80), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("offers", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "valid_from", "known_from"),
    )
    op.create_index("versions_by_parent", "versions", ["parent", "kind"], unique=False)
    op.create_index("versions_by_place", "versions", ["kind", "known_to", "region", "subject"], unique=False)
    op.create_table(
        "proposal_items",
        sa.Column("proposal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["proposal"],
            ["proposals.id"],
        ),
        sa.PrimaryKeyConstraint("proposal", "position"),
    )
    op.create_table(
        "proposal_touches",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("proposal", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(length=60), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["proposal"],
            ["proposals.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("touches_by_proposal", "proposal_touches", ["proposal"], unique=False)
    dialect = op.get_bind().dialect.name
    if dialect == "sqlite":
        op.execute("CREATE VIRTUAL TABLE search_fts USING fts5(names, place, tokenize = 'unicode61')")
    for statement in make_append_only_triggers("entries", dialect):
        op.execute(statement)
