"""What memory holds of one institution: enough for a scanned code while the database is out of reach."""

from __future__ import annotations

from registry.domain import regions
from registry.domain.fields import fill_values
from registry.domain.identifiers import format_code
from registry.domain.model import Approval, Institution
from registry.domain.techniques import TECHNIQUES
from registry.records.asof import AsOf
from registry.records.lookup import NOWHERE, make_source_ref
from registry.verification.verdict import judge_situation
from registry.verification.view import VerificationView


def find_institution(view: VerificationView, code: str, asof: AsOf) -> Institution | None:
    """Find an institution by its compact code with name, place, status and approvals; the rest reads as not recorded.

    None where nothing was known of the code.
    """
    with view.lock:
        situation, sources = view.find_situation(code, asof), view.get_sources(asof)
    if situation is None:
        return None
    site = situation.site
    word, standings = judge_situation(situation)
    recorded = {
        "name": site.name,
        "address": site.address,
        "region": regions.find_region(site.region or "") or NOWHERE,
        "status": site.status,
        "standing": word,
    }
    return Institution(
        code=format_code(site.code),
        former_names=[],
        approvals=[
            Approval(
                technique=technique.code,
                name=technique.official_zh,
                stage=approval.stage,
                standing=standings[technique.code],
                valid_from=approval.valid_from,
                verification_due=approval.verification_due,
                document_no=approval.document_no,
                authority=approval.authority,
            )
            for technique in TECHNIQUES
            if (approval := site.approvals.get(technique.code)) is not None
        ],
        source=make_source_ref(sources.get(site.source or "")),
        entry=site.entry,
        log_size=asof.size,
        **{**fill_values({}), **recorded},
    )
