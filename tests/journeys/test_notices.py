"""Notices and letters over a real server: told in spite of kills, by API and pages, in a real browser."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from pypdf import PdfReader

from registry.accounts.vault import Vault
from registry.log import signing_keys
from registry.settings import Settings
from registry.storage.database import Database
from tests.desk import Staff
from tests.factories import DAY, a_change, a_register, a_source, an_institution, code_of, enter
from tests.receivers import Receiver, is_signed, serving_receiver
from tests.running import PASSWORD, PATIENCE, Cli, Server, eventually, serving, workers_of

IT = an_institution("鞍山市示例医院")
CODE = code_of(IT)
SUBSCRIPTIONS = "/api/v1/subscriptions"


class Office(NamedTuple):
    """A server, the command over its data, a client's key, and a receiver."""

    server: Server
    cli: Cli
    key: dict[str, str]
    receiver: Receiver

    def send(self, method: str, path: str, status: int = 200, **body: Any) -> Any:
        answer = self.server.client.request(method, f"{SUBSCRIPTIONS}{path}", headers=self.key, **body)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def change(self, number: int) -> int:
        """Enter a change as another process would; its number."""
        database = Database(Settings(data_dir=self.cli.data_dir).get_database_url())
        _, last = enter(database, a_change(IT, DAY, {"level": f"{number}级"}, reason="核对"))
        database.close()
        return last


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("notices") / "var"
    folder.mkdir(mode=0o700)
    signing_keys.create_key_file(folder / "signing.key")
    Vault(folder / "secrets.key").create_file()
    a_register(folder, a_source(), IT).close()
    cli = Cli(folder, inside=True)
    cli.ok("init")
    cli.ok("user", "add", "auditor", "--role", "auditor", input=PASSWORD)
    key = cli.ok("key", "add", "示例市监管局", "--scope", "watch", "--json").json["key"]
    env = {"REGISTRY_NOTICES_PRIVATE": "1", "REGISTRY_NOTICES_RETRY": "1"}
    with serving_receiver() as receiver, serving(folder, workers=2, **env) as server:
        yield Office(server, cli, {"Authorization": f"Bearer {key}"}, receiver)


def test_nothing_is_lost_when_every_process_is_killed(office: Office) -> None:
    receiver = office.receiver
    told = {"channel": "hook", "address": receiver.url, "choice": {"institutions": [CODE]}}
    added = office.send("POST", "", json=told)
    path = f"/{added['subscription']}"
    receiver.answers = [503]
    numbers = []
    for n in range(3):
        receiver.answers.append(0)  # no answer: it hangs until it is killed
        numbers.append(office.change(n))
        seen = len(receiver.got)
        assert eventually(lambda seen=seen: len(receiver.got) > seen and receiver.got[-1].status == 0)
        for worker in workers_of(office.server.process.pid):
            os.kill(worker, signal.SIGKILL)
        receiver.release.set()
        receiver.release = threading.Event()
        numbers.append(office.change(10 + n))
    assert eventually(lambda: set(numbers) <= set(receiver.numbers_told()))
    assert receiver.numbers_told() == numbers
    assert all(is_signed(got, added["secret"]) for got in receiver.got)
    by_number = {got.number: got.body for got in receiver.got}
    assert all(by_number[got.number] == got.body for got in receiver.got)
    assert eventually(lambda: office.send("GET", path)["delivered"] == numbers[-1])
    shown = office.send("GET", path)
    assert (shown["pending"], shown["attempts"], shown["last_error"], shown["secret"]) == (0, 0, "", None)
    office.send("DELETE", path, 204)
    office.send("GET", path, 404)


def test_a_client_pauses_resumes_and_has_it_told_once_more(office: Office) -> None:
    office.receiver.got.clear()
    told = {"channel": "hook", "address": office.receiver.url, "choice": {"kinds": ["institution"]}}
    path = f"/{office.send('POST', '', json=told)['subscription']}"
    assert office.send("POST", f"{path}/pause")["state"] == "paused"
    number = office.change(20)
    assert office.send("POST", f"{path}/resume")["state"] == "active"
    assert eventually(lambda: office.send("GET", path)["delivered"] == number)
    office.send("POST", f"{path}/replay", json={"after": number - 1})
    assert eventually(lambda: len(office.receiver.got) == 2)
    first, second = office.receiver.got
    assert first.data["entries"] == second.data["entries"] and first.number != second.number
    assert 'registry_notices{state="active"}' in office.server.metrics()
    assert "示例市监管局" not in office.server.metrics()
    office.send("POST", f"{path}/replay", 400, json={"after": 10_000})
    office.send("DELETE", path, 204)
    assert office.send("GET", "")["items"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"channel": "hook", "address": "ftp://x.example", "choice": {"kinds": ["institution"]}},
        {"channel": "mail", "address": "a@mail.example", "choice": {"kinds": ["institution"]}},
        {"channel": "atom", "choice": {}},
        {"channel": "atom", "choice": {"kinds": ["nothing"]}},
        {"channel": "fax", "choice": {"kinds": ["institution"]}},
    ],
)
def test_what_cannot_be_subscribed_to_is_400(office: Office, wrong: dict[str, Any]) -> None:
    office.send("POST", "", 400, json=wrong)


def test_a_feed_is_read_without_a_key_and_ended_by_its_address(office: Office) -> None:
    added = office.send("POST", "", json={"channel": "atom", "choice": {"regions": ["210300"]}})
    number = office.change(30)
    name = added["feed"].split("/")[-2]
    client = office.server.client
    feed = f"/notices/{name}/feed.atom"
    assert eventually(lambda: f"/entry-{number}<" in client.get(feed).text)
    answer = client.get(feed)
    assert answer.headers["content-type"].startswith("application/atom+xml")
    assert answer.headers["x-robots-tag"] == "noindex" and "private" in answer.headers["cache-control"]
    assert client.get(f"/notices/{name[:-1]}0x/feed.atom").status_code == 404
    assert "<form" in client.get(f"/notices/{name}/end").text
    assert client.get(feed).status_code == 200  # looking changes nothing
    assert client.post(f"/notices/{name}/end", data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert client.get(feed).status_code == 404


# --- in a browser ----------------------------------------------------------------------------------------------------


def open_as(office: Office, browser: Browser, path: str, width: int) -> Page:
    """A page as the auditor sees it."""
    person = Staff(office.server, "auditor", agent="Desk/1").sign_in()
    context = browser.new_context(viewport={"width": width, "height": 900}, user_agent="Desk/1", accept_downloads=True)
    context.add_cookies(
        [{"name": name, "value": value, "url": office.server.url} for name, value in person.client.cookies.items()]
    )
    person.client.close()
    page = context.new_page()
    page.goto(f"{office.server.url}{path}")
    return page


def require_width(page: Page, folder: Path, name: str) -> None:
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.screenshot(path=folder / f"{name}-{width}.png", full_page=True)


def test_staff_subscribe_and_give_a_letter(office: Office, browser: Browser, tmp_path: Path) -> None:
    folder = Path(os.environ.get("REGISTRY_TESTS_PICTURES", tmp_path))
    page = open_as(office, browser, "/staff", 1280)
    page.click("text=变更通知")
    page.select_option("#channel", "hook")
    page.fill("#address", office.receiver.url)
    page.click("main form button:has-text('订阅')")
    expect(page.locator(".error-summary")).to_be_visible()
    assert page.input_value("#address") == office.receiver.url
    page.fill("#regions", "鞍山市")
    page.check("input[name=kind][value=institution]")
    page.click("main form[action='/staff/notices'] button")
    secret = page.locator(".notice-warning .code").inner_text()
    assert secret.startswith("whsec_")
    number = office.change(40)
    assert eventually(lambda: number in office.receiver.numbers_told())
    require_width(page, folder, "notices")
    page.goto(f"{office.server.url}/staff/notices")
    expect(page.locator(".notice-one")).to_contain_text(f"第{number}条")
    assert secret not in page.content()
    page.click(".notice-one button[value=pause]")
    expect(page.locator(".notice-one .tag")).to_have_text("已暂停")

    page.goto(f"{office.server.url}/staff/letters")
    page.fill("#about", CODE)
    page.click("main form button")
    expect(page.locator(".error-summary")).to_be_visible()
    assert page.input_value("#about") == CODE
    page.fill("#on", "2025-07-01")
    page.fill("#authority", "示例市公安局")
    page.fill("#reference", "示例〔2026〕1号")
    with page.expect_download() as download:
        page.click("main form button")
    letter = tmp_path / download.value.suggested_filename
    download.value.save_as(letter)
    assert "鞍山市示例医院" in "".join(one.extract_text() for one in PdfReader(letter).pages)
    page.goto(f"{office.server.url}/staff/letters")
    expect(page.locator("table.records")).to_contain_text(letter.stem)
    require_width(page, folder, "letters")
    page.context.close()
    online = office.cli.ok("receipt", letter, "--keys", office.server.url)
    assert "真实" in online.out and "今天仍然成立" in online.out
    letter.write_bytes(letter.read_bytes().replace(b"/Type /Page", b"/Type /Pagf", 1))
    assert office.cli("receipt", letter, "--keys", office.server.url, "--json").json["reason"] == "altered"


def test_the_command_gives_letters_to_those_who_may(office: Office, tmp_path: Path) -> None:
    ran = office.cli.ok("letter", CODE, "--on", "2025-07-01", "--out", tmp_path, "--by", "auditor", "--json").json
    assert ran["verdicts"] == ["licensed"]
    for file in ran["files"]:
        said = office.cli.ok("receipt", file, "--json").json
        assert (said["genuine"], said["letter"]["number"]) == (True, ran["number"])
    assert "不能出具" in office.cli.refused("letter", CODE, "--on", "2025-07-01", "--out", tmp_path, "--by", "gone.a")
    unnamed = office.cli.ok("letter", CODE, "--on", "2025-07-01", "--out", tmp_path, "--json").json
    assert [Path(path).name for path in unnamed["files"]] == [f"{unnamed['number']}.pdf", f"{unnamed['number']}.json"]
    with sqlite3.connect(office.cli.data_dir / "register.sqlite") as file:
        givers = [row[0] for row in file.execute("SELECT account FROM letters ORDER BY id DESC LIMIT 2")]
    assert givers == ["system.shell", "auditor"]  # whoever has the shell and says no name
    assert office.server.client.get("/healthz", timeout=PATIENCE).status_code == httpx.codes.OK
