"""Tables of leads, which are no part of the log: what somebody reported, sealed, and the history of dealing with it."""

import sqlalchemy as sa

from registry.storage.tables import metadata

leads = sa.Table(
    "leads",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("number", sa.String(16), nullable=False),  # which whoever reported it follows it by
    sa.Column("token", sa.String(32), nullable=False),  # keyed hash of the form as sent: what is sent twice
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("urgency", sa.String(10), nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("region", sa.String(6), nullable=False),  # "": unknown
    sa.Column("department", sa.String(40), nullable=False),  # whose it is; "": nobody's yet
    sa.Column("institution", sa.String(8), nullable=False),  # the code of a listed one; "": none
    sa.Column("received_at", sa.BigInteger, nullable=False),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
    sa.Column("due", sa.String(10), nullable=False),  # the day of the next deadline; "": none
    sa.Column("closed_at", sa.BigInteger),
    sa.Column("outcome", sa.String(20), nullable=False),
    sa.Column("merged_into", sa.Integer),
    sa.Column("supervised_until", sa.String(10), nullable=False),  # 挂牌督办; "": not
    sa.Column("steps", sa.Integer, nullable=False),  # the number of its last step
    sa.Column("content", sa.LargeBinary),  # sealed; NULL once erased
    sa.Index("leads_by_number", "number", unique=True),
    sa.Index("leads_by_token", "token", unique=True),
    sa.Index("leads_by_state", "state", "due"),
    sa.Index("leads_by_region", "region", "state"),
    sqlite_autoincrement=True,
)

lead_steps = sa.Table(
    "lead_steps",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("lead", sa.Integer, nullable=False),
    sa.Column("step", sa.Integer, nullable=False),  # 1, 2, ... of this lead
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("account", sa.String(60), nullable=False),  # "-": whoever reported it
    sa.Column("action", sa.String(20), nullable=False),
    sa.Column("region", sa.String(6), nullable=False),  # of the lead after the step
    sa.Column("department", sa.String(40), nullable=False),  # whose the lead is after the step
    sa.Column("facts", sa.LargeBinary, nullable=False),  # words of lists, codes, days and hashes, as JSON: no free text
    sa.UniqueConstraint("lead", "step", name="lead_steps_once"),
    sa.Index("lead_steps_by_action", "action", "at"),
    sqlite_autoincrement=True,
)

#: What somebody wrote beside a step, and pictures: sealed, and erased with the content of the lead.
lead_notes = sa.Table(
    "lead_notes",
    metadata,
    sa.Column("lead", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("step", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)

lead_pictures = sa.Table(
    "lead_pictures",
    metadata,
    sa.Column("lead", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("sha256", sa.String(64), nullable=False),  # of the picture as it is handed over
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)
#: Files as they were handed over.
lead_files = sa.Table(
    "lead_files",
    metadata,
    sa.Column("lead", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("step", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.String(60), nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)
#: In an order in which every row comes after those it refers to.
TABLES = (leads, lead_steps, lead_notes, lead_pictures, lead_files)
