"""Four eyes: propose, amend, approve, reject. The only caller of the log's append.

A proposal is a list of drafts, kept with a hash of its content and the log size it was made against. Approval binds to
that hash, is refused to anyone who touched the proposal, and is refused when a subject of the proposal changed since.
Where an approved entry erases personal values, the copies in stored proposals go with them; the hash stays as the
record of what was seen.
"""

from __future__ import annotations

from registry.proposals.comments import Comment, add_comment
from registry.proposals.decide import approve, reject, send_back
from registry.proposals.emergency import end_expired_suspensions, suspend
from registry.proposals.proposal_store import (
    OPEN,
    Proposal,
    State,
    Touch,
    get_for_account,
    get_proposal,
    list_proposals,
    list_touches,
    read_drafts,
    read_drafts_at,
)
from registry.proposals.sampling import draw_sample
from registry.proposals.submission import amend, propose, withdraw

__all__ = [
    "OPEN",
    "Comment",
    "Proposal",
    "State",
    "Touch",
    "add_comment",
    "amend",
    "approve",
    "draw_sample",
    "end_expired_suspensions",
    "get_for_account",
    "get_proposal",
    "list_proposals",
    "list_touches",
    "propose",
    "read_drafts",
    "read_drafts_at",
    "reject",
    "send_back",
    "suspend",
    "withdraw",
]
