"""An edition as json, csv and one page of HTML that needs nothing else. UTF-8 throughout.

The csv has a row per technique, with the province on every row, so that a spreadsheet can filter it; json has the
institutions in the API's shape; the page is to be put on any website, printed, or read offline.
"""

import csv
from collections.abc import Iterator
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec

from registry.domain.model import Institution
from registry.domain.normalise import escape_cells
from registry.editions import labels, manifest
from registry.editions.content import ApprovalLine, EditionInstitution, ListContent, Progress
from registry.editions.edition import Edition
from registry.verification.phrases import format_date

_json = msgspec.json.Encoder(order="sorted")


#: Fields that institutions gained since the first editions, with what they are where nothing is stated.
_GAINED = {field.name: field.default for field in msgspec.structs.fields(Institution) if not field.required}


def _drop_gained_fields(institution: Institution) -> dict[str, Any]:
    """Leave out what institutions have gained since the first editions: their files stay the same to the last byte.

    A field that is stated stays.
    """
    record: dict[str, Any] = msgspec.to_builtins(institution)
    for name, absent in _GAINED.items():
        if record[name] == absent:
            del record[name]
    del record["standing"]
    for approval in record["approvals"]:
        del approval["standing"], approval["since"]
    return record


def write_json(path: Path, edition: Edition, content: ListContent, progress: Progress | None = None) -> None:
    """Write ``{"edition":…,"log":{size,root},"items":[Institution…]}``, a line an institution; UTF-8, keys sorted."""
    with path.open("wb") as file:
        file.write(b'{"edition":' + _json.encode(manifest.make_head(edition)) + b',"log":' + _json.encode(edition.log))
        file.write(b',"items":[')
        for number, institution in enumerate(content.read_institutions()):
            file.write((b",\n" if number else b"\n") + _json.encode(_drop_gained_fields(institution)))
            if progress and number % 1000 == 999:
                progress(number + 1)
        file.write(b"\n]}\n")


# --- csv ---


def list_headings(content: ListContent) -> tuple[str, ...]:
    """List the attachment's six columns, then what else is known."""
    further = (field.headings[0] for field in content.fields)
    return (*labels.CENTRES, *further, "编码", "行政区划代码", "运行情况说明")


def make_rows(content: ListContent) -> Iterator[list[str]]:
    """Make the rows below the headings; numbers run through the whole list."""
    for number, institution in enumerate(content.read_list(), start=1):
        for line in institution.lines:
            yield make_cells(content, number, institution, line)


def make_cells(content: ListContent, number: int, institution: EditionInstitution, line: ApprovalLine) -> list[str]:
    """Make one row: a cell for each heading."""
    return [
        institution.province,
        str(number),
        institution.name,
        institution.address,
        labels.format_technique(line),
        labels.format_stage(line),
        *(getattr(institution, field.name) or "" for field in content.fields),
        institution.code,
        institution.region,
        line.note or "",
    ]


def write_csv(path: Path, content: ListContent, progress: Progress | None = None) -> None:
    """Write the file as UTF-8 with a byte order mark and CRLF, as spreadsheets want; no cell begins a formula."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(list_headings(content))
        for number, row in enumerate(make_rows(content), start=1):
            writer.writerow(escape_cells([labels.remove_unprintable(cell) for cell in row]))
            if progress and number % 1000 == 0:
                progress(number)


# --- html ---

_HEAD = "".join(f'<th scope="col">{heading}</th>' for heading in ("序号", "医疗机构名称", "地址", "批准开展的技术"))
#: Its own styles, for no page it is put into has others for it; readable on a phone, in the dark and on paper.
_STYLES = """
:root{color-scheme:light dark}
body{font:18px/1.7 "PingFang SC","Hiragino Sans GB","Microsoft YaHei","Noto Sans CJK SC",system-ui,sans-serif;
max-width:1100px;margin:0 auto;padding:16px}
h1{font-size:28px;line-height:1.4}h2{font-size:22px;margin-top:32px}
table{border-collapse:collapse;width:100%;font-size:16px}
th,td{text-align:left;vertical-align:top;padding:8px 12px 8px 0;border-bottom:1px solid #8888}
td:first-child{font-variant-numeric:tabular-nums;white-space:nowrap}ul{list-style:none;margin:0;padding:0}
nav ul{display:flex;flex-wrap:wrap;gap:4px 16px}nav a{display:inline-block;padding:8px 0}
.small{font-size:16px}
@media(max-width:640px){thead{position:absolute;clip-path:inset(50%)}table,tbody{display:block}
tr{display:grid;grid-template-columns:3em 1fr;padding:8px 0;border-bottom:1px solid #8888}
td{border:0;padding:2px 0}td+td{grid-column:2}}
@media print{body{font-size:11pt;max-width:none}nav{display:none}tr{break-inside:avoid}}
""".replace("\n", "")


def write_html(path: Path, edition: Edition, content: ListContent, progress: Progress | None = None) -> None:
    """Write the page as UTF-8 while it is rendered."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(_render_page(edition, content, progress))


def _render_page(edition: Edition, content: ListContent, progress: Progress | None) -> Iterator[str]:
    title, totals = _escape_text(edition.title), content.totals
    yield f'<!DOCTYPE html>\n<html lang="zh-CN">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    yield f"<style>{_STYLES}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
    yield f"<p><strong>截至{format_date(edition.as_of, lang='zh-CN')}，{labels.describe_totals(totals)}</strong></p>\n"
    address = _escape_text(edition.page)
    yield f'<p>{labels.describe_publication(edition)}。核对与下载：<a href="{address}">{address}</a></p>\n'
    yield '<nav aria-label="省份"><ul>\n'
    for place, (name, _, count) in enumerate(totals.provinces):
        yield f'<li><a href="#p{place}">{_escape_text(name or labels.PLACELESS_TITLE)}（{count}家）</a></li>\n'
    yield "</ul></nav>\n"
    number = 0
    for place, (name, institutions) in enumerate(groupby(content.read_list(), key=lambda one: one.province)):
        heading = f"{_escape_text(name or labels.PLACELESS_TITLE)}（{totals.provinces[place][2]}家）"
        yield f'<h2 id="p{place}">{heading}</h2>\n'
        yield f"<table>\n<thead><tr>{_HEAD}</tr></thead>\n<tbody>\n"
        for institution in institutions:
            number += 1
            yield _render_row(number, institution)
            if progress and number % 1000 == 0:
                progress(number)
        yield "</tbody>\n</table>\n"
    yield '<p class="small">列入名录表示获准开展所列技术，不代表推荐，也不说明成功率。</p>\n</body>\n</html>\n'


def _render_row(number: int, institution: EditionInstitution) -> str:
    name, address = _escape_text(institution.name), _escape_text(institution.address)
    lines = (f"{labels.format_technique(line)}，{labels.describe_stage(line.stage)}" for line in institution.lines)
    items = "".join(f"<li>{line}</li>" for line in lines)
    return f"<tr><td>{number}</td><td>{name}</td><td>{address}</td><td><ul>{items}</ul></td></tr>\n"


def _escape_text(text: str) -> str:
    return escape(labels.remove_unprintable(text))
