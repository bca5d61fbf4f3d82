"""Penalties as the national enterprise credit information publicity system prints them, to be handed over as a file.

Source of the fields: 国家企业信用信息公示系统, 行政处罚信息. Of market entities only: a person is in no row. What the
register does not know (法定代表人) stays blank.
"""

from __future__ import annotations

import datetime as dt
import io

import msgspec
import sqlalchemy as sa
import xlsxwriter

from registry.domain import regions
from registry.domain.identifiers import format_subject_code
from registry.domain.model import Date, Struct
from registry.errors import InvalidInput
from registry.records import timeline
from registry.records.asof import AsOf
from registry.records.publicity import collect_sanction_values
from registry.records.selection import match_known
from registry.records.view import decode_state
from registry.storage.tables import FOREVER, versions
from registry.texts import Message


class HandoverRow(Struct, frozen=True):
    """One penalty, in the words of that system; texts, empty where nothing is recorded."""

    document_no: str = msgspec.field(name="行政处罚决定书文号")
    name: str = msgspec.field(name="行政相对人名称")
    uscc: str = msgspec.field(name="统一社会信用代码")
    representative: str = msgspec.field(name="法定代表人")
    violation: str = msgspec.field(name="违法行为类型")
    facts: str = msgspec.field(name="违法事实")
    legal_basis: str = msgspec.field(name="处罚依据")
    measure: str = msgspec.field(name="行政处罚内容")
    fine: str = msgspec.field(name="罚款金额（元）")
    confiscated: str = msgspec.field(name="没收违法所得（元）")
    authority: str = msgspec.field(name="作出行政处罚决定机关名称")
    decided_on: str = msgspec.field(name="处罚决定日期")
    published_on: str = msgspec.field(name="公示日期")
    public_until: str = msgspec.field(name="公示截止期")
    region: str = msgspec.field(name="行政区划代码")
    code: str = msgspec.field(name="名录编码")


class HandoverChoice(Struct, frozen=True):
    """Penalties decided from ``first`` to ``last``, both included, in a region and below it; "" everywhere."""

    first: Date
    last: Date
    region: str = ""

    def require_valid(self) -> None:
        """InvalidInput for a period that ends before it begins, or a region there is not."""
        if self.last < self.first:
            raise InvalidInput(Message("截止日早于起始日，请核对。"), field="last")
        if self.region and regions.find_region(self.region) is None:
            raise InvalidInput(Message("未知的行政区划代码 {region}", region=self.region), field="region")


_HEADINGS: tuple[str, ...] = tuple(field.encode_name for field in msgspec.structs.fields(HandoverRow))
_WIDE = ("行政相对人名称", "违法事实", "处罚依据", "行政处罚内容", "作出行政处罚决定机关名称")


def list_rows(connection: sa.Connection, choice: HandoverChoice, size: int) -> list[HandoverRow]:
    """List the penalties chosen, as known at a log size, by the day of the decision; those taken out are left out."""
    choice.require_valid()
    v, known = versions.c, match_known(AsOf(valid_on=Date.max, size=size))
    query = sa.select(v.subject, v.state).where(v.kind == "sanction", known, v.valid_to == FOREVER)
    penalties = [
        (subject, collect_sanction_values(decode_state(state))) for subject, state in connection.execute(query)
    ]
    holders = {values["institution"] for _, values in penalties if values.get("institution")}
    named = sa.select(v.subject, v.state).where(v.subject.in_(sorted(holders)), known, v.valid_to == FOREVER)
    institutions = {
        subject: timeline.collect_values(decode_state(state)) for subject, state in connection.execute(named)
    }
    rows = []
    for subject, values in penalties:
        place = institutions.get(values.get("institution") or "", values)
        if _is_chosen(values, str(place.get("region") or ""), choice):
            rows.append(_make_row(subject, values, place))
    return sorted(rows, key=lambda row: (row.decided_on, row.document_no, row.code))


def _is_chosen(values: dict[str, object], region: str, choice: HandoverChoice) -> bool:
    is_handed_over = values.get("kind") == "penalty" and values.get("party") in ("institution", "organisation")
    if not is_handed_over or values.get("removed_on") or not values.get("decided_on"):
        return False
    is_inside = not choice.region or region.startswith(regions.get_prefix(choice.region))
    return is_inside and choice.first.isoformat() <= str(values["decided_on"]) <= choice.last.isoformat()


def _make_row(subject: str, values: dict[str, object], place: dict[str, object]) -> HandoverRow:
    texts = {path: str(value) for path, value in values.items() if value is not None}
    return HandoverRow(
        document_no=texts.get("document_no", ""),
        name=str(place.get("name") or values.get("organisation") or ""),
        uscc=str(place.get("uscc") or ""),
        representative="",
        violation=texts.get("violation", ""),
        facts=texts.get("facts", ""),
        legal_basis=texts.get("legal_basis", ""),
        measure=texts.get("measure", "") or texts.get("summary", ""),
        fine=texts.get("fine", ""),
        confiscated=texts.get("confiscated", ""),
        authority=texts.get("authority", ""),
        decided_on=texts.get("decided_on", ""),
        published_on=texts.get("published_on", ""),
        public_until=texts.get("public_until", ""),
        region=str(place.get("region") or ""),
        code=format_subject_code(subject),
    )


def encode_json(rows: list[HandoverRow]) -> bytes:
    """Encode the rows as a JSON list of objects with the system's own words for its fields."""
    return msgspec.json.format(msgspec.json.encode(rows), indent=1) + b"\n"


def make_workbook(rows: list[HandoverRow]) -> bytes:
    """Make a workbook of one sheet. Cells are text: none is a formula, a number or a link."""
    file = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(file, options)
    book.set_properties({"title": "行政处罚信息", "created": dt.datetime(2000, 1, 1)})  # the same bytes each time
    bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
    wrapped = book.add_format({"text_wrap": True, "valign": "top", "num_format": "@"})
    sheet = book.add_worksheet("行政处罚信息")
    for column, heading in enumerate(_HEADINGS):
        sheet.set_column(column, column, 32 if heading in _WIDE else 18)
        sheet.write_string(0, column, heading, bold)
    for number, row in enumerate(rows, start=1):
        for column, value in enumerate(msgspec.structs.astuple(row)):
            sheet.write_string(number, column, str(value)[:32_767], wrapped)
    sheet.freeze_panes(1, 0)
    book.close()
    return file.getvalue()
