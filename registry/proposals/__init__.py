"""Four eyes: propose, amend, approve, reject. The only caller of the log's append.

A proposal is a list of drafts, kept with a hash of its content and the log size it was made against. Approval binds to
that hash, is refused to anyone who touched the proposal, and is refused when a subject of the proposal changed since.
Where an approved entry erases personal values, the copies in stored proposals go with them; the hash stays as the
record of what was seen.
"""

from __future__ import annotations

from registry.proposals.comments import Comment, comment
from registry.proposals.decide import approve, reject, send_back
from registry.proposals.emergency import fall_back, suspend
from registry.proposals.kept import (
    OPEN,
    Proposal,
    State,
    Touch,
    drafts_at,
    drafts_of,
    for_account,
    get,
    listed,
    touches_of,
)
from registry.proposals.offer import amend, propose, withdraw
from registry.proposals.sampling import sample

__all__ = [
    "OPEN",
    "Comment",
    "Proposal",
    "State",
    "Touch",
    "amend",
    "approve",
    "comment",
    "drafts_at",
    "drafts_of",
    "fall_back",
    "for_account",
    "get",
    "listed",
    "propose",
    "reject",
    "sample",
    "send_back",
    "suspend",
    "touches_of",
    "withdraw",
]
