"""Proposals, what they would append, who touched them, and what was said of them."""

from __future__ import annotations

import sqlalchemy as sa

from registry.storage.tables.base import metadata

proposals = sa.Table(
    "proposals",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("base_size", sa.BigInteger, nullable=False),
    sa.Column("items", sa.Integer, nullable=False),
    sa.Column("content_hash", sa.String(64), nullable=False),
    sa.Column("report", sa.LargeBinary, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("decided_at", sa.BigInteger),
    sa.Column("decided_by", sa.String(60)),
    sa.Column("reason", sa.Text),
    sa.Column("first_entry", sa.BigInteger),
    sa.Column("last_entry", sa.BigInteger),
    sa.Column("region", sa.String(6), nullable=False, server_default=""),  # that holds all it is about; "": none does
    sa.Column("confirm_by", sa.BigInteger),  # milliseconds: what is in force already falls back unless approved by then
    sa.Index("proposals_by_state", "state", "id"),
    sqlite_autoincrement=True,
)

_personal = sa.text("personal IS NOT NULL")

proposal_items = sa.Table(
    "proposal_items",
    metadata,
    sa.Column("proposal", sa.ForeignKey("proposals.id"), primary_key=True, autoincrement=False),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("subject", sa.String(80)),
    sa.Column("personal", sa.String(80)),  # the subject, where the draft holds personal data: what an erasure looks for
    sa.Index("items_about_people", "personal", sqlite_where=_personal, postgresql_where=_personal),
)

touches = sa.Table(
    "proposal_touches",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("proposal", sa.ForeignKey("proposals.id"), nullable=False),
    sa.Column("account", sa.String(60), nullable=False),
    sa.Column("action", sa.String(20), nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Index("touches_by_proposal", "proposal"),
)

comments = sa.Table(
    "proposal_comments",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("proposal", sa.ForeignKey("proposals.id"), nullable=False),
    sa.Column("account", sa.String(60), nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("action", sa.String(20), nullable=False),  # comment, or what was done with these words: returned
    sa.Column("content_hash", sa.String(64), nullable=False),  # of what the comment is about
    sa.Column("text", sa.Text, nullable=False),
    sa.Index("comments_by_proposal", "proposal", "id"),
    sqlite_autoincrement=True,
)
