"""What staff work with before anything is proposed: documents, half-filled forms, imports under way."""

from __future__ import annotations

import sqlalchemy as sa

from registry.storage.tables.base import metadata

attachments = sa.Table(
    "attachments",
    metadata,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("media_type", sa.String(100), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("added_by", sa.String(60), nullable=False),
    sa.Column("added_at", sa.BigInteger, nullable=False),
)

attachment_parts = sa.Table(
    "attachment_parts",
    metadata,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("part", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("bytes", sa.LargeBinary, nullable=False),
)

staff_drafts = sa.Table(
    "staff_drafts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("account", sa.String(60), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),  # of the form
    sa.Column("subject", sa.String(80)),  # NULL: something new
    sa.Column("form", sa.LargeBinary, nullable=False),  # the fields as typed, as JSON
    sa.Column("base_size", sa.BigInteger, nullable=False),  # of the log the form was filled from
    sa.Column("amends", sa.Integer),  # the proposal it is to take the place of
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
    sa.Index("staff_drafts_by_account", "account", "id"),
    sa.Index("staff_drafts_by_subject", "subject"),
    sqlite_autoincrement=True,
)

imports = sa.Table(
    "imports",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("account", sa.String(60), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),  # what the file lists
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("file", sa.String(64), nullable=False),  # SHA-256; its bytes are pages until it is proposed
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("said", sa.LargeBinary, nullable=False),  # what a person said about the file, as JSON
    sa.Column("decisions", sa.LargeBinary, nullable=False),  # what a person decided of doubtful pairs, as JSON
    sa.Column("found", sa.LargeBinary),  # what reading and comparing found, as packed JSON
    sa.Column("phase", sa.String(20), nullable=False, server_default=""),
    sa.Column("done", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("total", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("run", sa.String(32), nullable=False, server_default=""),  # of the process that works on it; "": none
    sa.Column("beat_at", sa.BigInteger, nullable=False, server_default="0"),  # when the work was last heard of
    sa.Column("base_size", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("proposal", sa.Integer),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
    sa.Index("imports_by_account", "account", "id"),
    sqlite_autoincrement=True,
)

import_pages = sa.Table(
    "import_pages",
    metadata,
    sa.Column("import", sa.ForeignKey("imports.id"), primary_key=True, autoincrement=False),
    sa.Column("section", sa.String(20), primary_key=True),  # which list of what was found, or the file itself
    sa.Column("page", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("body", sa.LargeBinary, nullable=False),  # lines as packed JSON; of a file its bytes
)
