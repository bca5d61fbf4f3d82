"""Whether all that a credential says still holds, by what the verification view holds of its institution."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Literal

from registry.credentials.credential import Credential
from registry.credentials.status_list import INVALID, SUSPENDED, VALID, Status
from registry.domain.model import ApprovalStanding
from registry.receipts.jws import PublicKey
from registry.records.asof import AsOf
from registry.verification.addresses import compare_addresses
from registry.verification.verdict import Situation, judge_situation
from registry.verification.view import VerificationView

#: Why a credential no longer holds: the first that applies.
Fault = Literal["withdrawn", "expired", "key", "gone", "name", "address", "technique", "suspended"]


def find_fault(
    view: VerificationView, credential: Credential, now: dt.datetime, cutoff: dt.datetime | None, asof: AsOf
) -> Fault | None:
    """Find why a credential does not hold; None while it does. Call under the view's lock.

    ``cutoff``: those issued until then may bear the signature of a key that others have.
    """
    if credential.withdrawal is not None:
        return "withdrawn"
    if now >= credential.end:
        return "expired"
    if cutoff is not None and credential.issued.replace(microsecond=0) <= cutoff:
        return "key"
    situation = view.find_situation(credential.institution, asof)
    if situation is None:
        return "gone"
    return _find_site_fault(view, credential, situation, asof)


def _find_site_fault(view: VerificationView, credential: Credential, situation: Situation, asof: AsOf) -> Fault | None:
    site = situation.site
    if credential.name != site.name and credential.name not in _list_names(view, credential.institution, asof.size):
        return "name"
    compared = compare_addresses(credential.address, site.address, site.region, (site.name,))
    if credential.address != site.address and compared not in ("same", "form"):
        return "address"
    word, standings = judge_situation(situation)
    if word == "delisted":
        return "gone"
    words: set[ApprovalStanding | None] = {standings.get(technique) for technique in credential.techniques}
    if words <= {"in_force"}:
        return None
    return "suspended" if words <= {"in_force", "suspended"} else "technique"


def _list_names(view: VerificationView, code: str, size: int) -> set[str]:
    """Every name the institution has or had, as known at a log size: a placard may bear the former one."""
    spans = view.institutions.list_spans(code)
    return {span.site.name for span in spans if span.known_from <= size < span.known_to}


def to_status(fault: Fault | None) -> Status:
    """Return what a status list says of a credential with this fault."""
    if fault is None:
        return VALID
    return SUSPENDED if fault == "suspended" else INVALID


def find_cutoff(keys: Iterable[PublicKey]) -> dt.datetime | None:
    """Find the second until which credentials may bear the signature of a withdrawn key; None where none may.

    The oldest key in use signs: one that was withdrawn while an older one still signed has signed none. ``keys``:
    oldest first.
    """
    cutoff: dt.datetime | None = None
    last_end = dt.datetime.min.replace(tzinfo=dt.UTC)  # the end of all older keys
    for key in keys:
        end = key.retired_at if key.retired else None
        stop = end or dt.datetime.max.replace(tzinfo=dt.UTC)
        if key.withdrawn and stop > last_end:
            cutoff = stop if cutoff is None else max(cutoff, stop)
        last_end = max(last_end, stop)
    return cutoff
