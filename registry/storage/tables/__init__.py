"""Every table of the register, and nothing else. Migrations make them; tests compare the two."""

from __future__ import annotations

from registry.storage.tables.base import FOREVER, STILL_KNOWN, metadata
from registry.storage.tables.clients import api_keys, key_checks, key_usage, watches
from registry.storage.tables.decisions import comments, proposal_items, proposals, touches
from registry.storage.tables.log import (
    checkpoints,
    deadlines,
    entries,
    erasable,
    positions,
    search_documents,
    standings,
    versions,
)
from registry.storage.tables.people import accounts, recovery_codes, staff_sessions, trail
from registry.storage.tables.workspace import attachment_parts, attachments, import_pages, imports, staff_drafts

__all__ = [
    "FOREVER",
    "STILL_KNOWN",
    "accounts",
    "api_keys",
    "attachment_parts",
    "attachments",
    "checkpoints",
    "comments",
    "deadlines",
    "entries",
    "erasable",
    "import_pages",
    "imports",
    "key_checks",
    "key_usage",
    "metadata",
    "positions",
    "proposal_items",
    "proposals",
    "recovery_codes",
    "search_documents",
    "staff_drafts",
    "staff_sessions",
    "standings",
    "touches",
    "trail",
    "versions",
    "watches",
]
