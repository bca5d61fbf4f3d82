"""QR codes from the workspace to the telephone: proposed, approved, printed, scanned, checked without a network."""

from __future__ import annotations

import io
import json
import shutil
import socket
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from registry.credentials.pictures import read_codes
from tests.desk import Staff
from tests.forming import approved
from tests.running import PATIENCE, Cli, Server, serving

CODE = "7HV2-JKMV"
NAME = "鞍山市妇儿医院（鞍山市妇幼保健院）"


class Place(NamedTuple):
    """A server, the command over its data, and the text of one printed code."""

    server: Server
    cli: Cli
    env: dict[str, str]
    text: str


@pytest.fixture(scope="module")
def place(staffed_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("scanned") / "var"
    shutil.copytree(staffed_dir, folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {"REGISTRY_PUBLIC_URL": f"http://127.0.0.1:{port}"}
    cli = Cli(folder, inside=True)
    with serving(folder, port=port, **env) as server:
        editor = Staff(server, "editor").sign_in()
        page = editor.get(f"/staff/records/{CODE}")
        assert f'href="/staff/qr?code={CODE}"' in page
        answer = editor.send("/staff/qr/issue", f"/staff/qr?code={CODE}", code=CODE)
        assert answer.status_code == 303, answer.text
        number = int(answer.headers["location"].rpartition("/")[2])
        approver = Staff(server, "approver").sign_in()
        assert NAME in approver.get(f"/staff/proposals/{number}")
        approved(approver, number)
        downloads = f"/staff/qr/placards?code={CODE}&region=&paper=a5&languages=both&format="
        png = editor.client.get(downloads + "png")
        (text,) = read_codes(png.content)
        assert editor.client.get(downloads + "pdf").content.startswith(b"%PDF")
        names = zipfile.ZipFile(io.BytesIO(editor.client.get(downloads + "zip").content)).namelist()
        assert names == [f"{CODE}-1/{name}" for name in ("code.svg", "code.png", "a5.pdf")]
        assert editor.client.get(downloads + "exe").status_code == 404
        assert "人员胸牌" in editor.get(f"/staff/qr?code={CODE}") and "人员胸牌" not in editor.get(
            "/staff/qr?region=210000"
        )
        badges = "/staff/qr/placards?code={}&region=210000&paper=badge&languages=zh&format=pdf"
        for code in (CODE, ""):  # nobody is recorded there, and nobody's people are listed by region
            assert editor.client.get(badges.format(code)).status_code == 404
        for one in (editor, approver):
            one.client.close()
        yield Place(server, cli, env, text)


def test_the_lists_are_served_as_the_draft_says(place: Place) -> None:
    with httpx.Client(base_url=place.server.url, timeout=PATIENCE) as client:
        answer = client.get("/status-lists/0", headers={"origin": "https://elsewhere.example"})
        assert answer.headers["content-type"] == "application/statuslist+jwt"
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "max-age=60" in answer.headers["cache-control"]
        index = client.get("/status-lists/index.json").json()
        assert index == {"status_lists": [f"{place.env['REGISTRY_PUBLIC_URL']}/status-lists/0"]}
        assert client.get("/status-lists/bundle.json").json()["lists"].keys() == set(index["status_lists"])
        for missing in ("1", "00", "-1", "x"):
            assert client.get(f"/status-lists/{missing}").status_code == 404
        again = client.get("/status-lists/0", headers={"if-none-match": answer.headers["etag"]})
        assert again.status_code in (200, 304)  # a minute may have passed


def test_the_command_reads_texts_and_pictures_and_says_the_word(place: Place, tmp_path: Path) -> None:
    cli, env = place.cli, place.env
    good = cli("qr", "verify", place.text, **env)
    assert (good.code, NAME in good.out) == (0, True)
    picture = tmp_path / "code.png"
    assert cli("qr", "placards", CODE, "-o", picture, **env).code == 0
    assert cli("qr", "verify", picture, "--json", **env).json["word"] == "genuine"
    bundle = tmp_path / "bundle.json"
    assert cli("qr", "bundle", bundle, **env).code == 0
    assert cli("qr", "verify", picture, "--offline", bundle, "--json").json["word"] == "genuine"
    altered = cli("qr", "verify", place.text[:-3] + "AAA", "--json", **env)
    assert (altered.code, altered.json["word"]) == (1, "altered")
    (tmp_path / "empty.png").write_bytes(b"")
    assert cli("qr", "verify", tmp_path / "empty.png").code == 1
    assert [row["code"] if "code" in row else row["institution"] for row in cli("qr", "list", "--json").json] == [CODE]
    assert cli("qr", "placards", "--all", "-o", tmp_path / "all.pdf", "--paper", "sticker", **env).code == 0
    assert cli("qr", "issue", "--by", "editor").code == 2
    withdrawal = cli("qr", "withdraw", CODE, "--reason", "示例：标牌遗失", "--by", "editor", "--json")
    assert withdrawal.json["count"] == 1
    assert cli("reject", withdrawal.json["proposal"], "--by", "approver", "--reason", "示例").code == 0


def open_at(browser: Browser, width: int) -> Page:
    context = browser.new_context(viewport={"width": width, "height": 800})
    return context.new_page()


def test_the_landing_page_says_whether_the_code_agrees_with_it(place: Place, browser: Browser, tmp_path: Path) -> None:
    page = open_at(browser, 390)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(place.text)
    expect(page.locator("#scan [data-word=genuine]")).to_be_visible()
    page.screenshot(path=tmp_path / "landing-390.png", full_page=True)
    page.goto("about:blank")
    page.goto(place.text[:-3] + "AAA")
    expect(page.locator("#scan [data-word=altered]")).to_be_visible()
    page.goto("about:blank")
    page.goto(place.text.partition("#")[0])
    expect(page.locator("h1")).to_have_text(NAME)
    assert page.locator("#scan").is_hidden()
    token = place.text.partition("#")[2]
    assert not any(token in url.partition("#")[0] for url in asked)
    page.context.close()


@pytest.mark.parametrize("has_detector", [False, True])
def test_the_offline_page_works_without_a_network_after_one_visit(
    place: Place, browser: Browser, tmp_path: Path, has_detector: bool
) -> None:
    picture = tmp_path / "code.png"
    assert place.cli("qr", "placards", CODE, "-o", picture, **place.env).code == 0
    page = open_at(browser, 1280)
    if has_detector:  # as on a telephone; the browser of the tests has none
        page.add_init_script(
            "window.BarcodeDetector = class {"
            ' static getSupportedFormats() { return Promise.resolve(["qr_code"]); }'
            f" detect() {{ return Promise.resolve([{{ rawValue: {json.dumps(place.text)} }}]); }} }};"
        )
    page.goto(f"{place.env['REGISTRY_PUBLIC_URL']}/verify-offline")
    expect(page.locator("[data-part=ready]")).to_be_visible()
    page.context.set_offline(True)
    page.reload()
    expect(page.locator("[data-part=age]")).to_be_visible()
    page.set_input_files("#scan-picture", picture)
    expect(page.locator("#offline [data-word=genuine]")).to_be_visible()
    expect(page.locator("[data-part=token]")).to_contain_text(NAME)
    page.screenshot(path=tmp_path / "offline-1280.png", full_page=True)
    page.fill("#scan-text", place.text[:-3] + "AAA")
    page.click("[data-part=check]")
    expect(page.locator("#offline [data-word=altered]")).to_be_visible()
    assert page.locator("#offline [data-word=genuine]").is_hidden()
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=tmp_path / "offline-390.png", full_page=True)
    page.context.close()


def test_a_printed_page_is_read_as_it_is(place: Place, tmp_path: Path) -> None:
    svg = tmp_path / "code.svg"
    assert place.cli("qr", "placards", CODE, "-o", svg, "--short", "--module", "0.8", **place.env).code == 0
    assert 'width="' in svg.read_text() and "mm" in svg.read_text()
    small = tmp_path / "small.png"
    assert place.cli("qr", "placards", CODE, "-o", small, "--short", "--pixels", 41, **place.env).code == 0
    (text,) = read_codes(small.read_bytes())
    assert text.endswith(f"/q/{CODE}")


def test_a_mirror_serves_the_lists_of_its_register(place: Place, tmp_path: Path) -> None:
    folder = tmp_path / "mirror"
    assert place.cli("mirror", place.server.url, folder).code == 0
    bundle = json.loads((folder / "credentials.json").read_text())
    assert bundle["address"] == place.env["REGISTRY_PUBLIC_URL"]
    mirror = Cli(folder, inside=True)
    answer = mirror("qr", "verify", place.text, "--json")
    assert (answer.code, answer.json["word"]) == (0, "genuine")
    assert mirror("qr", "bundle", tmp_path / "bundle.json").code == 0
    assert json.loads((tmp_path / "bundle.json").read_text()) == bundle
    assert mirror("qr", "placards", CODE, "-o", tmp_path / "code.png").code == 1  # it has no key
