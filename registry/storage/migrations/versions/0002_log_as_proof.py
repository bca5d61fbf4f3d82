"""The log as proof: signed checkpoints, and which items of proposals hold personal data."""

import json

import sqlalchemy as sa
from alembic import op

from registry.domain.schema import PERSONAL
from registry.storage.database import make_append_only_triggers

revision = "0002"
down_revision = "0001"


items = sa.table(
    "proposal_items", sa.column("proposal"), sa.column("position"), sa.column("body"), sa.column("personal")
)


def _mark_items_about_people() -> None:
    """Drafts kept before there was the mark are found by an erasure too."""
    connection = op.get_bind()
    about_people = []
    rows = connection.execute(sa.select(items.c.proposal, items.c.position, items.c.body))
    for proposal, position, body in rows:
        draft = json.loads(bytes(body))
        paths = PERSONAL.get(draft["change"]["kind"], frozenset())
        if any(draft["change"]["set"].get(path) is not None for path in paths):
            about_people.append({"p": proposal, "n": position, "subject": draft["subject"]})
    if about_people:
        statement = sa.update(items).where(items.c.proposal == sa.bindparam("p"), items.c.position == sa.bindparam("n"))
        connection.execute(statement.values(personal=sa.bindparam("subject")), about_people)


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
    _mark_items_about_people()
    for statement in make_append_only_triggers("checkpoints", op.get_bind().dialect.name, key="id"):
        op.execute(statement)
