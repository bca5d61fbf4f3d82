"""Programs that ask: their keys, what they asked, what they watch."""

from __future__ import annotations

import sqlalchemy as sa

from registry.storage.tables.base import metadata

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("id", sa.String(8), primary_key=True),  # the part of the key that may be shown
    sa.Column("client", sa.String(60), nullable=False),
    sa.Column("digest", sa.LargeBinary(32), nullable=False),  # SHA-256 of the whole key, which is kept nowhere
    sa.Column("scopes", sa.String(120), nullable=False),
    sa.Column("per_minute", sa.Integer, nullable=False),
    sa.Column("per_day", sa.BigInteger, nullable=False),
    sa.Column("recorded", sa.Boolean, nullable=False),  # whether each check is kept, see key_checks
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger),
    sa.Column("revoked_at", sa.BigInteger),
    sa.Column("last_used_at", sa.BigInteger),
    sa.Index("api_keys_by_client", "client"),
)

key_usage = sa.Table(
    "key_usage",
    metadata,
    sa.Column("key", sa.String(8), primary_key=True),
    sa.Column("day", sa.String(10), primary_key=True),  # in Asia/Shanghai
    sa.Column("operation", sa.String(60), primary_key=True),
    sa.Column("requests", sa.BigInteger, nullable=False),
    sa.Column("questions", sa.BigInteger, nullable=False),  # a batch asks as many as it has rows
    sa.Column("refused", sa.BigInteger, nullable=False),
)

key_checks = sa.Table(
    "key_checks",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("key", sa.String(8), nullable=False),
    sa.Column("client", sa.String(60), nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),  # milliseconds since 1970
    sa.Column("operation", sa.String(60), nullable=False),
    sa.Column("question", sa.LargeBinary, nullable=False),  # the claim, as JSON
    sa.Column("verdict", sa.String(30), nullable=False),
    sa.Column("code", sa.String(8)),  # of the institution that was meant
    sa.Column("log_size", sa.BigInteger, nullable=False),
    sa.Index("key_checks_by_client", "client", "id"),
    sa.Index("key_checks_by_time", "at"),
    sqlite_autoincrement=True,
)

watches = sa.Table(
    "watches",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("client", sa.String(60), nullable=False),
    sa.Column("claim", sa.LargeBinary, nullable=False),  # as JSON
    sa.Column("digest", sa.LargeBinary(32), nullable=False),  # of the claim, so that it is watched once
    sa.Column("log_size", sa.BigInteger, nullable=False),  # what its first answer rested on,
    sa.Column("day", sa.String(10), nullable=False),  # and when it was given (Asia/Shanghai)
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("client", "digest", name="watches_once"),
    sqlite_autoincrement=True,
)
