"""The workspace and a paper in a language in which every text of the catalogue stands in brackets: nothing stands
outside."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pypdf import PdfReader

from tests.desk import Staff
from tests.factories import ROOT, a_list
from tests.journeys.test_pages_staff import NAME, PAGES
from tests.pseudo_texts import find_untranslated, read_page
from tests.running import PASSWORD, Cli, Server

Arrive = Callable[..., Staff]
#: Forms and steps that a person comes to without having begun anything.
FORMS = (
    "/staff/forms/institution",
    "/staff/forms/practitioner?institution={code}",
    "/staff/forms/ad_certificate?institution={code}",
    "/staff/forms/sanction?institution={code}",
    "/staff/imports",
    "/staff/imports/new",
    "/staff/imports/new?kind=practitioners",
    "/staff/imports/new?kind=ad_certificates",
    "/staff/editions",
    "/staff/editions/new",
)
#: Names of accounts, and the shell's commands.
DATA = re.compile(r"\b(?:editor|approver|admin|new|nobody|publisher|system[.:-][a-z]+)\b|\bregistry [a-z-]+\b")


@pytest.fixture
def running(staffed: Cli, start: Callable[..., Server], tmp_path: Path) -> Iterator[Server]:
    """A seeded register in brackets, in which a proposal waits and something is suspended."""
    for name, role in (("admin", "administrator"), ("new", "auditor"), ("publisher", "publisher")):
        staffed.ok("user", "add", name, "--role", role, input=PASSWORD)
    path = a_list(tmp_path / "new.csv", [{"name": NAME, "address": "辽宁省沈阳市和平区示例路9号"}])
    staffed.ok("import", path, "--as-of", "2025-09-30", "--by", "editor")
    code = staffed.ok("search", "鞍山市妇儿医院", "--json").json["items"][0]["institution"]["code"]
    staffed.ok("suspend", code, "--technique", "IVF", "--reason", "示例", "--by", "editor")
    yield start(staffed.data_dir, PYTHONPATH=f"{ROOT / 'tests' / 'pseudo_site'}:{ROOT}")


def test_every_text_of_the_workspace_and_of_a_paper_comes_from_the_catalogue(running: Server, arrive: Arrive) -> None:
    people = {"nobody": arrive(running, "nobody"), "new": arrive(running, "new"), "half": arrive(running, "admin")}
    people |= {name: arrive(running, name).sign_in() for name in ("admin", "approver", "editor")}
    for name in ("new", "half"):
        assert people[name].show_password().status_code == 303
    code = running.api("/institutions", q="鞍山市妇儿医院")["items"][0]["code"]
    pages = [(who, path, status) for who, path, status in PAGES] + [("editor", path, 200) for path in FORMS]
    untranslated: list[str] = []
    for who, form, status in pages:
        path = form.format(code=code)
        answer = people[who].client.get(path + ("&" if "?" in path else "?") + "lang=en")
        assert answer.status_code in (status, 403), f"{who} {path} -> {answer.status_code}"
        # A row of the trail is printed as it is stored: the words of a record, not of a page.
        page = re.sub("(?s)<td.*?</td>", " ", answer.text) if path.startswith("/staff/trail") else answer.text
        shown = DATA.sub(" ", read_page(page))
        assert "【" in shown, path
        untranslated += [f"{who} {path}: {words}" for words in find_untranslated(shown)]
    untranslated += [f"paper: {words}" for words in find_untranslated(read_paper(running))]
    assert untranslated == [], "\n".join(untranslated)


def read_paper(running: Server) -> str:
    """What a person reads of the paper about a receipt: without its text for machines, addresses and record values."""
    claim = {"provider": {"name": "鞍山市妇儿医院"}, "techniques": ["IVF"], "on": "2025-07-01", "text": "包生男孩"}
    receipt = running.verify(**claim, receipt=True)["receipt"]
    answer = running.client.post("/receipt.pdf", data={"receipt": receipt}, params={"lang": "en"})
    assert answer.status_code == 200
    shown = PdfReader(io.BytesIO(answer.content)).pages[0].extract_text()
    assert "【" in shown
    return re.sub(r"\S{40,}|\S+/(?:receipt|log)\b", " ", shown.replace("\n", " "))
