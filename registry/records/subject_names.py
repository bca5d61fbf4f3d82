"""What sentences call a subject of the log or a region: by name, and by the code only where there is no name."""

from __future__ import annotations

import sqlalchemy as sa

from registry.domain import english_places, regions
from registry.domain.identifiers import format_code
from registry.domain.model import Draft
from registry.records import asof, browse
from registry.texts import FixedText, Message, PageText

#: The fields that name a subject; of a person none: sentences of refusals are kept where nothing is erased.
_NAMES = {
    **{"institution": "name", "ad_certificate": "number", "source": "title"},
    **dict.fromkeys(("sanction", "supervision"), "document_no"),
}


def describe_subject(connection: sa.Connection, subject: str, draft: Draft | None = None) -> Message:
    """Describe a subject as people call it, from the record or else from a draft about it; with its code, if it has
    one."""
    kind, _, identifier = subject.partition(":")
    if kind == "edition":
        return PageText("trail.about_edition", name=identifier)
    if kind == "credential":
        return Message("{kind} {code}", kind=PageText("kind.credential"), code=identifier)
    recorded = browse.read_recorded_values(connection, [subject], asof.make_as_of(connection)).get(subject, {})
    proposed = draft.change.set if draft is not None else {}
    field = _NAMES.get(kind, "")
    name = str(recorded.get(field) or proposed.get(field) or "")
    if kind == "source":
        return FixedText(name or identifier)
    code = format_code(identifier)
    if name:
        return Message("{name}（{code}）", name=name, code=code)
    return Message("{kind} {code}", kind=PageText(f"kind.{kind}"), code=code)


def describe_region(code: str) -> Message:
    """Describe a region by its names; the code itself if it has none.

    >>> describe_region("210303").to_text("zh-CN"), describe_region("210303").to_text("en")
    ('辽宁省鞍山市铁西区', 'Tiexi District, Anshan, Liaoning')
    """
    region = regions.find_region(code)
    if region is None:
        return FixedText(code)
    levels = dict.fromkeys(filter(None, (region.province, region.city, region.district)))
    return FixedText("".join(levels), ", ".join(english_places.list_english_names(region)))
