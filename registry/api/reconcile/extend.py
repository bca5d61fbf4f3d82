"""Data extension: the columns wanted beside institutions that were matched, as of a day."""

from __future__ import annotations

from typing import Any

import msgspec

from registry.api.reconcile.manifest import TYPE, describe_property
from registry.api.reconcile.queries import read_parameter
from registry.domain.identifiers import parse_code
from registry.domain.model import Institution
from registry.domain.techniques import TechniqueCode
from registry.errors import InvalidCode, InvalidInput, TooLarge
from registry.reconciliation.properties import BY_ID, PROPERTIES, Property, Value
from registry.records.asof import AsOf, parse_day
from registry.register import Register
from registry.texts import Listing, Message
from registry.verification.answer import parse_technique

#: Institutions, and columns, of one request at most.
MOST_IDS, MOST_COLUMNS = 500, 100
_SETTINGS = ("on", "technique")


class ColumnRequest(msgspec.Struct, frozen=True):
    """A property with its settings."""

    id: str
    settings: dict[str, Any] | None = None


class ExtensionRequest(msgspec.Struct, frozen=True):
    """Which columns of which institutions."""

    ids: list[str]
    properties: list[ColumnRequest]


class ExtensionColumn(msgspec.Struct, frozen=True):
    """One column as it is understood: of which day, and of which technique alone."""

    property: Property
    asof: AsOf
    technique: TechniqueCode | None

    def make_cells(self, it: Institution | None) -> list[dict[str, Any]]:
        """Make the cells of one institution; that nothing is recorded of the day stands in `status` alone."""
        if it is None:
            return [{"str": "no_record"}] if self.property.id == "status" else []
        if self.technique is not None:
            approvals = [approval for approval in it.approvals if approval.technique == self.technique]
            it = msgspec.structs.replace(it, approvals=approvals)
        return [_make_cell(value) for value in self.property.values(it)]


_extension = msgspec.json.Decoder(ExtensionRequest)


def answer_extension(register: Register, text: str, lang: str) -> dict[str, Any]:
    """Answer with the rows asked for. InvalidInput for an unknown property or setting; TooLarge beyond the limits."""
    request = read_parameter(text, _extension, "extend")
    if len(request.ids) > MOST_IDS or len(request.properties) > MOST_COLUMNS:
        raise TooLarge(
            Message(
                "一次最多{most_ids}家机构、{most_columns}个属性；请分批发送。",
                most_ids=MOST_IDS,
                most_columns=MOST_COLUMNS,
            ),
            limit=MOST_IDS,
        )
    columns = [_make_column(register, column) for column in request.properties]
    codes = {identifier: code for identifier in request.ids if (code := _parse_code(identifier))}
    # One look at the records for each moment that is asked about.
    records = {
        asof: {parse_code(it.code): it for it in register.list_institutions(list(dict.fromkeys(codes.values())), asof)}
        for asof in {column.asof for column in columns}
    }
    return {
        "meta": [{"id": c.property.id, "name": c.property.get_name(lang)} for c in columns],
        "rows": {
            identifier: {c.property.id: c.make_cells(records[c.asof].get(codes.get(identifier, ""))) for c in columns}
            for identifier in request.ids
        },
    }


def propose_columns(type_id: str | None, limit: str | None, lang: str) -> dict[str, Any]:
    """Propose the columns of a type; InvalidInput for a limit that is no number."""
    proposed = [describe_property(prop, lang) for prop in PROPERTIES] if type_id in (None, "", TYPE) else []
    answer: dict[str, Any] = {"properties": proposed, "type": type_id or TYPE}
    if limit:
        number = parse_whole_number(limit, "limit")
        answer |= {"properties": proposed[:number], "limit": number}
    return answer


def parse_whole_number(text: str, name: str) -> int:
    """Parse a whole number of an address, at most a million; InvalidInput naming it."""
    if not (text.isascii() and text.isdecimal()):
        raise InvalidInput(Message("{name} 须为非负整数。", name=name))
    return int(text[:7]) if len(text) <= 7 else 1_000_000


def _parse_code(identifier: str) -> str | None:
    try:
        return parse_code(identifier)
    except InvalidCode:
        return None  # of one that is no code nothing is recorded either


def _make_column(register: Register, column: ColumnRequest) -> ExtensionColumn:
    if column.id not in BY_ID:
        raise InvalidInput(
            Message("未知的属性“{column}”；可用：{by_id}。", column=column.id[:40], by_id=Listing(BY_ID)),
        )
    settings = column.settings or {}
    if unknown := sorted(set(settings) - set(_SETTINGS)):
        raise InvalidInput(
            Message("未知的设置“{unknown}”；可用：{settings}。", unknown=unknown[0][:40], settings=Listing(_SETTINGS)),
        )
    on, technique = (str(settings.get(name) or "").strip() for name in _SETTINGS)
    return ExtensionColumn(
        property=BY_ID[column.id],
        asof=register.make_as_of(parse_day(on) if on else None),
        technique=parse_technique(technique) if technique else None,
    )


def _make_cell(value: Value) -> dict[str, Any]:
    if isinstance(value, str):
        return {"str": value}
    if isinstance(value, int):
        return {"int": value}
    return {"date": f"{value.isoformat()}T00:00:00Z"}
