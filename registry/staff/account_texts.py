"""What the page of a requested change of an account says of it: who, when, and what it replaces."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup

from registry.accounts.changes import AccountChange
from registry.staff.i18n import StaffLanguage
from registry.web.record_changes import ChangeLine


def describe_change(language: StaffLanguage, change: AccountChange) -> list[tuple[Markup, Markup]]:
    """Describe who requested a change of an account and what became of it, as (label, words)."""
    lines = [
        ("account_change.requester", _describe_actor(language, change.requester, change.requested_at)),
        ("accounts.state", language.translate(f"account_change.state_{change.state}")),
    ]
    if change.state == "pending":
        lines.append(("account_change.void", language.format_milliseconds(change.expires_at)))
    if change.decided_at is not None:
        lines.append(("account_change.decider", _describe_actor(language, change.decider, change.decided_at)))
    if change.reason:
        lines.append(("account_change.reason", language.mark_chinese(change.reason)))
    return [(language.translate(key), words) for key, words in lines]


def compare_change(language: StaffLanguage, change: AccountChange) -> list[ChangeLine]:
    """Compare an account with what a change makes of it, line by line."""
    request, base, nothing = change.request, change.base, language.translate("proposal.nothing")
    pairs: list[tuple[str, Markup, Markup]] = []
    if request.kind in ("create", "rights"):
        roles = _list_roles(language, base.roles) if base else nothing
        region = language.format_region_code(base.region) if base else nothing
        pairs.append(("accounts.roles", roles, _list_roles(language, request.roles)))
        pairs.append(("accounts.region", region, language.format_region_code(request.region)))
    if request.kind == "link" and base:
        identities = [language.mark_chinese(text) or nothing for text in (base.external, request.external)]
        pairs.append(("accounts.external", identities[0], identities[1]))
    if request.kind == "open":
        pairs.append(("accounts.state", language.translate("accounts.closed"), language.translate("accounts.open")))
    return [
        ChangeLine(label=language.translate(key), before=before, after=after, differs=before != after)
        for key, before, after in pairs
    ]


def _list_roles(language: StaffLanguage, roles: Iterable[str]) -> Markup:
    return language.format_list(language.translate(f"role.{role}") for role in sorted(roles))


def _describe_actor(language: StaffLanguage, name: str, at: int) -> Markup:
    return language.translate("account_change.done_by", name=name, at=language.format_milliseconds(at))
