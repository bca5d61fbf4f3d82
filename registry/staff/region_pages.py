"""Places by name, for the control with which every form of the workspace chooses one."""

from __future__ import annotations

from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency

from registry.domain import region_names, regions
from registry.staff.desk import Desk


@get("/regions", sync_to_thread=True)
def suggest_regions(desk: NamedDependency[Desk]) -> Response[Any]:
    """Return the whole names of places that ``q`` may mean, or of the one that ``address`` names."""
    query = desk.request.query_params
    text, address = str(query.get("q") or "")[:60], str(query.get("address") or "")[:200]
    codes = region_names.list_candidates(text)
    if address:
        code = regions.resolve_address(address).code
        codes = [code] if code else []
    return Response({"items": [region_names.format_place(code) for code in codes]}, media_type="application/json")
