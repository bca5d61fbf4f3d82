"""Samples of the card for other people's pages, and of the page that tells developers of it."""

from __future__ import annotations

from public_site.api_reference import ApiReference, DevelopersPage
from public_site.api_snippets import Snippet
from public_site.institution_pages import PreviewPage
from public_site.responses import PageContext
from registry.reconciliation.properties import PROPERTIES
from registry.web.standing import State, make_standing
from tests.pages.records import ANSHAN, DELISTED, FULL, SITE, SUSPENDED, TRIAL


def make_pages() -> dict[str, PageContext]:
    """Every state of the card."""
    shown = {"": FULL, "-former": ANSHAN, "-trial": TRIAL, "-suspended": SUSPENDED, "-delisted": DELISTED}
    said: tuple[State, ...] = ("mistyped", "not_found", "cannot_answer")
    return {
        **{
            f"preview{name}": PreviewPage(
                here=f"/reconcile/preview?id={it.code}", institution=it, standing=make_standing(it)
            )
            for name, it in shown.items()
        },
        **{f"preview-{why}": PreviewPage(here="/reconcile/preview?id=x", reason=why) for why in said},
    }


def make_developers_pages(reference: ApiReference, empty: ApiReference) -> dict[str, PageContext]:
    """The page for developers, with a document and with an empty one."""
    snippets = (
        Snippet(name="curl", code="curl https://register.example/api/v1/verify"),
        Snippet(name="spreadsheet", code="C2  =WEBSERVICE(A2)"),
    )
    return {
        name: DevelopersPage(
            site=SITE,
            here="/developers",
            reference=one,
            snippets=snippets if one.operations else (),
            document_url="/api/v1/openapi.json",
            reconcile_url="https://register.example/reconcile",
            properties=PROPERTIES,
        )
        for name, one in (("developers", reference), ("developers-empty", empty))
    }
