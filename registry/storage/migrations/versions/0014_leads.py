"""Leads: what citizens report, sealed, and the history of each, which nobody can change."""

import sqlalchemy as sa
from alembic import op

from registry.storage.database import make_append_only_triggers

revision = "0014"
down_revision = "0012"


def upgrade() -> None:
    """Add the five tables."""
    create_leads()
    create_steps()
    create_sealed_files()


def create_leads() -> None:
    op.create_table(
        "leads",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("number", sa.String(16), nullable=False),
        sa.Column("token", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("urgency", sa.String(10), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("region", sa.String(6), nullable=False),
        sa.Column("department", sa.String(40), nullable=False),
        sa.Column("institution", sa.String(8), nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("due", sa.String(10), nullable=False),
        sa.Column("closed_at", sa.BigInteger),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("merged_into", sa.Integer),
        sa.Column("supervised_until", sa.String(10), nullable=False),
        sa.Column("steps", sa.Integer, nullable=False),
        sa.Column("content", sa.LargeBinary),
        sqlite_autoincrement=True,
    )
    op.create_index("leads_by_number", "leads", ["number"], unique=True)
    op.create_index("leads_by_token", "leads", ["token"], unique=True)
    op.create_index("leads_by_state", "leads", ["state", "due"])
    op.create_index("leads_by_region", "leads", ["region", "state"])


def create_steps() -> None:
    op.create_table(
        "lead_steps",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("lead", sa.Integer, nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("account", sa.String(60), nullable=False),
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("region", sa.String(6), nullable=False),
        sa.Column("department", sa.String(40), nullable=False),
        sa.Column("facts", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("lead", "step", name="lead_steps_once"),
        sqlite_autoincrement=True,
    )
    op.create_index("lead_steps_by_action", "lead_steps", ["action", "at"])
    for statement in make_append_only_triggers("lead_steps", op.get_bind().dialect.name, key="id"):
        op.execute(statement)


def create_sealed_files() -> None:
    op.create_table(
        "lead_notes",
        sa.Column("lead", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("step", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "lead_pictures",
        sa.Column("lead", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "lead_files",
        sa.Column("lead", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("step", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
