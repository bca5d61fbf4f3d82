"""The log, and the views of it that live beside it."""

from __future__ import annotations

import sqlalchemy as sa

from registry.storage.tables.base import metadata

entries = sa.Table(
    "entries",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("recorded_at", sa.BigInteger, nullable=False),  # milliseconds since 1970, never decreasing
    sa.Column("subject", sa.String(80), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),  # the canonical bytes
    sa.Column("leaf", sa.LargeBinary(32), nullable=False),  # RFC 6962 leaf hash of body
    sa.Index("entries_by_subject", "subject", "number"),
    sa.Index("entries_by_time", "recorded_at", "number"),
)

erasable = sa.Table(
    "erasable",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("path", sa.String(80), primary_key=True),
    sa.Column("salt", sa.LargeBinary(16), nullable=False),
    sa.Column("value", sa.LargeBinary, nullable=False),
)

checkpoints = sa.Table(
    "checkpoints",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("signed_at", sa.BigInteger, nullable=False),  # milliseconds since 1970
    sa.Column("note", sa.LargeBinary, nullable=False),  # the signed checkpoint, byte for byte
    sa.Column("vkeys", sa.Text, nullable=False),  # the keys that sign, one a line: for machines without the key
    sa.Index("checkpoints_by_size", "size", "id"),
    sqlite_autoincrement=True,
)

positions = sa.Table(
    "positions",
    metadata,
    sa.Column("view", sa.String(40), primary_key=True),
    sa.Column("position", sa.BigInteger, nullable=False),
)

_TIMES = ("valid_from", "valid_to", "known_from", "known_to")

versions = sa.Table(
    "versions",
    metadata,
    sa.Column("subject", sa.String(80), primary_key=True),
    sa.Column("valid_from", sa.String(10), primary_key=True),
    sa.Column("known_from", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("valid_to", sa.String(10), nullable=False),
    sa.Column("known_to", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("parent", sa.String(80), nullable=False),
    sa.Column("status", sa.String(12), nullable=False),
    sa.Column("region", sa.String(6), nullable=False),
    sa.Column("state", sa.LargeBinary, nullable=False),
    # Whatever is looked for by place, without opening the rows, which are large.
    sa.Index("versions_by_place", "kind", "region", "subject", *_TIMES, "status"),
    sa.Index("versions_by_parent", "parent", "kind"),
)

standings = sa.Table(
    "standings",
    metadata,
    sa.Column("subject", sa.String(80), primary_key=True),
    sa.Column("valid_from", sa.String(10), primary_key=True),
    sa.Column("known_from", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("valid_to", sa.String(10), nullable=False),
    sa.Column("known_to", sa.BigInteger, nullable=False),
    sa.Column("status", sa.String(12), nullable=False),
    sa.Column("region", sa.String(6), nullable=False),
    sa.Column("standing", sa.String(16), nullable=False),
    # one bit per technique x stage, see records.standing_view.make_offer_bit
    sa.Column("offers", sa.BigInteger, nullable=False),
    sa.Column("words", sa.String(200), nullable=False),  # the standings of approvals that are not in force, as JSON
    # The same for whoever asks about the day before it comes.
    sa.Column("ahead_standing", sa.String(16), nullable=False),
    sa.Column("ahead_offers", sa.BigInteger, nullable=False),
    sa.Column("ahead_words", sa.String(200), nullable=False),
    # Whatever filters and counts look at, so that they need not open the rows.
    sa.Index("standings_by_place", "region", "subject", *_TIMES, "standing", "offers", "status"),
)

search_documents = sa.Table(
    "search_documents",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("subject", sa.String(80), nullable=False, unique=True),
    sa.Column("body", sa.LargeBinary, nullable=False),
)

deadlines = sa.Table(
    "deadlines",
    metadata,
    sa.Column("subject", sa.String(80), primary_key=True),
    sa.Column("path", sa.String(80), primary_key=True),
    sa.Column("valid_from", sa.String(10), primary_key=True),  # of the span that states it
    sa.Column("valid_to", sa.String(10), nullable=False),
    sa.Column("day", sa.String(10), nullable=False),  # the last day it holds
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("about", sa.String(80), nullable=False),  # the institution
    sa.Index("deadlines_by_day", "day", "kind"),
)
