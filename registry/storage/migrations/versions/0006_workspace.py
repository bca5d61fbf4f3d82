"""The workspace: half-filled forms, imports, documents, comments, what is in force for a day, other identities."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add what staff work with before anything is proposed, and what is said about proposals."""
    op.add_column("proposals", sa.Column("region", sa.String(6), nullable=False, server_default=""))
    op.add_column("proposals", sa.Column("confirm_by", sa.BigInteger()))
    op.add_column("proposal_items", sa.Column("subject", sa.String(80)))
    _name_subjects()
    op.add_column("accounts", sa.Column("external", sa.String(200)))
    op.create_index("accounts_by_external", "accounts", ["external"], unique=True)
    _proposing()
    _documents()
    _imports()
    _deadlines()


def _name_subjects() -> None:
    """Whom each stored draft is about, beside it; it stands in the draft."""
    items = sa.table("proposal_items", *map(sa.column, ("proposal", "position", "body", "subject")))
    connection = op.get_bind()
    found = connection.execute(sa.select(items.c.proposal, items.c.position, items.c.body)).all()
    for proposal, position, body in found:
        one = (items.c.proposal == proposal) & (items.c.position == position)
        connection.execute(sa.update(items).where(one).values(subject=json.loads(body)["subject"]))


def _proposing() -> None:
    op.create_table(
        "proposal_comments",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("proposal", sa.Integer(), sa.ForeignKey("proposals.id"), nullable=False),
        sa.Column("account", sa.String(60), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("comments_by_proposal", "proposal_comments", ["proposal", "id"])
    op.create_table(
        "staff_drafts",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("account", sa.String(60), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("subject", sa.String(80)),
        sa.Column("form", sa.LargeBinary(), nullable=False),
        sa.Column("base_size", sa.BigInteger(), nullable=False),
        sa.Column("amends", sa.Integer()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("staff_drafts_by_account", "staff_drafts", ["account", "id"])
    op.create_index("staff_drafts_by_subject", "staff_drafts", ["subject"])


def _documents() -> None:
    op.create_table(
        "attachments",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("media_type", sa.String(100), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("added_by", sa.String(60), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "attachment_parts",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("part", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("bytes", sa.LargeBinary(), nullable=False),
    )


def _imports() -> None:
    op.create_table(
        "imports",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("account", sa.String(60), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("file", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("said", sa.LargeBinary(), nullable=False),
        sa.Column("decisions", sa.LargeBinary(), nullable=False),
        sa.Column("found", sa.LargeBinary()),
        sa.Column("phase", sa.String(20), nullable=False, server_default=""),
        sa.Column("done", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("total", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("run", sa.String(32), nullable=False, server_default=""),
        sa.Column("beat_at", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("base_size", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("proposal", sa.Integer()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("imports_by_account", "imports", ["account", "id"])
    op.create_table(
        "import_pages",
        sa.Column("import", sa.Integer(), sa.ForeignKey("imports.id"), primary_key=True, autoincrement=False),
        sa.Column("section", sa.String(20), primary_key=True),
        sa.Column("page", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
    )


def _deadlines() -> None:
    op.create_table(
        "deadlines",
        sa.Column("subject", sa.String(80), primary_key=True),
        sa.Column("path", sa.String(80), primary_key=True),
        sa.Column("valid_from", sa.String(10), primary_key=True),
        sa.Column("valid_to", sa.String(10), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("about", sa.String(80), nullable=False),
    )
    op.create_index("deadlines_by_day", "deadlines", ["day", "kind"])
