"""Tables of evidence letters that were given, and of subscribers to notices with what waits for their readers."""

import sqlalchemy as sa

from registry.storage.tables import metadata

letters = sa.Table(
    "letters",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("account", sa.String(60), nullable=False),  # who gave it
    sa.Column("authority", sa.String(120), nullable=False),  # whom it was given to
    sa.Column(
        "reference", sa.String(80), nullable=False
    ),  # that authority's number of the case; nothing of its content
    sa.Column("about", sa.String(120), nullable=False),  # the institution's code, or the name that was asked about
    sa.Column("person", sa.Boolean, nullable=False),  # whether a person was asked about; the name is only in the letter
    sa.Column("day", sa.String(10), nullable=False),
    sa.Column("known_at", sa.BigInteger),
    sa.Column("verdict", sa.String(30), nullable=False),
    sa.Column("log_size", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),  # SHA-256 of the letter's receipt
    sa.Column("issued_at", sa.BigInteger, nullable=False),
    sa.Index("letters_by_account", "account", "id"),
    sqlite_autoincrement=True,
)

subscriptions = sa.Table(
    "subscriptions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("owner", sa.String(80), nullable=False),  # client:NAME or staff:NAME
    sa.Column("channel", sa.String(8), nullable=False),
    sa.Column("target", sa.String(500), nullable=False),  # an address of the web, or of mail
    sa.Column("lang", sa.String(8), nullable=False),
    sa.Column("choice", sa.LargeBinary, nullable=False),  # what is watched, as JSON
    sa.Column("secret", sa.String(300), nullable=False),  # of a web hook, sealed
    sa.Column("salt", sa.String(16), nullable=False),  # of the code in its addresses
    sa.Column("state", sa.String(8), nullable=False),
    sa.Column("position", sa.String(100), nullable=False),  # see clients.watches.WatchPosition
    sa.Column("round", sa.Integer, nullable=False),  # how often it was set back: a replay is another message
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_try", sa.BigInteger, nullable=False),  # milliseconds since 1970, as every instant here
    sa.Column("failing_since", sa.BigInteger),
    sa.Column("last_error", sa.String(200), nullable=False),
    sa.Column("delivered", sa.BigInteger, nullable=False),  # the last entry that was delivered
    sa.Column("delivered_at", sa.BigInteger),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Index("subscriptions_by_owner", "owner", "id"),
    sqlite_autoincrement=True,
)

notice_items = sa.Table(
    "notice_items",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("subscription", sa.Integer, nullable=False),
    sa.Column("message", sa.String(120), nullable=False),  # its number, by which a reader knows it
    sa.Column("body", sa.LargeBinary, nullable=False),  # as JSON
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Index("notice_items_by_subscription", "subscription", "id"),
    sqlite_autoincrement=True,
)
