"""Every table of the register, and nothing else. Migrations make them; tests compare the two."""

from typing import Any

import sqlalchemy as sa

#: Last day and last entry number of what has no end; no NULL, so that a comparison is one comparison.
FOREVER = "9999-12-31"
STILL_KNOWN = 2**62

metadata = sa.MetaData()

# --- the log, and the views of it that live beside it ---

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


def _make_span_columns() -> list[sa.Column[Any]]:
    """Make the columns of what holds from one day to another, known from one entry of the log to another."""
    return [
        sa.Column("subject", sa.String(80), primary_key=True),
        sa.Column("valid_from", sa.String(10), primary_key=True),
        sa.Column("known_from", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("valid_to", sa.String(10), nullable=False),
        sa.Column("known_to", sa.BigInteger, nullable=False),
    ]


versions = sa.Table(
    "versions",
    metadata,
    *_make_span_columns(),
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
    *_make_span_columns(),
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

# --- proposals, what they would append, who touched them, and what was said of them ---

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

# --- what staff work with before anything is proposed: documents, half-filled forms, imports under way ---

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

# --- staff: their accounts, sessions and second factors, and the trail of what they did ---

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
    sa.Column("activation", sa.LargeBinary(32)),  # hash of the code without which no authenticator can be set up
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

# --- programs that ask: their keys, what they asked, what they watch ---

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
    sa.Column("department", sa.String(30), nullable=False, server_default=""),  # that it was given to; "": to none
    sa.Column("region", sa.String(6), nullable=False, server_default=""),  # of that department
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
