"""Staff: their accounts, sessions and second factors, and the trail of what they did."""

from __future__ import annotations

import sqlalchemy as sa

from registry.storage.tables.base import metadata

accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("name", sa.String(60), primary_key=True),
    sa.Column("roles", sa.String(120), nullable=False),
    sa.Column("password", sa.String(200), nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("disabled_at", sa.BigInteger),
    sa.Column("region", sa.String(6), nullable=False, server_default=""),  # GB/T 2260; "": the whole country
    sa.Column("must_change", sa.Boolean, nullable=False, server_default=sa.false()),  # somebody else chose the password
    sa.Column("second", sa.String(200)),  # the secret of the second factor, see accounts.vault; NULL: not set up yet
    sa.Column("second_step", sa.BigInteger, nullable=False, server_default="0"),  # of the last code that was accepted
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),  # wrong codes since the last right one
    sa.Column("locked_until", sa.BigInteger, nullable=False, server_default="0"),  # for codes of unknown browsers, ms
    sa.Column("external", sa.String(200)),  # whom the department's own identity provider calls this account
    sa.Column("second_used", sa.String(400), nullable=False, server_default=""),  # steps of codes accepted before that
    sa.Index("accounts_by_external", "external", unique=True),
)

recovery_codes = sa.Table(
    "recovery_codes",
    metadata,
    sa.Column("account", sa.String(60), primary_key=True),
    sa.Column("digest", sa.LargeBinary(32), primary_key=True),
    sa.Column("used_at", sa.BigInteger),
)

staff_sessions = sa.Table(
    "staff_sessions",
    metadata,
    sa.Column("digest", sa.LargeBinary(32), primary_key=True),  # SHA-256 of what the browser holds
    sa.Column("account", sa.String(60), nullable=False),
    sa.Column("state", sa.String(10), nullable=False),  # what is still to be shown: second, enrol, password; or open
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("seen_at", sa.BigInteger, nullable=False),
    sa.Column("address", sa.String(60), nullable=False),
    sa.Column("agent", sa.String(200), nullable=False),
    sa.Column("proved_at", sa.BigInteger, nullable=False, server_default="0"),  # when the second factor was shown last
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),  # wrong codes and passwords typed in it
    sa.Index("staff_sessions_by_account", "account"),
)

trail = sa.Table(
    "trail",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),  # milliseconds since 1970
    sa.Column("account", sa.String(60), nullable=False),
    sa.Column("action", sa.String(40), nullable=False),
    sa.Column("about", sa.String(120), nullable=False),
    sa.Column("address", sa.String(60), nullable=False),
    sa.Index("trail_by_account", "account", "id"),
    sa.Index("trail_by_action", "action", "id"),
    sqlite_autoincrement=True,
)
