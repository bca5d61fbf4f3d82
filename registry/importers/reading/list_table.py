"""Institutions of a list as the table of another list, which reads as they were read: for rows that another imports."""

import csv
import io
from collections.abc import Iterable

from registry.domain import regions
from registry.domain.fields import LISTED
from registry.domain.normalise import escape_cells
from registry.domain.techniques import BY_CODE, STAGES
from registry.importers.reading.cells import UNSTATED
from registry.importers.reading.headings import DETAILS, HEADINGS, REQUIRED
from registry.importers.reading.list_file import ListedApproval, ListedInstitution


def format_list_table(institutions: Iterable[ListedInstitution]) -> bytes:
    """Write a csv file with the headings of a list: a row for each technique, and columns for whatever is stated."""
    rows = [row for listed in institutions for row in _list_rows(listed)]
    titles = ["province", *REQUIRED, *(field.name for field in LISTED), *DETAILS]
    used = [title for title in titles if title in ("province", *REQUIRED) or any(row.get(title) for row in rows)]
    extra = list(dict.fromkeys(title for row in rows for title in row if title not in titles))
    text = io.StringIO()
    write = csv.writer(text).writerow
    text.write("\ufeff")
    write([*(HEADINGS[title][0] for title in used), *escape_cells(extra)])
    for row in rows:
        write(escape_cells([row.get(title, "") for title in (*used, *extra)]))
    return text.getvalue().encode()


def _list_rows(listed: ListedInstitution) -> list[dict[str, str]]:
    """The rows of an institution by titles: one for each approval, or one for all whose stages are only counted."""
    region = regions.find_region(f"{(listed.region or '')[:2]}0000")
    common = {
        "province": listed.province or (region.province if region and region.province else ""),
        "name": listed.name,
        "address": listed.address,
        **{field.name: _format_value(getattr(listed, field.name)) for field in LISTED},
        **listed.extra,
    }
    counted = next((one.note for one in listed.approvals if one.note not in (None, UNSTATED)), None)
    if counted is None:
        return [{**common, **_format_approval(one)} for one in listed.approvals]
    parts = [_format_approval(one) for one in listed.approvals]
    joined = {title: [part[title] for part in parts] for title in ("techniques", *DETAILS)}
    details = {title: cells[0] if len(set(cells)) == 1 else "、".join(cells) for title, cells in joined.items()}
    return [{**common, **details, "stages": counted}]


def _format_value(value: object) -> str:
    return "" if value is None else "、".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _format_approval(approval: ListedApproval) -> dict[str, str]:
    words = STAGES[approval.stage]
    return {
        "techniques": BY_CODE[approval.technique].official_zh,
        "stages": words[0] if words else "",
        **{title: str(value) for title in DETAILS if (value := getattr(approval, title)) is not None},
        **{title: "" for title in DETAILS if getattr(approval, title) is None},
    }
