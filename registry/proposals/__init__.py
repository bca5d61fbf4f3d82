"""Proposals under the four-eyes rule: propose, amend, approve, reject. The only caller of the log's append.

A proposal is a list of drafts, stored with a hash of its content and the log size it was made against. An approval
binds to that hash; it is refused to anyone who took part in the proposal, and if a subject of the proposal changed
since. If an approved entry erases personal values, the copies in stored proposals go with them; the hash stays as the
record of what was seen.
"""

from registry.proposals.decide import approve, reject, send_back
from registry.proposals.emergency import end_expired_suspensions, suspend
from registry.proposals.preview import draw_sample
from registry.proposals.proposal_store import (
    OPEN,
    Comment,
    Proposal,
    State,
    Touch,
    add_comment,
    get_for_account,
    get_proposal,
    list_proposals,
    list_touches,
    read_drafts,
    read_drafts_at,
)
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
