"""Tables of accounts beside those of ``storage.tables``: passkeys, and changes that wait for a second administrator."""

import sqlalchemy as sa

from registry.storage.tables import metadata

passkeys = sa.Table(
    "passkeys",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("account", sa.String(60), nullable=False),
    sa.Column("name", sa.String(60), nullable=False),
    sa.Column("credential", sa.LargeBinary(1023), nullable=False),  # its number at the authenticator
    sa.Column("public_key", sa.LargeBinary, nullable=False),  # COSE
    sa.Column("sign_count", sa.BigInteger, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("last_used_at", sa.BigInteger),
    sa.Column("removed_at", sa.BigInteger),  # a row stays, so that what was removed cannot come back
    sa.Index("passkeys_by_account", "account", "id"),
    sa.Index("passkeys_by_credential", "credential", unique=True),
    sqlite_autoincrement=True,
)

account_changes = sa.Table(
    "account_changes",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("account", sa.String(60), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("roles", sa.String(120), nullable=False),
    sa.Column("region", sa.String(6), nullable=False),
    sa.Column("external", sa.String(200), nullable=False),
    sa.Column("password", sa.String(200), nullable=False),  # hash of the one its requester was shown; "" for none
    sa.Column("base", sa.LargeBinary, nullable=False),  # the account when this was requested, as JSON
    sa.Column("requester", sa.String(60), nullable=False),
    sa.Column("requested_at", sa.BigInteger, nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("decider", sa.String(60), nullable=False, server_default=""),
    sa.Column("decided_at", sa.BigInteger),
    sa.Column("reason", sa.String(500), nullable=False, server_default=""),
    sa.Index("account_changes_by_state", "state", "id"),
    sqlite_autoincrement=True,
)
