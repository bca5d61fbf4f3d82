"""Leads that may be about the same thing, compared while somebody looks, since no index holds their words."""

from __future__ import annotations

import re
from typing import Literal

import sqlalchemy as sa
from rapidfuzz import fuzz

from registry.accounts import Account
from registry.accounts.vault import Vault
from registry.domain.identifiers import find_web_domain
from registry.domain.model import Struct
from registry.domain.normalise import fold_text
from registry.measures.leads import contents, store
from registry.measures.leads.model import Lead, LeadContent
from registry.storage.lead_tables import lead_pictures, leads

Reason = Literal["link", "account", "name", "institution", "picture", "text"]
#: Of the latest leads so many are compared, and so many are shown.
COMPARED, SHOWN = 1_000, 8
#: From which likeness of two texts, of 100, they may be the same.
_SIMILAR = 62
#: An account or a telephone: Latin letters and digits that stand together.
_ACCOUNT = re.compile(r"(?<![0-9A-Za-z_./-])(?=[0-9A-Za-z_-]*[0-9])[0-9A-Za-z_-]{6,40}(?![0-9A-Za-z_./-])")
_ADDRESS = re.compile(r"https?://\S+|[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)+\S*")


class PossibleDuplicate(Struct, frozen=True):
    """Another lead and why it may be the same, the strongest reasons first."""

    lead: Lead
    reasons: tuple[Reason, ...]


def find_duplicates(connection: sa.Connection, vault: Vault, lead: Lead, account: Account) -> list[PossibleDuplicate]:
    """Find leads that may be about the same as one, among the latest that the account may see."""
    content = contents.read_content(connection, vault, lead.id)
    if content is None:
        return []
    others = store.select_leads().where(leads.c.id != lead.id, leads.c.content.is_not(None), leads.c.state != "merged")
    rows = connection.execute(others.order_by(leads.c.id.desc()).limit(COMPARED))
    pictures = _list_same_pictures(connection, lead.id)
    found = []
    for other in map(store.to_lead, rows):
        if not store.can_see(account, other):
            continue
        theirs = contents.read_content(connection, vault, other.id)
        if theirs is not None:
            reasons = compare_contents(content, theirs)
            if lead.institution and lead.institution == other.institution:
                reasons = (*reasons, "institution")
            if other.id in pictures:
                reasons = (*reasons, "picture")
            if reasons:
                found.append(PossibleDuplicate(lead=other, reasons=reasons))
    found.sort(key=lambda one: (-len(one.reasons), -one.lead.id))
    return found[:SHOWN]


def compare_contents(one: LeadContent, other: LeadContent) -> tuple[Reason, ...]:
    """Return why two texts may be about the same: a website, an account or number, a name, or like words.

    >>> compare_contents(LeadContent(what="加微信 yunma2024 可包成功"), LeadContent(what="朋友圈里的 yunma2024"))
    ('account',)
    """
    reasons: list[Reason] = []
    if _list_domains(one) & _list_domains(other):
        reasons.append("link")
    if _list_accounts(one) & _list_accounts(other):
        reasons.append("account")
    if one.who and fold_text(one.who) == fold_text(other.who):
        reasons.append("name")
    if fuzz.ratio(fold_text(one.what), fold_text(other.what)) >= _SIMILAR:
        reasons.append("text")
    return tuple(reasons)


def _list_domains(content: LeadContent) -> set[str]:
    texts = f"{content.link} {content.what}"
    return {domain for text in _ADDRESS.findall(texts) if (domain := find_web_domain(text)) is not None}


def _list_accounts(content: LeadContent) -> set[str]:
    return {account.lower() for account in _ACCOUNT.findall(f"{content.link} {content.what}")}


def _list_same_pictures(connection: sa.Connection, lead: int) -> set[int]:
    """List the leads with a picture that is the same byte for byte."""
    own = sa.select(lead_pictures.c.sha256).where(lead_pictures.c.lead == lead)
    query = sa.select(lead_pictures.c.lead).where(lead_pictures.c.sha256.in_(own), lead_pictures.c.lead != lead)
    return set(connection.execute(query).scalars())
