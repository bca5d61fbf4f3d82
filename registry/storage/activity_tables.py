"""Tables of the measures around the list: what was done, figures of others, and contacts of departments.

``activities`` and ``contacts`` only grow: a correction is one more row of the same number. Who a contact is stands
apart in ``contact_people``, whose rows can be deleted.
"""

import sqlalchemy as sa

from registry.storage.tables import metadata

activities = sa.Table(
    "activities",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("number", sa.Integer, nullable=False),  # of the record
    sa.Column("version", sa.Integer, nullable=False),  # of the record, from 1 on
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("facts", sa.LargeBinary, nullable=False),  # what is stated, whole, as JSON
    sa.Column("action", sa.String(12), nullable=False),  # enter, correct, withdraw, confirm
    sa.Column("account", sa.String(60), nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),  # milliseconds since 1970
    sa.UniqueConstraint("number", "version", name="activities_once"),
    sa.Index("activities_by_kind", "kind", "number", "version"),
    sqlite_autoincrement=True,
)

contacts = sa.Table(
    "contacts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("department", sa.String(30), nullable=False),
    sa.Column("region", sa.String(6), nullable=False),
    sa.Column("role", sa.String(12), nullable=False),  # member, liaison
    sa.Column("since", sa.String(10), nullable=False),
    sa.Column("until", sa.String(10), nullable=False),  # the last day, "" while in office
    sa.Column("action", sa.String(12), nullable=False),  # enter, correct, end, erase
    sa.Column("account", sa.String(60), nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("number", "version", name="contacts_once"),
    sa.Index("contacts_by_place", "region", "department"),
    sqlite_autoincrement=True,
)

contact_people = sa.Table(
    "contact_people",
    metadata,
    sa.Column("contact", sa.ForeignKey("contacts.id"), primary_key=True, autoincrement=False),
    sa.Column("person", sa.LargeBinary, nullable=False),  # name, post, telephone, e-mail, as JSON
)
