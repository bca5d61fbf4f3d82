"""What was done, figures of other departments, their contacts; a key may belong to a department and a region."""

import sqlalchemy as sa
from alembic import op

from registry.storage.database import make_append_only_triggers

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Add the three tables, of which two only grow, and the columns of keys."""
    op.add_column("api_keys", sa.Column("department", sa.String(30), nullable=False, server_default=""))
    op.add_column("api_keys", sa.Column("region", sa.String(6), nullable=False, server_default=""))
    op.create_table(
        "activities",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("facts", sa.LargeBinary, nullable=False),
        sa.Column("action", sa.String(12), nullable=False),
        sa.Column("account", sa.String(60), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("number", "version", name="activities_once"),
        sqlite_autoincrement=True,
    )
    op.create_index("activities_by_kind", "activities", ["kind", "number", "version"])
    op.create_table(
        "contacts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("department", sa.String(30), nullable=False),
        sa.Column("region", sa.String(6), nullable=False),
        sa.Column("role", sa.String(12), nullable=False),
        sa.Column("since", sa.String(10), nullable=False),
        sa.Column("until", sa.String(10), nullable=False),
        sa.Column("action", sa.String(12), nullable=False),
        sa.Column("account", sa.String(60), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("number", "version", name="contacts_once"),
        sqlite_autoincrement=True,
    )
    op.create_index("contacts_by_place", "contacts", ["region", "department"])
    op.create_table(
        "contact_people",
        sa.Column("contact", sa.Integer, sa.ForeignKey("contacts.id"), primary_key=True, autoincrement=False),
        sa.Column("person", sa.LargeBinary, nullable=False),
    )
    for table in ("activities", "contacts"):
        for statement in make_append_only_triggers(table, op.get_bind().dialect.name, key="id"):
            op.execute(sa.text(statement))
