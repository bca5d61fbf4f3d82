"""What a register shows of a field and a technique that were added to its tables: run in a changed copy of the source.

    python -m tests.new_rows DATA_DIR

prints one JSON document; ``tests/rules/test_one_table.py`` makes the copy and reads it.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import openpyxl
from litestar.testing import TestClient

from registry.editions import text_formats
from registry.editions.content import ListContent
from registry.importers.people.columns import make_template
from registry.records.asof import make_as_of
from registry.server.app import build_app
from registry.settings import Settings
from registry.staff.i18n import StaffLanguage
from registry.storage.database import Database
from tests.desk import Staff
from tests.forming import drafted
from tests.running import Cli, Server

NAME, OTHER = "鞍山市示例医院", "大连市示例医院"
ROWS = (
    ("医疗机构名称", "地址", "批准开展的技术", "运行情况", "ICP备案号"),
    (NAME, "辽宁省鞍山市铁西区示例路1号", "未成熟卵体外成熟培养技术", "正式运行", "辽ICP备00000000号"),
    (OTHER, "辽宁省大连市中山区示例路2号", "夫精人工授精", "正式运行", ""),
)


def main(data_dir: Path) -> None:
    """Import the list, approve it, and print what every door shows."""
    cli = Cli(data_dir, inside=True)
    cli.ok("init")
    cli.staff()
    file = data_dir / "list.csv"
    with file.open("w", encoding="utf-8-sig", newline="") as out:
        csv.writer(out).writerows(ROWS)
    options = ("--as-of", "2025-06-30", "--source", "示例名单", "--scope", "210000", "--json")
    proposal = cli.ok("import", file, *options, "--by", "editor").json["proposal"]
    cli.ok("approve", proposal, "--by", "approver")
    with TestClient(build_app(Settings(data_dir=data_dir, anonymous_limit=0)), base_url="http://127.0.0.1") as client:
        client.follow_redirects = False
        shown = _ask_public_doors(client) | _ask_staff(client)
    print(json.dumps(shown | _read_edition(data_dir) | {"template": _read_template()}, ensure_ascii=False))


def _ask_public_doors(client: TestClient[Any]) -> dict[str, Any]:
    def ask(path: str, **query: str) -> Any:
        answer = client.get(f"/api/v1{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    code = _find_code(client)
    extension = json.dumps({"ids": [code], "properties": [{"id": "website_icp"}]})
    return {
        "institution": ask(f"/institutions/{code}"),
        "page": client.get(f"/i/{code}").text,
        "english": client.get(f"/i/{code}", params={"lang": "en"}).text,
        "property": client.get("/reconcile", params={"extend": extension}).json()["rows"][code]["website_icp"],
        "searched": client.get("/search", params={"q": "鞍山 体外成熟"}).text,
        "verdict": ask("/verify", name=NAME, technique="体外成熟")["verdict"],
        "other_verdict": ask("/verify", name=OTHER, technique="IVM")["verdict"],
        "stats": ask("/stats"),
        "document": ask("/openapi.json")["components"]["schemas"]["Approval"],
    }


def _find_code(client: TestClient[Any]) -> str:
    (found,) = client.get("/api/v1/institutions", params={"technique": "IVM"}).json()["items"]
    return str(found["code"])


def _ask_staff(client: TestClient[Any]) -> dict[str, Any]:
    editor = Staff(cast(Server, SimpleNamespace(url="http://127.0.0.1")), "editor")
    editor.client = cast(Any, client)
    editor.sign_in()
    subject = "institution:" + _find_code(client).replace("-", "")
    return {
        "form": editor.get(f"/staff/forms/institution?subject={subject}&step=more"),
        "check": editor.get(f"{_change_by_form(editor, subject)}/check"),
        "use": str(StaffLanguage().get_use_label("website_icp")),
        "difference": str(StaffLanguage("en").get_listed_field_label("website_icp")),
        "new_form": "".join(editor.get(f"/staff/forms/institution?step={step}") for step in ("approvals", "more")),
        "approval_form": editor.get(f"/staff/forms/approval?subject={subject}&technique=AIH"),
    }


def _change_by_form(editor: Staff, subject: str) -> str:
    page = f"/staff/forms/institution?subject={subject}"
    return drafted(editor, page, effective="2025-11-01", website_icp="辽ICP备11111111号")


def _read_edition(data_dir: Path) -> dict[str, Any]:
    database = Database(Settings(data_dir=data_dir).get_database_url())
    with database.reading() as connection:
        asof = make_as_of(connection)
    with ListContent(database, asof, "national") as content:
        headings = text_formats.list_headings(content)
        rows = [dict(zip(headings, row, strict=True)) for row in text_formats.make_rows(content)]
    database.close()
    return {"edition": next(row for row in rows if row["医疗机构名称"] == NAME)}


def _read_template() -> list[str]:
    sheet = openpyxl.load_workbook(io.BytesIO(make_template("practitioners"))).worksheets[0]
    return [str(cell.value) for cell in sheet[1]]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
