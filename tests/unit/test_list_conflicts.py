"""A list never outranks a decision: what it would undo stays, and is put before a person with both documents."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from registry.domain.model import Draft
from registry.importers.wizard.list_import import ImportOutcome, ImportRequest, import_list
from registry.storage.database import Database
from tests.factories import DAY, a_change, a_database, a_list, a_source, a_view, an_institution, approve, ask, enter

HOSPITAL = {"name": "鞍山市示例医院", "address": "辽宁省鞍山市铁西区示例路1号"}
FIRST = DAY.replace(year=2024)
REVOKED = dt.date(2026, 3, 1)
NEXT = dt.date(2026, 6, 30)
NOW = dt.date(2026, 11, 1)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = a_database(tmp_path)
    yield database
    database.close()


def a_document(identifier: str = "doc-1", as_of: dt.date = REVOKED, title: str = "示例撤销决定") -> Draft:
    """A document as the forms record one: of one institution, complete nowhere."""
    return a_source(identifier, as_of, "partial", title=title, origin="示卫医〔2026〕3号", covers=["IVF"])


def decide(database: Database, on: dt.date = REVOKED, as_of: dt.date = REVOKED, **values: Any) -> None:
    """A decision of its own about the hospital, with its document."""
    about = an_institution(HOSPITAL["name"], HOSPITAL["address"])
    stated = {path.replace("_", ".", 1) if path.startswith("approvals") else path: v for path, v in values.items()}
    enter(database, a_document(as_of=as_of), a_change(about, on, stated, "doc-1"))


def known(database: Database) -> None:
    enter(database, a_source(as_of=FIRST), an_institution(HOSPITAL["name"], HOSPITAL["address"], on=FIRST))


def bring(
    database: Database, row: dict[str, Any], on: dt.date = NEXT, scope: str = "national", **told: Any
) -> ImportOutcome:
    """Import a list of one row, and have it approved."""
    path = a_list(Path(str(database.url.database)).with_name(f"list-{on}.csv"), [row] if row else [])
    request = ImportRequest(path=path, as_of=on, scope=scope, title=f"示例名单{on}", **told)
    outcome = import_list(database, request, by="editor.a")
    approve(database, outcome.proposal or 0)
    return outcome


def verdict(database: Database, technique: str = "IVF", on: dt.date = NOW) -> str:
    return str(ask(a_view(database), HOSPITAL["name"], technique, on=on).verdict)


REVOCATION = {"stage": "revoked", "document_no": "示卫医〔2026〕3号", "authority": "示例卫生健康委"}


def test_a_list_after_a_revocation_leaves_it_and_says_so(database: Database) -> None:
    known(database)
    decide(database, approvals_IVF=REVOCATION)
    assert verdict(database) == "revoked"
    bring(database, {**HOSPITAL, "techniques": "IVF"})
    assert verdict(database) == "revoked"


def test_a_list_of_2025_leaves_a_revocation_of_2026_that_goes_back_before_it(database: Database) -> None:
    known(database)
    decide(database, on=dt.date(2025, 1, 1), as_of=REVOKED, approvals_IVF=REVOCATION)
    bring(database, {**HOSPITAL, "techniques": "IVF"}, DAY)
    assert verdict(database) == "revoked"
