"""What memory holds of one institution: enough for a scanned code while the database is out of reach."""

from __future__ import annotations

from registry.domain import regions
from registry.domain.fields import fill_values
from registry.domain.identifiers import format_code
from registry.domain.model import Approval, Institution
from registry.domain.techniques import TECHNIQUES, TechniqueCode
from registry.records.asof import AsOf
from registry.records.lookup import NOWHERE, make_source_ref
from registry.verification.verdict import SiteApproval
from registry.verification.view import VerificationView


def find_institution(view: VerificationView, code: str, asof: AsOf) -> Institution | None:
    """Find an institution by its compact code with name, place, status and approvals; the rest reads as not recorded.

    None where nothing was known of the code.
    """
    with view.lock:
        site, sources = view.find_site(code, asof), view.get_sources(asof)
    if site is None:
        return None
    recorded = {
        "name": site.name,
        "address": site.address,
        "region": regions.find_region(site.region or "") or NOWHERE,
        "status": site.status,
    }
    return Institution(
        code=format_code(site.code),
        former_names=[],
        approvals=_list_approvals(site.approvals),
        source=make_source_ref(sources.get(site.source or "")),
        entry=site.entry,
        log_size=asof.size,
        **{**fill_values({}), **recorded},
    )


def _list_approvals(approvals: dict[TechniqueCode, SiteApproval]) -> list[Approval]:
    return [
        Approval(
            technique=technique.code,
            name=technique.official_zh,
            stage=approvals[technique.code].stage,
            valid_from=approvals[technique.code].valid_from,
            verification_due=approvals[technique.code].verification_due,
        )
        for technique in TECHNIQUES
        if technique.code in approvals
    ]
