"""The site of files: of one checkpoint, whole without a server, with nobody's name, replaced only as a whole."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import urldefrag

import pytest

from public_site import static_site
from public_site.static_search import fold_key
from registry.domain.techniques import TECHNIQUES
from registry.errors import Conflict
from registry.log import signing_keys
from registry.register import Register
from registry.settings import Settings
from registry.web.page_templates import STATIC
from tests.demo_pages import open_demo_register

PEOPLE = ("示例甲", "示例乙", "示例丙")


@pytest.fixture(scope="module")
def register(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Register]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("static"), public_url="https://register.example/")
    with open_demo_register(settings) as opened:
        signing_keys.create_key_file(settings.get_key_file())
        opened.log.publish(opened.database)
        yield opened


@pytest.fixture(scope="module")
def folder(register: Register, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("files") / "site"
    static_site.export_site(register, target, lambda _phase, _done: None)
    return target


def list_pages(folder: Path) -> list[Path]:
    return sorted(folder.rglob("index.html"))


def test_every_link_leads_to_a_file_or_to_the_live_site(folder: Path) -> None:
    pages = list_pages(folder)
    assert len(pages) > 30
    for page in pages:
        for link in re.findall(r' (?:href|src|action)="([^"]*)"', page.read_text("utf-8")):
            target = urldefrag(unescape(link))[0].partition("?")[0]
            if target and not target.startswith(("https://register.example/", "tel:")):
                assert not target.startswith("/") and (page.parent / target).is_file(), f"{page}: {link}"


def test_every_page_says_of_which_checkpoint_it_is(folder: Path, register: Register) -> None:
    log = register.find_public_log()
    assert log is not None
    facts = json.loads((folder / "static-edition.json").read_text("utf-8"))
    assert (facts["size"], facts["root"]) == (log.size, log.root)
    for page in list_pages(folder):
        text = page.read_text("utf-8")
        assert log.root[:16] in text and "static-search" in text, page
        assert ("Static edition" in text) == ("/en/" in page.as_posix()), page


def test_no_person_and_nothing_of_a_server_is_in_it(folder: Path) -> None:
    everything = "".join(page.read_text("utf-8") for page in list_pages(folder))
    assert not any(name in everything for name in PEOPLE)
    assert "data-suggest" not in everything and 'method="post"' not in everything and "manifest" not in everything


def test_the_log_is_in_it_byte_for_byte(folder: Path, register: Register) -> None:
    published = register.log.folder.path
    names = {path.relative_to(published) for path in published.rglob("*") if path.is_file() and path.name != ".lock"}
    assert names and all((folder / "log" / name).read_bytes() == (published / name).read_bytes() for name in names)


def test_what_checks_codes_is_in_it(folder: Path, register: Register) -> None:
    bundle = json.loads((folder / "status-lists" / "bundle.json").read_text("utf-8"))
    assert bundle["lists"] == {"https://register.example/status-lists/0": (folder / "status-lists" / "0").read_text()}
    assert json.loads((folder / ".well-known" / "jwks.json").read_text("utf-8")) == bundle["keys"]
    page = (folder / "verify-offline" / "index.html").read_text("utf-8")
    assert json.loads(page.split('id="bundle">')[1].split("</script>")[0]) == bundle and "data-worker" not in page


def test_badges_and_the_entries_that_pages_name_are_in_it_with_their_proofs(folder: Path, register: Register) -> None:
    asof = register.make_as_of_now()
    code = next(one for one in register.list_codes(asof) if register.get_institution(one, asof).standing == "approved")
    assert "已获批准" in (folder / "badge" / f"{code}.svg").read_text("utf-8")
    assert "Approved" in (folder / "en" / "badge" / f"{code}.svg").read_text("utf-8")
    page = (folder / "i" / code / "index.html").read_text("utf-8")
    number = re.findall(r'href="../../log/entry/(\d+)/index.html"', page)[0]
    entry = (folder / "log" / "entry" / number / "index.html").read_text("utf-8")
    assert f'href="../../../i/{code}/index.html"' in entry and f'href="../../../log/proof/{number}.tlog-proof"' in entry
    assert (folder / "log" / "proof" / f"{number}.tlog-proof").read_text().startswith("c2sp.org/tlog-proof@v1")


def test_the_list_is_found_by_what_the_script_looks_for(folder: Path) -> None:
    text = (folder / "search" / "index.html").read_text("utf-8")
    keys = re.findall(r'data-key="([^"]*)"', text)
    assert any("示例市示例妇幼保健院" in unescape(key) for key in keys)
    assert all(key == "|".join(map(fold_key, key.split("|"))) for key in map(unescape, keys))
    words = dict(pair.split("=") for pair in re.findall(r'data-words="([^"]*)"', text)[0].split("|"))
    assert set(words.values()) <= {technique.code for technique in TECHNIQUES} and words["三代试管"] == "PGT"
    assert (words["试管婴儿"], words["人工授精"]) == ("IVF", "AIH")
    dropped = re.search(r"replace\(/(\[.*?\])/g", (STATIC / "static-search.js").read_text("utf-8"))
    assert dropped is not None and re.sub(dropped[1], "", "示例 (医院)，1-2。") == "示例医院12"
    assert len(gzip.compress(text.encode())) < 150_000


def test_only_a_folder_of_its_own_is_replaced(folder: Path, register: Register, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(Conflict):
        static_site.export_site(register, tmp_path, lambda _phase, _done: None)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    (folder / "stray.html").write_text("x")
    static_site.export_site(register, folder, lambda _phase, _done: None)
    assert not (folder / "stray.html").exists() and (folder / "index.html").is_file()
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
